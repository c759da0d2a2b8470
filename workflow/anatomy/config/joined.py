"""Configuration of the joined results: circuits, clusters, labelled units and concept vectors beside each other."""

from pydantic import Field

from anatomy.config.base import Name, Section, Seed
from anatomy.config.methods import LayerNames


class ConceptVectors(Section):
    """TCAV scores of super-categories in every layer, beside the layers of cluster lesions."""

    images: int = Field(
        60,
        ge=8,
        description="extraction images of each super-category and of each random set, as far as there are so many",
    )
    random_sets: int = Field(
        10, ge=3, le=1000, description="random counterparts of each super-category"
    )
    shown_images: int = Field(
        120,
        ge=1,
        description="evaluation images of each super-category whose logits are differentiated, evenly from its "
        "categories",
    )


class Joined(Section):
    """Joined results: what several methods say together. Each is made where the sections that it needs are there."""

    stimuli: Name = Field(
        description="stimulus set shown while units are silenced (split evaluation), and of concept vectors"
    )
    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layers: LayerNames | None = Field(
        None,
        min_length=1,
        description="dissected layers whose units are silenced, and looked for in circuits; the last one when absent",
    )
    random_draws: int = Field(
        500,
        ge=1,
        le=100_000,
        description="random sets of units that those of each concept are compared with",
    )
    strata: int = Field(
        4,
        ge=1,
        le=1000,
        description="strata of similar mean response within which random units are drawn; 1 matches nothing",
    )
    random_images_per_category: int | None = Field(
        None,
        ge=1,
        description="measure these only on the first so many evaluation images of each category; on all when absent",
    )
    cluster_draws: int = Field(
        20,
        ge=0,
        le=100_000,
        description="random lesions that the lesion of a super-category's cluster is compared with, in each circuit",
    )
    cluster_images_per_category: int | None = Field(
        None,
        ge=1,
        description="measure these only on the first so many evaluation images of each category; on all when absent",
    )
    concept_vectors: ConceptVectors | None = Field(
        None, description="absent: no TCAV scores; needs the section clusters"
    )
    seed: Seed = Field(
        0, description="of random units and lesions, and of images of concept vectors"
    )
