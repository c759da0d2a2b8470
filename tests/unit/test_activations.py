"""Activations: the choice of images, and maps and channels against the network's own modules."""

import numpy as np
import pytest
import small
import torch

from anatomy.activation_maps import ActivationMaps
from anatomy.activations import arrays, channel_table, choose_images
from anatomy.errors import InputError
from anatomy.recording import record

SPLIT = "evaluation"
COLUMNS = [
    *("image", "image_id", "category", "layer", "unit", "largest", "mean", "y", "x", "rank"),
]


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return small.stimulus_set(tmp_path_factory.mktemp("stimuli"), images={"x": 1, SPLIT: 3})


def categories_of(stimuli, chosen):
    return stimuli.table.iloc[stimuli.rows(SPLIT)[chosen]]["category"].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_images_are_of_different_categories_and_super_categories_take_turns(stimuli, seed):
    chosen = categories_of(stimuli, choose_images(stimuli, SPLIT, 5, seed))
    assert sorted(chosen) == sorted(small.CATEGORIES)
    animate = [category in small.SUPER_CATEGORIES for category in chosen]
    assert sorted(animate[:2]) == sorted(animate[2:4]) == [False, True]
    assert categories_of(stimuli, choose_images(stimuli, SPLIT, 2, seed)) == chosen[:2]


def test_the_seed_chooses_the_images(stimuli):
    chosen = {tuple(choose_images(stimuli, SPLIT, 3, seed)) for seed in range(20)}
    assert len(chosen) > 10
    assert len({place % 3 for images in chosen for place in images}) == 3


def test_images_can_be_named(stimuli):
    names = ["evaluation/cup/2", "evaluation/dog/0"]
    chosen = stimuli.rows(SPLIT)[choose_images(stimuli, SPLIT, names, 0)]
    assert stimuli.table["image_id"][chosen].tolist() == names


@pytest.mark.parametrize(
    ("images", "message"),
    [(6, "6 images of different.*has 5 categories"), (["x/dog/0"], "no image 'x/dog/0'")],
)
def test_images_that_there_are_not_are_refused(stimuli, images, message):
    with pytest.raises(InputError, match=message):
        choose_images(stimuli, SPLIT, images, 0)


def test_layers_without_positions_are_refused(stimuli):
    with pytest.raises(InputError, match="'fc3' is not a convolution"):
        arrays(small.network_of(small.new("alexnet")), stimuli, ["conv1", "fc3"], SPLIT)


@pytest.fixture(scope="module")
def recorded(stimuli, tmp_path_factory):
    """A network with batch normalisation, three images that are not in the order of the table, and their maps."""
    model = small.new("residual")
    network = small.network_of(model)
    path = tmp_path_factory.mktemp("maps") / "maps.zarr"
    manifest = path.with_suffix(".json")
    wanted = arrays(network, stimuli, ["stem", "conv1"], SPLIT)
    record(network, stimuli, wanted, 2, path, manifest, {SPLIT: np.array([7, 1, 12])})
    images = network.input(stimuli.images(stimuli.rows(SPLIT)[[7, 1, 12]]))
    with torch.inference_mode():
        stem = model.stem(images)
        norm = model.norm1(model.conv1(torch.relu(stem)))
    maps = ActivationMaps(manifest, stimuli)
    return maps, {"stem": stem.numpy(), "conv1": norm.numpy()}


def test_maps_are_the_values_before_the_non_linearity(stimuli, recorded):
    maps, expected = recorded
    assert maps.rows.tolist() == stimuli.rows(SPLIT)[[7, 1, 12]].tolist()
    for layer, values in expected.items():
        assert (values < 0).any()
        for image, own in enumerate(values):
            np.testing.assert_allclose(maps.maps(layer, image), own, rtol=1e-5, atol=1e-6)


def test_pictures_are_the_centres_of_the_images(stimuli, recorded):
    rows = np.array([3, 11])
    margin = (small.STORED - small.INPUT) // 2
    centre = stimuli.images(rows)[:, margin:-margin, margin:-margin]
    np.testing.assert_array_equal(recorded[0].pictures("stem", rows), centre)


def test_channels_are_tabulated(stimuli, recorded):
    maps, expected = recorded
    table = channel_table(maps, stimuli, ["stem", "conv1"])
    assert list(table) == COLUMNS
    assert len(table) == 3 * (6 + 6)
    for row in table.itertuples():
        own = expected[row.layer][maps.rows.tolist().index(row.image)]
        assert row.largest == pytest.approx(own[row.unit].max(), rel=1e-5)
        assert own[row.unit, row.y, row.x] == own[row.unit].max()
        assert row.mean == pytest.approx(own[row.unit].mean(), rel=1e-4, abs=1e-6)
        assert row.rank == sum(other.max() > own[row.unit].max() for other in own)
        about = stimuli.table.iloc[row.image]
        assert (row.image_id, row.category) == (about["image_id"], about["category"])
