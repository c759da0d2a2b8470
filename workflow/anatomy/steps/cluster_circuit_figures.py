"""Step: figure of circuits under the lesion of a super-category's cluster."""

import pandas as pd

from anatomy.figures.cluster_circuits import lesioned_circuits
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table."""
    table = pd.read_csv(job.path("table"), dtype={"category": str})
    save(lesioned_circuits(table, job.spec["names"]), job.path("cluster_circuits"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["cluster_circuits"])
