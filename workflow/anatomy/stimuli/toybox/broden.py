"""The toybox as a data set in the layout of Broden, as Network Dissection reads it.

    index.csv      one row per image: its file, split, sizes, and labels of each concept category
    label.csv      one row per label: global number, name, categories, frequency, coverage
    category.csv   one row per concept category
    c_NAME.csv     the labels of one concept category under dense codes, most frequent first
    images/toybox/ images as PNG, and label images of half their size: number = red + 256 * green

An index cell holds label images (one per plane) or decimal numbers that are true of the whole
image, joined by ';'. Frequency counts images; coverage sums the fraction of pixels over images, a
label of a whole image counting 1.
"""

import csv
import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anatomy.errors import InputError
from anatomy.stimuli.toybox.labels import LabelPlane, Scene
from anatomy.stimuli.toybox.render import render_labelled
from anatomy.stimuli.toybox.vocabulary import CATEGORY_NAMES, CONCEPT_CATEGORIES, LABELS, NUMBERS

SOURCE = "toybox"
TRAIN_SHARE = 0.7
INDEX_COLUMNS = ("image", "split", "ih", "iw", "sh", "sw", *CONCEPT_CATEGORIES)

Row = dict[str, str | int]


class _Tally:
    """Frequency and coverage of every (label number, concept category)."""

    def __init__(self) -> None:
        self.frequency: dict[tuple[int, str], int] = defaultdict(int)
        self.coverage: dict[tuple[int, str], float] = defaultdict(float)

    def add(self, category: str, cover: dict[int, float]) -> None:
        """Count one image, in which label numbers cover fractions of the pixels."""
        for number, fraction in cover.items():
            self.frequency[number, category] += 1
            self.coverage[number, category] += fraction

    def of_category(self, category: str) -> list[int]:
        """Label numbers of a concept category, most frequent first, then most covering."""
        numbers = [number for number, name in self.frequency if name == category]
        keys = ((-self.frequency[n, category], -self.coverage[n, category], n) for n in numbers)
        return [number for _, _, number in sorted(keys)]

    def of_label(self, number: int) -> list[str]:
        """Concept categories of a label, most frequent first."""
        names = [name for name in CONCEPT_CATEGORIES if (number, name) in self.frequency]
        return sorted(names, key=lambda name: -self.frequency[number, name])


def write_broden(
    folder: Path | str,
    images_per_category: int,
    size: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `images_per_category` labelled images of each category to a new `folder`.

    Label images are size // 2 wide and high. All is written to `folder` with ".partial" appended
    and renamed when complete. `progress` is called with the numbers of images done and wanted.
    Raises InputError where `folder` exists and is not empty, or a number is out of range.
    """
    folder = Path(folder)
    if images_per_category < 1:
        raise InputError(f"images_per_category is {images_per_category}, must be at least 1")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} exists and is not empty")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "images" / SOURCE).mkdir(parents=True)
    tally, rows = _Tally(), []
    total = images_per_category * len(CATEGORY_NAMES)
    for category in CATEGORY_NAMES:
        for index in range(images_per_category):
            scene = render_labelled(category, seed, index, size)
            rows.append(_write_image(partial / "images", f"{category}_{index:05d}", scene, tally))
            if progress is not None:
                progress(len(rows), total)
    _write_tables(partial, rows, tally)
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)


def _write_image(images: Path, name: str, scene: Scene, tally: _Tally) -> Row:
    """Write one image and its label images; returns its row of index.csv."""
    size = scene.image.shape[0]
    half = size // 2
    file = f"{SOURCE}/{name}.png"
    _save(scene.image, images / file)
    row: Row = {
        "image": file,
        "split": _split(file),
        "ih": size,
        "iw": size,
        "sh": half,
        "sw": half,
    }
    for category, labels in scene.labels_at(half).items():
        cells, cover = [], {}
        for plane, label in enumerate(labels, start=1):
            if isinstance(label, str):
                cells.append(str(NUMBERS[label]))
                cover[NUMBERS[label]] = 1.0
            elif label.any():
                suffix = f"_{plane}" if len(labels) > 1 else ""
                cells.append(f"{SOURCE}/{name}_{category}{suffix}.png")
                _save(_encoded(label), images / cells[-1])
                cover |= _fractions(label)
        row[category] = ";".join(cells)
        tally.add(category, cover)
    return row


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(pixels).save(path, compress_level=1)


def _encoded(plane: LabelPlane) -> NDArray[np.uint8]:
    """Label numbers as RGB: red + 256 * green."""
    blue = np.zeros_like(plane)
    return np.stack([plane % 256, plane // 256, blue], axis=-1).astype(np.uint8)


def _fractions(plane: LabelPlane) -> dict[int, float]:
    counts = np.bincount(plane.ravel())
    return {int(n): int(counts[n]) / plane.size for n in np.flatnonzero(counts) if n}


def _hash_fraction(file: str) -> float:
    """A number 0..1 that depends on the file name alone."""
    return int(hashlib.md5(file.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32


def _split(file: str) -> str:
    return "train" if _hash_fraction(file) < TRAIN_SHARE else "val"


def _write_tables(folder: Path, rows: list[Row], tally: _Tally) -> None:
    rows = sorted(rows, key=lambda row: _hash_fraction(str(row["image"])))
    _write_csv(folder / "index.csv", INDEX_COLUMNS, (list(row.values()) for row in rows))
    _write_labels(folder / "label.csv", tally)
    categories = []
    for category in CONCEPT_CATEGORIES:
        numbers = tally.of_category(category)
        frequency = sum(tally.frequency[number, category] for number in numbers)
        first, last = min(numbers, default=0), max(numbers, default=0)
        categories.append((category, first, last, len(numbers), frequency))
        _write_codes(folder / f"c_{category}.csv", category, numbers, tally)
    _write_csv(folder / "category.csv", ("name", "first", "last", "count", "frequency"), categories)


def _write_labels(path: Path, tally: _Tally) -> None:
    rows = []
    for number, name in enumerate(LABELS, start=1):
        categories = tally.of_label(number)
        if not categories:
            continue
        frequency = sum(tally.frequency[number, category] for category in categories)
        coverage = sum(tally.coverage[number, category] for category in categories)
        described = ";".join(f"{c}({tally.frequency[number, c]})" for c in categories)
        rows.append((number, name, described, frequency, f"{coverage:.6f}", ""))
    _write_csv(path, ("number", "name", "category", "frequency", "coverage", "syns"), rows)


def _write_codes(path: Path, category: str, numbers: list[int], tally: _Tally) -> None:
    columns = ("code", "number", "name", "frequency", "coverage")
    rows = (
        (
            code,
            number,
            LABELS[number - 1],
            tally.frequency[number, category],
            f"{tally.coverage[number, category]:.6f}",
        )
        for code, number in enumerate(numbers, start=1)
    )
    _write_csv(path, columns, rows)


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
