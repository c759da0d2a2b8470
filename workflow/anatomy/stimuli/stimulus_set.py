"""A stimulus set on disk: one Zarr array of images, its manifest, and a table with a row per image.

The table (CSV) has the columns image_id, category, name, super_category, split, source (the file,
or how the image was generated) and digest (SHA-256 of the stored pixels, first 16 digits).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import zarr
from numpy.typing import NDArray

from anatomy.canonical import digest, read_json, write_text
from anatomy.errors import InputError
from anatomy.stimuli.item import Item, Load
from anatomy.store import ArraySpec, StoreWriter, open_store, read_array, read_rows, row_blocks

ARRAY = "images"
BLOCK = 64
DIGEST_DIGITS = 16


ITEM_COLUMNS = [field.name for field in fields(Item)]


def write_stimulus_set(
    path: Path,
    manifest: Path,
    table: Path,
    items: Sequence[Item],
    load: Load,
    size: int,
    provenance: Mapping[str, Any],
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> list[str]:
    """Read or draw the images of a set and store them with their table, in the order of the items.

    Images are stored block by block; a writer that was killed goes on after the last whole block.
    The result does not depend on `workers`.

    Parameters
    ----------
    path, manifest, table : the Zarr store, its manifest (JSON) and the table (CSV) to write
    items : the images, ordered by split, category and draw
    load : from an item to its image, uint8 (size, size, 3); called from several threads
    size : side of the images, pixels
    provenance : what the images depend on beside the items, for the manifest
    workers : number of threads that call `load` (Pillow works outside Python's lock)
    progress : called with the number of images after each block

    Returns
    -------
    lines for the log: images of one split with the same pixels

    Raises
    ------
    InputError
        if there is no item, an image_id is there twice, or two splits share an image
    """
    _check_items(items)
    for file in (path, manifest, table):
        file.parent.mkdir(parents=True, exist_ok=True)
    known = {"items": digest(_rows(items)), "image_size": size}
    shape = (len(items), size, size, 3)
    spec = ArraySpec(shape, (BLOCK, *shape[1:]), "uint8", compression="quick")
    writer = StoreWriter(path, manifest, {**provenance, **known}, {ARRAY: spec})
    seen = _SeenImages()
    with ThreadPoolExecutor(workers) as pool:
        for rows in row_blocks(len(items), BLOCK):
            if _name(rows) in writer.done:
                seen.add(items[rows], writer.read(ARRAY, rows))
            else:
                images = _stacked(items[rows], pool.map(load, items[rows]), size)
                seen.add(items[rows], images)
                writer.write(_name(rows), {ARRAY: (rows, images)})
            if progress is not None:
                progress(rows.stop - rows.start)
    # the table first, so that a manifest always has its table
    _write_table(table, items, seen.digests)
    writer.finish()
    return seen.notes


@dataclass(frozen=True, eq=False)
class StimulusSet:
    """A stimulus set opened for reading.

    Attributes
    ----------
    table : one row per image, in the order of the array
    digest : of all pixels, from the manifest
    """

    table: pd.DataFrame
    digest: str
    _array: zarr.Array

    @classmethod
    def open(cls, path: Path, manifest: Path, table: Path) -> Self:
        """Open a finished set.

        Raises
        ------
        InputError
            if a file is absent, or store, manifest and table do not belong together
        """
        for file in (path, manifest, table):
            if not Path(file).exists():
                raise InputError(f"{file}: is absent, the stimulus set cannot be read")
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        if [*rows.columns] != [*ITEM_COLUMNS, "digest"]:
            raise InputError(
                f"{table}: has columns {', '.join(rows.columns)}, not a stimulus set's"
            )
        items = digest(rows[ITEM_COLUMNS].to_numpy().tolist())
        array = read_array(open_store(path, manifest, {}), ARRAY)
        if read_json(manifest)["provenance"]["items"] != items:
            raise InputError(f"{table}: is not the table of {path}; run the step that writes both")
        return cls(rows, read_json(manifest)["digest"], array)

    @classmethod
    def beside(cls, manifest: Path) -> Self:
        """Open the finished set whose manifest is given; store and table lie beside it."""
        return cls.open(manifest.with_suffix(".zarr"), manifest, manifest.with_suffix(".csv"))

    @property
    def categories(self) -> list[str]:
        """The categories in the order of the table."""
        return list(self.table["category"].unique())

    def rows(self, split: str, categories: Sequence[str] | None = None) -> NDArray[np.int64]:
        """Indices of the images of a split (of the given categories), in the order of the table.

        Raises
        ------
        InputError
            if the split or a category has no image
        """
        chosen = self.table["split"] == split
        if not chosen.any():
            raise InputError(f"stimuli: there is no image in split {split!r}")
        if categories is not None:
            there = set(self.table["category"][chosen])
            for category in categories:
                if category not in there:
                    raise InputError(
                        f"stimuli: category {category!r} has no image in split {split!r}"
                    )
            chosen &= self.table["category"].isin(categories)
        return np.flatnonzero(chosen)

    def first(self, rows: NDArray[np.int64], number: int | None) -> NDArray[np.int64]:
        """Those of the rows that are among the first so many of their category; all when None."""
        if number is None:
            return rows
        return rows[places_in_category(self.table["category"].iloc[rows]) < number]

    def outputs(self, rows: NDArray[np.int64], categories: Sequence[str]) -> NDArray[np.int64]:
        """Output unit (image,) that each image should drive most, in a network with these output categories.

        Raises
        ------
        InputError
            if the network has no output unit for the category of an image
        """
        unit = {category: place for place, category in enumerate(categories)}
        shown = self.table["category"].iloc[rows]
        for category in shown.unique():
            if category not in unit:
                raise InputError(
                    f"stimuli: the network has no output unit for category {category!r}"
                )
        return shown.map(unit).to_numpy(dtype=np.int64, copy=True)

    def images(self, rows: slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Images by slice or index, uint8 (image, y, x, channel)."""
        return read_rows(self._array, rows)


def places_in_category(categories: pd.Series) -> NDArray[np.int64]:
    """Place (image,) of each image among those of its category, from 0; `categories` has one entry for each image."""
    return categories.groupby(categories.to_numpy()).cumcount().to_numpy(np.int64)


class _SeenImages:
    """Digests of the images so far; the same image twice is an error across splits, else a note."""

    def __init__(self) -> None:
        self.digests: list[str] = []
        self.notes: list[str] = []
        self._first: dict[str, Item] = {}

    def add(self, items: Sequence[Item], images: NDArray[np.uint8]) -> None:
        for item, image in zip(items, images, strict=True):
            pixels = digest(image.tobytes())[:DIGEST_DIGITS]
            self.digests.append(pixels)
            first = self._first.setdefault(pixels, item)
            if first.split != item.split:
                raise InputError(
                    f"{_where(first)} and {_where(item)} are the same image; no image may be in "
                    "two splits"
                )
            if first is not item:
                self.notes.append(f"{_where(first)} and {_where(item)} are the same image")


def _check_items(items: Sequence[Item]) -> None:
    if not items:
        raise InputError("the stimulus set holds no image")
    first: dict[str, Item] = {}
    for item in items:
        other = first.setdefault(item.image_id, item)
        if other is not item:
            raise InputError(
                f"{_where(other)} and {_where(item)} have the same image_id {item.image_id!r}"
            )


def _where(item: Item) -> str:
    return f"{item.source} (split {item.split})"


def _name(rows: slice) -> str:
    return f"{rows.start}-{rows.stop}"


def _stacked(items: Sequence[Item], images: Iterator, size: int) -> NDArray[np.uint8]:
    block = np.empty((len(items), size, size, 3), np.uint8)
    for index, (item, image) in enumerate(zip(items, images, strict=True)):
        if image.shape != block.shape[1:] or image.dtype != np.uint8:
            raise InputError(
                f"{item.source}: is {image.dtype} {image.shape}, not uint8 {block.shape[1:]}"
            )
        block[index] = image
    return block


def _write_table(table: Path, items: Sequence[Item], digests: Sequence[str]) -> None:
    rows = pd.DataFrame(_rows(items), columns=ITEM_COLUMNS).assign(digest=digests)
    write_text(table, rows.to_csv(index=False, lineterminator="\n"))


def _rows(items: Sequence[Item]) -> list[list[str]]:
    return [list(asdict(item).values()) for item in items]
