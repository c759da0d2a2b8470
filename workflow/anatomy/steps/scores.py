"""Step: weight scores of a shard of categories."""

from anatomy.progress import track
from anatomy.recording import provenance
from anatomy.score_files import write_scores
from anatomy.score_kinds import needs_images
from anatomy.scores import score_weights
from anatomy.steps.opening import open_network, open_stimuli, scoring_images
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Score the weights of all layers for each category; kinds that need no images need no scoring."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    layers = [layer.name for layer in network.layers]
    to_score = spec["categories"] if needs_images(spec["score"]) else []
    write_scores(
        (
            (
                category,
                score_weights(
                    network,
                    scoring_images(job, network, stimuli, category),
                    network.output(category),
                    spec["score"],
                    layers,
                ),
            )
            for category in track(to_score, f"score {network.name}")
        ),
        job.path("store"),
        job.path("manifest"),
        provenance(network, stimuli)
        | {key: spec[key] for key in ("score", "scoring_images", "categories")},
    )


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["store", "manifest"])
