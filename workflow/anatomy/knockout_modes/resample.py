"""Another weight of the layer takes the place of a removed one."""

import numpy as np
import torch
from torch import Tensor

LABEL = "drawn anew from the layer"


def substitute(weights: Tensor, random: np.random.Generator, _noise: float | None) -> Tensor:
    """For each weight one of the layer's, drawn with replacement."""
    drawn = torch.from_numpy(random.integers(weights.numel(), size=weights.numel()))
    return weights.reshape(-1)[drawn.to(weights.device)].reshape(weights.shape)
