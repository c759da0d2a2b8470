"""Tables of the overlap of circuits: all pairs, their means within and between super-categories, sharing, layers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.overlap import Overlap, together
from anatomy.pair_statistics import mean_over_pairs, pair_mean, within_against_between
from anatomy.tables import CIRCUIT_OVERLAP

ALL = "all"
RELATIONS = ("all", "within", "between")


def with_all(overlaps: Mapping[str, Overlap]) -> dict[str, Overlap]:
    """Layer -> overlap, and the overlap in all these layers together as `all`."""
    return {**overlaps, ALL: together(overlaps.values())}


def overlap_table(overlaps: Mapping[str, Overlap], circuits: pd.DataFrame) -> pd.DataFrame:
    """One row per layer and pair of circuits, a before b in the order of the circuits.

    Parameters
    ----------
    overlaps : layer -> overlap
    circuits : columns category and super_category, in the order of the circuits

    Returns
    -------
    Table with CIRCUIT_OVERLAP_PAIRS; categories and layers as pandas categoricals, as a million rows would not fit
    otherwise.
    """
    first, second = np.triu_indices(len(circuits), 1)
    categories = pd.CategoricalDtype(circuits["category"])
    layers = pd.CategoricalDtype(list(overlaps))
    pairs = {
        "category_a": pd.Categorical.from_codes(first, dtype=categories),
        "category_b": pd.Categorical.from_codes(second, dtype=categories),
        "same_super_category": _same(circuits)[first, second],
    }
    tables = []
    for number, overlap in enumerate(overlaps.values()):
        intersection = overlap.intersections[first, second]
        own = {
            "layer": pd.Categorical.from_codes(np.full(len(first), number), dtype=layers),
            "intersection": intersection,
            "union": overlap.kept[first] + overlap.kept[second] - intersection,
            "jaccard": overlap.jaccard[first, second],
            "expected_jaccard": overlap.expected_jaccard[first, second],
        }
        tables.append(pd.DataFrame(pairs | own))
    return pd.concat(tables, ignore_index=True)


def overlap_summary(
    overlaps: Mapping[str, Overlap], circuits: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Mean Jaccard similarity of each layer over all pairs, within and between super-categories (CIRCUIT_OVERLAP).

    Intervals are over categories; the difference within - between is tested by permuting super-categories over
    categories. Parameters as for `overlap_table`; seed of resampling and permutations.
    """
    same = _same(circuits)
    labels = circuits["super_category"].factorize()[0]
    chosen = {"all": np.ones_like(same), "within": same, "between": ~same}
    rows = []
    for layer, overlap in overlaps.items():
        similarity, expected = overlap.jaccard, overlap.expected_jaccard
        for relation in RELATIONS:
            mean = mean_over_pairs(similarity, chosen[relation], seed)
            row = {
                "layer": layer,
                "relation": relation,
                "pairs": mean.n,
                "mean_jaccard": mean.value,
                "low": mean.low,
                "high": mean.high,
                "mean_expected_jaccard": pair_mean(expected, chosen[relation]),
            }
            if relation == "within":
                difference, p_value = within_against_between(similarity, labels, seed)
                row |= {"difference": difference, "p_value": p_value}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(CIRCUIT_OVERLAP))


def sharing_table(overlaps: Mapping[str, Overlap]) -> pd.DataFrame:
    """Weights of each layer that are used by exactly 0, 1, 2, ... circuits."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "layer": layer,
                    "circuits": np.arange(len(overlap.sharing)),
                    "weights": overlap.sharing,
                    "fraction": overlap.sharing / overlap.weights,
                    "expected_fraction": overlap.expected_sharing / overlap.weights,
                }
            )
            for layer, overlap in overlaps.items()
        ],
        ignore_index=True,
    )


def layer_share_table(
    kept: Mapping[str, NDArray[np.int64]], weights: Mapping[str, int], circuits: pd.DataFrame
) -> pd.DataFrame:
    """Weights of each layer that each circuit keeps, layer after layer.

    Parameters
    ----------
    kept : layer -> weights (circuit,) that the circuits keep
    weights : layer -> weights that a circuit could keep; of the output layer one row
    circuits : as for `overlap_table`
    """
    tables = [
        circuits[["category", "super_category"]].assign(
            layer=layer, kept=own, weights=weights[layer], kept_fraction=own / weights[layer]
        )
        for layer, own in kept.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _same(circuits: pd.DataFrame) -> NDArray[np.bool_]:
    labels = circuits["super_category"].factorize()[0]
    return labels[:, None] == labels[None]
