"""What sources of photographs share: folders in ImageNet's layout, resized and cropped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.stimuli import folder
from anatomy.stimuli.images import decode
from anatomy.stimuli.item import Item
from anatomy.stimuli.sources import Pictures, Source


class Photographs(Source):
    """A source whose images are brought to a size before they are cropped."""

    if TYPE_CHECKING:
        resize: int

    def check(self, key: str, _categories: Sequence[str]) -> None:
        """Refuse a crop that is larger than the image."""
        if self.resize < self.image_size:
            raise InputError(
                f"configuration: {key}.resize = {self.resize} is smaller than image_size = {self.image_size}"
            )


def photographs(spec: Mapping[str, Any], root: Path) -> Pictures:
    """Photographs below train/CATEGORY/ and val/CATEGORY/, drawn with the set's seed."""
    described = {c["category"]: c for c in spec["categories"]}
    selection = folder.choose(root, list(described), spec["images"], spec["seed"])
    items = [
        Item(
            image_id=image.image_id,
            category=image.category,
            name=described[image.category]["name"],
            super_category=described[image.category]["super_category"],
            split=image.split,
            source=str(image.path),
        )
        for image in selection.images
    ]

    def load(item: Item) -> NDArray[np.uint8]:
        return decode(root / item.source, spec["resize"], spec["image_size"])

    about = {"source": "folder", "resize": spec["resize"]}
    provenance = about | folder.provenance(root, selection.images)
    return Pictures(items, load, provenance, selection.notes)
