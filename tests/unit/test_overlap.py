"""Counts equal slow loops and independent libraries; planted groups are found, and nothing where nothing is."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform
from scipy.stats import kstest
from sklearn.metrics import jaccard_score
from small import CPU

from anatomy import mask_files, overlap
from anatomy.errors import InputError
from anatomy.mask_files import MaskFile, write_masks
from anatomy.networks.graph import Layer
from anatomy.overlap import count_kept, count_overlap, together
from anatomy.overlap_tables import (
    layer_share_table,
    overlap_summary,
    overlap_table,
    sharing_table,
    with_all,
)
from anatomy.pair_statistics import mean_over_pairs, pair_mean, within_against_between
from anatomy.steps import circuit_overlap
from anatomy.steps.step import Job
from anatomy.tables import CIRCUIT_OVERLAP, CIRCUIT_OVERLAP_PAIRS

DEVICES = [CPU, *([torch.device("cuda", 0)] if torch.cuda.is_available() else [])]


def packed(masks):
    return np.packbits(masks, axis=1)


def counted(masks, device=CPU):
    return count_overlap([packed(masks)], len(masks), masks.shape[1], device)


def some_masks(circuits, weights, seed=0):
    random = np.random.default_rng(seed)
    return random.random((circuits, weights)) < random.random((circuits, 1))


# --- counting


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize(("circuits", "weights"), [(1, 8), (2, 1), (5, 77), (40, 1003), (150, 333)])
def test_counts_equal_a_loop_over_pairs_and_weights(monkeypatch, circuits, weights, integers):
    monkeypatch.setattr(overlap, "_multiplies_integers", lambda _device: integers)
    masks = some_masks(circuits, weights)
    found = counted(masks)
    for a in range(circuits):
        for b in range(circuits):
            assert found.intersections[a, b] == np.sum(masks[a] & masks[b])
    used_by = [sum(column) for column in masks.T.tolist()]
    assert found.sharing.tolist() == [used_by.count(k) for k in range(circuits + 1)]
    assert found.intersections.dtype == found.sharing.dtype == np.int64
    np.testing.assert_array_equal(found.kept, masks.sum(axis=1))


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_all_weights_of_more_circuits_than_a_byte_counts(device):
    """Sums and products are largest where every circuit keeps everything."""
    found = counted(np.ones((300, 70_001), bool), device)
    assert (found.intersections == 70_001).all()
    assert found.sharing.nonzero()[0].tolist() == [300]
    assert found.sharing[300] == 70_001


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 200),
    st.lists(st.integers(1, 25), max_size=4),
    st.integers(0, 99),
)
def test_blocks_do_not_matter(circuits, weights, cuts, seed):
    masks = some_masks(circuits, weights, seed)
    whole = counted(masks)
    ends = sorted({cut for cut in cuts if cut < packed(masks).shape[1]})
    blocks = np.split(packed(masks), ends, axis=1)
    found = count_overlap(blocks, circuits, weights, CPU)
    np.testing.assert_array_equal(found.intersections, whole.intersections)
    np.testing.assert_array_equal(found.sharing, whole.sharing)
    np.testing.assert_array_equal(count_kept(blocks), masks.sum(axis=1))


def test_parts_of_a_block_are_put_together(monkeypatch):
    """The last part is narrower than the others."""
    monkeypatch.setattr(overlap, "_UNPACKED", {"cpu": 32 * 64})
    masks = some_masks(7, 8 * 200 + 3)
    found = counted(masks)
    numbers = masks.astype(int)
    np.testing.assert_array_equal(found.intersections, numbers @ numbers.T)
    np.testing.assert_array_equal(found.sharing, np.bincount(numbers.sum(axis=0), minlength=8))


def test_jaccard_equals_scipy_and_sklearn():
    masks = some_masks(12, 501)
    found = counted(masks).jaccard
    np.testing.assert_allclose(found, 1 - squareform(pdist(masks, "jaccard")), atol=1e-15)
    assert found[3, 7] == pytest.approx(jaccard_score(masks[3], masks[7]))


def test_two_empty_circuits_have_no_similarity_and_an_empty_one_none_to_others():
    masks = np.zeros((3, 20), bool)
    masks[2, :5] = True
    found = counted(masks)
    assert math.isnan(found.jaccard[0, 1])
    assert math.isnan(found.expected_jaccard[0, 1])
    assert found.jaccard[0, 2] == found.expected_jaccard[0, 2] == 0


def test_expected_overlap_is_the_mean_over_shuffled_masks():
    random = np.random.default_rng(1)
    masks = some_masks(6, 400, seed=3)
    found = counted(masks)
    shuffled = [counted(random.permuted(masks, axis=1)) for _ in range(400)]
    for name in ("intersections", "sharing"):
        drawn = np.stack([getattr(own, name) for own in shuffled])
        error = drawn.std(axis=0) / np.sqrt(len(drawn))
        off = np.abs(drawn.mean(axis=0) - getattr(found, f"expected_{name}"))
        if name == "intersections":
            off, error = off[np.triu_indices(6, 1)], error[np.triu_indices(6, 1)]
        assert (off <= 4.5 * error + 1e-9).all()
    mean = np.mean([own.jaccard for own in shuffled], axis=0)
    pairs = np.triu_indices(6, 1)
    np.testing.assert_allclose(mean[pairs], found.expected_jaccard[pairs], rtol=0.02)
    assert found.expected_sharing.sum() == pytest.approx(400)


def test_layers_together_are_as_one_layer_but_for_what_is_expected():
    first, second = some_masks(5, 90, seed=1), some_masks(5, 31, seed=2)
    parts = [counted(first), counted(second)]
    found, whole = together(parts), counted(np.hstack([first, second]))
    assert found.weights == 121
    np.testing.assert_array_equal(found.intersections, whole.intersections)
    np.testing.assert_array_equal(found.sharing, whole.sharing)
    np.testing.assert_array_equal(found.jaccard, whole.jaccard)
    a, b = (masks.sum(axis=1) for masks in (first, second))
    assert found.expected_intersections[0, 1] == pytest.approx(a[0] * a[1] / 90 + b[0] * b[1] / 31)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.zeros((3, 2), np.uint8), r"shape \(2, bytes\), not uint8 of shape \(3, 2\)"),
        (np.zeros((2, 2), bool), "not bool"),
        (np.zeros((2, 3), np.uint8), "must have 2 bytes, not 3"),
    ],
)
def test_blocks_of_other_sizes_are_refused(block, message):
    with pytest.raises(InputError, match=message):
        count_overlap([block], 2, 16, CPU)


# --- reading


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Masks of two layers and the output layer in chunks of 5 bytes; cup has no circuit."""
    monkeypatch.setattr(mask_files, "CHUNK_BYTES", 5)
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield Store(tmp_path)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


