"""Runs of the small configuration, finished once."""

import shutil

import pytest
from runs import Run


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Run:
    """A finished run; tests that change anything work in a copy."""
    return Run.new(tmp_path_factory.mktemp("finished")).finish()


@pytest.fixture
def copy(finished, tmp_path) -> Run:
    """A copy of the finished run."""
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Run(tmp_path / "copy")


@pytest.fixture
def new_run(tmp_path) -> Run:
    """A folder in which nothing has run."""
    return Run.new(tmp_path / "new")
