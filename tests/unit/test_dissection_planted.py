"""Planted detectors are found: units for red, for trees and for sand among units of noise, from drawings to tables.

The units of the first convolution tell by how much a colour lies above or below a wanted one, in each channel; a
planted unit of the second convolution subtracts all that from a constant, and responds to what is left. Few things but
trees are painted in their dark green, and few but sand in its light yellow. Sand is an object and a material, of which
the later counts as its category.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from planted import planted_network
from torch import nn

from anatomy.dissection.bases import random_rotation
from anatomy.dissection.count_files import StoredCounts
from anatomy.dissection.counts import Counts, intersection_over_union
from anatomy.dissection.dissection import Counter, concepts_of, find_thresholds
from anatomy.dissection.responses import Maps
from anatomy.steps import (
    dissection,
    dissection_responses,
    labelled_images,
    rotations,
    toybox_broden,
)
from anatomy.steps.step import Job
from anatomy.stimuli.labelled_images import LabelledImages

# concept, its category, and the colour (red, green, blue) of what shows it
PLANTED = {
    "red-c": ("color", (208, 34, 38)),
    "tree": ("object", (41, 117, 53)),
    "sand": ("material", (231, 215, 134)),
}
NOISE, SILENT = 12, 1
UNITS = len(PLANTED) + SILENT + NOISE
NOISE_CHANNELS = 8
SIZE, IMAGES_PER_CATEGORY = 64, 12
QUANTILE, MINIMUM, TOP_IMAGES = 0.01, 0.04, 10
RESAMPLES, REPEATS = 500, 5


def model(outputs):
    """conv1 at half and conv2 at a quarter of the image's size: weights are planted by `plant`."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 6 * len(PLANTED) + NOISE_CHANNELS, 3, stride=2, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(6 * len(PLANTED) + NOISE_CHANNELS, UNITS, 3, stride=2, padding=1),
            relu2=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc3=nn.Linear(UNITS, outputs),
        )
    )


def plant(network):
    """Units for colours first, then one that never responds, then noise."""
    random = np.random.default_rng(0)
    conv1, conv2 = network.conv1, network.conv2
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for unit, (_, color) in enumerate(PLANTED.values()):
            own = slice(6 * unit, 6 * unit + 6)
            signed = torch.cat([torch.eye(3), -torch.eye(3)])
            conv1.weight[own] = signed[:, :, None, None] / 9
            conv1.bias[own] = -signed @ torch.tensor(color).float() / 255
            conv2.weight[unit, own] = -1 / 9
            conv2.bias[unit] = 0.6
        conv2.bias[len(PLANTED)] = -1
        noise = conv1.weight[6 * len(PLANTED) :]
        noise[:] = normal(random, noise.shape)
        noise -= noise.mean(dim=(2, 3), keepdim=True)  # blind to colour
        own = conv2.weight[len(PLANTED) + SILENT :, 6 * len(PLANTED) :]
        own[:] = normal(random, own.shape) / 10
    return network


def normal(random, shape):
    return torch.from_numpy(random.standard_normal(shape).astype(np.float32))


def spec(**more):
    shared = {"network": "planted", "threads": 1, "layer": "conv2", "seed": 0}
    detecting = {"quantile": QUANTILE, "thresholds": "exact", "minimum_iou": MINIMUM}
    return shared | detecting | more


