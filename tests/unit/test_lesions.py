"""Lesions change what the network computes for a while, and leave no trace."""

import copy

import pytest
import torch
from small import INPUT, network_of, new

from anatomy.errors import InputError
from anatomy.lesions import editable, masked
from anatomy.networks.cut import prefix


@pytest.fixture(params=["alexnet", "residual"])
def model(request):
    return new(request.param)


@pytest.fixture
def network(model):
    return network_of(model)


@pytest.fixture
def images():
    return torch.randn(3, 3, INPUT, INPUT, generator=torch.Generator().manual_seed(0))


def snapshot(network):
    return copy.deepcopy(network.graph.state_dict())


def assert_restored(network, before, tensors):
    after = network.graph.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    # the very same tensors, so that what else refers to them sees the network
    assert [parameter.data_ptr() for parameter in network.graph.parameters()] == tensors


def pointers(network):
    return [parameter.data_ptr() for parameter in network.graph.parameters()]


def test_the_network_computes_with_the_copies_and_is_restored(model, network, images):
    before, tensors = snapshot(network), pointers(network)
    by_hand = copy.deepcopy(model)
    with torch.no_grad():
        by_hand.conv1.weight[1] = 0.25
        by_hand.conv2.weight.mul_(-2)
        with editable(network, ["conv1", "conv2"]) as copies:
            copies["conv1"]["weight"][1] = 0.25
            copies["conv2"]["weight"].mul_(-2)
            lesioned = network.graph(images)
        torch.testing.assert_close(lesioned, by_hand(images), rtol=0, atol=0)
        assert not torch.equal(lesioned, model(images))
        torch.testing.assert_close(network.graph(images), model(images), rtol=0, atol=0)
    assert_restored(network, before, tensors)


def test_biases_are_copies_too_where_there_are_any():
    network = network_of(new("residual"))
    with editable(network, ["stem", "conv1"]) as copies:
        assert {layer: set(own) for layer, own in copies.items()} == {
            "stem": {"weight", "bias"},
            "conv1": {"weight", "batch_norm.weight", "batch_norm.bias"},
        }
        copies["stem"]["bias"].fill_(9)
        assert (network.module("stem").bias == 9).all()
    assert (network.module("stem").bias != 9).all()


def test_an_exception_restores_the_network(network):
    before, tensors = snapshot(network), pointers(network)

    def interrupted():
        with editable(network, ["conv1"]) as copies:
            copies["conv1"]["weight"].zero_()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert_restored(network, before, tensors)


def test_a_bad_mask_or_layer_restores_the_network(network):
    before, tensors = snapshot(network), pointers(network)
    bad = {"conv1": torch.zeros(3, 3, dtype=torch.bool), "conv2": torch.zeros(7, dtype=torch.bool)}
    with pytest.raises(RuntimeError), masked(network, bad):
        pass
    with pytest.raises(InputError, match="no layer 'conv9'"), editable(network, ["conv1", "conv9"]):
        pass
    assert_restored(network, before, tensors)


def test_nested_lesions_are_undone_one_by_one(network, images):
    before, tensors = snapshot(network), pointers(network)
    with torch.no_grad(), editable(network, ["conv1"]) as outer:
        outer["conv1"]["weight"].mul_(2)
        once = network.graph(images)
        with editable(network, ["conv1", "conv2"]) as inner:
            inner["conv1"]["weight"].mul_(3)
            inner["conv2"]["weight"].zero_()
            assert torch.equal(
                network.module("conv1").weight, before[f"{network.layer('conv1').path}.weight"] * 6
            )
        torch.testing.assert_close(network.graph(images), once, rtol=0, atol=0)
        assert torch.equal(outer["conv1"]["weight"], network.module("conv1").weight)
    assert_restored(network, before, tensors)


@pytest.mark.parametrize("made", ["before", "inside"])
def test_suffixes_see_the_lesion(model, network, images, made):
    suffix = network.suffix(["conv2"]) if made == "before" else None
    by_hand = copy.deepcopy(model)
    with torch.no_grad():
        by_hand.conv2.weight[::2] = 0
        values = dict(
            zip(
                network.suffix(["conv2"]).boundary,
                prefix(network.graph, network.suffix(["conv2"]).boundary)(images),
                strict=True,
            )
        )
        mask = torch.ones_like(model.conv2.weight, dtype=torch.bool)
        mask[::2] = False
        with masked(network, {"conv2": mask}):
            suffix = suffix or network.suffix(["conv2"])
            lesioned = suffix(values)
        torch.testing.assert_close(lesioned, by_hand(images), rtol=0, atol=0)
        torch.testing.assert_close(suffix(values), model(images), rtol=0, atol=0)


def test_masks_zero_weights_and_never_biases(model, network, images):
    layers = [layer.name for layer in network.layers if layer.kind == "linear"]
    masks = {
        name: torch.zeros_like(network.module(name).weight, dtype=torch.bool) for name in layers
    }
    with masked(network, masks), torch.no_grad():
        logits = network.graph(images)
    last = model.get_submodule(layers[-1])
    torch.testing.assert_close(logits, last.bias.detach().expand(3, -1), rtol=0, atol=0)
