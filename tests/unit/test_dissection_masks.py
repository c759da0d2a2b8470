"""Interpolation equals the formula in exact arithmetic and SciPy; masks equal plain interpolation and comparison."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RectBivariateSpline

from anatomy.dissection.masks import Axis, Upsampling

# positions, start, step, pixels
ALEXNET = (13, 7, Fraction(8), 112)
CAFFE = (13, 8, Fraction(8), 113)
HALF_STEPS = (9, 2, Fraction(1, 2), 10)
MORE_POSITIONS_THAN_PIXELS = (20, -3, Fraction(1, 2), 6)
THREE_QUARTERS = (12, -1, Fraction(3, 4), 8)
THIRDS = (5, 5, Fraction(16, 3), 30)
FIVES = (4, 1, Fraction(5), 20)
SINGLE = (1, 4, Fraction(8), 9)
STARTS_BEFORE = (3, -5, Fraction(4), 12)
STARTS_BEHIND = (3, 12, Fraction(4), 10)
ENDS_BEHIND = (6, 3, Fraction(7), 20)
EVERY = (
    *(ALEXNET, CAFFE, HALF_STEPS, MORE_POSITIONS_THAN_PIXELS, SINGLE, STARTS_BEFORE),
    *(STARTS_BEHIND, ENDS_BEHIND, THREE_QUARTERS, THIRDS, FIVES),
)
# weights are eighths at most: interpolation of small whole numbers has no rounding errors
BINARY = EVERY[:7]
PAIRS = [*zip(EVERY, EVERY, strict=True), (ALEXNET, THIRDS), (SINGLE, CAFFE), (FIVES, SINGLE)]


def upsampling(y, x):
    return Upsampling(Axis.of(*y), Axis.of(*x))


def place_of(pixel, positions, start, step):
    """Position before the pixel, the one behind it, and the pixel's place between them."""
    place = min(max((pixel - start) / step, Fraction(0)), Fraction(positions - 1))
    before = floor(place)
    return before, min(before + 1, positions - 1), place - before


def exactly(own_map, y, x):
    """S(row, column) of the formula, one pixel after the other, in rational numbers."""
    values = [[Fraction(float(value)) for value in row] for row in own_map]
    result = []
    for row in range(y[-1]):
        i, below, v = place_of(row, *y[:-1])
        for column in range(x[-1]):
            j, right, w = place_of(column, *x[:-1])
            top = (1 - w) * values[i][j] + w * values[i][right]
            bottom = (1 - w) * values[below][j] + w * values[below][right]
            result.append((1 - v) * top + v * bottom)
    return np.array(result, dtype=object).reshape(y[-1], x[-1])


def whole_numbers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


def masks(up, maps, thresholds):
    """What active_pixels finds, as masks (unit, y, x)."""
    units, pixels = up.active_pixels(maps, thresholds)
    assert len(units) == len(pixels)
    assert (np.diff(units) >= 0).all()
    found = np.zeros((len(maps), up.y.size * up.x.size), int)
    np.add.at(found, (units, pixels), 1)
    assert found.max(initial=0) <= 1  # each pixel once
    return found.reshape(len(maps), up.y.size, up.x.size).astype(bool)


def compared(up, maps, thresholds):
    return up.interpolated(maps) > thresholds.astype(np.float64)[:, None, None]


# --- where positions lie


@pytest.mark.parametrize(
    ("axis", "centres"),
    [(ALEXNET, range(7, 104, 8)), (CAFFE, range(8, 105, 8))],
)
def test_a_single_response_peaks_at_its_centre_and_ends_at_its_neighbours(axis, centres):
    """AlexNet's 13 positions on 112 pixels; CaffeNet's 8, 16, ..., 104 on 113."""
    up, pixels = upsampling(axis, axis), np.arange(axis[-1])
    for position, centre in enumerate(centres):
        own = np.zeros((13, 13), np.float32)
        own[position, position] = 1
        tent = np.maximum(1 - np.abs(pixels - centre) / 8, 0)
        if position == 0:
            tent[:centre] = 1
        if position == 12:
            tent[centre:] = 1
        np.testing.assert_array_equal(up.interpolated(own), np.outer(tent, tent))


@pytest.mark.parametrize("axis", EVERY)
def test_cells_and_weights_say_where_each_pixel_lies(axis):
    positions, start, step, size = axis
    found = Axis.of(*axis)
    centres = [start + step * position for position in range(positions)]
    assert found.size == size
    for pixel in range(size):
        cell = sum(centre <= pixel for centre in centres)
        assert found.cell[pixel] == cell
        inside = 0 < cell < positions
        weight = float((pixel - centres[cell - 1]) / step) if inside else 0
        assert found.pixel_weight[pixel] == weight
        assert found.weight[cell, pixel - found.first[cell]] == weight
    filled = (~np.isnan(found.weight)).sum(axis=1)
    np.testing.assert_array_equal(filled, np.bincount(found.cell, minlength=positions + 1))


# --- interpolation


@pytest.mark.parametrize(("y", "x"), PAIRS)
def test_interpolation_is_the_formula_in_exact_arithmetic(y, x):
    own = whole_numbers(y[0], x[0])
    found, expected = upsampling(y, x).interpolated(own), exactly(own, y, x)
    if y in BINARY and x in BINARY:
        assert (found == expected).all()
    np.testing.assert_allclose(found, expected.astype(float), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("y", "x"), [own for own in PAIRS if SINGLE not in own])
