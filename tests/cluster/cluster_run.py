"""Runs whose jobs go to the test cluster."""

import getpass
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runs import ROOT, Run
from scheduler import Job, accounted, output

PARTITIONS = Path(__file__).with_name("partitions.yaml")


class ClusterRun(Run):
    """A working directory whose jobs go to the test cluster, with the options that a user would give."""

    profile = (
        *("--workflow-profile", str(ROOT / "workflow/profiles/slurm")),
        *("--slurm-partition-config", str(PARTITIONS)),
        *("--default-resources", "slurm_account=lab"),
        *("--slurm-init-seconds-before-status-checks", "2"),
    )
    limits = ()

    @contextmanager
    def started(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """Snakemake at work; its output is one text. If it has not ended by itself, it is killed, and its jobs too."""
        process = subprocess.Popen(
            [*self.command, *options],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
                output("scancel", "--user", getpass.getuser())


def jobs_of(printed: str) -> list[Job]:
    """The jobs that SLURM has accounted for, of the run that printed this."""
    return accounted(re.search(r"SLURM run ID: (\S+)", printed).group(1))
