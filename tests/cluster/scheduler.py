"""What SLURM says of jobs: those in its queue, and those it has accounted for."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

MEGABYTES = {"M": 1, "G": 1024}


@dataclass(frozen=True)
class Job:
    """A job that SLURM has accounted for: what it was, what it asked for, and how it ended."""

    slurm_id: str
    rule: str
    wildcards: str
    state: str
    partition: str
    cpus: int
    gpus: int
    mem_mb: int
    runtime: int


def accounted(run: str) -> list[Job]:
    """All jobs of one run of Snakemake, by the name that it gave them, in the order of submission."""
    fields = "JobIDRaw,Comment,State,Partition,ReqTRES,TimelimitRaw"
    text = output("sacct", "--name", run, "-XnP", "--delimiter=\t", "--format", fields)
    return [_job(*line.split("\t")) for line in text.splitlines()]


def _job(slurm_id: str, comment: str, state: str, partition: str, asked: str, minutes: str) -> Job:
    rule, _, wildcards = comment.removeprefix("rule_").partition("_wildcards_")
    resources = dict(part.split("=") for part in asked.split(","))
    memory = resources["mem"]
    return Job(
        slurm_id,
        rule,
        wildcards,
        # "CANCELLED by 0" says by whom
        state.split()[0],
        partition,
        int(resources["cpu"]),
        int(resources.get("gres/gpu", 0)),
        round(float(memory[:-1]) * MEGABYTES[memory[-1]]),
        int(minutes),
    )


def queued(rule: str, state: str) -> list[str]:
    """SLURM's numbers of the jobs of a rule that are in one state now."""
    text = output("squeue", "--noheader", "--states", state, "--format", "%i %k")
    jobs = dict(line.split(" ", 1) for line in text.splitlines())
    return [number for number, comment in jobs.items() if comment.startswith(f"rule_{rule}")]


def set_partition(partition: str, state: str) -> None:
    """UP, or DOWN: jobs are queued but not started."""
    output("scontrol", "update", f"PartitionName={partition}", f"State={state}")


def output(*command: str) -> str:
    """What a command of SLURM prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait_for(condition: Callable[[], object], what: str, seconds: float = 900) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)
