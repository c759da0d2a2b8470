"""What a finished run says on the terminal: headline numbers, where the results are, what to try next."""

import sys
from pathlib import Path

import pandas as pd

PERCENT = "{:.1%}".format
LINES = (
    ("network", "top1", "recognises {value} of new images (chance {null})"),
    ("circuits", "kept_fraction", "a category's circuit keeps {value} of the weights, on average"),
    (
        "circuits",
        "csa_retained",
        "circuits keep {value} of their unit's accuracy on new images (a constant unit: {null})",
    ),
    ("circuits", "faithfulness", "their faithfulness, counted from a constant unit, is {value}"),
)


def closing_words(summary: pd.DataFrame) -> str:
    """A few lines from the tidy table of headline numbers."""
    lines = []
    for network, rows in summary.groupby("network", sort=False):
        lines.append(f"\n  {network}")
        for method, measure, text in LINES:
            found = rows[
                (rows["method"] == method) & (rows["measure"] == measure) & (rows["group"] == "all")
            ]
            for row in found.itertuples():
                null = "" if pd.isna(row.null_value) else PERCENT(row.null_value)
                lines.append("    " + text.format(value=PERCENT(row.value), null=null))
        lines += [f"    {line}" for line in _knockout_lines(rows)]
    return "\n".join(lines)


def _knockout_lines(rows: pd.DataFrame) -> list[str]:
    areas = rows[rows["measure"] == "area_under_top1_synapse_zero"]
    if areas.empty:
        return []
    weak, strong = areas.loc[areas["value"].idxmin()], areas.loc[areas["value"].idxmax()]
    return [
        f"knocking out weights hurts most in {weak['group']} and least in {strong['group']} "
        f"(area under accuracy {weak['value']:.2f} and {strong['value']:.2f})"
    ]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    if path.exists():
        print(closing_words(pd.read_csv(path)))
        print(
            "\n  All numbers: results/summary.csv. For the report with all figures:"
            "\n    snakemake --report results/report.html"
            "\n  Then change a value in config/config.yaml, say circuits.threshold, and run snakemake again:"
            "\n  only what depends on it is repeated.\n"
        )
