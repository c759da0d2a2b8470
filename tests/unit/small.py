"""Small networks and a small stimulus set for the tests of recordings, circuits and knock-outs."""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from anatomy.canonical import digest
from anatomy.layer_scores import WeightScores
from anatomy.networks.graph import find_layers, trace
from anatomy.networks.network import Network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.networks.weights import state_digest
from anatomy.scores import weight_scores
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

CPU = torch.device("cpu")
INPUT, STORED = 16, 20
CATEGORIES = ("dog", "cat", "car", "cup", "key")
SUPER_CATEGORIES = {"dog": "animate", "cat": "animate"}
IMAGES = {"scoring": 2, "extraction": 4, "evaluation": 5}


class Residual(nn.Module):
    """A branch over two convolutions with batch normalisation, added in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.conv1 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, groups=3, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(6 * 4, len(CATEGORIES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        x = self.relu(self.stem(x))
        y = self.conv2(self.relu(self.norm1(self.conv1(x))))
        y += x
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(self.relu(y), 2), 1))


class Squeeze(nn.Module):
    """Two branches that are joined, and a convolution as output layer, as in SqueezeNet."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(3, 4, 3, stride=2)
        self.narrow = nn.Conv2d(4, 3, 1)
        self.wide = nn.Conv2d(4, 3, 3, padding=1)
        self.last = nn.Conv2d(6, len(CATEGORIES), 1)
        nn.init.constant_(self.last.bias, 0.5)  # above the last non-linearity

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        x = torch.relu(self.squeeze(x))
        x = torch.cat([torch.relu(self.narrow(x)), torch.relu(self.wide(x))], 1)
        return torch.flatten(nn.functional.adaptive_avg_pool2d(torch.relu(self.last(x)), 1), 1)


def alexnet() -> nn.Sequential:
    """Two convolutions, one of them grouped, and three linear layers."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 8, 5, stride=2, padding=1),
            relu1=nn.ReLU(inplace=True),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(8, 12, 3, padding=1, groups=2),
            relu2=nn.ReLU(inplace=True),
            flatten=nn.Flatten(),
            fc3=nn.Linear(108, 20),
            relu3=nn.ReLU(inplace=True),
            drop3=nn.Dropout(),
            fc4=nn.Linear(20, 15),
            relu4=nn.ReLU(inplace=True),
            fc5=nn.Linear(15, len(CATEGORIES)),
        )
    )


def perceptron() -> nn.Sequential:
    """Linear layers only."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(3 * INPUT**2, 10),
            relu1=nn.ReLU(),
            fc2=nn.Linear(10, len(CATEGORIES)),
        )
    )


MODELS = {"alexnet": alexnet, "residual": Residual, "squeeze": Squeeze, "perceptron": perceptron}


def new(kind: str, seed: int = 0) -> nn.Module:
    """A small network in evaluation mode; its logits differ well between images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS[kind]().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.bias)
                nn.init.uniform_(module.running_var, 0.5, 2)
    return model


def network_of(model: nn.Module, name: str = "small") -> Network:
    """A copy of a model as the library's network."""
    graph = trace(copy.deepcopy(model)).requires_grad_(False)
    return Network(
        name=name,
        graph=graph,
        layers=find_layers(graph, {}),
        preprocessing=Preprocessing(input_size=INPUT, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)),
        categories=CATEGORIES,
        digest=digest({"weights": state_digest(model.state_dict())}),
        device=CPU,
    )


def linear_stage(network: Network) -> list[str]:
    """Layers of the fully-connected stage: the linear ones, and the output layer whatever it is."""
    last = network.output_layer
    return [layer.name for layer in network.layers if layer.kind == "linear" or layer == last]


def stimulus_set(folder: Path, seed: int = 0, images: dict[str, int] = IMAGES) -> StimulusSet:
    """Coloured noise: each category has a colour and a blob of its own."""
    items = [
        Item(
            image_id=f"{split}/{category}/{number}",
            category=category,
            name=category,
            super_category=SUPER_CATEGORIES.get(category, "inanimate"),
            split=split,
            source="noise",
        )
        for split, count in images.items()
        for category in CATEGORIES
        for number in range(count)
    ]
    random = np.random.default_rng(seed)
    drawn = {item.image_id: drawing(item.category, random) for item in items}
    files = folder / "noise.zarr", folder / "noise.json", folder / "noise.csv"
    write_stimulus_set(*files, items, lambda item: drawn[item.image_id], STORED, {"seed": seed})
    return StimulusSet.open(*files)


def drawing(category: str, random: np.random.Generator) -> np.ndarray:
    """One image, uint8 (y, x, channel)."""
    place = CATEGORIES.index(category)
    image = random.integers(0, 120, (STORED, STORED, 3))
    top = 2 + 3 * place
    image[top : top + 4, 3:-3] += 60
    image[..., place % 3] += 20 * place
    return image.astype(np.uint8)


def magnitude_scores(layers: Sequence[str]) -> dict[str, WeightScores]:
    """|w| by layer name."""
    return weight_scores("magnitude", 0, "", layers)


def random_scores(seed: int, category: str, layers: Sequence[str]) -> dict[str, WeightScores]:
    """Random scores by layer name."""
    return weight_scores("random", seed, category, layers)
