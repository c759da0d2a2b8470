"""The environment that jobs inherit."""

import os
import sys
from pathlib import Path

LIBRARY = Path(__file__).parents[1]


def prepare_environment() -> None:
    """Let the `python` of every job find this library, and be the one that runs now.

    An environment that is activated for a job (conda, modules) still comes first.
    """
    _prepend("PYTHONPATH", str(LIBRARY))
    _prepend("PATH", str(Path(sys.executable).parent))


def _prepend(variable: str, entry: str) -> None:
    entries = [e for e in os.environ.get(variable, "").split(os.pathsep) if e and e != entry]
    os.environ[variable] = os.pathsep.join([entry, *entries])
