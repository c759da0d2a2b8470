"""The headline numbers are those of planted tables, with tests and intervals of independent libraries."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from anatomy.closing_words import closing_words
from anatomy.errors import InputError
from anatomy.stats import ratio_interval
from anatomy.summary import (
    circuit_rows,
    cluster_rows,
    control_rows,
    dissection_rows,
    identity_rows,
    intervention_rows,
    knockout_rows,
    network_rows,
    overlap_rows,
    table,
)
from anatomy.tables import (
    CIRCUIT_SUMMARY,
    DISSECTION_DETECTORS,
    DISSECTION_ROTATIONS,
    FOUND,
    NOT_ABOVE_CONSTANT,
    NOT_ABOVE_ZERO,
    SUMMARY,
    join,
    write_csv,
    write_parquet,
)


def wilson(successes, n):
    """Ends of SciPy's 95 % interval of a proportion."""
    ends = scipy.stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return ends.low, ends.high


ANIMATE, INANIMATE = ("dog", "cat", "owl"), ("car", "cup", "key", "van")


def circuits(**columns):
    """A table of circuits of seven categories with planted values, NaN elsewhere."""
    rows = [(c, "animate") for c in ANIMATE] + [(c, "inanimate") for c in INANIMATE]
    made = pd.DataFrame(rows, columns=["category", "super_category"]).assign(**columns)
    return made.reindex(columns=list(CIRCUIT_SUMMARY))


PLANTED = {
    "kept_fraction": [0.1, 0.2, 0.3, 0.1, 0.1, 0.3, 0.3],
    "kept_fraction_fc": [0.1] * 7,
    "kept_fraction_conv": [np.nan] * 7,
    "csa_unpruned": [0.8, 0.6, 0.9, 0.5, 0.7, 0.9, 1.0],
    "csa_evaluation": [0.7, 0.6, 0.5, 0.4, 0.7, 0.6, 0.8],
    "csa_bias_only": [0.1, 0.2, 0.3, 0.5, 0.1, 0.2, 0.3],
    "faithfulness": [0.9, 1.0, 0.3, np.nan, 1.0, 0.5, 0.7],
}


