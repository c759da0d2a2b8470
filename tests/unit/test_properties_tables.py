"""Tables of categories and folders of labelled images are read right or refused in one line that names the file."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from properties import changed_bytes, examples, read_or_refused
from small_broden import CATEGORIES, MASK, SIZE, plane, write_folder

from anatomy.errors import InputError
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.categories import read_categories
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images

IMAGES = {
    "a/x.png": {"color": [plane(1, 1)], "part": [plane(3), plane(0, 3)], "scene": [7]},
    "b/y.png": {"object": [plane(2, 300)], "texture": [9, plane(700)]},
}
TABLES = ["index.csv", "label.csv", "category.csv", *(f"c_{name}.csv" for name in CATEGORIES)]

NUMBERS = st.sampled_from(
    [
        *("", "0", "1", "-1", "7", "007", "1e3", "1.5", "nan", "inf", " 5", "1_0", "٣", "²", "-0"),
        *("65535", "65536", "10" * 200, "99999999999999999999", "9" * 5000, "0x10", "True"),
    ]
)
NAMES = st.sampled_from(
    [
        *("dog", "", " ", ".", "..", "../x", "/etc", "a/b", "a\\b", "NA", "nan", "a\nb", "a\0b"),
        *("a/x.png", "a/../a/x.png", "a/x_color_0.png", ";", "1;2", "x" * 300, "\u2028", "é"),
    ]
)
CELLS = NUMBERS | NAMES | st.text(max_size=5)


def lines_of(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


# --- tables of categories

COLUMNS = st.lists(
    st.sampled_from(["category", "wnid", "super_category", "name", "output", "index", "other", ""]),
    max_size=6,
)


def categories(folder, content):
    path = folder / "table.csv"
    path.write_bytes(content)
    table = read_or_refused(lambda: read_categories(path), path)
    if table is not None:
        assert list(table) == ["category", "name", "super_category", "output"]
        assert table["category"].is_unique
        assert table["output"].dropna().is_unique
        assert (table["output"].dropna() >= 0).all()
        assert table[["category", "name", "super_category"]].ne("").all(axis=None)
    return table


@examples(80)
@given(
    header=COLUMNS,
    rows=st.lists(st.lists(CELLS, max_size=6), max_size=4),
    square=st.booleans(),
)
@example(["category", "super_category", "output"], [["dog", "animate", "9" * 5000]], True)
@example(["category", "super_category", "output"], [["dog", "animate", "9" * 20]], True)
def test_tables_of_categories_of_any_cells(tmp_path, header, rows, square):
    if square:
        rows = [(row + [""] * len(header))[: len(header)] for row in rows]
    table = categories(tmp_path, lines_of([header, *rows]).encode("utf-8", "surrogatepass"))
    if table is not None:
        shown = [[cell.strip() for cell in row] for row in rows if row]
        place = header.index("category") if "category" in header else header.index("wnid")
        assert table["category"].tolist() == [row[place] for row in shown]


@examples(50)
@given(data=st.data())
def test_changed_tables_of_categories(tmp_path, data):
    whole = lines_of(
        [["category", "super_category", "output"], ["dog", "a", "0"], ["cat", "a", "1"]]
    )
    categories(tmp_path, changed_bytes(whole.encode(), data))


# --- folders of labelled images


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("labelled") / "whole", IMAGES)


@pytest.fixture
def folder(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "set"))


def opened(folder):
    """The folder as it is read; None where it is refused. What is read agrees with itself."""
    found = read_or_refused(lambda: Broden.open(folder), folder)
    if found is not None:
        assert 0 < found.mask_size <= found.image_size
        numbers = set(found.concepts["number"])
        for image in found.images:
            assert set(image.whole) <= numbers
            for file in (image.file, *image.planes):
                path = found.path(file).resolve()
                assert path.is_file()
                assert path.is_relative_to(folder.resolve() / "images")
    return found


@pytest.mark.parametrize("table", TABLES)
@examples(15)
@given(data=st.data())
def test_changed_tables_of_labelled_images(folder, whole, table, data):
    content = (whole / table).read_bytes()
    (folder / table).write_bytes(changed_bytes(content, data))
    opened(folder)


@pytest.mark.parametrize("table", TABLES)
@examples(15)
@given(data=st.data())
def test_any_cell_of_a_table_of_labelled_images(folder, whole, table, data):
    rows = list(csv.reader((whole / table).read_text().splitlines()))
    line = data.draw(st.integers(0, len(rows) - 1))
    rows[line][data.draw(st.integers(0, len(rows[line]) - 1))] = data.draw(CELLS)
    (folder / table).write_bytes(lines_of(rows).encode("utf-8", "surrogatepass"))
    opened(folder)


@examples(15)
@given(sizes=st.lists(NUMBERS, min_size=4, max_size=4), same=st.booleans())
@example([2 * "1000000000000000000000" + 400 * "0"] * 2 + ["1"] * 2, False)
def test_any_sizes(folder, whole, sizes, same):
    if same:
        sizes = [sizes[0]] * 2 + [sizes[1]] * 2
    text = (whole / "index.csv").read_text()
    usual = f",{SIZE},{SIZE},{MASK},{MASK},"
    (folder / "index.csv").write_text(text.replace(usual, "," + ",".join(sizes) + ","))
    opened(folder)


@pytest.mark.parametrize("text", ["1_0", "٣", "\x1c3"])
def test_numbers_are_digits(folder, text):
    """Python reads more as a number than the makers of tables mean by one."""
    path = folder / "c_part.csv"
    path.write_text(path.read_text().replace("3,", f"{text},"))
    with pytest.raises(
        InputError, match=r"c_part\.csv: line 2, column number: .* is not a whole number"
    ):
        Broden.open(folder)


@pytest.fixture(scope="module")
def written(whole):
    return write(whole, whole.with_name("written"))


def write(folder, out):
    write_labelled_images(out, Broden.open(folder), None)
    return LabelledImages.open(out)


@examples(8)
@given(
    file=st.sampled_from(["a/x.png", "a/x_color_0.png", "a/x_part_1.png", "b/y_object_0.png"]),
    data=st.data(),
)
def test_damaged_pictures_and_planes_are_not_written(tmp_path, whole, written, file, data):
    """Each byte of a PNG is under a checksum, so that what is written is what the whole folder would give."""
    folder, out = tmp_path / "set", tmp_path / "out"
    for path in (folder, out):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(whole, folder)
    path = folder / "images" / file
    path.write_bytes(changed_bytes(path.read_bytes(), data))
    found = read_or_refused(lambda: write(folder, out), path)
    if found is None:
        assert not (out / "labels.json").exists()
        return
    pd.testing.assert_frame_equal(found.areas, written.areas)
    pd.testing.assert_frame_equal(found.concepts, written.concepts)
    rows = slice(0, len(IMAGES))
    np.testing.assert_array_equal(found.stimuli.images(rows), written.stimuli.images(rows))
    np.testing.assert_array_equal(found.codes(rows), written.codes(rows))
