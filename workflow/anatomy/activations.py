"""Activations: what every channel of some layers makes of a few images, before the non-linearity."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.activation_maps import PREACTIVATIONS, SHOWN_PIXELS, ActivationMaps
from anatomy.errors import InputError
from anatomy.networks.network import Network
from anatomy.randomness import generator
from anatomy.recording import EXACT, RecordedArray
from anatomy.stimuli.stimulus_set import StimulusSet


def choose_images(
    stimuli: StimulusSet, split: str, images: int | Sequence[str], seed: int
) -> NDArray[np.int64]:
    """The images to show, counted within the split.

    Parameters
    ----------
    images : so many random ones, each of another category, super-categories taking turns; or their image_id

    Raises
    ------
    InputError
        if the split has fewer categories, or no image of such a name
    """
    table = stimuli.table.iloc[stimuli.rows(split)].reset_index(drop=True)
    if not isinstance(images, int):
        return _of_ids(table["image_id"], images, split)
    categories = _taking_turns(table, seed)
    if images > len(categories):
        raise InputError(
            f"activations.images: {images} images of different categories are wanted, but split {split!r} has "
            f"{len(categories)} categories"
        )
    return np.array(
        [
            generator(seed, "activations", category).choice(
                np.flatnonzero(table["category"] == category)
            )
            for category in categories[:images]
        ]
    )


def _of_ids(ids: pd.Series, wanted: Sequence[str], split: str) -> NDArray[np.int64]:
    places = pd.Index(ids).get_indexer(list(wanted))
    for name, place in zip(wanted, places, strict=True):
        if place < 0:
            raise InputError(f"activations.images: split {split!r} has no image {name!r}")
    return places.astype(np.int64)


def _taking_turns(table: pd.DataFrame, seed: int) -> list[str]:
    """Categories in random order, but of each super-category one after the other."""
    categories = table.drop_duplicates("category")[["category", "super_category"]]
    order = generator(seed, "activations", "categories").permutation(len(categories))
    categories = categories.iloc[order]
    turn = categories.groupby("super_category").cumcount()
    return categories.assign(turn=turn).sort_values("turn", kind="stable")["category"].tolist()


def arrays(
    network: Network, stimuli: StimulusSet, layers: Sequence[str], split: str
) -> list[RecordedArray]:
    """What to record: values before the non-linearity, and beside them which part of the images the network is shown.

    Raises
    ------
    InputError
        for a layer whose units have no positions
    """
    for layer in layers:
        if network.layer(layer).kind != "convolution":
            raise InputError(
                f"activations.layers: layer {layer!r} is not a convolution, so it has no maps"
            )
    attributes = {SHOWN_PIXELS: _shown_pixels(network, stimuli)}
    return [
        RecordedArray(
            split, f"{PREACTIVATIONS}/{layer}", network.preactivation(layer), EXACT, attributes
        )
        for layer in layers
    ]


def _shown_pixels(network: Network, stimuli: StimulusSet) -> tuple[int, int]:
    """First pixel of the images' rows and columns that the network is shown, and the first one that it is not."""
    size = stimuli.images(slice(0, 1)).shape[1]
    rows = np.broadcast_to(np.arange(size)[:, None], (1, size, size))
    shown = network.preprocessing.crop(rows)[0, :, 0]
    return int(shown[0]), int(shown[-1]) + 1


def channel_table(
    activations: ActivationMaps, stimuli: StimulusSet, layers: Sequence[str]
) -> pd.DataFrame:
    """What every channel makes of every image.

    Returns
    -------
    table ordered by layer, image and unit: image (row in the table of the stimulus set), image_id, category, layer,
    unit, largest and mean (over the map), y and x (of the largest, the first by row and column), rank (0 for the
    channel with the largest value of the layer for the image)
    """
    return pd.concat(_channel_tables(activations, stimuli, layers), ignore_index=True)


def _channel_tables(
    activations: ActivationMaps, stimuli: StimulusSet, layers: Sequence[str]
) -> Iterator[pd.DataFrame]:
    for layer in layers:
        for place, row in enumerate(activations.rows):
            maps = activations.maps(layer, place)
            flat = maps.reshape(len(maps), -1)
            largest, first = flat.max(1), flat.argmax(1)
            yield pd.DataFrame(
                {
                    "image": row,
                    "image_id": stimuli.table["image_id"][row],
                    "category": stimuli.table["category"][row],
                    "layer": layer,
                    "unit": np.arange(len(maps)),
                    "largest": largest,
                    "mean": flat.mean(1),
                    "y": first // maps.shape[2],
                    "x": first % maps.shape[2],
                    "rank": np.argsort(np.argsort(-largest, kind="stable")),
                }
            )
