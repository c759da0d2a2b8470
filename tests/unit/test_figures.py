"""Figures of planted tables must show the planted numbers."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import t as student

from anatomy.errors import InputError
from anatomy.figures import knockouts, style
from anatomy.figures.circuit_sizes import circuit_sizes
from anatomy.figures.knockout_areas import knockout_areas
from anatomy.figures.knockout_categories import knockout_categories
from anatomy.figures.overview import headlines
from anatomy.figures.pruning_curves import pruning_curves
from anatomy.figures.substitution_accuracy import substitution_accuracy
from anatomy.tables import (
    CIRCUIT_SUMMARY,
    CIRCUIT_SWEEP,
    KNOCKOUT_AREAS,
    KNOCKOUT_CATEGORIES,
    SUMMARY,
)

ANIMATE, INANIMATE = "#b5482a", "#2a6496"


def lines(axes: Axes, **wanted: object) -> list[Line2D]:
    """Lines of a panel with the given marker, linewidth or colour."""
    found = axes.get_lines()
    if "color" in wanted:
        color = to_hex(wanted.pop("color"))
        found = [line for line in found if to_hex(line.get_color()) == color]
    return [
        line
        for line in found
        if all(getattr(line, f"get_{key}")() == value for key, value in wanted.items())
    ]


def points(axes: Axes, marker: str) -> list[tuple[float, float, str]]:
    """Single marks of a panel: x, y and colour, NaN left out."""
    found = []
    for line in lines(axes, marker=marker):
        for x, y in zip(
            np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata()), strict=True
        ):
            if np.isfinite(x) and np.isfinite(y):
                found.append((float(x), float(y), to_hex(line.get_color())))
    return found


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def tick_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


# Style


def test_super_categories_keep_their_colors_whatever_else_is_drawn():
    assert style.super_category_colors(["inanimate"]) == {"inanimate": INANIMATE}
    many = style.super_category_colors(["places", "inanimate", "animate", "faces"])
    assert (many["animate"], many["inanimate"]) == (ANIMATE, INANIMATE)
    assert list(many) == ["animate", "faces", "inanimate", "places"]


@given(st.sets(st.text(min_size=1), min_size=1, max_size=26))
def test_super_categories_have_different_colors(names: set[str]):
    assert len(set(style.super_category_colors(names).values())) == len(names)


@pytest.mark.parametrize("count", [1, 2, 8, 60])
def test_layers_get_lighter_in_network_order(count: int):
    colors = style.layer_colors([f"layer{number}" for number in range(count)])
    assert list(colors) == [f"layer{number}" for number in range(count)]
    luminance = [np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722)) for color in colors.values()]
    assert luminance == sorted(luminance)
    assert len(set(colors.values())) == count


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.5652, "56.5 %"),
        (0.0234, "2.3 %"),
        (0.0041, "0.41 %"),
        (0.00016, "0.016 %"),
        (1, "100 %"),
        (0, "0 %"),
        (-0.304, "\N{MINUS SIGN}30.4 %"),
    ],
)
def test_percent_keeps_the_digits_that_mean_something(fraction: float, text: str):
    assert style.percent(fraction).replace("\N{NO-BREAK SPACE}", " ") == text


def test_an_interval_has_the_digits_of_its_value_and_may_be_missing():
    assert style.percent_range(0.0234, 0.0111, 0.0456) == "[1.1, 4.6]"
    assert style.percent_range(0.5, np.nan, np.nan) == ""
    # rounding errors are nothing, and an interval around nothing keeps its own digits
    assert style.percent(7e-17) == "0\u00a0%"
    assert style.percent_range(-7e-17, -0.0263, 0.0258).replace(style.MINUS, "-") == "[-2.6, 2.6]"


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_table_gives_the_same_bytes(kind: str, tmp_path):
    for name in ("one", "two"):
        style.save(pruning_curves(sweep_table(), summary_table()), tmp_path / f"{name}.{kind}")
    first, second = (tmp_path / f"{name}.{kind}" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert b"date" not in first.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one.{kind}", f"two.{kind}"]


def test_figures_leave_the_global_settings_alone(tmp_path):
    with matplotlib.rc_context({"font.size": 7.0, "axes.spines.top": True}):
        before = dict(matplotlib.rcParams)
        style.save(circuit_sizes(summary_table()), tmp_path / "figure.png")
        assert dict(matplotlib.rcParams) == before


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"figure\.pdf"):
        style.save(Figure(), tmp_path / "figure.pdf")


# Circuits


def summary_table(**columns: object) -> pd.DataFrame:
    """dog and cat have circuits, cup does not."""
    table = pd.DataFrame(
        {
            "category": ["dog", "cup", "cat"],
            "super_category": ["animate", "inanimate", "animate"],
            "kept_fraction": [0.2, np.nan, 0.04],
            "kept_fraction_fc": [0.1, np.nan, 0.01],
            "kept_fraction_conv": [0.5, np.nan, 0.25],
            "criterion": "faithfulness",
            "threshold": 0.9,
            "csa_unpruned": [0.9, 0.3, 0.8],
            "csa_bias_only": [0.5, 0.35, 0.4],
            "csa_evaluation": [0.85, np.nan, 0.6],
        },
        columns=list(CIRCUIT_SUMMARY),
    )
    return table.assign(**columns)


def sweep_table() -> pd.DataFrame:
    """Faithfulness 1 + a log10(kept), measured at other fractions for cat than for dog."""
    slopes = {"dog": 0.3, "cat": 0.7}
    kept = {"dog": (1, 0.5, 0.1, 0.01), "cat": (1, 0.2, 0.03, 0.01)}
    rows = [
        {
            "category": category,
            "stage": stage,
            "kept_fraction": fraction,
            "removed_fraction": 1 - fraction,
            "faithfulness": 1 + slope * np.log10(fraction),
        }
        for category, slope in slopes.items()
        for stage in ("fully_connected", "convolution")
        for fraction in kept[category]
    ]
    return pd.DataFrame(rows, columns=list(CIRCUIT_SWEEP))


def test_pruning_curves_average_categories_measured_at_different_fractions():
    left, _ = pruning_curves(sweep_table(), summary_table()).axes
    (mean,) = lines(left, color=style.INK)
    kept = mean.get_xdata()
    assert (kept.min(), kept.max()) == (pytest.approx(0.01), pytest.approx(1))
    np.testing.assert_allclose(mean.get_ydata(), 1 + 0.5 * np.log10(kept), atol=1e-12)


def test_pruning_curves_show_each_category_as_measured_and_its_chosen_circuit():
    left, right = pruning_curves(sweep_table(), summary_table()).axes
    dog, cat = lines(left, color=ANIMATE, marker="None")
    np.testing.assert_allclose(dog.get_xdata(), [0.01, 0.1, 0.5, 1])
    np.testing.assert_allclose(cat.get_ydata(), 1 + 0.7 * np.log10([0.01, 0.03, 0.2, 1]))
    assert {(x, round(y, 9)) for x, y, _ in points(left, "o")} == {(0.1, 0.7), (0.01, -0.4)}
    assert {x for x, _, _ in points(right, "o")} == {0.5, 0.25}


def test_pruning_curves_run_from_everything_to_little_on_a_logarithmic_axis():
    left, _ = pruning_curves(sweep_table(), summary_table()).axes
    start, end = left.get_xlim()
    assert left.get_xscale() == "log"
    assert start == 1
    assert end < 0.01
    (removed,) = left.child_axes
    np.testing.assert_allclose(removed.get_xticks(), [1, 0.5, 0.1, 0.01])
    assert list(removed.xaxis.get_major_formatter().seq) == ["0", "50", "90", "99"]


def test_pruning_curves_leave_out_what_has_no_place_or_no_value():
    sweep = sweep_table()
    more = {"category": "dog", "stage": "fully_connected"}
    extra = [
        more | {"kept_fraction": 0.0, "faithfulness": -50.0},
        more | {"kept_fraction": 0.05, "faithfulness": np.nan},
    ]
    more_points = pd.concat([sweep, pd.DataFrame(extra)], ignore_index=True)
    left, _ = pruning_curves(more_points, summary_table()).axes
    dog = lines(left, color=ANIMATE, marker="None")[0]
    np.testing.assert_allclose(dog.get_xdata(), [0.01, 0.1, 0.5, 1])


def test_the_threshold_is_drawn_only_where_faithfulness_had_to_remain():
    def drawn(summary: pd.DataFrame) -> bool:
        left, _ = pruning_curves(sweep_table(), summary).axes
        return any(list(line.get_ydata()) == [0.9, 0.9] for line in left.get_lines())

    assert drawn(summary_table())
    assert not drawn(summary_table(criterion="csa"))


def test_many_categories_are_drawn_as_quantiles():
    summary, sweep = many_categories(100)
    left, _ = pruning_curves(sweep, summary).axes
    assert len(lines(left, marker="None", color=ANIMATE)) == 1
    band = left.collections[0].get_paths()[0].vertices
    lowest_kept = band[np.isclose(band[:, 0], 0.01)][:, 1]
    # At 1 % kept, category i has faithfulness i / 99.
    np.testing.assert_allclose((lowest_kept.min(), lowest_kept.max()), (0.05, 0.95), atol=1e-9)


def many_categories(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half of the categories animate; circuit sizes and accuracies evenly spread."""
    numbers = np.arange(count)
    summary = pd.DataFrame(
        {
            "category": [f"c{number:04d}" for number in numbers],
            "super_category": np.where(numbers % 2 == 0, "animate", "inanimate"),
            "kept_fraction": np.geomspace(0.01, 1, count),
            "kept_fraction_fc": 0.1,
            "kept_fraction_conv": 0.5,
            "criterion": "faithfulness",
            "threshold": 0.9,
            "csa_unpruned": np.linspace(0.5, 0.9, count),
            "csa_bias_only": np.linspace(0.3, 0.6, count),
            "csa_evaluation": np.linspace(0.4, 0.8, count),
        },
        columns=list(CIRCUIT_SUMMARY),
    )
    rows = [
        {"category": category, "stage": stage, "kept_fraction": kept, "faithfulness": value}
        for number, category in enumerate(summary["category"])
        for stage in ("fully_connected", "convolution")
        for kept, value in ((1, 1.0), (0.01, number / (count - 1)))
    ]
    return summary, pd.DataFrame(rows, columns=list(CIRCUIT_SWEEP))


