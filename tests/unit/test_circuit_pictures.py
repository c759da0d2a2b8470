"""Tables and pictures of circuits: strengths by plain loops, and planted paths, signs, patches and filters."""

import io
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import small
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch
from PIL import Image
from torch import nn

from anatomy.circuit_pictures import COLUMNS, SIDE, UNITS, Thumbnails, picture_tables
from anatomy.figures.circuit_picture import EXCITATORY, INHIBITORY, circuit_picture
from anatomy.mask_files import write_masks
from anatomy.networks.architectures import OWN, OwnArchitecture
from anatomy.networks.connectivity import connected
from anatomy.networks.network import load_network, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.recording import provenance
from anatomy.score_files import write_scores
from anatomy.scores import score_weights
from anatomy.steps import circuit_picture_figures, circuit_pictures, top_images
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

OUTPUT = 2
CATEGORY = small.CATEGORIES[OUTPUT]


class NoThumbnails:
    """Stands for thumbnails where they are not looked at."""

    def png(self, layer, unit):
        return None


def tables(network, masks, scores=None):
    scores = scores or small.magnitude_scores([layer.name for layer in network.layers])
    return picture_tables(network, CATEGORY, scores, masks, NoThumbnails())


def all_kept(network):
    return {layer.name: torch.ones(layer.weight_shape) > 0 for layer in network.layers}


def strengths(units, layer):
    rows = units[units["layer"] == layer]
    return dict(zip(rows["unit"], rows["strength"], strict=True))


# Strengths


def planted():
    """Three layers of 1 x 1 convolutions; the strongest path runs through units 3, 1 and 2."""
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
    )
    for module in (model[0], model[2], model[6]):
        nn.init.constant_(module.weight, 0.01)
    model[0].weight.data[3] = 2.0
    model[2].weight.data[1, 3] = -3.0
    model[6].weight.data[OUTPUT, 1] = 5.0
    return model


def test_the_planted_path_comes_first():
    network = small.network_of(planted())
    units, connections = tables(network, all_kept(network))
    first = units[units["rank"] == 1].set_index("layer")["unit"].to_dict()
    assert first == {"0": 3, "2": 1, "6": OUTPUT}
    assert units["column"].unique().tolist() == [0, 1, 2]
    assert units.groupby("layer").size().to_dict() == {"0": UNITS, "2": UNITS, "6": 1}
    # layer 2: 63 weights of 0.01 and one of 3
    assert strengths(units, "2")[1] == pytest.approx((3 + 7 * 0.01) / (3 + 63 * 0.01))
    best = connections.sort_values("strength", ascending=False).groupby("layer_to").head(1)
    found = best.set_index(["layer_from", "unit_from", "layer_to", "unit_to"])
    assert found["strength"].to_dict() == pytest.approx(
        {
            ("0", 3, "2", 1): 3 / (3 + 63 * 0.01),
            ("2", 1, "6", OUTPUT): 5 / (5 + 7 * 0.01),
        }
    )
    assert found["sign"].to_dict() == {("0", 3, "2", 1): -1, ("2", 1, "6", OUTPUT): 1}


def test_weights_that_lie_on_no_path_do_not_count():
    network = small.network_of(planted())
    masks = all_kept(network)
    masks["6"][OUTPUT, 1] = False  # the strongest unit of layer 2 leads nowhere
    masks["0"][5] = False  # nothing drives unit 5
    units, connections = tables(network, masks)
    assert 1 not in strengths(units, "2")
    assert 5 not in strengths(units, "0")
    assert not ((connections["layer_to"] == "2") & (connections["unit_to"] == 1)).any()
    about = units.drop_duplicates("layer").set_index("layer")
    assert about["connected_units"].to_dict() == {"0": 7, "2": 7, "6": 1}
    assert about["units"].to_dict() == {"0": 8, "2": 8, "6": 5}
    assert about["connected_fraction"].to_dict() == {"0": 7 / 8, "2": 49 / 64, "6": 7 / 8}


def test_without_a_path_only_the_output_unit_is_left():
    network = small.network_of(planted())
    masks = all_kept(network)
    masks["2"][:] = False
    units, connections = tables(network, masks)
    assert units[["layer", "unit", "strength"]].to_numpy().tolist() == [["6", OUTPUT, 0.0]]
    assert connections.empty
    assert list(connections.columns) == list(tables(network, all_kept(network))[1].columns)


