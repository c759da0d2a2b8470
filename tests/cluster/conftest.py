"""A cluster for these tests, and runs on it."""

import os
import subprocess
from pathlib import Path

import pytest
from cluster_run import ClusterRun
from runs import Run

SLURM = Path(__file__).with_name("slurm.sh")
STATE = Path("/var/tmp/anatomy-slurm")


@pytest.fixture(scope="session", autouse=True)
def cluster():
    """A cluster that runs; one that ran before goes on."""
    # the machine pretends to have more cores than it has: threads that wait must not keep others from theirs
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    ran_before = STATE.exists()
    subprocess.run([SLURM, "start"], check=True, timeout=180)
    yield
    if not ran_before:
        subprocess.run([SLURM, "stop"], check=True, timeout=180)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Run:
    """Networks, recordings and knock-outs of the small configuration, made on this machine."""
    return Run.new(tmp_path_factory.mktemp("finished")).finish("--", "knockouts")


@pytest.fixture
def new_run(tmp_path) -> ClusterRun:
    """A folder in which nothing has run."""
    return ClusterRun.new(tmp_path / "new")
