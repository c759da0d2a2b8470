"""The toybox in Broden's layout, read back with a plain reader."""

import csv
import hashlib
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anatomy.errors import InputError
from anatomy.stimuli.toybox import broden, render_labelled, write_broden
from anatomy.stimuli.toybox.vocabulary import CATEGORIES

# The headers of the published data set, typed from it.
INDEX = "image,split,ih,iw,sh,sw,color,object,part,material,scene,texture"
LABEL = "number,name,category,frequency,coverage,syns"
CATEGORY = "name,first,last,count,frequency"
CODES = "code,number,name,frequency,coverage"
CONCEPTS = ("color", "object", "part", "material", "scene", "texture")
SEED, SIZE, PER_CATEGORY = 4, 65, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("toys") / "broden"
    write_broden(path, PER_CATEGORY, SIZE, SEED)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def decoded(path: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(np.int64)
    return pixels[:, :, 0] + 256 * pixels[:, :, 1]


def test_files_and_headers_are_those_of_broden(folder):
    names = {path.name for path in folder.iterdir()}
    tables = {f"c_{name}.csv" for name in CONCEPTS}
    assert names == {"index.csv", "label.csv", "category.csv", "images"} | tables
    headers = {"index.csv": INDEX, "label.csv": LABEL, "category.csv": CATEGORY}
    headers |= dict.fromkeys(tables, CODES)
    for name, header in headers.items():
        assert (folder / name).read_text().splitlines()[0] == header
    assert not list(folder.parent.glob("*.partial"))


def test_images_and_labels_are_those_of_the_renderer(folder):
    names = {row["number"]: row["name"] for row in read(folder / "label.csv")}
    rows = read(folder / "index.csv")
    assert len(rows) == PER_CATEGORY * len(CATEGORIES)
    for row in rows:
        category, index = re.fullmatch(r"toybox/(\w+)_(\d+)\.png", row["image"]).groups()
        scene = render_labelled(category, SEED, int(index), SIZE)
        assert np.array_equal(np.asarray(Image.open(folder / "images" / row["image"])), scene.image)
        sizes = [row[key] for key in ("ih", "iw", "sh", "sw")]
        assert sizes == ["65", "65", "32", "32"]
        for concept, wanted in scene.labels_at(32).items():
            cells = [cell for cell in row[concept].split(";") if cell]
            if concept == "scene":
                assert [names[cell] for cell in cells] == wanted
                continue
            planes = [plane for plane in wanted if plane.any()]
            assert len(cells) == len(planes)
            for cell, plane in zip(cells, planes, strict=True):
                assert np.array_equal(decoded(folder / "images" / cell), plane)


def test_frequency_and_coverage_are_those_of_the_label_images(folder):
    frequency, coverage = defaultdict(int), defaultdict(float)
    for row in read(folder / "index.csv"):
        for concept in CONCEPTS:
            present = set()
            for cell in filter(None, row[concept].split(";")):
                if cell.isdecimal():
                    present.add(int(cell))
                    coverage[concept, int(cell)] += 1.0
                    continue
                plane = decoded(folder / "images" / cell)
                for number in set(plane.ravel().tolist()) - {0}:
                    present.add(number)
                    coverage[concept, number] += (plane == number).sum() / 32**2
            for number in present:
                frequency[concept, number] += 1
    for concept in CONCEPTS:
        rows = read(folder / f"c_{concept}.csv")
        assert [int(row["code"]) for row in rows] == list(range(1, len(rows) + 1))
        assert {int(row["number"]) for row in rows} == {n for c, n in frequency if c == concept}
        counts = [int(row["frequency"]) for row in rows]
        assert counts == sorted(counts, reverse=True)
        for row in rows:
            key = (concept, int(row["number"]))
            assert int(row["frequency"]) == frequency[key]
            assert float(row["coverage"]) == pytest.approx(coverage[key], abs=1e-6)
    for row in read(folder / "label.csv"):
        listed = dict(re.findall(r"(\w+)\((\d+)\)", row["category"]))
        number = int(row["number"])
        wanted = {c: n for (c, label), n in frequency.items() if label == number}
        assert {c: int(n) for c, n in listed.items()} == wanted
        assert list(map(int, listed.values())) == sorted(map(int, listed.values()), reverse=True)
        assert int(row["frequency"]) == sum(wanted.values())
        total = sum(v for (_, label), v in coverage.items() if label == number)
        assert float(row["coverage"]) == pytest.approx(total, abs=1e-6)
    for row in read(folder / "category.csv"):
        numbers = [n for c, n in frequency if c == row["name"]]
        assert (int(row["first"]), int(row["last"])) == (min(numbers), max(numbers))
        assert int(row["count"]) == len(numbers)
        assert int(row["frequency"]) == sum(frequency[row["name"], n] for n in numbers)


def test_names_carry_the_suffixes_of_broden_and_may_serve_two_categories(folder):
    names = {row["name"]: row["category"] for row in read(folder / "label.csv")}
    for name, categories in names.items():
        assert name.endswith("-c") == categories.startswith("color(")
        assert name.endswith("-s") == categories.startswith("scene(")
    assert re.fullmatch(r"object\(\d+\);material\(\d+\)", names["sky"])


def test_the_split_follows_from_the_file_name(folder):
    rows = read(folder / "index.csv")

    def fraction(name: str) -> float:
        return int(hashlib.md5(name.encode()).hexdigest()[:8], 16) / 2**32

    for row in rows:
        assert row["split"] == ("train" if fraction(row["image"]) < 0.7 else "val")
    assert {row["split"] for row in rows} == {"train", "val"}
    assert [row["image"] for row in rows] == sorted((r["image"] for r in rows), key=fraction)


def test_a_folder_is_complete_or_absent(tmp_path, monkeypatch):
    target = tmp_path / "broden"
    real, calls = broden.render_labelled, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) > 4:
            raise RuntimeError("killed")
        return real(*arguments)

    monkeypatch.setattr(broden, "render_labelled", failing)
    with pytest.raises(RuntimeError):
        write_broden(target, 1, 32, 0)
    assert not target.exists()
    monkeypatch.setattr(broden, "render_labelled", real)
    seen = []
    write_broden(target, 1, 32, 0, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 12) for n in range(1, 13)]
    assert len(list((target / "images" / "toybox").glob("*_00000.png"))) == 12
    with pytest.raises(InputError, match="not empty"):
        write_broden(target, 1, 32, 0)
    with pytest.raises(InputError, match="images_per_category is 0"):
        write_broden(tmp_path / "other", 0, 32, 0)
