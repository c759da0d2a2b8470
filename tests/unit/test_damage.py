"""What is damaged, gone, or from another network stops a step with one line that names it."""

import os
import runpy
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pipeline import paths_of, plan_of, run
from torch_settings import torch_as_it_was

from anatomy.canonical import canonical, write_json
from anatomy.errors import InputError
from anatomy.networks.network import new_model, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.spec_files import write_specs
from anatomy.store import open_store, read_array, read_rows
from anatomy.tables import write_csv, write_parquet

CONFIGURATION = {
    "stimuli": {
        "toybox": {
            "source": "toybox",
            "categories": ["dog", "car"],
            "image_size": 64,
            "images": {"scoring": 0, "extraction": 0, "evaluation": 12},
        },
        "lessons": {
            "source": "toybox",
            "categories": ["dog", "car"],
            "image_size": 64,
            "images": {"training": 4, "evaluation": 2, "scoring": 0, "extraction": 0},
        },
    },
    "networks": {
        "small": {
            "architecture": "toybox_alexnet",
            "weights": "trained",
            "training": {"stimuli": "lessons", "epochs": 1},
        },
        "untrained": {"untrained_twin_of": "small"},
    },
    "recordings": {"layers": ["conv5"]},
    "knockouts": {
        "stimuli": "toybox",
        "layers": ["fc7"],
        "proportions": [0.0, 1.0],
        "repeats": 1,
    },
    "compute": {"threads": 1, "batch_size": 4},
}
KNOCKOUTS = "knockouts/small/layers_0001"
RECORDING = Path("results/small/recordings/toybox.zarr")
PAGE = 4096


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Recordings of a network and of its untrained twin, and the plan."""
    folder = tmp_path_factory.mktemp("made")
    plan = plan_of(CONFIGURATION)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(plan, only=("stimuli/", "network/", "record/"))
    return folder, plan


@pytest.fixture
def plan(made, tmp_path, monkeypatch):
    """The plan, in a copy of the recordings."""
    shutil.copytree(made[0], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return made[1]


def step(plan, job, inputs_and_outputs=None):
    """A step as its rule calls it; what it would say last, and whether it left a record."""
    spec, record = Path("spec.json"), Path("record.json")
    spec.write_text(canonical(plan.specs[job]))
    arguments = [str(spec), "--record", str(record)]
    for name, paths in (inputs_and_outputs or paths_of(plan, job)).items():
        arguments += ["--" + name.replace("_", "-"), *map(str, paths)]
    with pytest.MonkeyPatch.context() as patch, torch_as_it_was():
        patch.setattr(sys, "argv", ["step", *arguments])
        try:
            runpy.run_module(f"anatomy.steps.{job.split('/')[0]}", run_name="__main__")
        except SystemExit as stopped:
            assert not record.exists()
            return stopped.code
    assert record.exists()
    return None


def flip_bit(path, place=-1):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def test_whole_recordings_are_read(plan):
    assert step(plan, KNOCKOUTS) is None


@pytest.mark.parametrize("damage", ["truncated", "flipped bit", "missing"])
def test_a_damaged_chunk_is_never_read_as_data(plan, damage):
    (chunks,) = (RECORDING / "evaluation/values").glob("*/c")
    chunk = next(path for path in chunks.rglob("*") if path.is_file())
    if damage == "truncated":
        chunk.write_bytes(chunk.read_bytes()[:-7])
    elif damage == "flipped bit":
        flip_bit(chunk)
    else:
        chunk.unlink()
    said = step(plan, KNOCKOUTS)
    assert said.startswith(f"error: {chunks.parent}: ")
    assert "missing" in said if damage == "missing" else "a chunk cannot be read" in said
    assert said.endswith("remove the store and run again")
    assert "\n" not in said


def test_a_recording_from_other_weights_is_refused(plan):
    """Store and manifest of the untrained twin in place of the network's own."""
    own, other = Path("results/small/recordings"), Path("results/untrained/recordings")
    shutil.rmtree(own)
    other.rename(own)
    said = step(plan, KNOCKOUTS)
    assert said.startswith(f"error: {RECORDING}: made with network = ")
    assert said.endswith(" is wanted")


def test_weights_in_place_of_others_are_refused(plan):
    weights = Path("results/small/network/weights.safetensors")
    weights.write_bytes(Path("results/untrained/network/weights.safetensors").read_bytes())
    assert step(plan, KNOCKOUTS) == f"error: {weights} is not the file that network.json describes"


@pytest.mark.parametrize(
    "gone",
    [
        "results/small/network/network.json",
        "results/small/network/weights.safetensors",
        "results/small/recordings/toybox.json",
        "results/small/recordings/toybox.zarr",
        "results/stimuli/toybox.csv",
        "results/stimuli/toybox.zarr",
    ],
)
def test_what_has_vanished_is_named(plan, gone):
    shutil.rmtree(gone) if gone.endswith(".zarr") else Path(gone).unlink()
    said = step(plan, KNOCKOUTS)
    assert said.startswith("error: ")
    assert gone in said
    assert "\n" not in said


