"""Step: the figure of kinds of weight scores compared."""

import pandas as pd

from anatomy.figures.score_comparison import score_comparison
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table."""
    save(score_comparison(pd.read_csv(job.path("table"))), job.path("score_comparison"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["score_comparison"])