def by_name(rows):
    """(measure, group) -> row; each of them only once."""
    rows = list(rows)
    found = {(row["measure"], row["group"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_means_over_the_categories_of_a_group():
    found = by_name(circuit_rows(circuits(**PLANTED)))
    assert found["kept_fraction", "all"]["value"] == pytest.approx(1.4 / 7)
    assert found["kept_fraction", "animate"]["value"] == pytest.approx(0.2)
    assert found["kept_fraction", "animate"]["n"] == 3
    assert found["csa_evaluation", "inanimate"]["value"] == pytest.approx(2.5 / 4)
    assert found["csa_evaluation", "inanimate"]["null_value"] == pytest.approx(1.1 / 4)
    assert found["csa_unpruned", "all"]["null_value"] == pytest.approx(1.7 / 7)
    assert found["kept_fraction", "all"]["null_value"] is None
    # one that does not vary has no width
    constant = found["kept_fraction_fc", "all"]
    assert (constant["low"], constant["high"]) == pytest.approx((0.1, 0.1))


def test_what_is_not_defined_is_left_out():
    found = by_name(circuit_rows(circuits(**PLANTED)))
    assert not any(measure == "kept_fraction_conv" for measure, _ in found)
    assert found["faithfulness", "all"]["value"] == pytest.approx(4.4 / 6)
    assert found["faithfulness", "all"]["n"] == 6


def test_the_test_against_a_constant_unit_is_wilcoxons():
    found = by_name(circuit_rows(circuits(**PLANTED)))
    for group, rows in (("all", slice(0, 7)), ("animate", slice(0, 3)), ("inanimate", slice(3, 7))):
        own, null = (PLANTED[key][rows] for key in ("csa_evaluation", "csa_bias_only"))
        expected = scipy.stats.wilcoxon(own, null, alternative="greater").pvalue
        assert found["csa_evaluation", group]["p_value"] == pytest.approx(expected)
        assert found["kept_fraction", group]["p_value"] is None


def test_a_circuit_that_equals_the_constant_unit_has_no_test():
    equal = PLANTED | {"csa_evaluation": PLANTED["csa_bias_only"]}
    found = by_name(circuit_rows(circuits(**equal)))
    assert found["csa_evaluation", "all"]["p_value"] is None


def test_the_share_that_is_retained_is_a_ratio_of_means():
    found = by_name(circuit_rows(circuits(**PLANTED)))
    retained = found["csa_retained", "all"]
    assert retained["value"] == pytest.approx(4.3 / 5.4)
    assert retained["null_value"] == pytest.approx(1.7 / 5.4)
    assert retained["low"] < retained["value"] < retained["high"]


@pytest.mark.parametrize("unpruned", [0.0, -0.2])
def test_where_there_was_nothing_nothing_is_retained(unpruned):
    """One category whose unpruned unit is no good on new images must not stop the summary."""
    values = PLANTED | {"csa_unpruned": [unpruned] * 3 + [0.5] * 4}
    found = by_name(circuit_rows(circuits(**values)))
    assert ("csa_retained", "animate") not in found
    assert ("csa_retained", "inanimate") in found
    assert ("csa_evaluation", "animate") in found


def test_categories_without_a_circuit_count_in_their_share_alone():
    gone = PLANTED | {"kept_fraction": [0.1, np.nan, 0.3, np.nan, 0.1, np.nan, 0.3]}
    found = by_name(circuit_rows(circuits(**gone)))
    share = found["categories_with_circuit", "all"]
    assert (share["value"], share["n"]) == (pytest.approx(4 / 7), 7)
    assert (share["low"], share["high"]) == pytest.approx(wilson(4, 7))
    assert found["csa_evaluation", "all"]["value"] == pytest.approx((0.7 + 0.5 + 0.7 + 0.8) / 4)
    nothing = circuits(kept_fraction=[np.nan] * 7, csa_unpruned=[0.1] * 7)
    found = by_name(circuit_rows(nothing))
    assert {key: row["value"] for key, row in found.items()} == {
        ("categories_with_circuit", "all"): 0,
        ("categories_above_zero", "all"): 1,
    }


def test_categories_whose_unpruned_unit_is_not_above_zero_are_counted():
    outcome = [FOUND, NOT_ABOVE_ZERO, FOUND, NOT_ABOVE_CONSTANT, FOUND, NOT_ABOVE_ZERO, FOUND]
    kept = [0.1 if own == FOUND else np.nan for own in outcome]
    found = by_name(circuit_rows(circuits(**PLANTED | {"kept_fraction": kept, "outcome": outcome})))
    above = found["categories_above_zero", "all"]
    assert (above["value"], above["n"]) == (pytest.approx(5 / 7), 7)
    assert (above["low"], above["high"]) == pytest.approx(wilson(5, 7))
    assert found["categories_with_circuit", "all"]["value"] == pytest.approx(4 / 7)


# --- controls and overlap


def test_controls_are_tested_against_the_circuit_category_by_category():
    csa = {
        "circuit": [0.9, 0.8, 0.7, 0.9, 0.6],
        "constant": [0.1, 0.2, 0.3, 0.2, 0.2],
        "random": [0.3, 0.1, 0.75, 0.2, 0.4],
    }
    rows = [
        {"category": category, "control": control, "csa": values[place]}
        for place, category in enumerate("abcde")
        for control, values in csa.items()
    ]
    # only three of the five have another category of their super-category
    rows += [{"category": c, "control": "other_same", "csa": 0.5} for c in "ace"]
    found = by_name(control_rows(pd.DataFrame(rows)))
    assert set(found) == {("csa_random", "all"), ("csa_other_same", "all")}
    random = found["csa_random", "all"]
    assert (random["value"], random["null_value"]) == (pytest.approx(0.35), pytest.approx(0.2))
    expected = scipy.stats.wilcoxon(csa["circuit"], csa["random"], alternative="greater").pvalue
    assert random["p_value"] == pytest.approx(expected)
    other = found["csa_other_same", "all"]
    assert (other["n"], other["value"]) == (3, pytest.approx(0.5))
    assert other["null_value"] == pytest.approx(0.2)


def test_overlap_is_that_of_all_layers_with_chance_and_its_test():
    columns = ["layer", "relation", "pairs", "mean_jaccard", "low", "high"]
    columns += ["mean_expected_jaccard", "difference", "p_value"]
    rows = [
        ("conv1", "all", 10, 0.9, 0.8, 1.0, 0.5, np.nan, np.nan),
        ("all", "all", 10, 0.3, 0.2, 0.4, 0.1, np.nan, np.nan),
        ("all", "within", 4, 0.5, 0.4, 0.6, 0.1, 0.3, 0.01),
        ("all", "between", 0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan),
    ]
    found = by_name(overlap_rows(pd.DataFrame(rows, columns=columns)))
    assert set(found) == {("overlap", "all"), ("overlap_within", "all")}
    assert found["overlap", "all"]["value"] == 0.3
    assert found["overlap", "all"]["null_value"] == 0.1
    assert found["overlap", "all"]["p_value"] is None
    assert found["overlap_within", "all"]["p_value"] == 0.01


def test_intervals_of_a_mean_hold_what_a_bootstrap_of_scipy_holds():
    found = by_name(circuit_rows(circuits(**PLANTED)))["csa_evaluation", "all"]
    values = np.array(PLANTED["csa_evaluation"])
    expected = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(0)
    ).confidence_interval
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected), abs=0.02)


