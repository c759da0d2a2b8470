"""Architectures by name: torchvision's classifiers and the two AlexNets that this project adds.

One line in `OWN` adds an architecture to this project; `python -m anatomy.networks.layer_table` then adds it to the
table of layers that the configuration is checked against. Users name theirs in the configuration (`ArchitectureFile`).
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from torch import nn

from anatomy.errors import InputError
from anatomy.networks.architecture_file import ArchitectureFile


def bvlc_alexnet(num_classes: int = 1000) -> nn.Sequential:
    """The original AlexNet (Krizhevsky, Sutskever & Hinton 2012) as in Caffe's bvlc_alexnet.

    Grouped convolutions in conv2, conv4 and conv5, local response normalisation after conv1 and conv2, 227 x 227
    pixels. conv1..fc7 hold 658,272 neurons.
    """
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 96, 11, stride=4),
            relu1=nn.ReLU(),
            norm1=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
            relu2=nn.ReLU(),
            norm2=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, 2),
            flatten=nn.Flatten(),
            fc6=nn.Linear(256 * 6 * 6, 4096),
            relu6=nn.ReLU(),
            drop6=nn.Dropout(0.5),
            fc7=nn.Linear(4096, 4096),
            relu7=nn.ReLU(),
            drop7=nn.Dropout(0.5),
            fc8=nn.Linear(4096, num_classes),
        )
    )


def toybox_alexnet(num_classes: int = 12) -> nn.Sequential:
    """AlexNet's five convolutions and three fully-connected layers, scaled to 64 x 64 pixels."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 32, 7, stride=2, padding=3),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(32, 64, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(64, 96, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(96, 96, 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(96, 64, 3, padding=1),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, 2),
            flatten=nn.Flatten(),
            fc6=nn.Linear(64 * 3 * 3, 256),
            relu6=nn.ReLU(),
            drop6=nn.Dropout(0.2),
            fc7=nn.Linear(256, 256),
            relu7=nn.ReLU(),
            drop7=nn.Dropout(0.2),
            fc8=nn.Linear(256, num_classes),
        )
    )


@dataclass(frozen=True)
class OwnArchitecture:
    """How to build an architecture of this project, and how its images are prepared by default."""

    build: Callable[[int], nn.Module]
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channel_order: str = "rgb"
    scale: float = 255.0


OWN: dict[str, OwnArchitecture] = {
    "bvlc_alexnet": OwnArchitecture(
        bvlc_alexnet,
        input_size=227,
        mean=(104.0, 117.0, 123.0),
        std=(1.0, 1.0, 1.0),
        channel_order="bgr",
        scale=1.0,
    ),
    "toybox_alexnet": OwnArchitecture(
        toybox_alexnet,
        input_size=64,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
    ),
}

# The names that the literature uses for the layers of torchvision's AlexNet
LITERATURE_NAMES: dict[str, dict[str, str]] = {
    "alexnet": {
        "features.0": "conv1",
        "features.3": "conv2",
        "features.6": "conv3",
        "features.8": "conv4",
        "features.10": "conv5",
        "classifier.1": "fc6",
        "classifier.4": "fc7",
        "classifier.6": "fc8",
    }
}


def layer_names(architecture: str | ArchitectureFile) -> dict[str, str]:
    """Module path -> the layer's name, for an architecture whose layers have other names than their paths."""
    return LITERATURE_NAMES.get(architecture, {}) if isinstance(architecture, str) else {}


def torchvision_names() -> list[str]:
    """The names of torchvision's image classifiers."""
    models = _torchvision_models()
    return models.list_models(module=models)


def build(architecture: str | ArchitectureFile, outputs: int) -> nn.Module:
    """An untrained network of the named architecture, or that of a user's file, with so many output units.

    Raises InputError when neither this project nor torchvision has the name, or the file cannot be used.
    """
    if isinstance(architecture, ArchitectureFile):
        return architecture.build(outputs)
    if architecture in OWN:
        return OWN[architecture].build(outputs)
    if architecture in torchvision_names():
        extra = {"init_weights": False} if architecture in ("googlenet", "inception_v3") else {}
        return _torchvision_models().get_model(architecture, num_classes=outputs, **extra)
    raise InputError(
        f"architecture {architecture!r} is neither torchvision's nor one of {sorted(OWN)}"
    )


def _torchvision_models() -> ModuleType:
    """torchvision's models; loaded where they are needed, because that takes longer than many jobs do."""
    from torchvision import models

    return models
