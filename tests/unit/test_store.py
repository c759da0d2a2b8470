"""A store is whole or absent, goes on after a kill, and says by name what is damaged."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anatomy import store as store_module
from anatomy.canonical import read_json
from anatomy.errors import InputError
from anatomy.store import (
    PROGRESS,
    ArraySpec,
    StoreWriter,
    open_store,
    read_array,
    read_rows,
    row_blocks,
)

ROWS, BLOCK = 11, 4
MADE_FROM = {"network": "abc", "layers": ["conv1", "fc8"], "size": 3}
SPECS = {
    "split/logits": ArraySpec((ROWS, 6), (BLOCK, 6), "float32", {"axes": ["image", "unit"]}),
    "split/maps": ArraySpec((ROWS, 3, 5), (BLOCK, 3, 5), "float16"),
    "zeros": ArraySpec((ROWS, 2), (BLOCK, 2), "uint8"),
}
VALUES = {
    "split/logits": np.random.default_rng(0).normal(size=(ROWS, 6)).astype(np.float32),
    "split/maps": np.random.default_rng(1).normal(size=(ROWS, 3, 5)).astype(np.float16),
    "zeros": np.zeros((ROWS, 2), np.uint8),
}
BLOCKS = row_blocks(ROWS, BLOCK)


def paths(folder: Path) -> tuple[Path, Path]:
    return folder / "store.zarr", folder / "store.json"


def partial(folder: Path) -> Path:
    return folder / ".store.zarr.partial"


def writer(folder: Path, made_from=MADE_FROM) -> StoreWriter:
    return StoreWriter(*paths(folder), made_from, SPECS)


def fill(folder: Path, stop_before: int | None = None, made_from=MADE_FROM) -> list[str]:
    """Write what is not done yet; returns the names of the blocks that were written."""
    store, written = writer(folder, made_from), []
    for number, rows in enumerate(BLOCKS):
        if number == stop_before:
            raise KeyboardInterrupt
        name = f"block {number}"
        if name not in store.done:
            store.write(name, {key: (rows, values[rows]) for key, values in VALUES.items()})
            written.append(name)
    store.finish()
    return written


def interrupted(folder: Path, blocks: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(folder, stop_before=blocks)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def chunk(store: Path, array: str, *place: int) -> Path:
    return store.joinpath(array, "c", *map(str, place))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    fill(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def read(folder: Path, name: str, expected=None) -> np.ndarray:
    group = open_store(*paths(folder), MADE_FROM if expected is None else expected)
    return read_rows(read_array(group, name), slice(None))


def test_what_was_written_is_read(whole):
    for name, values in VALUES.items():
        found = read(whole, name)
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, values)
    some = np.array([7, 0, 3])
    group = open_store(*paths(whole), {})
    np.testing.assert_array_equal(
        read_rows(read_array(group, "split/maps"), some), VALUES["split/maps"][some]
    )
    assert dict(group["split/logits"].attrs) == {"axes": ["image", "unit"]}
    assert not partial(whole).exists()


def test_values_are_rounded_to_the_arrays_precision(tmp_path):
    exact = np.array([[1 / 3, 1e-9], [2049.0, -7.0]])
    store = StoreWriter(*paths(tmp_path), {}, {"a": ArraySpec((2, 2), (2, 2), "float16")})
    store.write("all", {"a": (slice(0, 2), exact)})
    store.finish()
    np.testing.assert_array_equal(read(tmp_path, "a", {}), exact.astype(np.float16))


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_an_interrupted_store_goes_on_where_it_stopped(whole, tmp_path, blocks):
    interrupted(tmp_path, blocks)
    assert not any(path.exists() for path in paths(tmp_path))
    assert fill(tmp_path) == [f"block {n}" for n in range(blocks, len(BLOCKS))]
    assert contents(tmp_path) == contents(whole)


def test_it_may_be_interrupted_again_and_again(whole, tmp_path):
    for blocks in (1, 1, 2):
        interrupted(tmp_path, blocks)
    assert fill(tmp_path) == ["block 2"]
    assert contents(tmp_path) == contents(whole)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:] = sys.argv[1:-1]
from test_store import BLOCKS, VALUES, writer

store = writer(Path(sys.argv[-1]))
for number, rows in enumerate(BLOCKS[:2]):
    store.write(f"block {number}", {key: (rows, values[rows]) for key, values in VALUES.items()})
rows = BLOCKS[2]
store._group["split/maps"][rows] = VALUES["split/maps"][rows]  # half of the last block
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_is_resumed(whole, tmp_path):
    command = [sys.executable, "-c", KILLED, *sys.path, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -9
    assert fill(tmp_path) == ["block 2"]
    assert contents(tmp_path) == contents(whole)


def test_a_half_written_line_of_progress_is_passed_over(whole, tmp_path):
    interrupted(tmp_path, 2)
    progress = partial(tmp_path) / PROGRESS
    progress.write_text(progress.read_text()[:-20])
    assert fill(tmp_path) == ["block 1", "block 2"]
    assert contents(tmp_path) == contents(whole)


def test_a_partial_store_made_from_something_else_is_started_anew(whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, stop_before=2, made_from=MADE_FROM | {"network": "another"})
    assert len(fill(tmp_path)) == len(BLOCKS)
    assert contents(tmp_path) == contents(whole)


def test_a_partial_store_of_another_library_is_started_anew(whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "library_digest", lambda: "before the edit")
        interrupted(tmp_path, 2)
    assert len(fill(tmp_path)) == len(BLOCKS)
    assert contents(tmp_path) == contents(whole)


def test_a_partial_store_of_other_arrays_is_started_anew(tmp_path):
    interrupted(tmp_path, 2)
    other = StoreWriter(
        *paths(tmp_path), MADE_FROM, SPECS | {"zeros": ArraySpec((9, 2), (BLOCK, 2), "uint8")}
    )
    assert other.done == frozenset()


@pytest.mark.parametrize("name", list(VALUES))
def test_a_lost_chunk_of_a_finished_block_is_written_again(whole, tmp_path, name):
    """A lost chunk of zeros too, which Zarr would read as zeros."""
    interrupted(tmp_path, 2)
    chunk(partial(tmp_path), name, 1, *[0] * (VALUES[name].ndim - 1)).unlink()
    assert fill(tmp_path) == ["block 1", "block 2"]
    assert contents(tmp_path) == contents(whole)


def test_a_damaged_chunk_of_a_finished_block_is_written_again(whole, tmp_path):
    interrupted(tmp_path, 2)
    flip_bit(chunk(partial(tmp_path), "split/maps", 0, 0, 0), 9)
    assert fill(tmp_path) == ["block 0", "block 2"]
    assert contents(tmp_path) == contents(whole)


def flip_bit(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def test_every_chunk_is_on_disk_even_of_zeros(whole):
    for number in range(len(BLOCKS)):
        assert chunk(paths(whole)[0], "zeros", number, 0).stat().st_size > 0


def test_a_missing_chunk_is_an_error_by_name(copy):
    store = paths(copy)[0]
    chunk(store, "split/maps", 1, 0, 0).unlink()
    with pytest.raises(InputError, match=rf"^{store}/split/maps: 1 of 3 chunks are missing"):
        read(copy, "split/maps")
    read(copy, "split/logits")


@pytest.mark.parametrize("left", [0, 3, -1, -9])
def test_a_truncated_chunk_is_an_error_by_name(copy, left):
    store = paths(copy)[0]
    path = chunk(store, "split/logits", 2, 0)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=rf"^{store}/split/logits: a chunk cannot be read"):
        read(copy, "split/logits")


@pytest.mark.parametrize("place", [0, 3, 7, 20, 40, -5, -4, -1])
def test_a_flipped_bit_is_an_error_by_name(copy, place):
    store = paths(copy)[0]
    flip_bit(chunk(store, "split/logits", 0, 0), place)
    with pytest.raises(InputError, match=rf"^{store}/split/logits: a chunk cannot be read"):
        read(copy, "split/logits")
    with pytest.raises(InputError, match=r"logits: a chunk cannot be read"):
        read_rows(read_array(open_store(*paths(copy), {}), "split/logits"), np.array([1]))


def test_another_origin_than_expected_is_refused(whole):
    with pytest.raises(
        InputError, match=r"store\.zarr: made with network = 'abc', but 'x' is wanted"
    ):
        open_store(*paths(whole), {"network": "x"})
    with pytest.raises(InputError, match=r"made with epoch = None, but 3 is wanted"):
        open_store(*paths(whole), {"epoch": 3})


def test_the_manifest_of_another_store_is_refused(copy, tmp_path):
    fill(tmp_path / "other", made_from=MADE_FROM | {"network": "another"})
    paths(tmp_path / "other")[1].replace(paths(copy)[1])
    with pytest.raises(InputError, match=r"store\.zarr: its provenance differs from .*store\.json"):
        open_store(*paths(copy), {})


@pytest.mark.parametrize("content", [None, "", '{"provenance"', "[1]", "{}", '{"provenance": 3}'])
def test_a_manifest_that_is_none_is_named(copy, content):
    manifest = paths(copy)[1]
    manifest.unlink() if content is None else manifest.write_text(content)
    with pytest.raises(InputError, match=rf"^{manifest}: "):
        open_store(*paths(copy), {})


@pytest.mark.parametrize("damaged", ["zarr.json", "split/logits/zarr.json"])
@pytest.mark.parametrize("content", [None, "{"])
def test_lost_or_damaged_metadata_are_named(copy, damaged, content):
    store = paths(copy)[0]
    (store / damaged).unlink() if content is None else (store / damaged).write_text(content)
    with pytest.raises(InputError, match=rf"^{store}"):
        read(copy, "split/logits")


def test_an_absent_store_or_array_is_named(copy):
    with pytest.raises(InputError, match=r"store\.zarr: holds no array 'split/nothing'"):
        read(copy, "split/nothing")
    shutil.rmtree(paths(copy)[0])
    with pytest.raises(InputError, match=r"store\.zarr: cannot be opened"):
        read(copy, "zeros")


def test_a_finished_store_replaces_the_one_before(copy):
    before = read_json(paths(copy)[1])
    new = {key: values + 1 for key, values in VALUES.items()}
    store = writer(copy)
    assert store.done == frozenset()
    for number, rows in enumerate(BLOCKS):
        store.write(f"block {number}", {key: (rows, v[rows]) for key, v in new.items()})
    # until then the one before is there
    np.testing.assert_array_equal(read(copy, "zeros"), VALUES["zeros"])
    store.finish()
    np.testing.assert_array_equal(read(copy, "zeros"), VALUES["zeros"] + 1)
    assert read_json(paths(copy)[1])["digest"] != before["digest"]


def test_the_digest_tells_values_shapes_and_origin_apart_but_not_the_order_of_writing(tmp_path):
    def digest_of(name, values, made_from, order=(0, 1)):
        folder = tmp_path / name
        specs = {"a": ArraySpec(values.shape, (2, *values.shape[1:]), str(values.dtype))}
        store = StoreWriter(*paths(folder), made_from, specs)
        for start in order:
            rows = slice(2 * start, 2 * start + 2)
            store.write(str(start), {"a": (rows, values[rows])})
        return store.finish()["digest"]

    values = np.arange(16, dtype=np.uint8).reshape(4, 4)
    usual = digest_of("usual", values, {"x": 1})
    assert digest_of("again", values, {"x": 1}, order=(1, 0)) == usual
    others = [
        digest_of("values", values[::-1], {"x": 1}),
        digest_of("shape", values.reshape(4, 2, 2), {"x": 1}),
        digest_of("type", values.view(np.int8), {"x": 1}),
        digest_of("origin", values, {"x": 2}),
    ]
    assert len({usual, *others}) == 5


def test_a_manifest_holds_all_that_a_reader_needs_to_know(whole):
    described = read_json(paths(whole)[1])
    assert described["provenance"] == MADE_FROM
    assert described["arrays"]["split/maps"] == {
        "shape": [ROWS, 3, 5],
        "chunks": [BLOCK, 3, 5],
        "dtype": "float16",
        "attributes": {},
        "compression": "small",
    }
    assert len(described["digest"]) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize(("rows", "size"), [(0, 3), (1, 3), (6, 3), (7, 3), (2, 9)])
def test_row_blocks_cover_each_row_once(rows, size):
    blocks = row_blocks(rows, size)
    assert [n for block in blocks for n in range(rows)[block]] == list(range(rows))
    assert all(block.stop - block.start <= size for block in blocks)
