"""Category circuits: the sparsest network that still makes one output unit do its job (Andrade & Konkle).

Two stages. First the fully-connected layers are pruned (of the output layer only the category's row exists), with
the convolutions intact; then the convolutions, with the fully-connected circuit fixed. In each stage weights are
removed from the lowest score over a grid of removed fractions; at each, the best bias of the output unit is found
exactly and circuit substitution accuracy measured. The curve is not monotone, so the whole grid is measured and
refined where the criterion first fails; nothing is bisected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.masks import LayerwiseRanking, Ranking, Scope, rank
from anatomy.networks.cut import Suffix
from anatomy.networks.network import Network
from anatomy.scores import LayerScores, Normalisation, normalise
from anatomy.substitution import (
    Fit,
    area_under_curve,
    best_bias,
    bias_only,
    correlation,
    faithfulness,
    measure,
    rivals,
)

Stage = Literal["fully_connected", "convolution"]
Masks = dict[str, Tensor]


@dataclass(frozen=True)
class Settings:
    """How circuits are extracted; see the configuration's section circuits for each key."""

    normalisation: Normalisation
    scope: Scope
    criterion: Literal["faithfulness", "csa"]
    threshold: float
    choose: Literal["before_first_failure", "sparsest"]
    removed_fractions: tuple[float, ...]
    refinement: int


@dataclass(frozen=True)
class Task:
    """What a category's output unit has to do on one set of images.

    Attributes
    ----------
    target : (image,) unpruned logit of the category, float64
    rivals : (image,) largest other unpruned logit
    is_category : (image,) boolean
    """

    target: NDArray[np.float64]
    rivals: NDArray[np.float64]
    is_category: NDArray[np.bool_]

    @classmethod
    def of(cls, logits: NDArray[np.float32], outputs: NDArray[np.int64], output: int) -> "Task":
        """From unpruned logits (image, output) and the right output of each image."""
        return cls(logits[:, output].astype(np.float64), rivals(logits, output), outputs == output)

    def fit(self, target_logits: NDArray[np.float64]) -> Fit:
        """Best bias, CSA, hits and false alarms of a substituted logit (image,)."""
        return best_bias(target_logits, self.rivals, self.is_category)

    def unpruned(self) -> Fit:
        """The unpruned output unit after its own best bias."""
        return self.fit(self.target)

    def bias_only(self) -> Fit:
        """A constant output unit with its best bias: the null of CSA."""
        return bias_only(self.rivals, self.is_category)


@dataclass(frozen=True)
class SweepPoint:
    """One point of a pruning sweep; fractions are of the stage's weights that can reach the output unit."""

    stage: Stage
    removed_fraction: float
    kept_fraction: float
    bias: float
    csa: float
    faithfulness: float
    hits: float
    false_alarms: float


@dataclass(frozen=True)
class Circuit:
    """A category's circuit.

    Attributes
    ----------
    masks : layer -> boolean, True = kept. The output layer's mask has one row only, the category's.
    bias : added to the category's logit
    csa_extraction : circuit substitution accuracy on the extraction images
    points : all points of both sweeps
    """

    masks: Masks
    bias: float
    csa_extraction: float
    points: tuple[SweepPoint, ...]

    def kept(self, layers: Iterable[str] | None = None) -> tuple[int, int]:
        """(kept, all) weights of some layers, or of all; of the output layer the category's row counts."""
        chosen = [self.masks[layer] for layer in (self.masks if layers is None else layers)]
        return sum(int(mask.sum()) for mask in chosen), sum(mask.numel() for mask in chosen)


