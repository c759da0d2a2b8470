"""Step: figures of how one network's circuits overlap."""

import pandas as pd

from anatomy.figures.layer_shares import layer_shares
from anatomy.figures.overlap_histogram import overlap_histogram
from anatomy.figures.overlap_matrix import overlap_matrix
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the tables."""
    pairs = pd.read_parquet(job.path("pairs"))
    shares = pd.read_csv(job.path("layer_shares_table"), dtype={"category": str})
    super_categories = dict(zip(shares["category"], shares["super_category"], strict=True))
    histogram = overlap_histogram(pairs, pd.read_csv(job.path("overlap_table")))
    save(histogram, job.path("overlap"))
    save(overlap_matrix(pairs, super_categories, job.spec["names"]), job.path("overlap_matrix"))
    sharing = pd.read_csv(job.path("sharing"))
    save(layer_shares(shares, sharing), job.path("layer_shares"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["pairs", "overlap_table", "sharing", "layer_shares_table"],
        outputs=["overlap", "overlap_matrix", "layer_shares"],
    )
