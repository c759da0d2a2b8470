"""The layer's mean weight takes the place of a removed one."""

import numpy as np
from torch import Tensor

LABEL = "set to the layer's mean"


def substitute(weights: Tensor, _random: np.random.Generator, _noise: float | None) -> float:
    """The mean, summed in double precision."""
    return float(weights.double().mean())
