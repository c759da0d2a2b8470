"""Step: the filters of the first layer as pictures."""

from anatomy.first_filters import filter_table
from anatomy.steps.opening import open_network
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet


def main(job: Job) -> None:
    """Weights as they are."""
    write_parquet(filter_table(open_network(job)), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network"], outputs=["table"])
