"""Pictures of the toybox itself: a contact sheet, and one scene with its labels."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from anatomy.figures.style import INK, QUIET, super_category_colors
from anatomy.stimuli.toybox.labels import LabelPlane, Scene
from anatomy.stimuli.toybox.palette import PROTOTYPES
from anatomy.stimuli.toybox.render import render_identity, render_labelled, render_object
from anatomy.stimuli.toybox.vocabulary import CATEGORIES, CONCEPT_CATEGORIES, LABELS

Image = NDArray[np.uint8]

GROUPS = ("animate", "inanimate")
GROUP_COLORS = super_category_colors(GROUPS) | {"identities": "#5a5a5a"}
PER_ROW = 6
TILE = 64
GAP = 4
# Inches: a tile of 64 pixels is drawn 0.64 wide.
STRIP_WIDTH = (PER_ROW * TILE + (PER_ROW - 1) * GAP) / 100
ROW = 0.70
NAME_WIDTH = 0.95
MARGIN = 0.3
HEADING = 0.42
OVERLAY_SIZE = 224
PANEL, PANEL_GAP, LEGEND = 2.0, 0.36, 0.98
NATURAL = {
    "sky": "#8fc1e8",
    "water": "#3f7fbf",
    "snow": "#dfe6ec",
    "cloud": "#f4f4f4",
    "grass": "#6cae5a",
    "foliage": "#6cae5a",
    "hill": "#a3cf8e",
    "tree": "#2f6b35",
    "sun": "#f2c531",
    "moon": "#f2e3a0",
    "sand": "#e3cf94",
    "road": "#6f6f74",
    "sidewalk": "#b9b9bd",
}
DISTINCT = (
    "#d1495b",
    "#edae49",
    "#6a4c93",
    "#00798c",
    "#c8553d",
    "#9e9d24",
    "#e07fb0",
    "#30638e",
    "#7a5230",
    "#57c4ad",
    "#b084cc",
)
MOST_LEGEND_ROWS = 11


def contact_sheet(seed: int) -> Figure:
    """Six pictures of each category, animate beside inanimate, then faces and houses."""
    rows = len(CATEGORIES) // 2
    column = NAME_WIDTH + STRIP_WIDTH
    width = 2 * column + 3 * MARGIN
    height = 2 * HEADING + (rows + 1) * ROW + 2 * MARGIN
    figure = Figure(figsize=(width, height), facecolor="white")
    for number, group in enumerate(GROUPS):
        left = MARGIN + number * (column + MARGIN)
        top = height - MARGIN
        _heading(figure, left, top, column, group, GROUP_COLORS[group])
        names = [c.name for c in CATEGORIES if c.super_category == group]
        for row, name in enumerate(names):
            pictures = [render_object(name, seed, index, TILE) for index in range(PER_ROW)]
            _strip(figure, left, top - HEADING - (row + 1) * ROW, name, pictures)
    top = height - MARGIN - HEADING - rows * ROW - 0.12
    title = "identities (three, two views of each)"
    _heading(figure, MARGIN, top, width - 2 * MARGIN, title, GROUP_COLORS["identities"])
    for number, kind in enumerate(("face", "house")):
        # Three identities, two views of each side by side.
        pictures = [render_identity(kind, n // 2, n % 2, seed, TILE) for n in range(PER_ROW)]
        left = MARGIN + number * (column + MARGIN)
        _strip(figure, left, top - HEADING - ROW, kind, pictures)
    return figure


def _heading(figure: Figure, left: float, top: float, length: float, text: str, color: str) -> None:
    """A group's name over a line; lengths in inches."""
    width, height = figure.get_size_inches()
    x, y = left / width, (top - 0.3) / height
    figure.text(x, y + 0.06 / height, text, color=color, fontsize=13, weight="bold", va="bottom")
    line = Line2D((x, x + length / width), (y, y), color=color, linewidth=1.2)
    figure.add_artist(line)


def _strip(figure: Figure, left: float, bottom: float, name: str, pictures: list[Image]) -> None:
    """A row of pictures with its name; lengths in inches."""
    white = np.full((TILE, GAP, 3), 255, np.uint8)
    joined = [piece for picture in pictures for piece in (white, picture)][1:]
    tile = TILE / 100
    axes = _inches(figure, left + NAME_WIDTH, bottom, STRIP_WIDTH, tile)
    axes.imshow(np.concatenate(joined, axis=1), interpolation="nearest", aspect="auto")
    axes.axis("off")
    axes.text(-10, TILE / 2, name, fontsize=11, color=INK, ha="right", va="center")


