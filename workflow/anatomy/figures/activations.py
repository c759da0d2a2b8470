"""Figures of what the channels of a layer make of images, and of the images to which its units respond most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from anatomy.figures.style import INK, MINUS, QUIET, empty_figure, shorten, styled
from anatomy.figures.tiles import Picture, canvas, show, tile

MOST_UNITS = 8
MOST_IMAGES = 10

# Between the maps of a grid; the strongest channel; neither is a shade of the maps.
_GAP_COLOR, _STRONGEST = (46, 92, 138), "#ffb000"
_GAP_SHARE = 0.06
# Inches.
_MARGIN, _HEADING, _BETWEEN, _ROW_GAP = 0.3, 1.15, 0.22, 0.42
_SIDE, _GRID = 2.9, 6.5
_TILE, _TILE_GAP, _UNIT_NAME = 0.95, 0.05, 1.25
_RING = 0.09


@dataclass(frozen=True, eq=False)
class ShownImage:
    """An image, and what a layer makes of it.

    Attributes
    ----------
    name : of the image, for people
    picture : what the network is shown (y, x, channel)
    maps : values of every channel before the non-linearity (channel, y, x)
    strongest : the channel with the largest value
    """

    name: str
    picture: Picture
    maps: NDArray[np.float32]
    strongest: int


@styled
def channel_grids(layer: str, images: Sequence[ShownImage]) -> Figure:
    """For each image: the image, the strongest channel, and the maps of all channels.

    White is strongly positive, black strongly negative, grey zero; the scale of each image, in square roots, goes to
    its largest absolute value in the layer.
    """
    height = _HEADING + len(images) * (_SIDE + _ROW_GAP)
    figure, axes = canvas(2 * _MARGIN + 2 * (_SIDE + _BETWEEN) + _GRID, height)
    title = f"What do the {len(images[0].maps)} channels of {layer} make of an image?"
    axes.text(_MARGIN, height - 0.34, title, fontsize=15, va="center")
    note = (
        "before the non-linearity: white positive, grey zero, black negative (square-root scale); "
        "outlined: the strongest channel"
    )
    axes.text(_MARGIN, height - 0.64, note, fontsize=10.5, color=QUIET, va="center")
    for number, image in enumerate(images):
        top = height - _HEADING - number * (_SIDE + _ROW_GAP)
        _image_row(axes, top, image)
    return figure


def _image_row(axes: Axes, top: float, image: ShownImage) -> None:
    scale = float(np.abs(image.maps).max()) or 1.0
    lefts = _MARGIN, _MARGIN + _SIDE + _BETWEEN, _MARGIN + 2 * (_SIDE + _BETWEEN)
    limit = f"{scale:.3g}"
    names = (
        shorten(image.name, 30),
        f"channel {image.strongest}",
        f"all channels, {MINUS}{limit} to {limit}",
    )
    for left, name in zip(lefts, names, strict=True):
        axes.text(left, top + 0.07, name, fontsize=11, va="bottom")
    bottom = top - _SIDE
    show(axes, (lefts[0], bottom, _SIDE, _SIDE), image.picture)
    strongest = _shades(image.maps[image.strongest], scale)
    show(axes, (lefts[1], bottom, _SIDE, _SIDE), np.repeat(strongest[..., None], 3, 2))
    axes.add_patch(Rectangle((lefts[1], bottom), _SIDE, _SIDE, fc="none", ec=_STRONGEST, lw=2.5))
    _grid(axes, lefts[2], top, image, scale)


def _grid(axes: Axes, left: float, top: float, image: ShownImage, scale: float) -> None:
    """All maps, in as many columns as make the tiles largest."""
    columns = _columns(len(image.maps))
    picture, pitch, gap = _mosaic(_shades(image.maps, scale), columns)
    inch = min(_GRID / picture.shape[1], _SIDE / picture.shape[0])
    height, width = (inch * side for side in picture.shape[:2])
    show(axes, (left, top - height, width, height), picture, frame=False)
    row, column = divmod(image.strongest, columns)
    corner = (
        left + (column * pitch[1] + gap / 2) * inch,
        top - ((row + 1) * pitch[0] + gap / 2) * inch,
    )
    sides = pitch[1] * inch, pitch[0] * inch
    axes.add_patch(Rectangle(corner, *sides, fc="none", ec=_STRONGEST, lw=1.8, zorder=5))


def _columns(channels: int) -> int:
    """Columns with which square tiles are largest in the place for a grid."""
    sides = [min(_GRID / n, _SIDE / -(-channels // n)) for n in range(1, channels + 1)]
    return int(np.argmax(sides)) + 1


def _shades(maps: NDArray[np.float32], scale: float) -> Picture:
    """Grey levels, 0 for -scale and 255 for scale; as square roots, without which the largest few hide all others."""
    roots = np.sign(maps) * np.sqrt(np.abs(maps) / scale)
    return np.rint(127.5 * (1 + roots)).astype(np.uint8)


def _mosaic(maps: Picture, columns: int) -> tuple[Picture, tuple[int, int], int]:
    """Maps (channel, y, x) side by side as an RGB picture, the distances of their rows and columns, and their gap."""
    channels, height, width = maps.shape
    gap = max(1, round(_GAP_SHARE * width))
    pitch = height + gap, width + gap
    rows = -(-channels // columns)
    picture = np.empty((rows * pitch[0] + gap, columns * pitch[1] + gap, 3), np.uint8)
    picture[:] = 255
    for channel, own in enumerate(maps):
        y, x = (place * step for place, step in zip(divmod(channel, columns), pitch, strict=True))
        picture[y : y + pitch[0] + gap, x : x + pitch[1] + gap] = _GAP_COLOR
        picture[y + gap : y + pitch[0], x + gap : x + pitch[1]] = own[..., None]
    return picture, pitch, gap


@styled
def top_images(
    table: pd.DataFrame, pictures: Mapping[int, Picture], features: Mapping[int, bytes]
) -> Figure:
    """The images to which units of a layer respond most, with the place of the largest response.

    At most MOST_UNITS units, evenly spread over those that respond, and at most MOST_IMAGES images of each.

    Parameters
    ----------
    table : of one layer, see `anatomy.top_images.top_images`: layer, unit, rank, image, image_y, image_x, response
    pictures : of the images (rows of the stimulus set), as the network is shown them
    features : pictures (WebP) of what excites a unit, for some units or none
    """
    layer = table["layer"].iloc[0]
    title = f"Which images excite units of {layer} most?"
    own = shown_top_images(table)
    if own.empty:
        return empty_figure(title, "No unit of the layer responds to any image.")
    units = own["unit"].unique()
    drawn = any(unit in features for unit in units)
    first = _MARGIN + _UNIT_NAME + (_TILE + 3 * _TILE_GAP) * drawn
    width = max(first + (own["rank"].max() + 1) * (_TILE + _TILE_GAP) + _MARGIN, 8.5)
    height = _HEADING + len(units) * (_TILE + 2 * _TILE_GAP) + _MARGIN / 2
    figure, axes = canvas(width, height)
    axes.text(_MARGIN, height - 0.34, title, fontsize=15, va="center")
    note = "strongest response at the left; the ring is where it comes from"
    if drawn:
        note = f"first picture: synthesised to excite the unit; then images, {note}"
    axes.text(_MARGIN, height - 0.64, note, fontsize=10.5, color=QUIET, va="center")
    for number, (unit, rows) in enumerate(own.groupby("unit")):
        bottom = height - _HEADING - number * (_TILE + 2 * _TILE_GAP) - _TILE
        _unit_name(axes, bottom + _TILE / 2, unit, rows["response"])
        if unit in features:
            tile(axes, _MARGIN + _UNIT_NAME, bottom, _TILE, features[unit])
        for row in rows.itertuples():
            _top_image(axes, first + row.rank * (_TILE + _TILE_GAP), bottom, row, pictures)
    return figure


def shown_top_images(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a layer's top images that the figure shows."""
    units = table.loc[(table["rank"] == 0) & (table["response"] > 0), "unit"].to_numpy()
    places = np.linspace(0, len(units) - 1, min(MOST_UNITS, len(units))).round().astype(int)
    return table[table["unit"].isin(units[places]) & (table["rank"] < MOST_IMAGES)]


def _unit_name(axes: Axes, y: float, unit: int, responses: pd.Series) -> None:
    axes.text(_MARGIN, y + 0.02, f"unit {unit}", fontsize=12, va="bottom")
    ends = f"{responses.max():.3g} to {responses.min():.3g}"
    axes.text(_MARGIN, y - 0.04, ends, fontsize=9.5, color=QUIET, va="top")


def _top_image(
    axes: Axes, left: float, bottom: float, row: Any, pictures: Mapping[int, Picture]
) -> None:
    picture = pictures[row.image]
    show(axes, (left, bottom, _TILE, _TILE), picture)
    if pd.isna(row.image_y):
        return
    inch = _TILE / len(picture)
    centre = left + (row.image_x + 0.5) * inch, bottom + _TILE - (row.image_y + 0.5) * inch
    for color, width in ((INK, 3.0), ("white", 1.5)):
        ring = Circle(centre, _RING, fc="none", ec=color, lw=width, zorder=5)
        axes.add_patch(ring)
        # a ring at the edge must not reach over the next image
        ring.set_clip_path(Rectangle((left, bottom), _TILE, _TILE, transform=axes.transData))
