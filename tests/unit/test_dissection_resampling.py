"""The bootstrap equals a plain loop over the same draws, and its spread is the one that statistics predicts."""

import numpy as np
import pytest

from anatomy.dissection import resampling
from anatomy.dissection.counts import Concepts, Counts
from anatomy.dissection.detectors import COUNTINGS
from anatomy.dissection.resampling import resample
from anatomy.randomness import generator

PURPOSE = ("test", "resamples", 7)
MINIMUM = 0.04
CODES = 9
CONCEPTS = Concepts(
    ("color", "object", "part"),
    np.array([-1, 0, 1, 1, 0, 2, 1, 2, 0]),
    ["", *(f"concept {code}" for code in range(1, CODES))],
)


def some_groups(groups, units, seed=0):
    """Counts int32 (group, ...) with IoU around the minimum; the last unit meets no concept."""
    random = np.random.default_rng(seed)
    truths = random.integers(500, 20_000, (groups, CODES))
    truths[:, 0] = 0
    activations = random.integers(500, 20_000, (groups, units, 3))
    possible = np.minimum(truths[:, None], activations[..., CONCEPTS.category])
    intersections = (possible * random.random((groups, units, CODES)) ** 6).astype(np.int64)
    intersections[:, -1] = 0
    return Counts(*(own.astype(np.int32) for own in (intersections, activations, truths)))


def units_of(counts, units):
    return Counts(counts.intersections[:, units], counts.activations[:, units], counts.truths)


def resampled(blocks, resamples, purpose=PURPOSE):
    groups = len(blocks[0].truths)
    return resample(blocks, groups, CONCEPTS, MINIMUM, resamples, purpose)


def iou_slowly(counts, weights):
    """IoU [unit][code] of groups that are drawn so many times."""
    rows = []
    for unit in range(counts.intersections.shape[1]):
        row = [0.0]
        for code in range(1, CODES):
            category = CONCEPTS.category[code]
            intersection = truth = activation = 0
            for group, times in enumerate(weights):
                intersection += int(times) * int(counts.intersections[group, unit, code])
                truth += int(times) * int(counts.truths[group, code])
                activation += int(times) * int(counts.activations[group, unit, category])
            row.append(intersection / (truth + activation - intersection))
        rows.append(row)
    return rows


def label(row):
    """Code of the concept that fits best; 0 if none does."""
    best = max(range(1, CODES), key=row.__getitem__)
    return best if row[best] > 0 else 0


def best_of(row, category):
    return max(
        (code for code in range(CODES) if CONCEPTS.category[code] == category), key=row.__getitem__
    )


def detected(rows, counting):
    """Unique detectors, units of each category, and units that detect anything."""
    pairs = set()
    for unit, row in enumerate(rows):
        for category in range(3):
            code = best_of(row, category)
            if row[code] > MINIMUM and (counting == "one_per_category" or code == label(row)):
                pairs.add((unit, code))
    found = [{code for _, code in pairs if CONCEPTS.category[code] == own} for own in range(3)]
    units = [sum(CONCEPTS.category[code] == own for _, code in pairs) for own in range(3)]
    return [len(own) for own in found], units, len({unit for unit, _ in pairs})


def test_resamples_equal_a_plain_loop_over_the_same_draws():
    counts, resamples = some_groups(12, 8), 25
    found = resampled([counts], resamples)
    drawn = generator(*PURPOSE).multinomial(12, np.full(12, 1 / 12), size=resamples)
    labels = [label(row) for row in iou_slowly(counts, np.ones(12, int))]
    rows = [iou_slowly(counts, weights) for weights in drawn]
    own = [[row[code] for row, code in zip(some, labels, strict=True)] for some in rows]
    assert found.iou.shape == (resamples, 8)
    np.testing.assert_allclose(found.iou, own, rtol=1e-6)
    same = [[label(row) == code for row, code in zip(some, labels, strict=True)] for some in rows]
    expected = np.mean(same, axis=0)
    assert 0 < expected.min() < 1  # labels that change and labels that do not
    np.testing.assert_allclose(found.agreement, expected, rtol=1e-12)
    for counting in COUNTINGS:
        by_hand = [detected(some, counting) for some in rows]
        assert len({tuple(unique) for unique, _, _ in by_hand}) > 1
        detectors = found.detectors[counting]
        assert detectors.unique.tolist() == [unique for unique, _, _ in by_hand]
        assert detectors.units.tolist() == [units for _, units, _ in by_hand]
        assert detectors.detecting.tolist() == [detecting for _, _, detecting in by_hand]


