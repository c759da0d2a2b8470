"""Figure of what a lesion of each cluster costs each super-category, and what figures of clusters share."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.errors import InputError
from anatomy.figures.circuit_parts import TIGHT_LEGEND, Colors
from anatomy.figures.style import (
    INK,
    MINUS,
    NULL,
    QUIET,
    empty_figure,
    percent,
    percent_axis,
    styled,
    super_category_colors,
)

METHODS = {"gaussian_mixture": "Gaussian mixture", "ward": "Ward", "hdbscan": "HDBSCAN"}
# Groups of neurons that are lesioned too but belong to no cluster.
APART = {"noise": "left out", "never_active": "never active"}
RECOGNISED = {
    "category": "An image is recognised when the network names its category.",
    "super_category": "An image is recognised when the network names any category of its super-category.",
}
LOSS = "loss_"
NO_CLUSTERS = "No clustering was evaluated."
NOT_CHOSEN = "No clustering was chosen."
# Of more clusters than this those with the largest performance distance are drawn.
MOST_CLUSTERS = 24
# Of clusterings that were not chosen.
MOST_OF_OTHERS = 10
SIGNIFICANT = 0.05
POINTS = "percentage points"
NONE = "\N{EN DASH}"

# In rows: what stands apart does so by this much.
_GAP = 0.5
# Inches.
_LABELS, _PLOT, _NUMBERS = 2.7, 3.4, 1.35
_TITLE, _ABOVE, _BELOW = 0.4, 0.75, 0.75
_LEGEND_TITLE, _LEGEND_ROW = 0.5, 0.26
_TALLEST = 1.8
# Points to the right of a panel.
_COLUMNS = {"selectivity": 44, "p_value": 88}


@styled
def lesion_losses(lesions: pd.DataFrame, losses: pd.DataFrame, recognised_as: str) -> Figure:
    """Loss of sensitivity of each super-category when a cluster is lesioned, beside random lesions.

    A panel per clustering method, the chosen one at the left; a row per cluster, the largest performance distance at
    the top.

    Parameters
    ----------
    lesions : one row per method and cluster: method, k, chosen, cluster, neurons, performance_distance, selectivity,
        familywise_p_value
    losses : one row per method, cluster, recognised_as and group, with the columns loss, low, high, random_loss,
        random_low and random_high (NaN without random lesions)
    recognised_as : "category" or "super_category", the rows of `losses` to draw

    Raises
    ------
    InputError if recognised_as is another word.
    """
    losses = losses_of(losses, recognised_as, "super_category")
    methods = _methods(lesions)
    title = "Does a lesion of a cluster cost one super-category alone?"
    if not methods or losses.empty:
        return empty_figure(title, NO_CLUSTERS)
    colors = super_category_colors(losses["group"])
    shown = [
        shown_clusters(
            lesions[lesions["method"] == method], MOST_OF_OTHERS if number else MOST_CLUSTERS
        )
        for number, method in enumerate(methods)
    ]
    figure, panels = _canvas(shown, len(colors))
    height = figure.get_size_inches()[1]
    figure.suptitle(title, x=0.01, y=1 - 0.12 / height, ha="left", va="top")
    for axes, own in zip(panels, shown, strict=True):
        _panel(axes, own, same_clustering(losses, own), colors)
        omitted = (lesions["method"] == own["method"].iloc[0]).sum() - len(own)
        if omitted:
            axes.set_xlabel(f"{axes.get_xlabel()}\nnot shown: {omitted} of smaller distance")
    columns = _legend_columns(len(shown))
    recognition_legend(figure, _legend(losses, colors), recognised_as, "lower left", columns)
    return figure


def losses_of(losses: pd.DataFrame, recognised_as: str, group_kind: str) -> pd.DataFrame:
    """Rows of a way to count recognised images and of one kind of group.

    Raises
    ------
    InputError if there is no such way to count.
    """
    if recognised_as not in RECOGNISED:
        ways = " or ".join(RECOGNISED)
        raise InputError(f"an image is recognised as {ways}, not as {recognised_as!r}")
    own = losses["recognised_as"] == recognised_as
    return losses[own & (losses["group_kind"] == group_kind)]


def loss_columns(table: pd.DataFrame) -> dict[str, str]:
    """Super-category -> column of its loss."""
    columns = sorted(column for column in table if column.startswith(LOSS))
    return {column.removeprefix(LOSS): column for column in columns}


def chosen_lesions(lesions: pd.DataFrame) -> pd.DataFrame:
    """Rows of the chosen clustering in the order of `shown_clusters`; none if none was chosen."""
    return shown_clusters(lesions[lesions["chosen"].astype(bool)])


def shown_clusters(lesions: pd.DataFrame, most: int = MOST_CLUSTERS) -> pd.DataFrame:
    """Rows of one clustering: clusters by performance distance, the largest first, at most so many of them.

    Neurons that belong to no cluster come last. Names of clusters are text.
    """
    numbers = ["performance_distance", "selectivity", "familywise_p_value"]
    own = lesions.astype({"cluster": str, **dict.fromkeys(numbers, float)})
    apart = own["cluster"].isin(APART)
    clusters = own[~apart].sort_values("performance_distance", ascending=False, kind="stable")
    return pd.concat([clusters[:most], own[apart]], ignore_index=True)


def same_clustering(table: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Rows of another table that are of the same method and number of clusters; names of clusters are text."""
    first = own.iloc[0]
    same = (table["method"] == first["method"]) & (table["k"] == first["k"])
    return table[same].astype({"cluster": str})


