"""What circuits are to be compared with: other sets of weights for the same output unit, on new images.

Equally many weights of each stage chosen by magnitude or at random; the circuits of other categories; the network
without the circuit, which shows whether the circuit is necessary; the unpruned unit and a constant one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from anatomy.canonical import digest
from anatomy.circuits import stage_layers, stage_rankings
from anatomy.layer_scores import LayerScores, Normalisation
from anatomy.mask_files import MaskFile
from anatomy.masks import Scope
from anatomy.output_units import CONVOLUTION, EVALUATION, EXTRACTION, OutputUnits
from anatomy.scores import weight_scores
from anatomy.substitution_task import evaluate
from anatomy.target_logit import Masks

Control = Literal["magnitude", "random", "other_same", "other_different", "circuit_removed"]
RANDOM_SEED = 1
MEASURES = ("csa", "faithfulness", "hits", "false_alarms", "auc", "logit_correlation")


class Controls:
    """The controls of the circuits of a network.

    Parameters
    ----------
    masks : the circuits of all categories
    summary : table of these circuits
    normalisation, scope : how the circuits' weights were ranked; those of magnitude and random are ranked so, too
    """

    def __init__(
        self,
        units: OutputUnits,
        masks: MaskFile,
        summary: pd.DataFrame,
        normalisation: Normalisation,
        scope: Scope,
    ) -> None:
        self._units = units
        self._network = units.network
        self._masks = masks
        self._circuits = summary.dropna(subset=["kept_fraction"]).set_index("category")
        self._normalisation = normalisation
        self._scope = scope

    def rows(self, category: str, wanted: Sequence[Control]) -> Iterator[dict[str, Any]]:
        """Rows of the table of controls for one category; none if it has no circuit."""
        if category not in self._circuits.index:
            return
        yield self._row(category, "circuit", **self._of_circuit(category))
        yield self._reference(category, "unpruned")
        yield self._reference(category, "constant")
        for control in wanted:
            other = self._other(category, control)
            if control.startswith("other") and other is None:
                continue
            masks = self._control_masks(category, control, other)
            yield self._row(category, control, other=other, **self._measured(category, masks))

    def _row(
        self, category: str, control: str, other: str | None = None, **measures: float
    ) -> dict[str, Any]:
        about = {"category": category, "control": control, "other": other}
        about["super_category"] = self._circuits.loc[category, "super_category"]
        return about | measures

    def _of_circuit(self, category: str) -> dict[str, float]:
        """What the table of circuits says already."""
        row = self._circuits.loc[category].rename({"csa_evaluation": "csa"})
        return {key: float(row[key]) for key in ("kept_fraction", "bias", *MEASURES)}

    def _reference(self, category: str, control: Literal["unpruned", "constant"]) -> dict[str, Any]:
        output = self._network.output(category)
        extraction, new = (self._units.task(output, split) for split in (EXTRACTION, EVALUATION))
        fit = extraction.unpruned() if control == "unpruned" else extraction.bias_only()
        target = new.target if control == "unpruned" else np.zeros_like(new.target)
        measured = vars(evaluate(target, fit.bias, extraction, new))
        chosen = {key: measured[key] for key in MEASURES}
        kept = 1.0 if control == "unpruned" else 0.0
        return self._row(category, control, kept_fraction=kept, bias=fit.bias, **chosen)

    def _measured(self, category: str, masks: Masks) -> dict[str, float]:
        """A set of weights with its own best bias: fitted on the extraction images, measured on new ones."""
        output = self._network.output(category)
        extraction, new = (self._units.task(output, split) for split in (EXTRACTION, EVALUATION))
        logits = {
            split: self._units.target_logit(output, CONVOLUTION, split)(masks)
            for split in (EXTRACTION, EVALUATION)
        }
        bias = extraction.fit(logits[EXTRACTION]).bias
        measured = vars(evaluate(logits[EVALUATION], bias, extraction, new))
        kept = sum(int(mask.sum()) for mask in masks.values())
        size = sum(mask.numel() for mask in masks.values())
        return {"kept_fraction": kept / size, "bias": bias} | {k: measured[k] for k in MEASURES}

    def _control_masks(self, category: str, control: Control, other: str | None) -> Masks:
        circuit = self._circuit_masks(category)
        if control == "circuit_removed":
            return {name: ~mask for name, mask in circuit.items()}
        if other is not None:
            # the other unit's own row of the output layer says nothing about this unit
            last = self._network.output_layer.name
            return self._circuit_masks(other) | {last: circuit[last]}
        names = [layer.name for layer in self._network.layers]
        scores = weight_scores(control, RANDOM_SEED, category, names)
        return self._as_many(category, circuit, scores)

    def _as_many(self, category: str, circuit: Masks, scores: Mapping[str, LayerScores]) -> Masks:
        """As many weights of each stage as the circuit has, by other scores."""
        rankings = stage_rankings(
            self._network,
            self._network.output(category),
            scores,
            self._units.fully_connected,
            self._normalisation,
            self._scope,
        )
        masks: Masks = {}
        for stage, layers in stage_layers(self._network, self._units.fully_connected).items():
            kept = sum(int(circuit[name].sum()) for name in layers)
            masks |= rankings[stage].mask_at(1 - kept / rankings[stage].size)
        return masks

    def _circuit_masks(self, category: str) -> Masks:
        """Masks of a category's circuit; of the output layer its own row, as a row of one."""
        masks = self._masks.tensors(category, self._network.device)
        last, output = self._network.output_layer.name, self._network.output(category)
        return masks | {last: masks[last][output : output + 1]}

    def _other(self, category: str, control: Control) -> str | None:
        """Another category with a circuit, of the same or another super-category, drawn by a hash.

        So the draw does not depend on how categories are grouped in jobs.
        """
        if not control.startswith("other"):
            return None
        own = self._circuits.loc[category, "super_category"]
        same = self._circuits["super_category"] == own
        candidates = self._circuits.index[same if control == "other_same" else ~same]
        others = [other for other in candidates if other != category]
        return min(others, key=lambda other: digest([category, other]), default=None)