def test_circuit_sizes_are_sorted_and_a_missing_circuit_is_not_a_zero():
    figure = circuit_sizes(summary_table())
    everything, connected, convolutions = figure.axes
    assert tick_names(everything) == ["cat", "dog", "cup"]
    assert points(everything, "o") == [(0.04, 0, ANIMATE), (0.2, 1, ANIMATE)]
    assert [x for x, _, _ in points(connected, "o")] == [0.01, 0.1]
    assert [x for x, _, _ in points(convolutions, "o")] == [0.25, 0.5]
    assert texts(figure).count("no circuit") == 1
    means = [
        c.get_segments()[0][0, 0] for c in everything.collections if hasattr(c, "get_segments")
    ]
    assert means == [pytest.approx(0.12)]


def test_circuit_sizes_of_a_network_without_convolutions_have_no_such_panel():
    figure = circuit_sizes(summary_table(kept_fraction_conv=np.nan))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "all layers",
        "fully-connected layers",
    ]


def test_sizes_of_many_categories_are_shares_of_each_super_category():
    summary, _ = many_categories(100)
    summary.loc[:9, ["kept_fraction", "kept_fraction_fc", "kept_fraction_conv"]] = np.nan
    figure = circuit_sizes(summary)
    for axes in figure.axes:
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(100)
    assert "animate: 50 categories, 5 without circuit" in texts(figure)
    mean = summary.loc[summary["super_category"] == "animate", "kept_fraction"].mean()
    assert points(figure.axes[0], "D")[0][0] == pytest.approx(mean)


