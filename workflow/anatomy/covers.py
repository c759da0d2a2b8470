"""Covering parts of images: with their mean colour, with grey or with noise; and as much of them elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects
from scipy.signal import correlate

Fill = Literal["mean", "grey", "noise"]
GREY = 127
LEVELS = 256
EVERY_NEIGHBOUR = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Patch:
    """A square part of an image, pixels."""

    top: int
    left: int
    side: int


def patches(size: int, patch: float, stride: float) -> list[Patch]:
    """Places of a square patch that is moved over an image, row by row; the last ones reach the image's edge.

    Parameters
    ----------
    size : side of the image, pixels
    patch, stride : side of the patch and distance between its places, shares of the image's side
    """
    side = min(size, max(1, round(patch * size)))
    starts = [*range(0, size - side, max(1, round(stride * size))), size - side]
    return [Patch(top, left, side) for top in starts for left in starts]


def patch_masks(places: Sequence[Patch], size: int) -> NDArray[np.bool_]:
    """Pixels (patch, y, x) of an image of that size that each patch covers."""
    masks = np.zeros((len(places), size, size), bool)
    for mask, place in zip(masks, places, strict=True):
        rows, columns = (slice(start, start + place.side) for start in (place.top, place.left))
        mask[rows, columns] = True
    return masks


def filling(image: NDArray[np.uint8], fill: Fill, random: np.random.Generator) -> NDArray[np.uint8]:
    """What an image (y, x, channel) shows where it is covered: a picture of its shape.

    "mean" is the image's own mean colour, "grey" a grey of GREY, "noise" uniform random pixels.
    """
    if fill == "noise":
        return random.integers(0, LEVELS, image.shape, dtype=np.uint8)
    if fill not in ("mean", "grey"):
        raise ValueError(f"unknown fill {fill!r}")
    color = image.mean((0, 1)).round() if fill == "mean" else GREY
    return np.full_like(image, color)


def covered(
    image: NDArray[np.uint8], masks: NDArray[np.bool_], filling: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Copies (mask, y, x, channel) of an image, in each of which the pixels of a mask (mask, y, x) are covered."""
    return np.where(masks[..., None], filling, image)


def elsewhere(
    part: NDArray[np.bool_],
    preferred: NDArray[np.bool_],
    count: int,
    random: np.random.Generator,
) -> NDArray[np.bool_] | None:
    """A part of an image (y, x), moved to other places where it lies within the image and does not touch itself.

    Places are chosen one after the other: each covers as many preferred pixels as possible, less those that it shares
    with places before it.

    Parameters
    ----------
    part : its pixels, at least one
    preferred : pixels (y, x) that the moved part should cover
    count : places
    random : decides among equally good places

    Returns
    -------
    masks (place, y, x), the best place first; None if there are fewer places
    """
    (box,) = find_objects(part.astype(np.uint8))
    shape = part[box]
    touching = _shared_pixels(binary_dilation(part, EVERY_NEIGHBOUR), shape)
    tops, lefts = np.nonzero(touching == 0)
    if len(tops) < count:
        return None
    gain = _shared_pixels(preferred, shape)[tops, lefts]
    masks, taken = np.zeros((count, *part.shape), bool), np.zeros(len(tops), bool)
    for place in range(count):
        again = _shared_pixels(masks[:place].any(0), shape)[tops, lefts]
        best = np.lexsort((random.random(len(tops)), again - gain, taken))[0]
        taken[best] = True
        rows, columns = (
            slice(start, start + length)
            for start, length in zip((tops[best], lefts[best]), shape.shape, strict=True)
        )
        masks[place, rows, columns] = shape
    return masks


def _shared_pixels(pixels: NDArray[np.bool_], shape: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the pixels (y, x) a shape covers, for every row and column of its first corner."""
    shared = correlate(pixels.astype(float), shape.astype(float), mode="valid", method="fft")
    return np.rint(shared).astype(np.int64)
