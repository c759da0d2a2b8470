"""Figure of substitution accuracy: how well circuits recognise their category in new images."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.figures.circuit_parts import (
    MOST_ROWS,
    NO_CIRCUITS,
    SEED,
    TIGHT_LEGEND,
    Colors,
    category_axis,
    group_dots,
    mark_without_circuit,
    mean_with_interval,
    sorted_rows,
)
from anatomy.figures.style import INK, MINUS, NULL, QUIET, message, styled, super_category_colors
from anatomy.stats import Estimate

# Columns of substitution accuracy, worst to best, and their names for people.
CONSTANT, CIRCUIT, UNPRUNED = "csa_bias_only", "csa_evaluation", "csa_unpruned"
ACCURACIES = {CONSTANT: "constant unit", CIRCUIT: "circuit", UNPRUNED: "unpruned unit"}
ACCURACY_AXIS = f"Substitution accuracy on new images (hits {MINUS} false alarms)"
# A ring is wider than a dot, so that it shows behind one at the same place.
_DOT = 6.5
_RING = {"markerfacecolor": "white", "markeredgewidth": 1.6, "markersize": 9.5}


@styled
def substitution_accuracy(summary: pd.DataFrame) -> Figure:
    """Substitution accuracy on new images: the unpruned unit, its circuit, and a constant unit.

    One row per category, or a scatter for more than 60; the averages, over the categories that
    have a circuit, come with 95 % bootstrap intervals over categories.

    Parameters
    ----------
    summary : table CIRCUIT_SUMMARY of one network
    """
    summary = summary.astype(dict.fromkeys(ACCURACIES, float))
    draw = _accuracy_rows if len(summary) <= MOST_ROWS else _accuracy_scatter
    figure = draw(summary, super_category_colors(summary["super_category"]))
    title = "Does the circuit still recognise its category in new images?"
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def _accuracy_rows(summary: pd.DataFrame, colors: Colors) -> Figure:
    rows = sorted_rows(summary, CIRCUIT, ascending=False)
    figure = Figure(figsize=(9.5, 0.27 * len(rows) + 3.3), layout="constrained")
    heights = (1.25, max(1.5, 0.27 * len(rows)))
    top, main = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    main.tick_params(axis="y", length=0)
    _average_rows(top, summary)
    main.barh(rows.index, rows[CONSTANT], height=0.86, color=NULL, alpha=0.55, linewidth=0)
    for row in rows.itertuples():
        color = colors[row.super_category]
        circuit, unpruned = getattr(row, CIRCUIT), getattr(row, UNPRUNED)
        main.plot([circuit, unpruned], [row.Index] * 2, color=color, linewidth=1.6, zorder=2)
        _ring(main, unpruned, row.Index, color)
        main.plot(circuit, row.Index, "o", color=color, markersize=_DOT, zorder=3)
    category_axis(main, rows, colors)
    for row in rows.index[rows[CIRCUIT].isna()]:
        mark_without_circuit(main, row, 1)
    lowest = min(0.0, rows[list(ACCURACIES)].min().min() - 0.03)
    main.set(xlabel=ACCURACY_AXIS, xlim=(lowest, 1.02))
    handles = [
        *group_dots(colors),
        Patch(color=NULL, alpha=0.55, linewidth=0, label="constant unit (bias only)"),
        Line2D([], [], color=QUIET, marker="o", markersize=_DOT, linewidth=0, label="circuit"),
        Line2D([], [], color=QUIET, marker="o", linewidth=0, label="unpruned unit", **_RING),
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(5, len(handles)), **TIGHT_LEGEND
    )
    return figure


def _ring(axes: Axes, x: float, y: float, color: str) -> None:
    axes.plot(x, y, "o", color=color, zorder=2.5, **_RING)


def _averages(summary: pd.DataFrame) -> dict[str, Estimate | None]:
    """Mean of each accuracy over the categories that have a circuit."""
    with_circuit = summary.dropna(subset=CIRCUIT)
    return {column: mean_with_interval(with_circuit[column]) for column in ACCURACIES}


def _average_rows(axes: Axes, summary: pd.DataFrame) -> None:
    n = int(summary[CIRCUIT].notna().sum())
    if n == 0:
        message(axes, NO_CIRCUITS)
        return
    title = f"Mean over the categories with a circuit (n = {n}), 95 % interval"
    axes.set_title(title, fontsize=12)
    axes.set_ylim(2.6, -0.6)
    axes.set_yticks(range(3), list(ACCURACIES.values())[::-1])
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    for row, (column, mean) in enumerate(reversed(_averages(summary).items())):
        fill = {CONSTANT: NULL, CIRCUIT: INK, UNPRUNED: "white"}[column]
        axes.hlines(row, mean.low, mean.high, color=INK, linewidth=2)
        axes.plot(mean.value, row, "D", color=INK, markerfacecolor=fill, markersize=7.5)
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        interval = f"[{mean.low:.2f}, {mean.high:.2f}]" if np.isfinite(mean.low) else ""
        text = f"{mean.value:.2f}  {interval}".replace("-", MINUS)
        axes.annotate(text, (1, row), (6, 0), va="center", fontsize=11, **place)


def _accuracy_scatter(summary: pd.DataFrame, colors: Colors) -> Figure:
    figure = Figure(figsize=(10.5, 5.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1))
    shown = summary.dropna(subset=CIRCUIT)
    if shown.empty:
        message(left, NO_CIRCUITS)
        right.set_axis_off()
        return figure
    _null_band(left, shown)
    left.plot((0, 1), (0, 1), color=QUIET, linewidth=1)
    # Drawn in a mixed order, so that no super-category hides another.
    mixed = shown.sample(frac=1, random_state=SEED)
    shades = mixed["super_category"].map(colors)
    left.scatter(mixed[UNPRUNED], mixed[CIRCUIT], s=16, c=shades, alpha=0.55, linewidth=0, zorder=3)
    lowest = min(0.0, shown[list(ACCURACIES)].min().min() - 0.02)
    left.set(xlim=(lowest, 1.02), ylim=(lowest, 1.02))
    left.set_xlabel("Substitution accuracy of the unpruned unit")
    left.set_ylabel("Substitution accuracy of the circuit")
    left.set_title(f"{len(shown)} of {len(summary)} categories have a circuit", fontsize=12)
    _average_points(right, shown, colors)
    handles = group_dots(colors)
    handles.append(Patch(color=NULL, alpha=0.7, linewidth=0, label="constant unit, middle 90 %"))
    handles.append(Line2D([], [], color=QUIET, linewidth=1, label="circuit = unpruned"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, **TIGHT_LEGEND)
    return figure


def _null_band(axes: Axes, shown: pd.DataFrame) -> None:
    """What a constant unit gets: 5 and 95 % quantiles in up to 25 equal shares of categories."""
    shares = min(25, max(1, len(shown) // 30))
    ordered = shown.sort_values(UNPRUNED)
    parts = [ordered.iloc[rows] for rows in np.array_split(np.arange(len(ordered)), shares)]
    edges = [part[UNPRUNED].iloc[0] for part in parts] + [ordered[UNPRUNED].iloc[-1]]
    low, high = ([part[CONSTANT].quantile(level) for part in parts] for level in (0.05, 0.95))
    look = {"color": NULL, "alpha": 0.7, "linewidth": 0, "zorder": 1}
    axes.fill_between(edges, [*low, low[-1]], [*high, high[-1]], step="post", **look)


def _average_points(axes: Axes, shown: pd.DataFrame, colors: Colors) -> None:
    axes.set_title("Means, 95 % intervals", fontsize=12)
    shifts = np.linspace(-0.2, 0.2, len(colors)) if len(colors) > 1 else [0.0]
    for shift, (group, color) in zip(shifts, colors.items(), strict=True):
        means = _averages(shown[shown["super_category"] == group])
        for place, mean in enumerate(means.values()):
            if mean is not None:
                axes.vlines(place + shift, mean.low, mean.high, color=color, linewidth=2)
                axes.plot(place + shift, mean.value, "D", color=color, markersize=6)
    for place, mean in enumerate(_averages(shown).values()):
        top = mean.high if np.isfinite(mean.high) else mean.value
        axes.text(place, top + 0.05, f"{mean.value:.2f}", ha="center", fontsize=12)
    names = [name.replace(" ", "\n") for name in ACCURACIES.values()]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
