"""Figures of the overlap of circuits show the planted numbers, whatever there is to show."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from anatomy.figures import style
from anatomy.figures.layer_shares import USES, layer_shares
from anatomy.figures.overlap_histogram import COLORS, overlap_histogram
from anatomy.figures.overlap_matrix import overlap_matrix
from anatomy.tables import CIRCUIT_OVERLAP_PAIRS

LAYERS = ("conv1", "fc2", "all")
GROUPS = {"dog": "animate", "cat": "animate", "cup": "inanimate", "key": "inanimate"}
ANIMATE, INANIMATE = "#b5482a", "#2a6496"


def pairs_table(jaccard: dict[tuple[str, str], float], expected: float = 0.1) -> pd.DataFrame:
    """The same similarities in every layer, halved in each further one."""
    rows = [
        {
            "category_a": a,
            "category_b": b,
            "same_super_category": GROUPS[a] == GROUPS[b],
            "layer": layer,
            "intersection": 0,
            "union": 0,
            "jaccard": value if layer == "all" else value / 2,
            "expected_jaccard": expected,
        }
        for layer in LAYERS
        for (a, b), value in jaccard.items()
    ]
    table = pd.DataFrame(rows, columns=list(CIRCUIT_OVERLAP_PAIRS))
    return table.astype({"category_a": "category", "category_b": "category", "layer": "category"})


# dog and key are alike, and so are cat and cup
JACCARD = {
    ("dog", "cat"): 0.2,
    ("dog", "cup"): 0.25,
    ("dog", "key"): 0.9,
    ("cat", "cup"): 0.8,
    ("cat", "key"): 0.3,
    ("cup", "key"): 0.15,
}


def summary_table(means: dict[str, float], p_value: float = 0.0123) -> pd.DataFrame:
    """Layer -> mean within; between is half of it, chance a quarter."""
    rows = []
    for layer, mean in means.items():
        for relation, factor in (("all", 0.75), ("within", 1), ("between", 0.5)):
            value = mean * factor
            within = relation == "within"
            rows.append(
                {
                    "layer": layer,
                    "relation": relation,
                    "pairs": 3,
                    "mean_jaccard": value,
                    "low": 0.9 * value,
                    "high": 1.1 * value,
                    "mean_expected_jaccard": mean / 4,
                    "difference": mean / 2 if within else np.nan,
                    "p_value": p_value if within else np.nan,
                }
            )
    return pd.DataFrame(rows)


def sharing_table(fractions: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "layer": layer,
                "circuits": k,
                "weights": round(1000 * fraction),
                "fraction": fraction,
                "expected_fraction": fraction,
            }
            for layer, own in fractions.items()
            for k, fraction in enumerate(own)
        ]
    )


def shares_table(categories: dict[str, str], kept: dict[str, list[int]]) -> pd.DataFrame:
    """Of 1,000 weights in each layer."""
    return pd.DataFrame(
        [
            {
                "category": category,
                "super_category": group,
                "layer": layer,
                "kept": count,
                "weights": 1000,
                "kept_fraction": count / 1000,
            }
            for layer, own in kept.items()
            for (category, group), count in zip(categories.items(), own, strict=True)
        ]
    )


SHARING = {
    "conv1": [0.1, 0.2, 0.3, 0.25, 0.15],
    "fc2": [0.9, 0.06, 0.04, 0, 0],
    "all": [0.5, 0.13, 0.17, 0.125, 0.075],
}
KEPT = {"conv1": [500, 600, 700, 0], "fc2": [10, 20, 30, 80], "fc3": [100, 100, 200, 200]}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


# Histogram and layers


def figure_of_pairs() -> Figure:
    means = {"conv1": 0.6, "fc2": 0.4, "all": 0.5}
    return overlap_histogram(pairs_table(JACCARD), summary_table(means))


def test_the_histogram_shows_all_layers_together_as_shares_of_pairs():
    left, _ = figure_of_pairs().axes
    bars = [patch for patch in left.patches if to_hex(patch.get_facecolor()) == style.NULL]
    assert sum(bar.get_height() for bar in bars) == pytest.approx(100)
    (highest,) = [bar for bar in bars if bar.get_height()]
    assert highest.get_x() <= 0.1 <= highest.get_x() + highest.get_width()
    for relation, values in (("within", [0.2, 0.15]), ("between", [0.25, 0.9, 0.8, 0.3])):
        (outline,) = [p for p in left.patches if to_hex(p.get_edgecolor()) == COLORS[relation]]
        corners = outline.get_xy()
        filled = corners[corners[:, 1] > 0]
        assert filled[:, 0].min() <= min(values)
        assert filled[:, 0].max() >= max(values)
        assert filled[:, 1].max() % (100 / len(values)) == pytest.approx(0, abs=1e-9)


def test_the_histogram_names_means_numbers_of_pairs_and_the_test():
    written = [text.replace(style.MINUS, "-") for text in texts(figure_of_pairs())]
    assert "mean 0.500" in written
    assert "mean 0.250" in written
    assert "pairs within a super-category (n = 2)" in written
    assert "pairs between super-categories (n = 4)" in written
    assert "All layers but the output layer: within - between = +0.25, p = .012" in written


def test_each_layer_has_its_means_intervals_and_chance():
    _, right = figure_of_pairs().axes
    assert [label.get_text() for label in right.get_yticklabels()] == ["conv1", "fc2", "together"]
    assert right.yaxis.get_inverted()
    within, between = (
        next(line for line in right.lines if line.get_color() == COLORS[relation])
        for relation in ("within", "between")
    )
    np.testing.assert_allclose(within.get_xdata(), [0.6, 0.4, 0.5])
    np.testing.assert_allclose(between.get_xdata(), [0.3, 0.2, 0.25])
    chance = sorted(bar.get_width() for bar in right.patches)
    np.testing.assert_allclose(chance, np.repeat([0.1, 0.125, 0.15], 2))
    ends = [segment[:, 0].tolist() for segment in right.collections[0].get_segments()]
    np.testing.assert_allclose(ends, [[0.54, 0.66], [0.36, 0.44], [0.45, 0.55]])
    assert right.get_xscale() == "linear"
    assert right.get_xlim()[0] == 0


def test_layers_that_differ_much_have_a_logarithmic_axis():
    summary = summary_table({"conv1": 0.8, "fc2": 0.01, "all": 0.5})
    _, right = overlap_histogram(pairs_table(JACCARD), summary).axes
    assert right.get_xscale() == "log"
    assert right.get_xlim()[0] < 0.01 / 4


def test_pairs_of_one_super_category_are_not_compared_with_others():
    pairs = pairs_table({("dog", "cat"): 0.2})
    summary = summary_table({"conv1": 0.6, "all": 0.5}, p_value=np.nan).assign(difference=np.nan)
    written = texts(overlap_histogram(pairs, summary))
    assert "all pairs (n = 1)" in written
    assert "All layers but the output layer" in written
    assert not any("between" in text for text in written)


# Matrix


def figure_of_matrix(**names: str) -> Figure:
    own = {name: name for name in GROUPS} | names
    return overlap_matrix(pairs_table(JACCARD), GROUPS, own)


def test_similar_circuits_stand_side_by_side():
    _, strip, matrix, _ = figure_of_matrix().axes
    order = [label.get_text() for label in matrix.get_yticklabels()]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {
        frozenset({"dog", "key"}),
        frozenset({"cat", "cup"}),
    }
    shown = matrix.images[0].get_array()
    for i, a in enumerate(order):
        for j, b in enumerate(order):
            value = JACCARD.get((a, b), JACCARD.get((b, a)))
            assert np.ma.is_masked(shown[i, j]) if a == b else shown[i, j] == value
    colors = [to_hex(shade) for shade in strip.images[0].get_array()[:, 0]]
    wanted = [ANIMATE if GROUPS[name] == "animate" else INANIMATE for name in order]
    assert colors == wanted
    assert [label.get_color() for label in matrix.get_yticklabels()] == wanted


def test_the_tree_joins_circuits_at_one_minus_their_mean_similarity():
    tree = figure_of_matrix().axes[0]
    heights = sorted(max(line.get_xdata()) for line in tree.lines)
    np.testing.assert_allclose(heights, [0.1, 0.2, 1 - np.mean([0.2, 0.25, 0.3, 0.15])])


def test_two_categories_may_have_one_name():
    matrix = figure_of_matrix(cup="crane", key="crane").axes[2]
    assert len(matrix.images[0].get_array()) == 4
    assert sorted(label.get_text() for label in matrix.get_yticklabels()) == [
        "cat",
        "crane",
        "crane",
        "dog",
    ]


def test_many_circuits_are_not_named():
    random = np.random.default_rng(0)
    names = [f"c{number}" for number in range(60)]
    groups = dict.fromkeys(names, "animate")
    pairs = pd.DataFrame(
        [(a, b, random.random()) for i, b in enumerate(names) for a in names[:i]],
        columns=["category_a", "category_b", "jaccard"],
    ).assign(layer="all", expected_jaccard=0.5)
    matrix = overlap_matrix(pairs, groups, dict.fromkeys(names, "x")).axes[2]
    assert matrix.images[0].get_array().shape == (60, 60)
    assert not matrix.get_yticklabels()
    assert matrix.get_xlabel() == "60 circuits in the order of the tree"


def test_pairs_without_similarity_are_least_alike():
    pairs = pairs_table(JACCARD | {("dog", "key"): np.nan})
    _, _, matrix, _ = overlap_matrix(pairs, GROUPS, {name: name for name in GROUPS}).axes
    order = [label.get_text() for label in matrix.get_yticklabels()]
    assert matrix.images[0].get_array()[order.index("dog"), order.index("key")] == 0
    assert abs(order.index("dog") - order.index("key")) > 1


# Layers


def test_every_circuit_has_its_dot_in_every_layer():
    left, *_ = layer_shares(shares_table(GROUPS, KEPT), sharing_table(SHARING)).axes
    rows = [label.get_text() for label in left.get_yticklabels()]
    assert rows == ["conv1", "fc2", "fc3", "all but fc3"]
    dots = {
        (round(float(y)), to_hex(line.get_color()), round(float(x), 9))
        for line in left.lines
        if line.get_marker() == "o"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    end = round(left.get_xlim()[0], 9)
    assert {dot for dot in dots if dot[0] == 0} == {
        (0, ANIMATE, 0.5),
        (0, ANIMATE, 0.6),
        (0, INANIMATE, 0.7),
        (0, INANIMATE, end),  # nothing kept
    }
    assert {x for row, _, x in dots if row == 3} == {0.255, 0.31, 0.365, 0.04}
    means = {
        round(float(line.get_ydata()[0]) - 0.3): float(line.get_xdata()[0])
        for line in left.lines
        if line.get_marker() == "D"
    }
    assert means == pytest.approx({0: 0.45, 1: 0.035, 2: 0.15, 3: 0.2425})


def test_bars_hold_the_shares_of_weights_by_the_number_of_their_circuits():
    _, middle, _ = layer_shares(shares_table(GROUPS, KEPT), sharing_table(SHARING)).axes
    shades = list(USES.values())
    widths = {
        (round(bar.get_y() + bar.get_height() / 2), shades.index(to_hex(bar.get_facecolor()))): (
            bar.get_width()
        )
        for bar in middle.patches
    }
    for row, layer in ((0, "conv1"), (1, "fc2"), (3, "all")):
        # of four circuits: none, one, two, three, four
        found = [widths[row, use] for use in range(5)]
        assert found == pytest.approx(SHARING[layer])
    assert len(widths) == 15


@pytest.mark.parametrize(
    ("fractions", "parts"),
    [
        ([0.3, 0.7], [0.3, 0, 0, 0, 0.7]),
        ([0.3, 0.5, 0.2], [0.3, 0.5, 0, 0, 0.2]),
        ([0.3, 0.4, 0.2, 0.1], [0.3, 0.4, 0, 0.2, 0.1]),
        ([0.1, 0.2, 0.1, 0.2, 0.25, 0.15], [0.1, 0.2, 0.1, 0.45, 0.15]),
    ],
)
def test_bars_of_few_circuits_add_up(fractions: list[float], parts: list[float]):
    categories = {f"c{i}": "animate" for i in range(len(fractions) - 1)}
    shares = shares_table(
        categories, {"conv1": [10] * len(categories), "fc2": [9] * len(categories)}
    )
    sharing = sharing_table({"conv1": fractions, "all": fractions})
    _, middle, _ = layer_shares(shares, sharing).axes
    found = [bar.get_width() for bar in middle.patches[:5]]
    assert found == pytest.approx(parts)


def test_the_spectrum_falls_from_all_weights_to_those_that_all_circuits_use():
    *_, right = layer_shares(shares_table(GROUPS, KEPT), sharing_table(SHARING)).axes
    colors = style.layer_colors(["conv1", "fc2"])
    (whole,) = [line for line in right.lines if line.get_color() == style.INK]
    np.testing.assert_allclose(whole.get_ydata(), [1, 0.5, 0.37, 0.2, 0.075])
    (last,) = [line for line in right.lines if line.get_color() == colors["fc2"]]
    np.testing.assert_allclose(last.get_ydata(), [1, 0.1, 0.04, np.nan, np.nan], atol=1e-12)
    assert right.get_yscale() == "log"


def test_many_circuits_are_drawn_as_quantiles():
    categories = {f"c{i:03d}": "animate" for i in range(101)}
    kept = {"conv1": list(range(100, 201)), "fc2": [5] * 101}
    left, *_ = layer_shares(
        shares_table(categories, kept),
        sharing_table({layer: [1 / 102] * 102 for layer in ("conv1", "all")}),
    ).axes
    ends = [
        segment[:, 0]
        for collection in left.collections
        for segment in collection.get_segments()
        if round(segment[0, 1], 1) == -0.1
    ]
    np.testing.assert_allclose(ends, [[0.105, 0.195], [0.125, 0.175]])


# All


@pytest.mark.filterwarnings("error")
def test_no_circuits_are_drawn_as_such(tmp_path):
    summary = summary_table({"conv1": np.nan, "all": np.nan})
    sharing = sharing_table({"conv1": [1.0], "all": [1.0]})
    shares = shares_table({"dog": "animate"}, {"conv1": [1], "fc2": [1]})[:0]
    for figure, message in (
        (overlap_histogram(pairs_table({}), summary), "There are no two circuits to compare."),
        (overlap_matrix(pairs_table({}), {}, {}), "There are no two circuits to compare."),
        (layer_shares(shares, sharing), "No category has a circuit."),
    ):
        style.save(figure, tmp_path / "figure.svg")
        assert message in texts(figure)


@pytest.mark.filterwarnings("error")
def test_few_circuits_can_be_drawn(tmp_path):
    pairs = pairs_table({("dog", "cup"): 0.5})
    names = {name: name for name in GROUPS}
    shares = shares_table({"dog": "animate"}, {"conv1": [0], "fc2": [1]})
    sharing = sharing_table({"conv1": [1.0, 0.0], "all": [1.0, 0.0]})
    for figure in (
        overlap_histogram(pairs, summary_table({"conv1": 0.2, "all": 0.5})),
        overlap_matrix(pairs, GROUPS, names),
        layer_shares(shares, sharing),
    ):
        style.save(figure, tmp_path / "figure.png")
