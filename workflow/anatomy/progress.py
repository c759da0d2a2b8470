"""Progress bars that are readable in a log file, too."""

import sys
from collections.abc import Iterable
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0


def track(items: Iterable[T], what: str, total: int | None = None) -> tqdm:
    """Iterate with a progress bar; in a log file, one line every few seconds."""
    interactive = sys.stderr.isatty()
    return tqdm(
        items,
        desc=what,
        total=total,
        file=sys.stderr if interactive else _Lines(sys.stderr),
        mininterval=0.1 if interactive else SECONDS_BETWEEN_LINES,
        ascii=not interactive,
        dynamic_ncols=interactive,
    )


class _Lines:
    """A stream on which a bar that would be drawn over itself becomes a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        line = text.strip("\r\n")
        if line:
            self._stream.write(line + "\n")

    def flush(self) -> None:
        self._stream.flush()
