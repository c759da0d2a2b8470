"""Which units are detectors, of what, and how many different concepts they detect.

A unit is a detector if its best IoU exceeds a minimum, .04 as published. Two rules of counting exist: the text of Bau,
Zhou et al. (2017) gives each unit the one concept that fits best (`one_per_unit`); the released figures let a unit
count in every concept category, for the concept of that category that fits best (`one_per_category`). The number of
unique detectors is the number of different concepts.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anatomy.dissection.counts import Concepts, Counts, intersection_over_union

Counting = Literal["one_per_unit", "one_per_category"]
COUNTINGS: tuple[Counting, ...] = ("one_per_unit", "one_per_category")


@dataclass(frozen=True, eq=False)
class Best:
    """The concept of each category that fits each unit best.

    Attributes
    ----------
    codes : integer (..., unit, category), 0 where no concept of the category meets the unit at all
    iou : float (..., unit, category)
    """

    codes: NDArray[np.integer]
    iou: NDArray[np.floating]

    @classmethod
    def of(cls, iou: NDArray[np.float64], concepts: Concepts) -> "Best":
        """From IoU (..., unit, code); of equal ones the lowest code counts."""
        shape = (*iou.shape[:-1], len(concepts.categories))
        codes, values = np.zeros(shape, np.int32), np.zeros(shape, np.float64)
        for number in range(len(concepts.categories)):
            own = np.flatnonzero(concepts.category == number)
            if len(own):
                among = iou[..., own]
                best = among.argmax(axis=-1)
                values[..., number] = np.take_along_axis(among, best[..., None], -1)[..., 0]
                codes[..., number] = np.where(values[..., number] > 0, own[best], 0)
        return cls(codes, values)

    @classmethod
    def of_counts(cls, counts: Counts, concepts: Concepts) -> "Best":
        """From counts of pixels."""
        return cls.of(intersection_over_union(counts, concepts.category), concepts)

    def of_all(self) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.floating]]:
        """Category, code and IoU (..., unit) of the concept that fits best of all; of equal ones the first category."""
        category = self.iou.argmax(axis=-1)
        codes, iou = (
            np.take_along_axis(values, category[..., None], -1)[..., 0]
            for values in (self.codes, self.iou)
        )
        return category, codes, iou


@dataclass(frozen=True, eq=False)
class Detectors:
    """Numbers of detectors under one rule of counting.

    Attributes
    ----------
    unique : integer (..., category) different concepts detected
    units : integer (..., category) units that detect one of them
    detecting : integer (...) units that detect anything
    """

    unique: NDArray[np.integer]
    units: NDArray[np.integer]
    detecting: NDArray[np.integer]


def count_detectors(best: Best, counting: Counting, minimum: float) -> Detectors:
    """Count detectors of each category; for further first axes (resamples) at once."""
    detects = best.iou > minimum
    if counting == "one_per_unit":
        category, _, _ = best.of_all()
        detects &= np.arange(best.iou.shape[-1]) == category[..., None]
    return Detectors(_unique(best.codes, detects), detects.sum(-2), detects.any(-1).sum(-1))


def _unique(codes: NDArray[np.integer], detects: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many different codes (..., category) are detected by (..., unit, category)."""
    ordered = np.sort(np.where(detects, codes, 0), axis=-2)
    first = ordered[..., :1, :] > 0
    others = (ordered[..., 1:, :] > 0) & (ordered[..., 1:, :] != ordered[..., :-1, :])
    return first.sum(axis=-2) + others.sum(axis=-2)
