"""Step: the circuits of all shards as one mask store and three tables."""

from anatomy.mask_files import join_masks
from anatomy.steps.step import Job, run_step
from anatomy.tables import join, write_csv


def main(job: Job) -> None:
    """Join, in the order of the shards; the circuits of the first threshold are those of the summary."""
    join_masks(job.paths("shards"), job.path("masks"), job.path("manifest"))
    write_csv(join(job.paths("sweeps")), job.path("sweep"))
    frontier = join(job.paths("summaries"))
    write_csv(frontier, job.path("frontier"))
    first = frontier["threshold"] == job.spec["threshold"]
    write_csv(frontier[first], job.path("summary"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["shards", "sweeps", "summaries"],
        outputs=["masks", "manifest", "sweep", "summary", "frontier"],
    )
