"""What runs again after a change, and what does not: every row of docs/incremental.md."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from changes import CHANGES, edit
from incremental_table import repeated, rows
from runs import ROOT, Run

ROWS = rows("changes")


@pytest.fixture(scope="module")
def jobs(finished) -> dict[str, int]:
    """Rule -> number of its jobs in the whole run."""
    return finished.planned("--forceall")


@pytest.fixture
def linked(finished, tmp_path) -> Run:
    """A copy of the finished run and of the workflow; files are shared until they are replaced."""
    shutil.copytree(finished.folder, tmp_path / "run", symlinks=True, copy_function=os.link)
    (tmp_path / "run/results/specs/.lock").unlink()  # a lock of its own
    source = tmp_path / "source"
    for name in ("workflow", "config", "envs", "resources"):
        shutil.copytree(ROOT / name, source / name, copy_function=os.link)
    shutil.copy2(ROOT / "Snakefile", source)
    return Run(tmp_path / "run", source)


def test_every_change_of_the_document_is_made_here():
    assert sorted(ROWS) == sorted(CHANGES)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_repeats_what_the_document_says(linked, jobs, change):
    CHANGES[change](linked)
    assert linked.planned() == repeated(ROWS[change], jobs)


def test_a_step_whose_code_was_edited_after_planning_does_not_run(linked, tmp_path):
    """As a job that waited on a cluster meanwhile."""
    spec = Path("results/specs/summary.json")
    edited = linked.source / "workflow/anatomy/steps/summary.py"
    text = edited.read_text(encoding="utf-8")
    edit(edited)
    names = re.findall(r'"(\w+)"', re.search(r"run_step\((.*)\)", text, re.DOTALL)[1])
    arguments = [part for name in names for part in ("--" + name.replace("_", "-"), "none")]
    command = [sys.executable, "-m", "anatomy.steps.summary", str(spec), *arguments]
    environment = os.environ | {"PYTHONPATH": str(linked.source / "workflow")}
    done = subprocess.run(
        [*command, "--record", str(tmp_path / "record.json")],
        cwd=linked.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {spec}: the code of this step was edited after the job was planned; "
        "run snakemake again\n"
    )


def test_audit_names_what_does_not_match(linked):
    command = [sys.executable, "-m", "anatomy.audit", "--configfile", linked.configuration.name]
    environment = os.environ | {"PYTHONPATH": str(linked.source / "workflow")}

    def audit():
        return subprocess.run(
            command, cwd=linked.folder, env=environment, capture_output=True, text=True, check=False
        )

    assert audit().returncode == 0
    linked.change("circuits", "threshold", to=0.7)
    CHANGES["the style of figures edited"](linked)
    stale = audit()
    assert stale.returncode == 1
    assert "circuits/small/shard_0000: made with other settings of thresholds" in stale.stdout
    style = "workflow/anatomy/figures/style.py"
    assert f"figures/headlines: made with another version of {style}" in stale.stdout
    assert "scores" not in stale.stdout
