"""What a curve of accuracy over the proportion knocked out comes down to, for many curves at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Shares of n images differ by 1 / n at least; rounding errors are far smaller than this.
_ROUNDING = 1e-12


def relative_area(proportions: ArrayLike, accuracy: ArrayLike) -> NDArray[np.float64]:
    """Area under accuracy over proportion (trapezoids), divided by that of an accuracy that never falls.

    Parameters
    ----------
    proportions : (proportion,) ascending, at least one
    accuracy : (..., proportion)

    Returns
    -------
    (...), NaN where the sweep does not begin with the intact network or has no other proportion, or where the intact
    network recognises nothing
    """
    proportions, accuracy = _curves(proportions, accuracy)
    intact = accuracy[..., 0]
    if proportions[0] != 0 or len(proportions) < 2:
        return np.full(intact.shape, np.nan)
    never_falling = intact * proportions[-1]
    areas = np.trapezoid(accuracy, proportions)
    return np.divide(areas, never_falling, out=np.full(intact.shape, np.nan), where=intact > 0)


def half_loss(
    proportions: ArrayLike, accuracy: ArrayLike, chance: ArrayLike
) -> NDArray[np.float64]:
    """Smallest proportion at which half of what the intact network has above chance is lost.

    Between the proportions of the sweep the curve is a straight line; where it rises again, its first fall counts.

    Parameters
    ----------
    proportions : (proportion,) ascending, at least one
    accuracy : (..., proportion)
    chance : (...) or what broadcasts to it: the accuracy of guessing

    Returns
    -------
    (...), NaN where half is never lost within the sweep, where it does not begin with the intact network, or where
    that is not above chance
    """
    proportions, accuracy = _curves(proportions, accuracy)
    intact = accuracy[..., 0]
    half = (intact + chance) / 2
    fallen = accuracy <= half[..., None] + _ROUNDING
    # the intact network itself, above chance, is above the half; argmax is 0 also where the curve never falls so far
    after = np.maximum(fallen.argmax(axis=-1), 1)
    lost = fallen.any(axis=-1) & (intact > chance + _ROUNDING) & (proportions[0] == 0)
    found = np.full(intact.shape, np.nan)
    if lost.any():
        below, above = (_taken(accuracy, place)[lost] for place in (after, after - 1))
        share = np.minimum((above - half[lost]) / (above - below), 1)
        start, stop = proportions[after[lost] - 1], proportions[after[lost]]
        found[lost] = start + share * (stop - start)
    return found


def _curves(
    proportions: ArrayLike, accuracy: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.asarray(proportions, np.float64), np.asarray(accuracy, np.float64)


def _taken(accuracy: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.float64]:
    """The accuracy (...) at one place of each curve."""
    place = np.minimum(place, accuracy.shape[-1] - 1)
    return np.take_along_axis(accuracy, place[..., None], axis=-1)[..., 0]
