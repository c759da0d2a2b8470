"""Figure of detectors by intervention: which parts units need, and examples of covered parts."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from anatomy.figures.style import (
    INK,
    MINUS,
    QUIET,
    concept_name,
    empty_figure,
    layer_colors,
    message,
    shorten,
    styled,
)
from anatomy.figures.tiles import tile
from anatomy.manipulation_statistics import relative_effect

MOST_CONCEPTS = 18
MOST_EXAMPLES = 8
EXAMPLES_IN_ROW = 4
CONDITIONS = {"intact": "intact", "covered": "covered", "elsewhere": "elsewhere"}
NO_DETECTOR = "No unit needs any part more than the rest of the image."
# Cells of more layers than this hold no number.
MOST_NUMBERED_LAYERS = 16
# Responses that change by more are drawn at the edge.
_MOST = 1.0
# Inches.
_WIDTH, _PANELS, _HEADING, _MARGIN = 14.0, 5.6, 0.5, 0.35
_ROW, _LEAST_ROWS = 0.5, 4
_TILE, _GAP, _BETWEEN, _ABOVE, _BELOW = 1.02, 0.04, 0.2, 0.3, 0.3


@styled
def interventions(table: pd.DataFrame, examples: pd.DataFrame) -> Figure:
    """Detectors of each part in each layer, what covering costs them, and pictures of the strongest.

    Parameters
    ----------
    table : one row per layer (in network order), unit and concept, see `anatomy.manipulation_statistics.unit_table`
    examples : rows with concept, layer, unit, image_id, condition, response and picture
    """
    title = "Which parts of an image do units need?"
    if table.empty:
        return empty_figure(title, "No part was covered.")
    shown = _strongest_examples(table, examples)
    rows = -(-len(shown) // EXAMPLES_IN_ROW)
    row = _ABOVE + _TILE + _BELOW
    height = _HEADING + _PANELS + rows * row + (0.5 if rows else 0)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    figure.text(0.025, 1 - 0.36 / height, title, fontsize=15, va="center")
    bottom = (height - _HEADING - _PANELS + 0.75) / height
    panel = (_PANELS - 1.15) / height
    _counts(figure, (0.10, bottom, 0.40, panel), table)
    _drops(figure.add_axes((0.615, bottom, 0.36, panel)), table)
    if rows:
        strip = figure.add_axes((0, 0, 1, (rows * row + 0.45) / height))
        strip.set(xlim=(0, _WIDTH), ylim=(0, rows * row + 0.45), autoscale_on=False)
        strip.set_axis_off()
        note = "Strongest detectors, the image with the part to which they respond most, and their responses"
        strip.text(_MARGIN, rows * row + 0.3, note, fontsize=13, va="center")
        for number, (_, own) in enumerate(shown):
            line, column = divmod(number, EXAMPLES_IN_ROW)
            left = _MARGIN + column * (3 * _TILE + 2 * _GAP + _BETWEEN)
            _example(strip, left, (rows - line) * row, own)
    return figure


def _counts(figure: Figure, place: tuple[float, float, float, float], table: pd.DataFrame) -> None:
    """Heat map: share of a layer's units that detect a part, and their number."""
    layers = list(dict.fromkeys(table["layer"]))
    counts = table.pivot_table(index="concept", columns="layer", values="detector", aggfunc="sum")
    counts = counts[layers]
    total = counts.sum(axis=1).sort_values(ascending=False, kind="stable")
    found = int((total > 0).sum())
    counts = counts.loc[total.index[: min(MOST_CONCEPTS, max(found, 1))]]
    units = table.groupby("layer")["unit"].nunique()[layers]
    axes = figure.add_axes(_at_top(figure, place, len(counts)))
    share = (100 * counts / units).to_numpy(float)
    axes.set_title(
        f"Detectors: {int(table['detector'].sum()):,}, for {found} of {len(total)} parts"
    )
    if not found:
        message(axes, NO_DETECTOR)
        return
    mesh = axes.pcolormesh(share, cmap="Blues", vmin=0, edgecolors="white", linewidth=1)
    axes.invert_yaxis()
    names = [shorten(concept_name(name), 16) for name in counts.index]
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    turned = {"rotation": 45, "ha": "right"} if len(layers) > 8 else {}
    axes.set_xticks(np.arange(len(layers)) + 0.5, [shorten(name, 14) for name in layers], **turned)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(layers) <= MOST_NUMBERED_LAYERS:
        for (row, column), count in np.ndenumerate(counts.to_numpy()):
            dark = share[row, column] > 0.55 * share.max()
            look = {"ha": "center", "va": "center", "fontsize": 10.5}
            axes.text(
                column + 0.5, row + 0.5, f"{count:.0f}", color="white" if dark else INK, **look
            )
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, fraction=0.045)
    bar.set_label("% of the layer's units")
    bar.outline.set_visible(False)


