"""The traced graph of a network: its layers in network order, their inputs and their responses."""

import operator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, fx, nn

LayerKind = Literal["convolution", "linear"]

NON_LINEAR_MODULES = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Sigmoid,
    nn.Tanh,
)
NON_LINEAR_FUNCTIONS = (
    nn.functional.relu,
    nn.functional.relu6,
    nn.functional.gelu,
    nn.functional.silu,
    nn.functional.hardswish,
    torch.relu,
    torch.sigmoid,
    torch.tanh,
)
OUT_OF_PLACE = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
}


@dataclass(frozen=True)
class Layer:
    """A named module of the network that has weights.

    Attributes
    ----------
    name : the layer's name in the configuration and in every result, e.g. "conv1"
    path : the module's path in the network, e.g. "features.0"
    kind : "convolution" or "linear"
    weight_shape : (units, inputs[, kernel y, kernel x])
    """

    name: str
    path: str
    kind: LayerKind
    weight_shape: tuple[int, ...]

    @property
    def units(self) -> int:
        """Number of channels of a convolution, or of neurons of a linear layer."""
        return self.weight_shape[0]

    def units_second(self, values: Tensor) -> Tensor:
        """Values (image, unit, ...) of the layer; in a linear layer's own, units come last, behind any positions."""
        return values.movedim(-1, 1) if self.kind == "linear" else values


def trace(model: nn.Module) -> fx.GraphModule:
    """Trace a network in evaluation mode into a graph that changes nothing in place and has no dropout.

    Networks write over their own activations (in-place ReLU, `x += identity`), which silently turns a recording of
    a convolution into one of the non-linearity behind it. Here every such operation becomes its pure twin, which
    gives the same values.
    """
    model.eval()
    graph_module = fx.symbolic_trace(model)
    for module in graph_module.modules():
        if getattr(module, "inplace", False):
            module.inplace = False
    for node in list(graph_module.graph.nodes):
        _make_pure(graph_module, node)
    graph_module.graph.eliminate_dead_code()
    graph_module.recompile()
    return graph_module.eval()


def _make_pure(graph_module: fx.GraphModule, node: fx.Node) -> None:
    if node.op == "call_function":
        node.target = OUT_OF_PLACE.get(node.target, node.target)
        if "inplace" in node.kwargs:
            node.update_kwarg("inplace", False)
    elif node.op == "call_method" and node.target.endswith("_") and not node.target.endswith("__"):
        node.target = node.target.removesuffix("_")
    elif node.op == "call_module":
        module = graph_module.get_submodule(node.target)
        if isinstance(module, (nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Identity)):
            node.replace_all_uses_with(node.args[0])
            graph_module.graph.erase_node(node)


def layer_nodes(graph_module: fx.GraphModule) -> dict[str, list[fx.Node]]:
    """Module path -> the nodes that call it, for all convolutions and linear layers, in network order."""
    nodes: dict[str, list[fx.Node]] = {}
    for node in graph_module.graph.nodes:
        if node.op != "call_module":
            continue
        if isinstance(graph_module.get_submodule(node.target), (nn.Conv2d, nn.Linear)):
            nodes.setdefault(node.target, []).append(node)
    return nodes


def find_layers(graph_module: fx.GraphModule, names: dict[str, str]) -> tuple[Layer, ...]:
    """The layers of a traced network, in network order; `names` maps module paths to other names."""
    layers = []
    for path in layer_nodes(graph_module):
        module = graph_module.get_submodule(path)
        layers.append(
            Layer(
                name=names.get(path, path),
                path=path,
                kind="convolution" if isinstance(module, nn.Conv2d) else "linear",
                weight_shape=tuple(module.weight.shape),
            )
        )
    return tuple(layers)


def response_node(graph_module: fx.GraphModule, node: fx.Node) -> fx.Node:
    """The node at which a layer's response is recorded: behind its batch normalisation and non-linearity.

    Where the layer's output goes to several places, or to an addition, before any non-linearity, the response is
    the last value that belongs to this layer alone.
    """
    return _own_nodes(graph_module, node)[-1]


def preactivation_node(graph_module: fx.GraphModule, node: fx.Node) -> fx.Node:
    """The last node of a layer's own before its non-linearity: the layer's output, or its batch normalisation's."""
    linear = [
        own for own in _own_nodes(graph_module, node) if not is_non_linearity(graph_module, own)
    ]
    return linear[-1]


def _own_nodes(graph_module: fx.GraphModule, node: fx.Node) -> list[fx.Node]:
    """A layer's call, what nothing else reads on the way to its non-linearity, and that, if there is one, last."""
    own = [node]
    while len(own[-1].users) == 1:
        (user,) = own[-1].users
        if is_non_linearity(graph_module, user):
            return [*own, user]
        if not _is_batch_norm(graph_module, user):
            break
        own.append(user)
    return own


def following_batch_norm(graph_module: fx.GraphModule, node: fx.Node) -> nn.BatchNorm2d | None:
    """The batch normalisation that a layer's output goes through, and goes nowhere else."""
    if len(node.users) == 1:
        (user,) = node.users
        if _is_batch_norm(graph_module, user):
            return graph_module.get_submodule(user.target)
    return None


def is_non_linearity(graph_module: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node applies a pointwise non-linearity."""
    if node.op == "call_module":
        return isinstance(graph_module.get_submodule(node.target), NON_LINEAR_MODULES)
    if node.op == "call_function":
        return node.target in NON_LINEAR_FUNCTIONS
    return node.op == "call_method" and node.target in ("relu", "sigmoid", "tanh")


def _is_batch_norm(graph_module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op != "call_module":
        return False
    return isinstance(graph_module.get_submodule(node.target), nn.BatchNorm2d)
