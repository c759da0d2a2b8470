"""Progress bars that are readable in a log file."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """Iterate with a progress bar; in a log file, one line every few seconds."""
    interactive = sys.stderr.isatty()
    return tqdm(
        items,
        desc=what,
        total=total,
        file=sys.stderr,
        mininterval=0.1 if interactive else SECONDS_BETWEEN_LINES,
        ascii=not interactive,
        dynamic_ncols=interactive,
    )
