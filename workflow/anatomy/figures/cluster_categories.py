"""Figure of what a lesion of each cluster costs single categories."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anatomy.figures.circuit_parts import Colors
from anatomy.figures.cluster_losses import (
    NOT_CHOSEN,
    POINTS,
    chosen_lesions,
    cluster_axis,
    cluster_places,
    clustering_name,
    losses_of,
    points,
    recognition_legend,
    same_clustering,
)
from anatomy.figures.style import (
    INK,
    NULL,
    empty_figure,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)

# More categories than this are not named along the axis: the most hurt of each cluster are named instead.
MOST_NAMES = 60
_NAMED_PER_ROW = 2
# White for no loss; neither end means a super-category elsewhere.
_MAP = "PRGn_r"
# A few extreme categories may lie beyond the colours.
_SHOWN = 0.995
_LEAST_RANGE = 0.01


@styled
def category_losses(
    lesions: pd.DataFrame,
    losses: pd.DataFrame,
    recognised_as: str,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Loss of sensitivity of every category when a cluster of the chosen clustering is lesioned.

    A row per cluster, the largest performance distance at the top; a column per category, those of a super-category
    side by side and, within it, by their loss in the top row.

    Parameters
    ----------
    lesions : one row per method and cluster: method, k, chosen, cluster, neurons, performance_distance
    losses : one row per method, cluster, recognised_as and group (a category that occurs once), with the columns
        super_category, loss and random_high
    recognised_as : "category" or "super_category", the rows of `losses` to draw
    names : category -> its name for people; the category itself without

    Raises
    ------
    InputError if recognised_as is another word.
    """
    losses = losses_of(losses, recognised_as, "category")
    own = chosen_lesions(lesions)
    title = "Which categories does each cluster serve?"
    if own.empty or losses.empty:
        return empty_figure(title, NOT_CHOSEN)
    losses = same_clustering(losses, own)
    categories = _categories(losses, own)
    colors = super_category_colors(categories)
    few = len(categories) <= MOST_NAMES
    figure = Figure(figsize=_size(own, len(categories)), layout="constrained")
    figure.suptitle(f"{title} ({clustering_name(own)})", x=0.01, ha="left")
    figure.get_layout_engine().set(hspace=0.01)
    strip, axes = figure.subplots(2, 1, height_ratios=(0.35, len(own)), sharex=True)
    matrix = _matrix(losses, own, categories.index, "loss")
    _strip(strip, [colors[group] for group in categories])
    _matrix_panel(axes, matrix, own, categories)
    names = names or {}
    shown = [shorten(names.get(category, category)) for category in categories.index]
    if few:
        _beyond_random(axes, matrix, _matrix(losses, own, categories.index, "random_high"), own)
        _name_columns(axes, shown, [colors[group] for group in categories])
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(categories):,} categories", loc="left")
        _name_most_hurt(axes, matrix, own, shown, categories, colors)
    _color_bar(figure, axes)
    _legend(figure, losses, few, categories, colors, recognised_as)
    return figure


def _categories(losses: pd.DataFrame, own: pd.DataFrame) -> pd.Series:
    """Super-category of each category, in the order of the columns."""
    groups = losses.drop_duplicates("group").set_index("group")["super_category"]
    top = losses[losses["cluster"] == own["cluster"].iloc[0]].set_index("group")["loss"]
    table = pd.DataFrame({"super_category": groups, "loss": top.reindex(groups.index)})
    keys = ["super_category", "loss"]
    return table.sort_values(keys, ascending=[True, False], kind="stable")["super_category"]


def _matrix(
    losses: pd.DataFrame, own: pd.DataFrame, categories: pd.Index, column: str
) -> NDArray[np.float64]:
    """A column of the table as (cluster, category), NaN where it has no row."""
    wide = losses.pivot(index="cluster", columns="group", values=column)
    return wide.reindex(index=own["cluster"], columns=categories).to_numpy(dtype=float)


def _size(own: pd.DataFrame, categories: int) -> tuple[float, float]:
    """Inches. Names along the axis need height, those beside the rows width."""
    height = 0.34 * max(4, len(own)) + 2.2
    if categories <= MOST_NAMES:
        return float(np.clip(0.27 * categories + 4.2, 9, 15)), height + 1.3
    return 15, height


