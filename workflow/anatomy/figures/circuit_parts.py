"""What the figures of category circuits share: limits, ticks, rows, legends and means."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from anatomy.figures.style import QUIET, shorten
from anatomy.stats import Estimate, confidence_interval

# More categories than this are drawn as distributions, not row by row.
MOST_ROWS = 60
NO_CIRCUITS = "No category has a circuit."
KEPT_TICKS = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4, 1e-5)
TIGHT_LEGEND = {"columnspacing": 1.4, "handlelength": 1.6, "handletextpad": 0.6}
SEED = 0
Colors = Mapping[str, str]


def kept_ticks(axes: Axes, ticks: Sequence[float] = KEPT_TICKS) -> None:
    """Ticks of a logarithmic axis along x at these kept fractions, labelled in per cent."""
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * tick:g}" for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())


def group_dots(colors: Colors) -> list[Line2D | Patch]:
    """Legend entries: one dot per super-category."""
    return [
        Line2D([], [], color=color, marker="o", linewidth=0, markersize=6, label=group)
        for group, color in colors.items()
    ]


def mean_with_interval(values: pd.Series) -> Estimate | None:
    """Mean over categories with its interval, None without values."""
    values = values.dropna()
    return None if values.empty else confidence_interval(values.to_numpy(), SEED)


def sorted_rows(summary: pd.DataFrame, column: str, ascending: bool) -> pd.DataFrame:
    """Rows in blocks of a super-category, sorted within, those without a value last."""
    ordered = summary.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    return ordered.sort_values("super_category", kind="stable").reset_index(drop=True)


def category_axis(axes: Axes, rows: pd.DataFrame, colors: Colors) -> None:
    """One row per category from the top, its name in the colour of its super-category."""
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [shorten(str(name)) for name in rows["category"]])
    for label, group in zip(axes.get_yticklabels(), rows["super_category"], strict=True):
        label.set_color(colors[group])


def mark_without_circuit(axes: Axes, row: int, side: int) -> None:
    """Say so at the left (0) of a row or beyond its right end (1)."""
    at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    look = {"color": QUIET, "fontsize": 10, "va": "center"}
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.annotate("no circuit", (side, row), (6, 0), bbox=behind, **at, **look)
