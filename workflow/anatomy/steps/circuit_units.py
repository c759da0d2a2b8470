"""Step: how much of each unit the circuits of a shard of categories use."""

import pandas as pd
import torch

from anatomy.joined.circuit_units import kept_of_units
from anatomy.mask_files import MaskFile
from anatomy.progress import track
from anatomy.steps.opening import open_network
from anatomy.steps.step import Job, run_step
from anatomy.tables import CIRCUIT_UNIT_SHARES, write_parquet


def main(job: Job) -> None:
    """Follow the paths of each circuit; categories without one have no rows."""
    network = open_network(job)
    masks = MaskFile(job.path("masks").with_suffix(".zarr"), job.path("masks"))
    summary = pd.read_csv(job.path("summary"), dtype={"category": str})
    found = summary.dropna(subset=["kept_fraction"]).set_index("category")["super_category"]
    tables = [pd.DataFrame(columns=list(CIRCUIT_UNIT_SHARES))]
    for category in track(job.spec["categories"], f"units of circuits of {network.name}"):
        if category in found.index:
            own = {
                layer.name: torch.from_numpy(masks.mask(category, layer.name)).to(network.device)
                for layer in network.layers
            }
            kept = kept_of_units(network, own, category)
            tables.append(kept.assign(category=category, super_category=found[category]))
    table = pd.concat(tables[1:] or tables, ignore_index=True)
    write_parquet(table[list(CIRCUIT_UNIT_SHARES)], job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "masks", "summary"], outputs=["table"])
