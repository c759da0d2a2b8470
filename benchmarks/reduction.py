"""How fast many neurons are reduced to a tenth as many summary points, how well, and in how much memory.

    python benchmarks/reduction.py [--points FILE] [--images 100] [--threads 2] [--seed 0] [--skip METHOD ...]
                                   [--centres FILE]

Reduces the responses of all neurons of an AlexNet with random weights (conv1 to fc7) to pictures of the toybox,
z-scored for each neuron, and prints a Markdown table. FILE is an .npy file with points of your own instead, float32
(point, dimension), to be reduced as they are. --centres writes the library's summary points, which
benchmarks/clustering.py can cluster. Compared are

    library        anatomy.cluster_reduction
    cells          plain k-means in each of 256 cells, themselves made by k-means (scikit-learn)
    minibatch      MiniBatchKMeans (scikit-learn); minutes
    flat           plain k-means of 5 iterations (faiss); minutes. It needs `pip install faiss-cpu`

Every method has a process of its own, so that its peak memory (the largest resident set) is its own; the points are
part of it. The mean squared distance is the one from the mean of the points of each summary point, in float64.

If other processes use the same cores, set OMP_WAIT_POLICY=PASSIVE in the environment: threads that spin while they wait
for each other made times up to forty times as long.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from children import in_own_process, peak_memory
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from anatomy.canonical import digest
from anatomy.cluster_reduction import reduce_points
from anatomy.device import make_deterministic
from anatomy.networks.architectures import OWN
from anatomy.networks.cut import prefix
from anatomy.networks.network import make_network, new_model
from anatomy.networks.preprocessing import Preprocessing
from anatomy.stimuli.toybox import CATEGORIES, render_object

ARCHITECTURE, OUTPUTS = "bvlc_alexnet", 10
REDUCTION = 10
BATCH = 10
CELLS, CELL_SAMPLE, ITERATIONS = 256, 64, 8
FLAT_ITERATIONS = 5
HEADER = (
    "method",
    "seconds",
    "mean squared distance",
    "of the library's",
    "smallest",
    "largest",
    "peak memory (MB)",
    "times the library's time",
    "and memory",
)


@dataclass(frozen=True)
class Case:
    """What is reduced, and how."""

    points: Path
    threads: int
    seed: int
    centres: Path | None


@dataclass(frozen=True)
class Measured:
    """Time in seconds, quality, number of points of the smallest and the largest summary point, memory in MB."""

    seconds: float
    mean_squared_distance: float
    smallest: int
    largest: int
    peak: float


Method = Callable[[NDArray[np.float32], int, int], NDArray[np.integer]]


def main() -> None:
    """Measure each method and print the table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.points
        if path is None:
            path = Path(folder, "points.npy")
            in_own_process(_write_responses, path, arguments.images, arguments.seed)
        case = Case(path, arguments.threads, arguments.seed, arguments.centres)
        count, dimensions = np.load(path, mmap_mode="r").shape
        print(f"{count:,} points x {dimensions}, {count // REDUCTION:,} summary points\n")
        print("| " + " | ".join(HEADER) + " |")
        print("|---" * len(HEADER) + "|")
        library = None
        for name in METHODS:
            if name in arguments.skip:
                continue
            if name == "flat" and importlib.util.find_spec("faiss") is None:
                print("\nflat is left out: faiss is not installed (`pip install faiss-cpu`)")
                continue
            found = in_own_process(_measure, name, case)
            library = found if name == "library" else library
            _print_row(name, found, library)
    print(f"\nPyTorch {torch.__version__}, {arguments.threads} threads.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed and quality of the reduction of neurons.")
    parser.add_argument("--points", type=Path, help="float32 (point, dimension), an .npy file")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--centres", type=Path, help="where to write summary points, an .npy file")
    parser.add_argument("--skip", nargs="+", choices=tuple(METHODS), default=())
    return parser.parse_args()


def _measure(name: str, case: Case) -> Measured:
    make_deterministic(case.threads)
    points = np.load(case.points)
    count = len(points) // REDUCTION
    start = time.perf_counter()
    assignment = METHODS[name](points, count, case.seed)
    seconds = time.perf_counter() - start
    peak = peak_memory()
    sizes = np.bincount(assignment, minlength=count)
    means = means_of(points, assignment, sizes)
    if case.centres is not None and name == "library":
        np.save(case.centres, means.astype(np.float32))
    distance = mean_squared_distance(points, assignment, means)
    return Measured(seconds, distance, int(sizes.min()), int(sizes.max()), peak)


