"""Receptive fields of the values of a traced network, derived layer by layer.

Along one axis, position i of a map looks at the pixels from offset + step * i up to, but not including, that plus size;
pixels below 0 or beyond the image are padding. Behind a map with the field (o1, s1, t1) a layer with (o2, s2, t2) has

    offset = o2 * t1 + o1,    size = (s2 - 1) * t1 + s1,    step = t2 * t1

where a convolution or pooling itself has offset = -padding, size = dilation * (kernel - 1) + 1 and step = stride. This
is the bookkeeping of Bau, Zhou et al., "Network Dissection" (CVPR 2017) and of the code they published with it. As
there, where several maps meet (addition, concatenation, a product) the largest of their fields counts; here along each
axis for itself, which differs where kernels are not square. A value that scales a map by one number per channel, such
as the gate of a squeeze-and-excitation block, does not count although it depends on the whole image, nor does a
normalisation over the whole map.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, fx, nn

from anatomy.errors import InputError
from anatomy.gpu_errors import is_failure, is_out_of_memory
from anatomy.networks.cut import prefix, value_name
from anatomy.networks.field import Field

MAP_DIMENSIONS = 3  # the fewest that a map has: its two axes, and units or images
LAST_AXES = (-2, -1)

# Operations go by the names of functions and methods: torch.permute and Tensor.permute do the same.
OPERATIONS: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv2d",
    nn.MaxPool2d: "max_pool2d",
    nn.AvgPool2d: "avg_pool2d",
    nn.AdaptiveAvgPool2d: "adaptive_avg_pool2d",
    nn.AdaptiveMaxPool2d: "adaptive_max_pool2d",
    nn.Upsample: "interpolate",
    nn.ConstantPad2d: "pad",
    nn.ReflectionPad2d: "pad",
    nn.ReplicationPad2d: "pad",
    nn.CircularPad2d: "pad",
    nn.Flatten: "flatten",
    nn.Unflatten: "unflatten",
    nn.Linear: "linear",
    nn.MultiheadAttention: "multi_head_attention_forward",
    nn.modules.conv._ConvTransposeNd: "conv_transpose2d",
}
# What follows the map in the arguments of those functions that need more than sizes
SETTINGS = {
    "conv2d": ("weight", "bias", "stride", "padding", "dilation"),
    "max_pool2d": ("kernel_size", "stride", "padding", "dilation"),
    "avg_pool2d": ("kernel_size", "stride", "padding"),
    "pad": ("pad",),
    "interpolate": ("size", "scale_factor", "mode", "align_corners"),
}
POOLING_TO_SIZE = ("adaptive_avg_pool2d", "adaptive_max_pool2d")
REDUCING = ("mean", "sum", "amax", "amin")
MOVING_AXES = ("permute", "transpose", "swapaxes", "movedim", "unsqueeze")
RESHAPING = ("view", "reshape", "flatten", "unflatten", "squeeze")
# These may keep the shape of a map although each position of the result depends on others.
MIXING = (
    *("matmul", "bmm", "einsum", "conv_transpose2d", "roll", "flip"),
    *("multi_head_attention_forward", "scaled_dot_product_attention", "shifted_window_attention"),
)


Fields = tuple[Field, Field]  # along y and x
Size = tuple[int, int]  # of a map: height, width
IDENTITY = Field(offset=0, size=1, step=1)


def receptive_fields(
    graph_module: fx.GraphModule, values: Sequence[str], input_size: int
) -> dict[str, Fields]:
    """Receptive fields of values of a traced network, along y and along x.

    Shapes are found by running the part of the network that leads to the values once, on a blank image.

    Parameters
    ----------
    graph_module : traced network that reads images (image, 3, y, x)
    values : names of values of the graph, e.g. a layer's response; the images themselves are called "images"
    input_size : height and width of the network's input in pixels

    Returns
    -------
    value -> its fields along y and x, in the order of `values`

    Raises
    ------
    InputError for an unknown value, one that is no map of positions or comes from one that is none, an operation that
    is not known to leave each position where it is, and an input size that does not fit the network.
    """
    names = {value_name(own): own.name for own in graph_module.graph.nodes if own.op != "output"}
    for value in values:
        if value not in names:
            raise InputError(f"the network has no value {value!r}")
    part = prefix(graph_module, [names[value] for value in values])
    (results,) = part.graph.output_node().args
    positions = _follow(part, input_size)
    fields = {}
    for value, node in zip(values, results, strict=True):
        if node not in positions or positions[node].fields is None:
            raise InputError(
                f"value {value!r} is no map of positions, so it has no receptive field"
            )
        fields[value] = positions[node].fields
    return fields


@dataclass(frozen=True)
class _Value:
    """What is known of a value that depends on the images.

    Attributes
    ----------
    shape : of the tensor, or of the first one of several
    axes : which axes are y and x, counted from the last, e.g. (-2, -1)
    fields : along y and x; None where the value is no map of positions
    """

    shape: tuple[int, ...]
    axes: tuple[int, int] = LAST_AXES
    fields: Fields | None = None

    @property
    def map_size(self) -> tuple[int, ...]:
        """Height and width."""
        return _sizes(self.shape, self.axes)


def _follow(graph_module: fx.GraphModule, input_size: int) -> dict[fx.Node, _Value]:
    """What is known of each node that depends on the images."""
    if input_size < 1:
        raise InputError(f"images cannot have {input_size} x {input_size} pixels")
    weight = next(graph_module.parameters(), torch.zeros(()))
    follower = _Follower(graph_module)
    with torch.inference_mode():
        image = torch.zeros(1, 3, input_size, input_size, dtype=weight.dtype, device=weight.device)
        try:
            follower.run(image)
        except RuntimeError as error:
            if is_failure(error) or is_out_of_memory(error):
                raise  # it says nothing about the network
            problem = str(error).splitlines()[0]
            raise InputError(
                f"the network cannot read images of {input_size} x {input_size} pixels: {problem}"
            ) from error
    return follower.values


class _Follower(fx.Interpreter):
    """Runs a traced network and keeps shapes and receptive fields of what depends on the images."""

    def __init__(self, graph_module: fx.GraphModule) -> None:
        super().__init__(graph_module)
        self.extra_traceback = False  # errors are one sentence
        self.values: dict[fx.Node, _Value] = {}

    def run_node(self, node: fx.Node) -> Any:
        """Value of a node."""
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        result = super().run_node(node)
        tensor = _first_tensor(result)
        sources = [self.values[own] for own in node.all_input_nodes if own in self.values]
        if node.op == "placeholder":
            self.values[node] = _Value(tuple(tensor.shape), fields=(IDENTITY, IDENTITY))
        elif node.op != "output" and sources and tensor is not None:
            self.values[node] = self._derive(node, args, kwargs, sources, tuple(tensor.shape))
        return result

    def _derive(
        self,
        node: fx.Node,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        sources: Sequence[_Value],
        shape: tuple[int, ...],
    ) -> _Value:
        """What is known of a node's result of this shape, from what is known of its inputs."""
        source = sources[0]
        operation = self._operation(node)
        if len(shape) < MAP_DIMENSIONS or all(own.fields is None for own in sources):
            return _Value(shape)
        if operation in MIXING or (operation == "linear" and -1 in source.axes):
            raise _unknown(node, "it mixes positions")
        if operation in MOVING_AXES:
            return replace(source, shape=shape, axes=self._moved_axes(node, args, kwargs, source))
        if operation in RESHAPING:
            return _reshaped(source, shape)
        if operation in REDUCING and len(shape) < len(source.shape):
            return _Value(shape)
        settings = self._settings(node, operation, args, kwargs)
        layer = _layer_fields(operation, settings, source.map_size, _sizes(shape, source.axes))
        if layer is None:
            return _meet(node, sources, shape)
        if operation not in REDUCING and source.axes != LAST_AXES:
            raise _unknown(node, "y and x are not the last axes of its map")
        y, x = (own.behind(earlier) for own, earlier in zip(layer, source.fields, strict=True))
        return replace(source, shape=shape, fields=(y, x))

    def _operation(self, node: fx.Node) -> str:
        """Name of the function or method, or of the function that a module applies."""
        if node.op != "call_module":
            return getattr(node.target, "__name__", node.target)
        module = self.fetch_attr(node.target)
        known = (name for kind, name in OPERATIONS.items() if isinstance(module, kind))
        return next(known, "")

    def _settings(
        self, node: fx.Node, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Mapping[str, Any]:
        """The settings of an operation by name."""
        if node.op == "call_module":
            return vars(self.fetch_attr(node.target))
        positional = args if "input" in kwargs else args[1:]
        return dict(zip(SETTINGS.get(operation, ()), positional, strict=False)) | kwargs

    def _moved_axes(
        self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any], source: _Value
    ) -> tuple[int, int]:
        """Where an operation that only moves axes puts y and x, seen on axes that all differ in length."""
        probe = torch.empty(*range(2, 2 + len(source.shape)), device="meta")
        args, kwargs = fx.node.map_aggregate(
            (args, kwargs), lambda own: probe if isinstance(own, Tensor) else own
        )
        moved = getattr(self, node.op)(node.target, args, kwargs).shape
        y, x = (moved.index(probe.shape[axis]) - len(moved) for axis in source.axes)
        return y, x


