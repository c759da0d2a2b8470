"""Detectors by intervention: covers, statistics and a plain loop, and a unit planted for one part.

The labelled images show a grey car with a red wheel and a blue door, at random places, on coloured noise.
"""

import io

import numpy as np
import pandas as pd
import pytest
import small
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.stats import ttest_rel
from torch import nn

from anatomy.covers import covered, elsewhere
from anatomy.errors import InputError
from anatomy.manipulation import Covers, Design, Manipulation, choose_images
from anatomy.manipulation_statistics import Sums, detector_table, relative_effect, unit_table
from anatomy.networks.cut import prefix
from anatomy.stats import t_interval
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

COLUMNS = [
    *("layer", "unit", "concept", "concept_category", "images", "intact", "drop"),
    *("drop_elsewhere", "difference", "low", "high", "p_value", "q_value", "relative_drop"),
    "detector",
]
EXAMPLE_COLUMNS = ["concept", "layer", "unit", "image_id", "condition", "response", "picture"]
SIZE, MASK, IMAGES = small.INPUT, small.INPUT // 2, 12
CAR, WHEEL, DOOR, SKY, ROOM, HUGE = range(1, 7)
CONCEPTS = pd.DataFrame(
    {
        "number": range(1, 7),
        "name": ["car", "wheel", "door", "sky", "room-s", "hull"],
        "category": ["object", "part", "part", "material", "scene", "part"],
        "categories": ["object", "part", "part", "object;material", "scene", "part"],
    }
)
DESIGN = Design(("part",), 10, 5, 3, "mean", 0)


def labelled_car(random):
    """Image uint8 (y, x, channel), and codes (slot, y, x) at half its size."""
    image = random.integers(60, 140, (SIZE, SIZE, 3)).astype(np.uint8)
    codes = np.zeros((2, MASK, MASK), np.uint16)
    top, left = random.integers(0, 4, 2)
    codes[0, top : top + 5, left : left + 5] = CAR
    codes[0][codes[0] == 0] = SKY
    image[2 * top : 2 * top + 10, 2 * left : 2 * left + 10] = 120
    parts = (
        (WHEEL, (random.integers(230, 256), 0, 0), 3, random.integers(4)),
        (DOOR, (0, 0, 255), 0, 1),
    )
    for code, color, down, right in parts:
        y, x = top + down, left + right
        codes[1, y : y + 1, x : x + 2] = code
        image[2 * y : 2 * y + 2, 2 * x : 2 * x + 4] = color
    return image, codes


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    random = np.random.default_rng(0)
    drawn = [labelled_car(random) for _ in range(IMAGES)]
    items = [Item(f"car {n}", "car", "car", "", "dissection", "drawn") for n in range(IMAGES)]
    files = folder / "images.zarr", folder / "images.json", folder / "images.csv"
    load = {item.image_id: image for item, (image, _) in zip(items, drawn, strict=True)}
    write_stimulus_set(*files, items, lambda item: load[item.image_id], SIZE, {})
    codes = np.stack([own for _, own in drawn])
    codes[0, 1] = HUGE
    rows = [
        (image, code, (own == code).sum())
        for image, own in enumerate(codes)
        for code in np.unique(own[own > 0])
    ]
    rows += [(image, ROOM, MASK**2) for image in range(IMAGES)]
    areas = pd.DataFrame(rows, columns=["image", "code", "pixels"])
    return LabelledImages(
        stimuli=StimulusSet.open(*files),
        concepts=CONCEPTS,
        areas=areas.sort_values(["image", "code"], ignore_index=True),
        image_size=SIZE,
        mask_size=MASK,
        reduction=2,
        categories=("object", "part", "material", "scene"),
        digest="",
        _codes=codes,
        _whole=np.full((IMAGES, 1), ROOM, np.uint16),
    )


# Covers


