"""Category circuits: the sparsest network that still makes one output unit do its job (Andrade & Konkle).

Two stages. First the fully-connected layers are pruned (of the output layer only the category's row exists), with
the convolutions intact; then the convolutions, with the fully-connected circuit fixed. In each stage weights are
removed from the lowest score over a grid of removed fractions; at each, the best bias of the output unit is found
exactly and circuit substitution accuracy measured. The curve is not monotone, so nothing is bisected: points are
measured in the order of the grid until the choice is certain, or all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anatomy.layer_scores import LayerScores, Normalisation, normalise
from anatomy.masks import LayerwiseRanking, Ranking, Scope, rank
from anatomy.networks.network import Network
from anatomy.output_units import CONVOLUTION, FULLY_CONNECTED, Stage
from anatomy.substitution import faithfulness
from anatomy.substitution_task import Task
from anatomy.target_logit import Masks, TargetLogit

CriterionKind = Literal["faithfulness", "csa"]
ChoiceRule = Literal["before_first_failure", "sparsest"]


@dataclass(frozen=True)
class Settings:
    """How circuits are extracted; see the configuration's section circuits for each key."""

    normalisation: Normalisation
    scope: Scope
    criterion: CriterionKind
    thresholds: tuple[float, ...]
    choose: ChoiceRule
    removed_fractions: tuple[float, ...]
    refinement: int
    sweep: Literal["complete", "deciding"]


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
    threshold : share of the criterion's unpruned value that it preserves on the extraction images
    masks : layer -> boolean, True = kept. The output layer's mask has one row only, the category's.
    bias : added to the category's logit
    csa_extraction : circuit substitution accuracy on the extraction images
    """

    threshold: float
    masks: Masks
    bias: float
    csa_extraction: float

    def kept(self, layers: Iterable[str] | None = None) -> tuple[int, int]:
        """(kept, all) weights of some layers, or of all; of the output layer the category's row counts."""
        chosen = [self.masks[layer] for layer in (self.masks if layers is None else layers)]
        return sum(int(mask.sum()) for mask in chosen), sum(mask.numel() for mask in chosen)


@dataclass(frozen=True)
class Extraction:
    """The circuits of one category and how they were found.

    Attributes
    ----------
    circuits : one per threshold, in the order of the settings
    points : threshold -> points of both stages that it was chosen from, by stage and removed fraction
    """

    circuits: tuple[Circuit, ...]
    points: Mapping[float, tuple[SweepPoint, ...]]


def extract(
    network: Network,
    output: int,
    scores: Mapping[str, LayerScores],
    fully_connected: Sequence[str],
    target_logits: Mapping[Stage, TargetLogit],
    task: Task,
    settings: Settings,
) -> Extraction | None:
    """The circuits of one category, or None where the criterion has no positive value to preserve.

    That is so when the unpruned output unit does no better than a constant one (criterion faithfulness), or when its
    CSA is not above 0 (criterion csa).

    Parameters
    ----------
    scores : layer -> scores of its weights for this category
    fully_connected : layers of the first stage; all others are the second
    target_logits : evaluates masks on the extraction images, for each stage
    task : on the extraction images
    """
    criterion = Criterion.of(task, settings.criterion)
    if not criterion.unpruned > 0:
        return None
    rankings = stage_rankings(
        network, output, scores, fully_connected, settings.normalisation, settings.scope
    )
    first = Sweep(
        FULLY_CONNECTED, rankings[FULLY_CONNECTED], target_logits[FULLY_CONNECTED], criterion
    )
    chosen = {threshold: first.choose(settings, threshold) for threshold in settings.thresholds}
    found: dict[float, tuple[Circuit, tuple[SweepPoint, ...]]] = {}
    for fraction in dict.fromkeys(choice.fraction for choice in chosen.values()):
        masks = first.masks_at(fraction)
        second = None
        if CONVOLUTION in rankings:
            fixed = target_logits[CONVOLUTION].with_fixed(masks)
            second = Sweep(CONVOLUTION, rankings[CONVOLUTION], fixed, criterion)
        for threshold, choice in chosen.items():
            if choice.fraction == fraction:
                found[threshold] = _complete(network, masks, choice, second, threshold, settings)
    return Extraction(
        circuits=tuple(found[threshold][0] for threshold in settings.thresholds),
        points={threshold: found[threshold][1] for threshold in settings.thresholds},
    )


def stage_layers(network: Network, fully_connected: Sequence[str]) -> dict[Stage, list[str]]:
    """The layers of each stage, in network order; a network without convolutions has one stage."""
    others = [layer.name for layer in network.layers if layer.name not in fully_connected]
    stages = {FULLY_CONNECTED: list(fully_connected), CONVOLUTION: others}
    return {stage: layers for stage, layers in stages.items() if layers}


def stage_rankings(
    network: Network,
    output: int,
    scores: Mapping[str, LayerScores],
    fully_connected: Sequence[str],
    normalisation: Normalisation,
    scope: Scope,
) -> dict[Stage, Ranking | LayerwiseRanking]:
    """The order of removal in each stage; scores of the fully-connected layers alone are normalised."""
    return {
        stage: stage_ranking(
            network,
            output,
            {name: scores[name] for name in layers},
            normalisation if stage == FULLY_CONNECTED else "none",
            scope,
        )
        for stage, layers in stage_layers(network, fully_connected).items()
    }