def _first_tensor(result: Any) -> Tensor | None:
    """A result, or the first one of several; None if it is no tensor."""
    if isinstance(result, tuple | list) and result:
        result = result[0]
    return result if isinstance(result, Tensor) else None


def _sizes(shape: tuple[int, ...], axes: tuple[int, int]) -> tuple[int, ...]:
    """Lengths of some axes, counted from the last, as far as a shape has them."""
    return tuple(shape[axis] for axis in axes if len(shape) >= -axis)


def _unknown(node: fx.Node, reason: str) -> InputError:
    return InputError(f"the receptive field behind {node.name!r} is not known: {reason}")


def _reshaped(source: _Value, shape: tuple[int, ...]) -> _Value:
    """Positions stay what they are where the shape stays the same from the map's first axis on."""
    first = min(source.axes)
    kept = shape[first:] == source.shape[first:]
    return replace(source, shape=shape) if kept else _Value(shape)


def _meet(node: fx.Node, sources: Sequence[_Value], shape: tuple[int, ...]) -> _Value:
    """The largest of the fields of the maps that are as large as the result."""
    alike = [own for own in sources if own.map_size == _sizes(shape, own.axes)]
    maps = [own for own in alike if own.fields is not None]
    if not maps:
        raise _unknown(node, "it changes the size of its map")
    if len(maps) < len(alike):
        raise _unknown(node, "not all that it reads are maps of positions")
    y, x = (max((own.fields[axis] for own in maps), key=lambda own: own.size) for axis in (0, 1))
    return _Value(shape, maps[0].axes, (y, x))


