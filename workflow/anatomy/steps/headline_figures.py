"""Step: one figure of the headline numbers."""

import pandas as pd

from anatomy.figures.overview import headlines
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the tidy table."""
    save(headlines(pd.read_csv(job.path("table"))), job.path("headlines"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["headlines"])
