"""A removed weight stays, plus noise relative to the layer's spread, as TMS adds noise to what a region computes."""

import numpy as np
import torch
from torch import Tensor

LABEL = "given noise"
READS_NOISE = True


def substitute(weights: Tensor, random: np.random.Generator, noise: float) -> Tensor:
    """Each weight plus Gaussian noise of `noise` times the layer's standard deviation."""
    spread = noise * float(weights.double().std(correction=0))
    added = random.standard_normal(tuple(weights.shape), dtype=np.float32)
    return weights + spread * torch.from_numpy(added).to(weights)
