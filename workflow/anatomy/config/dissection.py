"""Configuration of network dissection and of the labelled images it needs."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from anatomy.config.base import Name, Section, Seed
from anatomy.config.methods import LayerNames, each_once

Share = Annotated[float, Field(gt=0, lt=1)]
Strength = Annotated[float, Field(gt=0, le=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]

_IMAGES = "use only so many images, a random choice; all when absent"


class ToyboxBroden(Section):
    """The labelled toybox: scenes of all its categories with exact labels."""

    source: Literal["toybox"]
    images_per_category: int = Field(12, ge=1, description="scenes of each of the 12 categories")
    image_size: int = Field(
        64, ge=32, le=1024, description="side of the images, pixels; masks have half"
    )
    seed: Seed = Field(0, description="another seed draws other scenes")


class BrodenFolder(Section):
    """A folder in Broden's layout, such as broden1_224 with its index.csv."""

    source: Literal["folder"]
    folder: str = Field(min_length=1, description="path of the folder that holds index.csv")
    images: int | None = Field(None, ge=1, description=_IMAGES)


class BrodenArchive(Section):
    """Broden as it is downloaded; unpacked under results/."""

    source: Literal["archive"]
    archive: str = Field(min_length=1, description="path of the archive, such as broden1_224.zip")
    images: int | None = Field(None, ge=1, description=_IMAGES)


Broden = Annotated[ToyboxBroden | BrodenFolder | BrodenArchive, Field(discriminator="source")]


class Rotations(Section):
    """Other bases of the same responses, as a control: do single units mean more than their mixtures?"""

    layers: LayerNames | None = Field(
        None,
        min_length=1,
        description="layers whose units are mixed; the last that is dissected when absent",
    )
    strengths: Annotated[list[Strength], AfterValidator(each_once)] = Field(
        default_factory=lambda: [0.2, 0.4, 0.6, 0.8, 1.0],
        description="alpha: how far on the way to a random rotation",
    )
    combined_units: Annotated[list[AtLeastTwo], AfterValidator(each_once)] = Field(
        default_factory=lambda: [2, 4, 16],
        description="k: each new unit is a random combination of k units; numbers above a layer's units are left out",
    )
    repeats: int = Field(5, ge=1, le=1000, description="random rotations, and random combinations")


class Dissection(Section):
    """Network dissection: label each unit with the concept whose pixels its strongest responses cover."""

    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layers: LayerNames = Field(
        "all", min_length=1, description="convolutions to dissect; `all` of them, or a list"
    )
    quantile: Share = Field(
        0.005,
        description="share of a unit's responses, over all positions of all images, above its threshold",
    )
    thresholds: Literal["exact", "sketch"] = Field(
        "exact",
        description="how thresholds are found: from the largest responses of each unit, or to 0.05 % from counts of "
        "rounded responses, which takes less memory for layers with very many positions",
    )
    minimum_iou: Share = Field(0.04, description="a unit whose best IoU is larger is a detector")
    top_images: int = Field(10, ge=1, le=100, description="images shown for each unit")
    resamples: int = Field(
        1000, ge=0, le=10_000, description="bootstrap samples of the images, for intervals"
    )
    dtype: Literal["float16", "float32"] = Field(
        "float32",
        description="precision of the responses on disk; float32 is what the network computes, float16 takes half the "
        "space",
    )
    rotations: Rotations | None = Field(None, description="absent: no other bases are dissected")
    seed: Seed = Field(0, description="of resamples and random bases")