def _at_top(
    figure: Figure, place: tuple[float, float, float, float], rows: int
) -> tuple[float, float, float, float]:
    """The upper part of a place, if few rows do not fill it."""
    left, bottom, width, height = place
    needed = min(height, max(rows, _LEAST_ROWS) * _ROW / figure.get_figheight())
    return left, bottom + height - needed, width, needed


def _drops(axes: Axes, table: pd.DataFrame) -> None:
    """What covering the part costs against what covering elsewhere costs."""
    own = table[table["intact"] > 0]
    x, y = ((own[name] / own["intact"]).clip(-_MOST, _MOST) for name in ("drop_elsewhere", "drop"))
    axes.set_title("What covering costs")
    edges = {"extent": (-_MOST, _MOST, -_MOST, _MOST)}
    axes.hexbin(
        x, y, gridsize=60, bins="log", cmap="Greys", mincnt=1, linewidths=0, alpha=0.6, **edges
    )
    axes.plot([-_MOST, _MOST], [-_MOST, _MOST], color=QUIET, lw=1, ls=(0, (4, 3)))
    layers = list(dict.fromkeys(table["layer"]))
    found = own["detector"].to_numpy(bool)
    colors = own["layer"].map(layer_colors(layers))
    axes.scatter(x[found], y[found], s=9, c=colors[found], linewidths=0, alpha=0.8, zorder=3)
    axes.set(xlim=(-1.04, 1.04), ylim=(-1.04, 1.04), aspect="equal")
    ticks = (-1, -0.5, 0, 0.5, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_ticklabels([_tick(value) for value in ticks])
    axes.set_xlabel("loss by covering as much elsewhere, % of response")
    axes.set_ylabel("loss by covering the part, % of response")
    few = layers if len(layers) <= 8 else [layers[0], layers[len(layers) // 2], layers[-1]]
    handles = [
        axes.scatter([], [], s=30, color=layer_colors(layers)[layer], label=shorten(layer, 14))
        for layer in few
    ]
    handles.append(axes.scatter([], [], s=30, color="#b5b5b5", label="no detector"))
    look = {"handletextpad": 0.1, "labelspacing": 0.35, "fontsize": 10.5}
    axes.legend(handles=handles, loc="lower right", title="detectors in", **look)


def _tick(value: float) -> str:
    text = f"{100 * abs(value):g}"
    return (f"≤{MINUS}{text}" if value <= -1 else f"{MINUS}{text}") if value < 0 else text


def _strongest_examples(
    table: pd.DataFrame, examples: pd.DataFrame
) -> list[tuple[str, pd.DataFrame]]:
    """For the concepts whose detector is strongest, the first image: its three conditions."""
    if examples.empty:
        return []
    keys = ["concept", "layer", "unit"]
    strength = table.assign(effect=relative_effect(table))[[*keys, "effect"]]
    ranked = examples.merge(strength, on=keys).sort_values("effect", ascending=False, kind="stable")
    return [
        (name, own[own["image_id"] == own["image_id"].iloc[0]].set_index("condition"))
        for name, own in list(ranked.groupby("concept", sort=False))[:MOST_EXAMPLES]
    ]


def _example(axes: Axes, left: float, top: float, own: pd.DataFrame) -> None:
    first: Any = own.iloc[0]
    name = f"{shorten(concept_name(first['concept']), 14)}"
    axes.text(left, top - _ABOVE + 0.06, name, fontsize=12, va="bottom")
    right = left + 3 * _TILE + 2 * _GAP
    unit = f"{shorten(first['layer'], 14)} unit {first['unit']}"
    axes.text(right, top - _ABOVE + 0.06, unit, fontsize=10, color=QUIET, ha="right", va="bottom")
    for number, condition in enumerate(CONDITIONS):
        start = left + number * (_TILE + _GAP)
        tile(axes, start, top - _ABOVE - _TILE, _TILE, own.loc[condition, "picture"])
        text = f"{condition} {own.loc[condition, 'response']:.3g}"
        look = {"fontsize": 9.5, "ha": "center", "va": "top"}
        axes.text(start + _TILE / 2, top - _ABOVE - _TILE - 0.06, text, **look)
