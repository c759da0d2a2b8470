"""Cross-validation of the number of clusters: cluster on some images, lesion each cluster, measure on the others."""

from collections.abc import Sequence

import pandas as pd

from anatomy.cluster_losses import group_losses, performance_distance
from anatomy.cluster_methods import NOISE
from anatomy.clusters import LabelLesions, SummaryPoints, labels_of_neurons
from anatomy.neuron_lesions import NeuronLesions
from anatomy.recognition import RecognisedAs, Recognition
from anatomy.stats import t_interval


def validate(
    summary: SummaryPoints,
    methods: Sequence[str],
    numbers: Sequence[int],
    seed: int,
    lesioned: NeuronLesions,
    recognition: Recognition,
    recognised_as: RecognisedAs,
) -> pd.DataFrame:
    """Lesion every cluster of every clustering, on images that the clusters were not made from.

    Returns
    -------
    table with a row per method and number of clusters: method, k, parameters, unclustered_fraction,
    performance_distance (the largest over the clusters), and of that cluster cluster_neurons and loss_NAME for each
    super-category
    """
    found = [
        (method, k, clustering, labels_of_neurons(summary.point_of_neuron, clustering.labels))
        for method in methods
        for k, clustering in summary.clusterings(method, numbers, seed).items()
    ]
    lesions = LabelLesions((labels, label) for _, k, _, labels in found for label in range(k))
    hits = recognition.measure(lesioned, lesions)[recognised_as]
    names, groups = recognition.super_categories
    losses = group_losses(hits, groups, names)
    rows, start = [], 0
    for method, k, clustering, labels in found:
        best = start + int(performance_distance(losses[start : start + k]).argmax())
        rows.append(
            {
                "method": method,
                "k": k,
                "parameters": clustering.parameters,
                "unclustered_fraction": float((labels == NOISE).sum() / (labels >= NOISE).sum()),
                "cluster_neurons": int(lesions[best].sum()),
                "performance_distance": float(performance_distance(losses[best])),
            }
            | {f"loss_{name}": float(losses[best, n]) for n, name in enumerate(names)}
        )
        start += k
    return pd.DataFrame(rows)


def choose(
    folds: pd.DataFrame, number_of_folds: int, obtainable: dict[str, Sequence[int]]
) -> pd.DataFrame:
    """Choose where the mean performance distance over the folds is largest; of equal ones the fewest clusters.

    Parameters
    ----------
    folds : the tables of all folds, one after the other
    obtainable : method -> numbers of clusters that it gives from all images; a number that is missing there, or in
        one of the folds, is not chosen

    Returns
    -------
    table with a row per method and number of clusters: method, k, folds, unclustered_fraction, performance_distance
    (mean over folds) with low and high (t interval), best_of_method, chosen
    """
    rows = []
    in_order = [
        (method, k, own)
        for method in folds["method"].unique()
        for k, own in folds[folds["method"] == method].groupby("k")
    ]
    for method, k, own in in_order:
        mean = t_interval(own["performance_distance"])
        rows.append(
            {
                "method": method,
                "k": k,
                "folds": mean.n,
                "unclustered_fraction": own["unclustered_fraction"].mean(),
                "performance_distance": mean.value,
                "low": mean.low,
                "high": mean.high,
                "eligible": mean.n == number_of_folds and k in obtainable[method],
            }
        )
    columns = ["method", "k", "folds", "unclustered_fraction", "performance_distance"]
    table = pd.DataFrame(rows, columns=[*columns, "low", "high", "eligible"])
    ranked = table[table["eligible"]].sort_values(
        ["performance_distance", "k"], ascending=[False, True], kind="stable"
    )
    best = ranked.groupby("method", sort=False).head(1).index
    return table.assign(
        best_of_method=table.index.isin(best), chosen=table.index.isin(ranked.index[:1])
    )
