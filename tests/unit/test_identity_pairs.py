"""Pairs of the identity task against plain enumeration."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.identity.pairs import identity_pairs
from anatomy.steps import identity_pairs as step
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, write_stimulus_set

COLUMNS = ["split", "fold", "kind", "same", "image_a", "image_b", "identity_a", "identity_b"]
KINDS = ("face", "house")


def stimulus_table(training, test, views, shuffled=None):
    """A row per view; names are the same in both kinds, as folders may be."""
    rows = [
        {"split": split, "category": kind, "name": f"{split} {number}"}
        for split, identities in (("training", training), ("test", test))
        for kind in KINDS
        for number in range(identities)
        for _ in range(views)
    ]
    table = pd.DataFrame(rows)
    if shuffled is not None:
        table = table.iloc[np.random.default_rng(shuffled).permutation(len(table))]
    return table.reset_index(drop=True)


def enumerated(table, rows):
    """Number of pairs of the same and of different identities that rows make."""
    names = table["name"].to_numpy()
    same = [names[a] == names[b] for a, b in combinations(rows, 2)]
    return same.count(True), same.count(False)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(6, 8), st.integers(2, 4), st.integers(2, 4), st.integers(2, 3), st.integers(0, 9)
)
def test_pairs_are_what_they_say(training, test, views, folds, seed):
    stimuli = stimulus_table(training, test, views, shuffled=seed)
    numbers = {"training": 4 * folds + 4 * (views > 2), "test": 8}
    pairs = identity_pairs(stimuli, numbers["training"], numbers["test"], folds, seed)
    assert list(pairs) == COLUMNS
    for split, own in pairs.groupby("split"):
        assert len(own) == numbers[split]
        assert set(own.groupby(["kind", "same"]).size()) == {numbers[split] // 4}
    for side in "ab":
        shown = stimuli.iloc[pairs[f"image_{side}"]].reset_index(drop=True)
        assert (shown["split"] == pairs["split"]).all()
        assert (shown["category"] == pairs["kind"]).all()
        assert (shown["name"] == pairs[f"identity_{side}"]).all()
    assert ((pairs["identity_a"] == pairs["identity_b"]) == pairs["same"]).all()
    assert (pairs["image_a"] != pairs["image_b"]).all()
    unordered = {frozenset(own) for own in pairs[["image_a", "image_b"]].to_numpy().tolist()}
    assert len(unordered) == len(pairs)
    # folds share no identity, and differ by at most one pair of each condition
    trained = pairs[pairs["split"] == "training"]
    assert set(trained["fold"]) == set(range(folds))
    assert pairs[pairs["split"] == "test"]["fold"].isna().all()
    sides = [
        trained[["kind", "fold", f"identity_{s}"]].set_axis(["kind", "fold", "name"], axis=1)
        for s in "ab"
    ]
    assert (pd.concat(sides).groupby(["kind", "name"])["fold"].nunique() == 1).all()
    sizes = trained.groupby(["kind", "same", "fold"]).size()
    assert (sizes.groupby(["kind", "same"]).agg(np.ptp) <= 1).all()


def test_the_largest_number_is_said_and_can_be_drawn():
    """With 3 + 3 + 2 identities in the folds and 4 views: 18, 18, 12 pairs of one identity."""
    stimuli = stimulus_table(8, 3, 4)
    with pytest.raises(InputError, match=r"training_pairs = 400: .* at most 152 pairs in 3 folds"):
        identity_pairs(stimuli, 400, 12, 3, 0)
    pairs = identity_pairs(stimuli, 152, 12, 3, 0)
    counts = pairs[pairs["split"] == "training"].groupby(["kind", "same", "fold"]).size()
    assert counts.tolist() == [13, 13, 12] * 4
    with pytest.raises(InputError, match="at most 152 "):
        identity_pairs(stimuli, 156, 12, 3, 0)
    with pytest.raises(InputError, match=r"test_pairs = 76: .* at most 72 pairs in 1 fold;"):
        identity_pairs(stimuli, 152, 76, 3, 0)


def test_all_pairs_can_be_drawn():
    """Where all pairs of one identity are asked for, these are they; the different ones are drawn evenly."""
    stimuli = stimulus_table(4, 4, 5, shuffled=1)
    rows = {
        kind: np.flatnonzero((stimuli["split"] == "test") & (stimuli["category"] == kind))
        for kind in KINDS
    }
    same, different = enumerated(stimuli, rows["face"])
    assert (same, different) == (40, 150)
    seen = {kind: set() for kind in KINDS}
    first_lower = 0
    for seed in range(40):
        pairs = identity_pairs(stimuli, 8, 4 * same, 2, seed)
        pairs = pairs[pairs["split"] == "test"]
        for (kind, is_same), own in pairs.groupby(["kind", "same"]):
            drawn = {frozenset(pair) for pair in own[["image_a", "image_b"]].to_numpy().tolist()}
            assert len(drawn) == same
            names = stimuli["name"].to_numpy()
            every = {
                frozenset((int(a), int(b)))
                for a, b in combinations(rows[kind], 2)
                if (names[a] == names[b]) == is_same
            }
            assert drawn <= every
            if not is_same:
                seen[kind] |= drawn
        first_lower += (pairs["identity_a"] < pairs["identity_b"]).mean() * 2
    assert {kind: len(own) for kind, own in seen.items()} == dict.fromkeys(KINDS, different)
    assert 0.45 < first_lower / 40 < 0.55


def test_pairs_depend_on_the_seed_and_identities_of_folds_too():
    stimuli = stimulus_table(8, 4, 4)
    one, again, other = (identity_pairs(stimuli, 64, 32, 2, seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    members = [set(own[own["fold"] == 0]["identity_a"]) for own in (one, other)]
    assert members[0] != members[1]
    assert len(one.merge(other, on=["image_a", "image_b"])) < len(one) / 2


def test_bad_numbers():
    stimuli = stimulus_table(4, 2, 3)
    with pytest.raises(InputError, match="test_pairs = 6 must be a multiple of 4"):
        identity_pairs(stimuli, 8, 6, 2, 0)
    with pytest.raises(InputError, match=r"training_pairs = 20: .* at most 0 pairs in 5 folds"):
        identity_pairs(stimuli, 20, 4, 5, 0)


def test_the_step_writes_what_is_drawn(tmp_path):
    table = stimulus_table(4, 2, 3)
    items = [
        Item(str(row), own.category, own.name_, own.category, own.split, "noise")
        for row, own in enumerate(table.rename(columns={"name": "name_"}).itertuples())
    ]
    random = np.random.default_rng(0)
    files = tmp_path / "images.zarr", tmp_path / "images.json", tmp_path / "images.csv"
    load = lambda item: random.integers(0, 256, (8, 8, 3), dtype=np.uint8)  # noqa: E731
    write_stimulus_set(*files, items, load, 8, {})
    spec = {"training_pairs": 16, "test_pairs": 8, "folds": 2, "seed": 5}
    step.main(Job(spec, 0, {"identities": [files[1]], "table": [tmp_path / "pairs.csv"]}))
    found = pd.read_csv(tmp_path / "pairs.csv").astype({"fold": "Int64"})
    pd.testing.assert_frame_equal(found, identity_pairs(table, 16, 8, 2, 5), check_dtype=False)
