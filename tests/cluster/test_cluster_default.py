"""The default configuration from beginning to end, and what its jobs asked SLURM for."""

import re
from collections import Counter

import pytest
from cluster_run import ClusterRun, jobs_of
from rule_files import declared, is_local, rules
from runs import ROOT, Run

from anatomy.canonical import read_json

pytestmark = pytest.mark.cluster
RULES = rules()


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The finished run of the default configuration, and its jobs."""
    folder = tmp_path_factory.mktemp("default")
    run = ClusterRun.new(folder, ROOT / "config" / "config.yaml")
    planned = run.planned()
    done = run.snakemake()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return run, planned, jobs_of(done.stderr)


def test_every_planned_job_was_one_job_of_the_cluster(default):
    run, planned, jobs = default
    on_cluster = {rule: n for rule, n in planned.items() if not is_local(RULES[rule])}
    assert Counter(job.rule for job in jobs) == on_cluster
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert run.planned() == {}


def test_jobs_that_profit_from_a_gpu_and_no_others_asked_for_one(default):
    run, _, jobs = default
    for job in jobs:
        gpu = declared(RULES[job.rule]).gpu
        if job.rule == "make_network":
            # only training does
            weights = read_json(run.folder / f"results/specs/network/{job.wildcards}.json")[
                "weights"
            ]
            wanted = int(weights == "trained")
        else:
            assert gpu in ("1", None), job
            wanted = int(gpu or 0)
        assert job.gpus == wanted, job
        assert job.partition == ("accelerated" if wanted else "main"), job
    assert {job.gpus for job in jobs if job.rule == "make_network"} == {0, 1}
    assert 20 < sum(job.gpus for job in jobs) < len(jobs)


def test_jobs_asked_for_the_memory_and_time_that_their_rules_declare(default):
    _, _, jobs = default
    for job in jobs:
        resources = declared(RULES[job.rule])
        assert (job.mem_mb, job.runtime) == (resources.mem_mb, resources.runtime), job
        assert re.search(r"^    threads:", RULES[job.rule], re.MULTILINE) or job.cpus == 1, job


def test_tables_are_those_of_this_machine_alone(default):
    """Compared with the checkout's own results, if it has those of the default configuration (`make` makes them)."""
    run, _, _ = default
    local = Run(ROOT)
    specs = "results/specs"
    names = [path.relative_to(run.folder) for path in sorted((run.folder / specs).rglob("*.json"))]
    for name in names:
        if (
            not (ROOT / name).exists()
            or (ROOT / name).read_bytes() != (run.folder / name).read_bytes()
        ):
            pytest.skip(
                f"this checkout has no results of the default configuration ({name}); run make first"
            )
    mine = run.tables()
    assert "summary.csv" in mine
    theirs = local.tables()
    assert {name: theirs[name] == table for name, table in mine.items()} == dict.fromkeys(
        mine, True
    )
