"""Runs of the small configuration, finished once."""

import shutil

import pytest
from runs import Run

from anatomy.locks import FileLock


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Run:
    """A finished run, one for all processes of the tests; tests that change anything work in a copy."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    done = shared / "finished.txt"
    lock = FileLock(shared / "finished.lock")
    lock.alone()
    try:
        if not done.exists():
            Run.new(shared / "finished").finish()
            done.touch()
    finally:
        lock.close()
    return Run(shared / "finished")


@pytest.fixture
def copy(finished, tmp_path) -> Run:
    """A copy of the finished run."""
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Run(tmp_path / "copy")


@pytest.fixture
def new_run(tmp_path) -> Run:
    """A folder in which nothing has run."""
    return Run.new(tmp_path / "new")
