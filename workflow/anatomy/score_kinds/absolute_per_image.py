"""The size of a weight's contribution in each image.

SNIP (Lee, Ajanthan & Torr 2019) image by image, as Hamblin, Konkle & Alvarez (2022) use it.
"""

from torch import Tensor

from anatomy.gradients import LayerGradients

LABEL = "absolute, per image"


def score(gradients: LayerGradients) -> Tensor:
    """Mean over images of |w * dz/dw|."""
    return gradients.mean_absolute().mul_(gradients.weight).abs_()
