"""The first page of an atlas: its categories as cards and its layers as walls of units."""

from html import escape

from anatomy.atlas.contents import Category, Contents, Layer, unit_words
from anatomy.atlas.frame import page, picture, section, stats, swatch
from anatomy.figures.style import concept_name, percent
from anatomy.tables import FOUND

# Units of a layer on the wall; its own page has them all.
MOST_UNITS = 512


def index_page(contents: Contents) -> str:
    """The page that everything is reached from."""
    groups = [_group(contents, group) for group in contents.colors]
    layers = [_layer(contents, layer) for layer in contents.layers.values()]
    body = (
        f'<div class="head"><div class="text"><p class="overline">Atlas</p><h1>{escape(contents.network)}</h1>'
        f'<p class="lead">{_lead(contents)}</p>{_numbers(contents)}</div></div>\n'
        f"{section('Categories', ''.join(groups))}\n"
        f"{section('Layers and their units', ''.join(layers), _WALL_WORDS)}"
    )
    return page(contents, f"Atlas of {contents.network}", body, root="")


_WALL_WORDS = (
    "Each picture leads to a unit: its weights, the image that it asks for, or what it sees of the image that it"
    " responds to most."
)


def _lead(contents: Contents) -> str:
    parts = []
    if contents.categories:
        parts.append(
            "A category's page shows the circuit that computes it and the lesions that hurt it."
        )
    if contents.layers:
        parts.append(
            "A unit's page shows what it responds to, who uses it, and what its loss does."
        )
    parts.append("The box above finds both by name; the key / leads to it.")
    return " ".join(parts)


def _numbers(contents: Contents) -> str:
    tables = contents.tables
    entries = [("categories", len(contents.categories))] if contents.categories else []
    if tables.circuits:
        found = sum(row["outcome"] == FOUND for row in tables.circuits.values())
        entries.append(("with a circuit", found))
    if contents.layers:
        entries.append(("units", sum(len(layer.pages) for layer in contents.layers.values())))
    if tables.dissected:
        detectors = [row for row in tables.dissected.values() if row["detector"]]
        entries.append(("detectors", len(detectors)))
        entries.append(("unique detectors", len({row["concept"] for row in detectors})))
    return stats([(name, f"{number:,}") for name, number in entries])


def _group(contents: Contents, group: str) -> str:
    own = [one for one in contents.categories.values() if one.super_category == group]
    cards = "".join(_card(contents, one) for one in own)
    return (
        f'<h3>{swatch(contents.colors[group])} {escape(group)}</h3><ul class="cards">{cards}</ul>'
    )


def _card(contents: Contents, own: Category) -> str:
    examples = contents.pictures.examples.get(own.category, [])
    address = next(iter(examples), None) or contents.pictures.features.get(own.category)
    shown = picture(address, "") if address else '<span class="none"></span>'
    row = contents.tables.circuits.get(own.category)
    words = ""
    if row is not None:
        kept = row["outcome"] == FOUND
        words = f"{percent(row['kept_fraction'])} of weights" if kept else "no circuit"
    below = f"<small>{words}</small>" if words else "<small></small>"
    return f'<li><a href="{own.address}">{shown}<b>{escape(own.name)}</b>{below}</a></li>'


def _layer(contents: Contents, layer: Layer) -> str:
    units = layer.pages[:MOST_UNITS]
    more = ""
    if len(units) < len(layer.pages):
        more = f'<p class="note"><a href="{layer.address}">All {len(layer.pages):,} units</a></p>'
    wall = "".join(_tile(contents, layer, number) for number in units)
    heading = f"{contents.layer_link(layer.layer, '')} <small>{layer.units:,} units</small>"
    return f'<h3>{heading}</h3><ul class="wall">{wall}</ul>{more}'


def _tile(contents: Contents, layer: Layer, number: int) -> str:
    unit = (layer.layer, number)
    own, row = contents.pictures_of(unit), contents.tables.dissected.get(unit)
    concept = concept_name(row["concept"]) if row is not None else ""
    words = f"{unit_words(unit)}: {concept}" if concept else unit_words(unit)
    shown = (
        picture(own.small, words, "sharp" if own.filter else "")
        if own.small
        else f'<span class="none">{number}</span>'
    )
    return f'<li><a href="{contents.unit_address(unit)}" title="{escape(words)}">{shown}</a></li>'
