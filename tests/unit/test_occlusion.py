"""Occlusion: places and covers, drops against a plain loop, and a planted patch that a unit needs."""

import numpy as np
import pandas as pd
import pytest
import small
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from anatomy import occlusion as module
from anatomy.covers import covered, filling, patch_masks, patches
from anatomy.networks.cut import prefix
from anatomy.occlusion import Covering, choose_units, occlusion
from anatomy.randomness import generator
from anatomy.top_images import PeakReader, top_images

COLUMNS = [
    *("layer", "unit", "image", "image_id", "top", "left", "side", "intact", "response", "drop"),
]
MEAN = Covering(patch=0.25, stride=0.2, fill="mean", seed=0)


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return small.stimulus_set(tmp_path_factory.mktemp("stimuli"), images={"evaluation": 3})


# Places and covers


@given(st.integers(8, 60), st.floats(0.02, 1), st.floats(0.01, 1))
def test_patches_reach_all_edges_and_stay_within(size, patch, stride):
    places = patches(size, patch, stride)
    side = places[0].side
    assert len(set(places)) == len(places)
    assert side == min(size, max(1, round(patch * size)))
    tops = sorted({place.top for place in places})
    assert tops == sorted({place.left for place in places})
    assert len(places) == len(tops) ** 2
    assert (tops[0], tops[-1]) == (0, size - side)
    assert max(np.diff(tops), default=0) <= max(1, round(stride * size))


def test_patches_of_a_fifth_every_tenth():
    places = patches(100, 0.2, 0.1)
    assert [place.left for place in places[:9]] == [*range(0, 90, 10)]
    assert len(places) == 81


def test_masks_are_the_patches():
    places = patches(7, 0.4, 0.3)
    for place, mask in zip(places, patch_masks(places, 7), strict=True):
        for y, x in np.ndindex(7, 7):
            rows = range(place.top, place.top + place.side)
            columns = range(place.left, place.left + place.side)
            assert mask[y, x] == (y in rows and x in columns)


def test_what_covers():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2] = 200, 100, 51
    random = np.random.default_rng(0)
    assert (filling(image, "mean", random) == (100, 50, 26)).all()
    assert (filling(image, "grey", random) == 127).all()
    noise = filling(np.zeros((60, 60, 3), np.uint8), "noise", random)
    assert (noise.min(), noise.max()) == (0, 255)
    assert noise.mean() == pytest.approx(127.5, abs=4)
    mask = np.zeros((2, 4, 4), bool)
    mask[1, 1, 2] = True
    copies = covered(image, mask, np.full_like(image, 9))
    np.testing.assert_array_equal(copies[0], image)
    assert (copies[1][mask[1]] == 9).all()
    np.testing.assert_array_equal(copies[1][~mask[1]], image[~mask[1]])


# Responses


def plain_drop(network, stimuli, row, covering):
    """Intact and covered response of one unit at one place, one image at a time."""
    shown = network.preprocessing.crop(stimuli.images(slice(row.image, row.image + 1)))
    value = prefix(network.graph, [network.response(row.layer)])
    cover = filling(shown[0], covering.fill, generator(covering.seed, "occlusion", row.image_id))
    hidden = shown.copy()
    box = slice(row.top, row.top + row.side), slice(row.left, row.left + row.side)
    hidden[0][box] = cover[box]
    return [value(network.input(own))[0][0, row.unit].max().item() for own in (shown, hidden)]


