"""Figure of the similarity of all pairs of circuits as a clustered matrix."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import squareform

from anatomy.figures.circuit_parts import TIGHT_LEGEND
from anatomy.figures.overlap_histogram import ALL, JACCARD_AXIS, NO_PAIRS
from anatomy.figures.style import INK, QUIET, message, shorten, styled, super_category_colors

MOST_NAMES = 40
# Ordering leaves takes the cube of their number in time: seconds for these, minutes for 1,000.
MOST_ORDERED = 300
_MAP = "magma"
# Pairs that differ less are drawn on the whole scale, not on one that makes noise a pattern.
_LEAST_RANGE = 0.01


@styled
def overlap_matrix(
    pairs: pd.DataFrame, super_categories: Mapping[str, str], names: Mapping[str, str]
) -> Figure:
    """Jaccard similarity of every two circuits, all layers together, similar circuits side by side.

    Circuits are clustered by average linkage on 1 - Jaccard similarity.

    Parameters
    ----------
    pairs : table CIRCUIT_OVERLAP_PAIRS of one network
    super_categories : category -> super-category
    names : category -> its name for people, of which two categories may have the same
    """
    figure = Figure(figsize=(10.5, 9.2), layout="constrained")
    figure.suptitle("Which circuits are alike?", x=0.01, ha="left")
    whole = pairs[pairs["layer"] == ALL]
    if whole.empty:
        message(figure.add_subplot(), NO_PAIRS)
        return figure
    categories, jaccard = _matrix(whole)
    tree = _tree(jaccard)
    order = dendrogram(tree, no_plot=True)["leaves"]
    groups = [super_categories[categories[place]] for place in order]
    colors = super_category_colors(groups)
    panels = figure.subplots(1, 3, width_ratios=(0.16, 0.025, 1))
    figure.get_layout_engine().set(wspace=0.01)
    _draw_tree(panels[0], tree)
    _draw_strip(panels[1], [colors[group] for group in groups])
    _draw_matrix(panels[2], jaccard[np.ix_(order, order)])
    _name_rows(
        panels[2], [names[categories[place]] for place in order], [colors[g] for g in groups]
    )
    _color_bar(figure, panels[2], whole["expected_jaccard"].mean())
    handles = [Patch(color=color, linewidth=0, label=group) for group, color in colors.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(6, len(handles)), **TIGHT_LEGEND
    )
    return figure


def _matrix(whole: pd.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    """Categories and their similarities (category, category); 1 with themselves, 0 where not defined."""
    pairs = whole[["category_a", "category_b"]].astype(str)
    places, categories = pd.factorize(pairs.to_numpy().ravel())
    first, second = places.reshape(-1, 2).T
    jaccard = np.eye(len(categories))
    jaccard[first, second] = jaccard[second, first] = whole["jaccard"].fillna(0)
    return list(categories), jaccard


def _tree(jaccard: NDArray[np.float64]) -> NDArray[np.float64]:
    distances = squareform(1 - jaccard, checks=False)
    return linkage(distances, "average", optimal_ordering=len(jaccard) <= MOST_ORDERED)


def _draw_tree(axes: Axes, tree: NDArray[np.float64]) -> None:
    """Branches from the right, their height to the left; leaf number n at n + 0.5."""
    drawn = dendrogram(tree, no_plot=True)
    width = 0.9 if len(tree) < 100 else 0.3
    for height, place in zip(drawn["dcoord"], drawn["icoord"], strict=True):
        # scipy puts leaves at 5, 15, 25, ...
        axes.plot(height, np.divide(place, 10), color=QUIET, linewidth=width)
    axes.set(xlim=(tree[:, 2].max() * 1.03 or 1, 0), ylim=(len(tree) + 1, 0))
    axes.set_axis_off()


def _draw_strip(axes: Axes, colors: Sequence[str]) -> None:
    shades = np.array([to_rgb(color) for color in colors])[:, None]
    axes.imshow(shades, aspect="auto", extent=(0, 1, len(colors), 0), interpolation="nearest")
    axes.set_axis_off()


def _draw_matrix(axes: Axes, jaccard: NDArray[np.float64]) -> None:
    """Colours span what differs: a few pairs and the diagonal may lie beyond."""
    n = len(jaccard)
    low, high = np.quantile(jaccard[~np.eye(n, dtype=bool)], (0.005, 0.995))
    shown = np.where(np.eye(n, dtype=bool), np.nan, jaccard)
    look = {"cmap": colormaps[_MAP].with_extremes(bad="white"), "interpolation": "nearest"}
    low, high = (low, high) if high - low > _LEAST_RANGE else (0, 1)
    axes.imshow(shown, aspect="auto", extent=(0, n, n, 0), vmin=low, vmax=high, **look)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)


def _name_rows(axes: Axes, names: Sequence[str], colors: Sequence[str]) -> None:
    axes.yaxis.tick_right()
    if len(names) > MOST_NAMES:
        axes.set_yticks([])
        axes.set_xlabel(f"{len(names)} circuits in the order of the tree")
        return
    axes.set_yticks(np.arange(len(names)) + 0.5, [shorten(name) for name in names])
    axes.tick_params(axis="y", length=0)
    for label, color in zip(axes.get_yticklabels(), colors, strict=True):
        label.set_color(color)


def _color_bar(figure: Figure, axes: Axes, expected: float) -> None:
    """Scale of the matrix below it, with what chance gives where that is on the scale."""
    image = axes.images[0]
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.6, aspect=40, pad=0.02)
    bar.outline.set_visible(False)
    low, high = image.get_clim()
    place = f"mean of independent masks of the same sizes: {expected:.2g}"
    bar.set_label(f"{JACCARD_AXIS}; {place}")
    if low <= expected <= high:
        bar.ax.axvline(expected, color="white", linewidth=4)
        bar.ax.axvline(expected, color=INK, linewidth=1.5)
