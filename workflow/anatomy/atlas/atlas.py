"""Writes the atlas of a network into a folder, page by page."""

from collections.abc import Iterator
from pathlib import Path

from anatomy.atlas.category_page import category_page
from anatomy.atlas.concept_page import concept_page
from anatomy.atlas.contents import Contents
from anatomy.atlas.index_page import index_page
from anatomy.atlas.layer_page import layer_page
from anatomy.atlas.places import CONCEPTS, INDEX
from anatomy.atlas.shared_files import shared_files
from anatomy.atlas.unit_page import unit_page
from anatomy.canonical import write_text
from anatomy.progress import track


def write_atlas(contents: Contents, folder: Path) -> None:
    """Write all pages; their pictures lie in the folder already.

    Raises
    ------
    InputError naming a file that cannot be written
    """
    number = 1 + len(contents.categories) + len(contents.layers) + bool(contents.concepts)
    number += sum(len(layer.pages) for layer in contents.layers.values())
    for address, text in shared_files(contents):
        _write(folder / address, text)
    for address, text in track(pages(contents), "pages of the atlas", total=number):
        _write(folder / address, text)


def pages(contents: Contents) -> Iterator[tuple[str, str]]:
    """Address and text of each page, the first page last, so that an atlas that has one is complete."""
    for category in contents.categories.values():
        yield category.address, category_page(contents, category)
    for layer in contents.layers.values():
        yield layer.address, layer_page(contents, layer)
        for number in layer.pages:
            address = contents.unit_address((layer.layer, number))
            yield address, unit_page(contents, layer, number)
    if contents.concepts:
        yield CONCEPTS, concept_page(contents)
    yield INDEX, index_page(contents)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
