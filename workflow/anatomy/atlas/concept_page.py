"""The page of concepts: for each, the units that it fits best."""

from html import escape

from anatomy.atlas.contents import Contents
from anatomy.atlas.frame import page, section, tiles, unit_tile
from anatomy.atlas.pictures import Unit
from anatomy.figures.style import concept_name, percent
from anatomy.pages import decimal

MOST_UNITS = 40
MOST_CATEGORIES = 3


def concept_page(contents: Contents) -> str:
    """A place for each concept that is the best of some unit."""
    parts = "\n".join(
        _concept(contents, concept, units) for concept, units in contents.concepts.items()
    )
    body = (
        '<div class="head"><div class="text"><p class="overline">Network dissection</p><h1>Concepts</h1>'
        '<p class="lead">The labelled concepts that fit the units best, and their units, those with the largest'
        " overlap (IoU) first; bold where a unit is a detector.</p></div></div>\n"
        f'<div class="concepts">\n{parts}\n</div>'
    )
    return page(contents, f"Concepts of {contents.network}", body, root="")


def _concept(contents: Contents, concept: str, units: list[Unit]) -> str:
    place = contents.concept_places[concept].split("#")[1]
    category = contents.tables.dissected[units[0]]["category"]
    heading = (
        f'<span data-category="{escape(category)}"><span class="swatch"></span></span>'
        f" {escape(concept_name(concept))}"
    )
    shown = [_unit(contents, unit) for unit in units[:MOST_UNITS]]
    more = f"The best {MOST_UNITS} of {len(units)} units." if len(units) > MOST_UNITS else ""
    words = " ".join(filter(None, (f"{escape(category)}.", more, _losses(contents, concept))))
    content = section(heading, tiles(shown), words)
    return content.replace("<section", f'<section id="{place}"', 1)


def _losses(contents: Contents, concept: str) -> str:
    """The categories that the lesion of its units costs most, in the layer where it costs most."""
    table = contents.tables.lesions_of_concept.get(concept)
    if table is None or not table["loss"].max() > 0:
        return ""
    layer = table.loc[table["loss"].idxmax(), "layer"]
    own = table[(table["layer"] == layer) & (table["loss"] > 0)]
    worst = own.sort_values("loss", ascending=False, kind="stable").head(MOST_CATEGORIES)
    costs = ", ".join(
        f"{contents.category_link(row.category, '')} {percent(row.loss)}"
        for row in worst.itertuples()
    )
    return f"Without its units in {contents.layer_link(layer, '')} is lost: {costs}."


def _unit(contents: Contents, unit: Unit) -> str:
    row = contents.tables.dissected[unit]
    kind = "concept detects" if row["detector"] else "concept"
    return unit_tile(contents, unit, "", f'<span class="{kind}">{decimal(row["iou"])}</span>')
