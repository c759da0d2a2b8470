# Reads the configuration, plans the jobs and writes their specs. Everything here is needed by all rule files.

import json
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "workflow"))

from anatomy.canonical import write_text
from anatomy.config.checks import check
from anatomy.config.validation import validate
from anatomy.dependencies import library_files
from anatomy.environment import prepare_environment
from anatomy.errors import InputError
from anatomy.plan import make_plan

prepare_environment()

# Jobs of a cluster read the Snakefile again, perhaps hours later. They go by the configuration with which they were
# submitted, which lies here with its keys in their order, not by what the user's file says by then.
SUBMITTED = Path("results/specs/configuration.json")

try:
    CONFIGURATION = validate(config if workflow.is_main_process else json.loads(SUBMITTED.read_text("utf-8")))
    if workflow.is_main_process:
        check(CONFIGURATION)
    PLAN = make_plan(CONFIGURATION, list_files=workflow.is_main_process)
except InputError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:
    PLAN.write_specs()
    if not SUBMITTED.exists() or SUBMITTED.read_text("utf-8") != json.dumps(config):
        write_text(SUBMITTED, json.dumps(config))

THREADS = CONFIGURATION.compute.threads
TARGETS = PLAN.targets()


# The library files that a step imports, directly or not, are inputs of its jobs. Their names stay the same when a
# finished working directory is moved.
CODE_ROOT = Path() if Path.cwd() == ROOT else ROOT
CODE = {step: [str(CODE_ROOT / file) for file in library_files(f"anatomy.steps.{step}")] for step in PLAN.steps()}


wildcard_constraints:
    network="|".join(CONFIGURATION.networks),
    stimuli="|".join(CONFIGURATION.stimuli),
    shard=r"shard_\d{4}",
    part=r"layers_\d{4}",
    fold=r"fold_\d+",
    layer=r"[^/]+",
    clustering="gaussian_mixture|ward|hdbscan",