def test_a_store_that_vanishes_while_it_is_read_is_no_zeros(made):
    """Zarr would take its chunks for empty ones."""
    folder, _ = made
    copied = folder / "vanishing.zarr"
    shutil.copytree(folder / RECORDING, copied)
    array = read_array(
        open_store(copied, (folder / RECORDING).with_suffix(".json"), {}), "evaluation/logits"
    )
    shutil.rmtree(copied)
    with pytest.raises(
        InputError,
        match=r"vanishing\.zarr/evaluation/logits: a chunk cannot be read .*c/\d/0 is missing",
    ):
        read_rows(array, slice(None))


def photographs(folder):
    """Three of each of two categories, one of which is a link that can lose its target."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for category in ("n1", "n2"):
            own = folder / split / category
            own.mkdir(parents=True)
            for number in range(3):
                pixels = random.integers(0, 256, (80, 80, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(own / f"{number}.png")
    (folder.parent / "table.csv").write_text("category,super_category\nn1,animate\nn2,inanimate\n")


def test_a_photograph_that_vanishes_midway_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path / "photos")
    own = {
        "source": "folder",
        "folder": "photos",
        "category_table": "table.csv",
        "resize": 64,
        "image_size": 64,
        "images": {"scoring": 0, "extraction": 0, "evaluation": 2},
    }
    plan = plan_of(CONFIGURATION | {"stimuli": CONFIGURATION["stimuli"] | {"photos": own}})
    for number in range(2):
        kept = Path(f"photos/val/n1/{number}.png")
        kept.rename(f"{number}.png")
        kept.symlink_to(tmp_path / f"{number}.png")
        Path(f"{number}.png").unlink()
    # the names are the same, but two of the three files cannot be opened
    said = step(plan, "stimuli/photos")
    assert said.startswith("error: photos/val/n1/")
    assert "\n" not in said
    # one fewer than planned, of which enough are left: not drawn from without a word
    shutil.rmtree("photos")
    photographs(tmp_path / "photos")
    Path("photos/val/n1/2.png").unlink()
    assert step(plan, "stimuli/photos") == (
        "error: photos: files have come, gone or changed since this run was planned; start the run again"
    )


def test_a_weights_file_that_vanishes_is_named(plan, tmp_path):
    paths = paths_of(plan, "network/small") | {"weights": [tmp_path / "gone.pth"]}
    job = "network/small"
    plan.specs[job]["weights"], before = "gone.pth", plan.specs[job]["weights"]
    try:
        said = step(plan, job, paths)
    finally:
        plan.specs[job]["weights"] = before
    assert said == f"error: weights file {tmp_path / 'gone.pth'} does not exist"


# --- disks


@contextmanager
def mounted(folder, options):
    """A small file system in memory at a folder; only root may mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_recording_that_fills_the_disk_goes_on_where_it_stopped(plan, tmp_path):
    """As through `python -m anatomy.steps.record`, on a disk with two thirds of the room that is needed."""
    job = "record/small/toybox"
    whole = {p: p.read_bytes() for p in RECORDING.rglob("*") if p.is_file()}
    pages = sum(-(-len(content) // PAGE) for content in whole.values())
    shutil.rmtree(RECORDING.parent)
    with mounted(tmp_path / "disk", "size=16m") as disk:
        RECORDING.parent.symlink_to(disk)
        free = os.statvfs(disk).f_bavail
        (disk / "ballast").write_bytes(b"x" * PAGE * (free - pages * 2 // 3))
        said = step(plan, job)
        assert said == (
            f"error: {RECORDING}: cannot be written (No space left on device); run again to go on where it stopped"
        )
        assert not RECORDING.exists()
        progress = (disk / ".toybox.zarr.partial/progress.jsonl").read_text().count("\n")
        (disk / "ballast").unlink()
        assert step(plan, job) is None
        assert {p: p.read_bytes() for p in RECORDING.rglob("*") if p.is_file()} == whole
    assert progress >= 1


def test_files_that_do_not_fit_the_disk_leave_nothing(tmp_path):
    table = pd.DataFrame({"x": np.random.default_rng(0).random(50_000)})
    network = new_model("toybox_alexnet", 2, 0)
    preprocessing = Preprocessing(input_size=64, mean=(0, 0, 0), std=(1, 1, 1))
    writers = {
        "a.csv": lambda path: write_csv(table, path),
        "a.parquet": lambda path: write_parquet(table, path),
        "weights.safetensors": lambda path: save_network(
            path.parent, "toybox_alexnet", network, preprocessing, ["dog", "car"]
        ),
    }
    with mounted(tmp_path / "disk", "size=64k") as disk:
        for name, write in writers.items():
            with pytest.raises(InputError, match=rf"^{disk / name}: cannot be written \(.*o space"):
                write(disk / name)
            assert list(disk.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    specs = {"record/a": {"x": 1}}
    with mounted(tmp_path / "disk", "size=64k") as disk:
        write_json(disk / "specs/record/a.json", specs["record/a"])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(
            InputError, match=rf"^{disk / 'specs'}: cannot be written \(Read-only file system\)$"
        ):
            write_specs(disk / "specs", {"record/a": {"x": 2}})
        # those that are there as wanted can be looked at
        write_specs(disk / "specs", specs)