SHAPES = {"conv1": (4, 3, 3, 3), "fc2": (11, 7), "fc3": (4, 11)}
CATEGORIES = ("dog", "cup", "cat", "key")
SUPER_CATEGORIES = ("animate", "inanimate", "animate", "inanimate")


class Store:
    """A mask store with its summary table, and the step that compares its circuits."""

    def __init__(self, folder):
        self.folder = folder
        self.masks = {category: self._mask(row) for row, category in enumerate(CATEGORIES)}
        layers = [Layer(name, name, "linear", shape) for name, shape in SHAPES.items()]
        self.paths = folder / "masks.zarr", folder / "masks.json"
        write_masks(iter(self.masks.items()), CATEGORIES, layers, *self.paths, {"of": "test"})
        kept = [0.5, np.nan, 0.4, 0.3]
        table = {"category": CATEGORIES, "super_category": SUPER_CATEGORIES, "kept_fraction": kept}
        pd.DataFrame(table).to_csv(folder / "summary.csv", index=False)

    def _mask(self, row):
        if CATEGORIES[row] == "cup":
            return {name: np.ones(shape, bool) for name, shape in SHAPES.items()}
        random = np.random.default_rng(row)
        masks = {name: random.random(shape) < 0.5 for name, shape in SHAPES.items()}
        masks["fc3"][np.arange(4) != row] = False
        return masks

    def run(self, threads=1):
        names = ["overlap", "sharing", "layer_shares"]
        paths = {name: [self.folder / f"{name}.csv"] for name in names}
        paths |= {"pairs": [self.folder / "pairs.parquet"]}
        paths |= {"masks": [self.paths[1]], "summary": [self.folder / "summary.csv"]}
        circuit_overlap.main(Job({"threads": threads}, 0, paths))
        tables = {name: pd.read_csv(self.folder / f"{name}.csv") for name in names}
        return SimpleNamespace(pairs=pd.read_parquet(self.folder / "pairs.parquet"), **tables)


