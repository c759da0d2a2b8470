"""Statistics of the double dissociation against plain ones, and on data whose truth is known."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from anatomy.identity.dissociation import (
    Decisions,
    Dissociation,
    decisions_by_dose,
    dissociation_table,
)
from anatomy.identity.lesions import (
    NO_LESION,
    Dose,
    Lesion,
    ShownPairs,
)
from anatomy.identity.performance import same_different
from anatomy.unit_lesions import UnitLesion

KINDS = ("face", "house")


def pairs_of(identities, each, uneven=0):
    """Pairs of both kinds, half of them same; with `uneven`, the first identities have more pairs."""
    rows = [
        {"kind": kind, "same": bool(number % 2), "identity_a": f"{identity}"}
        for kind in KINDS
        for identity in range(identities)
        for number in range(each + uneven * (identity < 2))
    ]
    return ShownPairs(pd.DataFrame(rows))


def decided(pairs, right):
    """Decisions (lesion, pair) that are right as told."""
    return np.where(right, pairs.same, ~pairs.same)


def codes_of(pairs):
    """Number (pair,) of each pair's first identity."""
    return pairs.table.groupby(["kind", "identity_a"]).ngroup().to_numpy()


def drawn_right(pairs, codes, random, accuracy, spread=0.0):
    """Whether decisions (pair,) are right, each identity having an accuracy of its own around that of its kind."""
    shares = np.where(pairs.of("face"), accuracy["face"], accuracy["house"])
    own = random.normal(0, spread, codes.max() + 1)[codes]
    return random.random(len(codes)) < shares + own


def simulated(pairs, random, lesioned, draws=5, repeats=1, spread=0.15):
    """Decisions with accuracies (lesion -> kind -> accuracy) that vary between identities."""
    both, codes = dict.fromkeys(KINDS, 0.75), codes_of(pairs)

    def rows(number, accuracy):
        right = [drawn_right(pairs, codes, random, accuracy, spread) for _ in range(number)]
        return decided(pairs, np.stack(right))

    selective = {kind: rows(repeats, lesioned[kind]) for kind in KINDS}
    return Decisions(rows(1, dict.fromkeys(KINDS, 0.9))[0], selective, rows(draws, both))


def measures(statistics, doses, lost="accuracy"):
    return {one.measure: one for one in statistics.measures(doses, lost)}


NO_EFFECT = {kind: dict.fromkeys(KINDS, 0.75) for kind in KINDS}
EFFECT = {"face": {"face": 0.6, "house": 0.85}, "house": {"face": 0.85, "house": 0.6}}


@pytest.mark.parametrize(("lost", "ending"), [("accuracy", ""), ("d_prime", "_d_prime")])
def test_measures_are_those_of_plain_counting(lost, ending):
    """Three repeats, two doses, four random draws."""
    random = np.random.default_rng(0)
    pairs = pairs_of(6, 10, uneven=4)
    doses = [simulated(pairs, random, EFFECT, draws=4, repeats=3) for _ in range(2)]

    def performance(said, kind):
        own = pairs.of(kind)
        return getattr(same_different(pairs.same[own], said[own]), lost)

    def loss(dose, rows, kind):
        return np.mean([performance(dose.intact, kind) - performance(row, kind) for row in rows])

    found = measures(Dissociation(pairs, 10, ("test",)), doses, lost)
    expected = {}
    for lesion, kind in product((*KINDS, "random"), KINDS):
        rows = [d.random if lesion == "random" else d.selective[lesion] for d in doses]
        losses = [loss(dose, own, kind) for dose, own in zip(doses, rows, strict=True)]
        expected[lesion, kind] = np.mean(losses)
        value = found[f"{lesion}_lesion_on_{kind}s{ending}"].value
        assert value == pytest.approx(expected[lesion, kind])
    specific = {
        "face": expected["face", "face"] - expected["face", "house"],
        "house": expected["house", "house"] - expected["house", "face"],
    }
    for kind, other in (KINDS, KINDS[::-1]):
        row = found[f"{kind}_specificity{ending}"]
        assert row.value == pytest.approx(specific[kind])
        by_chance = [
            np.mean(
                [loss(d, d.random[[draw]], kind) - loss(d, d.random[[draw]], other) for d in doses]
            )
            for draw in range(4)
        ]
        assert row.p_value == (1 + sum(one >= specific[kind] for one in by_chance)) / 5
    interaction = found[f"interaction{ending}"].value
    assert interaction == pytest.approx(sum(specific.values()))
    for kind, other in (KINDS, KINDS[::-1]):
        difference = expected[kind, kind] - expected[other, kind]
        assert found[f"difference_on_{kind}s{ending}"].value == pytest.approx(difference)
    assert len(found) == 11


