"""How well same and different identities are told apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from anatomy.errors import InputError


@dataclass(frozen=True)
class SameDifferent:
    """Performance in a same-different task.

    Attributes
    ----------
    pairs : number of pairs
    accuracy : share of the pairs that are judged rightly
    hits : share of the pairs of one identity that are called "same"
    false_alarms : share of the pairs of two identities that are called "same"
    d_prime : z(hits) - z(false alarms), of rates with the log-linear correction
    """

    pairs: int
    accuracy: float
    hits: float
    false_alarms: float
    d_prime: float


def same_different(same: NDArray[np.bool_], said_same: NDArray[np.bool_]) -> SameDifferent:
    """Accuracy, hits, false alarms and d' from the truth (pair,) and the decisions (pair,).

    Raises
    ------
    InputError
        unless there are pairs of one identity and pairs of two
    """
    if same.all() or not same.any():
        raise InputError("d' needs pairs of the same identity and pairs of different ones")
    hits, false_alarms = said_same[same], said_same[~same]
    return SameDifferent(
        pairs=len(same),
        accuracy=float((same == said_same).mean()),
        hits=float(hits.mean()),
        false_alarms=float(false_alarms.mean()),
        d_prime=float(
            d_prime(hits.sum(), hits.size, false_alarms.sum(), false_alarms.size),
        ),
    )


def d_prime(
    hits: NDArray[np.integer] | int,
    same: NDArray[np.integer] | int,
    false_alarms: NDArray[np.integer] | int,
    different: NDArray[np.integer] | int,
) -> NDArray[np.float64]:
    """Sensitivity d' with the log-linear correction (Hautus 1995): finite even without a miss or false alarm.

    z((hits + 1/2) / (same + 1)) - z((false_alarms + 1/2) / (different + 1)), where z is the inverse of the normal
    distribution. The correction is applied whatever the rates are, which makes d' less biased than one for extreme
    rates only.

    Parameters
    ----------
    hits, false_alarms : how many pairs were called "same", of `same` and of `different` pairs; arrays of any shape
    """
    rate_hits = (np.asarray(hits) + 0.5) / (np.asarray(same) + 1.0)
    rate_false_alarms = (np.asarray(false_alarms) + 0.5) / (np.asarray(different) + 1.0)
    return ndtri(rate_hits) - ndtri(rate_false_alarms)


def accuracy_interval(
    right: NDArray[np.bool_],
    kinds: NDArray,
    identities: NDArray,
    generator: np.random.Generator,
    *,
    resamples: int = 2000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap percentile interval of the accuracy; identities are drawn, with all their pairs.

    Pairs that share an identity are no independent measurements; so within each kind, as many identities as there are
    are drawn with replacement (the cluster bootstrap; Davison & Hinkley 1997, section 3.8).

    Parameters
    ----------
    right : (pair,) whether the decision was right
    kinds, identities : (pair,) kind of each pair, and the identity with which it is drawn

    Returns
    -------
    lower and upper end; not a number where a kind has only one identity, which says nothing about spread
    """
    table = pd.DataFrame({"kind": kinds, "identity": identities, "right": right})
    rights, pairs = np.zeros(resamples), np.zeros(resamples)
    for _, own in table.groupby("kind", sort=True):
        clusters = own.groupby("identity", sort=True)["right"].agg(["sum", "size"]).to_numpy()
        count = len(clusters)
        if count == 1:
            return np.nan, np.nan
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=resamples) @ clusters
        rights += drawn[:, 0]
        pairs += drawn[:, 1]
    low, high = np.quantile(rights / pairs, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
