"""Step: the labelled images of a folder in Broden's layout, decoded once for all networks and layers."""

import logging
from pathlib import Path

from anatomy.canonical import read_json
from anatomy.progress import track
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.labelled_images_writer import write_labelled_images

WORKERS = 2
log = logging.getLogger(__name__)


def main(job: Job) -> None:
    """Read the folder, or the one that an earlier step has drawn or unpacked."""
    made = job.paths("broden")
    folder = Path(read_json(made[0])["folder"] if made else job.spec["folder"])
    broden = Broden.open(folder)
    images = min(len(broden.images), job.spec["images"] or len(broden.images))
    with track((), "labelled images", total=2 * images) as bar:
        notes = write_labelled_images(
            job.path("manifest").parent, broden, images, WORKERS, bar.update
        )
    for note in notes:
        log.info(note)


if __name__ == "__main__":
    run_step(main, inputs=["broden"], outputs=["manifest"])
