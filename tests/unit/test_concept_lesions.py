"""Silencing a concept's units costs what a hand-zeroed network loses, and a planted concept is found."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from drawn_units import CATEGORIES as CONCEPT_CATEGORIES
from drawn_units import unit
from small import CATEGORIES, network_of, new, stimulus_set
from torch import nn

from anatomy.joined.concept_lesions import CONCEPT_COLUMNS, UNIT_COLUMNS, ConceptLesions
from anatomy.joined.labels import ANY, ConceptUnits, concept_units, detectors
from anatomy.joined.lesion_losses import LesionSets, measure_losses
from anatomy.matched_units import MatchedUnits
from anatomy.tables import CONCEPT_LESIONS, UNIT_LESIONS

IMAGES = {"scoring": 1, "extraction": 1, "evaluation": 6}
GROUPS = {category: "animate" if category in ("dog", "cat") else "thing" for category in CATEGORIES}


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return stimulus_set(tmp_path_factory.mktemp("noise"), images=IMAGES)


def hits_and_logits(model, network, stimuli, rows):
    """By the model itself, image by image."""
    batch = network.input(stimuli.images(rows))
    with torch.inference_mode():
        logits = torch.cat([model(image[None]) for image in batch]).double().numpy()
    outputs = stimuli.outputs(rows, network.categories)
    own = logits[np.arange(len(rows)), outputs]
    others = np.where(np.eye(logits.shape[1], dtype=bool)[outputs], -np.inf, logits).max(1)
    return own > others, own - logits.mean(1)


def zeroed(model, layer, units):
    """A copy of the model whose units give 0 before the non-linearity, and so behind it."""
    model = copy.deepcopy(model)
    module = model.get_submodule(layer)
    with torch.no_grad():
        module.weight[list(units)] = 0
        module.bias[list(units)] = 0
    return model


@pytest.mark.parametrize(("layer", "batch_size"), [("conv2", 4), ("conv1", 64), ("fc4", 7)])
def test_losses_are_those_of_a_hand_zeroed_network(stimuli, layer, batch_size):
    model = new("alexnet", 3)
    network = network_of(model)
    rows = stimuli.rows("evaluation")
    sets = LesionSets()
    wanted = [[0], [1, 5], [2, 3, 7], list(range(8))]
    numbers = [sets.number(units) for units in wanted]
    assert sets.number([5, 1]) == numbers[1]
    found = measure_losses(network, layer, stimuli, rows, sets, batch_size)
    category = stimuli.table["category"].iloc[rows].to_numpy()
    intact, evidence = hits_and_logits(model, network, stimuli, rows)
    np.testing.assert_array_equal(found.intact, intact)
    for number, units in zip(numbers, wanted, strict=True):
        hit, remaining = hits_and_logits(zeroed(model, layer, units), network, stimuli, rows)
        np.testing.assert_array_equal(found.hit[number], hit)
        for place, name in enumerate(found.categories.names):
            own = category == name
            lost = intact[own].mean() - hit[own].mean()
            np.testing.assert_allclose(found.lost[number, place], lost, atol=1e-12)
            decrease = (evidence[own] - remaining[own]).mean()
            np.testing.assert_allclose(found.logit_lost[number, place], decrease, atol=1e-5)


class Planted(nn.Module):
    """Units 2 and 9 of 24 are active for dogs alone and decide that a picture shows a dog."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 24, 1)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(24, len(CATEGORIES))

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean((2, 3)))


CARRIERS = [2, 9]


def planted():
    torch.manual_seed(0)
    model = Planted().eval()
    with torch.no_grad():
        model.conv.weight.zero_()
        model.conv.bias.copy_(torch.rand(24) + 0.5)
        model.conv.weight[CARRIERS] = 1.0
        model.fc.weight.zero_()
        model.fc.bias.copy_(torch.tensor([0.0, 0.5, 0.4, 0.3, 0.2]))
        model.fc.weight[0, CARRIERS] = 1.0
    return model


def test_a_planted_concept_stands_out_and_no_other_does(stimuli):
    network = network_of(planted())
    rows = stimuli.rows("evaluation", ["dog", "cat"])
    concepts = [
        ConceptUnits("dog", "object", np.array(CARRIERS)),
        ConceptUnits("grass", "object", np.array([4, 11])),
        ConceptUnits("wool", "material", np.array([5])),
    ]
    matched = MatchedUnits(np.arange(24.0) % 5, 1)
    lesions = ConceptLesions("conv", 24, concepts, matched, 400, (0, "test"))
    losses = measure_losses(network, "conv", stimuli, rows, lesions.sets, batch_size=5)
    few = stimuli.first(rows, 2)
    assert len(few) == 4
    random = measure_losses(network, "conv", stimuli, few, lesions.random_sets, batch_size=5)
    assert losses.intact[stimuli.table["category"].iloc[rows] == "dog"].all()
    table = lesions.concept_table(losses, random, GROUPS)
    assert list(table) == list(CONCEPT_COLUMNS)
    assert list(CONCEPT_COLUMNS) == list(CONCEPT_LESIONS)
    dogs = table.set_index(["concept", "category"]).loc[("dog", "dog")]
    assert dogs["loss"] == dogs["sensitivity_intact"] == 1
    assert (dogs["low"], dogs["high"]) == (1, 1)
    # 22 other units, 231 pairs of them, none of which costs a dog
    assert 150 < dogs["random_sets"] <= 231
    assert dogs["p_value"] == pytest.approx(1 / (1 + dogs["random_sets"]))
    assert dogs["q_value"] < 0.05
    assert dogs["logit_q_value"] < 0.05
    others = table[table["concept"] != "dog"]
    assert (others["loss"] == 0).all()
    assert (others["q_value"] > 0.5).all()
    units = lesions.unit_table(losses, GROUPS)
    assert list(units) == list(UNIT_COLUMNS) == list(UNIT_LESIONS)
    largest = units[units["category"] == "dog"].nlargest(2, "logit_loss")["unit"]
    assert sorted(largest) == CARRIERS
    assert len(units) == 24 * len(losses.categories.names)


def test_without_concepts_there_are_units_alone(stimuli):
    network = network_of(planted())
    rows = stimuli.rows("evaluation", ["dog"])
    lesions = ConceptLesions("conv", 24, [], MatchedUnits(np.zeros(24), 4), 10, (0,))
    losses = measure_losses(network, "conv", stimuli, rows, lesions.sets, 64)
    random = measure_losses(network, "conv", stimuli, rows, lesions.random_sets, 64)
    assert lesions.concept_table(losses, random, GROUPS).empty
    assert len(lesions.unit_table(losses, GROUPS)) == 24


def test_a_unit_counts_in_every_concept_category_that_it_detects():
    wheel = unit(3, "wheel", "part", 0.2)
    wheel |= {"object_concept": "car", "object_iou": 0.1}
    rows = [wheel, unit(1, "car", "object", 0.3), unit(0, "sky", "object", 0.01)]
    found = concept_units(pd.DataFrame(rows), 0.04)
    named = {(own.concept, own.category): own.units.tolist() for own in found}
    assert named == {("car", "object"): [1, 3], ("wheel", "part"): [3]}
    every = detectors(found)
    assert (every.concept, every.category) == (ANY, ANY)
    assert every.units.tolist() == [1, 3]
    assert detectors([]) is None
    assert {own.category for own in found} <= set(CONCEPT_CATEGORIES)
