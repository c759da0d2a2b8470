"""Figure of circuit sizes: the share of the weights that each category's circuit keeps."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anatomy.figures.circuit_parts import (
    KEPT_TICKS,
    MOST_ROWS,
    TIGHT_LEGEND,
    category_axis,
    group_dots,
    kept_ticks,
    mark_without_circuit,
    mean_with_interval,
    sorted_rows,
)
from anatomy.figures.style import NULL, QUIET, percent, styled, super_category_colors
from anatomy.stats import Estimate

SIZES = {
    "kept_fraction": "all layers",
    "kept_fraction_fc": "fully-connected layers",
    "kept_fraction_conv": "convolutions",
}
_SIZE_LABEL = "Weights kept (%, log axis)"
# Share of a histogram's height that its bars fill, and where the mean stands above them.
_BAR_HEIGHT, _MARK_HEIGHT = 0.78, 0.9


@styled
def circuit_sizes(summary: pd.DataFrame) -> Figure:
    """Share of the weights that each category's circuit keeps, in all layers and in either stage.

    One row per category, sorted within its super-category, or histograms for more than 60
    categories; means of super-categories with 95 % bootstrap intervals over categories.

    Parameters
    ----------
    summary : table CIRCUIT_SUMMARY of one network
    """
    summary = summary.astype(dict.fromkeys(SIZES, float))
    columns = [column for column in SIZES if summary[column].notna().any()] or list(SIZES)
    draw = _size_rows if len(summary) <= MOST_ROWS else _size_histograms
    figure = draw(summary, columns)
    figure.suptitle("How small is the network that a category needs?", x=0.01, ha="left")
    return figure


def _row_figure(rows: int, panels: int, above: float) -> Figure:
    return Figure(figsize=(3.3 * panels + 1.6, 0.27 * rows + above), layout="constrained")


def _size_rows(summary: pd.DataFrame, columns: Sequence[str]) -> Figure:
    rows = sorted_rows(summary, "kept_fraction", ascending=True)
    colors = super_category_colors(rows["super_category"])
    figure = _row_figure(len(rows), len(columns), 1.9)
    panels = figure.subplots(1, len(columns), sharey=True, sharex=True, squeeze=False)[0]
    for axes, column in zip(panels, columns, strict=True):
        for group, own in rows.groupby("super_category"):
            axes.plot(own[column], own.index, "o", color=colors[group], markersize=6.5)
            block = own.index[0] - 0.45, own.index[-1] + 0.45
            _block_mean(axes, mean_with_interval(own[column]), block, colors[group])
        axes.set_title(SIZES[column])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color=NULL, linewidth=0.8, linestyle=(0, (1, 2)))
        _size_axis(axes, summary[list(columns)])
        axes.set_xlabel(_SIZE_LABEL)
    category_axis(panels[0], rows, colors)
    for row in rows.index[rows["kept_fraction"].isna()]:
        mark_without_circuit(panels[0], row, 0)
    handles = [
        *group_dots(colors),
        Line2D([], [], color=QUIET, linewidth=1.6, label="mean"),
        Patch(color=QUIET, alpha=0.2, linewidth=0, label="its 95 % interval"),
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(6, len(handles)), **TIGHT_LEGEND
    )
    return figure


def _block_mean(
    axes: Axes, estimate: Estimate | None, block: tuple[float, float], color: str
) -> None:
    """Mean of a block of rows as a line, its interval as a band; block is the range along y."""
    if estimate is None:
        return
    axes.vlines(estimate.value, *block, color=color, linewidth=1.6)
    if np.isfinite(estimate.low):
        axes.fill_betweenx(block, estimate.low, estimate.high, color=color, alpha=0.2, linewidth=0)


def _size_axis(axes: Axes, sizes: pd.DataFrame) -> None:
    """Logarithmic, all weights at the right end."""
    lowest = sizes[sizes > 0].min().min()
    lowest = min(0.1, lowest) if np.isfinite(lowest) else 0.001
    axes.set_xscale("log")
    axes.set_xlim(lowest * 0.6, 1.15)
    few = (1, 0.1, 0.01, 0.001, 1e-4, 1e-5)
    kept_ticks(axes, few if lowest < 0.012 else KEPT_TICKS)
    axes.grid(axis="x", color=NULL, linewidth=0.5, alpha=0.6)


def _size_histograms(summary: pd.DataFrame, columns: Sequence[str]) -> Figure:
    colors = super_category_colors(summary["super_category"])
    groups = list(colors)
    figure = Figure(
        figsize=(3.3 * len(columns) + 1.6, 1.5 * len(groups) + 1.9), layout="constrained"
    )
    panels = figure.subplots(len(groups), len(columns), sharex=True, sharey=True, squeeze=False)
    positive = summary[list(columns)][summary[list(columns)] > 0]
    lowest = positive.min().min()
    edges = np.geomspace(min(0.5, lowest if np.isfinite(lowest) else 0.1), 1, 31)
    for across, group in zip(panels, groups, strict=True):
        own = summary[summary["super_category"] == group]
        for axes, column in zip(across, columns, strict=True):
            _size_histogram(axes, own[column].dropna(), edges, colors[group])
            _size_axis(axes, summary[list(columns)])
        missing = int(own["kept_fraction"].isna().sum())
        about = f"{len(own)} categories" + (f", {missing} without circuit" if missing else "")
        across[0].set_title(f"{group}: {about}", color=colors[group], fontsize=11)
    for axes, column in zip(panels[0], columns, strict=True):
        axes.annotate(
            SIZES[column],
            (0, 1),
            (0, 28),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=13,
        )
    for axes in panels[-1]:
        axes.set_xlabel(_SIZE_LABEL)
    panels[0, 0].set_ylim(0, panels[0, 0].get_ylim()[1] / _BAR_HEIGHT)
    figure.supylabel("Share of the categories (%)", fontsize=12)
    return figure


def _size_histogram(axes: Axes, sizes: pd.Series, edges: NDArray[np.float64], color: str) -> None:
    if sizes.empty:
        return
    weights = np.full(len(sizes), 100 / len(sizes))
    axes.hist(sizes.clip(edges[0], 1), edges, weights=weights, color=color, alpha=0.45, linewidth=0)
    mean = mean_with_interval(sizes)
    level = {"transform": axes.get_xaxis_transform(), "color": color, "clip_on": False}
    axes.plot((mean.low, mean.high), (_MARK_HEIGHT, _MARK_HEIGHT), linewidth=2, **level)
    axes.plot(mean.value, _MARK_HEIGHT, "D", markersize=6, **level)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    left = mean.value > np.sqrt(edges[0])
    look = {"fontsize": 11, "color": color, "va": "center", "ha": "right" if left else "left"}
    shift = (-9 if left else 9, 0)
    end = mean.low if left else mean.high
    end = end if np.isfinite(end) else mean.value
    text = f"mean {percent(mean.value)}"
    axes.annotate(text, (end, _MARK_HEIGHT), shift, **place, **look)
