"""Figure of the concepts that the units of each layer detect, and what figures of detectors share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from anatomy.figures.circuit_curves import HALO
from anatomy.figures.circuit_parts import TIGHT_LEGEND, Colors
from anatomy.figures.style import (
    INK,
    NULL,
    concept_category_colors,
    empty_figure,
    percent_axis,
    shorten,
    styled,
)

ALL = "all"
PER_CATEGORY, PER_UNIT = "one_per_category", "one_per_unit"
COUNTINGS = {
    PER_CATEGORY: "A unit counts in every category",
    PER_UNIT: "A unit counts for its best concept only",
}
NOT_DISSECTED = "No layer was dissected."
NO_DETECTOR = "No unit of any layer is a detector."
INTERVAL = "95 % interval"
ANY = "any category"
BAR_WIDTH = 0.72
# More layers than this are drawn in panels below one another, their intervals as bands.
MOST_SIDE_BY_SIDE = 12
# More bars than this have no number above them.
MOST_NUMBERED = 60
# Around lines on dark bars.
ON_BARS = (withStroke(linewidth=3, foreground="white", alpha=0.75),)

# Inches: width of a letter of a layer's name, and of a turned name.
_LETTER, _TURNED = 0.095, 0.22
# A panel is as wide as that of so many layers, so that bars of few are not broad.
_LEAST_LAYERS = 3
# Empty space above the highest bar, as a share of it, for numbers.
_ABOVE = 1.12
# Distance between the points of two categories in one layer.
_STEP = 0.1


@styled
def detectors(table: pd.DataFrame) -> Figure:
    """Unique detectors of each layer by concept category, under both counting rules, and the share of units.

    Parameters
    ----------
    table : one row per layer (in network order), counting (one_per_category or one_per_unit) and category (concept
        categories and "all"): unique_detectors, low, high, detector_units, share_of_units, share_low, share_high and
        units; ends of intervals may be NaN

    Raises
    ------
    InputError if a category is none of Broden's.
    """
    title = "Which concepts do the units of each layer detect?"
    if table.empty:
        return empty_figure(title, NOT_DISSECTED)
    if not (table["detector_units"] > 0).any():
        return empty_figure(title, NO_DETECTOR)
    layers = list(dict.fromkeys(table["layer"]))
    colors = category_colors(table)
    figure, panels, widths = _canvas(len(layers))
    figure.suptitle(title, x=0.01, ha="left")
    most = _highest(table, "unique_detectors", "high")
    for axes, counting in zip(panels, (PER_CATEGORY, PER_UNIT), strict=False):
        own = table[table["counting"] == counting]
        heights = by_category(own, layers, colors, "unique_detectors")
        stacked_bars(axes, heights, colors, range(len(layers)))
        total_intervals(axes, own, layers, "low", "high")
        _total_numbers(axes, totals(own, layers))
        axes.set_ylim(0, max(1, _ABOVE * most))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.set_ylabel("Unique detectors (concepts)")
        axes.set_title(COUNTINGS[counting], fontsize=12)
    _emphasis(panels[2], table[table["counting"] == PER_UNIT], layers, colors)
    for axes, width in zip(panels, widths, strict=True):
        layer_axis(axes, layers, width)
    line = Line2D([], [], color=INK, marker="o", markersize=5, label=ANY)
    handles = [*category_handles(colors), line, *interval_handles(table)]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), **TIGHT_LEGEND)
    return figure


def category_colors(table: pd.DataFrame) -> dict[str, str]:
    """Colours of the concept categories in a table of detectors."""
    return concept_category_colors(set(table["category"]) - {ALL})


def category_handles(colors: Colors) -> list[Line2D | Patch]:
    """Legend entries of the concept categories."""
    return [Patch(color=color, linewidth=0, label=name) for name, color in colors.items()]


def interval_handles(table: pd.DataFrame) -> list[Line2D | Patch]:
    """Legend entry of the intervals, if the table has any."""
    if not table[["low", "share_low"]].notna().any(axis=None):
        return []
    return [Line2D([], [], color=INK, linewidth=1.4, label=INTERVAL)]


def by_category(
    own: pd.DataFrame, layers: Sequence[str], colors: Colors, column: str
) -> pd.DataFrame:
    """A column of the rows of one counting rule, as (layer, concept category); 0 where there is no value."""
    wide = own.pivot(index="layer", columns="category", values=column)
    return wide.reindex(index=layers, columns=list(colors)).astype(float).fillna(0)


def stacked_bars(
    axes: Axes,
    heights: pd.DataFrame,
    colors: Colors,
    places: Sequence[float] | np.ndarray,
    width: float = BAR_WIDTH,
) -> None:
    """A bar per row of `heights` at these places, its parts the concept categories."""
    bottom = np.zeros(len(heights))
    seam = 0.6 if len(heights) <= MOST_SIDE_BY_SIDE else 0
    for name, color in colors.items():
        look = {"color": color, "edgecolor": "white", "linewidth": seam}
        axes.bar(places, heights[name], width, bottom, **look)
        bottom += heights[name].to_numpy()


def total_intervals(
    axes: Axes, own: pd.DataFrame, layers: Sequence[str], low: str, high: str
) -> None:
    """Interval of each layer's total, from column `low` to column `high`, where there is one."""
    rows = totals(own, layers).reset_index(drop=True)
    known = rows[[low, high]].dropna().astype(float)
    look = {"color": INK, "zorder": 4}
    if len(layers) <= MOST_SIDE_BY_SIDE:
        look |= {"linewidth": 1.4, "path_effects": ON_BARS}
    axes.vlines(known.index, known[low], known[high], **({"linewidth": 0.7} | look))


