"""The reduction of neurons to summary points beside scikit-learn and faiss, on some of the neurons.

benchmarks/reduction.py compares them on as many neurons as AlexNet has, which takes a quarter of an hour.
"""

import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from children import Work, in_own_process, measure
from ratio_table import Row
from reduction import METHODS, REDUCTION, mean_squared_distance, means_of
from subject import Subject, batches, hidden_layers

from anatomy.device import make_deterministic
from anatomy.networks.cut import prefix

POINTS, IMAGES, BATCH, SEED = 40_000, 100, 50, 0
OTHERS = {
    "minibatch": "scikit-learn MiniBatchKMeans, five epochs",
    "flat": "faiss k-means, five iterations",
}
NEEDS = {"flat": "faiss"}


@dataclass(frozen=True)
class Case:
    """A method, and a file of the points that it reduces."""

    subject: Subject
    points: Path
    method: str


def rows(subject: Subject) -> Iterator[Row | str]:
    """A row for each other method; a sentence where it is not installed."""
    with tempfile.TemporaryDirectory() as name:
        points = Path(name, "points.npy")
        in_own_process(_write_points, subject, points)
        count = len(np.load(points, mmap_mode="r"))
        ours = measure(reduced, Case(subject, points, "library"))
        for method, other in OTHERS.items():
            if method in NEEDS and importlib.util.find_spec(NEEDS[method]) is None:
                yield f"{NEEDS[method]} is left out: it is not installed (`pip install faiss-cpu`)."
                continue
            theirs = measure(reduced, Case(subject, points, method))
            yield Row(
                f"{count:,} neurons to {count // REDUCTION:,} summary points",
                other,
                ours,
                theirs,
                f"their mean squared distance is {theirs.answer / ours.answer:.2f} of ours",
            )


def reduced(case: Case) -> Work:
    """Mean squared distance of the points from their summary points."""
    make_deterministic(case.subject.threads)
    points = np.load(case.points)
    count = len(points) // REDUCTION

    def work(_folder: Path) -> float:
        assignment = METHODS[case.method](points, count, SEED)
        sizes = np.bincount(assignment, minlength=count)
        return mean_squared_distance(points, assignment, means_of(points, assignment, sizes))

    return work


def _write_points(subject: Subject, path: Path) -> None:
    """Responses (neuron, image) of neurons drawn from all that respond differently to different images, z-scored."""
    network = subject.network()
    layers = [network.response(layer) for layer in hidden_layers(network)]
    shown = prefix(network.graph, layers)
    parts = []
    with torch.inference_mode():
        for batch in batches(network, subject.stored(subject.of(10, IMAGES)), BATCH):
            parts.append(torch.cat([value.flatten(1) for value in shown(batch)], dim=1))
    responses = torch.cat(parts).T.numpy()
    deviation = responses.std(axis=1)
    varying = np.flatnonzero(deviation > 0)
    drawn = np.random.default_rng(SEED).choice(
        varying, min(len(varying), subject.of(1000, POINTS)), replace=False
    )
    points = responses[drawn] - responses[drawn].mean(axis=1, keepdims=True)
    np.save(path, points / deviation[drawn, None])
