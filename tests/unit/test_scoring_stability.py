import re
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest
import small
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kstest, norm, spearmanr
from torch import nn

from anatomy.errors import InputError
from anatomy.scores import contributions, score_weights
from anatomy.scoring_stability import rank_correlations, sample_weights
from anatomy.steps import scoring_stability as step
from anatomy.steps.step import Job


def found(contributions_of_layers):
    """(layer, images, subset) -> rank correlation."""
    rows = rank_correlations(contributions_of_layers)
    table = {(row.layer, row.images, row.subset): row.rank_correlation for row in rows}
    assert len(table) == len(rows)
    return table


def noisy(images, weights, noise, seed=0):
    """A truth that all images share, and noise of its own in each."""
    random = np.random.default_rng(seed)
    truth = random.standard_normal(weights)
    return torch.from_numpy(truth + noise * random.standard_normal((images, weights)))


@pytest.mark.parametrize(
    ("images", "subsets"),
    [
        (4, {1: 2, 2: 1}),
        (7, {1: 3, 2: 1}),
        (12, {1: 6, 2: 3, 4: 1}),
        (16, {1: 8, 2: 4, 4: 2, 8: 1}),
        (19, {1: 9, 2: 4, 4: 2, 8: 1}),
    ],
)
def test_every_image_is_in_one_subset_of_each_size_or_in_the_reference(images, subsets):
    """Turning the rank order of one image around turns those correlations in which it takes part."""
    half, order = images // 2, torch.arange(50.0)
    expected = [(size, number) for size, count in subsets.items() for number in range(count)]
    for image in range(half):
        own = torch.zeros(images, 50)
        own[half:] = order / (images - half)
        own[image] = -order
        table = found({"fc": own})
        assert [key[1:] for key in table if key[0] == "fc"] == expected
        turned = {key[1:] for key, value in table.items() if value < 0}
        assert turned == {(s, image // s) for s, count in subsets.items() if image // s < count}
    for image in range(half, images):
        own = torch.zeros(images, 50)
        own[:half] = order
        own[image] = -order
        np.testing.assert_allclose(list(found({"fc": own}).values()), -1)


@given(arrays(np.float64, (6, 12), elements=st.integers(-3, 3).map(float)))
def test_correlations_are_those_of_scipy_with_ties_and_none_where_all_are_equal(values):
    table = found({"fc": torch.from_numpy(values)})
    reference = values[3:].mean(0)
    for (_, size, number), value in table.items():
        own = values[size * number : size * (number + 1)].mean(0)
        if np.ptp(own) == 0 or np.ptp(reference) == 0:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(spearmanr(own, reference).statistic, abs=1e-9)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_planted_noise_gives_the_correlation_of_theory(noise):
    """Normal scores: Pearson's r of means of n and m images is 1 / sqrt((1 + v/n)(1 + v/m)), Spearman's follows."""
    table = found({"fc": noisy(16, 40_000, noise)})
    for size in (1, 2, 4, 8):
        values = [value for (layer, s, _), value in table.items() if s == size and layer == "fc"]
        pearson = ((1 + noise**2 / size) * (1 + noise**2 / 8)) ** -0.5
        spearman = 6 / np.pi * np.arcsin(pearson / 2)
        assert len(values) == 8 // size
        np.testing.assert_allclose(values, spearman, atol=0.02)


def test_all_layers_together_are_the_mean_of_those_that_have_a_correlation():
    layers = {"fc1": noisy(4, 300, 1.0), "fc2": noisy(4, 200, 3.0), "dead": torch.zeros(4, 10)}
    table = found(layers)
    for size, number in ((1, 0), (1, 1), (2, 0)):
        assert np.isnan(table["dead", size, number])
        mean = (table["fc1", size, number] + table["fc2", size, number]) / 2
        assert table["all", size, number] == pytest.approx(mean)
    assert all(np.isnan(value) for value in found({"dead": torch.zeros(4, 10)}).values())


def test_fewer_than_four_images_are_refused():
    with pytest.raises(InputError, match="needs 4 images, not 3"):
        rank_correlations({"fc": torch.zeros(3, 5)})


def wide(units=90):
    """A hidden layer of 768 x `units` weights, and an output layer of 5 x `units`."""
    torch.manual_seed(0)
    layers = OrderedDict(
        flatten=nn.Flatten(),
        hidden=nn.Linear(3 * small.INPUT**2, units),
        relu=nn.ReLU(),
        last=nn.Linear(units, len(small.CATEGORIES)),
    )
    return small.network_of(nn.Sequential(layers))


def some_images(count=8):
    """Images that share a pattern."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(count, 3, small.INPUT, small.INPUT, generator=generator)
    return noise + torch.randn(3, small.INPUT, small.INPUT, generator=generator)


@pytest.mark.parametrize("kind", ["signed", "absolute_per_image"])
def test_a_sample_of_weights_gives_about_the_correlation_of_all(kind):
    network, images = wide(), some_images()
    sample = sample_weights(network, 0)
    everything = {"hidden": torch.arange(network.module("hidden").weight.numel())}
    assert len(sample["hidden"]) == 20_000 < len(everything["hidden"])
    sampled = found(contributions(network, images, 0, kind, {"hidden": sample["hidden"]}))
    for key, value in found(contributions(network, images, 0, kind, everything)).items():
        error = (1 - value**2) * np.sqrt((1 + value**2 / 2) / 20_000)
        assert 0.05 < value < 0.95
        assert abs(sampled[key] - value) < norm.isf(1e-4) * error < 0.03


def test_samples_are_even_and_the_same_for_all_categories():
    network = wide()
    first, second = (sample_weights(network, output, 3000)["hidden"] for output in (0, 3))
    assert torch.equal(first, second)
    assert len(first.unique()) == 3000
    assert kstest(first.numpy() / network.module("hidden").weight.numel(), "uniform").pvalue > 1e-4
    twin = nn.Sequential(OrderedDict(flatten=nn.Flatten(), other=nn.Linear(768, 90)))
    assert not torch.equal(first, sample_weights(small.network_of(twin), 0, 3000)["other"])


@pytest.mark.parametrize("kind", ["alexnet", "squeeze"])
def test_of_the_output_layer_only_the_row_of_the_category_is_sampled(kind):
    network = small.network_of(small.new(kind))
    last = network.output_layer
    row = int(np.prod(last.weight_shape[1:]))
    for output in (0, 4):
        assert sample_weights(network, output)[last.name].tolist() == list(
            range(output * row, (output + 1) * row)
        )
        few = sample_weights(network, output, size=4)
        assert [len(own) for own in few.values()] == [4] * len(network.layers)
        assert (few[last.name] // row == output).all()
    twice = [sample_weights(network, output, size=4)[last.name] - output * row for output in (1, 2)]
    assert torch.equal(*twice)


def run_step(folder, monkeypatch, scoring, score="absolute_per_image"):
    """The table that the step writes for two categories, with the network and stimuli it read."""
    network = small.network_of(small.new("alexnet"))
    stimuli = small.stimulus_set(folder, images={"scoring": scoring, "evaluation": 1})
    monkeypatch.setattr(step, "open_network", lambda _job: network)
    monkeypatch.setattr(step, "open_stimuli", lambda _manifest: stimuli)
    spec = {"stimuli": "noise", "score": score, "categories": ["dog", "key"]}
    step.main(Job(spec, 0, {"stimuli": [folder], "table": [folder / "table.parquet"]}))
    return pd.read_parquet(folder / "table.parquet"), network, stimuli


@pytest.mark.parametrize("score", ["signed", "absolute_per_image", "absolute_per_position"])
def test_the_step_compares_scores_of_separate_images(score, tmp_path, monkeypatch):
    """The layers of this network are small enough to be compared whole."""
    table, network, stimuli = run_step(tmp_path, monkeypatch, 9, score)
    assert list(table) == ["category", "layer", "images", "subset", "rank_correlation"]
    layers = [layer.name for layer in network.layers]
    assert table["layer"].unique().tolist() == [*layers, "all"]
    assert (table.groupby(["category", "layer"]).size() == 4 + 2 + 1).all()
    images = network.input(stimuli.images(stimuli.rows("scoring", ["key"])))
    output = network.output("key")

    def scores(rows, layer):
        own = score_weights(network, images[rows], output, score, layers)[layer]
        weight = network.module(layer).weight
        values = own.row(weight, output) if layer == layers[-1] else own.dense(weight)
        return values.flatten()

    own = table[table["category"] == "key"].set_index(["layer", "images", "subset"])
    for layer in layers:
        for size, subset, rows in ((1, 2, [2]), (2, 1, [2, 3]), (4, 0, [0, 1, 2, 3])):
            expected = spearmanr(scores(rows, layer), scores(slice(4, 9), layer)).statistic
            value = own.loc[(layer, size, subset), "rank_correlation"]
            assert value == pytest.approx(expected, abs=1e-3)  # scores rounded alike may swap ranks


def test_the_step_names_the_category_that_has_too_few_images(tmp_path, monkeypatch):
    sentence = re.escape("category 'dog'") + ".* 4 images, not 3"
    with pytest.raises(InputError, match=sentence):
        run_step(tmp_path, monkeypatch, 3)