def means_of(
    points: NDArray[np.float32], assignment: NDArray[np.integer], sizes: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Mean of the points of each summary point."""
    sums = [np.bincount(assignment, column.astype(np.float64), len(sizes)) for column in points.T]
    return np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]


def mean_squared_distance(
    points: NDArray[np.float32], assignment: NDArray[np.integer], means: NDArray[np.float64]
) -> float:
    """From the mean of the points of each summary point, a dimension at a time."""
    columns = zip(points.T, means.T, strict=True)
    total = sum(float(((own - mean[assignment]) ** 2).sum()) for own, mean in columns)
    return total / len(points)


def _print_row(name: str, found: Measured, library: Measured | None) -> None:
    def ratio(own: float, librarys: Callable[[Measured], float], digits: int) -> str:
        return f"{own / librarys(library):.{digits}f}" if library else ""

    numbers = (
        f"{found.seconds:.1f}",
        f"{found.mean_squared_distance:.3f}",
        ratio(found.mean_squared_distance, lambda own: own.mean_squared_distance, 3),
        f"{found.smallest}",
        f"{found.largest}",
        f"{found.peak:.0f}",
        ratio(found.seconds, lambda own: own.seconds, 1),
        ratio(found.peak, lambda own: own.peak, 2),
    )
    print(f"| {name} | " + " | ".join(numbers) + " |", flush=True)


def by_library(points: NDArray[np.float32], count: int, seed: int) -> NDArray[np.integer]:
    """What is measured here."""
    return reduce_points(points, count, seed, torch.device("cpu")).assignment


def by_cells(points: NDArray[np.float32], count: int, seed: int) -> NDArray[np.integer]:
    """Centres are shared out among the cells in proportion to their points."""
    random = np.random.default_rng(seed)
    sample = random.choice(len(points), min(len(points), CELLS * CELL_SAMPLE), replace=False)
    plain = {"init": "random", "n_init": 1, "random_state": seed, "max_iter": ITERATIONS}
    cell = KMeans(CELLS, **plain).fit(points[sample]).predict(points)
    borders = np.cumsum(np.bincount(cell, minlength=CELLS)) * count // len(points)
    assignment = np.zeros(len(points), np.int64)
    for number in range(CELLS):
        here = np.flatnonzero(cell == number)
        first = borders[number - 1] if number else 0
        own = min(len(here), max(1, borders[number] - first))
        if len(here):
            assignment[here] = first + KMeans(own, **plain).fit_predict(points[here])
    return assignment


def by_minibatch(points: NDArray[np.float32], count: int, seed: int) -> NDArray[np.integer]:
    """Batches of 10,000 points, random first centres."""
    method = MiniBatchKMeans(
        count, init="random", n_init=1, batch_size=10_000, max_iter=5, random_state=seed
    )
    return method.fit_predict(points)


def by_flat(points: NDArray[np.float32], count: int, seed: int) -> NDArray[np.integer]:
    """All points against all centres."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    method = faiss.Kmeans(points.shape[1], count, niter=FLAT_ITERATIONS, seed=seed)
    # it warns of fewer than 39 points for each centre
    method.cp.min_points_per_centroid = 1
    method.train(points)
    return method.assign(points)[1]


METHODS: dict[str, Method] = {
    "library": by_library,
    "cells": by_cells,
    "minibatch": by_minibatch,
    "flat": by_flat,
}


def _write_responses(path: Path, images: int, seed: int) -> None:
    """Responses of all neurons below the output layer that vary at all, z-scored: float32 (neuron, image)."""
    own = OWN[ARCHITECTURE]
    preprocessing = Preprocessing(
        input_size=own.input_size,
        mean=own.mean,
        std=own.std,
        channel_order=own.channel_order,
        scale=own.scale,
    )
    categories = [str(number) for number in range(OUTPUTS)]
    network = make_network(
        ARCHITECTURE,
        ARCHITECTURE,
        new_model(ARCHITECTURE, OUTPUTS, seed).state_dict(),
        preprocessing,
        categories,
        digest("none"),
        torch.device("cpu"),
    )
    shown = prefix(network.graph, [network.response(layer.name) for layer in network.layers[:-1]])
    batches = []
    with torch.inference_mode():
        for start in range(0, images, BATCH):
            numbers = range(start, min(start + BATCH, images))
            pictures = np.stack([_picture(number, seed, own.input_size) for number in numbers])
            values = shown(network.input(pictures))
            batches.append(torch.cat([value.flatten(1) for value in values], dim=1))
        points = torch.cat(batches).T.contiguous()
        points -= points.mean(1, keepdim=True)
        deviation = points.square().mean(1, keepdim=True).sqrt()
        varying = deviation[:, 0] > 0
        np.save(path, (points / deviation)[varying].numpy())


def _picture(number: int, seed: int, size: int) -> NDArray[np.uint8]:
    category = CATEGORIES[number % len(CATEGORIES)].name
    return render_object(category, seed, number // len(CATEGORIES), size)


if __name__ == "__main__":
    main()
