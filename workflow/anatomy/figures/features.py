"""Figures of what units ask for: pictures found by gradient ascent, and the first layer's filters as they are."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from anatomy.figures.style import INK, QUIET, shorten, styled
from anatomy.figures.tiles import canvas, tile

# Inches. The figure is as wide as a slide and no higher, unless that would make the tiles smaller than SMALLEST.
WIDTH, HEIGHT = 13.33, 7.5
SMALLEST, LARGEST = 0.36, 1.9
_MARGIN, _HEADING = 0.3, 0.95
# Of the side of a tile.
_GAP = 0.08
_LARGEST_LETTERS, _SMALLEST_LETTERS = 11.0, 4.5  # points
_LINE, _LETTER = 1.45 / 72, 0.6 / 72  # height and width of a letter in inches, per point


@dataclass(frozen=True)
class _Grid:
    """Tiles from left to right and from top to bottom, each with a line of text below, in inches."""

    columns: int
    rows: int
    side: float

    @property
    def letters(self) -> float:
        """Size of the text in points."""
        return min(_LARGEST_LETTERS, max(_SMALLEST_LETTERS, 9 * self.side))

    @property
    def step(self) -> tuple[float, float]:
        """From one tile to the next, along x and along y."""
        return self.side * (1 + _GAP), self.side * (1 + _GAP) + _LINE * self.letters

    @property
    def height(self) -> float:
        """Of the whole figure."""
        return _HEADING + self.rows * self.step[1] + _MARGIN / 2

    def corners(self, count: int) -> Iterator[tuple[float, float]]:
        """Lower left corners of the first so many tiles."""
        across, down = self.step
        for place in range(count):
            row, column = divmod(place, self.columns)
            yield _MARGIN + column * across, self.height - _HEADING - row * down - self.side


@styled
def feature_grid(features: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Pictures that drive the units of one layer.

    Below each stands its unit's number, below those of output units the category. Where ascent has not brought a unit
    above zero on average over positions, the number is in brackets.

    Parameters
    ----------
    features : one row per unit of one layer, in order: layer, unit, category ("" unless it is an output unit),
        activation, picture (a square picture as bytes of a PNG or WebP file)
    names : category -> name for people; categories without one are called as they are
    """
    layer = features["layer"].iloc[0]
    silent = (features["activation"] <= 0).to_numpy()
    texts = [
        names.get(row.category, row.category) or str(row.unit) for row in features.itertuples()
    ]
    texts = [f"({text})" if off else text for text, off in zip(texts, silent, strict=True)]
    note = "pictures found by gradient ascent from noise, one for each unit"
    if silent.any():
        note += f"; in brackets: {silent.sum()} of {len(silent)} that it did not bring above zero"
    return _grid_figure(f"What drives the units of {layer}?", note, features["picture"], texts)


@styled
def filter_grid(filters: pd.DataFrame) -> Figure:
    """The filters of the first layer as they are.

    Parameters
    ----------
    filters : one row per unit of the layer, in order: layer, unit, picture (a square picture as bytes of a PNG file)
    """
    title = f"What are the filters of {filters['layer'].iloc[0]}?"
    note = "weights on red, green and blue; grey is zero, and each filter has its full contrast"
    return _grid_figure(title, note, filters["picture"], [str(unit) for unit in filters["unit"]])


def _grid_figure(title: str, note: str, pictures: pd.Series, texts: list[str]) -> Figure:
    grid = _fit(len(pictures))
    figure, axes = canvas(WIDTH, grid.height)
    axes.text(_MARGIN, grid.height - 0.36, title, fontsize=15, va="center")
    axes.text(_MARGIN, grid.height - 0.68, note, fontsize=10.5, color=QUIET, va="center")
    most = int(grid.step[0] / (_LETTER * grid.letters))
    look = {"fontsize": grid.letters, "color": INK, "ha": "center", "va": "top"}
    corners = grid.corners(len(pictures))
    for (left, bottom), picture, text in zip(corners, pictures, texts, strict=True):
        tile(axes, left, bottom, grid.side, picture)
        axes.text(left + grid.side / 2, bottom - 0.03, shorten(text, max(2, most)), **look)
    return figure


def _fit(count: int) -> _Grid:
    """The grid with the largest tiles that fits onto a slide; a higher one where tiles would become too small."""
    grids = (
        _Grid(columns, math.ceil(count / columns), _side(columns))
        for columns in range(1, count + 1)
    )
    return next(
        grid for grid in grids if grid.height <= HEIGHT or _side(grid.columns + 1) < SMALLEST
    )


def _side(columns: int) -> float:
    """Side of so many tiles over the width of a slide."""
    return min(LARGEST, (WIDTH - 2 * _MARGIN) / (columns * (1 + _GAP) - _GAP))
