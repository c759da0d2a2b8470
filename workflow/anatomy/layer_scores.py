"""Scores of a layer's weights, in the form in which they are kept, and made comparable between layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from anatomy.errors import InputError
from anatomy.gradients import LayerGradients
from anatomy.layer_gradients import FactoredGradients

Normalisation = Literal["minmax", "l1", "none"]


class LayerScores(Protocol):
    """Scores of one layer's weights; `weight` is always the layer's weight tensor."""

    def dense(self, weight: Tensor) -> Tensor:
        """Scores of all weights, in the shape of `weight`."""

    def row(self, weight: Tensor, index: int) -> Tensor:
        """Scores of the weights into one output unit, in the shape of `weight[index]`."""


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Scores of a linear layer, kept as the factors of its gradients.

    A few hundred kB hold what would be 150 MB for the largest layer of AlexNet.

    Attributes
    ----------
    inputs : A (image, input unit), the layer's input
    gradients : G (image, output unit), gradients of the logit at the layer's output
    score : the kind's
    """

    inputs: Tensor
    gradients: Tensor
    score: Callable[[LayerGradients], Tensor]

    def dense(self, weight: Tensor) -> Tensor:
        """Scores of all weights (output unit, input unit), computed anew by every call."""
        return self.score(FactoredGradients(weight.detach(), self.inputs, self.gradients))

    def row(self, weight: Tensor, index: int) -> Tensor:
        """Scores of the weights into one output unit (input unit,)."""
        rows = slice(index, index + 1)
        own = FactoredGradients(weight.detach()[rows], self.inputs, self.gradients[:, rows])
        return self.score(own)[0]


@dataclass(frozen=True, eq=False)
class ConvolutionScores:
    """Scores of a convolution, or of a linear layer at several positions, kept as an array.

    Attributes
    ----------
    values : scores in the shape of the layer's weight tensor
    """

    values: Tensor

    def dense(self, weight: Tensor) -> Tensor:
        """The kept scores; InputError if they are not of the shape of `weight`."""
        if weight.shape != self.values.shape:
            raise InputError(
                f"scores of shape {tuple(self.values.shape)} do not belong to weights of shape "
                f"{tuple(weight.shape)}"
            )
        return self.values

    def row(self, weight: Tensor, index: int) -> Tensor:
        """The kept scores of the weights into one output unit."""
        return self.dense(weight)[index]


@dataclass(frozen=True)
class WeightScores:
    """Scores that need the weights alone.

    Attributes
    ----------
    score : the kind's
    seed : of one layer and category
    """

    score: Callable[[Tensor, int], Tensor]
    seed: int

    def dense(self, weight: Tensor) -> Tensor:
        """Scores of all weights."""
        return self.score(weight.detach(), self.seed)

    def row(self, weight: Tensor, index: int) -> Tensor:
        """Scores of the weights into one output unit."""
        return self.dense(weight)[index]


def normalise(scores: Mapping[str, Tensor], method: Normalisation) -> dict[str, Tensor]:
    """Scores made comparable between layers, layer by layer.

    Parameters
    ----------
    scores : arrays of any shape by layer name.
    method : "minmax" (s - min) / (max - min), "l1" s / sum |s|, or "none" to leave them alone.

    Raises
    ------
    InputError, with the layer, if a score is not finite, if all are the same under "minmax", or if
    all are 0 under "l1". "none" accepts such layers; their weights then rank by their order alone.
    """
    return {name: _normalised(values, method, name) for name, values in scores.items()}


def _normalised(values: Tensor, method: Normalisation, layer: str) -> Tensor:
    low, high = (bound.item() for bound in torch.aminmax(values))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"layer {layer!r} has scores that are not finite")
    if method == "none":
        return values
    if low == high == 0:
        raise InputError(
            f"all scores of layer {layer!r} are 0, so they cannot be scaled by {method!r}: "
            "none of its weights contributes for these images"
        )
    if method == "l1":
        return values / torch.linalg.vector_norm(values, 1)
    if low == high:
        raise InputError(f"all scores of layer {layer!r} are {low}: 'minmax' cannot scale them")
    return values.sub(low).div_(high - low)
