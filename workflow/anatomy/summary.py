"""The headline numbers of all methods, as rows of one tidy table."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.joined.headlines import Headline
from anatomy.performance import performance
from anatomy.significance import wilcoxon_above
from anatomy.stats import Estimate, confidence_interval, ratio_interval, wilson_interval
from anatomy.tables import NOT_ABOVE_ZERO, SUMMARY

SEED = 0
# accuracy of a readout that cannot tell same from different
GUESSING = 0.5
CIRCUIT_MEASURES = (
    *("kept_fraction", "kept_fraction_fc", "kept_fraction_conv"),
    *("kept_fraction_all_weights", "connected_fraction"),
    *("csa_unpruned", "csa_evaluation", "faithfulness"),
)
# controls whose CSA the table of circuits already has
IN_SUMMARY = ("circuit", "unpruned", "constant")
Row = dict[str, Any]


def network_rows(
    logits: NDArray[np.float32], outputs: NDArray[np.int64], super_categories: list[str]
) -> Iterator[Row]:
    """Top-1 and top-5 of an intact network on evaluation images, with Wilson intervals and chance."""
    names = np.asarray(super_categories)
    chance = 1 / logits.shape[1]
    for group in ["all", *sorted(set(super_categories))]:
        rows = np.ones(len(names), bool) if group == "all" else names == group
        measured = performance(logits[rows], outputs[rows], names[rows].tolist())
        for measure, null in (("top1", chance), ("top5", min(1.0, 5 * chance))):
            if measure == "top1" or group == "all":
                hits = round(measured[measure] * int(rows.sum()))
                yield _row(measure, group, wilson_interval(hits, int(rows.sum())), null)


def circuit_rows(summary: pd.DataFrame) -> Iterator[Row]:
    """Means over categories that have a circuit, with bootstrap intervals over categories."""
    found = summary.dropna(subset=["kept_fraction"])
    yield _row("categories_with_circuit", "all", wilson_interval(len(found), len(summary)))
    above_zero = int((summary["outcome"] != NOT_ABOVE_ZERO).sum())
    yield _row("categories_above_zero", "all", wilson_interval(above_zero, len(summary)))
    if found.empty:
        return
    for group in ["all", *sorted(found["super_category"].unique())]:
        rows = found if group == "all" else found[found["super_category"] == group]
        for measure in CIRCUIT_MEASURES:
            values = rows[measure].dropna()
            if len(values):
                null = rows["csa_bias_only"].mean() if measure.startswith("csa") else None
                tested = measure == "csa_evaluation"
                p = wilcoxon_above(values, rows["csa_bias_only"]) if tested else None
                yield _row(measure, group, confidence_interval(values, SEED), null, p)
        if rows["csa_unpruned"].mean() > 0:  # there is something to retain
            retained = ratio_interval(rows["csa_evaluation"], rows["csa_unpruned"], SEED)
            null = rows["csa_bias_only"].mean() / rows["csa_unpruned"].mean()
            yield _row("csa_retained", group, retained, null)


def control_rows(controls: pd.DataFrame) -> Iterator[Row]:
    """CSA of each control, over the categories that have it; its null is that of the constant unit.

    The test is Wilcoxon's signed-rank test over categories, one-sided: the circuit above the control.
    """
    csa = controls.pivot(index="category", columns="control", values="csa")
    for control in [name for name in controls["control"].unique() if name not in IN_SUMMARY]:
        pairs = csa[["circuit", "constant", control]].dropna()
        estimate = confidence_interval(pairs[control], SEED)
        p_value = wilcoxon_above(pairs["circuit"], pairs[control])
        yield _row(f"csa_{control}", "all", estimate, pairs["constant"].mean(), p_value)


def overlap_rows(overlap: pd.DataFrame) -> Iterator[Row]:
    """Mean Jaccard similarity of pairs of circuits; its null is that of independent masks of the same sizes.

    The p-value of pairs within super-categories is that of a permutation test against pairs between them.
    """
    for row in overlap[overlap["layer"] == "all"].dropna(subset=["mean_jaccard"]).itertuples():
        estimate = Estimate(row.mean_jaccard, row.low, row.high, row.pairs)
        p_value = None if np.isnan(row.p_value) else row.p_value
        measure = "overlap" if row.relation == "all" else f"overlap_{row.relation}"
        yield _row(measure, "all", estimate, row.mean_expected_jaccard, p_value)


def knockout_rows(areas: pd.DataFrame, chance: float) -> Iterator[Row]:
    """Area under top-1 accuracy, relative to the intact network, and where half is lost; per layer, kind and mode.

    Where the intact network does no better than chance there is nothing that the area could be relative to.
    """
    for row in areas[(areas["measure"] == "top1") & (areas["group_kind"] == "all")].itertuples():
        removed = f"{row.kind}_{row.mode}"
        if np.isfinite(row.area) and row.intact > chance:
            area = Estimate(row.area, row.area_low, row.area_high, row.repeats)
            yield _row(f"area_under_top1_{removed}", row.layer, area, chance / row.intact)
        if np.isfinite(row.half_loss):
            half = Estimate(row.half_loss, row.half_loss_low, row.half_loss_high, row.repeats)
            yield _row(f"half_loss_top1_{removed}", row.layer, half)


def cluster_rows(lesions: pd.DataFrame, losses: pd.DataFrame, recognised_as: str) -> Iterator[Row]:
    """Of the clusters that were chosen, the one whose lesion tells super-categories apart most, on held-out images.

    Its null is the mean of random lesions of its size in every layer; the p-value allows for the choice among clusters.
    """
    # groups that are no clusters have names, not numbers
    clusters = lesions[lesions["chosen"] & lesions["cluster"].str.isdigit()]
    if clusters.empty:
        return
    best = clusters.loc[clusters["performance_distance"].idxmax()]
    distance = Estimate(best["performance_distance"], np.nan, np.nan, 1)
    null, p_value = best["random_distance"], best["familywise_p_value"]
    yield _row("cluster_distance", "all", distance, null, p_value)
    own = losses[
        (losses["method"] == best["method"])
        & (losses["cluster"] == best["cluster"])
        & (losses["recognised_as"] == recognised_as)
        & (losses["group_kind"] == "super_category")
    ]
    for row in own.itertuples():
        estimate = Estimate(row.loss, row.low, row.high, row.images)
        yield _row("cluster_loss", row.group, estimate, row.random_loss)


def dissection_rows(detectors: pd.DataFrame, rotations: pd.DataFrame | None) -> Iterator[Row]:
    """Share of units that detect a concept, and unique detectors under both rules of counting, of each layer.

    Their null is the mean of random rotations of the layer's responses, where these were dissected.
    """
    overall = detectors[detectors["category"] == "all"]
    for row in overall.itertuples():
        null = _rotated(rotations, row.layer, row.counting)
        unique = Estimate(row.unique_detectors, row.low, row.high, row.units)
        of_null = None if null is None else null["unique_detectors"].mean()
        yield _row(f"unique_detectors_{row.counting}", row.layer, unique, of_null)
        # a detector is one under either rule
        if row.counting == "one_per_unit":
            share = Estimate(row.share_of_units, row.share_low, row.share_high, row.units)
            of_null = None if null is None else (null["detector_units"] / null["units"]).mean()
            yield _row("detector_share", row.layer, share, of_null)


def _rotated(rotations: pd.DataFrame | None, layer: str, counting: str) -> pd.DataFrame | None:
    """Rows of complete rotations of a layer; None where there are none."""
    if rotations is None:
        return None
    own = rotations[
        (rotations["layer"] == layer)
        & (rotations["counting"] == counting)
        & (rotations["category"] == "all")
        & (rotations["basis"] == "rotation")
        & (rotations["alpha"] == 1)
    ]
    return None if own.empty else own


def intervention_rows(manipulation: pd.DataFrame) -> Iterator[Row]:
    """Share of the units of each layer that need a labelled part, with Wilson intervals."""
    for layer, rows in manipulation.groupby("layer", sort=False):
        found = rows.loc[rows["detector"], "unit"].nunique()
        share = wilson_interval(int(found), rows["unit"].nunique())
        yield _row("intervention_detector_share", layer, share)


def identity_rows(accuracy: pd.DataFrame, dissociation: pd.DataFrame) -> Iterator[Row]:
    """Accuracy of the readout on test pairs, and the dissociation over all doses of each mode of lesions."""
    for row in accuracy[accuracy["split"] == "test"].itertuples():
        answers = Estimate(row.accuracy, row.low, row.high, row.pairs)
        yield _row("identity_accuracy", row.kind, answers, GUESSING)
    pairs = accuracy[accuracy["split"] == "test"].set_index("kind")["pairs"]
    for mode, rows in dissociation[dissociation["proportion"].isna()].groupby("mode", sort=False):
        measured = rows.set_index("measure")
        for row in measured[measured["p_value"].notna()].itertuples():
            kind = next((k for k in ("face", "house") if f"on_{k}s" in row.Index), "all")
            estimate = Estimate(row.value, row.low, row.high, int(pairs[kind]))
            null = _random_specificity(measured["value"], row.Index)
            yield _row(f"identity_{row.Index}_{mode}", "all", estimate, null, row.p_value)


def _random_specificity(values: pd.Series, measure: str) -> float:
    """What random units cost the kind of a specificity more than the other kind; 0 for other measures."""
    own, _, ending = measure.partition("_specificity")
    if own == measure:
        return 0.0
    other = "house" if own == "face" else "face"
    on_own, on_other = (values[f"random_lesion_on_{kind}s{ending}"] for kind in (own, other))
    return float(on_own - on_other)


def joined_rows(headlines: Iterable[Headline]) -> Iterator[Row]:
    """Rows of the joined results, see `anatomy.joined.headlines`."""
    for measure, group, estimate, null, p_value in headlines:
        yield _row(measure, group, estimate, null, p_value)


def table(rows: list[Row]) -> pd.DataFrame:
    """The tidy table, with the columns in their fixed order."""
    return pd.DataFrame(rows, columns=list(SUMMARY))


def _row(
    measure: str,
    group: str,
    estimate: Estimate,
    null: float | None = None,
    p_value: float | None = None,
) -> Row:
    return {
        "measure": measure,
        "group": group,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "null_value": null,
        "p_value": p_value,
    }
