"""Chunked Zarr stores that are complete or absent, resume after a kill, and say what they hold.

A store is filled block by block under a partial name (`.NAME.partial` beside the final one). Each finished block
leaves one line, with a digest of its values, in a progress file inside the partial store; a killed writer started
again with the same provenance, under the same source of this library, goes on after the last such line. A finished
store is renamed into place and described by a small manifest (JSON) beside it. Every chunk carries a checksum, which
Zarr verifies on reading.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import ByteRequest
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from anatomy.canonical import canonical, digest, read_json, write_json, write_text
from anatomy.dependencies import library_digest
from anatomy.errors import InputError

PROGRESS = "progress.jsonl"
ABOUT = "about.json"
# name of a chunk in Zarr's version 3: the array's, and its place along each axis
CHUNK = re.compile(r"(.*/)?c(/\d+)*")


Compression = Literal["small", "quick"]
# Photographs hardly shrink by any means, and the many zeros of responses by simple ones: for both, time counts more.
CODECS: dict[Compression, BloscCodec] = {
    "small": BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
    "quick": BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle"),
}


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store: shape, chunk shape, dtype name, attributes for its readers, and how it is compressed."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    compression: Compression = "small"


class StoreWriter:
    """Fills a Zarr store block by block and puts it in place when the last block is written.

    Parameters
    ----------
    path : the finished store, e.g. `results/stimuli/toybox.zarr`
    manifest : the small JSON file beside it that dependants read
    provenance : JSON object that says what the store is made from; a partial store made from anything else is
        started anew
    arrays : name (slashes make groups) -> ArraySpec
    """

    def __init__(
        self,
        path: Path,
        manifest: Path,
        provenance: Mapping[str, Any],
        arrays: Mapping[str, ArraySpec],
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.description = {
            "provenance": dict(provenance),
            "arrays": {name: _described(array) for name, array in arrays.items()},
        }
        self.partial = path.with_name(f".{path.name}.partial")
        self._digests: dict[str, str] = {}
        with self._writing():
            if not self._resume():
                self._start(arrays)

    @property
    def done(self) -> frozenset[str]:
        """Names of the blocks that are complete."""
        return frozenset(self._digests)

    def write(self, block: str, values: Mapping[str, tuple[slice, NDArray]]) -> None:
        """Write one block: for each array, rows (first axis) and their values.

        Rows of different blocks must not share a chunk; a block counts as done once all its arrays are written.
        """
        rows = {name: [own.start, own.stop] for name, (own, _) in values.items()}
        sha = {}
        with self._writing():
            for name, (own, array) in values.items():
                stored = self._as_stored(name, array)
                # chunks of zeros are written too: a missing file then always means lost data
                with zarr.config.set({"array.write_empty_chunks": True}):
                    self._group[name][own] = stored
                sha[name] = digest(stored.tobytes())
            self._note({"block": block, "rows": rows, "digest": digest(sha)})

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the store when the disk is full; what is done stays, and is gone on with."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror or error}); run again to go on where it stopped"
            ) from error

    def _as_stored(self, name: str, array: NDArray) -> NDArray:
        dtype = self.description["arrays"][name]["dtype"]
        try:
            with np.errstate(over="raise"):
                return np.ascontiguousarray(array, dtype=dtype)
        except FloatingPointError:
            raise InputError(f"{self.path}: {name} holds values too large for {dtype}") from None

    def read(self, name: str, rows: slice) -> NDArray:
        """Rows of an array that are already written."""
        return read_rows(self._group[name], rows)

    def finish(self) -> dict[str, Any]:
        """Put the store in place, write and return its manifest."""
        described = self.description | {"digest": digest([self.description, self._digests])}
        with self._writing():
            for name in (PROGRESS, ABOUT):
                (self.partial / name).unlink(missing_ok=True)  # a store without arrays has none
            # no moment at which a manifest describes another store
            self.manifest.unlink(missing_ok=True)
            if self.path.exists():
                shutil.rmtree(self.path)
            self.partial.rename(self.path)
        write_json(self.manifest, described)
        return described

    def _note(self, entry: dict[str, Any]) -> None:
        with (self.partial / PROGRESS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._digests[entry["block"]] = entry["digest"]

    def _resume(self) -> bool:
        about = self.partial / ABOUT
        if not about.exists() or about.read_text(encoding="utf-8") != self._about():
            return False
        self._group = zarr.open_group(self.partial, mode="r+")
        progress = self.partial / PROGRESS
        lines = progress.read_text(encoding="utf-8").splitlines() if progress.exists() else []
        intact = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:  # the line that was being written when the writer was killed
                break
            if self._is_intact(entry):
                intact.append(line)
                self._digests[entry["block"]] = entry["digest"]
        write_text(progress, "".join(f"{line}\n" for line in intact))
        return True

    def _is_intact(self, entry: dict[str, Any]) -> bool:
        """Whether a block noted as done still has its values; one that does not is written again."""
        sha = {}
        for name, rows in entry["rows"].items():
            try:
                values = self._read_written(name, slice(*rows))
            except InputError:
                return False
            sha[name] = digest(np.ascontiguousarray(values).tobytes())
        return digest(sha) == entry["digest"]

    def _read_written(self, name: str, rows: slice) -> NDArray:
        """As `read`, but a missing chunk is an error too, where Zarr would return zeros."""
        array = self._group[name]
        start, stop, _ = rows.indices(array.shape[0])
        own = range(start // array.chunks[0], -(-stop // array.chunks[0]))
        for place in product(own, *map(range, array.cdata_shape[1:])):
            if not (self.partial / name / array.metadata.encode_chunk_key(place)).is_file():
                raise InputError(f"{self.partial}/{name}: chunk {place} is missing")
        return read_rows(array, rows)

    def _start(self, arrays: Mapping[str, ArraySpec]) -> None:
        if self.partial.exists():
            shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True)
        self._group = zarr.open_group(self.partial, mode="w", zarr_format=3)
        self._group.attrs.update(self.description["provenance"])
        for name, array in arrays.items():
            created = self._group.create_array(
                name=name,
                shape=array.shape,
                chunks=array.chunks,
                dtype=array.dtype,
                # the chunk's checksum is the last codec, so it covers the bytes as they lie on disk
                compressors=[CODECS[array.compression], Crc32cCodec()],
            )
            created.attrs.update(dict(array.attributes))
        (self.partial / ABOUT).write_text(self._about(), encoding="utf-8")

    def _about(self) -> str:
        """What a partial store must agree with to be gone on with; the source of the library is part of it."""
        return canonical(self.description | {"library": library_digest()})


class _WholeStore(LocalStore):
    """A store in which every chunk must be there, as it is in all that are written here.

    Zarr takes a missing chunk for zeros, also one that vanishes while others are read.
    """

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """As Zarr's own; a chunk that is missing is an OSError."""
        found = await super().get(key, prototype, byte_range)
        if found is None and CHUNK.fullmatch(key):
            raise FileNotFoundError(errno.ENOENT, f"chunk {key} is missing")
        return found


