"""Step: the stimuli of the functional localizer."""

import logging
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from anatomy.progress import track
from anatomy.steps.step import Job, run_step
from anatomy.steps.stimuli import WORKERS
from anatomy.stimuli import folder
from anatomy.stimuli.identities import colour_difference
from anatomy.stimuli.images import decode, without_colour
from anatomy.stimuli.listing import check_unchanged, trees_digest
from anatomy.stimuli.localizer import localizer_items
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set

log = logging.getLogger(__name__)


def main(job: Job) -> None:
    """Choose and decode the images."""
    spec = job.spec
    root = Path(spec["folder"])
    named = [name for names in spec["kinds"].values() for name in names]
    check_unchanged(root, spec["files"], trees_digest(root, named))
    items = localizer_items(root, spec["kinds"], spec["images"], spec["seed"])

    def load(item: Item) -> NDArray[np.uint8]:
        shown = decode(root / item.source, spec["resize"], spec["image_size"])
        return without_colour(shown) if spec["grey"] else shown

    chosen = [folder.Chosen(PurePosixPath(i.source), i.category, i.split) for i in items]
    about = {"source": "folder", "resize": spec["resize"], "grey": spec["grey"]}
    provenance = about | folder.provenance(root, chosen)
    files = job.path("store"), job.path("manifest"), job.path("table")
    size = spec["image_size"]
    with track((), "images", len(items)) as bar:
        notes = write_stimulus_set(*files, items, load, size, provenance, WORKERS, bar.update)
    difference = colour_difference(StimulusSet.beside(job.path("manifest")))
    for note in [*notes, *([difference] if difference else [])]:
        log.info(note)


if __name__ == "__main__":
    run_step(main, outputs=["store", "manifest", "table"])
