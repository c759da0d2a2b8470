"""Step: one stimulus set, from its source to a Zarr store with its table."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anatomy.canonical import read_json
from anatomy.progress import track
from anatomy.steps.step import Job, run_step
from anatomy.stimuli import folder
from anatomy.stimuli.images import decode
from anatomy.stimuli.listing import check_unchanged
from anatomy.stimuli.stimulus_set import Item, write_stimulus_set
from anatomy.stimuli.toybox.render import render_object

log = logging.getLogger(__name__)

# Index of a toybox split's first scene: no scene is in two splits, of this set or another
FIRST_SCENE = {
    "training": 0,
    "scoring": 1_000_000,
    "extraction": 2_000_000,
    "evaluation": 3_000_000,
}
WORKERS = 2

Load = Callable[[Item], NDArray[np.uint8]]


def main(job: Job) -> None:
    """Draw or decode the images of the set."""
    spec = job.spec
    if spec["source"] == "toybox":
        items, load = _toybox(spec)
        provenance = {"source": "toybox", "seed": spec["seed"]}
    else:
        downloads = job.paths("download")
        root = Path(read_json(downloads[0])["folder"] if downloads else spec["folder"])
        selection = folder.choose(
            root, [c["category"] for c in spec["categories"]], spec["images"], spec["seed"]
        )
        for note in selection.notes:
            log.info(note)
        items, load = _photographs(spec, root, selection.images)
        about = {"source": "folder", "resize": spec["resize"]}
        provenance = about | folder.provenance(root, selection.images)
        if not downloads:
            check_unchanged(root, spec["files"], provenance["files_digest"])
    manifest = job.path("manifest")
    with track((), "images", len(items)) as bar:
        notes = write_stimulus_set(
            job.path("store"),
            manifest,
            job.path("table"),
            items,
            load,
            spec["image_size"],
            provenance,
            WORKERS,
            bar.update,
        )
    for note in notes:
        log.info(note)


def _toybox(spec: dict) -> tuple[list[Item], Load]:
    items = [
        Item(
            image_id=f"{category['category']}/{FIRST_SCENE[split] + number:07d}",
            category=category["category"],
            name=category["name"],
            super_category=category["super_category"],
            split=split,
            source=f"toybox, seed {spec['seed']}",
        )
        for split in FIRST_SCENE
        for category in spec["categories"]
        for number in range(spec["images"][split])
    ]

    def load(item: Item) -> NDArray[np.uint8]:
        index = int(item.image_id.split("/")[1])
        return render_object(item.category, spec["seed"], index, spec["image_size"])

    return items, load


def _photographs(spec: dict, root: Path, chosen: list[folder.Chosen]) -> tuple[list[Item], Load]:
    described = {c["category"]: c for c in spec["categories"]}
    items = [
        Item(
            image_id=image.image_id,
            category=image.category,
            name=described[image.category]["name"],
            super_category=described[image.category]["super_category"],
            split=image.split,
            source=str(image.path),
        )
        for image in chosen
    ]

    def load(item: Item) -> NDArray[np.uint8]:
        return decode(root / item.source, spec["resize"], spec["image_size"])

    return items, load


if __name__ == "__main__":
    run_step(main, inputs=["download"], outputs=["store", "manifest", "table"])
