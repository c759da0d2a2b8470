"""What all pages of an atlas have: the frame with its search box, headings, tiles, and the files that they share."""

from collections.abc import Callable, Sequence
from html import escape
from string import Template
from typing import TypeVar

from anatomy.atlas.contents import Contents, unit_words
from anatomy.atlas.pictures import Unit
from anatomy.atlas.places import CONCEPTS, INDEX, OVERVIEW
from anatomy.figures.style import concept_name
from anatomy.pages import NO_CONCEPT

Item = TypeVar("Item")
STYLE_FILE, SCRIPT_FILE, SEARCH_FILE = "shared/style.css", "shared/search.js", "shared/contents.js"
# Nothing but files beside the pages is ever read, and no script or style that a page itself holds.
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; " + "; ".join(
    f"{kind}-src 'self' file:" for kind in ("img", "style", "script")
)

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="stylesheet" href="$root$style">
<script src="$root$contents" defer></script>
<script src="$root$script" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="masthead">
<nav aria-label="Atlas"><ul>$links</ul></nav>
<form id="search" role="search" data-root="$root" hidden>
<input type="search" name="find" autocomplete="off" spellcheck="false" placeholder="$placeholder"
 aria-label="Search categories, concepts and units" role="combobox" aria-expanded="false" aria-controls="found">
<ul id="found" role="listbox" aria-label="Found" hidden></ul>
</form>
</header>
<main id="content">
$body
</main>
</body>
</html>
""")


def page(contents: Contents, title: str, body: str, root: str = "../") -> str:
    """A whole page.

    Parameters
    ----------
    title : as text
    body : as HTML
    root : way from the page to the folder of the atlas
    """
    links = [(INDEX, contents.network)]
    if contents.concepts:
        links.append((CONCEPTS, "concepts"))
    links.append((OVERVIEW, "all networks"))
    return PAGE.substitute(
        policy=POLICY,
        title=escape(title),
        root=root,
        style=STYLE_FILE,
        script=SCRIPT_FILE,
        contents=SEARCH_FILE,
        placeholder=escape(_placeholder(contents)),
        links="".join(f'<li><a href="{root}{to}">{escape(name)}</a></li>' for to, name in links),
        body=body,
    )


def _placeholder(contents: Contents) -> str:
    """One of each that can be searched for."""
    units = [(name, layer.pages[-1]) for name, layer in contents.layers.items()]
    examples = [next(iter(contents.categories.values())).name] if contents.categories else []
    examples += [concept_name(concept) for concept in list(contents.concepts)[-1:]]
    return ", ".join([*examples, *(unit_words(unit) for unit in units[-1:])])


def section(heading: str, content: str, note: str = "") -> str:
    """A part of a page, as HTML; nothing where it has no content."""
    if not content:
        return ""
    words = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{heading}</h2>{words}\n{content}\n</section>"


def stats(entries: Sequence[tuple[str, str]]) -> str:
    """Numbers in large letters: (what, number with HTML)."""
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in entries)
    return f'<dl class="stats">{items}</dl>' if items else ""


def swatch(color: str) -> str:
    """A dot of a colour."""
    return (
        '<svg class="dot" viewBox="0 0 10 10" aria-hidden="true">'
        f'<circle cx="5" cy="5" r="5" fill="{color}"/></svg>'
    )


def picture(address: str, words: str, kind: str = "") -> str:
    """A picture that is read only when it comes near to what is in view."""
    of_kind = f' class="{kind}"' if kind else ""
    return f'<img{of_kind} src="{address}" alt="{escape(words)}" loading="lazy" decoding="async">'


def unit_tile(contents: Contents, unit: Unit, root: str, below: str | None = None) -> str:
    """A unit's picture, number and concept, or what else is to stand below it (HTML), leading to its page."""
    row = contents.tables.dissected.get(unit)
    if below is None:
        concept = "" if row is None else escape(concept_name(row["concept"])) or NO_CONCEPT
        detects = " detects" if row is not None and row["detector"] else ""
        below = f'<span class="concept{detects}">{concept}</span>' if concept else ""
    own = contents.pictures_of(unit)
    shown = (
        picture(f"{root}{own.small}", "", "sharp" if own.filter else "")
        if own.small
        else '<span class="none"></span>'
    )
    address = contents.unit_address(unit)
    inside = f"{shown}<b>{escape(unit_words(unit))}</b>{below}"
    return f'<li><a href="{root}{address}">{inside}</a></li>' if address else f"<li>{inside}</li>"


def tiles(items: Sequence[str]) -> str:
    """A grid of tiles."""
    return f'<ul class="tiles">{"".join(items)}</ul>' if items else ""


def beside(items: Sequence[Item], own: Item, link: Callable[[Item], str]) -> str:
    """From the page of one of `items`, links to the pages before and behind it; `link` makes the HTML of one."""
    place = items.index(own)
    parts = [
        f'<span class="{kind}">{link(items[near])}</span>'
        for kind, near in (("earlier", place - 1), ("later", place + 1))
        if 0 <= near < len(items)
    ]
    return f'<p class="beside">{"".join(parts)}</p>' if parts else ""
