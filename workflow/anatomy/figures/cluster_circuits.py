"""Figure of circuits under the lesion of a super-category's cluster."""

from collections.abc import Mapping

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
    empty_figure,
    percent_axis,
    shorten,
    styled,
    super_category_colors,
)
from anatomy.joined.cluster_circuits import own_against_others

TITLE = "Does the loss of a super-category's cluster break its own circuits?"
NO_CLUSTERS = "No cluster costs one super-category more than the others."
# more circuits than this are drawn without their names
MOST_NAMES = 40


@styled
def lesioned_circuits(table: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """What each circuit loses when a super-category's cluster is silenced in it; a panel per super-category.

    Parameters
    ----------
    table : CLUSTER_CIRCUITS of one network
    names : category -> its name for people
    """
    if table.empty:
        return empty_figure(TITLE, NO_CLUSTERS)
    groups = list(dict.fromkeys(table["cluster_of"]))
    most = table.groupby("cluster_of").size().max()
    height = 0.3 * min(most, MOST_NAMES) + 3.0
    figure = Figure(figsize=(min(16, 7.2 * len(groups)), height), layout="constrained")
    figure.suptitle(TITLE, x=0.01, ha="left")
    panels = figure.subplots(1, len(groups), sharex=True, sharey=True, squeeze=False)[0]
    for number, (group, axes) in enumerate(zip(groups, panels, strict=True)):
        _panel(axes, table[table["cluster_of"] == group], group, names, labelled=number == 0)
    figure.legend(handles=_legend(table), loc="outside lower left", ncols=5)
    return figure


def _panel(
    axes: Axes, table: pd.DataFrame, group: str, names: Mapping[str, str], labelled: bool
) -> None:
    rows = table.sort_values("super_category", kind="stable").reset_index(drop=True)
    colors = super_category_colors(rows["super_category"])
    wide = rows["random_high"] - rows["random_low"]
    axes.barh(rows.index, wide, 0.6, rows["random_low"], color=NULL, linewidth=0)
    for kind, own in rows.groupby("super_category"):
        look = {"linestyle": "none", "color": colors[kind], "clip_on": False}
        axes.plot(own["loss_unpruned"], own.index, "|", markersize=12, **look)
        axes.plot(own["loss"], own.index, "o", markersize=8, zorder=3, **look)
        mean = own["loss"].mean()
        axes.plot([mean, mean], [own.index[0] - 0.4, own.index[-1] + 0.4], color=colors[kind])
    axes.axvline(0, color=QUIET, linewidth=0.8)
    difference, p_value = own_against_others(table, group, "loss")
    axes.set_title(
        f"Cluster of {group} silenced ({table['neurons'].iloc[0]:,} neurons)\n"
        f"own circuits lose {100 * difference.value:.0f} points more, p = {p_value:.2g}"
    )
    axes.set(xlabel="Loss of CSA (points)", ylim=(len(rows) - 0.4, -0.6))
    percent_axis(axes.xaxis)
    axes.tick_params(axis="y", length=0)
    if len(rows) > MOST_NAMES:
        axes.set_yticks([])
    elif labelled:
        axes.set_yticks(rows.index, [shorten(names[category]) for category in rows["category"]])
        for label, kind in zip(axes.get_yticklabels(), rows["super_category"], strict=True):
            label.set_color(colors[kind])


def _legend(table: pd.DataFrame) -> list[Line2D | Patch]:
    look = {"linestyle": "none", "color": INK}
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker="o", markersize=8, label="circuit", **look),
        Line2D([], [], marker="|", markersize=12, label="unpruned network", **look),
        Line2D([], [], color=INK, label="mean of the circuits"),
    ]
    if np.isfinite(table["random_loss"]).any():
        label = "95 % of random lesions of its size in every layer (circuit)"
        handles.append(Patch(color=NULL, linewidth=0, label=label))
    return handles
