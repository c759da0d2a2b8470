"""The environment that jobs inherit."""

import os
import sys
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
# For glibc: keep freed memory for the next batch, whose arrays are as large as this one's. To give it back and have it
# cleared anew takes a sixth of the time of a forward pass.
MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(2 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


def prepare_environment() -> None:
    """Let the `python` of every job find this library, and be the one that runs now.

    An environment that is activated for a job (conda, modules) still comes first. What the user has set for the memory
    allocator stays.
    """
    _prepend("PYTHONPATH", str(LIBRARY))
    _prepend("PATH", str(Path(sys.executable).parent))
    for variable, value in MEMORY.items():
        os.environ.setdefault(variable, value)


def _prepend(variable: str, entry: str) -> None:
    entries = [e for e in os.environ.get(variable, "").split(os.pathsep) if e and e != entry]
    os.environ[variable] = os.pathsep.join([entry, *entries])
