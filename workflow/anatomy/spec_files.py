"""Specs on disk: written by one Snakemake at a time, and never under the feet of another that is at work."""

import errno
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anatomy.canonical import holds, write_json, write_text
from anatomy.errors import InputError
from anatomy.locks import RUN, Comer, FileLock

SUBMITTED = Path("results/specs/configuration.json")
LOCK = ".lock"
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
# never closed on purpose: the locks end with the process
_kept: list[FileLock] = []


def write_specs(folder: Path, specs: Mapping[str, Mapping[str, Any]]) -> None:
    """Write every spec whose content has changed, and keep the folder from others until this process ends.

    Processes with the same specs share the folder: Snakemake itself sees to it that only one of them runs jobs. One
    with other specs is turned away as long as any is at work.

    Parameters
    ----------
    folder : of all specs
    specs : job name -> its settings

    Raises
    ------
    InputError
        when specs have changed, but another process is at work with those on disk, or the folder cannot be written
    """
    os.environ[RUN] = str(time.time_ns())
    try:
        lock = FileLock(folder / LOCK)
    except OSError as error:
        if error.errno in READ_ONLY and not _changed(folder, specs):
            return  # what is finished can be looked at
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
    _kept.append(lock)
    if lock.try_alone():
        lock.note(Comer.this(), erase=True)
        for job in _changed(folder, specs):
            write_json(_file(folder, job), specs[job])
        lock.share()
        return
    lock.share()
    if _changed(folder, specs):
        raise InputError(
            f"another Snakemake ({lock.holder()}) is at work in this folder with another configuration; wait until it "
            "has ended"
        )
    lock.note(Comer.this())


def note_configuration(raw: Mapping[str, Any]) -> None:
    """Keep the configuration of the main process, with its keys in their order, for the jobs that it submits."""
    text = json.dumps(raw)
    if not SUBMITTED.exists() or SUBMITTED.read_text(encoding="utf-8") != text:
        write_text(SUBMITTED, text)


def submitted_configuration() -> dict[str, Any]:
    """The configuration that the jobs at work were submitted with.

    Those of a cluster read the Snakefile again when they begin, perhaps hours later, when the user's file may say
    something else.
    """
    return json.loads(SUBMITTED.read_text(encoding="utf-8"))


def _changed(folder: Path, specs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [job for job, spec in specs.items() if not holds(_file(folder, job), spec)]


def _file(folder: Path, job: str) -> Path:
    return folder / f"{job}.json"
