"""Random rotations are rotations, uniform over all of them; partial ones go the wanted part of the way."""

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from scipy.stats import kstest

from anatomy.dissection.bases import RotationPowers, bases, random_combinations, random_rotation

STRENGTHS = (0.2, 0.5, 1.0)
PURPOSE = ("test", "bases", 3)


def rotation(units, seed=0):
    return random_rotation(units, np.random.default_rng(seed))


def rotations(units, number, seed=0):
    random = np.random.default_rng(seed)
    return np.stack([random_rotation(units, random) for _ in range(number)])


def assert_rotation(matrix):
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-10)
    sign, size = np.linalg.slogdet(matrix)
    assert sign == 1
    assert size == pytest.approx(0, abs=1e-8)


# --- random rotations


@pytest.mark.parametrize("units", [1, 2, 3, 7, 64, 255])
def test_random_rotations_are_rotations(units):
    for seed in range(5):
        assert_rotation(rotation(units, seed))


def test_entries_of_random_rotations_have_mean_0_and_variance_1_over_n():
    number, units = 4000, 5
    drawn = rotations(units, number)
    # standard errors from the moments of a point on the sphere: E[q^2] = 1/n, Var[q^2] = 2 (n - 1) / (n^2 (n + 2))
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=4.5 / np.sqrt(units * number))
    error = np.sqrt(2 * (units - 1) / (units**2 * (units + 2)) / number)
    np.testing.assert_allclose((drawn**2).mean(axis=0), 1 / units, atol=4.5 * error)