def assert_same(found, expected):
    np.testing.assert_array_equal(found.iou, expected.iou)
    np.testing.assert_array_equal(found.agreement, expected.agreement)
    for counting in COUNTINGS:
        for name in ("unique", "units", "detecting"):
            np.testing.assert_array_equal(
                getattr(found.detectors[counting], name),
                getattr(expected.detectors[counting], name),
            )


def test_blocks_of_units_give_the_same_as_one_block():
    counts = some_groups(10, 9)
    blocks = [units_of(counts, own) for own in (slice(0, 4), slice(4, 5), slice(5, 9))]
    assert_same(resampled(blocks, 30), resampled([counts], 30))


@pytest.mark.parametrize(("resamples_at_once", "units_at_once"), [(1, 1), (7, 6), (30, 4)])
def test_any_number_at_once_gives_the_same(monkeypatch, resamples_at_once, units_at_once):
    counts = some_groups(10, 6)
    expected = resampled([counts], 30)
    monkeypatch.setattr(resampling, "RESAMPLES_AT_ONCE", resamples_at_once)
    cached = 8 * units_at_once * CODES * resamples_at_once
    monkeypatch.setattr(resampling, "CACHED_BYTES", cached)
    assert_same(resampled([counts], 30), expected)


def test_identical_groups_give_intervals_of_width_0():
    one = some_groups(1, 6, seed=2)
    counts = Counts(
        *(np.repeat(own, 15, axis=0) for own in (one.intersections, one.activations, one.truths))
    )
    found = resampled([counts], 40)
    rows = iou_slowly(one, [1])
    np.testing.assert_allclose(found.iou[0], [row[label(row)] for row in rows], rtol=1e-6)
    assert (found.iou == found.iou[0]).all()
    assert (found.agreement == 1).all()
    for counting in COUNTINGS:
        unique, units, detecting = detected(rows, counting)
        assert (found.detectors[counting].unique == unique).all()
        assert (found.detectors[counting].units == units).all()
        assert (found.detectors[counting].detecting == detecting).all()


def test_a_clear_winner_is_the_best_in_every_resample_and_a_tied_one_in_half():
    """Unit 0 prefers concept 3 in every group; unit 1 concept 2 in one half of the groups and 3 in the other."""
    groups = 40
    intersections = np.zeros((groups, 2, CODES), np.int32)
    intersections[:, 0, 2:4] = 10, 300
    intersections[::2, 1, 2] = intersections[1::2, 1, 3] = 200
    counts = Counts(
        intersections,
        np.full((groups, 2, 3), 1000, np.int32),
        np.full((groups, CODES), 1000, np.int32),
    )
    found = resampled([counts], 4000)
    assert found.agreement[0] == 1
    # of 40 draws at least 20 are of the first half: concept 2 is the lower code
    assert found.agreement[1] == pytest.approx(0.5 + 0.1254 / 2, abs=0.03)


def test_intervals_are_as_wide_as_the_spread_over_groups_says():
    """Where nothing but the intersection varies, IoU is a mean over groups, of standard error s / sqrt(groups)."""
    groups = 50
    random = np.random.default_rng(3)
    intersections = np.zeros((groups, 1, CODES), np.int32)
    intersections[:, 0, 1] = random.integers(100, 900, groups)
    activations = np.zeros((groups, 1, 3), np.int32)
    activations[:, 0, 0] = intersections[:, 0, 1]  # the mask lies within the concept
    counts = Counts(intersections, activations, np.full((groups, CODES), 1000, np.int32))
    found = resampled([counts], 4000).iou[:, 0]
    shares = intersections[:, 0, 1] / 1000
    error = shares.std() / np.sqrt(groups)
    assert found.mean() == pytest.approx(shares.mean(), abs=4 * error / np.sqrt(4000))
    assert found.std() == pytest.approx(error, rel=0.05)
    low, high = np.quantile(found, (0.025, 0.975))
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.07)


def test_one_group_is_always_drawn():
    counts = some_groups(1, 4)
    found = resampled([counts], 5)
    rows = iou_slowly(counts, [1])
    np.testing.assert_allclose(found.iou, [[row[label(row)] for row in rows]] * 5, rtol=1e-6)


def test_another_purpose_draws_other_resamples():
    counts = some_groups(12, 4)
    first, again = resampled([counts], 10), resampled([counts], 10)
    assert_same(first, again)
    other = resampled([counts], 10, ("test", "resamples", 8))
    assert (first.iou != other.iou).any()


def test_no_resamples_are_none():
    found = resampled([some_groups(6, 4), some_groups(6, 3)], 0)
    assert found.iou.shape == (0, 7)
    assert found.agreement.shape == (7,)
    for counting in COUNTINGS:
        assert found.detectors[counting].unique.shape == (0, 3)
        assert found.detectors[counting].detecting.shape == (0,)
