"""Figures of activations show planted maps, peaks, needed parts and detectors; the steps write what they promise."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
import small
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Rectangle
from PIL import Image
from torch_settings import torch_as_it_was

from anatomy.figures import activations as figures
from anatomy.figures import manipulation as manipulation_figures
from anatomy.figures import occlusion as occlusion_figures
from anatomy.figures.activations import ShownImage, channel_grids, top_images
from anatomy.figures.manipulation import interventions
from anatomy.figures.occlusion import faded, needed, needed_parts
from anatomy.networks.network import Network
from anatomy.steps import activation_figures, activations, occlusion
from anatomy.steps import manipulation_figures as manipulation_step
from anatomy.steps import top_images as top_images_step
from anatomy.steps.step import Job
from anatomy.thumbnails import webp


def texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def images(figure):
    """Pictures of a figure from left to right, then from top to bottom."""
    found = figure.findobj(AxesImage)
    return sorted(found, key=lambda own: (-round(own.get_extent()[3], 2), own.get_extent()[0]))


# Maps of all channels


@pytest.mark.parametrize("channels", [1, 32, 96, 512])
def test_every_channel_has_its_place_in_the_grid(channels):
    """Each planted map has its own place of the largest value: white; grey is zero, black the smallest."""
    random = np.random.default_rng(0)
    maps = random.uniform(-0.5, 0.5, (channels, 5, 7)).astype(np.float32)
    maps[:, 0, 0] = 0
    peaks = random.integers(1, [5, 7], (channels, 2))
    maps[np.arange(channels), *peaks.T] = 4
    maps[channels - 1, 4, 0] = -4
    maps[:, 1, 0] = -1
    figure = channel_grids("conv1", [ShownImage("dog", np.zeros((9, 9, 3), np.uint8), maps, 0)])
    _, strongest, grid = images(figure)
    shades = np.asarray(strongest.get_array())
    assert (shades[tuple(peaks[0])] == 255).all()
    assert shades[0, 0, 0] in (127, 128)
    assert shades[1, 0, 0] == 64  # a quarter of the scale, as a square root
    mosaic = np.asarray(grid.get_array()).astype(int)
    shown = (mosaic == mosaic[..., :1]).all(2)  # maps are grey, what lies between them is not
    white = (mosaic == 255).all(2)
    columns = figures._columns(channels)
    pitch = (mosaic.shape[0] - 1) // -(-channels // columns), (mosaic.shape[1] - 1) // columns
    for channel, peak in enumerate(peaks):
        row, column = divmod(channel, columns)
        y, x = row * pitch[0] + 1 + peak[0], column * pitch[1] + 1 + peak[1]
        assert white[y, x]
        assert shown[y, x]
    row, column = divmod(channels - 1, columns)
    assert mosaic[row * pitch[0] + 5, column * pitch[1] + 1].tolist() == [0, 0, 0]
    assert not shown[0].any()


def test_the_strongest_channel_is_outlined_in_the_grid():
    maps = np.zeros((12, 4, 4), np.float32)
    maps[7, 1, 2] = 3
    figure = channel_grids("conv1", [ShownImage("dog", np.zeros((9, 9, 3), np.uint8), maps, 7)])
    assert {"dog", "channel 7"} <= set(texts(figure))
    left, right, bottom, top = images(figure)[2].get_extent()
    frames = [patch.get_bbox() for patch in figure.findobj(Rectangle) if patch.get_zorder() == 5]
    (frame,) = [box for box in frames if box.x0 >= left - 0.1]
    columns = figures._columns(12)
    row, column = divmod(7, columns)
    x, y = (
        ((frame.x0 + frame.x1) / 2 - left) / (right - left),
        (top - (frame.y0 + frame.y1) / 2) / (top - bottom),
    )
    assert int(x * columns) == column
    assert int(y * -(-12 // columns)) == row


# Top images


def top_table(units, kept):
    rows = [
        ("conv5", unit, rank, 10 * unit + rank, 3 + rank, 7, float(unit - rank / 100))
        for unit in range(units)
        for rank in range(kept)
    ]
    columns = ["layer", "unit", "rank", "image", "image_y", "image_x", "response"]
    return pd.DataFrame(rows, columns=columns)


def test_top_images_are_in_order_and_rings_at_their_peaks():
    table = top_table(3, 4)
    pictures = {row: np.full((16, 16, 3), row, np.uint8) for row in table["image"]}
    figure = top_images(table, pictures, {})
    shown = images(figure)
    # the unit 0 responds to nothing
    levels = [np.asarray(own.get_array())[0, 0, 0] for own in shown]
    assert levels == [*range(10, 14), *range(20, 24)]
    rings = np.unique([ring.center for ring in figure.findobj(Circle)], axis=0)
    assert len(rings) == 8
    for number, own in enumerate(shown):
        left, right, _, top = own.get_extent()
        inch = (right - left) / 16
        rank = number % 4
        wanted = left + 7.5 * inch, top - (3.5 + rank) * inch
        assert np.hypot(*(rings - np.array(wanted)).T).min() < 1e-6


def test_units_without_positions_have_no_ring_and_features_stand_first():
    table = top_table(3, 2).assign(image_y=pd.NA, image_x=pd.NA)
    pictures = {row: np.full((16, 16, 3), row, np.uint8) for row in table["image"]}
    figure = top_images(table, pictures, {2: webp(np.full((8, 8, 3), 200, np.uint8))})
    assert not figure.findobj(Circle)
    levels = [int(np.asarray(own.get_array())[0, 0, 0]) for own in images(figure)]
    assert levels == [10, 11, pytest.approx(200, abs=3), 20, 21]


def test_shown_units_are_spread_and_a_silent_layer_is_said_to_be_silent():
    shown = figures.shown_top_images(top_table(100, 12))
    assert shown["unit"].unique().tolist() == [1, 15, 29, 43, 57, 71, 85, 99]
    assert shown["rank"].max() == figures.MOST_IMAGES - 1
    silent = top_table(4, 1).assign(response=0.0)
    assert any("No unit" in text for text in texts(top_images(silent, {}, {})))


# Occlusion


def occluded(drop, layers=("conv1",), units=(3,)):
    places = [(top, left) for top in range(0, 13, 2) for left in range(0, 13, 2)]
    rows = [
        (layer, unit, 5, top, left, 4, 10.0, drop(top, left))
        for layer in layers
        for unit in units
        for top, left in places
    ]
    columns = ["layer", "unit", "image", "top", "left", "side", "intact", "drop"]
    return pd.DataFrame(rows, columns=columns)


def test_the_needed_part_is_where_covering_costs():
    places = occluded(lambda top, left: 6.0 if (top, left) == (4, 8) else -2.0 * (top == 0))
    need = needed(places, 16)
    assert need.max() == 1
    y, x = np.unravel_index(need.argmax(), need.shape)
    assert 4 <= y < 8
    assert 8 <= x < 12
    assert need[5:7, 9:11].min() > 0.7
    assert need[:2].max() == 0
    assert need[12:].max() < 0.05
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    shown = faded(picture, need)
    np.testing.assert_array_equal(shown[y, x], picture[y, x])
    assert np.ptp(shown[14, 2].astype(int)) <= 2 + 0.05 * np.ptp(picture[14, 2].astype(int))
    figure = needed_parts(places, {5: picture})
    assert {"conv1", "unit 3", "\N{MINUS SIGN}60.0\N{NO-BREAK SPACE}%"} <= set(texts(figure))


def test_pixels_that_more_patches_cover_are_not_needed_more():
    assert needed(occluded(lambda *_: 3.0), 16).min() > 0.99


def test_a_unit_that_needs_nothing_and_a_table_without_units():
    places = occluded(lambda *_: -1.0)
    assert not needed(places, 16).any()
    figure = needed_parts(places, {5: np.zeros((16, 16, 3), np.uint8)})
    assert "0\N{NO-BREAK SPACE}%" in texts(figure)
    assert any("No unit" in text for text in texts(needed_parts(places.iloc[:0], {})))


def test_shown_layers_and_units_are_spread():
    layers = [f"layer{number}" for number in range(15)]
    shown = occlusion_figures.shown_units(occluded(lambda *_: 1.0, layers, range(0, 70, 10)))
    assert shown["layer"].unique().tolist() == layers[::2]
    assert shown["unit"].unique().tolist() == [0, 20, 40, 60]


# Interventions


def intervention_table(layers, concepts, units=10):
    """In layer l, from 0, the first l + 1 units detect the first concept, and one unit the second."""
    rows = []
    for number, layer in enumerate(layers):
        for unit in range(units):
            for place, concept in enumerate(concepts):
                found = (place == 0 and unit <= number) or (place == 1 and unit == 0)
                drop = 6.0 if found else 0.1 * unit
                rows.append((layer, unit, concept, "part", 10.0, drop, 0.5, drop - 0.5, found))
    columns = [
        *("layer", "unit", "concept", "concept_category", "intact", "drop", "drop_elsewhere"),
        *("difference", "detector"),
    ]
    return pd.DataFrame(rows, columns=columns)


def example_rows(concept, layer, unit):
    columns = ["concept", "layer", "unit", "image_id", "condition", "response", "picture"]
    rows = [
        (concept, layer, unit, image, condition, response, webp(np.zeros((8, 8, 3), np.uint8)))
        for image in ("a", "b")
        for condition, response in zip(
            ("intact", "covered", "elsewhere"), (9.5, 3.25, 9), strict=True
        )
    ]
    return pd.DataFrame(rows, columns=columns)


def test_detectors_are_counted_by_layer_and_part():
    table = intervention_table(["c1", "c2", "c3"], ["wheel", "door", "wing"])
    figure = interventions(table, example_rows("wheel", "c3", 0))
    heat = figure.axes[0]
    assert [label.get_text() for label in heat.get_yticklabels()] == ["wheel", "door"]
    counts = [text.get_text() for text in heat.texts]
    assert counts == ["1", "2", "3", "1", "1", "1"]
    (mesh,) = heat.collections
    np.testing.assert_allclose(mesh.get_array().ravel(), [10, 20, 30, 10, 10, 10])
    assert "Detectors: 9, for 2 of 3 parts" in texts(figure)
    points = figure.axes[2].collections[1].get_offsets()
    np.testing.assert_allclose(points, [[0.05, 0.6]] * 9)
    assert {"intact 9.5", "covered 3.25", "elsewhere 9"} <= set(texts(figure))
    assert len(images(figure)) == 3


@pytest.mark.parametrize("layers", [1, 50])
@pytest.mark.parametrize("concepts", [2, 300])
def test_any_number_of_layers_and_parts_is_drawn(layers, concepts):
    names = [f"part {number}" for number in range(concepts)]
    table = intervention_table([f"layer{n}" for n in range(layers)], names, units=2)
    figure = interventions(table, example_rows("part 1", "layer0", 0))
    figure.savefig(io.BytesIO(), dpi=20)
    assert len(figure.axes[0].get_yticklabels()) <= manipulation_figures.MOST_CONCEPTS


def test_a_network_without_detectors_is_said_to_have_none():
    table = intervention_table(["c1"], ["wheel"]).assign(detector=False)
    figure = interventions(table, example_rows("wheel", "c1", 0).iloc[:0])
    assert manipulation_figures.NO_DETECTOR in texts(figure)


# Steps


@pytest.fixture
def network(monkeypatch, tmp_path) -> Network:
    """A small network that every step opens."""
    own = small.network_of(small.new("alexnet"))
    for step in (activations, top_images_step, occlusion):
        monkeypatch.setattr(step, "open_network", lambda job: own)
    return own


def run(step, spec, **paths):
    with torch_as_it_was():
        step.main(
            Job(
                spec,
                0,
                {
                    name: list(own) if isinstance(own, list) else [own]
                    for name, own in paths.items()
                },
            )
        )


def test_steps_go_from_a_network_to_figures(network, tmp_path):
    small.stimulus_set(tmp_path, images={"evaluation": 2})
    stimuli, layers = tmp_path / "noise.json", ["conv1", "conv2"]
    spec = {"network": "small", "layers": layers, "batch_size": 4, "threads": 1}
    about = {"split": "evaluation", "images": 3, "seed": 0}
    files = {
        "store": tmp_path / "maps.zarr",
        "manifest": tmp_path / "maps.json",
        "table": tmp_path / "channels.csv",
    }
    run(activations, spec | about, stimuli=stimuli, **files)
    top, occluded = tmp_path / "top.parquet", tmp_path / "occlusion.parquet"
    run(top_images_step, spec | {"split": "evaluation", "kept": 3}, stimuli=stimuli, table=top)
    covering = {"units": 2, "patch": 0.4, "stride": 0.3, "fill": "grey", "seed": 0}
    run(occlusion, spec | covering, stimuli=stimuli, top_images=top, table=occluded)
    features = tmp_path / "conv1.parquet"
    picture = webp(np.zeros((16, 16, 3), np.uint8))
    pd.DataFrame({"layer": "conv1", "unit": range(8), "picture": picture}).to_parquet(features)
    folder = tmp_path / "figures"
    run(
        activation_figures,
        {},
        maps=files["manifest"],
        channels=files["table"],
        stimuli=stimuli,
        top_images=top,
        occlusion=occluded,
        features=[features],
        folder=folder,
    )
    drawn = [f"{layer}_{kind}.png" for layer in layers for kind in ("channels", "top_images")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*drawn, "occlusion.png"])
    for path in folder.iterdir():
        assert Image.open(path).size[0] > 800


def test_the_step_of_interventions_draws_its_figure(tmp_path):
    intervention_table(["c1", "c2"], ["wheel", "door"]).to_parquet(tmp_path / "table.parquet")
    example_rows("wheel", "c2", 0).to_parquet(tmp_path / "examples.parquet")
    figure = tmp_path / "interventions.png"
    run(
        manipulation_step,
        {},
        table=tmp_path / "table.parquet",
        examples=tmp_path / "examples.parquet",
        interventions=figure,
    )
    assert Image.open(figure).size[0] == 2800
