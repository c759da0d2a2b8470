"""Step: a labelled toybox set in Broden's layout."""

from pathlib import Path

from anatomy.canonical import digest, file_digest, write_json
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.toybox.broden import write_broden


def main(job: Job) -> None:
    """Draw the scenes and their labels, and say where they are."""
    spec = job.spec
    folder = job.path("folder")
    write_broden(folder, spec["images_per_category"], spec["image_size"], spec["seed"])
    write_json(job.path("manifest"), {"folder": str(folder), "digest": _digest(folder)})


def _digest(folder: Path) -> str:
    """Of all files, so that what is made from them is made again when one of them differs."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest({path.relative_to(folder).as_posix(): file_digest(path) for path in files})


if __name__ == "__main__":
    run_step(main, outputs=["folder", "manifest"])
