"""The toybox: small scenes drawn by the project's own renderer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from anatomy.config.base import Name, Seed
from anatomy.config.category_rows import CategoryRow
from anatomy.config.splits import ImagesPerCategory
from anatomy.stimuli.item import Item
from anatomy.stimuli.sources import Pictures, Source
from anatomy.stimuli.toybox.render import render_object
from anatomy.stimuli.toybox.vocabulary import CATEGORIES

# Index of a split's first scene: no scene is in two splits, of this set or another
FIRST_SCENE = {
    "training": 0,
    "scoring": 1_000_000,
    "extraction": 2_000_000,
    "evaluation": 3_000_000,
}


class ToyboxStimuli(Source):
    """Small scenes drawn by the project's own renderer; needs no files."""

    source: Literal["toybox"]
    categories: list[Name] | None = Field(
        None, description="which of the 12 categories; all when absent"
    )
    image_size: int = Field(
        64, ge=32, le=1024, description="side of the stored square images, pixels"
    )
    images: ImagesPerCategory = Field(default_factory=ImagesPerCategory)
    seed: Seed = Field(0, description="another seed draws another set of scenes")

    def known_categories(self, _key: str) -> list[CategoryRow]:
        """The 12 categories of the toybox."""
        return [CategoryRow(c.name, c.name, c.super_category, None) for c in CATEGORIES]


SECTION = ToyboxStimuli


def make(spec: Mapping[str, Any], _downloaded: Path | None) -> Pictures:
    """Scenes, numbered on in each split."""
    items = [
        Item(
            image_id=f"{category['category']}/{FIRST_SCENE[split] + number:07d}",
            category=category["category"],
            name=category["name"],
            super_category=category["super_category"],
            split=split,
            source=f"toybox, seed {spec['seed']}",
        )
        for split in FIRST_SCENE
        for category in spec["categories"]
        for number in range(spec["images"][split])
    ]

    def load(item: Item) -> NDArray[np.uint8]:
        index = int(item.image_id.split("/")[1])
        return render_object(item.category, spec["seed"], index, spec["image_size"])

    return Pictures(items, load, {"source": "toybox", "seed": spec["seed"]})
