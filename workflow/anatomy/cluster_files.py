"""Which neuron belongs to which summary point, and that to which cluster: a Zarr store and its manifest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from anatomy.cluster_lesions import Clusters
from anatomy.cluster_methods import Clustering
from anatomy.clusters import SummaryPoints, labels_of_neurons
from anatomy.networks.network import Network
from anatomy.neurons import Neurons
from anatomy.recording import provenance
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import ArraySpec, StoreWriter, open_store, read_array, read_rows

POINT = "summary_point"
MEAN = "mean_response"
CLUSTER = "cluster"
CHUNK = 1 << 16


def write_assignments(
    path: Path,
    manifest: Path,
    origin: Mapping[str, Any],
    neurons: Neurons,
    summary: SummaryPoints,
    best: Mapping[str, tuple[int, Clustering]],
    chosen: str | None,
) -> None:
    """Write the clusters of all neurons.

    Parameters
    ----------
    origin : network and stimuli that the responses are of, see `anatomy.recording.provenance`
    best : method -> its best number of clusters, and the clustering of the summary points into so many
    chosen : the best of these methods
    """
    arrays: dict[str, NDArray] = {
        POINT: summary.point_of_neuron,
        MEAN: summary.means,
        **{f"{CLUSTER}/{method}": own.labels for method, (_, own) in best.items()},
    }
    about = {
        "layers": [[layer, list(shape)] for layer, shape in neurons.shapes.items()],
        "summary_points": len(summary.positions),
        "explained": summary.explained,
        "methods": {
            method: {"k": k, "parameters": own.parameters} for method, (k, own) in best.items()
        },
        "chosen": chosen,
    }
    specs = {
        name: ArraySpec(array.shape, (min(CHUNK, len(array)),), str(array.dtype))
        for name, array in arrays.items()
    }
    writer = StoreWriter(path, manifest, dict(origin) | about, specs)
    writer.write("all", {name: (slice(0, len(own)), own) for name, own in arrays.items()})
    writer.finish()


class Assignments:
    """Clusters of the neurons of a network, opened for reading.

    Attributes
    ----------
    neurons : the neurons
    means : (neuron,) float32, mean response over the images that neurons are clustered by
    """

    def __init__(self, path: Path, manifest: Path, network: Network, stimuli: StimulusSet) -> None:
        self._group: zarr.Group = open_store(path, manifest, provenance(network, stimuli))
        self._about = dict(self._group.attrs)
        self.neurons = Neurons({layer: tuple(shape) for layer, shape in self._about["layers"]})
        self.means: NDArray[np.float32] = self._array(MEAN)

    def clusters(self, method: str) -> Clusters | None:
        """The clusters of a method; None where it gave none that could be chosen."""
        if method not in self._about["methods"]:
            return None
        labels = labels_of_neurons(self._array(POINT), self._array(f"{CLUSTER}/{method}"))
        chosen = self._about["chosen"] == method
        return Clusters(method, self._about["methods"][method]["k"], chosen, labels)

    def _array(self, name: str) -> NDArray:
        return read_rows(read_array(self._group, name), slice(None))
