"""Gradient ascent against plain loops and planted pictures; filters against planted weights."""

import io
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import small
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn

from anatomy.columns_of_activations import FEATURES, FILTERS
from anatomy.errors import InputError
from anatomy.features import GREY, NOISE, TOGETHER, Ascent, ascend, feature_table
from anatomy.first_filters import filter_table, first_filters
from anatomy.networks.architectures import OWN, OwnArchitecture
from anatomy.networks.network import Network, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.randomness import generator
from anatomy.steps import feature_figures, features, filters
from anatomy.steps.step import Job

PLAIN = Ascent(
    pyramid_levels=1, pyramid_scale=1.4, iterations=4, step_size=9, jitter=0, smoothing=0
)
FULL = replace(PLAIN, pyramid_levels=3, iterations=3, jitter=2, smoothing=0.6)
SEED = 3


def altered(network: Network, **preprocessing: object) -> Network:
    """The same network with other preprocessing."""
    other = network.preprocessing.model_copy(update=preprocessing)
    return replace(network, preprocessing=other)


def picture(thumbnail: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(thumbnail)))


# A plain implementation: one unit at a time, in double precision, from the model itself


def alexnet_conv1(model: nn.Module, x: Tensor) -> Tensor:
    return model.conv1(x)


def alexnet_conv2(model: nn.Module, x: Tensor) -> Tensor:
    return model.conv2(model.pool1(torch.relu(model.conv1(x))))


def alexnet_fc3(model: nn.Module, x: Tensor) -> Tensor:
    pooled = torch.relu(alexnet_conv2(model, x))
    return model.fc3(torch.flatten(pooled, 1))


def whole(model: nn.Module, x: Tensor) -> Tensor:
    return model(x)


def residual_conv1(model: nn.Module, x: Tensor) -> Tensor:
    return model.norm1(model.conv1(torch.relu(model.stem(x))))


def enlargement(old: int, new: int) -> np.ndarray:
    """Weights (new, old) of linear interpolation between centres of pixels, which are constant beyond the last one."""
    weights = np.zeros((new, old))
    for to in range(new):
        place = min(max((to + 0.5) * old / new - 0.5, 0), old - 1)
        first = min(int(place), old - 2)
        weights[to, first : first + 2] = 1 - (place - first), place - first
    return weights


def value_of(values: Tensor, unit: int) -> Tensor:
    """The unit's logit, or the mean over its map with negative values counted a hundredth."""
    own = values[0, unit]
    return own if own.ndim == 0 else torch.where(own > 0, own, own / 100).mean()


def plain_ascent(model, layer, forward, preprocessing, unit, ascent):
    """Picture (channel, y, x), and the objective at the start and at the end."""
    purpose = SEED, "small", layer
    side = preprocessing.input_size
    mean, std = (
        torch.tensor(own, dtype=torch.float64)[:, None, None]
        for own in (preprocessing.mean, preprocessing.std)
    )
    sides = [
        round(side / ascent.pyramid_scale**level) for level in range(ascent.pyramid_levels)[::-1]
    ]
    shifts = generator(*purpose, "jitter")
    noise = generator(*purpose, unit).standard_normal((3, sides[0], sides[0]), dtype=np.float32)
    pixels = 127.5 + 10 * noise.astype(np.float64)

    def evaluate(image: Tensor) -> Tensor:
        colors = image.flip(0) if preprocessing.channel_order == "bgr" else image
        return value_of(forward(model, ((colors / preprocessing.scale - mean) / std)[None]), unit)

    start = None
    for level in sides:
        if level != pixels.shape[1]:
            grow = enlargement(pixels.shape[1], level)
            pixels = grow @ pixels @ grow.T
        grow = torch.from_numpy(np.eye(side) if level == side else enlargement(level, side))
        for _ in range(ascent.iterations):
            down, right = shifts.integers(-ascent.jitter, ascent.jitter + 1, size=2)
            image = torch.from_numpy(pixels).clone().requires_grad_(True)
            shown = grow @ image @ grow.T
            start = evaluate(shown).item() if start is None else start
            rows, columns = (np.arange(side) - down) % side, (np.arange(side) - right) % side
            evaluate(shown[:, rows][:, :, columns]).backward()
            step = image.grad.numpy()
            if ascent.smoothing:
                for axis in (1, 2):
                    reach = int(np.ceil(3 * ascent.smoothing))
                    step = gaussian_filter1d(
                        step, ascent.smoothing, axis, mode="mirror", radius=reach
                    )
            pixels = np.clip(pixels + ascent.step_size * step / np.sqrt((step**2).mean()), 0, 255)
    final = np.rint(pixels)
    return final, start, evaluate(torch.from_numpy(final)).item()


