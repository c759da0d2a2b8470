"""Connectivity of masked networks: which weights and units lie on paths from the images to an output unit.

Everything is read off one pass through a stand-in of the traced network in which nothing cancels out: layers have their
mask as weights, 1 where a weight is kept, and no bias; non-linearities and batch normalisations pass on what they get;
maximum pooling sums over its window; a product or difference of two values becomes their sum. Before and behind each
layer values and gradients are made 1 where they are positive and 0 elsewhere. A value of the stand-in is then positive
where paths of kept weights lead to it from the images, its gradient where paths lead from it to the output unit, and
the gradient of a weight where both hold at one position. (SynFlow, Tanaka et al. 2020, scores weights by the same
product without making it 0 or 1, which over- or underflows in deep networks.)

Normalisations over several units are paths, too: a unit that only changes by how much another one is divided has an
effect. What they tie together counts as connected.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from anatomy.errors import InputError
from anatomy.networks.cut import prefix
from anatomy.networks.graph import Layer, is_non_linearity, layer_nodes
from anatomy.networks.network import Network

# Sums of ones differ from whole numbers by rounding only, which some algorithms for convolutions bring in.
LEAST = 0.5
WIDER = 3

PASSING_MODULES = (nn.modules.batchnorm._BatchNorm, nn.PReLU, nn.Softplus)
PASSING_FUNCTIONS = (
    functional.batch_norm,
    functional.prelu,
    functional.softplus,
    operator.neg,
    torch.neg,
)
COMBINING_FUNCTIONS = (
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(torch.add, torch.sub, torch.mul, torch.div),
)
COMBINING_METHODS = ("add", "sub", "mul", "div")
# What these make of a value depends on all values of an image.
MIXING_MODULES = (nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm, nn.Softmax)
MIXING_FUNCTIONS = (
    *(functional.layer_norm, functional.group_norm, functional.instance_norm),
    *(functional.softmax, functional.normalize, torch.softmax),
)
# What may hold parameters without being a layer.
FOLLOWED_MODULES = (*PASSING_MODULES, *MIXING_MODULES)
FOLLOWED_FUNCTIONS = (
    *(*COMBINING_FUNCTIONS, *PASSING_FUNCTIONS, *MIXING_FUNCTIONS),
    *(getattr, operator.getitem),
)
MAXIMUM_FUNCTIONS = (functional.max_pool2d, torch.max_pool2d)


class ReceptiveField(NamedTuple):
    """The part of the network's input that a layer's neurons can depend on, in pixels, the same along y and x.

    Attributes
    ----------
    size : side of the square
    step : distance between the squares of neighbouring positions; 0 where each neuron depends on the whole input
    offset : centre of the square of position 0; pixel centres are whole numbers
    """

    size: int
    step: int
    offset: float

    def range(self, position: int) -> tuple[int, int]:
        """First pixel and the one behind the last, along one axis; may lie beyond the input."""
        start = round(self.offset + self.step * position - (self.size - 1) / 2)
        return start, start + self.size


def connected(network: Network, masks: Mapping[str, Tensor], output: int) -> dict[str, Tensor]:
    """The kept weights that lie on a path of kept weights from the images to an output unit.

    Parameters
    ----------
    masks : layer -> boolean in the shape of the layer's weights, on the network's device, True = kept. The output
        layer's may have one row only, the output unit's own. A layer without a mask keeps all weights.
    output : index of the output unit

    Returns
    -------
    layer -> boolean, for the layers of `masks` and in the same shapes. Other output units' rows are False.

    Raises
    ------
    InputError for an unknown layer or output, a mask of another shape, or a network with parts that have weights and
    are neither convolutions nor linear.
    """
    own = _own_row(network, masks, output)
    weights = {name: mask.float().requires_grad_() for name, mask in own.items()}
    with torch.enable_grad():
        target = _target(_StandIn(network.graph, network.layers, weights), network)
        gradients = torch.autograd.grad(target, list(weights.values()), materialize_grads=True)
    paths = {
        name: own[name] & (gradient > LEAST)
        for name, gradient in zip(weights, gradients, strict=True)
    }
    last = network.output_layer.name
    if last in masks and len(masks[last]) > 1:
        row, paths[last] = paths[last], torch.zeros_like(masks[last])
        paths[last][output] = row[0]
    return {name: paths[name] for name in masks}


def reaching_units(network: Network, masks: Mapping[str, Tensor], output: int) -> dict[str, Tensor]:
    """The units from which kept weights lead to an output unit, whether or not the images drive them.

    Parameters, errors: as for `connected`.

    Returns
    -------
    layer -> boolean (unit,), for all layers of the network. What the other units do cannot change the output unit.
    """
    weights = {name: mask.float() for name, mask in _own_row(network, masks, output).items()}
    stand_in = _StandIn(network.graph, network.layers, weights)
    with torch.enable_grad():
        target = _target(stand_in, network)
        calls = [(name, value) for name, own in stand_in.outputs.items() for value in own]
        values = [value for _, value in calls]
        gradients = torch.autograd.grad(target, values, materialize_grads=True)
    reaching = {
        layer.name: torch.zeros(layer.units, dtype=torch.bool, device=network.device)
        for layer in network.layers
    }
    for (name, _), gradient in zip(calls, gradients, strict=True):
        if name != network.output_layer.name:
            reaching[name] |= _units(gradient > 0, network.layer(name))[0]
    reaching[network.output_layer.name][output] = True
    return reaching


def direct_inputs(network: Network, layer: str, units: Sequence[int]) -> dict[str, Tensor]:
    """Which inputs of other layers come straight from some units of a layer, through no other layer.

    Parameters
    ----------
    units : indices of the units (channels)

    Returns
    -------
    layer -> boolean (unit of `units`, input channel or, for a linear layer, input unit), for the layers that read any
    of the units, in network order. Normalisations over several units pass on each unit's own values.
    """
    pulses = _Pulses(network.graph, network.layers, network.layer(layer).name, units)
    side = network.preprocessing.input_size
    with torch.no_grad():
        pulses.run(torch.zeros(len(units), 3, side, side, device=network.device))
    return {
        other.name: torch.stack(pulses.inputs[other.name]).any(0)
        for other in network.layers
        if any(read.any() for read in pulses.inputs[other.name])
    }


def receptive_field(network: Network, layer: str) -> ReceptiveField:
    """Receptive field of a layer's neurons, from the pixels that two central neurons depend on.

    Where these reach the border of the network's input, a wider input is tried; if they reach its border, too, or the
    layer is linear, each neuron depends on the whole input.
    """
    whole = network.preprocessing.input_size
    if network.layer(layer).kind == "convolution" and not _linear_before(network, layer):
        for side in (whole, WIDER * whole):
            fields = _central_fields(network, layer, side)
            if fields is not None:
                (first, low, high), (second, start, _) = fields
                step = (start - low) // (second - first)
                return ReceptiveField(high - low, step, (low + high - 1) / 2 - step * first)
    return ReceptiveField(whole, 0, (whole - 1) / 2)


class _Binary(torch.autograd.Function):
    """1 where a value is above a limit, else 0; the same for its gradient with another limit."""

    @staticmethod
    def forward(context: Any, value: Tensor, least_value: float, least_gradient: float) -> Tensor:
        context.least_gradient = least_gradient
        return (value > least_value).to(value.dtype)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return (gradient > context.least_gradient).to(gradient.dtype), None, None


class _Positive(fx.Interpreter):
    """Runs a traced network on values that are never negative so that none is lost on its way; see the module."""

    def __init__(self, graph: fx.GraphModule, layers: Iterable[Layer]) -> None:
        super().__init__(graph)
        self.extra_traceback = False  # errors are one sentence
        self._layers = {layer.path: layer for layer in layers}

    def run_layer(self, layer: Layer, module: nn.Module, value: Tensor) -> Tensor:
        """What stands for a layer's output."""
        raise NotImplementedError

    def mix(self, value: Tensor) -> Tensor:
        """What stands for a normalisation over all units and positions."""
        raise NotImplementedError

    def mix_neighbours(self, value: Tensor, size: int) -> Tensor:
        """What stands for a normalisation over neighbouring channels (image, channel, y, x)."""
        raise NotImplementedError

    def run_node(self, node: fx.Node) -> Any:
        """Value of a node; InputError for one that has weights and is not a layer."""
        if is_non_linearity(self.module, node):
            return self.env[node.all_input_nodes[0]]
        if self._has_weights(node):
            raise InputError(
                f"connections through {node.name!r} cannot be followed: it has weights and is neither a convolution "
                "nor a linear layer"
            )
        return super().run_node(node)

    def _has_weights(self, node: fx.Node) -> bool:
        if node.op == "call_module" and node.target not in self._layers:
            module = self.fetch_attr(node.target)
            return not isinstance(module, FOLLOWED_MODULES) and any(
                True for _ in module.parameters()
            )
        if node.op == "call_function" and node.target not in FOLLOWED_FUNCTIONS:
            constants = [source for source in node.all_input_nodes if source.op == "get_attr"]
            return any(isinstance(self.fetch_attr(own.target), nn.Parameter) for own in constants)
        return False

    def get_attr(self, target: str, args: Any, kwargs: Any) -> Any:
        """Constants do not come from the images."""
        value = super().get_attr(target, args, kwargs)
        return torch.zeros_like(value) if _is_float(value) else value

    def call_module(self, target: str, args: Any, kwargs: Any) -> Any:
        """Layers, and what stands for normalisations and maximum pooling."""
        module = self.fetch_attr(target)
        if target in self._layers:
            return self.run_layer(self._layers[target], module, args[0])
        if isinstance(module, PASSING_MODULES):
            return args[0]
        if isinstance(module, MIXING_MODULES):
            return self.mix(args[0])
        if isinstance(module, nn.LocalResponseNorm):
            return self.mix_neighbours(args[0], module.size)
        if isinstance(module, nn.MaxPool2d):
            window = module.kernel_size, module.stride, module.padding, module.dilation
            return _summed(args[0], *window, module.ceil_mode)
        if isinstance(module, nn.AdaptiveMaxPool2d):
            return functional.adaptive_avg_pool2d(args[0], module.output_size)
        return super().call_module(target, args, kwargs)

    def call_function(self, target: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Functions that could make a value negative or zero are replaced."""
        if target in COMBINING_FUNCTIONS and any(map(_is_float, args)):
            return _sum(args)
        if target in PASSING_FUNCTIONS:
            return args[0]
        if target in MIXING_FUNCTIONS:
            return self.mix(args[0])
        if target is functional.local_response_norm:
            return self.mix_neighbours(args[0], kwargs.get("size", *args[1:2]))
        if target in MAXIMUM_FUNCTIONS:
            return _summed(*args, **kwargs)
        if target is functional.adaptive_max_pool2d:
            return functional.adaptive_avg_pool2d(*args[:2])
        return super().call_function(target, args, kwargs)

    def call_method(self, target: str, args: Any, kwargs: Any) -> Any:
        """As for functions."""
        if target in COMBINING_METHODS and any(map(_is_float, args)):
            return _sum(args)
        if target == "softmax":
            return self.mix(args[0])
        return super().call_method(target, args, kwargs)


class _StandIn(_Positive):
    """The network with masks as weights; keeps the outputs of all calls of each layer."""

    def __init__(
        self, graph: fx.GraphModule, layers: Iterable[Layer], weights: Mapping[str, Tensor]
    ) -> None:
        super().__init__(graph, layers)
        self._weights = weights
        self.outputs: dict[str, list[Tensor]] = {}

    def run_layer(self, layer: Layer, module: nn.Module, value: Tensor) -> Tensor:
        weight = self._weights.get(layer.name)
        if weight is None:
            weight = torch.ones(module.weight.shape, device=module.weight.device)
        parameters = {"weight": weight}
        if module.bias is not None:
            parameters["bias"] = torch.zeros(len(weight), device=weight.device)
        value = _Binary.apply(value, 0.0, LEAST)
        value = torch.func.functional_call(module, parameters, (value,))
        value = _Binary.apply(value, LEAST, 0.0)
        self.outputs.setdefault(layer.name, []).append(value)
        return value

    def mix(self, value: Tensor) -> Tensor:
        return value + value.mean(tuple(range(1, value.ndim)), keepdim=True)

    def mix_neighbours(self, value: Tensor, size: int) -> Tensor:
        channels = value.shape[1]
        padded = functional.pad(value, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        return sum(padded[:, start : start + channels] for start in range(size))


class _Pulses(_Positive):
    """The network in which layers put out nothing, but one of them a pulse: image n at its unit `units[n]`.

    Keeps for each layer what its calls read, boolean (image, input).
    """

    def __init__(
        self, graph: fx.GraphModule, layers: Iterable[Layer], source: str, units: Sequence[int]
    ) -> None:
        super().__init__(graph, layers)
        self._source = source
        self._units = list(units)
        self.inputs: dict[str, list[Tensor]] = {layer.name: [] for layer in self._layers.values()}

    def run_layer(self, layer: Layer, module: nn.Module, value: Tensor) -> Tensor:
        self.inputs[layer.name].append(_units(value > 0, layer))
        output = torch.zeros(_output_shape(module, value), device=value.device)
        if layer.name == self._source:
            images = torch.arange(len(self._units))
            _unit_last(output, layer)[images, ..., self._units] = 1
        return output

    def mix(self, value: Tensor) -> Tensor:
        return value

    def mix_neighbours(self, value: Tensor, size: int) -> Tensor:
        return value


def _own_row(network: Network, masks: Mapping[str, Tensor], output: int) -> dict[str, Tensor]:
    """The masks, with the output unit's own row only of the output layer's; checked."""
    last = network.output_layer
    if not 0 <= output < last.units:
        raise InputError(f"there is no output {output} among {last.units} outputs")
    own = {}
    for name, mask in masks.items():
        layer = network.layer(name)
        shapes = [layer.weight_shape]
        if layer == last:
            shapes.append((1, *layer.weight_shape[1:]))
        if tuple(mask.shape) not in shapes:
            raise InputError(
                f"the mask of layer {name!r} has the shape {tuple(mask.shape)}, its weights have {layer.weight_shape}"
            )
        own[name] = mask
    row = own.get(last.name, torch.ones(1, *last.weight_shape[1:], device=network.device) > 0)
    own[last.name] = row if len(row) == 1 else row[output : output + 1]
    return own


def _target(stand_in: _StandIn, network: Network) -> Tensor:
    """The stand-in's output unit for a blank image."""
    images = _blank(network, network.preprocessing.input_size).requires_grad_()
    return stand_in.run(images).sum()


def _blank(network: Network, side: int) -> Tensor:
    return torch.ones(1, 3, side, side, device=network.device)


def _unit_last(value: Tensor, layer: Layer) -> Tensor:
    """A layer's input or output with its units on the last axis."""
    return value if layer.kind == "linear" else value.movedim(1, -1)


def _units(value: Tensor, layer: Layer) -> Tensor:
    """Boolean (image, unit): where a layer's input or output is True at any position."""
    return _unit_last(value, layer).flatten(1, -2).any(1) if value.ndim > 2 else value


def _output_shape(module: nn.Module, value: Tensor) -> torch.Size:
    """Shape of a layer's output, found without computing it."""
    parameters = {name: own.to("meta") for name, own in module.named_parameters()}
    return torch.func.functional_call(module, parameters, (value.to("meta"),)).shape


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _sum(values: Iterable[Any]) -> Tensor:
    """Sum of the tensors; numbers beside them only scale or shift."""
    tensors = [value for value in values if _is_float(value)]
    return sum(tensors[1:], start=tensors[0])


def _summed(
    value: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Sums over the windows of a maximum pooling with these settings."""
    if dilation not in (1, (1, 1), [1, 1]) or return_indices:
        raise InputError("connections through a dilated maximum pooling cannot be followed")
    return functional.avg_pool2d(value, kernel_size, stride, padding, ceil_mode, divisor_override=1)


def _linear_before(network: Network, layer: str) -> bool:
    """Whether a layer depends on a linear one, so that only the network's own input size fits."""
    part = _part(network, layer)
    return any(isinstance(part.get_submodule(path), nn.Linear) for path in layer_nodes(part))


def _part(network: Network, layer: str) -> fx.GraphModule:
    """The network from images to the first call of a layer."""
    node = layer_nodes(network.graph)[network.layer(layer).path][0]
    return prefix(network.graph, [node.name])


def _central_fields(network: Network, layer: str, side: int) -> list[tuple[int, int, int]] | None:
    """Position, first pixel and the one behind the last, for two central neurons; None where a border is reached."""
    images = _blank(network, side).requires_grad_()
    with torch.enable_grad():
        (value,) = _StandIn(_part(network, layer), network.layers, {}).run(images)
        middle = value.shape[-1] // 2
        if middle == 0:
            return None
        fields = []
        for position in (middle - 1, middle):
            neuron = value[0, :, position, position].sum()
            (gradient,) = torch.autograd.grad(neuron, images, retain_graph=True)
            pixels = (gradient[0] > 0).any(0).any(0).nonzero()
            low, high = int(pixels.min()), int(pixels.max()) + 1
            fields.append((position, low, high))
    borders = any(low == 0 or high == side for _, low, high in fields)
    return None if borders else fields
