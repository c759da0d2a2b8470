"""Step: dissect other bases of one layer's responses: rotations, partial ones, and random combinations of units."""

import pandas as pd
from threadpoolctl import threadpool_limits

from anatomy.dissection.bases import bases
from anatomy.dissection.dissection import Counter, concepts_of, find_thresholds
from anatomy.dissection.responses import Maps
from anatomy.dissection.tables import basis_rows
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.tables import write_parquet


def main(job: Job) -> None:
    """One basis after the other, the network's own first."""
    # with another number of threads responses in another basis would differ in their last digits
    with threadpool_limits(1):
        write_parquet(_table(job), job.path("table"))


def _table(job: Job) -> pd.DataFrame:
    spec = job.spec
    labelled = LabelledImages.open(job.path("labelled").parent)
    maps = Maps.open(job.path("responses"), spec["layer"], labelled)
    counter = Counter(labelled, maps.upsampling(labelled), spec["threads"])
    concepts = concepts_of(labelled)
    settings = spec["strengths"], spec["combined_units"], spec["repeats"]
    purpose = (spec["seed"], spec["network"], spec["layer"])
    rows = []
    for about, basis in bases(maps.units, *settings, purpose):
        turned = maps.turned(basis)
        thresholds = find_thresholds(turned, spec["thresholds"], spec["quantile"])
        counts = counter.all_images(turned, thresholds)
        rows += basis_rows({"layer": spec["layer"]} | about, counts, concepts, spec["minimum_iou"])
    return pd.DataFrame(rows)


if __name__ == "__main__":
    run_step(main, inputs=["labelled", "responses"], outputs=["table"])
