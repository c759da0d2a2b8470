"""A page for each dissected layer: its units as cards, with their concepts and their top images, to sort and to filter.

The page is one file that needs nothing else: no server, no network, no other file.
"""

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from urllib.parse import urlsplit

import pandas as pd

from anatomy.dissection.gallery_page import COLUMNS, PAGE, SCRIPT, STYLE
from anatomy.errors import InputError
from anatomy.figures.style import concept_name
from anatomy.pages import (
    DASH,
    NO_CONCEPT,
    SPACE,
    category_rules,
    decimal,
    digest_of_inline,
    interval_line,
    interval_scale,
    significant,
    whole_percent,
)

MEASURES = ["threshold", "iou", "low", "high", "agreement"]
UNIT_COLUMNS = ("unit", "concept", "category", "detector", *MEASURES)
IMAGE_COLUMNS = ("unit", "rank", "image_id", "response", "thumbnail")

_BAR, _BAR_LEFT, _BAR_RIGHT, _CHART_WIDTH = 24, 66, 114, 360


def gallery(
    units: pd.DataFrame,
    top_images: pd.DataFrame,
    *,
    network: str,
    layer: str,
    minimum: float,
    set_name: str,
    layers: Sequence[tuple[str, str]] = (),
) -> str:
    """A layer's units as an HTML page; the same tables always give the same text.

    Parameters
    ----------
    units : one row per unit: unit, threshold, concept, category, iou, low, high, agreement, detector, and for every
        concept category C, in the order of the chart: C_concept, C_iou. Concepts may be empty or missing.
    top_images : unit, rank, image_id, response, thumbnail (WebP, square, the region above the threshold outlined)
    minimum : a unit whose IoU is larger than this is a detector
    set_name : the labelled images
    layers : (layer, relative address of its page), in network order; this layer may be among them

    Raises
    ------
    InputError if a column is missing, a unit is there twice, a top image belongs to no unit or is not WebP, a concept
    category is none of Broden's, or an address is not relative.
    """
    _check(units, top_images, layers)
    categories = [
        name.removesuffix("_concept") for name in units.columns if name.endswith("_concept")
    ]
    named = ["concept", "category", *(f"{name}_concept" for name in categories)]
    units = units.assign(**units[named].fillna("").astype(str), **units[MEASURES].astype(float))
    units = units.sort_values(["iou", "unit"], ascending=[False, True], kind="stable")
    pictures = _pictures(top_images)
    most = max((len(own) for own in pictures.values()), default=0)
    style = STYLE + _generated_style(categories, most)
    scale = interval_scale(units[["iou", "high"]].max().max(), minimum)
    cards = (
        _card(row, categories, pictures.get(row["unit"], []), minimum, scale)
        for row in units.to_dict("records")
    )
    return PAGE.substitute(
        title=escape(f"{layer} of {network}: units and concepts"),
        heading=_heading(network, layer, set_name, minimum, scale, most),
        layers=_layers(layer, layers),
        stats=_stats(units),
        chart=_chart(units, categories),
        chips="\n".join(_chips(units, categories)),
        cards="\n".join(cards),
        style=style,
        style_digest=digest_of_inline(style),
        script=SCRIPT,
        script_digest=digest_of_inline(SCRIPT),
    )


def _check(
    units: pd.DataFrame, top_images: pd.DataFrame, layers: Sequence[tuple[str, str]]
) -> None:
    tables = {"units": (units, UNIT_COLUMNS), "top images": (top_images, IMAGE_COLUMNS)}
    for name, (table, columns) in tables.items():
        absent = [column for column in columns if column not in table]
        if absent:
            raise InputError(f"the table of {name} lacks the column {absent[0]}")
    if not units["unit"].is_unique:
        twice = units.loc[units["unit"].duplicated(), "unit"].iloc[0]
        raise InputError(f"the table of units has unit {twice} twice")
    foreign = set(top_images["unit"]) - set(units["unit"])
    if foreign:
        raise InputError(
            f"the table of top images has unit {min(foreign)}, which is not in the table of units"
        )
    for layer, address in layers:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or address.startswith("/"):
            raise InputError(f"the page of layer {layer} needs a relative address, not {address}")


