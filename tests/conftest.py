"""Shared by all tests."""

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

# of each process; there may be one for each core
torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes that share the tests take them file by file, so that each makes its fixtures once.

    Tests of the workflow share a finished run, and those on real data have a core of their own beside it.
    """
    for item in items:
        place = item.path.relative_to(ROOT / "tests")
        whole = place.parts[0] in ("workflow", "real")
        item.add_marker(pytest.mark.xdist_group(place.parts[0] if whole else str(place)))
