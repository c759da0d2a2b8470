"""Estimates with intervals: the mean of measurements, the mean over repeats, a proportion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from anatomy.errors import InputError

# Resampled values held at once by the bootstrap: 32 MiB of float64.
_RESAMPLED_AT_ONCE = 2**22


@dataclass(frozen=True)
class Estimate:
    """A value with the lower and upper end of its confidence interval, from n measurements."""

    value: float
    low: float
    high: float
    n: int


def confidence_interval(
    values: Sequence[float] | np.ndarray,
    seed: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """Mean of the values with its bootstrap percentile interval (Efron & Tibshirani 1993, ch. 13).

    Parameters
    ----------
    values : (n,) finite numbers or booleans, for example one per image.
    seed : of the resampling; the same values and seed give the same interval.
    level : confidence level, between 0 and 1.
    resamples : number of bootstrap samples.

    Returns
    -------
    Estimate; with a single value the ends of the interval are NaN, as it says nothing about spread.

    Raises
    ------
    InputError if there is no value, a value is not finite, or the level is not between 0 and 1.
    """
    sample = _sample(values, level)
    if sample.size == 1:
        return Estimate(float(sample[0]), math.nan, math.nan, 1)
    means = _resampled_means(sample[:, None], seed, resamples)[:, 0]
    return Estimate(float(sample.mean()), *_ends(means, level), sample.size)


def ratio_interval(
    numerators: Sequence[float] | np.ndarray,
    denominators: Sequence[float] | np.ndarray,
    seed: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """Ratio of two means over the same things, with its bootstrap percentile interval over them.

    Parameters and errors are as for `confidence_interval`; numerators and denominators (n,) belong together, and the
    mean of the denominators must not be 0. Where it is 0 in a bootstrap sample, the ends of the interval are NaN.
    """
    pairs = np.stack([_sample(numerators, level), _sample(denominators, level)], axis=1)
    over, under = pairs.mean(axis=0)
    if under == 0:
        raise InputError("a ratio of means needs denominators whose mean is not 0")
    if len(pairs) == 1:
        return Estimate(float(over / under), math.nan, math.nan, 1)
    means = _resampled_means(pairs, seed, resamples)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = means[:, 0] / means[:, 1]
    ends = _ends(ratios, level) if np.isfinite(ratios).all() else (math.nan, math.nan)
    return Estimate(float(over / under), *ends, len(pairs))


def difference_interval(
    values: Sequence[float] | np.ndarray,
    others: Sequence[float] | np.ndarray,
    seed: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """Mean of the values minus mean of the others, with its bootstrap percentile interval; both are resampled.

    Parameters and errors are as for `confidence_interval`; values (n,) and others (m,) do not belong together. With a
    single value on either side the ends of the interval are NaN. The estimate's n is n + m.
    """
    samples = [_sample(values, level), _sample(others, level)]
    difference = float(samples[0].mean() - samples[1].mean())
    n = samples[0].size + samples[1].size
    if min(len(sample) for sample in samples) == 1:
        return Estimate(difference, math.nan, math.nan, n)
    # streams of their own: from the same one, samples of equal size would be drawn alike
    streams = np.random.SeedSequence(seed).spawn(2)
    own, other = (
        _resampled_means(sample[:, None], stream, resamples)[:, 0]
        for sample, stream in zip(samples, streams, strict=True)
    )
    return Estimate(difference, *_ends(own - other, level), n)


def t_interval(values: Sequence[float] | np.ndarray, *, level: float = 0.95) -> Estimate:
    """Mean over repeats with Student's t interval: mean +- t s / sqrt(n), n - 1 degrees of freedom.

    Parameters, errors and the single value are as for `confidence_interval`.
    """
    sample = _sample(values, level)
    mean, low, high = t_intervals(sample, level)
    return Estimate(float(mean), float(low), float(high), sample.size)


def t_intervals(
    values: NDArray[np.float64], level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """`t_interval` over the last axis, for many at once.

    Parameters
    ----------
    values : (..., repeat)

    Returns
    -------
    mean, low and high (...): NaN where a value is NaN; low and high are NaN with a single repeat
    """
    repeats = values.shape[-1]
    mean = values.mean(axis=-1)
    if repeats < 2:
        nothing = np.full(mean.shape, np.nan)
        return mean, nothing, nothing
    spread = values.std(axis=-1, ddof=1) / math.sqrt(repeats)
    half = stdtrit(repeats - 1, (1 + level) / 2) * spread
    return mean, mean - half, mean + half


def wilson_interval(successes: int, n: int, *, level: float = 0.95) -> Estimate:
    """Proportion successes / n with Wilson's (1927) score interval, uncorrected for continuity.

    Raises
    ------
    InputError if n is not positive, successes lies outside 0..n, or level is not between 0 and 1.
    """
    _check_level(level)
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"{successes} successes in {n} trials have no proportion")
    z = NormalDist().inv_cdf((1 + level) / 2)
    proportion = successes / n
    centre = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    spread = proportion * (1 - proportion) / n + z**2 / (4 * n**2)
    half = z / (1 + z**2 / n) * math.sqrt(spread)
    # At the extremes one end is the proportion itself, which rounding would miss.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Estimate(proportion, low, high, n)


def _resampled_means(
    rows: np.ndarray, seed: int | np.random.SeedSequence, resamples: int
) -> np.ndarray:
    """Column means (resamples, columns) of bootstrap samples of the rows (n, columns)."""
    n, columns = rows.shape
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, columns))
    step = max(1, _RESAMPLED_AT_ONCE // n)
    for start in range(0, resamples, step):
        part = means[start : start + step]
        part[:] = rows[generator.integers(n, size=(len(part), n))].mean(axis=1)
    return means


def _ends(resampled: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _sample(values: Sequence[float] | np.ndarray, level: float) -> np.ndarray:
    _check_level(level)
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise InputError(f"an interval needs a list of values, not an array {sample.shape}")
    if not np.isfinite(sample).all():
        raise InputError("an interval needs finite values, but some are NaN or infinite")
    return sample


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"a confidence level must lie between 0 and 1, not {level}")
