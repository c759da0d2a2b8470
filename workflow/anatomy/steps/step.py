"""What all steps share: arguments, logging, errors in one sentence, and a record of what was done.

A step is run as `python -m anatomy.steps.NAME SPEC --INPUT path ... --OUTPUT path ... --record RECORD`.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anatomy
from anatomy.canonical import file_digest, read_json, write_json
from anatomy.dependencies import CODE, code_digest, code_digests, module_of
from anatomy.errors import InputError
from anatomy.gpu_errors import gpu_errors
from anatomy.locks import working_alone
from anatomy.steps.one_sentence import errors_in_one_sentence

DIGESTED_BYTES = 1 << 20
PACKAGES = ("numpy", "torch", "torchvision", "zarr", "pandas", "scikit-learn")


class Job:
    """The spec and paths of one job.

    Attributes
    ----------
    spec : settings of the job
    gpus : GPUs that the job was given
    """

    def __init__(self, spec: dict[str, Any], gpus: int, paths: dict[str, list[Path]]) -> None:
        self.spec = spec
        self.gpus = gpus
        self._paths = paths

    def path(self, name: str) -> Path:
        """The one path given for an argument."""
        (path,) = self._paths[name]
        return path

    def paths(self, name: str) -> list[Path]:
        """All paths given for an argument."""
        return self._paths[name]


def run_step(
    work: Callable[[Job], None], inputs: Sequence[str] = (), outputs: Sequence[str] = ()
) -> None:
    """Run a step from the command line and write its record.

    Parameters
    ----------
    work : does the work
    inputs, outputs : names of the step's arguments; each takes one or more paths
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    arguments = _parser(inputs, outputs).parse_args()
    paths = {name: getattr(arguments, name) for name in [*inputs, *outputs]}
    written = [path for name in outputs for path in paths[name]]
    with errors_in_one_sentence(written):
        for path in written:
            path.parent.mkdir(parents=True, exist_ok=True)
        with working_alone(arguments.record, written), gpu_errors():
            module = module_of(Path(work.__code__.co_filename))
            job = Job(_planned(arguments.spec, module), arguments.gpus, paths)
            # before the work: what the result is made from, not what lies there afterwards
            record = _record(job, code_digests(module, job.spec), inputs, paths)
            work(job)
            write_json(arguments.record, record)


def _planned(path: Path, module: str) -> dict[str, Any]:
    """The job's settings, once it is certain that its code is the one that it was planned with."""
    spec = read_json(path)
    planned, code = spec.pop(CODE, None), code_digest(module, spec)
    if planned not in (None, code):
        raise InputError(
            f"{path}: the code of this step was edited after the job was planned; run snakemake again"
        )
    return spec


def _parser(inputs: Sequence[str], outputs: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("spec", type=Path)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--gpus", type=int, default=0)
    for name in [*inputs, *outputs]:
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, dest=name, type=Path, nargs="*", required=True)
    return parser


def _record(
    job: Job, code: Mapping[str, str], inputs: Sequence[str], paths: dict[str, list[Path]]
) -> dict[str, Any]:
    """The spec a result is made from, with the digests of its code and of small inputs, and the versions used."""
    small = [
        path
        for name in inputs
        for path in paths[name]
        if path.is_file() and path.stat().st_size <= DIGESTED_BYTES
    ]
    return {
        "spec": job.spec,
        CODE: code,
        "inputs": {str(path): file_digest(path) for path in small},
        "versions": {"anatomy": anatomy.__version__} | {p: version(p) for p in PACKAGES},
    }
