"""The default workflow, killed at many random moments, ends with the results of a run that nobody disturbed."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from disturbed_run import KINDS, ROOT, DisturbedRun, result_files

CONFIGURATION = ROOT / "config" / "config.yaml"
KILLS = 60
SEED = 7
TABLES = (".csv", ".parquet")


def audit(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anatomy.audit", "--configfile", str(CONFIGURATION)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Path:
    """Results of an undisturbed run: those of this checkout where they are complete, otherwise new ones."""
    if audit(ROOT).returncode == 0:
        return ROOT / "results"
    run = DisturbedRun(tmp_path_factory.mktemp("undisturbed"), CONFIGURATION, SEED)
    run.finish(kills=0)
    return run.folder / "results"


@pytest.mark.faults
def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(undisturbed, tmp_path):
    print(f"\nseed {SEED}")
    run = DisturbedRun(tmp_path / "run", CONFIGURATION, SEED)
    run.finish(KILLS)
    print(Counter(kill.kind for kill in run.kills))
    assert len(run.kills) >= 50
    assert {kill.kind for kill in run.kills} == set(KINDS)

    dry = run.snakemake("--dry-run")
    assert "Nothing to be done" in dry.stdout + dry.stderr
    assert audit(run.folder).returncode == 0

    found, wanted = result_files(run.folder / "results"), result_files(undisturbed)
    tables = {name for name in wanted if name.endswith(TABLES)}
    assert len(tables) > 100
    assert {name for name in tables if found.get(name) != wanted[name]} == set()
    # nothing half done is left, and all else is the same too
    assert set(found) == set(wanted)
    assert {name for name in wanted if found[name] != wanted[name]} == set()
    shutil.rmtree(run.folder)
