"""What an atlas has pages for, and how one page leads to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from anatomy.atlas.pictures import Pictures, Unit, UnitPictures
from anatomy.atlas.places import CONCEPTS, category_slugs, layer_slugs, unit_slug
from anatomy.atlas.tables import Tables
from anatomy.figures.style import QUIET, concept_name, super_category_colors


@dataclass(frozen=True)
class Category:
    """A category: its name for people, its super-category, and the address of its page."""

    category: str
    name: str
    super_category: str
    address: str


@dataclass(frozen=True)
class Layer:
    """A layer: its number of units, the units that have pages, and the address of its page."""

    layer: str
    units: int
    pages: Sequence[int]
    address: str


@dataclass(frozen=True)
class Contents:
    """All pages of the atlas of a network.

    Addresses are relative to the folder of the atlas; what makes links takes the way there, "" or "../".

    Attributes
    ----------
    network : name of the network
    description : layers, in network order, with their shapes of weights; the last one has the output units
    rows : category, name and super_category of each category
    minimum : a unit whose IoU is larger is a detector; None where nothing is dissected
    """

    network: str
    description: Mapping[str, Any]
    rows: Sequence[Mapping[str, str]]
    tables: Tables
    pictures: Pictures
    minimum: float | None = None

    @cached_property
    def category_names(self) -> dict[str, str]:
        """Category -> its name for files."""
        return category_slugs([row["category"] for row in self.rows])

    @cached_property
    def layer_names(self) -> dict[str, str]:
        """Layer -> its name for files; without the output layer, whose units are the categories."""
        return layer_slugs([layer["name"] for layer in self.description["layers"][:-1]])

    @cached_property
    def categories(self) -> dict[str, Category]:
        """The categories, in their order."""
        return {
            row["category"]: Category(**row, address=f"categories/{name}.html")
            for row, name in zip(self.rows, self.category_names.values(), strict=True)
        }

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The layers with units that something is known of, in network order."""
        tables = self.tables
        known: dict[str, set[int]] = {}
        for source in (
            *(self.pictures.units, tables.dissected, tables.interventions),
            *(tables.unit_lesions, tables.circuits_of_unit),
        ):
            for layer, unit in source:
                known.setdefault(layer, set()).add(int(unit))
        return {
            name: Layer(name, entry["weight_shape"][0], sorted(known[name]), f"layers/{slug}.html")
            for entry in self.description["layers"]
            for name, slug in [(entry["name"], self.layer_names.get(entry["name"]))]
            if slug is not None and name in known
        }

    @cached_property
    def concepts(self) -> dict[str, list[Unit]]:
        """Concept -> its units, the best detectors first; concepts in alphabetical order."""
        found: dict[str, list[Unit]] = {}
        ordered = sorted(self.tables.dissected.items(), key=lambda item: -item[1]["iou"])
        for unit, row in ordered:
            if row["concept"] and self.unit_address(unit):
                found.setdefault(row["concept"], []).append(unit)
        return dict(sorted(found.items()))

    @cached_property
    def concept_places(self) -> dict[str, str]:
        """Concept -> the address of its place."""
        return {
            concept: f"{CONCEPTS}#concept-{number}"
            for number, concept in enumerate(self.concepts, start=1)
        }

    @cached_property
    def colors(self) -> dict[str, str]:
        """Super-category -> its colour."""
        return super_category_colors(row["super_category"] for row in self.rows)

    def color(self, category: str) -> str:
        """Colour of a category's super-category."""
        known = self.categories.get(category)
        return QUIET if known is None else self.colors[known.super_category]

    def name(self, category: str) -> str:
        """A category's name for people, as it is."""
        known = self.categories.get(category)
        return category if known is None else known.name

    def unit_address(self, unit: Unit) -> str | None:
        """Address of a unit's page; None where it has none."""
        layer = self.layers.get(unit[0])
        if layer is None or int(unit[1]) not in self._paged[unit[0]]:
            return None
        return f"units/{unit_slug(self.layer_names[unit[0]], int(unit[1]))}.html"

    def category_link(self, category: str, root: str) -> str:
        """A category's name, leading to its page."""
        known = self.categories.get(category)
        if known is None:
            return escape(category)
        return f'<a href="{root}{known.address}">{escape(known.name)}</a>'

    def unit_link(self, unit: Unit, root: str) -> str:
        """A unit's layer and number, leading to its page."""
        address, words = self.unit_address(unit), escape(unit_words(unit))
        return words if address is None else f'<a href="{root}{address}">{words}</a>'

    def layer_link(self, layer: str, root: str) -> str:
        """A layer's name, leading to its page."""
        known = self.layers.get(layer)
        words = escape(layer)
        return words if known is None else f'<a href="{root}{known.address}">{words}</a>'

    def concept_link(self, concept: str, root: str) -> str:
        """A concept's name, leading to its units."""
        place, words = self.concept_places.get(concept), escape(concept_name(concept))
        return words if place is None else f'<a href="{root}{place}">{words}</a>'

    def pictures_of(self, unit: Unit) -> UnitPictures:
        """Addresses of the pictures of a unit."""
        return self.pictures.of(unit)

    @cached_property
    def _paged(self) -> dict[str, set[int]]:
        return {name: set(layer.pages) for name, layer in self.layers.items()}


def unit_words(unit: Unit) -> str:
    """What a unit is called: its layer and its number."""
    return f"{unit[0]} {unit[1]}"