SOURCES = {
    "alexnet": {"conv2": ["conv1"], "fc3": ["conv2"], "fc4": ["fc3"], "fc5": ["fc4"]},
    "squeeze": {"narrow": ["squeeze"], "wide": ["squeeze"], "last": ["narrow", "wide"]},
    "residual": {"conv1": ["stem"], "conv2": ["conv1"], "fc": ["stem", "conv2"]},
}


def read_from(kind, layer, unit, source, place):
    """Whether input `place` of a unit's row comes from channel `source` of the layer before; by the makers' plans."""
    groups = {("alexnet", "conv2"): (2, 4, 6), ("residual", "conv2"): (3, 2, 2)}
    if (kind, layer) in groups:
        _, inputs, outputs = groups[kind, layer]
        return source == unit // outputs * inputs + place
    if (kind, layer) == ("alexnet", "fc3"):
        return source == place // 9
    if (kind, layer) == ("residual", "fc"):
        return source == place // 4
    return source == place


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("score", ["signed", "absolute_per_image"])
def test_strengths_and_signs_are_those_of_plain_loops(kind, score):
    network = small.network_of(small.new(kind))
    random = torch.Generator().manual_seed(3)
    images = 2 * torch.randn(3, 3, small.INPUT, small.INPUT, generator=random)
    names = [layer.name for layer in network.layers]
    scores = score_weights(network, images, OUTPUT, score, names)
    masks = {
        layer.name: torch.rand(layer.weight_shape, generator=random) < 0.5
        for layer in network.layers
    }
    units, connections = tables(network, masks, scores)
    paths = connected(network, masks, OUTPUT)
    drawn = {layer.name: list(strengths(units, layer.name)) for layer in network.layers}
    expected, unit_strengths = {}, defaultdict(dict)
    for layer in network.layers:
        weight = network.module(layer.name).weight
        count = (scores[layer.name].dense(weight).abs() * paths[layer.name]).double()
        if layer == network.output_layer:
            count[:OUTPUT] = count[OUTPUT + 1 :] = 0
        total = count.sum()
        for unit in range(layer.units):
            unit_strengths[layer.name][unit] = (count[unit].sum() / total).item()
        gain = network.batch_norm(layer.name)
        for source in SOURCES[kind].get(layer.name, ()):
            offset = 3 if source == "wide" else 0  # it comes second in the joined value
            for unit in drawn[layer.name]:
                for other in drawn[source]:
                    own = [
                        (count[unit, place].sum(), (count * weight)[unit, place].sum())
                        for place in range(weight.shape[1])
                        if read_from(kind, layer.name, unit, other + offset, place)
                    ]
                    strength = sum(one.item() for one, _ in own) / total.item()
                    effect = sum(one.item() for _, one in own)
                    if gain is not None:
                        effect *= gain.weight[unit].item()
                    if strength > 0:
                        key = source, other, layer.name, unit
                        expected[key] = strength, np.sign(effect)
    key = ["layer_from", "unit_from", "layer_to", "unit_to"]
    found = connections.set_index(key)
    assert len(expected) > 10
    assert set(found.index) == set(expected)
    assert found["strength"].to_dict() == pytest.approx({k: s for k, (s, _) in expected.items()})
    assert found["sign"].to_dict() == {k: sign for k, (_, sign) in expected.items()}
    for layer in network.layers:
        own = strengths(units, layer.name)
        best = sorted(unit_strengths[layer.name].items(), key=lambda item: -item[1])[:UNITS]
        assert own == pytest.approx({unit: strength for unit, strength in best if strength > 0})
        assert list(own.values()) == sorted(own.values(), reverse=True)


def test_a_negative_gain_turns_excitation_into_inhibition():
    model = planted()
    model[1] = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU())
    model[3] = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU())
    model[3][0].weight.data[1] = -1.0
    _, connections = tables(small.network_of(model), all_kept(small.network_of(model)))
    signs = connections[connections["layer_to"] == "2"].set_index(["unit_from", "unit_to"])["sign"]
    assert signs[3, 1] == 1  # a negative weight into a unit whose response is turned round
    assert signs[0, 1] == -1
    assert signs[0, 0] == 1


