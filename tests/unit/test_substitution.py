import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from anatomy.errors import InputError
from anatomy.substitution import (
    area_under_curve,
    best_bias,
    best_biases,
    bias_only,
    correlation,
    faithfulness,
    measure,
    rivals,
)


@st.composite
def cases(draw, values):
    """Target logits, rivals and category membership of a few images, both sides present."""
    images = draw(st.integers(2, 9))
    listed = st.lists(values, min_size=images, max_size=images)
    flags = draw(st.lists(st.booleans(), min_size=images, max_size=images))
    assume(any(flags) and not all(flags))
    return np.array(draw(listed), float), np.array(draw(listed), float), np.array(flags)


small_integers = st.integers(-4, 4)
eighths = st.integers(-800, 800).map(lambda k: k / 8)
any_floats = st.floats(-1e200, 1e200)
neighbours = st.integers(0, 4).map(lambda k: 3 + k * np.spacing(3.0))


def youden(target, rival, flags, bias):
    """Hits, false alarms and their difference by the definition, in exact arithmetic."""
    predicted = [Fraction(z) + bias > Fraction(m) for z, m in zip(target, rival, strict=True)]
    hits = [p for p, c in zip(predicted, flags, strict=True) if c]
    others = [p for p, c in zip(predicted, flags, strict=True) if not c]
    return Fraction(sum(hits), len(hits)) - Fraction(sum(others), len(others))


def exhaustive(target, rival, flags):
    """Best bias by trying one bias of every decision pattern, in exact arithmetic."""
    edges = sorted({Fraction(m) - Fraction(z) for z, m in zip(target, rival, strict=True)})
    patterns = [(None, edges[0], edges[0] - 1), (edges[-1], None, edges[-1] + 1)]
    patterns += [(low, high, (low + high) / 2) for low, high in pairwise(edges)]
    scored = [(youden(target, rival, flags, pattern[2]), *pattern) for pattern in patterns]
    best = max(score for score, *_ in scored)
    if youden(target, rival, flags, 0) == best:
        return best, Fraction(0)
    # 0 is no best bias, so every best interval (low, high] lies to one side of it.
    distances = [
        (-high if high is not None and high < 0 else low, middle > 0, middle)
        for score, low, high, middle in scored
        if score == best
    ]
    return best, min(distances)[2]


@given(cases(small_integers))
def test_best_bias_is_that_of_exhaustive_search_with_exact_ties(case):
    fit = best_bias(*case)
    csa, bias = exhaustive(*case)
    assert fit.csa == pytest.approx(float(csa), abs=1e-15)
    assert Fraction(fit.bias) == bias
    assert youden(*case, Fraction(fit.bias)) == csa


@given(cases(eighths))
def test_best_bias_is_that_of_exhaustive_search(case):
    csa, bias = exhaustive(*case)
    fit = best_bias(*case)
    assert Fraction(fit.bias) == bias
    assert youden(*case, Fraction(fit.bias)) == csa


@given(cases(any_floats) | cases(neighbours))
def test_found_bias_gives_the_same_measures_when_applied(case):
    fit = best_bias(*case)
    applied = measure(*case, fit.bias)
    assert math.isfinite(fit.bias)
    assert (applied.csa, applied.hits, applied.false_alarms) == (
        fit.csa,
        fit.hits,
        fit.false_alarms,
    )
    assert fit.csa == fit.hits - fit.false_alarms >= measure(*case, 0).csa


@given(cases(neighbours), st.booleans())
def test_best_bias_separates_neighbouring_floating_point_numbers(case, constant):
    # Differences of these numbers are exact, so exhaustive search holds here too; with a constant
    # target logit the margins are neighbours themselves, and nothing lies between them.
    target, rival, flags = case
    target = target * (not constant)
    fit = best_bias(target, rival, flags)
    assert youden(target, rival, flags, Fraction(fit.bias)) == exhaustive(target, rival, flags)[0]


@given(st.lists(cases(small_integers), min_size=1, max_size=4))
def test_many_candidates_are_fitted_as_each_alone(several):
    images = min(len(flags) for *_, flags in several)
    targets = np.stack([target[:images] for target, *_ in several])
    _, rival, flags = several[0]
    rival, flags = rival[:images], flags[:images]
    assume(flags.any() and not flags.all())
    assert best_biases(targets, rival, flags) == [best_bias(t, rival, flags) for t in targets]


def test_fit_matches_the_arg_max_over_substituted_logits():
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 3, (400, 12)).astype(np.float32)
    labels = generator.integers(12, size=400)
    for category in range(12):
        pruned = (0.5 * logits[:, category] + 2 * (labels == category)).astype(np.float32)
        fit = best_bias(pruned, rivals(logits, category), labels == category)
        substituted = logits.astype(np.float64)
        substituted[:, category] = pruned.astype(np.float64) + fit.bias
        predicted = substituted.argmax(axis=1) == category
        assert fit.hits == predicted[labels == category].mean()
        assert fit.false_alarms == predicted[labels != category].mean()


