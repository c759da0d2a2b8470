"""Step: one fold of the cross-validation: cluster on the other folds' images, lesion, measure on this fold's."""

import numpy as np

from anatomy.cluster_images import folds
from anatomy.cluster_validation import validate
from anatomy.clusters import Settings, summarise
from anatomy.neuron_lesions import NeuronLesions
from anatomy.recognition import Recognition
from anatomy.response_matrix import ResponseMatrix
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet

SPLIT = "extraction"


def main(job: Job) -> None:
    """Cluster, lesion, measure."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("responses"), network, stimuli)
    responses = ResponseMatrix(recording, SPLIT, spec["layers"])
    rows = stimuli.rows(SPLIT)
    fold = folds(stimuli.table["category"].iloc[rows], spec["folds"]) + 1
    columns = np.flatnonzero(fold[responses.images] != spec["fold"])
    settings = Settings.of(spec)
    summary = summarise(responses, columns, settings, network.device)
    replacement = summary.means if spec["replacement"] == "mean" else None
    table = validate(
        summary,
        spec["methods"],
        spec["numbers"],
        settings.seed,
        NeuronLesions(network, responses.neurons, replacement),
        Recognition(
            network,
            stimuli,
            rows[fold == spec["fold"]],
            spec["super_categories"],
            spec["batch_size"],
        ),
        spec["recognised_as"],
    )
    table.insert(2, "fold", spec["fold"])
    write_parquet(table, job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli", "responses"], outputs=["table"])
