"""Step: the controls of the circuits of a shard of categories."""

import pandas as pd

from anatomy.circuit_controls import Controls
from anatomy.mask_files import MaskFile
from anatomy.progress import track
from anatomy.steps.opening import open_output_units
from anatomy.steps.step import Job, run_step
from anatomy.tables import CIRCUIT_CONTROLS, write_parquet


def main(job: Job) -> None:
    """Measure the controls of each category."""
    spec, manifest = job.spec, job.path("masks")
    controls = Controls(
        open_output_units(job),
        MaskFile(manifest.with_suffix(".zarr"), manifest),
        pd.read_csv(job.path("summary")),
        spec["normalisation"],
        spec["scope"],
    )
    rows = [
        row
        for category in track(spec["categories"], f"controls of {spec['network']}")
        for row in controls.rows(category, spec["controls"])
    ]
    write_parquet(pd.DataFrame(rows, columns=list(CIRCUIT_CONTROLS)), job.path("table"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "recording", "masks", "summary"],
        outputs=["table"],
    )
