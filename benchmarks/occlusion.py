"""Time of occlusion maps of all units of a layer, beside Captum's Occlusion, which makes one map at a time.

    PYTHONPATH=workflow python benchmarks/occlusion.py [--threads 1] [--layer conv5] [--units 4]

AlexNet with random weights, one image of 224 pixels, a grey patch of 32 moved by 16. The project shows the
covered copies once and reads all units. Captum is asked for so many units, and its time for all of them follows. Both
cover the same places and give the same maps; the largest difference is printed.
"""

import argparse
import time

import numpy as np
import torch
from captum.attr import Occlusion
from torch import Tensor

from anatomy.covers import GREY, covered, patch_masks, patches
from anatomy.networks.architectures import LITERATURE_NAMES
from anatomy.networks.cut import prefix
from anatomy.networks.graph import find_layers, trace
from anatomy.networks.network import Network, new_model
from anatomy.networks.preprocessing import Preprocessing
from anatomy.top_images import PeakReader

# the patch is a whole number of strides from edge to edge, so that both programs have the same places
SIZE, SIDE, STRIDE, BATCH = 224, 32 / 224, 16 / 224, 50


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layer", default="conv5")
    parser.add_argument("--units", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = alexnet()
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    start = time.perf_counter()
    drops = of_all_units(network, arguments.layer, picture)
    own = time.perf_counter() - start
    start = time.perf_counter()
    found = [of_one_unit(network, arguments.layer, u, picture) for u in range(arguments.units)]
    captum = (time.perf_counter() - start) / arguments.units * drops.shape[1]
    wanted = mean_drops(drops)[: arguments.units]
    difference, scale = np.abs(np.stack(found) - wanted).max(), np.abs(wanted).max()
    print(f"{len(drops)} places, {drops.shape[1]} units of {arguments.layer}")
    print(
        f"all units at once {own:.2f} s; Captum, one by one {captum:.1f} s; ratio {captum / own:.0f}"
    )
    print(f"largest difference of the maps {difference:.1e}, of values up to {scale:.1e}")


def alexnet() -> Network:
    """AlexNet with random weights."""
    graph = trace(new_model("alexnet", 1000, 0)).requires_grad_(False)
    layers = find_layers(graph, LITERATURE_NAMES["alexnet"])
    preprocessing = Preprocessing(input_size=SIZE, mean=(0.0,) * 3, std=(1.0,) * 3)
    names = tuple(str(output) for output in range(1000))
    return Network("alexnet", graph, layers, preprocessing, names, "", torch.device("cpu"))


def of_all_units(network: Network, layer: str, picture: np.ndarray) -> np.ndarray:
    """Drops (place, unit) with the patch at every place, as `anatomy.occlusion` makes them."""
    masks = patch_masks(patches(SIZE, SIDE, STRIDE), SIZE)
    nothing = np.zeros((1, SIZE, SIZE), bool)
    masks = np.concatenate([nothing, masks])
    read = PeakReader(network, [layer])
    fill = np.full_like(picture, GREY)
    parts = [
        read(covered(picture, masks[first : first + BATCH], fill))[layer].response
        for first in range(0, len(masks), BATCH)
    ]
    intact, *others = np.concatenate(parts)
    return intact - np.stack(others)


def mean_drops(drops: np.ndarray) -> np.ndarray:
    """Maps (unit, y, x) of drops (place, unit): of each pixel the mean over patches that cover it, as Captum has it."""
    masks = patch_masks(patches(SIZE, SIDE, STRIDE), SIZE).reshape(len(drops), -1).astype(float)
    return (drops.T @ masks / masks.sum(0)).reshape(-1, SIZE, SIZE)


def of_one_unit(network: Network, layer: str, unit: int, picture: np.ndarray) -> np.ndarray:
    """The map (y, x) of one unit by Captum."""
    part = prefix(network.graph, [network.response(layer)])

    def response(images: Tensor) -> Tensor:
        return part(images)[0][:, unit].amax((1, 2))

    window, stride = round(SIDE * SIZE), round(STRIDE * SIZE)
    with torch.inference_mode():
        found = Occlusion(response).attribute(
            network.input(picture[None]),
            sliding_window_shapes=(3, window, window),
            strides=(3, stride, stride),
            baselines=GREY / 255,
            perturbations_per_eval=BATCH,
        )
    return found[0, 0].numpy()


if __name__ == "__main__":
    main()
