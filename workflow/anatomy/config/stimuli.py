"""Configuration of stimulus sets."""

from typing import Annotated, Literal

from pydantic import Field

from anatomy.config.base import Name, Section, Seed

Split = Literal["training", "scoring", "extraction", "evaluation"]
SPLITS: tuple[Split, ...] = ("training", "scoring", "extraction", "evaluation")
MEASURED_SPLITS: tuple[Split, ...] = ("scoring", "extraction", "evaluation")
FOLDER_OF_SPLIT: dict[Split, str] = {
    "training": "train",
    "scoring": "train",
    "extraction": "val",
    "evaluation": "val",
}


# the toybox numbers the scenes of its splits a million apart
MOST_IMAGES = 1_000_000

Images = Annotated[int, Field(ge=0, le=MOST_IMAGES)]


class ImagesPerCategory(Section):
    """How many images of each category go into each split; no image is in two splits."""

    training: Images = Field(0, description="images to train a network with")
    scoring: Images = Field(4, description="images that weights are scored on")
    extraction: Images = Field(20, description="images on which circuits are chosen")
    evaluation: Images = Field(
        30, description="new images on which circuits and lesions are measured"
    )


class ToyboxStimuli(Section):
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


class FolderStimuli(Section):
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


class ImagenetteStimuli(Section):
    """Imagenette, ten categories of ImageNet, downloaded through torchvision."""

    source: Literal["imagenette"]
    version: Literal["full", "320px", "160px"] = Field("320px", description="which download")
    resize: int = Field(256, ge=8, description="the shorter side is brought to this first, pixels")
    image_size: int = Field(
        224, ge=8, description="side of the square cropped from the centre, pixels"
    )
    images: ImagesPerCategory = Field(default_factory=ImagesPerCategory)
    seed: Seed = Field(0, description="decides which images of a category are chosen")


Stimuli = Annotated[
    ToyboxStimuli | FolderStimuli | ImagenetteStimuli, Field(discriminator="source")
]
