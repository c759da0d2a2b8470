"""What a kind of weight scores sees of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class LayerGradients(Protocol):
    """Gradients of the weights of a layer, or of some of them.

    Attributes
    ----------
    weight : the weights, without a gradient of their own; all that is returned has their shape, and is new
    """

    weight: Tensor

    def mean(self) -> Tensor:
        """dz/dw, averaged over images."""

    def mean_absolute(self) -> Tensor:
        """|dz/dw|, averaged over images."""

    def mean_absolute_per_position(self) -> Tensor:
        """The sum over positions of |x g|, averaged over images."""

    def mean_of(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """A function of dz/dw of each image, averaged over images; it may change what it is given."""
