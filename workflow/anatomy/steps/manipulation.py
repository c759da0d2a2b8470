"""Step: cover labelled parts of images, to find the units that detect them."""

from anatomy.manipulation import Design, Manipulation
from anatomy.manipulation_statistics import detector_table
from anatomy.steps.opening import open_labelled_images, open_network
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv, write_parquet


def main(job: Job) -> None:
    """Write what covering does to all units, the detectors, and examples of them."""
    spec = job.spec
    network = open_network(job)
    labelled = open_labelled_images(job, network)
    design = Design(
        tuple(spec["concept_categories"]),
        spec["images_per_concept"],
        spec["minimum_images"],
        spec["controls"],
        spec["fill"],
        spec["seed"],
    )
    manipulation = Manipulation(network, labelled, spec["layers"], design, spec["batch_size"])
    table = manipulation.table(spec["level"], spec["minimum_drop"])
    detectors = detector_table(table)
    write_parquet(manipulation.examples(detectors), job.path("examples"))
    write_csv(detectors, job.path("detectors"))
    write_parquet(table, job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "labelled"], outputs=["table", "detectors", "examples"])
