"""Network dissection as plainly as it can be written: image by image, dense maps, one mask for each concept.

It shares no code with the library. Fixed to the fifth convolution of torchvision's AlexNet, which reads 224 x 224
pixels, and to label images of half that size.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torchvision.models import alexnet

CATEGORIES = ("color", "object", "part", "material", "scene", "texture")
SIDE = 112
# The receptive field of position 0 has pixel 15 in its middle, and neighbours are 16 pixels apart: halved.
FIRST_CENTRE, STEP, POSITIONS = 15 // 2, 16 // 2, 13
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Rows = list[dict[str, str]]


@dataclass
class PlainCounts:
    """Pixels of all images.

    Attributes
    ----------
    truth : label number -> pixels that show it
    activation : category -> (unit,) active pixels on the images that show a concept whose own category it is
    intersection : label number -> (unit,) active pixels that show it
    """

    truth: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    activation: dict[str, NDArray[np.int64]] = field(default_factory=lambda: defaultdict(int))
    intersection: dict[int, NDArray[np.int64]] = field(default_factory=lambda: defaultdict(int))


def read_index(folder: Path) -> Rows:
    """Rows of index.csv by the MD5 digest of the image's name."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return sorted(rows, key=lambda row: hashlib.md5(row["image"].encode()).hexdigest())


def own_categories(folder: Path) -> dict[int, str]:
    """Label number -> the category in which it covers most; the later one of equals."""
    best: dict[int, tuple[float, str]] = {}
    for category in CATEGORIES:
        with (folder / f"c_{category}.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                number, coverage = int(row["number"]), float(row["coverage"])
                if number not in best or coverage >= best[number][0]:
                    best[number] = coverage, category
    return {number: category for number, (_, category) in best.items()}


def conv5_responses(
    convolutions: dict[str, torch.Tensor], folder: Path, rows: Rows, batch_size: int
) -> NDArray[np.float32]:
    """Responses (image, unit, y, x) behind the fifth convolution's ReLU, from a hook on torchvision's network.

    Parameters
    ----------
    convolutions : the state of `alexnet().features`
    """
    network = alexnet().eval()
    network.features.load_state_dict(convolutions)
    for module in network.features:
        if isinstance(module, nn.ReLU):
            module.inplace = False
    kept: list[NDArray[np.float32]] = []
    network.features[11].register_forward_hook(lambda _module, _in, out: kept.append(out.numpy()))
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            images = np.stack([_read(folder, row["image"]) for row in rows[start:][:batch_size]])
            pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
            mean, std = (torch.tensor(own).view(1, 3, 1, 1) for own in (MEAN, STD))
            shown = (pixels - mean) / std
            network.features(shown.contiguous(memory_format=torch.channels_last))
    return np.concatenate(kept)


def thresholds(responses: NDArray[np.float32], exceeding: int) -> NDArray[np.float32]:
    """The smallest value (unit,) that at most so many of a unit's values exceed."""
    found = []
    for unit in range(responses.shape[1]):
        ascending = np.sort(responses[:, unit], axis=None)
        found.append(ascending[len(ascending) - 1 - exceeding])
    return np.array(found)


def count(
    folder: Path, rows: Rows, responses: NDArray[np.float32], threshold: NDArray[np.float32]
) -> PlainCounts:
    """Truth, activation and intersection of every unit and concept."""
    own_category = own_categories(folder)
    counts = PlainCounts()
    for row, maps in zip(rows, responses, strict=True):
        active = _interpolated(maps.astype(np.float64)) > threshold[:, None, None]
        shown = _shown(folder, row)
        for number, pixels in shown.items():
            counts.truth[number] += int(pixels.sum())
            counts.intersection[number] += (active & pixels).sum(axis=(1, 2))
        for category in {own_category[number] for number in shown}:
            counts.activation[category] += active.sum(axis=(1, 2))
    return counts


def _interpolated(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps (unit, 13, 13) at every pixel of the label image (unit, 112, 112), along x and then along y."""
    wide = np.empty((len(maps), POSITIONS, SIDE))
    for pixel, before, after, share in _places():
        wide[:, :, pixel] = (1 - share) * maps[:, :, before] + share * maps[:, :, after]
    whole = np.empty((len(maps), SIDE, SIDE))
    for pixel, before, after, share in _places():
        whole[:, pixel] = (1 - share) * wide[:, before] + share * wide[:, after]
    return whole


def _places() -> Iterator[tuple[int, int, int, float]]:
    """Each pixel, the positions before and after it, and how far it is on the way; the ends beyond the ends."""
    for pixel in range(SIDE):
        place = min(max((pixel - FIRST_CENTRE) / STEP, 0), POSITIONS - 1)
        before = min(int(place), POSITIONS - 2)
        yield pixel, before, before + 1, place - before


def _shown(folder: Path, row: dict[str, str]) -> dict[int, NDArray[np.bool_]]:
    """Label number -> the pixels (y, x) that show it, in whatever label image of whatever category."""
    shown: dict[int, NDArray[np.bool_]] = {}
    for category in CATEGORIES:
        for item in row[category].split(";"):
            if item.isdecimal():
                numbers = np.full((SIDE, SIDE), int(item))
            elif item:
                red, green, _ = np.moveaxis(_read(folder, item).astype(int), -1, 0)
                numbers = red + 256 * green
            else:
                continue
            for number in np.unique(numbers[numbers > 0]).tolist():
                pixels = numbers == number
                shown[number] = shown[number] | pixels if number in shown else pixels
    return shown


def _read(folder: Path, file: str) -> NDArray[np.uint8]:
    with Image.open(folder / "images" / file) as image:
        return np.array(image.convert("RGB"))
