"""The headline numbers of all methods in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.figures.style import (
    INK,
    NULL,
    QUIET,
    layer_colors,
    message,
    percent,
    percent_axis,
    percent_range,
    shorten,
    styled,
    super_category_colors,
)

SECTIONS = {
    "network": "Intact network",
    "circuits": "Category circuits",
    "knockouts": "Knock-outs",
    "clusters": "Cluster lesions",
    "dissection": "Network dissection",
    "activations": "Covered parts",
    "identity": "Identity of faces and houses",
    "joined": "Joined",
}
MEASURES = {
    "top1": "Top-1 accuracy",
    "top5": "Top-5 accuracy",
    "categories_with_circuit": "Categories with a circuit",
    "kept_fraction": "Weights kept",
    "kept_fraction_fc": "  in fully-connected layers",
    "kept_fraction_conv": "  in convolutions",
    "csa_unpruned": "CSA of the unpruned unit",
    "csa_evaluation": "CSA of the circuit",
    "csa_retained": "CSA retained",
    "faithfulness": "Faithfulness",
    "cluster_distance": "Largest performance distance",
    "cluster_loss": "  losses of its cluster's lesion",
    "identity_accuracy": "Same or different, new identities",
    "identity_interaction_zero": "Interaction, silenced units",
    "identity_interaction_noise": "Interaction, noisy units",
    "cluster_circuit_difference": "Own circuits lose more with a cluster",
}
ALL = "all"
AREA = "area_under_top1_"
# shares of the units of each layer
SHARES = {
    "detector_share": "Units that detect a concept,\nof each layer",
    "intervention_detector_share": "Units that need a labelled part,\nof each layer",
    "kept_fraction_of_detectors": "Weights of labelled units\nthat circuits keep, of each layer",
    "concepts_needed": "Concepts that a category needs,\nof each layer",
}
TCAV = "tcav_score_"
_KINDS = {"synapse": "synapses", "node": "nodes"}
# Heights in rows; a row in inches.
_HEADING, _ROW, _LAYERS_ROW, _ROW_INCHES = 1.1, 1.0, 2.2, 0.34
_LABEL_WIDTH, _PANEL_WIDTH, _MOST_ACROSS = 2.9, 5.0, 4
_FURTHEST = (-0.25, 1.25)
_NUMBERS = ("value", "low", "high", "null_value", "p_value")


@dataclass(frozen=True)
class Line:
    """One line of the picture: its name, its middle and its height, in rows from the top."""

    method: str
    measure: str
    label: str
    y: float
    height: float


@styled
def headlines(summary: pd.DataFrame) -> Figure:
    """Each headline number with its interval against its null; networks side by side.

    Grey bars reach to the null value: chance, or what a constant unit gets. Lines of knock-outs and
    of dissection hold one point per layer, first layer on top.

    Parameters
    ----------
    summary : table SUMMARY, layers in network order
    """
    summary = summary.astype(dict.fromkeys(_NUMBERS, float))
    lines, headings, height = _lines(summary)
    networks = list(dict.fromkeys(summary["network"]))
    across = max(1, min(_MOST_ACROSS, len(networks)))
    down = max(1, int(np.ceil(len(networks) / across)))
    size = (_LABEL_WIDTH + _PANEL_WIDTH * across, down * (height * _ROW_INCHES + 0.7) + 1.0)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle("What carries recognition, and what does its loss cost?", x=0.01, ha="left")
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    if not lines:
        message(panels[0, 0], "There are no results yet.")
        return figure
    limits = _limits(summary[summary["measure"].isin({line.measure for line in lines})])
    layers = _layer_colors(summary)
    for network, axes in zip(networks, panels.flat, strict=False):
        axes.set(title=network, xlim=limits, ylim=(height, 0))
        _panel(axes, summary[summary["network"] == network], lines, layers[network])
    for axes in panels.flat[len(networks) :]:
        axes.set_axis_off()
    for first in panels[:, 0]:
        _label(first, lines, headings)
    groups = _super_categories(summary)
    figure.legend(
        handles=_legend(groups, any(_has_layers(line.measure) for line in lines)),
        loc="outside lower left",
        ncols=4 if across == 1 else 7,
        columnspacing=1.4,
        handlelength=1.6,
    )
    return figure


def _lines(summary: pd.DataFrame) -> tuple[list[Line], dict[str, float]]:
    """Lines that at least one network has, in reading order; headings' places; the whole height."""
    lines: list[Line] = []
    headings: dict[str, float] = {}
    top = 0.0
    for method, heading in SECTIONS.items():
        found = set(summary.loc[summary["method"] == method, "measure"])
        layered = sorted((m for m in found if _has_layers(m)), reverse=True)
        measures = [m for m in MEASURES if m in found] + layered
        if measures:
            headings[heading] = top + 0.6 * _HEADING
            top += _HEADING
        for measure in measures:
            tall = _LAYERS_ROW if _has_layers(measure) else _ROW
            label = MEASURES.get(measure) or _layers_label(measure)
            lines.append(Line(method, measure, label, top + tall / 2, tall))
            top += tall
    return lines, headings, top


