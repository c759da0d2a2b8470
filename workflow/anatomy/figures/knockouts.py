"""Figures of knock-outs: what is left as a growing proportion of a layer is knocked out."""

from collections.abc import Sequence
from itertools import chain, product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.errors import InputError
from anatomy.figures.style import (
    INK,
    MOST_LAYERS,
    QUIET,
    layer_colors,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)
from anatomy.knockout_modes import MODES
from anatomy.stats import t_interval

KINDS = {"synapse": "Synapses (single weights)", "node": "Nodes (whole units)"}
MEASURES = {"top1": "Top-1 accuracy (%)", "top5": "Top-5 accuracy (%)"}
SENSITIVITY = "sensitivity_"
_KIND_LINES = {"synapse": "solid", "node": (0, (2.2, 1.6))}
_PER_ROW = 4


@styled
def performance_curves(
    performance: pd.DataFrame, measure: str = "top1", chance: float | None = None
) -> Figure:
    """A measure against the proportion knocked out; a panel per kind and mode, a line per layer.

    Lines are means over repeats, bands their 95 % t intervals.

    Parameters
    ----------
    performance : table KNOCKOUT_PERFORMANCE of one network, layers in network order
    measure : column "top1" or "top5"
    chance : the measure of a network that guesses; drawn as a line

    Raises
    ------
    InputError if the table has no such measure.
    """
    if measure not in MEASURES or measure not in performance:
        raise InputError(f"the knock-out table has no measure {measure!r}")
    kinds, modes, layers = (present(performance, key) for key in ("kind", "mode", "layer"))
    places = arranged(kinds, modes)
    down, across = len(places), len(places[0])
    figure = Figure(figsize=(4.2 * across + 2.1, 3.7 * down + 0.9), layout="constrained")
    figure.suptitle("Which layers can the network not do without?", x=0.01, ha="left")
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    figure.get_layout_engine().set(wspace=0.06)
    colors = layer_colors(layers)
    few = len(layers) <= MOST_LAYERS
    width, opacity = (2, 0.18) if few else (1.1, 0.06)
    for (kind, mode), axes in zip(chain(*places), panels.flat, strict=True):
        own = performance[(performance["kind"] == kind) & (performance["mode"] == mode)]
        for layer, rows in own.groupby("layer", sort=False):
            _curve(axes, rows, measure, opacity, color=colors[layer], linewidth=width)
        axes.set_title(f"{KINDS[kind]}\n{MODES.label(mode)}")
        _chance_line(axes, chance)
    _proportion_axes(panels, MEASURES[measure])
    if few:
        handles = [Line2D([], [], color=colors[layer], label=shorten(layer)) for layer in layers]
        handles += _interval_handle(performance)
        figure.legend(handles=handles, loc="outside right center", title="Layer knocked out")
    else:
        _layer_bar(figure, panels, layers)
    return figure


