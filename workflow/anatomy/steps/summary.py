"""Step: the headline numbers of all networks and methods in one tidy table."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from anatomy.canonical import read_json
from anatomy.joined.headlines import (
    cluster_circuit_headlines,
    concept_lesion_headlines,
    concept_vector_headlines,
    enrichment_headlines,
)
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import open_store, read_array, read_rows
from anatomy.summary import (
    Row,
    circuit_rows,
    cluster_rows,
    control_rows,
    dissection_rows,
    identity_rows,
    intervention_rows,
    joined_rows,
    knockout_rows,
    network_rows,
    overlap_rows,
    table,
)
from anatomy.tables import read_clusters, write_csv

SPLIT = "evaluation"
# what users name, which may look like numbers
NAMES = {"category": str, "super_category": str, "concept": str, "layer": str}
# inputs with joined results -> what is made of each
JOINED = {
    "enrichment": enrichment_headlines,
    "concept_lesions": concept_lesion_headlines,
    "cluster_circuits": cluster_circuit_headlines,
    "concept_vectors": concept_vector_headlines,
}


def main(job: Job) -> None:
    """Collect the rows, network by network."""
    rows: list[Row] = []
    for network in job.spec["networks"]:
        for method, own in _methods(job, network):
            rows += [{"network": network, "method": method} | row for row in own]
    write_csv(table(rows), job.path("table"))


def _methods(job: Job, network: str) -> Iterator[tuple[str, Iterator[Row]]]:
    (described,) = _of(job.paths("networks"), network)
    categories = read_json(described)["categories"]
    recordings = _of(job.paths("recordings"), network)
    for manifest in recordings:
        rows = _network_rows(job, manifest, categories)
        if len(recordings) > 1:  # two stimulus sets: say which
            rows = (row | {"group": f"{manifest.stem}: {row['group']}"} for row in rows)
        yield "network", rows
    for path in _of(job.paths("circuits"), network):
        yield "circuits", circuit_rows(pd.read_csv(path))
    for path in _of(job.paths("controls"), network):
        yield "circuits", control_rows(pd.read_csv(path))
    for path in _of(job.paths("overlaps"), network):
        yield "circuits", overlap_rows(pd.read_csv(path))
    for path in _of(job.paths("knockouts"), network):
        yield "knockouts", knockout_rows(pd.read_csv(path), 1 / len(categories))
    losses = _of(job.paths("cluster_losses"), network)
    for lesions, own in zip(_of(job.paths("cluster_lesions"), network), losses, strict=True):
        tables = read_clusters(lesions), read_clusters(own)
        yield "clusters", cluster_rows(*tables, job.spec["recognised_as"])
    rotations = [pd.read_csv(path) for path in _of(job.paths("rotations"), network)]
    for path in _of(job.paths("detectors"), network):
        yield "dissection", dissection_rows(pd.read_csv(path), next(iter(rotations), None))
    for path in _of(job.paths("manipulation"), network):
        yield "activations", intervention_rows(pd.read_parquet(path))
    dissociation = _of(job.paths("dissociation"), network)
    for accuracy, own in zip(_of(job.paths("accuracy"), network), dissociation, strict=True):
        yield "identity", identity_rows(pd.read_csv(accuracy), pd.read_csv(own))
    for name, headlines in JOINED.items():
        for path in _of(job.paths(name), network):
            yield "joined", joined_rows(headlines(pd.read_csv(path, dtype=NAMES)))


def _of(paths: list[Path], network: str) -> list[Path]:
    """The files that belong to a network: results/NETWORK/..."""
    return [path for path in paths if path.parts[1] == network]


def _network_rows(job: Job, manifest: Path, categories: list[str]) -> Iterator[Row]:
    """Performance of the intact network, from the logits it was recorded with."""
    (stimuli_manifest,) = [p for p in job.paths("stimuli") if p.stem == manifest.stem]
    stimuli = StimulusSet.beside(stimuli_manifest)
    group = open_store(manifest.with_suffix(".zarr"), manifest, {"stimuli": stimuli.digest})
    logits = read_rows(read_array(group, f"{SPLIT}/logits"), slice(None))
    rows = stimuli.rows(SPLIT)
    super_categories = stimuli.table["super_category"].iloc[rows].tolist()
    return network_rows(logits, stimuli.outputs(rows, categories), super_categories)


if __name__ == "__main__":
    run_step(
        main,
        inputs=[
            *("networks", "recordings", "stimuli"),
            *("circuits", "controls", "overlaps", "knockouts"),
            *("cluster_lesions", "cluster_losses", "detectors", "rotations"),
            *("manipulation", "accuracy", "dissociation"),
            *("enrichment", "concept_lesions", "cluster_circuits", "concept_vectors"),
        ],
        outputs=["table"],
    )
