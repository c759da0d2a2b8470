"""Killed runs finish when they are started again; bad configurations stop before anything runs."""

import shutil
import signal
import subprocess
import time

import psutil
import pytest

PROGRESS = "results/small/recordings/.toybox.zarr.partial/progress.jsonl"


@pytest.mark.parametrize("victim", ["job", "snakemake"])
def test_recording_killed_and_taken_up_again(finished, copy, victim):
    """kill -9 in the middle of a recording, of the job alone or of Snakemake with all its jobs."""
    process = _recording(copy)
    _kill(process, everything=victim == "snakemake")
    assert process.wait(timeout=60) != 0
    assert (copy.folder / PROGRESS).exists(), "the recording was finished before it could be killed"
    if victim == "snakemake":
        copy.snakemake("--unlock")
    copy.finish("--", "knockouts")
    assert copy.tables() == finished.tables()


def test_a_job_left_behind_is_waited_for_and_its_folder_kept_from_others(finished, copy):
    """kill -9 of Snakemake alone: its job goes on, and nothing else may come in between."""
    process = _recording(copy)
    (left,) = _recorders(process)
    left.suspend()
    process.kill()
    process.wait()
    copy.snakemake("--unlock")
    again = _knock_out(copy)
    try:
        _nothing_comes_in_between(copy, left, again)
    finally:
        left.resume()
    assert again.wait(timeout=120) == 0
    assert not left.is_running()
    assert copy.tables() == finished.tables()


def _nothing_comes_in_between(copy, left: psutil.Process, again: subprocess.Popen) -> None:
    log = copy.folder / "results/logs/record/small/toybox.log"
    waits = f"waits for process {left.pid} on "
    _wait_for(lambda: log.exists() and waits in log.read_text())

    # the same once more is told to wait by Snakemake, and may look on
    second = copy.snakemake("--cores", "1", "--", "knockouts")
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stderr
    assert copy.snakemake("--dry-run").returncode == 0
    # other settings are kept out, even from looking
    specs = {path: path.read_bytes() for path in (copy.folder / "results/specs").rglob("*.json")}
    copy.change("knockouts", "repeats", to=1)
    other = copy.snakemake("--dry-run")
    assert other.returncode == 1
    assert f"another Snakemake (process {again.pid} on " in other.stdout
    assert "with another configuration; wait until it has ended" in other.stdout
    assert "Traceback" not in other.stdout + other.stderr
    assert {path: path.read_bytes() for path in specs} == specs


def test_results_that_cannot_be_written_stop_a_run(copy):
    results = str(copy.folder / "results")
    bound = subprocess.run(["mount", "--bind", results, results], capture_output=True, check=False)
    if bound.returncode:
        pytest.skip("only root can mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", results], check=True)
        assert copy.planned() == {}  # what is finished can be looked at
        copy.change("knockouts", "repeats", to=1)
        stopped = copy.snakemake("--cores", "1")
    finally:
        subprocess.run(["umount", results], check=True)
    assert stopped.returncode == 1
    assert "results/specs: cannot be written (Read-only file system)" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def _recording(run) -> subprocess.Popen:
    """A run in the middle of its recording."""
    for folder in ("small/recordings", "small/knockouts"):
        shutil.rmtree(run.folder / "results" / folder)
    process = _knock_out(run)
    progress = run.folder / PROGRESS
    _wait_for(lambda: progress.exists() and progress.read_text().count("\n") >= 3)
    return process


def _knock_out(run) -> subprocess.Popen:
    return subprocess.Popen(
        [*run.command, "--cores", "2", "--", "knockouts"],
        cwd=run.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _recorders(process: subprocess.Popen) -> list[psutil.Process]:
    """Python's processes, without the shells around them."""
    family = psutil.Process(process.pid).children(recursive=True)
    return [member for member in family if "anatomy.steps.record" in member.cmdline()]


def _wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def _kill(process: subprocess.Popen, everything: bool) -> None:
    family = psutil.Process(process.pid).children(recursive=True)
    if everything:
        family.insert(0, psutil.Process(process.pid))
    for member in family:
        if everything or "anatomy.steps.record" in " ".join(member.cmdline()):
            member.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    ("keys", "value", "sentence"),
    [
        (("circuits", "threshold"), 1.3, "circuits.threshold = 1.3"),
        (
            ("circuits", "treshold"),
            0.8,
            "circuits.treshold is not a known key; did you mean threshold?",
        ),
        (("knockouts", "layers"), ["conv9"], "has no layer 'conv9'"),
        (("networks", "small", "architecture"), "alexnett", "'alexnett' is unknown"),
    ],
)
def test_bad_configuration_stops_before_any_job(new_run, keys, value, sentence):
    new_run.change(*keys, to=value)
    stopped = new_run.snakemake("--cores", "1")
    assert stopped.returncode == 1
    assert sentence in stopped.stderr
    assert "Traceback" not in stopped.stderr
    # the layers of a user's architecture may have been found, and are remembered
    written = [path for path in (new_run.folder / "results").rglob("*") if path.is_file()]
    assert {path.parent.name for path in written} <= {"architectures"}
