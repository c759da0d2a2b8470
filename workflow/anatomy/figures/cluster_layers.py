"""Figure of where clusters lie in the network, and of which layers' part carries their effect."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from anatomy.figures.circuit_parts import Colors
from anatomy.figures.cluster_losses import (
    NOT_CHOSEN,
    POINTS,
    chosen_lesions,
    cluster_axis,
    cluster_places,
    clustering_name,
    empty_figure,
    loss_columns,
    points,
    same_clustering,
)
from anatomy.figures.style import (
    INK,
    QUIET,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)

WHOLE = "all layers"
# More layers than this are named in part, and their cells hold no numbers.
MOST_NAMED = 12
# No neuron of the cluster lies in the layer.
ABSENT = "#ededed"
_SHARES = "Greys"
# Writing on darker cells is white.
_DARK = 0.55
_STEPS = 128
Cells = NDArray[np.float64]


@styled
def layer_profile(layers: pd.DataFrame, lesions: pd.DataFrame) -> Figure:
    """Share of each layer that a cluster takes, and the performance distance when only that part is lesioned.

    A row per cluster of the chosen clustering, a column per layer and one for the whole cluster. At the right the
    colour is that of the super-category that loses most, the stronger the larger the distance.

    Parameters
    ----------
    layers : one row per method, cluster and layer in network order: k, neurons, share_of_layer,
        performance_distance and, per super-category, loss_NAME
    lesions : one row per method and cluster: k, chosen, neurons, neuron_fraction, performance_distance, loss_NAME
    """
    own = chosen_lesions(lesions)
    title = "Which layers carry the selective loss?"
    if own.empty or layers.empty:
        return empty_figure(title, NOT_CHOSEN)
    layers = same_clustering(layers, own)
    names = list(dict.fromkeys(layers["layer"]))
    colors = super_category_colors(loss_columns(lesions))
    height = 0.36 * max(4, len(own)) + 0.22 * len(colors) + 3.2
    figure = Figure(figsize=(15, height), layout="constrained")
    figure.suptitle(f"{title} ({clustering_name(own)})", x=0.01, ha="left")
    figure.get_layout_engine().set(wspace=0.04, hspace=0.06)
    ratios = (0.36 * max(4, len(own)), 0.22 * len(colors))
    panels = figure.subplots(2, 2, height_ratios=ratios)
    panels[0, 1].sharey(panels[0, 0])
    _shares(panels[:, 0], layers, own, names)
    _distances(panels[:, 1], layers, own, names, colors)
    for axes in panels[0]:
        _layer_axis(axes, names)
    cluster_axis(panels[0, 0], own)
    panels[0, 1].tick_params(axis="y", labelleft=False, length=0)
    return figure


def _cells(
    layers: pd.DataFrame, own: pd.DataFrame, names: Sequence[str], column: str, whole: str
) -> Cells:
    """A column of the table as (cluster, layer), the whole cluster's value last; NaN without neurons."""
    present = layers[layers["neurons"] > 0]
    wide = present.pivot(index="cluster", columns="layer", values=column)
    parts = wide.reindex(index=own["cluster"], columns=names).to_numpy(dtype=float)
    return np.column_stack([parts, own[whole].to_numpy(dtype=float)])


def _shares(
    panels: Sequence[Axes], layers: pd.DataFrame, own: pd.DataFrame, names: list[str]
) -> None:
    axes, scale = panels
    shares = np.nan_to_num(_cells(layers, own, names, "share_of_layer", "neuron_fraction"))
    largest = _largest(shares)
    shade = colormaps[_SHARES]
    _draw(axes, shade(shares / largest)[..., :3], shares, own)
    axes.set_title("Share of the layer's neurons in the cluster")
    bar = shade(np.linspace(0, 1, _STEPS))[None, :, :3]
    scale.set_axis_off()
    thickness = 1 / len(loss_columns(own))
    inset = scale.inset_axes((0, 1 - thickness, 1, thickness))
    _scale(inset, bar, largest, "Share of the layer (%)")


