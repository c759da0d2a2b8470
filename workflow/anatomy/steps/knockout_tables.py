"""Step: the knock-out sweeps of all layers as one table."""

from anatomy.steps.step import Job, run_step
from anatomy.tables import join, write_csv


def main(job: Job) -> None:
    """Join, in network order."""
    write_csv(join(job.paths("parts")), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["parts"], outputs=["table"])