@styled
def sensitivity_curves(performance: pd.DataFrame) -> Figure:
    """Sensitivity of each super-category against the proportion knocked out, a panel per layer.

    Kinds differ in line style and modes stand below one another. Lines are means over repeats,
    bands their 95 % t intervals. Of more than 16 layers each is one point on a line: the mean over
    all proportions.

    Parameters
    ----------
    performance : table KNOCKOUT_PERFORMANCE of one network, layers in network order

    Raises
    ------
    InputError if the table has no sensitivity of any super-category.
    """
    columns = [column for column in performance if column.startswith(SENSITIVITY)]
    groups = sorted(column.removeprefix(SENSITIVITY) for column in columns)
    if not groups:
        raise InputError("the knock-out table has no sensitivity of any super-category")
    kinds, modes, layers = (present(performance, key) for key in ("kind", "mode", "layer"))
    many = len(layers) > MOST_LAYERS
    across = min(len(layers), _PER_ROW if len(modes) == 1 else 2 * _PER_ROW)
    rows = 1 if many else int(np.ceil(len(layers) / across))
    height = (3.4 if many else 2.15 * rows + 0.5) * len(modes) + 1.4
    width = 11 if many or across <= _PER_ROW else 2 * across
    figure = Figure(figsize=(width, height), layout="constrained")
    title = "Does the loss of a layer hurt one super-category more?"
    figure.suptitle(title, x=0.01, ha="left")
    figure.get_layout_engine().set(wspace=0.05)
    blocks = figure.subfigures(len(modes), 1, squeeze=False)[:, 0]
    first = []
    for block, mode in zip(blocks, modes, strict=True):
        own = performance[performance["mode"] == mode]
        if many:
            first.append(_sensitivity_by_depth(block, own, groups, kinds, layers))
        else:
            first.append(_sensitivity_panels(block, own, groups, kinds, layers, across))
        text = f"Weights or units {MODES.label(mode)}"
        block.suptitle(text, x=0.01, ha="left", fontsize=12, color=QUIET)
    top = min(1.0, max(axes.get_ylim()[1] for axes in first))
    for axes in first:
        axes.set_ylim(0, top)
        percent_axis(axes.yaxis)
    label = "Layer knocked out" if many else "Proportion of the layer knocked out (%)"
    blocks[-1].supxlabel(label, fontsize=12)
    handles = _sensitivity_legend(groups, [] if many else kinds) + _interval_handle(performance)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def present(performance: pd.DataFrame, key: str) -> list[str]:
    """Values of a column as they first appear, but kinds in a fixed order."""
    found = list(dict.fromkeys(performance[key]))
    return [kind for kind in KINDS if kind in found] if key == "kind" else found


def arranged(kinds: Sequence[str], modes: Sequence[str]) -> list[list[tuple[str, str]]]:
    """Rows of panels (kind, mode), wider than high: modes side by side where there are more of them than kinds."""
    if len(modes) > len(kinds):
        return [[(kind, mode) for mode in modes] for kind in kinds]
    return [[(kind, mode) for kind in kinds] for mode in modes]


def layer_axis(axes: Axes, layers: Sequence[str]) -> None:
    """Names of the layers along the horizontal axis; of more than 16 only some."""
    count = len(layers) if len(layers) <= MOST_LAYERS else 7
    named = np.unique(np.linspace(0, len(layers) - 1, count).round().astype(int))
    names = [shorten(layers[number]) for number in named]
    axes.set_xticks(named, names, rotation=35, ha="right", rotation_mode="anchor")


def _curve(axes: Axes, rows: pd.DataFrame, measure: str, opacity: float, **look: object) -> None:
    """Mean over repeats against proportion, with its interval as a band of this opacity."""
    estimates = {p: t_interval(own) for p, own in rows.groupby("proportion")[measure]}
    values = np.array([(e.value, e.low, e.high) for e in estimates.values()])
    proportions = list(estimates)
    axes.plot(proportions, values[:, 0], zorder=3, **look)
    # A share cannot leave 0..1, though a t interval can.
    band = np.clip(values[:, 1:], 0, 1)
    fill = {"color": look["color"], "alpha": opacity, "linewidth": 0, "zorder": 2}
    axes.fill_between(proportions, band[:, 0], band[:, 1], **fill)


def _chance_line(axes: Axes, chance: float | None) -> None:
    if chance is None:
        return
    axes.axhline(chance, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    look = {"color": QUIET, "fontsize": 10, "ha": "left", "va": "bottom"}
    axes.annotate("chance", (0, chance), (4, 1), **place, **look)


def _proportion_axes(panels: np.ndarray, measure: str) -> None:
    """Axes in per cent: proportion from 0 to 100, the measure from 0."""
    for axes in panels[-1]:
        axes.set_xlabel("Proportion of the layer knocked out (%)")
    for axes in panels[:, 0]:
        axes.set_ylabel(measure)
    first = panels[0, 0]
    first.set(xlim=(0, 1), ylim=(0, min(1.0, first.get_ylim()[1])))
    percent_axis(first.xaxis)
    percent_axis(first.yaxis)


def _layer_bar(figure: Figure, panels: np.ndarray, layers: Sequence[str]) -> None:
    """Colours of many layers as a bar, first layer on top, with some of their names."""
    colors = ListedColormap(list(layer_colors(layers).values()))
    norm = BoundaryNorm(np.arange(len(layers) + 1) - 0.5, len(layers))
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=panels, aspect=30, pad=0.02)
    bar.ax.invert_yaxis()
    named = np.unique(np.linspace(0, len(layers) - 1, 9).round().astype(int))
    bar.set_ticks(named, labels=[shorten(layers[number]) for number in named])
    bar.ax.minorticks_off()
    bar.ax.set_title("Layer knocked out", fontsize=11)
    bar.outline.set_visible(False)


