"""Figures that compare scores, thresholds and controls must show the planted numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from test_figures import ANIMATE, INANIMATE, lines, points, texts, tick_names

from anatomy.figures import style
from anatomy.figures.circuit_controls import circuit_controls
from anatomy.figures.circuit_curves import mean_faithfulness
from anatomy.figures.frontier import frontier
from anatomy.figures.score_comparison import score_comparison, score_looks
from anatomy.figures.scoring_stability import scoring_stability

SCORES = score_looks()

KEPT = (1.0, 0.5, 0.1, 0.01)
# CSA of the unpruned and of a constant unit; at the key the constant unit is the better one.
REFERENCES = {"dog": (0.9, 0.5), "cat": (0.8, 0.7), "key": (0.5, 0.6)}
# Share of the gain over the constant unit that is left, the same at all kept fractions but 1.
LEFT = {"dog": 0.75, "cat": 0.5, "key": 2.0}
# (.4 x .75 + .1 x .5 - .1 x 2) / (.4 + .1 - .1)
FAITHFULNESS = 0.375


def levels(axes: Axes) -> list[float]:
    """Heights of the lines across a panel."""
    return [y[0] for y in (list(line.get_ydata()) for line in lines(axes)) if len(set(y)) == 1]


def curve(axes: Axes, score: str) -> list[tuple[float, float]]:
    """Kept fraction and faithfulness of the only line of a score."""
    (line,) = [one for one in lines(axes, color=SCORES[score][1]) if len(one.get_xdata()) > 2]
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def titles(figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


# Weight scores


def comparison_table(
    scores=("signed",),
    stages=("fully_connected",),
    scopes=("joint",),
    normalisations=("none",),
    kept=KEPT,
    references=REFERENCES,
) -> pd.DataFrame:
    rows = [
        {
            "category": category,
            "stage": stage,
            "score": score,
            "normalisation": normalisation,
            "scope": scope,
            "removed_fraction": 1 - fraction,
            "kept_fraction": fraction,
            "csa": constant + (1 if fraction == 1 else LEFT[category]) * (unpruned - constant),
            "csa_unpruned": unpruned,
            "csa_bias_only": constant,
        }
        for category, (unpruned, constant) in references.items()
        for stage in stages
        for score in scores
        for scope in scopes
        for normalisation in normalisations
        for fraction in kept
    ]
    return pd.DataFrame(rows)


def test_mean_faithfulness_is_a_ratio_of_means():
    unpruned, constant = np.transpose(list(REFERENCES.values()))
    csa = constant + np.array(list(LEFT.values())) * (unpruned - constant)
    assert mean_faithfulness(csa, unpruned, constant).value == pytest.approx(FAITHFULNESS)
    assert mean_faithfulness(constant, unpruned, constant).value == pytest.approx(0)
    one = mean_faithfulness(unpruned, unpruned, constant)
    assert (one.value, one.n) == (pytest.approx(1), 3)
    assert mean_faithfulness(csa[2:], unpruned[2:], constant[2:]) is None
    assert mean_faithfulness([], [], []) is None


def test_a_score_is_drawn_as_the_ratio_of_means_over_categories():
    (axes,) = score_comparison(comparison_table()).axes
    expected = [(0.01, FAITHFULNESS), (0.1, FAITHFULNESS), (0.5, FAITHFULNESS), (1.0, 1.0)]
    np.testing.assert_allclose(curve(axes, "signed"), expected)
    assert levels(axes) == [1, 0]


def test_bands_hold_what_categories_differ_by():
    same = {"dog": (0.9, 0.5), "cat": (0.9, 0.5), "key": (0.9, 0.5)}
    table = comparison_table(references=same)
    (axes,) = score_comparison(table).axes
    band = axes.collections[0].get_paths()[0].vertices
    at_all = band[np.isclose(band[:, 0], 1)][:, 1]
    at_little = band[np.isclose(band[:, 0], 0.01)][:, 1]
    assert np.ptp(at_all) == pytest.approx(0)
    # of three shares drawn anew from .75, .5 and 2, all are .5 (or all 2) in one draw of 27
    assert (at_little.min(), at_little.max()) == (pytest.approx(0.5), pytest.approx(2))


def test_each_stage_and_scope_has_its_panel():
    one = comparison_table(stages=("fully_connected", "convolution"))
    other = comparison_table(scopes=("per_layer",))
    figure = score_comparison(pd.concat([one, other]))
    assert titles(figure) == [
        "Fully-connected layers, ranked jointly",
        "Convolutions, ranked jointly",
        "Fully-connected layers, ranked layer by layer",
        "Convolutions, ranked layer by layer",
    ]
    assert texts(figure).count("not measured") == 1
    assert not figure.axes[3].axison


def test_scores_differ_in_color_normalisations_in_style_and_controls_are_grey():
    table = comparison_table(scores=tuple(SCORES), normalisations=("minmax", "l1", "none"))
    figure = score_comparison(table)
    (axes,) = figure.axes
    drawn = [line for line in lines(axes) if len(line.get_xdata()) == len(KEPT)]
    looks = {(line.get_color(), line.get_linestyle()) for line in drawn}
    assert len(drawn) == len(looks) == 15
    for score, (name, color) in SCORES.items():
        red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
        assert (red == green == blue) == (score in ("magnitude", "random"))
        assert name in texts(figure)
    named = [text for text in texts(figure) if text.startswith(("solid", "dashed", "dotted"))]
    assert len(named) == 3


def test_kept_fractions_run_from_everything_to_little_and_nothing_has_no_place():
    (axes,) = score_comparison(comparison_table(kept=(*KEPT, 0.0))).axes
    start, end = axes.get_xlim()
    assert (start, axes.get_xscale()) == (1, "log")
    assert 0.005 < end < 0.01
    assert min(kept for kept, _ in curve(axes, "signed")) == 0.01


def test_categories_measured_at_other_fractions_are_interpolated_where_all_were_measured():
    table = comparison_table(references={"dog": (0.9, 0.5), "cat": (0.9, 0.5)})
    table["csa"] = 0.5 + 0.4 * (1 + 0.25 * np.log10(table["kept_fraction"]))
    missing = (table["category"] == "cat") & table["kept_fraction"].isin([0.1, 0.01])
    further = pd.DataFrame([{**table.iloc[0], "category": "cat", "kept_fraction": 0.05}])
    further["csa"] = 0.5 + 0.4 * (1 + 0.25 * np.log10(0.05))
    (axes,) = score_comparison(pd.concat([table[~missing], further])).axes
    found = np.array(curve(axes, "signed"))
    np.testing.assert_allclose(found[:, 0], [0.05, 0.1, 0.5, 1])
    np.testing.assert_allclose(found[:, 1], 1 + 0.25 * np.log10(found[:, 0]))


def test_many_different_fractions_are_read_off_at_even_places():
    fractions = np.geomspace(0.01, 1, 75)
    (axes,) = score_comparison(comparison_table(kept=tuple(fractions))).axes
    found = np.array(curve(axes, "signed"))
    assert len(found) < 50
    np.testing.assert_allclose(found[0], (0.01, FAITHFULNESS))
    np.testing.assert_allclose(found[-1], (1, 1))


def test_a_wild_ratio_does_not_stretch_the_axis():
    table = comparison_table()
    table.loc[table["kept_fraction"] == 0.01, "csa"] = -1
    low, high = score_comparison(table).axes[0].get_ylim()
    assert low > -1
    assert 1.1 < high < 1.7


# Stability of scores


def stability_table() -> pd.DataFrame:
    """dog has been scored with more images than cat; layers in network order."""
    rows = [
        (category, layer, images, subset, height + 0.1 * np.log2(images) + 0.02 * subset)
        for category, most, shift in (("dog", 8, 0.0), ("cat", 4, 0.2))
        for images in (1, 2, 4, 8)
        if images <= most
        for subset in range(most // images)
        for layer, height in (("conv9", 0.4 + shift), ("conv10", 0.2 + shift), ("all", 0.3 + shift))
    ]
    return pd.DataFrame(rows, columns=["category", "layer", "images", "subset", "rank_correlation"])


def test_stability_is_the_mean_over_categories_of_means_over_subsets():
    (axes,) = scoring_stability(stability_table()).axes
    colors = style.layer_colors(["conv9", "conv10"])
    for color, height in ((colors["conv9"], 0.4), (colors["conv10"], 0.2), (style.INK, 0.3)):
        (line,) = lines(axes, color=color)
        assert list(line.get_xdata()) == [1, 2, 4, 8]
        # subsets add .01 for each but the first; cat, .2 higher, has half as many and none of 8
        expected = [
            height + (0.07 + 0.2 + 0.03) / 2,
            height + 0.1 + (0.03 + 0.2 + 0.01) / 2,
            height + 0.2 + (0.01 + 0.2) / 2,
            height + 0.3,
        ]
        np.testing.assert_allclose(line.get_ydata(), expected)


def test_the_published_number_of_images_is_marked_on_an_axis_of_doublings():
    figure = scoring_stability(stability_table())
    (axes,) = figure.axes
    assert any(list(line.get_xdata()) == [4, 4] for line in axes.get_lines())
    assert any("Andrade & Konkle" in text for text in texts(figure))
    places = axes.transData.transform([(n, 0) for n in (1, 2, 4, 8)])[:, 0]
    np.testing.assert_allclose(np.diff(places), places[1] - places[0])
    assert list(axes.get_xticks()) == [1, 2, 4, 8]
    assert axes.get_ylim()[1] == 1


def test_layers_are_named_in_network_order_and_of_many_some():
    def named(layers: int) -> list[str]:
        rows = [
            ("dog", f"conv{layer}", images, 0, 0.5) for layer in range(layers) for images in (1, 2)
        ]
        table = pd.DataFrame(rows, columns=list(stability_table()))
        (legend,) = scoring_stability(table).legends
        return [text.get_text() for text in legend.get_texts()]

    assert named(8) == [f"conv{layer}" for layer in range(8)]
    many = named(53)
    assert len(many) <= 16
    assert (many[0], many[-1]) == ("conv0", "conv52")


def test_layers_without_a_rank_order_are_left_out():
    table = stability_table()
    table.loc[table["layer"] == "conv9", "rank_correlation"] = np.nan
    (legend,) = scoring_stability(table).legends
    names = [text.get_text() for text in legend.get_texts()]
    assert "conv9" not in names
    assert "conv10" in names


# Frontier


def frontier_table() -> pd.DataFrame:
    """Kept fraction and CSA at the thresholds .5 and .9; lamp has no circuit."""
    circuits = {
        "dog": ("animate", 0.9, 0.5, ((0.01, 0.6), (0.1, 0.85))),
        "cat": ("animate", 0.8, 0.7, ((0.03, 0.7), (0.2, 0.85))),
        "key": ("inanimate", 0.5, 0.6, ((0.02, 0.5), (0.3, 0.45))),
        "lamp": ("inanimate", 0.4, 0.4, ((np.nan, np.nan), (np.nan, np.nan))),
    }
    rows = [
        (
            category,
            group,
            threshold,
            kept,
            unpruned,
            constant,
            csa,
            (csa - constant) / (unpruned - constant) if unpruned > constant else np.nan,
        )
        for category, (group, unpruned, constant, own) in circuits.items()
        for threshold, (kept, csa) in zip((0.5, 0.9), own, strict=True)
    ]
    columns = "category super_category threshold kept_fraction csa_unpruned csa_bias_only"
    return pd.DataFrame(rows, columns=[*columns.split(), "csa_evaluation", "faithfulness"])


def test_the_frontier_joins_means_over_the_categories_with_a_circuit():
    accuracy, faithfulness = frontier(frontier_table()).axes
    (mean,) = lines(accuracy, color=style.INK)
    np.testing.assert_allclose(mean.get_xdata(), [0.02, 0.2])
    np.testing.assert_allclose(mean.get_ydata(), [0.6, 2.15 / 3])
    (ratio,) = lines(faithfulness, color=style.INK)
    np.testing.assert_allclose(ratio.get_xdata(), [0.02, 0.2])
    # gains over the constant units: .1 + 0 - .1, and .35 + .15 - .15, of .4 + .1 - .1
    np.testing.assert_allclose(ratio.get_ydata(), [0, 0.875], atol=1e-12)


def test_the_frontier_marks_unpruned_and_constant_units_and_thresholds():
    figure = frontier(frontier_table())
    accuracy, faithfulness = figure.axes
    assert levels(accuracy) == pytest.approx([2.2 / 3, 0.6])
    assert levels(faithfulness) == [1, 0]
    assert texts(figure).count("0.5") >= 2
    assert texts(figure).count("0.9") >= 2
    assert any("n = 3" in text for text in texts(figure))
    assert accuracy.get_xlim()[0] == faithfulness.get_xlim()[0] == 1


def test_the_frontier_has_a_thin_line_for_each_category():
    accuracy, faithfulness = frontier(frontier_table()).axes
    dog, cat = lines(accuracy, color=ANIMATE)
    (key,) = lines(accuracy, color=INANIMATE)
    assert (list(dog.get_xdata()), list(dog.get_ydata())) == ([0.01, 0.1], [0.6, 0.85])
    assert (list(cat.get_xdata()), list(key.get_ydata())) == ([0.03, 0.2], [0.5, 0.45])
    # The key's faithfulness is not defined.
    assert len(lines(faithfulness, color=ANIMATE)) == 2
    assert lines(faithfulness, color=INANIMATE) == []


def test_frontier_intervals_lie_along_both_axes():
    accuracy, _ = frontier(frontier_table()).axes
    segments = [c.get_segments()[0] for c in accuracy.collections if isinstance(c, LineCollection)]
    along_x = [s for s in segments if s[0, 1] == s[1, 1]]
    along_y = [s for s in segments if s[0, 0] == s[1, 0]]
    assert len(along_x) == len(along_y) == 2
    first = along_x[0][:, 0]
    assert 0.01 <= first.min() < 0.02 < first.max() <= 0.03


# Controls


def controls_table() -> pd.DataFrame:
    """CSA of dog, cat and key; the key has no circuit of its super-category beside it."""
    measured = {
        "circuit": (0.8, 0.7, 0.6),
        "unpruned": (0.9, 0.8, 0.7),
        "constant": (0.5, 0.3, 0.1),
        "random": (0.5, 0.2, 0.2),
        "other_same": (0.6, 0.4, np.nan),
    }
    kept = {"circuit": 0.04, "unpruned": 1.0, "constant": 0.0, "random": 0.04, "other_same": 0.05}
    rows = [
        (category, group, control, csa, 0.5 + csa / 2, kept[control])
        for control, values in measured.items()
        for category, group, csa in zip(
            ("dog", "cat", "key"), ("animate", "animate", "inanimate"), values, strict=True
        )
    ]
    return pd.DataFrame(
        rows, columns=["category", "super_category", "control", "csa", "auc", "kept_fraction"]
    )


def test_controls_have_a_row_each_with_plain_names_and_the_share_of_weights():
    accuracy, area = circuit_controls(controls_table()).axes
    names = [name.replace("\N{NO-BREAK SPACE}", " ") for name in tick_names(accuracy)]
    assert names == [
        "the unpruned network  (100 %)",
        "the circuit  (4.0 %)",
        "as many random weights  (4.0 %)",
        "circuit of a category of\nthe same super-category  (5.0 %)",
        "a constant unit",
    ]
    assert accuracy.yaxis.get_inverted()
    assert area.get_ylim() == accuracy.get_ylim()


def test_controls_show_each_category_and_the_mean():
    accuracy, area = circuit_controls(controls_table()).axes
    for axes, value in ((accuracy, lambda csa: csa), (area, lambda csa: 0.5 + csa / 2)):
        means = sorted((y, x) for x, y, _ in points(axes, "D"))
        np.testing.assert_allclose(
            [x for _, x in means], value(np.array([0.8, 0.7, 0.3, 0.5, 0.3]))
        )
        clouds = [c for c in axes.collections if isinstance(c, PathCollection)]
        assert [len(cloud.get_offsets()) for cloud in clouds] == [3, 3, 3, 2, 3]
        circuit = clouds[1].get_offsets()
        np.testing.assert_allclose(circuit[:, 0], value(np.array([0.8, 0.7, 0.6])))
        assert (abs(circuit[:, 1] - 1) < 0.5).all()
    figure_texts = texts(accuracy.figure)
    assert any(text.startswith("0.70\n[") for text in figure_texts)


def test_controls_are_compared_with_the_constant_unit_and_with_chance():
    accuracy, area = circuit_controls(controls_table()).axes

    def null(axes: Axes) -> list[float]:
        upright = [list(line.get_xdata()) for line in axes.get_lines()]
        return [x[0] for x in upright if len(x) == 2 and x[0] == x[1]]

    assert null(accuracy) == [pytest.approx(0.3)]
    assert null(area) == [0.5]
    without = controls_table().query("control != 'constant'")
    assert null(circuit_controls(without).axes[0]) == []


# Little or nothing to draw


@pytest.mark.filterwarnings("error")
def test_a_single_category_has_no_interval(tmp_path):
    figures = {
        "comparison": score_comparison(comparison_table(references={"dog": (0.9, 0.5)})),
        "stability": scoring_stability(stability_table().query("category == 'dog'")),
        "frontier": frontier(frontier_table().query("category == 'dog'")),
        "controls": circuit_controls(controls_table().query("category == 'dog'")),
    }
    for name, figure in figures.items():
        style.save(figure, tmp_path / f"{name}.svg")
        assert not any("95 % interval" in text for text in texts(figure) if name != "controls")
    (dog,) = points(figures["frontier"].axes[0], "o")[-1:]
    assert dog[:2] == (0.1, 0.85)


@pytest.mark.filterwarnings("error")
def test_nothing_to_draw_is_said(tmp_path):
    no_circuits = frontier_table().query("category == 'lamp'")
    nothing = controls_table().assign(csa=np.nan)
    constant = comparison_table(references={"key": REFERENCES["key"]})
    dead = stability_table().assign(rank_correlation=np.nan)
    figures = {
        "No category has a circuit.": (frontier(no_circuits), circuit_controls(nothing)),
        "Nothing was measured.": (score_comparison(comparison_table().iloc[:0]),),
        "The unpruned units do no better than constant ones.": (score_comparison(constant),),
        "No layer has a rank order.": (scoring_stability(dead),),
    }
    for message, own in figures.items():
        for number, figure in enumerate(own):
            style.save(figure, tmp_path / f"{number}.svg")
            assert message in texts(figure)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("draw", ["comparison", "stability", "frontier", "controls"])
def test_a_thousand_categories_are_drawn(draw, tmp_path):
    copies = {
        "comparison": (score_comparison, comparison_table()),
        "stability": (scoring_stability, stability_table()),
        "frontier": (frontier, frontier_table()),
        "controls": (circuit_controls, controls_table()),
    }
    function, table = copies[draw]
    many = [table.assign(category=table["category"] + str(number)) for number in range(334)]
    figure = function(pd.concat(many, ignore_index=True))
    style.save(figure, tmp_path / "figure.png")
    assert max(figure.get_size_inches()) < 15
