"""The circuits of several categories on one recording, and the rows of their tables."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from anatomy.circuits import (
    Circuit,
    Evaluation,
    Settings,
    Stage,
    TargetLogit,
    Task,
    evaluate,
    extract,
)
from anatomy.errors import InputError
from anatomy.networks.cut import Suffix
from anatomy.networks.network import Network
from anatomy.recording import Batches, Recording
from anatomy.scores import LayerScores
from anatomy.stimuli.stimulus_set import StimulusSet

log = logging.getLogger(__name__)

EXTRACTION, EVALUATION = "extraction", "evaluation"


class Shard:
    """What all categories of a shard share: the network, its recording and the two sets of images.

    Parameters
    ----------
    settings : how circuits are extracted
    fully_connected : layers of the first stage
    batch_size : images that pass through the network at once
    """

    def __init__(
        self,
        network: Network,
        stimuli: StimulusSet,
        recording: Recording,
        settings: Settings,
        fully_connected: Sequence[str],
        batch_size: int,
    ) -> None:
        self._network = network
        self._stimuli = stimuli
        self._settings = settings
        self._fully_connected = list(fully_connected)
        # read once: every category's task is made from them
        self._logits = {split: recording.logits(split) for split in (EXTRACTION, EVALUATION)}
        self._outputs = {
            split: stimuli.outputs(stimuli.rows(split), network.categories)
            for split in (EXTRACTION, EVALUATION)
        }
        everything = [layer.name for layer in network.layers]
        self._suffixes: dict[Stage, Suffix] = {
            "fully_connected": network.suffix(fully_connected),
            "convolution": network.suffix(everything),
        }
        self._batches: dict[tuple[Stage, str], Batches] = {
            (stage, split): recording.batches(split, suffix.boundary, batch_size)
            for stage, suffix in self._suffixes.items()
            for split in (EXTRACTION, EVALUATION)
        }

    def circuit(self, category: str, scores: Mapping[str, LayerScores]) -> Circuit | None:
        """The circuit of a category, from the scores of its weights; None where there is none to extract."""
        output = self._network.output(category)
        try:
            circuit = extract(
                self._network,
                output,
                scores,
                self._fully_connected,
                {stage: self._target_logit(output, stage, EXTRACTION) for stage in self._suffixes},
                self._task(output, EXTRACTION),
                self._settings,
            )
        except InputError as error:
            raise InputError(f"category {category!r}: {error}") from error
        if circuit is None:
            log.info(
                "%s: the unpruned unit does no better than a constant one, no circuit", category
            )
        return circuit

    def summary_row(self, category: str, circuit: Circuit | None) -> dict[str, Any]:
        """A row of the table of circuits, but for its column `score`."""
        output = self._network.output(category)
        rows = self._stimuli.table["category"] == category
        about = {
            "category": category,
            "super_category": self._stimuli.table.loc[rows, "super_category"].iloc[0],
        }
        about |= {"criterion": self._settings.criterion, "threshold": self._settings.threshold}
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
        return Task.of(self._logits[split], self._outputs[split], output)

    def _target_logit(self, output: int, stage: Stage, split: str) -> TargetLogit:
        batches = self._batches[stage, split]
        return TargetLogit(self._network, output, self._suffixes[stage], batches)

    def _fractions(self, circuit: Circuit) -> dict[str, float]:
        linear = self._fully_connected
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
