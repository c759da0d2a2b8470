"""Weight scores beside Captum's LayerGradientXActivation.

Captum gives response x gradient of every neuron that a layer reads; the project gives weight x gradient of every
weight. Both are the same first-order estimate: the signed scores of all weights that read a unit add up to the unit's
own attribution, because the gradient at a unit is the sum of what comes back through its weights. Biases have no part
in that. So Captum's numbers, added up over positions, are sums of ours.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from captum.attr import LayerGradientXActivation
from children import Work, in_own_process, measure
from ratio_table import Row
from subject import TARGET, Subject
from torch import Tensor

from anatomy.networks.network import Network
from anatomy.scores import score_weights

IMAGES = 8
KIND = "signed"


def rows(subject: Subject) -> Iterator[Row]:
    """One row: all layers for one category."""
    yield Row(
        f"scores of all weights, one category, {images_of(subject)} images",
        "Captum LayerGradientXActivation, all layers at once",
        measure(ours, subject),
        measure(captum, subject),
        f"{in_own_process(largest_difference, subject):.0e}",
    )


def images_of(subject: Subject) -> int:
    """How many images are scored."""
    return subject.of(2, IMAGES)


def ours(subject: Subject) -> Work:
    """Scores of all weights, linear layers as factors."""
    network, images = _ready(subject)
    layers = [layer.name for layer in network.layers]

    def work(_folder: Path) -> None:
        score_weights(network, images, TARGET, KIND, layers)

    return work


def captum(subject: Subject) -> Work:
    """Attributions of all that the layers read."""
    network, images = _ready(subject)

    def work(_folder: Path) -> None:
        _attributions(network, images)

    return work


def largest_difference(subject: Subject) -> float:
    """Between units' attributions, relative to the largest one of the layer; the largest of all layers."""
    network, images = _ready(subject)
    layers = [layer.name for layer in network.layers]
    scores = score_weights(network, images, TARGET, KIND, layers)
    differences = []
    for name, given in zip(layers, _attributions(network, images), strict=True):
        attributed = given.detach()
        summed = _by_unit_read(scores[name].dense(network.module(name).weight))
        expected = (
            attributed.flatten(2).sum(2).mean(0) if attributed.ndim > 2 else attributed.mean(0)
        )
        differences.append(float((summed - expected).abs().max() / expected.abs().max()))
    return max(differences)


def _ready(subject: Subject) -> tuple[Network, Tensor]:
    torch.set_num_threads(subject.threads)
    network = subject.network()
    return network, network.input(subject.stored(images_of(subject)))


def _attributions(network: Network, images: Tensor) -> list[Tensor]:
    """Layer by layer (image, unit read, ...)."""
    modules = [network.module(layer.name) for layer in network.layers]
    found = LayerGradientXActivation(network.graph, modules).attribute(
        images, target=TARGET, attribute_to_layer_input=True
    )
    return [one[0] if isinstance(one, tuple) else one for one in found]


def _by_unit_read(scores: Tensor) -> Tensor:
    """Sum of the scores of the weights that read each unit (unit read,), of layers of one group."""
    return scores.sum(dim=[axis for axis in range(scores.ndim) if axis != 1])
