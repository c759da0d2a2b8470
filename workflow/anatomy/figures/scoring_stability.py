"""Figure of the stability of weight scores: how many images give a rank order that others repeat."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from anatomy.figures.circuit_parts import SEED
from anatomy.figures.style import INK, MINUS, QUIET, layer_colors, message, shorten, styled
from anatomy.stats import Estimate, confidence_interval

ALL_LAYERS = "all"
PUBLISHED_IMAGES = 4
# Of more layers than this the legend names some, evenly spaced.
MOST_NAMED = 16


@styled
def scoring_stability(table: pd.DataFrame) -> Figure:
    """Rank correlation with the scores from other images against the number of images.

    A line per layer and one for their mean. For each category the mean over its subsets is taken first; lines are
    means over categories, bands their 95 % bootstrap intervals.

    Parameters
    ----------
    table : columns category, layer (one of them "all"), images, subset, rank_correlation; layers in network order
    """
    table = table.astype({"rank_correlation": float}).dropna(subset="rank_correlation")
    figure = Figure(figsize=(9.2, 5.6), layout="constrained")
    title = "How many images give a stable rank order of the weights?"
    figure.suptitle(title, x=0.01, ha="left")
    axes = figure.add_subplot()
    if table.empty:
        message(axes, "No layer has a rank order.")
        return figure
    layers = [layer for layer in dict.fromkeys(table["layer"]) if layer != ALL_LAYERS]
    colors = layer_colors(layers)
    opacity = 0.12 if len(layers) <= MOST_NAMED else 0.03
    for layer in layers:
        width = 1.8 if len(layers) <= MOST_NAMED else 0.9
        _line(axes, table[table["layer"] == layer], colors[layer], width, opacity)
    _line(axes, table[table["layer"] == ALL_LAYERS], INK, 3, 0.25)
    _mark_published(axes)
    _axes(axes, table)
    figure.legend(handles=_legend(table, layers), loc="outside right center")
    return figure


def _line(axes: Axes, rows: pd.DataFrame, color: str, width: float, opacity: float) -> None:
    if rows.empty:
        return
    estimates = _estimates(rows)
    images = list(estimates)
    low, high = ([getattr(e, end) for e in estimates.values()] for end in ("low", "high"))
    axes.fill_between(images, low, high, color=color, alpha=opacity, linewidth=0, zorder=2)
    values = [e.value for e in estimates.values()]
    look = {"color": color, "linewidth": width, "marker": "o", "markersize": width + 2.5}
    axes.plot(images, values, zorder=2 + width, clip_on=False, **look)


def _estimates(rows: pd.DataFrame) -> dict[int, Estimate]:
    """Number of images -> mean over categories, of one layer."""
    by_category = rows.groupby(["images", "category"])["rank_correlation"].mean()
    return {
        int(images): confidence_interval(own.to_numpy(), SEED)
        for images, own in by_category.groupby(level="images")
    }


def _mark_published(axes: Axes) -> None:
    axes.axvline(PUBLISHED_IMAGES, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    look = {"color": QUIET, "fontsize": 10, "ha": "left", "va": "bottom"}
    text = f"{PUBLISHED_IMAGES} images:\nAndrade & Konkle"
    axes.annotate(text, (PUBLISHED_IMAGES, 0), (5, 4), **place, **look)


def _axes(axes: Axes, table: pd.DataFrame) -> None:
    images = sorted(set(table["images"]))
    axes.set_xscale("log", base=2)
    axes.set_xlim(images[0] * 0.93, max(images[-1], PUBLISHED_IMAGES) * 1.07)
    axes.xaxis.set_major_locator(FixedLocator(images))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("Scoring images (log axis)")
    axes.set_ylabel("Rank correlation with the scores from other images")
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.1f}".replace("-", MINUS))
    axes.grid(axis="y", color=QUIET, linewidth=0.4, alpha=0.4)


def _legend(table: pd.DataFrame, layers: Sequence[str]) -> list[Line2D | Patch]:
    colors = layer_colors(layers)
    places = np.linspace(0, len(layers) - 1, min(len(layers), MOST_NAMED)).round().astype(int)
    n = table["category"].nunique()
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colors[layers[place]], marker="o", label=shorten(layers[place]))
        for place in places
    ]
    if (table["layer"] == ALL_LAYERS).any():
        label = f"mean of {len(layers)} layers"
        handles.append(Line2D([], [], color=INK, linewidth=3, marker="o", label=label))
    if n > 1:
        label = f"95 % interval\n(n = {n} categories)"
        handles.append(Patch(color=QUIET, alpha=0.25, linewidth=0, label=label))
    return handles