def test_substitution_accuracy_shows_circuit_unpruned_and_constant_unit():
    figure = substitution_accuracy(summary_table())
    top, main = figure.axes
    assert tick_names(main) == ["dog", "cat", "cup"]
    rings = [line for line in lines(main, marker="o") if line.get_markerfacecolor() == "white"]
    dots = [line for line in lines(main, marker="o") if line not in rings]
    place = lambda line: (float(line.get_xdata()[0]), int(line.get_ydata()[0]))  # noqa: E731
    assert [place(ring) for ring in rings] == [(0.9, 0), (0.8, 1), (0.3, 2)]
    assert [place(dot) for dot in dots if np.isfinite(place(dot)[0])] == [(0.85, 0), (0.6, 1)]
    assert [bar.get_width() for bar in main.patches] == [0.5, 0.4, 0.35]
    assert "no circuit" in texts(figure)
    # Means over dog and cat alone: unpruned unit, circuit, constant unit.
    assert [x for x, _, _ in points(top, "D")] == pytest.approx([0.85, 0.725, 0.45])


def test_accuracy_of_many_categories_is_a_scatter_over_its_null():
    summary, _ = many_categories(100)
    summary.loc[0, "csa_evaluation"] = np.nan
    figure = substitution_accuracy(summary)
    left, right = figure.axes
    shown = np.vstack([c.get_offsets() for c in left.collections if len(c.get_offsets()) > 1])
    expected = summary[["csa_unpruned", "csa_evaluation"]].iloc[1:].to_numpy()
    np.testing.assert_allclose(shown[np.argsort(shown[:, 0])], expected)
    assert "99 of 100 categories have a circuit" in texts(figure)
    means = summary.iloc[1:].groupby("super_category")["csa_evaluation"].mean()
    middle = {color: y for x, y, color in points(right, "D") if abs(x - 1) < 0.5}
    assert middle == {
        ANIMATE: pytest.approx(means["animate"]),
        INANIMATE: pytest.approx(means["inanimate"]),
    }


