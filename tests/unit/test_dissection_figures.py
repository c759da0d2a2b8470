"""Figures of network dissection show the planted numbers, whatever there is to show."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from anatomy.errors import InputError
from anatomy.figures import style
from anatomy.figures.dissection_detectors import MOST_SIDE_BY_SIDE, detectors
from anatomy.figures.dissection_networks import networks
from anatomy.figures.dissection_rotations import rotations
from anatomy.figures.dissection_units import MOST_IMAGES, MOST_ROWS, best_units

# Order of the stack, and the order of Broden, in which tables come.
STACK = ("color", "texture", "material", "part", "object", "scene")
BRODEN = ("object", "part", "scene", "material", "texture", "color")
COUNTINGS = ("one_per_category", "one_per_unit")

# layer -> units, and unique detectors of the categories in the order of STACK where a unit counts in every category
UNIQUE = {"conv1": (64, (3, 5, 1, 0, 0, 0)), "conv5": (256, (2, 20, 4, 8, 21, 6))}


def unique_of(layer: str, counting: str, category: str) -> int:
    """One less where a unit counts once."""
    value = UNIQUE[layer][1][STACK.index(category)]
    return value if counting == "one_per_category" else max(0, value - 1)


def detectors_table(intervals: bool = True, factor: int = 1) -> pd.DataFrame:
    """Two units detect each concept; intervals of counts reach from 2 below to 3 above, of shares from .01 to .02."""
    rows = []
    for layer, (units, _) in UNIQUE.items():
        for counting in COUNTINGS:
            found = {name: factor * unique_of(layer, counting, name) for name in BRODEN}
            for category, unique in (found | {"all": sum(found.values())}).items():
                share = 2 * unique / units
                rows.append(
                    {
                        "layer": layer,
                        "counting": counting,
                        "category": category,
                        "unique_detectors": unique,
                        "low": unique - 2 if intervals else np.nan,
                        "high": unique + 3 if intervals else np.nan,
                        "detector_units": 2 * unique,
                        "share_of_units": share,
                        "share_low": share - 0.01 if intervals else np.nan,
                        "share_high": share + 0.02 if intervals else np.nan,
                        "units": units,
                    }
                )
    return pd.DataFrame(rows)


def deep_table(layers: int = 53) -> pd.DataFrame:
    """The last layer of `detectors_table` many times, the n-th with n more units."""
    last = detectors_table().query("layer == 'conv5'")
    parts = [
        last.assign(
            layer=f"layer{n // 9 + 1}.{n // 3 % 3}.conv{n % 3 + 1}", units=last["units"] + n
        )
        for n in range(layers)
    ]
    return pd.concat(parts)


def reread(table: pd.DataFrame) -> pd.DataFrame:
    """As it comes from a file."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def stacks(axes: Axes) -> dict[float, list[tuple[str, float, float]]]:
    """Place of a bar -> colour, bottom and height of its parts that can be seen, from below."""
    found: dict[float, list[tuple[str, float, float]]] = {}
    for bar in axes.patches:
        place = round(bar.get_x() + bar.get_width() / 2, 6)
        if bar.get_height() > 0:
            part = to_hex(bar.get_facecolor()), bar.get_y(), bar.get_height()
            found.setdefault(place, []).append(part)
    return {place: sorted(parts, key=lambda part: part[1]) for place, parts in found.items()}


def vertical_lines(axes: Axes, color: str) -> list[list[float]]:
    """x, low and high of each."""
    return [
        [segment[0, 0], *segment[:, 1]]
        for lines in axes.collections
        if isinstance(lines, LineCollection) and to_hex(lines.get_color()[0]) == color
        for segment in lines.get_segments()
    ]


def notes(axes: Axes) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.xy for text in axes.texts}


# Colours

# Machado, Oliveira & Fernandes (2009), severity 1, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def lab(colors: list[str], vision: str) -> np.ndarray:
    """CIE L*a*b* (color, 3) of sRGB colours as they are seen, white D65."""
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    xyz = seen @ np.transpose(TO_XYZ) / (0.95047, 1, 1.08883)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("vision", VISION)
def test_colours_of_concept_categories_are_told_apart(vision: str):
    colors = list(style.concept_category_colors(STACK).values())
    seen = lab(colors, vision)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    # ten times what is just noticeable
    assert apart[np.triu_indices(6, 1)].min() > 23
    neighbours = np.abs(np.diff(seen[:, 0]))
    assert neighbours.min() > 8


