"""Step: how well weight scores from a few images agree with those from other images, for a shard of categories."""

import pandas as pd

from anatomy.errors import InputError
from anatomy.progress import track
from anatomy.scores import contributions
from anatomy.scoring_stability import rank_correlations, sample_weights
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import SCORING_STABILITY, write_parquet

SPLIT = "scoring"


def main(job: Job) -> None:
    """Compare subsets of the scoring images of each category."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    rows = []
    for category in track(spec["categories"], f"stability of scores of {network.name}"):
        output = network.output(category)
        images = network.input(stimuli.images(stimuli.rows(SPLIT, [category])))
        sample = sample_weights(network, output)
        own = contributions(network, images, output, spec["score"], sample)
        try:
            rows += [{"category": category} | vars(row) for row in rank_correlations(own)]
        except InputError as error:
            raise InputError(f"category {category!r}: {error}") from error
    write_parquet(pd.DataFrame(rows, columns=list(SCORING_STABILITY)), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["table"])
