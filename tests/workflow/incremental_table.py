"""Reads the tables of docs/incremental.md: change -> rule -> number of jobs that it repeats."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "incremental.md"
NOTHING = "nothing"
ITEM = re.compile(
    r"`(?P<rule>\w+)`(?: \((?:(?P<new>\d+) new|(?P<number>\d+) of (?P<total>\d+))\))?"
    r"|\*\*(?P<group>[^*]+)\*\*"
)


def rows(table: str) -> dict[str, str]:
    """First cell -> second cell of the table behind a comment with its name; without the rows that are headings."""
    after = DOCUMENT.read_text(encoding="utf-8").split(f"<!-- {table} -->\n\n")[1]
    lines = after.split("\n\n")[0].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: text for name, text in cells if text}


def repeated(text: str, jobs: Mapping[str, int]) -> Counter[str]:
    """Rule -> number of jobs in a cell of the second column, with the groups that it names, each counted once.

    Parameters
    ----------
    jobs : rule -> number of its jobs in the finished run, which are meant where no number is given
    """
    groups = {name.strip("*"): content for name, content in rows("groups").items()}
    counted: Counter[str] = Counter()
    new: Counter[str] = Counter()
    whole: set[str] = set()
    waiting, seen = [text], set()
    while waiting:
        for item in _items(waiting.pop()):
            if item["group"] is not None:
                if item["group"] not in seen:
                    seen.add(item["group"])
                    waiting.append(groups[item["group"]])
            elif item["new"] is not None:
                new[item["rule"]] += int(item["new"])
            elif item["number"] is None:
                whole.add(item["rule"])
            else:
                assert item["total"] == str(jobs[item["rule"]]), item[0]
                counted[item["rule"]] += int(item["number"])
    return Counter(dict(counted) | {rule: jobs[rule] for rule in whole}) + new


def _items(text: str) -> list[re.Match[str]]:
    if text == NOTHING:
        return []
    assert not ITEM.sub("", text).replace(",", "").strip(), f"neither rules nor groups: {text}"
    return list(ITEM.finditer(text))
