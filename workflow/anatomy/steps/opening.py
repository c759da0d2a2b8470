"""Opening what earlier steps have written; stores lie beside their manifests."""

from pathlib import Path

from torch import Tensor

from anatomy.device import choose_device, make_deterministic
from anatomy.errors import InputError
from anatomy.networks.network import Network, load_network
from anatomy.output_units import OutputUnits
from anatomy.recording import Recording
from anatomy.steps.step import Job
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.stimulus_set import StimulusSet


def open_stimuli(manifest: Path) -> StimulusSet:
    """The stimulus set whose manifest is given."""
    return StimulusSet.beside(manifest)


def open_network(job: Job) -> Network:
    """The job's network, on the job's device, computing deterministically with the spec's threads."""
    make_deterministic(job.spec["threads"])
    description = job.path("network")
    return load_network(description.parent, job.spec["network"], choose_device(job.gpus))


def open_recording(manifest: Path, network: Network, stimuli: StimulusSet) -> Recording:
    """The recording whose manifest is given."""
    return Recording(manifest.with_suffix(".zarr"), manifest, network, stimuli)


def open_output_units(job: Job) -> OutputUnits:
    """The output units of the job's network, on the images and the recording of circuits."""
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("recording"), network, stimuli)
    spec = job.spec
    return OutputUnits(network, stimuli, recording, spec["fully_connected"], spec["batch_size"])


def open_labelled_images(job: Job, network: Network) -> LabelledImages:
    """The job's labelled images; their labels lie on what the network sees only if that is the whole image."""
    labelled = LabelledImages.open(job.path("labelled").parent)
    needed = network.preprocessing.input_size
    if labelled.image_size != needed:
        raise InputError(
            f"the labelled images have {labelled.image_size} pixels, but network {network.name!r} sees {needed}; take "
            f"the Broden of this size, or set networks.{network.name}.preprocessing.input_size"
        )
    return labelled


def scoring_images(job: Job, network: Network, stimuli: StimulusSet, category: str) -> Tensor:
    """Network input (image, channel, y, x) from the images that a category's weights are scored with."""
    rows = stimuli.rows("scoring", [category])[: job.spec["scoring_images"]]
    return network.input(stimuli.images(rows))
