"""The figures of the identity task show what is in the tables."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from anatomy.figures.identity_dissociation import double_dissociation, lesion_colors, p_text
from anatomy.figures.identity_doses import dose_curves
from anatomy.figures.identity_pairs import example_pairs
from anatomy.figures.identity_selectivity import unit_selectivity
from anatomy.figures.style import NULL, save
from anatomy.steps import identity_figures
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, write_stimulus_set
from anatomy.tables import write_csv

KINDS = ("face", "house")
LESIONS = (*KINDS, "random")
COLORS = lesion_colors()
ZERO, NOISE, LEVELS, NOISE_SHARES = "zero", "noise", (1.0, 2.0), (0.1, 0.2)


def lesion_table(draws=20, repeats=3):
    """Face lesions cost faces, house lesions houses, twice as much per dose; accuracy is of four digits."""
    doses = [(ZERO, share, 0.0) for share in (0.1, 0.3)]
    doses += [(NOISE, share, level) for level in LEVELS for share in NOISE_SHARES]
    random = np.random.default_rng(0)
    rows = [row("intact", "none", 0, 0, 0, kind, 0.0) for kind in KINDS]
    for mode, share, level in doses:
        for lesion in LESIONS:
            number = draws if lesion == "random" else 1 if mode == ZERO else repeats
            for repeat in range(number):
                for kind in KINDS:
                    loss = 0.05 if lesion == "random" else 0.3 if kind == lesion else 0.02
                    loss = loss * share * max(level, 1) * 2 + random.normal(0, 0.01)
                    rows.append(row(lesion, mode, share, level, repeat, kind, loss))
    return pd.DataFrame(rows)


def row(lesion, mode, proportion, noise, repeat, kind, loss):
    about = {"lesion": lesion, "mode": mode, "proportion": proportion, "units": 9, "significant": 4}
    accuracy = {"face": 0.9, "house": 0.85}[kind] - loss
    rest = {"hits": 0.9, "false_alarms": 0.1, "d_prime": 8 * (accuracy - 0.5), "loss": loss}
    about |= {"noise": noise, "repeat": repeat, "kind": kind, "pairs": 240}
    return about | {"accuracy": accuracy} | rest


def dissociation_table():
    """Two doses and their mean, of either mode; values are all different."""
    rows, random = [], np.random.default_rng(1)
    for mode in (ZERO, NOISE):
        for proportion, noise in ((0.1, 0.0), (0.2, 0.0), (np.nan, np.nan)):
            for ending in ("", "_d_prime"):
                for lesion in LESIONS:
                    for kind in KINDS:
                        value = 0.2 * (lesion == kind) + random.normal(0, 0.01)
                        ends = value - 0.04, value + 0.05
                        name = f"{lesion}_lesion_on_{kind}s{ending}"
                        rows.append((mode, proportion, noise, name, value, *ends, np.nan))
                for name in ("difference_on_faces", "difference_on_houses", "interaction"):
                    value, p_value = random.random(), random.uniform(0.002, 0.04)
                    measured = (value, value - 0.1, value + 0.1, p_value)
                    rows.append((mode, proportion, noise, name + ending, *measured))
    columns = ["mode", "proportion", "noise", "measure", "value", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=columns)


def lines_of(axes, color):
    return [
        line
        for line in axes.lines
        if to_hex(line.get_color()) == color and len(line.get_xdata()) > 1
    ]


def texts_of(axes):
    return " | ".join(text.get_text() for text in axes.texts)


def test_the_dissociation_shows_mean_losses_of_every_lesion_with_their_intervals():
    table = dissociation_table()
    figure = double_dissociation(table, "net")
    assert len(figure.axes) == 4
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "Units silenced, mean of 2 doses"
    overall = table[table["proportion"].isna()].set_index(["mode", "measure"])
    for axes, (mode, ending) in zip(
        figure.axes, [(m, e) for m in (ZERO, NOISE) for e in ("", "_d_prime")], strict=True
    ):
        for lesion in LESIONS:
            names = [f"{lesion}_lesion_on_{kind}s{ending}" for kind in KINDS]
            wanted = overall.loc[mode].loc[names]
            (line,) = lines_of(axes, COLORS[lesion])
            np.testing.assert_allclose(line.get_ydata(), wanted["value"])
            (bars,) = [
                own for own in axes.collections if to_hex(own.get_color()[0]) == COLORS[lesion]
            ]
            segments = np.array(bars.get_segments())
            np.testing.assert_allclose(segments[:, :, 1], wanted[["low", "high"]])
        row = overall.loc[(mode, f"interaction{ending}")]
        assert p_text(row["p_value"]) in texts_of(axes)
        shown = f"{100 * row['value']:.1f}" if not ending else f"{row['value']:.2f}"
        assert f"interaction {shown} [" in texts_of(axes)


def test_an_interaction_that_is_not_significant_is_not_bold():
    table = dissociation_table()
    table["p_value"] = np.where(table["mode"] == ZERO, 0.3, table["p_value"])
    figure = double_dissociation(table, "net")
    weights = [axes.texts[0].get_fontweight() for axes in figure.axes]
    assert weights == ["normal", "normal", "bold", "bold"]


def test_p_values_are_written_as_usual():
    assert p_text(0.0123) == "p = .012"
    assert p_text(0.0004) == "p < .001"
    assert p_text(1.0) == "p = 1.000"
    assert p_text(np.nan) == ""


def test_a_sweep_without_noise_has_no_panel_for_it():
    lesions, table = lesion_table(), dissociation_table()
    figure = dose_curves(lesions[lesions["mode"] != NOISE], "net")
    assert len(figure.axes) == 4
    assert len(double_dissociation(table[table["mode"] == ZERO], "net").axes) == 2


def test_curves_begin_at_the_intact_network_and_go_through_the_means():
    lesions = lesion_table()
    figure = dose_curves(lesions, "net")
    assert len(figure.axes) == 8
    places = [(ZERO, "face"), (ZERO, "house"), (NOISE, "face"), (NOISE, "house")]
    for number, axes in enumerate(figure.axes):
        mode, kind = places[number % 4]
        measure = "accuracy" if number < 4 else "d_prime"
        own = lesions[lesions["kind"] == kind]
        intact = own.loc[own["mode"] == "none", measure].item()
        for lesion in LESIONS:
            rows = own[(own["lesion"] == lesion) & (own["mode"] == mode)]
            curves = [line for line in lines_of(axes, COLORS[lesion]) if line.get_xdata()[0] == 0]
            curves = [line for line in curves if line.get_xdata()[-1] != 1]  # chance
            shares = (None,) if mode == ZERO else NOISE_SHARES[::-1]
            assert len(curves) == len(shares)
            for share, line in zip(shares, curves, strict=True):
                dose = rows if share is None else rows[rows["proportion"] == share]
                means = dose.groupby("proportion" if mode == ZERO else "noise")[measure].mean()
                np.testing.assert_allclose(line.get_xdata(), [0, *means.index])
                np.testing.assert_allclose(line.get_ydata(), [intact, *means])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "middle 95 % of 20 random draws" in labels
    assert "noise in 10\u00a0% of the units" in labels


def selectivity_table(layers, units=60):
    random = np.random.default_rng(2)
    tables = []
    for layer in layers:
        effect = np.r_[random.normal(0, 1, units - 1), np.nan]
        selective = np.select([effect > 1, effect < -1.5], KINDS, "")
        own = {"layer": layer, "unit": np.arange(units), "effect": effect, "selective": selective}
        tables.append(pd.DataFrame(own))
    # as it is read from a file
    return pd.read_csv(io.StringIO(pd.concat(tables).to_csv(index=False)))


def test_selective_units_are_coloured_and_counted():
    table = selectivity_table(["conv1", "conv2"])
    figure = unit_selectivity(table, "net")
    assert [axes.get_ylabel() for axes in figure.axes] == ["conv1", "conv2"]
    for axes, (_, own) in zip(figure.axes, table.groupby("layer"), strict=True):
        heights = dict.fromkeys((NULL, *COLORS.values()), 0.0)
        for bar in axes.patches:
            heights[to_hex(bar.get_facecolor())] += bar.get_height()
        for kind in KINDS:
            count = (own["selective"] == kind).sum()
            assert heights[COLORS[kind]] == count > 0
            assert f"{count} for {kind}s" in texts_of(axes)
        assert sum(heights.values()) == len(own)


def test_of_many_layers_the_shares_are_shown():
    table = selectivity_table([f"layer{number}" for number in range(40)], units=20)
    (axes,) = unit_selectivity(table, "net").axes
    for kind in KINDS:
        (line,) = lines_of(axes, COLORS[kind])
        wanted = table["selective"].eq(kind).groupby(table["layer"], sort=False).mean()
        np.testing.assert_allclose(line.get_ydata(), wanted)


def accuracy_table():
    rows = [
        {"split": split, "kind": kind, "pairs": 240, "accuracy": accuracy, "low": 0.8, "high": 0.9}
        | {"hits": 0.9, "false_alarms": 0.1, "d_prime": 10 * accuracy - 6}
        for split, more in (("training", 0.05), ("test", 0))
        for kind, accuracy in (
            ("all", 0.85 + more),
            ("face", 0.873 + more),
            ("house", 0.827 + more),
        )
    ]
    return pd.DataFrame(rows)


def validation_table():
    rows = [
        {"representation": name, "penalty": penalty, "fold": fold, "accuracy": 0.7 + 0.1 * chosen}
        | {"accuracy_face": 0.7, "accuracy_house": 0.7, "chosen": chosen}
        for name, penalty, chosen in (("product", 0.1, False), ("both", 0.001, True))
        for fold in range(4)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def files(tmp_path):
    """Stimuli of one colour each, pairs of them, and the tables."""
    items = [
        Item(f"{kind}/{identity}/{view}", kind, f"{identity}", kind, split, "drawn")
        for split in ("training", "test")
        for kind in KINDS
        for identity in (range(2) if split == "test" else range(2, 4))
        for view in range(2)
    ]
    random = np.random.default_rng(3)
    colors = {item.image_id: random.integers(0, 256, 3, np.uint8) for item in items}
    stored = [tmp_path / f"images.{ending}" for ending in ("zarr", "json", "csv")]
    write_stimulus_set(
        *stored, items, lambda item: np.full((16, 16, 3), colors[item.image_id]), 16, {}
    )
    rows = []
    for split, first in (("training", 0), ("test", 8)):
        for place, kind in enumerate(KINDS):
            image = first + 4 * place
            for same, other in ((True, 1), (False, 2)):
                about = {"split": split, "fold": 0, "kind": kind, "same": same}
                pair = {"image_a": image, "image_b": image + other}
                rows.append(about | pair | {"identity_a": "0", "identity_b": "1"})
    tables = {
        "accuracy": accuracy_table(),
        "cross_validation": validation_table(),
        "selectivity": selectivity_table(["conv1"]),
        "lesions": lesion_table(),
        "dissociation": dissociation_table(),
        "pairs": pd.DataFrame(rows),
    }
    for name, table in tables.items():
        write_csv(table, tmp_path / f"{name}.csv")
    return {name: [tmp_path / f"{name}.csv"] for name in tables} | {"identities": [stored[1]]}, [
        colors[item.image_id] for item in items
    ]


def test_the_step_draws_all_figures_from_files(files, tmp_path, monkeypatch):
    """Pictures are those of the pairs' images; all else of a figure is tested above."""
    paths, colors = files
    drawn = {}
    monkeypatch.setattr(
        identity_figures, "save", lambda figure, path, *_: drawn.update({path.stem: figure})
    )
    names = ("dissociation_figure", "doses", "selectivity_figure", "pairs_figure")
    outputs = {name: [tmp_path / f"{name.removesuffix('_figure')}.png"] for name in names}
    identity_figures.main(Job({"network": "net"}, 0, paths | outputs))
    assert set(drawn) == {"dissociation", "doses", "selectivity", "pairs"}
    (axes,) = drawn["pairs"].axes
    shown = [np.asarray(picture.get_array())[0, 0, :3] for picture in axes.images]
    wanted = [colors[8 + 4 * k + image] for k in range(2) for image in (0, 1, 0, 2)]
    np.testing.assert_array_equal(shown, wanted)
    text = texts_of(axes)
    assert "87.3\u00a0% of 240 test pairs right [80.0, 90.0], d\N{PRIME} = 2.73" in text
    assert "differences and products of responses (C = 0.001)" in text
    assert "4-fold cross-validation over identities (80.0\u00a0% right)" in text


def test_figures_are_saved_the_same_each_time(tmp_path):
    one, other = (tmp_path / f"{name}.svg" for name in ("one", "other"))
    for path in (one, other):
        save(double_dissociation(dissociation_table(), "net"), path)
    assert one.read_bytes() == other.read_bytes()
    assert b"net" in one.read_bytes()


def test_without_intervals_accuracy_is_said_alone():
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, format="png")
    one = {"kind": "face", "same": True, "picture_a": picture.getvalue()}
    examples = pd.DataFrame([one | {"picture_b": picture.getvalue()}])
    accuracy = accuracy_table().assign(low=np.nan, high=np.nan)
    (axes,) = example_pairs(examples, accuracy, validation_table(), "net").axes
    assert "87.3\u00a0% of 240 test pairs right, d\N{PRIME} = 2.73" in texts_of(axes)
    assert len(axes.images) == 2