def open_store(path: Path, manifest: Path, expected: Mapping[str, Any]) -> zarr.Group:
    """Open a finished store for reading, after checking that it is whole and made from what is expected.

    Parameters
    ----------
    expected : entries that the store's provenance must hold, e.g. the digest of the network

    Raises
    ------
    InputError
        naming the store or manifest that cannot be read, or the entry that differs
    """
    described = _read_manifest(manifest)
    try:
        group = zarr.open_group(_WholeStore(path, read_only=True), mode="r")
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be opened ({error}); remove it and run again") from error
    stored = dict(group.attrs)
    if stored != described["provenance"]:
        raise InputError(
            f"{path}: its provenance differs from {manifest}; remove both and run again"
        )
    for key, value in expected.items():
        if stored.get(key) != value:
            raise InputError(
                f"{path}: made with {key} = {stored.get(key)!r}, but {value!r} is wanted"
            )
    return group


def read_array(group: zarr.Group, name: str) -> zarr.Array:
    """An array of an open store, refused by name when it is absent or lacks chunks."""
    try:
        array = group[name]
    except KeyError as error:
        raise InputError(f"{_place(group)}: holds no array {name!r}") from error
    except (ValueError, OSError) as error:
        raise InputError(
            f"{_place(group)}/{name}: cannot be opened ({error}); remove the store and run again"
        ) from error
    if array.nchunks_initialized != array.nchunks:
        missing = array.nchunks - array.nchunks_initialized
        raise InputError(
            f"{_place(array)}: {missing} of {array.nchunks} chunks are missing; remove the store and "
            "run again"
        )
    return array


def read_rows(array: zarr.Array, rows: slice | NDArray | tuple[slice, ...]) -> NDArray:
    """Rows (first axis) of an array, by slice or by index, or a block by one slice for each axis.

    A chunk that fails its checksum is an error by name.
    """
    if isinstance(rows, np.ndarray):
        rows = _as_slice(rows)
    try:
        return array[rows] if isinstance(rows, slice) else array.oindex[rows]
    except (ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"{_place(array)}: a chunk cannot be read ({error}); remove the store and run again"
        ) from error


def _as_slice(rows: NDArray) -> slice | NDArray:
    """Consecutive rows as a slice, which Zarr reads several times as fast as indices."""
    if rows.ndim == 1 and len(rows) and rows.dtype != np.bool_ and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def row_blocks(rows: int, size: int) -> Sequence[slice]:
    """Consecutive slices of at most `size` rows that cover `rows` rows."""
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def _described(array: ArraySpec) -> dict[str, Any]:
    return {
        "shape": list(array.shape),
        "chunks": list(array.chunks),
        "dtype": array.dtype,
        "attributes": dict(array.attributes),
        "compression": array.compression,
    }


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        described = read_json(path)
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); run the step that writes it again"
        ) from error
    if not isinstance(described, dict) or not isinstance(described.get("provenance"), dict):
        raise InputError(f"{path}: is not the manifest of a store")
    return described


def _place(node: zarr.Array | zarr.Group) -> str:
    """Path of an array or group, for messages."""
    return str(node.store_path).removeprefix("file://")
