"""Which cluster is a super-category's own, and how much more its lesion costs the super-category's circuits."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from anatomy import randomness
from anatomy.significance import p_values
from anatomy.stats import Estimate, difference_interval

SEED = 0
PERMUTATIONS = 10_000
# means of the same circuits in another order differ in the last digits, and must count as equal
ROUNDING = 1e-12


def clusters_of_super_categories(lesions: pd.DataFrame, groups: Sequence[str]) -> dict[str, str]:
    """Super-category -> the cluster whose lesion costs it most beyond the mean of the others.

    Parameters
    ----------
    lesions : table of cluster lesions (`anatomy.tables.CLUSTER_LESIONS`), of which the chosen method's clusters count
    groups : super-categories; one that no cluster costs more than the others has no cluster

    Returns
    -------
    names of clusters as in the table; empty where the cross-validation chose no method
    """
    # groups that are no clusters have names, not numbers
    clusters = lesions[lesions["chosen"] & lesions["cluster"].str.isdigit()]
    found = {}
    for group in groups:
        others = [f"loss_{other}" for other in groups if other != group]
        beyond = clusters[f"loss_{group}"] - clusters[others].mean(axis=1)
        if len(beyond) and beyond.max() > 0:
            found[group] = str(clusters.loc[beyond.idxmax(), "cluster"])
    return found


def own_against_others(rows: pd.DataFrame, group: str, measure: str) -> tuple[Estimate, float]:
    """Loss of the circuits of a super-category minus that of the others, under the lesion of its cluster.

    Parameters
    ----------
    rows : of the table, with cluster_of = group
    measure : column with the losses

    Returns
    -------
    the difference of mean losses with its bootstrap interval over circuits (drawn within both kinds), and the p-value
    of a one-sided permutation test that exchanges super-categories among categories; NaN without circuits of both
    kinds or without losses, the interval with fewer than two of a kind
    """
    losses = rows[measure].to_numpy(np.float64)
    own = (rows["super_category"] == group).to_numpy()
    if not own.any() or own.all() or np.isnan(losses).any():
        return Estimate(np.nan, np.nan, np.nan, len(rows)), np.nan
    difference = difference_interval(losses[own], losses[~own], SEED)
    random = randomness.generator(SEED, "own_against_others", group, measure)
    permuted = losses[np.argsort(random.random((PERMUTATIONS, len(losses))), axis=1)]
    count = int(own.sum())
    null = permuted[:, :count].mean(axis=1) - permuted[:, count:].mean(axis=1)
    p_value = p_values(np.array([difference.value]), null[:, None] + ROUNDING)[0]
    return difference, float(p_value)
