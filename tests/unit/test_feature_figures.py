"""Grids of pictures show each unit once, under its own number or name, whatever their number."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from anatomy.figures.features import HEIGHT, SMALLEST, WIDTH, feature_grid, filter_grid
from anatomy.thumbnails import png


def table(units: int, **columns: object) -> pd.DataFrame:
    """Units whose pictures have a grey of their own."""
    rows = {
        "layer": "features.3",
        "unit": np.arange(units),
        "category": "",
        "start": 0.1,
        "activation": 1.0,
        "picture": [png(np.full((4, 4, 3), grey(unit), np.uint8)) for unit in range(units)],
    }
    return pd.DataFrame(rows | columns)


def grey(unit: int) -> int:
    return 37 * unit % 256


def tiles(figure: Figure) -> list[tuple[float, float, float, int]]:
    """Left edge, lower edge, side and grey of each picture, in the order in which people read."""
    shown = []
    for image in figure.axes[0].get_images():
        left, right, bottom, top = image.get_extent()
        assert right - left == pytest.approx(top - bottom)
        shown.append((left, bottom, right - left, int(np.asarray(image.get_array())[0, 0, 0])))
    return sorted(shown, key=lambda own: (-round(own[1], 3), own[0]))


def texts(figure: Figure) -> list[matplotlib.text.Text]:
    return figure.axes[0].texts


@pytest.mark.parametrize("units", [1, 16, 150])
def test_each_unit_is_shown_above_its_number_and_nothing_overlaps(units):
    figure = feature_grid(table(units), {})
    shown = tiles(figure)
    assert [own[3] for own in shown] == [grey(unit) for unit in range(units)]
    title, _, *numbers = texts(figure)
    assert title.get_text() == "What drives the units of features.3?"
    assert [own.get_text() for own in numbers] == [str(unit) for unit in range(units)]
    width, height = figure.get_size_inches()
    assert (width, height <= HEIGHT) == (WIDTH, True)
    rows = sorted({round(own[1], 3) for own in shown}, reverse=True)
    for (left, bottom, side, _), number in zip(shown, numbers, strict=True):
        assert left >= 0
        assert left + side <= width
        assert bottom + side < height - 0.7  # below the title
        assert number.get_position()[0] == pytest.approx(left + side / 2)
        below = number.get_position()[1] - 1.2 * number.get_fontsize() / 72
        following = [row + side for row in rows if row < bottom - 0.01]
        assert (following[0] if following else 0) < below < bottom


def test_tiles_stay_readable_however_many_there_are():
    figure = feature_grid(table(512), {})
    assert tiles(figure)[0][2] >= SMALLEST
    assert figure.get_size_inches()[1] > HEIGHT


def test_fewer_units_have_larger_tiles():
    sides = [tiles(feature_grid(table(units), {}))[0][2] for units in (6, 24, 80)]
    assert sides[0] > 1.2 * sides[1] > 1.7 * sides[2]


def test_output_units_are_called_by_their_category():
    categories = ["n1", "n2", "n3"]
    figure = feature_grid(table(3, category=categories), {"n1": "goldfish", "n3": "x" * 300})
    goldfish, second, third = (own.get_text() for own in texts(figure)[2:])
    assert (goldfish, second) == ("goldfish", "n2")
    assert third.endswith("…")
    assert len(third) < 40


def test_units_that_stay_below_zero_are_told():
    activation = [1.0, -0.1, 2.0, 0.0, 3.0]
    _, note, *numbers = (
        own.get_text() for own in texts(feature_grid(table(5, activation=activation), {}))
    )
    assert "2 of 5" in note
    assert numbers == ["0", "(1)", "2", "(3)", "4"]
    _, note, *_ = texts(feature_grid(table(5), {}))
    assert "brackets" not in note.get_text()


def test_filters_are_shown_above_their_numbers():
    figure = filter_grid(table(6)[["layer", "unit", "picture"]])
    assert [own[3] for own in tiles(figure)] == [grey(unit) for unit in range(6)]
    title, note, *numbers = (own.get_text() for own in texts(figure))
    assert title == "What are the filters of features.3?"
    assert "grey is zero" in note
    assert numbers == ["0", "1", "2", "3", "4", "5"]