def _distances(
    panels: Sequence[Axes],
    layers: pd.DataFrame,
    own: pd.DataFrame,
    names: list[str],
    colors: Colors,
) -> None:
    axes, scale = panels
    distances = _cells(layers, own, names, "performance_distance", "performance_distance")
    losses = [
        np.nan_to_num(_cells(layers, own, names, column, column), nan=-np.inf)
        for column in loss_columns(own).values()
    ]
    most_hurt = np.argmax(losses, axis=0)
    largest = _largest(distances)
    full = np.array([to_rgb(color) for color in colors.values()])
    strength = np.clip(np.nan_to_num(distances / largest), 0, 1)[..., None]
    _draw(axes, 1 - strength * (1 - full[most_hurt]), distances, own)
    axes.set_title("Performance distance when only this part is lesioned")
    ramp = np.linspace(0, 1, _STEPS)[None, :, None]
    _scale(scale, 1 - ramp * (1 - full[:, None]), largest, f"Performance distance ({POINTS})")
    for row, group in enumerate(colors):
        look = {"fontsize": 10, "va": "center"}
        scale.text(0.01 * largest, row + 0.5, f"{group} loses most", **look)


def _largest(values: Cells) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) and finite.max() > 0 else 1.0


def _draw(axes: Axes, shades: NDArray[np.float64], values: Cells, own: pd.DataFrame) -> None:
    """Cells of these colours (cluster, layer, RGB), with numbers in per cent where there is room."""
    columns = values.shape[1] - 1
    shades = np.where(np.isfinite(values)[..., None], shades, to_rgb(ABSENT))
    numbered = columns <= MOST_NAMED
    for place, row, texts in zip(cluster_places(own), shades, values, strict=True):
        look = {"aspect": "auto", "interpolation": "nearest"}
        edges = place + 0.47, place - 0.47
        axes.imshow(row[None, :-1], extent=(0, columns, *edges), **look)
        axes.imshow(row[None, -1:], extent=(*_whole(columns), *edges), **look)
        for column, value in enumerate(texts if numbered else ()):
            if np.isfinite(value):
                x = column + 0.5 if column < columns else np.mean(_whole(columns))
                _number(axes, x, place, value, row[column])
    axes.set_xlim(0, _whole(columns)[1])
    axes.spines[:].set_visible(False)


def _whole(columns: int) -> tuple[float, float]:
    """Edges of the column of the whole cluster: apart, and wider beside many layers, to be seen."""
    return columns + max(0.5, columns / 35), columns + max(1.5, columns / 14)


def _number(axes: Axes, x: float, y: float, value: float, shade: NDArray[np.float64]) -> None:
    dark = np.dot(shade, (0.2126, 0.7152, 0.0722)) < _DARK
    look = {"ha": "center", "va": "center", "fontsize": 9.5}
    axes.text(x, y, points(value), color="white" if dark else INK, **look)


def _layer_axis(axes: Axes, names: Sequence[str]) -> None:
    """Names of the layers, or of some evenly spaced ones, and of the column of the whole cluster."""
    named = np.unique(np.linspace(0, len(names) - 1, MOST_NAMED).round().astype(int))
    places = [*(named + 0.5), np.mean(_whole(len(names)))]
    labels = [*(shorten(names[number], 18) for number in named), WHOLE]
    axes.set_xticks(places, labels, rotation=40, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", length=3 if len(names) > MOST_NAMED else 0)


def _scale(axes: Axes, shades: NDArray[np.float64], largest: float, label: str) -> None:
    """Bars (row, colour along x, RGB) from 0 to the largest value."""
    axes.imshow(shades, aspect="auto", extent=(0, largest, len(shades), 0), interpolation="nearest")
    for row in range(1, len(shades)):
        axes.axhline(row, color="white", linewidth=2)
    axes.set_yticks([])
    axes.set_xlabel(label)
    percent_axis(axes.xaxis)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", color=QUIET)
