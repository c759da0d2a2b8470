"""A planted double dissociation is found: units for what identifies faces, and others for what identifies houses.

Faces are red and houses blue: an identity is a pattern of bright and dark cells in its colour, on a green texture that
is another one in every image. Units of the first convolution see one colour each; the second layer sums those of each
colour, cell by cell, and is read out. So without the units for red all faces look alike, and houses as they did.
"""

import io
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from planted import planted_network
from torch import nn
from torch_settings import torch_as_it_was

from anatomy.steps import (
    identities,
    identity_lesions,
    identity_pairs,
    identity_readout,
    unit_selectivity,
)
from anatomy.steps.opening import open_stimuli
from anatomy.steps.step import Job
from anatomy.stimuli.listing import trees_digest
from anatomy.unit_lesions import UnitLesions

CELLS, CELL = 4, 4
SIZE = CELLS * CELL
KINDS = {"face": 0, "house": 2}  # channel
IDENTITIES, VIEWS = 24, 6
# of the first layer, in this order: for red, green and blue
UNITS = {"face": 4, "": 12, "house": 4}
PLANTED = [kind for kind, number in UNITS.items() for _ in range(number)]
DRAWS, REPEATS, RESAMPLES = 99, 3, 1000
LESION_COLUMNS = """lesion mode proportion units significant noise repeat kind pairs accuracy hits false_alarms
    d_prime loss"""
DISSOCIATION_COLUMNS = "mode proportion noise measure value low high p_value"
PROPORTIONS, NOISE_LEVELS = [0.1, 0.2], [1.0, 3.0]


def model(outputs):
    """conv1 has a position for every cell; fc2 a unit for every cell and colour. Weights are planted by `plant`."""
    positions = CELLS**2
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, len(PLANTED), CELL, stride=CELL),
            relu1=nn.ReLU(),
            flatten=nn.Flatten(),
            fc2=nn.Linear(len(PLANTED) * positions, 3 * positions),
            relu2=nn.ReLU(),
            fc3=nn.Linear(3 * positions, outputs),
        )
    )


def plant(network):
    """Units of the first layer differ in gain."""
    random = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        colors = np.repeat([0, 1, 2], list(UNITS.values()))
        for unit, color in enumerate(colors):
            gains = torch.from_numpy(random.uniform(0.2, 1.8, (CELL, CELL)).astype(np.float32))
            network.conv1.weight[unit, color] = random.uniform(0.5, 1.5) * gains / CELL**2
        weight = network.fc2.weight.view(3, CELLS**2, len(PLANTED), CELLS**2)
        for cell in range(CELLS**2):
            weight[colors, cell, np.arange(len(PLANTED)), cell] = 1
    return network


