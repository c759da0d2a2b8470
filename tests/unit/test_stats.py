import math

import numpy as np
import pytest
import scipy.stats

from anatomy import stats
from anatomy.errors import InputError
from anatomy.stats import (
    Estimate,
    confidence_interval,
    difference_interval,
    t_interval,
    wilson_interval,
)


def test_bootstrap_interval_covers_the_true_mean_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(400):
        estimate = confidence_interval(generator.exponential(2, 60), seed, level=0.9, resamples=400)
        covered += estimate.low <= 2 <= estimate.high
    assert 0.84 < covered / 400 < 0.94  # percentile intervals of skewed data fall a little short


def test_bootstrap_interval_agrees_with_scipy():
    values = np.random.default_rng(2).gamma(2, size=80)
    estimate = confidence_interval(values, 3, resamples=20_000)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=4
    ).confidence_interval
    spread = expected.high - expected.low
    assert estimate.value == values.mean()
    assert estimate.n == 80
    assert abs(estimate.low - expected.low) < 0.03 * spread
    assert abs(estimate.high - expected.high) < 0.03 * spread


def test_bootstrap_depends_on_the_seed_alone(monkeypatch):
    values = np.random.default_rng(3).normal(size=50)
    whole = confidence_interval(values, 7)
    assert confidence_interval(values.tolist(), 7) == whole
    assert confidence_interval(values, 8) != whole
    monkeypatch.setattr(stats, "_RESAMPLED_AT_ONCE", 333)
    assert confidence_interval(values, 7) == whole


def test_bootstrap_of_booleans_and_constants():
    assert confidence_interval([True, True], 0) == Estimate(1, 1, 1, 2)
    assert confidence_interval(np.array([True, False, False, False]), 0).value == 0.25


def test_bootstrap_interval_of_a_difference_agrees_with_scipy():
    generator = np.random.default_rng(5)
    values, others = generator.gamma(2, size=40), generator.normal(size=40)
    estimate = difference_interval(values, others, 3, resamples=20_000)
    expected = scipy.stats.bootstrap(
        (values, others),
        lambda one, two, axis: one.mean(axis=axis) - two.mean(axis=axis),
        n_resamples=20_000,
        method="percentile",
        rng=4,
    ).confidence_interval
    spread = expected.high - expected.low
    assert estimate.value == values.mean() - others.mean()
    assert estimate.n == 80
    assert abs(estimate.low - expected.low) < 0.03 * spread
    assert abs(estimate.high - expected.high) < 0.03 * spread


def test_the_two_sides_of_a_difference_are_drawn_apart():
    values = np.random.default_rng(6).normal(size=30)
    estimate = difference_interval(values, values, 0)
    assert estimate.value == 0
    # drawn alike, every difference would be 0
    assert estimate.high - estimate.low > values.std() / np.sqrt(30)


def test_a_difference_from_a_single_value_has_no_interval():
    estimate = difference_interval([2.0], [0.0, 1.0], 0)
    assert (estimate.value, estimate.n) == (1.5, 3)
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


def test_t_interval_of_student_s_sleep_data():
    # Student (1908), The probable error of a mean, table: additional hours of sleep, difference
    # of two drugs in ten patients; the interval as printed by R's t.test(extra ~ group, paired).
    hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    estimate = t_interval(hours)
    assert estimate.value == pytest.approx(1.58)
    assert estimate.low == pytest.approx(0.7001142, abs=1e-6)
    assert estimate.high == pytest.approx(2.4598858, abs=1e-6)
    assert estimate.n == 10


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_t_interval_agrees_with_scipy(level):
    values = np.random.default_rng(4).normal(3, 2, 7)
    low, high = scipy.stats.t.interval(level, 6, values.mean(), scipy.stats.sem(values))
    estimate = t_interval(values, level=level)
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_of_published_proportions(successes, n, low, high):
    estimate = wilson_interval(successes, n)
    assert estimate.value == successes / n
    assert estimate.low == pytest.approx(low, abs=5e-5)
    assert estimate.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize("level", [0.8, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 9), (500, 501), (20, 20)])
def test_wilson_interval_agrees_with_scipy(successes, n, level):
    expected = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    estimate = wilson_interval(successes, n, level=level)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_one_value_has_no_interval():
    for estimate in (confidence_interval([2.5], 0), t_interval([2.5])):
        assert estimate.value == 2.5
        assert math.isnan(estimate.low)
        assert math.isnan(estimate.high)
        assert estimate.n == 1


@pytest.mark.parametrize("interval", [lambda v: confidence_interval(v, 0), t_interval])
def test_intervals_refuse_bad_values(interval):
    with pytest.raises(InputError, match="NaN"):
        interval([1.0, math.nan])
    with pytest.raises(InputError, match="list of values"):
        interval([])
    with pytest.raises(InputError, match="list of values"):
        interval(np.ones((2, 2)))


def test_intervals_refuse_bad_levels_and_counts():
    with pytest.raises(InputError, match="level"):
        confidence_interval([1, 2], 0, level=95)
    with pytest.raises(InputError, match="level"):
        t_interval([1, 2], level=0)
    with pytest.raises(InputError, match="level"):
        wilson_interval(1, 2, level=1)
    with pytest.raises(InputError, match="3 successes in 2 trials"):
        wilson_interval(3, 2)
    with pytest.raises(InputError, match="0 successes in 0 trials"):
        wilson_interval(0, 0)