def _pictures(top_images: pd.DataFrame) -> dict[int, list[str]]:
    """Unit -> its top images as HTML, in the order of their ranks."""
    found: dict[int, list[str]] = {}
    ordered = top_images.sort_values(["unit", "rank"], kind="stable")
    for row in ordered[list(IMAGE_COLUMNS)].itertuples(index=False):
        if row.thumbnail[:4] != b"RIFF" or row.thumbnail[8:12] != b"WEBP":
            raise InputError(f"the top image of unit {row.unit}, rank {row.rank}, is not WebP")
        words = f"{row.rank}: {row.image_id}, response {significant(row.response)}"
        data = base64.b64encode(row.thumbnail).decode()
        found.setdefault(row.unit, []).append(
            f'<img alt="{escape(words)}" title="{escape(words)}" decoding="async"'
            f' src="data:image/webp;base64,{data}">'
        )
    return found


def _heading(
    network: str, layer: str, set_name: str, minimum: float, scale: float, most: int
) -> str:
    images = f" and the {most} images to which it responds most"
    return (
        f'<p class="overline">Network dissection {DASH} {escape(network)} {DASH}'
        f" {escape(set_name)}</p>\n"
        f"<h1>{escape(layer)}</h1>\n"
        f"<p>One card per unit: its concept{images * bool(most)}.</p>\n"
        '<details class="reading"><summary>How to read a card</summary><ul>'
        "<li>Outlined in the images is where the unit's response exceeds its threshold.</li>"
        "<li>Its concept is the one whose pixels, in all images, overlap most with this region."
        " IoU (intersection over union) says how much.</li>"
        f"<li>The line below is the IoU with its 95{SPACE}% interval over images, from 0 to"
        f" {scale:.2f}; the mark is at {minimum:g}. A unit above it is a detector.</li>"
        "<li>Agreement is the share of resamples of the images in which the same concept is the"
        " best.</li><li>Unique detectors are the different concepts of the detectors, one concept"
        " per unit.</li></ul></details>"
    )


def _layers(layer: str, layers: Sequence[tuple[str, str]]) -> str:
    if not layers:
        return ""
    items = [
        f'<li><span aria-current="page">{escape(name)}</span></li>'
        if name == layer
        else f'<li><a href="{escape(address)}">{escape(name)}</a></li>'
        for name, address in layers
    ]
    return f'<nav aria-label="Layers"><ul>{"".join(items)}</ul></nav>'


def _stats(units: pd.DataFrame) -> str:
    detectors = units[units["detector"]]
    share = f" <small>{whole_percent(len(detectors) / max(len(units), 1))}</small>"
    entries = [
        ("units", str(len(units))),
        ("detectors", f"{len(detectors)}{share}"),
        ("unique detectors", str(detectors["concept"].nunique())),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in entries)
    return f'<dl class="stats">{items}</dl>'


def _chart(units: pd.DataFrame, categories: Sequence[str]) -> str:
    """Bars: detector units of every category and, in front of them, their different concepts."""
    detectors = units[units["detector"]]
    if detectors.empty:
        return '<p class="chart">No unit of this layer is a detector.</p>'
    counts = [
        (name, int(own["concept"].nunique()), len(own))
        for name in categories
        for own in [detectors[detectors["category"] == name]]
    ]
    pixels = (_CHART_WIDTH - _BAR_LEFT - _BAR_RIGHT) / max(own for _, _, own in counts)
    bars = [_bars(number * _BAR, pixels, *count) for number, count in enumerate(counts)]
    words = "; ".join(f"{name} {unique} in {own} units" for name, unique, own in counts)
    return (
        '<figure class="chart"><figcaption><strong>Unique detectors</strong> per category'
        " (pale: units)</figcaption>"
        f'<svg viewBox="0 0 {_CHART_WIDTH} {len(counts) * _BAR}" role="img"'
        f' aria-label="{escape(words)}">{"".join(bars)}</svg></figure>'
    )


def _bars(top: int, pixels: float, category: str, unique: int, units: int) -> str:
    middle = top + _BAR / 2 + 4.5
    rectangle = f'<rect data-category="{escape(category)}" x="{_BAR_LEFT}" y="{top + 4}" height="{_BAR - 8}"'
    end = _BAR_LEFT + units * pixels + 6
    words = f"{unique} in {units} unit{'s' * (units != 1)}" if units else "0"
    return (
        f'<text x="{_BAR_LEFT - 8}" y="{middle}" text-anchor="end">{escape(category)}</text>'
        f'{rectangle} class="units" width="{units * pixels:.1f}"/>'
        f'{rectangle} width="{unique * pixels:.1f}"/>'
        f'<text class="value" x="{end:.1f}" y="{middle}">{words}</text>'
    )