@pytest.mark.parametrize("ascent", [PLAIN, FULL], ids=["plain", "pyramid"])
@pytest.mark.parametrize(
    ("kind", "layer", "forward"),
    [
        ("alexnet", "conv1", alexnet_conv1),
        ("alexnet", "conv2", alexnet_conv2),
        ("alexnet", "fc3", alexnet_fc3),
        ("alexnet", "fc5", whole),
        ("residual", "conv1", residual_conv1),
    ],
)
def test_ascent_agrees_with_a_plain_loop(kind, layer, forward, ascent):
    model = small.new(kind)
    order = "bgr" if layer == "conv2" else "rgb"
    network = altered(small.network_of(model), channel_order=order, scale=200.0)
    units = [0, 2, 4]
    found = ascend(network, layer, units, ascent, SEED)
    model = model.double().requires_grad_(False)
    for place, unit in enumerate(units):
        pixels, *values = plain_ascent(model, layer, forward, network.preprocessing, unit, ascent)
        difference = found.pictures[place].transpose(2, 0, 1) - pixels
        assert np.abs(difference).max() <= 1
        assert abs(difference.mean()) < 0.1
        assert [found.start[place], found.activation[place]] == pytest.approx(values, rel=0.02)
        assert found.activation[place] > found.start[place]


# Planted pictures


