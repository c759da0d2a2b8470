"""Step: figures of one network's features: a grid of pictures for each layer, and the first layer's filters."""

import pandas as pd

from anatomy.figures.features import feature_grid, filter_grid
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """A file for each layer into the folder."""
    folder = job.path("folder")
    folder.mkdir(parents=True, exist_ok=True)
    names = job.spec.get("names", {})
    for path in job.paths("tables"):
        table = pd.read_parquet(path)
        save(feature_grid(table, names), folder / f"{table['layer'].iloc[0]}.png")
    filters = pd.read_parquet(job.path("filters"))
    if len(filters):
        save(filter_grid(filters), folder / "filters.png")


if __name__ == "__main__":
    run_step(main, inputs=["tables", "filters"], outputs=["folder"])
