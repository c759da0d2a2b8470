"""Lesioned neurons have the replacement as response, and everything behind them follows from that."""

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from small import INPUT, MODELS, network_of, new
from torch import nn

from anatomy.errors import InputError
from anatomy.networks.cut import Suffix, prefix
from anatomy.networks.graph import response_node, trace
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons

IMAGES = 3


def images(seed=0):
    return torch.randn(IMAGES, 3, INPUT, INPUT, generator=torch.Generator().manual_seed(seed))


def hidden(network):
    return [layer.name for layer in network.layers[:-1]]


def neurons_of(network):
    names = [network.response(layer) for layer in hidden(network)]
    values = prefix(network.graph, names)(images())
    return Neurons(
        {name: tuple(v.shape[1:]) for name, v in zip(hidden(network), values, strict=True)}
    )


def drawn(neurons, seed, share=0.3, layers=None):
    """Random lesion of a share of the neurons of some layers (all when None)."""
    lesion = np.random.default_rng(seed).random(neurons.count) < share
    for layer, place in neurons.places.items():
        if layers is not None and layer not in layers:
            lesion[place] = False
    return lesion


def plain(network, neurons, lesion, replacement, batch):
    """Logits by running the graph node by node, with responses changed where they are computed."""

    class Plain(torch.fx.Interpreter):
        def run_node(self, node):
            value = super().run_node(node)
            for layer, place in neurons.places.items():
                if network.response(layer) == node.name:
                    shape = neurons.shapes[layer]
                    gone = torch.from_numpy(lesion[place].reshape(shape))
                    put = torch.from_numpy(replacement[place].reshape(shape))
                    value = torch.where(gone, put, value)
            return value

    return Plain(network.graph).run(batch)


@pytest.mark.parametrize("kind", list(MODELS))
@pytest.mark.parametrize("mode", ["zero", "mean"])
def test_lesions_are_those_of_a_network_changed_by_hand(kind, mode):
    network = network_of(new(kind))
    neurons = neurons_of(network)
    values = np.random.default_rng(5).normal(size=neurons.count).astype(np.float32)
    replacement = np.zeros(neurons.count, np.float32) if mode == "zero" else values
    layers = hidden(network)
    lesions = [
        drawn(neurons, 1),
        drawn(neurons, 2, layers=layers[-1:]),
        drawn(neurons, 3, layers=layers[:1]),
        np.zeros(neurons.count, bool),
        np.ones(neurons.count, bool),
        *(drawn(neurons, 4, 1.0, layers=[layer]) for layer in layers),
    ]
    engine = NeuronLesions(network, neurons, None if mode == "zero" else values)
    with torch.no_grad():
        expected = [plain(network, neurons, own, replacement, images()) for own in lesions]
        found = list(engine.logits(images(), lesions))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    intact = network.graph(images())
    assert (found[0] - intact).abs().max() > 1e-3
    torch.testing.assert_close(found[3], intact)


def test_a_lesion_of_a_channel_is_a_knock_out_of_the_node():
    """The same engine, the same lesion: a unit whose weights and bias are zero is silent behind the non-linearity."""
    model = new("alexnet")
    network = network_of(model)
    neurons = neurons_of(network)
    lesion = np.zeros(neurons.count, bool)
    lesion[neurons.places["conv2"]].reshape(neurons.shapes["conv2"])[4] = True
    (found,) = NeuronLesions(network, neurons).logits(images(), [lesion])
    with torch.no_grad():
        model.conv2.weight[4] = 0
        model.conv2.bias[4] = 0
        torch.testing.assert_close(found, model(images()), rtol=1e-5, atol=1e-6)


def test_the_network_is_left_as_it_was():
    network = network_of(new("alexnet"))
    before = network.graph(images())
    neurons = neurons_of(network)
    list(NeuronLesions(network, neurons).logits(images(), [np.ones(neurons.count, bool)]))
    torch.testing.assert_close(network.graph(images()), before, rtol=0, atol=0)


@pytest.mark.parametrize("architecture", ["googlenet", "mobilenet_v2", "squeezenet1_1"])
def test_suffixes_behind_responses_give_the_whole_networks_logits(architecture):
    model = torchvision.models.get_model(
        architecture,
        weights=None,
        num_classes=7,
        **({"init_weights": False} if architecture == "googlenet" else {}),
    )
    graph = trace(model)
    batch = torch.randn(2, 3, 64, 64)
    calls = [n for n in graph.graph.nodes if n.op == "call_module"]
    layers = [n for n in calls if isinstance(graph.get_submodule(n.target), (nn.Conv2d, nn.Linear))]
    some = [response_node(graph, node).name for node in layers[:-1:9]]
    with torch.no_grad():
        expected = graph(batch)
        for first in range(len(some)):
            suffix = Suffix.behind(graph, some[first:])
            read = [name for name in suffix.boundary if name != "images"]
            values = dict(zip(read, prefix(graph, read)(batch), strict=True)) | {"images": batch}
            doubled = dict.fromkeys(some[first:], lambda value: value * 1.0)
            found = suffix(values, edited=doubled)
            size = float(expected.abs().max())
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * size)
            gone = suffix(values, edited=dict.fromkeys(some[first:], torch.zeros_like))
            # in an untrained deep network hardly anything reaches the output, but more than rounding
            assert (gone - expected).abs().max() > 10 * (found - expected).abs().max()


def test_a_lesion_of_another_size_is_refused():
    network = network_of(new("perceptron"))
    engine = NeuronLesions(network, neurons_of(network))
    with pytest.raises(InputError, match=r"must be boolean \(10,\), not bool \(9,\)"):
        list(engine.logits(images(), [np.ones(9, bool)]))


SHAPES = {"first": (2, 3, 4), "second": (5,), "third": (1, 2, 2)}


def test_neurons_are_numbered_through_layers():
    neurons = Neurons(SHAPES)
    assert neurons.count == 33
    assert neurons.places == {
        "first": slice(0, 24),
        "second": slice(24, 29),
        "third": slice(29, 33),
    }
    chosen = np.zeros(33, bool)
    chosen[[0, 23, 24, 32]] = True
    assert neurons.layer_counts(chosen) == {"first": 2, "second": 1, "third": 1}
    assert np.flatnonzero(neurons.in_layer(chosen, "first")).tolist() == [0, 23]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_permuted_labels_keep_their_number_in_every_layer(seed):
    neurons = Neurons(SHAPES)
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, neurons.count).astype(np.int32)
    eligible = random.random(neurons.count) < 0.7
    found = neurons.permuted(labels, eligible, random)
    np.testing.assert_array_equal(found[~eligible], labels[~eligible])
    for place in neurons.places.values():
        for label in range(3):
            assert (found[place] == label).sum() == (labels[place] == label).sum()


def test_every_neuron_of_a_layer_is_as_likely_to_be_drawn():
    neurons = Neurons(SHAPES)
    labels = np.zeros(neurons.count, np.int32)
    labels[:6] = 1  # a quarter of the first layer
    random = np.random.default_rng(0)
    everyone = np.ones(neurons.count, bool)
    drawn = np.mean([neurons.permuted(labels, everyone, random) for _ in range(4000)], axis=0)
    np.testing.assert_allclose(drawn[:24], 0.25, atol=0.03)  # four standard errors
    np.testing.assert_array_equal(drawn[24:], 0)
