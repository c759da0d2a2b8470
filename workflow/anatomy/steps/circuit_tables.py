"""Step: the circuits of all shards as one mask store and two tables."""

from anatomy.mask_files import join_masks
from anatomy.steps.step import Job, run_step
from anatomy.tables import join, write_csv


def main(job: Job) -> None:
    """Join, in the order of the shards."""
    join_masks(job.paths("shards"), job.path("masks"), job.path("manifest"))
    write_csv(join(job.paths("sweeps")), job.path("sweep"))
    write_csv(join(job.paths("summaries")), job.path("summary"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["shards", "sweeps", "summaries"],
        outputs=["masks", "manifest", "sweep", "summary"],
    )
