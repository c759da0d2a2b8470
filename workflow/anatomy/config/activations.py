"""Configuration of activations: what channels respond to, and what drives them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from anatomy.config.base import Name, Section, Seed
from anatomy.config.methods import LayerNames, each_once, number_or_list

Fill = Literal["mean", "grey", "noise"]
Share = Annotated[float, Field(gt=0, lt=1)]
AtLeastOne = Annotated[int, Field(ge=1)]
ImageIds = Annotated[list[str], Field(min_length=1), AfterValidator(each_once)]
ConceptCategory = Literal["color", "texture", "material", "part", "object", "scene"]

_FILL = "what covers: the image's own mean colour, mid-grey, or random pixels"


class Occlusion(Section):
    """Occlusion maps: a patch is moved over a unit's best image; where it lowers the response, the unit needed it."""

    units: int = Field(4, ge=1, le=1000, description="units of each layer, drawn at random")
    patch: Share = Field(0.2, description="side of the patch, share of the image's")
    stride: Share = Field(0.1, description="distance between its places, share of the image's side")
    fill: Fill = Field("mean", description=_FILL)


class Manipulation(Section):
    """Detectors by intervention: cover a labelled part, compare with covering as much elsewhere."""

    concept_categories: Annotated[list[ConceptCategory], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["part"],
        min_length=1,
        description="categories of the concepts that are covered",
    )
    images_per_concept: int = Field(
        20, ge=2, description="images that show a concept, a random choice"
    )
    minimum_images: int = Field(8, ge=2, description="concepts with fewer images are left out")
    controls: int = Field(3, ge=1, le=100, description="other places that are covered instead")
    fill: Fill = Field("mean", description=_FILL)
    level: Share = Field(
        0.05, description="false discovery rate over all units and concepts of a layer"
    )
    minimum_drop: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1,
        description="share of the response that covering the part must cost, and cost more than covering other places",
    )

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        if self.images_per_concept < self.minimum_images:
            raise ValueError(
                f"images_per_concept = {self.images_per_concept} is less than minimum_images = {self.minimum_images}"
            )
        return self


class Activations(Section):
    """Activations: what the channels of a layer make of an image, their top images, and what drives them."""

    stimuli: Name = Field(description="stimulus set whose evaluation split is shown")
    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layers: LayerNames = Field(
        "all", min_length=1, description="convolutions to look at; `all` of them, or a list"
    )
    images: Annotated[
        Annotated[AtLeastOne, Tag("number")] | Annotated[ImageIds, Tag("list")],
        Discriminator(number_or_list),
    ] = Field(3, description="images whose activations are drawn: so many, or a list of image_id")
    top_images: int = Field(9, ge=1, le=100, description="images shown for each unit")
    occlusion: Occlusion | None = Field(None, description="absent: no occlusion maps are made")
    manipulation: Manipulation | None = Field(
        None, description="absent: no labelled parts are covered; needs the section broden"
    )
    seed: Seed = Field(0, description="of the choice of images, units and places")
