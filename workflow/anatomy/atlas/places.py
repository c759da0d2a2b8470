"""Where the pages and pictures of an atlas lie: names that every file system takes, whatever things are called."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

INDEX = "index.html"
CONCEPTS = "concepts.html"
# from the folder of an atlas to the page of all of them
OVERVIEW = "../../atlas.html"
LONGEST = 40


def slug(name: str, kept: str = "") -> str:
    """A name in letters a to z, digits, hyphens and the characters `kept`; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(rf"[^A-Za-z0-9{re.escape(kept)}]+", "-", plain)[:LONGEST].strip("-.")


def category_slugs(categories: Sequence[str]) -> dict[str, str]:
    """Category -> its number in the atlas and what can be read of its name; no two are the same."""
    return {
        category: "_".join(filter(None, (f"{number:04d}", slug(category).lower())))
        for number, category in enumerate(categories, start=1)
    }


def layer_slugs(layers: Iterable[str]) -> dict[str, str]:
    """Layer -> its name for files; layers that would share one, also on a disk that ignores case, are numbered."""
    slugs: dict[str, str] = {}
    taken: set[str] = set()
    for number, layer in enumerate(layers):
        name = slug(layer, kept="._") or f"layer{number}"
        while name.casefold() in taken:
            name = f"{name}-{number}"
        taken.add(name.casefold())
        slugs[layer] = name
    return slugs


def unit_slug(layer_name: str, unit: int) -> str:
    """A unit's name for files, from that of its layer."""
    return f"{layer_name}_{unit:04d}"
