"""A cluster for these tests, and runs on it."""

import re
import subprocess
from pathlib import Path

import pytest
from runs import ROOT, Run
from scheduler import Job, accounted

HERE = Path(__file__).parent
SLURM = HERE / "slurm.sh"
STATE = Path("/var/tmp/anatomy-slurm")


class ClusterRun(Run):
    """A working directory whose jobs go to the test cluster, with the options that a user would give."""

    profile = (
        *("--workflow-profile", str(ROOT / "workflow/profiles/slurm")),
        *("--slurm-partition-config", str(HERE / "partitions.yaml")),
        *("--default-resources", "slurm_account=lab"),
        *("--slurm-init-seconds-before-status-checks", "2"),
    )
    limits = ()

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start Snakemake and go on; its output is one text."""
        return subprocess.Popen(
            [*self.command, *options],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def jobs_of(printed: str) -> list[Job]:
    """The jobs that SLURM has accounted for, of the run that printed this."""
    return accounted(re.search(r"SLURM run ID: (\S+)", printed).group(1))


@pytest.fixture(scope="session", autouse=True)
def cluster():
    """A cluster that runs; one that ran before goes on."""
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
