"""The page of a unit: what it responds to, which circuits use it, and what its lesion does."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from anatomy.atlas.charts import Bar, bars, probability
from anatomy.atlas.contents import Contents, Layer, unit_words
from anatomy.atlas.frame import beside, page, picture, section, stats, swatch
from anatomy.atlas.pictures import Unit
from anatomy.figures.style import percent
from anatomy.pages import (
    DASH,
    NO_CONCEPT,
    decimal,
    interval_line,
    interval_scale,
    significant,
    whole_percent,
)
from anatomy.tables import FOUND

ROOT = "../"
# As many categories are shown one by one; of more, those with the largest numbers.
ALL_CATEGORIES, MOST_CATEGORIES = 24, 16
PARTS = 8


def unit_page(contents: Contents, layer: Layer, number: int) -> str:
    """A unit's page; what a method has not measured is left out."""
    unit = (layer.layer, number)
    parts = [
        section("Images it responds to most", _top_images(contents, unit), _TOP_WORDS),
        section("Concept", _concept(contents, unit), _CONCEPT_WORDS),
        section("Labelled parts that it needs", _interventions(contents, unit), _PART_WORDS),
        section("What its lesion costs", _lesions(contents, unit), _LESION_WORDS),
        section("Circuits that use it", _circuits(contents, unit), _CIRCUIT_WORDS),
    ]
    body = f'{_head(contents, layer, unit)}\n<div class="sections">\n{"".join(parts)}\n</div>'
    return page(contents, f"{unit_words(unit)} of {contents.network}", body)


_TOP_WORDS = "Outlined is the region in which its response exceeds its threshold."
_CONCEPT_WORDS = (
    "The labelled concept whose pixels overlap most with this region, in all images. IoU: intersection over union,"
    " with its 95&nbsp;% interval over images; the mark is the least of a detector."
)
_PART_WORDS = (
    "How much lower its response is when a part is covered, as a share of the response to the whole image. Grey: when"
    " the same shape is covered elsewhere."
)
_LESION_WORDS = (
    "The share of each category's images that the network no longer recognises when this one unit is removed; below 0"
    " where it recognises more."
)
_CIRCUIT_WORDS = (
    "The share of the unit's incoming weights that lie on a path of the circuit. Circuits without the unit are left"
    " out."
)


def _head(contents: Contents, layer: Layer, unit: Unit) -> str:
    own = contents.pictures_of(unit)
    seen = None if own.filter else own.seen
    figures = [
        f"<figure>{picture(f'{ROOT}{address}', words, kind)}<figcaption>{words}</figcaption></figure>"
        for address, words, kind in (
            (own.filter, "Its weights", "large sharp"),
            (own.feature, "The image it asks for", "large"),
            (seen, "What it sees of its best image", "large"),
        )
        if address is not None
    ]
    row = contents.tables.dissected.get(unit)
    concept = ""
    if row is not None:
        link = contents.concept_link(row["concept"], ROOT) if row["concept"] else NO_CONCEPT
        detects = "detects" if row["detector"] else "closest to"
        concept = f'<p class="lead">{detects if row["concept"] else ""} {link}</p>'
    shown = f'<div class="pair">{"".join(figures)}</div>' if figures else ""
    neighbours = beside(
        layer.pages, unit[1], lambda near: contents.unit_link((layer.layer, near), ROOT)
    )
    return (
        f"{neighbours}\n"
        f'<div class="head">{shown}<div class="text"><p class="overline">Unit of'
        f" {contents.layer_link(layer.layer, ROOT)}</p><h1>{escape(unit_words(unit))}</h1>{concept}"
        f"{_numbers(contents, unit)}</div></div>"
    )


def _numbers(contents: Contents, unit: Unit) -> str:
    """What it comes to, method by method."""
    tables = contents.tables
    entries = []
    row = tables.dissected.get(unit)
    if row is not None and row["concept"]:
        entries.append(("IoU with its concept", decimal(row["iou"])))
    if tables.circuits_of_unit:
        using = len(tables.circuits_of_unit.get(unit, ()))
        of = sum(own["outcome"] == FOUND for own in tables.circuits.values())
        share = f" <small>of {of}</small>" if of else ""
        entries.append(("circuits use it", f"{using}{share}"))
    lesions = tables.unit_lesions.get(unit)
    if lesions is not None and lesions["loss"].max() > 0:
        worst = lesions.loc[lesions["loss"].idxmax()]
        name = f" <small>{contents.category_link(worst['category'], ROOT)}</small>"
        entries.append(("largest loss by its lesion", f"{percent(worst['loss'])}{name}"))
    return stats(entries)


