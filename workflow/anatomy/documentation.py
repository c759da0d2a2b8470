"""Tables of the documentation that are made from the code, and the check that they are in step with it.

A document holds its own prose, and between two markers a table that is written by a program:

    <!-- table NAME -->
    <!-- end of table -->

`python -m anatomy.documentation` says whether the columns in docs/outputs.md are those of `anatomy.tables`, and with
`--write` it brings them in step.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from anatomy.tables import TABLES

ROOT = Path(__file__).parents[2]
OUTPUTS = ROOT / "docs" / "outputs.md"
MARKED = re.compile(
    r"(?P<start><!-- table (?P<name>\S+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL
)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; what would end a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([cell.replace("|", r"\|").replace("\n", " ") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def fill(text: str, tables: Mapping[str, str]) -> str:
    """The text with each table between its markers.

    Raises
    ------
    ValueError
        naming a table that has no place in the text, more than one, or a place whose table is unknown
    """
    places = [place["name"] for place in MARKED.finditer(text)]
    wrong = sorted(set(places) ^ set(tables)) or [name for name in places if places.count(name) > 1]
    if wrong:
        raise ValueError(f"every table needs one place in the text, and no other: {wrong[0]}")
    return MARKED.sub(lambda place: place["start"] + tables[place["name"]] + place["end"], text)


def column_tables() -> dict[str, str]:
    """Path of every table that the workflow writes -> its columns, as a Markdown table."""
    header = ("column", "meaning")
    return {
        path: markdown_table(header, [(f"`{name}`", meaning) for name, meaning in columns.items()])
        for path, columns in TABLES.items()
    }


def documents() -> dict[Path, str]:
    """docs/outputs.md as it should be."""
    return {OUTPUTS: fill(OUTPUTS.read_text(encoding="utf-8"), column_tables())}


def outdated(wanted: Mapping[Path, str]) -> list[Path]:
    """The files whose text is not what is wanted."""
    return [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def check_or_write(wanted: Mapping[Path, str]) -> None:
    """A command line: exit with the names of outdated files, or write them when told to by `--write`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write the files that are out of step")
    write = parser.parse_args().write
    late = outdated(wanted)
    if write:
        for path in late:
            path.write_text(wanted[path], encoding="utf-8")
    elif late:
        names = ", ".join(str(path.relative_to(ROOT)) for path in late)
        sys.exit(f"out of step with the code: {names}; run this again with --write")


if __name__ == "__main__":
    check_or_write(documents())
