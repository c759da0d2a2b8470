"""Step: Imagenette, downloaded and unpacked. Runs where there is internet."""

from pathlib import Path

from anatomy.canonical import write_json
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.imagenette import provide


def main(job: Job) -> None:
    """Provide the folder and say where it is."""
    provided = provide(job.path("manifest").parent, job.spec["version"])
    write_json(job.path("manifest"), {"folder": str(Path(provided))})


if __name__ == "__main__":
    run_step(main, outputs=["manifest"])
