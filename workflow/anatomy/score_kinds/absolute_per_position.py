"""The size of a weight's contribution at each position of each image."""

from torch import Tensor

from anatomy.gradients import LayerGradients

LABEL = "absolute, per position"


def score(gradients: LayerGradients) -> Tensor:
    """Mean over images of the sum over positions of |w * x * g|."""
    return gradients.mean_absolute_per_position().mul_(gradients.weight).abs_()
