"""Top images: for every unit of a network, the image of a set and the position at which it responds most."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from anatomy.networks.graph import Layer, layer_nodes
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks

NOWHERE = -1


def top_images(network: Network, stimuli: StimulusSet, split: str, batch_size: int) -> pd.DataFrame:
    """The largest response of every unit over the images of a split, and where it is.

    Responses are those behind the non-linearity. Layers that are called several times are left out.

    Returns
    -------
    table with a row per unit, in network order: layer, unit, image (row in the table of the stimulus set), image_id,
    y and x (position; -1 for units without positions), response. Of equal responses the first counts: by image, then
    by row and column of positions.
    """
    layers = [layer for layer in network.layers if len(layer_nodes(network.graph)[layer.path]) == 1]
    best = {layer.name: _Best(layer) for layer in layers}
    reader = _Reader(network.graph, {network.response(name): own for name, own in best.items()})
    rows = stimuli.rows(split)
    with torch.inference_mode():
        for block in track(row_blocks(len(rows), batch_size), f"top images of {network.name}"):
            reader.images = rows[block]
            reader.run(network.input(stimuli.images(rows[block])))
    table = pd.concat([own.table() for own in best.values()], ignore_index=True)
    ids = stimuli.table["image_id"].to_numpy()[table["image"]]
    table.insert(table.columns.get_loc("image") + 1, "image_id", ids)
    return table


class _Best:
    """The largest responses of a layer's units so far."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._response = np.full(layer.units, -np.inf, np.float32)
        self._image = np.zeros(layer.units, np.int64)
        self._position = np.full((2, layer.units), NOWHERE, np.int64)

    def add(self, response: Tensor, images: NDArray[np.int64]) -> None:
        """Take in the responses of a batch, (image, unit, y, x) or (image, ..., unit) of a linear layer."""
        units_second = response.movedim(-1, 1) if self._layer.kind == "linear" else response
        values, places = units_second.flatten(2).max(2) if response.ndim > 2 else (response, None)
        values = values.cpu().numpy()
        first = values.argmax(0)
        units = np.arange(self._layer.units)
        larger = values[first, units] > self._response
        self._response[larger] = values[first, units][larger]
        self._image[larger] = images[first[larger]]
        if response.ndim == 4:
            place = places.cpu().numpy()[first, units]
            self._position[:, larger] = np.array(divmod(place, units_second.shape[3]))[:, larger]

    def table(self) -> pd.DataFrame:
        """A row per unit."""
        return pd.DataFrame(
            {
                "layer": self._layer.name,
                "unit": np.arange(self._layer.units),
                "image": self._image,
                "y": self._position[0],
                "x": self._position[1],
                "response": self._response,
            }
        )


class _Reader(fx.Interpreter):
    """Runs a network and looks at the wanted values as they come, so that none is kept longer than it is needed.

    Attributes
    ----------
    images : rows of the stimulus set that are shown
    """

    def __init__(self, graph: fx.GraphModule, wanted: Mapping[str, _Best]) -> None:
        super().__init__(graph)
        self._wanted = wanted
        self.images: NDArray[np.int64] = np.zeros(0, np.int64)

    def run_node(self, node: fx.Node) -> Tensor:
        """Value of a node."""
        value = super().run_node(node)
        if node.name in self._wanted:
            self._wanted[node.name].add(value, self.images)
        return value
