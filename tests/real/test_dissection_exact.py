"""A plain implementation of dissection, which shares nothing with the library, counts the same pixels.

On real photographs and a real AlexNet: thresholds, truth, activation and intersection of every unit and concept.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import plain_dissection as plain
import pytest
import torch
from numpy.typing import NDArray
from paths import DATA
from torch_settings import torch_as_it_was

from anatomy.dissection.count_files import StoredCounts
from anatomy.dissection.counts import Counts
from anatomy.networks.network import new_model, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.recording import RESPONSES
from anatomy.steps import dissection, dissection_responses, labelled_images
from anatomy.steps.step import Job
from anatomy.stimuli.labelled_images import MANIFEST, SPLIT, LabelledImages
from anatomy.store import open_store, read_array, read_rows

FOLDER, WEIGHTS = DATA / "broden_mini", DATA / "weights" / "alexnet20.npz"
pytestmark = pytest.mark.skipif(
    not (FOLDER.is_dir() and WEIGHTS.is_file()),
    reason="the real test data is not beside the project",
)
LAYER, UNITS, BATCH_SIZE, QUANTILE = "conv5", 256, 20, "0.005"
FEW_IMAGES = 60
CATEGORIES = [f"output {number}" for number in range(20)]
SPEC = {
    "network": "alexnet20",
    "threads": 1,
    "layers": [LAYER],
    "layer": LAYER,
    "dtype": "float32",
    "batch_size": BATCH_SIZE,
    "thresholds": "exact",
    "quantile": float(QUANTILE),
    "minimum_iou": 0.04,
    "top_images": 1,
    "resamples": 0,
    "seed": 0,
}


@dataclass
class Found:
    """What the steps found, and what the plain implementation did.

    Attributes
    ----------
    labelled : the images that were shown
    responses, plain_responses : float32 (image, unit, y, x)
    thresholds, plain_thresholds : float32 (unit,)
    counts, plain_counts : of all images
    units : table of the steps
    """

    labelled: LabelledImages
    responses: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    counts: Counts
    units: pd.DataFrame
    plain_responses: NDArray[np.float32]
    plain_thresholds: NDArray[np.float32]
    plain_counts: plain.PlainCounts


def convolutions() -> dict[str, torch.Tensor]:
    """The state of AlexNet's convolutions."""
    stored = np.load(WEIGHTS)
    names = [name for name in stored.files if name.startswith("features.")]
    return {name.removeprefix("features."): torch.from_numpy(stored[name]) for name in names}


def do_steps(place: Path, images: int | None) -> None:
    model = new_model("alexnet", len(CATEGORIES), seed=0)
    model.features.load_state_dict(convolutions())
    preprocessing = Preprocessing(input_size=224, mean=plain.MEAN, std=plain.STD)
    save_network(place / "network", "alexnet", model, preprocessing, CATEGORIES)
    shown = {"labelled": [place / "labelled" / MANIFEST]}
    spec = {"folder": str(FOLDER), "images": images}
    manifest = {"manifest": shown["labelled"]}
    labelled_images.main(Job(spec, 0, {"broden": []} | manifest))
    recorded = {"store": [place / "responses.zarr"], "manifest": [place / "responses.json"]}
    network = {"network": [place / "network/network.json"]}
    dissection_responses.main(Job(SPEC, 0, network | shown | recorded))
    made = {
        "store": [place / "counts.zarr"],
        "manifest": [place / "counts.json"],
        "units": [place / "units.csv"],
        "detectors": [place / "detectors.parquet"],
        "top_images": [place / "top_images.parquet"],
    }
    dissection.main(Job(SPEC, 0, shown | {"responses": recorded["manifest"]} | made))


