"""Counts equal a loop over images, pixels, units and concepts; IoU and the rule of categories by hand."""

import numpy as np
import pytest

from anatomy.dissection.counts import Concepts, Counts, Tally, intersection_over_union

RED, BLUE, DOG, CAR, WHEEL, STREET = range(1, 7)
CONCEPTS = Concepts(
    ("color", "object", "part", "scene"),
    np.array([-1, 0, 0, 1, 1, 2, 3]),
    ("", "red", "blue", "dog", "car", "wheel", "street"),
)


def some_concepts(number, categories, random):
    own = random.integers(0, categories, number)
    own[:categories] = np.arange(categories)
    names = [f"concept {code}" for code in range(1, number + 1)]
    return Concepts(
        [f"category {own}" for own in range(categories)], np.array([-1, *own]), ["", *names]
    )


def some_image(concepts, slots, pixels, random):
    """Concepts of each pixel, packed to the lowest slots, and of the whole image."""
    present = random.permutation(np.arange(1, len(concepts.names)))[: random.integers(1, 8)]
    count = int(random.integers(0, min(3, len(present))))
    whole, others = present[:count], present[count:]
    codes = np.zeros((slots, pixels), np.uint16)
    for pixel in range(pixels):
        own = random.permutation(others)[: random.integers(0, slots + 1)]
        codes[: len(own), pixel] = own
    return codes, whole.astype(np.uint16)


def described(codes, whole):
    """Codes of all concepts of an image in order, and how many pixels show each."""
    found, pixels = np.unique(codes[codes > 0], return_counts=True)
    areas = dict(zip(found.tolist(), pixels.tolist(), strict=True))
    areas |= dict.fromkeys(whole.tolist(), codes.shape[1])
    present = np.array(sorted(areas), np.int64)
    return present, np.array([areas[code] for code in present], np.int64)


def tally(units, concepts, images):
    own = Tally(units, concepts)
    for masks, codes, whole in images:
        own.add(*np.nonzero(masks), codes, whole, *described(codes, whole))
    return own.counts


def slowly(units, concepts, images):
    """The definitions, pixel by pixel."""
    counts = Counts.none(units, len(concepts.names), len(concepts.categories))
    for masks, codes, whole in images:
        shown = [set(codes[:, pixel].tolist()) - {0} for pixel in range(codes.shape[1])]
        shown = [own | set(whole.tolist()) for own in shown]
        categories = {int(concepts.category[code]) for code in set().union(*shown)}
        for pixel, own in enumerate(shown):
            for code in own:
                counts.truths[code] += 1
            for unit in range(units):
                if masks[unit, pixel]:
                    for code in own:
                        counts.intersections[unit, code] += 1
                    for category in categories:
                        counts.activations[unit, category] += 1
    return counts


def assert_equal(found, expected):
    for name in ("intersections", "activations", "truths"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("slots", "categories"), [(1, 1), (2, 3), (5, 6)])
def test_counts_equal_a_loop_over_pixels(slots, categories, seed):
    random = np.random.default_rng([seed, slots])
    units, pixels = 5, 24
    concepts = some_concepts(20, categories, random)
    images = []
    for active in (0.3, 0.05, 1, 0, 0.5):
        masks = random.random((units, pixels)) < active
        masks[3] = False  # a unit that is active nowhere
        images.append((masks, *some_image(concepts, slots, pixels, random)))
    expected = slowly(units, concepts, images)
    assert expected.intersections.any()
    assert not expected.intersections[:, 0].any()
    assert_equal(tally(units, concepts, images), expected)


def test_the_order_in_which_images_are_counted_does_not_matter():
    random = np.random.default_rng(5)
    concepts = some_concepts(12, 3, random)
    images = [
        (random.random((3, 30)) < 0.4, *some_image(concepts, 2, 30, random)) for _ in range(6)
    ]
    assert_equal(tally(3, concepts, images), tally(3, concepts, images[::-1]))


def image_of(pixels, *slots, whole=()):
    codes = np.zeros((max(len(slots), 1), pixels), np.uint16)
    for place, own in enumerate(slots):
        codes[place] = own
    return codes, np.array(whole, np.uint16)


def test_activation_is_counted_only_on_images_that_show_a_concept_of_the_category():
    """Three images of 4 pixels; the unit is active at 2, 3 and 4 of them."""
    street = image_of(4, [CAR, CAR, CAR, 0], [WHEEL, 0, 0, 0], whole=[STREET])
    dog = image_of(4, [0, DOG, DOG, DOG])
    red = image_of(4, [RED, RED, 0, 0])
    masks = ([1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1])
    images = [
        (np.array([own], bool), *image)
        for own, image in zip(masks, (street, dog, red), strict=True)
    ]
    counts = tally(1, CONCEPTS, images)
    assert counts.activations.tolist() == [[4, 2 + 3, 2, 2]]  # color, object, part, scene
    assert counts.truths.tolist() == [0, 2, 0, 3, 3, 1, 4]
    assert counts.intersections.tolist() == [[0, 2, 0, 2, 2, 1, 2]]
    iou = intersection_over_union(counts, CONCEPTS.category)
    expected = [0, 2 / 4, 0, 2 / (5 + 3 - 2), 2 / (5 + 3 - 2), 1 / 2, 2 / 4]
    assert iou.tolist() == [expected]


def test_a_pixel_with_two_concepts_counts_for_both():
    image = image_of(3, [CAR, CAR, BLUE], [RED, 0, CAR])
    counts = tally(2, CONCEPTS, [(np.array([[1, 0, 1], [0, 1, 0]], bool), *image)])
    assert counts.intersections[:, [RED, BLUE, CAR]].tolist() == [[1, 1, 2], [0, 0, 1]]
    assert counts.activations[:, :2].tolist() == [[2, 2], [1, 1]]


def test_an_image_without_concepts_counts_nowhere():
    counts = tally(2, CONCEPTS, [(np.ones((2, 5), bool), *image_of(5))])
    assert_equal(counts, Counts.none(2, 7, 4))


def test_iou_by_hand():
    counts = Counts(
        np.array([[0, 3, 0, 0], [0, 0, 5, 0], [0, 5, 1, 0]]),
        np.array([[10, 0], [0, 5], [5, 7]]),
        np.array([0, 5, 5, 0]),
    )
    iou = intersection_over_union(counts, np.array([-1, 0, 1, 1]))
    expected = [[0, 3 / 12, 0, 0], [0, 0, 1, 0], [0, 1, 1 / 11, 0]]
    np.testing.assert_array_equal(iou, expected)


def test_iou_of_several_groups_is_that_of_each():
    random = np.random.default_rng(0)
    category = np.array([-1, 0, 1, 1, 0])
    intersections = random.integers(0, 9, (6, 3, 5))
    intersections[..., 0] = 0
    groups = Counts(
        intersections, random.integers(9, 99, (6, 3, 2)), random.integers(9, 99, (6, 5))
    )
    found = intersection_over_union(groups, category)
    for group in range(6):
        own = Counts(groups.intersections[group], groups.activations[group], groups.truths[group])
        np.testing.assert_array_equal(found[group], intersection_over_union(own, category))


def test_totals_do_not_overflow_the_integers_of_the_groups():
    large = np.int32(2**31 - 1)
    groups = Counts(np.full((3, 2, 4), large), np.full((3, 2, 1), large), np.full((3, 4), large))
    total = groups.total()
    assert total.intersections.tolist() == [[3 * (2**31 - 1)] * 4] * 2
    assert total.activations.tolist() == [[3 * (2**31 - 1)]] * 2
    assert total.truths.tolist() == [3 * (2**31 - 1)] * 4
