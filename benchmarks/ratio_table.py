"""A Markdown table that sets the project's steps beside others, with ratios of time, memory and disk."""

from dataclasses import dataclass

from children import Measured

HEADER = (
    "step",
    "beside",
    "ours (s)",
    "theirs (s)",
    "times faster",
    "peak memory, ours (MB)",
    "theirs (MB)",
    "theirs / ours",
    "disk, ours (MB)",
    "theirs (MB)",
    "theirs / ours",
    "largest difference",
)


@dataclass(frozen=True)
class Row:
    """One comparison; `difference` says how far the two results lie apart."""

    step: str
    other: str
    ours: Measured
    theirs: Measured
    difference: str


def header() -> str:
    """The first two lines of the table."""
    return line(HEADER) + "\n" + line(["---"] * 2 + ["---:"] * (len(HEADER) - 2))


def row(comparison: Row) -> str:
    """One line of the table."""
    ours, theirs = comparison.ours, comparison.theirs
    return line(
        [
            comparison.step,
            comparison.other,
            number(ours.seconds),
            number(theirs.seconds),
            ratio(ours.seconds, theirs.seconds),
            f"{ours.peak:,.0f}",
            f"{theirs.peak:,.0f}",
            ratio(ours.peak, theirs.peak),
            number(ours.disk),
            number(theirs.disk),
            ratio(ours.disk, theirs.disk),
            comparison.difference,
        ]
    )


def line(cells: list[str] | tuple[str, ...]) -> str:
    """Cells as a line of Markdown."""
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Three digits that count; nothing for nothing."""
    if value == 0:
        return ""
    if value >= 99.5:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.95 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def ratio(ours: float, theirs: float) -> str:
    """How many times as much the other takes; below 1 where ours takes more. Empty where one of them takes nothing."""
    return number(theirs / ours) if ours and theirs else ""
