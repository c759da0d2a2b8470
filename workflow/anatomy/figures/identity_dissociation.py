"""Figure of the double dissociation: what lesions of units for faces and for houses cost in both kinds."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from anatomy.figures.style import (
    INK,
    MINUS,
    NULL,
    QUIET,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)

KINDS = ("face", "house")
RANDOM = "random"
LESIONS = (*KINDS, RANDOM)
MODES = {"zero": "Units silenced", "noise": "Units given noise"}
LESION_NAMES = {
    "face": "face units lesioned",
    "house": "house units lesioned",
    RANDOM: "random units lesioned (as many, matched in mean response)",
}
# Ending of a measure's name -> what is lost.
_LOST = {"": "Loss of accuracy (percentage points)", "_d_prime": "Loss of d\N{PRIME}"}
_SHIFT = {"face": -0.07, RANDOM: 0.0, "house": 0.07}
SIGNIFICANT = 0.05
_SELECTIVE = {"marker": "o", "markersize": 9, "linewidth": 2.6, "zorder": 4}
_LOOK = {
    "face": _SELECTIVE,
    "house": _SELECTIVE,
    RANDOM: {
        "marker": "s",
        "markersize": 6,
        "linewidth": 1.6,
        "linestyle": (0, (4, 2)),
        "zorder": 2,
    },
}


@styled
def double_dissociation(dissociation: pd.DataFrame, network: str) -> Figure:
    """Loss in pairs of faces and of houses under each lesion: lines that cross are a double dissociation.

    A row per mode, accuracy at the left and d' at the right; means over all doses of the mode, with 95 % intervals
    over identities.

    Parameters
    ----------
    dissociation : table DISSOCIATION of a network
    network : its name
    """
    overall = dissociation[dissociation["proportion"].isna()]
    modes = [mode for mode in MODES if mode in set(overall["mode"])]
    figure = Figure(figsize=(10.6, 4.5 * len(modes) + 1.5), layout="constrained")
    title = "Do faces and houses depend on different units?"
    figure.suptitle(f"{title} ({shorten(network)})", x=0.01, ha="left")
    figure.get_layout_engine().set(wspace=0.08, hspace=0.06)
    panels = figure.subplots(len(modes), len(_LOST), sharey="col", squeeze=False)
    for mode, row in zip(modes, panels, strict=True):
        own = overall[overall["mode"] == mode].set_index("measure")
        for (ending, label), axes in zip(_LOST.items(), row, strict=True):
            _panel(axes, own, ending)
            axes.set_title(_title(dissociation, mode), pad=58)
            axes.set_ylabel(label)
            if not ending:
                percent_axis(axes.yaxis)
    figure.legend(handles=_legend(), loc="outside lower left", ncols=2)
    return figure


def _title(dissociation: pd.DataFrame, mode: str) -> str:
    own = dissociation[(dissociation["mode"] == mode) & dissociation["proportion"].notna()]
    doses = len(own[["proportion", "noise"]].drop_duplicates())
    return f"{MODES[mode]}, mean of {doses} doses" if doses > 1 else MODES[mode]


def lesion_colors() -> Mapping[str, str]:
    """Colour of each lesion: that of the kind whose units it takes, grey for random ones."""
    return super_category_colors(KINDS) | {RANDOM: QUIET}


def p_text(value: float) -> str:
    """For example "p = .012"; empty where there is none."""
    if not np.isfinite(value):
        return ""
    text = f"{value:.3f}".removeprefix("0")
    return f"p = {text}" if value >= 0.001 else "p < .001"


def _panel(axes: Axes, own: pd.DataFrame, ending: str) -> None:
    axes.axhline(0, color=NULL, linewidth=1, zorder=0)
    for lesion, color in lesion_colors().items():
        rows = own.loc[[f"{lesion}_lesion_on_{kind}s{ending}" for kind in KINDS]]
        values = rows[["value", "low", "high"]].to_numpy(float)
        places = np.arange(len(KINDS)) + _SHIFT[lesion]
        axes.plot(places, values[:, 0], color=color, **_LOOK[lesion])
        axes.vlines(places, values[:, 1], values[:, 2], color=color, linewidth=2, zorder=3)
    axes.set_xticks(range(len(KINDS)), [f"on {kind}s" for kind in KINDS])
    axes.tick_params(axis="x", length=0, labelsize=12)
    axes.set_xlim(-0.35, 1.35)
    _numbers(axes, own, ending)


def _numbers(axes: Axes, own: pd.DataFrame, ending: str) -> None:
    """Above a panel: the interaction with its interval and p, and the differences that it is the sum of."""
    number = _points if not ending else _two_decimals
    look = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    row = own.loc[f"interaction{ending}"]
    significant = row["p_value"] < SIGNIFICANT
    style = {"color": INK if significant else QUIET, "fontsize": 11}
    weight = "bold" if significant else "normal"
    text = f"interaction {number(row['value'])}{_interval(row, number)}, {p_text(row['p_value'])}"
    axes.annotate(text.rstrip(", "), (0, 1), (0, 34), fontweight=weight, **look, **style)
    for place, kind in enumerate(KINDS):
        row = own.loc[f"difference_on_{kind}s{ending}"]
        other = KINDS[1 - place]
        text = f"on {kind}s, {kind} {MINUS} {other} lesion: {number(row['value'])}"
        text += f"{_interval(row, number)}, {p_text(row['p_value'])}".rstrip(", ")
        quiet = {"color": lesion_colors()[kind], "fontsize": 9.5}
        axes.annotate(text, (0, 1), (0, 19 - 14 * place), **look, **quiet)


def _interval(row: pd.Series, number: Callable[[float], str]) -> str:
    if not np.isfinite([row["low"], row["high"]]).all():
        return ""
    return f" [{number(row['low'])}, {number(row['high'])}]"


def _points(fraction: float) -> str:
    # without the sign of a zero
    return f"{round(100 * fraction, 1) + 0.0:.1f}".replace("-", MINUS)


def _two_decimals(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)


def _legend() -> list[Line2D]:
    handles = []
    for lesion, color in lesion_colors().items():
        handles.append(Line2D([], [], color=color, label=LESION_NAMES[lesion], **_LOOK[lesion]))
    label = "95 % interval over identities"
    bar = {"marker": "|", "markersize": 14, "markeredgewidth": 2, "linewidth": 0}
    return [*handles, Line2D([], [], color=QUIET, label=label, **bar)]
