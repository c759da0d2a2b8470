"""Two processes at once: one Snakemake holds the specs of a folder, one process works on a job."""

import errno
import json
import logging
import os
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from anatomy import locks
from anatomy.errors import InputError
from anatomy.locks import RUN, working_alone
from anatomy.spec_files import LOCK, write_specs

SPECS = {"record/a": {"x": 1}, "scores/a": {"y": [2]}}
OTHER = {"record/a": {"x": 1}, "scores/a": {"y": [3]}}
START = """
import json, logging, sys
logging.basicConfig(level=logging.INFO)
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from anatomy.locks import working_alone
from anatomy.spec_files import write_specs
"""
HOLD_SPECS = (
    START + 'write_specs(Path(sys.argv[2]), json.loads(sys.argv[3]))\nprint("held", flush=True)\n'
)
HOLD_JOB = START + 'with working_alone(Path(sys.argv[2])):\n print("held", flush=True)\n input()\n'
WORKFLOW = str(Path(locks.__file__).parents[1])


@contextmanager
def another(code, *arguments, run=None):
    """Another process, that says when it has what it wants, and then waits for a line."""
    environment = {key: value for key, value in os.environ.items() if key != RUN}
    process = subprocess.Popen(
        [sys.executable, "-c", code + "\ninput()", WORKFLOW, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | ({RUN: str(run)} if run else {}),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def held(process):
    return process.stdout.readline() == "held\n"


@pytest.fixture(autouse=True)
def no_run(monkeypatch):
    monkeypatch.setenv(RUN, "5")


def contents(folder):
    return {str(p.relative_to(folder)): json.loads(p.read_text()) for p in folder.rglob("*.json")}


# --- specs


def test_specs_under_a_process_at_work_are_not_changed(tmp_path):
    with another(HOLD_SPECS, tmp_path, json.dumps(SPECS)) as first:
        assert held(first)
        before = contents(tmp_path)
        with pytest.raises(
            InputError,
            match=rf"^another Snakemake \(process {first.pid} on \S+, since 20[-0-9]+ [:0-9]+\) is at work in this "
            "folder with another configuration; wait until it has ended$",
        ):
            write_specs(tmp_path, OTHER)
        assert contents(tmp_path) == before
        # the same specs disturb nobody, and keep others away after the first has gone
        with another(HOLD_SPECS, tmp_path, json.dumps(SPECS)) as second:
            assert held(second)
            first.kill()
            first.wait()
            with pytest.raises(InputError, match=rf"process {second.pid} on"):
                write_specs(tmp_path, OTHER)
    # kill -9 leaves no lock behind
    write_specs(tmp_path, OTHER)
    assert contents(tmp_path) == {f"{job}.json": spec for job, spec in OTHER.items()}


def test_the_children_of_a_killed_process_hold_nothing(tmp_path):
    fork = "\nimport os\nif os.fork() == 0:\n import time\n time.sleep(60)\n"
    with another(HOLD_SPECS + fork, tmp_path, json.dumps(SPECS)) as first:
        assert held(first)
        child = next(Path(f"/proc/{first.pid}/task/{first.pid}").glob("children")).read_text()
        while not child:
            child = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text()
        first.kill()
        first.wait()
        try:
            write_specs(tmp_path, OTHER)
        finally:
            os.kill(int(child), 9)


def test_specs_that_cannot_be_written_are_read_where_they_are_the_same(tmp_path, monkeypatch):
    write_specs(tmp_path, SPECS)

    def refuse(_path):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("anatomy.spec_files.FileLock", refuse)
    write_specs(tmp_path, SPECS)
    with pytest.raises(InputError, match=r"cannot be written \(Read-only file system\)$"):
        write_specs(tmp_path, OTHER)


def test_each_run_has_a_number_for_its_jobs(tmp_path, monkeypatch):
    write_specs(tmp_path, SPECS)
    first = int(os.environ[RUN])
    write_specs(tmp_path, SPECS)
    assert int(os.environ[RUN]) > first > 5


# --- jobs


def test_a_job_waits_for_the_process_that_a_killed_run_has_left(tmp_path):
    record = tmp_path / "records" / "job.json"
    with another(HOLD_JOB, record, run=4) as left:
        assert held(left)
        with another(HOLD_JOB, record, run=5) as later:
            assert f"waits for process {left.pid} on " in later.stderr.readline()
            assert not select.select([later.stdout], [], [], 0.2)[0]
            left.kill()
            assert held(later)


def test_what_a_process_left_behind_has_written_goes(tmp_path):
    """It may have come after Snakemake has removed the outputs: a folder must not hold files of two makers."""
    record, outputs = tmp_path / "job.json", [tmp_path / "table.csv", tmp_path / "folder"]

    def written(*names):
        with working_alone(record, outputs):
            outputs[1].mkdir()
            for path in (record, outputs[0], *(outputs[1] / name for name in names)):
                assert not path.exists()
                path.touch()

    written("a", "b")
    written("c")
    assert [path.name for path in outputs[1].iterdir()] == ["c"]


def test_what_lies_at_the_place_of_an_output_before_any_job_stays(tmp_path):
    (tmp_path / "given").mkdir()
    with working_alone(tmp_path / "job.json", [tmp_path / "given"]):
        assert (tmp_path / "given").exists()


def test_what_a_killed_run_has_left_gives_way_to_a_later_run(tmp_path):
    record = tmp_path / "job.json"
    with another(HOLD_JOB, record, run=6) as later:
        assert held(later)
        with another(HOLD_JOB, record, run=4) as left:
            later.communicate("\n\n", timeout=60)
            assert left.wait(timeout=60) == 1
            assert "a later run has taken this job over (process " in left.stderr.read()
    # also where it comes when the later one is done
    with (
        pytest.raises(InputError, match="a later run has taken this job over"),
        working_alone(record),
    ):
        pass


def test_a_step_called_by_hand_neither_gives_way_nor_overtakes(tmp_path, monkeypatch):
    with working_alone(tmp_path / "job.json"):
        pass
    with monkeypatch.context() as patch:
        patch.delenv(RUN)
        with working_alone(tmp_path / "job.json"):
            pass
    with working_alone(tmp_path / "job.json"):
        pass


def test_a_job_may_be_done_again_and_again(tmp_path):
    for _ in range(3):
        with working_alone(tmp_path / "job.json"):
            pass
    assert len((tmp_path / ".job.json.lock").read_text().splitlines()) == 1


def test_a_damaged_lock_file_does_no_harm(tmp_path):
    (tmp_path / ".job.json.lock").write_bytes(b"\xff\n1 2\n\n9 x y z\n")
    with working_alone(tmp_path / "job.json"):
        pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_gives_a_warning(tmp_path, monkeypatch, caplog, code):
    def refuse(_descriptor, _operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(locks.fcntl, "lockf", refuse)
    with caplog.at_level(logging.WARNING):
        write_specs(tmp_path, SPECS)
        with working_alone(tmp_path / "job.json"):
            pass
    assert contents(tmp_path) == {f"{job}.json": spec for job, spec in SPECS.items()}
    assert f"{tmp_path / LOCK}: this file system has no locks ({os.strerror(code)})" in caplog.text


def test_another_error_of_a_lock_is_not_hidden(tmp_path, monkeypatch):
    def refuse(_descriptor, _operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks.fcntl, "lockf", refuse)
    with pytest.raises(OSError, match="Input/output"):
        write_specs(tmp_path, SPECS)
