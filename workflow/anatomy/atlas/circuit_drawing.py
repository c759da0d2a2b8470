"""The drawing of a category's circuit: layers as columns, their strongest units, each leading to its page."""

from collections.abc import Hashable
from html import escape

import pandas as pd

from anatomy.atlas.contents import Contents, unit_words
from anatomy.atlas.frame import swatch
from anatomy.figures.circuit_picture import COLORS, EXCITATORY, INHIBITORY, MOST_LINES
from anatomy.figures.style import concept_name, percent, shorten

# Pixels of the drawing.
STEP, TILE, PITCH = 138, 62, 88
MARGIN, ABOVE, BELOW = 12, 34, 56
THICKEST, THINNEST = 7.0, 0.6
LETTERS = 18
WORDS = (
    "The strongest units of each layer, the strongest at the top, and the strongest connections. The width of a line"
    " is its share of the contributions into a layer. Each unit leads to its page."
)
Places = dict[tuple[Hashable, int], tuple[float, float]]


def circuit_drawing(contents: Contents, category: str, root: str) -> str:
    """The circuit of a category as a drawing; nothing where there is none to draw.

    It is drawn from the category's rows of the tables of pictures of circuits, as the figure of that name is.
    """
    units = contents.tables.drawn_units.get(category)
    connections = contents.tables.drawn_connections.get(category)
    if units is None or not units["strength"].sum():
        return ""
    units = units.sort_values(["column", "rank"])
    columns = list(units.groupby("column"))
    rows = max(len(own) for _, own in columns)
    places: Places = {}
    for number, (_, own) in enumerate(columns):
        first = ABOVE + TILE / 2 + (rows - len(own)) * PITCH / 2
        for place, row in enumerate(own.itertuples()):
            x = MARGIN + (number + 0.5) * STEP
            places[row.layer, row.unit] = x, first + place * PITCH
    width, height = 2 * MARGIN + len(columns) * STEP, ABOVE + rows * PITCH + BELOW
    output = columns[-1][0]
    parts = [
        *(_lines(connections, places) if connections is not None else []),
        *(
            _unit(contents, category, row, places, row.column == output, root)
            for row in units.itertuples()
        ),
        *(
            _column(contents, row, places, height, root)
            for row in units.drop_duplicates("column").itertuples()
        ),
    ]
    return (
        f'<div class="scroll"><svg class="circuit" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="Circuit of {escape(contents.name(category))}">{"".join(parts)}</svg></div>'
        f'<p class="legend"><span>{swatch(EXCITATORY)} excitatory</span>'
        f"<span>{swatch(INHIBITORY)} inhibitory</span></p>"
    )


def _lines(connections: pd.DataFrame, places: Places) -> list[str]:
    """The strongest connections into each layer, the weakest first, so that strong ones lie above."""
    strongest = connections.groupby("layer_to")["strength"].transform("max")
    ordered = connections.assign(share=connections["strength"] / strongest)
    ordered = ordered.sort_values("share", ascending=False, kind="stable")
    shown = ordered.groupby("layer_to").head(MOST_LINES).iloc[::-1]
    return [
        _line(
            places[row.layer_from, row.unit_from],
            places[row.layer_to, row.unit_to],
            row.share,
            row.sign,
        )
        for row in shown.itertuples()
    ]


def _line(start: tuple[float, float], end: tuple[float, float], share: float, sign: int) -> str:
    (x0, y0), (x1, y1) = start, end
    x0, x1 = x0 + TILE / 2, x1 - TILE / 2
    middle = (x0 + x1) / 2
    return (
        f'<path d="M{x0:g} {y0:g}C{middle:g} {y0:g} {middle:g} {y1:g} {x1:g} {y1:g}" fill="none"'
        f' stroke="{COLORS[sign]}" stroke-width="{max(THINNEST, THICKEST * share):.2f}"'
        f' stroke-opacity="{0.25 + 0.55 * share:.2f}"/>'
    )


def _unit(
    contents: Contents, category: str, row: tuple, places: Places, is_output: bool, root: str
) -> str:
    unit = (row.layer, int(row.unit))
    x, y = places[row.layer, row.unit]
    left, top = x - TILE / 2, y - TILE / 2
    if is_output:
        address, sharp = None, ""
        examples = contents.pictures.examples.get(category, [])
        shown = contents.pictures.features.get(category) or next(iter(examples), None)
        label = words = contents.name(category)
    else:
        own = contents.pictures_of(unit)
        address, shown = contents.unit_address(unit), own.seen or own.small
        sharp = ' class="sharp"' if own.filter else ""
        label, words = str(row.unit), _words(contents, unit, row.strength)
    box = f'x="{left:g}" y="{top:g}" width="{TILE}" height="{TILE}"'
    drawn = f'<rect class="tile" {box}/>'
    if shown:
        drawn += f'<image{sharp} href="{root}{shown}" {box} preserveAspectRatio="xMidYMid slice"/>'
    drawn += f'<rect class="edge" {box}/><title>{escape(words)}</title>'
    drawn += f'<text class="label" x="{x:g}" y="{top + TILE + 14:g}">{escape(shorten(label, LETTERS))}</text>'
    return f'<a href="{root}{address}">{drawn}</a>' if address else f"<g>{drawn}</g>"


def _words(contents: Contents, unit: tuple[str, int], strength: float) -> str:
    dissected = contents.tables.dissected.get(unit)
    concept = concept_name(dissected["concept"]) if dissected is not None else ""
    detected = f" ({concept})" if concept else ""
    return f"{unit_words(unit)}{detected}: {percent(strength)} of the contributions of the layer"


def _column(contents: Contents, row: tuple, places: Places, height: float, root: str) -> str:
    """Above a column its layer, below it how much of the layer belongs to the circuit."""
    x, _ = places[row.layer, row.unit]
    name = escape(shorten(row.layer, LETTERS))
    layer = contents.layers.get(row.layer)
    above = f'<text class="layer" x="{x:g}" y="18"><title>{escape(row.layer)}</title>{name}</text>'
    if layer is not None:
        above = f'<a href="{root}{layer.address}">{above}</a>'
    return (
        f'{above}<text class="label" x="{x:g}" y="{height - 26:g}">{row.connected_units:,} of'
        f' {row.units:,} units</text><text class="label" x="{x:g}" y="{height - 9:g}">'
        f"{percent(row.connected_fraction)} of weights</text>"
    )
