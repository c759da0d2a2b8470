"""Step: Broden unpacked from the archive that is downloaded."""

from anatomy.archives import unpack_zip
from anatomy.canonical import file_digest, write_json
from anatomy.file_digests import check_same
from anatomy.progress import track
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Unpack, and say where the folder is."""
    archive = job.path("archive")
    with track((), f"unpack {job.spec['archive']}", total=0) as bar:

        def progress(_done: int, total: int) -> None:
            bar.total = total
            bar.update()

        planned = job.spec.get("archive_digest")
        check_same(archive, planned)
        inside = unpack_zip(archive, job.path("folder"), progress)
    write_json(
        job.path("manifest"), {"folder": str(inside), "archive": planned or file_digest(archive)}
    )


if __name__ == "__main__":
    run_step(main, inputs=["archive"], outputs=["folder", "manifest"])
