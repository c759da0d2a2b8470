"""Step: figure of the labelled units that a network's circuits keep."""

import pandas as pd

from anatomy.figures.concept_cells import enriched_concepts
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table."""
    table = pd.read_csv(job.path("table"), dtype={"category": str, "concept": str})
    save(enriched_concepts(table, job.spec["names"]), job.path("enrichment"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["enrichment"])
