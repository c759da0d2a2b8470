"""Step: record the responses by which neurons are clustered."""

from anatomy.cluster_images import response_images
from anatomy.recording import arrays_to_record, record
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step

SPLIT = "extraction"


def main(job: Job) -> None:
    """Record."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    categories = stimuli.table["category"].iloc[stimuli.rows(SPLIT)]
    record(
        network,
        stimuli,
        arrays_to_record(network, {SPLIT: []}, spec["layers"], spec["dtype"]),
        spec["batch_size"],
        job.path("store"),
        job.path("manifest"),
        {SPLIT: response_images(categories, spec["response_images"])},
    )


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["store", "manifest"])
