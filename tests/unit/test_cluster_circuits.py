"""Clusters silenced in circuits: as in a network pruned and lesioned by hand, and a planted effect is found."""

import copy
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from small import CATEGORIES, network_of, new, stimulus_set
from torch.nn.utils import prune

from anatomy.joined.cluster_circuits import (
    ClusterLesion,
    Images,
    LesionedCircuits,
    circuit_rows,
)
from anatomy.joined.own_circuits import (
    PERMUTATIONS,
    clusters_of_super_categories,
    own_against_others,
)
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons
from anatomy.tables import CLUSTER_CIRCUITS

IMAGES = {"scoring": 1, "extraction": 1, "evaluation": 4}
SHAPES = {"conv1": (8, 7, 7), "conv2": (12, 3, 3), "fc3": (20,)}


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return stimulus_set(tmp_path_factory.mktemp("noise"), images=IMAGES)


def world(stimuli, means=None):
    model = new("alexnet", 5)
    network = network_of(model)
    rows = stimuli.rows("evaluation")
    with torch.inference_mode():
        logits = model(network.input(stimuli.images(rows))).numpy()
    few = np.tile([True, False, False, False], len(CATEGORIES))
    images = Images(rows, logits, stimuli.outputs(rows, network.categories), few)
    lesioned = NeuronLesions(network, Neurons(SHAPES), means)
    return model, network, images, LesionedCircuits(network, stimuli, images, lesioned, 7)


def drawn(seed, share=0.3):
    return np.random.default_rng(seed).random(Neurons(SHAPES).count) < share


def weight_masks(network, seed):
    random = torch.Generator().manual_seed(seed)
    return {
        layer.name: torch.rand(tuple(layer.weight_shape), generator=random) < 0.7
        for layer in network.layers
    }


def by_hand(model, masks, lesion, batch, fill=0.0):
    """Logits with torch's own pruning, and neurons set to a value by hooks behind the non-linearities."""
    model = copy.deepcopy(model)
    for name, mask in masks.items():
        prune.custom_from_mask(model.get_submodule(name), "weight", mask)
    places = Neurons(SHAPES).places

    def silence(layer):
        own = torch.from_numpy(lesion[places[layer]]).reshape(SHAPES[layer])
        value = torch.as_tensor(fill, dtype=torch.float32)
        if value.ndim:
            value = value[places[layer]].reshape(SHAPES[layer])
        return lambda _module, _input, output: torch.where(own, value, output)

    for layer, relu in {"conv1": "relu1", "conv2": "relu2", "fc3": "relu3"}.items():
        model.get_submodule(relu).register_forward_hook(silence(layer))
    with torch.inference_mode():
        return model(batch).numpy()


@pytest.mark.parametrize("replaced", [False, True])
def test_logits_are_those_of_a_network_pruned_and_lesioned_by_hand(stimuli, replaced):
    means = np.random.default_rng(3).random(Neurons(SHAPES).count).astype(np.float32)
    model, network, images, circuits = world(stimuli, means if replaced else None)
    fill = means if replaced else 0.0
    masks, lesions = weight_masks(network, 0), [drawn(0), drawn(1)]
    nothing = np.zeros_like(lesions[0])
    found = circuits.logits(masks, lesions)
    batch = network.input(stimuli.images(images.rows))
    for logits, lesion in zip(found, [nothing, *lesions], strict=True):
        np.testing.assert_allclose(logits, by_hand(model, masks, lesion, batch, fill), atol=1e-5)
    few = circuits.logits(masks, lesions, slice(2, 3), few=True)
    np.testing.assert_allclose(few[:, :, 0], found[:, images.few, 2], atol=1e-5)
    # the network is as it was
    np.testing.assert_allclose(circuits.logits({}, [])[0], images.logits, atol=1e-5)


def plain_csa(target, images, output, bias):
    """Hits minus false alarms when one column of the logits is replaced."""
    logits = images.logits.astype(np.float64).copy()
    logits[:, output] = target + bias
    others = np.delete(logits, output, axis=1).max(1)
    predicted, own = logits[:, output] > others, images.outputs == output
    return predicted[own].mean() - predicted[~own].mean()


