"""Jobs that are killed for memory, cancelled, not submitted, or queued while the configuration is edited."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from cluster_run import ClusterRun, jobs_of
from runs import ROOT
from scheduler import output, queued, set_partition, wait_for

from anatomy.canonical import read_json

pytestmark = pytest.mark.cluster
AFTER_KNOCKOUTS = {"knock_out": 2, "join_tables": 1, "measure_knockout_areas": 1}


def test_a_job_killed_for_memory_is_retried_with_more(new_run, finished):
    """The training takes some 700 MB: too much for a first attempt that asks for 400, not for the next."""
    network = "results/small/network/network.json"
    done = new_run.snakemake("--set-resources", "make_network:mem_mb=400*attempt**2", "--", network)
    assert done.returncode == 0, done.stderr[-5000:]
    attempts = [job for job in jobs_of(done.stderr) if job.rule == "make_network"]
    assert [(job.mem_mb, job.state == "COMPLETED") for job in attempts] == [
        (400, False),
        (1600, True),
    ]
    assert (new_run.folder / network).read_bytes() == (finished.folder / network).read_bytes()


def test_a_cancelled_job_is_named_and_the_next_run_does_what_is_missing(new_run, finished):
    log = Path("results/logs/record/small/toybox.log")
    with new_run.started("--retries", "0", "--", "knockouts") as process:
        # its log is written from when it really works
        wait_for((new_run.folder / log).exists, "the recording")
        (job,) = queued("record", "RUNNING")
        output("scancel", job)
        printed, _ = process.communicate(timeout=900)
    assert process.returncode == 1
    cancelled = [each for each in jobs_of(printed) if each.state != "COMPLETED"]
    assert [(each.slurm_id, each.rule, each.state) for each in cancelled] == [
        (job, "record", "CANCELLED")
    ]
    assert "Error in rule record:" in printed
    assert f"SLURM-job '{job}' failed, SLURM status is: 'CANCELLED'" in printed
    slurm_log = Path(f"results/logs/slurm/rule_record/small_toybox/{job}.log")
    for path in (log, slurm_log):
        assert str(path) in printed
        assert (new_run.folder / path).is_file()

    missing = {"record": 1, **AFTER_KNOCKOUTS}
    assert new_run.planned("--", "knockouts") == missing
    rest = new_run.snakemake("--", "knockouts")
    assert rest.returncode == 0, rest.stderr[-5000:]
    assert Counter(each.rule for each in jobs_of(rest.stderr)) == missing
    assert new_run.tables() == finished.tables()


@pytest.fixture
def held():
    """Jobs that ask for a GPU are queued, but not started."""
    set_partition("accelerated", "DOWN")
    yield
    set_partition("accelerated", "UP")


def test_queued_jobs_do_what_was_decided_when_they_were_submitted(finished, tmp_path, held):
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    run = ClusterRun(tmp_path / "copy")
    shutil.rmtree(run.folder / "results/small/knockouts")
    with run.started("--", "knockouts") as process:
        wait_for(lambda: len(queued("knock_out", "PENDING")) == 2, "two jobs in the queue")
        submitted = {
            path.name: path.read_bytes()
            for path in (run.folder / "results/specs/knockouts/small").iterdir()
        }
        assert len(submitted) == 2
        # one more draw of every lesion; one layer is left, so that one of the two jobs is not wanted any more, and the
        # table of all would be joined from one part
        run.change("knockouts", "repeats", to=3)
        run.change("knockouts", "layers", to=["conv1"])
        set_partition("accelerated", "UP")
        printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed[-5000:]
    for name, spec in submitted.items():
        assert (run.folder / "results/specs/knockouts/small" / name).read_bytes() == spec
        decided = read_json(run.folder / "results/specs/knockouts/small" / name)
        assert decided.pop("code")
        record = read_json(run.folder / "results/records/knockouts/small" / name)
        assert record["spec"] == decided
    assert run.tables() == finished.tables()
    # recorded is what the knock-outs of the layers read, so without a layer that changes too
    again = {"record": 1, **AFTER_KNOCKOUTS, "knock_out": 1}
    assert run.planned("--", "knockouts") == again


def test_downloads_run_where_snakemake_does(tmp_path, monkeypatch):
    """Compute nodes need no internet; here nobody has any, so that the run ends there."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    run = ClusterRun.new(tmp_path / "new", ROOT / "config" / "imagenette.yaml")
    ended = run.snakemake("--retries", "0", "--", "networks")
    assert ended.returncode == 1
    assert "torchvision's weights of alexnet could not be downloaded" in ended.stderr
    assert "results/logs/weights/alexnet.log" in ended.stderr
    assert jobs_of(ended.stderr) == []
