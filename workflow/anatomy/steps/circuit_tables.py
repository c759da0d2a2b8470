"""Step: the circuits of all shards as one mask store and three tables."""

from anatomy.mask_files import join_masks
from anatomy.steps.step import Job, run_step
from anatomy.tables import join, write_csv


def main(job: Job) -> None:
    """Join, in the order of the categories; the circuits of the first threshold are those of the summary."""
    categories = job.spec["categories"]
    join_masks(job.paths("shards"), categories, job.path("masks"), job.path("manifest"))
    write_csv(join(job.paths("sweeps"), categories), job.path("sweep"))
    frontier = join(job.paths("summaries"), categories)
    write_csv(frontier, job.path("frontier"))
    first = frontier["threshold"] == job.spec["threshold"]
    write_csv(frontier[first], job.path("summary"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["shards", "sweeps", "summaries"],
        outputs=["masks", "manifest", "sweep", "summary", "frontier"],
    )
