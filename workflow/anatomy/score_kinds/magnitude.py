"""Control: the size of each weight, the same for every category."""

from torch import Tensor

LABEL = "control: magnitude of the weight"
NEEDS_IMAGES = False


def score(weight: Tensor, _seed: int) -> Tensor:
    """|w|."""
    return weight.abs()
