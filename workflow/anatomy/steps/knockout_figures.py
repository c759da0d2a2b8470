"""Step: figures of one network's knock-outs."""

import pandas as pd

from anatomy.figures.knockouts import performance_curves, sensitivity_curves
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the table of performance."""
    table = pd.read_csv(job.path("table"))
    chance = 1 / job.spec["outputs"]
    save(performance_curves(table, measure="top1", chance=chance), job.path("performance"))
    save(sensitivity_curves(table), job.path("sensitivity"))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["performance", "sensitivity"])
