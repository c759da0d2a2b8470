"""Figure of which layers circuits need, and of how many circuits use a weight."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from anatomy.figures.circuit_parts import (
    KEPT_TICKS,
    MOST_ROWS,
    NO_CIRCUITS,
    TIGHT_LEGEND,
    Colors,
    group_dots,
    kept_ticks,
    mean_with_interval,
)
from anatomy.figures.overlap_histogram import ALL
from anatomy.figures.style import (
    INK,
    NULL,
    QUIET,
    layer_colors,
    message,
    percent_axis,
    styled,
    super_category_colors,
)

# Weights by the number of circuits that use them, dark for all of them.
USES = {
    "no circuit": "#e8e8e8",
    "one": "#c3d9e8",
    "more, up to half": "#7fb0d2",
    "more than half": "#3d7aa6",
    "all circuits": "#12344d",
}

DECADES = (1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)
CHANCE_DASHES = (0, (4, 3))
# More layers than this are named by the first and last few.
MOST_NAMED = 8
# Points from the panel to its legend: below ticks and label.
_LEGEND_BELOW = 44


@styled
def layer_shares(layer_shares: pd.DataFrame, sharing: pd.DataFrame) -> Figure:
    """Share of each layer that circuits keep, and shares of its weights that few and many circuits use.

    Parameters
    ----------
    layer_shares : table CIRCUIT_LAYER_SHARES of one network
    sharing : table CIRCUIT_SHARING of the same network; both with layers in network order
    """
    layers = [*dict.fromkeys(layer_shares["layer"]), ALL]
    figure = Figure(figsize=(14.5, max(5.8, 0.36 * len(layers) + 2.4)), layout="constrained")
    figure.suptitle("Where do circuits lie, and what do they share?", x=0.01, ha="left")
    if layer_shares.empty:
        message(figure.add_subplot(), NO_CIRCUITS)
        return figure
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.1, 0.9, 1))
    figure.get_layout_engine().set(wspace=0.05)
    colors = super_category_colors(layer_shares["super_category"])
    _kept(left, _with_together(layer_shares, sharing), layers, colors)
    _uses(middle, sharing, layers)
    _spectrum(right, sharing)
    for axes in (left, middle):
        _layer_axis(axes, layers)
    for axes, handles in (
        (left, _kept_legend(layer_shares, colors)),
        (middle, [Patch(color=color, linewidth=0, label=use) for use, color in USES.items()]),
        (right, _spectrum_legend(sharing)),
    ):
        _legend_below(axes, handles)
    return figure


def _with_together(layer_shares: pd.DataFrame, sharing: pd.DataFrame) -> pd.DataFrame:
    """The table with rows for the layers that can overlap, all but the output layer, together."""
    own = layer_shares[layer_shares["layer"].isin(sharing["layer"])]
    together = own.groupby(["category", "super_category"], as_index=False)[
        ["kept", "weights"]
    ].sum()
    together["kept_fraction"] = together["kept"] / together["weights"]
    return pd.concat([layer_shares, together.assign(layer=ALL)], ignore_index=True)


def _layer_axis(axes: Axes, layers: Sequence[str]) -> None:
    """Layers from the top; the last row is for all but the output layer together."""
    axes.set_yticks(range(len(layers)), [*layers[:-1], f"all but {layers[-2]}"])
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.axhline(len(layers) - 1.5, color=NULL, linewidth=0.8)


def _kept(axes: Axes, shares: pd.DataFrame, layers: Sequence[str], colors: Colors) -> None:
    positive = shares.loc[shares["kept_fraction"] > 0, "kept_fraction"]
    lowest = min(0.1, positive.min()) * 0.6 if len(positive) else 0.01
    axes.set_xscale("log")
    axes.set_xlim(lowest, 1.3)
    kept_ticks(axes, KEPT_TICKS if lowest > 0.02 else DECADES)
    axes.grid(axis="x", color=NULL, linewidth=0.5, alpha=0.6)
    draw = _kept_dots if shares["category"].nunique() <= MOST_ROWS else _kept_quantiles
    for row, layer in enumerate(layers):
        own = shares[shares["layer"] == layer]
        # nothing kept has no place on a logarithmic axis: it is drawn at its left end
        draw(axes, row, own.assign(kept_fraction=own["kept_fraction"].clip(lower=lowest)), colors)
        mean = mean_with_interval(own["kept_fraction"])
        axes.hlines(row + 0.3, max(mean.low, lowest), mean.high, color=INK, linewidth=2)
        axes.plot(max(mean.value, lowest), row + 0.3, "D", color=INK, markersize=5.5)
    axes.set_xlabel("Weights of the layer kept (%, log axis)")
    axes.set_title("What a circuit keeps of each layer", fontsize=12)


def _kept_dots(axes: Axes, row: int, own: pd.DataFrame, colors: Colors) -> None:
    """One dot per circuit, super-categories one above the other."""
    shifts = np.linspace(-0.25, 0.05, len(colors)) if len(colors) > 1 else [-0.1]
    for shift, (group, color) in zip(shifts, colors.items(), strict=True):
        kept = own.loc[own["super_category"] == group, "kept_fraction"]
        look = {"markersize": 5, "markeredgewidth": 0, "alpha": 0.6, "clip_on": False}
        axes.plot(kept, np.full(len(kept), row + shift), "o", color=color, **look)


def _kept_quantiles(axes: Axes, row: int, own: pd.DataFrame, colors: Colors) -> None:
    """Middle 90 and 50 % of the circuits of each super-category, and the median."""
    shifts = np.linspace(-0.25, 0.05, len(colors)) if len(colors) > 1 else [-0.1]
    for shift, (group, color) in zip(shifts, colors.items(), strict=True):
        kept = own.loc[own["super_category"] == group, "kept_fraction"]
        ends = np.quantile(kept, (0.05, 0.25, 0.5, 0.75, 0.95))
        axes.hlines(row + shift, ends[0], ends[4], color=color, linewidth=1.2)
        axes.hlines(row + shift, ends[1], ends[3], color=color, linewidth=4.5, alpha=0.6)
        axes.plot(ends[2], row + shift, "o", color=color, markersize=4.5)


def _uses(axes: Axes, sharing: pd.DataFrame, layers: Sequence[str]) -> None:
    for row, layer in enumerate(layers):
        fractions = sharing.loc[sharing["layer"] == layer, "fraction"].to_numpy()
        if not len(fractions):
            at = {"color": QUIET, "fontsize": 10, "va": "center"}
            axes.text(0.5, row, "a row of weights for each category", ha="center", **at)
            continue
        parts = _parts(fractions)
        starts = np.cumsum([0, *parts[:-1]])
        axes.barh(row, parts, 0.72, starts, color=list(USES.values()), linewidth=0)
    axes.set(xlim=(0, 1), xlabel="Share of the weights (%)")
    percent_axis(axes.xaxis)
    axes.set_title("Weights used by …", fontsize=12)


def _parts(fractions: NDArray[np.float64]) -> list[float]:
    """Shares of the weights that no circuit, one, more up to half, more than half and all circuits use."""
    circuits = len(fractions) - 1
    if circuits == 1:
        return [fractions[0], 0.0, 0.0, 0.0, fractions[1]]
    half = max(2, circuits // 2 + 1)
    several = [fractions[2:half].sum(), fractions[half:circuits].sum()]
    return [fractions[0], fractions[1], *several, fractions[circuits]]


def _spectrum(axes: Axes, sharing: pd.DataFrame) -> None:
    """Share of the weights that at least so many circuits use."""
    colors = layer_colors([layer for layer in dict.fromkeys(sharing["layer"]) if layer != ALL])
    for layer, own in sharing.groupby("layer", sort=False):
        look = {"color": INK, "linewidth": 2.6} if layer == ALL else {"color": colors[layer]}
        axes.plot(own["circuits"], _at_least(own["fraction"]), **({"linewidth": 1.4} | look))
    whole = sharing[sharing["layer"] == ALL]
    expected = _at_least(whole["expected_fraction"])
    axes.plot(whole["circuits"], expected, color=QUIET, linewidth=1.6, linestyle=CHANCE_DASHES)
    shown = sharing["fraction"][sharing["fraction"] > 0]
    axes.set_yscale("log")
    axes.set_ylim(max(1e-6, 0.5 * shown.min()), 1.4)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="Number of circuits", ylabel="Share of the weights (%, log axis)")
    axes.set_title("Weights used by at least so many circuits", fontsize=12)


def _at_least(fractions: pd.Series) -> NDArray[np.float64]:
    """Sums from the end; NaN where nothing is left, which has no place on a logarithmic axis."""
    sums = fractions.to_numpy()[::-1].cumsum()[::-1]
    return np.where(sums > 0, sums, np.nan)


def _kept_legend(shares: pd.DataFrame, colors: Colors) -> list[Line2D | Patch]:
    n = shares["category"].nunique()
    mean = {"marker": "D", "markersize": 5.5, "linewidth": 2}
    label = f"mean of all (n = {n}), 95 % interval"
    handles: list[Line2D | Patch] = [
        *group_dots(colors),
        Line2D([], [], color=INK, label=label, **mean),
    ]
    if n > MOST_ROWS:
        handles.append(Patch(color=QUIET, alpha=0.6, lw=0, label="median, middle 50 and 90 %"))
    return handles


def _spectrum_legend(sharing: pd.DataFrame) -> list[Line2D]:
    """The first and last layers stand for those between where there are many."""
    colors = layer_colors([layer for layer in dict.fromkeys(sharing["layer"]) if layer != ALL])
    named = list(colors) if len(colors) <= MOST_NAMED else [*list(colors)[:3], *list(colors)[-3:]]
    handles = [Line2D([], [], color=colors[layer], linewidth=1.4, label=layer) for layer in named]
    handles.append(Line2D([], [], color=INK, linewidth=2.6, label="all together"))
    look = {"linewidth": 1.6, "linestyle": CHANCE_DASHES}
    handles.append(Line2D([], [], color=QUIET, label="all, independent masks", **look))
    return handles


def _legend_below(axes: Axes, handles: Sequence[Line2D | Patch]) -> None:
    below = offset_copy(axes.transAxes, axes.figure, y=-_LEGEND_BELOW, units="points")
    place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": below}
    columns = 2 if len(handles) > 2 else 1
    look = TIGHT_LEGEND | {"fontsize": 10, "borderaxespad": 0}
    axes.legend(handles=handles, ncols=columns, **place, **look)