@pytest.mark.parametrize("count", [3, 100])
@pytest.mark.filterwarnings("error")
def test_a_network_without_any_circuit_is_drawn_as_such(count: int, tmp_path):
    summary, sweep = many_categories(count)
    gone = ["kept_fraction", "kept_fraction_fc", "kept_fraction_conv", "csa_evaluation"]
    summary[gone] = np.nan
    figures = (
        pruning_curves(sweep.iloc[:0], summary),
        circuit_sizes(summary),
        substitution_accuracy(summary),
    )
    for number, figure in enumerate(figures):
        style.save(figure, tmp_path / f"{number}.svg")
    assert "No category has a circuit." in texts(figures[0])
    assert all(points(axes, "D") == [] for figure in figures for axes in figure.axes)


# Knock-outs

HEIGHTS = {"conv1": (0.8, 0.2, 0.1), "conv2": (0.8, 0.6, 0.1), "fc3": (0.8, 0.7, 0.4)}
PROPORTIONS = (0.0, 0.3, 1.0)
SHIFTS = (-0.02, 0.0, 0.05)


def performance_table(kinds=("synapse", "node"), modes=("zero",), layers=HEIGHTS) -> pd.DataFrame:
    """Top-1 of the heights above, moved up and down by repeats; nodes have half of it."""
    rows = []
    for layer, heights in layers.items():
        for kind in kinds:
            for mode in modes:
                for repeat, shift in enumerate(SHIFTS):
                    for proportion, height in zip(PROPORTIONS, heights, strict=True):
                        top1 = (height + shift) / (2 if kind == "node" else 1)
                        rows.append((layer, kind, mode, proportion, repeat, top1, top1, top1 / 2))
    columns = "layer kind mode proportion repeat top1 sensitivity_animate sensitivity_inanimate"
    return pd.DataFrame(rows, columns=columns.split())


def test_performance_curves_are_means_over_repeats_in_network_order():
    figure = knockouts.performance_curves(performance_table(), chance=0.08)
    synapses, nodes = figure.axes
    for axes, scale in ((synapses, 1), (nodes, 0.5)):
        curves = [line for line in axes.get_lines() if len(line.get_xdata()) == len(PROPORTIONS)]
        assert len(curves) == len(HEIGHTS)
        for curve, heights, color in zip(
            curves, HEIGHTS.values(), style.layer_colors(list(HEIGHTS)).values(), strict=True
        ):
            assert list(curve.get_xdata()) == list(PROPORTIONS)
            np.testing.assert_allclose(curve.get_ydata(), scale * (np.array(heights) + 0.01))
            assert to_hex(curve.get_color()) == color
        assert any(list(line.get_ydata()) == [0.08, 0.08] for line in axes.get_lines())
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[: len(HEIGHTS)] == list(HEIGHTS)


def test_performance_bands_are_t_intervals_over_repeats():
    synapses, _ = knockouts.performance_curves(performance_table()).axes
    band = synapses.collections[0].get_paths()[0].vertices
    ends = band[np.isclose(band[:, 0], 0.3)][:, 1]
    low, high = student.interval(
        0.95, 2, loc=0.21, scale=np.std(SHIFTS, ddof=1) / np.sqrt(len(SHIFTS))
    )
    np.testing.assert_allclose((ends.min(), ends.max()), (low, high))


def test_each_kind_and_mode_has_its_panel():
    table = performance_table(modes=("noise", "zero"))
    titles = [a.get_title(loc="left") for a in knockouts.performance_curves(table).axes]
    assert [title.split("\n")[1] for title in titles] == ["given noise"] * 2 + ["set to zero"] * 2
    assert [title.split()[0] for title in titles] == ["Synapses", "Nodes"] * 2


