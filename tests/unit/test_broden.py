"""A folder in Broden's layout is read as its makers wrote it, or refused by file, line and column."""

import csv
import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_broden import CATEGORIES, COVERAGE, LABELS, MASK, SIZE, encoded, plane, write_folder

from anatomy.errors import InputError
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.broden_pixels import read_image, read_label_image
from anatomy.stimuli.broden_tables import read_concepts
from anatomy.stimuli.toybox import write_broden

TWO = {
    "a/x.jpg": {"color": [plane(1, 1)], "part": [plane(3), plane(0, 3)], "scene": [7]},
    "b/y.png": {"object": [plane(2, 300)], "texture": [9, plane(700)]},
}


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that is in the file, and leave its line ends."""
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode()))


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_folder(tmp_path / "set", TWO)


# --- what is read


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("toys") / "broden"
    write_broden(path, 2, 65, 1)
    header, *rows = (path / "index.csv").read_text().splitlines()
    (path / "index.csv").write_text("\n".join([header, *rows[::-1]]))  # in any order
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_toybox_is_read_as_its_tables_say(toys):
    broden = Broden.open(toys)
    assert (broden.image_size, broden.mask_size, broden.reduction) == (65, 32, 2)
    assert broden.categories == CATEGORIES
    rows = {row["image"]: row for row in table(toys / "index.csv")}
    order = sorted(rows, key=lambda name: hashlib.md5(name.encode()).hexdigest())
    assert [image.name for image in broden.images] == order
    for image in broden.images:
        cells = [rows[image.name][category] for category in CATEGORIES]
        items = [item for cell in cells for item in cell.split(";") if item]
        assert list(image.planes) == [item for item in items if item.endswith(".png")]
        assert list(image.whole) == [int(item) for item in items if item.isdecimal()]
    labels = {int(row["number"]): row for row in table(toys / "label.csv")}
    assert broden.concepts["number"].tolist() == sorted(labels)
    for number, name, own, categories in broden.concepts.itertuples(index=False):
        assert name == labels[number]["name"]
        described = [part.split("(")[0] for part in labels[number]["category"].split(";")]
        assert sorted(categories.split(";")) == sorted(described)
        assert own in described


def test_a_concept_belongs_to_the_category_it_covers_most_and_the_later_of_equals(folder):
    own = dict(read_concepts(folder, CATEGORIES)[["name", "category"]].to_numpy())
    assert own == {
        "black-c": "color",
        "sky": "object",
        "wheel": "part",
        "street-s": "scene",
        "NA": "texture",
        "sand": "material",
        "fur": "material",
    }
    order = ("material", "object")
    concepts = read_concepts(folder, order)
    assert concepts["name"].tolist() == ["sky", "sand", "fur"]
    assert concepts["category"].tolist() == ["object", "object", "material"]
    assert concepts["categories"].tolist() == ["material;object", "material;object", "material"]


def test_only_the_categories_that_are_listed_count(tmp_path):
    images = {"x.png": {"object": [plane(2)], "material": [plane(700)], "scene": [7]}}
    broden = Broden.open(write_folder(tmp_path, images, ["scene", "object"]))
    assert broden.categories == ("scene", "object")
    assert broden.concepts["name"].tolist() == ["sky", "street-s", "sand"]
    (image,) = broden.images
    assert image.planes == ("x_object_0.png",)
    assert image.whole == (7,)


def test_each_item_of_a_cell_is_a_number_or_a_file_by_itself(folder):
    broden = Broden.open(folder)
    found = {image.name: image for image in broden.images}
    assert found["b/y.png"].planes == ("b/y_object_0.png", "b/y_texture_1.png")
    assert found["b/y.png"].whole == (9,)
    assert found["a/x.jpg"].planes == tuple(
        f"a/x_{name}.png" for name in ("color_0", "part_0", "part_1")
    )


def test_number_0_means_that_a_rare_label_was_dropped(tmp_path):
    broden = Broden.open(write_folder(tmp_path, {"x.png": {"scene": [0], "texture": [0, 9]}}))
    assert broden.images[0].whole == (9,)


@pytest.mark.parametrize(("image", "mask", "reduction"), [(227, 113, 2), (384, 192, 2), (7, 7, 1)])
def test_sizes_of_the_published_sets(folder, image, mask, reduction):
    replace(
        folder / "index.csv", f",{SIZE},{SIZE},{MASK},{MASK},", f",{image},{image},{mask},{mask},"
    )
    broden = Broden.open(folder)
    assert (broden.image_size, broden.mask_size, broden.reduction) == (image, mask, reduction)


def test_tables_of_another_system_are_read(folder):
    expected = Broden.open(folder).images
    for path in folder.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n") + b"\n")
    assert Broden.open(folder).images == expected


# --- what is refused


INDEX_LINE = r"index\.csv: line 2, column"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("index.csv", ",sw,", ",width,", r"index\.csv: must have one column 'sw'"),
        ("index.csv", ",material,", ",stuff,", r"index\.csv: must have one column 'material'"),
        ("label.csv", "name", "names", r"label\.csv: must have one column 'name'"),
        ("category.csv", "name", "names", r"category\.csv: must have one column 'name'"),
        ("c_part.csv", "coverage", "cover", r"c_part\.csv: must have one column 'coverage'"),
        ("label.csv", "2,sky", "2,sky,blue", r"label\.csv: line 3 has 3 cells, not 2"),
        ("label.csv", "2,sky", "two,sky", r"label\.csv: line 3, column number: 'two' is not"),
        ("label.csv", "2,sky", "0,sky", r"line 3, column number: 0 is not from 1 to 65535"),
        ("label.csv", "2,sky", "65536,sky", r"line 3, column number: 65536 is not from 1"),
        ("label.csv", "2,sky", "1,sky", r"line 3, column number: 1 is there twice"),
        ("label.csv", "2,sky", "2,wheel", r"line 4, column name: 'wheel' is there twice"),
        ("label.csv", "2,sky", "2,", r"line 3, column name: '' is no name"),
        ("label.csv", "2,sky\r\n", "", r"c_object\.csv: line 2, column number: 2 is not in label"),
        ("c_object.csv", "300,", "2,", r"c_object\.csv: line 3, column number: 2 is there twice"),
        ("c_object.csv", "3.5", "many", r"c_object\.csv: line 2, column coverage: 'many' is not"),
        ("c_object.csv", "3.5", "nan", r"c_object\.csv: line 2, column coverage: 'nan' is not"),
        ("category.csv", "scene", "part", r"category\.csv: line 6, column name: 'part' is there"),
        ("category.csv", "scene", "../x", r"line 6, column name: '\.\./x' is none of color, object"),
        ("category.csv", "scene", "nothing", r"line 6, column name: .nothing. is none of color"),
        ("index.csv", ",7,", ",8,", rf"{INDEX_LINE} scene: label number 8 is unknown"),
        ("c_scene.csv", "7,2.000000\r\n", "", rf"{INDEX_LINE} scene: label number 7 is unknown"),
        ("index.csv", "a/x.jpg,train,9", "a/x.jpg,train,nine", rf"{INDEX_LINE} ih: 'nine' is not"),
        ("index.csv", "b/y.png,train,9", "b/y.png,train,10", r"line 3, column ih: 10 differs from"),
        ("index.csv", ",9,9,4,4,", ",9,9,4,3,", r"line 2, columns ih, iw, sh, sw: 9 x 9 and 4 x 3"),
        ("index.csv", ",9,9,4,4,", ",8,9,4,4,", r"8 x 9 and 4 x 4 pixels must be square"),
        ("index.csv", ",9,9,4,4,", ",9,9,7,7,", r"columns iw, sw: label images of 7 pixels"),
        ("index.csv", ",9,9,4,4,", ",10,10,4,4,", r"columns iw, sw: label images of 4 pixels"),
        ("index.csv", ",9,9,4,4,", ",9,9,0,0,", r"columns iw, sw: label images of 0 pixels"),
        ("index.csv", ",9,9,4,4,", ",9,9,18,18,", r"columns iw, sw: label images of 18 pixels"),
        ("index.csv", "b/y.png,", "a/x.jpg,", r"line 3, column image: a/x\.jpg is in line 2"),
        ("index.csv", "b/y.png,", "a//./x.jpg,", r"line 3, column image: a/x\.jpg is in line 2"),
        ("index.csv", "b/y.png,", ",", r"line 3, column image: '' is not a file inside"),
        ("index.csv", "a/x.jpg,", "a/../../x.jpg,", rf"{INDEX_LINE} image: 'a/\.\./\.\./x\.jpg' is"),
        ("index.csv", "a/x.jpg,", "/a/x.jpg,", rf"{INDEX_LINE} image: '/a/x\.jpg' is not a file"),
        ("index.csv", "a/x_color_0", "../x_color", rf"{INDEX_LINE} color: '\.\./x_color\.png' is"),
        ("index.csv", "a/x_part_1", "a/x_gone", rf"{INDEX_LINE} part: .*images/a/x_gone\.png is abs"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(folder, file, old, new, message):
    replace(folder / file, old, new)
    with pytest.raises(InputError, match=message):
        Broden.open(folder)


@pytest.mark.parametrize(
    "file", ["index.csv", "label.csv", "category.csv", *(f"c_{name}.csv" for name in CATEGORIES)]
)
def test_absent_and_damaged_tables_are_named(folder, file):
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content + b'"not closed')
    with pytest.raises(InputError, match=f"{file}: cannot be read as a table"):
        Broden.open(folder)
    (folder / file).write_bytes(content + b"\xff")
    with pytest.raises(InputError, match=f"{file}: cannot be read as a table"):
        Broden.open(folder)
    (folder / file).unlink()
    with pytest.raises(InputError, match=f"{file}: is absent"):
        Broden.open(folder)


def test_an_empty_index_and_one_without_labels_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"index\.csv: lists no image"):
        Broden.open(write_folder(tmp_path / "empty", {}))
    with pytest.raises(InputError, match=r"index\.csv: no image has a label in color, object"):
        Broden.open(write_folder(tmp_path / "bare", {"x.png": {"scene": [0]}, "y.png": {}}))
    with pytest.raises(InputError, match=r"category\.csv: lists no category"):
        Broden.open(write_folder(tmp_path / "none", TWO, []))


def test_the_first_absent_file_is_named_and_all_are_counted(folder):
    for name in ("a/x_part_0.png", "b/y.png", "b/y_texture_1.png"):
        (folder / "images" / name).unlink()
    (folder / "images/b/y.png").mkdir()  # a folder is no image
    with pytest.raises(
        InputError,
        match=r"line 2, column part: .*images/a/x_part_0\.png is absent \(3 files are absent\)",
    ):
        Broden.open(folder)


def test_a_number_in_no_listed_category_is_unknown(tmp_path):
    coverage = COVERAGE | {"texture": {}}
    with pytest.raises(InputError, match="label number 9 is unknown"):
        Broden.open(write_folder(tmp_path, TWO, coverage=coverage))
    assert LABELS[9] == "NA"


# --- pixels


def all_numbers() -> np.ndarray:
    return np.arange(65536).reshape(256, 256)


def saved(path: Path, array: np.ndarray, **options) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_every_number_survives_a_label_image(tmp_path):
    path = saved(tmp_path / "x.png", encoded(all_numbers()))
    assert np.array_equal(read_label_image(path, 256), all_numbers())


def test_a_label_image_may_have_a_palette(tmp_path):
    numbers = np.array([[0, 1], [300, 65535]])
    image = Image.fromarray(encoded(numbers)).quantize(4)
    assert image.mode == "P"
    image.save(tmp_path / "x.png")
    assert np.array_equal(read_label_image(tmp_path / "x.png", 2), numbers)


def png_16_bit(pixels: np.ndarray) -> bytes:
    """A PNG with 16 bits per channel, put together by hand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def as_bytes(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


COLOR = Image.new("RGB", (4, 4), (1, 2, 0))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"x\.png: is empty"),
        (b"text", r"x\.png: is not an image"),
        (as_bytes(COLOR, "JPEG"), r"x\.png: is not an image"),
        (as_bytes(COLOR.resize((4, 5))), r"x\.png: is 4 x 5 pixels, not 4 x 4"),
        (as_bytes(COLOR.convert("L")), r"x\.png: has mode L with 8 bits"),
        (as_bytes(COLOR.convert("RGBA")), r"x\.png: has mode RGBA"),
        (as_bytes(COLOR.convert("1")), r"x\.png: has mode 1"),
        (png_16_bit(np.full((4, 4, 3), 300)), r"x\.png: has mode RGB with 16 bits"),
        (as_bytes(Image.new("RGB", (4, 4), (1, 0, 1))), r"x\.png: has blue pixels"),
    ],
)
def test_what_is_no_label_image_is_refused(tmp_path, data, message):
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_label_image(tmp_path / "x.png", 4)
    with pytest.raises(InputError, match=r"gone\.png: cannot be read \(No such file"):
        read_label_image(tmp_path / "gone.png", 4)


