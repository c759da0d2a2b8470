"""Top images: for every unit of a network, the images of a set and the positions at which it responds most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from anatomy.errors import InputError
from anatomy.halving import Halving
from anatomy.networks.cut import prefix
from anatomy.networks.field import Field, grid_centres
from anatomy.networks.graph import layer_nodes
from anatomy.networks.network import Network
from anatomy.networks.receptive_field import Fields, receptive_fields
from anatomy.progress import track
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Peaks:
    """The largest response of a layer's units over positions; of equal ones the first by row and column.

    Attributes
    ----------
    response : (image, unit)
    position : (2, image, unit) its y and x in the map; -1 for units without positions
    """

    response: NDArray[np.float32]
    position: NDArray[np.int64]


class PeakReader:
    """Shows images to a network and keeps nothing of its responses but their peaks.

    Responses are those behind the non-linearity. Nothing is computed that the layers do not need.

    Parameters
    ----------
    layers : names of layers; InputError for one that is called several times
    """

    def __init__(self, network: Network, layers: Sequence[str]) -> None:
        self._network = network
        self._layers = tuple(layers)
        self._part = _with_peaks(network, self._layers)
        self._halving = Halving()

    def __call__(self, images: NDArray[np.uint8]) -> dict[str, Peaks]:
        """Peaks of each layer for images uint8 (image, y, x, channel), shown as one batch, or as its halves."""
        found = self._halving(self._show, images)
        return {
            layer: Peaks(response, np.moveaxis(position, 1, 0))
            for layer, (response, position) in zip(self._layers, found, strict=True)
        }

    def _show(self, images: NDArray[np.uint8]) -> list[list[NDArray]]:
        """For each layer the peaks (image, unit), and their y and x (image, 2, unit)."""
        with torch.inference_mode():
            found = self._part(self._network.input(images))
        return [[values.cpu().numpy() for values in own] for own in found]


def top_images(
    network: Network,
    stimuli: StimulusSet,
    split: str,
    batch_size: int,
    kept: int = 1,
    layers: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The images of a split to which every unit responds most, and where in them.

    Parameters
    ----------
    kept : images of each unit, fewer where the split has fewer
    layers : all that are called once when absent

    Returns
    -------
    table with a row per unit and rank, in network order: layer, unit, rank (0 for the largest response), image (row in
    the table of the stimulus set), image_id, y and x (position; -1 for units without positions), image_y and image_x
    (pixel of the network's input in the middle of that position's receptive field, the nearest one where that is
    padding; empty where there is none), response. Of equal responses the first counts: by image, then by row and
    column of positions.
    """
    if layers is None:
        calls = layer_nodes(network.graph)
        layers = [layer.name for layer in network.layers if len(calls[layer.path]) == 1]
    rows = stimuli.rows(split)
    count = min(kept, len(rows))
    best = {layer: _Best(network.layer(layer).units, count) for layer in layers}
    read = PeakReader(network, layers)
    for block in track(row_blocks(len(rows), batch_size), f"top images of {network.name}"):
        for layer, peaks in read(stimuli.images(rows[block])).items():
            best[layer].add(peaks, rows[block])
    tables = [own.table().assign(layer=layer) for layer, own in best.items()]
    table = _with_pixels(pd.concat(tables, ignore_index=True), network)
    table["image_id"] = stimuli.table["image_id"].to_numpy()[table["image"]]
    order = ["layer", "unit", "rank", "image", "image_id", "y", "x", "image_y", "image_x"]
    return table[[*order, "response"]]


def _with_peaks(network: Network, layers: Sequence[str]) -> fx.GraphModule:
    """From images to the peaks of layers, each found as soon as the response is there, which then can be forgotten."""
    part = prefix(network.graph, [network.response(layer) for layer in layers])
    output = part.graph.output_node()
    found = []
    for node, layer in zip(output.args[0], layers, strict=True):
        with part.graph.inserting_after(node):
            units_last = network.layer(layer).kind == "linear"
            found.append(part.graph.call_function(_peaks, (node, units_last)))
    output.args = (tuple(found),)
    part.recompile()
    return part