def test_more_modes_than_kinds_stand_side_by_side():
    modes = ("zero", "mean", "noise", "resample")
    figure = knockouts.performance_curves(performance_table(modes=modes))
    assert figure.axes[0].get_gridspec().get_geometry() == (2, 4)
    titles = [axes.get_title(loc="left").split("\n") for axes in figure.axes]
    assert [title[0].split()[0] for title in titles] == ["Synapses"] * 4 + ["Nodes"] * 4
    names = ["set to zero", "set to the layer's mean", "given noise", "drawn anew from the layer"]
    assert [title[1] for title in titles] == names * 2
    # curves are those of the panel's kind
    heights = [axes.get_lines()[0].get_ydata()[0] for axes in figure.axes]
    np.testing.assert_allclose(heights, [0.81] * 4 + [0.405] * 4)


def test_sensitivity_of_several_modes_has_one_scale():
    table = performance_table(modes=("zero", "mean", "noise"))
    table.loc[table["mode"] == "zero", ["sensitivity_animate", "sensitivity_inanimate"]] /= 4
    figure = knockouts.sensitivity_curves(table)
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == 3 * len(HEIGHTS)
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].get_ylim()[1] > 0.4


@pytest.mark.parametrize("measure", ["top5", "repeat", "none"])
def test_a_measure_that_the_table_lacks_is_refused_by_name(measure: str):
    with pytest.raises(InputError, match=measure):
        knockouts.performance_curves(performance_table(), measure)


def test_sensitivity_has_a_panel_per_layer_and_a_color_per_super_category():
    panels = knockouts.sensitivity_curves(performance_table()).axes
    titles = [axes.get_title(loc="left") for axes in panels if axes.axison]
    assert titles == list(HEIGHTS)
    for axes, heights in zip(panels, HEIGHTS.values(), strict=False):
        for color, share in ((ANIMATE, 1), (INANIMATE, 0.5)):
            solid, dashed = lines(axes, color=color)
            expected = share * (np.array(heights) + 0.01)
            np.testing.assert_allclose(solid.get_ydata(), expected)
            np.testing.assert_allclose(dashed.get_ydata(), expected / 2)
            assert solid.get_linestyle() == "-"
            assert dashed.get_linestyle() != "-"


def test_sensitivity_of_many_layers_is_averaged_over_uneven_proportions():
    layers = {f"layer{number}": (0.8, 0.4, number / 100) for number in range(20)}
    synapses, _ = knockouts.sensitivity_curves(performance_table(layers=layers)).axes
    (animate,) = lines(synapses, color=ANIMATE)
    expected = [
        0.3 * (0.8 + 0.4) / 2 + 0.7 * (0.4 + number / 100) / 2 + 0.01 for number in range(20)
    ]
    np.testing.assert_allclose(animate.get_ydata(), expected)


def test_a_table_without_sensitivities_is_refused():
    with pytest.raises(InputError, match="sensitivity"):
        knockouts.sensitivity_curves(
            performance_table().drop(columns=["sensitivity_animate", "sensitivity_inanimate"])
        )


@pytest.mark.filterwarnings("error")
def test_a_single_repeat_has_lines_but_no_interval(tmp_path):
    table = performance_table().query("repeat == 0")
    for number, figure in enumerate(
        (knockouts.performance_curves(table), knockouts.sensitivity_curves(table))
    ):
        style.save(figure, tmp_path / f"{number}.svg")
        assert "95 % interval" not in texts(figure)


AREAS = {"conv1": (0.4, 0.3), "conv2": (0.7, np.nan)}


def area_rows(modes=("zero",), layers=AREAS, single=False) -> pd.DataFrame:
    """Areas and half losses of all images; those of nodes are 0.1 less, of later modes 0.01 more each."""
    rows = []
    for layer, (area, half) in layers.items():
        for kind in ("synapse", "node"):
            for place, mode in enumerate(modes):
                for measure, more in (("top1", 0), ("top5", 0.2)):
                    shift = more + 0.01 * place - (0.1 if kind == "node" else 0)
                    ends = [np.nan, np.nan] if single else [-0.05, 0.05]
                    row = (layer, kind, mode, measure, "all", "all", 0.8 + more / 2)
                    row += (area + shift, *(area + shift + end for end in ends))
                    row += (half + shift, *(half + shift + end for end in ends))
                    rows.append((*row, 1 if single else 3, 0 if np.isnan(half) else 3))
    return pd.DataFrame(rows, columns=list(KNOCKOUT_AREAS))