def stage_ranking(
    network: Network,
    output: int,
    scores: Mapping[str, LayerScores],
    normalisation: Normalisation,
    scope: Scope,
) -> Ranking | LayerwiseRanking:
    """The order in which the weights of a stage's layers are removed.

    Of the output layer only the category's row takes part, as a row of one.
    """
    last = network.output_layer.name
    dense = {
        name: own.row(network.module(name).weight, output)[None]
        if name == last
        else own.dense(network.module(name).weight)
        for name, own in scores.items()
    }
    return rank(normalise(dense, normalisation), scope)


@dataclass(frozen=True)
class Criterion:
    """What a circuit must preserve on the extraction images.

    Attributes
    ----------
    unpruned : value of the criterion in the unpruned network (1 for faithfulness)
    """

    task: Task
    kind: CriterionKind
    csa_unpruned: float
    csa_bias_only: float

    @classmethod
    def of(cls, task: Task, kind: CriterionKind) -> "Criterion":
        """The criterion of a task, with the two reference values of CSA after their own best bias."""
        return cls(task, kind, task.unpruned().csa, task.bias_only().csa)

    @property
    def unpruned(self) -> float:
        """Value of the criterion in the unpruned network; NaN where faithfulness is not defined."""
        return self.csa_unpruned if self.kind == "csa" else self.faithfulness(self.csa_unpruned)

    def faithfulness(self, csa: float) -> float:
        """Faithfulness that belongs to a CSA on these images."""
        return faithfulness(csa, self.csa_unpruned, self.csa_bias_only)

    def holds(self, point: SweepPoint, threshold: float) -> bool:
        """Whether a point of a sweep preserves enough."""
        value = point.csa if self.kind == "csa" else point.faithfulness
        return value >= threshold * self.unpruned


class Choice(NamedTuple):
    """The removed fraction that a threshold leads to, what was measured there, and all points it was chosen from."""

    fraction: float
    point: SweepPoint
    points: tuple[SweepPoint, ...]


class Sweep:
    """One stage's pruning sweep: measures removed fractions and finds the one to keep.

    Every fraction is measured once, however many thresholds ask for it.
    """

    def __init__(
        self,
        stage: Stage,
        ranking: Ranking | LayerwiseRanking,
        target_logit: TargetLogit,
        criterion: Criterion,
    ) -> None:
        self._stage = stage
        self._ranking = ranking
        self._target_logit = target_logit
        self._criterion = criterion
        self._points: dict[float, SweepPoint] = {}

    def masks_at(self, fraction: float) -> Masks:
        """The stage's masks at a removed fraction."""
        return self._ranking.mask_at(fraction)

    def point(self, fraction: float) -> SweepPoint:
        """What is measured at a removed fraction."""
        if fraction not in self._points:
            self._points[fraction] = self._measured(self.masks_at(fraction))
        return self._points[fraction]

    def choose(self, settings: Settings, threshold: float) -> Choice:
        """The removed fraction to keep: of the grid's, then of finer steps from there to the next sparser one.

        The choice rests on these points alone, so other thresholds cannot change it. Unless the sweep is complete, as
        it can be for the first threshold, only those are measured that it takes to be certain of it.
        """
        grid = list(settings.removed_fractions)
        complete = settings.sweep == "complete" and threshold == settings.thresholds[0]
        asked = set(grid if complete else ())

        def holds(fraction: float) -> bool:
            asked.add(fraction)
            return self._criterion.holds(self.point(fraction), threshold)

        chosen, failed = sparsest_that_holds(grid, holds, settings.choose)
        if failed is not None:
            finer = np.linspace(chosen, failed, settings.refinement + 2)[:-1].tolist()
            asked |= set(finer if complete else ())
            chosen, _ = sparsest_that_holds(finer, holds, settings.choose)
        points = tuple(self.point(fraction) for fraction in sorted(asked | {chosen}))
        return Choice(chosen, self.point(chosen), points)

    def _measured(self, masks: Masks) -> SweepPoint:
        fit = self._criterion.task.fit(self._target_logit(masks))
        kept = sum(int(mask.sum()) for mask in masks.values())
        return SweepPoint(
            stage=self._stage,
            removed_fraction=1 - kept / self._ranking.size,
            kept_fraction=kept / self._ranking.size,
            bias=fit.bias,
            csa=fit.csa,
            faithfulness=self._criterion.faithfulness(fit.csa),
            hits=fit.hits,
            false_alarms=fit.false_alarms,
        )


def sparsest_that_holds(
    fractions: Sequence[float], holds: Callable[[float], bool], choose: ChoiceRule
) -> tuple[float, float | None]:
    """The removed fraction to keep of an ascending list, and the next one, which fails (None where none does).

    The first always counts as holding: it is not looked at. "before_first_failure" looks from the first on until one
    fails, "sparsest" from the last back until one holds; neither assumes that the curve is monotone.
    """
    first, *others = fractions
    if choose == "before_first_failure":
        chosen = first
        for fraction in others:
            if not holds(fraction):
                return chosen, fraction
            chosen = fraction
        return chosen, None
    failed = None
    for fraction in reversed(others):
        if holds(fraction):
            return fraction, failed
        failed = fraction
    return first, failed


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


def _complete(
    network: Network,
    masks: Masks,
    first: Choice,
    second: Sweep | None,
    threshold: float,
    settings: Settings,
) -> tuple[Circuit, tuple[SweepPoint, ...]]:
    """A fully-connected circuit completed by its convolutions, with the points of both stages."""
    last, points = first.point, first.points
    if second is not None:
        choice = second.choose(settings, threshold)
        masks = masks | second.masks_at(choice.fraction)
        last, points = choice.point, points + choice.points
    ordered = {layer.name: masks[layer.name] for layer in network.layers}
    return Circuit(threshold, ordered, last.bias, last.csa), points
