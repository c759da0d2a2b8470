"""The files that tests/workflow/tiny.yaml takes from its user: photographs, categories, an architecture, weights."""

import inspect
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from anatomy.networks.architectures import toybox_alexnet

CATEGORIES = {"dog": "animate", "fish": "animate", "car": "inanimate", "cup": "inanimate"}
PHOTOGRAPHS = 3
SIDE = 64


def give_files(folder: Path) -> None:
    """Write all of them into a working directory."""
    rows = [f"{name},{kind},{place}" for place, (name, kind) in enumerate(CATEGORIES.items())]
    table = "\n".join(["category,super_category,output", *rows]) + "\n"
    (folder / "categories.csv").write_text(table, encoding="utf-8")
    for place, category in enumerate(CATEGORIES):
        for number in range(PHOTOGRAPHS):
            path = folder / "photographs" / "val" / category / f"{number}.png"
            give_photograph(path, seed=place * PHOTOGRAPHS + number)
    give_architecture(folder / "my_network.py")
    give_weights(folder / "weights.safetensors", seed=0)


def give_photograph(path: Path, seed: int) -> None:
    """Coloured noise, another for another seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((SIDE, SIDE)).save(path)


def give_architecture(path: Path) -> None:
    """The toybox's AlexNet, as if it were the user's."""
    imports = "from collections import OrderedDict\n\nfrom torch import nn\n\n\n"
    source = inspect.getsource(toybox_alexnet).replace("toybox_alexnet", "my_network")
    path.write_text(imports + source, encoding="utf-8")


def give_weights(path: Path, seed: int) -> None:
    """Weights of a network that has learned nothing, others for another seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_file(toybox_alexnet(len(CATEGORIES)).state_dict(), path)
