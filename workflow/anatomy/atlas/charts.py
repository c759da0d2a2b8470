"""Drawings in the text of a page: bars with their intervals and nulls, and the curves of pruning."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from anatomy.figures.style import INK, NULL, percent

# A pruning curve, in pixels: the whole, and the margins at the left, top, right and bottom of its axes.
WIDTH, HEIGHT = 560, 250
LEFT, TOP, RIGHT, BOTTOM = 56, 14, 14, 46
STAGES = {"fully_connected": "fully-connected layers", "convolution": "convolutions"}
_DASHES = {"fully_connected": "5 4", "convolution": "none"}
TICKS = (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 1e-4, 1e-5)
_REACH = (-0.25, 1.25)


@dataclass(frozen=True)
class Bar:
    """A number as a bar.

    Attributes
    ----------
    label : as HTML
    value : the number
    words : how it is written, as HTML
    color : of the bar
    low, high : its interval, drawn as a line, where there is one
    null : what chance gives, drawn as a grey bar behind it, where that is known
    """

    label: str
    value: float
    words: str
    color: str = INK
    low: float = math.nan
    high: float = math.nan
    null: float = math.nan


def bars(rows: Sequence[Bar], heading: tuple[str, str] | None = None) -> str:
    """Bars as a table, all to one scale that holds 0; nothing where there is no row.

    Parameters
    ----------
    heading : what the rows are and what the numbers are, as HTML
    """
    if not rows:
        return ""
    values = np.array([[row.value, row.low, row.high, row.null] for row in rows], float)
    values = values[np.isfinite(values)]
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    scale = (low, high if high > low else low + 1.0)
    head = ""
    if heading is not None:
        names, numbers = heading
        head = (
            f'<thead><tr><th scope="col">{names}</th><th></th><th scope="col">{numbers}</th></tr>'
        )
        head += "</thead>"
    body = "".join(
        f'<tr><th scope="row">{row.label}</th><td>{_bar(row, *scale)}</td><td>{row.words}</td></tr>'
        for row in rows
    )
    return f'<table class="bars">{head}<tbody>{body}</tbody></table>'


def _bar(row: Bar, low: float, high: float) -> str:
    def at(value: float) -> float:
        return 100 * (value - low) / (high - low)

    def box(value: float, top: int, height: int, color: str, kind: str) -> str:
        left, width = min(at(0), at(value)), abs(at(value) - at(0))
        return (
            f'<rect class="{kind}" x="{left:.2f}" y="{top}" width="{width:.2f}" height="{height}"'
            f' fill="{color}"/>'
        )

    parts = [box(row.null, 0, 14, NULL, "null")] if math.isfinite(row.null) else []
    if math.isfinite(row.value):
        parts.append(box(row.value, 3, 8, row.color, "value"))
    if math.isfinite(row.low) and math.isfinite(row.high):
        ends = f'x1="{at(row.low):.2f}" x2="{at(row.high):.2f}" y1="7" y2="7"'
        parts.append(f'<line class="range" {ends}/>')
    parts.append(f'<line class="zero" x1="{at(0):.2f}" x2="{at(0):.2f}" y1="0" y2="14"/>')
    inside = "".join(parts)
    return (
        f'<svg class="bar" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">'
        f"{inside}</svg>"
    )


def probability(name: str, value: float) -> str:
    """A p or q value, as HTML; nothing where there is none."""
    if not math.isfinite(value):
        return ""
    return f"{name} &lt; 0.001" if value < 0.001 else f"{name} = {value:.3f}"


def pruning_chart(sweep: pd.DataFrame, chosen: dict[str, float], color: str) -> str:
    """Faithfulness against the share of weights kept, a line for each stage, with the circuit's place on each.

    Parameters
    ----------
    sweep : rows of the table of pruning of one category, of one threshold
    chosen : stage -> share of its weights that the circuit keeps
    color : of the lines
    """
    sweep = sweep[sweep["kept_fraction"] > 0].dropna(subset="faithfulness")
    if sweep.empty:
        return ""
    axes = _Axes(sweep["kept_fraction"].min())
    parts = [axes.drawn()]
    for stage, words in STAGES.items():
        own = sweep[sweep["stage"] == stage].drop_duplicates("kept_fraction")
        if own.empty:
            continue
        own = own.sort_values("kept_fraction")
        places = [
            f"{axes.x(kept):.1f},{axes.y(value):.1f}"
            for kept, value in zip(own["kept_fraction"], own["faithfulness"], strict=True)
        ]
        parts.append(
            f'<polyline points="{" ".join(places)}" fill="none" stroke="{color}" stroke-width="2"'
            f' stroke-linejoin="round" stroke-dasharray="{_DASHES[stage]}"><title>{words}</title></polyline>'
        )
        kept = chosen.get(stage, math.nan)
        if math.isfinite(kept) and kept > 0:
            value = np.interp(
                np.log(kept), np.log(own["kept_fraction"].to_numpy()), own["faithfulness"]
            )
            parts.append(
                f'<circle class="chosen" cx="{axes.x(kept):.1f}" cy="{axes.y(value):.1f}" r="5"'
                f' fill="{color}"><title>{words} of the circuit: {percent(kept)}</title></circle>'
            )
    words = "Faithfulness against the share of weights kept"
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>{_legend(sweep, color)}"
    )


def _legend(sweep: pd.DataFrame, color: str) -> str:
    items = [
        '<span><svg class="line" viewBox="0 0 24 8" aria-hidden="true"><line x1="0" x2="24" y1="4" y2="4"'
        f' stroke="{color}" stroke-width="2" stroke-dasharray="{_DASHES[stage]}"/></svg> {words}</span>'
        for stage, words in STAGES.items()
        if (sweep["stage"] == stage).any()
    ]
    return f'<p class="legend">{"".join(items)}</p>'


class _Axes:
    """Places of a pruning chart: kept fraction, logarithmic and falling to the right, and faithfulness."""

    def __init__(self, smallest: float) -> None:
        self._smallest = min(smallest, 0.5)

    def x(self, kept: float) -> float:
        share = math.log(kept) / math.log(self._smallest)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = _REACH
        share = (high - min(max(value, low), high)) / (high - low)
        return TOP + share * (HEIGHT - TOP - BOTTOM)

    def drawn(self) -> str:
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = [
            f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{self.y(value):.1f}" y2="{self.y(value):.1f}"/>'
            f'<text x="{LEFT - 8}" y="{self.y(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
            for value in (0, 0.5, 1)
        ]
        parts += [
            f'<line class="grid" x1="{self.x(tick):.1f}" x2="{self.x(tick):.1f}" y1="{TOP}" y2="{bottom}"/>'
            f'<text x="{self.x(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{100 * tick:g}</text>'
            for tick in TICKS
            if tick >= self._smallest
        ]
        middle = (LEFT + right) / 2
        parts.append(
            f'<text class="axis" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">weights kept (%)</text>'
        )
        up = (TOP + bottom) / 2
        parts.append(
            f'<text class="axis" x="14" y="{up}" text-anchor="middle" transform="rotate(-90 14 {up})">'
            "faithfulness</text>"
        )
        return "".join(parts)
