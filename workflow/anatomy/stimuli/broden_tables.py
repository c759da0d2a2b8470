"""The tables of a folder in Broden's layout: which concepts there are, and which category is each one's own."""

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from anatomy.errors import InputError
from anatomy.stimuli.concept_codes import CONCEPT_COLUMNS, LARGEST_NUMBER
from anatomy.stimuli.toybox.vocabulary import CONCEPT_CATEGORIES

# in digits, and not in all that Python takes for one; what is longer cannot be meant
WHOLE_NUMBER = re.compile(" *[+-]?[0-9]{1,18} *")

Row = tuple[int, dict[str, str]]


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of a CSV file, each with its line number; other columns than these may be there too.

    Raises
    ------
    InputError
        if the file is absent or not such a table
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            rows = [(reader.line_num, cells) for cells in reader if cells]
    except FileNotFoundError as error:
        raise InputError(f"{path}: is absent") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from error
    for column in columns:
        if header.count(column) != 1:
            raise InputError(f"{path}: must have one column {column!r}, has {', '.join(header)}")
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(f"{path}: line {line} has {len(cells)} cells, not {len(header)}")
    return [(line, dict(zip(header, cells, strict=True))) for line, cells in rows]


def whole_number(path: Path, line: int, column: str, text: str) -> int:
    """A cell as a whole number."""
    if not WHOLE_NUMBER.fullmatch(text):
        raise InputError(f"{path}: line {line}, column {column}: {text!r} is not a whole number")
    return int(text)


def read_categories(path: Path) -> tuple[str, ...]:
    """Concept categories in the order of `category.csv`."""
    categories: list[str] = []
    for line, row in read_rows(path, ["name"]):
        name = row["name"]
        if name not in CONCEPT_CATEGORIES:
            known = ", ".join(CONCEPT_CATEGORIES)
            raise InputError(f"{path}: line {line}, column name: {name!r} is none of {known}")
        if name in categories:
            raise InputError(f"{path}: line {line}, column name: {name!r} is there twice")
        categories.append(name)
    if not categories:
        raise InputError(f"{path}: lists no category")
    return tuple(categories)


def read_labels(path: Path) -> dict[int, str]:
    """Names by label number, as in `label.csv`; no number and no name is there twice."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for line, row in read_rows(path, ["number", "name"]):
        number, name = whole_number(path, line, "number", row["number"]), row["name"]
        if not 0 < number <= LARGEST_NUMBER:
            raise InputError(
                f"{path}: line {line}, column number: {number} is not from 1 to {LARGEST_NUMBER}"
            )
        if number in names:
            raise InputError(f"{path}: line {line}, column number: {number} is there twice")
        if not name or name in taken:
            problem = "is there twice" if name else "is no name"
            raise InputError(f"{path}: line {line}, column name: {name!r} {problem}")
        names[number] = name
        taken.add(name)
    return names


def read_concepts(folder: Path, categories: Sequence[str]) -> pd.DataFrame:
    """The concepts of `label.csv` that occur in one of the categories, in the order of their numbers.

    A concept may be in several categories. The one in which it covers most (`c_CATEGORY.csv`) is its own; of equal
    ones it is the later category, as in the reference implementation of Network Dissection.

    Returns
    -------
    number, name, category (its own), categories (all, in the order given, joined by ';')

    Raises
    ------
    InputError
        if a table is absent or inconsistent
    """
    names = read_labels(folder / "label.csv")
    coverage: dict[int, dict[int, float]] = {}
    for place, category in enumerate(categories):
        for number, share in _coverage(folder / f"c_{category}.csv", names).items():
            coverage.setdefault(number, {})[place] = share
    rows = []
    for number in sorted(coverage):
        places = coverage[number]
        own = max(places, key=lambda place: (places[place], place))
        rows.append(
            (number, names[number], categories[own], ";".join(categories[p] for p in places))
        )
    return pd.DataFrame(rows, columns=list(CONCEPT_COLUMNS))


def _coverage(path: Path, names: dict[int, str]) -> dict[int, float]:
    """Coverage of each label number of a category."""
    coverage: dict[int, float] = {}
    for line, row in read_rows(path, ["number", "coverage"]):
        number = whole_number(path, line, "number", row["number"])
        if number not in names:
            raise InputError(f"{path}: line {line}, column number: {number} is not in label.csv")
        if number in coverage:
            raise InputError(f"{path}: line {line}, column number: {number} is there twice")
        coverage[number] = _share(path, line, row["coverage"])
    return coverage


def _share(path: Path, line: int, text: str) -> float:
    try:
        share = math.nan if "_" in text else float(text)
    except ValueError:
        share = math.nan
    if not math.isfinite(share):
        raise InputError(f"{path}: line {line}, column coverage: {text!r} is not a number")
    return share
