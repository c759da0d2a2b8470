"""The filters of the first convolution as pictures: they read colours, so their weights can be seen as they are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.networks.graph import Layer, layer_nodes
from anatomy.networks.network import Network
from anatomy.thumbnails import png

COLORS = 3


@dataclass(frozen=True)
class Filters:
    """Filters of a layer.

    Attributes
    ----------
    layer : the layer
    largest : (unit,) the largest absolute weight of each filter
    pictures : uint8 (unit, y, x, channel) RGB: 127.5 x (1 + weight / largest), so that grey is 0
    """

    layer: Layer
    largest: NDArray[np.float32]
    pictures: NDArray[np.uint8]


def first_filters(network: Network) -> Filters:
    """The filters of the first layer.

    Raises
    ------
    InputError if the first layer is no convolution that reads the three colours of the images directly.
    """
    layer = network.layers[0]
    if not has_filters(network):
        raise InputError(
            f"network {network.name!r} has no filters to show: its first layer {layer.name} is no convolution "
            "that reads the three colours of the images"
        )
    weight = network.module(layer.name).weight.detach().cpu().numpy().transpose(0, 2, 3, 1)
    if network.preprocessing.channel_order == "bgr":
        weight = weight[..., ::-1]
    largest = np.abs(weight).max((1, 2, 3))
    scale = np.maximum(largest, np.finfo(np.float32).tiny)[:, None, None, None]
    return Filters(layer, largest, (127.5 * (1 + weight / scale)).round().astype(np.uint8))


def filter_table(network: Network) -> pd.DataFrame:
    """A row per filter of the first layer: layer, unit, largest (absolute weight), picture (PNG, size of the kernel).

    It is empty where the first layer has no filters to show.
    """
    if not has_filters(network):
        return pd.DataFrame(columns=["layer", "unit", "largest", "picture"])
    filters = first_filters(network)
    return pd.DataFrame(
        {
            "layer": filters.layer.name,
            "unit": np.arange(len(filters.largest)),
            "largest": filters.largest,
            "picture": [png(picture) for picture in filters.pictures],
        }
    )


def has_filters(network: Network) -> bool:
    """Whether the first layer is a convolution that reads the three colours of the images directly."""
    layer = network.layers[0]
    calls = layer_nodes(network.graph)[layer.path]
    sources = [source for call in calls for source in call.all_input_nodes]
    reads_images = all(own.op == "placeholder" for own in sources)
    return layer.kind == "convolution" and layer.weight_shape[1] == COLORS and reads_images