def test_colours_of_concept_categories_are_none_of_super_categories():
    concepts = lab(list(style.concept_category_colors(STACK).values()), "normal")
    groups = ["animate", "inanimate", *"abcdef"]
    others = lab(list(style.super_category_colors(groups).values()), "normal")
    assert np.linalg.norm(concepts[:, None] - others[None], axis=2).min() > 20


def test_concept_categories_have_a_fixed_order_and_colour():
    whole = style.concept_category_colors(BRODEN)
    assert tuple(whole) == STACK
    assert style.concept_category_colors(["scene", "color", "scene"]) == {
        "color": whole["color"],
        "scene": whole["scene"],
    }
    with pytest.raises(InputError, match="'action'"):
        style.concept_category_colors(["color", "action"])


COLORS = style.concept_category_colors(STACK)


# Detectors of each layer


def test_unique_detectors_are_stacked_by_category_under_both_rules():
    figure = detectors(reread(detectors_table()))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "A unit counts in every category",
        "A unit counts for its best concept only",
        "Share of units, by their best concept",
    ]
    for axes, counting in zip(figure.axes, COUNTINGS, strict=False):
        assert [label.get_text() for label in axes.get_xticklabels()] == list(UNIQUE)
        found = stacks(axes)
        for place, layer in zip(axes.get_xticks(), UNIQUE, strict=True):
            heights = {name: unique_of(layer, counting, name) for name in STACK}
            wanted = [(COLORS[name], height) for name, height in heights.items() if height]
            assert [(color, height) for color, _, height in found[place]] == wanted
            bottoms = [bottom for _, bottom, _ in found[place]]
            assert bottoms == [sum(h for _, h in wanted[:n]) for n in range(len(wanted))]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_totals_have_their_interval_and_number():
    for axes, totals in zip(detectors(detectors_table()).axes, ((9, 61), (6, 55)), strict=False):
        lines = vertical_lines(axes, style.INK)
        assert lines == [[place, total - 2, total + 3] for place, total in enumerate(totals)]
        for place, total in enumerate(totals):
            assert notes(axes)[str(total)] == (place, total + 3)
    without = detectors(detectors_table(intervals=False))
    assert not vertical_lines(without.axes[0], style.INK)
    assert notes(without.axes[0])["61"] == (1, 61)
    assert "95 % interval" not in texts(without)
    assert "95 % interval" in texts(detectors(detectors_table()))


def test_shares_of_units_are_lines_of_categories_and_of_all():
    axes = detectors(reread(detectors_table())).axes[2]
    lines = {to_hex(line.get_color()): line for line in axes.lines}
    assert list(lines) == [*COLORS.values(), style.INK]
    for name, color in COLORS.items():
        shares = [2 * unique_of(layer, "one_per_unit", name) / UNIQUE[layer][0] for layer in UNIQUE]
        np.testing.assert_allclose(lines[color].get_ydata(), shares)
        places = lines[color].get_xdata()
        np.testing.assert_array_equal(np.round(places), [0, 1])
        wanted = [[x, s - 0.01, s + 0.02] for x, s in zip(places, shares, strict=True)]
        np.testing.assert_allclose(vertical_lines(axes, color), wanted)
    np.testing.assert_allclose(lines[style.INK].get_ydata(), [12 / 64, 110 / 256])
    beside = notes(axes)
    assert beside["12\nof 64"] == (0, pytest.approx(12 / 64 + 0.02))
    assert beside["110\nof 256"] == (1, pytest.approx(110 / 256 + 0.02))


