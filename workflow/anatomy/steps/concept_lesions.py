"""Step: silence the units of a layer, each alone, those of each concept, and random ones like them."""

import pandas as pd
import torch

from anatomy.joined.concept_lesions import ConceptLesions
from anatomy.joined.labels import concept_units
from anatomy.joined.lesion_losses import measure_losses
from anatomy.matched_units import MatchedUnits
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.store import row_blocks
from anatomy.tables import read_units, write_parquet
from anatomy.unit_lesions import response_moments

SPLIT = "evaluation"


def main(job: Job) -> None:
    """Mean responses, lesions, tables."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    layer = network.layer(spec["layer"])
    rows = stimuli.rows(SPLIT)
    blocks = row_blocks(len(rows), spec["batch_size"])
    with torch.inference_mode():
        images = (network.input(stimuli.images(rows[block])) for block in blocks)
        means, deviations = response_moments(network, layer.name, images)
    lesions = ConceptLesions(
        layer.name,
        layer.units,
        concept_units(read_units(job.path("units")), spec["minimum_iou"]),
        MatchedUnits(means, spec["strata"]),
        spec["random_draws"],
        (spec["seed"], network.name, "concept_lesions"),
    )
    losses, random_losses = (
        measure_losses(network, layer.name, stimuli, shown, sets, spec["batch_size"])
        for shown, sets in (
            (rows, lesions.sets),
            (stimuli.first(rows, spec["random_images_per_category"]), lesions.random_sets),
        )
    )
    table = stimuli.table.iloc[rows].drop_duplicates("category").set_index("category")
    groups = table["super_category"].to_dict()
    write_parquet(lesions.unit_table(losses, groups), job.path("unit_lesions"))
    write_parquet(lesions.concept_table(losses, random_losses, groups), job.path("concept_lesions"))
    columns = {"layer": layer.name, "unit": range(layer.units)}
    moments = {"mean_response": means, "deviation": deviations}
    write_parquet(pd.DataFrame(columns | moments), job.path("unit_responses"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "units"],
        outputs=["unit_lesions", "concept_lesions", "unit_responses"],
    )
