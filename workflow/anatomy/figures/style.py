"""One look for all figures: colours with one meaning each, sizes, and reproducible files."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from anatomy.errors import InputError
from anatomy.whole_files import whole

INK = "#222222"
QUIET = "#6b6b6b"
# What a constant unit, chance or another null gets.
NULL = "#c9c9c9"
# Where a figure shows more layers than this, they get less room: a colour bar for a legend, points for panels.
MOST_LAYERS = 16
MINUS = "\N{MINUS SIGN}"
# What differs from 0 by rounding alone.
NOTHING = 1e-9

_NAMED = {"animate": "#b5482a", "inanimate": "#2a6496"}
# Told apart by colour-blind readers, from one another and from the two above (after Okabe & Ito).
_FURTHER = ("#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#8a8a00")
# Concept categories in the order in which figures stack them. Told apart by colour-blind readers and by lightness alone
# from their neighbours; none is the colour of a super-category.
_CONCEPT_CATEGORIES = {
    "color": "#e6cf3a",
    "texture": "#e87a8a",
    "material": "#5c1a40",
    "part": "#7ad7dd",
    "object": "#3d6fe0",
    "scene": "#4a5d14",
}
# The bright end of the map would vanish on white.
_LAYER_MAP, _LAYER_END = "viridis", 0.9

LOOK = {
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.labelsize": 12,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "figure.titlesize": 15,
    "figure.facecolor": "white",
    "svg.hashsalt": "anatomy",
}
PNG_DPI = 200
_WITHOUT_DATE = {".svg": {"Date": None}, ".png": {"Software": None}}

# Decorator: draw with this look and leave the global settings of matplotlib as they were.
styled = matplotlib.rc_context(LOOK)


@styled
def save(figure: Figure, path: Path, dpi: int = PNG_DPI) -> None:
    """Write a figure as .png (200 dpi unless another is given) or .svg; the same figure always gives the same bytes.

    Raises
    ------
    InputError if the name has another ending.
    """
    path = Path(path)
    if path.suffix not in _WITHOUT_DATE:
        raise InputError(f"a figure is saved as .png or .svg, not as {path.name}")
    kind = path.suffix.removeprefix(".")
    with whole(path) as partial:
        figure.savefig(partial, format=kind, dpi=dpi, metadata=_WITHOUT_DATE[path.suffix])


def super_category_colors(names: Iterable[str]) -> dict[str, str]:
    """Colour of each super-category, in alphabetical order: animate warm, inanimate cool.

    Others take the next of a colour-blind-safe set and, when that is used up, of a longer one; more
    than 26 others cannot be told apart and are grey.
    """
    longer = (to_hex(color) for color in colormaps["tab20b"].colors)
    further = iter((*_FURTHER, *longer))
    return {name: _NAMED.get(name) or next(further, QUIET) for name in sorted(set(names))}


def concept_category_colors(names: Iterable[str]) -> dict[str, str]:
    """Colour of each concept category, from color and texture to object and scene.

    Raises
    ------
    InputError if one is not among the six of Broden.
    """
    found = set(names)
    unknown = sorted(found - set(_CONCEPT_CATEGORIES))
    if unknown:
        known = ", ".join(_CONCEPT_CATEGORIES)
        raise InputError(f"a concept category is one of {known}, not {unknown[0]!r}")
    return {name: color for name, color in _CONCEPT_CATEGORIES.items() if name in found}


def concept_name(concept: str) -> str:
    """A concept without the ending that Broden gives to scenes (-s) and colors (-c)."""
    return re.sub(r"-[sc]$", "", concept)


def layer_colors(layers: Sequence[str]) -> dict[str, str]:
    """Colour of each layer: dark for the first in network order, light for the last."""
    shades = colormaps[_LAYER_MAP](np.linspace(0, _LAYER_END, len(layers)))
    return {layer: to_hex(shade) for layer, shade in zip(layers, shades, strict=True)}


def percent(fraction: float) -> str:
    """A fraction as per cent with the digits that mean something: 56.5 %, 2.3 %, 0.41 %."""
    shown = fraction if abs(fraction) >= NOTHING else 0.0
    return f"{100 * shown:.{_decimals(shown)}f}\u00a0%".replace("-", MINUS)


def percent_range(value: float, low: float, high: float) -> str:
    """An interval in per cent with its value's digits: [1.5, 2.7]; empty where there is none."""
    if not np.isfinite([low, high]).all():
        return ""
    decimals = _decimals(max(value, low, high, key=abs) if abs(value) < NOTHING else value)
    return f"[{100 * low:.{decimals}f}, {100 * high:.{decimals}f}]".replace("-", MINUS)


def _decimals(fraction: float) -> int:
    """One decimal from 10 to 99.9 %, two digits below."""
    size = abs(100 * fraction)
    if size < NOTHING or size >= 99.95:
        return 0
    return min(4, max(1, 1 - int(np.floor(np.log10(size)))))


def shorten(name: str, most: int = 24) -> str:
    """A name that fits beside an axis."""
    return name if len(name) <= most else name[: most - 1] + "…"


def percent_axis(axis: matplotlib.axis.Axis) -> None:
    """Label a linear axis of fractions in per cent; the unit belongs into its label."""
    axis.set_major_formatter(lambda value, _: f"{round(100 * value, 6):g}".replace("-", MINUS))


def message(axes: Axes, text: str) -> None:
    """Say in an empty panel why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def empty_figure(title: str, text: str) -> Figure:
    """A figure that has nothing to show, and says why."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    message(figure.add_subplot(), text)
    return figure
