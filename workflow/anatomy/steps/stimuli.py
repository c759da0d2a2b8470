"""Step: one stimulus set, from its source to a Zarr store with its table."""

import logging
from pathlib import Path

from anatomy.canonical import read_json
from anatomy.progress import track
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.sources import SOURCES
from anatomy.stimuli.stimulus_set import write_stimulus_set

log = logging.getLogger(__name__)

WORKERS = 2


def main(job: Job) -> None:
    """Draw or decode the images of the set."""
    spec = job.spec
    downloads = job.paths("download")
    downloaded = Path(read_json(downloads[0])["folder"]) if downloads else None
    pictures = SOURCES.load(spec["source"]).make(spec, downloaded)
    for note in pictures.notes:
        log.info(note)
    with track((), "images", len(pictures.items)) as bar:
        notes = write_stimulus_set(
            job.path("store"),
            job.path("manifest"),
            job.path("table"),
            pictures.items,
            pictures.load,
            spec["image_size"],
            pictures.provenance,
            WORKERS,
            bar.update,
        )
    for note in notes:
        log.info(note)


if __name__ == "__main__":
    run_step(main, inputs=["download"], outputs=["store", "manifest", "table"])
