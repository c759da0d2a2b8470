"""What all pages for the browser share: how numbers are written, the line of an interval, and the look.

Pages open from the disk and need nothing from elsewhere: no server, no internet.
"""

import base64
import hashlib
import math
from collections.abc import Iterable

from anatomy.figures.style import MINUS, NULL, concept_category_colors

DASH = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"
NO_CONCEPT = "no concept"

BASE_STYLE = """
:root {
  --page: #f6f6f4; --card: #fff; --ink: #1d1f21; --quiet: #5c6166; --line: #d9dadc;
  --track: #e4e5e7; --edge: #0006; --accent: #0b57a4; --chosen: #1d1f21; --on-chosen: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131517; --card: #1d2023; --ink: #eceded; --quiet: #a5abb1; --line: #34393e;
    --track: #34393e; --edge: #fff6; --accent: #8ec1f5; --chosen: #eceded; --on-chosen: #131517;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
[data-category] { --shown: var(--category); }
@supports (color: oklch(from red l c h)) {
  @media (prefers-color-scheme: dark) {
    [data-category] { --shown: oklch(from var(--category) max(l, .6) c h); }
  }
}
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem clamp(.75rem, 2vw, 2rem) 3rem; max-width: 130rem;
  background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }

.overline { margin: 0; color: var(--quiet); }
h1 { margin: 0 0 .4rem; font-size: clamp(1.8rem, 4vw, 2.5rem); line-height: 1.15; letter-spacing: -.01em; }
nav { margin: 0 0 .75rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; }
nav [aria-current] { font-weight: 650; }
.stats { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 1rem 0; }
.stats div { display: flex; flex-direction: column-reverse; }
.stats dt { color: var(--quiet); font-size: .875rem; }
.stats dd { margin: 0; font-size: 1.6rem; font-weight: 650; line-height: 1.2; }
.stats small { color: var(--quiet); font-size: .875rem; font-weight: 400; }
.quiet { color: var(--quiet); }
.interval { display: block; width: 100%; height: 12px; margin: .1rem 0 .5rem; overflow: visible; }
.interval .track { stroke: var(--track); stroke-width: 2; }
.interval .minimum { stroke: var(--quiet); stroke-width: 1; }
.interval .range { stroke: var(--quiet); stroke-width: 3; }
.interval circle { fill: var(--shown); stroke: var(--quiet); stroke-width: 1; }
summary { color: var(--quiet); cursor: pointer; }

@media print {
  :root {
    --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --track: #ddd; --accent: #000;
  }
  html { color-scheme: light; }
}
"""


def decimal(value: float) -> str:
    """Three decimals; a dash where there is no number."""
    return f"{value:.3f}".replace("-", MINUS) if math.isfinite(value) else DASH


def significant(value: float) -> str:
    """Three significant digits; a dash where there is no number."""
    return f"{value:.3g}".replace("-", MINUS) if math.isfinite(value) else DASH


def whole_percent(share: float) -> str:
    """A share in per cent, without decimals."""
    return f"{100 * share:.0f}{SPACE}%"


def interval_line(value: float, low: float, high: float, minimum: float, scale: float) -> str:
    """A number and its interval on the line from 0 to `scale`, with a mark at the minimum of a detector."""

    def at(place: float) -> str:
        return f"{100 * place / scale:.1f}%"

    line = '<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
    parts = [
        line.format("track", "0", "100%", 6, 6),
        line.format("minimum", at(minimum), at(minimum), 1, 11),
    ]
    if math.isfinite(low) and math.isfinite(high):
        parts.append(line.format("range", at(low), at(high), 6, 6))
    if math.isfinite(value):
        parts.append(f'<circle cx="{at(value)}" cy="6" r="4.5"/>')
    return f'<svg class="interval" aria-hidden="true">{"".join(parts)}</svg>'


def interval_scale(largest: float, minimum: float) -> float:
    """Where the line of intervals ends: the largest value there is, rounded up to hundredths."""
    return math.ceil(100 * max(minimum, 0 if math.isnan(largest) else largest, 0.01)) / 100


def category_rules(categories: Iterable[str]) -> list[str]:
    """Style rules that give every concept category, and what has no concept, its colour."""
    return [
        f'[data-category="{name}"] {{ --category: {color}; }}'
        for name, color in {"": NULL, **concept_category_colors(categories)}.items()
    ]


def digest_of_inline(text: str) -> str:
    """As a content security policy names an inline style or script that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
