"""Figure of the choice of a clustering: performance distance against the number of clusters."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from anatomy.figures.circuit_curves import HALO
from anatomy.figures.circuit_parts import TIGHT_LEGEND, Colors, group_dots
from anatomy.figures.cluster_losses import (
    METHODS,
    NO_CLUSTERS,
    POINTS,
    loss_columns,
    method_names,
    points,
)
from anatomy.figures.style import (
    INK,
    NULL,
    QUIET,
    empty_figure,
    percent_axis,
    styled,
    super_category_colors,
)

# Spread of the folds' dots beside their mean, in clusters where there are _WIDE numbers of them, else less.
_SPREAD, _WIDE = np.array([0.16, 0.34]), 15
_LEAST_RANGE = 0.01
_RINGS = {"best": {"markersize": 12, "mew": 1.3}, "chosen": {"markersize": 15, "mew": 3}}


@styled
def distance_curves(cv: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Performance distance on images that formed no cluster, against the number of clusters; a panel per method.

    Means over folds with 95 % t intervals; each fold is a dot in the colour of the super-category that its most
    selective cluster hurts most. Where a method leaves neurons out, their share stands below.

    Parameters
    ----------
    cv : one row per method, k and fold: performance_distance and, per super-category, loss_NAME
    choice : one row per method and k: performance_distance, low, high, eligible, best_of_method, chosen,
        unclustered_fraction
    """
    choice = choice.dropna(subset="performance_distance")
    methods = method_names(choice["method"])
    title = "At how many clusters do lesions set super-categories apart most?"
    if not methods:
        return empty_figure(title, NO_CLUSTERS)
    left_out = bool((choice["unclustered_fraction"] > 0).any())
    colors = super_category_colors(loss_columns(cv))
    width = 4.4 * len(methods) + (3.2 if len(methods) == 1 else 0.4)
    figure = Figure(figsize=(width, 6.6 if left_out else 5.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    figure.get_layout_engine().set(wspace=0.04, hspace=0.04)
    ratios = (3.6, 1) if left_out else (1,)
    shared = {"sharex": "col", "sharey": "row", "squeeze": False}
    panels = figure.subplots(len(ratios), len(methods), height_ratios=ratios, **shared)
    for column, method in enumerate(methods):
        own = choice[choice["method"] == method].sort_values("k")
        _folds(panels[0, column], cv[cv["method"] == method], colors, np.ptp(choice["k"]))
        _means(panels[0, column], own)
        if left_out:
            _left_out(panels[1, column], own)
    _axes(panels, choice, cv)
    handles = _legend(choice, colors)
    columns = min(len(handles), 3 if len(methods) > 1 else 2)
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, **TIGHT_LEGEND)
    return figure


def _folds(axes: Axes, folds: pd.DataFrame, colors: Colors, k_range: int) -> None:
    """A dot per fold, right of the mean, in the colour of the super-category with the largest loss."""
    folds = folds.dropna(subset="performance_distance")
    if folds.empty:
        return
    columns = loss_columns(folds)
    losses = folds[list(columns.values())].astype(float).fillna(-np.inf).to_numpy()
    groups = np.array(list(columns))[losses.argmax(axis=1)]
    order, _ = pd.factorize(folds["fold"], sort=True)
    spread = _SPREAD * np.clip(k_range / _WIDE, 0.35, 1)
    shift = np.linspace(*spread, order.max() + 1)[order] if order.max() else spread.mean()
    look = {"s": 15, "alpha": 0.55, "linewidth": 0, "zorder": 2}
    shades = [colors[group] for group in groups]
    axes.scatter(folds["k"] + shift, folds["performance_distance"], c=shades, **look)


def _means(axes: Axes, own: pd.DataFrame) -> None:
    """Means and intervals; hollow where so many clusters cannot be chosen."""
    k, values = own["k"].to_numpy(), own["performance_distance"].to_numpy()
    axes.plot(k, values, color=INK, linewidth=1, alpha=0.5, zorder=3)
    axes.vlines(k, own["low"], own["high"], color=INK, linewidth=1.3, zorder=3)
    for eligible, fill in ((True, INK), (False, "white")):
        at = own["eligible"].to_numpy(bool) == eligible
        look = {"color": INK, "markerfacecolor": fill, "markersize": 6, "linewidth": 0}
        axes.plot(k[at], values[at], "o", zorder=4, **look)
    for row in own[own["best_of_method"].astype(bool)].itertuples():
        _mark(axes, row.k, row.performance_distance, bool(row.chosen))


def _mark(axes: Axes, k: int, value: float, chosen: bool) -> None:
    """A ring around a method's best number of clusters, a strong one around the chosen."""
    look = {"color": INK, "markerfacecolor": "none", "linewidth": 0, "zorder": 5}
    axes.plot(k, value, "o", **look, **_RINGS["chosen" if chosen else "best"])
    text = f"k = {k:g}: {points(value)}" + ("\nchosen" if chosen else "")
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    weight = "bold" if chosen else "normal"
    axes.axvline(k, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
    right = k > np.mean(axes.get_xlim())
    side = {"ha": "right" if right else "left", "va": "top"}
    shift = (-4 if right else 4, -2)
    axes.annotate(
        text, (k, 1), shift, fontweight=weight, path_effects=HALO, zorder=6, **side, **place
    )


def _left_out(axes: Axes, own: pd.DataFrame) -> None:
    """Share of neurons that are in no cluster; a method that leaves none out says so."""
    shares = own["unclustered_fraction"].fillna(0)
    if not (shares > 0).any():
        place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, "no neuron is left out", color=QUIET, fontsize=11, **place)
    axes.bar(own["k"], shares, 0.7, color=NULL, linewidth=0)
    axes.set_ylim(0, 1)
    percent_axis(axes.yaxis)


def _axes(panels: np.ndarray, choice: pd.DataFrame, cv: pd.DataFrame) -> None:
    largest = np.nanmax([*choice["performance_distance"], *cv["performance_distance"]])
    # An interval from two folds may be far longer than anything measured.
    top = np.nanmin([1.5 * largest, np.nanmax([largest, *choice["high"]])])
    for axes, method in zip(panels[0], method_names(choice["method"]), strict=True):
        chosen = choice.loc[choice["method"] == method, "chosen"].astype(bool).any()
        name = METHODS.get(method, method) + (" (chosen)" if chosen else "")
        axes.set_title(name, fontweight="bold" if chosen else "normal")
        axes.grid(axis="y", color=NULL, linewidth=0.5, alpha=0.6)
    panels[0, 0].set_ylim(0, max(1.18 * top, _LEAST_RANGE))
    panels[0, 0].set_ylabel(f"Performance distance\n({POINTS})")
    percent_axis(panels[0, 0].yaxis)
    for axes in panels[-1]:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(choice["k"].min() - 0.7, choice["k"].max() + 0.9)
        axes.set_xlabel("Number of clusters k")
    if len(panels) > 1:
        panels[1, 0].set_ylabel("Neurons\nleft out (%)")


def _legend(choice: pd.DataFrame, colors: Colors) -> list[Line2D | Patch]:
    look = {"color": INK, "marker": "o"}
    label = "mean over folds, 95 % t interval"
    handles: list[Line2D | Patch] = [
        Line2D([], [], markersize=6, linewidth=1.3, label=label, **look)
    ]
    if not choice["eligible"].astype(bool).all():
        hollow = {"markerfacecolor": "white", "markersize": 6, "linewidth": 0}
        handles.append(
            Line2D([], [], label="not found in every fold and from all images", **look, **hollow)
        )
    ring = {"markerfacecolor": "none", "linewidth": 0, **_RINGS["best"]}
    handles.append(Line2D([], [], label="best of the method", **look, **ring))
    for dot in group_dots(colors):
        dot.set(alpha=0.55, label=f"a fold; its cluster hurts {dot.get_label()} most")
        handles.append(dot)
    return handles
