"""Statistics of similarities between pairs of things: pairs of one thing depend on each other, so things are drawn.

Sums over pairs are sums of whole numbers, to which similarities are rounded after multiplication by a power of two:
as large a one as leaves all sums exact, which for 1,000 things rounds at 2^-32. So no order of summation changes a
digit.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.stats import Estimate

# Numbers of times that things were drawn, or labels of things, held at once: 32 MiB of float64.
_AT_ONCE = 2**22
# Rounding moves a mean of scaled similarities by at most 1/2, and what two differences of means differ by at most 2.
_ROUNDING = 2


def pair_mean(similarity: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Mean similarity over pairs of things, NaN without any; parameters as for `mean_over_pairs`."""
    own = similarity[np.triu(_defined(similarity, chosen))]
    return float(own.mean()) if own.size else math.nan


def mean_over_pairs(
    similarity: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    seed: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """Mean similarity over pairs of things, with a bootstrap percentile interval over the things.

    Things are drawn with replacement, as many as there are. A pair counts as often as the product of the numbers of
    times that its two things were drawn; a thing drawn twice makes no pair with itself (the vertex bootstrap of
    Snijders & Borgatti 1999, but for such pairs).

    Parameters
    ----------
    similarity : (thing, thing) symmetric, between 0 and 1, NaN where it is not defined; the diagonal is not read
    chosen : (thing, thing) symmetric, pairs to average over
    seed : of the resampling; the same number of things and seed give the same draws
    level : confidence level, between 0 and 1
    resamples : number of bootstrap samples

    Returns
    -------
    Estimate with n = number of pairs; NaN without pairs, NaN as ends where a bootstrap sample has none.
    """
    values, valid = _whole_numbers(similarity, chosen)
    pairs = int(np.triu(valid).sum())
    if pairs == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    means = np.concatenate(
        [
            _ratio(_sums(times, values), _sums(times, valid))
            for times in _resampled(len(values), resamples, seed)
        ]
    )
    low, high = math.nan, math.nan
    if np.isfinite(means).all():
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2]) / _scale(len(values))
    return Estimate(pair_mean(similarity, chosen), float(low), float(high), pairs)


def within_against_between(
    similarity: NDArray[np.float64],
    labels: NDArray[np.int64],
    seed: int,
    *,
    permutations: int = 10_000,
) -> tuple[float, float]:
    """Mean similarity within labels minus that between labels, and its one-sided permutation p-value.

    The labels are permuted over the things. p = (k + 1) / (permutations + 1), where k permutations give at least the
    observed difference (Phipson & Smyth 2010).

    Parameters
    ----------
    similarity : as for `mean_over_pairs`
    labels : (thing,)
    seed : of the permutations

    Returns
    -------
    (difference, p); both NaN without a pair within a label or without one between labels.
    """
    same = labels[:, None] == labels[None]
    difference = pair_mean(similarity, same) - pair_mean(similarity, ~same)
    if math.isnan(difference):
        return math.nan, math.nan
    values, valid = _whole_numbers(similarity, np.ones_like(same))
    observed = _difference(labels[None], values, valid)
    # where a permutation leaves no pair within or between, nothing says that it is less
    as_large = sum(
        int((~(_difference(permuted, values, valid) < observed - _ROUNDING)).sum())
        for permuted in _permuted(labels, permutations, seed)
    )
    return difference, (as_large + 1) / (permutations + 1)


def _defined(similarity: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The chosen pairs (thing, thing) of two different things whose similarity is defined."""
    things = len(similarity)
    if similarity.shape != (things, things) or chosen.shape != similarity.shape:
        raise InputError(
            f"similarities {similarity.shape} and chosen pairs {chosen.shape} must be square and of one size"
        )
    return chosen & np.isfinite(similarity) & ~np.eye(things, dtype=bool)


def _scale(things: int) -> float:
    """What similarities are multiplied by: sums over things x things of them stay below 2^53."""
    return 2.0 ** (52 - 2 * math.ceil(math.log2(max(things, 2))))


def _whole_numbers(
    similarity: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scaled similarities of the chosen pairs, 0 elsewhere, and 1 for each of these pairs (thing, thing)."""
    valid = _defined(similarity, chosen)
    values = np.round(np.where(valid, similarity, 0) * _scale(len(similarity)))
    return values, valid.astype(np.float64)


def _sums(times: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over all i, j of times_i values_ij times_j, for each row (sample, thing) of times."""
    return ((times @ values) * times).sum(axis=1)


def _ratio(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> NDArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerators / denominators


def _difference(
    labels: NDArray[np.int64], values: NDArray[np.float64], valid: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scaled mean within labels minus mean between labels, for each row of labels (sample, thing)."""
    names, counts = np.unique(labels[0], return_counts=True)
    within, pairs_within = np.zeros((2, len(labels)))
    for name in names[counts > 1]:
        members = (labels == name).astype(np.float64)
        within += _sums(members, values)
        pairs_within += _sums(members, valid)
    between, pairs_between = values.sum() - within, valid.sum() - pairs_within
    return _ratio(within, pairs_within) - _ratio(between, pairs_between)


def _resampled(things: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Numbers of times (sample, thing) that things are drawn with replacement, some samples at a time."""
    generator = np.random.default_rng(seed)
    for size in _parts(resamples, things):
        yield generator.multinomial(things, np.full(things, 1 / things), size).astype(np.float64)


def _permuted(
    labels: NDArray[np.int64], permutations: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Permuted labels (permutation, thing), some permutations at a time."""
    generator = np.random.default_rng(seed)
    for size in _parts(permutations, len(labels)):
        yield generator.permuted(np.tile(labels, (size, 1)), axis=1)


def _parts(rows: int, columns: int) -> list[int]:
    """Numbers of rows that add up to `rows`, each with at most _AT_ONCE values."""
    step = max(1, _AT_ONCE // columns)
    return [min(step, rows - start) for start in range(0, rows, step)]
