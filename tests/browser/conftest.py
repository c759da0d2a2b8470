"""The browser of all tests; drawn units are shared with the unit tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser for the tests of one file."""
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
