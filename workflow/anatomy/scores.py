"""Weight scores of one category: how much each weight contributes to the logit of its output unit.

For output unit c, image n and weight w the contribution is w * dz_c(n) / dw (see `layer_gradients`). What a score makes
of the contributions is up to its kind, of which each is a file in `score_kinds`; so are two controls, which rank the
same weights without looking at the category.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from anatomy.canonical import digest
from anatomy.errors import InputError
from anatomy.layer_gradients import FactoredGradients, record_gradients
from anatomy.layer_scores import ConvolutionScores, LinearScores, WeightScores
from anatomy.score_kinds import KINDS

if TYPE_CHECKING:
    from anatomy.networks.network import Network


def score_weights(
    network: Network, images: Tensor, output: int, kind: str, layers: Sequence[str]
) -> dict[str, LinearScores | ConvolutionScores]:
    """Scores of the weights of some layers for one output unit.

    Parameters
    ----------
    network : neither its parameters nor their gradients are touched.
    images : (image, channel, y, x) float, preprocessed.
    output : index of the category's output unit.
    kind : a file of `score_kinds` that needs images.
    layers : names of layers. One that is called several times is scored by the sum of its calls.

    Returns
    -------
    Scores by layer name, on the network's device: `LinearScores` for a linear layer,
    `ConvolutionScores` for a convolution and for a linear layer at several positions.

    Raises
    ------
    InputError if there are no images, no such output or no such layer, or a layer mixes images in
    its batch.
    """
    score = KINDS.load(kind).score
    gradients = record_gradients(network, images, output, layers)
    return {
        name: LinearScores(own.inputs, own.gradients, score)
        if isinstance(own, FactoredGradients)
        else ConvolutionScores(score(own))
        for name, own in gradients.items()
    }


def contributions(
    network: Network,
    images: Tensor,
    output: int,
    kind: str,
    sample: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """What each image adds to the scores of some weights: their mean over images is the score.

    Parameters
    ----------
    network, images, output, kind : as for `score_weights`.
    sample : by layer name, (weight,) int64 indices into the layer's weight tensor in C order.

    Returns
    -------
    Contributions (image, weight) by layer name, on the network's device.

    Raises
    ------
    InputError as `score_weights` does, and if a layer has no weight of some index.
    """
    score = KINDS.load(kind).score
    gradients = record_gradients(network, images, output, list(sample))
    places = {name: _checked(network, name, own) for name, own in sample.items()}
    return {
        name: torch.stack([score(image) for image in gradients[name].sampled(own)])
        for name, own in places.items()
    }


def weight_scores(
    kind: str, seed: int, category: str, layers: Sequence[str]
) -> dict[str, WeightScores]:
    """Scores of a kind that needs no images, by layer name.

    What is random in a layer's depends on (seed, category, layer) alone.
    """
    score = KINDS.load(kind).score
    return {name: WeightScores(score, _derived_seed(seed, category, name)) for name in layers}


def _checked(network: Network, layer: str, indices: Tensor) -> Tensor:
    """Indices of a layer's weights on the network's device."""
    size = network.module(layer).weight.numel()
    if ((indices < 0) | (indices >= size)).any():
        raise InputError(f"layer {layer!r} has {size} weights, and the sample asks for others")
    return indices.to(network.device)


def _derived_seed(seed: int, category: str, layer: str) -> int:
    """A seed that is the same in every process, unlike one from `hash`."""
    return int(digest([seed, category, layer]), 16)