@pytest.mark.filterwarnings("error")
def test_many_layers_have_panels_below_one_another_and_names_at_the_bottom(tmp_path):
    table = deep_table()
    figure = detectors(reread(table))
    style.save(figure, tmp_path / "figure.png", dpi=40)
    top, middle, bottom = figure.axes
    assert top.get_position().y0 > middle.get_position().y0 > bottom.get_position().y0
    assert len(stacks(top)) == 53
    layers = list(dict.fromkeys(table["layer"]))
    labels = [label.get_text() for label in bottom.get_xticklabels()]
    assert labels == [layers[int(place)] for place in bottom.get_xticks()]
    assert labels[-1] == layers[-1]
    assert bottom.get_xticklabels()[0].get_rotation() == 45
    assert len(bottom.lines) == 7
    np.testing.assert_allclose(bottom.lines[-1].get_ydata(), [110 / 256] * 53)


def test_very_many_layers_are_named_in_part_up_to_the_last():
    table = deep_table(80)
    layers = list(dict.fromkeys(table["layer"]))
    top, _, axes = detectors(table).axes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert 2 < len(labels) < 50
    assert labels[-1] == layers[79]
    assert labels == [layers[int(place)] for place in axes.get_xticks()]
    assert not top.texts


def test_bars_of_one_layer_are_not_broad():
    axes = detectors(detectors_table().query("layer == 'conv5'")).axes[0]
    left, right = axes.get_xlim()
    assert axes.patches[0].get_width() < (right - left) / 3


def test_an_unknown_concept_category_is_refused():
    table = detectors_table().replace({"category": {"part": "limb"}})
    with pytest.raises(InputError, match="limb"):
        detectors(table)


# Networks


def networks_table() -> pd.DataFrame:
    trained, untrained = detectors_table(), detectors_table(factor=0)
    one = detectors_table().query("layer == 'conv5'").replace({"layer": {"conv5": "block.2"}})
    named = {"alexnet": trained, "untrained": untrained, "other": one, "deep": deep_table()}
    return pd.concat([table.assign(network=name) for name, table in named.items()])


def test_each_network_has_a_panel_with_the_shares_of_its_own_layers():
    figure = networks(reread(networks_table()))
    alexnet, untrained, other, deep = figure.axes
    names = [axes.get_title(loc="left") for axes in figure.axes]
    assert names == ["alexnet", "untrained", "other", "deep"]
    assert [label.get_text() for label in untrained.get_xticklabels()] == list(UNIQUE)
    assert [label.get_text() for label in other.get_xticklabels()] == ["block.2"]
    found = stacks(alexnet)
    for place, (layer, (units, _)) in enumerate(UNIQUE.items()):
        shares = {name: 2 * unique_of(layer, "one_per_unit", name) / units for name in STACK}
        wanted = [(COLORS[name], share) for name, share in shares.items() if share]
        assert [color for color, *_ in found[place]] == [color for color, _ in wanted]
        heights = [height for *_, height in found[place]]
        np.testing.assert_allclose(heights, [share for _, share in wanted])
        _, bottom, height = found[place][-1]
        assert bottom + height == pytest.approx(sum(shares.values()))
    np.testing.assert_allclose(
        vertical_lines(alexnet, style.INK),
        [[n, s - 0.01, s + 0.02] for n, s in enumerate((12 / 64, 110 / 256))],
    )
    assert not stacks(untrained)
    assert len(stacks(deep)) == 53
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_each_network_names_its_layer_of_most_unique_detectors():
    figure = networks(networks_table())
    below = [axes.texts[0].get_text() for axes in figure.axes]
    assert below[:3] == [
        "most: 61 unique detectors (conv5)",
        "no detector",
        "most: 61 unique detectors (block.2)",
    ]


def test_more_networks_than_fit_in_a_row_go_on_below():
    table = pd.concat([detectors_table().assign(network=f"n{n}") for n in range(6)])
    figure = networks(table)
    assert [axes.get_title(loc="left") for axes in figure.axes[:6]] == [f"n{n}" for n in range(6)]
    tops = [axes.get_position().y1 for axes in figure.axes[:6]]
    assert len(set(tops[:4])) == 1
    assert tops[4] == tops[5] < tops[0]
    assert not any(axes.axison for axes in figure.axes[6:])


# Rotations

ALPHAS = (0, 0.5, 1)
COMBINED = (1, 4, 256)
# of the network's own units, in the order of STACK
OWN = (2, 20, 4, 8, 40, 6)