def matched(side: int, stride: int, bias: float, positions: int) -> tuple[Network, Tensor]:
    """Four random filters of so many pixels, apart by a stride, and an output layer; returns the filters, too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        layers = OrderedDict(
            conv=nn.Conv2d(3, 4, side, stride=stride),
            relu=nn.ReLU(),
            flatten=nn.Flatten(),
            output=nn.Linear(4 * positions, len(small.CATEGORIES)),
        )
        model = nn.Sequential(layers)
    model.conv.bias.data.fill_(bias)
    return small.network_of(model), model.conv.weight.detach()


@pytest.mark.parametrize("levels", [1, 2])
def test_ascent_finds_the_planted_filter(levels):
    network, filters = matched(small.INPUT, 1, 0.0, 1)
    ascent = replace(PLAIN, pyramid_levels=levels, iterations=150, step_size=60)
    found = ascend(network, "conv", range(4), ascent, SEED)
    for pixels, own in zip(found.pictures, filters.numpy(), strict=True):
        best = np.sign(own).transpose(1, 2, 0)
        assert np.corrcoef(pixels.ravel(), best.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("bias", [0.0, -1e3], ids=["heard", "silent"])
def test_ascent_finds_the_planted_filter_at_each_position_also_where_noise_leaves_the_unit_silent(
    bias,
):
    """Filters without overlap: each position shows the whole filter, unless shifts bring it elsewhere."""
    network, filters = matched(8, 8, bias, 4)
    ascent = replace(PLAIN, iterations=150, step_size=30)
    shown = ascend(network, "conv", [1], ascent, SEED).pictures[0].astype(float)
    moved = ascend(network, "conv", [1], replace(ascent, jitter=3), SEED).pictures[0].astype(float)
    best = np.sign(filters[1].numpy()).transpose(1, 2, 0).ravel()
    for rows in (slice(8), slice(8, 16)):
        for columns in (slice(8), slice(8, 16)):
            assert np.corrcoef(shown[rows, columns].ravel(), best)[0, 1] > 0.99
            assert np.corrcoef(moved[rows, columns].ravel(), best)[0, 1] < 0.9


def test_smoothing_makes_pictures_smooth():
    network = small.network_of(small.new("alexnet"))
    found = [
        ascend(network, "conv1", [0, 1], replace(PLAIN, smoothing=own), SEED).pictures.astype(float)
        for own in (0, 1)
    ]
    rough, smooth = (np.abs(np.diff(own, axis=1)).mean() for own in found)
    assert smooth < 0.7 * rough


def test_edges_do_not_cancel_in_a_convolution_that_reads_the_images():
    """With stride 1 all shifts of a vertical edge add up to nothing but at the borders of the image."""
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 1, 4, bias=False), relu=nn.ReLU()))
    model.conv.weight.data[...] = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    found = ascend(small.network_of(model), "conv", [0], replace(PLAIN, iterations=40), SEED)
    inner = found.pictures[0, 4:-4, 4:-4].astype(float)
    assert np.ptp(inner, axis=1).min() > 150


def test_ascent_takes_steps_of_the_same_size_however_small_gradients_are():
    pictures = []
    for scale in (1, 1e-25):
        model = small.new("alexnet")
        model.conv1.weight.data *= scale
        model.conv1.bias.data[...] = 0
        pictures.append(ascend(small.network_of(model), "conv1", [0], PLAIN, SEED).pictures[0])
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


# What a picture depends on


def test_a_picture_depends_on_no_other_unit():
    network = small.network_of(small.new("alexnet"))
    together = ascend(network, "fc5", range(5), FULL, SEED)
    for units in ([3], [4, 0], [1, 1, 2]):
        own = ascend(network, "fc5", units, FULL, SEED)
        assert np.array_equal(own.pictures, together.pictures[units])
        assert np.array_equal(own.activation, together.activation[units])
    few = ascend(network, "conv1", range(4), FULL, SEED, batch_size=4).pictures.astype(int)
    assert np.abs(few - ascend(network, "conv1", range(4), FULL, SEED).pictures).max() <= 1


def test_the_noise_depends_on_unit_layer_network_and_seed():
    model = small.new("alexnet")
    model.conv1.weight.data[1] = model.conv1.weight.data[0]
    model.conv1.bias.data[1] = model.conv1.bias.data[0]
    network = small.network_of(model)
    still = replace(PLAIN, step_size=1e-6)
    pictures = [
        *ascend(network, "conv1", [0, 1], still, SEED).pictures,
        *ascend(network, "conv1", [0], still, SEED + 1).pictures,
        *ascend(network, "conv2", [0], still, SEED).pictures,
        *ascend(replace(network, name="other"), "conv1", [0], still, SEED).pictures,
    ]
    assert len({own.tobytes() for own in pictures}) == 5
    noise = np.stack(pictures).astype(float)
    assert noise.mean() == pytest.approx(GREY, abs=1)
    assert noise.std() == pytest.approx(NOISE, rel=0.05)


def test_the_network_is_left_as_it_was():
    network = small.network_of(small.new("residual"))
    before = {name: own.clone() for name, own in network.graph.state_dict().items()}
    code = network.graph.code
    ascend(network, "conv1", [0, 1], FULL, SEED)
    assert all(torch.equal(before[name], own) for name, own in network.graph.state_dict().items())
    assert all(own.grad is None and not own.requires_grad for own in network.graph.parameters())
    assert network.graph.code == code
    assert not network.graph.training


def test_only_what_leads_to_the_layer_is_computed(monkeypatch):
    network = small.network_of(small.new("alexnet"))
    monkeypatch.setattr(nn.Linear, "forward", lambda *_: pytest.fail("a linear layer was computed"))
    ascend(network, "conv2", [0], PLAIN, SEED)


def test_smoothing_must_fit_into_the_coarsest_picture():
    network = small.network_of(small.new("alexnet"))
    with pytest.raises(InputError, match=r"smoothing by 3 pixels .* side of 8"):
        ascend(network, "conv1", [0], replace(FULL, smoothing=3), SEED)


# Preprocessing


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("scale", [255.0, 1.0, 7.3])
def test_pixels_become_the_same_input_whether_stored_or_climbing(order, scale):
    preprocessing = Preprocessing(
        input_size=8, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.7), channel_order=order, scale=scale
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float().requires_grad_(True)
    climbing = preprocessing.from_pixels(pixels)
    assert torch.equal(climbing, preprocessing.apply(images, small.CPU))
    assert np.array_equal(pixels.detach().permute(0, 2, 3, 1).numpy(), images)
    slopes = []
    for channel in range(3):
        of_network = channel if order == "rgb" else 2 - channel
        mean, std = preprocessing.mean[of_network], preprocessing.std[of_network]
        wanted = (images[..., channel].astype(float) / scale - mean) / std
        assert climbing[:, of_network].detach().numpy() == pytest.approx(wanted, rel=1e-5, abs=1e-5)
        slopes.append(1 / (scale * std))
    climbing.sum().backward()
    assert torch.allclose(pixels.grad, torch.tensor(slopes)[:, None, None].expand(2, 3, 8, 8))


# Filters


def planted_filters() -> Network:
    model = small.new("alexnet")
    model.conv1.weight.data[4:6] = 0.0
    model.conv1.weight.data[4, 0, 1, 2] = 0.5  # for red at row 1, column 2
    model.conv1.weight.data[4, 2, 3, 0] = -0.25  # against blue at row 3, column 0
    return small.network_of(model)


def test_filters_are_shown_as_they_are():
    found = first_filters(planted_filters())
    assert (found.layer.name, found.pictures.shape) == ("conv1", (8, 5, 5, 3))
    assert found.largest[4:6].tolist() == [0.5, 0]
    wanted = np.full((5, 5, 3), 128)
    wanted[1, 2, 0], wanted[3, 0, 2] = 255, 64
    assert np.array_equal(found.pictures[4], wanted)
    assert (found.pictures[5] == 128).all()
    assert set(found.pictures.max((1, 2, 3)) - found.pictures.min((1, 2, 3)) > 120) == {True, False}


def test_filters_of_a_network_that_reads_bgr_are_shown_in_rgb():
    network = altered(planted_filters(), channel_order="bgr")
    found = first_filters(network).pictures[4]
    assert found[1, 2].tolist() == [128, 128, 255]
    assert found[3, 0].tolist() == [64, 128, 128]


def test_there_are_no_filters_to_show_where_the_first_layer_does_not_read_the_colours():
    def second_hand(**layers: nn.Module) -> Network:
        return small.network_of(nn.Sequential(OrderedDict(**layers)))

    networks = [
        small.network_of(small.new("perceptron")),
        second_hand(pool=nn.AvgPool2d(2), conv=nn.Conv2d(3, 4, 3)),
        second_hand(unshuffle=nn.PixelUnshuffle(2), conv=nn.Conv2d(12, 4, 3)),
        second_hand(conv=nn.Conv2d(1, 4, 3)),
    ]
    for network in networks:
        with pytest.raises(InputError, match=f"'small' .* first layer {network.layers[0].name} "):
            first_filters(network)


# Tables and steps


def test_the_table_has_the_first_channels_with_their_pictures_and_categories():
    network = small.network_of(small.new("alexnet"))
    smooth = replace(PLAIN, smoothing=1.0)  # noise would not survive WebP
    table = feature_table(network, "conv1", 5, smooth, SEED, 2)
    assert list(table) == list(FEATURES)
    assert table["unit"].tolist() == [0, 1, 2, 3, 4]
    assert set(table["layer"]) == {"conv1"}
    assert set(table["category"]) == {""}
    batches = [ascend(network, "conv1", own, smooth, SEED, 2) for own in ([0, 1], [2, 3], [4])]
    pixels = np.concatenate([own.pictures for own in batches])
    for name in ("start", "activation"):
        assert np.array_equal(table[name], np.concatenate([getattr(own, name) for own in batches]))
    shown = np.stack([picture(own) for own in table["picture"]])
    assert shown.shape == pixels.shape == (5, 16, 16, 3)
    correlations = np.corrcoef(shown.reshape(5, -1), pixels.reshape(5, -1))[:5, 5:]
    assert correlations.argmax(1).tolist() == [0, 1, 2, 3, 4]
    assert np.diag(correlations).min() > 0.7
    outputs = feature_table(network, "fc5", None, PLAIN, SEED, 64)
    assert outputs["category"].tolist() == list(small.CATEGORIES)
    assert len(feature_table(network, "conv1", 100, PLAIN, SEED, 64)) == 8


@pytest.mark.parametrize(("batch_size", "sizes"), [(3, [3, 3, 2]), (64, [8])])
def test_batches_are_no_larger_than_they_may_be(monkeypatch, batch_size, sizes):
    seen = []

    def recording(network, layer, units, ascent, seed, most):
        seen.append((len(units), most))
        return ascend(network, layer, units, ascent, seed, most)

    monkeypatch.setattr("anatomy.features.ascend", recording)
    network = small.network_of(small.new("alexnet"))
    feature_table(network, "conv1", None, PLAIN, SEED, batch_size)
    assert seen == [(size, min(batch_size, TOGETHER)) for size in sizes]


@pytest.fixture
def _architecture(monkeypatch):
    build = OwnArchitecture(lambda _: small.new("alexnet"), 16, (0.5,) * 3, (0.25,) * 3)
    monkeypatch.setitem(OWN, "small_alexnet", build)


@pytest.mark.usefixtures("_architecture")
def test_the_steps_write_tables_and_draw_them(tmp_path):
    preprocessing = Preprocessing(input_size=small.INPUT, mean=(0.5,) * 3, std=(0.25,) * 3)
    folder = tmp_path / "network"
    save_network(folder, "small_alexnet", small.new("alexnet"), preprocessing, small.CATEGORIES)
    spec = {"network": "small", "threads": 1, "batch_size": 3, "seed": SEED, "channels": 4}
    spec |= vars(PLAIN)
    tables = {"conv.1": "conv1", "fc5": "fc5"}
    for name, layer in tables.items():
        paths = {"network": folder / "network.json", "table": tmp_path / f"{name}.parquet"}
        features.main(Job(spec | {"layer": layer}, 0, {key: [path] for key, path in paths.items()}))
    paths = {"network": [folder / "network.json"], "table": [tmp_path / "filters.parquet"]}
    filters.main(Job({"network": "small", "threads": 1}, 0, paths))
    torch.use_deterministic_algorithms(False)
    filter_rows = pd.read_parquet(tmp_path / "filters.parquet")
    assert list(filter_rows) == list(FILTERS)
    assert filter_rows["unit"].tolist() == list(range(8))
    weight = small.new("alexnet").conv1.weight.detach().numpy()
    assert filter_rows["largest"].to_numpy() == pytest.approx(np.abs(weight).max((1, 2, 3)))
    assert picture(filter_rows["picture"][0]).shape == (5, 5, 3)
    assert filter_rows.equals(filter_table(small.network_of(small.new("alexnet"))))
    dotted = pd.read_parquet(tmp_path / "conv.1.parquet").assign(layer="features.0.conv")
    dotted.to_parquet(tmp_path / "conv.1.parquet")
    paths = {
        "tables": [tmp_path / f"{name}.parquet" for name in tables],
        "filters": [tmp_path / "filters.parquet"],
        "folder": [tmp_path / "new" / "figures"],
    }
    feature_figures.main(Job({}, 0, paths))
    drawn = {path.name for path in (tmp_path / "new" / "figures").iterdir()}
    assert drawn == {"features.0.conv.png", "fc5.png", "filters.png"}
