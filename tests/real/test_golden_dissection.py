"""The counts of three published dissections give the published IoU and the published numbers of detectors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from paths import DATA

from anatomy.dissection.counts import Concepts, Counts, intersection_over_union
from anatomy.dissection.detectors import Best, count_detectors

GOLDEN = DATA / "golden"
pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="the published dissections are not beside the project"
)

CATEGORIES = ("object", "part", "scene", "material", "texture", "color")

PUBLISHED_MINIMUM = 0.04


@dataclass(frozen=True)
class Published:
    """Numbers of Bau, Zhou et al. (2017) for the fifth convolution of an AlexNet; by category as in CATEGORIES.

    Attributes
    ----------
    detecting : units whose best IoU is above .04
    unique_per_category, units_per_category : of the released figures, which count a unit in every category
    unique : concepts, where each unit has one
    """

    detecting: int
    unique_per_category: tuple[int, ...]
    units_per_category: tuple[int, ...]
    unique: int


PUBLISHED = {
    "imagenet": Published(97, (21, 8, 4, 1, 23, 4), (49, 26, 5, 4, 45, 6), 50),
    "places205": Published(107, (36, 8, 12, 1, 20, 2), (78, 14, 17, 4, 31, 2), 60),
    "places365": Published(118, (40, 9, 13, 2, 25, 2), (81, 17, 21, 3, 47, 2), 72),
}
UNIQUE_PER_CATEGORY = {"imagenet": 61, "places205": 79, "places365": 91}
IMAGENET_UNIQUE = (17, 8, 1, 1, 21, 2)


@pytest.fixture(scope="module", params=PUBLISHED)
def network(request):
    return request.param


@pytest.fixture(scope="module")
def table(network):
    return pd.read_csv(GOLDEN / f"caffe_reference_{network}.csv").sort_values("unit")


@pytest.fixture(scope="module")
def concepts():
    """A concept for every label in each category that it is listed in."""
    labels = pd.read_csv(GOLDEN / "label.csv", keep_default_na=False)
    named = [
        (number, f"{name}:{category}")
        for number, category in enumerate(CATEGORIES)
        for name, listed in zip(labels["name"], labels["category"], strict=True)
        if any(own.startswith(f"{category}(") for own in listed.split(";"))
    ]
    numbers, names = zip(*named, strict=True)
    return Concepts(CATEGORIES, np.array([-1, *numbers]), ["", *names])


@pytest.fixture(scope="module")
def counts(table, concepts):
    """What is published: the counts of the best concept of each unit and category."""
    code = {name: place for place, name in enumerate(concepts.names)}
    found = Counts.none(len(table), len(concepts.names), len(CATEGORIES))
    for number, category in enumerate(CATEGORIES):
        codes = [code[f"{name}:{category}"] for name in table[f"{category}-label"]]
        found.truths[codes] = table[f"{category}-truth"]
        found.intersections[np.arange(len(table)), codes] = table[f"{category}-intersect"]
        found.activations[:, number] = table[f"{category}-activation"]
        # what is true does not depend on the unit
        np.testing.assert_array_equal(found.truths[codes], table[f"{category}-truth"])
    return found


@pytest.fixture(scope="module")
def best(counts, concepts):
    return Best.of(intersection_over_union(counts, concepts.category), concepts)


def test_iou_is_the_published_one_to_the_last_digit(table, best):
    assert len(table) == 256
    for number, category in enumerate(CATEGORIES):
        np.testing.assert_array_equal(best.iou[:, number], table[f"{category}-iou"])


def test_best_concepts_are_the_published_ones(table, best, concepts):
    for number, category in enumerate(CATEGORIES):
        names = [
            concepts.names[code].removesuffix(f":{category}") for code in best.codes[:, number]
        ]
        shown = table[f"{category}-intersect"].to_numpy() > 0
        np.testing.assert_array_equal(
            np.array(names)[shown], table[f"{category}-label"].to_numpy(str)[shown]
        )
    category, code, iou = best.of_all()
    np.testing.assert_array_equal(iou, table["score"])
    assert [CATEGORIES[own] for own in category] == table["category"].tolist()
    labels = table["label"] + ":" + table["category"]
    assert [concepts.names[own] for own in code] == labels.tolist()


def test_numbers_of_detectors_are_the_published_ones(network, best):
    published = PUBLISHED[network]
    per_category = count_detectors(best, "one_per_category", PUBLISHED_MINIMUM)
    assert per_category.detecting == published.detecting
    assert tuple(per_category.unique) == published.unique_per_category
    assert per_category.unique.sum() == UNIQUE_PER_CATEGORY[network]
    assert tuple(per_category.units) == published.units_per_category
    per_unit = count_detectors(best, "one_per_unit", PUBLISHED_MINIMUM)
    assert per_unit.detecting == per_unit.units.sum() == published.detecting
    assert per_unit.unique.sum() == published.unique
    if network == "imagenet":
        assert tuple(per_unit.unique) == IMAGENET_UNIQUE
