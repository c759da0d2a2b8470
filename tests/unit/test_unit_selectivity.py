"""Selective units against scipy, and planted in images and weights."""

import numpy as np
import pandas as pd
import pytest
import small
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind
from torch import nn

from anatomy.errors import InputError
from anatomy.identity.features import flat_responses, mean_responses
from anatomy.identity.selectivity import cohens_d, selectivity, welch
from anatomy.steps import unit_selectivity as step
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

COLUMNS = [
    *("layer", "unit", "face", "house", "other"),
    *("face_t", "face_p", "face_q", "house_t", "house_p", "house_q", "effect", "selective"),
]


# --- tests


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 30), st.integers(2, 30), st.floats(0.01, 100), st.integers(0, 999))
def test_welch_is_that_of_scipy(first, second, spread, seed):
    random = np.random.default_rng(seed)
    one = random.standard_normal((first, 7)) + np.linspace(-2, 2, 7)
    other = spread * random.standard_normal((second, 7))
    expected = ttest_ind(one, other, equal_var=False)
    t, p = welch(one, other)
    np.testing.assert_allclose(t, expected.statistic, rtol=1e-9)
    np.testing.assert_allclose(p, expected.pvalue, rtol=1e-7)


def test_units_that_do_not_vary():
    """Rounding makes no difference of equal responses; without any spread a difference is certain."""
    face, house = np.tile([0.1, 0.5, 0], (7, 1)), np.tile([0.1, 0.75, 0], (13, 1))
    t, p = welch(face, house)
    assert t.tolist() == [0, -np.inf, 0]
    assert p.tolist() == [1, 0, 1]
    assert cohens_d(face, house).tolist() == [0, -np.inf, 0]


def test_cohens_d_by_hand():
    """Variances 1 and 7 with 2 and 3 degrees of freedom: pooled (2 + 21) / 5."""
    face, house = np.array([[4.0], [5], [6]]), np.array([[0.0], [1], [5], [6]])
    house -= house.mean() - 1
    squares = ((house - 1) ** 2).sum() + 2
    assert cohens_d(face, house) == pytest.approx(4 / np.sqrt(squares / 5))
    assert cohens_d(house, face) == -cohens_d(face, house)


def test_q_values_are_those_of_benjamini_and_hochberg():
    random = np.random.default_rng(0)
    responses = {kind: random.standard_normal((20, 60)) for kind in ("face", "house")}
    responses["face"][:, :10] += 1.5
    table = selectivity(responses, 0.05)
    p = table["house_p"].to_numpy()
    order = np.argsort(p)
    slow = np.empty(60)
    for rank, unit in enumerate(order, 1):
        slow[unit] = min(p[order[later - 1]] * 60 / later for later in range(rank, 61))
    np.testing.assert_allclose(table["house_q"], slow)
    assert table["face_t"].to_numpy() == pytest.approx(-table["house_t"].to_numpy())
    assert (table["selective"][:10] == "face").all()


