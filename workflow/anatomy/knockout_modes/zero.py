"""Nothing takes the place of a removed weight (Cheney, Schrimpf & Kreiman 2017)."""

import numpy as np
from torch import Tensor

LABEL = "set to zero"
SILENCES = True


def substitute(_weights: Tensor, _random: np.random.Generator, _noise: float | None) -> float:
    """Zero."""
    return 0.0
