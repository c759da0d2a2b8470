"""Clusters of neurons: neurons, then summary points that stand for ten of them each, then clusters of these.

The method of Suresh & Carter. Two groups are known by name and are no clusters: neurons whose response is the same to
all images (nearly all of them are never active), which have no profile to be clustered by, and neurons whose summary
point a method leaves out as noise.
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anatomy.cluster_features import Features, Standardisation, features
from anatomy.cluster_methods import NOISE, Clustering, cluster, principal_components
from anatomy.cluster_reduction import reduce_points
from anatomy.errors import InputError
from anatomy.response_matrix import ResponseMatrix

log = logging.getLogger(__name__)

NEVER_ACTIVE = -2
NO_POINT = -1
GROUP_NAMES = {NOISE: "noise", NEVER_ACTIVE: "never_active"}


@dataclass(frozen=True)
class Settings:
    """How neurons are summarised.

    Attributes
    ----------
    standardisation : of each neuron's responses
    neurons_per_point : neurons for which a summary point stands, on average
    components : principal components of the summary points by which these are clustered; all dimensions when None
    seed : of the reduction and of the clustering
    """

    standardisation: Standardisation
    neurons_per_point: int
    components: int | None
    seed: int

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> "Settings":
        """From the settings of a job."""
        return cls(
            spec["standardisation"], spec["neurons_per_point"], spec["components"], spec["seed"]
        )


@dataclass(frozen=True)
class SummaryPoints:
    """Summary points of all neurons of a network.

    Attributes
    ----------
    point_of_neuron : (neuron,) int32, NO_POINT for neurons that are never active
    positions : (summary point, component) float32, by which they are clustered
    means : (neuron,) float32, mean response
    explained : share of the neurons' variance that lies between summary points
    """

    point_of_neuron: NDArray[np.int32]
    positions: NDArray[np.float32]
    means: NDArray[np.float32]
    explained: float

    def clusterings(self, method: str, numbers: Sequence[int], seed: int) -> dict[int, Clustering]:
        """Number of clusters -> clustering of the summary points; a number that a method cannot give is absent."""
        if max(numbers) > len(self.positions):
            raise InputError(
                f"clusters.numbers: {max(numbers)} clusters of {len(self.positions)} summary points cannot be; "
                "there are too few active neurons"
            )
        log.info("cluster %d summary points: %s", len(self.positions), method)
        return cluster(self.positions, method, numbers, seed)


def summarise(
    responses: ResponseMatrix,
    columns: NDArray[np.int64],
    settings: Settings,
    device: torch.device,
) -> SummaryPoints:
    """Summary points of the neurons by their responses to some of the images (columns of the matrix)."""
    profiles = features(responses, columns, settings.standardisation)
    if not profiles.active.any():
        raise InputError(
            "no neuron responds differently to different images: nothing can be clustered"
        )
    count = math.ceil(len(profiles.points) / settings.neurons_per_point)
    reduction = reduce_points(profiles.points, count, settings.seed, device)
    explained = 1 - reduction.mean_squared_distance / _mean_squared_norm(profiles)
    active, neurons = len(profiles.points), len(profiles.active)
    log.info("%d of %d neurons respond differently to different images", active, neurons)
    log.info("%d summary points hold %.1f %% of their variance", count, 100 * explained)
    point_of_neuron = np.full(len(profiles.active), NO_POINT, np.int32)
    point_of_neuron[profiles.active] = reduction.assignment
    return SummaryPoints(
        point_of_neuron,
        principal_components(reduction.centres, settings.components),
        profiles.means,
        explained,
    )


def labels_of_neurons(
    point_of_neuron: NDArray[np.int32], labels: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Cluster (neuron,) of each neuron, 0 .. k - 1, or NOISE or NEVER_ACTIVE, from those of the summary points."""
    own = labels[np.maximum(point_of_neuron, 0)]
    return np.where(point_of_neuron == NO_POINT, NEVER_ACTIVE, own).astype(np.int32)


class LabelLesions(Sequence):
    """Lesions of the neurons that have a label, made when they are asked for.

    Parameters
    ----------
    of : for each lesion the labels of all neurons (neuron,), and the label of those that are lesioned
    """

    def __init__(self, of: Iterable[tuple[NDArray[np.int32], int]]) -> None:
        self._of = list(of)

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, place: int) -> NDArray[np.bool_]:
        labels, label = self._of[place]
        return labels == label


def cluster_name(label: int) -> str:
    """What a cluster is called in tables: 1 for the largest, and the names of the groups that are none."""
    return GROUP_NAMES.get(label) or str(label + 1)


def _mean_squared_norm(profiles: Features) -> float:
    """Mean squared distance of the neurons to their common mean, block by block to save memory."""
    centre = profiles.points.mean(axis=0, dtype=np.float64)
    blocks = np.array_split(profiles.points, math.ceil(len(profiles.points) / 65536))
    return sum(float(((block - centre) ** 2).sum()) for block in blocks) / len(profiles.points)
