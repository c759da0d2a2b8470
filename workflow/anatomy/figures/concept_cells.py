"""Figures of concepts against categories: which circuits keep a concept's units, and what their loss costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.figures.style import (
    INK,
    NULL,
    QUIET,
    concept_category_colors,
    concept_name,
    empty_figure,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)

LEVEL = 0.05
MOST_CATEGORIES, MOST_CONCEPTS, MOST_PAIRS = 24, 24, 10
NO_DETECTORS = "No unit of these layers detects a concept."
# the concept that stands for all units that detect anything
ANY = "all"
_MAP = "RdBu_r"
_LEAST_SCALE = 0.05


@dataclass(frozen=True)
class _Reading:
    """What is shown of a table: its columns and the words for them."""

    value: str
    compared: str
    random: str
    title: str
    cells: str
    pairs: str
    interval: bool


_KEPT = _Reading(
    "kept_fraction",
    "kept_fraction",
    "random_kept_fraction",
    "Which circuits keep which labelled units?",
    "Weights of the concept's units on the circuit's\npaths, beyond matched units (points)",
    "Weights of the units kept (%)",
    False,
)
_LOST = _Reading(
    "loss",
    "compared_loss",
    "random_loss",
    "What does a category lose with the units of a concept?",
    "Images lost with the concept's units,\nbeyond matched units (points)",
    "Images of the category lost (%)",
    True,
)


@styled
def enriched_concepts(enrichment: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """How much of each concept's units every circuit keeps beyond random units like them.

    Parameters
    ----------
    enrichment : table ENRICHMENT of one network; the rows of all detecting units together are left out
    names : category -> its name for people
    """
    own = enrichment[enrichment["concept_category"] != ANY]
    return _figure(own, names, _KEPT)


@styled
def concept_losses(lesions: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """What silencing the units of each concept costs every category beyond silencing random units like them.

    Parameters
    ----------
    lesions : table CONCEPT_LESIONS of one network
    names : category -> its name for people
    """
    return _figure(lesions, names, _LOST)


def _figure(table: pd.DataFrame, names: Mapping[str, str], reading: _Reading) -> Figure:
    if table.empty:
        return empty_figure(reading.title, NO_DETECTORS)
    table = table.assign(
        beyond=table[reading.compared] - table[reading.random],
        column=table["layer"] + ": " + table["concept"].map(concept_name),
        label=table["category"].map(names),
    )
    shown = _strongest(table)
    rows, columns = shown["category"].nunique(), shown["column"].nunique()
    height = max(5.0, 0.3 * rows + 3.0)
    figure = Figure(figsize=(14.5, height), layout="constrained")
    figure.suptitle(reading.title, x=0.01, ha="left")
    cells, pairs = figure.subplots(1, 2, width_ratios=(max(4.0, 0.4 * columns), 5.0))
    _cells(figure, cells, shown, reading)
    _pairs(pairs, table, reading)
    figure.legend(handles=_legend(shown), loc="outside lower left", ncols=5)
    return figure


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """The categories and concepts with the largest values, in the order of the table."""
    for column, most in (("category", MOST_CATEGORIES), ("column", MOST_CONCEPTS)):
        largest = table.groupby(column)["beyond"].max().nlargest(most).index
        table = table[table[column].isin(largest)]
    return table


def _cells(figure: Figure, axes: Axes, table: pd.DataFrame, reading: _Reading) -> None:
    order = table.drop_duplicates("category").sort_values("super_category", kind="stable")
    heads = table.drop_duplicates("column")
    wide, certain = (
        table.pivot(index="category", columns="column", values=values).reindex(
            index=order["category"], columns=heads["column"]
        )
        for values in ("beyond", "q_value")
    )
    most = max(_LEAST_SCALE, np.nanmax(np.abs(wide.to_numpy(float))))
    look = {"cmap": colormaps[_MAP], "vmin": -most, "vmax": most, "aspect": "auto"}
    image = axes.imshow(wide.to_numpy(float), interpolation="nearest", **look)
    for y, x in np.argwhere(certain.to_numpy(float) < LEVEL):
        axes.plot(x, y, "o", color="white", markersize=6, markeredgecolor=INK)
    one_layer = table["layer"].nunique() == 1
    labels = [
        f"{concept_name(row.concept) if one_layer else row.column} ({row.units})"
        for row in heads.itertuples()
    ]
    look = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(np.arange(len(heads)), [shorten(label) for label in labels], **look)
    axes.set_yticks(np.arange(len(order)), [shorten(name) for name in order["label"]])
    axes.tick_params(length=0)
    axes.tick_params(axis="x", pad=14)
    axes.spines[:].set_visible(False)
    _color_labels(axes, order["super_category"], heads["concept_category"])
    layer = f"{table['layer'].iloc[0]}: " if one_layer else ""
    axes.set_title(f"{layer}concepts, and how many units detect them")
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=30, pad=0.01)
    bar.outline.set_visible(False)
    bar.set_label(reading.cells)
    percent_axis(bar.ax.yaxis)


def _color_labels(axes: Axes, groups: pd.Series, kinds: pd.Series) -> None:
    shades = super_category_colors(groups)
    for label, group in zip(axes.get_yticklabels(), groups, strict=True):
        label.set_color(shades[group])
    shades = concept_category_colors(kinds)
    for x, kind in enumerate(kinds):
        axes.plot(
            [x - 0.42, x + 0.42],
            [-0.03, -0.03],
            color=shades[kind],
            linewidth=4,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )


def _pairs(axes: Axes, table: pd.DataFrame, reading: _Reading) -> None:
    """The pairs of concept and category that stand out most, each beside its random sets."""
    table = table.assign(tie=-table["beyond"])
    above = (table["beyond"] > 0) & (table[reading.value] > 0)
    best = table[above].sort_values(["q_value", "p_value", "tie"])[:MOST_PAIRS]
    colors = super_category_colors(table["super_category"])
    for y, row in enumerate(best.itertuples()):
        axes.barh(y, row.random_high - row.random_low, 0.5, row.random_low, color=NULL, linewidth=0)
        axes.plot([getattr(row, reading.random)] * 2, [y - 0.25, y + 0.25], color=QUIET)
        value, color = getattr(row, reading.value), colors[row.super_category]
        if reading.interval:
            axes.hlines(y, row.low, row.high, color=color)
        filled = color if row.q_value < LEVEL else "white"
        look = {"markerfacecolor": filled, "markeredgecolor": color, "markersize": 8}
        axes.plot(value, y, "o", zorder=3, clip_on=False, **look)
    many = table["layer"].nunique() > 1
    axes.set_yticks(
        np.arange(len(best)),
        [
            f"{shorten(concept_name(row.concept), 14)}{f' ({row.layer})' if many else ''} → {shorten(row.label, 14)}"
            for row in best.itertuples()
        ],
    )
    axes.set(ylim=(max(len(best), 4) - 0.4, -0.6), xlabel=reading.pairs)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.tick_params(axis="y", length=0)
    axes.set_title("Strongest: concept → category")
    percent_axis(axes.xaxis)


def _legend(table: pd.DataFrame) -> list[Line2D | Patch]:
    groups = super_category_colors(table["super_category"])
    kinds = concept_category_colors(table["concept_category"])
    dot = {"linestyle": "none", "marker": "o", "markeredgecolor": INK, "markersize": 7}
    return [
        *(Line2D([], [], color=color, marker="o", label=name) for name, color in groups.items()),
        Line2D([], [], markerfacecolor="white", label=f"in the map: q < {LEVEL:g}", **dot),
        Line2D([], [], markerfacecolor=INK, label=f"filled at the right: q < {LEVEL:g}", **dot),
        Patch(color=NULL, linewidth=0, label="95 % of sets of matched random units"),
        *(Patch(color=color, linewidth=0, label=name) for name, color in kinds.items()),
    ]
