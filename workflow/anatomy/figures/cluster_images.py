"""Figure of the images of categories that a lesion of a cluster hurts most."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anatomy.figures.circuit_parts import Colors
from anatomy.figures.cluster_losses import (
    APART,
    NOT_CHOSEN,
    chosen_lesions,
    clustering_name,
    loss_columns,
    points,
    same_clustering,
)
from anatomy.figures.style import INK, QUIET, empty_figure, shorten, styled, super_category_colors
from anatomy.figures.tiles import canvas, tile

MOST_ROWS = 8
MOST_IMAGES = 10
# Inches.
_TILE, _GAP, _BETWEEN = 1.02, 0.04, 0.14
_MARGIN, _NAMES, _HEADING, _LABEL, _ROW_GAP = 0.3, 2.05, 0.95, 0.42, 0.16
_LETTERS_PER_INCH = 12.5


@styled
def hurt_images(images: pd.DataFrame, lesions: pd.DataFrame) -> Figure:
    """Images of the categories that lose most when a cluster of the chosen clustering is lesioned.

    A row per cluster, the MOST_ROWS with the largest performance distance, the largest at the top; at most
    MOST_IMAGES images in a row, the most hurt category at the left.

    Parameters
    ----------
    images : one row per method, cluster, category and image: k, name, super_category, loss, rank (of the category, 1
        for the most hurt), place (of the image in the category, from 1) and thumbnail (a square picture as bytes of a
        PNG file)
    lesions : one row per method and cluster: k, chosen, cluster, neurons, most_hurt, performance_distance and,
        per super-category, loss_NAME
    """
    own = chosen_lesions(lesions)
    own = own[~own["cluster"].isin(APART)][:MOST_ROWS]
    title = "What do images look like that a cluster is needed for?"
    if own.empty:
        return empty_figure(title, NOT_CHOSEN)
    images = same_clustering(images, own)
    shown = _shown(images[images["cluster"].isin(own["cluster"])])
    if shown.empty:
        return empty_figure(title, "No category loses by the lesion of any cluster.")
    colors = super_category_colors(loss_columns(lesions))
    figure, axes, height = _canvas(shown, len(own))
    heading = f"{title} ({clustering_name(own)})"
    axes.text(_MARGIN, height - 0.36, heading, fontsize=15, va="center")
    note = "categories that lose most; numbers: loss of sensitivity in percentage points"
    axes.text(_MARGIN, height - 0.68, note, fontsize=10.5, color=QUIET, va="center")
    for number, cluster in enumerate(own.itertuples()):
        top = height - _HEADING - number * (_LABEL + _TILE + _ROW_GAP)
        _cluster_text(axes, top - _LABEL, cluster, colors)
        rows = shown[shown["cluster"] == cluster.cluster]
        if rows.empty:
            _no_loss(axes, top - _LABEL - _TILE / 2)
        _row(axes, top, rows, colors)
    return figure


def _shown(images: pd.DataFrame) -> pd.DataFrame:
    """Categories that lose, with so many images each that a row is full but does not overflow."""
    hurt = images[images["loss"] > 0]
    if hurt.empty:
        return hurt
    each = int(np.clip(MOST_IMAGES // hurt["rank"].max(), 1, hurt["place"].max()))
    chosen = (hurt["place"] <= each) & (hurt["rank"] <= MOST_IMAGES // each)
    return hurt[chosen].sort_values("place", kind="stable")


def _canvas(shown: pd.DataFrame, rows: int) -> tuple[Figure, Axes, float]:
    """Figure, axes in inches as wide as the longest row, and their height."""
    longest = max(_length(own) for _, own in shown.groupby("cluster"))
    width = max(2 * _MARGIN + _NAMES + longest, 9.5)
    height = _HEADING + rows * (_LABEL + _TILE + _ROW_GAP) + _MARGIN / 2
    figure, axes = canvas(width, height)
    return figure, axes, height


def _length(own: pd.DataFrame) -> float:
    categories = own["category"].nunique()
    return len(own) * (_TILE + _GAP) + categories * (_BETWEEN - _GAP)


def _cluster_text(axes: Axes, top: float, cluster: Any, colors: Colors) -> None:
    """At the left of a row: which cluster, how large, and whom its lesion hurts."""
    lines = [
        (f"Cluster {cluster.cluster}", INK, 12.5),
        (f"{cluster.neurons:,.0f} neurons", QUIET, 10.5),
    ]
    if isinstance(cluster.most_hurt, str) and cluster.most_hurt:
        lines.append((f"{cluster.most_hurt} loses most", colors[cluster.most_hurt], 10.5))
    if np.isfinite(cluster.performance_distance):
        lines.append((f"distance {points(cluster.performance_distance)}", QUIET, 10.5))
    for number, (text, color, size) in enumerate(lines):
        look = {"color": color, "fontsize": size, "va": "top"}
        axes.text(_MARGIN, top - 0.04 - 0.23 * number, shorten(text, 26), **look)


def _no_loss(axes: Axes, y: float) -> None:
    axes.text(_MARGIN + _NAMES, y, "no category loses", color=QUIET, fontsize=11, va="center")


def _row(axes: Axes, top: float, rows: pd.DataFrame, colors: Colors) -> None:
    """Categories side by side, each with its name above its images."""
    left = _MARGIN + _NAMES
    for _, own in rows.groupby("rank"):
        first = own.iloc[0]
        length = len(own) * (_TILE + _GAP) - _GAP
        name = shorten(str(first["name"]), int(length * _LETTERS_PER_INCH))
        text = f"{name}\n{points(first['loss'])}"
        look = {"fontsize": 10, "va": "bottom", "linespacing": 1.15}
        at = left, top - _LABEL + 0.05
        axes.text(*at, text, color=colors[first["super_category"]], **look)
        for number, thumbnail in enumerate(own["thumbnail"]):
            tile(axes, left + number * (_TILE + _GAP), top - _LABEL - _TILE, _TILE, thumbnail)
        left += length + _BETWEEN
