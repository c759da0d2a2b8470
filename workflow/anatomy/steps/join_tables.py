"""Step: the parts of one table joined into a table for people."""

from anatomy.steps.step import Job, run_step
from anatomy.tables import join, write_csv


def main(job: Job) -> None:
    """Join, in the order of the parts, or of the categories where parts are shards of these."""
    write_csv(join(job.paths("parts"), job.spec.get("categories")), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["parts"], outputs=["table"])
