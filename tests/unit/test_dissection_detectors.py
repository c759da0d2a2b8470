"""Detectors counted by hand under both rules, and by a loop with sets."""

import numpy as np
import pytest

from anatomy.dissection.counts import Concepts
from anatomy.dissection.detectors import (
    COUNTINGS,
    Best,
    Detectors,
    count_detectors,
)

NAMES = ("", "red", "dog", "blue", "car", "wheel")
RED, DOG, BLUE, CAR, WHEEL = range(1, 6)
# texture has no concepts in this set
CONCEPTS = Concepts(("color", "object", "part", "texture"), np.array([-1, 0, 1, 0, 1, 2]), NAMES)
COLOR, OBJECT, PART, TEXTURE = range(4)


def iou_of(*units):
    iou = np.zeros((len(units), len(NAMES)))
    for unit, own in enumerate(units):
        for code, value in own.items():
            iou[unit, code] = value
    return iou


PUBLISHED_MINIMUM = 0.04


def counted(iou, counting, minimum=PUBLISHED_MINIMUM, concepts=CONCEPTS):
    return count_detectors(Best.of(iou, concepts), counting, minimum)


def slowly(iou, counting, minimum, concepts):
    """Unique detectors and detecting units of each category, and units that detect anything."""
    categories = range(len(concepts.categories))
    detected = [set() for _ in categories]
    units = [0 for _ in categories]
    detecting = 0
    for own in iou:
        best = {}
        for category in categories:
            codes = [code for code in range(len(own)) if concepts.category[code] == category]
            if codes:
                best[category] = max(codes, key=lambda code: (own[code], -code))
        if counting == "one_per_unit":
            category = max(best, key=lambda category: (own[best[category]], -category))
            best = {category: best[category]}
        detects = {category: code for category, code in best.items() if own[code] > minimum}
        for category, code in detects.items():
            detected[category].add(code)
            units[category] += 1
        detecting += bool(detects)
    return [len(own) for own in detected], units, detecting


def as_lists(detectors: Detectors):
    return detectors.unique.tolist(), detectors.units.tolist(), detectors.detecting.tolist()


def random_case(shape, seed, categories=4, codes=12):
    """IoU of a few values, so that many are tied; category 1 has no concepts."""
    random = np.random.default_rng(seed)
    category = random.choice([0, *range(2, categories)], codes)
    concepts = Concepts(
        [f"c{n}" for n in range(categories)], np.array([-1, *category]), ["x"] * (codes + 1)
    )
    iou = random.choice([0, 0, 0.01, 0.04, 0.05, 0.2], (*shape, codes + 1))
    iou[..., 0] = 0
    return iou, concepts


def test_the_two_rules_of_counting_by_hand():
    iou = iou_of(
        {CAR: 0.5, RED: 0.3, WHEEL: 0.045},
        {CAR: 0.2, RED: 0.1, DOG: 0.19},
        {BLUE: 0.06, CAR: 0.05},
        {DOG: 0.04, WHEEL: 0.04},
        {},
    )
    # color, object, part, texture
    assert as_lists(counted(iou, "one_per_unit")) == ([1, 1, 0, 0], [1, 2, 0, 0], 3)
    assert as_lists(counted(iou, "one_per_category")) == ([2, 1, 1, 0], [3, 3, 1, 0], 3)
    assert as_lists(counted(iou, "one_per_unit", 0.03)) == ([1, 2, 0, 0], [1, 3, 0, 0], 4)
    assert as_lists(counted(iou, "one_per_category", 0.19)) == ([1, 1, 0, 0], [1, 2, 0, 0], 2)


def test_best_concepts_by_hand():
    best = Best.of(iou_of({CAR: 0.5, DOG: 0.4, RED: 0.3}, {WHEEL: 0.01}, {}), CONCEPTS)
    assert best.codes.tolist() == [[RED, CAR, 0, 0], [0, 0, WHEEL, 0], [0, 0, 0, 0]]
    assert best.iou.tolist() == [[0.3, 0.5, 0, 0], [0, 0, 0.01, 0], [0, 0, 0, 0]]
    category, code, iou = best.of_all()
    assert category[:2].tolist() == [OBJECT, PART]
    assert code.tolist() == [CAR, WHEEL, 0]
    assert iou.tolist() == [0.5, 0.01, 0]


def test_of_equal_ones_the_lowest_code_and_the_first_category_count():
    best = Best.of(iou_of({RED: 0.2, BLUE: 0.2, DOG: 0.2, CAR: 0.2, WHEEL: 0.2}), CONCEPTS)
    assert best.codes.tolist() == [[RED, DOG, WHEEL, 0]]
    category, code, iou = best.of_all()
    assert (category.tolist(), code.tolist(), iou.tolist()) == ([COLOR], [RED], [0.2])
    found = count_detectors(best, "one_per_unit", 0.1)
    assert as_lists(found) == ([1, 0, 0, 0], [1, 0, 0, 0], 1)


@pytest.mark.parametrize("counting", COUNTINGS)
def test_units_that_meet_no_concept_detect_nothing_even_without_a_minimum(counting):
    found = counted(np.zeros((5, len(NAMES))), counting, 0.0)
    assert as_lists(found) == ([0] * 4, [0] * 4, 0)


@pytest.mark.parametrize("counting", COUNTINGS)
def test_an_iou_equal_to_the_minimum_is_not_enough(counting):
    iou = iou_of({CAR: 0.04}, {DOG: np.nextafter(0.04, 1)})
    assert as_lists(counted(iou, counting)) == ([0, 1, 0, 0], [0, 1, 0, 0], 1)


@pytest.mark.parametrize("counting", COUNTINGS)
@pytest.mark.parametrize("seed", range(20))
def test_numbers_equal_a_loop_with_sets(counting, seed):
    iou, concepts = random_case((17,), seed)
    expected = slowly(iou, counting, PUBLISHED_MINIMUM, concepts)
    assert sum(expected[0]) > 0
    assert as_lists(counted(iou, counting, concepts=concepts)) == expected


@pytest.mark.parametrize("counting", COUNTINGS)
def test_many_resamples_at_once_are_the_same_as_one_by_one(counting):
    iou, concepts = random_case((2, 7, 17), 1)
    found = counted(iou, counting, concepts=concepts)
    assert found.unique.shape == found.units.shape == (2, 7, 4)
    assert found.detecting.shape == (2, 7)
    for place in np.ndindex(2, 7):
        own = (found.unique[place].tolist(), found.units[place].tolist(), found.detecting[place])
        assert own == slowly(iou[place], counting, PUBLISHED_MINIMUM, concepts)


def test_best_concepts_of_many_resamples_are_those_of_each():
    iou, concepts = random_case((3, 5), 2)
    best = Best.of(iou, concepts)
    for resample in range(3):
        own = Best.of(iou[resample], concepts)
        np.testing.assert_array_equal(best.codes[resample], own.codes)
        np.testing.assert_array_equal(best.iou[resample], own.iou)
        for found, expected in zip(best.of_all(), own.of_all(), strict=True):
            np.testing.assert_array_equal(found[resample], expected)