def label_overlays(seed: int) -> Figure:
    """One scene, and what its labels of each of the six concept categories cover."""
    scene = _rich_scene(seed)
    labels = scene.labels
    tall = 2 * PANEL + PANEL_GAP
    width = 2 * MARGIN + tall + 3 * (PANEL_GAP + PANEL + LEGEND)
    height = tall + HEADING + MARGIN
    figure = Figure(figsize=(width, height), facecolor="white")
    _picture(_inches(figure, MARGIN, MARGIN, tall, tall), scene.image, "image")
    for number, category in enumerate(CONCEPT_CATEGORIES):
        row, column = divmod(number, 3)
        left = MARGIN + tall + PANEL_GAP + column * (PANEL + LEGEND + PANEL_GAP)
        bottom = MARGIN + (1 - row) * (PANEL + PANEL_GAP)
        names, picture = _overlay(scene.image, category, labels[category])
        _picture(_inches(figure, left, bottom, PANEL, PANEL), picture, category)
        _legend(_inches(figure, left + PANEL, bottom, LEGEND, PANEL), names)
    return figure


def _inches(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place given in inches."""
    across, high = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / high, width / across, height / high))


def _rich_scene(seed: int) -> Scene:
    """Of the first scenes of every category, the one with most labels, textures counting thrice."""

    def richness(scene: Scene) -> int:
        planes = [p for group in scene.labels.values() for p in group if not isinstance(p, str)]
        textures = len(np.unique(scene.labels["texture"][0]))
        return 2 * textures + sum(len(np.unique(plane)) for plane in planes)

    keys = ((category.name, index) for category in CATEGORIES for index in range(8))
    name, index = max(keys, key=lambda key: richness(render_labelled(key[0], seed, key[1])))
    return render_labelled(name, seed, index, OVERLAY_SIZE)


def _picture(axes: Axes, image: Image, title: str) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_title(title, fontsize=12, color=INK, loc="left", pad=4)
    axes.axis("off")


def _overlay(
    image: Image, category: str, planes: list[LabelPlane | str]
) -> tuple[list[tuple[str, tuple[float, ...]]], Image]:
    """Names with their colors, largest first, and the picture tinted by them."""
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    picture = 0.35 * grey + 0.65 * 255
    first = planes[0]
    if isinstance(first, str):
        color = _distinct(0, category, first)
        tinted = 0.6 * grey + 0.4 * 255 * np.array(color)
        return [(first, color)], tinted.astype(np.uint8)
    shown = first.copy()
    for plane in planes[1:]:
        shown = np.where(plane > 0, plane, shown)
    numbers, counts = np.unique(shown[shown > 0], return_counts=True)
    names = []
    for order, number in enumerate(numbers[np.argsort(-counts)]):
        name = LABELS[number - 1]
        color = _distinct(order, category, name)
        inside = shown == number
        picture[inside] = 0.3 * grey[inside] + 0.7 * 255 * np.array(color)
        names.append((name, color))
    return names, picture.astype(np.uint8)


def _distinct(order: int, category: str, name: str) -> tuple[float, ...]:
    """The color itself for a color; a natural one for some names; else the next of a row."""
    if category == "color":
        return tuple(value / 255 for value in PROTOTYPES[name.removesuffix("-c")])
    return to_rgb(NATURAL.get(name, DISTINCT[order % len(DISTINCT)]))


def _legend(axes: Axes, names: list[tuple[str, tuple[float, ...]]]) -> None:
    axes.set(xlim=(0, 1), ylim=(MOST_LEGEND_ROWS, 0))
    axes.axis("off")
    for row, (name, color) in enumerate(names[:MOST_LEGEND_ROWS]):
        axes.scatter(
            0.14, row + 0.5, s=46, color=[color], marker="s", edgecolor=QUIET, linewidth=0.4
        )
        text = name.removesuffix("-c").removesuffix("-s")
        axes.text(0.25, row + 0.5, text, fontsize=9, color=INK, va="center")
