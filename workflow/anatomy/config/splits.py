"""The splits of a stimulus set, and how many images go into each."""

from typing import Annotated, Literal

from pydantic import Field

from anatomy.config.base import Section

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
