"""Kinds of weight scores, normalisations and ranking scopes, compared on the same pruning sweeps.

Each stage is pruned alone, with the other one intact, so that a poor ranking of one stage cannot hide what the same
score does in the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anatomy.circuits import Criterion, Sweep, stage_layers, stage_ranking
from anatomy.layer_scores import LayerScores, Normalisation
from anatomy.masks import Scope
from anatomy.output_units import EXTRACTION, FULLY_CONNECTED, OutputUnits, Stage


@dataclass(frozen=True)
class Variants:
    """What is compared; see the configuration's section circuits.comparison for each key."""

    scores: tuple[str, ...]
    normalisations: tuple[Normalisation, ...]
    scopes: tuple[Scope, ...]
    removed_fractions: tuple[float, ...]

    def rankings(self, stage: Stage, score: str) -> Iterator[tuple[Normalisation, Scope]]:
        """The ways to rank one kind of score in a stage that can differ from each other.

        Normalising layer by layer changes nothing within a layer, is not done for convolutions, and does nothing to
        random scores.
        """
        for scope in self.scopes:
            normalised = scope == "joint" and stage == FULLY_CONNECTED and score != "random"
            for normalisation in self.normalisations if normalised else ("none",):
                yield normalisation, scope


def compare_scores(
    units: OutputUnits,
    category: str,
    scores: Mapping[str, Mapping[str, LayerScores]],
    variants: Variants,
) -> Iterator[dict[str, Any]]:
    """Rows of the table of score comparisons for one category, from the scores of each kind."""
    output = units.network.output(category)
    criterion = Criterion.of(units.task(output, EXTRACTION), "faithfulness")
    references = {
        "csa_unpruned": criterion.csa_unpruned,
        "csa_bias_only": criterion.csa_bias_only,
    }
    for stage, layers in stage_layers(units.network, units.fully_connected).items():
        target_logit = units.target_logit(output, stage, EXTRACTION)
        for score, own in scores.items():
            of_stage = {name: own[name] for name in layers}
            for normalisation, scope in variants.rankings(stage, score):
                ranking = stage_ranking(units.network, output, of_stage, normalisation, scope)
                sweep = Sweep(stage, ranking, target_logit, criterion)
                about = {"category": category, "score": score}
                about |= {"normalisation": normalisation, "scope": scope}
                for point in _points(sweep, variants.removed_fractions):
                    yield about | point | references


def _points(sweep: Sweep, fractions: Sequence[float]) -> Iterator[dict[str, Any]]:
    return (vars(sweep.point(fraction)) for fraction in fractions)
