"""Runs of a small configuration, each in a folder of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import yaml
from dry_run import dry_run
from given_files import give_files

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
# target rules, which do nothing themselves
EMPTY = ("all", "knockouts", "networks")


class Run:
    """A working directory with a configuration in it.

    Attributes
    ----------
    folder : the working directory
    source : where the workflow lies
    """

    # how many jobs at once
    limits: tuple[str, ...] = ("--cores", "2")

    def __init__(self, folder: Path, source: Path = ROOT) -> None:
        self.folder = folder
        self.source = source
        self.configuration = folder / "configuration.yaml"

    @classmethod
    def new(cls, folder: Path, configuration: Path = TINY) -> Self:
        """A folder in which nothing has run yet."""
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder)
        shutil.copy(configuration, run.configuration)
        give_files(folder)
        return run

    @property
    def profile(self) -> tuple[str, ...]:
        """The profile that Snakemake loads by itself where the workflow lies."""
        return "--workflow-profile", str(self.source / "workflow" / "profiles" / "default")

    @property
    def arguments(self) -> list[str]:
        """What Snakemake is called with, but for options."""
        workflow = ["--snakefile", str(self.source / "Snakefile"), *self.profile]
        return [*workflow, "--configfile", self.configuration.name]

    @property
    def command(self) -> list[str]:
        """The whole command."""
        return [sys.executable, "-m", "snakemake", *self.arguments]

    def snakemake(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here and return what it printed; the caller looks at the exit status."""
        return subprocess.run(
            [*self.command, *options], cwd=self.folder, capture_output=True, text=True, check=False
        )

    def finish(self, *options: str) -> Self:
        """Run to the end."""
        done = self.snakemake(*self.limits, *options)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
        return self

    def planned(self, *options: str) -> dict[str, int]:
        """Rule -> number of its jobs that Snakemake would run now, without the empty target rule."""
        status, printed = dry_run(self.folder, [*self.arguments, *options])
        assert status == 0, printed
        if "Nothing to be done" in printed:
            return {}
        stats = re.search(r"Job stats:\n.*?\n-.*?\n(.*?)\ntotal ", printed, re.DOTALL)
        jobs = dict(line.split() for line in stats.group(1).splitlines())
        return {rule: int(count) for rule, count in jobs.items() if rule not in EMPTY}

    def content(self) -> dict[str, Any]:
        """The configuration."""
        return yaml.safe_load(self.configuration.read_text(encoding="utf-8"))

    def write(self, content: dict[str, Any]) -> None:
        """Replace the configuration."""
        self.configuration.unlink()  # a copy may share it with the original
        self.configuration.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def change(self, *keys: str, to: object) -> None:
        """Change one value of the configuration."""
        content = self.content()
        section = content
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = to
        self.write(content)

    def tables(self) -> dict[str, bytes]:
        """Every CSV table under results/."""
        results = self.folder / "results"
        return {str(p.relative_to(results)): p.read_bytes() for p in sorted(results.rglob("*.csv"))}
