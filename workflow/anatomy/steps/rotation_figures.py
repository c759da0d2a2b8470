"""Step: figure of what other bases of one network's responses detect."""

import pandas as pd

from anatomy.figures.dissection_rotations import rotations
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table."""
    save(rotations(pd.read_csv(job.path("table"))), job.path("rotations"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["rotations"])
