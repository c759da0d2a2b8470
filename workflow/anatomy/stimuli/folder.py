"""Choose images from folders in ImageNet's layout: `train/<category>/*`, `val/<category>/*`."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from anatomy.canonical import digest
from anatomy.errors import InputError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm")

# The splits of each folder in the order in which they take their share of its shuffled files:
# asking for more images of a later split leaves the earlier one as it is.
SPLITS = {"train": ("scoring", "training"), "val": ("extraction", "evaluation")}


@dataclass(frozen=True)
class Chosen:
    """An image file, relative to the root (`train/dog/0001.jpg`), with its category and split."""

    path: PurePosixPath
    category: str
    split: str

    @property
    def image_id(self) -> str:
        """The path without its extension, unique within a root."""
        return str(self.path.with_suffix(""))


@dataclass(frozen=True)
class Selection:
    """Chosen images, ordered by split, category and draw, and log lines on what was passed over."""

    images: list[Chosen]
    notes: list[str]


def choose(
    root: Path, categories: Sequence[str], images: Mapping[str, int], seed: int
) -> Selection:
    """Draw images of each category for each split.

    The files of a category's folder, sorted by name, are shuffled by a generator that depends on
    the seed, the category and the folder alone; its splits (`SPLITS`) take consecutive parts. So
    neither another category nor a larger later split changes what is drawn. Hidden entries are
    passed over.

    Parameters
    ----------
    root : folder that holds `train` and `val`
    categories : names of the category folders
    images : split -> number of images per category
    seed : of the draw, 0 or more

    Raises
    ------
    InputError
        for an unknown split, a category folder that is absent or holds too few images, or two
        images of one folder whose names differ in the extension alone
    """
    _check_splits(images)
    parts: dict[str, list[Chosen]] = {split: [] for splits in SPLITS.values() for split in splits}
    notes = []
    for folder, splits in SPLITS.items():
        numbers = {split: images[split] for split in splits if images.get(split)}
        for category in categories if numbers else ():
            files, others = _listed(_category_folder(root, folder, category))
            if others:
                notes.append(f"{folder}/{category}: passed over {others} entries, not images")
            drawn = iter(_draw(files, root, folder, category, sum(numbers.values()), seed))
            for split, number in numbers.items():
                paths = (PurePosixPath(folder, category, file) for file in islice(drawn, number))
                parts[split] += [Chosen(path, category, split) for path in paths]
    return Selection([chosen for part in parts.values() for chosen in part], notes)


def count_images(root: Path, folder: str, category: str, at_least: int) -> int:
    """Number of images of a category in `train` or `val`, counted no further than `at_least`.

    Raises
    ------
    InputError
        if the category's folder is absent
    """
    entries = _entries(_category_folder(root, folder, category))
    return sum(1 for _ in islice((entry for entry in entries if _is_image(entry)), at_least))


def provenance(root: Path, images: Sequence[Chosen]) -> dict[str, Any]:
    """What is known of the chosen files before they are read: number, digest of names and sizes."""
    files = [[str(chosen.path), _bytes(Path(root) / chosen.path)] for chosen in images]
    return {"files": len(files), "files_digest": digest(files)}


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _check_splits(images: Mapping[str, int]) -> None:
    known = [split for splits in SPLITS.values() for split in splits]
    for split, number in images.items():
        if split not in known:
            raise InputError(f"images: unknown split {split!r}; known are {', '.join(known)}")
        if number < 0:
            raise InputError(f"images: {split} = {number} must not be negative")


def _category_folder(root: Path, folder: str, category: str) -> Path:
    path = Path(root) / folder / category
    if not path.is_dir():
        raise InputError(f"category {category!r}: there is no folder {path}")
    return path


def _entries(path: Path) -> Iterator[os.DirEntry]:
    with os.scandir(path) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _is_image(entry: os.DirEntry) -> bool:
    # a link to nothing counts, so that it is an error by name when it is read and not passed over
    return entry.name.lower().endswith(EXTENSIONS) and not entry.is_dir()


def _listed(path: Path) -> tuple[list[str], int]:
    """Sorted names of the images, and the number of other entries."""
    entries = list(_entries(path))
    files = sorted(entry.name for entry in entries if _is_image(entry))
    stems: dict[str, str] = {}
    for file in files:
        if not file.isprintable():
            raise InputError(f"{path}: the file name {file!r} is not plain text; rename the file")
        stem = PurePosixPath(file).stem
        if stem in stems:
            raise InputError(f"{path}: {stems[stem]} and {file} differ in their extension alone")
        stems[stem] = file
    return files, len(entries) - len(files)


def _draw(
    files: list[str], root: Path, folder: str, category: str, number: int, seed: int
) -> list[str]:
    if len(files) < number:
        raise InputError(
            f"category {category!r}: {number} images are asked for, {len(files)} found in "
            f"{Path(root) / folder / category}"
        )
    place = hashlib.sha256(f"{folder}/{category}".encode()).digest()
    generator = np.random.default_rng([seed, int.from_bytes(place)])
    return [files[i] for i in generator.permutation(len(files))]
