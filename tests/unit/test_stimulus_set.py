"""A stimulus set holds what was shown, whatever interrupts its writing, and no image twice."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anatomy.canonical import read_json
from anatomy.errors import InputError
from anatomy.stimuli.folder import choose
from anatomy.stimuli.images import decode
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

SIZE = 8
PROVENANCE = {"source": "noise", "seed": 0}


def items(number: int = 150) -> list[Item]:
    """Two splits, each with two categories."""
    made = []
    for split, share in (("scoring", number // 3), ("evaluation", number - number // 3)):
        for category, kind in (("dog", "animate"), ("car", "inanimate")):
            for i in range(share // 2):
                image_id = f"{split}/{category}/{i:06}"
                made.append(Item(image_id, category, f"a {category}", kind, split, image_id))
    return made


def noise(item: Item) -> np.ndarray:
    """An image that depends on the id alone."""
    seed = int.from_bytes(hashlib.md5(item.image_id.encode()).digest())
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def paths(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "noise.zarr", folder / "noise.json", folder / "noise.csv"


def write(folder: Path, made: list[Item], load=noise, **options) -> list[str]:
    return write_stimulus_set(*paths(folder), made, load, SIZE, PROVENANCE, **options)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    assert write(folder, items()) == []
    return folder


def test_images_and_table_hold_what_was_loaded(written):
    made = items()
    stimuli = StimulusSet.open(*paths(written))
    stored = stimuli.images(slice(None))
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored, [noise(item) for item in made])
    table = pd.read_csv(paths(written)[2])
    assert list(table.columns) == [
        "image_id",
        "category",
        "name",
        "super_category",
        "split",
        "source",
        "digest",
    ]
    for row, item in zip(table.itertuples(index=False), made, strict=True):
        assert row[:6] == tuple(vars(item).values())
        assert row.digest == hashlib.sha256(noise(item).tobytes()).hexdigest()[:16]
    pd.testing.assert_frame_equal(stimuli.table, table)


def test_the_store_is_one_array_in_chunks_of_64_images(written):
    described = read_json(paths(written)[1])
    made = len(items())
    assert described["arrays"]["images"] == {
        "shape": [made, SIZE, SIZE, 3],
        "chunks": [64, SIZE, SIZE, 3],
        "dtype": "uint8",
        "attributes": {},
        "compression": "quick",
    }
    assert described["provenance"] | PROVENANCE == described["provenance"]
    assert StimulusSet.open(*paths(written)).digest == described["digest"]


def test_rows_and_categories(written):
    stimuli = StimulusSet.open(*paths(written))
    assert stimuli.categories == ["dog", "car"]
    splits = np.array([item.split for item in items()])
    categories = np.array([item.category for item in items()])
    rows = stimuli.rows("evaluation", ["car"])
    np.testing.assert_array_equal(
        rows, np.flatnonzero((splits == "evaluation") & (categories == "car"))
    )
    np.testing.assert_array_equal(stimuli.rows("scoring"), np.flatnonzero(splits == "scoring"))
    np.testing.assert_array_equal(stimuli.rows("scoring", ["car", "dog"]), stimuli.rows("scoring"))
    scattered = rows[[20, 3, 3, 11]]
    np.testing.assert_array_equal(
        stimuli.images(scattered), [noise(items()[row]) for row in scattered]
    )
    with pytest.raises(InputError, match="no image in split 'training'"):
        stimuli.rows("training")
    with pytest.raises(InputError, match="category 'cat' has no image in split 'scoring'"):
        stimuli.rows("scoring", ["dog", "cat"])


def test_outputs_are_the_units_of_the_images_categories(written):
    """One image of each category, asked for out of order, of a network that knows more categories."""
    stimuli = StimulusSet.open(*paths(written))
    dog, car = stimuli.rows("scoring", ["dog"])[0], stimuli.rows("scoring", ["car"])[0]
    outputs = stimuli.outputs(np.array([car, dog, car]), ["cup", "car", "fish", "dog"])
    assert outputs.tolist() == [1, 3, 1]
    with pytest.raises(InputError, match="no output unit for category 'car'"):
        stimuli.outputs(np.array([dog, car]), ["dog"])


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_change_nothing(written, tmp_path, workers):
    def late(item: Item) -> np.ndarray:
        time.sleep(0.002 if item.image_id.endswith("0") else 0)
        return noise(item)

    write(tmp_path, items(), late, workers=workers)
    assert contents(tmp_path) == contents(written)


@pytest.mark.parametrize("whole_blocks", [0, 1, 2])
def test_an_interrupted_and_resumed_set_is_the_same(written, tmp_path, whole_blocks):
    calls: list[str] = []

    def failing(item: Item) -> np.ndarray:
        if len(calls) >= 64 * whole_blocks + 10:
            raise KeyboardInterrupt
        return counted(item)

    def counted(item: Item) -> np.ndarray:
        calls.append(item.image_id)
        return noise(item)

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, items(), failing)
    assert not any(path.exists() for path in paths(tmp_path))
    calls.clear()
    progress: list[int] = []
    write(tmp_path, items(), counted, progress=progress.append)
    assert calls == [item.image_id for item in items()[64 * whole_blocks :]]
    assert sum(progress) == len(items())
    assert contents(tmp_path) == contents(written)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:] = sys.argv[1:-1]
from test_stimulus_set import items, noise, write

def load(item):
    if item.image_id == "evaluation/dog/000099":
        os.kill(os.getpid(), signal.SIGKILL)
    return noise(item)

write(Path(sys.argv[-1]), items(400), load)
"""


