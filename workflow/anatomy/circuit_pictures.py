"""Pictures of circuits, as tables: the strongest units of each layer and the connections between them.

What counts are the kept weights on a path from the images to the category's output unit. A unit is as strong as the
scores of its own such weights together, a connection as those of the weights that it consists of: all positions of a
kernel, and all inputs of a linear layer that come from one channel. Both are shares of the layer's total, so that the
connections into a unit add up to its strength where each input comes from one layer. Where several layers are added up
before they are read, as in residual networks, the connection counts fully for each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.first_filters import first_filters, has_filters
from anatomy.layer_scores import LayerScores
from anatomy.networks.connectivity import (
    ReceptiveField,
    connected,
    direct_inputs,
    receptive_field,
)
from anatomy.networks.graph import Layer
from anatomy.networks.network import Network
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.tables import CIRCUIT_CONNECTIONS, CIRCUIT_UNITS
from anatomy.thumbnails import png, resized
from anatomy.top_images import NOWHERE

UNITS = 6
COLUMNS = 12
SIDE = 64


class Thumbnails:
    """A small picture of any unit, PNG, about SIDE pixels wide.

    A unit of the first convolution is drawn as its filter when that reads the colours of the images: grey is zero, and
    each filter uses the full contrast. Another one is drawn as the part of its top image that it can depend on at the
    position of its largest response, moved into the image where it would reach beyond; units that depend on the whole
    image, and output units, as the whole top image.

    Parameters
    ----------
    top_images : table of `anatomy.top_images.top_images` for the network and the stimuli
    """

    def __init__(self, network: Network, stimuli: StimulusSet, top_images: pd.DataFrame) -> None:
        self._network = network
        self._stimuli = stimuli
        self._top = top_images.set_index(["layer", "unit"])
        self._fields: dict[str, ReceptiveField] = {}
        self._drawn: dict[tuple[str, int], bytes | None] = {}
        self._filters = first_filters(network) if has_filters(network) else None

    def png(self, layer: Layer, unit: int) -> bytes | None:
        """The picture of a unit; None for a layer that is called several times."""
        key = layer.name, unit
        if key not in self._drawn:
            self._drawn[key] = self._draw(layer, unit)
        return self._drawn[key]

    def _draw(self, layer: Layer, unit: int) -> bytes | None:
        if self._filters is not None and layer == self._filters.layer:
            return png(_enlarged(self._filters.pictures[unit]))
        if (layer.name, unit) not in self._top.index:
            return None
        top = self._top.loc[(layer.name, unit)]
        patch = self._patch(layer, int(top["image"]), int(top["y"]), int(top["x"]))
        return png(resized(patch, SIDE))

    def _patch(self, layer: Layer, image: int, y: int, x: int) -> NDArray[np.uint8]:
        size = self._network.preprocessing.input_size
        shown = self._network.preprocessing.crop(self._stimuli.images(slice(image, image + 1)))[0]
        if y == NOWHERE or layer == self._network.output_layer:
            return shown
        if layer.name not in self._fields:
            self._fields[layer.name] = receptive_field(self._network, layer.name)
        field = self._fields[layer.name]
        return shown[_within(field.range(y), size), _within(field.range(x), size)]


def picture_tables(
    network: Network,
    category: str,
    scores: Mapping[str, LayerScores],
    masks: Mapping[str, Tensor],
    thumbnails: Thumbnails,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The strongest UNITS of each of the last COLUMNS layers of a category's circuit, and what connects them.

    Parameters
    ----------
    scores : layer -> scores of its weights for the category; signed ones count by their absolute value
    masks : the circuit, as `anatomy.networks.connectivity.connected` takes it

    Returns
    -------
    units : category, layer, column (0 for the leftmost layer), unit, strength (share of the scores of the layer's
        connected weights), rank (1 = strongest of its layer), units and connected_units (how many the layer has, and
        how many with connected weights), connected_fraction (of the layer's weights), thumbnail (PNG). The output
        layer has the category's unit only, also where no path leads to it.
    connections : category, layer_from, unit_from, layer_to, unit_to, strength (share of the scores of the later
        layer's connected weights), sign (1 excitatory, -1 inhibitory: of its weights, averaged with their scores, and
        of the gain of a batch normalisation behind them)
    """
    output = network.output(category)
    paths = connected(network, masks, output)
    columns = {
        layer.name: _column(network, layer, output, scores[layer.name], paths[layer.name])
        for layer in network.layers[-COLUMNS:]
    }
    units = [
        {"category": category, "layer": name, "column": number}
        | {"unit": unit, "strength": strength, "rank": rank}
        | {"units": column.units, "connected_units": column.connected_units}
        | {"connected_fraction": column.connected_fraction}
        | {"thumbnail": thumbnails.png(network.layer(name), unit)}
        for number, (name, column) in enumerate(columns.items())
        for rank, (unit, strength) in enumerate(column.strongest.items(), start=1)
    ]
    connections = [
        {"category": category} | connection
        for name in columns
        for connection in _connections(network, name, columns)
    ]
    return (
        pd.DataFrame(units, columns=list(CIRCUIT_UNITS)),
        pd.DataFrame(connections, columns=list(CIRCUIT_CONNECTIONS)),
    )


