"""Control: scores at random, the same on every device."""

import numpy as np
import torch
from torch import Tensor

LABEL = "control: random"
NEEDS_IMAGES = False


def score(weight: Tensor, seed: int) -> Tensor:
    """Uniform in [0, 1], float32."""
    drawn = np.random.Generator(np.random.PCG64(seed)).random(weight.numel())
    return torch.from_numpy(drawn).float().view(weight.shape).to(weight.device)
