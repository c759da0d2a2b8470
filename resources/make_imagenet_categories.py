"""Write imagenet_categories.csv: the 1,000 ImageNet categories with their super-categories.

Usage: python resources/make_imagenet_categories.py resources/imagenet_categories.csv

Needs the package timm (1.0 or newer), whose data files list ImageNet's categories and the words of
WordNet.
"""

import csv
import sys
from importlib.metadata import distribution
from pathlib import Path

# In the order of their WordNet ids, ImageNet's categories begin with all its animals; the people
# come much later.
ANIMALS = range(398)
PEOPLE = ("n09835506", "n10148035", "n10565667")  # ballplayer, groom, scuba diver

# Where two categories share WordNet's first word.
NAMES = {
    "n02012849": "crane (bird)",
    "n03126707": "crane (machine)",
    "n02113186": "Cardigan Welsh corgi",
    "n03710721": "tank suit",
}


def rows() -> list[dict[str, str | int]]:
    """One row for each category, in the order of ImageNet's indices, that of the sorted ids."""
    wnids = sorted(_data_lines("imagenet_synsets.txt"))
    words = dict(line.split("\t") for line in _data_lines("imagenet_synset_to_lemma.txt"))
    return [
        {
            "category": wnid,
            "index": index,
            "name": NAMES.get(wnid, words[wnid].split(",")[0]),
            "super_category": "animate" if index in ANIMALS or wnid in PEOPLE else "inanimate",
        }
        for index, wnid in enumerate(wnids)
    ]


def write(path: Path) -> None:
    """Write the table as CSV."""
    table = rows()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def _data_lines(name: str) -> list[str]:
    # located, not imported: timm would import torch
    path = Path(distribution("timm").locate_file(f"timm/data/_info/{name}"))
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
