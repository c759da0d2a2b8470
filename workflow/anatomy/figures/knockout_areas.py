"""Figure of what the knock-out of each layer comes down to: area under the curve, and where half is lost."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.figures.knockouts import KINDS, layer_axis, present
from anatomy.figures.style import INK, MOST_LAYERS, QUIET, percent_axis, styled
from anatomy.knockout_modes import MODES

# column, measure and label of each row of panels
_ROWS = (
    ("area", "top1", "Area under top-1\n(% of never falling)"),
    ("area", "top5", "Area under top-5\n(% of never falling)"),
    ("half_loss", "top1", "Half of top-1 is lost at\n(% of the layer)"),
)
# Told apart from super-categories, by colour-blind readers and by their marks.
_COLORS = (INK, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#8a8a00")
_MARKS = ("o", "s", "D", "v", "^", "P")
_APART = 0.17
_DASHES = {"color": QUIET, "linewidth": 1, "linestyle": (0, (4, 3))}
# where half is not lost in every draw: a hollow mark up here
_NOT_LOST = 1.07

Look = tuple[str, str]  # colour and mark


@styled
def knockout_areas(areas: pd.DataFrame, outputs: int) -> Figure:
    """Area under top-1 and top-5, and proportion at which half of top-1 is lost, of each layer, kind and mode.

    Marks are means over repeats with 95 % t intervals; of more than 16 layers lines with bands.

    Parameters
    ----------
    areas : table KNOCKOUT_AREAS of one network, layers in network order
    outputs : number of output units, for chance

    Raises
    ------
    InputError if the table has no rows of all images.
    """
    areas = areas[areas["group_kind"] == "all"]
    if areas.empty:
        raise InputError("the table of knock-out areas has no rows of all images")
    kinds, modes, layers = (present(areas, key) for key in ("kind", "mode", "layer"))
    width = 4.6 if len(layers) <= MOST_LAYERS else 6.5
    figure = Figure(figsize=(width * len(kinds) + 1, 9.4), layout="constrained")
    figure.suptitle("How much of each layer can the network do without?", x=0.01, ha="left")
    panels = figure.subplots(len(_ROWS), len(kinds), sharex=True, sharey="row", squeeze=False)
    for row, (column, measure, label) in zip(panels, _ROWS, strict=True):
        for kind, axes in zip(kinds, row, strict=True):
            own = areas[(areas["measure"] == measure) & (areas["kind"] == kind)]
            chance = min(1.0, (5 if measure == "top5" else 1) / outputs)
            _nulls(axes, own, column, chance)
            for place, (mode, look) in enumerate(_looks(modes).items()):
                shift = (place - (len(modes) - 1) / 2) * _APART
                shown = own[own["mode"] == mode].set_index("layer").reindex(layers)
                _values(axes, shown, column, look, shift)
        percent_axis(row[0].yaxis)
        row[0].set_ylabel(label)
        row[0].set_ylim(0, max(1.12, row[0].get_ylim()[1]) if column == "area" else 1.14)
        row[0].set_yticks((0, 0.25, 0.5, 0.75, 1))
    for kind, axes in zip(kinds, panels[0], strict=True):
        axes.set_title(KINDS[kind])
    for axes in panels[-1]:
        layer_axis(axes, layers)
        axes.set_xlabel("Layer knocked out")
    handles = _legend(areas, modes)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)))
    return figure


def _values(axes: Axes, shown: pd.DataFrame, column: str, look: Look, shift: float) -> None:
    """The values of one mode, layer by layer: marks with error bars, or a line with a band for many layers."""
    color, mark = look
    places = np.arange(len(shown), dtype=float)
    value, low, high = (
        shown[name].to_numpy(dtype=float) for name in (column, f"{column}_low", f"{column}_high")
    )
    if len(shown) > MOST_LAYERS:
        axes.plot(places, value, ".-", color=color, linewidth=1.8, zorder=3)
        axes.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0, zorder=2)
        shift = 0
    else:
        places += shift
        axes.plot(places, value, color=color, linewidth=0.9, alpha=0.45, zorder=2)
        axes.vlines(places, low, high, color=color, linewidth=1.8, zorder=3)
        edge = {"linewidth": 0, "markersize": 6.5, "markeredgecolor": "white", "zorder": 4}
        edge["markeredgewidth"] = 0.6
        axes.plot(places, value, mark, color=color, **edge)
    if column == "half_loss":
        absent = _not_lost(shown)
        hollow = {"linewidth": 0, "markersize": 6.5, "markerfacecolor": "white", "zorder": 4}
        top = np.full(absent.sum(), _NOT_LOST)
        axes.plot(places[absent], top, mark, markeredgecolor=color, **hollow)


def _looks(modes: Sequence[str]) -> dict[str, Look]:
    return dict(zip(modes, cycle(zip(_COLORS, _MARKS, strict=True)), strict=False))


def _not_lost(areas: pd.DataFrame) -> NDArray[np.bool_]:
    """Where there was something to lose, in a complete sweep, and half of it was not lost in every draw."""
    swept = areas["measure"].notna() & areas["area"].notna()
    return (swept & areas["half_loss"].isna()).to_numpy()


def _nulls(axes: Axes, own: pd.DataFrame, column: str, chance: float) -> None:
    """What an accuracy at chance from the first weight on, or one that never falls, would give."""
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    look = {"color": QUIET, "fontsize": 10, "va": "bottom"}
    dashes = {"zorder": 1, **_DASHES}
    if column == "half_loss":
        axes.axhline(0.5, **dashes)
        return
    axes.axhline(1, color=QUIET, linewidth=0.8, zorder=1)
    axes.annotate("never falls", (0, 1), (4, 1), ha="left", **place, **look)
    intact = own["intact"].mean()
    if intact > chance:
        axes.axhline(chance / intact, **dashes)
        axes.annotate("chance", (0, chance / intact), (4, 1), ha="left", **place, **look)


def _legend(areas: pd.DataFrame, modes: list[str]) -> list[Line2D | Patch]:
    few = areas["layer"].nunique() <= MOST_LAYERS
    handles: list[Line2D | Patch] = []
    for mode, (color, mark) in _looks(modes).items():
        shape = {"marker": mark, "markeredgecolor": "white", "markersize": 8} if few else {}
        look = {"color": color, "linewidth": 1.8, **shape}
        handles.append(Line2D([], [], label=MODES.label(mode), **look))
    if areas["area_low"].notna().any():
        band = {"color": QUIET, "label": "95 % interval"}
        line = Line2D([], [], linewidth=1.8, **band)
        handles.append(line if few else Patch(alpha=0.25, linewidth=0, **band))
    if _not_lost(areas[areas["measure"] == "top1"]).any():
        hollow = {"marker": "o", "markerfacecolor": "white", "markersize": 8, "linewidth": 0}
        label = "half not lost in every draw"
        handles.append(Line2D([], [], markeredgecolor=QUIET, label=label, **hollow))
    handles.append(Line2D([], [], label="half loss of a straight fall to chance", **_DASHES))
    return handles