def _sensitivity_panels(
    block: SubFigure,
    performance: pd.DataFrame,
    groups: Sequence[str],
    kinds: Sequence[str],
    layers: Sequence[str],
    across: int,
) -> Axes:
    """A panel per layer, in reading order; the first of them, with which all share their axes."""
    down = int(np.ceil(len(layers) / across))
    panels = block.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    colors = super_category_colors(groups)
    for layer, axes in zip(layers, panels.flat, strict=False):
        axes.set_title(shorten(layer), fontsize=12)
        for kind, group in product(kinds, groups):
            rows = performance[(performance["layer"] == layer) & (performance["kind"] == kind)]
            if len(rows):
                look = {"color": colors[group], "linestyle": _KIND_LINES[kind], "linewidth": 1.8}
                _curve(axes, rows, SENSITIVITY + group, 0.18, **look)
    for axes in panels.flat[len(layers) :]:
        axes.set_axis_off()
    first = panels[0, 0]
    first.set(xlim=(0, 1), xticks=(0, 0.5, 1))
    percent_axis(first.xaxis)
    for axes in panels[:, 0]:
        axes.set_ylabel("Sensitivity (%)")
    return first


def _sensitivity_by_depth(
    block: SubFigure,
    performance: pd.DataFrame,
    groups: Sequence[str],
    kinds: Sequence[str],
    layers: Sequence[str],
) -> Axes:
    """A panel per kind: the mean over proportions of each layer, layers in network order; the first of them."""
    panels = block.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    colors = super_category_colors(groups)
    for kind, axes in zip(kinds, panels, strict=True):
        own = performance[performance["kind"] == kind]
        for group in groups:
            _depth_curve(axes, own, SENSITIVITY + group, layers, colors[group])
        axes.set_title(KINDS[kind])
        layer_axis(axes, layers)
    panels[0].set_ylabel("Sensitivity (%),\nmean over proportions")
    return panels[0]


def _depth_curve(
    axes: Axes, performance: pd.DataFrame, measure: str, layers: Sequence[str], color: str
) -> None:
    """Mean height of each repeat's curve; of these the mean and interval, layer by layer."""
    places, estimates = [], []
    for place, layer in enumerate(layers):
        rows = performance[performance["layer"] == layer]
        if len(rows):
            repeats = [own.sort_values("proportion") for _, own in rows.groupby("repeat")]
            places.append(place)
            estimates.append(t_interval([_mean_height(own, measure) for own in repeats]))
    axes.plot(places, [e.value for e in estimates], color=color, linewidth=1.8, zorder=3)
    low, high = [e.low for e in estimates], [e.high for e in estimates]
    axes.fill_between(places, low, high, color=color, alpha=0.22, linewidth=0, zorder=2)


def _mean_height(curve: pd.DataFrame, measure: str) -> float:
    """Mean height over the proportions covered, by trapezoids: they may be unevenly spaced."""
    proportions = curve["proportion"].to_numpy(dtype=float)
    if len(proportions) == 1:
        return float(curve[measure].iloc[0])
    area = np.trapezoid(curve[measure].to_numpy(dtype=float), proportions)
    return float(area / np.ptp(proportions))


def _sensitivity_legend(groups: Sequence[str], kinds: Sequence[str]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=color, label=group)
        for group, color in super_category_colors(groups).items()
    ]
    for kind in kinds:
        label = KINDS[kind].split(" (")[0].lower()
        handles.append(Line2D([], [], color=INK, linestyle=_KIND_LINES[kind], label=label))
    return handles


def _interval_handle(performance: pd.DataFrame) -> list[Patch]:
    """A single repeat has no interval."""
    if performance["repeat"].nunique() < 2:
        return []
    return [Patch(color=QUIET, alpha=0.25, linewidth=0, label="95 % interval")]