def test_blocks_hold_each_byte_once_in_the_order_asked_for(store):
    file = MaskFile(*store.paths)
    for layer, shape in SHAPES.items():
        blocks = list(file.blocks(layer, ["key", "dog"]))
        size = -(-math.prod(shape) // 8)
        assert [block.shape for block in blocks[:-1]] == [(2, 5)] * ((size - 1) // 5)
        expected = [
            np.packbits(store.masks[category][layer].ravel()) for category in ("key", "dog")
        ]
        np.testing.assert_array_equal(np.hstack(blocks), expected)


def test_masks_in_several_chunks_come_back(store):
    file = MaskFile(*store.paths)
    for category, own in store.masks.items():
        for layer, mask in own.items():
            np.testing.assert_array_equal(file.mask(category, layer), mask)


def test_a_layer_that_is_damaged_is_named(store):
    chunk = next(path for path in (store.paths[0] / "fc2").rglob("c/2/1"))
    chunk.write_bytes(b"\0" * chunk.stat().st_size)
    with pytest.raises(InputError, match="fc2"):
        list(MaskFile(*store.paths).blocks("fc2", ["dog", "cat"]))


# --- tables


def test_the_step_compares_circuits_layer_by_layer_without_the_output_layer(store):
    tables = store.run()
    assert list(tables.pairs) == list(CIRCUIT_OVERLAP_PAIRS)
    assert tables.pairs["layer"].unique().tolist() == ["conv1", "fc2", "all"]
    assert len(tables.pairs) == 3 * 3
    rows = tables.pairs.set_index(["layer", "category_a", "category_b"])
    assert set(rows.loc["fc2"].index) == {("dog", "cat"), ("dog", "key"), ("cat", "key")}
    for (layer, a, b), row in rows.iterrows():
        layers = ["conv1", "fc2"] if layer == "all" else [layer]
        first, second = (
            np.concatenate([store.masks[category][name].ravel() for name in layers])
            for category in (a, b)
        )
        assert row["intersection"] == np.logical_and(first, second).sum()
        assert row["union"] == np.logical_or(first, second).sum()
        assert row["jaccard"] == pytest.approx(jaccard_score(first, second))
        assert row["same_super_category"] == ((a, b) == ("dog", "cat"))
    dog, cat = (store.masks[category]["fc2"].sum() for category in ("dog", "cat"))
    chance = dog * cat / 77
    found = rows.loc[("fc2", "dog", "cat"), "expected_jaccard"]
    assert found == pytest.approx(chance / (dog + cat - chance))


def test_the_step_counts_the_category_s_row_of_the_output_layer(store):
    shares = store.run().layer_shares.set_index(["layer", "category"])
    assert shares.index.get_level_values("layer").unique().tolist() == list(SHAPES)
    assert shares.loc["fc3"].index.tolist() == ["dog", "cat", "key"]
    for row, category in enumerate(CATEGORIES):
        if category != "cup":
            own = shares.loc[("fc3", category)]
            assert own["kept"] == store.masks[category]["fc3"][row].sum()
            assert own["weights"] == 11
            assert own["kept_fraction"] == own["kept"] / 11
            assert own["super_category"] == SUPER_CATEGORIES[row]
    assert shares.loc[("conv1", "key"), "kept"] == store.masks["key"]["conv1"].sum()


def test_the_step_counts_by_how_many_circuits_weights_are_used(store):
    sharing = store.run().sharing
    for layer in ("conv1", "fc2"):
        own = sharing[sharing["layer"] == layer]
        used = sum(store.masks[category][layer].astype(int) for category in ("dog", "cat", "key"))
        assert own["circuits"].tolist() == [0, 1, 2, 3]
        assert own["weights"].tolist() == [(used == k).sum() for k in range(4)]
        assert own["fraction"].sum() == pytest.approx(1)
        assert own["expected_fraction"].sum() == pytest.approx(1)
    totals = sharing.groupby("layer")["weights"].sum()
    assert totals.to_dict() == {"conv1": 108, "fc2": 77, "all": 185}


def test_the_step_gives_the_same_with_any_number_of_threads(store):
    one, two = store.run(threads=1), store.run(threads=2)
    for name in ("pairs", "overlap", "sharing", "layer_shares"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


def test_the_step_names_categories_without_masks(store):
    table = pd.read_csv(store.folder / "summary.csv")
    table.loc[0, "category"] = "ox"
    table.to_csv(store.folder / "summary.csv", index=False)
    with pytest.raises(InputError, match=r"masks\.json: holds no masks of ox"):
        store.run()


@pytest.mark.parametrize("circuits", [0, 1])
def test_too_few_circuits_give_tables_without_pairs(store, circuits):
    table = pd.read_csv(store.folder / "summary.csv")
    table.loc[circuits:, "kept_fraction"] = np.nan
    table.to_csv(store.folder / "summary.csv", index=False)
    tables = store.run()
    assert list(tables.pairs) == list(CIRCUIT_OVERLAP_PAIRS)
    assert tables.pairs.empty
    assert list(tables.overlap) == list(CIRCUIT_OVERLAP)
    assert (tables.overlap["pairs"] == 0).all()
    assert tables.overlap["mean_jaccard"].isna().all()
    assert len(tables.layer_shares) == 3 * circuits
    assert tables.sharing.groupby("layer")["weights"].sum()["all"] == 185


def planted(members=6, groups=2, weights=400, shared=0.5, seed=0):
    """Circuits of a group share a core of weights; shared = 0 plants nothing."""
    random = np.random.default_rng(seed)
    cores = random.random((groups, weights)) < 0.2
    labels = np.repeat(np.arange(groups), members)
    own = random.random((len(labels), weights)) < 0.2
    masks = np.where(random.random(own.shape) < shared, cores[labels], own)
    circuits = pd.DataFrame(
        {"category": [f"c{i}" for i in range(len(labels))], "super_category": labels.astype(str)}
    )
    return masks, circuits


def test_planted_super_categories_are_found_in_their_layer_alone():
    with_groups, circuits = planted()
    without, _ = planted(shared=0, seed=1)
    overlaps = with_all({"first": counted(without), "second": counted(with_groups)})
    table = overlap_summary(overlaps, circuits, seed=0).set_index(["layer", "relation"])
    within = table.xs("within", level="relation")
    assert within.loc["second", "p_value"] < 0.005
    assert within.loc["first", "p_value"] > 0.05
    assert within.loc["second", "difference"] > 0.05
    assert table["p_value"].notna().sum() == table["difference"].notna().sum() == 3
    assert within.loc["second", "low"] > table.loc[("second", "between"), "high"]
    assert within.loc["second", "low"] > within.loc["second", "mean_expected_jaccard"]


def test_the_summary_holds_the_means_of_the_pairs():
    masks, circuits = planted(members=4, groups=3)
    overlaps = with_all({"one": counted(masks), "two": counted(masks[:, :100])})
    pairs = overlap_table(overlaps, circuits)
    summary = overlap_summary(overlaps, circuits, seed=0).set_index(["layer", "relation"])
    for layer, own in pairs.groupby("layer", observed=True):
        parts = {
            "all": own,
            "within": own[own["same_super_category"]],
            "between": own[~own["same_super_category"]],
        }
        for relation, part in parts.items():
            row = summary.loc[(layer, relation)]
            assert row["pairs"] == len(part)
            assert row["mean_jaccard"] == pytest.approx(part["jaccard"].mean(), rel=1e-12)
            assert row["mean_expected_jaccard"] == pytest.approx(part["expected_jaccard"].mean())
            assert row["low"] < row["mean_jaccard"] < row["high"]
        means = [part["jaccard"].mean() for part in parts.values()]
        assert summary.loc[(layer, "within"), "difference"] == pytest.approx(means[1] - means[2])


@pytest.mark.parametrize("labels", [["a"] * 4, ["a", "b", "c", "d"]])
def test_one_super_category_or_one_member_each_cannot_be_tested(labels):
    masks, circuits = planted(members=2)
    circuits["super_category"] = labels
    table = overlap_summary(with_all({"one": counted(masks)}), circuits, seed=0)
    assert table["p_value"].isna().all()
    assert table["difference"].isna().all()
    row = table.set_index(["layer", "relation"]).loc[("all", "all")]
    assert row["pairs"] == 6
    assert np.isfinite(row["mean_jaccard"])


def test_layer_shares_and_sharing_of_a_small_example():
    masks = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0]], bool)
    circuits = pd.DataFrame({"category": ["x", "y"], "super_category": ["s", "t"]})
    sharing = sharing_table({"one": counted(masks)})
    assert sharing["weights"].tolist() == [2, 2, 1]
    # both at random: 0.4 and 0.4
    np.testing.assert_allclose(sharing["expected_fraction"], [0.36, 0.48, 0.16])
    shares = layer_share_table({"one": masks.sum(axis=1)}, {"one": 5}, circuits)
    assert shares.to_dict("list") == {
        "category": ["x", "y"],
        "super_category": ["s", "t"],
        "layer": ["one", "one"],
        "kept": [2, 2],
        "weights": [5, 5],
        "kept_fraction": [0.4, 0.4],
    }


