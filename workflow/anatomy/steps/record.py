"""Step: show a stimulus set to a network and record what later steps read."""

from anatomy.recording import arrays_to_record, record
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Record."""
    spec = job.spec
    network = open_network(job)
    suffixes = {split: own["suffixes"] for split, own in spec["splits"].items()}
    record(
        network,
        open_stimuli(job.path("stimuli")),
        arrays_to_record(network, suffixes, spec["responses"], spec["dtype"]),
        spec["batch_size"],
        job.path("store"),
        job.path("manifest"),
    )


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["store", "manifest"])