def _layer_fields(
    operation: str, settings: Mapping[str, Any], before: Size, after: Size
) -> Fields | None:
    """The fields of a layer itself.

    None for what leaves positions where they are, and for what is not known.

    Parameters
    ----------
    before, after : height and width of the map that it reads and of its result
    """
    if operation in ("conv2d", "max_pool2d", "avg_pool2d"):
        return _windows(settings)
    if operation == "pad":
        return _padding(settings["pad"] if "pad" in settings else settings["padding"])
    if operation == "interpolate":
        return _interpolation(settings, before, after)
    if operation in POOLING_TO_SIZE or operation in REDUCING:
        y, x = (_pooling_to_size(old, new) for old, new in zip(before, after, strict=True))
        return y, x
    return None


def _windows(settings: Mapping[str, Any]) -> Fields:
    """Fields of a convolution or pooling; "same" padding has the smaller half of it first, as PyTorch."""
    kernel = settings["weight"].shape[-2:] if "weight" in settings else settings["kernel_size"]
    default_stride = 1 if "weight" in settings else kernel
    strides = _pair(settings.get("stride") or default_stride)
    dilations = _pair(settings.get("dilation", 1))
    reach = [step * (own - 1) for own, step in zip(_pair(kernel), dilations, strict=True)]
    padding = settings.get("padding", 0)
    if padding == "same":
        padding = [own // 2 for own in reach]
    first = _pair(0 if padding == "valid" else padding)
    y, x = (
        Field(offset=-start, size=own + 1, step=step)
        for start, own, step in zip(first, reach, strides, strict=True)
    )
    return y, x


def _pair(setting: int | Sequence[int]) -> tuple[int, int]:
    """A setting along y and x."""
    y, x = (setting, setting) if isinstance(setting, int) else tuple(setting) * (2 // len(setting))
    return y, x


def _padding(padding: Sequence[int]) -> Fields:
    """Fields of a padding, given as left, right, top, bottom, and so on."""
    left, top = padding[0], padding[2] if len(padding) > 2 else 0
    return replace(IDENTITY, offset=-top), replace(IDENTITY, offset=-left)


def _pooling_to_size(before: int, after: int) -> Field:
    """Field of a pooling to a given size; where that does not divide the map's, windows lie so far apart on average."""
    step = before // after if before % after == 0 else Fraction(before, after)
    return Field(offset=0, size=math.ceil(step), step=step)


def _interpolation(settings: Mapping[str, Any], before: Size, after: Size) -> Fields | None:
    """Fields of an enlargement by a whole factor; bilinear values have two neighbours on either axis."""
    neighbours = {"nearest": 1, "nearest-exact": 1, "bilinear": 2}
    mode = settings.get("mode", "nearest")
    whole = all(new % old == 0 for old, new in zip(before, after, strict=True))
    if mode not in neighbours or settings.get("align_corners") or not whole:
        return None
    y, x = (
        _enlargement(new // old, neighbours[mode]) for old, new in zip(before, after, strict=True)
    )
    return y, x


def _enlargement(factor: int, neighbours: int) -> Field:
    """Position i lies at (i + 1/2) / factor - 1/2 and is read from so many neighbours around it."""
    if factor == 1:
        return IDENTITY
    first = Fraction(1 - factor, 2 * factor) - Fraction(neighbours - 1, 2)
    return Field(offset=first, size=neighbours, step=Fraction(1, factor))
