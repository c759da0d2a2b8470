"""Step: figure of what silencing the units of each concept costs."""

import pandas as pd

from anatomy.figures.concept_cells import concept_losses
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table."""
    table = pd.read_csv(job.path("table"), dtype={"category": str, "concept": str})
    save(concept_losses(table, job.spec["names"]), job.path("concept_lesions"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["concept_lesions"])
