"""How fast summary points are clustered, in how much memory, and into what.

    python benchmarks/clustering.py [--points FILE] [--components 20] [--numbers 2 3 ...] [--min-samples 1 5 ...]

FILE is an .npy array (point, dimension): summary points, of which the first principal components are clustered. Without
it, points are made up: overlapping clouds among evenly scattered points. Prints a Markdown table with a row for
each method and number of clusters. Agreement is the adjusted Rand index of the clusterings of two random samples of
80 % of the points, on the points in both, what is left out counting as one more cluster; each has a seed of its own.

With --min-samples HDBSCAN alone is run, with these values instead of 1; then hdbscan makes the tree (exactly).

Every clustering of all points has a process of its own, so that its peak memory (the largest resident set) is its own;
Python and its libraries are part of it.
"""

import argparse
import resource
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from hdbscan import HDBSCAN
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from anatomy.cluster_methods import (
    METHODS,
    NOISE,
    Clustering,
    cluster,
    density_clusters,
    principal_components,
)

SEED, SAMPLED = 0, 0.8
MADE_UP_POINTS, MADE_UP_DIMENSIONS, CLOUDS = 65_827, 100, 12
HEADER = (
    "method",
    "seconds",
    "peak memory (MB)",
    "clusters",
    "left out",
    "sizes",
    "agreement",
    "parameters",
)


@dataclass(frozen=True)
class Case:
    """What is clustered and how; `min_samples` only for HDBSCAN, None for the library's own."""

    points: Path | None
    components: int
    method: str
    numbers: tuple[int, ...]
    min_samples: int | None

    @property
    def name(self) -> str:
        """Name of the row."""
        return self.method if self.min_samples is None else f"{self.method} {self.min_samples}"

    def positions(self) -> NDArray[np.float32]:
        """The points."""
        points = np.load(self.points) if self.points else made_up()
        return principal_components(points.astype(np.float32, copy=False), self.components)

    def cluster(self, positions: NDArray[np.float32], seed: int) -> dict[int, Clustering]:
        """Cluster them."""
        if self.min_samples is None:
            return cluster(positions, self.method, self.numbers, seed)
        estimator = HDBSCAN(
            min_samples=self.min_samples,
            algorithm="boruvka_kdtree",
            approx_min_span_tree=False,
            core_dist_n_jobs=1,
        )
        tree = estimator.fit(positions.astype(np.float64)).single_linkage_tree_.to_numpy()
        return density_clusters(tree, self.numbers)


@dataclass(frozen=True)
class Clustered:
    """All numbers of clusters by one method."""

    clusterings: Mapping[int, Clustering]
    seconds: float
    peak: float


def main() -> None:
    """Cluster and print."""
    arguments = _arguments()
    tried = (
        [("hdbscan", own) for own in arguments.min_samples]
        if arguments.min_samples
        else [(method, None) for method in METHODS]
    )
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    for method, min_samples in tried:
        case = Case(
            arguments.points, arguments.components, method, tuple(arguments.numbers), min_samples
        )
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
            whole = pool.submit(clustered, case).result()
        agreement = {} if arguments.once else agreements(case)
        for row in rows(case, whole, agreement):
            print("| " + " | ".join(row) + " |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed, memory and results of clustering.")
    parser.add_argument("--points", type=Path, help="an .npy array (point, dimension)")
    parser.add_argument("--components", type=int, default=20)
    parser.add_argument("--numbers", type=int, nargs="+", default=[2, 3, 4, 5, 6, 8, 10])
    parser.add_argument("--min-samples", type=int, nargs="+", help="HDBSCAN alone, with these")
    parser.add_argument("--once", action="store_true", help="without agreement: a third the time")
    return parser.parse_args()


def made_up() -> NDArray[np.float32]:
    """Half of the points in clouds of different widths, half evenly scattered between them."""
    random = np.random.default_rng(SEED)
    shape = (MADE_UP_POINTS, MADE_UP_DIMENSIONS)
    cloud = random.integers(CLOUDS, size=MADE_UP_POINTS)
    centres = 2 * random.standard_normal((CLOUDS, MADE_UP_DIMENSIONS))
    widths = np.linspace(0.5, 1.5, CLOUDS)[cloud, None]
    points = (centres[cloud] + widths * random.standard_normal(shape)).astype(np.float32)
    scattered = random.random(MADE_UP_POINTS) < 0.5
    points[scattered] = random.uniform(-4, 4, (scattered.sum(), MADE_UP_DIMENSIONS))
    return points


def clustered(case: Case) -> Clustered:
    """Cluster all points, and say how long it took; the peak memory is that of the process."""
    positions = case.positions()
    start = time.perf_counter()
    clusterings = case.cluster(positions, SEED)
    seconds = time.perf_counter() - start
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # bytes on macOS, else units of 1024 bytes
    peak = largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6
    return Clustered(clusterings, seconds, peak)


def agreements(case: Case) -> dict[int, float]:
    """Number of clusters -> agreement of two samples of the points."""
    positions = case.positions()
    random = np.random.default_rng(SEED)
    chosen = [random.random(len(positions)) < SAMPLED for _ in range(2)]
    shared = chosen[0] & chosen[1]
    first, second = (case.cluster(positions[own], SEED + n) for n, own in enumerate(chosen))
    return {
        k: adjusted_rand_score(
            first[k].labels[shared[chosen[0]]], second[k].labels[shared[chosen[1]]]
        )
        for k in case.numbers
        if k in first and k in second
    }


def rows(case: Case, whole: Clustered, agreement: Mapping[int, float]) -> list[tuple[str, ...]]:
    """The method's rows of the table; time and memory are those of all numbers together."""
    cells = []
    for k, own in whole.clusterings.items():
        sizes = np.bincount(own.labels[own.labels != NOISE])
        cells.append(
            (
                case.name,
                f"{whole.seconds:.0f}",
                f"{whole.peak:.0f}",
                str(k),
                f"{(own.labels == NOISE).mean():.1%}",
                " ".join(map(str, sizes)),
                f"{agreement[k]:.2f}" if k in agreement else "",
                own.parameters,
            )
        )
    return cells


if __name__ == "__main__":
    main()
