"""A small folder in Broden's layout, written by hand, for the tests of its readers."""

import csv
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

SIZE, MASK = 9, 4
CATEGORIES = ("color", "object", "part", "material", "scene", "texture")
LABELS = {1: "black-c", 2: "sky", 3: "wheel", 7: "street-s", 9: "NA", 300: "sand", 700: "fur"}
# sand covers as much as an object as as a material, sky more as an object
COVERAGE = {
    "color": {1: "5.000000"},
    "object": {2: "3.5", 300: "2.25"},
    "part": {3: "1e-1"},
    "material": {300: "2.25", 2: "1.5", 700: "0.5"},
    "scene": {7: "2.000000"},
    "texture": {9: "1.000000"},
}

Item = int | np.ndarray


def encoded(numbers: np.ndarray) -> np.ndarray:
    """Label numbers as red + 256 * green."""
    return np.stack([numbers % 256, numbers // 256, 0 * numbers], axis=-1).astype(np.uint8)


def plane(*numbers: int) -> np.ndarray:
    """A label image whose first pixels have these numbers; the others have none."""
    flat = np.zeros(MASK * MASK, np.int64)
    flat[: len(numbers)] = numbers
    return flat.reshape(MASK, MASK)


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def write_folder(
    folder: Path,
    images: Mapping[str, Mapping[str, list[Item]]],
    categories: Iterable[str] = CATEGORIES,
    coverage: Mapping[str, Mapping[int, str]] = COVERAGE,
) -> Path:
    """Write images of noise with their labels: for each file and category, planes and numbers of the whole image."""
    random = np.random.default_rng(0)
    rows = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for file, labels in images.items():
        path = folder / "images" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).save(path)
        cells = []
        for category in CATEGORIES:
            items = []
            for number, item in enumerate(labels.get(category, [])):
                if isinstance(item, int):
                    items.append(str(item))
                    continue
                items.append(f"{file.rsplit('.', 1)[0]}_{category}_{number}.png")
                Image.fromarray(encoded(item)).save(folder / "images" / items[-1])
            cells.append(";".join(items))
        rows.append([file, "train", SIZE, SIZE, MASK, MASK, *cells])
    write_table(folder / "index.csv", ["image", "split", "ih", "iw", "sh", "sw", *CATEGORIES], rows)
    write_table(folder / "category.csv", ["name"], [[name] for name in categories])
    write_table(folder / "label.csv", ["number", "name"], LABELS.items())
    for category in categories:
        write_table(
            folder / f"c_{category}.csv", ["number", "coverage"], coverage[category].items()
        )
    return folder


def packed(folder: Path, archive: Path) -> Path:
    """A folder as a zip archive, in which it is the one folder at the top."""
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted(folder.rglob("*")):
            zipped.write(path, Path(folder.name, path.relative_to(folder)))
    return archive
