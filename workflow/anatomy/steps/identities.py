"""Step: the stimuli of the identity task, views of faces and houses."""

import logging
from pathlib import Path

from anatomy.progress import track
from anatomy.steps.step import Job, run_step
from anatomy.steps.stimuli import WORKERS
from anatomy.stimuli import folder
from anatomy.stimuli.identities import (
    colour_difference,
    photographed_identities,
    toybox_identities,
)
from anatomy.stimuli.listing import check_unchanged, trees_digest
from anatomy.stimuli.stimulus_set import StimulusSet, write_stimulus_set
from anatomy.stimuli.toybox.vocabulary import IDENTITY_KINDS

log = logging.getLogger(__name__)


def main(job: Job) -> None:
    """Draw the toys, or decode and change the photographs."""
    spec = job.spec
    size, views, seed = spec["image_size"], spec["views"], spec["seed"]
    if spec["source"] == "toybox":
        items, load = toybox_identities(spec["identities"], views, seed, size)
        provenance = {"source": "toybox", "seed": seed}
    else:
        root = Path(spec["folder"])
        check_unchanged(root, spec["files"], trees_digest(root, IDENTITY_KINDS))
        shown = photographed_identities(root, spec["test_share"], views, seed)
        for note in shown.notes:
            log.info(note)
        items, load = shown.items, shown.load(root, spec["resize"], size, spec["grey"])
        files = [
            folder.Chosen(shown.views[i.image_id].photograph, i.category, i.split) for i in items
        ]
        about = {"source": "folder", "seed": seed, "resize": spec["resize"], "grey": spec["grey"]}
        provenance = about | folder.provenance(root, files)
    files = job.path("store"), job.path("manifest"), job.path("table")
    with track((), "images", len(items)) as bar:
        notes = write_stimulus_set(*files, items, load, size, provenance, WORKERS, bar.update)
    difference = colour_difference(StimulusSet.beside(job.path("manifest")))
    for note in [*notes, *([difference] if difference else [])]:
        log.info(note)


if __name__ == "__main__":
    run_step(main, outputs=["store", "manifest", "table"])