def _strip(axes: Axes, colors: Sequence[str]) -> None:
    shades = np.array([[to_rgb(color) for color in colors]])
    axes.imshow(shades, aspect="auto", extent=(0, len(colors), 1, 0), interpolation="nearest")
    axes.set_axis_off()


def _matrix_panel(
    axes: Axes, matrix: NDArray[np.float64], own: pd.DataFrame, categories: pd.Series
) -> None:
    """A band per cluster at its place, with the colours of losses on one scale."""
    sizes = np.abs(matrix[np.isfinite(matrix)])
    limit = max(np.quantile(sizes, _SHOWN) if len(sizes) else 0, _LEAST_RANGE)
    look = {"cmap": colormaps[_MAP].with_extremes(bad=NULL), "vmin": -limit, "vmax": limit}
    for place, row in zip(cluster_places(own), matrix, strict=True):
        edges = (0, len(row), place + 0.47, place - 0.47)
        axes.imshow(row[None], aspect="auto", extent=edges, interpolation="nearest", **look)
    axes.set_xlim(0, len(categories))
    starts = np.flatnonzero(categories.to_numpy()[1:] != categories.to_numpy()[:-1]) + 1
    for start in starts:
        axes.axvline(start, color="white", linewidth=3)
    cluster_axis(axes, own)
    axes.spines[:].set_visible(False)


def _beyond_random(
    axes: Axes, matrix: NDArray[np.float64], random_high: NDArray[np.float64], own: pd.DataFrame
) -> None:
    """A dot where a lesion costs more than nearly all matched random ones."""
    rows, columns = np.nonzero(matrix > random_high)
    places = np.array(cluster_places(own))[rows]
    axes.plot(columns + 0.5, places, "o", color=INK, markersize=4.5, mec="white", linewidth=0)


def _name_columns(axes: Axes, names: Sequence[str], colors: Sequence[str]) -> None:
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=90, fontsize=10)
    axes.tick_params(axis="x", length=0)
    for label, color in zip(axes.get_xticklabels(), colors, strict=True):
        label.set_color(color)


def _name_most_hurt(
    axes: Axes,
    matrix: NDArray[np.float64],
    own: pd.DataFrame,
    names: Sequence[str],
    categories: pd.Series,
    colors: Colors,
) -> None:
    """At the right of each row the categories that lose most, with their losses, one in a column."""
    at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    for place, losses in zip(cluster_places(own), matrix, strict=True):
        ranked = np.argsort(-np.nan_to_num(losses, nan=-np.inf), kind="stable")[:_NAMED_PER_ROW]
        for number, column in enumerate(ranked):
            if losses[column] > 0:
                text = f"{shorten(names[column], 20)} {points(losses[column])}"
                look = {"fontsize": 9.5, "color": colors[categories.iloc[column]]}
                axes.annotate(text, (1, place), (8 + 165 * number, 0), **at, **look)


def _color_bar(figure: Figure, axes: Axes) -> None:
    image = axes.images[0]
    look = {
        "orientation": "horizontal",
        "shrink": 0.45,
        "aspect": 34,
        "pad": 0.02,
        "anchor": (0, 1),
    }
    bar = figure.colorbar(image, ax=axes, extend="both", **look)
    bar.outline.set_visible(False)
    bar.set_label(f"Loss of sensitivity ({POINTS})")
    percent_axis(bar.ax.xaxis)


def _legend(
    figure: Figure,
    losses: pd.DataFrame,
    few: bool,
    categories: pd.Series,
    colors: Colors,
    recognised_as: str,
) -> None:
    """Super-categories, and what dots and writing mean."""
    counts = categories.value_counts()
    handles: list[Patch | Line2D] = [
        Patch(color=color, linewidth=0, label=f"{group} ({counts[group]:,} categories)")
        for group, color in colors.items()
    ]
    if few and losses["random_high"].notna().any():
        dot = {"marker": "o", "markersize": 4.5, "markeredgecolor": "white", "linewidth": 0}
        label = "more than 97.5 % of matched random lesions cost"
        handles.append(Line2D([], [], color=INK, label=label, **dot))
    columns = min(2, len(handles))
    recognition_legend(figure, handles, recognised_as, "outside lower left", columns)
