"""The concepts that the units of a layer detect, and which units detect each of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CONCEPT, IOU = "_concept", "_iou"
# stands for all units that detect anything
ANY = "all"


@dataclass(frozen=True, eq=False)
class ConceptUnits:
    """The units of a layer that detect a concept.

    Attributes
    ----------
    concept : its name
    category : its concept category
    units : (unit,) ascending
    """

    concept: str
    category: str
    units: NDArray[np.int64]


def concept_units(dissected: pd.DataFrame, minimum_iou: float) -> list[ConceptUnits]:
    """Every concept that some unit detects, in alphabetical order within its concept category.

    A unit counts in every concept category, for the concept of that category that fits it best (the rule
    `one_per_category` of dissection): a unit may detect both wheels and cars.

    Parameters
    ----------
    dissected : table of a layer's units, see `anatomy.tables.DISSECTION_UNITS`
    minimum_iou : a unit with a larger IoU is a detector
    """
    found = []
    for column in [name for name in dissected if name.endswith(CONCEPT)]:
        category = column.removesuffix(CONCEPT)
        detected = dissected[dissected[f"{category}{IOU}"] > minimum_iou]
        for concept, own in detected.groupby(column):
            found.append(ConceptUnits(str(concept), category, np.sort(own["unit"].to_numpy())))
    return found


def detectors(concepts: list[ConceptUnits]) -> ConceptUnits | None:
    """All units that detect any of the concepts; None where there are none."""
    if not concepts:
        return None
    return ConceptUnits(ANY, ANY, np.unique(np.concatenate([own.units for own in concepts])))
