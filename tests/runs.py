"""Runs of a small configuration, each in a folder of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

import yaml

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
PROFILES = ROOT / "workflow" / "profiles"
# target rules, which do nothing themselves
EMPTY = ("all", "knockouts", "networks")


class Run:
    """A working directory with a configuration in it."""

    # the profile that Snakemake loads by itself where the workflow lies
    profile: tuple[str, ...] = ("--workflow-profile", str(PROFILES / "default"))
    # how many jobs at once
    limits: tuple[str, ...] = ("--cores", "2")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "configuration.yaml"

    @classmethod
    def new(cls, folder: Path, configuration: Path = TINY) -> Self:
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder)
        shutil.copy(configuration, run.configuration)
        return run

    @property
    def command(self) -> list[str]:
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        return [*snakemake, *self.profile, "--configfile", self.configuration.name]

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
        dry = self.snakemake("--dry-run", *options)
        assert dry.returncode == 0, dry.stderr
        if "Nothing to be done" in dry.stdout + dry.stderr:
            return {}
        stats = re.search(
            r"Job stats:\n.*?\n-.*?\n(.*?)\ntotal ", dry.stdout + dry.stderr, re.DOTALL
        )
        jobs = dict(line.split() for line in stats.group(1).splitlines())
        return {rule: int(count) for rule, count in jobs.items() if rule not in EMPTY}

    def change(self, *keys: str, to: object) -> None:
        """Change one value of the configuration."""
        content = yaml.safe_load(self.configuration.read_text(encoding="utf-8"))
        section = content
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = to
        self.configuration.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def tables(self) -> dict[str, bytes]:
        """Every CSV table under results/."""
        results = self.folder / "results"
        return {str(p.relative_to(results)): p.read_bytes() for p in sorted(results.rglob("*.csv"))}
