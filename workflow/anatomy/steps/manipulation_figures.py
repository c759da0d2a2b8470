"""Step: figure of the detectors by intervention of one network."""

import pandas as pd

from anatomy.figures.manipulation import interventions
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the tables."""
    table, examples = (pd.read_parquet(job.path(name)) for name in ("table", "examples"))
    save(interventions(table, examples), job.path("interventions"))


if __name__ == "__main__":
    run_step(main, inputs=["table", "examples"], outputs=["interventions"])