def _chips(units: pd.DataFrame, categories: Sequence[str]) -> Iterator[str]:
    """One box to tick for every category, and one for units without a concept where there are any."""
    counts = units["category"].value_counts()
    for name in [*categories, *([""] if "" in counts else [])]:
        yield (
            f'<label class="chip" data-category="{escape(name)}"><input type="checkbox"'
            f' name="category" value="{escape(name)}"> {escape(name or NO_CONCEPT)}'
            f" <b>{counts.get(name, 0)}</b></label>"
        )


def _card(
    row: Mapping[str, object],
    categories: Sequence[str],
    pictures: Sequence[str],
    minimum: float,
    scale: float,
) -> str:
    """A unit. The script reads its values from the attributes."""
    concept, category = escape(concept_name(row["concept"])), escape(row["category"])
    unit = row["unit"]
    values = "".join(
        f' data-{name}="{row[name]:.6g}"'
        for name in ("iou", "threshold", "agreement")
        if math.isfinite(row[name])
    )
    shown = f"<template>{''.join(pictures)}</template>" if pictures else ""
    return (
        f'<li class="card" id="unit-{unit}" data-unit="{unit}" data-concept="{concept}"'
        f' data-category="{category}"{values}{" data-detector" * bool(row["detector"])}><article>\n'
        f'<div class="name"><h2>{concept or NO_CONCEPT}</h2>'
        f'<a class="unit" href="#find={unit}" title="Show only this unit">unit {unit}</a></div>\n'
        f'<p class="kind"><span class="category"><span class="swatch"></span>{category or DASH}</span>'
        f"{_beside(row)}</p>\n"
        f'<p class="measured">{_measured(row)}</p>\n'
        f"{interval_line(row['iou'], row['low'], row['high'], minimum, scale)}\n"
        f'<div class="pictures">{shown}</div>\n'
        f"{_details(row, categories)}\n"
        "</article></li>"
    )


def _beside(row: Mapping[str, object]) -> str:
    agreement = whole_percent(row["agreement"]) if math.isfinite(row["agreement"]) else DASH
    return (
        f'<span class="quiet">agreement {agreement}</span>'
        f'<span class="quiet">threshold {significant(row["threshold"])}</span>'
    )


def _measured(row: Mapping[str, object]) -> str:
    known = math.isfinite(row["low"]) and math.isfinite(row["high"])
    interval = (
        f' <span class="quiet" title="95{SPACE}% interval over images">'
        f"[{decimal(row['low'])}, {decimal(row['high'])}]</span>"
    )
    below = "" if row["detector"] else '<span class="quiet">not a detector</span>'
    return f"<span>IoU <strong>{decimal(row['iou'])}</strong>{interval * known}</span>{below}"


def _details(row: Mapping[str, object], categories: Sequence[str]) -> str:
    rows = "".join(
        f'<tr data-category="{escape(name)}"><th scope="row"><span class="swatch"></span>'
        f"{escape(name)}</th><td>{escape(concept_name(row[f'{name}_concept'])) or DASH}</td>"
        f"<td>{decimal(row[f'{name}_iou']) if row[f'{name}_concept'] else DASH}</td></tr>"
        for name in categories
    )
    return (
        "<details><summary>Best concept in every category</summary><table><thead><tr>"
        '<th scope="col">Category</th><th scope="col">Concept</th><th scope="col">IoU</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></details>"
    )


def _generated_style(categories: Sequence[str], most: int) -> str:
    """Colours of the categories, and the room that a card keeps for its pictures before they are there."""
    rules = category_rules(categories)
    rows, wide_rows = -(-most // COLUMNS), -(-most // (2 * COLUMNS))
    if most:
        rules.append(f".pictures {{ aspect-ratio: {COLUMNS} / {rows}; }}")
        rules.append(
            f"@container (min-width: 40rem) {{ .pictures {{ aspect-ratio: {2 * COLUMNS} / {wide_rows}; }} }}"
        )
    return "\n".join(rules) + "\n"
