"""Figure of the frontier between faithfulness and sparsity, on images that chose nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from anatomy.figures.circuit_curves import HALO, kept_axis, level, mean_faithfulness
from anatomy.figures.circuit_parts import NO_CIRCUITS, TIGHT_LEGEND, Colors, mean_with_interval
from anatomy.figures.style import INK, MINUS, message, styled, super_category_colors
from anatomy.stats import Estimate

CIRCUIT, UNPRUNED, CONSTANT = "csa_evaluation", "csa_unpruned", "csa_bias_only"
_COLUMNS = ["threshold", "kept_fraction", "faithfulness", CIRCUIT, UNPRUNED, CONSTANT]
_LIMITS = (-0.4, 1.5)
# Lines of many categories are fainter, so that together they do not cover more than this many strong ones.
_STRONG_LINES, _FAINTEST, _STRONGEST = 9, 0.05, 0.45


@styled
def frontier(table: pd.DataFrame) -> Figure:
    """What circuits keep of their category's recognition in new images, against how much of the network they keep.

    Left substitution accuracy, right faithfulness. A thin line per category joins its circuits of all thresholds. The
    thick line joins, threshold by threshold, the means over the categories that have a circuit, with 95 % bootstrap
    intervals over categories along both axes; mean faithfulness is a ratio of means (see `mean_faithfulness`).

    Parameters
    ----------
    table : one row per category and threshold, with the columns category, super_category, threshold, kept_fraction,
        csa_unpruned, csa_bias_only, csa_evaluation and faithfulness; NaN where there is no circuit
    """
    table = table.astype(dict.fromkeys(_COLUMNS, float)).dropna(subset=["kept_fraction", CIRCUIT])
    figure = Figure(figsize=(11, 5.8), layout="constrained")
    title = "How sparse can a circuit be, and still do its job in new images?"
    figure.suptitle(title, x=0.01, ha="left")
    if table.empty:
        message(figure.add_subplot(), NO_CIRCUITS)
        return figure
    accuracy, faithfulness = figure.subplots(1, 2)
    figure.get_layout_engine().set(wspace=0.06)
    colors = super_category_colors(table["super_category"])
    _accuracy_panel(accuracy, table, colors)
    _faithfulness_panel(faithfulness, table, colors)
    for axes in (accuracy, faithfulness):
        kept_axis(axes, table.loc[table["kept_fraction"] > 0, "kept_fraction"].min())
    handles = _legend(table, colors)
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), **TIGHT_LEGEND)
    return figure


def _accuracy_panel(axes: Axes, table: pd.DataFrame, colors: Colors) -> None:
    level(axes, _mean_of_categories(table, UNPRUNED), "unpruned units (mean)")
    level(axes, _mean_of_categories(table, CONSTANT), "constant units (mean)", above=False)
    _category_lines(axes, table, CIRCUIT, colors)
    _mean_line(axes, table, lambda own: mean_with_interval(own[CIRCUIT]))
    axes.set_ylim(min(0.0, table[[CIRCUIT, CONSTANT]].min().min() - 0.03), 1.02)
    axes.set_ylabel(f"Substitution accuracy (hits {MINUS} false alarms)")
    axes.set_title("Substitution accuracy")


def _faithfulness_panel(axes: Axes, table: pd.DataFrame, colors: Colors) -> None:
    level(axes, 1, "unpruned unit")
    level(axes, 0, "constant unit", above=False)
    _category_lines(axes, table, "faithfulness", colors)
    _mean_line(
        axes, table, lambda own: mean_faithfulness(own[CIRCUIT], own[UNPRUNED], own[CONSTANT])
    )
    low, high = axes.get_ylim()
    axes.set_ylim(max(min(low, -0.12), _LIMITS[0]), min(max(high, 1.12), _LIMITS[1]))
    axes.set_ylabel("Faithfulness")
    axes.set_title("Faithfulness (mean: ratio of means)")


def _mean_of_categories(table: pd.DataFrame, column: str) -> float:
    """Mean over categories of what is the same for all their circuits."""
    return float(table.groupby("category")[column].first().mean())


def _category_lines(axes: Axes, table: pd.DataFrame, column: str, colors: Colors) -> None:
    shown = table.dropna(subset=column)
    categories = max(1, shown["category"].nunique())
    opacity = np.clip(_STRONG_LINES / categories, _FAINTEST, _STRONGEST)
    for (group, _), own in shown.groupby(["super_category", "category"], sort=False):
        own = own.sort_values("threshold")
        look = {"color": colors[group], "linewidth": 0.9, "alpha": opacity, "zorder": 2}
        axes.plot(own["kept_fraction"], own[column], marker=".", markersize=4, **look)


def _mean_line(
    axes: Axes, table: pd.DataFrame, mean: Callable[[pd.DataFrame], Estimate | None]
) -> None:
    """Means at each threshold, joined, with intervals along both axes and the threshold beside them."""
    points = []
    for threshold, own in table.groupby("threshold"):
        height = mean(own)
        if height is not None:
            points.append((threshold, mean_with_interval(own["kept_fraction"]), height))
    look = {"color": INK, "zorder": 4}
    across, heights = ([p[axis].value for p in points] for axis in (1, 2))
    axes.plot(across, heights, marker="o", markersize=6.5, linewidth=2.6, **look)
    for number, (threshold, kept, height) in enumerate(points):
        axes.hlines(height.value, kept.low, kept.high, linewidth=1.3, **look)
        axes.vlines(kept.value, height.low, height.high, linewidth=1.3, **look)
        _name(axes, f"{threshold:g}", kept.value, height, above=number % 2 == 1)


def _name(axes: Axes, text: str, across: float, height: Estimate, above: bool) -> None:
    """A threshold beyond the end of its interval; neighbours lie so close that they take turns above and below."""
    end = height.high if above else height.low
    place = across, end if np.isfinite(end) else height.value
    look = {"ha": "center", "va": "bottom" if above else "top", "fontsize": 10, "zorder": 5}
    shift = (0, 5 if above else -5)
    axes.annotate(text, place, shift, textcoords="offset points", path_effects=HALO, **look)


def _legend(table: pd.DataFrame, colors: Colors) -> list[Line2D]:
    by_threshold = table.groupby("threshold")["category"].nunique()
    fewest, most = by_threshold.min(), by_threshold.max()
    n = f"{most}" if fewest == most else f"{fewest} to {most}"
    interval = ", 95 % intervals" if fewest > 1 else ""
    handles = [Line2D([], [], color=color, linewidth=0.9, label=g) for g, color in colors.items()]
    mean = f"mean (n = {n}){interval}; numbers: share that had to remain"
    return [*handles, Line2D([], [], color=INK, marker="o", linewidth=2.6, label=mean)]