def _peaks(response: Tensor, units_last: bool) -> tuple[Tensor, Tensor]:
    """Peaks of responses (image, unit, y, x) or (image, ..., unit): values (image, unit), y and x (image, 2, unit)."""
    if response.ndim == 2:
        return response, _nowhere(response)
    units_second = response.movedim(-1, 1) if units_last else response
    values, places = units_second.flatten(2).max(2)
    if response.ndim != 4:
        return values, _nowhere(values)
    width = units_second.shape[3]
    return values, torch.stack([places // width, places % width], 1)


def _nowhere(peaks: Tensor) -> Tensor:
    """Positions (image, 2, unit) of peaks (image, unit) that have none."""
    images, units = peaks.shape
    return peaks.new_full((images, 2, units), NOWHERE, dtype=torch.long)


class _Best:
    """The largest responses of a layer's units so far, (rank, unit)."""

    def __init__(self, units: int, kept: int) -> None:
        self._response = np.full((kept, units), -np.inf, np.float32)
        self._image = np.zeros((kept, units), np.int64)
        self._position = np.full((2, kept, units), NOWHERE, np.int64)

    def add(self, peaks: Peaks, images: NDArray[np.int64]) -> None:
        """Take in the peaks of a batch; `images` (image,) are later ones than those before."""
        better = np.flatnonzero((peaks.response > self._response[-1]).any(0))
        response = np.concatenate([self._response[:, better], peaks.response[:, better]])
        image = np.broadcast_to(images[:, None], (len(images), len(better)))
        image = np.concatenate([self._image[:, better], image])
        position = [self._position[..., better], peaks.position[..., better]]
        chosen = np.argsort(-response, axis=0, kind="stable")[: len(self._response)]
        self._response[:, better] = np.take_along_axis(response, chosen, 0)
        self._image[:, better] = np.take_along_axis(image, chosen, 0)
        self._position[..., better] = np.take_along_axis(
            np.concatenate(position, axis=1), chosen[None], 1
        )

    def table(self) -> pd.DataFrame:
        """A row per unit and rank."""
        kept, units = self._response.shape
        return pd.DataFrame(
            {
                "unit": np.repeat(np.arange(units), kept),
                "rank": np.tile(np.arange(kept), units),
                "image": self._image.T.ravel(),
                "y": self._position[0].T.ravel(),
                "x": self._position[1].T.ravel(),
                "response": self._response.T.ravel(),
            }
        )


def _with_pixels(table: pd.DataFrame, network: Network) -> pd.DataFrame:
    """The table with image_y and image_x."""
    placed = table["y"] != NOWHERE
    pixels = pd.DataFrame(index=table.index, columns=["image_y", "image_x"], dtype="Int64")
    for layer, fields in _fields(network, table.loc[placed, "layer"].unique()).items():
        own = placed & (table["layer"] == layer)
        for name, field in zip(("y", "x"), fields, strict=True):
            positions = table.loc[own, name].to_numpy()
            pixels.loc[own, f"image_{name}"] = _middles(
                positions, field, network.preprocessing.input_size
            )
    return table.join(pixels)


def _middles(positions: NDArray[np.int64], field: Field, size: int) -> NDArray[np.int64]:
    first, step = grid_centres(field, 1)
    return np.clip(first + positions * step.numerator // step.denominator, 0, size - 1)


def _fields(network: Network, layers: Sequence[str]) -> dict[str, Fields]:
    """Receptive fields of those layers that have known ones."""
    try:
        values = [network.response(layer) for layer in layers]
        found = receptive_fields(network.graph, values, network.preprocessing.input_size)
        return dict(zip(layers, found.values(), strict=True))
    except InputError:
        if len(layers) == 1:
            return {}
        return {name: own for layer in layers for name, own in _fields(network, [layer]).items()}
