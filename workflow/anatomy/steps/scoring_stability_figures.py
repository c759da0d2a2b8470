"""Step: the figure of how many scoring images are enough."""

import pandas as pd

from anatomy.figures.scoring_stability import scoring_stability
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table."""
    save(scoring_stability(pd.read_csv(job.path("table"))), job.path("scoring_stability"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["scoring_stability"])
