"""Receptive fields against published ones and against the pixels that gradients reach."""

import operator
from fractions import Fraction

import pytest
import small
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import fx, nn
from torch.nn import functional

from anatomy.errors import InputError
from anatomy.networks.architectures import build
from anatomy.networks.cut import prefix
from anatomy.networks.field import Field, grid_centres
from anatomy.networks.graph import is_non_linearity, layer_nodes, response_node, trace
from anatomy.networks.receptive_field import receptive_fields

# Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019), their table of
# networks: value -> size, step, padding. alexnet_v2 has the geometry of the original network.
ALEXNET = {
    "conv1": (11, 4, 0),
    "pool1": (19, 8, 0),
    "conv2": (51, 8, 16),
    "conv3": (99, 16, 32),
    "conv4": (131, 16, 48),
    "conv5": (163, 16, 64),
    "pool5": (195, 32, 64),
}
VGG_16 = {
    "features_0": (3, 1, 1),
    "features_4": (6, 2, 2),
    "features_5": (10, 2, 4),
    "features_9": (16, 4, 6),
    "features_16": (44, 8, 18),
    "features_23": (100, 16, 42),
    "features_26": (164, 16, 74),
    "features_30": (212, 32, 90),
}
# first convolution of a block -> what it reads: the block before
INCEPTION_V3 = {
    "Mixed_5b.branch1x1.conv": (31, 8, 2),
    "Mixed_5c.branch1x1.conv": (63, 8, 18),
    "Mixed_5d.branch1x1.conv": (95, 8, 34),
    "Mixed_6a.branch3x3.conv": (127, 8, 50),
    "Mixed_6b.branch1x1.conv": (159, 16, 58),
    "Mixed_6c.branch1x1.conv": (351, 16, 154),
    "Mixed_7a.branch3x3_1.conv": (927, 16, 442),
    "Mixed_7b.branch1x1.conv": (1055, 32, 490),
    "Mixed_7c.branch1x1.conv": (1183, 32, 554),
}
TORCHVISION = (
    *("alexnet", "vgg16", "resnet50", "densenet121", "googlenet", "inception_v3", "squeezenet1_1"),
    *("mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x1_0"),
    *("convnext_tiny", "mnasnet0_5", "regnet_x_400mf", "regnet_y_400mf"),
)
# The largest fields that are looked for in an image of this size
LARGEST_FIELD, LARGE_IMAGE = 350, 480
SMALL_IMAGE = 240


class Spread(fx.Interpreter):
    """Runs a network in which everything that a value could depend on raises it, so that gradients tell what it is.

    Layers have equal positive weights, pooling takes means, non-linearities and normalisations pass on what they
    get, products are sums. All channels of a map are the same: each layer reads one and writes one. What is broadcast
    to a map is left out.
    """

    def run_node(self, node):
        if is_non_linearity(self.module, node):
            return self.env[node.args[0]]
        return super().run_node(node)

    def call_module(self, target, args, kwargs):
        module, value = self.fetch_attr(target), args[0]
        if isinstance(module, nn.Conv2d):
            window = module.stride, module.padding, module.dilation
            return spread(value, module.weight, *window)
        if isinstance(module, nn.Linear) and value.ndim == 4:
            return value[..., :1].expand(*value.shape[:-1], module.out_features)
        if isinstance(module, nn.MaxPool2d):
            window = module.kernel_size, module.stride, module.padding, module.dilation
            return summed(value, *window, module.ceil_mode)
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | nn.LocalResponseNorm):
            return value
        return super().call_module(target, args, kwargs)

    def call_function(self, target, args, kwargs):
        if target is functional.conv2d:
            value, weight, _, *window = args
            return spread(value, weight, *window)
        if target is functional.max_pool2d:
            return summed(*args, **kwargs)
        if target is functional.layer_norm:
            return args[0]
        if target is torch.cat:
            return joined(args[0], sum(value.shape[1] for value in args[0]))
        if target in (operator.add, operator.mul):
            maps = [own for own in args if isinstance(own, torch.Tensor) and own.ndim == 4]
            height, width = (max(value.shape[axis] for value in maps) for axis in (2, 3))
            maps = [value for value in maps if value.shape[2:] == (height, width)]
            return joined(maps, maps[0].shape[1])
        return super().call_function(target, args, kwargs)


