"""Responses of a layer to images: flattened, or as means over positions."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.halving import Halving
from anatomy.networks.cut import prefix
from anatomy.networks.graph import Layer
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks

Summary = Callable[[Layer, Tensor], Tensor]


def flat_responses(
    network: Network, stimuli: StimulusSet, layer: str, batch_size: int
) -> NDArray[np.float32]:
    """Responses of a layer to all images of a set: (image, feature), in the order of channel, row, column."""
    return _responses(network, stimuli, [layer], batch_size, lambda _, x: x.flatten(1))[layer]


def mean_responses(
    network: Network, stimuli: StimulusSet, layers: Sequence[str], batch_size: int
) -> dict[str, NDArray[np.float32]]:
    """Mean response over positions of the units of layers to all images of a set: layer -> (image, unit)."""
    return _responses(network, stimuli, layers, batch_size, _mean_over_positions)


def _responses(
    network: Network,
    stimuli: StimulusSet,
    layers: Sequence[str],
    batch_size: int,
    summary: Summary,
) -> dict[str, NDArray[np.float32]]:
    part = prefix(network.graph, [network.response(layer) for layer in layers])

    def show(images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode():
            values = part(network.input(images))
        named = zip(layers, values, strict=True)
        return {layer: summary(network.layer(layer), own).cpu().numpy() for layer, own in named}

    halving = Halving()
    blocks = track(row_blocks(len(stimuli.table), batch_size), f"show to {network.name}")
    found = [halving(show, stimuli.images(block)) for block in blocks]
    return {layer: np.concatenate([own[layer] for own in found]) for layer in layers}


def _mean_over_positions(layer: Layer, response: Tensor) -> Tensor:
    """From (image, unit, y, x), or (image, ..., unit) of a linear layer, to (image, unit)."""
    if response.ndim == 2:
        return response
    return layer.units_second(response).flatten(2).mean(2)
