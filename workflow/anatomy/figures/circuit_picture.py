"""Picture of one category's circuit: layers as columns, their strongest units, and the connections between them."""

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from PIL import Image

from anatomy.figures.style import INK, QUIET, message, percent, shorten, styled

# Told apart by colour-blind readers; neither means a super-category elsewhere.
EXCITATORY, INHIBITORY = "#1b7837", "#8e44ad"
COLORS = {1: EXCITATORY, -1: INHIBITORY}
# Inches: eight layers of six units fill a slide of 16 to 9.
SLIDE, NARROWEST = 13.33, 9.5
MARGIN, GUTTER = 0.3, 0.75
TITLE, FOOTING, TEXT_LINE = 0.86, 0.7, 0.18
LARGEST_STEP = 1.9
LARGEST_TILE, TILE_SHARE = 0.72, 0.6
BELOW_TILE = 0.24
LETTER = 0.082
# Points.
THICKEST, THINNEST = 5.0, 0.4
# More lines into a layer could not be told apart.
MOST_LINES = 14


@styled
def circuit_picture(units: pd.DataFrame, connections: pd.DataFrame, name: str) -> Figure:
    """Draw one category's circuit; of the connections into each layer the strongest MOST_LINES.

    Parameters
    ----------
    units, connections : the category's rows of the tables of `anatomy.circuit_pictures.picture_tables`
    name : the category's name for people
    """
    layout = _Layout(units)
    figure = Figure(figsize=(layout.width, layout.height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, layout.width), ylim=(0, layout.height), autoscale_on=False)
    axes.set_axis_off()
    _heading(axes, layout, name)
    if units["strength"].sum() == 0:
        message(axes, "No kept weight with a score lies on a path from the images to the unit.")
        return figure
    _draw_connections(axes, layout, connections)
    output = units["column"].max()
    for row in units.itertuples():
        label = shorten(name, 16) if row.column == output else f"{row.unit}"
        _draw_unit(axes, layout, row, label)
    _column_texts(axes, layout, units.drop_duplicates("column"))
    return figure


class _Layout:
    """Places, in inches from the lower left.

    Attributes
    ----------
    width, height : of the figure
    tile : side of the picture of a unit
    columns : layer -> centre of its column
    centres : (layer, unit) -> centre of its picture
    names : layer -> its name in lines that fit above its column
    top : upper edge of the pictures
    """

    def __init__(self, units: pd.DataFrame) -> None:
        ordered = units.sort_values(["column", "rank"])
        columns = list(ordered.groupby("column"))
        rows = ordered.groupby("column").size().max()
        step = min(LARGEST_STEP, (SLIDE - 2 * MARGIN - GUTTER) / len(columns))
        self.width = max(2 * MARGIN + GUTTER + len(columns) * step, NARROWEST)
        self.tile = min(LARGEST_TILE, TILE_SHARE * step)
        pitch = self.tile + BELOW_TILE
        layers = ordered["layer"].unique()
        self.names = {layer: _wrapped(layer, int(step / LETTER)) for layer in layers}
        lines = 1 + max(name.count("\n") for name in self.names.values())
        self.top = FOOTING + rows * pitch
        self.height = self.top + TEXT_LINE * (lines + 0.7) + TITLE
        self.columns: dict[str, float] = {}
        self.centres: dict[tuple[str, int], tuple[float, float]] = {}
        left = (self.width + GUTTER - len(columns) * step) / 2
        for number, (_, column) in enumerate(columns):
            x = left + (number + 0.5) * step
            highest = FOOTING + (rows + len(column)) * pitch / 2 - self.tile / 2
            for place, row in enumerate(column.itertuples()):
                self.columns[row.layer] = x
                self.centres[row.layer, row.unit] = x, highest - place * pitch


