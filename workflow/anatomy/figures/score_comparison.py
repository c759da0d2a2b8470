"""Figure that compares weight scores: what is left of a category as weights are removed by each of them."""

from collections.abc import Sequence
from itertools import cycle, product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anatomy.figures.circuit_curves import (
    NO_BETTER_THAN_CONSTANT,
    kept_axis,
    level,
    mean_faithfulness,
)
from anatomy.figures.circuit_parts import TIGHT_LEGEND
from anatomy.figures.style import INK, NULL, QUIET, message, styled
from anatomy.score_kinds import KINDS, needs_images
from anatomy.stats import Estimate

# Of kinds of scores in their order; those that need no images are controls, and grey.
COLORS = ("#009e73", "#e69f00", "#6a3d9a", "#56b4e9", "#cc79a7", "#8a8a00")
GREYS = (QUIET, NULL, "#9a9a9a")
NORMALISATIONS = {
    "none": ("solid: scores as they are", "solid"),
    "minmax": ("dashed: minmax in each layer", "dashed"),
    "l1": ("dotted: l1 in each layer", "dotted"),
}
STAGES = {"fully_connected": "Fully-connected layers", "convolution": "Convolutions"}
SCOPES = {"joint": "ranked jointly", "per_layer": "ranked layer by layer"}
# More fractions than this are not a shared grid: curves are then read off at as many even places.
_MOST_FRACTIONS = 40
_COLUMNS = ["csa", "csa_unpruned", "csa_bias_only"]
_LIMITS = (-0.6, 1.6)


@styled
def score_comparison(table: pd.DataFrame) -> Figure:
    """Faithfulness against the share of weights kept: a panel per stage and scope, a line per score.

    Lines are ratios of means over categories (see `mean_faithfulness`), bands their 95 % bootstrap intervals over
    categories. A category that was not measured at a fraction is interpolated, linearly in its logarithm.

    Parameters
    ----------
    table : one row per category, stage, score, normalisation, scope and removed fraction, with the columns of these
        names and kept_fraction, csa, csa_unpruned, csa_bias_only
    """
    table = table.astype(dict.fromkeys([*_COLUMNS, "kept_fraction"], float))
    table = table[table["kept_fraction"] > 0].dropna(subset=_COLUMNS)
    stages = [stage for stage in STAGES if (table["stage"] == stage).any()]
    scopes = [scope for scope in SCOPES if (table["scope"] == scope).any()]
    size = 9 if len(stages) < 2 else 10.5, 3.6 * max(1, len(scopes)) + 1.6
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle("Which score finds the weights that a category needs?", x=0.01, ha="left")
    if table.empty:
        message(figure.add_subplot(), "Nothing was measured.")
        return figure
    panels = figure.subplots(len(scopes), len(stages), sharey=True, squeeze=False)
    figure.get_layout_engine().set(wspace=0.06)
    for (scope, stage), axes in zip(product(scopes, stages), panels.flat, strict=True):
        own = table[(table["stage"] == stage) & (table["scope"] == scope)]
        if own.empty:
            message(axes, "not measured")
        else:
            _panel(axes, own)
        axes.set_title(f"{STAGES[stage]}, {SCOPES[scope]}")
    _limit(panels)
    for axes in panels[:, 0]:
        axes.set_ylabel("Faithfulness")
    figure.legend(handles=_scores(table), loc="outside lower left", ncols=2, **TIGHT_LEGEND)
    figure.legend(handles=_styles(table), loc="outside lower right", **TIGHT_LEGEND)
    return figure


def score_looks() -> dict[str, tuple[str, str]]:
    """Kind of score -> its name for people and its colour; the controls come last."""
    kinds = [kind for kind in KINDS.names if needs_images(kind)]
    colors = dict(zip(kinds, cycle(COLORS), strict=False))
    controls = [kind for kind in KINDS.names if not needs_images(kind)]
    colors |= dict(zip(controls, cycle(GREYS), strict=False))
    return {kind: (KINDS.label(kind), color) for kind, color in colors.items()}


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    level(axes, 1, "unpruned unit")
    level(axes, 0, "constant unit", above=False)
    drawn, looks = False, score_looks()
    for score, normalisation in product(looks, NORMALISATIONS):
        own = rows[(rows["score"] == score) & (rows["normalisation"] == normalisation)]
        if len(own):
            style = NORMALISATIONS[normalisation][1]
            drawn |= _line(axes, own, looks[score][1], style, 3 - 0.1 * [*looks].index(score))
    kept_axis(axes, rows["kept_fraction"].min())
    if not drawn:
        message(axes, NO_BETTER_THAN_CONSTANT)


def _line(axes: Axes, rows: pd.DataFrame, color: str, style: str, above: float) -> bool:
    """One score's curve, at that height above others, and band; False where faithfulness is not defined."""
    curve = _curve(rows)
    kept = list(curve)
    low, high = ([getattr(e, end) for e in curve.values()] for end in ("low", "high"))
    axes.fill_between(kept, low, high, color=color, alpha=0.13, linewidth=0, zorder=2)
    values = [e.value for e in curve.values()]
    axes.plot(kept, values, color=color, linestyle=style, linewidth=1.8, zorder=above)
    return bool(curve)


def _curve(rows: pd.DataFrame) -> dict[float, Estimate]:
    """Kept fraction, ascending -> mean faithfulness, where that is defined."""
    categories = [own.sort_values("kept_fraction") for _, own in rows.groupby("category")]
    kept = _fractions([own["kept_fraction"].to_numpy() for own in categories])
    values = np.stack([_at(own, kept) for own in categories])
    estimates = (mean_faithfulness(*values[:, place].T) for place in range(len(kept)))
    return {f: e for f, e in zip(kept.tolist(), estimates, strict=True) if e is not None}


def _fractions(measured: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The fractions measured, within the range that all categories share, or as many even places as are worth it."""
    low, high = max(own[0] for own in measured), min(own[-1] for own in measured)
    fractions = np.unique(np.concatenate(measured))
    fractions = fractions[(fractions >= low) & (fractions <= high)]
    if len(fractions) <= _MOST_FRACTIONS:
        return fractions
    return np.geomspace(low, high, _MOST_FRACTIONS)


def _at(rows: pd.DataFrame, kept: NDArray[np.float64]) -> NDArray[np.float64]:
    """CSA of one category and its two reference values (kept fraction, 3), interpolated."""
    measured = np.log(rows["kept_fraction"].to_numpy())
    return np.stack([np.interp(np.log(kept), measured, rows[c]) for c in _COLUMNS], axis=1)


def _limit(panels: NDArray[np.object_]) -> None:
    """Limits that hold all levels but that a few wild ratios cannot stretch."""
    low, high = panels.flat[0].get_ylim()
    panels.flat[0].set_ylim(max(low, _LIMITS[0]), min(max(high, 1.12), _LIMITS[1]))


def _scores(table: pd.DataFrame) -> list[Line2D]:
    return [
        Line2D([], [], color=color, label=name)
        for score, (name, color) in score_looks().items()
        if (table["score"] == score).any()
    ]


def _styles(table: pd.DataFrame) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=INK, linewidth=1.2, linestyle=style, label=name)
        for normalisation, (name, style) in NORMALISATIONS.items()
        if (table["normalisation"] == normalisation).any()
    ]
    n = table["category"].nunique()
    if n > 1:
        label = f"95 % interval (n = {n} categories)"
        handles.append(Patch(color=QUIET, alpha=0.25, linewidth=0, label=label))
    return handles
