"""Step: kinds of scores, normalisations and ranking scopes compared, for a shard of categories."""

import pandas as pd

from anatomy.layer_scores import LayerScores
from anatomy.output_units import OutputUnits
from anatomy.progress import track
from anatomy.score_comparison import Variants, compare_scores
from anatomy.score_files import control_scores
from anatomy.score_kinds import needs_images
from anatomy.scores import score_weights
from anatomy.steps.opening import open_output_units, scoring_images
from anatomy.steps.step import Job, run_step
from anatomy.tables import SCORE_COMPARISON, write_parquet


def main(job: Job) -> None:
    """Score by every kind, prune by every ranking, measure on the extraction images."""
    spec = job.spec
    units = open_output_units(job)
    keys = ("scores", "normalisations", "scopes", "removed_fractions")
    variants = Variants(**{key: tuple(spec[key]) for key in keys})
    rows = [
        row
        for category in track(spec["categories"], f"compare scores of {spec['network']}")
        for row in compare_scores(units, category, _scores(job, units, category), variants)
    ]
    write_parquet(pd.DataFrame(rows, columns=list(SCORE_COMPARISON)), job.path("table"))


def _scores(job: Job, units: OutputUnits, category: str) -> dict[str, dict[str, LayerScores]]:
    network = units.network
    layers = [layer.name for layer in network.layers]
    images = scoring_images(job, network, units.stimuli, category)
    return {
        kind: score_weights(network, images, network.output(category), kind, layers)
        if needs_images(kind)
        else control_scores(kind, category, layers)
        for kind in job.spec["scores"]
    }


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli", "recording"], outputs=["table"])
