"""Step: a labelled toybox set in Broden's layout."""

from anatomy.steps.step import Job, run_step
from anatomy.stimuli.toybox.broden import write_broden


def main(job: Job) -> None:
    """Draw the scenes and their labels."""
    spec = job.spec
    write_broden(job.path("folder"), spec["images_per_category"], spec["image_size"], spec["seed"])


if __name__ == "__main__":
    run_step(main, outputs=["folder"])