# --- networks


def test_accuracy_of_the_intact_network():
    logits = np.full((20, 10), -1.0, np.float32)
    outputs = np.arange(20) % 10
    hits = np.arange(20) < 13
    logits[np.arange(20), outputs] = np.where(hits, 5, -5)
    groups = ["animate"] * 10 + ["inanimate"] * 10
    found = by_name(network_rows(logits, outputs, groups))
    expected = {
        ("top1", "all"): (13, 20),
        ("top1", "animate"): (10, 10),
        ("top1", "inanimate"): (3, 10),
    }
    assert set(found) == {*expected, ("top5", "all")}
    for key, (successes, n) in expected.items():
        row = found[key]
        assert (row["value"], row["n"]) == (pytest.approx(successes / n), n)
        assert (row["low"], row["high"]) == pytest.approx(wilson(successes, n))
        assert row["null_value"] == pytest.approx(0.1)
    # where the right output is wrong it is the weakest of all
    assert found["top5", "all"]["value"] == pytest.approx(13 / 20)
    assert found["top5", "all"]["null_value"] == pytest.approx(0.5)


def test_chance_of_five_is_at_most_one():
    logits = np.eye(3, dtype=np.float32)
    found = by_name(network_rows(logits, np.arange(3), ["a", "a", "b"]))
    assert found["top5", "all"]["null_value"] == 1
    assert found["top5", "all"]["value"] == 1


# --- knock-outs


def swept(**about):
    """A row of the table of areas."""
    usual = {"layer": "conv1", "kind": "synapse", "mode": "zero", "measure": "top1"}
    usual |= {"group_kind": "all", "group": "all", "intact": 0.8, "repeats": 3, "lost": 3}
    usual |= {"area": 0.5, "area_low": 0.4, "area_high": 0.6}
    return usual | {"half_loss": 0.3, "half_loss_low": 0.2, "half_loss_high": 0.45} | about


def test_areas_and_half_losses_of_layers_kinds_and_modes():
    nothing = dict.fromkeys(("half_loss", "half_loss_low", "half_loss_high"), math.nan)
    table = pd.DataFrame(
        [
            swept(),
            swept(measure="top5", area=0.9),
            swept(group_kind="category", group="dog", measure="sensitivity", area=0.1),
            swept(layer="fc8", area=0.95, lost=1, **nothing),
            swept(kind="node", mode="noise", area=0.7),
        ]
    )
    found = by_name(knockout_rows(table, chance=0.1))
    first = found["area_under_top1_synapse_zero", "conv1"]
    assert (first["value"], first["low"], first["high"], first["n"]) == (0.5, 0.4, 0.6, 3)
    assert first["null_value"] == pytest.approx(0.1 / 0.8)
    half = found["half_loss_top1_synapse_zero", "conv1"]
    assert (half["value"], half["low"], half["high"], half["n"]) == (0.3, 0.2, 0.45, 3)
    assert found["area_under_top1_synapse_zero", "fc8"]["value"] == 0.95
    assert found["area_under_top1_node_noise", "conv1"]["value"] == 0.7
    # half of fc8 is not lost in every draw
    assert len(found) == 5


