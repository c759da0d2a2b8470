"""Cutting a traced network in two: a prefix that is computed once, and a suffix that runs once per mask."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, fx

from anatomy.errors import InputError
from anatomy.halving import Halving
from anatomy.networks.graph import layer_nodes

IMAGES = "images"

Edit = Callable[[Tensor], Tensor]


def prefix(graph_module: fx.GraphModule, values: Sequence[str]) -> fx.GraphModule:
    """A network from images to the named values of the graph, computing nothing that they do not need.

    Calling it with images (image, channel, y, x) returns a tuple of tensors in the order of `values`.
    """
    nodes = {node.name: node for node in graph_module.graph.nodes}
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    for node in graph_module.graph.nodes:
        if node.op != "output":
            copied[node] = graph.node_copy(node, copied.__getitem__)
    graph.output(tuple(copied[nodes[value]] for value in values))
    part = fx.GraphModule(graph_module, graph)
    part.graph.eliminate_dead_code()
    part.recompile()
    return part


class Suffix:
    """The part of a network that depends on some of its values, and computes the logits.

    Parameters
    ----------
    starts : the nodes of the graph from which on everything is computed

    Attributes
    ----------
    boundary : names of the values of the graph that the suffix reads, in network order. The network's images are
        called "images".
    module : the suffix as a module that shares its parameters with the network
    """

    def __init__(self, graph_module: fx.GraphModule, starts: Sequence[fx.Node]) -> None:
        inside = _descendants(graph_module, starts)
        output = next(node for node in graph_module.graph.nodes if node.op == "output")
        if output not in inside:
            names = ", ".join(sorted(node.name for node in starts))
            raise InputError(f"the output does not depend on any of {names}")
        feeds = [
            node
            for node in graph_module.graph.nodes
            if node not in inside
            and node.op != "get_attr"
            and any(user in inside for user in node.users)
        ]
        self.boundary = tuple(value_name(node) for node in feeds)
        self.module = _copy_part(graph_module, feeds, inside)
        self._halving = Halving()

    @classmethod
    def from_layers(cls, graph_module: fx.GraphModule, paths: Iterable[str]) -> "Suffix":
        """What depends on the outputs of the layers with these module paths; the layers themselves are computed."""
        calls = layer_nodes(graph_module)
        return cls(graph_module, [node for path in paths for node in calls[path]])

    @classmethod
    def behind(cls, graph_module: fx.GraphModule, values: Iterable[str]) -> "Suffix":
        """What depends on the values of these names: all that reads one of them, directly or not.

        Values that depend on none of the others are read, not computed: they are part of the boundary.
        """
        nodes = {node.name: node for node in graph_module.graph.nodes}
        return cls(graph_module, [user for value in values for user in nodes[value].users])

    def __call__(
        self,
        values: Mapping[str, Tensor],
        replaced: Mapping[str, Edit] | None = None,
        edited: Mapping[str, Edit] | None = None,
    ) -> Tensor:
        """Logits (image, output) from the values at the boundary; in halves where the memory of a GPU is too small.

        Parameters
        ----------
        values : boundary name -> tensor, first axis image
        replaced : what to compute in place of layers, by module path, e.g. "features.0"; the network itself is not
            touched
        edited : what to do with values before they are read, by name, at the boundary and behind it. That may be meant
            for these very images, so they pass together whatever the memory.
        """
        arguments = [values[name] for name in self.boundary]
        if edited:
            return _Changed(self.module, replaced or {}, edited).run(*arguments)
        compute = _Changed(self.module, replaced, {}).run if replaced else self.module
        return self._halving(compute, *arguments)


class _Changed(fx.Interpreter):
    """Runs a graph with other functions in place of some layers, and with some values changed on their way."""

    def __init__(
        self,
        module: fx.GraphModule,
        replaced: Mapping[str, Edit],
        edited: Mapping[str, Edit],
    ) -> None:
        super().__init__(module)
        self._replaced = replaced
        self._edited = edited

    def run_node(self, node: fx.Node) -> Any:
        value = super().run_node(node)
        return self._edited[node.name](value) if node.name in self._edited else value

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target in self._replaced:
            return self._replaced[target](*args)
        return super().call_module(target, args, kwargs)


def value_name(node: fx.Node) -> str:
    """The name under which a value of the graph is recorded."""
    return IMAGES if node.op == "placeholder" else node.name


def _descendants(graph_module: fx.GraphModule, starts: Sequence[fx.Node]) -> set[fx.Node]:
    inside = set(starts)
    for node in graph_module.graph.nodes:
        if any(source in inside for source in node.all_input_nodes):
            inside.add(node)
    return inside


def _copy_part(
    graph_module: fx.GraphModule, feeds: Sequence[fx.Node], inside: set[fx.Node]
) -> fx.GraphModule:
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {node: graph.placeholder(value_name(node)) for node in feeds}
    for node in graph_module.graph.nodes:
        if node in inside:
            copied[node] = graph.node_copy(node, lambda source: _copied(graph, copied, source))
    return fx.GraphModule(graph_module, graph)


def _copied(graph: fx.Graph, copied: dict[fx.Node, fx.Node], source: fx.Node) -> fx.Node:
    """The copy of a value; constants of the network (get_attr) are copied when first needed."""
    if source not in copied:
        copied[source] = graph.node_copy(source)
    return copied[source]
