"""Step: figures of one network's cluster lesions."""

import pandas as pd

from anatomy.figures.cluster_categories import category_losses
from anatomy.figures.cluster_images import hurt_images
from anatomy.figures.cluster_layers import layer_profile
from anatomy.figures.cluster_losses import lesion_losses
from anatomy.figures.cluster_validation import distance_curves
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step
from anatomy.tables import join, read_clusters


def main(job: Job) -> None:
    """Draw from the tables."""
    recognised_as = job.spec["recognised_as"]
    lesions, losses = read_clusters(job.path("lesions")), read_clusters(job.path("losses"))
    folds, choice = pd.read_csv(job.path("validation")), pd.read_csv(job.path("choice"))
    save(distance_curves(folds, choice), job.path("distance"))
    save(lesion_losses(lesions, losses, recognised_as), job.path("losses_figure"))
    categories = category_losses(lesions, losses, recognised_as, job.spec["names"])
    save(categories, job.path("category_losses"))
    save(layer_profile(read_clusters(job.path("layers")), lesions), job.path("layer_profile"))
    save(hurt_images(join(job.paths("images")), lesions), job.path("hurt_images"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["validation", "choice", "lesions", "losses", "layers", "images"],
        outputs=["distance", "losses_figure", "category_losses", "layer_profile", "hurt_images"],
    )
