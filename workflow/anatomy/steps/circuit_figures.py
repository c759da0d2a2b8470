"""Step: figures of one network's circuits."""

import pandas as pd

from anatomy.figures.circuit_controls import circuit_controls
from anatomy.figures.circuit_sizes import circuit_sizes
from anatomy.figures.frontier import frontier
from anatomy.figures.pruning_curves import pruning_curves
from anatomy.figures.style import save
from anatomy.figures.substitution_accuracy import substitution_accuracy
from anatomy.steps.step import Job, run_step

TABLES = ("summary", "sweep", "frontier", "controls")


def main(job: Job) -> None:
    """Draw from the tables; pruning curves are those of the threshold of the summary."""
    tables = {name: _named(job, pd.read_csv(job.path(name))) for name in TABLES}
    summary, sweep = tables["summary"], tables["sweep"]
    sweep = sweep[sweep["threshold"].isin(summary["threshold"])]
    save(pruning_curves(sweep, summary), job.path("pruning_curves"))
    save(circuit_sizes(summary), job.path("circuit_sizes"))
    save(substitution_accuracy(summary), job.path("substitution_accuracy"))
    save(frontier(tables["frontier"]), job.path("frontier_figure"))
    save(circuit_controls(tables["controls"]), job.path("controls_figure"))


def _named(job: Job, table: pd.DataFrame) -> pd.DataFrame:
    """The table with categories called by their names for people."""
    return table.assign(category=table["category"].map(job.spec["names"]))


if __name__ == "__main__":
    run_step(
        main,
        inputs=TABLES,
        outputs=[
            *("pruning_curves", "circuit_sizes", "substitution_accuracy"),
            *("frontier_figure", "controls_figure"),
        ],
    )
