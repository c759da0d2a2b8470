"""Thresholds equal what sorting, the definition and NumPy say, however the responses arrive, in bounded memory."""

import tracemalloc
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.dissection import thresholds
from anatomy.dissection.thresholds import Sketch, TopValues, exceeding, make_thresholds
from anatomy.errors import InputError

# exact as binary numbers, so that 1 - share is exact, too
BINARY_SHARES = (0.5, 0.25, 0.125, 0.0625, 0.015625)
PUBLISHED_SHARE = 0.005


def by_sorting(values, rank):
    return np.sort(values, axis=1)[:, ::-1][:, rank - 1]


def by_definition(values, share):
    """The smallest value of each unit that at most share * N of its values exceed."""
    most = Fraction(str(share)) * values.shape[1]
    return np.array([min(v for v in set(own) if (own > v).sum() <= most) for own in values])


def fed(collector, values, edges=()):
    """The thresholds that a collector finds when values (unit, value) arrive in pieces."""
    for piece in np.split(values, sorted(edges), axis=1):
        collector.add(piece)
    return collector.read()


@st.composite
def responses(draw):
    """Values (unit, value), mostly with many ties, and edges of the pieces in which they arrive."""
    units, number = draw(st.integers(1, 4)), draw(st.integers(1, 120))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lowest, levels = draw(st.sampled_from([-7, -2, 0])), draw(st.sampled_from([1, 2, 5, 65_000]))
    scale = draw(st.sampled_from([1, 0.3, 1e-4]))
    values = random.integers(lowest, lowest + levels, (units, number)) * scale
    if draw(st.booleans()):
        values = np.maximum(values, 0)
    edges = draw(st.lists(st.integers(0, number), max_size=8))
    return values.astype(np.float32), edges


def relu_like(units, number, seed=0):
    normal = np.random.default_rng(seed).standard_normal((units, number)).astype(np.float32)
    return np.maximum(normal - 1, 0)


# --- the number of values above the threshold


@pytest.mark.parametrize(
    ("values", "share", "number"),
    [
        (1000, 0.005, 5),
        (200, 0.005, 1),
        (199, 0.005, 0),
        (63305 * 169, 0.005, 53492),  # 53492.725
        (10, 0.3, 3),  # 3.0000000000000004 and 2.9999999999999996 in floating point
        (100, 0.29, 29),  # 28.999999999999996
        (1000, 0.001, 1),
        (3, 0.1, 0),
    ],
)
def test_number_of_values_above_the_threshold_has_no_rounding_errors(values, share, number):
    assert exceeding(values, share) == number


@pytest.mark.parametrize("thousandths", range(1, 1000, 37))
def test_number_of_values_above_the_threshold_is_that_of_integers(thousandths):
    for values in (1, 7, 999, 1000, 10_698_545, 10**12 + 1):
        assert exceeding(values, thousandths / 1000) == thousandths * values // 1000


# --- exact


@settings(deadline=None, max_examples=200)
@given(responses(), st.sampled_from(BINARY_SHARES), st.integers(1, 40))
def test_exact_thresholds_are_numpys_quantiles_however_values_arrive(drawn, share, waiting):
    values, edges = drawn
    with mock.patch.object(thresholds, "LEAST_WAITING", waiting):
        found = fed(make_thresholds("exact", *values.shape, share), values, edges)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, by_sorting(values, exceeding(values.shape[1], share) + 1))
    expected = np.quantile(values, 1 - share, axis=1, method="inverted_cdf")
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None, max_examples=100)
@given(responses(), st.sampled_from([0.005, 0.01, 0.05, 0.1, 0.3, 0.7, 0.9]))
def test_exact_thresholds_are_the_smallest_values_that_few_enough_exceed(drawn, share):
    values, edges = drawn
    found = fed(make_thresholds("exact", *values.shape, share), values, edges)
    np.testing.assert_array_equal(found, by_definition(values, share))


@settings(deadline=None, max_examples=100)
@given(responses(), st.data())
def test_any_rank_is_found(drawn, data):
    values, edges = drawn
    rank = data.draw(st.integers(1, values.shape[1]))
    with mock.patch.object(thresholds, "LEAST_WAITING", data.draw(st.integers(1, 20))):
        found = fed(TopValues(len(values), rank), values, edges)
    np.testing.assert_array_equal(found, by_sorting(values, rank))


@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
@pytest.mark.parametrize("rank", [1, 3, 200, 3000])
def test_values_beyond_the_room_are_found_in_one_piece_and_in_many(order, rank):
    """20,000 values where there is room for at most 6,000; in ascending order every one is kept for a while."""
    random = np.random.default_rng(0)
    values = random.standard_normal((3, 20_000)).astype(np.float32)
    if order != "random":
        values.sort(axis=1)
    if order == "descending":
        values = values[:, ::-1]
    expected = by_sorting(values, rank)
    for edges in ([], range(0, 20_000, 701), random.integers(0, 20_000, 30).tolist()):
        np.testing.assert_array_equal(fed(TopValues(3, rank), values, edges), expected)


