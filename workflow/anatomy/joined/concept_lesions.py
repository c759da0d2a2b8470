"""Causal dissection: all units that detect one concept are silenced, and each unit alone.

Zhou, Sun, Bau & Torralba (2018) silence single units; what a concept's units do together is seen only when all of them
are gone, because others stand in for one. The null are random units of the same layer that match in mean response.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy import randomness
from anatomy.joined.labels import ConceptUnits
from anatomy.joined.lesion_losses import LesionSets, Losses
from anatomy.matched_units import MatchedUnits
from anatomy.significance import familywise_p_values, p_values, stagewise_q_values
from anatomy.stats import confidence_interval

RANGE = (0.025, 0.975)
SEED = 0
# the spread of random lesions counts as at least this share of its mean over categories
LEAST_SPREAD = 0.01
UNIT_COLUMNS = ("layer", "unit", "category", "super_category", "images", "loss", "logit_loss")
CONCEPT_COLUMNS = (
    *("layer", "concept", "concept_category", "units", "category", "super_category", "images"),
    *("sensitivity_intact", "sensitivity", "loss", "low", "high", "compared_loss"),
    *("random_loss", "random_low", "random_high", "random_sets"),
    *("p_value", "familywise_p_value", "q_value"),
    *("logit_loss", "random_logit_loss"),
    *("logit_p_value", "logit_familywise_p_value", "logit_q_value"),
)
Row = dict[str, Any]


class ConceptLesions:
    """The lesions of a layer: each unit alone and those of every concept; and matched random ones.

    Parameters
    ----------
    units : number of units of the layer
    draws : random sets of units for each concept, equal ones counting once
    purpose : what draws depend on, beside the concept

    Attributes
    ----------
    sets : each unit alone, and the units of each concept
    random_sets : the units of each concept, and random ones; they may be measured on fewer images
    """

    def __init__(
        self,
        layer: str,
        units: int,
        concepts: Sequence[ConceptUnits],
        matched: MatchedUnits,
        draws: int,
        purpose: Sequence[object],
    ) -> None:
        self._layer, self._concepts = layer, list(concepts)
        self.sets, self.random_sets = LesionSets(), LesionSets()
        self._alone = [self.sets.number([unit]) for unit in range(units)]
        self._together = [self.sets.number(own.units) for own in concepts]
        self._again = [self.random_sets.number(own.units) for own in concepts]
        self._random = []
        for own in concepts:
            random = randomness.generator(*purpose, layer, own.category, own.concept)
            sets = matched.draws(own.units, draws, random)
            self._random.append(np.array([self.random_sets.number(units) for units in sets]))

    def unit_table(self, losses: Losses, super_categories: Mapping[str, str]) -> pd.DataFrame:
        """What silencing each unit alone costs each category; UNIT_COLUMNS."""
        names = losses.categories.names
        images = np.bincount(losses.categories.of_image, minlength=len(names))
        units = len(self._alone)
        return pd.DataFrame(
            {
                "layer": self._layer,
                "unit": np.repeat(np.arange(units), len(names)),
                "category": np.tile(names, units),
                "super_category": np.tile([super_categories[name] for name in names], units),
                "images": np.tile(images, units),
                "loss": losses.lost[self._alone].ravel(),
                "logit_loss": losses.logit_lost[self._alone].ravel(),
            }
        )

    def concept_table(
        self, losses: Losses, random_losses: Losses, super_categories: Mapping[str, str]
    ) -> pd.DataFrame:
        """What silencing all units of each concept costs each category; CONCEPT_COLUMNS.

        Intervals are bootstrap intervals over the category's images. P-values are one-sided (the concept's units cost
        more than matched ones, on the images that these are measured on): of one category, over all categories
        (max-T), and the false discovery rate over concepts (`anatomy.stats.stagewise_q_values`).

        Parameters
        ----------
        losses : of `sets`
        random_losses : of `random_sets`
        """
        rows = [
            row
            for number in range(len(self._concepts))
            for row in self._rows(number, losses, random_losses, super_categories)
        ]
        table = pd.DataFrame(rows, columns=list(CONCEPT_COLUMNS))
        if rows:
            for measure in ("", "logit_"):
                familywise = table[f"{measure}familywise_p_value"].to_numpy(np.float64)
                families = familywise.reshape(len(self._concepts), -1)
                table[f"{measure}q_value"] = stagewise_q_values(families).ravel()
        return table

    def _rows(
        self,
        number: int,
        losses: Losses,
        random_losses: Losses,
        super_categories: Mapping[str, str],
    ) -> Iterator[Row]:
        concept, lesion = self._concepts[number], self._together[number]
        null = self._against_random(number, random_losses)
        for place, category in enumerate(losses.categories.names):
            own = losses.categories.of_image == place
            yield {
                "layer": self._layer,
                "concept": concept.concept,
                "concept_category": concept.category,
                "units": len(concept.units),
                "category": category,
                "super_category": super_categories[category],
                "random_sets": len(self._random[number]),
                "logit_loss": losses.logit_lost[lesion, place],
                **_paired(losses.intact[own], losses.hit[lesion][own]),
                **{name: values[place] for name, values in null.items()},
            }

    def _against_random(self, number: int, losses: Losses) -> dict[str, NDArray[np.float64]]:
        """What random lesions cost each category, and p-values of the concept's; each (category,)."""
        lesion, drawn = self._again[number], self._random[number]
        random, random_logit = losses.lost[drawn], losses.logit_lost[drawn]
        low, high = np.quantile(random, RANGE, axis=0)
        one_image = (1 / np.bincount(losses.categories.of_image)).mean()
        least = max(LEAST_SPREAD * random_logit.std(axis=0).mean(), np.finfo(float).tiny)
        of_logit = _tested(losses.logit_lost[lesion], random_logit, least)
        return {
            "compared_loss": losses.lost[lesion],
            "random_loss": random.mean(axis=0),
            "random_low": low,
            "random_high": high,
            "random_logit_loss": random_logit.mean(axis=0),
            **_tested(losses.lost[lesion], random, one_image),
            **{f"logit_{name}": values for name, values in of_logit.items()},
        }


def _tested(
    observed: NDArray[np.float64], drawn: NDArray[np.float64], least_spread: float
) -> dict[str, NDArray[np.float64]]:
    """P-values (category,) of what a concept's lesion costs, against random lesions (lesion, category)."""
    return {
        "p_value": p_values(observed, drawn),
        "familywise_p_value": familywise_p_values(observed, drawn, least_spread),
    }


def _paired(intact: NDArray[np.bool_], lesioned: NDArray[np.bool_]) -> Row:
    """Sensitivity with and without a lesion, and the loss with its bootstrap interval over the same images."""
    loss = confidence_interval(intact.astype(np.float64) - lesioned, SEED)
    return {
        "images": len(intact),
        "sensitivity_intact": intact.mean(),
        "sensitivity": lesioned.mean(),
        "loss": loss.value,
        "low": loss.low,
        "high": loss.high,
    }
