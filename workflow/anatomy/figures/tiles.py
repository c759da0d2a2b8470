"""Figures that are made of small pictures, laid out in inches."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from anatomy.figures.style import INK

Picture = NDArray[np.uint8]


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches, and axes in inches over all of it."""
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height), autoscale_on=False)
    axes.set_axis_off()
    return figure, axes


def tile(axes: Axes, left: float, bottom: float, side: float, thumbnail: bytes) -> None:
    """A framed square picture, given as the bytes of a PNG or WebP file."""
    picture = np.asarray(Image.open(io.BytesIO(thumbnail)).convert("RGB"))
    show(axes, (left, bottom, side, side), picture)


def show(
    axes: Axes,
    place: tuple[float, float, float, float],
    picture: Picture,
    frame: bool = True,
) -> None:
    """A picture (y, x, channel) at left, bottom, width and height, inches."""
    left, bottom, width, height = place
    edges = (left, left + width, bottom, bottom + height)
    axes.imshow(picture, extent=edges, aspect="auto", interpolation="antialiased", zorder=3)
    if frame:
        axes.add_patch(
            Rectangle((left, bottom), width, height, fc="none", ec=INK, lw=0.6, zorder=4)
        )
