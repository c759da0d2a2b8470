"""Figure of the parts of images that units need, by covering the images patch by patch."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from anatomy.figures.style import QUIET, empty_figure, percent, shorten, styled
from anatomy.figures.tiles import Picture, canvas, show

MOST_LAYERS, MOST_UNITS = 8, 4
# What a unit does not need turns into this grey, but for a trace of its lightness.
_FADED, _TRACE = 205, 0.35
# Needed at least this much, of the most needed: outlined.
OUTLINED = 0.5
_OUTLINE = "#e4007c"
# Inches.
_MARGIN, _HEADING, _LAYER = 0.3, 1.15, 1.0
_TILE, _PAIR_GAP, _BETWEEN, _LABEL = 1.2, 0.04, 0.3, 0.3


@styled
def needed_parts(table: pd.DataFrame, pictures: Mapping[int, Picture]) -> Figure:
    """Units' best images, and beside each the same image with what the unit does not need faded out.

    At most MOST_LAYERS layers and MOST_UNITS units of each, evenly spread.

    Parameters
    ----------
    table : one row per layer, unit and place of the patch, see `anatomy.occlusion.occlusion`
    pictures : of the images (rows of the stimulus set), as the network is shown them
    """
    title = "Which part of its best image does a unit need?"
    if table.empty:
        return empty_figure(title, "No unit responds to any image.")
    layers = shown_units(table).groupby("layer", sort=False)
    pair = 2 * _TILE + _PAIR_GAP
    columns = max(own["unit"].nunique() for _, own in layers)
    width = _MARGIN + _LAYER + columns * (pair + _BETWEEN)
    height = _HEADING + len(layers) * (_TILE + _LABEL) + _MARGIN / 2
    figure, axes = canvas(max(width, 9.5), height)
    axes.text(_MARGIN, height - 0.34, title, fontsize=15, va="center")
    note = "right: in colour where covering lowers the response, outlined where it does most; number: the largest loss"
    axes.text(_MARGIN, height - 0.64, note, fontsize=10.5, color=QUIET, va="center")
    for row, (layer, own) in enumerate(layers):
        bottom = height - _HEADING - row * (_TILE + _LABEL) - _TILE
        axes.text(_MARGIN, bottom + _TILE / 2, shorten(layer, 11), fontsize=13, va="center")
        for column, (_, places) in enumerate(own.groupby("unit")):
            left = _MARGIN + _LAYER + column * (pair + _BETWEEN)
            _unit(axes, left, bottom, places, pictures[places["image"].iloc[0]])
    return figure


def shown_units(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the units that the figure shows."""
    layers = _evenly(table["layer"].unique(), MOST_LAYERS)
    units = {layer: own.unique() for layer, own in table.groupby("layer")["unit"]}
    chosen = [(layer, unit) for layer in layers for unit in _evenly(units[layer], MOST_UNITS)]
    return table[pd.MultiIndex.from_frame(table[["layer", "unit"]]).isin(chosen)]


def _evenly(things: Sequence, most: int) -> list:
    places = np.linspace(0, len(things) - 1, min(most, len(things))).round().astype(int)
    return [things[place] for place in places]


def _unit(axes: Axes, left: float, bottom: float, places: pd.DataFrame, picture: Picture) -> None:
    """A pair of pictures with what the unit loses above."""
    row = places.iloc[0]
    loss = places["drop"].max() / row["intact"]
    above = bottom + _TILE + 0.05
    axes.text(left, above, f"unit {row['unit']}", fontsize=10.5, va="bottom")
    right = left + 2 * _TILE + _PAIR_GAP
    text = {"fontsize": 10.5, "va": "bottom", "ha": "right", "color": QUIET}
    axes.text(right, above, percent(-max(loss, 0)), **text)
    show(axes, (left, bottom, _TILE, _TILE), picture)
    need = needed(places, len(picture))
    start = left + _TILE + _PAIR_GAP
    show(axes, (start, bottom, _TILE, _TILE), faded(picture, need))
    if need.any():
        middles = (np.arange(len(need)) + 0.5) * _TILE / len(need)
        look = {"colors": _OUTLINE, "linewidths": 1.4, "zorder": 5}
        axes.contour(start + middles, bottom + _TILE - middles, need, [OUTLINED], **look)


def faded(picture: Picture, need: NDArray[np.float64]) -> Picture:
    """A picture that keeps its colours where it is needed (y, x)."""
    lightness = picture.mean(2, keepdims=True)
    rest = _FADED + _TRACE * (lightness - _FADED)
    return (rest + need[..., None] * (picture - rest)).round().astype(np.uint8)


def needed(places: pd.DataFrame, size: int) -> NDArray[np.float64]:
    """How much a unit needs each pixel (y, x), 0 to 1.

    The mean drop over the places of the patch that cover the pixel, smoothed by a quarter of the patch, as a share of
    the largest one; 0 where covering raises the response.

    Parameters
    ----------
    places : of one unit: top, left, side, drop
    size : side of the image, pixels
    """
    total, count = np.zeros((size, size)), np.zeros((size, size))
    for place in places.itertuples():
        own = slice(place.top, place.top + place.side), slice(place.left, place.left + place.side)
        total[own] += place.drop
        count[own] += 1
    mean = gaussian_filter(total / np.maximum(count, 1), places["side"].iloc[0] / 4)
    mean = np.maximum(mean, 0)
    return mean / mean.max() if mean.max() > 0 else mean
