"""A folder of labelled images in the layout of Broden (Bau et al. 2017), checked before long work.

    index.csv      one row per image: its file, sizes, and a column for each concept category
    label.csv      one row per label: global number and name
    category.csv   one row per concept category
    c_NAME.csv     the labels of one category, with their coverage
    images/        the images, and label images of (about) half their size: number = red + 256 * green

A cell of a category holds, joined by ';', label images (several where labels lie on each other) and decimal label
numbers that are true of the whole image. Number 0 means unlabelled.
"""

import hashlib
import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from anatomy.errors import InputError
from anatomy.stimuli.broden_tables import (
    Row,
    read_categories,
    read_concepts,
    read_rows,
    whole_number,
)

SIZES = ("ih", "iw", "sh", "sw")
NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class LabelledImage:
    """One row of `index.csv`.

    Attributes
    ----------
    name : as the index has it
    file : the same, relative to `images/`
    planes : label images, relative to `images/`, in the order of the categories
    whole : label numbers that are true of the whole image
    """

    name: str
    file: str
    planes: tuple[str, ...]
    whole: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Broden:
    """A folder in Broden's layout, opened for reading.

    Attributes
    ----------
    images : ordered by the MD5 digest of their names, which is Broden's own order: as good as random, and any number
        of first images is a random part of the set
    image_size, mask_size : side of the images and of the label images, pixels
    categories : concept categories, in the order of `category.csv`
    concepts : number, name, category, categories; see `read_concepts`
    """

    folder: Path
    images: tuple[LabelledImage, ...]
    image_size: int
    mask_size: int
    categories: tuple[str, ...]
    concepts: pd.DataFrame

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the tables, and check that all files that they name are there.

        Raises
        ------
        InputError
            naming the file, line and column that is absent or cannot be used
        """
        folder = Path(folder)
        categories = read_categories(folder / "category.csv")
        concepts = read_concepts(folder, categories)
        index = folder / "index.csv"
        rows = read_rows(index, ["image", *SIZES, *categories])
        if not rows:
            raise InputError(f"{index}: lists no image")
        image_size, mask_size = _sizes(index, rows)
        reader = _IndexReader(index, categories, frozenset(concepts["number"]))
        images = [reader.image(line, row) for line, row in rows]
        if not any(image.planes or image.whole for image in images):
            raise InputError(f"{index}: no image has a label in {', '.join(categories)}")
        reader.check_files(folder / "images")
        images.sort(key=lambda image: hashlib.md5(image.name.encode()).digest())
        return cls(folder, tuple(images), image_size, mask_size, categories, concepts)

    @property
    def reduction(self) -> int:
        """Image pixels per mask pixel, along one side."""
        return _reduction(self.image_size, self.mask_size)

    def path(self, file: str) -> Path:
        """Path of an image or label image."""
        return self.folder / "images" / file


class _IndexReader:
    """From the cells of `index.csv` to files and numbers that are known to be usable."""

    def __init__(self, index: Path, categories: Sequence[str], numbers: frozenset[int]) -> None:
        self._index = index
        self._categories = categories
        self._numbers = numbers
        self._files: list[tuple[int, str, str]] = []
        self._line_of_image: dict[str, int] = {}

    def image(self, line: int, row: dict[str, str]) -> LabelledImage:
        file = self._file(line, "image", row["image"])
        first = self._line_of_image.setdefault(file, line)
        if first != line:
            raise self._error(line, "image", f"{file} is in line {first} already")
        planes, whole = [], []
        for category in self._categories:
            for item in filter(None, row[category].split(";")):
                if NUMBER.fullmatch(item):
                    whole += self._number(line, category, item)
                else:
                    planes.append(self._file(line, category, item))
        return LabelledImage(row["image"], file, tuple(planes), tuple(whole))

    def check_files(self, images: Path) -> None:
        """Refuse files that are absent; every folder is listed once, which is quicker than looking for each file."""
        missing = list(self._missing(images))
        if missing:
            line, column, file = missing[0]
            in_all = f" ({len(missing)} files are absent)" if missing[1:] else ""
            raise self._error(line, column, f"{images / file} is absent{in_all}")

    def _missing(self, images: Path) -> Iterator[tuple[int, str, str]]:
        listed: dict[str, frozenset[str]] = {}
        for line, column, file in self._files:
            folder, _, name = file.rpartition("/")
            if folder not in listed:
                listed[folder] = _listed(images / folder)
            if name not in listed[folder]:
                yield line, column, file

    def _file(self, line: int, column: str, item: str) -> str:
        file = posixpath.normpath(item) if item else ""
        if file in ("", ".") or file.startswith("/") or file.split("/")[0] == "..":
            raise self._error(line, column, f"{item!r} is not a file inside the folder images")
        self._files.append((line, column, file))
        return file

    def _number(self, line: int, column: str, item: str) -> list[int]:
        """The number in a list; empty for 0, which Broden writes where it dropped a rare label."""
        number = whole_number(self._index, line, column, item)
        if number and number not in self._numbers:
            raise self._error(line, column, unknown_label(number))
        return [number] if number else []

    def _error(self, line: int, column: str, text: str) -> InputError:
        return InputError(f"{self._index}: line {line}, column {column}: {text}")


def unknown_label(number: int) -> str:
    """What is wrong with a label number that belongs to no concept."""
    return f"label number {number} is unknown (it must be in label.csv and in a c_CATEGORY.csv)"


def _sizes(index: Path, rows: Sequence[Row]) -> tuple[int, int]:
    """Side of the images and of the label images, which all rows must share."""
    first_line, first = rows[0]
    sizes = [whole_number(index, first_line, column, first[column]) for column in SIZES]
    for line, row in rows[1:]:
        for column, size in zip(SIZES, sizes, strict=True):
            if whole_number(index, line, column, row[column]) != size:
                raise InputError(
                    f"{index}: line {line}, column {column}: {row[column]} differs from line {first_line} ({size}); "
                    "all images must have one size"
                )
    height, width, mask_height, mask_width = sizes
    if height != width or mask_height != mask_width:
        raise InputError(
            f"{index}: line {first_line}, columns {', '.join(SIZES)}: {height} x {width} and "
            f"{mask_height} x {mask_width} pixels must be square"
        )
    if not 0 < mask_width <= width or not _divides(width, mask_width):
        raise InputError(
            f"{index}: line {first_line}, columns iw, sw: label images of {mask_width} pixels are no "
            f"whole fraction of images of {width} pixels"
        )
    return width, mask_width


def _divides(image_size: int, mask_size: int) -> bool:
    """Whether the sizes are a whole number of each other, but for less than a mask pixel at the border."""
    reduction = _reduction(image_size, mask_size)
    return abs(image_size - reduction * mask_size) < reduction


def _reduction(image_size: int, mask_size: int) -> int:
    return round(image_size / mask_size)


def _listed(folder: Path) -> frozenset[str]:
    """Names of the files in a folder; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except (OSError, ValueError):  # no folder, or a name that cannot be one
        return frozenset()
