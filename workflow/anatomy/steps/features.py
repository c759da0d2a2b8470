"""Step: pictures that drive the units of one layer, by gradient ascent."""

from dataclasses import fields

from anatomy.features import Ascent, feature_table
from anatomy.steps.opening import open_network
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet


def main(job: Job) -> None:
    """All units that are asked for, batch by batch."""
    spec = job.spec
    network = open_network(job)
    ascent = Ascent(**{field.name: spec[field.name] for field in fields(Ascent)})
    table = feature_table(
        network, spec["layer"], spec["channels"], ascent, spec["seed"], spec["batch_size"]
    )
    write_parquet(table, job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network"], outputs=["table"])