# --- statistics of pairs


def similarities(things, seed=0):
    random = np.random.default_rng(seed)
    values = random.random((things, things))
    return (values + values.T) / 2


def test_the_bootstrap_equals_a_loop_over_drawn_things():
    similarity, things = similarities(7), 7
    similarity[1, 2] = similarity[2, 1] = np.nan
    chosen = np.ones((things, things), bool)
    found = mean_over_pairs(similarity, chosen, seed=5, resamples=300)
    random, means = np.random.default_rng(5), []
    for times in random.multinomial(things, np.full(things, 1 / things), 300):
        drawn = np.repeat(np.arange(things), times)
        values = [similarity[i, j] for n, i in enumerate(drawn) for j in drawn[:n] if i != j]
        means.append(np.nanmean(values))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert found.value == pytest.approx(np.nanmean(similarity[np.triu_indices(7, 1)]))
    assert found.n == 20


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    """Things have effects of their own, so that pairs of a thing are alike: 95 % of intervals over pairs would not."""
    random, held = np.random.default_rng(0), 0
    for seed in range(200):
        effects = random.normal(0, 0.1, 30)
        noise = random.normal(0, 0.03, (30, 30))
        similarity = 0.5 + effects[:, None] + effects[None] + (noise + noise.T) / 2
        found = mean_over_pairs(similarity, np.ones((30, 30), bool), seed, resamples=500)
        held += found.low <= 0.5 <= found.high
    assert 0.89 <= held / 200 <= 0.985