@settings(max_examples=40, deadline=None)
@given(arrays(bool, (6, 7)), arrays(bool, (6, 7)), st.integers(1, 3), st.integers(0, 9))
def test_parts_are_moved_to_where_a_search_finds_them_best(part, preferred, count, seed):
    """All places are tried; each is the best beside the others, within the image and not touching the part."""
    pixels = np.argwhere(part)
    if not len(pixels):
        return
    near = {(y + dy, x + dx) for y, x in pixels for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    gains = {}
    for dy in range(-6, 7):
        for dx in range(-7, 8):
            moved = [(y + dy, x + dx) for y, x in pixels]
            within = all(0 <= y < 6 and 0 <= x < 7 for y, x in moved)
            if within and not near & set(moved):
                gains[tuple(map(tuple, np.array(moved).tolist()))] = sum(
                    bool(preferred[place]) for place in moved
                )
    masks = elsewhere(part, preferred, count, np.random.default_rng(seed))
    if len(gains) < count:
        assert masks is None
        return
    found = [tuple(map(tuple, np.argwhere(mask).tolist())) for mask in masks]
    assert len(set(found)) == count
    covered_already: set[tuple[int, int]] = set()
    for number, place in enumerate(found):
        scores = {
            other: gain - len(covered_already & set(other))
            for other, gain in gains.items()
            if other not in found[:number]
        }
        assert scores[place] == max(scores.values())
        covered_already |= set(place)


def test_places_share_as_little_as_possible():
    """A disc on an ellipse in which no place fits whole: its other places must not be one, shifted by a pixel."""
    y, x = np.mgrid[:112, :112]
    part = (y - 30) ** 2 + (x - 40) ** 2 < 16**2
    owner = ((y - 45) / 40) ** 2 + ((x - 50) / 45) ** 2 < 1
    masks = elsewhere(part, owner, 3, np.random.default_rng(0))
    assert (masks & owner).sum(axis=(1, 2)).min() > 0.4 * part.sum()
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (masks[one] & masks[other]).sum() < 0.3 * part.sum()


def test_equally_good_places_are_drawn_at_random():
    part, everywhere = np.zeros((8, 8), bool), np.ones((8, 8), bool)
    part[3, 3] = True
    found = {
        tuple(np.argwhere(elsewhere(part, everywhere, 1, np.random.default_rng(seed))[0])[0])
        for seed in range(300)
    }
    assert len(found) == 64 - 9


def test_covers_lie_on_the_object_of_the_part(labelled):
    """At the masks' doubled size; the sky around the car is an object, too, but no part of it is a wheel."""
    covers = Covers(labelled, DESIGN)
    on_car = 0
    for image in range(1, IMAGES):
        codes = labelled.codes(slice(image, image + 1))[0]
        part, *moved = covers.masks(image, codes, WHEEL)
        np.testing.assert_array_equal(part, np.kron((codes == WHEEL).any(0), np.ones((2, 2), bool)))
        car = np.kron(codes[0] == CAR, np.ones((2, 2), bool))
        assert len(moved) == 3
        for mask in moved:
            assert mask.sum() == part.sum()
            assert not (mask & part).any()
            on_car += (mask & car).sum() == mask.sum()
        same = covers.masks(image, codes, WHEEL)
        np.testing.assert_array_equal(same, [part, *moved])
    assert on_car > 0.9 * 3 * (IMAGES - 1)


def test_what_has_no_pixels_or_no_other_place_is_not_covered(labelled):
    codes = labelled.codes(slice(0, 1))[0]
    covers = Covers(labelled, DESIGN)
    assert covers.masks(0, codes, HUGE) is None
    assert covers.masks(0, codes, ROOM) is None


def test_images_are_a_random_choice_for_each_concept(labelled):
    chosen = choose_images(labelled, DESIGN)
    assert set(chosen["code"]) == {WHEEL, DOOR}
    images = {code: set(own["image"]) for code, own in chosen.groupby("code")}
    assert len(images[WHEEL]) == 10
    assert images[WHEEL] != images[DOOR]
    with pytest.raises(InputError, match=r"no concept of scene .*minimum_images = 5"):
        choose_images(labelled, Design(("scene",), 10, 5, 3, "mean", 0))


# Statistics


def benjamini_hochberg(p_values):
    """The smallest rate at which each is rejected, step by step."""
    order = np.argsort(p_values)
    q_values, least = np.empty(len(p_values)), 1.0
    for rank in range(len(p_values), 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * len(p_values) / rank)
        q_values[place] = least
    return q_values


def test_statistics_are_those_of_paired_t_tests():
    random = np.random.default_rng(0)
    responses = random.gamma(2, size=(3, 9, 5, 4)).astype(np.float32)  # concept, image, copy, unit
    responses[1, :, 0, 2] += 3
    responses[..., 3] = 0
    sums = Sums.zero(3, 4)
    for concept, image in np.ndindex(3, 9):
        sums.add(concept, responses[concept, image])
    concepts = pd.DataFrame({"name": list("abc"), "category": "part", "images": 9})
    table = unit_table("conv", sums, concepts, 0.05, 0.1)
    assert list(table) == COLUMNS
    assert table[["unit", "concept"]].to_numpy().tolist() == [
        [u, c] for u in range(4) for c in "abc"
    ]
    for row in table.itertuples():
        intact, without, *others = responses["abc".index(row.concept), :, :, row.unit].T.astype(
            float
        )
        other = np.mean(others, axis=0)
        assert row.intact == pytest.approx(intact.mean())
        assert row.drop == pytest.approx((intact - without).mean())
        assert row.drop_elsewhere == pytest.approx((intact - other).mean())
        interval = t_interval(other - without)
        assert (row.difference, row.low, row.high) == pytest.approx(
            (interval.value, interval.low, interval.high), abs=1e-12
        )
        if row.unit == 3:
            assert (row.p_value, row.detector) == (1, False)
            assert np.isnan(row.relative_drop)
        else:
            p_value = ttest_rel(other, without, alternative="greater").pvalue
            assert row.p_value == pytest.approx(p_value, rel=1e-9)
            assert row.relative_drop == pytest.approx(row.drop / row.intact)
    np.testing.assert_allclose(table["q_value"], benjamini_hochberg(table["p_value"].to_numpy()))


@pytest.mark.parametrize(
    ("copies", "detector"),
    [
        ([10, 5, 10, 10], True),
        ([10, 9.2, 10, 10], False),  # loses too little
        ([10, 5, 5.5, 5.5], False),  # loses as much elsewhere
        ([10, 10, 13, 13], False),  # only gains elsewhere
        ([0, 0, 0, 0], False),
    ],
)
def test_a_detector_loses_by_the_part_and_by_that_alone(copies, detector):
    sums = Sums.zero(1, 1)
    for noise in (-0.01, 0, 0.01):
        sums.add(0, np.array(copies, np.float32)[:, None] * (1 + noise))
    concepts = pd.DataFrame({"name": ["a"], "category": "part", "images": 3})
    assert unit_table("conv", sums, concepts, 0.05, 0.1)["detector"].tolist() == [detector]


def test_what_differs_between_images_is_no_detector():
    sums = Sums.zero(1, 1)
    for without in (10, 10, 10, 0, 12):
        sums.add(0, np.array([[10], [without], [10]], np.float32))
    concepts = pd.DataFrame({"name": ["a"], "category": "part", "images": 5})
    row = unit_table("conv", sums, concepts, 0.05, 0.1).iloc[0]
    assert relative_effect(row.to_frame().T) == pytest.approx(0.16)
    assert not row["detector"]


def test_the_strongest_detectors_of_each_layer_come_first():
    rows = [("b", 0, 1, 0.5, 0.5), ("b", 1, 4, 3, 3), ("a", 0, 1, 0.6, 2), ("a", 1, 1, 0.9, 0.8)]
    table = pd.DataFrame(rows, columns=["layer", "unit", "intact", "drop", "difference"])
    table["detector"] = [True, True, True, True]
    found = detector_table(table)
    assert found[["layer", "unit"]].to_numpy().tolist() == [["b", 1], ["b", 0], ["a", 1], ["a", 0]]
    np.testing.assert_allclose(relative_effect(found), [0.75, 0.5, 0.8, 0.6])


# Responses


@pytest.mark.parametrize("fill", ["mean", "noise"])
def test_drops_are_those_of_a_plain_loop(labelled, fill):
    """Over images, copies and units, one at a time."""
    network = small.network_of(small.new("alexnet"))
    design = Design(("part",), 10, 5, 2, fill, 3)
    table = Manipulation(network, labelled, ["conv2", "fc3"], design, 5).table(0.05, 0.1)
    covers, chosen = Covers(labelled, design), choose_images(labelled, design)
    value = {layer: prefix(network.graph, [network.response(layer)]) for layer in ("conv2", "fc3")}
    for code in (WHEEL, DOOR):
        drops = {layer: [] for layer in value}
        for image in chosen.loc[chosen["code"] == code, "image"]:
            rows = slice(image, image + 1)
            name = labelled.stimuli.table["image_id"].iloc[image]
            picture = labelled.stimuli.images(rows)[0]
            masks = covers.masks(name, labelled.codes(rows)[0], code)
            masks = np.concatenate([np.zeros_like(masks[:1]), masks])
            copies = covered(picture, masks, covers.filling(name, picture))
            for layer, read in value.items():
                found = [read(network.input(copy[None]))[0][0] for copy in copies]
                peaks = [own.flatten(1).amax(1) if own.ndim == 3 else own for own in found]
                intact, without, *others = torch.stack(peaks).double().numpy()
                drops[layer].append([intact, intact - without, intact - np.mean(others, axis=0)])
        for layer, own in drops.items():
            rows = table[
                (table["layer"] == layer) & (table["concept"] == CONCEPTS["name"][code - 1])
            ]
            means = np.mean(own, axis=0)
            assert rows["images"].eq(len(own)).all()
            np.testing.assert_allclose(
                rows[["intact", "drop", "drop_elsewhere"]].T, means, rtol=1e-4, atol=1e-5
            )


def planted():
    """Units of the first layer: red and nothing else, any light, green, none; and noise behind it."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU())
    model.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)])
    weights = [[1.0, -1, -1], [0.1, 0.1, 0.1], [-1, 1, -1], [0, 0, 0]]
    model[0].weight.data[:, :, 0, 0] = torch.tensor(weights)
    model[0].bias.data[:] = torch.tensor([-2.0, 3, 0, -1])
    return small.network_of(model, "planted")


@pytest.fixture(scope="module")
def experiment(labelled):
    found = Manipulation(planted(), labelled, ["0"], DESIGN, 16)
    table = found.table(0.05, 0.1)
    return table, found.examples(detector_table(table))


def test_the_planted_unit_detects_its_part_and_no_other(experiment):
    table, _ = experiment
    detectors = table[table["detector"]]
    assert detectors[["unit", "concept"]].to_numpy().tolist() == [[0, "wheel"]]
    assert detectors["relative_drop"].tolist() == [1]
    assert set(table["concept"]) == {"wheel", "door"}


def test_examples_show_what_is_covered(experiment, labelled):
    table, examples = experiment
    assert list(table), list(examples) == (COLUMNS, EXAMPLE_COLUMNS)
    assert len(examples) == 9
    rows = choose_images(labelled, DESIGN).query("code == @WHEEL")["image"].to_numpy()
    reds = labelled.stimuli.images(rows)[..., 0].max((1, 2))
    wanted = rows[np.argsort(-reds.astype(int), kind="stable")[:3]]
    assert examples["image_id"].unique().tolist() == [f"car {row}" for row in wanted]
    assert set(examples["concept"]) == {"wheel"}
    responses = examples.pivot_table(index="image_id", columns="condition", values="response")
    assert (responses["covered"] == 0).all()
    assert (responses["intact"] > 0).all()
    assert (responses["elsewhere"] == responses["intact"]).all()
    for row in examples.itertuples():
        picture = np.asarray(Image.open(io.BytesIO(row.picture)).convert("RGB")).astype(int)
        reds = ((picture[..., 0] > 180) & (picture[..., 2] < 60)).any()
        assert reds == (row.condition != "covered")


def test_the_same_batches_give_the_same_bits(experiment, labelled):
    again = Manipulation(planted(), labelled, ["0"], DESIGN, 16).table(0.05, 0.1)
    pd.testing.assert_frame_equal(again, experiment[0], check_exact=True)