@pytest.mark.parametrize(("fill", "batch_size"), [("mean", 100), ("noise", 4)])
def test_drops_are_those_of_a_plain_loop(fill, batch_size, stimuli):
    network = small.network_of(small.new("alexnet"))
    covering = Covering(patch=0.3, stride=0.3, fill=fill, seed=1)
    top = top_images(network, stimuli, "evaluation", 10, kept=2)
    units = choose_units(top, ["conv1", "conv2", "fc4"], 2, 0, "small")
    table = occlusion(network, stimuli, units, covering, batch_size)
    assert list(table) == COLUMNS
    assert len(table) == len(units) * len(patches(small.INPUT, 0.3, 0.3))
    assert table["layer"].unique().tolist() == ["conv1", "conv2", "fc4"]
    best = top[top["rank"] == 0].set_index(["layer", "unit"])
    for row in table.itertuples():
        intact, response = plain_drop(network, stimuli, row, covering)
        assert row.image_id == best.loc[(row.layer, row.unit), "image_id"]
        assert row.intact == pytest.approx(best.loc[(row.layer, row.unit), "response"], rel=1e-5)
        assert row.intact == pytest.approx(intact, rel=1e-5)
        assert row.response == pytest.approx(response, rel=1e-4, abs=1e-5)
        assert row.drop == row.intact - row.response
    pd.testing.assert_frame_equal(table, occlusion(network, stimuli, units, covering, batch_size))


def test_an_image_is_covered_once_for_all_its_units(stimuli, monkeypatch):
    network = small.network_of(small.new("alexnet"))
    top = top_images(network, stimuli, "evaluation", 10)
    units = top[top["layer"].isin(["conv1", "conv2"])]
    assert units["image"].nunique() < len(units)
    copies = []

    class Counted(PeakReader):
        def __call__(self, images):
            copies.append(len(images))
            return super().__call__(images)

    monkeypatch.setattr(module, "PeakReader", Counted)
    occlusion(network, stimuli, units, MEAN, 10)
    places = len(patches(small.INPUT, MEAN.patch, MEAN.stride))
    assert sum(copies) == units["image"].nunique() * (1 + places)
    assert max(copies) == 10


def test_units_are_drawn_from_those_that_respond(stimuli):
    network = small.network_of(small.new("alexnet"))
    top = top_images(network, stimuli, "evaluation", 10, kept=2)
    silent = top["unit"].isin([1, 4]) & (top["layer"] == "conv1")
    top.loc[silent, "response"] = 0
    drawn = [choose_units(top, ["conv2", "conv1"], 3, seed, "small") for seed in range(30)]
    for units in drawn:
        assert units["layer"].tolist() == ["conv2"] * 3 + ["conv1"] * 3
        assert (units["rank"] == 0).all()
        assert units.groupby("layer")["unit"].is_monotonic_increasing.all()
    found = {unit for units in drawn for unit in units.loc[units["layer"] == "conv1", "unit"]}
    assert found == {0, 2, 3, 5, 6, 7}
    assert len(choose_units(top, ["conv1"], 100, 0)) == 6


def test_a_planted_patch_is_what_the_unit_needs(tmp_path):
    """A unit that sees red loses all where the red dot is covered, and nothing elsewhere."""
    model = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU(), nn.Flatten())
    model.append(nn.Linear(small.INPUT**2, 5))
    model[0].weight.data[0, :, 0, 0] = torch.tensor([1.0, -1, -1])
    model[0].bias.data[:] = -2
    stimuli = small.stimulus_set(tmp_path, images={"evaluation": 1})
    pictures = np.full((5, small.STORED, small.STORED, 3), 100, np.uint8)
    pictures[2, 9, 12] = 255, 0, 0  # pixel 7, 10 of what the network is shown
    shown = type(stimuli)(stimuli.table, stimuli.digest, pictures)
    network = small.network_of(model)
    units = choose_units(top_images(network, shown, "evaluation", 5, 1, ["0"]), ["0"], 1)
    table = occlusion(network, shown, units, MEAN, 50)
    there = (table["top"] <= 7) & (table["top"] + table["side"] > 7)
    there &= (table["left"] <= 10) & (table["left"] + table["side"] > 10)
    assert (table["image"] == 2).all()
    assert 0 < there.sum() < len(table)
    assert (table.loc[there, "response"] == 0).all()
    assert (table.loc[~there, "drop"] == 0).all()
    assert (table["intact"] > 0).all()
