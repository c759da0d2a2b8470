"""The parts of cluster lesions: images and folds, response profiles, recognition, losses, random lesions."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import CATEGORIES, SUPER_CATEGORIES, network_of, new, stimulus_set

from anatomy.cluster_features import features
from anatomy.cluster_images import folds, response_images
from anatomy.cluster_lesions import Clusters, LayerParts, MatchedLesions
from anatomy.cluster_losses import group_losses, performance_distance, selectivity
from anatomy.cluster_validation import choose
from anatomy.errors import InputError
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons
from anatomy.performance import performance, recognised, super_category_recognised
from anatomy.recognition import Hits, Recognition
from anatomy.recording import Recording, arrays_to_record, record
from anatomy.response_matrix import ResponseMatrix
from anatomy.significance import familywise_p_values, p_values

LAYERS = ["conv1", "conv2", "fc3", "fc4"]
NOISE, NEVER_ACTIVE = -1, -2

# --- images and folds


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=7),
    st.integers(2, 5),
    st.integers(1, 30),
    st.randoms(use_true_random=False),
)
def test_folds_and_response_images_are_even(sizes, number, wanted, shuffler):
    names = [f"c{place}" for place, size in enumerate(sizes) for _ in range(size)]
    shuffler.shuffle(names)
    categories = pd.Series(names)
    fold = folds(categories, number)
    assert set(fold) <= set(range(number))
    for category in set(names):
        counts = np.bincount(fold[categories == category], minlength=number)
        assert counts.max() - counts.min() <= 1
    chosen = response_images(categories, wanted)
    assert len(chosen) == min(wanted, len(names))
    assert sorted(set(chosen)) == chosen.tolist()
    # no category has two images fewer than another one while it has some left
    counts = {name: names.count(name) for name in set(names)}
    taken = categories[chosen].value_counts().reindex(list(counts), fill_value=0)
    for one, other in itertools.permutations(counts, 2):
        assert taken[one] == counts[one] or taken[one] >= taken[other] - 1


def test_all_response_images():
    categories = pd.Series(["a", "b", "a"])
    assert response_images(categories, None).tolist() == [0, 1, 2]
    assert response_images(categories, 2).tolist() == [0, 1]


def test_few_response_images_are_of_all_kinds_of_categories():
    """Tables of ImageNet begin with hundreds of animals."""
    categories = pd.Series([f"n{number:08d}" for number in range(1000)])
    chosen = response_images(categories, 200)
    # 80 of 400 animals are expected, with a standard deviation of 6.2
    assert abs((chosen < 400).sum() - 80) < 25


def test_folds_of_single_images_are_of_one_size():
    counts = np.bincount(folds(pd.Series([f"c{n}" for n in range(20)]), 4))
    assert counts.tolist() == [5, 5, 5, 5]


# --- responses and profiles


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("responses")
    stimuli = stimulus_set(folder)
    model = new("alexnet")
    network = network_of(model)
    files = folder / "responses.zarr", folder / "responses.json"
    arrays = arrays_to_record(network, {"extraction": []}, LAYERS, "float32")
    shown = np.array([0, 3, 4, 7, 11, 12, 19])
    record(network, stimuli, arrays, 3, *files, {"extraction": shown})
    recording = Recording(*files, network, stimuli)
    return model, network, stimuli, shown, ResponseMatrix(recording, "extraction", LAYERS)


def plain_matrix(model, network, stimuli, rows):
    """Responses (neuron, image), image by image, by hooks behind the non-linearities."""
    columns = []
    for row in rows:
        parts = []
        modules = [getattr(model, f"relu{n}") for n in (1, 2, 3, 4)]
        hooks = [
            m.register_forward_hook(lambda *a, p=parts: p.append(a[2].clone())) for m in modules
        ]
        with torch.no_grad():
            model(network.input(stimuli.images(slice(row, row + 1))))
        for hook in hooks:
            hook.remove()
        columns.append(torch.cat([part.flatten() for part in parts]).numpy())
    return np.stack(columns, axis=1)


def test_the_matrix_holds_the_responses_of_all_neurons_to_the_chosen_images(recorded, monkeypatch):
    model, network, stimuli, shown, responses = recorded
    expected = plain_matrix(model, network, stimuli, stimuli.rows("extraction")[shown])
    assert responses.neurons.count == len(expected) == 8 * 49 + 12 * 9 + 20 + 15
    assert responses.images.tolist() == shown.tolist()
    for columns in (np.arange(7), np.array([5, 1])):
        blocks = list(responses.blocks(columns))
        found = np.concatenate([block for _, block in blocks])
        np.testing.assert_allclose(found, expected[:, columns], rtol=1e-5, atol=1e-6)
        ends = [place.stop for place, _ in blocks]
        assert [place.start for place, _ in blocks] == [0, *ends[:-1]]


def test_blocks_are_parts_of_layers(tmp_path, monkeypatch):
    monkeypatch.setattr("anatomy.recording.NEURONS_PER_CHUNK", 100)
    stimuli, network = stimulus_set(tmp_path), network_of(new("alexnet"))
    files = tmp_path / "responses.zarr", tmp_path / "responses.json"
    arrays = arrays_to_record(network, {"extraction": []}, LAYERS, "float32")
    record(network, stimuli, arrays, 3, *files, {"extraction": np.arange(5)})
    responses = ResponseMatrix(Recording(*files, network, stimuli), "extraction", LAYERS)
    blocks = list(responses.blocks(np.arange(5)))
    assert [len(block) for _, block in blocks[:5]] == [98, 98, 98, 98, 99]
    expected = plain_matrix(new("alexnet"), network, stimuli, stimuli.rows("extraction")[:5])
    found = np.concatenate([block for _, block in blocks])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


class Given:
    """A matrix as the responses of one layer."""

    def __init__(self, matrix):
        self.matrix = np.asarray(matrix, np.float32)
        self.neurons = Neurons({"fc": (len(matrix),)})

    def blocks(self, columns):
        for start in range(0, len(self.matrix), 2):
            part = self.matrix[start : start + 2, columns]
            yield slice(start, start + len(part)), part


def test_profiles_are_standardised_and_neurons_that_never_vary_are_left_out():
    matrix = [[0, 0, 0, 0], [1, 2, 3, 9], [5, 5, 5, 0], [0, 0, 1e-6, 0], [2, 4, 6, 0]]
    found = features(Given(matrix), np.array([0, 1, 2]), "z_score")
    assert found.active.tolist() == [False, True, False, True, True]
    np.testing.assert_allclose(found.means, [0, 2, 5, 1e-6 / 3, 4], rtol=1e-6)
    np.testing.assert_allclose(found.points.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(found.points.std(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found.points[0], found.points[2], rtol=1e-6)
    # as the docstring says: squared distance 2 n (1 - r)
    r = np.corrcoef(found.points[0], found.points[1])[0, 1]
    squared = ((found.points[0] - found.points[1]) ** 2).sum()
    np.testing.assert_allclose(squared, 2 * 3 * (1 - r), rtol=1e-5)


def test_raw_profiles_are_the_responses():
    matrix = [[0, 0, 0, 0], [1, 2, 3, 9]]
    found = features(Given(matrix), np.array([3, 1]), "raw")
    assert found.points.tolist() == [[9, 2]]


def test_one_image_gives_no_profiles():
    with pytest.raises(InputError, match="at least 2 images"):
        features(Given([[1, 2]]), np.array([0]), "raw")


# --- recognition


def test_an_image_is_recognised_as_its_category_or_its_super_category():
    groups = np.array([0, 0, 1, 2])
    logits = np.array(
        [
            [3, 1, 2, 0],  # the right output
            [1, 3, 2, 0],  # another one of its super-category
            [1, 1, 2, 0],  # one of another super-category
            [2, 1, 2, 0],  # a tie with another super-category
            [2, 2, 1, 0],  # a tie within it
            [np.nan, 1, 0, 0],
            [0, 1, np.nan, 0],
        ],
        np.float32,
    )
    images = np.zeros(len(logits), int)
    assert recognised(logits, images).tolist() == [True] + 6 * [False]
    as_group = super_category_recognised(logits, groups, images)
    assert as_group.tolist() == [True, True, False, False, True, False, False]


def test_recognition_is_that_of_the_network_with_the_lesion(tmp_path):
    stimuli = stimulus_set(tmp_path)
    network = network_of(new("alexnet"))
    names = {category: SUPER_CATEGORIES.get(category, "inanimate") for category in CATEGORIES}
    rows = stimuli.rows("evaluation")
    neurons = Neurons({"conv1": (8, 7, 7), "fc4": (15,)})
    random = np.random.default_rng(0)
    lesions = [random.random(neurons.count) < share for share in (0.5, 0.9, 0.2)]
    engine = NeuronLesions(network, neurons)
    found = Recognition(network, stimuli, rows, names, 4).measure(engine, lesions)
    with torch.no_grad():
        logits = list(engine.logits(network.input(stimuli.images(rows)), lesions))
        intact = network.graph(network.input(stimuli.images(rows))).numpy()
    categories = stimuli.table["category"].iloc[rows].tolist()
    for hits, own in [
        (found["category"].intact, intact),
        *zip(found["category"].lesioned, [each.numpy() for each in logits], strict=True),
    ]:
        predicted = [CATEGORIES[place] for place in own.argmax(axis=1)]
        assert hits.tolist() == [a == b for a, b in zip(predicted, categories, strict=True)]
    predicted = [names[CATEGORIES[place]] for place in logits[1].numpy().argmax(axis=1)]
    expected = [a == names[b] for a, b in zip(predicted, categories, strict=True)]
    assert found["super_category"].lesioned[1].tolist() == expected
    top1 = performance(intact, stimuli.outputs(rows, CATEGORIES), categories)["top1"]
    assert found["category"].intact.mean() == top1


def test_outputs_of_unknown_super_category_count_as_another_one(tmp_path):
    stimuli = stimulus_set(tmp_path)
    network = network_of(new("alexnet"))
    rows = stimuli.rows("evaluation", ["dog", "cat"])
    engine = NeuronLesions(network, Neurons({"fc4": (15,)}))
    known = Recognition(network, stimuli, rows, {"dog": "animate", "cat": "animate"}, 4)
    everything = dict.fromkeys(CATEGORIES, "animate")
    all_animate = Recognition(network, stimuli, rows, everything, 4)
    assert all_animate.measure(engine, [])["super_category"].intact.all()
    outputs = network.graph(network.input(stimuli.images(rows))).argmax(dim=1).tolist()
    expected = [CATEGORIES[place] in ("dog", "cat") for place in outputs]
    assert known.measure(engine, [])["super_category"].intact.tolist() == expected
    assert not all(expected)


# --- losses


def test_losses_by_hand():
    intact = np.array([True, True, True, False, True])
    lesioned = np.array([[True, False, False, True, True], [True] * 5])
    groups = np.array(["a", "a", "b", "b", "c"])
    found = group_losses(Hits(intact, lesioned), groups, ["a", "b", "c", "none"])
    np.testing.assert_array_equal(found, [[0.5, 0, 0, np.nan], [0, -0.5, 0, np.nan]])


@pytest.mark.parametrize(
    ("losses", "distance", "index"),
    [
        ([0.8, 0.0], 0.8, 1),
        ([0.3, 0.3], 0, 0),
        ([0.6, 0.2], 0.4, 0.5),
        ([0.6, -0.2], 0.8, 1),
        ([-0.1, -0.2], 0.1, np.nan),
        ([0.6, 0.1, 0.3], 0.5, 0.5),  # others 0.2 on average
    ],
)
def test_distance_and_selectivity_by_hand(losses, distance, index):
    assert performance_distance(np.array(losses)) == pytest.approx(distance)
    assert selectivity(np.array(losses)) == pytest.approx(index, nan_ok=True)


def test_p_values_count_draws_that_reach_the_observed():
    drawn = np.array([[0.1, 0.5], [0.2, 0.5], [0.3, 0.4]])
    np.testing.assert_allclose(p_values(np.array([0.2, 0.6]), drawn), [3 / 4, 1 / 4])


def test_familywise_p_values_keep_their_level_and_find_what_stands_out():
    random = np.random.default_rng(0)
    scales = np.array([0.01, 0.2, 1.0])
    null = [random.normal(size=(100, 3)) * scales + scales for _ in range(400)]
    smallest = np.array([familywise_p_values(own[0], own[1:], 1e-6).min() for own in null])
    # under the null the smallest of all p-values is below .05 in .05 of the cases, within four standard errors
    assert abs((smallest <= 0.05).mean() - 0.05) < 0.044
    # a distance that is small among all, but far out for its own cluster, is found
    observed = scales + scales * np.array([8, 0, 0])
    found = familywise_p_values(observed, null[0], 1e-6)
    assert found[0] == 1 / 101
    assert found[1:].min() > 0.3


def test_clusters_whose_random_lesions_cost_nothing_have_p_values():
    drawn = np.zeros((40, 2))
    drawn[:, 1] = np.linspace(0, 1, 40)
    found = familywise_p_values(np.array([0.0, 0.5]), drawn, 0.01)
    assert np.isfinite(found).all()
    assert found.min() > 0.4
    assert familywise_p_values(np.array([0.1, 0.5]), drawn, 0.01)[0] == 1 / 41


# --- choice


def of_folds(rows):
    columns = ["method", "k", "fold", "performance_distance"]
    return pd.DataFrame(rows, columns=columns).assign(unclustered_fraction=0.25)


def test_the_largest_mean_distance_is_chosen_of_what_every_fold_gives():
    rows = [
        *(("ward", 4, 1, 0.5), ("ward", 4, 2, 0.3)),
        *(("ward", 2, 1, 0.6), ("ward", 2, 2, 0.2)),  # as much as 4, with fewer clusters
        *(("hdbscan", 2, 1, 0.1), ("hdbscan", 2, 2, 0.3)),
        ("hdbscan", 3, 2, 0.9),  # not in every fold
        *(("hdbscan", 5, 1, 0.8), ("hdbscan", 5, 2, 0.8)),  # not from all images
    ]
    found = choose(of_folds(rows), 2, {"ward": [2, 4], "hdbscan": [2, 3]})
    assert found[["method", "k"]].to_numpy().tolist() == [
        ["ward", 2],
        ["ward", 4],
        ["hdbscan", 2],
        ["hdbscan", 3],
        ["hdbscan", 5],
    ]
    assert found["performance_distance"].tolist() == pytest.approx([0.4, 0.4, 0.2, 0.9, 0.8])
    assert found["eligible"].tolist() == [True, True, True, False, False]
    assert found["best_of_method"].tolist() == [True, False, True, False, False]
    assert found["chosen"].tolist() == [True, False, False, False, False]
    # t interval of .5 and .3, by hand: .4 +- 12.706 * .1
    np.testing.assert_allclose(
        found.loc[1, ["low", "high"]].astype(float), [-0.8706, 1.6706], atol=1e-4
    )


def test_nothing_is_chosen_where_no_number_is_in_all_folds():
    found = choose(of_folds([("hdbscan", 2, 1, 0.5), ("hdbscan", 3, 2, 0.5)]), 2, {"hdbscan": [2]})
    assert not found["best_of_method"].any()
    assert not found["chosen"].any()


# --- lesions as sequences

SHAPES = {"first": (2, 3, 4), "second": (5,)}


def labels():
    random = np.random.default_rng(3)
    return random.choice(np.array([0, 1, NOISE, NEVER_ACTIVE], np.int32), 29)


def test_parts_of_lesions_are_in_one_layer_each_and_make_up_the_whole():
    neurons = Neurons(SHAPES)
    lesions = [labels() == 0, labels() == 1]
    parts = list(LayerParts(lesions, neurons))
    assert len(parts) == len(LayerParts(lesions, neurons)) == 4
    for place, lesion in enumerate(lesions):
        first, second = parts[2 * place : 2 * place + 2]
        assert not first[24:].any()
        assert not second[:24].any()
        np.testing.assert_array_equal(first | second, lesion)


def test_matched_lesions_have_the_clusters_sizes_in_every_layer_and_do_not_overlap():
    neurons, own = Neurons(SHAPES), labels()
    clusters = Clusters("ward", 2, True, own)
    assert clusters.present == [0, 1, NOISE, NEVER_ACTIVE]
    assert clusters.matched == [0, 1, NOISE]
    drawn = MatchedLesions(own, clusters.matched, neurons, 20, ("test", 0))
    lesions = list(drawn)
    assert len(lesions) == len(drawn) == 60
    for draw in range(20):
        of_draw = lesions[3 * draw : 3 * draw + 3]
        assert (np.sum(of_draw, axis=0) == (own != NEVER_ACTIVE)).all()
        for label, lesion in zip(clusters.matched, of_draw, strict=True):
            assert neurons.layer_counts(lesion) == neurons.layer_counts(own == label)
    assert len({lesion.tobytes() for lesion in lesions[::3]}) > 15
    # any draw can be made by itself, and again
    np.testing.assert_array_equal(drawn[41], lesions[41])
    other = MatchedLesions(own, clusters.matched, neurons, 20, ("test", 1))
    assert (other[0] != lesions[0]).any()
