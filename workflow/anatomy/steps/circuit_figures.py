"""Step: figures of one network's circuits."""

import pandas as pd

from anatomy.figures.circuit_sizes import circuit_sizes
from anatomy.figures.pruning_curves import pruning_curves
from anatomy.figures.style import save
from anatomy.figures.substitution_accuracy import substitution_accuracy
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the two tables."""
    summary, sweep = (_named(job, pd.read_csv(job.path(name))) for name in ("summary", "sweep"))
    save(pruning_curves(sweep, summary), job.path("pruning_curves"))
    save(circuit_sizes(summary), job.path("circuit_sizes"))
    save(substitution_accuracy(summary), job.path("substitution_accuracy"))


def _named(job: Job, table: pd.DataFrame) -> pd.DataFrame:
    """The table with categories called by their names for people."""
    return table.assign(category=table["category"].map(job.spec["names"]))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["summary", "sweep"],
        outputs=["pruning_curves", "circuit_sizes", "substitution_accuracy"],
    )
