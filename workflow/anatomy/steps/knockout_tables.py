"""Step: single categories under knock-outs over repeats, and the areas and half losses of all curves."""

import pandas as pd

from anatomy.knockout_tables import area_table, category_curves, category_table, performance_curves
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv


def main(job: Job) -> None:
    """Make the tables part by part; a part has all sweeps of its layers."""
    performance = pd.read_csv(job.path("table"), dtype={"layer": str})
    categories, areas = [], []
    for path in job.paths("categories"):
        found = category_curves(pd.read_parquet(path))
        layers = found[1].swept["layer"].unique()
        own = performance_curves(performance[performance["layer"].isin(layers)])
        categories.append(category_table(*found))
        areas.append(area_table(own, found, job.spec["outputs"]))
    write_csv(pd.concat(categories), job.path("categories_table"))
    write_csv(pd.concat(areas), job.path("areas"))


if __name__ == "__main__":
    run_step(main, inputs=["table", "categories"], outputs=["categories_table", "areas"])
