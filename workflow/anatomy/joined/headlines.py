"""The headline numbers of the joined results."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from anatomy.joined.enrichment import detector_preference
from anatomy.joined.own_circuits import own_against_others
from anatomy.significance import wilcoxon_above
from anatomy.stats import Estimate, confidence_interval, wilson_interval

LEVEL = 0.05
SEED = 0
Headline = tuple[str, str, Estimate, float | None, float | None]


def enrichment_headlines(enriched: pd.DataFrame) -> Iterator[Headline]:
    """How much of the labelled units circuits keep, beside matched units; how many concepts stand out."""
    for layer, rows in detector_preference(enriched).groupby("layer", sort=False):
        estimate = confidence_interval(rows["kept_fraction"], SEED)
        p_value = wilcoxon_above(rows["kept_fraction"], rows["random_kept_fraction"])
        null = rows["random_kept_fraction"].mean()
        yield "kept_fraction_of_detectors", str(layer), estimate, null, p_value
    yield from _concepts("concepts_in_circuits", enriched[enriched["concept_category"] != "all"])


def concept_lesion_headlines(lesions: pd.DataFrame) -> Iterator[Headline]:
    """How many concepts some category needs, and the largest loss beyond that of matched units."""
    yield from _concepts("concepts_needed", lesions)
    for layer, rows in lesions.groupby("layer", sort=False):
        best = rows.loc[(rows["compared_loss"] - rows["random_loss"]).idxmax()]
        group = f"{layer}: {best['concept']} → {best['category']}"
        estimate = Estimate(best["loss"], best["low"], best["high"], int(best["images"]))
        yield "largest_concept_loss", group, estimate, best["random_loss"], best["q_value"]


def cluster_circuit_headlines(table: pd.DataFrame) -> Iterator[Headline]:
    """How much more the circuits of a super-category lose with its cluster than others do."""
    for group, rows in table.groupby("cluster_of", sort=False):
        estimate, p_value = own_against_others(rows, str(group), "loss")
        if np.isfinite(estimate.value):
            null, _ = own_against_others(rows, str(group), "random_loss")
            yield "cluster_circuit_difference", str(group), estimate, null.value, p_value


def concept_vector_headlines(vectors: pd.DataFrame) -> Iterator[Headline]:
    """TCAV score of each layer for a super-category's own images."""
    own = vectors[vectors["super_category"] == vectors["images_of"]]
    for row in own.itertuples():
        estimate = Estimate(row.score, row.low, row.high, row.sets)
        measure = f"tcav_score_{row.super_category}"
        yield measure, row.layer, estimate, row.random_score, row.q_value


def _concepts(measure: str, table: pd.DataFrame) -> Iterator[Headline]:
    """Share of the concepts of each layer that stand out for some category."""
    for layer, rows in table.groupby("layer", sort=False):
        smallest = rows.groupby(["concept_category", "concept"])["q_value"].min()
        found = int((smallest < LEVEL).sum())
        yield measure, str(layer), wilson_interval(found, len(smallest)), None, None
