"""Step: the image and position at which each unit of a network responds most."""

from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet
from anatomy.top_images import top_images

SPLIT = "evaluation"


def main(job: Job) -> None:
    """Show the evaluation images."""
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    write_parquet(top_images(network, stimuli, SPLIT, job.spec["batch_size"]), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["table"])
