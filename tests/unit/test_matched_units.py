"""Random units match in number and mean response, are other units, and give honest p-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.matched_units import MatchedUnits
from anatomy.significance import familywise_p_values, p_values, stagewise_q_values


def means(units: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1, size=units)


@given(st.integers(1, 60), st.integers(1, 8))
def test_strata_are_as_equal_as_can_be_and_ordered_by_mean_response(units, strata):
    own = means(units)
    stratum = MatchedUnits(own, strata).stratum
    sizes = np.bincount(stratum)
    assert len(sizes) == min(strata, units)
    assert sizes.max() - sizes.min() <= 1
    ascending = stratum[np.argsort(own)]
    assert (np.diff(ascending) >= 0).all()


def test_draws_have_as_many_units_of_every_stratum_and_none_of_the_given():
    matched = MatchedUnits(means(40), 4)
    given_units = np.array([3, 4, 17, 25, 39])
    wanted = np.bincount(matched.stratum[given_units], minlength=4)
    drawn = matched.draws(given_units, 200, np.random.default_rng(0))
    for own in drawn:
        assert len(set(own)) == len(own)
        assert not set(own) & set(given_units)
        np.testing.assert_array_equal(np.bincount(matched.stratum[own], minlength=4), wanted)


def test_every_set_is_there_once_and_of_one_unit_there_are_the_others_of_its_stratum():
    matched = MatchedUnits(means(32), 4)
    drawn = matched.draws([5], 1000, np.random.default_rng(0))
    others = np.flatnonzero(matched.stratum == matched.stratum[5])
    np.testing.assert_array_equal(drawn[:, 0], others[others != 5])


def test_every_other_unit_of_a_stratum_is_drawn_as_often():
    matched = MatchedUnits(means(40), 2)
    given_units = [0, 1, 2]
    counts = np.zeros(40)
    for seed in range(400):
        counts[matched.draws(given_units, 1, np.random.default_rng(seed))[0]] += 1
    for stratum in range(2):
        own = (matched.stratum == stratum) & ~np.isin(np.arange(40), given_units)
        expected = 400 * np.isin(given_units, np.flatnonzero(matched.stratum == stratum)).sum()
        expected /= own.sum()
        # binomial: five standard deviations
        assert np.abs(counts[own] - expected).max() < 5 * np.sqrt(expected + 1)


def test_where_a_stratum_has_too_few_others_all_of_it_is_drawn_from():
    matched = MatchedUnits(means(4), 1)
    drawn = matched.draws([0, 1, 2], 100, np.random.default_rng(0))
    assert {tuple(own) for own in drawn} == {(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)}


def test_units_without_a_mean_are_refused():
    with pytest.raises(InputError, match="not finite"):
        MatchedUnits(np.array([1.0, np.nan]), 2)


def test_q_values_of_one_family_are_its_familywise_p_values():
    own = np.array([[0.01, 0.4, 1.0]])
    np.testing.assert_allclose(stagewise_q_values(own), own)


def test_q_values_of_the_strongest_are_benjamini_and_hochbergs_and_the_others_follow():
    families = np.array([[0.01, 0.02], [0.5, 0.04], [0.9, 0.6]])
    # smallest: .01, .04, .6 -> .03, .06, .6
    expected = [[0.03, 0.06], [0.75, 0.06], [0.9, 0.6]]
    np.testing.assert_allclose(stagewise_q_values(families), expected)


def test_without_an_effect_hardly_any_family_is_found():
    """The share of runs with a q-value below .05 is about .05, as all families are null."""
    random, found = np.random.default_rng(0), 0
    runs = 300
    for _ in range(runs):
        drawn = random.normal(size=(6, 100, 5))
        observed = random.normal(size=(6, 5))
        familywise = np.stack(
            [familywise_p_values(o, d, 1e-6) for o, d in zip(observed, drawn, strict=True)]
        )
        found += stagewise_q_values(familywise).min() < 0.05
    assert found <= 0.05 * runs + 4 * np.sqrt(0.05 * 0.95 * runs)


def test_p_values_count_ties_and_are_never_zero():
    drawn = np.array([[1.0], [2.0], [2.0]])
    np.testing.assert_allclose(p_values(np.array([2.0]), drawn), [3 / 4])
    np.testing.assert_allclose(p_values(np.array([9.0]), drawn), [1 / 4])
