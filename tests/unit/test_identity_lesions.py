"""Which units are lesioned for the identity task, and what the readout decides then."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import network_of, new, stimulus_set

from anatomy.errors import InputError
from anatomy.identity.lesion_sets import (
    NEAREST,
    layer_rows,
    numbers_of_units,
    random_order,
    selective_order,
)
from anatomy.identity.lesions import (
    NO_LESION,
    Dose,
    Lesion,
    ShownPairs,
    all_lesions,
    decisions,
    doses,
    lesion_table,
)
from anatomy.identity.pairs import read_pairs
from anatomy.identity.readout import Readout
from anatomy.networks.cut import prefix
from anatomy.unit_lesions import UnitLesion, UnitLesions

UNITS = 60


def rows_of(contrast):
    return pd.DataFrame({"face_t": np.asarray(contrast) + 1.0, "house_t": 1.0})


def test_the_most_selective_units_come_first():
    rows = pd.DataFrame({"face_t": [0.0, 5, 9, -7, 2], "house_t": [0.0, 6, -1, 3, -4]})
    assert selective_order(rows, "face").tolist() == [2, 4, 0, 1, 3]
    assert selective_order(rows, "house").tolist() == [3, 1, 0, 4, 2]


@settings(max_examples=50)
@given(st.lists(st.sampled_from([-3.0, -1.0, 0.0, np.nan, 2.0]), min_size=2, max_size=30))
def test_no_unit_is_among_the_first_half_of_both_kinds(contrast):
    """Not even where many are equally selective, or not at all."""
    face, house = (selective_order(rows_of(contrast), kind) for kind in ("face", "house"))
    assert sorted(face) == sorted(house) == list(range(len(contrast)))
    (most,) = numbers_of_units([0.5], len(contrast))
    assert not set(face[:most]) & set(house[:most])
    wanted = np.nan_to_num(contrast)
    assert (np.diff(wanted[face]) <= 0).all()
    assert (np.diff(wanted[house]) >= 0).all()


def test_numbers_of_units_round_but_are_never_none_nor_more_than_half():
    assert numbers_of_units([0.001, 0.05, 0.29, 0.5], 100) == [1, 5, 29, 50]
    assert numbers_of_units([0.01, 0.2, 0.5], 7) == [1, 1, 3]
    with pytest.raises(InputError, match="at least two units"):
        numbers_of_units([0.1], 1)


def drawn(seed, numbers, means=None):
    random = np.random.default_rng(seed)
    contrast = random.normal(size=UNITS)
    means = random.gamma(1, size=UNITS) if means is None else means
    orders = [selective_order(rows_of(contrast), kind) for kind in ("face", "house")]
    return *orders, means, random_order(*orders, numbers, means, random)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_random_units_are_others_as_long_as_there_are_enough(seed):
    face, house, _, found = drawn(seed, [3, 15, 30])
    assert len(set(found)) == len(found) == 30
    # at 15 of 60 units, as many of neither set are left as are lesioned, twice
    assert not set(found[:15]) & {*face[:15], *house[:15]}


def test_random_units_match_in_mean_response():
    """Selective units respond much, and many others little."""
    means = np.r_[np.linspace(10, 20, 20), np.linspace(0, 1, 16), np.linspace(5, 25, 24)]
    contrast = np.r_[np.linspace(5, 4, 10), np.linspace(-5, -4, 10), np.zeros(40)]
    orders = [selective_order(rows_of(contrast), kind) for kind in ("face", "house")]
    chosen = Counter()
    for seed in range(200):
        found = random_order(*orders, [10], means, np.random.default_rng(seed))
        assert 12 < means[found].mean() < 18
        chosen.update(found.tolist())
    # all that respond as much are drawn, none of them always
    assert set(np.flatnonzero((means > 10) & (means < 20) & (contrast == 0))) <= set(chosen)
    assert set(chosen) <= set(range(36, 60))
    assert max(chosen.values()) < 190


def test_random_partners_are_near_in_rank():
    face, house, means, found = drawn(3, [1])
    ranks = means.argsort().argsort()
    others = np.setdiff1d(np.arange(UNITS), [face[0], house[0]])
    allowed = set()
    for target in (face[0], house[0]):
        distance = np.abs(ranks[others] - ranks[target])
        allowed |= set(others[distance <= np.sort(distance)[NEAREST - 1]])
    assert set(found) <= allowed
    seen = {
        random_order(face, house, [1], means, np.random.default_rng(seed))[0] for seed in range(300)
    }
    assert len(seen) == 2 * NEAREST


def test_every_dose_of_every_lesion_is_there_once():
    chosen = doses({0.1: 3, 0.2: 6}, {0.1: 3, 0.4: 12}, [1.0, 2.0])
    assert [(d.mode, d.proportion, d.units, d.noise) for d in chosen] == [
        ("zero", 0.1, 3, 0.0),
        ("zero", 0.2, 6, 0.0),
        ("noise", 0.1, 3, 1.0),
        ("noise", 0.4, 12, 1.0),
        ("noise", 0.1, 3, 2.0),
        ("noise", 0.4, 12, 2.0),
    ]
    orders = {"face": np.arange(30), "house": np.arange(30)[::-1]}
    random = [np.arange(5, 17), np.arange(8, 20)]
    lesions = all_lesions(orders, random, chosen, 3, ("test",))
    assert lesions[0] is NO_LESION
    done = Counter((one.name, one.dose, one.repeat) for one in lesions[1:])
    wanted = [(name, dose, 0) for name in (*orders, "random") for dose in chosen]
    wanted += [(name, dose, repeat) for name in orders for dose in chosen[2:] for repeat in (1, 2)]
    wanted += [("random", dose, 1) for dose in chosen]
    assert done == Counter(wanted)
    for one in lesions[1:]:
        order = random[one.repeat] if one.name == "random" else orders[one.name]
        assert one.units.units.tolist() == order[: one.dose.units].tolist()
        assert one.units.noise == one.dose.noise
        assert one.units.purpose == ("test", one.name, one.repeat)
    # so that a unit has the same noise in all doses of a draw
    noisy = [one for one in lesions if one.dose.mode == "noise"]
    assert {len(one.units.order) for one in noisy} == {12}


def pairs_table(images, seed=0, number=40):
    random = np.random.default_rng(seed)
    table = pd.DataFrame(random.choice(images, (number, 2)), columns=["image_a", "image_b"])
    table["kind"] = np.resize(["face", "house"], number)
    table["same"] = np.resize([True, True, False, False], number)
    return table


def test_decisions_are_those_of_the_readout_on_every_pair_alone(tmp_path, monkeypatch):
    """Each pair is shown to the network by itself, with the lesion done by hand."""
    model = new("alexnet")
    network, stimuli = network_of(model), stimulus_set(tmp_path)
    pairs = ShownPairs(pairs_table(np.arange(3, 40, 2)))
    random = np.random.default_rng(1)
    vectors = {name: random.normal(size=20) for name in ("centre", "mean", "weights")}
    readout = Readout("fc3", "absolute_difference", scale=np.ones(20), bias=0.0, **vectors)
    to_readout = prefix(network.graph, [network.response("fc3")])
    features = to_readout(network.input(stimuli.images(pairs.rows)))[0].numpy()
    readout = replace(readout, bias=-np.median(readout.evidence(*features[pairs.places])))
    lesions = [NO_LESION]
    for units in ([3, 8, 1], [0], [11, 2]):
        dose = Dose("zero", 0.1, len(units), 0.0)
        lesions.append(Lesion("face", dose, 0, UnitLesion(np.array(units), len(units))))
    engine = UnitLesions(network, "conv2", "fc3", np.ones(12))
    monkeypatch.setattr("anatomy.identity.lesions.HELD_BYTES", 2 * len(pairs.rows) * 20 * 4)
    said = decisions(engine, network, stimuli, pairs, readout, lesions, 4)
    assert 0.1 < said.mean() < 0.9
    for lesion, found in zip(lesions, said, strict=True):
        changed = new("alexnet")
        with torch.no_grad():
            changed.conv2.weight[lesion.units.units] = 0
            changed.conv2.bias[lesion.units.units] = 0
        before = torch.nn.Sequential(*list(changed.children())[:8])
        for pair, own in zip(pairs.table.itertuples(), found, strict=True):
            shown = [stimuli.images(np.array([row])) for row in (pair.image_a, pair.image_b)]
            with torch.no_grad():
                first, second = (before(network.input(image)).numpy() for image in shown)
            assert own == readout.decide(first, second).item()
    assert (said[1:] != said[0]).any(axis=1).all()


def test_the_table_has_performance_and_its_loss():
    pairs = ShownPairs(pairs_table(np.arange(9), number=80))
    selective = np.array(["face", "face", "", "house", "house", "", ""])
    face = Lesion("face", Dose("zero", 0.4, 3, 0.0), 0, UnitLesion(np.array([0, 4, 2, 1]), 3))
    random = Lesion("random", Dose("noise", 0.3, 2, 1.5), 4, UnitLesion(np.array([3, 2]), 2, 1.5))
    said = np.stack([pairs.same, np.ones(80, bool), ~pairs.same])
    said[2, pairs.of("house")] = pairs.same[pairs.of("house")]
    table = lesion_table([NO_LESION, face, random], said, pairs, selective)
    table = table.set_index(["lesion", "kind"])
    assert table["accuracy"].to_dict() == {
        ("intact", "face"): 1,
        ("face", "face"): 0.5,
        ("random", "face"): 0,
        ("intact", "house"): 1,
        ("face", "house"): 0.5,
        ("random", "house"): 1,
    }
    assert (table["loss"] == 1 - table["accuracy"]).all()
    assert (table["pairs"] == 40).all()
    row = table.loc["face", "house"]
    assert (row["hits"], row["false_alarms"], row["d_prime"]) == (1, 1, 0)
    assert table.loc["random", "face"]["d_prime"] == -table.loc["intact", "face"]["d_prime"]
    about = ["mode", "proportion", "units", "significant", "noise", "repeat"]
    assert table.loc[("intact", "face"), about].tolist() == ["none", 0, 0, 0, 0, 0]
    assert table.loc[("face", "face"), about].tolist() == ["zero", 0.4, 3, 1, 0, 0]
    assert table.loc[("random", "face"), about].tolist() == ["noise", 0.3, 2, 1, 1.5, 4]


@pytest.mark.parametrize("names", [("007", "7"), ("NA", "None"), ("nan", "True")])
def test_identities_are_names_whatever_they_are_called(tmp_path, names):
    path = tmp_path / "pairs.csv"
    path.write_text(f"split,fold,identity_a,identity_b\ntraining,0,1,2\ntest,,{','.join(names)}\n")
    (pair,) = read_pairs(path, "test").itertuples()
    assert (pair.identity_a, pair.identity_b) == names
    assert math.isnan(pair.fold)


def test_rows_of_a_layer_are_in_the_order_of_its_units():
    table = pd.DataFrame({"layer": ["b", "a", "a", "a"], "unit": [0, 2, 0, 1], "x": [9, 2, 0, 1]})
    assert layer_rows(table, "a", 3)["x"].tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="3 rows of layer 'a', not one for each of its 4 units"):
        layer_rows(table, "a", 4)
    with pytest.raises(InputError, match="0 rows of layer 'c'"):
        layer_rows(table, "c", 4)
