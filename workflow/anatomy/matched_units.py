"""Random units of a layer that match given ones in mean response: the null for what is said of chosen units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError


class MatchedUnits:
    """The units of a layer in strata of similar mean response, and random sets with as many units of each stratum.

    Parameters
    ----------
    means : (unit,) mean response
    strata : number of strata, as equal in size as can be; no more than there are units

    Attributes
    ----------
    stratum : (unit,) number of each unit's stratum, 0 for those with the smallest mean responses
    """

    def __init__(self, means: NDArray[np.floating], strata: int) -> None:
        if not np.isfinite(means).all():
            raise InputError("units with mean responses that are not finite cannot be matched")
        ranks = np.argsort(np.argsort(means, kind="stable"))
        self.stratum: NDArray[np.int64] = ranks * min(strata, len(means)) // len(means)

    def draws(
        self, units: Sequence[int] | NDArray[np.int64], number: int, random: np.random.Generator
    ) -> NDArray[np.int64]:
        """Random sets (set, unit), each with as many units of every stratum as there are among `units`.

        They are drawn among the other units, as long as a stratum has enough of them. Each set is there once: of few
        units there are few different sets, which then are fewer than `number`, and a p-value from them cannot be
        smaller than their number allows.

        Returns
        -------
        at most `number` sets, units ascending
        """
        chosen = np.asarray(units, np.int64)
        drawn = []
        for stratum, count in zip(
            *np.unique(self.stratum[chosen], return_counts=True), strict=True
        ):
            pool = np.flatnonzero(self.stratum == stratum)
            others = np.setdiff1d(pool, chosen)
            pool = others if len(others) >= count else pool
            keys = random.random((number, len(pool)))
            drawn.append(pool[np.argsort(keys, axis=1)[:, :count]])
        return np.unique(np.sort(np.concatenate(drawn, axis=1), axis=1), axis=0)
