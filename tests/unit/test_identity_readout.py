"""The readout of the identity task against plain scikit-learn, and its performance against plain formulas."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
import small
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch_settings import torch_as_it_was

from anatomy.errors import InputError
from anatomy.identity import cross_validation
from anatomy.identity.cross_validation import Pairs, accuracy_rows, cross_validate, fit
from anatomy.identity.pairs import identity_pairs
from anatomy.identity.performance import accuracy_interval, d_prime, same_different
from anatomy.identity.readout import REPRESENTATIONS, Readout, represent
from anatomy.steps import identity_readout as step
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

PENALTIES = [0.003, 0.3]
CV_COLUMNS = [
    *("representation", "penalty", "fold", "accuracy", "accuracy_face", "accuracy_house"),
    "chosen",
]
ACCURACY_COLUMNS = [
    *("split", "kind", "pairs", "accuracy", "low", "high", "hits", "false_alarms", "d_prime")
]


# --- performance


def test_d_prime_is_that_of_the_formula():
    """Hautus (1995): a half is added to both counts, one to both totals, whatever the rates."""
    z = NormalDist().inv_cdf
    assert d_prime(20, 25, 10, 25) == pytest.approx(z(20.5 / 26) - z(10.5 / 26))
    assert d_prime(10, 10, 0, 10) == pytest.approx(2 * z(10.5 / 11))
    counts = np.array([[0, 5], [7, 10]])
    found = d_prime(counts, 10, 5, 10)
    assert found.shape == (2, 2)
    assert found[0, 1] == 0
    assert found[1, 0] == pytest.approx(z(7.5 / 11) - z(5.5 / 11))


def test_performance_counts():
    same = np.repeat([True, False], [4, 6])
    said = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 1], bool)
    found = same_different(same, said)
    assert (found.pairs, found.accuracy) == (10, 0.7)
    assert (found.hits, found.false_alarms) == (0.75, pytest.approx(2 / 6))
    z = NormalDist().inv_cdf
    assert found.d_prime == pytest.approx(z(3.5 / 5) - z(2.5 / 7))
    with pytest.raises(InputError, match="pairs of different ones"):
        same_different(same[:4], said[:4])


def slow_interval(right, identities, resamples):
    """Bootstrap over identities, drawn one after the other."""
    random = np.random.default_rng(7)
    own = [right[identities == name] for name in np.unique(identities)]
    means = []
    for _ in range(resamples):
        drawn = [own[place] for place in random.integers(len(own), size=len(own))]
        means.append(np.concatenate(drawn).mean())
    return np.quantile(means, [0.025, 0.975])


def test_interval_draws_identities_with_all_their_pairs():
    random = np.random.default_rng(0)
    identities = random.integers(20, size=200)
    kinds = np.full(200, "face")
    right = random.random(200) < np.linspace(0.3, 1, 20)[identities]
    found = accuracy_interval(right, kinds, identities, np.random.default_rng(1))
    np.testing.assert_allclose(found, slow_interval(right, identities, 2000), atol=0.012)
    # as if pairs were independent, it would be much narrower
    apart = accuracy_interval(right, kinds, np.arange(200), np.random.default_rng(1))
    assert np.diff(found) > 1.2 * np.diff(apart)


def test_interval_keeps_the_shares_of_kinds():
    kinds = np.repeat(["face", "house"], 50)
    names = np.arange(100) // 5
    find = lambda right: accuracy_interval(right, kinds, names, np.random.default_rng(0))  # noqa: E731
    assert find(kinds == "face") == (0.5, 0.5)
    alone = accuracy_interval(
        np.ones(4, bool), np.full(4, "face"), np.zeros(4), np.random.default_rng()
    )
    assert np.isnan(alone).all()


# --- representations


def test_representations_by_hand():
    a, b, centre = np.array([[1.0, 5.0]]), np.array([[4.0, 3.0]]), np.array([2.0, 1.0])
    expected = {
        "absolute_difference": [3, 2],
        "squared_difference": [9, 4],
        "product": [-2, 8],
        "both": [3, 2, -2, 8],
    }
    assert set(expected) == set(REPRESENTATIONS)
    for name, values in expected.items():
        assert represent(name, a, b, centre).tolist() == [values]
        assert represent(name, b, a, centre).tolist() == [values]
    with pytest.raises(InputError, match="'sum' is not one of absolute_difference, "):
        represent("sum", a, b, centre)


# --- fitting


def made_pairs(count, images, seed=0):
    """Random pairs, same where both images are of one parity; kinds alternate."""
    random = np.random.default_rng(seed)
    first, second = random.integers(images, size=(2, count))
    kind = np.where(np.arange(count) % 2, "face", "house").astype(object)
    return Pairs(first, second, first % 2 == second % 2, kind, first % 5)


def made_features(images, features, seed=0):
    """Features on various scales, the even images' and the odd ones' somewhat apart; one of them constant."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((images, features)) + 0.4 * (np.arange(images) % 2)[:, None]
    values[:, 1] = 3
    return (values * np.geomspace(0.1, 50, features) + 1).astype(np.float32)


