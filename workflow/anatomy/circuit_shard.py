"""The circuits of several categories on one recording, and the rows of their tables."""

import logging
from collections.abc import Mapping
from typing import Any

from anatomy.circuits import Circuit, Extraction, Settings, extract
from anatomy.errors import InputError
from anatomy.layer_scores import LayerScores
from anatomy.networks.connectivity import connected
from anatomy.output_units import CONVOLUTION, EVALUATION, EXTRACTION, FULLY_CONNECTED, OutputUnits
from anatomy.substitution_task import evaluate
from anatomy.tables import FOUND, NOT_ABOVE_CONSTANT, NOT_ABOVE_ZERO

log = logging.getLogger(__name__)


class Shard:
    """What all categories of a shard share.

    Parameters
    ----------
    settings : how circuits are extracted
    """

    def __init__(self, units: OutputUnits, settings: Settings) -> None:
        self._units = units
        self._settings = settings

    def extraction(self, category: str, scores: Mapping[str, LayerScores]) -> Extraction | None:
        """The circuits of a category, from the scores of its weights; None where there is none to extract."""
        units = self._units
        output = units.network.output(category)
        try:
            found = extract(
                units.network,
                output,
                scores,
                units.fully_connected,
                {
                    stage: units.target_logit(output, stage, EXTRACTION)
                    for stage in (FULLY_CONNECTED, CONVOLUTION)
                },
                units.task(output, EXTRACTION),
                self._settings,
            )
        except InputError as error:
            raise InputError(f"category {category!r}: {error}") from error
        if found is None:
            log.info("%s: no circuit, %s", category, self._outcome(output, None))
        return found

    def summary_rows(self, category: str, found: Extraction | None) -> list[dict[str, Any]]:
        """Rows of the table of circuits, one per threshold, but for their column `score`."""
        if found is None:
            return [
                self._about(category, threshold, None) | self._without_circuit(category)
                for threshold in self._settings.thresholds
            ]
        return [
            self._about(category, circuit.threshold, circuit)
            | self._fractions(category, circuit)
            | self._measures(category, circuit)
            for circuit in found.circuits
        ]

    def _about(self, category: str, threshold: float, circuit: Circuit | None) -> dict[str, Any]:
        return {
            "category": category,
            "super_category": self._units.super_category(category),
            "criterion": self._settings.criterion,
            "threshold": threshold,
            "outcome": self._outcome(self._units.network.output(category), circuit),
        }

    def _outcome(self, output: int, circuit: Circuit | None) -> str:
        if circuit is not None:
            return FOUND
        above_zero = self._units.task(output, EXTRACTION).unpruned().csa > 0
        return NOT_ABOVE_CONSTANT if above_zero else NOT_ABOVE_ZERO

    def _without_circuit(self, category: str) -> dict[str, float]:
        """What is known of a category without a circuit: its unpruned and its constant unit on new images."""
        output = self._units.network.output(category)
        extraction, new = (self._units.task(output, split) for split in (EXTRACTION, EVALUATION))
        measured = evaluate(new.target, extraction.unpruned().bias, extraction, new)
        return {"csa_unpruned": measured.csa_unpruned, "csa_bias_only": measured.csa_bias_only}

    def _measures(self, category: str, circuit: Circuit) -> dict[str, float]:
        output = self._units.network.output(category)
        extraction, new = (self._units.task(output, split) for split in (EXTRACTION, EVALUATION))
        target = self._units.target_logit(output, CONVOLUTION, EVALUATION)(circuit.masks)
        measured = evaluate(target, circuit.bias, extraction, new)
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

    def _fractions(self, category: str, circuit: Circuit) -> dict[str, float]:
        network, linear = self._units.network, self._units.fully_connected
        convolution = [name for name in circuit.masks if name not in linear]
        kept, size = circuit.kept()
        fractions = {"kept_fraction": kept / size, "removed_fraction": 1 - kept / size}
        for column, layers in (("kept_fraction_fc", linear), ("kept_fraction_conv", convolution)):
            if layers:
                kept_here, size_here = circuit.kept(layers)
                fractions[column] = kept_here / size_here
        paths = connected(network, circuit.masks, network.output(category))
        all_weights = sum(network.module(layer.name).weight.numel() for layer in network.layers)
        return fractions | {
            "kept_fraction_all_weights": kept / all_weights,
            "connected_fraction": sum(int(path.sum()) for path in paths.values()) / size,
        }


def sweep_rows(category: str, found: Extraction) -> list[dict[str, Any]]:
    """Rows of the table of sweeps."""
    return [
        {"category": category} | vars(point) | {"threshold": threshold}
        for threshold, points in found.points.items()
        for point in points
    ]