def cluster_places(own: pd.DataFrame) -> list[float]:
    """Heights of the rows of a figure, from the top: what belongs to no cluster stands apart."""
    apart = own["cluster"].isin(APART).to_numpy()
    return list(np.arange(len(own)) + _GAP * (apart & ~apart.all()))


def cluster_axis(axes: Axes, own: pd.DataFrame) -> None:
    """Name of each row and its number of neurons, quiet where they are no cluster."""
    places = cluster_places(own)
    names = [
        f"{APART.get(name, name)} · {neurons:,.0f} neurons"
        for name, neurons in zip(own["cluster"], own["neurons"], strict=True)
    ]
    axes.set_yticks(places, names)
    axes.set_ylim(places[-1] + 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for label, name in zip(axes.get_yticklabels(), own["cluster"], strict=True):
        label.set_color(QUIET if name in APART else INK)


def clustering_name(own: pd.DataFrame) -> str:
    """For example "Ward, 5 clusters"."""
    first = own.iloc[0]
    return f"{METHODS.get(first['method'], first['method'])}, {first['k']:g} clusters"


def points(fraction: float) -> str:
    """A difference of fractions in percentage points: 12.3."""
    return f"{100 * fraction:.1f}".replace("-", MINUS)


def method_names(found: Iterable[str]) -> list[str]:
    """Methods in the order of METHODS, others behind them."""
    found = list(dict.fromkeys(found))
    known = [method for method in METHODS if method in found]
    return [*known, *(method for method in found if method not in METHODS)]


def recognition_legend(
    figure: Figure,
    handles: Sequence[Line2D | Patch],
    recognised_as: str,
    place: str,
    columns: int,
) -> None:
    """A legend that says first what counts as recognising an image."""
    legend = figure.legend(
        handles=handles,
        loc=place,
        ncols=columns,
        title=RECOGNISED[recognised_as],
        alignment="left",
        **TIGHT_LEGEND,
    )
    legend.get_title().set_color(QUIET)


def _methods(lesions: pd.DataFrame) -> list[str]:
    """Methods in their fixed order, but the chosen one first."""
    chosen = set(lesions.loc[lesions["chosen"].astype(bool), "method"])
    return sorted(method_names(lesions["method"]), key=lambda method: method not in chosen)


def _canvas(shown: Sequence[pd.DataFrame], groups: int) -> tuple[Figure, list[Axes]]:
    """The first panel at the left, the others below one another at its right; places in inches.

    A row has the same height everywhere, but in a first panel of few rows up to _TALLEST times that.
    """
    row = max(0.3, 0.085 * groups + 0.12)
    first, *others = (row * (cluster_places(own)[-1] + 1) for own in shown)
    right = sum(others) + (_ABOVE + _BELOW) * max(0, len(others) - 1)
    first = min(max(first, right), _TALLEST * first)
    column = _LABELS + _PLOT + _NUMBERS
    entries = groups + 1
    bottom = _LEGEND_TITLE + _LEGEND_ROW * -(-entries // _legend_columns(len(shown)))
    height = _TITLE + _ABOVE + max(first, right) + _BELOW + bottom
    figure = Figure(figsize=(column * min(2, len(shown)), height))
    top = height - _TITLE
    panels = []
    for number, own_height in enumerate((first, *others)):
        left = _LABELS + column * (number > 0)
        if number == 1:
            top = height - _TITLE
        top -= _ABOVE + own_height
        panels.append(_in_inches(figure, left, top, own_height, panels))
        top -= _BELOW
    return figure, panels


def _legend_columns(panels: int) -> int:
    return 1 if panels == 1 else 3


def _in_inches(
    figure: Figure, left: float, bottom: float, high: float, panels: Sequence[Axes]
) -> Axes:
    width, height = figure.get_size_inches()
    place = left / width, bottom / height, _PLOT / width, high / height
    return figure.add_axes(place, sharex=panels[0] if panels else None)


def _panel(axes: Axes, own: pd.DataFrame, losses: pd.DataFrame, colors: Colors) -> None:
    step = min(0.3, 0.78 / len(colors))
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
    for place, lesion in zip(cluster_places(own), own.itertuples(), strict=True):
        rows = losses[losses["cluster"] == lesion.cluster].set_index("group")
        for number, group in enumerate(colors):
            if group in rows.index:
                y = place + (number - (len(colors) - 1) / 2) * step
                _loss(axes, y, step, rows.loc[group], colors[group])
        axes.axhline(place + 0.5, color=NULL, linewidth=0.5, zorder=0)
        _numbers(axes, place, lesion.selectivity, lesion.familywise_p_value)
    _column_names(axes)
    cluster_axis(axes, own)
    percent_axis(axes.xaxis)
    axes.set_xlabel(f"Loss of sensitivity ({POINTS})")
    chosen = bool(own["chosen"].iloc[0])
    name = clustering_name(own) + (" (chosen)" if chosen else "")
    axes.set_title(name, fontweight="bold" if chosen else "normal", pad=33)


def _loss(axes: Axes, y: float, step: float, row: pd.Series, color: str) -> None:
    """A loss and its interval over images, before what random lesions of the same size cost."""
    if np.isfinite([row["random_low"], row["random_high"]]).all():
        width = row["random_high"] - row["random_low"]
        axes.barh(y, width, 0.92 * step, row["random_low"], color=NULL, linewidth=0, zorder=1)
        ends = y - 0.46 * step, y + 0.46 * step
        axes.vlines(row["random_loss"], *ends, color=QUIET, linewidth=1.2, zorder=2)
    axes.hlines(y, row["low"], row["high"], color=color, linewidth=1.8, zorder=3)
    axes.plot(row["loss"], y, "o", color=color, markersize=5.5, zorder=4)


def _numbers(axes: Axes, place: float, selectivity: float, p_value: float) -> None:
    """Selectivity and p-value at the right of a row, strong where significant."""
    significant = p_value < SIGNIFICANT
    look = {"color": INK if significant else QUIET, "fontsize": 10, "va": "center", "ha": "right"}
    at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    texts = {"selectivity": _two_digits(selectivity), "p_value": _p_value(p_value)}
    for column, text in texts.items():
        weight = "bold" if significant and column == "p_value" else "normal"
        axes.annotate(text, (1, place), (_COLUMNS[column], 0), fontweight=weight, **at, **look)


def _column_names(axes: Axes) -> None:
    look = {"color": QUIET, "fontsize": 10, "va": "bottom", "ha": "right"}
    at = {"xycoords": "axes fraction", "textcoords": "offset points"}
    for column, text in {"selectivity": "selec-\ntivity", "p_value": "family-\nwise p"}.items():
        axes.annotate(text, (1, 1), (_COLUMNS[column], 3), linespacing=1, **at, **look)


def _two_digits(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else NONE


def _p_value(value: float) -> str:
    if not np.isfinite(value):
        return NONE
    return f"{value:.3f}".removeprefix("0") if value >= 0.0005 else "< .001"


def _legend(losses: pd.DataFrame, colors: Colors) -> list[Line2D | Patch]:
    """Super-categories with what the intact network recognises of them; intervals and random lesions."""
    intact = losses.drop_duplicates("group").set_index("group")
    handles: list[Line2D | Patch] = []
    for group, color in colors.items():
        share, images = intact.loc[group, ["sensitivity_intact", "images"]]
        label = f"{group} (intact: {percent(share)} of {images:,.0f} images)"
        look = {"marker": "o", "markersize": 5.5, "linewidth": 1.8}
        handles.append(Line2D([], [], color=color, label=label, **look))
    if losses["random_low"].notna().any():
        label = "matched random lesions: middle 95 %, mean"
        handles.append(Patch(facecolor=NULL, edgecolor="none", label=label))
    return handles
