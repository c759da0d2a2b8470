"""Figure of how many concepts the units of a layer detect when they are rotated or combined at random."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from anatomy.figures.circuit_curves import HALO
from anatomy.figures.circuit_parts import TIGHT_LEGEND, Colors
from anatomy.figures.dissection_detectors import (
    ALL,
    ON_BARS,
    PER_CATEGORY,
    PER_UNIT,
    category_colors,
    category_handles,
    stacked_bars,
)
from anatomy.figures.style import INK, MINUS, QUIET, empty_figure, message, shorten, styled
from anatomy.stats import Estimate, t_interval

NO_MIXTURES = "No units were rotated or combined."
NO_DETECTOR = "Neither units nor mixtures of them detect a concept."
NO_ROTATIONS = "No units were rotated."
NO_COMBINATIONS = "No units were combined."
# Empty space above the highest bar, as a share of it, for numbers.
_ABOVE = 1.12
# Intervals of few seeds may reach far: they are cut at so many times the highest bar.
_CUT = 1.25
# Share of the distance between bars.
_BAR, _DOTS = 0.62, 0.34
# Distance between bars where there is only one, and space for so many, so that one of few is not broad.
_ALONE, _LEAST_BARS = 0.2, 3
_OWN_LINE = {"color": INK, "linewidth": 1.1, "linestyle": (0, (5, 3))}
_SEED = {"marker": "o", "markersize": 4.5, "mfc": "white", "mec": INK, "mew": 0.7, "linewidth": 0}
_MEAN = {"marker": "_", "markersize": 11, "mew": 2.2, "color": INK, "linewidth": 0}
_PER_UNIT = {"marker": "s", "markersize": 5.5, "mfc": "white", "color": QUIET, "linewidth": 1.4}


@styled
def rotations(table: pd.DataFrame) -> Figure:
    """Unique detectors when the units of a layer are rotated by a part of a random rotation, or combined at random.

    A row of panels per layer: at the left against the strength of the rotation, at the right against the number of
    units in a random combination, on a logarithmic axis. Bars are means over seeds by concept category (a unit counts
    in every category), with a dot per seed and Student's t interval of the mean; the change from the network's own
    units stands above.

    Parameters
    ----------
    table : one row per layer, basis (rotation or combination), alpha (0 for the network's own units; NaN for a
        combination), combined_units (NaN for a rotation), seed, counting (one_per_category or one_per_unit) and
        category (concept categories and "all"): unique_detectors, units

    Raises
    ------
    InputError if a category is none of Broden's.
    """
    title = "Do units detect more concepts than random mixtures of them?"
    if table.empty:
        return empty_figure(title, NO_MIXTURES)
    if not (table["unique_detectors"] > 0).any():
        return empty_figure(title, NO_DETECTOR)
    layers = list(dict.fromkeys(table["layer"]))
    colors = category_colors(table)
    figure = Figure(figsize=(13.33, 4.9 * len(layers) + 1.1), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    figure.get_layout_engine().set(wspace=0.04, hspace=0.06)
    panels = figure.subplots(len(layers), 2, squeeze=False)
    for (left, right), layer in zip(panels, layers, strict=True):
        rows = table[table["layer"] == layer].astype({"alpha": float, "combined_units": float})
        own = _own(rows)
        rotated, combined = _rotated(rows), _combined(rows)
        limit = _limit(pd.concat([rotated, combined]))
        for axes in (left, right):
            _heights(axes, limit)
        _panel(left, rotated, own, colors, NO_ROTATIONS)
        _panel(right, combined, own, colors, NO_COMBINATIONS)
        _rotation_axis(left, rotated, shorten(layer))
        _combination_axis(right, combined, shorten(layer))
    figure.legend(handles=_legend(colors), loc="outside lower left", ncols=6, **TIGHT_LEGEND)
    return figure


def _rotated(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of rotations with their place on the axis."""
    rows = rows[rows["basis"] == "rotation"]
    return rows.assign(place=rows["alpha"])