def test_areas_stand_at_their_layer_with_intervals_and_chance():
    figure = knockout_areas(area_rows(), outputs=10)
    panels = np.array(figure.axes).reshape(3, 2)
    for axes, area, chance in (
        (panels[0, 0], (0.4, 0.7), 0.1 / 0.8),
        (panels[0, 1], (0.3, 0.6), 0.1 / 0.8),
        (panels[1, 0], (0.6, 0.9), 0.5 / 0.9),
    ):
        marks = [(x, y) for x, y, _ in points(axes, "o")]
        np.testing.assert_allclose(marks, list(enumerate(area)))
        (bars,) = axes.collections
        ends = [tuple(own.vertices[:, 1]) for own in bars.get_paths()]
        np.testing.assert_allclose(ends, [(y - 0.05, y + 0.05) for y in area])
        assert any(np.allclose(line.get_ydata(), chance) for line in lines(axes, linewidth=1))
    assert [label.get_text() for label in panels[2, 0].get_xticklabels()] == list(AREAS)


def test_a_half_that_is_not_lost_has_a_hollow_mark():
    figure = knockout_areas(area_rows(), outputs=10)
    axes = figure.axes[4]
    filled, hollow = lines(axes, marker="o")
    np.testing.assert_allclose(filled.get_ydata(), [0.3, np.nan])
    assert list(hollow.get_xdata()) == [1]
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff"
    assert hollow.get_ydata()[0] > 1
    assert "half not lost in every draw" in texts(figure)


def test_modes_stand_beside_one_another_in_colors_of_their_own():
    figure = knockout_areas(area_rows(modes=("resample", "zero", "mean")), outputs=10)
    marks = [points(figure.axes[0], mark)[0] for mark in "osD"]
    places, heights, colors = zip(*marks, strict=True)
    assert list(places) == sorted(places)
    np.testing.assert_allclose(heights, (0.4, 0.41, 0.42))
    assert len(set(colors)) == 3
    assert np.mean(places) == pytest.approx(0)


def test_areas_of_many_layers_are_lines():
    layers = {f"layer{number}": (number / 50, 0.5) for number in range(20)}
    figure = knockout_areas(area_rows(layers=layers), outputs=10)
    (line,) = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 20]
    np.testing.assert_allclose(line.get_ydata(), np.arange(20) / 50)


def test_areas_without_rows_of_all_images_are_refused():
    with pytest.raises(InputError, match="all images"):
        knockout_areas(area_rows().assign(group_kind="category"), outputs=10)


