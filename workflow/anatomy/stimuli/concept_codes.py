"""Label numbers as codes of concepts: packed into as few planes as an image needs, and counted.

The code of a concept is its row in the table of concepts plus 1; code 0 means nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# of the table of concepts: label number, name, own category, and all its categories joined by ';'
CONCEPT_COLUMNS = ("number", "name", "category", "categories")
# a label image holds a number in two bytes
LARGEST_NUMBER = 65535

Codes = NDArray[np.uint16]


def code_table(numbers: Sequence[int]) -> Codes:
    """Code of every label number that a label image can hold, (65536,); 0 for those of no concept."""
    table = np.zeros(LARGEST_NUMBER + 1, np.uint16)
    table[np.asarray(numbers)] = np.arange(1, len(numbers) + 1)
    return table


def pack(planes: Sequence[Codes], whole: Codes, slots: int) -> Codes:
    """The concepts of every pixel, each once, in its lowest slots.

    Parameters
    ----------
    planes : codes (y, x) each; at least one, at most `slots`
    whole : codes of concepts that are true of the whole image, which no pixel repeats

    Returns
    -------
    codes (slot, y, x), in the order of the planes
    """
    packed = np.zeros((slots, *planes[0].shape), np.uint16)
    for used, plane in enumerate(planes):
        waiting = np.where(np.isin(plane, whole), 0, plane) if len(whole) else plane.copy()
        for slot in packed[: used + 1]:
            settled = (slot == 0) | (slot == waiting)
            np.copyto(slot, waiting, where=settled)
            np.copyto(waiting, 0, where=settled)
    return packed


def count(packed: Codes, whole: Codes) -> tuple[Codes, NDArray[np.int32]]:
    """Codes in an image, ascending, and the number of pixels of each; a whole image counts with all its pixels.

    Parameters
    ----------
    packed : codes (slot, y, x), see `pack`
    whole : codes true of the whole image; zeros are passed over
    """
    pixels = np.bincount(packed.ravel(), minlength=int(whole.max(initial=0)) + 1)
    pixels[whole] = packed[0].size
    pixels[0] = 0
    codes = np.flatnonzero(pixels)
    return codes.astype(np.uint16), pixels[codes].astype(np.int32)