class TargetLogit:
    """The logit of one output unit under weight masks, for all images of a set.

    Parameters
    ----------
    output : index of the output unit; of the output layer only this row is computed
    suffix : part of the network that depends on the layers to be masked
    batches : what the suffix reads, batch by batch
    """

    def __init__(
        self, network: Network, output: int, suffix: Suffix, batches: Iterable[Mapping[str, Tensor]]
    ) -> None:
        self._network = network
        self._output = output
        self._suffix = suffix
        self._batches = batches
        self._fixed: dict[str, Tensor] = self._output_row()

    def with_fixed(self, masks: Mapping[str, Tensor]) -> "TargetLogit":
        """The same with some masks applied once and for all."""
        fixed = TargetLogit(self._network, self._output, self._suffix, self._batches)
        fixed._fixed = self._masked(masks)
        return fixed

    def __call__(self, masks: Mapping[str, Tensor]) -> NDArray[np.float64]:
        """Logit (image,) with the weights that are False in `masks` at zero."""
        weights = self._masked(masks)
        with torch.inference_mode():
            logits = [self._suffix(values, weights)[:, 0] for values in self._batches]
        return torch.cat(logits).cpu().numpy().astype(np.float64)

    def _output_row(self) -> dict[str, Tensor]:
        last = self._network.output_layer
        row = slice(self._output, self._output + 1)
        return {
            f"{last.path}.{key}": parameter[row]
            for key, parameter in self._network.module(last.name).named_parameters(recurse=False)
        }

    def _masked(self, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights by full name: those fixed before, and the masked ones."""
        weights = dict(self._fixed)
        for name, mask in masks.items():
            key = f"{self._network.layer(name).path}.weight"
            weights[key] = weights.get(key, self._network.module(name).weight) * mask
        return weights


def extract(
    network: Network,
    output: int,
    scores: Mapping[str, LayerScores],
    fully_connected: Sequence[str],
    target_logits: Mapping[Stage, TargetLogit],
    task: Task,
    settings: Settings,
) -> Circuit | None:
    """The circuit of one category, or None where the criterion has no positive value to preserve.

    That is so when the unpruned output unit does no better than a constant one (criterion faithfulness), or when its
    CSA is not above 0 (criterion csa).

    Parameters
    ----------
    scores : layer -> scores of its weights for this category
    fully_connected : layers of the first stage; all others are the second
    target_logits : evaluates masks on the extraction images, for each stage
    task : on the extraction images
    """
    criterion = Criterion.of(task, settings)
    if not criterion.unpruned > 0:
        return None
    stages: dict[Stage, list[str]] = {
        "fully_connected": list(fully_connected),
        "convolution": [
            layer.name for layer in network.layers if layer.name not in fully_connected
        ],
    }
    masks: Masks = {}
    points: list[SweepPoint] = []
    chosen: SweepPoint | None = None
    for stage, layers in stages.items():
        if layers:
            dense = _stage_scores(network, output, {name: scores[name] for name in layers})
            if stage == "fully_connected":
                dense = normalise(dense, settings.normalisation)
            sweep = Sweep(
                stage, rank(dense, settings.scope), target_logits[stage], masks, criterion
            )
            fraction = sweep.run(settings)
            masks = masks | sweep.masks_at(fraction)
            chosen = sweep.points[fraction]
            points += [sweep.points[f] for f in sorted(sweep.points)]
    ordered = {layer.name: masks[layer.name] for layer in network.layers}
    return Circuit(ordered, chosen.bias, chosen.csa, tuple(points))


@dataclass(frozen=True)
class Criterion:
    """What a circuit must preserve on the extraction images.

    Attributes
    ----------
    unpruned : value of the criterion in the unpruned network (1 for faithfulness)
    """

    task: Task
    kind: Literal["faithfulness", "csa"]
    threshold: float
    csa_unpruned: float
    csa_bias_only: float

    @classmethod
    def of(cls, task: Task, settings: Settings) -> "Criterion":
        """The criterion of a task, with the two reference values of CSA after their own best bias."""
        unpruned, null = task.unpruned().csa, task.bias_only().csa
        return cls(task, settings.criterion, settings.threshold, unpruned, null)

    @property
    def unpruned(self) -> float:
        """Value of the criterion in the unpruned network; NaN where faithfulness is not defined."""
        return self.csa_unpruned if self.kind == "csa" else self.faithfulness(self.csa_unpruned)

    def faithfulness(self, csa: float) -> float:
        """Faithfulness that belongs to a CSA on these images."""
        return faithfulness(csa, self.csa_unpruned, self.csa_bias_only)

    def holds(self, point: SweepPoint) -> bool:
        """Whether a point of a sweep preserves enough."""
        value = point.csa if self.kind == "csa" else point.faithfulness
        return value >= self.threshold * self.unpruned


class Sweep:
    """One stage's pruning sweep: measures removed fractions and finds the one to keep.

    Attributes
    ----------
    points : removed fraction asked for -> what was measured there
    """

    def __init__(
        self,
        stage: Stage,
        ranking: Ranking | LayerwiseRanking,
        target_logit: TargetLogit,
        fixed: Masks,
        criterion: Criterion,
    ) -> None:
        self._stage = stage
        self._ranking = ranking
        self._target_logit = target_logit.with_fixed(fixed)
        self._criterion = criterion
        self.points: dict[float, SweepPoint] = {}

    def masks_at(self, fraction: float) -> Masks:
        """The stage's masks at a removed fraction."""
        return self._ranking.mask_at(fraction)

    def run(self, settings: Settings) -> float:
        """Measure the grid, refine where the criterion fails, and return the removed fraction to keep."""
        for fraction in settings.removed_fractions:
            self._measure(fraction)
        low, high = self._limits(settings.choose)
        if high is not None:
            for fraction in np.linspace(low, high, settings.refinement + 2)[1:-1]:
                self._measure(float(fraction))
        return self._limits(settings.choose)[0]

    def _measure(self, fraction: float) -> None:
        masks = self.masks_at(fraction)
        fit = self._criterion.task.fit(self._target_logit(masks))
        kept = sum(int(mask.sum()) for mask in masks.values())
        self.points[fraction] = SweepPoint(
            stage=self._stage,
            removed_fraction=1 - kept / self._ranking.size,
            kept_fraction=kept / self._ranking.size,
            bias=fit.bias,
            csa=fit.csa,
            faithfulness=self._criterion.faithfulness(fit.csa),
            hits=fit.hits,
            false_alarms=fit.false_alarms,
        )

    def _limits(
        self, choose: Literal["before_first_failure", "sparsest"]
    ) -> tuple[float, float | None]:
        """The fraction to keep, and the next sparser one, which fails (None where none does).

        The first fraction of the grid is 0: nothing removed in this stage always counts as holding.
        """
        fractions = sorted(self.points)
        holds = [self._criterion.holds(self.points[fraction]) for fraction in fractions]
        holds[0] = True
        if choose == "sparsest":
            last = max(place for place, held in enumerate(holds) if held)
        else:
            last = holds.index(False) - 1 if False in holds else len(holds) - 1
        following = fractions[last + 1] if last + 1 < len(fractions) else None
        return fractions[last], following


def full_masks(
    network: Network, output: int, circuit: Circuit | None
) -> dict[str, NDArray[np.bool_]]:
    """Layer -> mask of the whole weight tensor; without a circuit every weight is kept.

    Of the output layer a circuit holds the category's row; the other rows are not part of it.
    """
    masks = {}
    for layer in network.layers:
        mask = np.ones(layer.weight_shape, dtype=bool)
        if circuit is not None:
            own = circuit.masks[layer.name].cpu().numpy()
            if layer == network.output_layer:
                mask[:] = False
                mask[output] = own[0]
            else:
                mask = own
        masks[layer.name] = mask
    return masks


@dataclass(frozen=True)
class Evaluation:
    """A circuit on new images, with every bias fitted on the extraction images.

    Attributes
    ----------
    csa_unpruned, csa_bias_only : CSA of the unpruned output unit, and of a constant one
    csa, hits, false_alarms : of the circuit
    faithfulness : (csa - csa_bias_only) / (csa_unpruned - csa_bias_only); NaN where that is not defined
    auc : area under the ROC curve of the circuit's logit
    logit_correlation : Pearson correlation of the circuit's logit with the unpruned one
    """

    csa_unpruned: float
    csa_bias_only: float
    csa: float
    faithfulness: float
    hits: float
    false_alarms: float
    auc: float
    logit_correlation: float


def evaluate(
    target_logits: NDArray[np.float64], bias: float, extraction: Task, evaluation: Task
) -> Evaluation:
    """Measure a circuit's logit (image,) on new images.

    The references, the unpruned output unit and the constant one, get the biases that are best for them on the
    extraction images, as the circuit did: so all three are measured on images that chose nothing.
    """
    new = evaluation
    fitted = extraction.unpruned().bias, extraction.bias_only().bias
    unpruned = measure(new.target, new.rivals, new.is_category, fitted[0])
    constant = measure(np.zeros_like(new.target), new.rivals, new.is_category, fitted[1])
    circuit = measure(target_logits, new.rivals, new.is_category, bias)
    return Evaluation(
        csa_unpruned=unpruned.csa,
        csa_bias_only=constant.csa,
        csa=circuit.csa,
        faithfulness=faithfulness(circuit.csa, unpruned.csa, constant.csa),
        hits=circuit.hits,
        false_alarms=circuit.false_alarms,
        auc=area_under_curve(target_logits, new.is_category),
        logit_correlation=correlation(target_logits, new.target),
    )


def _stage_scores(
    network: Network, output: int, scores: Mapping[str, LayerScores]
) -> dict[str, Tensor]:
    """Dense scores of a stage's weights; of the output layer only the category's row, as a row of one."""
    last = network.output_layer.name
    return {
        name: own.row(network.module(name).weight, output)[None]
        if name == last
        else own.dense(network.module(name).weight)
        for name, own in scores.items()
    }
