"""Step: circuits of a shard of categories, extracted and evaluated on new images."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.circuits import (
    Circuit,
    Evaluation,
    Settings,
    Stage,
    TargetLogit,
    Task,
    evaluate,
    extract,
    full_masks,
)
from anatomy.errors import InputError
from anatomy.mask_files import write_masks
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.recording import Batches, Recording, provenance
from anatomy.score_files import ScoreFile
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.tables import CIRCUIT_SUMMARY, CIRCUIT_SWEEP, write_parquet

log = logging.getLogger(__name__)

EXTRACTION, EVALUATION = "extraction", "evaluation"
SETTINGS = (
    *("normalisation", "scope", "criterion", "threshold", "choose"),
    *("removed_fractions", "refinement"),
)


def main(job: Job) -> None:
    """Extract and evaluate; masks go to a store, sweep and summary to tables."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("recording"), network, stimuli)
    origin = provenance(network, stimuli)
    manifest = job.path("scores")
    scores = ScoreFile(manifest.with_suffix(".zarr"), manifest, origin | {"score": spec["score"]})
    shard = Shard(network, stimuli, recording, spec)
    circuits: dict[str, Circuit | None] = {}

    def masks() -> Iterator[tuple[str, Mapping[str, NDArray[np.bool_]]]]:
        for category in track(spec["categories"], f"circuits of {network.name}"):
            circuit = shard.circuit(category, scores)
            circuits[category] = circuit
            yield category, full_masks(network, network.output(category), circuit)

    write_masks(
        masks(),
        spec["categories"],
        network.layers,
        job.path("masks"),
        job.path("manifest"),
        origin | {key: spec[key] for key in ("score", *SETTINGS)},
    )
    sweep = [row for category, c in circuits.items() if c for row in sweep_rows(category, c)]
    summary = [shard.summary_row(category, circuit) for category, circuit in circuits.items()]
    write_parquet(pd.DataFrame(sweep, columns=list(CIRCUIT_SWEEP)), job.path("sweep"))
    write_parquet(pd.DataFrame(summary, columns=list(CIRCUIT_SUMMARY)), job.path("summary"))


class Shard:
    """What all categories of a shard share: the network, its recording and the two sets of images."""

    def __init__(
        self, network: Network, stimuli: StimulusSet, recording: Recording, spec: dict[str, Any]
    ) -> None:
        self._network = network
        self._stimuli = stimuli
        self._recording = recording
        self._spec = spec
        everything = [layer.name for layer in network.layers]
        self._suffixes: dict[Stage, Any] = {
            "fully_connected": network.suffix(spec["fully_connected"]),
            "convolution": network.suffix(everything),
        }
        self._batches: dict[tuple[Stage, str], Batches] = {
            (stage, split): recording.batches(split, suffix.boundary, spec["batch_size"])
            for stage, suffix in self._suffixes.items()
            for split in (EXTRACTION, EVALUATION)
        }

    def circuit(self, category: str, scores: ScoreFile) -> Circuit | None:
        """The circuit of a category, or None where there is none to extract."""
        output = self._network.output(category)
        try:
            circuit = extract(
                self._network,
                output,
                scores.read(category, self._network),
                self._spec["fully_connected"],
                {stage: self._target_logit(output, stage, EXTRACTION) for stage in self._suffixes},
                self._task(output, EXTRACTION),
                Settings(**{key: self._spec[key] for key in SETTINGS}),
            )
        except InputError as error:
            raise InputError(f"category {category!r}: {error}") from error
        if circuit is None:
            log.info(
                "%s: the unpruned unit does no better than a constant one, no circuit", category
            )
        return circuit

    def summary_row(self, category: str, circuit: Circuit | None) -> dict[str, Any]:
        """A row of the table of circuits."""
        output = self._network.output(category)
        rows = self._stimuli.table["category"] == category
        about = {
            "category": category,
            "super_category": self._stimuli.table.loc[rows, "super_category"].iloc[0],
        }
        about |= {key: self._spec[key] for key in ("score", "criterion", "threshold")}
        extraction, evaluation = self._task(output, EXTRACTION), self._task(output, EVALUATION)
        if circuit is None:
            measured = evaluate(
                evaluation.target, extraction.unpruned().bias, extraction, evaluation
            )
            return about | {
                "csa_unpruned": measured.csa_unpruned,
                "csa_bias_only": measured.csa_bias_only,
            }
        target = self._target_logit(output, "convolution", EVALUATION)(circuit.masks)
        measured = evaluate(target, circuit.bias, extraction, evaluation)
        return about | self._fractions(circuit) | _measures(circuit, measured)

    def _task(self, output: int, split: str) -> Task:
        rows = self._stimuli.rows(split)
        categories = self._stimuli.table["category"].iloc[rows]
        outputs = categories.map(self._network.output).to_numpy(dtype=np.int64)
        return Task.of(self._recording.logits(split), outputs, output)

    def _target_logit(self, output: int, stage: Stage, split: str) -> TargetLogit:
        batches = self._batches[stage, split]
        return TargetLogit(self._network, output, self._suffixes[stage], batches)

    def _fractions(self, circuit: Circuit) -> dict[str, float]:
        linear = self._spec["fully_connected"]
        convolution = [name for name in circuit.masks if name not in linear]
        kept, size = circuit.kept()
        fractions = {"kept_fraction": kept / size, "removed_fraction": 1 - kept / size}
        for column, layers in (("kept_fraction_fc", linear), ("kept_fraction_conv", convolution)):
            if layers:
                kept, size = circuit.kept(layers)
                fractions[column] = kept / size
        return fractions


def sweep_rows(category: str, circuit: Circuit) -> list[dict[str, Any]]:
    """Rows of the table of sweeps."""
    return [{"category": category} | vars(point) for point in circuit.points]


def _measures(circuit: Circuit, measured: Evaluation) -> dict[str, float]:
    return {
        "bias": circuit.bias,
        "csa_unpruned": measured.csa_unpruned,
        "csa_bias_only": measured.csa_bias_only,
        "csa_extraction": circuit.csa_extraction,
        "csa_evaluation": measured.csa,
        "faithfulness": measured.faithfulness,
        "hits": measured.hits,
        "false_alarms": measured.false_alarms,
        "auc": measured.auc,
        "logit_correlation": measured.logit_correlation,
    }


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "recording", "scores"],
        outputs=["masks", "manifest", "sweep", "summary"],
    )
