"""Figure of the concepts that the layers of several networks emphasise."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anatomy.figures.circuit_parts import TIGHT_LEGEND, Colors
from anatomy.figures.dissection_detectors import (
    ALL,
    NOT_DISSECTED,
    PER_CATEGORY,
    PER_UNIT,
    by_category,
    category_colors,
    category_handles,
    interval_handles,
    layer_axis,
    stacked_bars,
    total_intervals,
)
from anatomy.figures.style import NULL, QUIET, empty_figure, percent_axis, shorten, styled

MOST_IN_A_ROW = 4
# Inches.
_WIDTH, _BETWEEN, _NARROWEST, _WIDEST, _HEIGHT = 14.5, 0.35, 9.5, 6.0, 4.2
_LETTERS_PER_INCH = 8.5


@styled
def networks(table: pd.DataFrame) -> Figure:
    """Share of each layer's units that detect concepts of each category, a panel per network.

    A unit counts for its best concept only, so that the parts of a bar add up to the share of detectors. Under a
    network's name stands its layer of most unique detectors (a unit counts in every category).

    Parameters
    ----------
    table : tables of detectors of several networks, one below the other, with the column network; the columns used
        are those of `anatomy.figures.dissection_detectors.detectors`

    Raises
    ------
    InputError if a category is none of Broden's.
    """
    title = "Which concepts do networks emphasise?"
    if table.empty:
        return empty_figure(title, NOT_DISSECTED)
    names = list(dict.fromkeys(table["network"]))
    colors = category_colors(table)
    figure, panels, width = _canvas(len(names))
    figure.suptitle(title, x=0.01, ha="left")
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, table[table["network"] == name], colors, width)
        axes.set_title(shorten(str(name), int(width * _LETTERS_PER_INCH)), pad=22)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    shares = table.loc[table["counting"] == PER_UNIT, ["share_of_units", "share_high"]]
    highest = np.nanmax([0.01, *shares.astype(float).to_numpy().ravel()])
    panels[0].set_ylim(0, min(1.0, 1.06 * highest))
    percent_axis(panels[0].yaxis)
    figure.supylabel("Units of the layer that are detectors (%)", fontsize=12)
    handles = [*category_handles(colors), *interval_handles(table)]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), **TIGHT_LEGEND)
    return figure


def _canvas(count: int) -> tuple[Figure, list[Axes], float]:
    """Figure, at least so many panels of one scale, and about how wide each is in inches."""
    columns = min(MOST_IN_A_ROW, count)
    rows = -(-count // columns)
    width = min(_WIDEST, (_WIDTH - 1) / columns - _BETWEEN)
    size = max(_NARROWEST, columns * (width + _BETWEEN) + 1), rows * _HEIGHT + 1.2
    figure = Figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(wspace=0.04, hspace=0.05)
    return figure, list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat), width


def _panel(axes: Axes, own: pd.DataFrame, colors: Colors, width: float) -> None:
    layers = list(dict.fromkeys(own["layer"]))
    per_unit = own[own["counting"] == PER_UNIT]
    axes.grid(axis="y", color=NULL, linewidth=0.5, alpha=0.6)
    heights = by_category(per_unit, layers, colors, "share_of_units")
    stacked_bars(axes, heights, colors, range(len(layers)))
    total_intervals(axes, per_unit, layers, "share_low", "share_high")
    layer_axis(axes, layers, width)
    look = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    axes.annotate(_most(own), (0, 1), (0, 6), color=QUIET, fontsize=10.5, **look)


def _most(own: pd.DataFrame) -> str:
    """The layer with the most unique detectors, the first of equals."""
    rows = own[(own["counting"] == PER_CATEGORY) & (own["category"] == ALL)]
    rows = rows.dropna(subset="unique_detectors")
    if rows.empty or not rows["unique_detectors"].max() > 0:
        return "no detector"
    best = rows.iloc[int(np.argmax(rows["unique_detectors"]))]
    return f"most: {best['unique_detectors']:g} unique detectors ({shorten(best['layer'], 16)})"
