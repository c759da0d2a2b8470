"""Step: a picture of the circuit of each category that has one."""

import pandas as pd

from anatomy.figures.circuit_picture import circuit_picture
from anatomy.figures.style import save
from anatomy.progress import track
from anatomy.steps.step import Job, run_step

# photographs compress badly, and all pictures go into one report
DPI = 110


def main(job: Job) -> None:
    """Draw from the two tables of each shard; files are named by the categories."""
    folder = job.path("folder")
    folder.mkdir(exist_ok=True)
    shards = list(zip(job.paths("units"), job.paths("connections"), strict=True))
    for units, connections in track(shards, "pictures of circuits"):
        between = pd.read_parquet(connections)
        for category, own in pd.read_parquet(units).groupby("category", sort=False):
            rows = between[between["category"] == category]
            figure = circuit_picture(own, rows, job.spec["names"][category])
            save(figure, folder / f"{category}.png", DPI)


if __name__ == "__main__":
    run_step(main, inputs=["units", "connections"], outputs=["folder"])
