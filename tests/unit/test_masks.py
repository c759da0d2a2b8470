from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.masks import LayerwiseRanking, Ranking, kept, pack, rank, removed_count, unpack

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)


@st.composite
def boolean_arrays(draw):
    shape = draw(shapes)
    size = int(np.prod(shape))
    values = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return np.array(values, dtype=bool).reshape(shape)


@st.composite
def layers_with_ties(draw):
    """Scores of a few layers that take few different values, zeros of both signs among them."""
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    scores = {}
    for name in names:
        shape = draw(shapes)
        size = int(np.prod(shape))
        values = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 7.0])
        flat = draw(st.lists(values, min_size=size, max_size=size))
        scores[name] = torch.tensor(flat, dtype=torch.float32).reshape(shape)
    return scores


def masks_by_sorting(scores, removed):
    """The definition: a stable sort of the concatenated scores."""
    joined = np.concatenate([values.numpy().ravel() for values in scores.values()])
    kept_flags = np.ones(joined.size, dtype=bool)
    kept_flags[np.argsort(joined, kind="stable")[:removed]] = False
    ends = np.cumsum([values.numel() for values in scores.values()])[:-1]
    parts = np.split(kept_flags, ends)
    return {
        name: part.reshape(values.shape)
        for (name, values), part in zip(scores.items(), parts, strict=True)
    }


def assert_same(masks, expected):
    assert list(masks) == list(expected)
    for name, mask in masks.items():
        assert mask.dtype == torch.bool
        np.testing.assert_array_equal(mask.numpy(), expected[name])


@given(boolean_arrays())
def test_packing_keeps_every_weight(mask):
    packed = pack(mask)
    assert packed.dtype == np.uint8
    assert packed.shape == ((mask.size + 7) // 8,)
    np.testing.assert_array_equal(unpack(packed, mask.shape), mask)
    assert kept(packed, mask.size) == sum(mask.ravel().tolist())
    np.testing.assert_array_equal(pack(torch.from_numpy(mask)), packed)


def test_the_first_weight_is_the_highest_bit():
    mask = np.array([True] + [False] * 7 + [False, True, True])
    assert pack(mask).tolist() == [0b10000000, 0b01100000]


def test_bits_beyond_the_last_weight_are_not_counted():
    assert kept(np.array([0xFF, 0xFF], dtype=np.uint8), 11) == 11


def test_packing_refuses_what_is_no_mask():
    with pytest.raises(InputError, match="boolean"):
        pack(np.array([0.0, 1.0]))
    with pytest.raises(InputError, match="9 weights"):
        unpack(np.zeros(1, dtype=np.uint8), (3, 3))
    with pytest.raises(InputError, match="uint8"):
        kept(np.zeros(1, dtype=np.int64), 8)


@given(st.integers(0, 1000), st.integers(0, 10**9))
def test_removed_count_is_the_floor_of_the_decimal_fraction(thousandths, size):
    assert removed_count(thousandths / 1000, size) == thousandths * size // 1000


@given(st.integers(1, 10**9), st.data())
def test_removed_count_finds_the_whole_number_behind_a_quotient(size, data):
    removed = data.draw(st.integers(0, size))
    assert removed_count(removed / size, size) == removed


def test_removed_count_guards_against_rounding():
    assert 0.29 * 100 < 29
    assert removed_count(0.29, 100) == 29
    assert removed_count(0.3, 10) == 3
    assert removed_count(1 - 0.9, 10) == 1
    assert removed_count(0.25, 7) == int(Fraction(7, 4))
    for fraction in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            removed_count(fraction, 10)


@given(layers_with_ties())
def test_joint_pruning_is_a_stable_sort(scores):
    ranking = Ranking(scores)
    size = sum(values.numel() for values in scores.values())
    assert ranking.size == size
    for removed in range(size + 1):
        assert_same(ranking.mask(removed), masks_by_sorting(scores, removed))


@given(layers_with_ties(), st.integers(0, 20))
def test_layerwise_pruning_removes_the_same_fraction_of_each_layer(scores, twentieths):
    masks = rank(scores, "per_layer").mask_at(twentieths / 20)
    for name, values in scores.items():
        alone = {name: values}
        removed = twentieths * values.numel() // 20
        assert_same({name: masks[name]}, masks_by_sorting(alone, removed))


def test_pruning_many_weights_with_long_runs_of_ties():
    generator = np.random.default_rng(5)
    scores = {}
    for name, shape in {"fc6": (300, 400), "fc7": (70, 300), "fc8": (1, 70)}.items():
        values = np.abs(generator.standard_normal(shape)).astype(np.float32)
        values[generator.random(shape) < 0.6] = 0
        scores[name] = torch.from_numpy(values)
    ranking = rank(scores, "joint")
    for fraction in (0, 0.001, 0.3, 0.5, 0.59, 0.61, 0.9, 0.999, 1):
        expected = masks_by_sorting(scores, removed_count(fraction, ranking.size))
        assert_same(ranking.mask_at(fraction), expected)


def test_scores_are_left_alone_and_may_be_infinite():
    scores = {"conv1": torch.tensor([3.0, -torch.inf, torch.inf, 1.0])}
    ranking = Ranking(scores)
    assert ranking.mask(0)["conv1"].all()
    assert ranking.mask(1)["conv1"].tolist() == [True, False, True, True]
    assert ranking.mask(3)["conv1"].tolist() == [False, False, True, False]
    assert scores["conv1"].tolist() == [3.0, -torch.inf, torch.inf, 1.0]


def test_ranking_refuses_what_cannot_be_ranked():
    with pytest.raises(InputError, match="'fc7'"):
        Ranking({"fc6": torch.ones(3), "fc7": torch.tensor([1.0, torch.nan])})
    with pytest.raises(InputError, match="no weight"):
        Ranking({})
    with pytest.raises(InputError, match="cannot remove 4 of 3"):
        Ranking({"fc6": torch.ones(3)}).mask(4)
    with pytest.raises(InputError, match="'fc6'"):
        LayerwiseRanking({"fc6": torch.tensor([torch.nan])})
