"""Figures of category circuits: pruning curves, sizes, and accuracy on new images."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from anatomy.figures.style import (
    INK,
    MINUS,
    NULL,
    QUIET,
    message,
    percent,
    shorten,
    styled,
    super_category_colors,
)
from anatomy.stats import Estimate, confidence_interval

# More categories than this are drawn as distributions, not one by one.
MOST_LINES = 40
MOST_ROWS = 60

STAGES = {
    "fully_connected": "First the fully-connected layers",
    "convolution": "Then the convolutions",
}
SIZES = {
    "kept_fraction": "all layers",
    "kept_fraction_fc": "fully-connected layers",
    "kept_fraction_conv": "convolutions",
}
# Columns of substitution accuracy, worst to best, and their names for people.
CONSTANT, CIRCUIT, UNPRUNED = "csa_bias_only", "csa_evaluation", "csa_unpruned"
ACCURACIES = {CONSTANT: "constant unit", CIRCUIT: "circuit", UNPRUNED: "unpruned unit"}
ACCURACY_AXIS = f"Substitution accuracy on new images (hits {MINUS} false alarms)"

_KEPT_TICKS = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4, 1e-5)
_SIZE_LABEL = "Weights kept (%, log axis)"
_GRID_POINTS = 81
_NO_CIRCUITS = "No category has a circuit."
# Share of a histogram's height that its bars fill, and where the mean stands above them.
_BAR_HEIGHT, _MARK_HEIGHT = 0.78, 0.9
_SEED = 0
# A ring is wider than a dot, so that it shows behind one at the same place.
_DOT = 6.5
_RING = {"markerfacecolor": "white", "markeredgewidth": 1.6, "markersize": 9.5}
_TIGHT = {"columnspacing": 1.4, "handlelength": 1.6, "handletextpad": 0.6}
Colors = Mapping[str, str]


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
        message(figure.add_subplot(), _NO_CIRCUITS)
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
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, **_TIGHT)
    return figure


@styled
def circuit_sizes(summary: pd.DataFrame) -> Figure:
    """Share of the weights that each category's circuit keeps, in all layers and in either stage.

    One row per category, sorted within its super-category, or histograms for more than 60
    categories; means of super-categories with 95 % bootstrap intervals over categories.

    Parameters
    ----------
    summary : table CIRCUIT_SUMMARY of one network
    """
    summary = summary.astype(dict.fromkeys(SIZES, float))
    columns = [column for column in SIZES if summary[column].notna().any()] or list(SIZES)
    draw = _size_rows if len(summary) <= MOST_ROWS else _size_histograms
    figure = draw(summary, columns)
    figure.suptitle("How small is the network that a category needs?", x=0.01, ha="left")
    return figure


@styled
def substitution_accuracy(summary: pd.DataFrame) -> Figure:
    """Substitution accuracy on new images: the unpruned unit, its circuit, and a constant unit.

    One row per category, or a scatter for more than 60; the averages, over the categories that
    have a circuit, come with 95 % bootstrap intervals over categories.

    Parameters
    ----------
    summary : table CIRCUIT_SUMMARY of one network
    """
    summary = summary.astype(dict.fromkeys(ACCURACIES, float))
    draw = _accuracy_rows if len(summary) <= MOST_ROWS else _accuracy_scatter
    figure = draw(summary, super_category_colors(summary["super_category"]))
    title = "Does the circuit still recognise its category in new images?"
    figure.suptitle(title, x=0.01, ha="left")
    return figure


# Pruning curves


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
    estimates = [confidence_interval(column, _SEED, resamples=1000) for column in values.T]
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
    _kept_ticks(axes)
    axes.set_xlabel("Weights kept (%)")
    removed = axes.secondary_xaxis("top")
    shares = [share for share in (0, 0.5, 0.9, 0.99, 0.999, 0.9999) if 1 - share >= lowest * 0.85]
    removed.xaxis.set_major_locator(FixedLocator([1 - share for share in shares]))
    removed.xaxis.set_major_formatter(FixedFormatter([f"{100 * share:g}" for share in shares]))
    removed.xaxis.set_minor_locator(NullLocator())
    removed.tick_params(colors=QUIET, labelsize=10, labelcolor=QUIET)
    removed.set_xlabel("removed (%)", color=QUIET, fontsize=10)
    removed.spines["top"].set_visible(True)


def _kept_ticks(axes: Axes, ticks: Sequence[float] = _KEPT_TICKS) -> None:
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * tick:g}" for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())


def _group_dots(colors: Colors) -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=color, marker="o", linewidth=0, markersize=6, label=group)
        for group, color in colors.items()
    ]


# Circuit sizes


def _estimate(values: pd.Series) -> Estimate | None:
    """Mean over categories with its interval, None without values."""
    values = values.dropna()
    return None if values.empty else confidence_interval(values.to_numpy(), _SEED)


def _sorted_rows(summary: pd.DataFrame, column: str, ascending: bool) -> pd.DataFrame:
    """Rows in blocks of a super-category, sorted within, those without a value last."""
    ordered = summary.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    return ordered.sort_values("super_category", kind="stable").reset_index(drop=True)


def _row_figure(rows: int, panels: int, above: float) -> Figure:
    return Figure(figsize=(3.3 * panels + 1.6, 0.27 * rows + above), layout="constrained")


def _category_axis(axes: Axes, rows: pd.DataFrame, colors: Colors) -> None:
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [shorten(str(name)) for name in rows["category"]])
    for label, group in zip(axes.get_yticklabels(), rows["super_category"], strict=True):
        label.set_color(colors[group])


def _size_rows(summary: pd.DataFrame, columns: Sequence[str]) -> Figure:
    rows = _sorted_rows(summary, "kept_fraction", ascending=True)
    colors = super_category_colors(rows["super_category"])
    figure = _row_figure(len(rows), len(columns), 1.9)
    panels = figure.subplots(1, len(columns), sharey=True, sharex=True, squeeze=False)[0]
    for axes, column in zip(panels, columns, strict=True):
        for group, own in rows.groupby("super_category"):
            axes.plot(own[column], own.index, "o", color=colors[group], markersize=6.5)
            block = own.index[0] - 0.45, own.index[-1] + 0.45
            _block_mean(axes, _estimate(own[column]), block, colors[group])
        axes.set_title(SIZES[column])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color=NULL, linewidth=0.8, linestyle=(0, (1, 2)))
        _size_axis(axes, summary[list(columns)])
        axes.set_xlabel(_SIZE_LABEL)
    _category_axis(panels[0], rows, colors)
    for row in rows.index[rows["kept_fraction"].isna()]:
        _without_circuit(panels[0], row, 0)
    handles = [
        *_group_dots(colors),
        Line2D([], [], color=QUIET, linewidth=1.6, label="mean"),
        Patch(color=QUIET, alpha=0.2, linewidth=0, label="its 95 % interval"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)), **_TIGHT)
    return figure


def _without_circuit(axes: Axes, row: int, side: int) -> None:
    """Say so at the left (0) of a row or beyond its right end (1)."""
    at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    look = {"color": QUIET, "fontsize": 10, "va": "center"}
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.annotate("no circuit", (side, row), (6, 0), bbox=behind, **at, **look)


def _block_mean(
    axes: Axes, estimate: Estimate | None, block: tuple[float, float], color: str
) -> None:
    """Mean of a block of rows as a line, its interval as a band; block is the range along y."""
    if estimate is None:
        return
    axes.vlines(estimate.value, *block, color=color, linewidth=1.6)
    if np.isfinite(estimate.low):
        axes.fill_betweenx(block, estimate.low, estimate.high, color=color, alpha=0.2, linewidth=0)


def _size_axis(axes: Axes, sizes: pd.DataFrame) -> None:
    """Logarithmic, all weights at the right end."""
    lowest = sizes[sizes > 0].min().min()
    lowest = min(0.1, lowest) if np.isfinite(lowest) else 0.001
    axes.set_xscale("log")
    axes.set_xlim(lowest * 0.6, 1.15)
    few = (1, 0.1, 0.01, 0.001, 1e-4, 1e-5)
    _kept_ticks(axes, few if lowest < 0.012 else _KEPT_TICKS)
    axes.grid(axis="x", color=NULL, linewidth=0.5, alpha=0.6)


def _size_histograms(summary: pd.DataFrame, columns: Sequence[str]) -> Figure:
    colors = super_category_colors(summary["super_category"])
    groups = list(colors)
    figure = Figure(
        figsize=(3.3 * len(columns) + 1.6, 1.5 * len(groups) + 1.9), layout="constrained"
    )
    panels = figure.subplots(len(groups), len(columns), sharex=True, sharey=True, squeeze=False)
    positive = summary[list(columns)][summary[list(columns)] > 0]
    lowest = positive.min().min()
    edges = np.geomspace(min(0.5, lowest if np.isfinite(lowest) else 0.1), 1, 31)
    for across, group in zip(panels, groups, strict=True):
        own = summary[summary["super_category"] == group]
        for axes, column in zip(across, columns, strict=True):
            _size_histogram(axes, own[column].dropna(), edges, colors[group])
            _size_axis(axes, summary[list(columns)])
        missing = int(own["kept_fraction"].isna().sum())
        about = f"{len(own)} categories" + (f", {missing} without circuit" if missing else "")
        across[0].set_title(f"{group}: {about}", color=colors[group], fontsize=11)
    for axes, column in zip(panels[0], columns, strict=True):
        axes.annotate(
            SIZES[column],
            (0, 1),
            (0, 28),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=13,
        )
    for axes in panels[-1]:
        axes.set_xlabel(_SIZE_LABEL)
    panels[0, 0].set_ylim(0, panels[0, 0].get_ylim()[1] / _BAR_HEIGHT)
    figure.supylabel("Share of the categories (%)", fontsize=12)
    return figure


def _size_histogram(axes: Axes, sizes: pd.Series, edges: NDArray[np.float64], color: str) -> None:
    if sizes.empty:
        return
    weights = np.full(len(sizes), 100 / len(sizes))
    axes.hist(sizes.clip(edges[0], 1), edges, weights=weights, color=color, alpha=0.45, linewidth=0)
    mean = _estimate(sizes)
    level = {"transform": axes.get_xaxis_transform(), "color": color, "clip_on": False}
    axes.plot((mean.low, mean.high), (_MARK_HEIGHT, _MARK_HEIGHT), linewidth=2, **level)
    axes.plot(mean.value, _MARK_HEIGHT, "D", markersize=6, **level)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    left = mean.value > np.sqrt(edges[0])
    look = {"fontsize": 11, "color": color, "va": "center", "ha": "right" if left else "left"}
    shift = (-9 if left else 9, 0)
    end = mean.low if left else mean.high
    end = end if np.isfinite(end) else mean.value
    text = f"mean {percent(mean.value)}"
    axes.annotate(text, (end, _MARK_HEIGHT), shift, **place, **look)


# Substitution accuracy


def _accuracy_rows(summary: pd.DataFrame, colors: Colors) -> Figure:
    rows = _sorted_rows(summary, CIRCUIT, ascending=False)
    figure = Figure(figsize=(9.5, 0.27 * len(rows) + 3.3), layout="constrained")
    heights = (1.25, max(1.5, 0.27 * len(rows)))
    top, main = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    main.tick_params(axis="y", length=0)
    _average_rows(top, summary)
    main.barh(rows.index, rows[CONSTANT], height=0.86, color=NULL, alpha=0.55, linewidth=0)
    for row in rows.itertuples():
        color = colors[row.super_category]
        circuit, unpruned = getattr(row, CIRCUIT), getattr(row, UNPRUNED)
        main.plot([circuit, unpruned], [row.Index] * 2, color=color, linewidth=1.6, zorder=2)
        _ring(main, unpruned, row.Index, color)
        main.plot(circuit, row.Index, "o", color=color, markersize=_DOT, zorder=3)
    _category_axis(main, rows, colors)
    for row in rows.index[rows[CIRCUIT].isna()]:
        _without_circuit(main, row, 1)
    lowest = min(0.0, rows[list(ACCURACIES)].min().min() - 0.03)
    main.set(xlabel=ACCURACY_AXIS, xlim=(lowest, 1.02))
    handles = [
        *_group_dots(colors),
        Patch(color=NULL, alpha=0.55, linewidth=0, label="constant unit (bias only)"),
        Line2D([], [], color=QUIET, marker="o", markersize=_DOT, linewidth=0, label="circuit"),
        Line2D([], [], color=QUIET, marker="o", linewidth=0, label="unpruned unit", **_RING),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), **_TIGHT)
    return figure


def _ring(axes: Axes, x: float, y: float, color: str) -> None:
    axes.plot(x, y, "o", color=color, zorder=2.5, **_RING)


def _averages(summary: pd.DataFrame) -> dict[str, Estimate | None]:
    """Mean of each accuracy over the categories that have a circuit."""
    with_circuit = summary.dropna(subset=CIRCUIT)
    return {column: _estimate(with_circuit[column]) for column in ACCURACIES}


def _average_rows(axes: Axes, summary: pd.DataFrame) -> None:
    n = int(summary[CIRCUIT].notna().sum())
    if n == 0:
        message(axes, _NO_CIRCUITS)
        return
    title = f"Mean over the categories with a circuit (n = {n}), 95 % interval"
    axes.set_title(title, fontsize=12)
    axes.set_ylim(2.6, -0.6)
    axes.set_yticks(range(3), list(ACCURACIES.values())[::-1])
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    for row, (column, mean) in enumerate(reversed(_averages(summary).items())):
        fill = {CONSTANT: NULL, CIRCUIT: INK, UNPRUNED: "white"}[column]
        axes.hlines(row, mean.low, mean.high, color=INK, linewidth=2)
        axes.plot(mean.value, row, "D", color=INK, markerfacecolor=fill, markersize=7.5)
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        interval = f"[{mean.low:.2f}, {mean.high:.2f}]" if np.isfinite(mean.low) else ""
        text = f"{mean.value:.2f}  {interval}".replace("-", MINUS)
        axes.annotate(text, (1, row), (6, 0), va="center", fontsize=11, **place)


def _accuracy_scatter(summary: pd.DataFrame, colors: Colors) -> Figure:
    figure = Figure(figsize=(10.5, 5.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1))
    shown = summary.dropna(subset=CIRCUIT)
    if shown.empty:
        message(left, _NO_CIRCUITS)
        right.set_axis_off()
        return figure
    _null_band(left, shown)
    left.plot((0, 1), (0, 1), color=QUIET, linewidth=1)
    # Drawn in a mixed order, so that no super-category hides another.
    mixed = shown.sample(frac=1, random_state=_SEED)
    shades = mixed["super_category"].map(colors)
    left.scatter(mixed[UNPRUNED], mixed[CIRCUIT], s=16, c=shades, alpha=0.55, linewidth=0, zorder=3)
    lowest = min(0.0, shown[list(ACCURACIES)].min().min() - 0.02)
    left.set(xlim=(lowest, 1.02), ylim=(lowest, 1.02))
    left.set_xlabel("Substitution accuracy of the unpruned unit")
    left.set_ylabel("Substitution accuracy of the circuit")
    left.set_title(f"{len(shown)} of {len(summary)} categories have a circuit", fontsize=12)
    _average_points(right, shown, colors)
    handles = _group_dots(colors)
    handles.append(Patch(color=NULL, alpha=0.7, linewidth=0, label="constant unit, middle 90 %"))
    handles.append(Line2D([], [], color=QUIET, linewidth=1, label="circuit = unpruned"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, **_TIGHT)
    return figure


def _null_band(axes: Axes, shown: pd.DataFrame) -> None:
    """What a constant unit gets: 5 and 95 % quantiles in up to 25 equal shares of categories."""
    shares = min(25, max(1, len(shown) // 30))
    ordered = shown.sort_values(UNPRUNED)
    parts = [ordered.iloc[rows] for rows in np.array_split(np.arange(len(ordered)), shares)]
    edges = [part[UNPRUNED].iloc[0] for part in parts] + [ordered[UNPRUNED].iloc[-1]]
    low, high = ([part[CONSTANT].quantile(level) for part in parts] for level in (0.05, 0.95))
    look = {"color": NULL, "alpha": 0.7, "linewidth": 0, "zorder": 1}
    axes.fill_between(edges, [*low, low[-1]], [*high, high[-1]], step="post", **look)


def _average_points(axes: Axes, shown: pd.DataFrame, colors: Colors) -> None:
    axes.set_title("Means, 95 % intervals", fontsize=12)
    shifts = np.linspace(-0.2, 0.2, len(colors)) if len(colors) > 1 else [0.0]
    for shift, (group, color) in zip(shifts, colors.items(), strict=True):
        means = _averages(shown[shown["super_category"] == group])
        for place, mean in enumerate(means.values()):
            if mean is not None:
                axes.vlines(place + shift, mean.low, mean.high, color=color, linewidth=2)
                axes.plot(place + shift, mean.value, "D", color=color, markersize=6)
    for place, mean in enumerate(_averages(shown).values()):
        top = mean.high if np.isfinite(mean.high) else mean.value
        axes.text(place, top + 0.05, f"{mean.value:.2f}", ha="center", fontsize=12)
    names = [name.replace(" ", "\n") for name in ACCURACIES.values()]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