def draw_photographs(folder: Path):
    random = np.random.default_rng(1)
    for kind, channel in KINDS.items():
        for identity in range(IDENTITIES):
            place = folder / kind / f"{identity:03d}"
            place.mkdir(parents=True)
            pattern = random.permutation(np.repeat([60, 180], CELLS**2 // 2))
            for view in range(VIEWS):
                cells = np.zeros((CELLS, CELLS, 3), int)
                cells[..., channel] = pattern.reshape(CELLS, CELLS)
                cells[..., 1] = random.permutation(np.linspace(60, 180, CELLS**2)).reshape(4, 4)
                image = cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
                image += random.integers(-50, 51, image.shape) * (image > 0)
                Image.fromarray(image.astype(np.uint8)).save(place / f"{view}.png")


def spec(**more):
    return {"network": "planted", "threads": 1, "batch_size": 50, "seed": 0} | more


def do_steps(place: Path):
    draw_photographs(place / "photographs")
    shown = {"identities": [place / "images.json"]}
    stored = {"store": [place / "images.zarr"], "table": [place / "images.csv"]}
    folder = {
        "source": "folder",
        "folder": str(place / "photographs"),
        "test_share": 0.5,
        "grey": False,
    }
    sizes = {"views": VIEWS, "resize": SIZE, "image_size": SIZE}
    sizes["files"] = trees_digest(place / "photographs", ["face", "house"])
    made = stored | {"manifest": shown["identities"]}
    identities.main(Job(folder | sizes | {"seed": 0}, 0, made))
    pairs = {"pairs": [place / "pairs.csv"]}
    numbers = {"training_pairs": 400, "test_pairs": 240, "folds": 3, "seed": 0}
    identity_pairs.main(Job(numbers, 0, shown | {"table": pairs["pairs"]}))
    network = {"network": [place / "network/network.json"]}
    model_file = {"model": [place / "readout.npz"]}
    tables = {name: [place / f"{name}.csv"] for name in ("accuracy", "cross_validation")}
    more = {"readout": "fc2", "representations": ["absolute_difference"], "penalties": [0.01]}
    read = network | shown | pairs
    identity_readout.main(Job(spec(**more), 0, read | tables | model_file))
    selectivity = {"selectivity": [place / "selectivity.csv"]}
    more = {"layers": ["conv1", "fc2"], "level": 0.05, "localizer": False}
    paths = network | shown | {"localizer": [], "table": selectivity["selectivity"]}
    unit_selectivity.main(Job(spec(**more), 0, paths))
    lesioned = {name: [place / f"{name}.csv"] for name in ("lesions", "dissociation")}
    identity_lesions.main(Job(lesion_spec(), 0, read | model_file | selectivity | lesioned))


def lesion_spec(**more):
    lesions = {
        "layer": "conv1",
        "readout": "fc2",
        "proportions": PROPORTIONS,
        "noise_levels": NOISE_LEVELS,
        "noise_proportions": [0.2],
        "repeats": REPEATS,
        "random_draws": DRAWS,
        "resamples": RESAMPLES,
    }
    return spec(**lesions | more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All steps of the identity task, done on the planted network."""
    place = tmp_path_factory.mktemp("planted")
    with planted_network(place / "network", model, plant, SIZE, ["a", "b"]):
        do_steps(place)
        yield place


@pytest.fixture(scope="module")
def lesions(folder):
    """Mean over draws, by lesion, mode, noise, proportion and kind."""
    table = pd.read_csv(folder / "lesions.csv")
    by = ["lesion", "mode", "noise", "proportion", "kind"]
    return table.groupby(by)[["units", "significant", "accuracy", "d_prime", "loss"]].mean()


@pytest.fixture(scope="module")
def dissociation(folder):
    table = pd.read_csv(folder / "dissociation.csv")
    return table.set_index(["mode", "proportion", "noise", "measure"]).sort_index()


def overall(dissociation, mode, measure):
    """The mean over all doses of a mode."""
    return (
        dissociation.loc[mode]
        .reset_index()
        .query("proportion.isna()")
        .set_index("measure")
        .loc[measure]
    )


def test_selective_units_are_those_that_were_planted(folder):
    table = pd.read_csv(folder / "selectivity.csv", keep_default_na=False)
    assert table.loc[table["layer"] == "conv1", "selective"].tolist() == PLANTED


def test_same_and_different_are_told_apart(folder, lesions):
    accuracy = pd.read_csv(folder / "accuracy.csv").query("split == 'test'").set_index("kind")
    assert (accuracy["accuracy"] > 0.9).all()
    intact = lesions.loc["intact", "none", 0, 0]
    for kind in KINDS:
        assert intact.loc[kind, "accuracy"] == accuracy.loc[kind, "accuracy"]
        assert intact.loc[kind, "d_prime"] == pytest.approx(accuracy.loc[kind, "d_prime"])


@pytest.mark.parametrize(("kind", "other"), [("face", "house"), ("house", "face")])
def test_without_the_units_for_one_kind_it_is_lost_and_the_other_is_not(lesions, kind, other):
    rows = lesions.loc[kind, "zero", 0, 0.2]
    assert (rows["units"] == UNITS[kind]).all()
    assert (rows["significant"] == UNITS[kind]).all()
    # all images of the kind look alike, and all pairs are the same
    assert rows.loc[kind, "accuracy"] == 0.5
    assert rows.loc[kind, "d_prime"] == 0
    assert rows.loc[other, "loss"] == 0
    half = lesions.loc[kind, "zero", 0, 0.1]
    assert (half["units"] == UNITS[kind] / 2).all()
    assert half.loc[other, "loss"] == 0
    assert 0.1 < half.loc[kind, "loss"] < rows.loc[kind, "loss"]


def test_random_units_cost_little(folder, lesions):
    assert (lesions.loc["random", "loss"].abs() < 0.02).all()
    assert (lesions.loc["random", "significant"] == 0).all()
    draws = pd.read_csv(folder / "lesions.csv").query("lesion == 'random'")["repeat"]
    assert set(draws) == set(range(DRAWS))


def test_the_double_dissociation_is_significant(dissociation):
    row = overall(dissociation, "zero", "interaction")
    assert row["p_value"] < 0.01
    assert 0.5 < row["low"] < row["value"] < row["high"] <= 1
    for kind in KINDS:
        row = overall(dissociation, "zero", f"{kind}_specificity")
        assert row["p_value"] == 1 / (DRAWS + 1)
        assert row["low"] > 0.2
        row = overall(dissociation, "zero", f"difference_on_{kind}s")
        assert row["p_value"] < 0.01
        assert row["low"] > 0.2
    row = overall(dissociation, "zero", "interaction_d_prime")
    assert row["p_value"] < 0.01
    assert row["low"] > 2


def test_noise_costs_the_kind_whose_units_it_is_in(dissociation, lesions):
    """Noise makes all pairs differ, but those of the other kind only where it is strong."""
    for kind, other in (("face", "house"), ("house", "face")):
        weak = lesions.loc[kind, "noise", 1.0, 0.2, :]["loss"]
        assert weak[kind] > weak[other] + 0.2
    assert overall(dissociation, "noise", "interaction")["p_value"] < 0.01


def test_losses_are_those_of_the_table_of_lesions(dissociation, lesions):
    for (lesion, mode, noise, proportion, kind), row in lesions.iterrows():
        if lesion != "intact":
            found = dissociation.loc[mode, proportion, noise, f"{lesion}_lesion_on_{kind}s"]
            assert found["value"] == pytest.approx(row["loss"], abs=1e-12)
            found = dissociation.loc[mode, proportion, noise, f"{lesion}_lesion_on_{kind}s_d_prime"]
            lost = lesions.loc["intact", "none", 0, 0, kind]["d_prime"] - row["d_prime"]
            assert found["value"] == pytest.approx(lost, abs=1e-12)


def again(folder, **more):
    """The tables of the step, done once more with a few random lesions."""
    made = {name: [folder / f"again_{name}.csv"] for name in ("lesions", "dissociation")}
    read = {name: [folder / f"{name}.csv"] for name in ("pairs", "selectivity")}
    read |= {"network": [folder / "network/network.json"], "identities": [folder / "images.json"]}
    paths = read | made | {"model": [folder / "readout.npz"]}
    few = {"random_draws": 3, "resamples": 50}
    with torch_as_it_was():
        identity_lesions.main(Job(lesion_spec(**few | more), 0, paths))
    return [path.read_text() for (path,) in made.values()]


def accuracies(tables):
    return pd.read_csv(io.StringIO(tables[0]))["accuracy"]


def test_results_do_not_depend_on_how_the_work_is_divided(folder, monkeypatch):
    """But for sums of responses that round otherwise, which may turn a decision that was all but a tie."""
    before = again(folder)
    other_batches = accuracies(before) - accuracies(again(folder, batch_size=17))
    assert (other_batches == 0).mean() > 0.95
    assert other_batches.abs().max() < 0.02
    monkeypatch.setattr("anatomy.identity.lesions.HELD_BYTES", 1 << 18)
    assert again(folder) == before
    assert not accuracies(again(folder, seed=1)).equals(accuracies(before))


def test_every_draw_is_another_one(folder):
    """Among half of the units there are some that matter."""
    tables = again(folder, proportions=[0.5], random_draws=8)
    table = pd.read_csv(io.StringIO(tables[0]))
    random = table.query("lesion == 'random' and mode == 'zero'")
    assert random.groupby("kind")["d_prime"].nunique().min() >= 4
    noise = table.query("lesion == 'face' and kind == 'face' and noise == 1")
    assert sorted(noise["repeat"]) == list(range(REPEATS))
    assert noise["accuracy"].nunique() > 1


def test_noise_is_relative_to_the_responses_to_the_training_images(folder, monkeypatch):
    given = []

    class Seen(UnitLesions):
        def __init__(self, network, layer, readout, spread):
            rows = open_stimuli(folder / "images.json").rows("training")
            images = open_stimuli(folder / "images.json").images(rows)
            values = torch.relu(network.module(layer)(network.input(images))).numpy()
            given.append((spread, values.std(axis=(0, 2, 3))))
            super().__init__(network, layer, readout, spread)

    monkeypatch.setattr(identity_lesions, "UnitLesions", Seen)
    again(folder)
    ((spread, wanted),) = given
    np.testing.assert_allclose(spread, wanted, rtol=1e-4)


def test_tables_have_their_columns(folder):
    assert [*pd.read_csv(folder / "lesions.csv")] == LESION_COLUMNS.split()
    assert [*pd.read_csv(folder / "dissociation.csv")] == DISSOCIATION_COLUMNS.split()