def totals(own: pd.DataFrame, layers: Sequence[str]) -> pd.DataFrame:
    """Rows of all categories together, one per layer in this order."""
    return own[own["category"] == ALL].set_index("layer").reindex(layers)


def layer_axis(axes: Axes, layers: Sequence[str], inches: float) -> None:
    """Names of the layers below a panel of this width: turned where they are long, every so many where there are many.

    The last layer has always its name.
    """
    slot = inches / len(layers)
    names = [shorten(layer) for layer in layers]
    fit = max(map(len, names)) * _LETTER <= slot
    step = 1 if fit else int(np.ceil(_TURNED / slot))
    places = range((len(names) - 1) % step, len(names), step)
    axes.set_xticks(places, names[places.start :: step], **_turned(fit, step))
    beside = max(0.6, (_LEAST_LAYERS + 1 - len(layers)) / 2)
    axes.set_xlim(-beside, len(layers) - 1 + beside)
    axes.tick_params(axis="x", length=0 if step == 1 else 3)


def _turned(fit: bool, step: int) -> dict[str, Any]:
    """How names are written: level, slanted, or upright where they stand close."""
    if fit:
        return {}
    if step == 1:
        return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    return {"rotation": 90}


def _canvas(layers: int) -> tuple[Figure, Sequence[Axes], Sequence[float]]:
    """Figure, its three panels, and about how wide each is in inches."""
    if layers > MOST_SIDE_BY_SIDE:
        figure = Figure(figsize=(14.5, 11.5), layout="constrained")
        figure.get_layout_engine().set(hspace=0.05)
        return figure, figure.subplots(3, 1, sharex=True), (13.5,) * 3
    figure = Figure(figsize=(14.5, 5.9), layout="constrained")
    figure.get_layout_engine().set(wspace=0.05)
    ratios = np.array([1.1, 0.85, 1.2])
    return figure, figure.subplots(1, 3, width_ratios=ratios), 12.4 * ratios / ratios.sum()


def _total_numbers(axes: Axes, rows: pd.DataFrame) -> None:
    """Number of unique detectors above each bar and its interval."""
    if len(rows) > MOST_NUMBERED:
        return
    tops = np.fmax(rows["unique_detectors"], rows["high"].astype(float))
    size = 11 if len(rows) <= MOST_SIDE_BY_SIDE else 9
    look = {"ha": "center", "va": "bottom", "fontsize": size, "textcoords": "offset points"}
    for place in np.flatnonzero(tops.notna()):
        text = f"{rows['unique_detectors'].iloc[place]:g}"
        axes.annotate(text, (place, tops.iloc[place]), (0, 3), **look)


def _emphasis(axes: Axes, own: pd.DataFrame, layers: Sequence[str], colors: Colors) -> None:
    """Share of each layer's units that detect a concept of each category, and of any."""
    few = len(layers) <= MOST_SIDE_BY_SIDE
    places = np.arange(len(layers))
    for number, (name, color) in enumerate(colors.items()):
        rows = own[own["category"] == name].set_index("layer").reindex(layers)
        shift = few * _STEP * (number - (len(colors) - 1) / 2)
        _share_line(axes, places + shift, rows, color, few)
    _share_line(axes, places, totals(own, layers), INK, few)
    if few:
        _numbers(axes, totals(own, layers))
    axes.grid(axis="y", color=NULL, linewidth=0.5, alpha=0.6)
    axes.set_ylim(0, max(0.01, _ABOVE * _highest(own, "share_of_units", "share_high")))
    percent_axis(axes.yaxis)
    axes.set_ylabel("Units of the layer that are detectors (%)")
    axes.set_title("Share of units, by their best concept", fontsize=12)


def _share_line(axes: Axes, places: np.ndarray, rows: pd.DataFrame, color: str, few: bool) -> None:
    share, low, high = (
        rows[column].to_numpy(dtype=float)
        for column in ("share_of_units", "share_low", "share_high")
    )
    look = {"color": color, "zorder": 3}
    if few:
        known = np.isfinite(low) & np.isfinite(high)
        axes.vlines(places[known], low[known], high[known], linewidth=1.4, **look)
        look |= {"marker": "o", "markersize": 6.5, "markeredgecolor": INK, "markeredgewidth": 0.5}
    else:
        axes.fill_between(places, low, high, color=color, alpha=0.18, linewidth=0, zorder=2)
    axes.plot(places, share, linewidth=2, clip_on=False, **look)


def _numbers(axes: Axes, rows: pd.DataFrame) -> None:
    """Number of detectors and of units above the share of any category."""
    tops = np.fmax(rows["share_of_units"], rows["share_high"].astype(float))
    look = {"ha": "center", "va": "bottom", "fontsize": 10, "linespacing": 1.0}
    at = {"textcoords": "offset points", "path_effects": HALO}
    for place in np.flatnonzero(tops.notna()):
        row = rows.iloc[place]
        text = f"{row['detector_units']:g}\nof {row['units']:g}"
        axes.annotate(text, (place, tops.iloc[place]), (0, 4), **at, **look)


def _highest(table: pd.DataFrame, *columns: str) -> float:
    highest = table[list(columns)].astype(float).max().max()
    return float(highest) if np.isfinite(highest) else 0.0