def test_noise_is_rarely_selective():
    random = np.random.default_rng(1)
    kinds = {"face": 30, "house": 25, "other": 40}
    responses = {kind: random.standard_normal((n, 2000)) for kind, n in kinds.items()}
    assert (selectivity(responses, 0.05)["selective"] != "").sum() <= 2
    assert (selectivity(responses, 0.05)["face_p"] < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_kinds_need_samples():
    with pytest.raises(InputError, match="at least 2 samples of kind 'house'"):
        selectivity({"face": np.ones((5, 2)), "house": np.ones((1, 2))}, 0.05)
    with pytest.raises(InputError, match="of kind 'face'"):
        selectivity({"house": np.ones((5, 2)), "other": np.ones((3, 2))}, 0.05)


# --- planted

# Faces are red, houses blue, other things green. Each unit reads the colours with these weights.
UNITS = {
    "face": (1, 0, 0),
    "house": (0, 0, 1),
    "face and house": (1, 0, 1),
    "other": (0, 1, 0),
    "other more than face": (1, 1.2, 0),
    "all": (1, 1, 1),
    "never": (0, 0, 0),
    "face, strongly": (5, 0, 0),
    "face, against houses": (1, 0, -1),
}
COLOURS = {"face": 0, "house": 2, "other": 1}
FACE_UNITS = {"face", "face, strongly", "face, against houses"}
HOUSE_UNITS = {"house"}


def planted():
    """One convolution whose units read colours, and an output layer."""
    model = nn.Sequential(nn.Conv2d(3, len(UNITS), 1, bias=False), nn.ReLU(), nn.Flatten())
    model.append(nn.Linear(len(UNITS) * small.INPUT**2, len(small.CATEGORIES)))
    with torch.no_grad():
        model[0].weight[:] = torch.tensor(list(UNITS.values())).float()[:, :, None, None]
    network = small.network_of(model)
    plain = network.preprocessing.model_copy(update={"mean": (0, 0, 0), "std": (1, 1, 1)})
    return network.__class__(**vars(network) | {"preprocessing": plain})


def coloured(folder, groups):
    """A stimulus set: groups of (kind, identity, split, number); all of one lightness but for noise."""
    folder.mkdir()
    items = [
        Item(f"{kind}/{name}/{split}/{number}", kind, name, kind, split, "noise")
        for kind, name, split, count in groups
        for number in range(count)
    ]
    random = np.random.default_rng(0)
    images = {}
    for item in items:
        image = random.integers(0, 60, (small.INPUT, small.INPUT, 3))
        image[..., COLOURS[item.category]] += random.integers(60, 120)
        images[item.image_id] = image.astype(np.uint8)
    files = folder / "images.zarr", folder / "images.json", folder / "images.csv"
    write_stimulus_set(*files, items, lambda item: images[item.image_id], small.INPUT, {})
    return StimulusSet.open(*files)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Identities (those of the test have colours exchanged, so that they must not be used) and a localizer."""
    folder = tmp_path_factory.mktemp("selectivity")
    coloured(
        folder / "identities",
        [(kind, f"{number}", "training", 3) for kind in ("face", "house") for number in range(8)]
        + [(kind, "9", "test", 2) for kind in ("face", "house")],
    )
    coloured(folder / "localizer", [(kind, kind, "localizer", 30) for kind in COLOURS])
    return folder


def run(files, localizer, monkeypatch, layers=("0",), level=0.05):
    monkeypatch.setattr(step, "open_network", lambda job: planted())
    spec = {"network": "small", "layers": list(layers), "level": level, "batch_size": 11}
    spec["localizer"] = localizer
    paths = {
        "identities": [files / "identities" / "images.json"],
        "localizer": [files / "localizer" / "images.json"] if localizer else [],
        "table": [files / "selectivity.csv"],
    }
    step.main(Job(spec | {"threads": 1}, 0, paths))
    return pd.read_csv(files / "selectivity.csv", keep_default_na=False, na_values={"other": [""]})


def named(table, kind):
    return {list(UNITS)[unit] for unit in table["unit"][table["selective"] == kind]}


def test_planted_units_are_found_without_a_localizer(files, monkeypatch):
    table = run(files, False, monkeypatch)
    assert list(table) == COLUMNS
    assert named(table, "face") == FACE_UNITS | {"other more than face"}
    assert named(table, "house") == HOUSE_UNITS
    assert table["other"].isna().all()
    assert (table["effect"] > 0)[table["selective"] == "face"].all()
    assert (table["effect"] < 0)[table["selective"] == "house"].all()


def test_planted_units_are_found_with_a_localizer(files, monkeypatch):
    """Units that respond to other things as well, or to faces and houses alike, are no longer selective."""
    table = run(files, True, monkeypatch)
    assert named(table, "face") == FACE_UNITS
    assert named(table, "house") == HOUSE_UNITS
    both = table[table["unit"] == list(UNITS).index("face and house")].iloc[0]
    assert both["face_t"] > 0
    assert both["face_q"] < 0.05
    never = table[table["unit"] == list(UNITS).index("never")].iloc[0]
    assert never[["face", "face_t", "face_p", "face_q", "effect"]].tolist() == [0, 0, 1, 1, 0]


def test_responses_are_means_over_positions_views_and_identities(files, monkeypatch):
    table = run(files, False, monkeypatch)
    folder = files / "identities"
    stimuli = StimulusSet.open(*(folder / f"images.{end}" for end in ("zarr", "json", "csv")))
    rows = stimuli.table[stimuli.table["split"] == "training"]
    means = {kind: [] for kind in ("face", "house")}
    for (kind, _), own in rows.groupby(["category", "name"]):
        pixels = stimuli.images(own.index.to_numpy()).astype(float) / 255
        means[kind].append(np.maximum(pixels @ np.array(list(UNITS.values())).T, 0).mean((0, 1, 2)))
    for kind, own in means.items():
        np.testing.assert_allclose(table[kind], np.mean(own, axis=0), rtol=1e-4)
    expected = ttest_ind(means["face"], means["house"], equal_var=False)
    varies = [unit for unit, name in enumerate(UNITS) if name != "never"]
    np.testing.assert_allclose(table["face_t"][varies], expected.statistic[varies], rtol=1e-3)


def test_layers_stand_in_network_order(files, monkeypatch):
    table = run(files, False, monkeypatch, layers=("3", "0"))
    assert table["layer"].astype(str).unique().tolist() == ["0", "3"]
    assert table.groupby("layer").size().tolist() == [len(UNITS), len(small.CATEGORIES)]
    with pytest.raises(InputError, match="has no layer 'conv9'"):
        run(files, False, monkeypatch, layers=("0", "conv9"))


@pytest.mark.parametrize("batch_size", [3, 100])
def test_features_are_the_responses_of_the_network(files, batch_size):
    network = small.network_of(small.new("alexnet"))
    folder = files / "localizer"
    stimuli = StimulusSet.open(*(folder / f"images.{end}" for end in ("zarr", "json", "csv")))
    with torch.inference_mode():
        maps = network.input(stimuli.images(slice(None)))
        children = dict(network.graph.named_children())
        for name in ("conv1", "relu1", "pool1", "conv2", "relu2"):
            maps = children[name](maps)
        linear = children["relu3"](children["fc3"](maps.flatten(1)))
    flat = flat_responses(network, stimuli, "conv2", batch_size)
    assert flat.dtype == np.float32
    np.testing.assert_allclose(flat, maps.contiguous().numpy().reshape(len(maps), -1), atol=1e-5)
    means = mean_responses(network, stimuli, ["conv2", "fc3"], batch_size)
    np.testing.assert_allclose(means["conv2"], maps.numpy().mean((2, 3)), atol=1e-5)
    np.testing.assert_allclose(means["fc3"], linear.numpy(), atol=1e-5)
