"""Step: pictures of the toybox."""

from anatomy.figures.style import save
from anatomy.figures.toybox import contact_sheet, label_overlays
from anatomy.steps.step import Job, run_step

SEED = 7


def main(job: Job) -> None:
    """Draw the contact sheet and the labels of one scene."""
    save(contact_sheet(SEED), job.path("contact_sheet"))
    save(label_overlays(SEED), job.path("labels"))


if __name__ == "__main__":
    run_step(main, outputs=["contact_sheet", "labels"])