def do_steps(place: Path):
    drawn = {"folder": [place / "broden"], "manifest": [place / "broden.json"]}
    scenes = {"images_per_category": IMAGES_PER_CATEGORY, "image_size": SIZE, "seed": 0}
    toybox_broden.main(Job(scenes, 0, drawn))
    shown = {"labelled": [place / "labelled/labels.json"]}
    labels = {"broden": drawn["manifest"], "manifest": shown["labelled"]}
    labelled_images.main(Job({"images": None}, 0, labels))
    recorded = {"store": [place / "responses.zarr"], "manifest": [place / "responses.json"]}
    network = {"network": [place / "network/network.json"]}
    more = {"layers": ["conv2"], "dtype": "float32", "batch_size": 32}
    dissection_responses.main(Job(spec(**more), 0, network | shown | recorded))
    read = shown | {"responses": recorded["manifest"]}
    made = {
        "store": [place / "counts.zarr"],
        "manifest": [place / "counts.json"],
        "units": [place / "units.csv"],
        "detectors": [place / "detectors.parquet"],
        "top_images": [place / "top_images.parquet"],
    }
    dissection.main(Job(spec(top_images=TOP_IMAGES, resamples=RESAMPLES), 0, read | made))
    more = {"strengths": [1.0], "combined_units": [], "repeats": REPEATS}
    rotations.main(Job(spec(**more), 0, read | {"table": [place / "rotations.parquet"]}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All steps of dissection, done on the planted network."""
    place = tmp_path_factory.mktemp("planted")
    with planted_network(place / "network", model, plant, SIZE, ["a", "b"]):
        do_steps(place)
    return place


@pytest.fixture(scope="module")
def labelled(folder):
    return LabelledImages.open(folder / "labelled")


@pytest.fixture(scope="module")
def units(folder):
    return pd.read_csv(folder / "units.csv", keep_default_na=False).set_index("unit")


@pytest.fixture(scope="module")
def counts(folder):
    """Of every group of images: (group, unit, code)."""
    (block,) = StoredCounts(folder / "counts.zarr", folder / "counts.json", {}).blocks()
    return block


@pytest.fixture(scope="module")
def codes(labelled):
    """Codes of the planted concepts; the place of each is the unit planted for it."""
    names = labelled.concepts["name"].tolist()
    return [names.index(concept) + 1 for concept in PLANTED]


def iou_of(counts, labelled):
    """IoU (unit, code) of counts over all images."""
    return intersection_over_union(counts, concepts_of(labelled).category)


def test_exactly_the_planted_units_are_labelled_so(units):
    for unit, (concept, (category, _)) in enumerate(PLANTED.items()):
        row = units.loc[unit]
        assert (row["concept"], row["category"]) == (concept, category)
        assert row["detector"]
        assert row["iou"] == row[f"{category}_iou"] > 2 * MINIMUM
        labelled_so = units["detector"] & (units["concept"] == concept)
        assert units.index[labelled_so].tolist() == [unit]


def test_no_other_unit_comes_near(counts, labelled, codes):
    iou = iou_of(counts.total(), labelled)
    for unit, code in enumerate(codes):
        assert iou[unit, code] > 3 * np.delete(iou[:, code], unit).max()


def test_planted_labels_do_not_depend_on_the_drawn_images(units):
    planted = units.loc[: len(PLANTED) - 1]
    assert (planted["agreement"] > 0.95).all()
    assert (units["agreement"] <= 1).all()
    assert (planted["low"] > MINIMUM).all()


def test_intervals_are_as_wide_as_the_jackknife_says(units, counts, labelled, codes):
    """Groups of images are what both draw or leave out."""
    groups = len(counts.truths)
    for unit, code in enumerate(codes):
        without = [iou_of(all_but(counts, group), labelled)[unit, code] for group in range(groups)]
        error = np.sqrt((groups - 1) * np.var(without))
        row = units.loc[unit]
        assert row["low"] < row["iou"] < row["high"]
        assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * error, rel=0.2)


def all_but(counts, group):
    names = ("intersections", "activations", "truths")
    return Counts(*(np.delete(getattr(counts, name), group, axis=0) for name in names)).total()


def test_a_unit_that_never_responds_detects_nothing(units):
    row = units.loc[len(PLANTED)]
    assert (row["concept"], row["category"]) == ("", "")
    assert (row[["threshold", "iou", "low", "high"]] == 0).all()
    assert not row["detector"]
    for category, _ in PLANTED.values():
        assert row[f"{category}_concept"] == ""
        assert row[f"{category}_activation"] == row[f"{category}_intersection"] == 0


def test_planted_units_respond_most_where_their_concept_is(folder, labelled, codes):
    """Position i of conv2 lies at pixel 4 i of the image, and so at pixel 2 i of the labels."""
    top = pd.read_parquet(folder / "top_images.parquet")
    rows = {name: row for row, name in enumerate(labelled.stimuli.table["image_id"])}
    for unit, code in enumerate(codes):
        hits = []
        for image, y, x in top.loc[top["unit"] == unit, ["image_id", "y", "x"]].to_numpy():
            row = rows[image]
            hits.append(code in labelled.codes(slice(row, row + 1))[0, :, 2 * y, 2 * x])
        assert len(hits) == TOP_IMAGES
        assert np.mean(hits) >= 0.5


def test_detectors_are_those_of_the_table_of_units(folder, units):
    detectors = pd.read_parquet(folder / "detectors.parquet").query("counting == 'one_per_unit'")
    own = units[units["detector"]]
    for row in detectors.itertuples():
        counted = own if row.category == "all" else own[own["category"] == row.category]
        assert row.unique_detectors == counted["concept"].nunique()
        assert row.detector_units == len(counted)


def test_little_is_left_after_rotation(folder, labelled, counts, codes):
    """Rotated by the library, so that it is known which concepts are detected."""
    maps = Maps.open(folder / "responses.json", "conv2", labelled)
    counter = Counter(labelled, maps.upsampling(labelled), 1)
    best, labels = [], []
    for seed in range(REPEATS):
        turned = maps.turned(random_rotation(UNITS, np.random.default_rng(seed)))
        thresholds = find_thresholds(turned, "exact", QUANTILE)
        iou = iou_of(counter.all_images(turned, thresholds), labelled)
        best.append(iou[:, codes].max(axis=0))
        detected = iou.argmax(axis=1)[iou.max(axis=1) > MINIMUM]
        labels.append(len(set(detected) & set(codes)))
    own = iou_of(counts.total(), labelled)[np.arange(len(codes)), codes]
    assert (np.mean(best, axis=0) < own / 2).all()
    assert max(labels) < len(PLANTED)
    assert np.mean(labels) < len(PLANTED) / 2


def test_other_bases_have_fewer_detectors(folder):
    table = pd.read_parquet(folder / "rotations.parquet")
    table = table.query("counting == 'one_per_unit' and category == 'all'")
    detectors = pd.read_parquet(folder / "detectors.parquet")
    expected = detectors.query("counting == 'one_per_unit' and category == 'all'")
    own = table.query("alpha == 0")["unique_detectors"].item()
    assert own == expected["unique_detectors"].item() >= len(PLANTED)
    rotated = table.query("alpha == 1")["unique_detectors"]
    assert len(rotated) == REPEATS
    assert rotated.mean() < own


def test_counts_are_the_same_however_many_processes_count(folder, labelled, monkeypatch):
    monkeypatch.setattr("anatomy.dissection.dissection.WORTH_PROCESSES", 0)
    maps = Maps.open(folder / "responses.json", "conv2", labelled)
    thresholds = find_thresholds(maps, "exact", QUANTILE)
    one, two = (
        Counter(labelled, maps.upsampling(labelled), processes).all_images(maps, thresholds)
        for processes in (1, 2)
    )
    np.testing.assert_array_equal(one.intersections, two.intersections)
    np.testing.assert_array_equal(one.activations, two.activations)
    np.testing.assert_array_equal(one.truths, two.truths)
