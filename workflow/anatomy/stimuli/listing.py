"""Which files a folder holds: planned once, and compared by the step that chooses among them."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from anatomy.canonical import digest
from anatomy.errors import InputError
from anatomy.stimuli.folder import SPLITS


def categories_digest(root: Path, images: Mapping[str, int], categories: Iterable[str]) -> str:
    """Of the names in the category folders that a set draws from: one more or less changes which are drawn.

    Parameters
    ----------
    root : folder that holds `train` and `val`
    images : split -> number of images per category
    """
    used = [folder for folder, splits in SPLITS.items() if any(images.get(s) for s in splits)]
    named = [(folder, category) for category in categories for folder in used]
    return digest({f"{f}/{c}": sorted(_names(root / f / c)) for f, c in named})


def trees_digest(root: Path, named: Iterable[str]) -> str:
    """Of the names of all files in some folders of a folder, and in theirs."""
    found = []
    for name in named:
        for path, folders, files in os.walk(root / name, followlinks=True):
            folders[:] = [own for own in folders if not own.startswith(".")]
            place = Path(path).relative_to(root)
            found += [str(place / own) for own in files if not own.startswith(".")]
    return digest(sorted(found))


def check_unchanged(root: Path, planned: str, found: str) -> None:
    """Refuse a folder whose files are not those that were there when the run was planned.

    Others would be drawn, under a spec that says something else.
    """
    if found != planned:
        raise InputError(
            f"{root}: files have come or gone since this run was planned; start the run again"
        )


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from error
