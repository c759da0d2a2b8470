"""P-values against random draws, over families of things, and of paired values."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, wilcoxon

_ROUNDING = 1e-12


def wilcoxon_above(values: pd.Series, others: pd.Series) -> float | None:
    """P-value of Wilcoxon's signed-rank test, one-sided: values above the others; None where no pair differs.

    Parameters
    ----------
    values, others : (n,) paired
    """
    difference = values - others
    if not difference.any():
        return None
    return float(wilcoxon(difference, alternative="greater").pvalue)


def p_values(observed: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1 + draws at least as large) / (1 + draws), which is never 0 (Phipson & Smyth 2010).

    Parameters
    ----------
    observed : (thing,), or a shape to which the draws are broadcast
    drawn : (draw, thing), or (draw, 1) for what all things are compared with
    """
    return (1 + (drawn >= observed).sum(axis=0)) / (1 + len(drawn))


def familywise_p_values(
    observed: NDArray[np.float64], drawn: NDArray[np.float64], least_spread: float
) -> NDArray[np.float64]:
    """The chance that any of several things would be as far out as each one is (single-step max-T).

    Each thing's values are first measured from the mean of its random ones, in units of their standard deviation. What
    counts then is, in each draw, the largest value of all things (Westfall & Young 1993).

    Parameters
    ----------
    observed : (thing,)
    drawn : (draw, thing), the things of a draw belong together
    least_spread : smallest standard deviation; where nothing varies nothing could be divided by
    """
    spread = np.maximum(drawn.std(axis=0), least_spread)
    standardised = (drawn - drawn.mean(axis=0)) / spread
    largest = standardised.max(axis=1, keepdims=True)
    # the same numbers summed in another order differ in the last digits, and must count as equal
    return p_values((observed - drawn.mean(axis=0)) / spread, largest + _ROUNDING)


def stagewise_q_values(familywise: NDArray[np.float64]) -> NDArray[np.float64]:
    """False discovery rate over families, each of which is a row of familywise p-values (family, thing).

    A family stands for its smallest p-value. These are corrected by Benjamini & Hochberg (1995), and what that adds to
    a family's p-value is added to all of its things (after Heller, Manduchi, Grant & Ewens 2009).
    """
    smallest = familywise.min(axis=1)
    factor = false_discovery_control(smallest) / smallest
    return np.minimum(familywise * factor[:, None], 1)