def spread(value, weight, *window):
    kernel = torch.full((1, 1, *weight.shape[2:]), 1 / weight[0, 0].numel()).double()
    result = functional.conv2d(value[:, :1], kernel, None, *window)
    return result.expand(-1, len(weight), -1, -1)


def joined(maps, channels):
    return sum(value[:, :1] for value in maps).expand(-1, channels, -1, -1)


def pair(setting):
    return (setting, setting) if isinstance(setting, int) else setting


def summed(
    value, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """Sum over the window of a maximum pooling."""
    rows, columns = functional.max_pool2d(
        value, kernel, stride, padding, dilation, ceil_mode
    ).shape[2:]
    (y, x), (down, right), (top, left) = pair(kernel), pair(stride or kernel), pair(padding)
    apart = pair(dilation)
    far = 20  # more than any window reaches beyond the map
    padded = functional.pad(value[:, :1], (left, far, top, far))
    result = sum(
        padded[
            :, :, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * right + 1 : right
        ]
        for i in range(0, y * apart[0], apart[0])
        for j in range(0, x * apart[1], apart[1])
    )
    return result.expand(-1, value.shape[1], -1, -1)


class Gradients:
    """What the positions of some values depend on in an image."""

    def __init__(self, graph, names, side):
        self.image = torch.ones(1, 3, side, side, dtype=torch.double, requires_grad=True)
        values = Spread(prefix(graph, names)).run(self.image)
        self.values = dict(zip(names, values, strict=True))

    def count(self, name):
        """Number of positions along y and x."""
        return tuple(self.values[name].shape[2:])

    def profile(self, name, position):
        """Gradients of one position, summed along x and along y."""
        value = self.values[name][(0, 0, *position)]
        (gradient,) = torch.autograd.grad(value, self.image, retain_graph=True)
        return gradient[0].sum(0).sum(1), gradient[0].sum(0).sum(0)

    def pixels(self, name, position):
        """The rows and the columns that one position depends on."""
        return tuple(own.nonzero().flatten().tolist() for own in self.profile(name, position))


def field_at(field, position):
    """First pixel of a position's field and the one behind its last."""
    start = field.offset + position * field.step
    return start, start + field.size


def within(fields, position, side):
    spans = [field_at(field, own) for field, own in zip(fields, position, strict=True)]
    return all(start >= 0 and end <= side for start, end in spans)


def responses(graph):
    """Response -> path of the convolution, for all convolutions of a network."""
    return {
        response_node(graph, node).name: path
        for path, (node,) in layer_nodes(graph).items()
        if isinstance(graph.get_submodule(path), nn.Conv2d)
    }


def without_weights(architecture):
    """A network that has shapes only."""
    if architecture.startswith("regnet"):  # cannot be built without weights
        return trace(build(architecture, 5)).to("meta")
    with torch.device("meta"):
        return trace(build(architecture, 5))


def same(size, step, padding):
    return (Field(-padding, size, step),) * 2


@pytest.mark.parametrize(
    ("architecture", "side", "published"),
    [("bvlc_alexnet", 227, ALEXNET), ("vgg16", 224, VGG_16)],
)
def test_fields_are_the_published_ones(architecture, side, published):
    fields = receptive_fields(without_weights(architecture), list(published), side)
    assert fields == {name: same(*own) for name, own in published.items()}


def test_fields_are_the_published_ones_where_branches_are_joined():
    """In Inception v3 kernels are 1 x 7, 7 x 1 and so on, and the largest branch decides."""
    graph = without_weights("inception_v3")
    (pooled,) = [node for node in graph.graph.nodes if node.name == "avgpool"]
    reads = {path: layer_nodes(graph)[path][0].args[0].name for path in INCEPTION_V3}
    last = pooled.args[0].name
    fields = receptive_fields(graph, [*reads.values(), last], 299)
    assert {path: fields[name] for path, name in reads.items()} == {
        path: same(*own) for path, own in INCEPTION_V3.items()
    }
    assert fields[last] == same(1311, 32, 618)


def test_centres_of_the_original_network_on_the_grid_of_network_dissection():
    """Positions 8, 16, ..., 104 of the 113 x 113 masks of 227 x 227 images (Bau, Zhou et al. 2017, published code)."""
    field, _ = receptive_fields(without_weights("bvlc_alexnet"), ["relu5"], 227)["relu5"]
    assert field == Field(-64, 163, 16)
    start, step = grid_centres(field, 2)
    assert [start + step * position for position in range(13)] == list(range(8, 105, 8))


def test_centres_of_the_network_of_torchvision():
    name = response_node(graph := without_weights("alexnet"), layer_nodes(graph)["features.10"][0])
    field, _ = receptive_fields(graph, [name.name], 224)[name.name]
    assert (field.size, field.centre, field.step) == (163, 15, 16)
    assert grid_centres(field, 2) == (7, 8)
    assert grid_centres(field, 3) == (5, Fraction(16, 3))


def test_centre_of_an_even_number_of_pixels_is_the_upper_one():
    """Pixels -90 to 105 of VGG's last convolution; the published code halves the size and rounds down."""
    assert Field(-90, 196, 16).centre == 8


@pytest.mark.parametrize("architecture", TORCHVISION)
def test_fields_of_torchvision_networks_are_the_pixels_that_gradients_reach(architecture):
    """All convolutions have a field; a few of them, up to the largest ones that fit, are looked at.

    Those in gates see the whole image.
    """
    graph = without_weights(architecture)
    names = responses(graph)
    side = 299 if architecture == "inception_v3" else 224
    fields = receptive_fields(graph, list(names), side)
    assert list(fields) == list(names)
    sizes = {}
    for name in names:
        if names[name].endswith(("fc1", "fc2")):
            assert all(own.offset <= 0 and own.offset + own.size >= side for own in fields[name])
        else:
            sizes[name] = max(own.size for own in fields[name])
    fitting = sorted((size, name) for name, size in sizes.items() if size <= LARGEST_FIELD)
    chosen = [name for _, name in (*fitting[:: len(fitting) // 3], fitting[-1])]
    gradients = Gradients(graph, chosen, LARGE_IMAGE)
    for name in chosen:
        position = tuple(count // 2 for count in gradients.count(name))
        assert within(fields[name], position, LARGE_IMAGE)
        expected = tuple(
            list(range(*field_at(field, own)))
            for field, own in zip(fields[name], position, strict=True)
        )
        assert gradients.pixels(name, position) == expected


class Residual(nn.Module):
    def __init__(self, kernel, dilation):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, kernel, padding="same", dilation=dilation)

    def forward(self, x):
        return x + torch.relu(self.conv(x))


class Joined(nn.Module):
    def __init__(self, first, second):
        super().__init__()
        self.first = nn.Conv2d(4, 3, first, padding="same")
        self.second = nn.Conv2d(4, 1, second, padding="same")

    def forward(self, x):
        return torch.cat([self.first(x), self.second(x)], dim=1)


class Gated(nn.Module):
    """A squeeze-and-excitation block."""

    def __init__(self, module):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1) if module else None
        self.conv = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        pooled = x.mean((2, 3), keepdim=True) if self.pool is None else self.pool(x)
        return torch.sigmoid(self.conv(pooled)) * x


class Applied(nn.Module):
    """A layer's function in place of its module."""

    def __init__(self, layer):
        super().__init__()
        self.layer = [layer]  # hidden, so that the traced network knows the function only
        if isinstance(layer, nn.Conv2d):
            self.weight = layer.weight

    def forward(self, x):
        (own,) = self.layer
        if isinstance(own, nn.Conv2d):
            return functional.conv2d(x, self.weight, None, own.stride, own.padding, own.dilation)
        if isinstance(own, nn.ZeroPad2d):
            return functional.pad(x, own.padding)
        stride = None if own.stride == own.kernel_size else own.stride
        if isinstance(own, nn.MaxPool2d):
            return functional.max_pool2d(
                x, own.kernel_size, stride, own.padding, own.dilation, ceil_mode=own.ceil_mode
            )
        return functional.avg_pool2d(
            x, own.kernel_size, stride=stride, padding=own.padding, ceil_mode=own.ceil_mode
        )


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


def half(kernel, padding):
    """The padding, cut to what pooling allows."""
    return tuple(min(own // 2, wanted) for own, wanted in zip(kernel, padding, strict=True))


convolutions = st.builds(
    lambda kernel, stride, padding, dilation: nn.Conv2d(4, 4, kernel, stride, padding, dilation),
    *(pairs(1, 5), pairs(1, 3), pairs(0, 4) | st.just("valid"), pairs(1, 2)),
)
same_convolutions = st.builds(
    lambda kernel, dilation: nn.Conv2d(4, 4, kernel, padding="same", dilation=dilation),
    *(pairs(1, 5), pairs(1, 3)),
)
maxima = st.builds(
    lambda kernel, stride, padding, dilation, ceil: nn.MaxPool2d(
        kernel, stride, half(kernel, padding), dilation, ceil_mode=ceil
    ),
    *(pairs(1, 4), pairs(1, 3) | st.none(), pairs(0, 2), pairs(1, 2), st.booleans()),
)
means = st.builds(
    lambda kernel, stride, padding, ceil: nn.AvgPool2d(kernel, stride, half(kernel, padding), ceil),
    *(st.integers(1, 4).map(lambda own: (own, own + 1)), pairs(1, 3) | st.none()),
    *(pairs(0, 2), st.booleans()),
)
paddings = st.builds(nn.ZeroPad2d, st.tuples(*[st.integers(-2, 3)] * 4))
layers = convolutions | same_convolutions | maxima | means | paddings
blocks = (
    st.builds(Residual, pairs(1, 4), st.integers(1, 2))
    | st.builds(Joined, pairs(1, 4), pairs(1, 4))
    | st.builds(Gated, st.booleans())
)
stacks = st.lists(
    layers | layers.map(Applied) | blocks, min_size=1, max_size=3
)  # deeper ones need larger images


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(deadline=None, max_examples=120)
@given(stacks)
def test_fields_of_any_stack_end_where_the_pixels_end_that_gradients_reach(modules):
    """Dilation and steps over pixels leave holes, which a field does not show; its ends are pixels."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), *modules)
    graph = trace(model)
    name = graph.graph.output_node().args[0].name
    (fields,) = receptive_fields(graph, [name], SMALL_IMAGE).values()
    gradients = Gradients(graph, [name], SMALL_IMAGE)
    position = tuple(count // 2 for count in gradients.count(name))
    assume(within(fields, position, SMALL_IMAGE))
    for pixels, field, own in zip(gradients.pixels(name, position), fields, position, strict=True):
        assert (pixels[0], pixels[-1] + 1) == field_at(field, own)


@pytest.mark.parametrize("positions", [24, 12, 8, 3, 1])
def test_pooling_to_a_size_that_divides_the_map(positions):
    graph = trace(nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.AdaptiveAvgPool2d(positions)))
    (fields,) = receptive_fields(graph, ["_1"], 49).values()  # 24 positions before
    gradients = Gradients(graph, ["_1"], 49)
    expected = list(range(*field_at(fields[0], positions // 2)))
    assert gradients.pixels("_1", (positions // 2,) * 2) == (expected, expected)


def test_pooling_to_any_size_is_right_to_a_pixel():
    """Its windows differ in size and distance; a field has their mean distance."""
    graph = trace(nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveMaxPool2d((6, 9))))
    ((y, x),) = receptive_fields(graph, ["_1"], 13).values()
    assert (y.size, y.step, x.size, x.step) == (3, Fraction(13, 6), 2, Fraction(13, 9))
    for field, count in ((y, 6), (x, 9)):
        for position in range(count):
            start, end = field_at(field, position)
            assert abs(start - 13 * position // count) <= 1
            assert abs(end - -(-13 * (position + 1) // count)) <= 1


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_enlarged_maps_lie_where_their_gradients_do(factor, mode):
    """Half the distance of two positions of the map before is the most that the nearest one can be off."""
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.Upsample(scale_factor=factor, mode=mode),
        nn.Conv2d(4, 4, 3),
    )
    graph = trace(model)
    ((field, _),) = receptive_fields(graph, ["_2"], 60).values()
    assert field.step == Fraction(2, factor)
    gradients = Gradients(graph, ["_2"], 60)
    for position in range(20, 26):
        profile, _ = gradients.profile("_2", (position, position))
        mean = float((profile * torch.arange(60)).sum() / profile.sum())
        start, end = field_at(field, position)
        limit = 1e-9 if mode == "bilinear" else 1 - 1 / factor + 1e-9
        assert abs(mean - float(start + end - 1) / 2) <= limit
        pixels = profile.nonzero().flatten().tolist()
        if mode == "bilinear":
            assert start - 2 < pixels[0]
            assert pixels[-1] < end + 2


class Lambda(nn.Module):
    """A convolution and any operation on its map."""

    def __init__(self, operation):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, (3, 5), padding=(0, 2))
        self.again = nn.Conv2d(4, 4, (3, 1))
        self.up = nn.ConvTranspose2d(4, 4, 3, padding=1)
        self.narrow = nn.Linear(4, 4)
        self.wide = nn.Linear(10, 10)
        self.linear = nn.Linear(80, 5)
        self.operation = operation

    def forward(self, x):
        return self.operation(self, self.conv(x))


def fields_behind(operation):
    """Fields behind an operation on 4 channels of 8 x 10 positions."""
    graph = trace(Lambda(operation))
    name = graph.graph.output_node().args[0].name
    return receptive_fields(graph, [name], 10)[name]


KEEPING = {
    "to the last axis and back": lambda own, x: x.permute(0, 2, 3, 1).abs().permute(0, 3, 1, 2),
    "linear on the last axis": lambda own, x: own.narrow(x.movedim(1, -1)).movedim(-1, 1),
    "transposed and back": lambda own, x: torch.relu(x.transpose(2, 3)).transpose(2, 3),
    "one channel": lambda own, x: (x[:, 0].unsqueeze(1) * 2).expand(1, 4, 8, 10),
    "halves": lambda own, x: torch.cat(x.chunk(2, dim=1)[::-1], dim=1),
    "shuffled": lambda own, x: x.view(1, 2, 2, 8, 10).transpose(1, 2).reshape(x.shape),
    "mean channel": lambda own, x: x - x.mean(1, keepdim=True),
    "of several results": lambda own, x: functional.max_pool2d(x, 1, return_indices=True)[0],
    "gate in full": lambda own, x: x * functional.adaptive_avg_pool2d(x, 1).expand_as(x),
    "as large": lambda own, x: functional.interpolate(x, scale_factor=1, mode="bicubic"),
}


@pytest.mark.parametrize("operation", KEEPING.values(), ids=KEEPING)
def test_positions_keep_their_fields_wherever_they_are_put(operation):
    assert fields_behind(operation) == (Field(0, 3, 1), Field(-2, 5, 1))
    again = fields_behind(lambda own, x: own.again(operation(own, x)))
    assert again == (Field(0, 5, 1), Field(-2, 5, 1))


def test_only_fields_of_maps_as_large_as_the_result_count():
    """The gate, too, would be a map, of one position that sees all."""
    whole = fields_behind(lambda own, x: functional.adaptive_avg_pool2d(x, 1))
    assert whole == (Field(0, 10, 8), Field(-2, 14, 10))
    assert fields_behind(lambda own, x: functional.adaptive_avg_pool2d(x, 1) * x) == (
        Field(0, 3, 1),
        Field(-2, 5, 1),
    )


def test_axes_that_change_places_take_their_fields_along():
    """Fields are those along y and x of the image, wherever the axes are."""
    turned = fields_behind(lambda own, x: x.transpose(2, 3))
    assert turned == (Field(0, 3, 1), Field(-2, 5, 1))


UNKNOWN = {
    "every other": (
        lambda own, x: x[:, :, ::2, ::2],
        "'getitem' is not known: it changes the size",
    ),
    "shuffled": (lambda own, x: functional.pixel_shuffle(x, 2), "'pixel_shuffle' is not known"),
    "wide": (lambda own, x: functional.interpolate(x, 20), "'interpolate' is not known"),
    "cubic": (
        lambda own, x: functional.interpolate(x, scale_factor=2, mode="bicubic"),
        "'interpolate' is not known: it changes the size",
    ),
    "rows and columns": (
        lambda own, x: x.mean(2, keepdim=True) * x.mean(3, keepdim=True),
        "'mul' is not known: it changes the size",
    ),
    "product": (lambda own, x: x @ x.transpose(2, 3), "'matmul' is not known: it mixes positions"),
    "turned": (lambda own, x: x.roll(1, 2), "'roll' is not known: it mixes positions"),
    "transposed": (lambda own, x: own.up(x), "'up' is not known: it mixes positions"),
    "linear": (lambda own, x: own.wide(x), "'wide' is not known: it mixes positions"),
    "last axis": (
        lambda own, x: own.again(x.transpose(2, 3)),
        "'again' is not known: y and x are not the last axes",
    ),
    "tokens": (
        lambda own, x: x + x.flatten(2).reshape(x.shape),
        "'add' is not known: not all that it reads are maps",
    ),
    "flat": (lambda own, x: x.flatten(1), "'flatten' is no map of positions"),
    "mean": (lambda own, x: x.mean((2, 3)), "'mean' is no map of positions"),
    "size": (lambda own, x: x.size(2), "'size' is no map of positions"),
}


@pytest.mark.parametrize(("operation", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_has_no_known_field_is_named(operation, message):
    with pytest.raises(InputError, match=f"{message}[^\n]*$"):
        fields_behind(operation)


def test_what_lies_behind_a_value_does_not_matter():
    graph = trace(Lambda(lambda own, x: own.linear(x[:, :, ::2, ::2].flatten(1))))
    fields = receptive_fields(graph, ["conv", "images", "conv"], 10)
    assert fields == {"conv": (Field(0, 3, 1), Field(-2, 5, 1)), "images": (Field(0, 1, 1),) * 2}
    with pytest.raises(InputError, match="'getitem' is not known"):
        receptive_fields(graph, ["linear"], 10)


def test_wrong_input_is_named():
    graph = trace(small.new("alexnet"))
    with pytest.raises(InputError, match="no value 'conv9'"):
        receptive_fields(graph, ["conv1", "conv9"], small.INPUT)
    with pytest.raises(InputError, match="value 'fc3' is no map of positions"):
        receptive_fields(graph, ["fc3"], small.INPUT)
    with pytest.raises(InputError, match=r"cannot read images of 2 x 2 pixels[^\n]*$"):
        receptive_fields(graph, ["pool1"], 2)
    with pytest.raises(InputError, match="cannot have 0 x 0 pixels"):
        receptive_fields(graph, ["conv1"], 0)
    with pytest.raises(InputError, match="cannot have 1/0 of the image"):
        grid_centres(Field(0, 1, 1), 0)