def mixtures_table(
    layers: tuple[str, ...] = ("conv5",), own: tuple[int, ...] = OWN
) -> pd.DataFrame:
    """Objects go: at 1 (256) none is left, half way (4) half; three seeds have 1, 0 and 2 more scenes than that."""
    rows = []

    def add(layer: str, place: dict, seed: int, kept: float, more: int) -> None:
        for counting in COUNTINGS:
            found = dict(zip(STACK, own, strict=True))
            found["object"] = round(found["object"] * kept)
            found["scene"] += more
            if counting == "one_per_unit":
                found = {name: value // 2 for name, value in found.items()}
            for category, unique in (found | {"all": sum(found.values())}).items():
                rows.append(
                    {
                        "layer": layer,
                        **place,
                        "seed": seed,
                        "counting": counting,
                        "category": category,
                        "unique_detectors": unique,
                        "detector_units": 2 * unique,
                        "units": 256,
                    }
                )

    for layer in layers:
        for alpha in ALPHAS:
            place = {"basis": "rotation", "alpha": alpha, "combined_units": np.nan}
            for seed in range(3 if alpha else 1):
                add(layer, place, seed, 1 - alpha, (1, 0, 2)[seed] if alpha else 0)
        for number, kept in zip(COMBINED, (1, 0.5, 0), strict=True):
            place = {"basis": "combination", "alpha": np.nan, "combined_units": number}
            for seed in range(3):
                add(layer, place, seed, kept, (1, 0, 2)[seed])
    return pd.DataFrame(rows)


def rotated_panels() -> list[Axes]:
    return rotations(reread(mixtures_table())).axes


def test_bars_are_means_over_seeds_by_category():
    left, right = rotated_panels()
    for axes, places in ((left, ALPHAS), (right, np.log2(COMBINED))):
        found = stacks(axes)
        assert list(found) == list(places)
        for place, objects, own in zip(
            places, (40, 20, 0), (axes is left, False, False), strict=True
        ):
            heights = dict(zip(STACK, OWN, strict=True)) | {"object": objects}
            heights["scene"] += 0 if own else 1
            assert [(color, height) for color, _, height in found[place]] == [
                (COLORS[name], pytest.approx(height)) for name, height in heights.items() if height
            ]
    assert [label.get_text() for label in left.get_xticklabels()] == ["0\nown units", "0.5", "1"]
    assert [label.get_text() for label in right.get_xticklabels()] == ["1", "4", "256\nall"]
    np.testing.assert_allclose(right.get_xticks(), [0, 2, 8])


def test_seeds_are_dots_about_their_mean_and_t_interval():
    left, _ = rotated_panels()
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [line.get_ydata().tolist() for line in dots] == [[61, 60, 62], [41, 40, 42]]
    for line, place in zip(dots, (0.5, 1), strict=True):
        assert line.get_xdata().mean() == pytest.approx(place)
        assert len(set(line.get_xdata())) == 3
    # quantile .975 of Student's t with 2 degrees of freedom; the standard deviation is 1
    half = 4.302653 / np.sqrt(3)
    np.testing.assert_allclose(
        vertical_lines(left, style.INK),
        [[0.5, 61 - half, 61 + half], [1, 41 - half, 41 + half]],
        rtol=1e-6,
    )
    means = [line for line in left.lines if line.get_marker() == "_"]
    assert [line.get_ydata()[0] for line in means] == [80, 61, 41]


def test_the_change_from_the_networks_own_units_stands_above():
    left, right = rotated_panels()
    # 61 and 41 of 80
    less = [f"{style.MINUS}24\u00a0%", f"{style.MINUS}49\u00a0%"]
    assert [text.get_text() for text in left.texts] == ["80", *less]
    assert [text.get_text() for text in right.texts] == ["+1\u00a0%", *less]
    for axes in (left, right):
        (own,) = [line for line in axes.lines if line.get_linestyle() == "--"]
        assert own.get_ydata() == [80, 80]


def test_the_rule_of_the_best_concept_only_is_a_line_of_its_own():
    left, _ = rotated_panels()
    (line,) = [line for line in left.lines if line.get_marker() == "s"]
    # halves, rounded down, of 6 scenes and 1, 0 and 2 more
    expected = [40, np.mean([30, 30, 31]), np.mean([20, 20, 21])]
    np.testing.assert_allclose(line.get_ydata(), expected)
    np.testing.assert_array_equal(line.get_xdata(), ALPHAS)


def test_each_layer_has_a_row_of_panels():
    figure = rotations(mixtures_table(("conv4", "conv5")))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split(":")[0] for title in titles] == ["conv4", "conv4", "conv5", "conv5"]