def test_units_whose_values_arrive_in_different_orders_do_not_disturb_each_other():
    """One unit's room overflows again and again while another's takes in nothing after the first values."""
    rising = np.arange(30_000, dtype=np.float32)
    values = np.stack([rising, -rising, np.zeros_like(rising), np.where(rising % 2, rising, 0)])
    found = fed(TopValues(4, 100), values, range(0, 30_000, 997))
    np.testing.assert_array_equal(found, [29_900, -99, 0, 29_801])


@pytest.mark.parametrize("method", ["exact", "sketch"])
def test_units_that_respond_nowhere_or_rarely_have_threshold_0(method):
    values = np.zeros((3, 1000), np.float32)
    values[1, :4] = 7  # 5 of 1,000 may exceed the threshold
    values[2, :6] = 7, 8, 9, 10, 11, 12
    found = fed(make_thresholds(method, *values.shape, PUBLISHED_SHARE), values, [100, 500])
    np.testing.assert_array_equal(found, [0, 0, 7])
    assert ((values > found[:, None]).sum(axis=1) == [0, 4, 5]).all()


def test_fewer_than_wanted_exceed_a_threshold_at_which_values_are_tied():
    values = np.repeat(np.float32([[3, 2, 1]]), [4, 4, 992], axis=1)
    found = fed(make_thresholds("exact", 1, 1000, PUBLISHED_SHARE), values)
    assert found == 2
    assert (values > found).sum() == 4


def test_all_values_negative():
    values = -1 - relu_like(5, 4000)
    found = fed(make_thresholds("exact", 5, 4000, 0.25), values, [1111, 2222])
    np.testing.assert_array_equal(found, by_sorting(values, 1001))
    assert (found < 0).all()


def test_responses_are_left_as_they_are():
    values = relu_like(2, 5000)
    before = values.copy()
    for method in ("exact", "sketch"):
        fed(make_thresholds(method, 2, 5000, 0.1), values, [700])
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize(
    ("method", "bytes_kept"), [("exact", 8 * 2001 * 16), ("sketch", 262_144 * 16)]
)
def test_memory_does_not_grow_with_the_number_of_values(method, bytes_kept):
    """What is held after 100,000 values of each unit is what is held after 10,000, and what the docstrings say."""
    units, number, block = 16, 100_000, 1000
    tracemalloc.start()
    try:
        collector = make_thresholds(method, units, number, 0.02)
        held = []
        for start in range(0, number, block):
            collector.add(relu_like(units, block, seed=start))
            held.append(tracemalloc.get_traced_memory()[0])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held[-1] < held[9] + 10_000
    assert 0.9 * bytes_kept < held[-1] < 1.1 * bytes_kept + 50_000
    # sums over the sketch's counts are as large as five of them for a moment
    assert peak < 6 * bytes_kept + 20 * 4 * units * block


# --- sketch


@settings(deadline=None, max_examples=200)
@given(responses(), st.sampled_from(BINARY_SHARES))
def test_sketched_thresholds_are_the_exact_ones_rounded_to_float16(drawn, share):
    """Rounding keeps the order, so the rounded threshold is the threshold of the rounded values."""
    values, edges = drawn
    found = fed(make_thresholds("sketch", *values.shape, share), values, edges)
    exact = np.quantile(values, 1 - share, axis=1, method="inverted_cdf")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, exact.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1, 300, 10_000])
def test_sketched_thresholds_are_within_half_a_unit_of_the_last_digit(sign, scale):
    values = sign * np.float32(scale) * relu_like(6, 3000) + np.float32(scale)
    exact = by_sorting(values, 61)
    found = fed(Sketch(6, 61), values, range(0, 3000, 130))
    digit = np.spacing(np.abs(exact).astype(np.float16)).astype(np.float32)
    assert (np.abs(found - exact) <= digit / 2).all()
    if scale > 1e-3:
        np.testing.assert_allclose(found, exact, rtol=0.0005)


def test_sketch_of_a_stream_that_rises_and_of_one_that_falls():
    """What is no longer counted once a first threshold is known must not be wanted later."""
    rising = np.linspace(-50, 50, 10_000, dtype=np.float32)
    values = np.stack([rising, rising[::-1]])
    found = fed(Sketch(2, 51), values, range(0, 10_000, 37))
    np.testing.assert_array_equal(found, np.float16([rising[-51]] * 2))


def test_sketch_takes_minus_0_for_0():
    values = np.float32([[-0.0, 0, -0.0, 0, -1, 1]])
    for rank, expected in ((1, 1), (2, 0), (5, 0), (6, -1)):
        found = fed(Sketch(1, rank), values)
        assert found == expected
        assert np.signbit(found) == (expected < 0)


@pytest.mark.parametrize("value", [65505, -65505, 1e30, -1e30])
def test_sketch_refuses_values_that_float16_does_not_have(value):
    collector = Sketch(1, 1)
    collector.add(np.float32([[65504, -65504]]))
    assert collector.read() == 65504
    with pytest.raises(InputError, match="65504"):
        collector.add(np.float32([[0, value]]))