def test_a_network_that_only_guesses_has_no_area():
    nothing = dict.fromkeys(("half_loss", "half_loss_low", "half_loss_high"), math.nan)
    table = pd.DataFrame([swept(intact=0.1, area=1.6, **nothing)])
    assert list(knockout_rows(table, chance=0.1)) == []
    assert len(list(knockout_rows(table, chance=0.09))) == 1


def test_a_sweep_without_the_intact_network_has_no_area():
    assert list(knockout_rows(pd.DataFrame([swept(area=math.nan, half_loss=math.nan)]), 0.1)) == []


# --- covered parts


def test_units_that_need_a_part_count_once():
    units = np.repeat(np.arange(10), 2)
    table = pd.DataFrame({"layer": "conv1", "unit": units, "concept": ["eye", "wheel"] * 10})
    table["detector"] = table["unit"].isin([3, 7]) | (
        (table["unit"] == 5) & (table["concept"] == "eye")
    )
    last = table.assign(layer="conv5", detector=False)
    found = by_name(intervention_rows(pd.concat([table, last])))
    first = found["intervention_detector_share", "conv1"]
    expected = scipy.stats.binomtest(3, 10).proportion_ci(method="wilson")
    assert (first["value"], first["n"]) == (0.3, 10)
    assert (first["low"], first["high"]) == pytest.approx((expected.low, expected.high))
    assert found["intervention_detector_share", "conv5"]["value"] == 0


# --- identity task


def test_the_readout_on_new_pairs_and_the_dissociation_over_all_doses():
    columns = ["split", "kind", "pairs", "accuracy", "low", "high"]
    accuracy = pd.DataFrame(
        [
            ("training", "all", 100, 0.99, 0.9, 1.0),
            ("test", "all", 40, 0.75, 0.7, 0.8),
            ("test", "face", 20, 0.8, 0.7, 0.9),
            ("test", "house", 20, 0.7, 0.6, 0.8),
        ],
        columns=columns,
    )
    columns = ["mode", "proportion", "noise", "measure", "value", "low", "high", "p_value"]
    rows = [("zero", 0.1, 0.0, "interaction", 0.5, 0.4, 0.6, 0.001)]
    whole = {
        "face_lesion_on_faces": (0.3, math.nan),
        "random_lesion_on_faces": (0.12, math.nan),
        "random_lesion_on_houses": (0.05, math.nan),
        "random_lesion_on_faces_d_prime": (1.5, math.nan),
        "random_lesion_on_houses_d_prime": (0.5, math.nan),
        "house_specificity": (0.1, 0.05),
        "face_specificity_d_prime": (2.0, 0.04),
        "difference_on_faces": (0.15, 0.03),
        "interaction": (0.2, 0.02),
    }
    for measure, (value, p_value) in whole.items():
        rows.append(("zero", math.nan, math.nan, measure, value, 0.1, 0.3, p_value))
    rows.append(("noise", math.nan, math.nan, "interaction", 0.1, 0.0, 0.2, 0.3))
    found = by_name(identity_rows(accuracy, pd.DataFrame(rows, columns=columns)))
    tested = [measure for measure, (_, p_value) in whole.items() if not math.isnan(p_value)]
    assert set(found) == {
        *(("identity_accuracy", kind) for kind in ("all", "face", "house")),
        *((f"identity_{measure}_zero", "all") for measure in tested),
        ("identity_interaction_noise", "all"),
    }
    answers = found["identity_accuracy", "face"]
    assert (answers["value"], answers["n"], answers["null_value"]) == (0.8, 20, 0.5)
    over_all = found["identity_interaction_zero", "all"]
    assert (over_all["value"], over_all["low"], over_all["high"]) == (0.2, 0.1, 0.3)
    assert (over_all["p_value"], over_all["null_value"], over_all["n"]) == (0.02, 0, 40)
    on_faces = found["identity_difference_on_faces_zero", "all"]
    assert (on_faces["null_value"], on_faces["n"]) == (0, 20)
    # the null of a specificity is what random units cost the one kind more than the other
    specific = found["identity_house_specificity_zero", "all"]
    assert (specific["null_value"], specific["n"]) == (pytest.approx(0.05 - 0.12), 40)
    specific = found["identity_face_specificity_d_prime_zero", "all"]
    assert specific["null_value"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("faces", "houses", "p_value", "in_d_prime", "which"),
    [
        (0.1, 0.1, 0.01, 0.3, "a"),
        (0.2, -0.01, 0.01, 0.3, "no"),  # one difference alone
        (0.1, 0.1, 0.2, 0.3, "no"),  # by chance
        (0.1, 0.1, 0.01, -0.1, "no"),  # the criterion has moved
    ],
)
def test_closing_words_ask_much_of_a_double_dissociation(faces, houses, p_value, in_d_prime, which):
    values = {
        "accuracy": (0.75, math.nan),
        "interaction_zero": (faces + houses, 0.01),
        "difference_on_faces_zero": (faces, p_value),
        "difference_on_houses_zero": (houses, p_value),
        "difference_on_faces_d_prime_zero": (0.5, p_value),
        "difference_on_houses_d_prime_zero": (in_d_prime, p_value),
    }
    rows = pd.DataFrame(
        [(f"identity_{name}", "all", *own) for name, own in values.items()],
        columns=["measure", "group", "value", "p_value"],
    )
    words = closing_words(rows.assign(network="small", method="identity"))
    assert f"show {which} double dissociation" in words
    assert "same in 75% of new pairs" in words


