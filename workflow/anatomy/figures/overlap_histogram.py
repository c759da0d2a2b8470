"""Figure of how much pairs of circuits overlap, within and between super-categories, against chance."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anatomy.figures.circuit_parts import TIGHT_LEGEND
from anatomy.figures.style import INK, MINUS, NULL, message, styled

ALL = "all"
COLORS = {"within": "#6a3d9a", "between": "#00805c", "all": INK}
LABELS = {
    "within": "pairs within a super-category",
    "between": "pairs between super-categories",
    "all": "all pairs",
}
JACCARD_AXIS = "Jaccard similarity (intersection / union)"
NO_PAIRS = "There are no two circuits to compare."
CHANCE = "chance: independent masks of the same sizes"
TOGETHER = "All layers but the output layer"
MEANS = ("mean_jaccard", "mean_expected_jaccard")
_LOG_BELOW = 0.1
_MOST_BINS = 40
# Share of the histogram's height that its bars fill; the means stand above them, one below the other.
_BAR_HEIGHT, _FIRST_MEAN, _MEAN_STEP = 0.8, 0.95, 0.075


@styled
def overlap_histogram(pairs: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Distribution of the Jaccard similarity of pairs of circuits, and its mean in each layer.

    Parameters
    ----------
    pairs : table CIRCUIT_OVERLAP_PAIRS of one network
    summary : table CIRCUIT_OVERLAP of the same network, layers in network order, `all` among them
    """
    whole = pairs[pairs["layer"] == ALL].dropna(subset="jaccard")
    rows = summary["layer"].nunique()
    figure = Figure(figsize=(12.5, max(5.4, 0.34 * rows + 2.2)), layout="constrained")
    figure.suptitle("Do categories share their circuits?", x=0.01, ha="left")
    if whole.empty:
        message(figure.add_subplot(), NO_PAIRS)
        return figure
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    figure.get_layout_engine().set(wspace=0.06)
    relations = _relations(whole)
    _histogram(left, whole, summary[summary["layer"] == ALL], relations)
    _layer_means(right, summary, list(relations))
    handles = [_handle(relation, len(own)) for relation, own in relations.items()]
    handles.append(Patch(color=NULL, linewidth=0, label=CHANCE))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), **TIGHT_LEGEND)
    return figure


def _relations(whole: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Similarities within and between super-categories; of all pairs where there is only one of the two."""
    same = whole["same_super_category"].to_numpy()
    jaccard = whole["jaccard"].to_numpy()
    if same.all() or not same.any():
        return {"all": jaccard}
    return {"within": jaccard[same], "between": jaccard[~same]}


def _handle(relation: str, pairs: int) -> Line2D:
    label = f"{LABELS[relation]} (n = {pairs:,})".replace(",", "\N{THIN SPACE}")
    return Line2D([], [], color=COLORS[relation], marker="D", markersize=6, label=label)


def _histogram(
    axes: Axes,
    whole: pd.DataFrame,
    summary: pd.DataFrame,
    relations: dict[str, NDArray[np.float64]],
) -> None:
    expected = whole["expected_jaccard"].to_numpy()
    both = np.concatenate([whole["jaccard"].to_numpy(), expected])
    bins = min(_MOST_BINS, 4 + int(np.sqrt(len(expected))))
    edges = np.histogram_bin_edges(both, bins)
    axes.hist(expected, edges, weights=_shares(expected), color=NULL, linewidth=0)
    for relation, own in relations.items():
        look = {"histtype": "stepfilled", "linewidth": 1.8, "edgecolor": COLORS[relation]}
        fill = (COLORS[relation], 0.15)
        axes.hist(own, edges, weights=_shares(own), facecolor=fill, **look)
    axes.set_ylim(0, axes.get_ylim()[1] / (_BAR_HEIGHT - _MEAN_STEP))
    means = summary.set_index("relation")
    for number, relation in enumerate(relations):
        _mean_mark(axes, means.loc[relation], relation, _FIRST_MEAN - number * _MEAN_STEP)
    axes.set_title(_title(means), fontsize=12)
    axes.set(xlabel=JACCARD_AXIS, ylabel="Share of the pairs (%)")


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full(len(values), 100 / len(values))


def _mean_mark(axes: Axes, mean: pd.Series, relation: str, height: float) -> None:
    """Mean with its interval above the bars, its value beside it."""
    level = {"transform": axes.get_xaxis_transform(), "color": COLORS[relation], "clip_on": False}
    axes.plot((mean["low"], mean["high"]), (height, height), linewidth=2, **level)
    axes.plot(mean["mean_jaccard"], height, "D", markersize=6, **level)
    left, right = axes.get_xlim()
    on_the_left = mean["mean_jaccard"] > (left + right) / 2
    ends = mean[["mean_jaccard", "low", "high"]].astype(float)
    axes.annotate(
        f"mean {mean['mean_jaccard']:#.3g}",
        (ends.min() if on_the_left else ends.max(), height),
        (-9 if on_the_left else 9, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color=COLORS[relation],
        fontsize=11,
        va="center",
        ha="right" if on_the_left else "left",
    )


def _title(means: pd.DataFrame) -> str:
    difference, p = means.loc["within", ["difference", "p_value"]].astype(float)
    if not np.isfinite(difference):
        return TOGETHER
    text = f"{difference:+.2g}".replace("-", MINUS)
    chance = "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)
    return f"{TOGETHER}: within {MINUS} between = {text}, {chance}"


def _layer_means(axes: Axes, summary: pd.DataFrame, relations: list[str]) -> None:
    layers = list(dict.fromkeys(summary["layer"]))
    shifts = np.linspace(-0.2, 0.2, len(relations)) if len(relations) > 1 else [0.0]
    thickness = 0.8 / max(2, len(relations))
    for shift, relation in zip(shifts, relations, strict=True):
        own = summary[summary["relation"] == relation].set_index("layer").loc[layers]
        places = np.arange(len(layers)) + shift
        axes.barh(places, own["mean_expected_jaccard"], thickness, color=NULL, linewidth=0)
        axes.hlines(places, own["low"], own["high"], color=COLORS[relation], linewidth=2)
        axes.plot(own["mean_jaccard"], places, "D", color=COLORS[relation], markersize=5.5)
    names = ["together" if layer == ALL else layer for layer in layers]
    axes.set_yticks(range(len(layers)), names)
    axes.axhline(len(layers) - 1.5, color=NULL, linewidth=0.8)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    _mean_axis(axes, summary.loc[summary["relation"].isin(relations), [*MEANS]].to_numpy())
    axes.tick_params(axis="y", length=0)
    axes.set_title("Layer by layer, 95 % intervals over categories", fontsize=12)


def _mean_axis(axes: Axes, means: NDArray[np.float64]) -> None:
    """Logarithmic where layers differ so much that some would be seen at zero."""
    positive = means[means > 0]
    if len(positive) and positive.min() < _LOG_BELOW * positive.max():
        axes.set_xscale("log")
        axes.set_xlim(0.5 * positive.min(), 1.1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("Mean Jaccard similarity (log axis)")
    else:
        axes.set_xlim(0, min(1.02, axes.get_xlim()[1]))
        axes.set_xlabel("Mean Jaccard similarity")