@pytest.mark.filterwarnings("error")
def test_a_part_of_the_table_that_is_missing_is_said_to_be(tmp_path):
    table = mixtures_table()
    for own, nothing, shown in (
        (table.query("basis == 'rotation'"), "No units were combined.", 0),
        (table.query("basis == 'combination'"), "No units were rotated.", 1),
    ):
        figure = rotations(reread(own))
        style.save(figure, tmp_path / "figure.png", dpi=40)
        assert nothing in texts(figure)
        assert len(stacks(figure.axes[shown])) == 3
    # without the network's own units there is nothing to compare with
    assert [text.get_text() for text in figure.axes[1].texts] == ["81", "61", "41"]
    single = rotations(reread(table.query("seed == 0")))
    style.save(single, tmp_path / "figure.png", dpi=40)
    assert not vertical_lines(single.axes[0], style.INK)


# Best units

# layer, unit, concept, category, IoU; the last is no detector
UNITS = [
    ("conv1", 3, "red-c", "color", 0.08),
    ("conv5", 7, "dotted", "texture", 0.21),
    ("conv2", 1, "dotted", "texture", 0.22),
    ("conv5", 8, "banded", "texture", 0.15),
    ("conv5", 9, "waffled", "texture", 0.12),
    ("conv5", 10, "studded", "texture", 0.11),
    ("conv5", 12, "woven", "texture", 0.10),
    ("conv5", 0, "wheel", "part", 0.19),
    ("conv5", 2, "dog", "object", 0.07),
    ("conv5", 4, "car", "object", 0.39),
    ("conv4", 5, "street-s", "scene", 0.0399),
]


def units_table(units: list[tuple] = UNITS) -> pd.DataFrame:
    table = pd.DataFrame(units, columns=["layer", "unit", "concept", "category", "iou"])
    table["low"], table["high"] = table["iou"] - 0.02, table["iou"] + 0.03
    return table.assign(detector=table["iou"] > 0.04)


def top_images_table(units: pd.DataFrame, ranks: int = 10, size: int = 8) -> pd.DataFrame:
    """The grey value of an image is 15 times its unit and its rank, worst rank first."""
    rows = []
    for unit in units.itertuples():
        for rank in range(ranks, 0, -1):
            file = io.BytesIO()
            value = 15 * unit.unit + rank
            Image.new("RGB", (size, size), (value,) * 3).save(file, "WEBP", lossless=True)
            picture = {"image_id": f"i{rank}", "response": 1.0, "thumbnail": file.getvalue()}
            rows.append({"layer": unit.layer, "unit": unit.unit, "rank": rank, **picture})
    return pd.DataFrame(rows)


def labels(axes: Axes) -> list[str]:
    """What stands above the rows, down the left column and on down the right one."""
    rows = [text for text in axes.texts if text.get_text().endswith(")")]
    rows.sort(key=lambda text: (round(text.get_position()[0], 3), -text.get_position()[1]))
    return [text.get_text() for text in rows]


def test_the_best_unit_of_each_concept_is_shown_category_by_category():
    units = units_table()
    (axes,) = best_units(reread(units), top_images_table(units), 0.04).axes
    # four categories: three of each, of dotted the better unit
    assert labels(axes) == [
        "red (color)",
        "dotted (texture)",
        "banded (texture)",
        "waffled (texture)",
        "wheel (part)",
        "car (object)",
        "dog (object)",
    ]
    beside = [text.get_text() for text in axes.texts]
    assert "conv2 unit 1   IoU .22 [.20, .25]" in beside
    assert "conv5 unit 4   IoU .39 [.37, .42]" in beside
    assert any("IoU above .04," in text for text in beside)
    chips = [to_hex(p.get_facecolor()) for p in axes.patches if p.get_facecolor()[3] > 0]
    assert chips == [COLORS[name] for name in ("color", *["texture"] * 3, "part", *["object"] * 2)]