@pytest.mark.parametrize("lost", ["accuracy", "d_prime"])
def test_the_p_value_is_that_of_all_permutations(lost):
    """With four identities of each kind there are 256 ways to exchange the lesions."""
    random = np.random.default_rng(4)
    pairs = pairs_of(4, 6)
    weak = {"face": {"face": 0.6, "house": 0.8}, "house": {"face": 0.75, "house": 0.65}}
    dose = simulated(pairs, random, weak)
    codes = codes_of(pairs)
    interactions, on_kind = [], {kind: [] for kind in KINDS}
    for exchanged in product((False, True), repeat=8):
        gone = np.array(exchanged)[codes]
        (face,), (house,) = (dose.selective[kind] for kind in KINDS)
        lesioned = np.where(gone, house, face), np.where(gone, face, house)
        differences = []
        for kind in KINDS:
            own = pairs.of(kind)
            as_face, as_house = (
                getattr(same_different(pairs.same[own], said[own]), lost) for said in lesioned
            )
            differences.append(as_house - as_face)
            on_kind[kind].append(differences[-1])
        interactions.append(differences[0] - differences[1])
    exact = np.mean(np.abs(interactions) >= abs(interactions[0]) - 1e-9)
    assert 0.02 < exact < 0.9  # a test that could not fail otherwise
    resamples = 4000
    ending = "" if lost == "accuracy" else "_d_prime"
    found = measures(Dissociation(pairs, resamples, ("test",)), [dose], lost)
    error = np.sqrt(exact * (1 - exact) / resamples)
    assert found[f"interaction{ending}"].p_value == pytest.approx(exact, abs=4 * error)
    for kind, own in on_kind.items():
        exact = np.mean(np.abs(own) >= abs(own[0]) - 1e-9)
        error = np.sqrt(exact * (1 - exact) / resamples)
        p_value = found[f"difference_on_{kind}s{ending}"].p_value
        assert p_value == pytest.approx(exact, abs=4 * error + 1 / resamples)


def p_values(lesioned, runs, seed, measure="interaction"):
    pairs = pairs_of(12, 8)
    statistics = Dissociation(pairs, 199, ("test",))
    random = np.random.default_rng(seed)
    return np.array(
        [
            measures(statistics, [simulated(pairs, random, lesioned, draws=1)])[measure].p_value
            for _ in range(runs)
        ]
    )


def test_without_an_effect_differences_are_significant_in_five_per_cent_at_most():
    """Of one kind there are few different values, and ties count against an effect."""
    runs = 400
    found = p_values(NO_EFFECT, runs, 0, "difference_on_faces")
    for level in (0.05, 0.5):
        assert (found <= level).sum() <= binom.interval(0.999, runs, level)[1]
    assert (found <= 0.05).any()
    effect = p_values(EFFECT, 20, 1, "difference_on_faces")
    assert (effect <= 0.05).sum() > binom.interval(0.999, 20, 0.05)[1]


def test_without_an_effect_five_per_cent_of_the_p_values_are_below_five_per_cent():
    """Identities differ, so that pairs of one are no independent measurements."""
    runs = 400
    found = p_values(NO_EFFECT, runs, 0)
    low, high = binom.interval(0.999, runs, 0.05)
    assert low <= (found <= 0.05).sum() <= high
    low, high = binom.interval(0.999, runs, 0.5)
    assert low <= (found <= 0.5).sum() <= high


def test_lesions_of_unequal_strength_are_no_dissociation():
    """A lesion that costs both kinds more than the other does is not called significant too often."""
    runs = 100
    strong = {"face": dict.fromkeys(KINDS, 0.6), "house": dict.fromkeys(KINDS, 0.85)}
    assert (p_values(strong, runs, 1) <= 0.05).sum() <= binom.interval(0.999, runs, 0.05)[1]


def test_a_planted_dissociation_is_found():
    assert (p_values(EFFECT, 40, 2) <= 0.05).mean() > 0.9


