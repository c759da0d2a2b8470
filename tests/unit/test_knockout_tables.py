"""Areas and half losses are those of hand-made curves, and tables over repeats those of plain loops."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.knockout_tables import area_table, category_curves, category_table, performance_curves
from anatomy.stats import t_interval, t_intervals
from anatomy.steps import knockout_tables, knockouts
from anatomy.steps.step import Job
from anatomy.sweep_areas import half_loss, relative_area
from anatomy.tables import KNOCKOUT_AREAS, KNOCKOUT_CATEGORIES

# --- single curves


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        ([0.9, 0.5, 0.1], 0.5),  # the half, (0.9 + 0.1) / 2, lies on a proportion
        ([0.9, 0.7, 0.3], 0.75),  # half way between two
        ([0.9, 0.1, 0.1], 0.25),
        ([0.9, 0.6, 0.2], 0.5 + 0.5 * 0.1 / 0.4),
        ([0.9, 0.9, 0.5], 1.0),  # just at the end
        ([0.9, 0.3, 0.9], 1 / 3),  # the first fall counts: 0.4 of 0.6
        ([0.9, 0.9, 0.51], math.nan),  # never
        ([0.1, 0.0, 0.0], math.nan),  # nothing above chance to lose
        ([0.0, 0.0, 0.0], math.nan),
    ],
)
def test_half_loss_by_hand(accuracy, expected):
    assert half_loss([0, 0.5, 1], accuracy, 0.1) == pytest.approx(expected, nan_ok=True)


def test_half_loss_with_uneven_proportions():
    # of 0.8 above no chance, 0.4 is passed a third of the way from 0.1 to 0.7
    assert half_loss([0, 0.1, 0.7], [0.8, 0.5, 0.2], 0) == pytest.approx(0.3)


def test_no_half_loss_without_the_intact_network():
    assert math.isnan(half_loss([0.1, 1], [0.9, 0.0], 0.1))
    assert math.isnan(half_loss([0], [0.9], 0.1))


@pytest.mark.parametrize("outputs", [3, 7, 12, 1000])
@pytest.mark.parametrize("images", [30, 50, 7])
def test_a_half_that_rounding_would_miss(images, outputs):
    """Accuracies just at the half count as lost, whatever way chance and shares of images round."""
    chance = 1 / outputs
    for hits in range(1, images + 1):
        intact = hits / images
        if intact > chance:
            last = chance + (intact - chance) / 2
            assert half_loss([0, 0.3, 1], [intact, intact, last], chance) == pytest.approx(1)


def plain_half_loss(proportions, accuracy, chance):
    """In small steps along the curve."""
    half = chance + (accuracy[0] - chance) / 2
    if accuracy[0] <= chance:
        return math.nan
    for place in range(1, len(proportions)):
        start, stop = proportions[place - 1 : place + 1]
        before, after = accuracy[place - 1 : place + 1]
        for step in range(1001):
            share = step / 1000
            if before + share * (after - before) <= half + 1e-9:
                return start + share * (stop - start)
    return math.nan


@st.composite
def curves(draw):
    count = draw(st.integers(2, 6))
    inner = st.lists(st.integers(1, 98), min_size=count - 1, max_size=count - 1, unique=True)
    proportions = [0.0, *(own / 100 for own in sorted(draw(inner)))]
    heights = st.lists(st.integers(0, 50), min_size=count, max_size=count)
    accuracy = draw(st.lists(heights, min_size=1, max_size=4))
    return proportions, np.array(accuracy) / 50, draw(st.sampled_from([0.5, 0.1, 0.001, 0.0]))


@given(curves())
def test_half_loss_is_where_a_walk_along_the_curve_ends(case):
    proportions, accuracy, chance = case
    found = half_loss(proportions, accuracy, chance)
    for own, curve in zip(found, accuracy, strict=True):
        expected = plain_half_loss(proportions, list(curve), chance)
        assert own == pytest.approx(expected, abs=1.1e-3, nan_ok=True)


@given(curves())
def test_area_is_the_sum_of_trapezoids(case):
    proportions, accuracy, _ = case
    for own, curve in zip(relative_area(proportions, accuracy), accuracy, strict=True):
        area = sum(
            (proportions[i] - proportions[i - 1]) * (curve[i] + curve[i - 1]) / 2
            for i in range(1, len(proportions))
        )
        expected = area / (curve[0] * proportions[-1]) if curve[0] else math.nan
        assert own == pytest.approx(expected, nan_ok=True)


def test_many_intervals_are_single_ones():
    values = np.random.default_rng(0).normal(size=(3, 2, 5))
    mean, low, high = t_intervals(values)
    for place in np.ndindex(3, 2):
        own = t_interval(values[place])
        found = (mean[place], low[place], high[place])
        assert found == pytest.approx((own.value, own.low, own.high))


def test_a_single_repeat_has_no_interval():
    mean, low, high = t_intervals(np.array([[0.5], [0.25]]))
    assert mean.tolist() == [0.5, 0.25]
    assert np.isnan([low, high]).all()


# --- tables

LAYERS, KINDS, MODES = ("conv2", "conv1", "fc3"), ("synapse", "node"), ("zero", "noise")
SUPER_CATEGORIES = {"owl": "animate", "1": "inanimate", "cat": "animate"}
PROPORTIONS, REPEATS, OUTPUTS = (0.0, 0.25, 1.0), 3, 8
KEYS = ["layer", "kind", "mode"]


def planted(repeats=REPEATS, layers=LAYERS, seed=0):
    """Tables of performance and of categories with two images each; the intact network is always the same."""
    random = np.random.default_rng(seed)
    performance, categories = [], []
    intact = {name: random.integers(0, 3) / 2 for name in SUPER_CATEGORIES}
    for layer, kind, mode, repeat, proportion in product(
        layers, KINDS, MODES, range(repeats), PROPORTIONS
    ):
        about = {
            "layer": layer,
            "kind": kind,
            "mode": mode,
            "proportion": proportion,
            "repeat": repeat,
        }
        own = {
            name: share if proportion == 0 else share * random.integers(0, 3) / 2
            for name, share in intact.items()
        }
        top1 = float(np.mean(list(own.values())))
        of_group = {
            f"sensitivity_{group}": np.mean(
                [own[n] for n, g in SUPER_CATEGORIES.items() if g == group]
            )
            for group in ("animate", "inanimate")
        }
        performance.append(about | {"top1": top1, "top5": min(1, top1 + 0.3)} | of_group)
        categories += [
            about | {"category": n, "super_category": g, "sensitivity": own[n]}
            for n, g in SUPER_CATEGORIES.items()
        ]
    return pd.DataFrame(performance), pd.DataFrame(categories)


def plain_mean(values):
    """Mean and t interval by SciPy; no interval of one value."""
    mean = np.mean(values)
    if len(values) == 1:
        return mean, math.nan, math.nan
    if np.ptp(values) == 0:
        return mean, mean, mean
    return mean, *scipy.stats.t.interval(0.95, len(values) - 1, mean, scipy.stats.sem(values))


@pytest.mark.parametrize("repeats", [1, 3])
def test_categories_are_means_over_repeats_in_the_order_of_the_table(repeats):
    _, sensitivity = planted(repeats)
    found = category_table(*category_curves(sensitivity))
    assert list(found.columns) == list(KNOCKOUT_CATEGORIES)
    rows = iter(found.itertuples(index=False))
    for layer, kind, mode, proportion, name in product(
        LAYERS, KINDS, MODES, PROPORTIONS, SUPER_CATEGORIES
    ):
        row = next(rows)
        about = (layer, kind, mode, proportion, name, SUPER_CATEGORIES[name])
        assert tuple(row)[:6] == about
        own = sensitivity.set_index([*KEYS, "proportion", "category"]).loc[
            [about[:5]], "sensitivity"
        ]
        expected = plain_mean(own.to_numpy())
        assert (row.sensitivity, row.low, row.high) == pytest.approx(expected, nan_ok=True)
        assert row.repeats == repeats
    assert next(rows, None) is None


@pytest.mark.parametrize("repeats", [1, 3])
def test_areas_are_those_of_single_curves(repeats):
    performance, sensitivity = planted(repeats, seed=3)
    found = area_table(performance_curves(performance), category_curves(sensitivity), OUTPUTS)
    assert list(found.columns) == list(KNOCKOUT_AREAS)
    groups = [("top1", "all", "all"), ("top5", "all", "all")]
    groups += [("sensitivity", "super_category", name) for name in ("animate", "inanimate")]
    groups += [("sensitivity", "category", name) for name in SUPER_CATEGORIES]
    rows, states = iter(found.itertuples(index=False)), set()
    for *swept, group in product(LAYERS, KINDS, MODES, groups):
        row = next(rows)
        assert tuple(row)[:6] == (*swept, *group)
        measure, group_kind, name = group
        column = f"sensitivity_{name}" if group_kind == "super_category" else measure
        table = performance
        if group_kind == "category":
            table, column = sensitivity[sensitivity["category"] == name], "sensitivity"
        own = table.set_index(KEYS).sort_index().loc[tuple(swept)]
        curves = [part[column].to_numpy() for _, part in own.groupby("repeat")]
        chance = 5 / OUTPUTS if measure == "top5" else 1 / OUTPUTS
        assert row.intact == pytest.approx(curves[0][0])
        areas = [float(relative_area(PROPORTIONS, curve)) for curve in curves]
        expected = plain_mean(areas) if curves[0][0] else (math.nan,) * 3
        assert (row.area, row.area_low, row.area_high) == pytest.approx(expected, nan_ok=True)
        halves = np.array([plain_half_loss(PROPORTIONS, curve, chance) for curve in curves])
        lost = np.isfinite(halves).sum()
        assert (row.lost, row.repeats) == (lost, repeats)
        expected = plain_mean(halves) if lost == repeats else (math.nan,) * 3
        ends = (row.half_loss, row.half_loss_low, row.half_loss_high)
        assert ends == pytest.approx(expected, abs=5e-3, nan_ok=True)
        states.add("none" if lost == 0 else "all" if lost == repeats else "some")
    assert next(rows, None) is None
    assert states == {"none", "all"} | ({"some"} if repeats > 1 else set())


def test_chance_of_five_is_at_most_one():
    performance, sensitivity = planted()
    found = area_table(performance_curves(performance), category_curves(sensitivity), 3)
    assert found.loc[found["measure"] == "top5", "half_loss"].isna().all()


def test_a_sweep_without_the_intact_network_has_neither_area_nor_half_loss():
    tables = [own[own["proportion"] > 0] for own in planted()]
    found = area_table(performance_curves(tables[0]), category_curves(tables[1]), OUTPUTS)
    assert found[["intact", "area", "half_loss"]].isna().all(axis=None)
    assert (found["lost"] == 0).all()


def test_the_order_of_proportions_and_repeats_does_not_matter():
    ordered = planted()
    mixed = [
        own.sort_values(["proportion", "repeat"], ascending=False, kind="stable") for own in ordered
    ]
    expected, found = (
        area_table(performance_curves(performance), category_curves(sensitivity), OUTPUTS)
        for performance, sensitivity in (ordered, mixed)
    )
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("spoilt", ["less", "twice"])
def test_a_table_that_is_not_whole_is_refused(spoilt):
    for read, table in zip((performance_curves, category_curves), planted(), strict=True):
        less = table.iloc[:-1]
        with pytest.raises(InputError, match="just once"):
            read(less if spoilt == "less" else pd.concat([less, table.iloc[:1]]))


def test_tables_of_different_sweeps_are_refused():
    performance, _ = planted(repeats=2)
    _, sensitivity = planted(repeats=3)
    with pytest.raises(InputError, match="repeats"):
        area_table(performance_curves(performance), category_curves(sensitivity), OUTPUTS)


def test_the_step_joins_parts_of_layers(tmp_path):
    performance, sensitivity = planted()
    performance.to_csv(tmp_path / "performance.csv", index=False)
    parts = []
    for layers in (LAYERS[:2], LAYERS[2:]):
        parts.append(tmp_path / f"{layers[0]}.parquet")
        own = sensitivity[sensitivity["layer"].isin(layers)]
        own.astype({"layer": "category", "category": "category"}).to_parquet(parts[-1])
    paths = {
        "table": [tmp_path / "performance.csv"],
        "categories": parts,
        "categories_table": [tmp_path / "categories.csv"],
        "areas": [tmp_path / "areas.csv"],
    }
    knockout_tables.main(Job({"outputs": OUTPUTS}, 0, paths))
    expected = area_table(performance_curves(performance), category_curves(sensitivity), OUTPUTS)
    types = {"group": str, "category": str}
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "areas.csv", dtype=types), expected)
    expected = category_table(*category_curves(sensitivity))
    found = pd.read_csv(tmp_path / "categories.csv", dtype=types)
    pd.testing.assert_frame_equal(found, expected)


def test_rows_of_categories_name_the_state_and_the_category():
    states = [("b", "node", "zero", p, r) for r in (0, 1) for p in (0.0, 1.0)]
    swept = pd.DataFrame(states, columns=[*KEYS, "proportion", "repeat"])
    categories = pd.DataFrame({"category": ["y", "x"], "super_category": ["b", "a"]})
    sensitivity = [np.array([number, number + 0.5]) for number in range(4)]
    found = knockouts.category_rows(swept, categories, sensitivity)
    expected = [
        (*state, category, group, number + half)
        for number, state in enumerate(states)
        for category, group, half in (("y", "b", 0), ("x", "a", 0.5))
    ]
    assert [tuple(row) for row in found.itertuples(index=False)] == expected
    columns = [*KEYS, "proportion", "repeat", "category", "super_category", "sensitivity"]
    assert list(found.columns) == columns
