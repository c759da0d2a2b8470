"""Step: lesion the clusters of one method on held-out images, and random neurons matched to them."""

import pandas as pd

from anatomy.cluster_files import Assignments
from anatomy.cluster_lesions import measure
from anatomy.cluster_tables import ClusterTables, empty_tables
from anatomy.neuron_lesions import NeuronLesions
from anatomy.recognition import Recognition
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import CLUSTER_TABLES, write_parquet

SPLIT = "evaluation"


def main(job: Job) -> None:
    """Lesion, measure, tabulate."""
    for name, table in _tables(job).items():
        write_parquet(table, job.path(name))


def _tables(job: Job) -> dict[str, pd.DataFrame]:
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    manifest = job.path("assignments")
    assignments = Assignments(manifest.with_suffix(".zarr"), manifest, network, stimuli)
    clusters = assignments.clusters(spec["method"])
    if clusters is None:
        return empty_tables()
    rows = stimuli.rows(SPLIT)
    recognition, random_recognition = (
        Recognition(network, stimuli, shown, spec["super_categories"], spec["batch_size"])
        for shown in (rows, stimuli.first(rows, spec["random_images_per_category"]))
    )
    replacement = assignments.means if spec["replacement"] == "mean" else None
    measured = measure(
        clusters,
        NeuronLesions(network, assignments.neurons, replacement),
        recognition,
        random_recognition,
        spec["random_draws"],
        (spec["seed"], network.name, "clusters", clusters.method, clusters.k),
    )
    tables = ClusterTables(
        clusters,
        assignments.neurons,
        measured,
        recognition,
        random_recognition,
        spec["recognised_as"],
    )
    return tables.all(stimuli)


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli", "assignments"], outputs=list(CLUSTER_TABLES))
