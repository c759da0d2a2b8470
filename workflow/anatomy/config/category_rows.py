"""Categories as the configuration names them: those of a table, and some of those that are known."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from anatomy.errors import InputError
from anatomy.stimuli.categories import read_categories

ROOT = Path(__file__).parents[3]
IMAGENET_TABLE = ROOT / "resources" / "imagenet_categories.csv"
FEW = 12


class CategoryRow(NamedTuple):
    """A category: folder name, name for people, super-category, and output unit of a network if known."""

    category: str
    name: str
    super_category: str
    output: int | None


def table_path(path: str) -> Path:
    """A table named in the configuration: relative to the working directory, or one that the project ships."""
    given = Path(path)
    return given if given.exists() or given.is_absolute() else ROOT / given


def table_rows(key: str, path: Path) -> list[CategoryRow]:
    """The categories of a table that the configuration names under a key."""
    try:
        table = read_categories(path)
    except InputError as error:
        raise InputError(f"configuration: {key}: {error}") from None
    outputs = [None if pd.isna(output) else int(output) for output in table["output"]]
    columns = (table["category"], table["name"], table["super_category"], outputs)
    return [CategoryRow(*row) for row in zip(*columns, strict=True)]


def chosen_rows(key: str, wanted: Sequence[str], rows: list[CategoryRow]) -> list[CategoryRow]:
    """Those of the known categories that the configuration names under a key, in its order."""
    by_category = {row.category: row for row in rows}
    if len(set(wanted)) != len(wanted) or not wanted:
        raise InputError(
            f"configuration: {key} must name at least one category, and each only once"
        )
    for category in wanted:
        if category not in by_category:
            raise InputError(
                f"configuration: {key}: {category!r} is unknown; there are {few(list(by_category))}"
            )
    return [by_category[category] for category in wanted]


def few(names: Sequence[str]) -> str:
    """The first names of a list, for messages."""
    return ", ".join(names[:FEW]) + (" ..." if len(names) > FEW else "")
