"""Step: TCAV scores of super-categories in every layer."""

from threadpoolctl import threadpool_limits

from anatomy.joined.concept_vectors import concept_vector_table, examples
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv


def main(job: Job) -> None:
    """Choose images, let Captum score them."""
    spec = job.spec
    with threadpool_limits(spec["threads"]):
        network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
        purpose = (spec["seed"], network.name, "concept_vectors")
        chosen = examples(
            stimuli, spec["images"], spec["random_sets"], spec["shown_images"], purpose
        )
        table = concept_vector_table(network, stimuli, spec["layers"], chosen, spec["batch_size"])
    write_csv(table, job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["table"])