def fallen(count: int = 6) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of categories c0, c1, ... and their areas; an even one is animate. conv1 is hit harder than conv2.

    The last category never loses half, and the one before is no better than chance.
    """
    names = [f"c{number}" for number in range(count)]
    groups = ["animate" if number % 2 == 0 else "inanimate" for number in range(count)]
    categories, areas = [], []
    for layer, factor in (("conv1", 0.5), ("conv2", 1)):
        for number, (name, group) in enumerate(zip(names, groups, strict=True)):
            start = 0.1 if number == count - 2 else 0.8
            for proportion, height in ((0.0, start), (0.5, start * factor), (1.0, 0.0)):
                about = (layer, "node", "zero", proportion, name, group)
                categories.append((*about, height, height, height, 3))
            half = np.nan if number >= count - 2 else factor * (0.9 - number / count)
            about = (layer, "node", "zero", "sensitivity", "category", name, start)
            area = factor * (0.9 - number / count)
            areas.append((*about, area, area, area, half, half, half, 3, 3))
    return (
        pd.DataFrame(categories, columns=list(KNOCKOUT_CATEGORIES)),
        pd.DataFrame(areas, columns=list(KNOCKOUT_AREAS)),
    )


def heat_map(figure: Figure) -> Axes:
    (axes,) = [axes for axes in figure.axes if axes.images and axes.axison]
    return axes


def test_heat_map_shows_half_losses_grouped_by_super_category():
    figure = knockout_categories(*fallen(), outputs=10, names={"c0": "owl"})
    axes = heat_map(figure)
    columns = [label.get_text() for label in axes.get_xticklabels()]
    # those that fall first stand first within their super-category
    assert columns == ["c4", "c2", "owl", "c5", "c3", "c1"]
    assert tick_names(axes) == ["conv1", "conv2"]
    image = axes.images[0]
    shown = image.get_array()
    for row, factor in enumerate((0.5, 1)):
        expected = [factor * (0.9 - number / 6) for number in (2, 0, 3, 1)]
        np.testing.assert_allclose(shown[row, [1, 2, 4, 5]].astype(float), expected)
    colors = image.to_rgba(shown)
    never, nothing = colors[0, 3], colors[0, 0]
    assert to_hex(never) == to_hex(image.get_cmap().get_over())
    assert to_hex(nothing) == style.NULL
    assert {"half not lost in every draw", "not above chance when intact"} <= set(texts(figure))


def test_curves_are_of_the_layers_hit_hardest_and_least():
    figure = knockout_categories(*fallen(), outputs=10)
    hardest, least = [axes for axes in figure.axes if "Hit" in axes.get_title(loc="left")]
    for axes, layer, factor in ((hardest, "conv1", 0.5), (least, "conv2", 1)):
        assert axes.get_title(loc="left").split("\n")[0].endswith(layer)
        (thin,) = axes.collections
        middles = sorted(own.vertices[1, 1] for own in thin.get_paths())
        np.testing.assert_allclose(middles, [0.1 * factor] + [0.8 * factor] * 5)
        (animate,) = lines(axes, color=ANIMATE)
        np.testing.assert_allclose(animate.get_ydata()[1], factor * (0.8 + 0.8 + 0.1) / 3)


def test_of_many_categories_those_at_the_ends_are_named(tmp_path):
    figure = knockout_categories(*fallen(200), outputs=10, names={"c0": "owl"})
    (text,) = [text for text in texts(figure) if "first to fall" in text]
    assert text == "200 categories; first to fall: c199, c198, c197; last: owl, c1, c2"
    assert not heat_map(figure).get_xticklabels()
    style.save(figure, tmp_path / "figure.png")


def test_a_network_that_recognises_nothing_has_a_figure_that_says_so():
    categories, areas = fallen()
    figure = knockout_categories(categories, areas.assign(area=np.nan), outputs=10)
    assert any("recognised" in text for text in texts(figure))


@pytest.mark.filterwarnings("error")
def test_figures_of_a_single_repeat(tmp_path):
    figure = knockout_areas(area_rows(single=True), outputs=10)
    assert "95 % interval" not in texts(figure)
    style.save(figure, tmp_path / "areas.svg")


# Headline numbers


def headline_table() -> pd.DataFrame:
    rows = [
        ("net", "network", "top1", "all", 0.6, 0.5, 0.7, 0.1, np.nan),
        ("net", "network", "top1", "animate", 0.65, 0.5, 0.8, 0.1, np.nan),
        ("net", "circuits", "csa_evaluation", "all", 0.72, 0.7, 0.74, 0.58, 0.0004),
        ("net", "circuits", "faithfulness", "all", 3.0, -9.0, 15.0, np.nan, np.nan),
        ("net", "knockouts", "area_under_top1_node_zero", "conv1", 0.4, 0.3, 0.5, 0.2, np.nan),
        ("net", "knockouts", "area_under_top1_node_zero", "conv2", 0.3, 0.2, 0.4, 0.2, np.nan),
        ("twin", "network", "top1", "all", 0.11, 0.05, 0.2, 0.1, np.nan),
    ]
    columns = "network method measure group value low high null_value p_value"
    return pd.DataFrame(rows, columns=columns.split()).assign(n=5)[list(SUMMARY)]


def test_headlines_show_each_number_with_its_null():
    figure = headlines(headline_table())
    net, twin = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["net", "twin"]
    marks = points(net, "o")
    assert {x for x, _, color in marks if color == style.INK} == {0.6, 0.72}
    assert {x for x, _, color in marks if color == ANIMATE} == {0.65}
    assert sorted(bar.get_width() for bar in net.patches) == [0.1, 0.2, 0.58]
    written = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(figure)]
    assert "60.0 %" in written
    assert "[70.0, 74.0]  p < .001" in written
    assert "least: conv2" in written
    # The twin has neither circuits nor knock-outs: no marks, dashes.
    assert [x for x, _, _ in points(twin, "o")] == [0.11]
    assert written.count("\N{EN DASH}") == 3


def test_headlines_put_layers_in_network_order_from_the_top():
    net, _ = headlines(headline_table()).axes
    colors = style.layer_colors(["conv1", "conv2"])
    height = {color: y for _, y, color in points(net, "o")}
    assert net.yaxis.get_inverted()
    assert height[colors["conv1"]] < height[colors["conv2"]]


def test_a_wild_ratio_does_not_stretch_the_axis_but_is_marked_at_its_end():
    net, _ = headlines(headline_table()).axes
    low, high = net.get_xlim()
    assert low >= -0.3
    assert high <= 1.3
    assert [x for x, _, _ in points(net, ">")] == [pytest.approx(high)]


DETECTING = "Units that detect a concept,\nof each layer"
SHARES = {"conv1": 0.1, "conv2": 0.35, "conv3": 0.2}


def dissected_table(shares=SHARES, network="net") -> pd.DataFrame:
    """Shares of units and numbers of concepts of each layer; rotations of the last one."""
    rows = [
        (network, "dissection", measure, layer, value, value - width, value + width, null, np.nan)
        for place, (layer, share) in enumerate(shares.items(), start=1)
        for measure, value, width, null in (
            ("detector_share", share, 0.05, 0.07 if place == len(shares) else np.nan),
            ("unique_detectors_one_per_unit", 40.0 * place, 5.0, 12.0),
            ("unique_detectors_one_per_category", 50.0 * place, 5.0, np.nan),
        )
    ]
    columns = "network method measure group value low high null_value p_value"
    return pd.DataFrame(rows, columns=columns.split()).assign(n=96)[list(SUMMARY)]


def test_headlines_show_how_many_units_of_each_layer_detect_a_concept():
    figure = headlines(dissected_table())
    (net,) = figure.axes
    assert tick_names(net) == [DETECTING]
    colors = style.layer_colors(list(SHARES))
    marks = sorted(points(net, "o"), key=lambda mark: mark[1])
    assert [(x, color) for x, _, color in marks] == [(x, colors[own]) for own, x in SHARES.items()]
    assert [bar.get_width() for bar in net.patches] == [0.07]
    written = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(figure)]
    for text in ("Network dissection", "most: conv2", "35.0 %", "[30.0, 40.0]", "first layer"):
        assert text in written
    assert not [text for text in written if "least" in text or "unique" in text.lower()]
    # layers are no super-categories
    assert not set(SHARES) & set(written)


def test_numbers_of_concepts_do_not_stretch_the_axis_of_shares():
    (net,) = headlines(dissected_table()).axes
    assert net.get_xlim() == (0, 1)
    usual = headline_table().query("measure != 'faithfulness'")
    before, after = (
        headlines(table).axes[0] for table in (usual, pd.concat([usual, dissected_table()]))
    )
    assert after.get_xlim() == before.get_xlim()
    assert tick_names(after) == [*tick_names(before), DETECTING]
    below = before.get_ylim()[0]
    assert [mark[:2] for mark in points(after, "o") if mark[1] < below] == [
        mark[:2] for mark in points(before, "o")
    ]
    assert points(after, "<") == points(after, ">") == []


def test_layers_that_two_methods_measure_have_one_color():
    table = pd.concat([headline_table(), dissected_table()], ignore_index=True)
    net, _ = headlines(table).axes
    colors = style.layer_colors(["conv1", "conv2", "conv3"])
    found = {x: color for x, _, color in points(net, "o")}
    assert found[0.4] == found[0.1] == colors["conv1"]
    assert found[0.3] == found[0.35] == colors["conv2"]


def test_a_layer_has_its_place_s_color_where_a_network_or_a_measure_has_few_layers():
    tables = [
        dissected_table({"conv3": 0.2}),
        dissected_table(network="twin"),
        dissected_table({"stem": 0.3, "head": 0.4}, network="other"),
    ]
    # the first measure of all knows only the last layer
    knocked = headline_table().query("group == 'conv2'").replace("conv2", "conv3")
    net, twin, other = headlines(pd.concat([knocked, *tables], ignore_index=True)).axes
    colors = style.layer_colors(["conv1", "conv2", "conv3"])
    assert {color for _, _, color in points(net, "o")} == {colors["conv3"]}
    assert {x: color for x, _, color in points(twin, "o")} == {
        share: colors[layer] for layer, share in SHARES.items()
    }
    others = style.layer_colors(["stem", "head"])
    assert {color for _, _, color in points(other, "o")} == set(others.values())


def test_networks_stand_side_by_side():
    tables = [dissected_table(network=name) for name in ("one", "two", "three")]
    figure = headlines(pd.concat(tables, ignore_index=True))
    figure.canvas.draw()
    places = [axes.get_position() for axes in figure.axes]
    assert len({round(place.y0, 6) for place in places}) == 1
    assert len({round(place.x0, 6) for place in places}) == 3


def test_a_network_that_is_not_dissected_has_a_dash():
    other = dissected_table(network="twin").query("measure != 'detector_share'")
    figure = headlines(pd.concat([dissected_table(), other], ignore_index=True))
    net, twin = figure.axes
    assert len(points(net, "o")) == 3
    assert points(twin, "o") == []
    assert texts(figure).count("\N{EN DASH}") == 1


@pytest.mark.filterwarnings("error")
def test_no_results_are_drawn_as_such(tmp_path):
    figure = headlines(pd.DataFrame(columns=list(SUMMARY)))
    style.save(figure, tmp_path / "headlines.svg")
    assert "There are no results yet." in texts(figure)
