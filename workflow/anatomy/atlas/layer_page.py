"""The page of a layer: all its units, with their pictures and concepts."""

from html import escape

from anatomy.atlas.contents import Contents, Layer
from anatomy.atlas.frame import beside, page, section, stats, tiles, unit_tile
from anatomy.pages import whole_percent

ROOT = "../"


def layer_page(contents: Contents, layer: Layer) -> str:
    """A layer's page."""
    units = [unit_tile(contents, (layer.layer, number), ROOT) for number in layer.pages]
    neighbours = beside(
        list(contents.layers), layer.layer, lambda near: contents.layer_link(near, ROOT)
    )
    body = (
        f'{neighbours}\n<div class="head"><div class="text"><p class="overline">Layer</p>'
        f"<h1>{escape(layer.layer)}</h1>{_numbers(contents, layer)}</div></div>\n"
        f"{section('Units', tiles(units), _words(contents, layer))}"
    )
    return page(contents, f"{layer.layer} of {contents.network}", body)


def _numbers(contents: Contents, layer: Layer) -> str:
    entries = [("units", f"{layer.units:,}")]
    rows = [contents.tables.dissected.get((layer.layer, number)) for number in layer.pages]
    found = [row for row in rows if row is not None]
    if found:
        detectors = [row for row in found if row["detector"]]
        share = f" <small>{whole_percent(len(detectors) / len(found))}</small>"
        entries.append(("detectors", f"{len(detectors)}{share}"))
        entries.append(("unique detectors", str(len({row["concept"] for row in detectors}))))
    return stats(entries)


def _words(contents: Contents, layer: Layer) -> str:
    shown = len(layer.pages)
    left_out = f"The {shown} units of {layer.units:,} of which something is known. "
    named = "Below each its concept, bold where it is a detector."
    dissected = any((layer.layer, number) in contents.tables.dissected for number in layer.pages)
    return left_out * (shown < layer.units) + named * dissected
