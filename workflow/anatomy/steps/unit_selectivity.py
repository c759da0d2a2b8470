"""Step: which units of some layers respond more to faces, or to houses, than to anything else."""

import pandas as pd

from anatomy.identity.features import mean_responses
from anatomy.identity.selectivity import identity_means, localizer_responses, selectivity
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv


def main(job: Job) -> None:
    """Test the units with the images of the localizer, or with the identities for training where there is none."""
    spec = job.spec
    network = open_network(job)
    manifest = job.path("localizer" if spec["localizer"] else "identities")
    samples = localizer_responses if spec["localizer"] else identity_means
    stimuli = open_stimuli(manifest)
    wanted = {network.layer(name).name for name in spec["layers"]}
    layers = [layer.name for layer in network.layers if layer.name in wanted]
    responses = mean_responses(network, stimuli, layers, spec["batch_size"])
    tables = []
    for layer, own in responses.items():
        table = selectivity(samples(own, stimuli.table), spec["level"])
        table.insert(0, "layer", layer)
        tables.append(table)
    write_csv(pd.concat(tables, ignore_index=True), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "identities", "localizer"], outputs=["table"])
