"""What figures with curves over the share of weights kept have in common."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from anatomy.figures.circuit_parts import SEED, kept_ticks
from anatomy.figures.style import QUIET
from anatomy.stats import Estimate, ratio_interval

NO_BETTER_THAN_CONSTANT = "The unpruned units do no better than constant ones."
# Behind writing that lies on lines.
HALO = (withStroke(linewidth=3, foreground="white"),)
# Fewer resamples than in tables: an interval is drawn for every point of every line.
_RESAMPLES = 1000


def mean_faithfulness(
    csa: np.ndarray | pd.Series,
    csa_unpruned: np.ndarray | pd.Series,
    csa_bias_only: np.ndarray | pd.Series,
) -> Estimate | None:
    """Ratio of means over categories: (mean CSA - mean constant) / (mean unpruned - mean constant), with its interval.

    Where a constant unit is nearly as good as the unpruned one, a category's own faithfulness is extreme or not
    defined; in a ratio of means such a category weighs little. The interval is a bootstrap over categories.

    Parameters
    ----------
    csa, csa_unpruned, csa_bias_only : (category,) of the same categories

    Returns
    -------
    None where there is no category, or on average the unpruned units do no better than constant ones.
    """
    constant = np.asarray(csa_bias_only, dtype=float)
    gains = np.asarray(csa, dtype=float) - constant
    possible = np.asarray(csa_unpruned, dtype=float) - constant
    if not len(gains) or not possible.mean() > 0:
        return None
    return ratio_interval(gains, possible, SEED, resamples=_RESAMPLES)


def kept_axis(axes: Axes, lowest: float) -> None:
    """Share of weights kept on a logarithmic axis along x, everything at the left."""
    axes.set_xscale("log")
    axes.set_xlim(1.0, min(0.5, lowest * 0.85))
    kept_ticks(axes)
    axes.set_xlabel("Weights kept (%)")


def level(axes: Axes, height: float, name: str, above: bool = True) -> None:
    """A horizontal line across a panel with its name at the right end, above or below it."""
    axes.axhline(height, color=QUIET, linewidth=0.8, zorder=1)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
    look = {"color": QUIET, "fontsize": 10, "va": "bottom" if above else "top", "zorder": 5}
    axes.annotate(name, (1, height), (-2, 2 if above else -2), path_effects=HALO, **place, **look)
