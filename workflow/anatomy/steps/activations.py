"""Step: record what every channel of some layers makes of a few images, and tabulate it."""

from anatomy.activation_maps import ActivationMaps
from anatomy.activations import arrays, channel_table, choose_images
from anatomy.recording import record
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv


def main(job: Job) -> None:
    """Choose images, show them, write their maps and the table of channels."""
    spec = job.spec
    split, layers = spec["split"], spec["layers"]
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    record(
        network,
        stimuli,
        arrays(network, stimuli, layers, split),
        spec["batch_size"],
        job.path("store"),
        job.path("manifest"),
        {split: choose_images(stimuli, split, spec["images"], spec["seed"])},
    )
    recorded = ActivationMaps(job.path("manifest"), stimuli)
    write_csv(channel_table(recorded, stimuli, layers), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli"], outputs=["store", "manifest", "table"])