def test_interpolation_is_scipys_with_pixels_brought_between_the_centres(y, x):
    own = np.random.default_rng(1).standard_normal((y[0], x[0])).astype(np.float32)
    axes, clipped = [], []
    for positions, start, step, size in (y, x):
        axes.append(start + float(step) * np.arange(positions))
        clipped.append(np.clip(np.arange(size), axes[-1][0], axes[-1][-1]))
    expected = RectBivariateSpline(*axes, own.astype(float), kx=1, ky=1)(*clipped)
    np.testing.assert_allclose(upsampling(y, x).interpolated(own), expected, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_interpolation_is_the_formula_on_any_grid(data):
    y, x = (
        (
            data.draw(st.integers(1, 6)),
            data.draw(st.integers(-6, 12)),
            data.draw(st.fractions(Fraction(1, 4), 9, max_denominator=7)),
            data.draw(st.integers(1, 12)),
        )
        for _ in range(2)
    )
    own = whole_numbers(y[0], x[0], seed=data.draw(st.integers(0, 1000)))
    np.testing.assert_allclose(
        upsampling(y, x).interpolated(own),
        exactly(own, y, x).astype(float),
        rtol=1e-13,
        atol=1e-13,
    )


def test_maps_of_many_images_and_units_are_interpolated_one_by_one():
    up, maps = upsampling(CAFFE, THIRDS), whole_numbers(2, 3, 13, 5)
    found = up.interpolated(maps)
    assert found.shape == (2, 3, 113, 30)
    for image in range(2):
        for unit in range(3):
            np.testing.assert_array_equal(
                found[image, unit], up.interpolated(maps[image, unit].copy())
            )


@pytest.mark.parametrize("axis", EVERY)
@pytest.mark.parametrize("value", [6, 0.1, 1.7, 2.3])
def test_a_map_that_is_the_same_everywhere_stays_so_to_the_last_digit(axis, value):
    """Where a unit saturates at its threshold, as behind ReLU6, it is active nowhere."""
    own = np.full((axis[0], axis[0]), value, np.float32)
    assert (upsampling(axis, axis).interpolated(own) == own[0, 0]).all()


# --- masks


@pytest.mark.parametrize(("y", "x"), PAIRS)
@pytest.mark.parametrize("kind", ["relu", "normal", "few values", "saturated"])
def test_masks_are_the_pixels_whose_interpolated_response_exceeds_the_threshold(y, x, kind):
    random = np.random.default_rng(3)
    maps = random.standard_normal((12, y[0], x[0])).astype(np.float32)
    if kind == "relu":
        maps = np.maximum(maps - 0.5, 0)
    if kind == "few values":
        maps = np.round(maps)
    if kind == "saturated":
        maps = np.clip(3 * maps, 0, 1) * np.float32(1.7)
    own = np.sort(maps.reshape(12, -1), axis=1)
    thresholds = own[np.arange(12), random.integers(0, own.shape[1], 12)]
    up = upsampling(y, x)
    expected = compared(up, maps, thresholds)
    np.testing.assert_array_equal(masks(up, maps, thresholds), expected)
    assert expected.any() or own.shape[1] == 1


@st.composite
def tied_maps(draw):
    """Maps of a few values, thresholds among them, and a grid."""
    values = draw(st.sampled_from([(0, 1), (0, 0, 0, 1, 6), (-2, -1, 0, 1), (0.1, 0.3, 1.7)]))
    y, x = (
        (
            draw(st.integers(1, 5)),
            draw(st.integers(-3, 7)),
            draw(st.fractions(Fraction(1, 4), 6, max_denominator=6)),
            draw(st.integers(1, 16)),
        )
        for _ in range(2)
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = draw(st.integers(1, 4))
    maps = random.choice(np.float32(values), (units, y[0], x[0]))
    return y, x, maps, random.choice(np.float32(values), units)


@settings(deadline=None, max_examples=300)
@given(tied_maps())
def test_masks_are_right_with_many_ties_at_the_threshold(drawn):
    y, x, maps, thresholds = drawn
    up = upsampling(y, x)
    np.testing.assert_array_equal(masks(up, maps, thresholds), compared(up, maps, thresholds))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6), st.sampled_from([HALF_STEPS, SINGLE, STARTS_BEFORE, (*CAFFE[:3], 30)])
)
def test_masks_are_those_of_exact_arithmetic(seed, axis):
    maps = whole_numbers(2, axis[0], axis[0], seed=seed)
    thresholds = whole_numbers(2, seed=seed + 1)
    expected = [exactly(own, axis, axis) > int(t) for own, t in zip(maps, thresholds, strict=True)]
    np.testing.assert_array_equal(masks(upsampling(axis, axis), maps, thresholds), expected)


@pytest.mark.parametrize("value", [0, -1, 3])
def test_an_image_to_which_no_unit_responds_has_no_active_pixel(value):
    maps = np.full((3, 13, 13), value, np.float32)
    units, pixels = upsampling(ALEXNET, ALEXNET).active_pixels(maps, maps[:, 0, 0])
    assert units.shape == pixels.shape == (0,)


def test_a_unit_above_its_threshold_everywhere_is_active_everywhere():
    maps = np.ones((2, 13, 13), np.float32)
    units, pixels = upsampling(CAFFE, CAFFE).active_pixels(maps, np.float32([1, 0.5]))
    assert set(units.tolist()) == {1}
    assert sorted(pixels.tolist()) == list(range(113 * 113))


def test_pixels_are_numbered_row_by_row():
    """One response at row 1, column 3 of 2 x 5 positions, on 4 x 9 pixels."""
    maps = np.zeros((1, 2, 5), np.float32)
    maps[0, 1, 3] = 1
    up = upsampling((2, 0, Fraction(2), 4), (5, 0, Fraction(2), 9))
    units, pixels = up.active_pixels(maps, np.float32([0.5]))
    assert units.tolist() == [0, 0]
    assert sorted(pixels.tolist()) == [2 * 9 + 6, 3 * 9 + 6]