def _combined(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of combinations with their place on the axis."""
    rows = rows[rows["basis"] == "combination"]
    return rows.assign(place=np.log2(rows["combined_units"]))


def _own(rows: pd.DataFrame) -> float:
    """Unique detectors among the network's own units; NaN if they are not in the table."""
    rows = rows[(rows["basis"] == "rotation") & (rows["alpha"] == 0)]
    return float(_totals(rows, PER_CATEGORY)["unique_detectors"].mean())


def _totals(rows: pd.DataFrame, counting: str) -> pd.DataFrame:
    """Rows of all categories together."""
    return rows[(rows["counting"] == counting) & (rows["category"] == ALL)]


def _panel(axes: Axes, rows: pd.DataFrame, own: float, colors: Colors, nothing: str) -> None:
    if rows.empty:
        message(axes, nothing)
        return
    own_rows = rows[rows["counting"] == PER_CATEGORY]
    means = own_rows.pivot_table("unique_detectors", "place", "category", "mean", observed=True)
    means = means.reindex(columns=list(colors)).astype(float).fillna(0)
    between = np.diff(means.index).min(initial=np.inf)
    between = between if np.isfinite(between) else _ALONE
    stacked_bars(axes, means, colors, means.index.to_numpy(), _BAR * between)
    if np.isfinite(own):
        axes.axhline(own, zorder=1, **_OWN_LINE)
    _per_unit(axes, _totals(rows, PER_UNIT))
    totals = _totals(rows, PER_CATEGORY)
    for place, mean in _estimates(totals).items():
        seeds = totals.loc[totals["place"] == place, "unique_detectors"].to_numpy(dtype=float)
        _seeds(axes, place, seeds, mean, _DOTS * between, own)
    first, last = means.index[[0, -1]]
    beside = max(0.6 * between, (_LEAST_BARS * between - (last - first)) / 2)
    axes.set_xlim(first - beside, last + beside)


def _per_unit(axes: Axes, totals: pd.DataFrame) -> None:
    """Means over seeds where a unit counts once, with intervals."""
    estimates = _estimates(totals)
    means = [estimate.value for estimate in estimates.values()]
    line = {"color": QUIET, "linewidth": 1.4, "path_effects": ON_BARS, "zorder": 4}
    axes.plot(list(estimates), means, **line)
    for place, estimate in estimates.items():
        if np.isfinite(estimate.low):
            axes.vlines(place, estimate.low, estimate.high, **line)
    axes.plot(list(estimates), means, zorder=4, **_PER_UNIT | {"linewidth": 0})


def _estimates(totals: pd.DataFrame) -> dict[float, Estimate]:
    """Mean over seeds at each place of the axis."""
    return {place: t_interval(own) for place, own in totals.groupby("place")["unique_detectors"]}


def _seeds(
    axes: Axes, place: float, values: np.ndarray, mean: Estimate, width: float, own: float
) -> None:
    """A dot per seed, their mean with its interval, and how far it is from the network's own units."""
    top = min(np.fmax(values.max(), mean.high), axes.get_ylim()[1] / _ABOVE)
    if len(values) > 1:
        shift = np.linspace(-width / 2, width / 2, len(values))
        axes.plot(place + shift, values, clip_on=False, zorder=5, **_SEED)
        look = {"color": INK, "linewidth": 1.4, "path_effects": ON_BARS, "zorder": 5}
        axes.vlines(place, mean.low, mean.high, **look)
    axes.plot(place, mean.value, zorder=6, **_MEAN)
    text = _change(mean.value, own)
    look = {"ha": "center", "va": "bottom", "fontsize": 10.5, "path_effects": HALO, "zorder": 7}
    axes.annotate(text, (place, top), (0, 4), textcoords="offset points", **look)


def _change(value: float, own: float) -> str:
    """From the network's own units, in per cent of theirs; the number itself where there is nothing to compare."""
    if not own > 0 or value == own:
        return f"{round(value, 1):g}"
    return f"{round(100 * (value / own - 1)):+d}\u00a0%".replace("-", MINUS)


def _rotation_axis(axes: Axes, rows: pd.DataFrame, layer: str) -> None:
    places = sorted(set(rows["place"]))
    names = [f"{alpha:g}" if alpha else "0\nown units" for alpha in places]
    axes.set_xticks(places, names)
    axes.set_xlabel("Strength of the rotation, \N{GREEK SMALL LETTER ALPHA}")
    axes.set_title(f"{layer}: random rotation of its units")
    axes.tick_params(axis="x", length=0)


def _combination_axis(axes: Axes, rows: pd.DataFrame, layer: str) -> None:
    numbers = sorted(set(rows["combined_units"]))
    names = [f"{number:g}" for number in numbers]
    if numbers and numbers[-1] == rows["units"].max():
        names[-1] += "\nall"
    axes.set_xticks(np.log2(numbers), names)
    axes.set_xlabel("Units in a combination (log axis)")
    axes.set_title(f"{layer}: random combinations of its units")
    axes.tick_params(axis="x", length=0)


def _limit(rows: pd.DataFrame) -> float:
    """Upper end of the axis of unique detectors, for rotations and combinations alike."""
    totals = _totals(rows, PER_CATEGORY)
    ends = [mean.high for _, own in totals.groupby("basis") for mean in _estimates(own).values()]
    highest = float(totals["unique_detectors"].max())
    return max(1.0, _ABOVE * min(np.nanmax([highest, *ends]), _CUT * highest))


def _heights(axes: Axes, limit: float) -> None:
    axes.set_ylim(0, limit)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Unique detectors (concepts)")


def _legend(colors: Colors) -> list[Line2D | Patch]:
    return [
        *category_handles(colors),
        Line2D([], [], label="a seed", **_SEED),
        Line2D([], [], label="mean, 95 % interval", **_MEAN),
        Line2D([], [], label="if a unit counts for its best concept only", **_PER_UNIT),
        Line2D([], [], label="the network's own units", **_OWN_LINE),
    ]
