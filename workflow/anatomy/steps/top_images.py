"""Step: the images and positions at which each unit of a network responds most."""

from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet
from anatomy.top_images import top_images


def main(job: Job) -> None:
    """Show the images of the spec's split."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    table = top_images(
        network, stimuli, spec["split"], spec["batch_size"], spec["kept"], spec["layers"]
    )
    write_parquet(table, job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["table"])