def test_a_mean_without_pairs_is_none():
    found = mean_over_pairs(similarities(3), np.zeros((3, 3), bool), seed=0)
    assert found.n == 0
    assert math.isnan(found.value)
    assert math.isnan(pair_mean(similarities(3), np.zeros((3, 3), bool)))


def test_two_things_have_a_mean_but_no_interval():
    found = mean_over_pairs(similarities(2), np.ones((2, 2), bool), seed=0)
    assert found.value == similarities(2)[0, 1]
    assert math.isnan(found.low)


def test_the_permutation_test_counts_what_all_permutations_give():
    """Of 6 things in groups of 2 and 4 there are 15 partitions; the p-value is the share that is at least as large."""
    similarity, labels = similarities(6, seed=4), np.array([0, 0, 1, 1, 1, 1])
    differences = {}
    for i in range(6):
        for j in range(i):
            drawn = np.isin(np.arange(6), (i, j)).astype(int)
            same = drawn[:, None] == drawn[None]
            upper = np.triu(np.ones((6, 6), bool), 1)
            differences[i, j] = similarity[same & upper].mean() - similarity[~same & upper].mean()
    observed = differences[1, 0]
    expected = np.mean([value >= observed - 1e-12 for value in differences.values()])
    difference, p = within_against_between(similarity, labels, seed=0)
    assert difference == pytest.approx(observed)
    assert p == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_ties_count_as_ties(seed):
    """Eighths are exact numbers and tenths are not, yet as many permutations tie with the observed difference."""
    numbers = np.random.default_rng(seed).integers(1, 5, (10, 10))
    numbers, labels = numbers + numbers.T, np.arange(10) % 2
    eighths, tenths = (within_against_between(numbers / n, labels, seed) for n in (8, 10))
    assert tenths[1] == eighths[1]
    assert tenths[0] == pytest.approx(0.8 * eighths[0])


def test_nothing_but_ties_is_no_effect():
    _, p = within_against_between(np.full((9, 9), 0.1), np.arange(9) % 2, seed=0)
    assert p == 1


def test_p_values_are_uniform_where_there_is_no_effect():
    labels = np.repeat([0, 1, 2], [8, 5, 3])
    p = [
        within_against_between(similarities(16, seed), labels, seed, permutations=199)[1]
        for seed in range(300)
    ]
    assert kstest(p, "uniform").pvalue > 0.01
    assert min(p) >= 1 / 200


def test_similarities_that_are_not_square_are_refused():
    with pytest.raises(InputError, match="square"):
        pair_mean(np.zeros((2, 3)), np.zeros((2, 3), bool))
