# Reads the configuration, plans the jobs and writes their specs. Everything here is needed by all rule files.

import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "workflow"))

from anatomy.config.checks import check
from anatomy.config.given_architectures import with_kept_architectures
from anatomy.config.validation import validate
from anatomy.environment import prepare_environment
from anatomy.errors import InputError
from anatomy.plan import make_plan
from anatomy.spec_files import note_configuration, submitted_configuration

prepare_environment()

try:
    CONFIGURATION = validate(config if workflow.is_main_process else submitted_configuration())
    if workflow.is_main_process:
        check(CONFIGURATION)
    PLAN = make_plan(CONFIGURATION, plans_anew=workflow.is_main_process)
    if workflow.is_main_process:
        PLAN.write_specs()
        note_configuration(with_kept_architectures(config))
except InputError as error:
    raise WorkflowError(str(error)) from None

THREADS = CONFIGURATION.compute.threads
TARGETS = PLAN.targets()


wildcard_constraints:
    network="|".join(CONFIGURATION.networks),
    stimuli="|".join(CONFIGURATION.stimuli),
    shard=r"shard_\d{4}",
    part=r"layers_\d{4}",
    fold=r"fold_\d+",
    layer=r"[^/]+",
    clustering="gaussian_mixture|ward|hdbscan",
