"""Step: figures of one network's identity task."""

import numpy as np
import pandas as pd

from anatomy.figures.identity_dissociation import double_dissociation
from anatomy.figures.identity_doses import dose_curves
from anatomy.figures.identity_pairs import example_pairs
from anatomy.figures.identity_selectivity import unit_selectivity
from anatomy.figures.style import save
from anatomy.identity.pairs import read_pairs
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.thumbnails import png, resized

TABLES = ("accuracy", "cross_validation", "selectivity", "lesions", "dissociation")
# Of each kind, same and different.
EXAMPLES = 4
SIDE = 128
# Pictures of 64 pixels gain nothing from more.
PICTURES_DPI = 130


def main(job: Job) -> None:
    """Draw from the tables, and from the stimuli."""
    name = job.spec["network"]
    accuracy, validation, selectivity, lesions, dissociation = (
        pd.read_csv(job.path(table)) for table in TABLES
    )
    save(double_dissociation(dissociation, name), job.path("dissociation_figure"))
    save(dose_curves(lesions, name), job.path("doses"))
    save(unit_selectivity(selectivity, name), job.path("selectivity_figure"))
    pairs, stimuli = (
        read_pairs(job.path("pairs"), "test"),
        StimulusSet.beside(job.path("identities")),
    )
    examples = _examples(pairs, stimuli)
    figure = example_pairs(examples, accuracy, validation, name)
    save(figure, job.path("pairs_figure"), PICTURES_DPI)


def _examples(pairs: pd.DataFrame, stimuli: StimulusSet) -> pd.DataFrame:
    """Some pairs of each kind, same and different, spread evenly over the table, with their pictures."""
    shown = []
    for _, own in pairs.groupby(["kind", "same"]):
        places = np.linspace(0, len(own) - 1, min(EXAMPLES, len(own))).astype(int)
        shown.append(own.iloc[places])
    examples = pd.concat(shown)
    for image in ("a", "b"):
        rows = examples[f"image_{image}"].to_numpy(np.int64)
        pictures = [png(resized(picture, SIDE)) for picture in stimuli.images(rows)]
        examples[f"picture_{image}"] = pictures
    return examples


if __name__ == "__main__":
    run_step(
        main,
        inputs=[*TABLES, "identities", "pairs"],
        outputs=["dissociation_figure", "doses", "selectivity_figure", "pairs_figure"],
    )
