"""Connectivity of masked networks against a search for paths, neuron by neuron, and against what changes the output."""

from collections import defaultdict

import numpy as np
import pytest
import small
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from anatomy.errors import InputError
from anatomy.networks.architectures import bvlc_alexnet, toybox_alexnet
from anatomy.networks.connectivity import (
    connected,
    direct_inputs,
    reaching_units,
    receptive_field,
)

OUTPUT = 2


class Paths:
    """All neurons of a small network as numbers, all connections between them, in plain loops."""

    def __init__(self, masks):
        self.masks = masks
        self.count = 0
        self.edges = []  # from, to, (layer, index of the weight) or None
        self.values = {}

    def new(self, *shape):
        numbers = np.arange(self.count, self.count + np.prod(shape)).reshape(shape)
        self.count += numbers.size
        return numbers

    def convolution(self, name, module, value):
        (height, width), stride, padding = module.kernel_size, module.stride[0], module.padding[0]
        rows, columns = value.shape[1:]
        shape = [(n + 2 * padding - k) // stride + 1 for n, k in ((rows, height), (columns, width))]
        result = self.new(module.out_channels, *shape)
        inputs = module.in_channels // module.groups
        outputs = module.out_channels // module.groups
        for unit, source, i, j in zip(*np.nonzero(self.masks[name]), strict=True):
            channel = unit // outputs * inputs + source
            for y, x in np.ndindex(*shape):
                row, column = y * stride - padding + i, x * stride - padding + j
                if 0 <= row < rows and 0 <= column < columns:
                    edge = value[channel, row, column], result[unit, y, x]
                    self.edges.append((*edge, (name, (unit, source, i, j))))
        return self.keep(name, result)

    def linear(self, name, value):
        result = self.new(self.masks[name].shape[0])
        for unit, source in zip(*np.nonzero(self.masks[name]), strict=True):
            self.edges.append((value[source], result[unit], (name, (unit, source))))
        return self.keep(name, result)

    def keep(self, name, result):
        self.values[name] = result
        return result

    def pooled(self, value, size, stride):
        shape = [(n - size) // stride + 1 for n in value.shape[1:]]
        result = self.new(len(value), *shape)
        for channel, y, x in np.ndindex(*result.shape):
            window = value[channel, y * stride : y * stride + size, x * stride : x * stride + size]
            self.edges += [(one, result[channel, y, x], None) for one in window.ravel()]
        return result

    def added(self, first, second):
        result = self.new(*first.shape)
        for value in (first, second):
            pairs = zip(value.ravel(), result.ravel(), strict=True)
            self.edges += [(one, other, None) for one, other in pairs]
        return result

    def reached(self, starts, backward):
        following = defaultdict(list)
        for source, target, _ in self.edges:
            following[target if backward else source].append(source if backward else target)
        seen, waiting = set(starts), list(starts)
        while waiting:
            new = set(following[waiting.pop()]) - seen
            seen |= new
            waiting += new
        return seen


def alexnet_paths(model, paths, value):
    value = paths.pooled(paths.convolution("conv1", model.conv1, value), 3, 2)
    value = paths.convolution("conv2", model.conv2, value).ravel()
    return paths.linear("fc5", paths.linear("fc4", paths.linear("fc3", value)))


def perceptron_paths(model, paths, value):
    return paths.linear("fc2", paths.linear("fc1", value.ravel()))


def residual_paths(model, paths, value):
    stem = paths.convolution("stem", model.stem, value)
    branch = paths.convolution("conv1", model.conv1, stem)
    branch = paths.convolution("conv2", model.conv2, branch)
    value = paths.pooled(paths.added(branch, stem), 8, 8)
    return paths.linear("fc", value.ravel())


def squeeze_paths(model, paths, value):
    value = paths.convolution("squeeze", model.squeeze, value)
    branches = [paths.convolution(n, getattr(model, n), value) for n in ("narrow", "wide")]
    value = paths.convolution("last", model.last, np.concatenate(branches))
    return paths.pooled(value, value.shape[1], 1).ravel()


PATHS = {
    "alexnet": alexnet_paths,
    "perceptron": perceptron_paths,
    "residual": residual_paths,
    "squeeze": squeeze_paths,
}


def random_masks(network, kept, seed):
    random = torch.Generator().manual_seed(seed)
    return {
        layer.name: torch.rand(layer.weight_shape, generator=random) < kept
        for layer in network.layers
    }


def searched(kind, model, network, masks):
    """Connected weights and reaching units, by search."""
    paths = Paths({name: mask.numpy() for name, mask in masks.items()})
    images = paths.new(3, small.INPUT, small.INPUT)
    last = PATHS[kind](model, paths, images)[OUTPUT]
    driven = paths.reached(images.ravel().tolist(), backward=False)
    leading = paths.reached([last], backward=True)
    weights = {name: np.zeros(mask.shape, bool) for name, mask in masks.items()}
    for source, target, weight in paths.edges:
        if weight is not None and source in driven and target in leading:
            weights[weight[0]][weight[1]] = True
    units = {
        layer.name: np.array(
            [any(neuron in leading for neuron in unit.ravel()) for unit in paths.values[layer.name]]
        )
        for layer in network.layers
    }
    units[network.output_layer.name] = np.arange(len(small.CATEGORIES)) == OUTPUT
    return weights, units


@pytest.mark.parametrize("kind", small.MODELS)
@pytest.mark.parametrize(("kept", "seed"), [(0.3, 0), (0.08, 1), (0.04, 2), (0.02, 3)])
def test_paths_are_those_of_a_search(kind, kept, seed):
    model = small.new(kind)
    network = small.network_of(model)
    masks = random_masks(network, kept, seed)
    masks[network.output_layer.name][OUTPUT] = random_masks(network, 0.5, seed)[
        network.output_layer.name
    ][OUTPUT]
    weights, units = searched(kind, model, network, masks)
    found, reaching = connected(network, masks, OUTPUT), reaching_units(network, masks, OUTPUT)
    assert list(found) == list(masks)
    assert any(own.any() for own in weights.values())
    for layer in network.layers:
        np.testing.assert_array_equal(found[layer.name].numpy(), weights[layer.name], layer.name)
        np.testing.assert_array_equal(reaching[layer.name].numpy(), units[layer.name], layer.name)


def positive(kind):
    """A network in which nothing cancels out and no non-linearity saturates."""
    model = small.new(kind)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif getattr(module, "weight", None) is not None:
            nn.init.uniform_(module.weight, 0.5, 1.0)
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)
    return model.double()


@pytest.mark.parametrize("kind", small.MODELS)
def test_connected_weights_are_those_that_change_the_output(kind):
    network = small.network_of(positive(kind))
    masks = random_masks(network, 0.2, seed=6)
    found = connected(network, masks, OUTPUT)
    random = np.random.default_rng(0)
    images = torch.from_numpy(random.uniform(0.5, 1, (1, 3, small.INPUT, small.INPUT)))
    weights = {}
    for layer in network.layers:
        weights[layer.name] = network.module(layer.name).weight
        weights[layer.name].mul_(masks[layer.name])
    before = network.graph(images)[0, OUTPUT].item()
    changes = {True: 0, False: 0}
    for name, weight in weights.items():
        kept = masks[name].nonzero()
        for place in kept[torch.from_numpy(random.permutation(len(kept))[:25])]:
            place = tuple(place.tolist())
            old = weight[place].item()
            weight[place] = old + 1e6  # so large that it is the maximum wherever it is pooled
            on_path = bool(found[name][place])
            assert (network.graph(images)[0, OUTPUT].item() != before) == on_path, (name, place)
            changes[on_path] += 1
            weight[place] = old
    assert min(changes.values()) >= 5


def test_dead_units_by_hand():
    network = small.network_of(small.new("perceptron"))
    masks = {layer.name: torch.zeros(layer.weight_shape) > 0 for layer in network.layers}
    masks["fc1"][0, 7] = True  # on the only path
    masks["fc1"][1, 8] = True  # leads to a unit from which nothing leads on
    masks["fc1"][4, 9] = True  # leads to another output unit
    masks["fc2"][OUTPUT, 0] = True
    masks["fc2"][OUTPUT, 3] = True  # from a unit that nothing drives
    masks["fc2"][OUTPUT + 1, 4] = True
    found = connected(network, masks, OUTPUT)
    assert found["fc1"].nonzero().tolist() == [[0, 7]]
    assert found["fc2"].nonzero().tolist() == [[OUTPUT, 0]]
    reaching = reaching_units(network, masks, OUTPUT)
    assert reaching["fc1"].nonzero().ravel().tolist() == [0, 3]
    assert reaching["fc2"].nonzero().ravel().tolist() == [OUTPUT]


def test_the_output_layer_may_have_its_own_row_only():
    network = small.network_of(small.new("squeeze"))
    masks = random_masks(network, 0.2, seed=1)
    whole = connected(network, masks, OUTPUT)
    row = connected(network, masks | {"last": masks["last"][OUTPUT : OUTPUT + 1]}, OUTPUT)
    assert row["last"].shape == (1, 6, 1, 1)
    assert row["last"].equal(whole["last"][OUTPUT : OUTPUT + 1])
    assert whole["last"][:OUTPUT].sum() == whole["last"][OUTPUT + 1 :].sum() == 0
    assert all(row[name].equal(whole[name]) for name in masks if name != "last")


@pytest.mark.parametrize("cut", ["conv1", "conv2", "fc4", "fc5"])
def test_without_a_path_nothing_is_connected(cut):
    network = small.network_of(small.new("alexnet"))
    masks = {layer.name: torch.ones(layer.weight_shape) > 0 for layer in network.layers}
    masks[cut] = ~masks[cut]
    assert not any(own.any() for own in connected(network, masks, OUTPUT).values())
    reaching = reaching_units(network, masks, OUTPUT)
    names = [layer.name for layer in network.layers]
    for place, name in enumerate(names):
        assert reaching[name].any() == (place >= names.index(cut))


def test_depth_neither_over_nor_underflows():
    """64 units in each of 40 layers: 64 ** 40 paths are beyond what numbers hold."""
    wide = [part for _ in range(40) for part in (nn.Conv2d(64, 64, 1), nn.AvgPool2d(1))]
    model = nn.Sequential(nn.Conv2d(3, 64, 16), *wide, nn.Flatten(), nn.Linear(64, 5))
    network = small.network_of(model)
    masks = {layer.name: torch.ones(layer.weight_shape) > 0 for layer in network.layers}
    masks["77"][:, 7] = False  # what unit 7 of the layer before computes goes nowhere
    found = connected(network, masks, OUTPUT)
    masks["75"][7] = False
    masks["82"] = found["82"]
    assert all(found[name].equal(mask) for name, mask in masks.items())
    assert found["82"].sum() == 64


def test_layers_without_a_mask_keep_all_weights():
    network = small.network_of(small.new("alexnet"))
    masks = {"fc5": torch.zeros(1, 15) > 0}
    masks["fc5"][0, 3] = True
    assert connected(network, masks, OUTPUT)["fc5"].equal(masks["fc5"])
    reaching = reaching_units(network, masks, OUTPUT)
    assert reaching["fc4"].nonzero().ravel().tolist() == [3]
    assert reaching["conv1"].all()


class Gated(nn.Module):
    """A squeeze-and-excitation block: channels are multiplied by what two convolutions make of their means."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.down, self.up = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        gate = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True)))))
        return self.fc((0.5 * (gate * x)).mean((2, 3)))


def test_a_gate_is_a_path_beside_what_it_gates():
    network = small.network_of(Gated())
    masks = {layer.name: torch.zeros(layer.weight_shape) > 0 for layer in network.layers}
    masks["conv"][:3] = True
    masks["down"][0, 1] = True
    masks["up"][3, 0] = True
    masks["up"][2, 1] = True
    masks["fc"][OUTPUT, 0] = masks["fc"][OUTPUT, 3] = True
    found = connected(network, masks, OUTPUT)
    # unit 0 by itself, unit 1 through the gate of unit 3, which itself nothing drives
    assert found["conv"].flatten(1).all(1).tolist() == [True, True, False, False]
    assert found["down"].nonzero()[:, :2].tolist() == [[0, 1]]
    assert found["up"].nonzero()[:, :2].tolist() == [[3, 0]]
    assert reaching_units(network, masks, OUTPUT)["conv"].tolist() == [True, True, False, True]


def test_response_normalisation_connects_neighbouring_channels():
    model = nn.Sequential(
        nn.Conv2d(3, 9, 3), nn.LocalResponseNorm(5), nn.Flatten(), nn.Linear(9 * 14 * 14, 5)
    )
    network = small.network_of(model)
    masks = {"3": torch.zeros(1, 9 * 14 * 14) > 0}
    masks["3"][0, 4 * 14 * 14 + 20] = True
    reaching = reaching_units(network, masks, OUTPUT)["0"]
    images = torch.rand(1, 3, 16, 16)
    before = torch.autograd.functional.jacobian(
        lambda value: model[1](value)[0, 4, 1, 6], model[0](images)
    )
    assert reaching.equal((before[0] != 0).flatten(1).any(1))
    assert reaching.nonzero().ravel().tolist() == [2, 3, 4, 5, 6]


def test_direct_inputs_of_branches_and_skips():
    squeeze = small.network_of(small.new("squeeze"))
    assert direct_inputs(squeeze, "wide", [2, 0])["last"].nonzero().tolist() == [[0, 5], [1, 3]]
    assert list(direct_inputs(squeeze, "squeeze", [1])) == ["narrow", "wide"]
    residual = small.network_of(small.new("residual"))
    stem = direct_inputs(residual, "stem", [4])
    assert list(stem) == ["conv1", "fc"]
    assert stem["conv1"].nonzero().tolist() == [[0, 4]]
    assert stem["fc"][0].nonzero().ravel().tolist() == [16, 17, 18, 19]
    assert list(direct_inputs(residual, "conv1", [4])) == ["conv2"]
    assert direct_inputs(residual, "fc", [1]) == {}


def test_direct_inputs_pass_normalisations_and_gates():
    bvlc = small.network_of(bvlc_alexnet(5))
    bvlc = type(bvlc)(
        **vars(bvlc) | {"preprocessing": bvlc.preprocessing.model_copy(update={"input_size": 227})}
    )
    assert direct_inputs(bvlc, "conv1", [7])["conv2"].nonzero().tolist() == [[0, 7]]
    gated = direct_inputs(small.network_of(Gated()), "conv", [2])
    assert {name: own.nonzero().tolist() for name, own in gated.items()} == {
        "down": [[0, 2]],
        "fc": [[0, 2]],
    }


def sized(model, side):
    network = small.network_of(model)
    fitting = network.preprocessing.model_copy(update={"input_size": side})
    return type(network)(**vars(network) | {"preprocessing": fitting})


def test_receptive_fields_of_alexnet():
    """Araujo, Norris & Sim 2019 give AlexNet's: 195 pixels behind the last pooling, so 163 before it."""
    network = sized(torchvision.models.alexnet(), 224)
    fields = {layer.path: tuple(receptive_field(network, layer.path)) for layer in network.layers}
    assert fields == {
        "features.0": (11, 4, 3),
        "features.3": (51, 8, 7),
        "features.6": (99, 16, 15),
        "features.8": (131, 16, 15),
        "features.10": (163, 16, 15),
        "classifier.1": (224, 0, 111.5),
        "classifier.4": (224, 0, 111.5),
        "classifier.6": (224, 0, 111.5),
    }


def test_a_receptive_field_may_be_wider_than_the_images():
    network = sized(toybox_alexnet(), 64)
    assert receptive_field(network, "conv5") == (83, 8, 6)
    assert receptive_field(network, "conv5").range(2) == (-19, 64)
    assert receptive_field(small.network_of(Gated()), "up") == (small.INPUT, 0, 7.5)


stages = st.lists(
    st.tuples(
        st.sampled_from(["convolution", "maximum", "mean"]),
        st.integers(1, 4),
        st.integers(1, 2),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=30)
@given(stages)
def test_receptive_fields_follow_the_rule_for_stacks(drawn):
    """Each stage adds (kernel - 1) steps to the size and multiplies the step by its stride."""
    modules = []
    for kind, kernel, stride, padding in drawn:
        padding = min(padding, kernel // 2)
        if kind == "convolution":
            modules.append(nn.Conv2d(3, 3, kernel, stride, padding))
        else:
            pool = nn.MaxPool2d if kind == "maximum" else nn.AvgPool2d
            modules.append(pool(kernel, stride, padding))
    modules.append(nn.Conv2d(3, 2, 3))
    size, step, offset = 1, 1, 0.0
    for module in modules:
        kernel, stride, padding = (
            value[0] if isinstance(value, tuple) else value
            for value in (module.kernel_size, module.stride, module.padding)
        )
        offset += ((kernel - 1) / 2 - padding) * step
        size, step = size + (kernel - 1) * step, step * stride
    network = sized(
        nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 5)), 64
    )
    field = receptive_field(network, str(len(modules) - 1))
    assert field == (size, step, offset)


def test_what_does_not_fit_is_named():
    network = small.network_of(small.new("alexnet"))
    with pytest.raises(InputError, match="no output 5 among 5"):
        connected(network, {}, 5)
    with pytest.raises(InputError, match="mask of layer 'fc4' has the shape"):
        reaching_units(network, {"fc4": torch.ones(3, 3) > 0}, OUTPUT)
    with pytest.raises(InputError, match="no layer 'fc9'"):
        connected(network, {"fc9": torch.ones(3, 3) > 0}, OUTPUT)


class Recurrent(nn.Module):
    """A part with weights that is neither a convolution nor linear."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.up = nn.ConvTranspose2d(4, 4, 3)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.up(self.conv(x)).mean((2, 3)))


def test_parts_that_cannot_be_followed_are_refused():
    with pytest.raises(InputError, match=r"connections through 'up' cannot be followed[^\n]*$"):
        connected(small.network_of(Recurrent()), {}, OUTPUT)
