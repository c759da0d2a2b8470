"""Figure of the best detectors of a network and the images they respond to most."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from anatomy.figures.dissection_detectors import NO_DETECTOR, NOT_DISSECTED
from anatomy.figures.style import (
    QUIET,
    concept_category_colors,
    concept_name,
    empty_figure,
    shorten,
    styled,
)
from anatomy.figures.tiles import canvas, tile

MOST_ROWS = 12
# Of one category, however few others there are.
MOST_OF_CATEGORY = 4
MOST_IMAGES = 6
NO_IMAGES = "no top images"
# Inches.
_TILE, _GAP, _BETWEEN, _MARGIN = 0.9, 0.05, 0.5, 0.3
_HEADING, _LABEL, _ROW_GAP, _CHIP = 0.95, 0.31, 0.12, 0.15
_COLUMN = MOST_IMAGES * (_TILE + _GAP) - _GAP
# Width of a letter of a concept's name, and of what stands at the right of it.
_LETTER, _SMALL_LETTER = 0.096, 0.073


@styled
def best_units(units: pd.DataFrame, top_images: pd.DataFrame, minimum_iou: float) -> Figure:
    """Units with the highest IoU of each concept category, and the images to which they respond most.

    Of each concept only its best unit is shown, of each category the concepts with the highest IoU: MOST_ROWS in all,
    but at most MOST_OF_CATEGORY of one category. Categories run down the left column and on down the right one.

    Parameters
    ----------
    units : one row per unit of all layers: layer, unit, concept, category, iou, low, high (NaN without an interval)
        and detector (whether the unit is one)
    top_images : one row per layer, unit and rank (1 for the strongest response): thumbnail (a square picture as bytes
        of a WebP or PNG file, its region outlined)
    minimum_iou : IoU above which a unit is a detector, to be told

    Raises
    ------
    InputError if a category is none of Broden's.
    """
    title = "What do the best detectors of the network respond to?"
    if units.empty:
        return empty_figure(title, NOT_DISSECTED)
    best = _best(units)
    if best.empty:
        return empty_figure(title, NO_DETECTOR)
    colors = concept_category_colors(best["category"])
    images = top_images.sort_values("rank").groupby(["layer", "unit"], observed=True)["thumbnail"]
    pictures = {key: list(own[:MOST_IMAGES]) for key, own in images}
    in_column = len(best) if len(best) <= 3 else -(-len(best) // 2)
    figure, axes, height = _canvas(-(-len(best) // in_column), in_column)
    axes.text(_MARGIN, height - 0.36, title, fontsize=15, va="center")
    minimum = f"{minimum_iou:g}".removeprefix("0")
    note = f"IoU above {minimum}, with its 95 % interval; strong responses are outlined"
    axes.text(_MARGIN, height - 0.68, note, fontsize=10.5, color=QUIET, va="center")
    for number, row in enumerate(best.itertuples()):
        column, place = divmod(number, in_column)
        left = _MARGIN + column * (_COLUMN + _BETWEEN)
        top = height - _HEADING - place * (_LABEL + _TILE + _ROW_GAP)
        _label(axes, left, top, row, colors[row.category])
        bottom = top - _LABEL - _TILE
        own = pictures.get((row.layer, row.unit), [])
        for image, thumbnail in enumerate(own):
            tile(axes, left + image * (_TILE + _GAP), bottom, _TILE, thumbnail)
        if not own:
            look = {"color": QUIET, "fontsize": 10.5, "va": "center"}
            axes.text(left, bottom + _TILE / 2, NO_IMAGES, **look)
    return figure


def _best(units: pd.DataFrame) -> pd.DataFrame:
    """Detectors to show: the best of each concept, so many of each category that all fit, categories in order."""
    own = units[units["detector"].astype(bool)].astype({"iou": float})
    own = own.sort_values("iou", ascending=False, kind="stable")
    own = own.drop_duplicates(["category", "concept"])
    order = list(concept_category_colors(own["category"]))
    each = min(MOST_OF_CATEGORY, MOST_ROWS // max(1, len(order)))
    own = own.groupby("category").head(each)
    return own.sort_values("category", key=lambda names: names.map(order.index), kind="stable")


def _canvas(columns: int, rows: int) -> tuple[Figure, Axes, float]:
    """Figure, axes in inches over all of it, and their height."""
    width = 2 * _MARGIN + columns * (_COLUMN + _BETWEEN) - _BETWEEN
    height = _HEADING + rows * (_LABEL + _TILE + _ROW_GAP) + _MARGIN / 2
    figure, axes = canvas(width, height)
    return figure, axes, height


def _label(axes: Axes, left: float, top: float, row: Any, color: str) -> None:
    """Above a row of images: concept and category at the left, which unit and its IoU at the right."""
    middle = top - _LABEL / 2
    corner = left, middle - _CHIP / 2
    axes.add_patch(Rectangle(corner, _CHIP, _CHIP, facecolor=color, linewidth=0))
    unit = f"{shorten(row.layer, 14)} unit {row.unit}   IoU {_decimals(row.iou)}{_interval(row)}"
    look = {"va": "center_baseline"}
    axes.text(left + _COLUMN, middle, unit, fontsize=10, color=QUIET, ha="right", **look)
    space = _COLUMN - 3 * _CHIP - len(unit) * _SMALL_LETTER
    letters = int(space / _LETTER) - len(f" ({row.category})")
    name = f"{shorten(concept_name(row.concept), letters)} ({row.category})"
    axes.text(left + _CHIP + 0.08, middle, name, fontsize=12, **look)


def _interval(row: Any) -> str:
    if not np.isfinite([row.low, row.high]).all():
        return ""
    return f" [{_decimals(row.low)}, {_decimals(row.high)}]"


def _decimals(iou: float) -> str:
    """.12; an IoU is never above 1."""
    return f"{iou:.2f}".removeprefix("0")