def test_a_killed_process_is_resumed(written, tmp_path):
    """SIGKILL leaves no chance to tidy up."""
    killed = subprocess.run([sys.executable, "-c", KILLED, *sys.path, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert (tmp_path / ".noise.zarr.partial").is_dir()
    write(tmp_path, items(400))
    again = tmp_path / "again"
    write(again, items(400))
    expected = contents(again)
    shutil.rmtree(again)
    assert contents(tmp_path) == expected


def test_a_partial_store_of_other_items_is_not_continued(tmp_path):
    made = items()

    def failing(item: Item) -> np.ndarray:
        if item is made[100]:
            raise KeyboardInterrupt
        return noise(item)

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, made, failing)
    other = [*made[1:], made[0]]
    write(tmp_path, other)
    stored = StimulusSet.open(*paths(tmp_path)).images(slice(None))
    np.testing.assert_array_equal(stored, [noise(item) for item in other])


@pytest.mark.parametrize("resumed", [False, True])
def test_the_same_image_in_two_splits_is_refused(tmp_path, resumed):
    made = items()
    twin, copy = made[3], made[140]

    def leaking(item: Item) -> np.ndarray:
        return noise(twin if item is copy else item)

    def failing(item: Item) -> np.ndarray:
        if item is made[100]:
            raise KeyboardInterrupt
        return leaking(item)

    if resumed:
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, made, failing)
    with pytest.raises(InputError) as error:
        write(tmp_path, made, leaking)
    for words in (twin.source, "split scoring", copy.source, "split evaluation", "same image"):
        assert words in str(error.value)
    assert not any(path.exists() for path in paths(tmp_path))


def test_the_same_image_twice_in_a_split_is_noted(tmp_path):
    made = items()
    notes = write(tmp_path, made, lambda item: noise(made[3] if item is made[30] else item))
    assert len(notes) == 1
    assert made[3].source in notes[0]
    assert made[30].source in notes[0]
    assert len(StimulusSet.open(*paths(tmp_path)).table) == len(made)


def test_an_image_id_that_is_there_twice_is_refused_before_anything_is_read(tmp_path):
    made = items()
    made[-1] = Item(made[0].image_id, "car", "a car", "inanimate", "evaluation", "other.jpg")

    def never(item: Item) -> np.ndarray:
        raise AssertionError

    with pytest.raises(InputError) as error:
        write(tmp_path, made, never)
    for words in (made[0].source, "other.jpg", "split scoring", "split evaluation", "image_id"):
        assert words in str(error.value)


def test_an_image_of_another_shape_is_refused_by_name(tmp_path):
    made = items()
    with pytest.raises(InputError, match=f"{made[5].source}: is uint8 \\(4, 4, 3\\)"):
        write(tmp_path, made, lambda i: noise(i)[:4, :4] if i is made[5] else noise(i))
    with pytest.raises(InputError, match=r"is float64 .*not uint8"):
        write(tmp_path, made, lambda item: noise(item) / 255)


def test_a_set_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no image"):
        write(tmp_path, [])


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_absent_file_is_named(written, tmp_path, missing):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    path = paths(tmp_path)[missing]
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=f"{path.name}: is absent"):
        StimulusSet.open(*paths(tmp_path))


def test_a_table_of_another_set_is_refused(written, tmp_path):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    table = paths(tmp_path)[2]
    text = table.read_text()
    table.write_text(text.replace("inanimate", "animate"))
    with pytest.raises(InputError, match=r"noise\.csv: is not the table of"):
        StimulusSet.open(*paths(tmp_path))
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"noise\.csv: has columns a, b"):
        StimulusSet.open(*paths(tmp_path))


def test_a_damaged_chunk_is_refused(written, tmp_path):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    chunk = next(
        path for path in (paths(tmp_path)[0] / "images" / "c").rglob("*") if path.is_file()
    )
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    stimuli = StimulusSet.open(*paths(tmp_path))
    with pytest.raises(InputError, match="a chunk cannot be read"):
        stimuli.images(slice(None))


def test_words_that_pandas_takes_for_missing_survive(tmp_path):
    made = [Item("NA", "null", "", "NaN", "scoring", "None"), *items()]
    write(tmp_path, made)
    stimuli = StimulusSet.open(*paths(tmp_path))
    assert stimuli.table.iloc[0, :6].tolist() == ["NA", "null", "", "NaN", "scoring", "None"]
    assert stimuli.rows("scoring", ["null"]).tolist() == [0]


def test_from_a_folder_of_photographs_to_a_set(tmp_path):
    generator = np.random.default_rng(0)
    for folder in ("train", "val"):
        (tmp_path / folder / "dog").mkdir(parents=True)
        for number in range(4):
            pixels = generator.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / "dog" / f"{number}.jpg")
    chosen = choose(tmp_path, ["dog"], {"scoring": 2, "extraction": 1, "evaluation": 3}, 0).images
    made = [
        Item(image.image_id, image.category, "dog", "animate", image.split, str(image.path))
        for image in chosen
    ]

    def load(item: Item) -> np.ndarray:
        return decode(tmp_path / item.source, 10, SIZE)

    write(tmp_path / "set", made, load, workers=2)
    stimuli = StimulusSet.open(*paths(tmp_path / "set"))
    assert stimuli.table["split"].value_counts().to_dict() == {
        "scoring": 2,
        "extraction": 1,
        "evaluation": 3,
    }
    np.testing.assert_array_equal(stimuli.images(slice(None)), [load(item) for item in made])
    (tmp_path / made[4].source).write_bytes(b"")
    with pytest.raises(InputError, match=f"{made[4].source}: is empty"):
        write(tmp_path / "again", made, load, workers=2)
