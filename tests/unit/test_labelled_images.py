"""The store holds the labels of every pixel as a plain loop reads them, whole, in a random but fixed order."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_broden import MASK, SIZE, plane, write_folder

from anatomy.canonical import read_json
from anatomy.errors import InputError
from anatomy.stimuli import labelled_images_writer, stimulus_set
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.concept_codes import code_table, count, pack
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images
from anatomy.stimuli.toybox import write_broden


def write(source: Path, folder: Path, images: int | None = None, workers: int = 1):
    write_labelled_images(folder, Broden.open(source), images, workers)
    return LabelledImages.open(folder)


# --- codes


def packed_by_hand(planes, whole, slots):
    """One pixel after the other, in plain Python."""
    side_y, side_x = planes[0].shape
    packed = np.zeros((slots, side_y, side_x), np.uint16)
    for y in range(side_y):
        for x in range(side_x):
            seen = []
            for plane_ in planes:
                code = int(plane_[y, x])
                if code and code not in seen and code not in whole:
                    seen.append(code)
            packed[: len(seen), y, x] = seen
    return packed


@st.composite
def labelled(draw):
    number = draw(st.integers(1, 5))
    values = st.integers(0, 4)  # so few that pixels repeat them
    planes = [
        np.array(draw(st.lists(values, min_size=6, max_size=6)), np.uint16).reshape(2, 3)
        for _ in range(number)
    ]
    whole = draw(st.lists(st.integers(1, 6), unique=True, max_size=3))
    return planes, whole, number + draw(st.integers(0, 2))


@settings(max_examples=300, deadline=None)
@given(labelled())
def test_packing_and_counting_equal_a_loop_over_pixels(drawn):
    planes, whole, slots = drawn
    kept = [plane_.copy() for plane_ in planes]
    packed = pack(planes, np.array(whole, np.uint16), slots)
    assert packed.dtype == np.uint16
    assert np.array_equal(packed, packed_by_hand(planes, whole, slots))
    assert all(map(np.array_equal, planes, kept))
    pixels = dict.fromkeys(whole, 6)
    for code in packed.ravel().tolist():
        if code:
            pixels[code] = pixels.get(code, 0) + 1
    codes, counts = count(packed, np.array([*whole, 0], np.uint16))
    assert codes.tolist() == sorted(pixels)
    assert dict(zip(codes.tolist(), counts.tolist(), strict=True)) == pixels


def test_codes_are_rows_of_the_concepts_plus_1():
    table = code_table([3, 300, 65535])
    assert {int(number): int(table[number]) for number in np.flatnonzero(table)} == {
        3: 1,
        300: 2,
        65535: 3,
    }


# --- the store


def toy_truth(toys: Path):
    """Concepts of every pixel and of whole images, read with a plain reader: name -> (pixels, whole)."""
    truth = {}
    index = pd.read_csv(toys / "index.csv", dtype=str, keep_default_na=False)
    for row in index.to_dict("records"):
        pixels = [[[] for _ in range(32)] for _ in range(32)]
        items = [i for c in index.columns[6:] for i in row[c].split(";") if i]
        whole = [int(item) for item in items if item.isdecimal()]
        for item in items:
            if item.isdecimal():
                continue
            values = np.array(Image.open(toys / "images" / item)).astype(int)
            for y, x in np.ndindex(32, 32):
                number = values[y, x, 0] + 256 * values[y, x, 1]
                if number and number not in pixels[y][x] and number not in whole:
                    pixels[y][x].append(int(number))
        truth[row["image"]] = pixels, whole
    return truth


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("toys") / "broden"
    write_broden(path, 1, 64, 3)
    return path


def test_the_store_of_the_toybox_equals_a_plain_reader(toys, tmp_path):
    store = write(toys, tmp_path)
    truth = toy_truth(toys)
    names = sorted(truth, key=lambda name: hashlib.md5(name.encode()).hexdigest())
    assert store.stimuli.table["image_id"].tolist() == names
    assert (store.image_size, store.mask_size, store.reduction) == (64, 32, 2)
    number_of = [0, *store.concepts["number"]]
    codes, whole = store.codes(slice(None)), store.whole(slice(None))
    assert codes.dtype == whole.dtype == np.uint16
    images, pixels = {}, {}
    areas = []
    for row, name in enumerate(names):
        shown = np.array(Image.open(toys / "images" / name))
        assert np.array_equal(store.stimuli.images(slice(row, row + 1))[0], shown)
        of_pixels, of_image = truth[name]
        assert [number_of[code] for code in whole[row] if code] == of_image
        cover = dict.fromkeys(of_image, 32 * 32)
        for y, x in np.ndindex(32, 32):
            own = of_pixels[y][x]
            padded = own + [0] * (codes.shape[1] - len(own))
            assert [number_of[code] for code in codes[row, :, y, x]] == padded
            for number in own:
                cover[number] = cover.get(number, 0) + 1
        for number, area in sorted(cover.items()):
            areas.append((row, number_of.index(number), area))
            images[number] = images.get(number, 0) + 1
            pixels[number] = pixels.get(number, 0) + area
    assert list(store.areas.itertuples(index=False, name=None)) == areas
    assert [str(kind) for kind in store.areas.dtypes] == ["int32", "uint16", "int32"]
    numbers = store.concepts["number"]
    assert store.concepts["images"].tolist() == [images.get(n, 0) for n in numbers]
    assert store.concepts["pixels"].tolist() == [pixels.get(n, 0) for n in numbers]
    # the toybox has concepts of two categories that lie in both planes of a pixel
    both = store.concepts["categories"] == "object;material"
    assert store.concepts["pixels"][both].sum() > 0


PLANTED = {
    "a.png": {
        "object": [plane(2, 300, 0, 2)],
        "material": [plane(2, 700, 300), plane(300, 0, 0, 7)],
        "scene": [7],
    },
    "b.png": {"scene": [0], "texture": [9, 9], "part": [plane(3)]},
    "c.png": {},
}


def test_planted_labels(tmp_path):
    """The same concept in two planes counts once, one of the whole image is in no pixel, numbers reach beyond 255."""
    source = write_folder(tmp_path / "set", PLANTED)
    store = write(source, tmp_path / "store")
    row = {name: place for place, name in enumerate(store.stimuli.table["image_id"])}
    code = {name: place for place, name in enumerate(store.concepts["name"], start=1)}
    sky, sand, fur, street = (code[name] for name in ("sky", "sand", "fur", "street-s"))
    codes, whole = store.codes(slice(None)), store.whole(slice(None))
    assert codes.shape == (3, 3, MASK, MASK)
    assert codes[row["a.png"], :, 0].T.tolist() == [
        [sky, sand, 0],
        [sand, fur, 0],
        [sand, 0, 0],
        [sky, 0, 0],
    ]
    assert whole[row["a.png"]].tolist() == [street]
    assert whole[row["b.png"]].tolist() == [code["NA"]]
    assert not codes[row["c.png"]].any()
    counts = store.concepts.set_index("name")[["images", "pixels"]]
    assert counts.T.to_dict("list") == {
        "black-c": [0, 0],
        "sky": [1, 2],
        "wheel": [1, 1],
        "street-s": [1, MASK * MASK],
        "NA": [1, MASK * MASK],
        "sand": [1, 3],
        "fur": [1, 1],
    }


def test_fewer_images_are_the_first_ones_and_keep_their_codes(toys, tmp_path):
    whole_set = write(toys, tmp_path / "all")
    part = write(toys, tmp_path / "part", 5)
    assert len(part.stimuli.table) == 5
    assert part.stimuli.table.equals(whole_set.stimuli.table[:5])
    assert part.concepts["number"].equals(whole_set.concepts["number"])
    slots = part.codes(slice(None)).shape[1]
    assert np.array_equal(part.codes(slice(None)), whole_set.codes(slice(0, 5))[:, :slots])
    assert part.areas.equals(whole_set.areas[whole_set.areas["image"] < 5])
    assert part.digest != whole_set.digest
    assert len(write(toys, tmp_path / "more", 1000).stimuli.table) == 12
    with pytest.raises(InputError, match="images = 0: must be at least 1"):
        write(toys, tmp_path / "none", 0)


# --- writing in blocks


MANY = {
    f"{number}.png": {"object": [plane(*[2] * (number + 1))], "scene": [7]} for number in range(7)
}


@pytest.fixture
def blocks_of_two(monkeypatch):
    for module in (stimulus_set, labelled_images_writer):
        monkeypatch.setattr(module, "BLOCK", 2)


def stored(store: LabelledImages) -> list[bytes]:
    return [
        store.stimuli.images(slice(None)).tobytes(),
        store.codes(slice(None)).tobytes(),
        store.whole(slice(None)).tobytes(),
        store.areas.to_csv().encode(),
        store.concepts.to_csv().encode(),
        store.digest.encode(),
    ]


def test_workers_do_not_change_the_result(tmp_path, blocks_of_two):
    source = write_folder(tmp_path / "set", MANY)
    first = write(source, tmp_path / "1")
    assert stored(write(source, tmp_path / "3", workers=3)) == stored(first)
    shown = first.stimuli.table["image_id"]
    sky, street = first.areas["pixels"].to_numpy().reshape(7, 2).T
    assert first.areas["image"].tolist() == np.repeat(np.arange(7), 2).tolist()
    assert sky.tolist() == [int(name.removesuffix(".png")) + 1 for name in shown]
    assert street.tolist() == [MASK * MASK] * 7


def test_progress_passes_all_images_and_then_all_labels(tmp_path, blocks_of_two):
    broden = Broden.open(write_folder(tmp_path / "set", MANY))
    steps = []
    write_labelled_images(tmp_path / "store", broden, None, 1, steps.append)
    assert steps == [2, 2, 2, 1] * 2


@pytest.mark.parametrize("reader", ["read_image", "read_label_image"])
def test_a_killed_writer_goes_on_after_the_last_whole_block(
    tmp_path, monkeypatch, blocks_of_two, reader
):
    source = write_folder(tmp_path / "set", MANY)
    expected = stored(write(source, tmp_path / "whole"))
    real, calls = getattr(labelled_images_writer, reader), []

    def failing(path, size):
        calls.append(path)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(path, size)

    monkeypatch.setattr(labelled_images_writer, reader, failing)
    with pytest.raises(KeyboardInterrupt):
        write(source, tmp_path / "store")
    assert not (tmp_path / "store" / "labels.json").exists()
    calls[:] = ["so that it does not fail again"] * 6
    assert stored(write(source, tmp_path / "store")) == expected
    assert len(calls) - 6 == 7 - 4  # two blocks of two were done


def test_a_partial_store_of_other_labels_is_not_gone_on_with(tmp_path, monkeypatch, blocks_of_two):
    source = write_folder(tmp_path / "set", MANY)
    real = labelled_images_writer.write_parquet

    def failing(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(labelled_images_writer, "write_parquet", failing)
    with pytest.raises(KeyboardInterrupt):
        write(source, tmp_path / "store")
    monkeypatch.setattr(labelled_images_writer, "write_parquet", real)
    changed = MANY | {"3.png": {"object": [plane(300, 2, 300, 2)], "scene": [7]}}
    write_folder(source, changed)
    assert stored(write(source, tmp_path / "store")) == stored(write(source, tmp_path / "fresh"))


def test_the_manifest_is_the_last_file_and_gone_while_others_change(
    tmp_path, monkeypatch, blocks_of_two
):
    source = write_folder(tmp_path / "set", MANY)
    folder = tmp_path / "store"
    write(source, folder)

    def failing(*_):
        assert not (folder / "labels.json").exists()
        raise KeyboardInterrupt

    for name in ("write_parquet", "write_csv", "write_stimulus_set"):
        with monkeypatch.context() as patch:
            patch.setattr(labelled_images_writer, name, failing)
            with pytest.raises(KeyboardInterrupt):
                write(source, folder)
        with pytest.raises(InputError, match=r"labels\.json: is absent"):
            LabelledImages.open(folder)


def test_images_with_the_same_pixels_are_noted(tmp_path):
    source = write_folder(tmp_path / "set", MANY)
    shutil.copy(source / "images/1.png", source / "images/5.png")
    notes = write_labelled_images(tmp_path / "store", Broden.open(source), None)
    assert len(notes) == 1
    assert "images/1.png" in notes[0]
    assert "images/5.png" in notes[0]


# --- what is refused


def test_damaged_files_and_unknown_numbers_are_named(tmp_path):
    source = write_folder(tmp_path / "set", MANY | {"x.png": {"object": [plane(2, 0, 77)]}})
    with pytest.raises(InputError, match=r"images/x_object_0\.png: label number 77 is unknown"):
        write(source, tmp_path / "store")
    label = source / "images" / "x_object_0.png"
    label.write_bytes(label.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"images/x_object_0\.png: cannot be decoded"):
        write(source, tmp_path / "store")
    image = source / "images" / "4.png"
    Image.new("RGB", (SIZE + 1, SIZE)).save(image)
    with pytest.raises(InputError, match=r"images/4\.png: is 10 x 9 pixels, not 9 x 9"):
        write(source, tmp_path / "store")


def test_label_images_without_a_label_are_refused(tmp_path):
    source = write_folder(tmp_path / "set", {"x.png": {"object": [plane()]}})
    with pytest.raises(InputError, match="no pixel of 1 images has a label"):
        write(source, tmp_path / "store")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Two stores whose images differ in one pixel of one image, and nothing else."""
    root = tmp_path_factory.mktemp("written")
    source = write_folder(root / "set", MANY)
    write(source, root / "first")
    image = source / "images" / "2.png"
    pixels = np.array(Image.open(image))
    pixels[4, 4, 1] ^= 1
    Image.fromarray(pixels).save(image)
    write(source, root / "second")
    return root


