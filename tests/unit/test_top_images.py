"""The top images of every unit against a plain search, and planted in images and weights."""

import numpy as np
import pandas as pd
import pytest
import small
import torch
from torch import nn

from anatomy.networks.cut import prefix
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set
from anatomy.top_images import top_images

# the value of each small network in which a layer's response lies, as its makers wrote it
RESPONSES = {
    "alexnet": {"conv1": "relu1", "conv2": "relu2", "fc3": "relu3", "fc4": "relu4", "fc5": "fc5"},
    "squeeze": {"squeeze": "relu", "narrow": "relu_1", "wide": "relu_2", "last": "relu_3"},
}


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return small.stimulus_set(tmp_path_factory.mktemp("stimuli"), images={"evaluation": 4, "x": 1})


@pytest.mark.parametrize("kind", RESPONSES)
@pytest.mark.parametrize("batch_size", [3, 100])
def test_top_images_are_those_of_a_search(kind, batch_size, stimuli):
    network = small.network_of(small.new(kind))
    table = top_images(network, stimuli, "evaluation", batch_size)
    rows = stimuli.rows("evaluation")
    found = prefix(network.graph, list(RESPONSES[kind].values()))(
        network.input(stimuli.images(rows))
    )
    values = {layer: own.numpy() for layer, own in zip(RESPONSES[kind], found, strict=True)}
    assert table["layer"].unique().tolist() == list(RESPONSES[kind])
    for row in table.itertuples():
        response = values[row.layer][:, row.unit]
        best, place = -np.inf, None
        for index in np.ndindex(response.shape):
            if response[index] > best:
                best, place = response[index], index
        assert row.response == pytest.approx(best, rel=1e-5)
        assert row.image == rows[place[0]]
        assert row.image_id == stimuli.table["image_id"][row.image]
        assert (row.y, row.x) == (place[1:] or (-1, -1))


@pytest.mark.parametrize("kept", [3, 100])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_ranks_are_those_of_sorted_peaks(kept, batch_size, stimuli):
    """Of each image its largest response counts; equal ones, here of silent units, stay in the order of images."""
    network = small.network_of(small.new("alexnet"))
    table = top_images(network, stimuli, "evaluation", batch_size, kept, ["fc4", "conv2"])
    assert table["layer"].unique().tolist() == ["fc4", "conv2"]
    rows = stimuli.rows("evaluation")
    found = prefix(network.graph, ["relu4", "relu2"])(network.input(stimuli.images(rows)))
    silent = 0
    for layer, values in zip(("fc4", "conv2"), found, strict=True):
        peaks = values.flatten(2).amax(2) if values.ndim == 4 else values
        for unit, own in table[table["layer"] == layer].groupby("unit"):
            order = sorted(range(len(rows)), key=lambda row: (-peaks[row, unit].item(), row))
            assert own["rank"].tolist() == list(range(min(kept, len(rows))))
            assert own["image"].tolist() == rows[order[:kept]].tolist()
            silent += (peaks[:, unit] == 0).all().item()
    assert silent > 0


def test_pixels_are_the_middles_of_receptive_fields(stimuli):
    """A kernel of 5 with stride 2 behind a padding of 1 has its middle at pixel 2 y + 1."""
    table = top_images(small.network_of(small.new("alexnet")), stimuli, "evaluation", 10, kept=4)
    first = table[table["layer"] == "conv1"]
    assert first["y"].nunique() > 1
    assert first["image_y"].notna().all()
    assert (first["image_y"] == 2 * first["y"] + 1).all()
    assert (first["image_x"] == 2 * first["x"] + 1).all()
    assert table.loc[table["layer"] == "fc3", ["image_y", "image_x"]].isna().all(axis=None)


class Mixed(nn.Module):
    """A convolution behind one whose positions are moved, so that its receptive fields are not known."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.last = nn.Linear(4, 5)

    def forward(self, x):
        x = torch.flip(torch.relu(self.first(x)), (2, 3))
        return self.last(torch.relu(self.second(x)).mean((2, 3)))


def test_unknown_receptive_fields_give_no_pixels(stimuli):
    table = top_images(small.network_of(Mixed()), stimuli, "evaluation", 10).set_index("layer")
    assert table.loc["first", "image_y"].tolist() == (table.loc["first", "y"] + 1).tolist()
    assert (table.loc["second", "y"] >= 0).all()
    assert table.loc["second", "image_y"].isna().all()


def coloured_dots(folder, dots):
    """A set of black evaluation images, each with one dot: (channel, y, x, brightness)."""
    items = [
        Item(str(n), "dot", "dot", "inanimate", "evaluation", "drawn") for n in range(len(dots))
    ]

    def load(item):
        image = np.zeros((small.INPUT, small.INPUT, 3), np.uint8)
        channel, y, x, brightness = dots[int(item.image_id)]
        image[y, x, channel] = brightness
        image[0, 0] = int(item.image_id)  # no two images are the same
        return image

    files = folder / "dots.zarr", folder / "dots.json", folder / "dots.csv"
    write_stimulus_set(*files, items, load, small.INPUT, {"kind": "dots"})
    return StimulusSet.open(*files)


def test_planted_dots_are_found(tmp_path):
    """A unit that reads one colour at one pixel finds the brightest dot of that colour; of equal ones the first."""
    model = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.ReLU(), nn.Flatten())
    model.append(nn.Linear(3 * small.INPUT**2, 5))
    nn.init.zeros_(model[0].weight)
    for channel in range(3):
        model[0].weight.data[channel, channel] = 1
    dots = [(0, 3, 4, 150), (0, 5, 6, 220), (1, 7, 8, 180), (1, 9, 9, 180), (2, 2, 15, 160)]
    table = top_images(
        small.network_of(model), coloured_dots(tmp_path, dots), "evaluation", batch_size=2
    )
    first = table[table["layer"] == "0"]
    assert first[["image", "y", "x"]].to_numpy().tolist() == [[1, 5, 6], [2, 7, 8], [4, 2, 15]]
    assert first[["image_y", "image_x"]].to_numpy().tolist() == [[5, 6], [7, 8], [2, 15]]
    wanted = [
        (value / 255 - m) / s
        for value, m, s in zip((220, 180, 160), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), strict=True)
    ]
    np.testing.assert_allclose(first["response"], wanted, rtol=1e-5)


class Twice(nn.Module):
    """One layer that is called twice."""

    def __init__(self):
        super().__init__()
        self.first, self.again = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.last = nn.Linear(4, 5)

    def forward(self, x):
        x = torch.relu(self.again(torch.relu(self.again(torch.relu(self.first(x))))))
        return self.last(x.mean((2, 3)))


def test_layers_that_are_called_several_times_are_left_out(stimuli):
    table = top_images(small.network_of(Twice()), stimuli, "evaluation", 10)
    assert isinstance(table, pd.DataFrame)
    assert table["layer"].unique().tolist() == ["first", "last"]