def test_of_a_deep_network_the_last_layers_are_shown():
    stages = [part for _ in range(14) for part in (nn.Conv2d(3, 3, 1), nn.ReLU())]
    model = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5))
    network = small.network_of(model)
    units, connections = tables(network, all_kept(network))
    names = [layer.name for layer in network.layers]
    assert len(names) == 15
    assert units["layer"].unique().tolist() == names[-COLUMNS:]
    assert units["column"].unique().tolist() == list(range(COLUMNS))
    assert set(connections["layer_from"]) | set(connections["layer_to"]) == set(names[-COLUMNS:])


# Thumbnails


def picture(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def stored(folder, images):
    """A stimulus set of these evaluation images."""
    items = [
        Item(str(n), "dog", "dog", "animate", "evaluation", f"drawn {n}")
        for n in range(len(images))
    ]
    files = folder / "own.zarr", folder / "own.json", folder / "own.csv"
    write_stimulus_set(*files, items, lambda item: images[int(item.image_id)], small.STORED, {})
    return StimulusSet.open(*files)


def top(*rows):
    return pd.DataFrame(rows, columns=["layer", "unit", "image", "y", "x"])


def test_filters_of_the_first_layer_are_drawn_as_they_are(tmp_path):
    model = small.new("alexnet")
    model.conv1.weight.data[4] = 0.0
    model.conv1.weight.data[4, 0, 1, 2] = 0.5  # red at row 1, column 2
    model.conv1.weight.data[4, 2, 3, 0] = -0.25  # against blue at row 3, column 0
    network = small.network_of(model)
    stimuli = stored(tmp_path, [np.zeros((small.STORED, small.STORED, 3), np.uint8)])
    shown = picture(Thumbnails(network, stimuli, top()).png(network.layer("conv1"), 4))
    assert shown.shape == (65, 65, 3)
    squares = shown.reshape(5, 13, 5, 13, 3)
    assert (squares == squares[:, :1, :, :1]).all()
    squares = squares[:, 0, :, 0]
    assert squares[1, 2].tolist() == [255, 128, 128]
    assert squares[3, 0].tolist() == [128, 128, 64]
    assert (np.delete(squares.reshape(25, 3), [7, 15], axis=0) == 128).all()
    other = network.preprocessing.model_copy(update={"channel_order": "bgr"})
    network = type(network)(**vars(network) | {"preprocessing": other})
    shown = picture(Thumbnails(network, stimuli, top()).png(network.layer("conv1"), 4))
    assert shown[13, 26].tolist() == [128, 128, 255]


def test_a_thumbnail_is_the_part_of_the_image_that_drives_the_unit(tmp_path):
    """Of 20 x 20 pixels the network sees 16 x 16; neurons of `wide` see 2 * 3 + 3 - 2 = 7 of these, 2 apart."""
    image = np.full((2, small.STORED, small.STORED, 3), (0, 0, 200), np.uint8)
    # rows 4 to 10 and columns 6 to 12 of what the network sees
    image[1, 2 + 4 : 2 + 11, 2 + 6 : 2 + 13] = (200, 0, 0)
    image[1, :, :2] = 90  # cut off
    image[0, 2 : 2 + 7, 2 : 2 + 7] = (0, 200, 0)  # upper left corner
    image[0, -1] = 90
    network = small.network_of(small.new("squeeze"))
    rows = top(("wide", 0, 1, 3, 4), ("wide", 1, 0, 0, 0), ("last", OUTPUT, 1, 2, 2))
    thumbnails = Thumbnails(network, stored(tmp_path, image), rows)
    layer = network.layer("wide")
    inside = picture(thumbnails.png(layer, 0))
    assert inside.shape == (SIDE, SIDE, 3)
    assert (inside == (200, 0, 0)).all()
    assert (picture(thumbnails.png(layer, 1)) == (0, 200, 0)).all()
    assert thumbnails.png(layer, 2) is None
    whole = picture(thumbnails.png(network.layer("last"), OUTPUT))
    seen = Image.fromarray(image[1, 2:-2, 2:-2]).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(whole, np.asarray(seen))


# Figure


def drawn_lines(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, PathPatch)]


def with_pictures(units):
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (10, 200, 30)).save(buffer, format="png")
    return units.assign(thumbnail=[buffer.getvalue()] * len(units))


