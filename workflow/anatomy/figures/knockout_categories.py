"""Figure of how single categories fall as each layer is knocked out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, ListedColormap, to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anatomy.figures.knockouts import KINDS, arranged, present
from anatomy.figures.style import (
    MOST_LAYERS,
    NULL,
    QUIET,
    empty_figure,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)
from anatomy.knockout_modes import MODES

# More columns than this, in all heat maps side by side, are not named: those that fall first and last are instead.
MOST_NAMES = 100
_NAMED = 3
_NEVER_LOST = "#edf1f4"
_TITLE = "Which categories fall first?"


@styled
def knockout_categories(
    categories: pd.DataFrame,
    areas: pd.DataFrame,
    outputs: int,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Proportion of each layer at which a category loses half, and all categories' curves of two layers.

    Heat maps have a row per layer and a column per category, those of a super-category side by side and, within it, by
    their mean area over all panels, the same in every panel. Curves are means over repeats: of the layers whose
    knock-out (in the first mode) leaves least and most area, over categories. A network that has lost a whole layer
    gives all images the same logits, so that one category may always be "recognised".

    Parameters
    ----------
    categories : table KNOCKOUT_CATEGORIES of one network, layers in network order
    areas : table KNOCKOUT_AREAS of the same sweeps
    outputs : number of output units, for chance
    names : category -> its name for people; the category itself without
    """
    areas = areas[areas["group_kind"] == "category"]
    if areas.empty or areas["area"].isna().all():
        swept = areas["intact"].notna().any()
        reason = "No category is recognised by the intact network."
        return empty_figure(_TITLE, reason if swept else "The sweep has no intact network (0).")
    order = _order(categories, areas)
    kinds, modes, layers = (present(areas, key) for key in ("kind", "mode", "layer"))
    places = arranged(kinds, modes)
    columns = len(order) * len(places[0])
    shown = [shorten((names or {}).get(category, category), 20) for category in order.index]
    heights = _heights(len(layers), len(places), columns <= MOST_NAMES)
    width = float(np.clip(0.2 * columns + 4, 12, 16))
    figure = Figure(figsize=(width, sum(heights) + 0.9), layout="constrained")
    figure.suptitle(_TITLE, x=0.01, ha="left")
    maps, curves = figure.subfigures(2, 1, height_ratios=heights)
    _maps(maps, areas, order, shown if columns <= MOST_NAMES else [], (places, layers), 1 / outputs)
    if columns > MOST_NAMES:
        _name_ends(maps, areas, shown, order)
    own = categories[categories["mode"] == modes[0]]
    _curves(curves, own, areas[areas["mode"] == modes[0]], order, kinds)
    _legend(figure, areas, order, 1 / outputs)
    return figure


def _order(categories: pd.DataFrame, areas: pd.DataFrame) -> pd.Series:
    """Super-category of each category, in the order of the columns."""
    first = categories.drop_duplicates("category").set_index("category")["super_category"]
    mean = areas.groupby("group", sort=False)["area"].mean().reindex(first.index)
    table = pd.DataFrame({"super_category": first, "area": mean})
    return table.sort_values(["super_category", "area"], kind="stable")["super_category"]


def _heights(layers: int, rows: int, named: bool) -> tuple[float, float]:
    """Inches of the heat maps and of the curves."""
    each = float(np.clip(0.25 * layers, 1.2, 4.5)) + 0.45
    return rows * each + (1.5 if named else 0.9), 3.1


def _maps(
    block: SubFigure,
    areas: pd.DataFrame,
    order: pd.Series,
    names: Sequence[str],
    places: tuple[list[list[tuple[str, str]]], list[str]],
    chance: float,
) -> None:
    """A heat map per kind and mode below strips of super-categories."""
    rows, layers = places
    ratios = [0.05, *[1] * len(rows)]
    look = {"sharex": True, "squeeze": False}
    panels = block.subplots(len(rows) + 1, len(rows[0]), height_ratios=ratios, **look)
    colors = super_category_colors(order)
    shades = [colors[group] for group in order]
    look = {"aspect": "auto", "interpolation": "nearest"}
    for strip in panels[0]:
        strip.imshow(np.array([[to_rgb(shade) for shade in shades]]), **look)
        strip.set_axis_off()
    scale = _scale(areas)
    for row, line in zip(rows, panels[1:], strict=True):
        for (kind, mode), axes in zip(row, line, strict=True):
            own = areas[(areas["kind"] == kind) & (areas["mode"] == mode)]
            halves = _matrix(own, layers, order.index, "half_loss")
            intact = _matrix(own, layers, order.index, "intact")
            # beyond the colours where half is never lost; missing where there was nothing to lose
            halves = np.where(np.isnan(halves) & (intact > chance), scale["vmax"] + 1, halves)
            image = axes.imshow(halves, cmap=_color_map(), **scale, **look)
            _dress(axes, order, layers if axes is line[0] else [])
            axes.set_title(f"{_short(kind)} {MODES.label(mode)}", fontsize=12)
    for axes in panels[-1] if names else []:
        axes.set_xticks(np.arange(len(order)), names, rotation=90, fontsize=10)
        for label, shade in zip(axes.get_xticklabels(), shades, strict=True):
            label.set_color(shade)
    bar = block.colorbar(image, ax=panels, extend="max", aspect=22, pad=0.01, shrink=0.9)
    bar.set_label("Half of sensitivity is\nlost at (% of the layer)")
    percent_axis(bar.ax.yaxis)


def _short(kind: str) -> str:
    return KINDS[kind].split(" (")[0]


