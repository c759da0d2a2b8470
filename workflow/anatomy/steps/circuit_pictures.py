"""Step: the strongest units and connections of a shard's circuits, with a thumbnail of each unit."""

from collections.abc import Sequence

import pandas as pd

from anatomy.circuit_pictures import Thumbnails, picture_tables
from anatomy.mask_files import MaskFile
from anatomy.progress import track
from anatomy.recording import provenance
from anatomy.score_files import ScoreFile
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import CIRCUIT_CONNECTIONS, CIRCUIT_UNITS, write_parquet


def main(job: Job) -> None:
    """Draw up the tables of all categories that have a circuit."""
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    origin = provenance(network, stimuli) | {"score": job.spec["score"]}
    scores = ScoreFile(job.path("scores").with_suffix(".zarr"), job.path("scores"), origin)
    masks = MaskFile(job.path("masks").with_suffix(".zarr"), job.path("masks"))
    thumbnails = Thumbnails(network, stimuli, pd.read_parquet(job.path("top_images")))
    tables = [
        picture_tables(
            network,
            category,
            scores.read(category, network),
            masks.tensors(category, network.device),
            thumbnails,
        )
        for category in track(_with_circuit(job), f"pictures of {network.name}")
    ]
    units, connections = zip(*tables, strict=True) if tables else ((), ())
    write_parquet(_joined(units, list(CIRCUIT_UNITS)), job.path("units"))
    write_parquet(_joined(connections, list(CIRCUIT_CONNECTIONS)), job.path("connections"))


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Tables below one another, the empty ones left out: they know no types."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def _with_circuit(job: Job) -> list[str]:
    """The spec's categories without those for which there was no circuit to extract."""
    summary = pd.read_csv(job.path("summary"), dtype={"category": str})
    found = set(summary.loc[summary["kept_fraction"].notna(), "category"])
    return [category for category in job.spec["categories"] if category in found]


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "scores", "masks", "summary", "top_images"],
        outputs=["units", "connections"],
    )