@dataclass(frozen=True)
class _Column:
    """One layer of a circuit.

    Attributes
    ----------
    units, connected_units, connected_fraction : see `picture_tables`
    strongest : unit -> strength, the strongest first
    incoming : unit of these -> (2, input channel or unit): strength of its weights; and times the weights
    """

    units: int
    connected_units: int
    connected_fraction: float
    strongest: dict[int, float]
    incoming: dict[int, Tensor]


def _column(
    network: Network, layer: Layer, output: int, scores: LayerScores, paths: Tensor
) -> _Column:
    """A layer of a circuit from its scores and its connected weights."""
    weight = network.module(layer.name).weight
    if layer == network.output_layer:
        rows = {output: paths[0] if len(paths) == 1 else paths[output]}
        strengths = torch.zeros(layer.units, dtype=torch.float64, device=weight.device)
        strengths[output] = (scores.row(weight, output).abs() * rows[output]).sum()
        paths, places = rows[output][None], [output]
    else:
        dense = scores.dense(weight).abs().mul_(paths)
        strengths = dense.flatten(1).sum(1, dtype=torch.float64)
        places = strengths.sort(descending=True, stable=True).indices[:UNITS].tolist()
        places = [unit for unit in places if strengths[unit] > 0]
        rows = {unit: paths[unit] for unit in places}
    total = strengths.sum().clamp(min=torch.finfo(torch.float64).tiny)
    return _Column(
        units=layer.units,
        connected_units=int(paths.flatten(1).any(1).sum()),
        connected_fraction=int(paths.sum()) / paths.numel(),
        strongest={unit: (strengths[unit] / total).item() for unit in places},
        incoming={
            unit: _incoming(network, layer, unit, scores.row(weight, unit).abs() * rows[unit])
            / total
            for unit in places
        },
    )


def _incoming(network: Network, layer: Layer, unit: int, strengths: Tensor) -> Tensor:
    """Strengths of a unit's weights, summed to its layer's inputs: (2, input), see `_Column`."""
    module, gain = network.module(layer.name), network.batch_norm(layer.name)
    weighted = strengths * module.weight[unit]
    if gain is not None and gain.weight is not None:
        weighted = weighted * gain.weight[unit]
    own = torch.stack([strengths, weighted]).view(2, len(strengths), -1)
    own = own.sum(2, dtype=torch.float64)
    groups = getattr(module, "groups", 1)
    start = unit // (layer.units // groups) * own.shape[1]
    result = own.new_zeros(2, groups * own.shape[1])
    result[:, start : start + own.shape[1]] = own
    return result


def _connections(
    network: Network, layer: str, columns: Mapping[str, _Column]
) -> Iterator[dict[str, Any]]:
    """The connections from a layer's strongest units to those of later layers."""
    sources = list(columns[layer].strongest)
    for later, reads in direct_inputs(network, layer, sources).items():
        for unit, incoming in columns[later].incoming.items():
            strengths, weighted = incoming @ reads.T.to(incoming.dtype)
            for source, strength, sign in zip(sources, strengths, weighted, strict=True):
                if strength > 0:
                    yield {
                        "layer_from": layer,
                        "unit_from": source,
                        "layer_to": later,
                        "unit_to": unit,
                        "strength": strength.item(),
                        "sign": -1 if sign < 0 else 1,
                    }


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A filter (y, x, channel), each weight a square of pixels."""
    enlarged = -(-SIDE // max(picture.shape))
    return picture.repeat(enlarged, 0).repeat(enlarged, 1)


def _within(pixels: tuple[int, int], size: int) -> slice:
    """A range of pixels, moved into the image where it reaches beyond."""
    start, stop = pixels
    length = min(stop - start, size)
    start = min(max(start, 0), size - length)
    return slice(start, start + length)
