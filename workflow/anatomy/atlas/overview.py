"""The page that leads to the atlases of all networks, their headline numbers side by side."""

from collections.abc import Sequence
from html import escape
from string import Template

import numpy as np
import pandas as pd

from anatomy.atlas.places import INDEX
from anatomy.figures.overview import ALL, MEASURES, SECTIONS, SHARES
from anatomy.figures.style import percent, percent_range
from anatomy.pages import BASE_STYLE, DASH, digest_of_inline

INDENT = "\N{EM SPACE}"

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; \
style-src '$style_digest'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Atlas</title>
<style>$style</style>
</head>
<body>
<main>
<h1>Atlas</h1>
<p class="lead">What every category and every unit of these networks was found to do. Each name leads to the atlas of a
network; below are the headline numbers of all of them.</p>
<div class="scroll">
<table>
<thead><tr><td></td>$heads</tr></thead>
$bodies
</table>
</div>
<p class="quiet">In brackets 95&nbsp;% intervals. Null: chance, a constant unit, or another control; see
docs/outputs.md. Of each layer's numbers the largest is shown.</p>
</main>
</body>
</html>
""")

STYLE = (
    BASE_STYLE
    + """
body { max-width: 76rem; }
.lead { max-width: 46rem; margin: 0 0 1.4rem; font-size: 1.0625rem; }
.scroll { overflow-x: auto; margin-bottom: 1rem; padding: .4rem 1.2rem 1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .7rem; }
table { width: 100%; border-collapse: collapse; overflow-wrap: normal; }
th, td { padding: .3rem 1.5rem .3rem 0; text-align: left; font-weight: 400; vertical-align: baseline; }
thead th { padding-top: .7rem; font-size: 1.25rem; font-weight: 650; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody tr:first-child { border: 0; }
tbody tr:first-child th { padding-top: 1.1rem; color: var(--quiet); font-size: .875rem; }
td b { font-weight: 600; }
td small { display: block; color: var(--quiet); }
"""
)


def overview(networks: Sequence[str], summary: pd.DataFrame) -> str:
    """The page, which lies beside the folders of the networks.

    Parameters
    ----------
    networks : those with an atlas, in their order
    summary : table SUMMARY
    """
    rows = summary[summary["network"].isin(networks)].dropna(subset="value")
    heads = "".join(
        f'<th scope="col"><a href="{escape(name)}/atlas/{INDEX}">{escape(name)}</a></th>'
        for name in networks
    )
    bodies = "\n".join(
        _method(heading, rows[rows["method"] == method], networks)
        for method, heading in SECTIONS.items()
    )
    return PAGE.substitute(
        heads=heads, bodies=bodies, style=STYLE, style_digest=digest_of_inline(STYLE)
    )


def _method(heading: str, rows: pd.DataFrame, networks: Sequence[str]) -> str:
    """The numbers of one method; nothing where there is none."""
    names = {
        name: words.replace("  ", INDENT).replace("\n", " ")
        for name, words in (MEASURES | SHARES).items()
    }
    lines = [
        f'<tr><th scope="row">{names[measure]}</th>'
        f"{''.join(_cell(own[own['network'] == network]) for network in networks)}</tr>"
        for measure in names
        for own in [_shown(rows, measure)]
        if len(own)
    ]
    if not lines:
        return ""
    head = f'<tr><th colspan="{1 + len(networks)}" scope="rowgroup">{heading}</th></tr>'
    return f"<tbody>{head}{''.join(lines)}</tbody>"


def _shown(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A row for each network: the number for everything or, of a measure of layers, the largest."""
    own = rows[rows["measure"] == measure]
    if measure not in SHARES:
        return own[own["group"] == ALL]
    return own.sort_values("value", ascending=False, kind="stable").drop_duplicates("network")


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty:
        return f"<td>{DASH}</td>"
    row = rows.iloc[0]
    details = [percent_range(row["value"], row["low"], row["high"])]
    if np.isfinite(row["null_value"]):
        details.append(f"null {percent(row['null_value'])}")
    if row["group"] != ALL:
        details.insert(0, escape(row["group"]))
    below = ", ".join(filter(None, details))
    return f"<td><b>{percent(row['value'])}</b> <small>{below}</small></td>"