def plain(representation, features, pairs, penalty, tested):
    """Scikit-learn itself: weights of the standardised representation, and log odds of tested pairs."""
    shown = np.unique([pairs.first, pairs.second])
    wide = features.astype(np.float64)
    centre = wide[shown].mean(axis=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, tol=1e-9, max_iter=10000))
    shown = [
        represent(representation, wide[p.first], wide[p.second], centre) for p in (pairs, tested)
    ]
    model.fit(shown[0], pairs.same)
    return model[-1].coef_[0], model.decision_function(shown[1])


@pytest.mark.parametrize("features", [6, 90])
@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_readouts_are_those_of_scikit_learn(representation, features, monkeypatch):
    """Both with fewer dimensions than pairs, and with more, where the fit runs in another basis."""
    monkeypatch.setattr(cross_validation, "TOLERANCE", 1e-9)
    monkeypatch.setattr(cross_validation, "FEATURES_AT_ONCE", 7)
    values = made_features(30, features)
    pairs, tested = made_pairs(60, 30), made_pairs(40, 30, seed=1)
    # pairs that are there twice, so that the pairs do not span a dimension each
    pairs = Pairs(*(np.concatenate([own, own[:9]]) for own in vars(pairs).values()))
    fitted = fit(representation, values, pairs, PENALTIES)
    said = fitted.decide(values, tested)
    for place, penalty in enumerate(PENALTIES):
        weights, evidence = plain(representation, values, pairs, penalty, tested)
        readout = fitted.readout("fc6", place)
        np.testing.assert_allclose(readout.weights, weights, atol=2e-4 * np.abs(weights).max())
        found = readout.evidence(values[tested.first], values[tested.second])
        np.testing.assert_allclose(found, evidence, atol=1e-3)
        np.testing.assert_array_equal(said[:, place], evidence > 0)


def test_a_fit_that_does_not_converge_is_said(monkeypatch, caplog):
    monkeypatch.setattr(cross_validation, "MOST_ITERATIONS", 2)
    fit("both", made_features(30, 6), made_pairs(60, 30), [10.0])
    assert "penalty 10 has not converged in 2 iterations" in caplog.text