def _scale(areas: pd.DataFrame) -> dict[str, float]:
    """The range of half losses, in whole tenths."""
    found = areas["half_loss"].dropna()
    if found.empty:
        return {"vmin": 0.0, "vmax": 1.0}
    low, high = np.floor(10 * found.min()) / 10, np.ceil(10 * found.max()) / 10
    return {"vmin": low, "vmax": max(high, low + 0.1)}


def _color_map() -> Colormap:
    """Dark for categories that fall early; the palest are those that never lose half."""
    shades = colormaps["magma"](np.linspace(0.08, 0.93, 256))
    return ListedColormap(shades).with_extremes(bad=NULL, over=_NEVER_LOST)


def _matrix(
    own: pd.DataFrame, layers: Sequence[str], categories: pd.Index, column: str
) -> NDArray[np.float64]:
    """A column of the table as (layer, category)."""
    wide = own.pivot(index="layer", columns="group", values=column)
    return wide.reindex(index=layers, columns=categories).to_numpy(dtype=float)


def _dress(axes: Axes, order: pd.Series, layers: Sequence[str]) -> None:
    """Names of the layers, none where there are none, and gaps between super-categories."""
    count = len(layers) if len(layers) <= MOST_LAYERS else 7
    named = np.unique(np.linspace(0, len(layers) - 1, count).round().astype(int)) if layers else []
    axes.set_yticks(named, [shorten(layers[number]) for number in named])
    axes.set_xticks([])
    axes.tick_params(length=0)
    groups = order.to_numpy()
    for start in np.flatnonzero(groups[1:] != groups[:-1]):
        axes.axvline(start + 0.5, color="white", linewidth=3)


def _name_ends(
    block: SubFigure, areas: pd.DataFrame, names: Sequence[str], order: pd.Series
) -> None:
    """Below heat maps of many categories those that fall first and last, over all of them."""
    mean = areas.groupby("group")["area"].mean().reindex(order.index).to_numpy()
    ranked = np.argsort(mean, kind="stable")[: np.isfinite(mean).sum()]
    first, last = (
        ", ".join(names[place] for place in own[:_NAMED]) for own in (ranked, ranked[::-1])
    )
    text = f"{len(order):,} categories; first to fall: {first}; last: {last}"
    block.supxlabel(text, x=0.01, ha="left", fontsize=11, color=QUIET)


def _curves(
    block: SubFigure,
    categories: pd.DataFrame,
    areas: pd.DataFrame,
    order: pd.Series,
    kinds: Sequence[str],
) -> None:
    """For each kind the layer hit hardest and the one hit least: thin curves of categories, thick of groups."""
    panels = block.subplots(1, 2 * len(kinds), sharey=True, squeeze=False)[0]
    for kind, pair in zip(kinds, panels.reshape(-1, 2), strict=True):
        mean = areas[areas["kind"] == kind].groupby("layer", sort=False)["area"].mean()
        for axes, layer, degree in zip(
            pair, (mean.idxmin(), mean.idxmax()), ("hardest", "least"), strict=True
        ):
            rows = categories[(categories["kind"] == kind) & (categories["layer"] == layer)]
            _category_curves(axes, rows, order)
            mode = MODES.label(rows["mode"].iloc[0])
            axes.set_title(f"Hit {degree}: {shorten(layer)}\n{_short(kind)} {mode}", fontsize=12)
            axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=(0, 0.5, 1))
            percent_axis(axes.xaxis)
    percent_axis(panels[0].yaxis)
    panels[0].set_ylabel("Sensitivity (%)")
    block.supxlabel("Proportion of the layer knocked out (%)", fontsize=12)


def _category_curves(axes: Axes, rows: pd.DataFrame, order: pd.Series) -> None:
    """Sensitivity against proportion of every category, and its mean over each super-category."""
    colors = super_category_colors(order)
    wide = rows.pivot(index="category", columns="proportion", values="sensitivity")
    wide = wide.reindex(order.index)
    proportions, heights = wide.columns.to_numpy(dtype=float), wide.to_numpy(dtype=float)
    places = np.broadcast_to(proportions, heights.shape)
    lines = np.stack([places, heights], axis=-1)
    many = len(order) > MOST_NAMES
    # colours of many overlapping lines would only mix
    shades = [QUIET if many else colors[group] for group in order]
    opacity = float(np.clip(25 / len(order), 0.06, 0.6))
    axes.add_collection(LineCollection(lines, colors=shades, linewidths=0.8, alpha=opacity))
    for group, color in colors.items():
        mean = np.nanmean(heights[(order == group).to_numpy()], axis=0)
        axes.plot(proportions, mean, color="white", linewidth=4.6, zorder=3)
        axes.plot(proportions, mean, color=color, linewidth=2.6, zorder=4)


def _legend(figure: Figure, areas: pd.DataFrame, order: pd.Series, chance: float) -> None:
    counts = order.value_counts()
    handles = [
        Patch(
            color=color, linewidth=0, label=f"{group} ({counts[group]:,} categories; thick: mean)"
        )
        for group, color in super_category_colors(order).items()
    ]
    nothing = areas["intact"] <= chance
    if (areas["half_loss"].isna() & ~nothing).any():
        label = "half not lost in every draw"
        handles.append(Patch(facecolor=_NEVER_LOST, edgecolor=QUIET, linewidth=0.8, label=label))
    if nothing.any():
        handles.append(Patch(color=NULL, linewidth=0, label="not above chance when intact"))
    figure.legend(handles=handles, loc="outside lower left", ncols=min(4, len(handles)))