def test_rivals_are_the_largest_other_logits():
    logits = np.array([[1.0, 5.0, 2.0], [7.0, 0.0, 7.0]])
    assert rivals(logits, 0).tolist() == [5, 7]
    assert rivals(logits, 1).tolist() == [2, 7]
    assert rivals(logits, 2).tolist() == [5, 7]
    with pytest.raises(InputError, match="no output 3"):
        rivals(logits, 3)
    with pytest.raises(InputError, match="two or more outputs"):
        rivals(logits[:, :1], 0)


def test_a_planted_shift_is_undone():
    rival = np.zeros(6)
    target = np.array([13.0, 12.0, 11.0, 4.0, 3.0, -8.0])  # separated by a bias between -11 and -4
    flags = np.array([True, True, True, False, False, False])
    fit = best_bias(target, rival, flags)
    assert (fit.bias, fit.csa, fit.hits, fit.false_alarms) == (-7.5, 1, 1, 0)
    assert measure(target, rival, flags, 0).false_alarms == 2 / 3


def test_zero_is_kept_when_it_is_as_good_and_a_tie_goes_to_the_rival():
    rival = np.array([0.0, 0.0])
    flags = np.array([True, False])
    assert best_bias(np.array([5.0, -5.0]), rival, flags).bias == 0
    assert best_bias(np.array([5.0, 0.0]), rival, flags).bias == 0  # 0 + 0 > 0 is false
    assert measure(np.array([0.0, 0.0]), rival, flags, 0).hits == 0


@pytest.mark.parametrize(
    ("margin", "other_margin", "bias"),
    [(3, -1, -2), (1, -3, 2), (2, -2, -3)],  # none, all, and the negative one of two equally near
)
def test_outer_intervals_have_finite_biases(margin, other_margin, bias):
    # Any bias that predicts the image of the category predicts the other image too.
    rival, flags = np.array([margin, other_margin]), np.array([True, False])
    fit = best_bias(np.zeros(2), rival, flags)
    assert (fit.csa, fit.bias) == (0, bias)
    assert fit.hits == fit.false_alarms == (bias > 0)


def test_bias_only_finds_what_the_other_logits_already_tell():
    rival = np.array([1.0, 2.0, 8.0, 9.0])
    fit = bias_only(rival, np.array([True, True, False, False]))
    assert (fit.bias, fit.csa) == (5, 1)
    assert bias_only(rival, np.array([False, False, True, True])).csa == 0


def test_faithfulness():
    assert faithfulness(0.9, 0.9, 0.4) == 1
    assert faithfulness(0.4, 0.9, 0.4) == 0
    assert faithfulness(0.65, 0.9, 0.4) == pytest.approx(0.5)
    assert math.isnan(faithfulness(0.5, 0.4, 0.4))
    assert math.isnan(faithfulness(0.5, 0.3, 0.4))


@given(cases(small_integers) | cases(any_floats))
def test_area_under_curve_agrees_with_scikit_learn(case):
    target, _, flags = case
    assert area_under_curve(target, flags) == pytest.approx(roc_auc_score(flags, target), abs=1e-12)


def test_correlation():
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(2, 50))
    assert correlation(a, a + b) == pytest.approx(np.corrcoef(a, a + b)[0, 1])
    assert correlation(a, -3 * a + 2) == pytest.approx(-1)
    assert math.isnan(correlation(a, np.full(50, 0.1)))
    assert math.isnan(correlation([1.0], [2.0]))
    with pytest.raises(InputError, match="equal lengths"):
        correlation(a, b[:10])


@pytest.mark.parametrize("function", [best_bias, lambda *case: measure(*case, 0.0)])
def test_bad_input_is_named(function):
    target, rival, flags = np.zeros(3), np.ones(3), np.array([True, False, False])
    with pytest.raises(InputError, match="no images of the category"):
        function(target, rival, ~(flags | True))
    with pytest.raises(InputError, match="no images of other categories"):
        function(target, rival, flags | True)
    with pytest.raises(InputError, match="finite"):
        function(target * math.nan, rival, flags)
    with pytest.raises(InputError, match="finite"):
        function(target, rival * math.inf, flags)
    with pytest.raises(InputError, match="do not match"):
        function(target[:2], rival, flags)
    with pytest.raises(InputError, match="boolean"):
        function(target, rival, np.array([1, 0, 0]))
    with pytest.raises(InputError, match="no images of the category"):
        area_under_curve(target, flags & False)
    with pytest.raises(InputError, match="finite"):
        area_under_curve(target + math.inf, flags)
