"""Figure of pruning curves: faithfulness against the share of weights kept."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from anatomy.figures.circuit_parts import NO_CIRCUITS, SEED, TIGHT_LEGEND, Colors, kept_ticks
from anatomy.figures.style import INK, QUIET, message, styled, super_category_colors
from anatomy.stats import confidence_interval

# More categories than this are drawn as distributions, not one by one.
MOST_LINES = 40
STAGES = {
    "fully_connected": "First the fully-connected layers",
    "convolution": "Then the convolutions",
}
_GRID_POINTS = 81


@styled
def pruning_curves(sweep: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Faithfulness on the extraction images against the share of weights kept, a panel per stage.

    Categories are measured at different fractions, so that for their mean each is interpolated
    linearly in the logarithm of the kept fraction. Where all weights are removed, which has no
    place on a logarithmic axis, faithfulness is 0 by definition.

    Parameters
    ----------
    sweep, summary : tables CIRCUIT_SWEEP and CIRCUIT_SUMMARY of one network
    """
    figure = Figure(figsize=(10.5, 5.6), layout="constrained")
    sweep = sweep.astype({"kept_fraction": float, "faithfulness": float})
    sweep = sweep[sweep["kept_fraction"] > 0].dropna(subset="faithfulness")
    figure.suptitle("How much can be pruned before a category is lost?", x=0.01, ha="left")
    stages = [stage for stage in STAGES if (sweep["stage"] == stage).any()]
    if not stages:
        message(figure.add_subplot(), NO_CIRCUITS)
        return figure
    panels = figure.subplots(1, len(stages), sharey=True, squeeze=False)[0]
    figure.get_layout_engine().set(wspace=0.06)
    colors = super_category_colors(summary["super_category"])
    for axes, stage in zip(panels, stages, strict=True):
        curves = _curves(sweep[sweep["stage"] == stage])
        _pruning_panel(axes, curves, summary, _chosen(summary, stage), colors)
        axes.set_title(STAGES[stage], pad=10)
    panels[0].set(ylabel="Faithfulness", ylim=_faithfulness_limits(sweep["faithfulness"]))
    shown = summary[summary["category"].isin(sweep["category"])]
    handles = _pruning_legend(shown, colors)
    columns = len(handles) if len(handles) <= 5 else 3
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, **TIGHT_LEGEND)
    return figure


