"""Figure of TCAV scores layer by layer, beside what the lesion of each layer's part of a cluster costs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from anatomy.figures.style import (
    INK,
    NULL,
    QUIET,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)
from anatomy.joined.cluster_circuits import clusters_of_super_categories

LEVEL = 0.05
MOST_NAMED = 12


@styled
def concept_vector_profile(
    vectors: pd.DataFrame, layers: pd.DataFrame, lesions: pd.DataFrame
) -> Figure:
    """A column per super-category: TCAV scores above, losses of its cluster's parts below.

    Parameters
    ----------
    vectors : table CONCEPT_VECTORS of one network
    layers, lesions : tables CLUSTER_LAYERS and CLUSTER_LESIONS of its cluster lesions
    """
    groups = sorted(vectors["super_category"].unique())
    clusters = clusters_of_super_categories(lesions, groups)
    colors = super_category_colors(groups)
    figure = Figure(figsize=(min(18, 7.5 * len(groups)), 8.2), layout="constrained")
    figure.suptitle("Do concept vectors see, layer by layer, what lesions show?", x=0.01, ha="left")
    panels = figure.subplots(2, len(groups), sharex=True, sharey="row", squeeze=False)
    names = list(dict.fromkeys(vectors["layer"]))
    for number, group in enumerate(groups):
        own = vectors[vectors["super_category"] == group]
        _scores(panels[0, number], own, group, colors, names)
        axes = panels[1, number]
        _losses(axes, layers, lesions, clusters.get(group), names, colors)
        axes.set_xticks(np.arange(len(names)))
        if len(names) <= MOST_NAMED:
            look = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
            axes.set_xticks(np.arange(len(names)), [shorten(name, 16) for name in names], **look)
    panels[0, 0].set_ylabel("TCAV score: images whose\nlogit rises along the vector (%)")
    panels[1, 0].set_ylabel("Images lost (%)")
    for axes in panels[:, 0]:
        percent_axis(axes.yaxis)
    figure.legend(handles=_legend(colors), loc="outside lower left", ncols=3)
    return figure


def _scores(
    axes: Axes, table: pd.DataFrame, group: str, colors: dict[str, str], names: list[str]
) -> None:
    own = table[table["images_of"] == group].set_index("layer").reindex(names)
    places = np.arange(len(names))
    axes.bar(
        places,
        own["random_high"] - own["random_low"],
        0.7,
        own["random_low"],
        color=NULL,
        linewidth=0,
    )
    axes.axhline(0.5, color=QUIET, linewidth=0.8)
    for shown, rows in table.groupby("images_of"):
        rows = rows.set_index("layer").reindex(names)
        color, alone = colors.get(shown, INK), shown == group
        axes.vlines(places, rows["low"].clip(0, 1), rows["high"].clip(0, 1), color=color)
        axes.plot(places, rows["score"], color=color, linestyle="-" if alone else ":")
        certain = rows["q_value"] < LEVEL
        for filled, chosen in ((color, certain), ("white", ~certain)):
            look = {"markerfacecolor": filled, "markeredgecolor": color, "linestyle": "none"}
            axes.plot(places[chosen], rows["score"][chosen], "o", markersize=8, **look)
    axes.set(ylim=(0, 1.02))
    axes.set_title(f"Concept vector of {group}")


def _losses(
    axes: Axes,
    layers: pd.DataFrame,
    lesions: pd.DataFrame,
    cluster: str | None,
    names: list[str],
    colors: dict[str, str],
) -> None:
    if cluster is None:
        axes.set_title("No cluster costs it more than the others")
        return
    whole = lesions[lesions["chosen"] & (lesions["cluster"] == cluster)].iloc[0]
    of_cluster = (layers["method"] == whole["method"]) & (layers["cluster"] == cluster)
    parts = layers[of_cluster].set_index("layer").reindex(names)
    width = 0.8 / len(colors)
    for number, (group, color) in enumerate(colors.items()):
        places = np.arange(len(names)) + (number + 0.5) * width - 0.4
        axes.bar(places, parts[f"loss_{group}"].fillna(0), width * 0.9, color=color, linewidth=0)
        axes.axhline(whole[f"loss_{group}"], color=color, linestyle="--", linewidth=1.5)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_title(
        f"Lesion of its cluster ({int(whole['neurons']):,} neurons), one layer at a time"
    )


def _legend(colors: dict[str, str]) -> list[Line2D | Patch]:
    shades = [Patch(color=color, linewidth=0, label=name) for name, color in colors.items()]
    dot = {"color": INK, "marker": "o", "linestyle": "none", "markersize": 8}
    return [
        *shades,
        Patch(color=NULL, linewidth=0, label="vectors between two random sets, from least to most"),
        Line2D([], [], label=f"q < {LEVEL:g} (open: not)", **dot),
        Line2D([], [], color=INK, linestyle=":", label="logits of other super-categories' images"),
        Line2D([], [], color=INK, linestyle="--", label="whole cluster silenced"),
    ]