def test_rows_are_what_a_hand_made_circuit_loses(stimuli):
    model, network, images, circuits = world(stimuli)
    masks, output, biases = weight_masks(network, 1), 2, (0.1, -0.2)
    lesion, random = drawn(2), [drawn(3), drawn(4), drawn(5)]
    about = {"cluster_of": "animate", "method": "ward", "k": 2, "cluster": "1", "neurons": 9}
    clusters = [ClusterLesion(about, lesion, random)]
    unpruned = circuits.logits({}, [lesion])
    (row,) = circuit_rows(circuits, clusters, unpruned, output, masks, biases)
    assert {"category", "super_category", *row} == set(CLUSTER_CIRCUITS)
    batch = network.input(stimuli.images(images.rows))
    nothing = np.zeros_like(lesion)
    whole = {
        name: by_hand(model, masks, own, batch)[:, output]
        for name, own in {"csa": nothing, "csa_lesioned": lesion}.items()
    }
    for name, target in whole.items():
        assert row[name] == pytest.approx(plain_csa(target, images, output, biases[1]))
    for name, own in {"csa_unpruned": nothing, "csa_unpruned_lesioned": lesion}.items():
        target = by_hand(model, {}, own, batch)[:, output]
        assert row[name] == pytest.approx(plain_csa(target, images, output, biases[0]))
    few = Images(*(own[images.few] for own in vars(images).values()))
    shown = {
        place: plain_csa(
            by_hand(model, masks, own, batch)[images.few, output], few, output, biases[1]
        )
        for place, own in enumerate([nothing, lesion, *random])
    }
    lost = [shown[0] - shown[place] for place in (2, 3, 4)]
    assert row["random_loss"] == pytest.approx(np.mean(lost))
    above = sum(own >= shown[0] - shown[1] for own in lost)
    assert row["p_value"] == pytest.approx((1 + above) / 4)


def test_the_cluster_of_a_super_category_costs_it_most_beyond_the_others():
    table = pd.DataFrame(
        {
            "chosen": [True, True, True, True, False],
            "cluster": ["1", "2", "3", "noise", "1"],
            "loss_animate": [0.5, 0.9, 0.0, 1.0, 1.0],
            "loss_thing": [0.1, 0.8, 0.1, 0.0, 0.0],
            "loss_food": [0.1, 0.9, 0.2, 0.0, 0.0],
        }
    )
    found = clusters_of_super_categories(table, ["animate", "thing", "food"])
    # thing: .1 - .3, .8 - .9, .1 - .1; food: .1 - .3, .9 - .85, .2 - .05
    assert found == {"animate": "1", "food": "3"}
    assert clusters_of_super_categories(table.assign(chosen=False), ["animate", "thing"]) == {}


def test_the_test_of_own_circuits_is_a_permutation_test():
    losses = [0.9, 0.8, 0.4, 0.1, 0.2, 0.5]
    rows = pd.DataFrame({"super_category": ["a", "a", "a", "b", "b", "b"], "loss": losses})
    estimate, p_value = own_against_others(rows, "a", "loss")
    assert estimate.value == pytest.approx(np.mean(losses[:3]) - np.mean(losses[3:]))
    assert estimate.low < estimate.value < estimate.high
    exact = np.mean(
        [
            np.mean(own[:3]) - np.mean(own[3:]) >= estimate.value - 1e-9
            for own in permutations(losses)
        ]
    )
    # 10,000 draws: four standard deviations
    error = 4 * np.sqrt(exact * (1 - exact) / PERMUTATIONS)
    assert abs(p_value - exact) < error + 1e-3


def test_circuits_of_one_kind_have_no_difference():
    rows = pd.DataFrame({"super_category": ["a", "a"], "loss": [0.1, 0.2]})
    estimate, p_value = own_against_others(rows, "a", "loss")
    assert np.isnan([estimate.value, p_value]).all()
