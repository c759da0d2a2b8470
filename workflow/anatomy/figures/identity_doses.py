"""Figure of the identity task against the dose of a lesion: more units, or more noise."""

from collections.abc import Sequence
from itertools import product

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.figures.identity_dissociation import (
    KINDS,
    LESION_NAMES,
    MODES,
    RANDOM,
    lesion_colors,
)
from anatomy.figures.style import INK, QUIET, percent_axis, shorten, styled

MEASURES = {"accuracy": "Accuracy (%)", "d_prime": "d\N{PRIME}"}
CHANCE = {"accuracy": 0.5, "d_prime": 0.0}
# Of the random lesions of a dose.
MIDDLE = (0.025, 0.975)
_LINES = ("solid", (0, (4, 1.6)), (0, (1.2, 1.4)), (0, (5, 1.4, 1.2, 1.4)))


@styled
def dose_curves(lesions: pd.DataFrame, network: str) -> Figure:
    """Accuracy and d' of both kinds against the proportion of silenced units, and against the level of noise.

    Lines begin at the intact network. Noise is drawn several times: lines are means, bars reach from the least to the
    most. Grey: mean and middle 95 % of random lesions. Where noise is given to several proportions of the units, each
    has its line style.

    Parameters
    ----------
    lesions : table IDENTITY_LESIONS of a network
    network : its name
    """
    modes = [mode for mode in MODES if mode in set(lesions["mode"])]
    figure = Figure(figsize=(3.5 * len(KINDS) * len(modes) + 0.6, 7.3), layout="constrained")
    title = "How much do lesions of face and of house units cost?"
    figure.suptitle(f"{title} ({shorten(network)})", x=0.01, ha="left")
    columns = list(product(modes, KINDS))
    panels = figure.subplots(len(MEASURES), len(columns), sharey="row", squeeze=False)
    for measure, row in zip(MEASURES, panels, strict=True):
        for (mode, kind), axes in zip(columns, row, strict=True):
            _panel(axes, lesions[lesions["kind"] == kind], mode, measure)
            axes.axhline(CHANCE[measure], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        row[0].set_ylabel(MEASURES[measure])
    for (mode, kind), axes in zip(columns, panels[0], strict=True):
        axes.set_title(f"{MODES[mode]}\npairs of {kind}s")
    for (mode, _), axes in zip(columns, panels[-1], strict=True):
        axes.set_xlabel(_dose_label(lesions, mode))
    _chance_name(panels[0, 0], CHANCE["accuracy"])
    percent_axis(panels[0, 0].yaxis)
    figure.legend(handles=_legend(lesions), loc="outside lower left", ncols=2)
    return figure


def _panel(axes: Axes, lesions: pd.DataFrame, mode: str, measure: str) -> None:
    intact = float(lesions.loc[lesions["mode"] == "none", measure].item())
    own = lesions[lesions["mode"] == mode]
    for (share, look), (lesion, color) in product(
        _line_styles(own, mode).items(), lesion_colors().items()
    ):
        rows = own[(own["lesion"] == lesion) & (own["proportion"].eq(share) | (share is None))]
        _curve(
            axes, rows.groupby(_dose(mode))[measure], intact, lesion, color=color, linestyle=look
        )
    axes.plot(0, intact, "o", color="black", markersize=5, zorder=7, clip_on=False)
    axes.set_xlim(left=0)
    if mode == "zero":
        percent_axis(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter("{x:g}")


def _curve(axes: Axes, doses, intact: float, lesion: str, **look: object) -> None:
    """Mean of each dose, from the intact network on, with its spread."""
    means = doses.mean()
    places, values = [0.0, *means.index], [intact, *means]
    if lesion == RANDOM:
        low, high = (doses.quantile(end) for end in MIDDLE)
        fill = {"color": look["color"], "alpha": 0.15, "linewidth": 0, "zorder": 2}
        axes.fill_between(places, [intact, *low], [intact, *high], **fill)
        axes.plot(places, values, linewidth=1.4, zorder=6, **look)
        return
    axes.plot(
        places, values, marker="o", markersize=5, markevery=range(1, len(places)), zorder=5, **look
    )
    axes.vlines(means.index, doses.min(), doses.max(), color=look["color"], linewidth=1.4, zorder=4)


def _dose(mode: str) -> str:
    return "proportion" if mode == "zero" else "noise"


def _dose_label(lesions: pd.DataFrame, mode: str) -> str:
    if mode == "zero":
        return "Proportion of units (%)"
    shares = sorted(lesions.loc[lesions["mode"] == mode, "proportion"].unique())
    suffix = f"\nin {_per_cent(shares[0])} of the units" if len(shares) == 1 else ""
    return f"Noise (SD of the response){suffix}"


def _per_cent(share: float) -> str:
    return f"{100 * share:g}\u00a0%"


def _line_styles(own: pd.DataFrame, mode: str) -> dict[float | None, object]:
    """Line style of each proportion that has noise, the largest solid; one for all where units are silenced."""
    if mode == "zero":
        return {None: _LINES[0]}
    shares: Sequence[float] = sorted(own["proportion"].unique(), reverse=True)
    return {share: _LINES[place % len(_LINES)] for place, share in enumerate(shares)}


def _chance_name(axes: Axes, chance: float) -> None:
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axes.annotate("chance", (0, chance), (4, 2), color=QUIET, fontsize=10, va="bottom", **place)


def _legend(lesions: pd.DataFrame) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=color, label=LESION_NAMES[lesion])
        for lesion, color in lesion_colors().items()
    ]
    draws = lesions.loc[lesions["lesion"] == RANDOM, "repeat"].nunique()
    label = f"middle 95 % of {draws} random draws"
    handles.append(Patch(color=QUIET, alpha=0.25, linewidth=0, label=label))
    handles.append(Line2D([], [], color="black", marker="o", linewidth=0, label="intact network"))
    noise = lesions[lesions["mode"] == "noise"]
    if noise["proportion"].nunique() > 1:
        for share, look in _line_styles(noise, "noise").items():
            label = f"noise in {_per_cent(share)} of the units"
            handles.append(Line2D([], [], color=INK, linestyle=look, label=label))
    return handles
