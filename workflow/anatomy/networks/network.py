"""A network: architecture, weights, preprocessing and output categories, under one digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, fx, nn

from anatomy.canonical import digest, read_json, write_json, write_text
from anatomy.errors import InputError
from anatomy.networks.architecture_file import ARCHITECTURE_FILE, ArchitectureFile
from anatomy.networks.architectures import build, layer_names
from anatomy.networks.cut import Suffix, value_name
from anatomy.networks.graph import (
    Layer,
    find_layers,
    following_batch_norm,
    layer_nodes,
    preactivation_node,
    response_node,
    trace,
)
from anatomy.networks.preprocessing import Preprocessing
from anatomy.networks.weights import load_weights, read_weights, state_digest
from anatomy.whole_files import whole

WEIGHTS_FILE = "weights.safetensors"
DESCRIPTION_FILE = "network.json"
READABLE = 0o644  # safetensors writes files that only their owner can read


@dataclass(frozen=True)
class Network:
    """A traced network in evaluation mode on a device.

    Attributes
    ----------
    name : the network's name in the configuration
    graph : the traced network; pure, without dropout; images (image, channel, y, x) -> logits (image, output)
    layers : in network order
    preprocessing : from stored pixels to input
    categories : category of each output unit, in output order
    digest : of architecture, weights, preprocessing and categories
    """

    name: str
    graph: fx.GraphModule
    layers: tuple[Layer, ...]
    preprocessing: Preprocessing
    categories: tuple[str, ...]
    digest: str
    device: torch.device

    def layer(self, name: str) -> Layer:
        """The layer of that name (or module path); InputError lists the layers there are."""
        for layer in self.layers:
            if name in (layer.name, layer.path):
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise InputError(f"network {self.name!r} has no layer {name!r}; its layers are {known}")

    def module(self, name: str) -> nn.Conv2d | nn.Linear:
        """The module of the layer of that name."""
        return self.graph.get_submodule(self.layer(name).path)

    def input(self, images: NDArray[Any]) -> Tensor:
        """Network input from stored uint8 RGB images (image, y, x, channel)."""
        return self.preprocessing.apply(images, self.device)

    def suffix(self, layers: Sequence[str]) -> Suffix:
        """The part of the network that depends on the outputs of these layers."""
        return Suffix.from_layers(self.graph, [self.layer(name).path for name in layers])

    def response(self, name: str) -> str:
        """Name of the graph's value that is the layer's response (behind its non-linearity)."""
        (node,) = self._calls(name)
        return value_name(response_node(self.graph, node))

    def preactivation(self, name: str) -> str:
        """Name of the graph's value that the layer's non-linearity reads (behind its batch normalisation)."""
        (node,) = self._calls(name)
        return value_name(preactivation_node(self.graph, node))

    @property
    def logits(self) -> str:
        """Name of the graph's value that is the output, the logits."""
        (output,) = [node for node in self.graph.graph.nodes if node.op == "output"]
        return output.args[0].name

    def batch_norm(self, name: str) -> nn.BatchNorm2d | None:
        """The batch normalisation right behind a layer, if there is one."""
        calls = layer_nodes(self.graph)[self.layer(name).path]
        return following_batch_norm(self.graph, calls[0]) if len(calls) == 1 else None

    @property
    def output_layer(self) -> Layer:
        """The last layer, whose units are the output categories."""
        return self.layers[-1]

    def output(self, category: str) -> int:
        """Index of the output unit of a category."""
        if category not in self.categories:
            raise InputError(f"network {self.name!r} has no output unit for category {category!r}")
        return self.categories.index(category)

    def _calls(self, name: str) -> list[fx.Node]:
        calls = layer_nodes(self.graph)[self.layer(name).path]
        if len(calls) != 1:
            raise InputError(f"layer {name!r} is used {len(calls)} times in the network")
        return calls


def new_model(architecture: str | ArchitectureFile, outputs: int, seed: int) -> nn.Module:
    """An untrained network whose initial weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(architecture, outputs)


def save_network(
    folder: Path,
    architecture: str | ArchitectureFile,
    model: nn.Module,
    preprocessing: Preprocessing,
    categories: Sequence[str],
) -> dict[str, Any]:
    """Write weights and description of a network into a folder; returns the description.

    Of an architecture in the user's file a copy goes with them, from which the network is built ever after.
    """
    folder.mkdir(parents=True, exist_ok=True)
    named = _keep_architecture(folder / ARCHITECTURE_FILE, architecture)
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    with whole(folder / WEIGHTS_FILE) as partial:
        _save(state, partial)
    identity = named | {
        "preprocessing": preprocessing.model_dump(mode="json"),
        "categories": list(categories),
        "weights": state_digest(state),
    }
    layers = find_layers(trace(model), layer_names(architecture))
    description = identity | {
        "digest": digest(identity),
        "layers": [vars(layer) | {"weight_shape": list(layer.weight_shape)} for layer in layers],
    }
    write_json(folder / DESCRIPTION_FILE, description)
    return description


def load_network(folder: Path, name: str, device: torch.device) -> Network:
    """A network from the folder that `save_network` wrote, on a device, checked against its digest."""
    described = read_json(folder / DESCRIPTION_FILE)
    state = read_weights(folder / WEIGHTS_FILE)
    if state_digest(state) != described["weights"]:
        raise InputError(
            f"{folder / WEIGHTS_FILE} is not the file that {DESCRIPTION_FILE} describes"
        )
    return make_network(
        name,
        _kept_architecture(folder, described),
        state,
        Preprocessing.model_validate(described["preprocessing"]),
        described["categories"],
        described["digest"],
        device,
    )


def make_network(
    name: str,
    architecture: str | ArchitectureFile,
    state: Mapping[str, Tensor],
    preprocessing: Preprocessing,
    categories: Sequence[str],
    identity: str,
    device: torch.device,
) -> Network:
    """A traced network with the given weights."""
    model = build(architecture, len(categories))
    load_weights(model, state, f"weights of network {name!r}")
    graph = trace(model).to(device).requires_grad_(False)
    return Network(
        name=name,
        graph=graph,
        layers=find_layers(graph, layer_names(architecture)),
        preprocessing=preprocessing,
        categories=tuple(categories),
        digest=identity,
        device=device,
    )


def _keep_architecture(path: Path, architecture: str | ArchitectureFile) -> dict[str, str]:
    """Write the text of an architecture in a file; returns how the description names an architecture."""
    if isinstance(architecture, str):
        path.unlink(missing_ok=True)
        return {"architecture": architecture}
    write_text(path, architecture.source)
    return {"architecture": architecture.name, "source": architecture.digest}


def _kept_architecture(folder: Path, described: Mapping[str, Any]) -> str | ArchitectureFile:
    """The architecture that a description names, of a file as it was when the network was made."""
    if "source" not in described:
        return described["architecture"]
    path = folder / ARCHITECTURE_FILE
    text = path.read_text(encoding="utf-8")
    architecture = ArchitectureFile(described["architecture"], text, str(path))
    if architecture.digest != described["source"]:
        raise InputError(f"{path} is not the file that {DESCRIPTION_FILE} describes")
    return architecture


def _save(state: Mapping[str, Tensor], path: Path) -> None:
    try:
        save_file(dict(state), path)
    except SafetensorError as error:  # its own name for a full disk
        raise OSError(str(error)) from error
    path.chmod(READABLE)
