"""Imagenette: ten categories of ImageNet, which the rule download_imagenette provides."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from anatomy.config.base import Seed
from anatomy.config.category_rows import IMAGENET_TABLE, CategoryRow, table_rows
from anatomy.config.splits import ImagesPerCategory
from anatomy.stimuli.sources import Pictures
from anatomy.stimuli.sources._photographs import Photographs, photographs

CATEGORIES = (
    *("n01440764", "n02102040", "n02979186", "n03000684", "n03028079"),
    *("n03394916", "n03417042", "n03425413", "n03445777", "n03888257"),
)


class ImagenetteStimuli(Photographs):
    """Imagenette, ten categories of ImageNet, downloaded through torchvision."""

    source: Literal["imagenette"]
    version: Literal["full", "320px", "160px"] = Field("320px", description="which download")
    resize: int = Field(256, ge=8, description="the shorter side is brought to this first, pixels")
    image_size: int = Field(
        224, ge=8, description="side of the square cropped from the centre, pixels"
    )
    images: ImagesPerCategory = Field(default_factory=ImagesPerCategory)
    seed: Seed = Field(0, description="decides which images of a category are chosen")

    def known_categories(self, key: str) -> list[CategoryRow]:
        """All categories of ImageNet, of which networks that are shown this set know more than ten."""
        return table_rows(f"{key}.source", IMAGENET_TABLE)

    def wanted_categories(self) -> Sequence[str]:
        """The ten of Imagenette."""
        return CATEGORIES


SECTION = ImagenetteStimuli


def make(spec: Mapping[str, Any], downloaded: Path) -> Pictures:
    """Photographs of the download."""
    return photographs(spec, downloaded)
