"""The conda environment is in step with the one place for versions, the SLURM profile with the rules."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace

import yaml
from rule_files import declared, is_local, rules
from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "envs"
PROFILE = ROOT / "workflow" / "profiles" / "slurm"


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


def test_every_job_of_a_cluster_declares_memory_and_time_that_grow() -> None:
    on_cluster = {name: declared(text) for name, text in rules().items() if not is_local(text)}
    assert on_cluster["make_stimuli"].gpu is None
    assert on_cluster["record_dissection_responses"].gpu == "1"
    assert all(each.mem_mb >= 1000 and each.runtime >= 10 for each in on_cluster.values())


def test_all_that_is_downloaded_is_downloaded_where_there_is_internet() -> None:
    downloading = {name for name in rules() if name.startswith("download")}
    assert {"download_imagenette", "download_weights"} <= downloading
    assert downloading == {name for name, text in rules().items() if is_local(text)}


def test_profile_of_slurm_sends_jobs_that_ask_for_a_gpu_and_no_others_to_its_partition() -> None:
    profile = yaml.safe_load((PROFILE / "profile.yaml").read_text("utf-8"))
    partitions = read_partition_file(PROFILE / profile["slurm-partition-config"])
    assert not {"set-resources", "groups", "slurm-array-jobs"} & set(profile)

    def chosen(**resources: int) -> str | None:
        job = SimpleNamespace(name="job", threads=2, resources=resources)
        return get_best_partition(partitions, job, logging.getLogger())

    declared = {"mem_mb": 24000, "runtime": 720}
    assert chosen(gpu=1, **declared) == "CHANGE_ME_gpu"
    assert chosen(gpu=0, **declared) == chosen(**declared) == "CHANGE_ME_cpu"
