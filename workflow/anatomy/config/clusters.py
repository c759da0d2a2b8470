"""Configuration of cluster lesions."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from anatomy.config.base import Name, Section, Seed
from anatomy.config.methods import LayerNames, each_once

ClusterMethod = Literal["gaussian_mixture", "ward", "hdbscan"]
AtLeastEight = Annotated[int, Field(ge=8)]
AtLeastOne = Annotated[int, Field(ge=1)]
ClusterNumber = Annotated[int, Field(ge=2, le=1000)]


class Clusters(Section):
    """Cluster lesions: cluster all neurons by their responses, lesion each cluster, see which images suffer."""

    stimuli: Name = Field(
        description="stimulus set with splits extraction (to cluster and choose on) and evaluation (held out)"
    )
    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layers: LayerNames = Field(
        "all",
        min_length=1,
        description="layers whose neurons are clustered; `all`, which is all but the output layer, or a list",
    )
    response_images: AtLeastEight | Literal["all"] = Field(
        200,
        description="extraction images by whose responses neurons are clustered, evenly from all categories, or `all`; "
        "the matrix of all neurons x these images is held in memory",
    )
    standardisation: Literal["z_score", "raw"] = Field(
        "z_score",
        description="of each neuron's responses: minus mean, divided by standard deviation over the images; or none",
    )
    neurons_per_point: int = Field(
        10, ge=1, description="neurons for which a summary point stands, on average"
    )
    components: AtLeastOne | Literal["all"] = Field(
        20,
        description="principal components of the summary points by which these are clustered, or `all` dimensions",
    )
    methods: Annotated[list[ClusterMethod], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["gaussian_mixture", "ward", "hdbscan"],
        min_length=1,
        description="how summary points are clustered",
    )
    numbers: Annotated[list[ClusterNumber], AfterValidator(each_once)] = Field(
        default_factory=lambda: [2, 3, 4, 5, 6, 8, 10],
        min_length=1,
        description="numbers of clusters that are tried",
    )
    folds: int = Field(
        4, ge=2, le=20, description="parts of the extraction images in the cross-validation"
    )
    recognised_as: Literal["category", "super_category"] = Field(
        "category",
        description="what counts as recognising an image where clusters are chosen: the strongest output is its "
        "category, or any category of its super-category",
    )
    replacement: Literal["zero", "mean"] = Field(
        "zero",
        description="response of a lesioned neuron: zero, or its mean over the images that neurons are clustered by",
    )
    random_draws: int = Field(
        100, ge=0, le=100_000, description="random lesions that each cluster is compared with"
    )
    random_images_per_category: int | None = Field(
        None,
        ge=1,
        description="measure these only on the first so many evaluation images of each category; on all when absent",
    )
    seed: Seed = Field(0, description="of clustering and of random lesions")