def _curves(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Category -> faithfulness by kept fraction, ascending, of one stage."""
    return {
        category: own.drop_duplicates("kept_fraction")
        .set_index("kept_fraction")["faithfulness"]
        .sort_index()
        for category, own in rows.groupby("category", sort=False)
    }


def _chosen(summary: pd.DataFrame, stage: str) -> pd.Series:
    """Category -> kept fraction of its circuit in one stage."""
    column = "kept_fraction_fc" if stage == "fully_connected" else "kept_fraction_conv"
    return summary.set_index("category")[column].astype(float).dropna()


def _pruning_panel(
    axes: Axes,
    curves: Mapping[str, pd.Series],
    summary: pd.DataFrame,
    chosen: pd.Series,
    colors: Colors,
) -> None:
    groups = summary.set_index("category")["super_category"].loc[list(curves)]
    grid = np.geomspace(max(curve.index[0] for curve in curves.values()), 1, _GRID_POINTS)
    values = np.stack([_at(curve, grid) for curve in curves.values()])
    _reference_lines(axes, summary)
    one_by_one = len(curves) <= MOST_LINES
    if one_by_one:
        for category, curve in curves.items():
            color = colors[groups[category]]
            axes.plot(curve.index, curve, color=color, linewidth=0.9, alpha=0.45, zorder=2)
    else:
        for tails, alpha in (((0.05, 0.95), 0.1), ((0.25, 0.75), 0.14)):
            low, high = np.quantile(values, tails, axis=0)
            axes.fill_between(grid, low, high, color=INK, alpha=alpha, linewidth=0)
        for group in colors:
            own = values[(groups == group).to_numpy()]
            if len(own):
                _mean_line(axes, grid, own, colors[group], 1.6, 0.12)
    _mean_line(axes, grid, values, INK, 2.6, 0.22)
    for category in chosen.index.intersection(list(curves)):
        curve, kept = curves[category], chosen[category]
        look = {"markersize": 7, "markeredgecolor": "white"} if one_by_one else {"alpha": 0.3}
        axes.plot(
            kept,
            _at(curve, np.array([kept]))[0],
            marker="o",
            color=colors[groups[category]],
            zorder=4,
            clip_on=False,
            **({"markersize": 3, "markeredgewidth": 0.0} | look),
        )
    _kept_axis(axes, min(curve.index[0] for curve in curves.values()))


def _at(curve: pd.Series, kept: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(np.log(kept), np.log(curve.index.to_numpy()), curve.to_numpy())


def _mean_line(
    axes: Axes,
    grid: NDArray[np.float64],
    values: NDArray[np.float64],
    color: str,
    width: float,
    opacity: float,
) -> None:
    """Mean over categories (category, grid point) with its interval as a band of this opacity."""
    estimates = [confidence_interval(column, SEED, resamples=1000) for column in values.T]
    low, high = [e.low for e in estimates], [e.high for e in estimates]
    axes.fill_between(grid, low, high, color=color, alpha=opacity, linewidth=0, zorder=3)
    axes.plot(grid, [e.value for e in estimates], color=color, linewidth=width, zorder=3.5)


def _reference_lines(axes: Axes, summary: pd.DataFrame) -> None:
    axes.axhline(1, color=QUIET, linewidth=0.8, zorder=1)
    axes.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
    near = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "bottom"}
    axes.annotate("constant unit", (0, 0), (4, 2), color=QUIET, fontsize=10, **near)
    threshold = _threshold(summary)
    if threshold is not None:
        axes.axhline(threshold, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)


def _threshold(summary: pd.DataFrame) -> float | None:
    """The faithfulness that had to remain, where that was the criterion."""
    own = summary.loc[summary["criterion"] == "faithfulness", "threshold"]
    return None if own.empty else float(own.iloc[0])


def _faithfulness_limits(values: pd.Series) -> tuple[float, float]:
    """Limits that a few wild ratios cannot stretch: their lines leave the panel."""
    low, high = np.quantile(values, (0.01, 0.99))
    return min(-0.15, max(-1.0, low - 0.05)), max(1.15, min(2.0, high + 0.05))


def _pruning_legend(shown: pd.DataFrame, colors: Colors) -> list[Line2D | Patch]:
    n = shown["category"].nunique()
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=INK, linewidth=2.6, label=f"mean (n = {n}), 95 % interval")
    ]
    one_by_one = n <= MOST_LINES
    for group in sorted(set(shown["super_category"])):
        label = group if one_by_one else f"mean of {group}"
        width = 0.9 if one_by_one else 1.6
        handles.append(Line2D([], [], color=colors[group], linewidth=width, label=label))
    if not one_by_one:
        handles.append(Patch(color=INK, alpha=0.2, lw=0, label="middle 50 and 90 % of categories"))
    handles.append(
        Line2D([], [], color=QUIET, marker="o", markersize=6, linewidth=0, label="chosen circuit")
    )
    if (threshold := _threshold(shown)) is not None:
        style = (0, (4, 3))
        label = f"must remain: {threshold:g}"
        handles.append(Line2D([], [], color=QUIET, linewidth=1, linestyle=style, label=label))
    return handles


def _kept_axis(axes: Axes, lowest: float) -> None:
    """Kept fraction on a logarithmic axis, everything at the left; the removed fraction above."""
    axes.set_xscale("log")
    axes.set_xlim(1.0, min(0.5, lowest * 0.85))
    kept_ticks(axes)
    axes.set_xlabel("Weights kept (%)")
    removed = axes.secondary_xaxis("top")
    shares = [share for share in (0, 0.5, 0.9, 0.99, 0.999, 0.9999) if 1 - share >= lowest * 0.85]
    removed.xaxis.set_major_locator(FixedLocator([1 - share for share in shares]))
    removed.xaxis.set_major_formatter(FixedFormatter([f"{100 * share:g}" for share in shares]))
    removed.xaxis.set_minor_locator(NullLocator())
    removed.tick_params(colors=QUIET, labelsize=10, labelcolor=QUIET)
    removed.set_xlabel("removed (%)", color=QUIET, fontsize=10)
    removed.spines["top"].set_visible(True)
