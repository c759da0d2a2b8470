"""Network dissection of AlexNet's conv5 against the forward pass alone, on a drawn set in Broden's layout.

    python benchmarks/dissection.py FOLDER [--images 1000] [--threads 2] [--weights FILE]

Draws a set with several hundred labels into FOLDER (once), then does what the steps of the workflow do, one after the
other, and prints Markdown tables for docs/performance.md: images per second, disk, peak memory. `--weights` takes a
state_dict of torchvision's AlexNet; without it the network is untrained. Memory is that of this process,
without those that count.
"""

import argparse
import csv
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw
from threadpoolctl import threadpool_limits

from anatomy.dissection.count_files import StoredCounts, write_counts
from anatomy.dissection.dissection import Counter, concepts_of, find_thresholds, group_edges
from anatomy.dissection.resampling import resample
from anatomy.dissection.responses import Maps, described
from anatomy.dissection.tables import detector_table, top_image_table, unit_table
from anatomy.dissection.top_images import TopImages
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.labelled_images import SPLIT, LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images

# What needs torch is imported where it is used: the processes that count import this file, as they import the step.
if TYPE_CHECKING:
    from anatomy.networks.network import Network

SIZE, MASK = 224, 112
LAYER = "conv5"
BATCH = 32
SHAPES = 25
# how many labels of each category; as many in all as the set that other tools were measured on had
LABELS = {"color": 11, "object": 400, "part": 150, "material": 30, "scene": 60, "texture": 32}
QUANTILE, MINIMUM, TOP, RESAMPLES = 0.005, 0.04, 10, 1000


def main() -> None:
    """Draw, decode, show, record, dissect; print."""
    import torch
    from subject import load_alexnet

    options = arguments()
    torch.set_num_threads(options.threads)
    source = options.folder / f"drawn_{options.images}"
    if not source.exists():
        draw(source, options.images)
    seconds: dict[str, float] = {}
    network = load_alexnet(options.weights)
    work = options.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    with threadpool_limits(options.threads):
        with timed(seconds, "decode images and labels"):
            write_labelled_images(work, Broden.open(source), None, options.threads)
        labelled = LabelledImages.open(work)
        forward(network, labelled, seconds)
        with timed(seconds, "record responses"):
            show(network, labelled, work)
        with timed(seconds, "thresholds and top images"):
            maps = Maps.open(work / "responses.json", LAYER, labelled)
            top = TopImages.none(maps.units, TOP, maps.shape)
            thresholds = find_thresholds(maps, "exact", QUANTILE, top)
        with timed(seconds, "count"):
            counts = count(labelled, maps, thresholds, work, options.threads)
        with timed(seconds, "bootstrap and tables"):
            tabulate(labelled, maps, counts, thresholds, top)
    report(seconds, options.images, work)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path)
    return parser.parse_args()


@contextmanager
def timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    """Note how long a block takes."""
    start = time.perf_counter()
    yield
    seconds[what] = time.perf_counter() - start