# --- ratio of means


def test_a_ratio_of_means_and_its_interval():
    random = np.random.default_rng(0)
    under = random.uniform(1, 2, 60)
    over = 0.7 * under + random.normal(0, 0.05, 60)
    found = ratio_interval(over, under, seed=3)
    assert found.value == pytest.approx(over.sum() / under.sum())
    expected = scipy.stats.bootstrap(
        (over, under),
        lambda a, b, axis=-1: a.mean(axis) / b.mean(axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=2e-3)
    assert ratio_interval(over, under, seed=3) == found


def test_a_ratio_whose_denominator_may_vanish_has_no_interval():
    found = ratio_interval([1, 2, 3], [0, 0, 1], seed=0)
    assert found.value == pytest.approx(6)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    alone = ratio_interval([1], [2], seed=0)
    assert alone.value == 0.5
    assert math.isnan(alone.low)
    with pytest.raises(InputError, match="not 0"):
        ratio_interval([1, 2], [1, -1], seed=0)


# --- tables


def test_the_table_has_its_columns_in_order_and_numbers_in_full(tmp_path):
    rows = [
        {"network": "n", "method": "circuits"} | row for row in circuit_rows(circuits(**PLANTED))
    ]
    made = table(rows)
    assert list(made.columns) == list(SUMMARY)
    write_csv(made, tmp_path / "summary.csv")
    read = pd.read_csv(tmp_path / "summary.csv")
    np.testing.assert_array_equal(read["value"], made["value"])
    assert list(tmp_path.iterdir()) == [tmp_path / "summary.csv"]


def test_an_empty_part_does_not_change_what_is_joined(tmp_path):
    full = circuits(**PLANTED)
    parts = {
        "full": full,
        "empty": full.iloc[:0],
        "nothing": pd.DataFrame([], columns=full.columns),
    }
    bare = pd.DataFrame([{"category": "dog", "csa_unpruned": 0.25}], columns=full.columns)
    for name, part in (parts | {"bare": bare}).items():
        write_parquet(part, tmp_path / name)
    for empty in ("empty", "nothing"):
        for order in (["full", empty], [empty, "full"]):
            joined = join([tmp_path / name for name in order])
            assert joined.to_csv(index=False) == full.to_csv(index=False)
    joined = join([tmp_path / name for name in ("full", "bare")])
    assert joined.to_csv(index=False).startswith(full.to_csv(index=False))
    assert joined.iloc[-1]["csa_unpruned"] == 0.25


# --- cluster lesions


def lesions_of_clusters(chosen="ward"):
    """Two methods; of the better one, the second cluster has the largest distance, and noise a larger one."""
    rows = [
        ("ward", "1", 0.1, 0.05, 0.9),
        ("ward", "2", 0.4, 0.06, 0.02),
        ("ward", "noise", 0.7, 0.3, 0.01),
        ("hdbscan", "1", 0.8, 0.07, 0.5),
    ]
    columns = ["method", "cluster", "performance_distance", "random_distance", "familywise_p_value"]
    made = pd.DataFrame(rows, columns=columns)
    return made.assign(chosen=made["method"] == chosen)


def losses_of_clusters():
    """A loss for each method, cluster, way of recognising and group, told apart by its digits."""
    rows = []
    for m, method in enumerate(("ward", "hdbscan"), start=1):
        for c, cluster in enumerate(("1", "2", "noise"), start=1):
            for w, way in enumerate(("category", "super_category"), start=1):
                for g, group in enumerate(("animate", "inanimate", "dog"), start=1):
                    loss = m / 10 + c / 100 + w / 1000 + g / 10000
                    kind = "category" if group == "dog" else "super_category"
                    about = {"method": method, "cluster": cluster, "recognised_as": way}
                    about |= {"group_kind": kind, "group": group, "images": 30 * g}
                    numbers = {"loss": loss, "low": loss - 1, "high": loss + 1}
                    rows.append(about | numbers | {"random_loss": loss / 2})
    return pd.DataFrame(rows)


def test_cluster_rows_are_of_the_chosen_cluster_that_tells_most_apart():
    rows = list(cluster_rows(lesions_of_clusters(), losses_of_clusters(), "super_category"))
    distance, *losses = rows
    assert (distance["measure"], distance["group"], distance["value"]) == (
        "cluster_distance",
        "all",
        0.4,
    )
    assert (distance["null_value"], distance["p_value"]) == (0.06, 0.02)
    assert [row["group"] for row in losses] == ["animate", "inanimate"]
    assert [row["value"] for row in losses] == pytest.approx([0.1221, 0.1222])
    assert [row["null_value"] for row in losses] == pytest.approx([0.06105, 0.0611])
    assert [row["n"] for row in losses] == [30, 60]


def test_no_cluster_rows_where_nothing_was_chosen():
    assert not list(cluster_rows(lesions_of_clusters("none"), losses_of_clusters(), "category"))


def test_closing_words_say_what_a_lesion_costs():
    rows = table(list(cluster_rows(lesions_of_clusters(), losses_of_clusters(), "category")))
    text = closing_words(rows.assign(network="small", method="clusters"))
    assert "costs 12% of animate and 12% of inanimate images" in text
    assert text.endswith("(as many random neurons of each layer: 6% and 6%)")
    without = rows.assign(network="small", method="clusters", null_value=np.nan)
    assert closing_words(without).endswith("12% of inanimate images")


# --- dissection

COUNTINGS = ("one_per_unit", "one_per_category")
# layer and counting -> unique detectors and detecting units of all categories; layers in network order, not by name
DETECTED = {
    ("stem", "one_per_unit"): (11, 24),
    ("stem", "one_per_category"): (17, 24),
    ("conv2", "one_per_unit"): (5, 8),
    ("conv2", "one_per_category"): (9, 8),
}
UNITS = {"stem": 40, "conv2": 32}


def detectors():
    """A table of detectors of two layers; numbers of single categories are none of all."""
    rows = []
    for (layer, counting), (unique, detecting) in DETECTED.items():
        for category in ("object", "part", "all"):
            own = unique if category == "all" else 99
            share = detecting / UNITS[layer] if category == "all" else 0.99
            numbers = (own, own - 2.5, own + 1.5, detecting, share, share - 0.05, share + 0.04)
            rows.append((layer, counting, category, *numbers, UNITS[layer]))
    return pd.DataFrame(rows, columns=list(DISSECTION_DETECTORS))


def rotations(layers=("conv2",), strengths=(0.0, 0.5, 1.0), all_of_it=(2, 4, 9)):
    """Three repeats; of the whole rotation unique detectors are known, of everything else they are far off."""
    rows = []
    for layer in layers:
        for counting in COUNTINGS:
            for category in ("object", "part", "all"):
                about = {"layer": layer, "counting": counting, "category": category}
                about["units"] = UNITS[layer]
                for seed, unique in enumerate(all_of_it):
                    for alpha in strengths:
                        wanted = alpha == 1 and category == "all"
                        own = unique + (counting == "one_per_category") if wanted else 500
                        found = {"unique_detectors": own, "detector_units": own + 1}
                        rows.append(
                            about | found | {"basis": "rotation", "alpha": alpha, "seed": seed}
                        )
                    found = {"unique_detectors": 700, "detector_units": 800, "combined_units": 2}
                    rows.append(about | found | {"basis": "combination", "seed": seed})
    return pd.DataFrame(rows, columns=list(DISSECTION_ROTATIONS))


@pytest.mark.parametrize("other_bases", [None, rotations(strengths=(0.0, 0.5)), rotations(())])
def test_what_layers_detect_without_a_whole_rotation_has_no_null(other_bases):
    rows = list(dissection_rows(detectors(), other_bases))
    found = by_name(rows)
    expected = {
        (measure, layer)
        for measure in ("detector_share", *(f"unique_detectors_{c}" for c in COUNTINGS))
        for layer in UNITS
    }
    assert set(found) == expected
    assert list(dict.fromkeys(row["group"] for row in rows)) == ["stem", "conv2"]
    for (layer, counting), (unique, detecting) in DETECTED.items():
        row = found[f"unique_detectors_{counting}", layer]
        assert (row["value"], row["low"], row["high"]) == (unique, unique - 2.5, unique + 1.5)
        assert row["n"] == UNITS[layer]
        share = found["detector_share", layer]
        assert share["value"] == detecting / UNITS[layer]
        assert (share["low"], share["high"]) == (share["value"] - 0.05, share["value"] + 0.04)
        assert share["n"] == UNITS[layer]
    assert all(row["null_value"] is row["p_value"] is None for row in rows)


def test_the_null_of_what_a_layer_detects_are_whole_rotations():
    """Not parts of a rotation, combinations, single categories, the other rule or another layer."""
    found = by_name(dissection_rows(detectors(), rotations()))
    nulls = {key: row["null_value"] for key, row in found.items() if row["null_value"] is not None}
    assert nulls == {
        # of 2, 4 and 9; one more each under the other rule; one more unit than that of 32
        ("unique_detectors_one_per_unit", "conv2"): pytest.approx(5),
        ("unique_detectors_one_per_category", "conv2"): pytest.approx(6),
        ("detector_share", "conv2"): pytest.approx(6 / 32),
    }
    both = by_name(dissection_rows(detectors(), rotations(("conv2", "stem"), all_of_it=(3,))))
    assert both["detector_share", "stem"]["null_value"] == pytest.approx(4 / 40)
    assert both["detector_share", "conv2"]["null_value"] == pytest.approx(4 / 32)


def dissection_words(other_bases, **columns):
    made = table(list(dissection_rows(detectors(), other_bases)))
    return closing_words(made.assign(network="small", method="dissection", **columns)).splitlines()


def test_closing_words_say_which_layer_detects_most_and_how_rotations_compare():
    # stem has 17 concepts, conv2 has 9 of them, 6 after rotations
    assert dissection_words(rotations())[1:] == [
        "  small",
        "    the units of stem detect 17 different concepts",
    ]
    both = dissection_words(rotations(("stem", "conv2"), all_of_it=(3,)))
    line = "    the units of stem detect 17 different concepts (4 after a random rotation)"
    assert both[-1] == line


def test_closing_words_without_rotations_do_not_compare():
    words = dissection_words(None)
    assert words[1:] == ["  small", "    the units of stem detect 17 different concepts"]


def test_closing_words_of_a_dissection_follow_those_of_other_methods():
    made = table(list(dissection_rows(detectors(), rotations(("stem",)))))
    dissected = made.assign(network="alexnet", method="dissection")
    alone = made.assign(network="twin", method="dissection", null_value=np.nan)
    usual = summary_of("alexnet", top1=(0.5678, 0.001))
    words = closing_words(pd.concat([usual, dissected, alone], ignore_index=True)).splitlines()
    assert [word.strip() for word in words if word] == [
        *("alexnet", "recognises 56.8% of new images (chance 0.1%)"),
        "the units of stem detect 17 different concepts (6 after a random rotation)",
        *("twin", "the units of stem detect 17 different concepts"),
    ]


# --- closing words


def _circuits(network: str, p_value: float) -> list[dict]:
    values = {"categories_with_circuit": 0.75, "kept_fraction": 0.0456, "csa_evaluation": 0.5}
    rows = [
        {"network": network, "method": "circuits", "measure": measure, "group": "all"}
        | {"value": value, "p_value": p_value}
        for measure, value in values.items()
    ]
    retained = {"measure": "csa_retained", "group": "all", "value": 0.912, "null_value": 0.432}
    return [*rows, {"network": network, "method": "circuits", **retained}]


def summary_of(network, **measures):
    """Rows of the summary over all categories: measure -> value, or (value, null) or (value, null, p)."""
    methods = {"top1": "network", "area_under_top1_synapse_zero": "knockouts"}
    rows = []
    for measure, given in measures.items():
        value, null, p_value = (*np.atleast_1d(given), *[np.nan] * 2)[:3]
        about = {"method": methods.get(measure, "circuits"), "measure": measure, "group": "all"}
        rows.append(about | {"value": value, "null_value": null, "p_value": p_value})
    return pd.DataFrame(rows, columns=list(SUMMARY)).assign(network=network)


def test_closing_words_say_the_headline_numbers():
    usual = summary_of(
        "alexnet",
        top1=(0.5678, 0.001),
        categories_with_circuit=0.9,
        kept_fraction=0.0456,
        csa_evaluation=(0.7, 0.3, 0.001),
        csa_retained=(0.84, 0.36),
    )
    group = usual.iloc[:1].assign(group="animate", value=0.1111)
    layers = {"conv1": 0.3, "conv2": 0.21, "fc8": 0.87}
    areas = [
        summary_of("alexnet", area_under_top1_synapse_zero=value).assign(group=layer)
        for layer, value in layers.items()
    ]
    untrained = summary_of("untrained", top1=(0.002, 0.001))
    text = closing_words(pd.concat([usual, group, *areas, untrained], ignore_index=True))
    first, second = text.split("\n  untrained")
    assert "recognises 56.8% of new images (chance 0.1%)" in first
    assert "90% of the categories have a circuit, which keeps 4.6% of the weights" in first
    assert "keep 84.0% of their unit's accuracy on new images (a constant unit: 36.0%)" in first
    assert "hurts most in conv2 and least in fc8" in first
    assert "0.21 and 0.87" in first
    assert "11.1%" not in text
    assert "recognises 0.2%" in second
    assert "circuit" not in second
    assert "nan" not in text


@pytest.mark.parametrize(("p_value", "said"), [(0.4, " (p = 0.40)"), (np.nan, "")])
def test_closing_words_do_not_boast(p_value, said):
    table = summary_of(
        "untrained",
        categories_with_circuit=1,
        kept_fraction=0.01,
        csa_evaluation=(0.1, 0.1, p_value),
        csa_retained=(1, 1),
    )
    last = closing_words(table).splitlines()[-1]
    assert last.endswith(f"circuits do no better on new images than a constant unit{said}")


def test_closing_words_where_nothing_could_be_retained():
    table = summary_of(
        "odd", categories_with_circuit=1, kept_fraction=0.01, csa_evaluation=(0.1, -0.3, 0.01)
    )
    assert closing_words(table).endswith("which keeps 1.0% of the weights on average")
