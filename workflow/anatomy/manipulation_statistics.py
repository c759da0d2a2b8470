"""From responses to images with and without a part to detectors by intervention."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control

INTERVAL = 0.95
COLUMNS = (
    *("layer", "unit", "concept", "concept_category", "images", "intact", "drop"),
    *("drop_elsewhere", "difference", "low", "high", "p_value", "q_value", "relative_drop"),
    "detector",
)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over images of what covering does to the units of a layer, each (concept, unit).

    Attributes
    ----------
    intact : largest responses to the intact images
    drop, drop_elsewhere : what is lost where the concept is covered, and elsewhere (mean of the places)
    squares : of the first without the second
    """

    intact: NDArray[np.float64]
    drop: NDArray[np.float64]
    drop_elsewhere: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def zero(cls, concepts: int, units: int) -> "Sums":
        """No image yet."""
        return cls(*np.zeros((4, concepts, units)))

    def of(self, concepts: NDArray[np.bool_]) -> "Sums":
        """The sums of some concepts."""
        return Sums(*(own[concepts] for own in vars(self).values()))

    def add(self, concept: int, responses: NDArray[np.float32]) -> None:
        """Take in responses (copy, unit): to the intact image, the concept covered, and covered elsewhere."""
        intact, without, *others = responses.astype(np.float64)
        drop, drop_elsewhere = intact - without, intact - np.mean(others, axis=0)
        self.intact[concept] += intact
        self.drop[concept] += drop
        self.drop_elsewhere[concept] += drop_elsewhere
        self.squares[concept] += (drop - drop_elsewhere) ** 2


def unit_table(
    layer: str, sums: Sums, concepts: pd.DataFrame, level: float, minimum_drop: float
) -> pd.DataFrame:
    """What covering concepts does to the units of a layer.

    The p-value is that of a one-sided paired t-test over images (the concept matters more), the q-value that of
    Benjamini & Hochberg (1995) over all units and concepts of the layer.

    Parameters
    ----------
    concepts : name, category and images (their number, at least 2) of each concept of the sums
    level : false discovery rate
    minimum_drop : share of the intact response that covering the concept must cost, and cost more than
        covering elsewhere

    Returns
    -------
    table ordered by unit and concept, with COLUMNS
    """
    images = concepts["images"].to_numpy()[:, None]
    intact, drop, drop_elsewhere = (
        total / images for total in (sums.intact, sums.drop, sums.drop_elsewhere)
    )
    difference = drop - drop_elsewhere
    effect = np.minimum(drop, difference)  # see relative_effect
    # rounding must not make it negative
    variance = np.maximum(sums.squares - images * difference**2, 0) / (images - 1)
    error = np.sqrt(variance / images)
    half = stdtrit(images - 1, (1 + INTERVAL) / 2) * error
    p_value = _p_value(difference, error, images - 1)
    q_value = false_discovery_control(p_value, axis=None).reshape(p_value.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative_drop = np.where(intact > 0, drop / intact, np.nan)
    units = intact.shape[1]
    columns = {
        "layer": layer,
        "unit": np.repeat(np.arange(units), len(concepts)),
        "concept": np.tile(concepts["name"], units),
        "concept_category": np.tile(concepts["category"], units),
        "images": np.tile(concepts["images"], units),
        "intact": intact,
        "drop": drop,
        "drop_elsewhere": drop_elsewhere,
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "p_value": p_value,
        "q_value": q_value,
        "relative_drop": relative_drop,
        "detector": (q_value < level) & (intact > 0) & (effect >= minimum_drop * intact),
    }
    flat = {name: own.T.ravel() if np.ndim(own) == 2 else own for name, own in columns.items()}
    return pd.DataFrame(flat)


def detector_table(table: pd.DataFrame) -> pd.DataFrame:
    """The detectors, in each layer those first that lose most, see `relative_effect`."""
    own = table[table["detector"]]
    keys = [-relative_effect(own), pd.factorize(own["layer"])[0]]
    return own.iloc[np.lexsort(keys)]


def relative_effect(table: pd.DataFrame) -> NDArray[np.float64]:
    """What covering a concept costs, itself or beyond covering elsewhere, whatever is less; share of the response.

    Covering elsewhere can raise a response, because the cover itself looks like something. That alone makes no
    detector.
    """
    return (table[["drop", "difference"]].min(axis=1) / table["intact"]).to_numpy()


def _p_value(
    difference: NDArray[np.float64], error: NDArray[np.float64], freedom: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One-sided; units that do the same in every image are not in doubt."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = stdtr(freedom, -difference / error)
    return np.where(error > 0, p_value, np.where(difference > 0, 0.0, 1.0))
