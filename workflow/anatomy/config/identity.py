"""Configuration of the identity task and of the faces and houses it needs."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from anatomy.config.base import Name, Section, Seed
from anatomy.config.methods import each_once

Representation = Literal["absolute_difference", "squared_difference", "product", "both"]
Share = Annotated[float, Field(gt=0, lt=1)]
Dose = Annotated[float, Field(gt=0, le=0.5)]
Positive = Annotated[float, Field(gt=0)]
Folders = Annotated[list[str], AfterValidator(each_once)]


def _ascending(values: list[float]) -> list[float]:
    if sorted(set(values)) != values:
        raise ValueError("ascend without repetition")
    return values


Doses = Annotated[list[Dose], AfterValidator(_ascending)]
Levels = Annotated[list[Positive], AfterValidator(_ascending)]


class IdentityNumbers(Section):
    """How many faces, and as many houses, there are to learn from and to test with."""

    training: int = Field(
        60, ge=2, description="identities of each kind that the readout learns from"
    )
    test: int = Field(20, ge=2, description="other identities of each kind")


class ToyboxIdentities(Section):
    """Faces and houses of the toybox."""

    source: Literal["toybox"]
    identities: IdentityNumbers = Field(default_factory=IdentityNumbers)
    views: int = Field(8, ge=2, le=1000, description="pictures of each identity")
    image_size: int = Field(64, ge=32, le=1024, description="side of the images, pixels")
    seed: Seed = Field(0, description="another seed draws other faces and houses")


class FolderIdentities(Section):
    """Photographs in folders face/IDENTITY/* and house/IDENTITY/*."""

    source: Literal["folder"]
    folder: str = Field(min_length=1, description="path of the folder that holds face/ and house/")
    test_share: Share = Field(
        0.25, description="share of the identities that are kept for the test"
    )
    views: int = Field(
        10,
        ge=2,
        le=1000,
        description="pictures of each identity; where there are fewer photographs, further views are made from them",
    )
    resize: int = Field(256, ge=8, description="the shorter side is brought to this first, pixels")
    image_size: int = Field(
        224, ge=8, description="side of the square cropped from the centre, pixels"
    )
    grey: bool = Field(
        False,
        description="show all photographs in grey, so that colour tells neither kinds nor identities",
    )
    seed: Seed = Field(0, description="of the choice of identities and photographs, and of views")


Identities = Annotated[ToyboxIdentities | FolderIdentities, Field(discriminator="source")]


class LocalizerKinds(Section):
    """Which folders show faces, houses and something else."""

    face: Folders = Field(min_length=1, description="folders that show faces")
    house: Folders = Field(min_length=1, description="folders that show houses")
    other: Folders = Field(
        default_factory=list,
        description="folders of other kinds, which selectivity must exceed too",
    )


class Localizer(Section):
    """Photographs that units are chosen by, as a localizer scan chooses voxels: folders FOLDER/KIND/*."""

    folder: str = Field(min_length=1, description="path of the folder that holds the kinds")
    kinds: LocalizerKinds
    images: int | None = Field(
        None,
        ge=2,
        description="use so many images of each folder, a random choice; all when absent",
    )
    resize: int = Field(256, ge=8, description="the shorter side is brought to this first, pixels")
    image_size: int = Field(
        224, ge=8, description="side of the square cropped from the centre, pixels"
    )
    grey: bool = Field(False, description="show all photographs in grey")
    seed: Seed = Field(0, description="of the choice of images")


class Identity(Section):
    """The identity task: are two pictures of the same face, or house, and which units does the answer need?"""

    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layer: str = Field("conv3", description="layer whose units are lesioned")
    readout: str | None = Field(
        None, description="layer that is read out; the last hidden one when absent"
    )
    training_pairs: int = Field(
        2400, ge=16, multiple_of=4, description="pairs that the readout is trained with"
    )
    test_pairs: int = Field(480, ge=4, multiple_of=4, description="pairs of other identities")
    folds: int = Field(
        4, ge=2, le=20, description="groups of identities in the cross-validation of the readout"
    )
    representations: Annotated[list[Representation], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["absolute_difference", "squared_difference", "product", "both"],
        min_length=1,
        description="what is made of the features of two images; `both` joins absolute difference and product",
    )
    penalties: Levels = Field(
        default_factory=lambda: [0.0001, 0.001, 0.01, 0.1],
        min_length=1,
        description="inverse strengths of the logistic regression's penalty (C), ascending",
    )
    localizer: Localizer | None = Field(
        None, description="absent: units are chosen by the identities of the training pairs"
    )
    level: Share = Field(0.05, description="false discovery rate over the units of the layer")
    proportions: Doses = Field(
        default_factory=lambda: [0.05, 0.1, 0.2, 0.3, 0.5],
        min_length=1,
        description="proportions of the layer's units that are lesioned, the most selective first, ascending",
    )
    noise_levels: Levels = Field(
        default_factory=lambda: [1.0, 2.0, 4.0],
        description="noise that is added to a unit's response, standard deviations of its response, ascending",
    )
    noise_proportions: Doses = Field(
        default_factory=lambda: [0.2], description="proportions of units that get noise"
    )
    repeats: int = Field(5, ge=1, le=100, description="draws of the noise")
    random_draws: int = Field(
        39, ge=1, le=10_000, description="sets of random units, matched in number and mean response"
    )
    resamples: int = Field(
        2000,
        ge=0,
        le=100_000,
        description="bootstrap samples and permutations of the test identities",
    )
    seed: Seed = Field(0, description="of pairs, random units, noise and resamples")