def test_no_damaged_byte_of_the_pixels_passes(tmp_path):
    """Some damage decodes without complaint, to other labels; the checksum tells."""
    numbers = np.random.default_rng(0).integers(0, 700, (8, 8))
    whole = saved(tmp_path / "x.png", encoded(numbers)).read_bytes()
    start = whole.index(b"IDAT") + 4
    for place in range(start, len(whole) - 16):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        (tmp_path / "x.png").write_bytes(damaged)
        with pytest.raises(InputError, match=r"x\.png: cannot be decoded"):
            read_label_image(tmp_path / "x.png", 8)
    for length in range(start, len(whole) - 12, 5):
        (tmp_path / "x.png").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"x\.png: "):
            read_label_image(tmp_path / "x.png", 8)


def test_an_image_is_the_stored_pixels_as_rgb(tmp_path):
    random = np.random.default_rng(0)
    color = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter; the labels would not be
    path = saved(tmp_path / "x.png", color, exif=exif)
    assert np.array_equal(read_image(path, 8), color)
    grey = random.integers(0, 256, (8, 8), dtype=np.uint8)
    path = saved(tmp_path / "grey.png", grey)
    assert np.array_equal(read_image(path, 8), np.stack([grey] * 3, axis=-1))


def test_a_damaged_image_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / "x.jpg", noise)
    with pytest.raises(InputError, match=r"x\.jpg: is 64 x 64 pixels, not 63 x 63"):
        read_image(path, 63)
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(InputError, match=r"x\.jpg: cannot be decoded as a whole image"):
        read_image(path, 64)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"x\.jpg: is empty"):
        read_image(path, 64)