def test_the_strongest_images_of_each_unit_stand_below_its_name():
    units = units_table()
    (axes,) = best_units(units, top_images_table(units), 0.04).axes
    shown = [int(np.asarray(image.get_array())[0, 0, 0]) for image in axes.images]
    wanted = [15 * unit + rank for unit in (3, 1, 8, 9, 0, 4, 2) for rank in range(1, 7)]
    np.testing.assert_allclose(shown, wanted, atol=1)
    first = axes.images[:MOST_IMAGES]
    lefts = [image.get_extent()[0] for image in first]
    assert lefts == sorted(lefts)
    (name,) = [text for text in axes.texts if text.get_text() == "red (color)"]
    assert first[0].get_extent()[3] < name.get_position()[1] < first[0].get_extent()[3] + 0.4
    width, height = axes.get_xlim()[1], axes.get_ylim()[1]
    for image in axes.images:
        left, right, bottom, top = image.get_extent()
        assert 0 < left < right < width
        assert 0 < bottom < top < height


def test_no_more_rows_than_fit_and_all_categories_among_them():
    many = [
        ("layer4.2.downsample.0", n, f"{category} {n}", category, 0.05 + n / 1000)
        for category in BRODEN
        for n in range(10)
    ]
    units = units_table(many)
    (axes,) = best_units(units, units_table([])[:0].assign(rank=[], thumbnail=[]), 0.04).axes
    found = labels(axes)
    assert len(found) == MOST_ROWS
    assert [name.split("(")[1][:-1] for name in found] == [c for c in STACK for _ in range(2)]
    assert found[0] == "color 9 (color)"
    assert sum(text.get_text() == "no top images" for text in axes.texts) == MOST_ROWS
    assert not axes.images


def test_a_unit_without_an_interval_has_none():
    units = units_table().assign(low=np.nan, high=np.nan)
    assert "conv2 unit 1   IoU .22" in texts(
        best_units(reread(units), top_images_table(units), 0.04)
    )


# All


@pytest.mark.filterwarnings("error")
def test_no_rows_and_no_detectors_are_drawn_as_such(tmp_path):
    table, mixtures = detectors_table(), mixtures_table(own=(0,) * 6)
    mixtures["unique_detectors"] = 0
    units = units_table()
    images = top_images_table(units, 1)
    none = detectors_table(factor=0)
    named = table.assign(network="alexnet")
    dissected, detector = "No layer was dissected.", "No unit of any layer is a detector."
    mixed = "Neither units nor mixtures of them detect a concept."
    for figure, message in (
        (detectors(reread(table[:0])), dissected),
        (networks(reread(named[:0])), dissected),
        (best_units(reread(units[:0]), images[:0], 0.04), dissected),
        (rotations(reread(mixtures[:0])), "No units were rotated or combined."),
        (detectors(reread(none)), detector),
        (networks(reread(none.assign(network="untrained"))), "no detector"),
        (best_units(reread(units.assign(detector=False)), images, 0.04), detector),
        (rotations(reread(mixtures)), mixed),
    ):
        style.save(figure, tmp_path / "figure.svg")
        assert message in texts(figure)


@pytest.mark.filterwarnings("error")
def test_all_can_be_saved_with_long_names_without_intervals_and_in_depth(tmp_path):
    few = detectors_table(intervals=False).replace({"layer": {"conv5": "features.denseblock4.16"}})
    assert len(set(deep_table()["layer"])) > MOST_SIDE_BY_SIDE
    deep = pd.concat([deep_table().assign(network="a" * 60), few.assign(network="b")])
    units = units_table()
    for figure in (
        detectors(reread(few)),
        networks(reread(deep)),
        best_units(units[:1], top_images_table(units[:1], 2), 0.04),
        rotations(mixtures_table()),
    ):
        style.save(figure, tmp_path / "figure.png", dpi=40)


def test_the_same_tables_give_the_same_bytes(tmp_path):
    units = units_table()[:2]
    images = top_images_table(units, 2)
    for draw in (
        lambda: best_units(units, images, 0.04),
        lambda: rotations(mixtures_table()),
    ):
        for name in ("one", "two"):
            style.save(draw(), tmp_path / f"{name}.svg")
        assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
