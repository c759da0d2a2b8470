"""Kinds of weight scores, one file each: how much a weight matters to the logit of one output unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from anatomy.alternatives import Alternatives
from anatomy.gradients import LayerGradients

if TYPE_CHECKING:
    from torch import Tensor

# A constant that a file sets to False where its scores are made from the weights alone.
NEEDS_IMAGES = "NEEDS_IMAGES"


class ScoreOfImages(Protocol):
    """What a file of this folder holds whose scores depend on images.

    Attributes
    ----------
    LABEL : name for people
    """

    LABEL: str

    def score(self, gradients: LayerGradients) -> Tensor:
        """Score of each weight, in the shape of `gradients.weight`, element by element.

        Never from several weights together: of a layer some weights alone may be asked for.
        """


class ScoreOfWeights(Protocol):
    """What a file of this folder holds whose scores need the weights alone.

    Attributes
    ----------
    LABEL : name for people
    NEEDS_IMAGES : False
    """

    LABEL: str
    NEEDS_IMAGES: bool

    def score(self, weight: Tensor, seed: int) -> Tensor:
        """Score of each weight of a layer, in its shape; the seed differs with category and layer."""


KINDS = Alternatives[ScoreOfImages | ScoreOfWeights](__name__)


def needs_images(kind: str) -> bool:
    """Whether scores of a kind depend on images."""
    return KINDS.constant(kind, NEEDS_IMAGES, True)