def test_readouts_are_stored_without_pickle(tmp_path):
    values = made_features(30, 5)
    readout = fit("both", values, made_pairs(60, 30), PENALTIES).readout("conv3", 1)
    readout.save(tmp_path / "readout.npz")
    with np.load(tmp_path / "readout.npz", allow_pickle=False) as stored:
        assert stored["weights"].shape == (10,)
    again = Readout.load(tmp_path / "readout.npz")
    assert (again.layer, again.representation) == ("conv3", "both")
    first, second = values[:15], values[15:]
    np.testing.assert_array_equal(again.evidence(first, second), readout.evidence(first, second))
    np.testing.assert_array_equal(again.decide(first, second), again.decide(second, first))
    assert 0 < again.decide(first, second).mean() < 1
    for content in (b"", b"no archive", b"PK\x03\x04 and no more"):
        (tmp_path / "other.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"other\.npz: is not a readout"):
            Readout.load(tmp_path / "other.npz")
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    with pytest.raises(InputError, match=r"other\.npz: is not a readout"):
        Readout.load(tmp_path / "other.npz")


# --- cross-validation


def stimulus_table(identities=12, views=4):
    """Faces and houses, a third of them for the test."""
    rows = [
        {"split": split, "category": kind, "name": f"{kind} {split} {number}"}
        for split, count in (("training", 2 * identities // 3), ("test", identities // 3))
        for kind in ("face", "house")
        for number in range(count)
        for _ in range(views)
    ]
    return pd.DataFrame(rows)


def identity_features(table, noise, features=8):
    """A random vector for each identity, and noise."""
    random = np.random.default_rng(3)
    names = pd.factorize(table["name"])[0]
    vectors = random.standard_normal((names.max() + 1, features))
    values = vectors[names] + noise * random.standard_normal((len(table), features))
    return values.astype(np.float32)


def training_pairs(table):
    pairs = identity_pairs(table, 96, 32, 4, 0)
    return pairs[pairs["split"] == "training"]


def test_cross_validation_is_that_of_plain_loops(monkeypatch):
    monkeypatch.setattr(cross_validation, "TOLERANCE", 1e-9)
    table = stimulus_table()
    mixed = np.eye(8) + np.random.default_rng(1).standard_normal((8, 8))
    features, pairs = identity_features(table, 0.3) @ mixed, training_pairs(table)
    found = cross_validate(["product", "absolute_difference"], [0.3, 0.003, 30], features, pairs)
    assert list(found.table) == CV_COLUMNS
    assert found.table["penalty"].tolist() == [0.003, 0.3, 30] * 4 * 2
    scores = {}
    for (representation, penalty), own in found.table.groupby(["representation", "penalty"]):
        assert own["fold"].tolist() == [0, 1, 2, 3]
        decisions = np.zeros(len(pairs), bool)
        for row in own.itertuples():
            out = (pairs["fold"] == row.fold).to_numpy()
            tested = Pairs.of(pairs[out])
            evidence = plain(representation, features, Pairs.of(pairs[~out]), penalty, tested)[1]
            right = (evidence > 0) == tested.same
            decisions[out] = evidence > 0
            assert row.accuracy == right.mean()
            assert row.accuracy_face == right[tested.kind == "face"].mean()
            assert row.accuracy_house == right[tested.kind == "house"].mean()
        scores[representation, penalty] = own[["accuracy_face", "accuracy_house"]].mean().mean()
        if own["chosen"].any():
            assert own["chosen"].all()
            assert (found.representation, found.penalty) == (representation, penalty)
            np.testing.assert_array_equal(found.decisions, decisions)
    assert found.table["chosen"].sum() == 4
    assert scores[found.representation, found.penalty] == max(scores.values())
    assert found.penalty == 0.3  # neither the first nor the last


def test_the_representation_that_carries_identity_is_chosen():
    """Differences where identities have vectors; products where they have signs, and each view strengths of its own."""
    table = stimulus_table()
    pairs, names = training_pairs(table), ["product", "absolute_difference"]
    near = identity_features(table, noise=0.2)
    assert cross_validate(names, [0.1], near, pairs).representation == "absolute_difference"
    strengths = np.random.default_rng(0).lognormal(0, 1.5, near.shape).astype(np.float32)
    signs = np.sign(identity_features(table, noise=0))
    assert cross_validate(names[::-1], [0.1], signs * strengths, pairs).representation == "product"


def test_of_equal_ones_the_strongest_penalty_is_chosen_then_the_first_representation():
    table = stimulus_table()
    features = identity_features(table, noise=0.001, features=40)
    # the two are equal up to the sign of weights; all penalties solve the task
    names = ["squared_difference", "absolute_difference"]
    for order in (names, names[::-1]):
        found = cross_validate(order, [1.0, 0.1, 0.5], features, training_pairs(table))
        assert (found.table["accuracy"] == 1).all()
        assert (found.representation, found.penalty) == (order[0], 0.1)


def test_cross_validation_needs_folds():
    table = stimulus_table()
    pairs = identity_pairs(table, 32, 16, 1, 0)
    with pytest.raises(InputError, match="at least 2 folds"):
        cross_validate(
            ["both"], [1.0], identity_features(table, 1.0), pairs[pairs["split"] != "test"]
        )


def test_rows_of_accuracy():
    pairs = made_pairs(200, 30)
    said = np.where(pairs.kind == "face", pairs.same, True)
    rows = {row["kind"]: row for row in accuracy_rows("test", pairs, said, (0, "small"))}
    assert list(rows) == ["all", "face", "house"]
    assert list(rows["all"]) == ACCURACY_COLUMNS
    assert (rows["face"]["accuracy"], rows["face"]["low"], rows["face"]["high"]) == (1, 1, 1)
    houses = pairs.same[pairs.kind == "house"]
    assert rows["house"]["accuracy"] == houses.mean()
    assert (rows["house"]["hits"], rows["house"]["false_alarms"]) == (1, 1)
    assert rows["house"]["low"] < houses.mean() < rows["house"]["high"]
    assert rows["all"]["pairs"] == 200
    assert rows["all"]["accuracy"] == (said == pairs.same).mean()
    assert rows["all"]["high"] - rows["all"]["low"] < rows["house"]["high"] - rows["house"]["low"]


# --- step


def small_identities(folder):
    """Noise with a pattern of low contrast for each identity."""
    table = stimulus_table()
    random = np.random.default_rng(0)
    patterns = {name: random.integers(0, 200, (4, 4, 3)) for name in table["name"].unique()}
    items = [
        Item(str(row), own.category, own.identity, own.category, own.split, "noise")
        for row, own in enumerate(table.rename(columns={"name": "identity"}).itertuples())
    ]

    def load(item):
        pattern = patterns[item.name].repeat(5, axis=0).repeat(5, axis=1)
        noise = np.random.default_rng(int(item.image_id)).integers(0, 50, pattern.shape)
        return (pattern + noise).astype(np.uint8)

    files = folder / "images.zarr", folder / "images.json", folder / "images.csv"
    write_stimulus_set(*files, items, load, small.STORED, {})
    return StimulusSet.open(*files)


def test_the_step_from_images_to_accuracy(tmp_path, monkeypatch):
    stimuli = small_identities(tmp_path)
    identity_pairs(stimuli.table, 96, 32, 4, 0).to_csv(tmp_path / "pairs.csv", index=False)
    network = small.network_of(small.new("alexnet"))
    monkeypatch.setattr(step, "open_network", lambda job: network)
    names = {"cross_validation": "cv.csv", "accuracy": "accuracy.csv", "model": "readout.npz"}
    names |= {"identities": "images.json", "pairs": "pairs.csv"}
    spec = {"network": "small", "readout": "conv2", "representations": ["product", "both"]}
    spec |= {"penalties": [0.01], "folds": 4, "seed": 0, "batch_size": 7, "threads": 1}
    with torch_as_it_was():
        step.main(Job(spec, 0, {name: [tmp_path / file] for name, file in names.items()}))
    accuracy = pd.read_csv(tmp_path / "accuracy.csv")
    assert list(accuracy) == ACCURACY_COLUMNS
    assert accuracy["split"].unique().tolist() == ["training", "cross_validation", "test"]
    accuracy = accuracy.set_index(["split", "kind"])
    assert accuracy["pairs"]["training", "all"] == 96
    assert accuracy["pairs"]["test", "face"] == 16
    assert accuracy["accuracy"]["test", "all"] > 0.8
    # the stored readout reproduces the row of the test
    readout = Readout.load(tmp_path / "readout.npz")
    assert readout.layer == "conv2"
    table = pd.read_csv(tmp_path / "pairs.csv")
    tested = table[table["split"] == "test"]
    with torch.inference_mode():
        pixels = network.input(stimuli.images(slice(None)))
        graph = dict(network.graph.named_children())
        for name in ("conv1", "relu1", "pool1", "conv2", "relu2"):
            pixels = graph[name](pixels)
    features = pixels.contiguous().numpy().reshape(len(pixels), -1)
    said = readout.decide(features[tested["image_a"]], features[tested["image_b"]])
    assert accuracy["accuracy"]["test", "all"] == (said == tested["same"]).mean()
    cv = pd.read_csv(tmp_path / "cv.csv", dtype={"fold": str})
    assert list(cv) == CV_COLUMNS
    assert cv["fold"].tolist() == ["0", "1", "2", "3"] * 2
    pooled = cv[cv["chosen"]]["accuracy"].mean()
    assert accuracy["accuracy"]["cross_validation", "all"] == pytest.approx(pooled)
