"""Step: circuits of a shard of categories, extracted and evaluated on new images."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.circuit_shard import Shard, sweep_rows
from anatomy.circuits import Settings, full_masks
from anatomy.mask_files import write_masks
from anatomy.progress import track
from anatomy.recording import provenance
from anatomy.score_files import ScoreFile
from anatomy.steps.opening import open_output_units
from anatomy.steps.step import Job, run_step
from anatomy.tables import CIRCUIT_SUMMARY, CIRCUIT_SWEEP, write_parquet

SETTINGS = tuple(field.name for field in fields(Settings))


def main(job: Job) -> None:
    """Extract and evaluate; the masks of the first threshold go to a store, sweeps and summaries of all to tables."""
    spec = job.spec
    units = open_output_units(job)
    network = units.network
    settings = {key: spec[key] for key in SETTINGS}
    origin = provenance(network, units.stimuli)
    origin |= {key: spec[key] for key in ("score", "scoring_images")}
    manifest = job.path("scores")
    scores = ScoreFile(manifest.with_suffix(".zarr"), manifest, origin)
    shard = Shard(units, Settings(**settings))
    sweep: list[dict[str, Any]] = []
    summary: list[dict[str, Any]] = []

    def masks() -> Iterator[tuple[str, Mapping[str, NDArray[np.bool_]]]]:
        for category in track(spec["categories"], f"circuits of {network.name}"):
            found = shard.extraction(category, scores.read(category, network))
            sweep.extend(sweep_rows(category, found) if found else [])
            rows = shard.summary_rows(category, found)
            summary.extend(row | {"score": spec["score"]} for row in rows)
            first = found.circuits[0] if found else None
            yield category, full_masks(network, network.output(category), first)

    write_masks(
        masks(),
        spec["categories"],
        network.layers,
        job.path("masks"),
        job.path("manifest"),
        origin | settings,
    )
    write_parquet(pd.DataFrame(sweep, columns=list(CIRCUIT_SWEEP)), job.path("sweep"))
    write_parquet(pd.DataFrame(summary, columns=list(CIRCUIT_SUMMARY)), job.path("summary"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "recording", "scores"],
        outputs=["masks", "manifest", "sweep", "summary"],
    )
