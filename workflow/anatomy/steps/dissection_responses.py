"""Step: show the labelled images to a network and record the responses of the layers to be dissected."""

from anatomy.dissection.responses import described
from anatomy.errors import InputError
from anatomy.networks.network import Network
from anatomy.networks.receptive_field import receptive_fields
from anatomy.recording import RESPONSES, RecordedArray, record
from anatomy.steps.opening import open_network
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.labelled_images import SPLIT, LabelledImages


def main(job: Job) -> None:
    """Record the responses, and beside them where their positions lie in the image."""
    spec = job.spec
    network = open_network(job)
    labelled = LabelledImages.open(job.path("labelled").parent)
    _check_size(network, labelled)
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


def _check_size(network: Network, labelled: LabelledImages) -> None:
    """Labels lie on the image that the network sees only if that is the whole image."""
    needed = network.preprocessing.input_size
    if labelled.image_size != needed:
        raise InputError(
            f"the labelled images have {labelled.image_size} pixels, but network {network.name!r} sees {needed}; take "
            f"the Broden of this size, or set networks.{network.name}.preprocessing.input_size"
        )


if __name__ == "__main__":
    run_step(main, inputs=["network", "labelled"], outputs=["store", "manifest"])