def _has_layers(measure: str) -> bool:
    """Whether a measure has a number for each layer."""
    return measure.startswith((AREA, TCAV)) or measure in SHARES


def _layers_label(measure: str) -> str:
    if measure in SHARES:
        return SHARES[measure]
    if measure.startswith(TCAV):
        return f"TCAV score of each layer,\n{measure.removeprefix(TCAV)}"
    kind, mode = measure.removeprefix(AREA).rsplit("_", 1)
    return f"Accuracy left, each layer's\n{_KINDS.get(kind, kind)} knocked out ({mode})"


def _limits(summary: pd.DataFrame) -> tuple[float, float]:
    """0 to 100 %, further where numbers are, but ratios of small numbers cannot stretch it far."""
    reach = summary[["value", "low", "high"]]
    low, high = reach.min().min() * 1.05, reach.max().max() * 1.02
    return float(np.clip(low, _FURTHEST[0], 0)), float(np.clip(high, 1, _FURTHEST[1]))


def _super_categories(summary: pd.DataFrame) -> list[str]:
    """Groups that are no layers: super-categories, and faces and houses."""
    shown = summary["method"].isin(["network", "circuits", "clusters", "identity"])
    return sorted(set(summary.loc[shown, "group"]) - {ALL})


def _layer_colors(summary: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Colours of each network's layers; networks that share layers, as twins do, share their colours."""
    rows = summary[summary["measure"].map(_has_layers)]
    chains = [list(own) for _, own in rows.groupby(["network", "measure"], sort=False)["group"]]
    shown = {name: set(own) for name, own in rows.groupby("network")["group"]}
    order = _merged(chains)
    colors = {}
    for network in dict.fromkeys(summary["network"]):
        own = shown.get(network, set())
        alike = own.union(*(other for other in shown.values() if own & other))
        colors[network] = layer_colors([layer for layer in order if layer in alike])
    return colors


def _merged(chains: Sequence[Sequence[str]]) -> list[str]:
    """One order of all layers from several measures' orders of some; the longest says most."""
    order: list[str] = []
    for chain in sorted(chains, key=len, reverse=True):
        place = 0
        for layer in chain:
            if layer in order:
                place = order.index(layer)
            else:
                order.insert(place, layer)
            place += 1
    return order


def _panel(
    axes: Axes, summary: pd.DataFrame, lines: Sequence[Line], layers: dict[str, str]
) -> None:
    """The numbers of one network, between limits that are already set."""
    colors = super_category_colors(_super_categories(summary))
    for line in lines:
        rows = summary[(summary["method"] == line.method) & (summary["measure"] == line.measure)]
        rows = rows.dropna(subset="value").set_index("group")
        null = rows["null_value"].dropna()
        if len(null) and line.measure not in SHARES:
            shown = null.get(ALL, null.iloc[0])
            axes.barh(line.y, shown, 0.8 * line.height, color=NULL, alpha=0.55, linewidth=0)
        if rows.empty:
            _write(axes, line.y, "\N{EN DASH}", "")
        elif _has_layers(line.measure):
            _layers(axes, rows, line, layers)
        else:
            _number(axes, rows, line, colors)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("%")
    percent_axis(axes.xaxis)
    axes.grid(axis="x", color=NULL, linewidth=0.5, alpha=0.6)


def _number(axes: Axes, rows: pd.DataFrame, line: Line, colors: dict[str, str]) -> None:
    """The number for everything large, those for super-categories small below it."""
    groups = [group for group in colors if group in rows.index]
    shifts = np.linspace(0.16, 0.38, len(groups)) if len(groups) > 1 else [0.26]
    for shift, group in zip(shifts, groups, strict=False):
        _mark(axes, rows.loc[group], line.y + shift, colors[group], 3.5, 1.2)
    if ALL in rows.index:
        row = rows.loc[ALL]
        _mark(axes, row, line.y - (0.12 if groups else 0), INK, 7, 2.2)
        detail = percent_range(row["value"], row["low"], row["high"])
        _write(axes, line.y, percent(row["value"]), detail + _p_text(row["p_value"]))


def _layers(axes: Axes, rows: pd.DataFrame, line: Line, colors: dict[str, str]) -> None:
    """A point per layer, first layer on top; that of the greatest effect is named."""
    shifts = np.linspace(-0.38, 0.38, len(rows)) * line.height if len(rows) > 1 else [0.0]
    size = 5 if len(rows) <= 16 else 3
    for shift, layer in zip(shifts, rows.index, strict=True):
        row, y = rows.loc[layer], line.y + shift
        _mark(axes, row, y, colors[layer], size, 1.2)
        if not line.measure.startswith(AREA) and np.isfinite(row["null_value"]):
            tall = 0.76 * line.height / len(rows)
            axes.barh(y, row["null_value"], tall, color=NULL, alpha=0.55, linewidth=0)
    most = not line.measure.startswith(AREA)
    named = rows["value"].idxmax() if most else rows["value"].idxmin()
    row = rows.loc[named]
    detail = percent_range(row["value"], row["low"], row["high"])
    _write(axes, line.y + 0.3, percent(row["value"]), detail)
    _write(axes, line.y - 0.5, f"{'most' if most else 'least'}: {shorten(str(named), 18)}", "")


def _mark(axes: Axes, row: pd.Series, y: float, color: str, size: float, width: float) -> None:
    """A number with its interval; one beyond the axis is an arrowhead at its end."""
    axes.hlines(y, row["low"], row["high"], color=color, linewidth=width, zorder=3)
    low, high = axes.get_xlim()
    marker = "<" if row["value"] < low else ">" if row["value"] > high else "o"
    look = {"color": color, "markersize": size, "markeredgewidth": 0, "zorder": 4}
    axes.plot(np.clip(row["value"], low, high), y, marker, clip_on=False, **look)


def _write(axes: Axes, y: float, text: str, detail: str) -> None:
    """A number beside the panel, its interval smaller."""
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    axes.annotate(text, (1, y), (8, 0), fontsize=12, **place)
    axes.annotate(detail, (1, y), (66, 0), fontsize=10.5, color=QUIET, **place)


def _p_text(p: float) -> str:
    if not np.isfinite(p):
        return ""
    return "  p < .001" if p < 0.001 else f"  p = {p:.3f}".replace("0.", ".")


def _label(axes: Axes, lines: Sequence[Line], headings: dict[str, float]) -> None:
    """Names of the lines, and headings over the sections."""
    axes.set_yticks([line.y for line in lines], [line.label for line in lines])
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    for heading, y in headings.items():
        axes.annotate(heading, (0, y), (6, 0), weight="bold", fontsize=12, **place)


def _legend(groups: Sequence[str], layers: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=INK, marker="o", markersize=7, linewidth=2.2, label="95 % interval")
    ]
    for group, color in super_category_colors(groups).items():
        look = {"color": color, "marker": "o", "markersize": 4, "linewidth": 1.2}
        handles.append(Line2D([], [], label=group, **look))
    handles.append(
        Patch(
            color=NULL,
            alpha=0.55,
            linewidth=0,
            label="chance, guessing, constant unit, random lesions or rotations",
        )
    )
    if layers:
        first, last = layer_colors(["first", "last"]).values()
        for color, label in ((first, "first layer"), (last, "last layer")):
            dot = {"color": color, "marker": "o", "markersize": 5, "linewidth": 0}
            handles.append(Line2D([], [], label=label, **dot))
    return handles