def test_intervals_hold_the_truth():
    """Pairs of an identity go together: drawn one by one, intervals would be too narrow by far."""
    pairs = pairs_of(30, 6)
    statistics = Dissociation(pairs, 300, ("test",))
    random = np.random.default_rng(3)
    runs, codes, of_faces = 200, codes_of(pairs), pairs.of("face")
    truth = {"face_lesion_on_faces": 0.3, "face_lesion_on_houses": 0.05, "interaction": 0.5}
    held = dict.fromkeys(truth, 0)
    right = {"intact": 0.9} | {
        (lesion, kind): EFFECT[lesion][kind] for lesion, kind in product(KINDS, KINDS)
    }
    for _ in range(runs):
        # an identity is right or wrong with all its pairs
        def drawn(share):
            return random.random(codes.max() + 1)[codes] < share

        said = {
            lesion: decided(pairs, drawn(np.where(of_faces, *(right[lesion, k] for k in KINDS))))
            for lesion in KINDS
        }
        intact = decided(pairs, drawn(right["intact"]))
        dose = Decisions(intact, {k: own[None] for k, own in said.items()}, intact[None])
        found = measures(statistics, [dose])
        for measure, value in truth.items():
            held[measure] += found[measure].low <= value <= found[measure].high
    for measure, count in held.items():
        assert 0.89 <= count / runs <= 0.99, measure


def test_nothing_lost_is_no_effect():
    pairs = pairs_of(5, 4)
    dose = Decisions(pairs.same, dict.fromkeys(KINDS, pairs.same[None]), pairs.same[None])
    for lost, ending in (("accuracy", ""), ("d_prime", "_d_prime")):
        found = measures(Dissociation(pairs, 50, ("test",)), [dose], lost)
        row = found[f"interaction{ending}"]
        assert (row.value, row.low, row.high, row.p_value) == (0, 0, 0, 1)
        assert found[f"face_specificity{ending}"].p_value == 1


def test_a_single_identity_has_no_interval():
    pairs = pairs_of(1, 4)
    dose = simulated(pairs, np.random.default_rng(0), EFFECT)
    found = measures(Dissociation(pairs, 50, ("test",)), [dose])
    assert np.isnan([found["interaction"].low, found["face_lesion_on_faces"].high]).all()
    assert np.isfinite(found["interaction"].value)


def test_without_resamples_there_is_neither_interval_nor_p_value():
    pairs = pairs_of(6, 8)
    dose = simulated(pairs, np.random.default_rng(0), EFFECT)
    found = measures(Dissociation(pairs, 0, ("test",)), [dose])
    row = found["interaction"]
    assert np.isnan([row.low, row.high, row.p_value]).all()
    assert row.value == measures(Dissociation(pairs, 9, ("test",)), [dose])["interaction"].value
    assert 0 < found["face_specificity"].p_value <= 1


def test_the_table_has_each_dose_and_the_mean_of_each_mode():
    random = np.random.default_rng(0)
    pairs = pairs_of(6, 8)
    doses = [Dose("zero", 0.1, 3, 0.0), Dose("zero", 0.2, 6, 0.0), Dose("noise", 0.2, 6, 1.5)]
    lesions, said = [NO_LESION], [pairs.same]
    for (name, repeats), dose in product({"face": 2, "house": 2, "random": 3}.items(), doses):
        for repeat in range(repeats if dose.mode == "noise" or name == "random" else 1):
            lesions.append(Lesion(name, dose, repeat, UnitLesion(np.arange(9), dose.units)))
            said.append(
                decided(
                    pairs, drawn_right(pairs, codes_of(pairs), random, dict.fromkeys(KINDS, 0.7))
                )
            )
    by_dose = decisions_by_dose(lesions, np.stack(said))
    assert list(by_dose) == doses
    assert [len(own.selective["house"]) for own in by_dose.values()] == [1, 1, 2]
    assert [len(own.random) for own in by_dose.values()] == [3, 3, 3]
    table = dissociation_table(Dissociation(pairs, 100, ("test",)), by_dose)
    assert [*table] == ["mode", "proportion", "noise", "measure", "value", "low", "high", "p_value"]
    assert table.groupby(["mode", "proportion", "noise"], dropna=False).size().tolist() == [22] * 5
    zero = table[(table["mode"] == "zero") & (table["measure"] == "interaction")]
    whole = zero["proportion"].isna()
    assert zero.loc[whole, "value"].item() == pytest.approx(zero.loc[~whole, "value"].mean())
    assert (table["low"] <= table["value"] + 1e-12).mean() > 0.95
    tested = table["measure"].str.contains("specificity|difference|interaction")
    assert table["p_value"].notna().equals(tested)
    again = dissociation_table(Dissociation(pairs, 100, ("test",)), by_dose)
    pd.testing.assert_frame_equal(table, again)
    other = dissociation_table(Dissociation(pairs, 100, ("other",)), by_dose)
    assert not table["low"].equals(other["low"])
