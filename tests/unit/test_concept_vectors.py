"""TCAV by Captum equals a plain computation with autograd, and a planted direction is found."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import ttest_ind
from sklearn.linear_model import SGDClassifier
from small import CATEGORIES, network_of, new, stimulus_set
from torch import nn

from anatomy.joined.concept_vectors import (
    COLUMNS,
    HELD_OUT,
    _welch,
    concept_vector_table,
    examples,
)
from anatomy.networks.cut import prefix
from anatomy.tables import CONCEPT_VECTORS

IMAGES = {"scoring": 1, "extraction": 12, "evaluation": 4}


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return stimulus_set(tmp_path_factory.mktemp("noise"), images=IMAGES)


def test_examples_are_drawn_from_their_splits_and_evenly(stimuli):
    chosen = examples(stimuli, 10, 3, 6, (0, "test"))
    split, category = (stimuli.table[name].to_numpy() for name in ("split", "category"))
    for group, rows in chosen.concepts.items():
        assert len(set(rows)) == 10
        assert set(split[rows]) == {"extraction"}
        assert set(stimuli.table["super_category"].iloc[rows]) == {group}
    assert len(chosen.random) == 3
    assert len({tuple(rows) for rows in chosen.random}) == 3
    for rows in chosen.random:
        assert set(split[rows]) == {"extraction"}
        assert len(set(category[rows])) > 2
    for group, rows in chosen.shown.items():
        assert set(split[rows]) == {"evaluation"}
        assert set(stimuli.table["super_category"].iloc[rows]) == {group}
        counts = np.unique(category[rows], return_counts=True)[1]
        assert counts.max() - counts.min() <= 1
    again = examples(stimuli, 10, 3, 6, (0, "test"))
    np.testing.assert_array_equal(again.random[2], chosen.random[2])


def plain_scores(model, network, stimuli, layer, relu, chosen, group, shown):
    """Share of images whose logit rises along a hand-made classifier's normal, for each random counterpart."""
    responses_of = prefix(network.graph, [network.response(layer)])

    def responses(rows):
        with torch.no_grad():
            return responses_of(network.input(stimuli.images(rows)))[0].flatten(1).numpy()

    rows = chosen.shown[shown]
    outputs = stimuli.outputs(rows, network.categories)
    seen = {}

    def keep(_module, _input, output):
        seen["value"] = output
        return output

    model = copy.deepcopy(model)
    model.get_submodule(relu).inplace = False
    model.get_submodule(relu).register_forward_hook(keep)
    batch = network.input(stimuli.images(rows)).requires_grad_()
    logits = model(batch)[torch.arange(len(rows)), torch.from_numpy(outputs)]
    (gradients,) = torch.autograd.grad(logits.sum(), seen["value"])
    gradients = gradients.flatten(1).numpy()
    scores = []
    for random in chosen.random:
        both = np.concatenate([responses(chosen.concepts[group]), responses(random)])
        labels = np.repeat([0, 1], [len(chosen.concepts[group]), len(random)])
        fitted = np.arange(len(labels)) % HELD_OUT != 0
        classifier = SGDClassifier(alpha=0.01, max_iter=1000, tol=1e-3, random_state=0)
        classifier.fit(both[fitted], labels[fitted])
        scores.append((gradients @ -classifier.coef_[0] > 0).mean())
    return scores


@pytest.mark.parametrize("group", ["animate", "inanimate"])
def test_scores_are_those_of_a_plain_computation(stimuli, group):
    model = new("alexnet", 2)
    network = network_of(model)
    chosen = examples(stimuli, 12, 4, 8, (1, "test"))
    table = concept_vector_table(network, stimuli, ["conv1", "fc4"], chosen, batch_size=5)
    assert list(table) == list(COLUMNS) == list(CONCEPT_VECTORS)
    for layer, relu in {"conv1": "relu1", "fc4": "relu4"}.items():
        for shown in ("animate", "inanimate"):
            scores = plain_scores(model, network, stimuli, layer, relu, chosen, group, shown)
            (row,) = table[
                (table["layer"] == layer)
                & (table["super_category"] == group)
                & (table["images_of"] == shown)
            ].itertuples()
            assert row.score == pytest.approx(np.mean(scores), abs=1e-6)
            assert row.images == 8
            assert row.sets == 4


class Directed(nn.Module):
    """The animate logits grow with one unit of the first layer, the others with another one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(4, len(CATEGORIES))

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean((2, 3)))


def test_a_planted_direction_is_found(tmp_path):
    stimuli = stimulus_set(tmp_path, images={"scoring": 1, "extraction": 30, "evaluation": 6})
    network = network_of(new_directed(stimuli))
    chosen = examples(stimuli, 30, 20, 12, (0, "test"))
    table = concept_vector_table(network, stimuli, ["conv"], chosen, batch_size=64)
    own = table.set_index(["super_category", "images_of"])
    assert own.loc[("animate", "animate"), "score"] > 0.9
    assert own.loc[("inanimate", "animate"), "score"] < 0.1
    assert own.loc[("animate", "animate"), "q_value"] < 0.05
    assert own.loc[("animate", "animate"), "accuracy"] > 0.5


def new_directed(stimuli):
    """Unit 0 is what tells dogs and cats from the rest by colour: a linear discriminant of mean colours."""
    model = Directed().eval()
    rows = stimuli.rows("extraction")
    colors = stimuli.images(rows).mean((1, 2)) / 255
    animate = (stimuli.table["super_category"].iloc[rows] == "animate").to_numpy()
    spread = np.cov(colors.T) + 1e-6 * np.eye(3)
    direction = np.linalg.solve(spread, colors[animate].mean(0) - colors[~animate].mean(0))
    direction /= np.linalg.norm(direction)
    with torch.no_grad():
        model.conv.weight.zero_()
        model.conv.bias.fill_(5.0)
        model.conv.weight[0, :, 0, 0] = torch.from_numpy(direction).float() * 5
        model.fc.weight.zero_()
        model.fc.weight[:2, 0] = 1.0
        model.fc.weight[2:, 0] = -1.0
    return model


def test_scores_that_never_vary_are_not_in_doubt():
    assert _welch(np.ones(3), np.zeros(3)) == 0
    assert _welch(np.ones(3), np.ones(3)) == 1
    random = np.random.default_rng(0)
    first, second = random.random((2, 6))
    assert _welch(first, second) == pytest.approx(ttest_ind(first, second, equal_var=False).pvalue)
