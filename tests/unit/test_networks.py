"""Architectures, tracing, cutting, preprocessing and loading."""

import copy
import io
import json
import pickle

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.transforms import v2

from anatomy.errors import InputError
from anatomy.networks.architectures import build
from anatomy.networks.cut import Suffix, prefix
from anatomy.networks.graph import find_layers, layer_nodes, response_node, trace
from anatomy.networks.layer_table import TABLE, _entry
from anatomy.networks.network import load_network, new_model, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.networks.weights import load_weights, read_weights

CPU = torch.device("cpu")
PLAIN = Preprocessing(input_size=64, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


def test_bvlc_alexnet_has_the_original_number_of_neurons():
    """Suresh & Carter count 658,272 neurons in conv1..fc7 of the original AlexNet."""
    with torch.device("meta"):
        graph = trace(build("bvlc_alexnet", 1000))
        names = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
        values = prefix(graph, names)(torch.zeros(1, 3, 227, 227))
    assert sum(value.numel() for value in values) == 658_272


def test_bvlc_alexnet_has_the_original_number_of_parameters():
    """Krizhevsky et al. 2012: 60 million parameters; exactly 60,965,224 in Caffe's model."""
    with torch.device("meta"):
        model = build("bvlc_alexnet", 1000)
    assert sum(parameter.numel() for parameter in model.parameters()) == 60_965_224


# Convolutions and linear layers, counted by hand from the papers' tables
@pytest.mark.parametrize(
    ("architecture", "convolutions", "linear", "first", "last"),
    [
        ("alexnet", 5, 3, "conv1", "fc8"),
        ("vgg16", 13, 3, "features.0", "classifier.6"),
        ("resnet18", 20, 1, "conv1", "fc"),
        ("mobilenet_v2", 52, 1, "features.0.0", "classifier.1"),
        ("squeezenet1_1", 26, 0, "features.0", "classifier.1"),
        ("toybox_alexnet", 5, 3, "conv1", "fc8"),
    ],
)
def test_layers_are_found_in_network_order(architecture, convolutions, linear, first, last):
    layers = json.loads(TABLE.read_text())[architecture]["layers"]
    kinds = [kind for _, kind in layers]
    assert (kinds.count("convolution"), kinds.count("linear")) == (convolutions, linear)
    assert (layers[0][0], layers[-1][0]) == (first, last)


@pytest.mark.parametrize("architecture", ["alexnet", "resnet18", "squeezenet1_1", "googlenet"])
def test_layer_table_is_in_step_with_the_networks(architecture):
    assert json.loads(TABLE.read_text())[architecture] == _entry(architecture)


@pytest.mark.parametrize(
    ("architecture", "size"),
    [
        ("toybox_alexnet", 64),
        ("resnet18", 64),
        ("mobilenet_v2", 64),
        ("squeezenet1_1", 64),
        ("googlenet", 64),
        ("densenet121", 64),
    ],
)
def test_prefix_and_suffix_give_the_whole_network(architecture, size):
    """The untouched torchvision module is the oracle for graph, prefix and suffix."""
    model = new_model(architecture, 10, seed=1).eval()
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(images)
        graph = trace(model)
        layers = find_layers(graph, {})
        for layer in [layers[0], layers[1], layers[len(layers) // 2], layers[-1]]:
            suffix = Suffix.from_layers(graph, [layer.path])
            names = [name for name in suffix.boundary if name != "images"]
            values = dict(zip(names, prefix(graph, names)(images), strict=True))
            torch.testing.assert_close(
                suffix(values | {"images": images}), expected, rtol=0, atol=0
            )


def test_suffix_takes_other_functions_for_layers_without_touching_the_network():
    graph = trace(new_model("resnet18", 10, seed=1))
    images = torch.randn(2, 3, 64, 64)
    suffix = Suffix.from_layers(graph, ["layer3.0.conv1"])
    values = dict(zip(suffix.boundary, prefix(graph, suffix.boundary)(images), strict=True))
    by_hand = new_model("resnet18", 10, seed=1).eval()
    with torch.no_grad():
        by_hand.layer3[0].conv1.weight.zero_()
        before = graph.get_submodule("layer3.0.conv1").weight.clone()
        silent = copy.deepcopy(graph.get_submodule("layer3.0.conv1"))
        silent.weight.data.zero_()
        lesioned = suffix(values, {"layer3.0.conv1": silent})
        torch.testing.assert_close(lesioned, by_hand(images), rtol=0, atol=0)
        assert torch.equal(graph.get_submodule("layer3.0.conv1").weight, before)


def test_in_place_operations_do_not_reach_recorded_values():
    """torchvision's AlexNet writes ReLU over conv1's output; the recorded conv1 must keep its negative values."""
    model = new_model("alexnet", 10, seed=0).eval()
    images = torch.randn(1, 3, 224, 224)
    graph = trace(model)
    with torch.no_grad():
        pre, post = prefix(graph, ["features_0", "features_1"])(images)
        plain = nn.functional.conv2d(
            images, model.features[0].weight, model.features[0].bias, stride=4, padding=2
        )
    assert plain.min() < 0
    torch.testing.assert_close(pre, plain)
    torch.testing.assert_close(post, plain.clamp(min=0))


@pytest.mark.parametrize(
    ("architecture", "path", "expected"),
    [
        ("alexnet", "features.0", "features_1"),  # ReLU
        ("bvlc_alexnet", "conv1", "relu1"),  # ReLU, not the normalisation behind it
        ("mobilenet_v2", "features.0.0", "features_0_2"),  # behind batch norm, ReLU6
        ("resnet18", "layer1.0.conv2", "layer1_0_bn2"),  # the addition that follows mixes layers
        ("alexnet", "classifier.6", "classifier_6"),  # logits
    ],
)
def test_response_is_behind_the_non_linearity(architecture, path, expected):
    with torch.device("meta"):
        graph = trace(build(architecture, 10))
    (node,) = layer_nodes(graph)[path]
    assert response_node(graph, node).name == expected


def test_preprocessing_is_torchvisions():
    images = np.random.default_rng(0).integers(0, 256, (3, 91, 91, 3), dtype=np.uint8)
    transform = v2.Compose(
        [
            v2.CenterCrop(64),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(PLAIN.mean, PLAIN.std),
        ]
    )
    expected = transform(torch.from_numpy(images).permute(0, 3, 1, 2))
    torch.testing.assert_close(PLAIN.apply(images, CPU), expected, rtol=1e-6, atol=1e-6)


def test_preprocessing_in_caffes_order():
    caffe = Preprocessing(
        input_size=8, mean=(104, 117, 123), std=(1, 1, 1), channel_order="bgr", scale=1
    )
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[..., 0] = 200  # red
    result = caffe.apply(image, CPU)
    assert result[0, :, 0, 0].tolist() == [-104, -117, 77]


def test_too_small_images_are_refused():
    with pytest.raises(InputError, match="32 pixels are smaller"):
        PLAIN.apply(np.zeros((1, 32, 32, 3), np.uint8), CPU)


def test_saved_network_comes_back(tmp_path):
    model = new_model("toybox_alexnet", 5, seed=3)
    described = save_network(tmp_path, "toybox_alexnet", model, PLAIN, list("abcde"))
    network = load_network(tmp_path, "toy", CPU)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.graph(images), model.eval()(images), rtol=0, atol=0)
    assert network.digest == described["digest"]
    assert network.output("c") == 2
    assert [layer.name for layer in network.layers][-1] == "fc8"


def test_exchanged_weights_are_refused(tmp_path):
    save_network(
        tmp_path / "a", "toybox_alexnet", new_model("toybox_alexnet", 5, 3), PLAIN, "abcde"
    )
    save_network(
        tmp_path / "b", "toybox_alexnet", new_model("toybox_alexnet", 5, 4), PLAIN, "abcde"
    )
    (tmp_path / "b" / "weights.safetensors").replace(tmp_path / "a" / "weights.safetensors")
    with pytest.raises(InputError, match=r"weights\.safetensors is not the file"):
        load_network(tmp_path / "a", "toy", CPU)


def test_untrained_networks_depend_on_the_seed_alone():
    torch.manual_seed(5)
    first = new_model("toybox_alexnet", 5, seed=3)
    torch.rand(10)
    second = new_model("toybox_alexnet", 5, seed=3)
    other = new_model("toybox_alexnet", 5, seed=4)
    assert torch.equal(first.conv1.weight, second.conv1.weight)
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


class _Malicious:
    def __reduce__(self):
        return (print, ("executed",))


def test_malicious_weights_are_refused(tmp_path, capsys):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(_Malicious()))
    with pytest.raises(InputError, match=r"weights\.pth"):
        read_weights(path)
    buffer = io.BytesIO()
    torch.save({"conv1.weight": _Malicious()}, buffer)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="could run code"):
        read_weights(path)
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a weights file", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_broken_weight_files_are_named(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_weights(path)


def test_weights_of_another_shape_are_named(tmp_path):
    path = tmp_path / "w.pth"
    torch.save(torchvision.models.squeezenet1_1(num_classes=7).state_dict(), path)
    with pytest.raises(InputError, match=r"classifier\.1\.weight has shape \(7, 512, 1, 1\)"):
        load_weights(build("squeezenet1_1", 10), read_weights(path), "w.pth")
    with pytest.raises(InputError, match=r"conv1\.weight is missing"):
        load_weights(build("toybox_alexnet", 10), read_weights(path), "w.pth")
