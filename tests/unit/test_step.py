"""What every step does: arguments, one sentence for an error, and a record of what was done."""

import hashlib
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from anatomy import device
from anatomy.canonical import canonical, digest, file_digest, holds, write_json, write_text
from anatomy.errors import InputError
from anatomy.steps.step import DIGESTED_BYTES, run_step

SPEC = {"threshold": 0.5, "categories": ["dog", "cat"]}


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs a step as from the command line; inputs are files of the temporary folder."""
    monkeypatch.chdir(tmp_path)
    Path("spec.json").write_text(canonical(SPEC))
    Path("in.csv").write_text("a,b\n")
    Path("large.bin").write_bytes(b"x" * (DIGESTED_BYTES + 1))
    Path("folder").mkdir()

    def run(work, inputs=("table", "some_files"), outputs=("result",), extra=()):
        arguments = {
            "table": ["in.csv"],
            "some_files": ["in.csv", "large.bin", "folder", "absent.csv"],
            "result": ["new/folder/out.txt"],
        }
        given = [
            part
            for name in [*inputs, *outputs]
            for part in ["--" + name.replace("_", "-"), *arguments[name]]
        ]
        command = ["step", "spec.json", *given, "--record", "records/r.json", *extra]
        monkeypatch.setattr(sys, "argv", command)
        run_step(work, inputs, outputs)

    return run


def test_a_step_gets_its_settings_and_paths(call):
    seen = {}

    def work(job):
        seen.update(spec=job.spec, gpus=job.gpus, table=job.path("table"))
        seen.update(files=job.paths("some_files"))
        job.path("result").write_text("done")  # its folder is there

    call(work, extra=["--gpus", "1"])
    assert seen == {
        "spec": SPEC,
        "gpus": 1,
        "table": Path("in.csv"),
        "files": [Path("in.csv"), Path("large.bin"), Path("folder"), Path("absent.csv")],
    }
    assert Path("new/folder/out.txt").read_text() == "done"


def test_a_record_says_what_the_result_was_made_from(call):
    call(lambda job: job.path("result").write_text("done"))
    record = json.loads(Path("records/r.json").read_text())
    assert record["spec"] == SPEC
    # of small files the content, of large ones and folders nothing
    assert record["inputs"] == {"in.csv": hashlib.sha256(b"a,b\n").hexdigest()}
    assert record["versions"]["torch"] == version("torch")
    assert record["versions"]["zarr"] == version("zarr")


def test_an_input_error_is_one_line_and_leaves_no_record(call, capsys):
    def work(_job):
        raise InputError("results/a.zarr: a chunk cannot be read")

    with pytest.raises(SystemExit) as stopped:
        call(work)
    assert stopped.value.code == "error: results/a.zarr: a chunk cannot be read"
    assert not Path("records/r.json").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_another_error_is_not_hidden_and_leaves_no_record(call):
    def work(_job):
        raise ZeroDivisionError("a mistake of ours")

    with pytest.raises(ZeroDivisionError):
        call(work)
    assert not Path("records/r.json").exists()


@pytest.mark.parametrize("missing", ["--record", "--table"])
def test_arguments_are_required(tmp_path, missing):
    given = {"--record": "r.json", "--table": "t.csv", "--headlines": "h.png"}
    del given[missing]
    command = [part for pair in given.items() for part in pair]
    done = command_line("headline_figures", "spec.json", *command, folder=tmp_path)
    assert done.returncode == 2
    assert missing in done.stderr


def command_line(step, *arguments, folder):
    """A step in a process of its own, as its rule runs it."""
    command = [sys.executable, "-c", START, str(Path(__file__).parents[2] / "workflow")]
    return subprocess.run(
        [*command, f"anatomy.steps.{step}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


START = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def test_the_exit_code_of_a_real_step_is_1_and_its_log_one_line(tmp_path):
    """Masks of which a manifest is missing, as after a folder was tidied by hand."""
    (tmp_path / "spec.json").write_text('{"categories": ["dog"]}')
    names = ("shards", "sweeps", "summaries")
    names += ("masks", "manifest", "sweep", "summary", "frontier", "record")
    arguments = [part for name in names for part in (f"--{name}", f"{name}.json")]
    done = command_line("circuit_tables", "spec.json", *arguments, folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: shards.json: cannot be read")
    assert not (tmp_path / "record.json").exists()


# --- canonical JSON


def test_canonical_json_depends_on_the_content_alone():
    one = {"b": [1, 2.5, None], "a": {"y": "ü", "x": True}}
    other = {"a": {"x": True, "y": "ü"}, "b": [1, 2.5, None]}
    assert canonical(one) == canonical(other)
    assert digest(one) == hashlib.sha256(canonical(other).encode()).hexdigest()
    assert canonical({"b": [2.5, 1, None]}) != canonical({"b": [1, 2.5, None]})
    with pytest.raises(ValueError, match="Out of range"):
        canonical({"a": float("nan")})


def test_digests_of_bytes_and_files(tmp_path):
    data = bytes(range(256)) * 9000  # more than one block
    (tmp_path / "f").write_bytes(data)
    assert file_digest(tmp_path / "f") == digest(data) == hashlib.sha256(data).hexdigest()


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "specs" / "a.json"
    assert not holds(path, {"x": 1})
    write_json(path, {"x": 1})
    assert holds(path, {"x": 1})
    assert not holds(path, {"x": 2})
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "a\ud800")
    assert holds(path, {"x": 1})


# --- devices


HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_gpu_is_waited_for_and_free_when_its_process_ends(tmp_path, monkeypatch):
    """Of two jobs on a machine with one GPU, as after a crash that left the file of a claim behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _number: "a GPU")
    described = SimpleNamespace(uuid="aa")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _number: described)
    claim = tmp_path / "anatomy-gpu-aa.lock"
    claim.touch()
    command = [sys.executable, "-c", HOLD, str(claim)]
    tries = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"

        def sleep(seconds):
            tries.append(seconds)
            if len(tries) == 3:
                holder.kill()
                holder.wait()

        monkeypatch.setattr(device.time, "sleep", sleep)
        assert device.choose_device(1) == torch.device("cuda", 0)
    assert len(tries) == 3


def test_deterministic_kernels_and_the_steps_own_number_of_threads():
    before = torch.get_num_threads()
    try:
        device.make_deterministic(3)
        assert torch.get_num_threads() == 3
        assert torch.are_deterministic_algorithms_enabled()
        # a kernel that has no deterministic twin warns instead of stopping a job on a GPU
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.backends.cudnn.benchmark
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(False)
