"""Figure of the controls of circuits: what other sets of weights do in the circuit's place."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from anatomy.figures.circuit_parts import (
    NO_CIRCUITS,
    SEED,
    TIGHT_LEGEND,
    Colors,
    group_dots,
    mean_with_interval,
)
from anatomy.figures.style import (
    INK,
    MINUS,
    QUIET,
    message,
    percent,
    styled,
    super_category_colors,
)
from anatomy.stats import Estimate

CONTROLS = {
    "unpruned": "the unpruned network",
    "circuit": "the circuit",
    "circuit_removed": "its complement (circuit removed)",
    "magnitude": "as many weights by magnitude",
    "random": "as many random weights",
    "other_same": "circuit of a category of\nthe same super-category",
    "other_different": "circuit of a category of\nanother super-category",
    "constant": "a constant unit",
}
CONSTANT = "constant"
CHANCE_AUC = 0.5
# Spread of a row's points about its middle; the mean stands above them. In rows.
_SPREAD, _MEAN_ABOVE = 0.2, 0.33
_FEW = 30
_NULL_LINE = {"color": QUIET, "linewidth": 1, "linestyle": (0, (4, 3))}


@styled
def circuit_controls(table: pd.DataFrame) -> Figure:
    """Substitution accuracy and area under the ROC curve on new images: circuits beside their controls.

    A row per control with a point per category; the mean over categories with its 95 % bootstrap interval stands
    above the points and is written at the right.

    Parameters
    ----------
    table : one row per category and control, with the columns category, super_category, control, csa, auc and
        kept_fraction (the share of the network's weights in use)
    """
    table = table.astype({"csa": float, "auc": float, "kept_fraction": float})
    table = table.dropna(subset="csa")
    controls = [control for control in CONTROLS if (table["control"] == control).any()]
    figure = Figure(figsize=(11.5, 0.62 * max(3, len(controls)) + 1.9), layout="constrained")
    title = "Is it the circuit, or would other weights do as well?"
    figure.suptitle(title, x=0.01, ha="left")
    if not controls:
        message(figure.add_subplot(), NO_CIRCUITS)
        return figure
    accuracy, area = figure.subplots(1, 2, sharey=True)
    figure.get_layout_engine().set(wspace=0.1)
    colors = super_category_colors(table["super_category"])
    for axes, measure in ((accuracy, "csa"), (area, "auc")):
        for row, control in enumerate(controls):
            _row(axes, table[table["control"] == control], measure, row, colors)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(controls) - 0.4, -0.6)
    accuracy.set_yticks(range(len(controls)), [_name(table, control) for control in controls])
    _accuracy_axis(accuracy, table)
    _area_axis(area, table)
    handles = [
        *group_dots(colors),
        Line2D([], [], color=INK, marker="D", label="mean over categories, 95 % interval"),
        Line2D([], [], label="constant unit (mean), chance", **_NULL_LINE),
    ]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=min(4, len(handles)), **TIGHT_LEGEND
    )
    return figure


def _name(table: pd.DataFrame, control: str) -> str:
    """Name of a control, with the share of the weights in use (mean over categories)."""
    kept = table.loc[table["control"] == control, "kept_fraction"].mean()
    if control == CONSTANT or not np.isfinite(kept):
        return CONTROLS[control]
    return f"{CONTROLS[control]}  ({percent(kept)})"


def _row(axes: Axes, rows: pd.DataFrame, measure: str, row: int, colors: Colors) -> None:
    rows = rows.dropna(subset=measure)
    if rows.empty:
        return
    few = len(rows) <= _FEW
    shift = np.random.default_rng(SEED).uniform(-_SPREAD, _SPREAD, len(rows))
    axes.scatter(
        rows[measure],
        row + 0.1 + shift,
        c=rows["super_category"].map(colors),
        s=22 if few else 10,
        alpha=0.75 if few else max(0.15, min(0.5, 60 / len(rows))),
        linewidth=0,
        zorder=2,
    )
    mean = mean_with_interval(rows[measure])
    axes.hlines(row - _MEAN_ABOVE, mean.low, mean.high, color=INK, linewidth=2, zorder=3)
    axes.plot(mean.value, row - _MEAN_ABOVE, "D", color=INK, markersize=6.5, zorder=4)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axes.annotate(_text(mean), (1, row), (6, 0), va="center", fontsize=11, **place)


def _text(mean: Estimate) -> str:
    interval = f"\n[{mean.low:.2f}, {mean.high:.2f}]" if np.isfinite(mean.low) else ""
    return f"{mean.value:.2f}{interval}".replace("-", MINUS)


def _accuracy_axis(axes: Axes, table: pd.DataFrame) -> None:
    constant = table.loc[table["control"] == CONSTANT, "csa"]
    if len(constant):
        _null_line(axes, constant.mean())
    axes.set_xlim(min(-0.02, table["csa"].min() - 0.03), 1.02)
    axes.set_xlabel(f"Substitution accuracy (hits {MINUS} false alarms)")
    axes.set_title("New images, bias fitted on others")


def _area_axis(axes: Axes, table: pd.DataFrame) -> None:
    _null_line(axes, CHANCE_AUC)
    axes.set_xlim(min(0.45, table["auc"].min() - 0.03), 1.02)
    axes.set_xlabel("Area under the ROC curve of the logit")
    axes.set_title("New images, whatever the bias")


def _null_line(axes: Axes, place: float) -> None:
    axes.axvline(place, zorder=1, **_NULL_LINE)
