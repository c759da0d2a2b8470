"""The files that all pages of an atlas share: their look, their search, and what can be found."""

import json
from collections.abc import Iterator

from anatomy.atlas.contents import Contents, unit_words
from anatomy.atlas.frame import SCRIPT_FILE, SEARCH_FILE, STYLE_FILE
from anatomy.atlas.search import SCRIPT
from anatomy.atlas.style import STYLE
from anatomy.figures.style import concept_name
from anatomy.pages import BASE_STYLE, category_rules

# what is found: kind, name, further words, address, picture
Entry = tuple[str, str, str, str, str]


def shared_files(contents: Contents) -> Iterator[tuple[str, str]]:
    """Address and text of each."""
    kinds = {row["category"] for row in contents.tables.dissected.values()} - {""}
    yield STYLE_FILE, BASE_STYLE + STYLE + "\n".join(category_rules(kinds)) + "\n"
    yield SCRIPT_FILE, SCRIPT
    yield SEARCH_FILE, f"const CONTENTS = {json.dumps(list(_entries(contents)))};\n"


def _entries(contents: Contents) -> Iterator[Entry]:
    """Categories, concepts, layers and units, in this order."""
    for own in contents.categories.values():
        examples = contents.pictures.examples.get(own.category, [""])
        further = [own.super_category, *([own.category] if own.category != own.name else [])]
        yield "category", own.name, ", ".join(further), own.address, examples[0]
    for concept, units in contents.concepts.items():
        most = contents.pictures_of(units[0]).small or ""
        number = f"{len(units)} unit{'s' * (len(units) != 1)}"
        yield "concept", concept_name(concept), number, contents.concept_places[concept], most
    for layer in contents.layers.values():
        yield "layer", layer.layer, f"{layer.units} units", layer.address, ""
    for layer in contents.layers.values():
        for number in layer.pages:
            unit = (layer.layer, number)
            row = contents.tables.dissected.get(unit)
            concept = "" if row is None else concept_name(row["concept"])
            small = contents.pictures_of(unit).small or ""
            yield "unit", unit_words(unit), concept, contents.unit_address(unit), small
