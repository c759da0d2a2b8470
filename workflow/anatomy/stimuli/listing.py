"""Which files a folder holds: planned once, and compared by the step that chooses among them."""

import os
from collections.abc import Iterable
from pathlib import Path

from anatomy.canonical import digest
from anatomy.errors import InputError


def trees_digest(root: Path, named: Iterable[str]) -> str:
    """Of the names and sizes of all files in some folders of a folder, and in theirs."""
    found: list[tuple[str, int]] = []
    for name in named:
        for path, folders, files in os.walk(root / name, followlinks=True):
            folders[:] = [own for own in folders if not own.startswith(".")]
            place = Path(path).relative_to(root)
            shown = [own for own in files if not own.startswith(".")]
            found += [(str(place / own), _size(Path(path, own))) for own in shown]
    return digest(sorted(found))


def check_unchanged(root: Path, planned: str, found: str) -> None:
    """Refuse a folder whose files are not those that were there when the run was planned.

    Others would be drawn, under a spec that says something else.
    """
    if found != planned:
        raise InputError(
            f"{root}: files have come, gone or changed since this run was planned; start the run again"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
