"""Step: which labelled units the circuits of a network keep, and whether more of them than of others."""

import pandas as pd

from anatomy.joined.enrichment import enrichment
from anatomy.joined.labels import concept_units
from anatomy.matched_units import MatchedUnits
from anatomy.steps.step import Job, run_step
from anatomy.tables import LABELLED_CIRCUIT_UNITS, join, read_units, write_csv, write_parquet


def main(job: Job) -> None:
    """Join units of circuits with their labels, then compare concept by concept."""
    spec = job.spec
    kept = join(job.paths("circuit_units"))
    dissected = {
        layer: read_units(path)
        for layer, path in zip(spec["dissected"], job.paths("units"), strict=True)
    }
    labels = pd.concat(
        [own.assign(layer=layer) for layer, own in dissected.items()], ignore_index=True
    )
    labels = labels.rename(columns={"category": "concept_category"})
    labelled = kept.merge(
        labels[["layer", "unit", "concept", "concept_category", "iou", "detector"]],
        on=["layer", "unit"],
    )
    write_parquet(labelled[list(LABELLED_CIRCUIT_UNITS)], job.path("labelled"))
    responses = join(job.paths("unit_responses"))
    tables = []
    for layer in spec["layers"]:
        own = kept[kept["layer"] == layer].pivot(
            index=["category", "super_category"], columns="unit", values="kept_fraction"
        )
        means = responses[responses["layer"] == layer].sort_values("unit")["mean_response"]
        tables.append(
            enrichment(
                layer,
                own,
                concept_units(dissected[layer], spec["minimum_iou"]),
                MatchedUnits(means.to_numpy(), spec["strata"]),
                spec["random_draws"],
                (spec["seed"], spec["network"], "enrichment"),
            )
        )
    write_csv(pd.concat(tables, ignore_index=True), job.path("table"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["circuit_units", "units", "unit_responses"],
        outputs=["labelled", "table"],
    )
