"""Photographs in folders of the user's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from anatomy.config.base import Seed
from anatomy.config.category_rows import CategoryRow, table_path, table_rows
from anatomy.config.splits import FOLDER_OF_SPLIT, SPLITS, ImagesPerCategory
from anatomy.errors import InputError
from anatomy.stimuli.folder import choose, count_images, provenance
from anatomy.stimuli.listing import check_unchanged
from anatomy.stimuli.sources import Pictures
from anatomy.stimuli.sources._photographs import Photographs, photographs

FOLDERS = tuple(dict.fromkeys(FOLDER_OF_SPLIT.values()))


class FolderStimuli(Photographs):
    """Photographs in ImageNet's layout: train/CATEGORY/* and val/CATEGORY/*."""

    source: Literal["folder"]
    folder: str = Field(description="folder that holds train/ and val/")
    category_table: str = Field(
        "resources/imagenet_categories.csv",
        description="CSV with columns category (or wnid), super_category and optionally name: one row per category",
    )
    categories: list[str] | None = Field(
        None, description="which categories (folder names); all rows of category_table when absent"
    )
    resize: int = Field(256, ge=8, description="the shorter side is brought to this first, pixels")
    image_size: int = Field(
        224, ge=8, description="side of the square cropped from the centre, pixels"
    )
    images: ImagesPerCategory = Field(default_factory=ImagesPerCategory)
    seed: Seed = Field(0, description="decides which images of a category are chosen")

    def known_categories(self, key: str) -> list[CategoryRow]:
        """All rows of the category table."""
        return table_rows(f"{key}.category_table", table_path(self.category_table))

    def check(self, key: str, categories: Sequence[str]) -> None:
        """Check that the folder holds as many images of each category as are asked for."""
        super().check(key, categories)
        root = Path(self.folder)
        if not root.is_dir():
            raise InputError(f"configuration: {key}.folder: {self.folder!r} is not a folder")
        for folder in FOLDERS:
            splits = [split for split in SPLITS if FOLDER_OF_SPLIT[split] == folder]
            asked = sum(getattr(self.images, split) for split in splits)
            for category in categories if asked else ():
                try:
                    found = count_images(root, folder, category, at_least=asked)
                except (InputError, OSError) as error:
                    raise InputError(f"configuration: {key}.folder: {error}") from None
                if found < asked:
                    raise InputError(
                        f"configuration: {key}.images asks for {asked} images of category {category!r} "
                        f"({' + '.join(splits)}), but {root / folder / category} has {found}"
                    )

    def beyond_keys(self, categories: Sequence[str]) -> dict[str, Any]:
        """Names and sizes of the chosen images: one more in a used folder changes which are chosen."""
        chosen = choose(Path(self.folder), categories, self.images.model_dump(), self.seed).images
        return {"files": provenance(Path(self.folder), chosen)["files_digest"]}


SECTION = FolderStimuli


def make(spec: Mapping[str, Any], _downloaded: Path | None) -> Pictures:
    """The photographs that were planned; InputError if others lie there now."""
    root = Path(spec["folder"])
    pictures = photographs(spec, root)
    check_unchanged(root, spec["files"], pictures.provenance["files_digest"])
    return pictures
