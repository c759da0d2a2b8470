"""Step: show the labelled images to a network and record the responses of the layers to be dissected."""

from anatomy.dissection.responses import described
from anatomy.networks.receptive_field import receptive_fields
from anatomy.recording import RESPONSES, RecordedArray, record
from anatomy.steps.opening import open_labelled_images, open_network
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.labelled_images import SPLIT


def main(job: Job) -> None:
    """Record the responses, and beside them where their positions lie in the image."""
    spec = job.spec
    network = open_network(job)
    labelled = open_labelled_images(job, network)
    values = {layer: network.response(layer) for layer in spec["layers"]}
    size = network.preprocessing.input_size
    fields = receptive_fields(network.graph, list(values.values()), size)
    arrays = [
        RecordedArray(SPLIT, f"{RESPONSES}/{layer}", value, spec["dtype"], described(fields[value]))
        for layer, value in values.items()
    ]
    record(
        network,
        labelled.stimuli,
        arrays,
        spec["batch_size"],
        job.path("store"),
        job.path("manifest"),
    )


if __name__ == "__main__":
    run_step(main, inputs=["network", "labelled"], outputs=["store", "manifest"])
