"""Step: figures of one network's dissection."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from anatomy.figures.dissection_detectors import detectors
from anatomy.figures.dissection_units import best_units
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step
from anatomy.tables import read_units


def main(job: Job) -> None:
    """Draw from the tables."""
    minimum = job.spec["minimum_iou"]
    save(detectors(pd.read_csv(job.path("detectors"))), job.path("detectors_figure"))
    units = _of_layers(job.paths("units"), read_units)
    top_images = _of_layers(job.paths("top_images"), pd.read_parquet)
    save(best_units(units, top_images, minimum), job.path("units_figure"))


def _of_layers(paths: list[Path], read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """The tables of all layers, results/NETWORK/dissection/LAYER/..., one below the other."""
    return pd.concat([read(path).assign(layer=path.parent.name) for path in paths])


if __name__ == "__main__":
    run_step(
        main,
        inputs=["detectors", "units", "top_images"],
        outputs=["detectors_figure", "units_figure"],
    )
