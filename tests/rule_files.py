"""What the rule files say, read as text."""

import re
from dataclasses import dataclass
from pathlib import Path

RULES = Path(__file__).parents[1] / "workflow" / "rules"


@dataclass(frozen=True)
class Declared:
    """Resources of a rule: what `gpu=` stands for, if anything; memory (MB) and time (minutes) of a first attempt."""

    gpu: str | None
    mem_mb: int
    runtime: int


def rules() -> dict[str, str]:
    """Rule -> its text."""
    found = {}
    for path in RULES.glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            name, text = rule.split(":", 1)
            found[name] = text
    return found


def is_local(text: str) -> bool:
    """Whether a rule's jobs run where Snakemake itself does."""
    return "localrule: True" in text


def declared(text: str) -> Declared:
    """The resources of a rule that runs on a cluster; those that do not grow with the attempt are refused."""
    gpu = re.search(r"^        gpu=(.*),$", text, flags=re.MULTILINE)
    return Declared(gpu and gpu.group(1), _growing(text, "mem_mb"), _growing(text, "runtime"))


def _growing(text: str, resource: str) -> int:
    growing = rf"^        {resource}=lambda wildcards, attempt: (\d+) \* attempt,$"
    found = re.search(growing, text, flags=re.MULTILINE)
    assert found is not None, f"{resource} does not grow with the attempt:{text}"
    return int(found.group(1))
