"""The linear estimate of a weight's contribution, as Andrade & Konkle word it."""

from torch import Tensor

from anatomy.gradients import LayerGradients

LABEL = "signed"


def score(gradients: LayerGradients) -> Tensor:
    """Mean over images of w * dz/dw."""
    return gradients.mean().mul_(gradients.weight)
