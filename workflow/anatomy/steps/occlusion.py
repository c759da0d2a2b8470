"""Step: move a patch over the best images of some units, to see which part of them the units need."""

import pandas as pd

from anatomy.occlusion import Covering, choose_units, occlusion
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet


def main(job: Job) -> None:
    """Choose units and cover their best images."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    top = pd.read_parquet(job.path("top_images"))
    units = choose_units(top, spec["layers"], spec["units"], spec["seed"], network.name)
    covering = Covering(spec["patch"], spec["stride"], spec["fill"], spec["seed"])
    write_parquet(
        occlusion(network, stimuli, units, covering, spec["batch_size"]), job.path("table")
    )


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli", "top_images"], outputs=["table"])
