"""Figure of how units prefer faces to houses, layer by layer."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from anatomy.figures.identity_dissociation import KINDS
from anatomy.figures.style import (
    INK,
    MOST_LAYERS,
    NULL,
    QUIET,
    percent,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)

# An odd number: the middle one holds the units without a preference.
BINS = 49
# Effects beyond this quantile of their sizes, over all layers, are drawn at the end of the axis.
LARGEST = 0.995


@styled
def unit_selectivity(selectivity: pd.DataFrame, network: str) -> Figure:
    """Distribution of the units' preference for faces over houses, those selective for one kind coloured.

    A row per layer in network order; of more than MOST_LAYERS layers only the shares of selective units.

    Parameters
    ----------
    selectivity : table SELECTIVITY of a network
    network : its name
    """
    layers = list(dict.fromkeys(selectivity["layer"]))
    draw = _distributions if len(layers) <= MOST_LAYERS else _shares
    figure = draw(
        selectivity.assign(selective=selectivity["selective"].astype(object).fillna("")), layers
    )
    title = "Which units prefer faces, which houses?"
    figure.suptitle(f"{title} ({shorten(network)})", x=0.01, ha="left")
    return figure


def _distributions(selectivity: pd.DataFrame, layers: list[str]) -> Figure:
    figure = Figure(figsize=(10.5, max(1.05 * len(layers), 2.2) + 1.9), layout="constrained")
    panels = figure.subplots(len(layers), 1, sharex=True, squeeze=False)[:, 0]
    # a unit that varies between the kinds only has an infinite effect
    finite = selectivity.loc[np.isfinite(selectivity["effect"]), "effect"].abs()
    most = (float(finite.quantile(LARGEST)) if len(finite) else 0.0) * 1.05 or 1.0
    edges = np.linspace(-most, most, BINS + 1)
    for layer, axes in zip(layers, panels, strict=True):
        _distribution(axes, selectivity[selectivity["layer"] == layer], edges)
        axes.set_ylabel(shorten(layer, 14), rotation=0, ha="right", va="center")
    panels[-1].set_xlabel("Preference of the unit: faces less houses (Cohen's d)")
    figure.legend(handles=_legend(), loc="outside lower left", ncols=3)
    return figure


def _distribution(axes: Axes, own: pd.DataFrame, edges: np.ndarray) -> None:
    """A stacked histogram of the units, with the numbers of selective units at both sides."""
    colors = super_category_colors(KINDS)
    groups = {"": NULL} | colors
    effects = own["effect"].fillna(0).clip(edges[0], edges[-1])
    parts = [effects[own["selective"] == group] for group in groups]
    look = {"stacked": True, "color": list(groups.values()), "linewidth": 0}
    axes.hist(parts, bins=edges, **look)
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])  # room for the numbers
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for kind, (side, align) in zip(KINDS, ((1, "right"), (0, "left")), strict=True):
        count = int((own["selective"] == kind).sum())
        text = f"{count:,} for {kind}s\n{percent(count / len(own))}"
        place = {"transform": axes.transAxes, "ha": align, "va": "top", "fontsize": 10.5}
        axes.text(side, 0.98, text, color=colors[kind] if count else QUIET, **place)


def _shares(selectivity: pd.DataFrame, layers: list[str]) -> Figure:
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    axes = figure.subplots()
    shares = selectivity.groupby("layer", sort=False)["selective"]
    for kind, color in super_category_colors(KINDS).items():
        share = shares.agg(lambda own, kind=kind: (own == kind).mean())
        axes.plot(range(len(layers)), share, "o-", color=color, markersize=4, linewidth=1.8)
    named = np.unique(np.linspace(0, len(layers) - 1, 12).round().astype(int))
    names = [shorten(layers[number]) for number in named]
    axes.set_xticks(named, names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Selective units (% of the layer)", color=INK)
    percent_axis(axes.yaxis)
    figure.legend(handles=_legend()[:2], loc="outside lower left", ncols=2)
    return figure


def _legend() -> list[Patch]:
    handles = [
        Patch(facecolor=color, label=f"selective for {kind}s")
        for kind, color in super_category_colors(KINDS).items()
    ]
    return [*handles, Patch(facecolor=NULL, label="for neither")]