def forward(network: "Network", labelled: LabelledImages, seconds: dict[str, float]) -> None:
    """The forward pass to the layer, alone, on inputs that are ready."""
    import torch

    from anatomy.networks.cut import prefix

    part = prefix(network.graph, [network.response(LAYER)])
    with torch.inference_mode():
        inputs = [
            network.input(labelled.stimuli.images(slice(start, start + BATCH)))
            for start in range(0, min(4 * BATCH, len(labelled.stimuli.table)), BATCH)
        ]
        part(inputs[0])
        rounds = max(1, len(labelled.stimuli.table) // sum(map(len, inputs)))
        start = time.perf_counter()
        for _ in range(rounds):
            for batch in inputs:
                part(batch)
        took = time.perf_counter() - start
    shown = rounds * sum(map(len, inputs))
    seconds["forward pass alone"] = took * len(labelled.stimuli.table) / shown


def show(network: "Network", labelled: LabelledImages, work: Path) -> None:
    """Record the layer's responses as the step does."""
    from anatomy.networks.receptive_field import receptive_fields
    from anatomy.recording import RESPONSES, RecordedArray, record

    value = network.response(LAYER)
    fields = receptive_fields(network.graph, [value], SIZE)[value]
    array = RecordedArray(SPLIT, f"{RESPONSES}/{LAYER}", value, "float32", described(fields))
    places = work / "responses.zarr", work / "responses.json"
    record(network, labelled.stimuli, [array], BATCH, *places)


def count(
    labelled: LabelledImages, maps: Maps, thresholds: np.ndarray, work: Path, threads: int
) -> StoredCounts:
    """Count all units against all concepts, into the store that the step writes."""
    edges = group_edges(maps.images)
    groups = Counter(labelled, maps.upsampling(labelled), threads).groups(maps, thresholds, edges)
    places = work / "counts.zarr", work / "counts.json"
    write_counts(*places, {}, len(edges) - 1, maps.units, concepts_of(labelled), groups)
    return StoredCounts(*places, {})


def tabulate(
    labelled: LabelledImages,
    maps: Maps,
    counts: StoredCounts,
    thresholds: np.ndarray,
    top: TopImages,
) -> None:
    """All tables of the step."""
    concepts = concepts_of(labelled)
    drawn = resample(counts.blocks(), counts.groups, concepts, MINIMUM, RESAMPLES, ("benchmark",))
    total = counts.total()
    unit_table(thresholds, total, concepts, drawn, MINIMUM)
    detector_table(LAYER, total, concepts, drawn, MINIMUM)
    top_image_table(top, thresholds, maps.upsampling(labelled), labelled.stimuli)


def report(seconds: dict[str, float], images: int, work: Path) -> None:
    """Markdown."""
    forward_alone = seconds.pop("forward pass alone")
    print("| | images per second | ms per image |\n| --- | ---: | ---: |")
    row = "| {} | {:,.0f} | {:.2f} |".format
    print(row("forward pass alone", images / forward_alone, 1000 * forward_alone / images))
    for what, took in seconds.items():
        print(row(what, images / took, 1000 * took / images))
    every = ("record responses", "thresholds and top images", "count")
    passes = sum(seconds[what] for what in every)
    whole = sum(seconds.values()) - seconds["decode images and labels"]
    for name, took in (
        ("**record, thresholds, count**", passes),
        ("**whole dissection of decoded images**", whole),
        ("**whole, with decoding**", sum(seconds.values())),
    ):
        print(row(name, images / took, 1000 * took / images))
        print(
            f"{name.strip('*')}: {forward_alone / took:.0%} of the rate of the forward pass alone"
        )
    for name in ("responses.zarr", "labels.zarr", "images.zarr", "counts.zarr"):
        size = sum(f.stat().st_size for f in (work / name).rglob("*") if f.is_file())
        print(f"{name}: {size / 1e6 / images * 1000:.1f} MB per 1,000 images")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory, without processes that count: {peak:.2f} GiB")


def draw(folder: Path, images: int) -> None:
    """A set of pictures of many shapes, each with labels of its own; 683 labels."""
    random = np.random.default_rng(0)
    partial = folder.with_name(folder.name + ".partial")
    (partial / "images").mkdir(parents=True, exist_ok=True)
    first = dict(zip(LABELS, np.cumsum([1, *LABELS.values()]), strict=False))
    coverage = {category: np.zeros(count) for category, count in LABELS.items()}
    rows = [
        _draw_one(partial / "images", number, random, first, coverage) for number in range(images)
    ]
    _write(partial / "index.csv", ["image", "split", "ih", "iw", "sh", "sw", *LABELS], rows)
    names = [
        (first[category] + place, f"{category}{place}", category)
        for category, count in LABELS.items()
        for place in range(count)
    ]
    table = [(number, name, f"{category}(1)", 1, 1.0, "") for number, name, category in names]
    _write(
        partial / "label.csv",
        ["number", "name", "category", "frequency", "coverage", "syns"],
        table,
    )
    spans = [(c, first[c], first[c] + count - 1, count, 1) for c, count in LABELS.items()]
    _write(partial / "category.csv", ["name", "first", "last", "count", "frequency"], spans)
    for category, covered in coverage.items():
        own = [n for n in names if n[2] == category]
        codes = [
            (code, number, name, 1, covered[code - 1])
            for code, (number, name, _) in enumerate(own, 1)
        ]
        _write(
            partial / f"c_{category}.csv",
            ["code", "number", "name", "frequency", "coverage"],
            codes,
        )
    partial.rename(folder)


def _draw_one(
    folder: Path,
    number: int,
    random: np.random.Generator,
    first: dict[str, int],
    coverage: dict[str, np.ndarray],
) -> list:
    """Draw a picture of ellipses with noise on it, and planes in which each ellipse has its labels."""
    colors = random.integers(0, 256, (LABELS["color"], 3))
    picture = Image.new("RGB", (SIZE, SIZE), tuple(random.integers(0, 256, 3).tolist()))
    planes = {
        name: Image.new("I", (MASK, MASK)) for name in ("color", "object", "part", "material")
    }
    drawing = ImageDraw.Draw(picture)
    for _ in range(SHAPES):
        x, y = random.integers(-30, SIZE, 2)
        width, height = random.integers(10, 120, 2)
        box = [int(x), int(y), int(x + width), int(y + height)]
        color = int(random.integers(LABELS["color"]))
        drawing.ellipse(box, fill=tuple(colors[color].tolist()))
        for name, plane in planes.items():
            label = color if name == "color" else int(random.integers(LABELS[name]))
            if name in ("color", "object") or random.random() < 0.3:
                half = [edge // 2 for edge in box]
                ImageDraw.Draw(plane).ellipse(half, fill=int(first[name] + label))
    pixels = np.asarray(picture, np.int16) + random.normal(0, 12, (SIZE, SIZE, 3)).astype(np.int16)
    name = f"picture_{number:06d}"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{name}.jpg", quality=90)
    cells = dict.fromkeys(LABELS, "")
    for category, plane in planes.items():
        numbers = np.asarray(plane, np.int32)
        cells[category] = f"{name}_{category}.png"
        encoded = np.stack([numbers % 256, numbers // 256, 0 * numbers], axis=-1)
        Image.fromarray(encoded.astype(np.uint8)).save(folder / cells[category])
        counts = np.bincount(numbers[numbers > 0] - first[category], minlength=LABELS[category])
        coverage[category] += counts / MASK**2
    for category in ("scene", "texture"):
        label = int(random.integers(LABELS[category]))
        coverage[category][label] += 1
        cells[category] = str(first[category] + label)
    return [f"{name}.jpg", "train", SIZE, SIZE, MASK, MASK, *cells.values()]


def _write(path: Path, columns: list[str], rows: list) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


if __name__ == "__main__":
    main()
