"""Lesions of the chosen clusters on held-out images, against random lesions matched in size layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anatomy import randomness
from anatomy.cluster_methods import NOISE
from anatomy.clusters import NEVER_ACTIVE, LabelLesions, cluster_name
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons
from anatomy.recognition import Hits, RecognisedAs, Recognition


class LayerParts(Sequence):
    """The part of each lesion in each layer: those of the first lesion, then those of the second, and so on."""

    def __init__(self, lesions: Sequence[NDArray[np.bool_]], neurons: Neurons) -> None:
        self._lesions, self._neurons = lesions, neurons
        self._layers = list(neurons.shapes)

    def __len__(self) -> int:
        return len(self._lesions) * len(self._layers)

    def __getitem__(self, place: int) -> NDArray[np.bool_]:
        lesion, layer = divmod(place, len(self._layers))
        return self._neurons.in_layer(self._lesions[lesion], self._layers[layer])


class MatchedLesions(Sequence):
    """Random lesions that match those of labels: for each draw all labels, one after the other.

    In a draw the labels of all neurons that have a profile are permuted within each layer. So each lesion has as many
    neurons in every layer as its cluster, and in a draw no neuron is in two.

    Parameters
    ----------
    purpose : what the draws are for; they depend on it and on their number alone
    """

    def __init__(
        self,
        labels: NDArray[np.int32],
        of: Sequence[int],
        neurons: Neurons,
        draws: int,
        purpose: Sequence[object],
    ) -> None:
        self._labels, self._of, self._neurons = labels, of, neurons
        self._draws, self._purpose = draws, purpose
        self._latest: tuple[int, NDArray[np.int32]] = -1, labels

    def __len__(self) -> int:
        return self._draws * len(self._of)

    def __getitem__(self, place: int) -> NDArray[np.bool_]:
        if place >= len(self):
            raise IndexError(place)
        draw, label = divmod(place, len(self._of))
        if self._latest[0] != draw:
            random = randomness.generator(*self._purpose, draw)
            eligible = self._labels != NEVER_ACTIVE
            self._latest = draw, self._neurons.permuted(self._labels, eligible, random)
        return self._latest[1] == self._of[label]


@dataclass(frozen=True)
class Clusters:
    """The clusters of one method.

    Attributes
    ----------
    method, k : how they were made, and how many there are
    chosen : whether the method is the best of all
    labels : (neuron,) cluster, NOISE or NEVER_ACTIVE
    """

    method: str
    k: int
    chosen: bool
    labels: NDArray[np.int32]

    @cached_property
    def present(self) -> list[int]:
        """The clusters, then the groups that are none but have neurons."""
        groups = [label for label in (NOISE, NEVER_ACTIVE) if (self.labels == label).any()]
        return [*range(self.k), *groups]

    @property
    def matched(self) -> list[int]:
        """The first of them, which random lesions are drawn for: all whose neurons have a profile."""
        return [label for label in self.present if label != NEVER_ACTIVE]

    def about(self, label: int) -> dict[str, object]:
        """What names a cluster in every table."""
        return {"method": self.method, "k": self.k, "cluster": cluster_name(label)}


@dataclass(frozen=True)
class Measured:
    """What was measured of the clusters of one method.

    Attributes
    ----------
    whole : under the lesion of each cluster
    parts : under the lesion of each cluster's neurons in one layer: all layers of the first cluster, ...
    random_whole : as `whole`, on the images that random lesions are measured on
    random : under random lesions: all clusters in the first draw, ...
    """

    whole: dict[RecognisedAs, Hits]
    parts: dict[RecognisedAs, Hits]
    random_whole: dict[RecognisedAs, Hits]
    random: dict[RecognisedAs, Hits]


def measure(
    clusters: Clusters,
    lesioned: NeuronLesions,
    recognition: Recognition,
    random_recognition: Recognition,
    draws: int,
    purpose: Sequence[object],
) -> Measured:
    """Lesion the clusters, their parts in single layers, and as many random neurons as often as asked."""
    neurons = lesioned.neurons
    whole, again = (
        LabelLesions((clusters.labels, label) for label in chosen)
        for chosen in (clusters.present, clusters.matched)
    )
    drawn = MatchedLesions(clusters.labels, clusters.matched, neurons, draws, purpose)
    return Measured(
        recognition.measure(lesioned, whole),
        recognition.measure(lesioned, LayerParts(whole, neurons)),
        random_recognition.measure(lesioned, again),
        random_recognition.measure(lesioned, drawn),
    )
