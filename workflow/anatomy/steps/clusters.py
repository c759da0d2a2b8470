"""Step: choose the numbers of clusters, and cluster the neurons by their responses to all response images."""

import logging

import numpy as np

from anatomy.cluster_files import write_assignments
from anatomy.cluster_validation import choose
from anatomy.clusters import Settings, summarise
from anatomy.recording import provenance
from anatomy.response_matrix import ResponseMatrix
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import join, write_csv

SPLIT = "extraction"
log = logging.getLogger(__name__)


def main(job: Job) -> None:
    """Cluster with all methods and numbers, keep each method's best."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("responses"), network, stimuli)
    responses = ResponseMatrix(recording, SPLIT, spec["layers"])
    settings = Settings.of(spec)
    summary = summarise(responses, np.arange(len(responses.images)), settings, network.device)
    clusterings = {
        method: summary.clusterings(method, spec["numbers"], settings.seed)
        for method in spec["methods"]
    }
    folds = join(job.paths("folds"))
    choice = choose(folds, spec["folds"], clusterings)
    best = choice[choice["best_of_method"]].set_index("method")["k"].to_dict()
    chosen = choice.loc[choice["chosen"], "method"].tolist()
    if not chosen:
        log.warning("no method gives the same number of clusters in all folds; nothing is lesioned")
    write_assignments(
        job.path("store"),
        job.path("manifest"),
        provenance(network, stimuli),
        responses.neurons,
        summary,
        {method: (k, clusterings[method][k]) for method, k in best.items()},
        chosen[0] if chosen else None,
    )
    write_csv(folds, job.path("validation"))
    write_csv(choice, job.path("choice"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "responses", "folds"],
        outputs=["store", "manifest", "validation", "choice"],
    )