def test_angles_of_rotations_of_the_plane_are_uniform():
    drawn = rotations(2, 2000)
    angles = np.arctan2(drawn[:, 1, 0], drawn[:, 0, 0])
    assert kstest(angles, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 0.01


def test_angles_of_rotations_of_space_are_distributed_as_uniform_rotations():
    """The angle of a uniform rotation of space has the density (1 - cos) / pi, and its axis no direction."""
    drawn = rotations(3, 2000)
    angles = np.arccos(np.clip((np.trace(drawn, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert kstest(angles, lambda angle: (angle - np.sin(angle)) / np.pi).pvalue > 0.01
    for row in range(3):
        for column in range(3):
            # a coordinate of a uniform point on the sphere is uniform (Archimedes)
            assert kstest(drawn[:, row, column], "uniform", args=(-1, 2)).pvalue > 0.001


# --- partial rotations


@pytest.mark.parametrize("units", [1, 2, 3, 10, 31])
def test_powers_of_a_rotation(units):
    whole = rotation(units)
    powers = RotationPowers(whole)
    np.testing.assert_allclose(powers.power(0), np.eye(units), atol=1e-10)
    np.testing.assert_allclose(powers.power(1), whole, atol=1e-10)
    half, fifth = powers.power(0.5), powers.power(0.2)
    np.testing.assert_allclose(half @ half, whole, atol=1e-10)
    np.testing.assert_allclose(np.linalg.matrix_power(fifth, 5), whole, atol=1e-9)
    np.testing.assert_allclose(fifth @ powers.power(0.3), half, atol=1e-10)
    for partial in (half, fifth):
        assert partial.dtype == np.float64
        assert_rotation(partial)


@pytest.mark.parametrize("alpha", [0.2, 0.4, 0.6, 0.8])
def test_powers_are_scipys(alpha):
    whole = rotation(24, 5)
    expected = fractional_matrix_power(whole, alpha)
    assert np.abs(expected.imag).max() < 1e-8
    np.testing.assert_allclose(RotationPowers(whole).power(alpha), expected.real, atol=1e-8)


@pytest.mark.parametrize("angle", [0.3, -1.2, 3.1, -3.1])
def test_a_partial_rotation_of_the_plane_turns_by_that_part_of_the_angle_the_short_way(angle):
    def turn(by):
        return np.array([[np.cos(by), -np.sin(by)], [np.sin(by), np.cos(by)]])

    for alpha in (0.1, 0.5, 0.9):
        found = RotationPowers(turn(angle)).power(alpha)
        np.testing.assert_allclose(found, turn(alpha * angle), atol=1e-10)


def test_partial_rotations_move_away_from_the_units_step_by_step():
    powers = RotationPowers(rotation(100))
    away = [np.linalg.norm(powers.power(alpha) - np.eye(100)) for alpha in np.linspace(0, 1, 6)]
    assert (np.diff(away) > 0).all()
    # |exp(i alpha theta) - 1| with angles uniform on the circle
    angles = np.linspace(-np.pi, np.pi, 10_001)
    for alpha, found in zip(np.linspace(0, 1, 6), away, strict=True):
        expected = np.sqrt(100 * np.mean(np.abs(np.exp(1j * alpha * angles) - 1) ** 2))
        assert found == pytest.approx(expected, rel=0.05, abs=1e-9)


# --- combinations


@pytest.mark.parametrize(("units", "combined"), [(2, 2), (5, 1), (40, 2), (40, 16), (40, 40)])
def test_combinations_weigh_so_many_units_and_have_length_1(units, combined):
    found = random_combinations(units, combined, np.random.default_rng(0))
    assert found.shape == (units, units)
    assert ((found != 0).sum(axis=1) == combined).all()
    np.testing.assert_allclose((found**2).sum(axis=1), 1, atol=1e-12)


def test_combinations_draw_all_units_alike_with_weights_of_both_signs():
    """A chosen unit's weight is a coordinate of a uniform point on the sphere in k dimensions."""
    units, combined, number = 12, 3, 1000
    random = np.random.default_rng(1)
    drawn = np.concatenate([random_combinations(units, combined, random) for _ in range(number)])
    rows, share = len(drawn), combined / units
    chosen = (drawn != 0).mean(axis=0)
    np.testing.assert_allclose(chosen, share, atol=4.5 * np.sqrt(share * (1 - share) / rows))
    together = ((drawn[:, 0] != 0) & (drawn[:, 1] != 0)).mean()
    assert together == pytest.approx(combined * (combined - 1) / units / (units - 1), rel=0.15)
    assert kstest(drawn[drawn[:, 0] != 0, 0], "uniform", args=(-1, 2)).pvalue > 0.01


# --- all bases


def drawn_bases(units=8, combined=(2, 4), repeats=2, strengths=STRENGTHS, purpose=PURPOSE):
    return list(bases(units, strengths, combined, repeats, purpose))


def only(found, **wanted):
    (matrix,) = [own for about, own in found if all(about[key] == wanted[key] for key in wanted)]
    return matrix


def test_bases_come_in_order_and_say_what_they_are():
    found = drawn_bases()
    expected = [("rotation", 0.0, None, 0)]
    for seed in (0, 1):
        expected += [("rotation", alpha, None, seed) for alpha in STRENGTHS]
        expected += [("combination", None, number, seed) for number in (2, 4)]
    assert [list(about) for about, _ in found] == [
        ["basis", "alpha", "combined_units", "seed"]
    ] * 11
    for (about, matrix), (basis, alpha, combined, seed) in zip(found, expected, strict=True):
        assert (about["basis"], about["seed"]) == (basis, seed)
        for key, value in (("alpha", alpha), ("combined_units", combined)):
            assert np.isnan(about[key]) if value is None else about[key] == value
        assert (matrix is None) == (alpha == 0)


def test_rotations_rotate_and_combinations_combine():
    for about, matrix in drawn_bases()[1:]:
        if about["basis"] == "rotation":
            assert_rotation(matrix)
        else:
            assert ((matrix != 0).sum(axis=1) == about["combined_units"]).all()


@pytest.mark.parametrize(("units", "left"), [(3, [2]), (4, [2, 4]), (1, [])])
def test_combinations_of_more_units_than_there_are_are_left_out(units, left):
    found = drawn_bases(units, (2, 4, 16), repeats=1)
    kinds = [about["combined_units"] for about, _ in found if about["basis"] == "combination"]
    assert kinds == left


def test_partial_rotations_of_one_repeat_are_powers_of_the_same_rotation():
    found = drawn_bases(repeats=3)
    for seed in range(3):
        whole, half, fifth = (
            only(found, basis="rotation", alpha=alpha, seed=seed) for alpha in (1.0, 0.5, 0.2)
        )
        np.testing.assert_allclose(half @ half, whole, atol=1e-10)
        np.testing.assert_allclose(np.linalg.matrix_power(fifth, 5), whole, atol=1e-10)
    assert len({only(found, alpha=1.0, seed=seed).tobytes() for seed in range(3)}) == 3


def test_a_basis_does_not_depend_on_which_others_are_asked_for():
    few = drawn_bases(combined=(4,), repeats=1, strengths=(1.0,))
    many = drawn_bases(combined=(3, 2, 4), repeats=3)
    np.testing.assert_array_equal(only(few, alpha=1.0, seed=0), only(many, alpha=1.0, seed=0))
    np.testing.assert_array_equal(
        only(few, combined_units=4, seed=0), only(many, combined_units=4, seed=0)
    )


def test_another_purpose_gives_other_bases():
    one, same, other = drawn_bases(), drawn_bases(), drawn_bases(purpose=("test", "bases", 4))
    for (_, own), (_, again), (_, different) in zip(one[1:], same[1:], other[1:], strict=True):
        np.testing.assert_array_equal(own, again)
        assert (own != different).any()
