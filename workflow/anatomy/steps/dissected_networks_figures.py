"""Step: figure of what the layers of all networks detect."""

import pandas as pd

from anatomy.figures.dissection_networks import networks
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw from the tables of the networks, results/NETWORK/..."""
    tables = [pd.read_csv(path).assign(network=path.parts[1]) for path in job.paths("tables")]
    save(networks(pd.concat(tables, ignore_index=True)), job.path("networks"))


if __name__ == "__main__":
    run_step(main, inputs=["tables"], outputs=["networks"])