def test_the_digest_covers_the_images(written):
    first, second = (LabelledImages.open(written / name) for name in ("first", "second"))
    assert np.array_equal(first.codes(slice(None)), second.codes(slice(None)))
    assert first.digest != second.digest
    assert read_json(written / "first/labels.json")["digest"] == first.digest


@pytest.mark.parametrize(
    "name",
    ["images.zarr", "images.json", "images.csv", "labels.zarr", "labels.json", "concepts.csv",
     "areas.parquet"],
)  # fmt: skip
def test_an_absent_file_is_named(written, tmp_path, name):
    shutil.copytree(written / "first", tmp_path / "store")
    target = tmp_path / "store" / name
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    with pytest.raises(InputError, match=rf"{name}: is absent"):
        LabelledImages.open(tmp_path / "store")


def test_parts_that_do_not_belong_together_are_refused(written, tmp_path):
    def mixed(name: str) -> Path:
        """The first store with the second's labels or images."""
        folder = tmp_path / name
        shutil.copytree(written / "first", folder)
        for path in (written / "second").glob(f"{name}.*"):
            target = folder / path.name
            shutil.rmtree(target) if target.is_dir() else target.unlink()
            (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
        return folder

    for name in ("images", "labels"):
        with pytest.raises(InputError, match=r"labels\.zarr: made with images = "):
            LabelledImages.open(mixed(name))


def test_tables_that_were_changed_are_refused(written, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(written / "first", folder)
    areas = pd.read_parquet(folder / "areas.parquet")
    areas.assign(pixels=areas["pixels"] + 1).to_parquet(folder / "areas.parquet")
    with pytest.raises(InputError, match=r"areas\.parquet: does not agree with concepts\.csv"):
        LabelledImages.open(folder)
    (folder / "areas.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"areas\.parquet: cannot be read"):
        LabelledImages.open(folder)
    text = (folder / "concepts.csv").read_text()
    (folder / "concepts.csv").write_text(text.replace("sky", "sea"))
    with pytest.raises(InputError, match=r"concepts\.csv: is not the table of the labels"):
        LabelledImages.open(folder)
    (folder / "concepts.csv").write_text(text.replace("sky,object,object", "sky,object,objects,2"))
    with pytest.raises(InputError, match=r"concepts\.csv: cannot be read"):
        LabelledImages.open(folder)