def _top_images(contents: Contents, unit: Unit) -> str:
    images = contents.pictures_of(unit).top
    shown = "".join(picture(f"{ROOT}{address}", words) for address, words in images)
    return f'<div class="top">{shown}</div>' if shown else ""


def _concept(contents: Contents, unit: Unit) -> str:
    row = contents.tables.dissected.get(unit)
    if row is None or not row["concept"]:
        return ""
    minimum = contents.minimum or 0.0
    largest = max(value for value in (row["iou"], row["high"], 0.0) if math.isfinite(value))
    line = interval_line(
        row["iou"], row["low"], row["high"], minimum, interval_scale(largest, minimum)
    )
    known = math.isfinite(row["low"])
    interval = f"[{decimal(row['low'])}, {decimal(row['high'])}]" if known else ""
    agreement = (
        f'<span class="quiet">agreement of resamples {whole_percent(row["agreement"])}</span>'
        if math.isfinite(row["agreement"])
        else ""
    )
    return (
        f'<div data-category="{escape(row["category"])}"><p class="measured">'
        f'<span><span class="swatch"></span> {contents.concept_link(row["concept"], ROOT)}</span>'
        f'<span class="quiet">{escape(row["category"])}</span>'
        f'<span>IoU <strong>{decimal(row["iou"])}</strong> <span class="quiet">{interval}</span></span>'
        f'<span class="quiet">threshold {significant(row["threshold"])}</span>{agreement}</p>{line}'
        f"</div>{_other_concepts(contents, row)}"
    )


def _other_concepts(contents: Contents, row: Mapping[str, Any]) -> str:
    """Its best concept in every category."""
    names = [key.removesuffix("_concept") for key in row if key.endswith("_concept")]
    lines = "".join(
        f'<tr data-category="{escape(name)}"><th scope="row"><span class="swatch"></span> {escape(name)}</th>'
        f"<td>{contents.concept_link(row[f'{name}_concept'], ROOT)}</td><td>{decimal(row[f'{name}_iou'])}</td></tr>"
        for name in names
        if row[f"{name}_concept"]
    )
    if not lines:
        return ""
    return (
        "<details><summary>Best concept in every category</summary>"
        f"<table><tbody>{lines}</tbody></table></details>"
    )


def _interventions(contents: Contents, unit: Unit) -> str:
    table = contents.tables.interventions.get(unit)
    if table is None:
        return ""
    most = table[table["intact"] > 0].sort_values("relative_drop", ascending=False, kind="stable")
    return bars(
        [
            Bar(
                contents.concept_link(row.concept, ROOT),
                row.drop / row.intact,
                f"{percent(row.drop / row.intact)} <small>{probability('q', row.q_value)}</small>",
                null=row.drop_elsewhere / row.intact,
            )
            for row in most.head(PARTS).itertuples()
        ],
        ("covered", "lower response"),
    )


def _lesions(contents: Contents, unit: Unit) -> str:
    table = contents.tables.unit_lesions.get(unit)
    if table is None:
        return ""
    table = table.dropna(subset="loss")
    shown = _largest(table, "loss")
    return bars(
        [_category_bar(contents, row.category, row.loss) for row in shown.itertuples()],
        ("category", "lost"),
    ) + _rest(table, shown, "loss")


def _circuits(contents: Contents, unit: Unit) -> str:
    table = contents.tables.circuits_of_unit.get(unit)
    if table is None:
        return ""
    shown = _largest(table, "kept_fraction")
    return bars(
        [_category_bar(contents, row.category, row.kept_fraction) for row in shown.itertuples()],
        ("circuit", "weights kept"),
    ) + _rest(table, shown, "kept_fraction")


def _category_bar(contents: Contents, category: str, value: float) -> Bar:
    color = contents.color(category)
    label = f"{swatch(color)} {contents.category_link(category, ROOT)}"
    return Bar(label, value, percent(value) if math.isfinite(value) else DASH, color)


def _largest(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows with the largest numbers; all, where there are few."""
    most = len(table) if len(table) <= ALL_CATEGORIES else MOST_CATEGORIES
    return table.sort_values(column, ascending=False, kind="stable").head(most)


def _rest(table: pd.DataFrame, shown: pd.DataFrame, column: str) -> str:
    if len(shown) == len(table):
        return ""
    return (
        f'<p class="note">The {len(shown)} largest of {len(table)}; mean of all'
        f" {percent(table[column].mean())}.</p>"
    )
