"""Step: figures of one network's knock-outs."""

from pathlib import Path

import pandas as pd

from anatomy.figures.knockout_areas import knockout_areas
from anatomy.figures.knockout_categories import knockout_categories
from anatomy.figures.knockouts import performance_curves, sensitivity_curves
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the tables of performance, areas and categories."""
    table = pd.read_csv(job.path("table"))
    areas, categories = _with_names(job.path("areas")), _with_names(job.path("categories"))
    outputs = job.spec["outputs"]
    save(performance_curves(table, measure="top1", chance=1 / outputs), job.path("performance"))
    save(sensitivity_curves(table), job.path("sensitivity"))
    save(knockout_areas(areas, outputs), job.path("areas_figure"))
    figure = knockout_categories(categories, areas, outputs, job.spec["names"])
    save(figure, job.path("categories_figure"))


def _with_names(path: Path) -> pd.DataFrame:
    """A table in which categories are text whatever they are called."""
    names = dict.fromkeys(("layer", "category", "super_category", "group"), str)
    return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])


if __name__ == "__main__":
    run_step(
        main,
        inputs=["table", "areas", "categories"],
        outputs=["performance", "sensitivity", "areas_figure", "categories_figure"],
    )
