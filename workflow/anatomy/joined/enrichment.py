"""Do circuits keep the units that dissection labels, and which circuits keep which?

A circuit's use of a unit is the share of the unit's incoming weights that lie on paths of the circuit. The units that
detect a concept are compared with random ones of the same layer that match them in mean response, because circuits are
ranked by activation x gradient and so keep strong units whatever they detect.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy import randomness
from anatomy.joined.labels import ANY, ConceptUnits, detectors
from anatomy.matched_units import MatchedUnits
from anatomy.significance import familywise_p_values, p_values, stagewise_q_values

RANGE = (0.025, 0.975)
# the spread of random sets counts as at least this share of its mean over circuits
LEAST_SPREAD = 0.01
COLUMNS = (
    *("category", "super_category", "layer", "concept", "concept_category", "units"),
    *("kept_fraction", "random_kept_fraction", "random_low", "random_high", "random_sets"),
    *("p_value", "familywise_p_value", "q_value"),
)


def enrichment(
    layer: str,
    kept: pd.DataFrame,
    concepts: Sequence[ConceptUnits],
    matched: MatchedUnits,
    draws: int,
    purpose: Sequence[object],
) -> pd.DataFrame:
    """How much of the units that detect a concept each circuit keeps, against matched units.

    P-values are one-sided (the circuit keeps more of them): of one circuit, over all circuits (max-T), and the false
    discovery rate over concepts (`anatomy.stats.stagewise_q_values`). The concept `all` stands for all units that
    detect anything and is a family of its own.

    Parameters
    ----------
    kept : kept_fraction, with a row per circuit (index: category and super_category) and a column per unit
    draws : random sets of units for each concept, equal ones counting once
    purpose : what draws depend on, beside the concept

    Returns
    -------
    table with COLUMNS
    """
    values = kept.to_numpy(np.float64)
    every = detectors(list(concepts))
    tables = []
    for family in [list(concepts), [] if every is None else [every]]:
        if family and len(values):
            rows = [
                _rows(layer, kept.index, values, own, matched, draws, purpose) for own in family
            ]
            familywise = np.stack([own["familywise_p_value"] for own in rows])
            table = pd.concat(rows, ignore_index=True)
            tables.append(table.assign(q_value=stagewise_q_values(familywise).ravel()))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def detector_preference(enriched: pd.DataFrame) -> pd.DataFrame:
    """The rows of all detecting units together, one for each layer and circuit."""
    return enriched[(enriched["concept"] == ANY) & (enriched["concept_category"] == ANY)]


def _rows(
    layer: str,
    circuits: pd.MultiIndex,
    values: NDArray[np.float64],
    concept: ConceptUnits,
    matched: MatchedUnits,
    draws: int,
    purpose: Sequence[object],
) -> pd.DataFrame:
    random = randomness.generator(*purpose, layer, concept.category, concept.concept)
    sets = matched.draws(concept.units, draws, random)
    own = values[:, concept.units].mean(axis=1)
    # circuit by circuit: all of them at once would hold draws x units x circuits
    drawn = np.stack([row[sets].mean(axis=1) for row in values], axis=1)
    low, high = np.quantile(drawn, RANGE, axis=0)
    least = max(LEAST_SPREAD * drawn.std(axis=0).mean(), np.finfo(float).tiny)
    return pd.DataFrame(
        {
            "category": circuits.get_level_values("category"),
            "super_category": circuits.get_level_values("super_category"),
            "layer": layer,
            "concept": concept.concept,
            "concept_category": concept.category,
            "units": len(concept.units),
            "kept_fraction": own,
            "random_kept_fraction": drawn.mean(axis=0),
            "random_low": low,
            "random_high": high,
            "random_sets": len(drawn),
            "p_value": p_values(own, drawn),
            "familywise_p_value": familywise_p_values(own, drawn, least),
        }
    )
