"""What comparisons are made on: an AlexNet and a set of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from anatomy.networks.network import Network, make_network, new_model
from anatomy.networks.preprocessing import Preprocessing
from anatomy.networks.weights import read_weights
from anatomy.stimuli.folder import EXTENSIONS
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set
from anatomy.stimuli.toybox import CATEGORIES, render_object

ARCHITECTURE, OUTPUTS, SEED, SIZE = "alexnet", 1000, 0, 224
PREPROCESSING = Preprocessing(
    input_size=SIZE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
SPLIT = "evaluation"
# a category of the pictures, and the output unit that is looked at
TARGET = 0


@dataclass(frozen=True)
class Subject:
    """The network and the pictures that both sides of a comparison are given.

    Attributes
    ----------
    weights : a state_dict of torchvision's AlexNet; random weights when None
    manifest : of the stimulus set of pictures
    threads : of PyTorch
    quick : fewer pictures, lesions and points
    """

    weights: Path | None
    manifest: Path
    threads: int
    quick: bool

    def network(self) -> Network:
        """The network."""
        return load_alexnet(self.weights)

    def stimuli(self) -> StimulusSet:
        """The pictures."""
        return StimulusSet.beside(self.manifest)

    def first(self, count: int) -> StimulusSet:
        """The first pictures alone."""
        stimuli = self.stimuli()
        return replace(stimuli, table=stimuli.table.iloc[:count])

    def stored(self, count: int) -> NDArray[np.uint8]:
        """The first pictures as they are stored, (image, y, x, channel)."""
        return self.stimuli().images(slice(0, count))

    def of(self, quick: int, whole: int) -> int:
        """How many: the smaller number where it has to be quick."""
        return quick if self.quick else whole


def load_alexnet(weights: Path | None) -> Network:
    """torchvision's AlexNet; random weights are those of 1,000 output categories."""
    untrained = new_model(ARCHITECTURE, OUTPUTS, SEED).state_dict()
    state = untrained if weights is None else read_weights(weights)
    outputs = [str(number) for number in range(len(state["classifier.6.bias"]))]
    device = torch.device("cpu")
    return make_network(
        ARCHITECTURE, ARCHITECTURE, state, PREPROCESSING, outputs, "benchmark", device
    )


def batches(network: Network, stored: NDArray[np.uint8], size: int) -> list[Tensor]:
    """Pictures as the network's input, in batches."""
    return list(network.input(stored).split(size))


def write_pictures(folder: Path, photographs: Path | None, count: int) -> Path:
    """Write a stimulus set of photographs, or of pictures of the toybox, and return its manifest.

    Parameters
    ----------
    photographs : a folder with a folder for each category; category after category gives a picture in turn
    """
    items = _drawn(count) if photographs is None else _photographed(photographs, count)
    files = folder / "pictures.zarr", folder / "pictures.json", folder / "pictures.csv"
    load = _draw if photographs is None else _open
    write_stimulus_set(*files, items, load, SIZE, {})
    return files[1]


def _drawn(count: int) -> list[Item]:
    names = [category.name for category in CATEGORIES]
    return [
        _item(place % len(names), str(place // len(names)), names[place % len(names)])
        for place in range(count)
    ]


def _photographed(folder: Path, count: int) -> list[Item]:
    categories = sorted(own for own in folder.iterdir() if own.is_dir())
    files = [
        sorted(file for file in own.rglob("*") if file.suffix.lower() in EXTENSIONS)
        for own in categories
    ]
    turns = range(max(map(len, files)))
    chosen = (
        _item(place, own[turn].stem, str(own[turn]))
        for turn in turns
        for place, own in enumerate(files)
        if turn < len(own)
    )
    return list(islice(chosen, count))


def _item(category: int, name: str, source: str) -> Item:
    """A picture; its category is named by the number of an output unit."""
    kind = ("animate", "inanimate")[category % 2]
    return Item(f"{category}/{name}", str(category), str(category), kind, SPLIT, source)


def _draw(item: Item) -> NDArray[np.uint8]:
    return render_object(item.source, SEED, int(item.image_id.split("/")[1]), SIZE)


def _open(item: Item) -> NDArray[np.uint8]:
    with Image.open(item.source) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), (SIZE, SIZE)))


def hidden_layers(network: Network) -> Sequence[str]:
    """All layers but the output layer."""
    return [layer.name for layer in network.layers[:-1]]


def response_path(network: Network, layer: str) -> str:
    """Path of the module whose output is a layer's response."""
    name = network.response(layer)
    (node,) = [node for node in network.graph.graph.nodes if node.name == name]
    return str(node.target)