def test_the_picture_shows_units_and_lines_of_the_tables():
    network = small.network_of(planted())
    units, connections = tables(network, all_kept(network))
    figure = circuit_picture(with_pictures(units), connections, "gas pump")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "Circuit of gas pump" in texts
    assert {"0", "2", "6", "gas pump", "3", "1"} <= set(texts)
    assert len(figure.axes[0].images) == len(units)
    lines = sorted(drawn_lines(figure), key=lambda line: -line.get_linewidth())
    strongest = [line for line in lines if line.get_linewidth() == lines[0].get_linewidth()]
    colors = {to_hex(line.get_edgecolor()) for line in strongest}
    assert len(strongest) == 2  # one into each of two layers
    assert colors == {EXCITATORY, INHIBITORY}
    height = {}
    for shown, row in zip(figure.axes[0].images, units.itertuples(), strict=True):
        height.setdefault(row.layer, []).append(shown.get_extent()[2])
    assert all(own == sorted(own, reverse=True) for own in height.values())


def test_a_circuit_without_a_path_says_so():
    network = small.network_of(planted())
    masks = all_kept(network)
    masks["2"][:] = False
    figure = circuit_picture(*tables(network, masks), "gas pump")
    assert any("on a path" in text.get_text() for text in figure.axes[0].texts)
    assert not drawn_lines(figure)


# Steps


@pytest.fixture
def _residual_architecture(monkeypatch):
    build = OwnArchitecture(lambda _: small.new("residual"), 16, (0.5,) * 3, (0.25,) * 3)
    monkeypatch.setitem(OWN, "small_residual", build)


@pytest.mark.usefixtures("_residual_architecture")
def test_the_steps_draw_the_categories_that_have_a_circuit(tmp_path):
    stimuli = small.stimulus_set(tmp_path)
    preprocessing = Preprocessing(input_size=small.INPUT, mean=(0.5,) * 3, std=(0.25,) * 3)
    folder = tmp_path / "network"
    save_network(folder, "small_residual", small.new("residual"), preprocessing, small.CATEGORIES)
    network = load_network(folder, "small", small.CPU)
    categories = list(small.CATEGORIES[:3])
    names = [layer.name for layer in network.layers]
    images = network.input(stimuli.images(stimuli.rows("scoring")))
    origin = provenance(network, stimuli) | {"score": "absolute_per_image"}
    files = {name: tmp_path / f"{name}.json" for name in ("scores", "masks")}
    write_scores(
        (
            (c, score_weights(network, images, network.output(c), "absolute_per_image", names))
            for c in categories
        ),
        tmp_path / "scores.zarr",
        files["scores"],
        origin | {"categories": categories},
    )
    masks = {name: own.numpy() for name, own in all_kept(network).items()}
    write_masks(
        ((category, masks) for category in categories),
        *(categories, network.layers, tmp_path / "masks.zarr", files["masks"], origin),
    )
    summary = pd.DataFrame({"category": categories, "kept_fraction": [0.5, np.nan, 0.5]})
    summary.to_csv(tmp_path / "summary.csv", index=False)
    paths = {
        "network": folder / "network.json",
        "stimuli": tmp_path / "noise.json",
        "summary": tmp_path / "summary.csv",
        "units": tmp_path / "units.parquet",
        "connections": tmp_path / "connections.parquet",
        **files,
        "table": tmp_path / "top_images.parquet",
        "top_images": tmp_path / "top_images.parquet",
        "folder": tmp_path / "pictures",
    }
    spec = {"network": "small", "threads": 1, "batch_size": 7, "score": "absolute_per_image"}
    spec |= {"split": "evaluation", "kept": 1, "layers": None}
    spec |= {"categories": categories, "names": {c: c.upper() for c in categories}}
    job = Job(spec, 0, {name: [path] for name, path in paths.items()})
    top_images.main(job)
    circuit_pictures.main(job)
    circuit_picture_figures.main(job)
    torch.use_deterministic_algorithms(False)
    units = pd.read_parquet(paths["units"])
    assert units["category"].unique().tolist() == [categories[0], categories[2]]
    assert units["thumbnail"].notna().all()
    found = sorted(path.name for path in paths["folder"].iterdir())
    assert found == sorted(f"{category}.png" for category in (categories[0], categories[2]))
    assert min(Image.open(paths["folder"] / name).width for name in found) > 1000
