"""Step: figure of TCAV scores beside the layers of cluster lesions."""

import pandas as pd

from anatomy.figures.concept_vectors import concept_vector_profile
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step
from anatomy.tables import read_clusters


def main(job: Job) -> None:
    """Draw from the tables."""
    layers, lesions = read_clusters(job.path("layers")), read_clusters(job.path("lesions"))
    profile = concept_vector_profile(pd.read_csv(job.path("table")), layers, lesions)
    save(profile, job.path("concept_vectors"))


if __name__ == "__main__":
    run_step(main, inputs=["table", "layers", "lesions"], outputs=["concept_vectors"])
