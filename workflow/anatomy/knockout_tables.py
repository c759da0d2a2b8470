"""Tables of knock-outs over repeats: how each category falls, and what every curve comes down to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.stats import t_intervals
from anatomy.sweep_areas import half_loss, relative_area

SWEPT = ("layer", "kind", "mode")
TOP1, TOP5, SENSITIVITY = "top1", "top5", "sensitivity"
_OF_SUPER_CATEGORY = f"{SENSITIVITY}_"
_GROUP_COLUMNS = ["measure", "group_kind", "group"]


@dataclass(frozen=True, eq=False)
class Curves:
    """Measures of some layers, kinds and modes against the proportion knocked out.

    Attributes
    ----------
    swept : one row per layer, kind and mode
    repeats, proportions : labels of two of the axes, ascending
    heights : (swept, curve, repeat, proportion)
    """

    swept: pd.DataFrame
    repeats: NDArray[np.int64]
    proportions: NDArray[np.float64]
    heights: NDArray[np.float64]


def performance_curves(performance: pd.DataFrame) -> tuple[pd.DataFrame, Curves]:
    """Curves of the measures of a table KNOCKOUT_PERFORMANCE.

    Returns
    -------
    one row per curve with its measure, group_kind and group; and the curves

    Raises
    ------
    InputError if the table does not hold every layer, kind, mode, repeat and proportion just once.
    """
    columns = [c for c in performance if c in (TOP1, TOP5) or c.startswith(_OF_SUPER_CATEGORY)]
    about = [
        (SENSITIVITY, "super_category", column.removeprefix(_OF_SUPER_CATEGORY))
        if column.startswith(_OF_SUPER_CATEGORY)
        else (column, "all", "all")
        for column in columns
    ]
    labels, places = _grid(performance, [*SWEPT, "repeat", "proportion"])
    heights = np.empty((len(places), len(columns)))
    heights[places] = performance[columns].to_numpy()
    curves = _curves(labels, np.moveaxis(heights.reshape(*_shape(labels), -1), -1, -3))
    return pd.DataFrame(about, columns=_GROUP_COLUMNS), curves


def category_curves(sensitivity: pd.DataFrame) -> tuple[pd.DataFrame, Curves]:
    """Curves of the sensitivity of single categories, from a table KNOCKOUT_CATEGORIES_PARTS.

    Returns
    -------
    one row per curve with its category and super_category, in the order of the table; and the curves

    Raises
    ------
    InputError if the table does not hold every layer, kind, mode, repeat, proportion and category just once.
    """
    labels, places = _grid(sensitivity, [*SWEPT, "category", "repeat", "proportion"])
    heights = np.empty(len(places))
    heights[places] = sensitivity["sensitivity"].to_numpy()
    categories = sensitivity[["category", "super_category"]].drop_duplicates("category")
    *swept, _, repeats, proportions = labels
    curves = _curves([*swept, repeats, proportions], heights.reshape(_shape(labels)))
    return categories.astype(str).reset_index(drop=True), curves


def category_table(categories: pd.DataFrame, curves: Curves) -> pd.DataFrame:
    """Table KNOCKOUT_CATEGORIES: mean sensitivity over repeats with its t interval, from `category_curves`."""
    by_repeat = np.moveaxis(curves.heights, (3, 1, 2), (1, 2, 3))
    mean, low, high = t_intervals(by_repeat)
    states, proportions, count = mean.shape
    rows = curves.swept.loc[np.repeat(np.arange(states), proportions * count)]
    return rows.reset_index(drop=True).assign(
        proportion=np.tile(np.repeat(curves.proportions, count), states),
        category=np.tile(categories["category"].to_numpy(), states * proportions),
        super_category=np.tile(categories["super_category"].to_numpy(), states * proportions),
        sensitivity=mean.ravel(),
        low=low.ravel(),
        high=high.ravel(),
        repeats=len(curves.repeats),
    )


def area_table(
    performance: tuple[pd.DataFrame, Curves],
    categories: tuple[pd.DataFrame, Curves],
    outputs: int,
) -> pd.DataFrame:
    """Table KNOCKOUT_AREAS: relative area and half-loss proportion of every curve.

    Parameters
    ----------
    performance, categories : `performance_curves` and `category_curves` of the same sweeps
    outputs : number of output units; chance is 1 / outputs, of top-5 five times that

    Raises
    ------
    InputError if the two are not of the same sweeps.
    """
    (groups, curves), (shown, own) = performance, categories
    for name in ("swept", "repeats", "proportions"):
        if not np.array_equal(getattr(curves, name), getattr(own, name)):
            raise InputError(f"the knock-out tables differ in {name}: performance and categories")
    single = pd.DataFrame(
        {"measure": SENSITIVITY, "group_kind": "category", "group": shown["category"]}
    )
    groups = pd.concat([groups, single], ignore_index=True)
    heights = np.concatenate([curves.heights, own.heights], axis=1)
    chance = np.where(groups["measure"] == TOP5, min(1.0, 5 / outputs), 1 / outputs)
    rows = curves.swept.loc[np.repeat(np.arange(len(heights)), len(groups))].reset_index(drop=True)
    for column in groups:
        rows[column] = np.tile(groups[column].to_numpy(), len(heights))
    begins_intact = curves.proportions[0] == 0
    intact = heights[..., 0].mean(axis=-1) if begins_intact else np.nan
    rows["intact"] = np.ravel(np.broadcast_to(intact, heights.shape[:2]))
    _add(rows, "area", relative_area(curves.proportions, heights))
    halves = half_loss(curves.proportions, heights, chance[:, None])
    _add(rows, "half_loss", halves)
    lost = np.isfinite(halves).sum(axis=-1).ravel()
    return rows.assign(repeats=len(curves.repeats), lost=lost)


def _add(rows: pd.DataFrame, name: str, values: NDArray[np.float64]) -> None:
    """Add the mean over repeats of (swept, curve, repeat), and its interval."""
    ends = zip((name, f"{name}_low", f"{name}_high"), t_intervals(values), strict=True)
    for column, found in ends:
        rows[column] = found.ravel()


def _curves(labels: Sequence[pd.Index], heights: NDArray[np.float64]) -> Curves:
    """Curves from an array (layer, kind, mode, curve, repeat, proportion)."""
    *swept, repeats, proportions = labels
    names = pd.MultiIndex.from_product(swept, names=SWEPT).to_frame(index=False)
    return Curves(
        names, repeats.to_numpy(), proportions.to_numpy(), heights.reshape(-1, *heights.shape[3:])
    )


def _shape(labels: Sequence[pd.Index]) -> tuple[int, ...]:
    return tuple(len(own) for own in labels)


def _grid(table: pd.DataFrame, axes: Sequence[str]) -> tuple[list[pd.Index], NDArray[np.int64]]:
    """Labels along each axis, and each row's place in the array over all axes.

    Numbers ascend, names are in the order of the table.
    """
    numbers = [pd.api.types.is_numeric_dtype(table[axis]) for axis in axes]
    found = [pd.factorize(table[a], sort=own) for a, own in zip(axes, numbers, strict=True)]
    labels = [
        pd.Index(own if number else own.astype(str))
        for number, (_, own) in zip(numbers, found, strict=True)
    ]
    places = np.ravel_multi_index([codes for codes, _ in found], _shape(labels))
    if len(places) != np.prod(_shape(labels)) or len(np.unique(places)) != len(places):
        raise InputError(f"the knock-out table does not hold each {', '.join(axes)} just once")
    return labels, places
