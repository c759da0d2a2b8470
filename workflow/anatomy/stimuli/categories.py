"""Category tables: the image folder, super-category and network output of each category."""

import csv
import re
from pathlib import Path

import pandas as pd

from anatomy.errors import InputError

FOLDER_COLUMNS = ("category", "wnid")
OUTPUT_COLUMNS = ("output", "index")
OUTPUT = re.compile("[0-9]{1,9}")


def read_categories(path: Path) -> pd.DataFrame:
    """Read a category table (CSV with a header, UTF-8).

    The table needs `category` or `wnid` (the name of the image folder) and `super_category`. It may
    have `name` (shown to people; the category where it is empty) and `output` or `index` (the
    network's output index, from 0; empty where the network has none; `output` counts where both are
    there). Other columns are ignored.

    Returns
    -------
    DataFrame in the order of the file: category, name, super_category (str), output (Int64, missing
    allowed)

    Raises
    ------
    InputError
        naming the file and the column, line or category that is wrong
    """
    try:
        return _table(_lines(Path(path)))
    except (InputError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = [column.strip() for column in next(reader, [])]
        if not header:
            raise InputError("is empty")
        repeated = _first_repeated(header)
        if repeated is not None:
            raise InputError(f"column {repeated!r} is there twice")
        lines = []
        for values in reader:
            if len(values) not in (0, len(header)):
                raise InputError(
                    f"line {reader.line_num} has {len(values)} values, the header {len(header)}"
                )
            if values:
                lines.append(dict(zip(header, (value.strip() for value in values), strict=True)))
    if not lines:
        raise InputError("holds no category")
    return lines


def _table(lines: list[dict[str, str]]) -> pd.DataFrame:
    folder = _only_column(lines[0])
    if "super_category" not in lines[0]:
        raise InputError("column 'super_category' is missing")
    categories = [_folder_name(line[folder]) for line in lines]
    repeated = _first_repeated(categories)
    if repeated is not None:
        raise InputError(f"category {repeated!r} is there twice")
    for category, line in zip(categories, lines, strict=True):
        if not line["super_category"]:
            raise InputError(f"category {category!r} has no super_category")
    names = [line.get("name") or category for category, line in zip(categories, lines, strict=True)]
    return pd.DataFrame(
        {
            "category": categories,
            "name": names,
            "super_category": [line["super_category"] for line in lines],
            "output": pd.array(_outputs(categories, lines), dtype="Int64"),
        }
    )


def _only_column(columns: dict[str, str]) -> str:
    found = [column for column in FOLDER_COLUMNS if column in columns]
    if len(found) != 1:
        state = "is missing" if not found else "must not be there twice"
        raise InputError(f"column {' or '.join(map(repr, FOLDER_COLUMNS))} {state}")
    return found[0]


def _folder_name(category: str) -> str:
    if category in ("", ".", "..") or "/" in category or "\\" in category:
        raise InputError(f"category {category!r} is not the name of a folder")
    return category


def _outputs(categories: list[str], lines: list[dict[str, str]]) -> list[int | None]:
    column = next((column for column in OUTPUT_COLUMNS if column in lines[0]), None)
    if column is None:
        return [None] * len(lines)
    outputs = []
    for category, line in zip(categories, lines, strict=True):
        text = line[column]
        if text and not OUTPUT.fullmatch(text):
            raise InputError(
                f"category {category!r}: {column} {text!r} is not a whole number from 0 to 999999999"
            )
        outputs.append(int(text) if text else None)
    repeated = _first_repeated([output for output in outputs if output is not None])
    if repeated is not None:
        raise InputError(f"{column} {repeated} is given to two categories")
    return outputs


def _first_repeated(values: list) -> str | int | None:
    seen = set()
    return next((value for value in values if value in seen or seen.add(value)), None)
