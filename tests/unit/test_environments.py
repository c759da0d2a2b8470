"""The conda environment is in step with the one place for versions, the SLURM profile with the rules."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "envs"


def pins(lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_conda_environment_has_the_same_pins_as_the_requirements() -> None:
    environment = yaml.safe_load((ENVIRONMENTS / "anatomy.yaml").read_text(encoding="utf-8"))
    (by_pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    wanted = pins((ENVIRONMENTS / "requirements.txt").read_text(encoding="utf-8").splitlines())
    assert by_pip == wanted
    assert "pip" in environment["dependencies"]


def test_every_requirement_is_pinned_exactly() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = (ENVIRONMENTS / file).read_text(encoding="utf-8").splitlines()
        for pin in pins(lines):
            if not pin.startswith("-"):
                assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][A-Za-z0-9.]*", pin), pin


def test_rules_that_take_a_gpu_go_to_its_partition() -> None:
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/profile.yaml").read_text("utf-8"))
    listed = {
        rule
        for rule, resources in profile["set-resources"].items()
        if resources == {"slurm_partition": "CHANGE_ME_gpu"}
    }
    taking = set()
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            if re.search(r"^        gpu=", rule, flags=re.MULTILINE):
                taking.add(rule.split(":")[0])
    assert "record_dissection_responses" in taking
    assert listed == taking