def dissect(place: Path, images: int | None) -> Found:
    """Dissect the first images by the order of the library."""
    with torch_as_it_was():
        do_steps(place, images)
        rows = plain.read_index(FOLDER)[:images]
        responses = plain.conv5_responses(convolutions(), FOLDER, rows, BATCH_SIZE)
    exceeding = int(Fraction(QUANTILE) * responses[:, 0].size)
    thresholds = plain.thresholds(responses, exceeding)
    recorded = open_store(place / "responses.zarr", place / "responses.json", {})
    units = pd.read_csv(place / "units.csv", keep_default_na=False)
    return Found(
        labelled=LabelledImages.open(place / "labelled"),
        responses=read_rows(read_array(recorded, f"{SPLIT}/{RESPONSES}/{LAYER}"), slice(None)),
        thresholds=units["threshold"].to_numpy(np.float32),
        counts=StoredCounts(place / "counts.zarr", place / "counts.json", {}).total(),
        units=units,
        plain_responses=responses,
        plain_thresholds=thresholds,
        plain_counts=plain.count(FOLDER, rows, responses, thresholds),
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Found:
    return dissect(tmp_path_factory.mktemp("exact"), FEW_IMAGES)


def assert_equal(found: Found) -> None:
    """Every number, as integers."""
    np.testing.assert_array_equal(found.responses, found.plain_responses)
    np.testing.assert_array_equal(found.thresholds, found.plain_thresholds)
    for place, category in enumerate(found.labelled.categories):
        expected = found.plain_counts.activation[category]
        np.testing.assert_array_equal(found.counts.activations[:, place], expected, category)
    numbers = found.labelled.concepts["number"].tolist()
    for code, number in enumerate(numbers, start=1):
        assert found.counts.truths[code] == found.plain_counts.truth[number]
        expected = found.plain_counts.intersection[number]
        np.testing.assert_array_equal(found.counts.intersections[:, code], expected)
    # nothing was left out on either side
    assert set(found.plain_counts.truth) <= set(numbers)
    assert not found.counts.intersections[:, 0].any()


def plain_iou(counts: plain.PlainCounts, category: str, number: int, unit: int) -> Fraction:
    both = int(np.broadcast_to(counts.intersection[number], UNITS)[unit])
    either = int(counts.activation[category][unit]) + counts.truth[number] - both
    return Fraction(both, max(either, 1))


def assert_best_concepts(found: Found) -> None:
    """The table of units has the concept of the largest IoU, in every category and of all."""
    own = plain.own_categories(FOLDER)
    names = found.labelled.concepts.set_index("number")["name"]
    for unit, row in found.units.iterrows():
        best = {}
        for category in plain.CATEGORIES:
            iou = {
                n: plain_iou(found.plain_counts, category, n, unit)
                for n in own
                if own[n] == category
            }
            best[category] = number = max(iou, key=lambda n: (iou[n], -n))
            assert row[f"{category}_iou"] == pytest.approx(float(iou[number]), rel=1e-14)
            assert row[f"{category}_concept"] == (names[number] if iou[number] else "")
        assert row["iou"] == max(row[f"{category}_iou"] for category in plain.CATEGORIES)
        assert row["concept"] == row[f"{row['category']}_concept"]
        assert row["iou"] == row[f"{row['category']}_iou"]
        assert row["detector"] == (row["iou"] > 0.04)


def test_counts_of_some_images_are_the_plain_ones(small):
    assert len(small.responses) == FEW_IMAGES
    assert_equal(small)


def test_there_is_something_to_count(small):
    """Every category is met by most units, and whole images are among the labels."""
    for place, category in enumerate(small.labelled.categories):
        assert (small.counts.activations[:, place] > 0).mean() > 0.5, category
    assert small.labelled.whole(slice(None)).any()
    assert (small.thresholds > 0).all()


def test_best_concepts_of_some_images_are_the_plain_ones(small):
    assert_best_concepts(small)


@pytest.mark.real
def test_counts_of_all_images_are_the_plain_ones(tmp_path):
    """All 922; about a minute."""
    found = dissect(tmp_path, None)
    assert len(found.responses) == 922
    assert_equal(found)
    assert_best_concepts(found)
