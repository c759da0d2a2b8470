"""Occlusion maps: a patch is moved over the image to which a unit responds most.

Where it lowers the unit's response, the unit needed what is there (Zeiler & Fergus, ECCV 2014; Zhou et al., ICLR 2015).
What counts is the largest response over positions, so that a unit may find the same thing elsewhere in the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.covers import Fill, Patch, covered, filling, patch_masks, patches
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.randomness import generator
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks
from anatomy.top_images import PeakReader

PURPOSE = "occlusion"
COLUMNS = (
    *("layer", "unit", "image", "image_id", "top", "left", "side"),
    *("intact", "response", "drop"),
)


@dataclass(frozen=True)
class Covering:
    """How images are covered.

    Attributes
    ----------
    patch, stride : side of the patch and distance between its places, shares of the image's side
    fill : what covers
    seed : of the noise that covers
    """

    patch: float
    stride: float
    fill: Fill
    seed: int


def choose_units(
    top: pd.DataFrame, layers: Sequence[str], units: int, *purpose: object
) -> pd.DataFrame:
    """So many random units of each layer that respond to anything, each with its best image.

    Parameters
    ----------
    top : table of `anatomy.top_images.top_images`
    layers : in network order; one that is not in the table has no unit
    units : of each layer; all that there are where there are fewer
    purpose : of the choice, e.g. (seed, network)

    Returns
    -------
    rows of `top`, ordered by layer and unit
    """
    best = top[(top["rank"] == 0) & (top["response"] > 0)]
    chosen = []
    for layer in layers:
        own = best[best["layer"] == layer].sort_values("unit")
        order = generator(*purpose, PURPOSE, layer).permutation(len(own))
        chosen.append(own.iloc[np.sort(order[:units])])
    return pd.concat(chosen, ignore_index=True)


def occlusion(
    network: Network,
    stimuli: StimulusSet,
    units: pd.DataFrame,
    covering: Covering,
    batch_size: int,
) -> pd.DataFrame:
    """Responses of units to their images with a patch covered, at every place of it.

    Each image is shown once for all of its units, intact and with the patch at every place.

    Parameters
    ----------
    units : layer, unit, image (row in the table of the stimulus set), image_id
    batch_size : copies of an image that are shown at once

    Returns
    -------
    table in the order of the units, then of the places: layer, unit, image, image_id, top, left, side (of the patch in
    pixels of the network's input), intact (largest response over positions), response (the same with the patch
    covered), drop (their difference)
    """
    size = network.preprocessing.input_size
    places = patches(size, covering.patch, covering.stride)
    masks = np.concatenate([np.zeros((1, size, size), bool), patch_masks(places, size)])
    readers: dict[tuple[str, ...], PeakReader] = {}
    tables: dict[tuple[str, int], pd.DataFrame] = {}
    for image, own in track(units.groupby("image"), f"occlusion, {network.name}"):
        layers = tuple(own["layer"].unique())
        if layers not in readers:
            readers[layers] = PeakReader(network, layers)
        picture = network.preprocessing.crop(stimuli.images(slice(image, image + 1)))[0]
        random = generator(covering.seed, PURPOSE, own["image_id"].iloc[0])
        cover = filling(picture, covering.fill, random)
        found = _responses(readers[layers], picture, masks, cover, batch_size)
        for row in own.itertuples():
            responses = found[row.layer][:, row.unit].astype(np.float64)
            tables[row.layer, row.unit] = _unit_table(row, places, responses)
    order = units[["layer", "unit"]].itertuples(index=False, name=None)
    found = [tables[key] for key in order]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _responses(
    read: PeakReader,
    picture: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    cover: NDArray[np.uint8],
    batch_size: int,
) -> dict[str, NDArray[np.float32]]:
    """Layer -> largest responses (mask, unit) to the picture with each mask covered."""
    found = [
        read(covered(picture, masks[block], cover)) for block in row_blocks(len(masks), batch_size)
    ]
    return {layer: np.concatenate([own[layer].response for own in found]) for layer in found[0]}


def _unit_table(
    row: object, places: Sequence[Patch], responses: NDArray[np.float64]
) -> pd.DataFrame:
    """A row per place; the first response is that to the intact image."""
    table = pd.DataFrame([vars(place) for place in places])
    for name in ("image_id", "image", "unit", "layer"):
        table.insert(0, name, getattr(row, name))
    return table.assign(
        intact=responses[0], response=responses[1:], drop=responses[0] - responses[1:]
    )
