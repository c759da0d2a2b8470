"""A run of a configuration that is disturbed by kill -9 again and again, and goes on each time."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
STEP = "anatomy.steps."
# of each job: so that the run comes to its end, and kills fall on as many jobs as there are
HITS_OF_A_JOB = 2
# what may die: one job's process, the shell around it, Snakemake alone, or all of them at once
KINDS = ("job", "shell", "snakemake", "everything")
LONGEST_PAUSE = 6.0
# the last kill comes when so much of the jobs is done, the others evenly before
LAST = 0.9
SECONDS_TO_END = 900


@dataclass(frozen=True)
class Kill:
    """What died, after how many seconds of all, and the jobs it hit, by the paths of their records."""

    kind: str
    second: float
    jobs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.second:7.1f} s  {self.kind:<10}  {', '.join(self.jobs)}"


class DisturbedRun:
    """Runs Snakemake in a folder, and kills.

    Parameters
    ----------
    folder : the working directory
    configuration : its configuration file
    seed : of the moments and the victims
    """

    def __init__(self, folder: Path, configuration: Path, seed: int) -> None:
        self.folder = folder
        self.kills: list[Kill] = []
        self._random = random.Random(seed)
        self._hits: Counter[str] = Counter()
        self._start = time.monotonic()
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        profile = ["--workflow-profile", str(ROOT / "workflow" / "profiles" / "default")]
        self._command = [*snakemake, *profile, "--configfile", str(configuration)]
        folder.mkdir(parents=True, exist_ok=True)

    def snakemake(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake undisturbed."""
        return subprocess.run(
            [*self._command, *options], cwd=self.folder, capture_output=True, text=True, check=False
        )

    def finish(self, kills: int) -> None:
        """Run to the end, killing so many times on the way; each kill is printed."""
        while True:
            share = LAST * len(self.kills) / max(1, kills)
            kind = self._random.choice(KINDS) if len(self.kills) < kills else None
            ended = self._disturb(kind, share)
            if ended == 0:
                return
            if ended == -signal.SIGKILL:
                unlocked = self.snakemake("--unlock")
                assert unlocked.returncode == 0, unlocked.stderr[-3000:]

    def _disturb(self, kind: str | None, share: float) -> int:
        """One start of Snakemake and one kill, or none, when that share is done; returns Snakemake's exit status."""
        with (self.folder / "run.log").open("a") as log:
            process = subprocess.Popen(
                [*self._command, "--cores", "2"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        before = len(self.kills)
        if kind is not None:
            self._strike(process, kind, share)
        ended = process.wait(SECONDS_TO_END)
        if ended != 0 and len(self.kills) == before:
            text = (self.folder / "run.log").read_text()[-5000:]
            raise AssertionError(f"Snakemake failed although nothing was killed:\n{text}")
        return ended

    def _strike(self, process: subprocess.Popen, kind: str, share: float) -> None:
        """Wait for a random time, then for that share of the run and for jobs that were not hit often, and kill."""
        pause = self._random.uniform(0, LONGEST_PAUSE)
        while process.poll() is None:
            jobs = self._jobs(process)
            if not jobs:
                time.sleep(0.02)
                continue
            if pause > 0:
                time.sleep(min(pause, 0.1))
                pause -= 0.1
                continue
            open_ = {job: own for job, own in jobs.items() if self._hits[job] < HITS_OF_A_JOB}
            all_are_open = kind in ("job", "shell") or len(open_) == len(jobs)
            if open_ and all_are_open and self._done() >= share:
                self._kill(process, kind, open_)
                return
            time.sleep(0.1)

    def _done(self) -> float:
        """Share of the jobs that have left their record."""
        done, all_ = (
            sum(1 for _ in (self.folder / "results" / name).rglob("*.json"))
            for name in ("records", "specs")
        )
        return done / max(1, all_)

    def _kill(
        self, process: subprocess.Popen, kind: str, jobs: dict[str, list[psutil.Process]]
    ) -> None:
        hit = sorted(jobs)
        try:
            if kind in ("job", "shell"):
                hit = [self._random.choice(hit)]
                # the shell comes first, the process it has started last
                jobs[hit[0]][-1 if kind == "job" else 0].kill()
            elif kind == "snakemake":
                process.kill()
            else:
                # at once: nobody may take note of another's death
                own = psutil.Process(process.pid)
                family = [*own.children(recursive=True), own]
                for member in family:
                    member.suspend()
                for member in family:
                    member.kill()
        except psutil.NoSuchProcess:
            return  # it ended just before
        self._hits.update(hit)
        self.kills.append(Kill(kind, time.monotonic() - self._start, tuple(hit)))
        print(f"{len(self.kills):3d}  {self.kills[-1]}", flush=True)

    @staticmethod
    def _jobs(process: subprocess.Popen) -> dict[str, list[psutil.Process]]:
        """Record of each running job -> its shell and its process, in that order."""
        jobs: dict[str, list[psutil.Process]] = {}
        try:
            for child in psutil.Process(process.pid).children(recursive=True):
                words = " ".join(child.cmdline()).split()
                if "--record" in words and any(word.startswith(STEP) for word in words):
                    jobs.setdefault(words[words.index("--record") + 1], []).append(child)
        except psutil.NoSuchProcess:
            return {}
        return jobs


def result_files(results: Path) -> dict[str, bytes]:
    """Everything that the jobs have made, without what tells of times and processes."""
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file()
        and path.relative_to(results).parts[0] not in ("logs", "benchmarks", "README.md")
        and path.name != ".snakemake_timestamp"
        and not path.name.endswith(".lock")
    }
