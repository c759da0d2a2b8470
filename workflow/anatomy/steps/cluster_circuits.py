"""Step: lesion the cluster of each super-category in the circuits of a shard of categories."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from anatomy.cluster_files import Assignments
from anatomy.cluster_lesions import Clusters, MatchedLesions
from anatomy.joined.cluster_circuits import (
    ClusterLesion,
    Images,
    LesionedCircuits,
    circuit_rows,
)
from anatomy.joined.own_circuits import clusters_of_super_categories
from anatomy.mask_files import MaskFile
from anatomy.networks.network import Network
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons
from anatomy.progress import track
from anatomy.recording import Recording
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.substitution_task import Task
from anatomy.tables import CLUSTER_CIRCUITS, read_clusters, write_parquet

EXTRACTION, EVALUATION = "extraction", "evaluation"


@dataclass(frozen=True)
class Settings:
    """What the spec says.

    Attributes
    ----------
    categories : of the shard
    cluster_draws : random lesions of each cluster
    cluster_images_per_category : images shown under these; all when None
    replacement : response of a lesioned neuron, zero or mean
    batch_size : images that pass through the network at once
    seed : of random lesions
    """

    categories: list[str]
    cluster_draws: int
    cluster_images_per_category: int | None
    replacement: str
    batch_size: int
    seed: int

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> "Settings":
        """From the settings of a job."""
        return cls(**{field.name: spec[field.name] for field in fields(cls)})


def main(job: Job) -> None:
    """Lesion, measure, tabulate; categories without a circuit have no rows."""
    rows = pd.DataFrame(_rows(job), columns=list(CLUSTER_CIRCUITS))
    write_parquet(rows, job.path("table"))


def _rows(job: Job) -> Iterator[dict[str, Any]]:
    settings = Settings.of(job.spec)
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("recording"), network, stimuli)
    manifest = job.path("assignments")
    clustered = open_stimuli(job.path("clustered_stimuli"))
    assignments = Assignments(manifest.with_suffix(".zarr"), manifest, network, clustered)
    clusters = _clusters(job, settings, assignments)
    masks = MaskFile(job.path("masks").with_suffix(".zarr"), job.path("masks"))
    summary = pd.read_csv(job.path("summary"), dtype={"category": str}).set_index("category")
    if not clusters:
        return
    images = _images(network, stimuli, recording, settings.cluster_images_per_category)
    means = assignments.means if settings.replacement == "mean" else None
    lesioned = NeuronLesions(network, assignments.neurons, means)
    circuits = LesionedCircuits(network, stimuli, images, lesioned, settings.batch_size)
    unpruned = circuits.logits({}, [own.lesion for own in clusters])
    logits = recording.logits(EXTRACTION)
    outputs = stimuli.outputs(stimuli.rows(EXTRACTION), network.categories)
    for category in track(settings.categories, f"lesioned circuits of {network.name}"):
        circuit = summary.loc[category]
        if np.isfinite(circuit["kept_fraction"]):
            output = network.output(category)
            own = masks.tensors(category, network.device)
            biases = Task.of(logits, outputs, output).unpruned().bias, float(circuit["bias"])
            about = {"category": category, "super_category": circuit["super_category"]}
            measured = circuit_rows(circuits, clusters, unpruned, output, own, biases)
            yield from (about | row for row in measured)


def _images(
    network: Network, stimuli: StimulusSet, recording: Recording, few: int | None
) -> Images:
    rows = stimuli.rows(EVALUATION)
    return Images(
        rows,
        recording.logits(EVALUATION),
        stimuli.outputs(rows, network.categories),
        np.isin(rows, stimuli.first(rows, few)),
    )


def _clusters(job: Job, settings: Settings, assignments: Assignments) -> list[ClusterLesion]:
    """The cluster of each super-category that has one, of the chosen method."""
    table = read_clusters(job.path("lesions"))
    groups = [name.removeprefix("loss_") for name in table if name.startswith("loss_")]
    found = clusters_of_super_categories(table, groups)
    methods = table.loc[table["chosen"], "method"].unique()
    own = assignments.clusters(methods[0]) if len(methods) else None
    if own is None:
        return []
    return [
        _lesion(job.spec["network"], settings, group, own, int(cluster) - 1, assignments.neurons)
        for group, cluster in found.items()
    ]


def _lesion(
    network: str,
    settings: Settings,
    group: str,
    clusters: Clusters,
    label: int,
    neurons: Neurons,
) -> ClusterLesion:
    lesion = clusters.labels == label
    about = clusters.about(label) | {"cluster_of": group, "neurons": int(lesion.sum())}
    purpose = (settings.seed, network, "cluster_circuits", clusters.method, clusters.k)
    random = MatchedLesions(clusters.labels, [label], neurons, settings.cluster_draws, purpose)
    return ClusterLesion(about, lesion, random)


if __name__ == "__main__":
    run_step(
        main,
        inputs=[
            *("network", "stimuli", "recording", "clustered_stimuli"),
            *("assignments", "lesions", "masks", "summary"),
        ],
        outputs=["table"],
    )