def _wrapped(layer: str, letters: int) -> str:
    """A layer's name broken behind dots into lines of so many letters, where that is possible."""
    lines = [""]
    for part in layer.replace(".", ".\n").split("\n"):
        if lines[-1] and len(lines[-1] + part) > letters:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _heading(axes: Axes, layout: _Layout, name: str) -> None:
    top = layout.height - 0.4
    axes.text(MARGIN, top, f"Circuit of {shorten(name, 34)}", fontsize=18, va="center")
    note = (
        "each layer's strongest units (the strongest at the top) and connections; "
        "line width: share of the contributions into a layer"
    )
    axes.text(MARGIN, top - 0.34, note, fontsize=10.5, color=QUIET, va="center")
    lines = [
        Line2D([], [], color=color, linewidth=3.5, label=label)
        for color, label in ((EXCITATORY, "excitatory"), (INHIBITORY, "inhibitory"))
    ]
    axes.legend(
        handles=lines,
        loc="center right",
        bbox_to_anchor=(layout.width - MARGIN, top),
        bbox_transform=axes.transData,
        borderpad=0,
        borderaxespad=0,
        ncols=2,
    )


def _draw_connections(axes: Axes, layout: _Layout, connections: pd.DataFrame) -> None:
    """The strongest connections into each layer; the first of them has the full width."""
    share = connections["strength"] / connections.groupby("layer_to")["strength"].transform("max")
    ordered = connections.assign(share=share).sort_values("share", ascending=False, kind="stable")
    for row in ordered.groupby("layer_to").head(MOST_LINES).itertuples():
        start = layout.centres[row.layer_from, row.unit_from]
        end = layout.centres[row.layer_to, row.unit_to]
        line = PathPatch(
            _curve(start, end, layout.tile / 2),
            facecolor="none",
            edgecolor=COLORS[row.sign],
            linewidth=max(THINNEST, THICKEST * row.share),
            alpha=0.25 + 0.55 * row.share,
            capstyle="butt",
            zorder=1 + row.share,
        )
        axes.add_patch(line)


def _curve(start: tuple[float, float], end: tuple[float, float], half: float) -> Path:
    """From the right side of one picture to the left side of another, level at both."""
    x0, x1 = start[0] + half, end[0] - half
    middle = (x0 + x1) / 2
    points = [(x0, start[1]), (middle, start[1]), (middle, end[1]), (x1, end[1])]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def _draw_unit(axes: Axes, layout: _Layout, row: Any, label: str) -> None:
    (x, y), side = layout.centres[row.layer, row.unit], layout.tile
    left, bottom = x - side / 2, y - side / 2
    if row.thumbnail is not None:
        picture = np.asarray(Image.open(io.BytesIO(row.thumbnail)))
        edges = (left, left + side, bottom, bottom + side)
        axes.imshow(picture, extent=edges, aspect="auto", interpolation="antialiased", zorder=3)
    inside = "white" if row.thumbnail is None else "none"
    frame = Rectangle((left, bottom), side, side, fc=inside, ec=INK, linewidth=0.6, zorder=4)
    axes.add_patch(frame)
    background = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    style = {"fontsize": 8, "color": QUIET, "ha": "center", "va": "top", "bbox": background}
    axes.text(x, bottom - 0.05, label, zorder=4, **style)


def _column_texts(axes: Axes, layout: _Layout, columns: pd.DataFrame) -> None:
    """Above each column its layer, below it how much of the layer belongs to the circuit."""
    below = FOOTING - 0.08
    small = {"fontsize": 9, "color": QUIET, "va": "top", "linespacing": 1.3}
    axes.text(MARGIN, below, "on a path:\nunits\nweights", ha="left", **small)
    for row in columns.itertuples():
        x, name = layout.columns[row.layer], layout.names[row.layer]
        axes.text(x, layout.top + 0.08, name, fontsize=10.5, ha="center", va="bottom")
        units = f"{row.connected_units:,} of {row.units:,}"
        axes.text(x, below, f"\n{units}\n{percent(row.connected_fraction)}", ha="center", **small)
