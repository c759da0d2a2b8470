"""Killed runs finish when they are started again; bad configurations stop before anything runs."""

import shutil
import signal
import subprocess
import time

import psutil
import pytest


@pytest.mark.parametrize("victim", ["job", "snakemake"])
def test_recording_killed_and_taken_up_again(finished, copy, victim):
    """kill -9 in the middle of a recording, of the job alone or of Snakemake with all its jobs."""
    results = copy.folder / "results"
    for folder in ("small/recordings", "small/knockouts"):
        shutil.rmtree(results / folder)
    progress = results / "small/recordings/.toybox.zarr.partial/progress.jsonl"
    process = subprocess.Popen(
        [*copy.command, "--cores", "2", "--", "knockouts"],
        cwd=copy.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for(lambda: progress.exists() and progress.read_text().count("\n") >= 3)
    _kill(process, everything=victim == "snakemake")
    assert process.wait(timeout=60) != 0
    assert progress.exists(), "the recording was finished before it could be killed"
    if victim == "snakemake":
        copy.snakemake("--unlock")
    copy.finish("--", "knockouts")
    assert copy.tables() == finished.tables()


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
    assert not (new_run.folder / "results").exists()
