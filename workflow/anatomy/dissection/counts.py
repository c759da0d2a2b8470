"""Counts of pixels: truth, activation and intersection, and the IoU that follows from them.

For a unit u and a concept c of concept category C (Bau, Zhou et al. 2017; counted as in their code):

    intersection = pixels of all images that are in u's mask and show c
    truth        = pixels of all images that show c
    activation   = pixels in u's mask on the images that show any concept of category C
    IoU(u, c)    = intersection / (activation + truth - intersection)

A pixel counts once for a concept, and a concept belongs to one category, the one in which it covers most. A concept is
known by its code, 1 and higher, which is a row of the counts; code 0, nothing, has no counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Counts:
    """Pixels counted over some images, or over several groups of images (further first axes).

    Attributes
    ----------
    intersections : integer (..., unit, code)
    activations : integer (..., unit, category)
    truths : integer (..., code)
    """

    intersections: NDArray[np.integer]
    activations: NDArray[np.integer]
    truths: NDArray[np.integer]

    @classmethod
    def none(cls, units: int, codes: int, categories: int) -> Self:
        """Counts of no image."""
        return cls(
            np.zeros((units, codes), np.int64),
            np.zeros((units, categories), np.int64),
            np.zeros(codes, np.int64),
        )

    def add(self, counts: "Counts") -> None:
        """Add the counts of other images."""
        self.intersections[:] += counts.intersections
        self.activations[:] += counts.activations
        self.truths[:] += counts.truths

    def total(self) -> "Counts":
        """Sums over the first axis, the groups."""
        return Counts(
            self.intersections.sum(axis=0, dtype=np.int64),
            self.activations.sum(axis=0, dtype=np.int64),
            self.truths.sum(axis=0, dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class Concepts:
    """What there is to be found.

    Attributes
    ----------
    categories : names of the concept categories
    category : (code,) number of each concept's category; -1 for code 0
    names : (code,) name of each concept; empty for code 0
    """

    categories: Sequence[str]
    category: NDArray[np.int64]
    names: Sequence[str]


class Tally:
    """Counts the masks of all units against all concepts, image by image.

    Attributes
    ----------
    counts : of the images so far
    """

    def __init__(self, units: int, concepts: Concepts) -> None:
        self._concepts = concepts
        self._code_place = np.zeros(len(concepts.names), np.int64)
        self.counts = Counts.none(units, len(concepts.names), len(concepts.categories))

    def add(
        self,
        units: NDArray[np.int64],
        pixels: NDArray[np.int64],
        slots: NDArray[np.uint16],
        whole: NDArray[np.uint16],
        present: NDArray[np.int64],
        truths: NDArray[np.int64],
    ) -> None:
        """Count one image.

        Parameters
        ----------
        units, pixels : (active,) where units are active, each pair once
        slots : (slot, pixel) codes of the concepts of each pixel, no concept twice at a pixel
        whole : codes that are true of every pixel, besides those in `slots`
        present : codes of all concepts of the image, without 0
        truths : how many pixels show each of these
        """
        number = len(self.counts.intersections)
        places = len(present) + 1
        # few concepts are in one image: their places, not their codes, keep the table small enough for the cache; the
        # places of all others are left from earlier images, and nobody looks at them
        self._code_place[present] = np.arange(1, places)
        used = slots[slots.any(axis=1)]
        # numpy's take is several times faster here than indexing
        keys = self._code_place.take(used.take(pixels, axis=1))
        keys += units * places
        found = np.bincount(keys.reshape(-1), minlength=number * places).reshape(number, places)
        active = np.bincount(units, minlength=number)
        found[:, self._code_place[whole]] = active[:, None]
        self.counts.intersections[:, present] += found[:, 1:]
        categories = np.unique(self._concepts.category[present])
        self.counts.activations[:, categories] += active[:, None]
        self.counts.truths[present] += truths


def intersection_over_union(counts: Counts, category: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU (..., unit, code) from counts (..., unit, code); 0 where nothing is true and nothing active.

    Parameters
    ----------
    category : (code,) number of the concept category of each code; of code 0 any, its IoU is 0
    """
    intersection = counts.intersections
    union = counts.activations[..., category] + counts.truths[..., None, :] - intersection
    return intersection / np.maximum(union, 1)
