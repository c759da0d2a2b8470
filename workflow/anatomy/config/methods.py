"""Configuration of recordings, circuits and knock-outs."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator

from anatomy.config.base import Name, Proportion, Section, Seed
from anatomy.knockout_modes import MODES
from anatomy.score_kinds import KINDS

ScoreKind = Literal[*KINDS.names]
Normalisation = Literal["minmax", "l1", "none"]
Scope = Literal["joint", "per_layer"]
Control = Literal["magnitude", "random", "other_same", "other_different", "circuit_removed"]
KnockoutKind = Literal["synapse", "node"]
KnockoutMode = Literal[*MODES.names]
LayerNames = Annotated[list[str] | Literal["all"], Field()]


class Recordings(Section):
    """Which responses are kept on disk for statistics, besides what circuits and knock-outs read."""

    layers: LayerNames = Field(
        default_factory=list, description="layers whose responses are recorded; `all`, or a list"
    )
    dtype: Literal["float16", "float32"] = Field(
        "float16", description="precision of these responses"
    )


def _ascending_from_zero(grid: list[float]) -> list[float]:
    if not grid or grid[0] != 0 or sorted(set(grid)) != grid:
        raise ValueError("begin with 0 and ascend")
    return grid


def each_once(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("name each value only once")
    return values


Grid = Annotated[list[Proportion], AfterValidator(_ascending_from_zero)]
Threshold = Annotated[float, Field(gt=0, le=1)]
Thresholds = Annotated[list[Threshold], Field(min_length=1), AfterValidator(each_once)]


def number_or_list(value: object) -> str:
    """Which form a value has that may be given as one number or as a list; tags of a union."""
    return "list" if isinstance(value, list) else "number"


class ScoreComparison(Section):
    """Kinds of scores, normalisations and scopes compared: each prunes each stage, with the other one intact."""

    categories: int | None = Field(
        None,
        ge=1,
        description="number of categories, drawn from those of the circuits; all when absent",
    )
    scores: Annotated[list[ScoreKind], AfterValidator(each_once)] = Field(
        default_factory=lambda: [
            *("absolute_per_image", "absolute_per_position", "signed"),
            *("magnitude", "random"),
        ],
        min_length=1,
        description="kinds of weight scores",
    )
    normalisations: Annotated[list[Normalisation], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["minmax", "l1", "none"],
        min_length=1,
        description="of the fully-connected layers' scores, before joint ranking",
    )
    scopes: Annotated[list[Scope], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["joint", "per_layer"],
        min_length=1,
        description="ranking of all weights of a stage together, or of each layer by itself",
    )
    removed_fractions: Grid = Field(
        default_factory=lambda: [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995],
        description="fractions of weights removed, ascending from 0",
    )


class ScoringStability(Section):
    """How many scoring images give a stable order of the weights: subsets against the second half of the images."""

    categories: int | None = Field(
        None,
        ge=1,
        description="number of categories, drawn from those of the circuits; all when absent",
    )


class Circuits(Section):
    """Category circuits: score the weights, prune the lowest, keep the sparsest network that does the job."""

    stimuli: Name = Field(description="stimulus set with splits scoring, extraction and evaluation")
    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    categories: list[str] | None = Field(
        None,
        min_length=1,
        description="categories to extract circuits for; all of the stimulus set when absent",
    )
    score: ScoreKind = Field("absolute_per_image", description="kind of weight score")
    scoring_images: int | None = Field(
        None,
        ge=1,
        description="scoring images of each category that scores are averaged over; all of the split when absent",
    )
    normalisation: Normalisation = Field(
        "minmax", description="of the scores of each fully-connected layer, before joint ranking"
    )
    scope: Scope = Field(
        "joint", description="rank all weights of a stage together, or each layer by itself"
    )
    criterion: Literal["faithfulness", "csa"] = Field(
        "faithfulness",
        description="what must stay above threshold x its value in the unpruned network",
    )
    threshold: Annotated[
        Annotated[Threshold, Tag("number")] | Annotated[Thresholds, Tag("list")],
        Discriminator(number_or_list),
    ] = Field(
        0.9,
        description="share of the unpruned value that must remain; of a list each gives a circuit, and those of the "
        "first are kept and analysed",
    )
    choose: Literal["before_first_failure", "sparsest"] = Field(
        "before_first_failure",
        description="the sparsest before the criterion first fails, or the sparsest of all that pass",
    )
    removed_fractions: Grid = Field(
        default_factory=lambda: [
            *(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9),
            *(0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999),
        ],
        description="grid of fractions of weights removed, ascending from 0",
    )
    refinement: int = Field(
        4,
        ge=0,
        le=50,
        description="further steps between the last that passes and the first that fails",
    )
    sweep: Literal["complete", "deciding"] = Field(
        "complete",
        description="for the first threshold measure every point of the grid, or only those that decide on the same "
        "circuit, in a fraction of the time",
    )
    controls: Annotated[list[Control], AfterValidator(each_once)] = Field(
        default_factory=lambda: [
            *("magnitude", "random", "other_same", "other_different", "circuit_removed")
        ],
        description="what circuits are compared with on new images, besides the unpruned and a constant unit",
    )
    comparison: ScoreComparison | None = Field(
        None, description="absent: kinds of scores are not compared"
    )
    stability: ScoringStability | None = Field(
        None, description="absent: the stability of scores is not measured"
    )
    pictures: int | None = Field(
        None,
        ge=0,
        description="number of categories whose circuits are pictured, drawn from all; all when absent",
    )
    categories_per_job: int = Field(25, ge=1, description="categories that share one job")

    @property
    def thresholds(self) -> list[float]:
        """The thresholds as a list."""
        return self.threshold if isinstance(self.threshold, list) else [self.threshold]


class Knockouts(Section):
    """Knock-outs: a growing proportion of weights (synapse) or units (node) of one layer is replaced."""

    stimuli: Name = Field(
        description="stimulus set on whose evaluation split performance is measured"
    )
    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layers: LayerNames = Field(
        "all", min_length=1, description="layers to knock out, one at a time; `all`, or a list"
    )
    kinds: Annotated[list[KnockoutKind], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["synapse", "node"],
        min_length=1,
        description="synapse: single weights; node: all incoming weights and the bias of a unit",
    )
    modes: Annotated[list[KnockoutMode], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["zero"],
        min_length=1,
        description="what takes the place of a removed weight: zero, the layer's mean weight, itself plus noise of "
        "the layer's spread, or another weight of the layer",
    )
    noise: float = Field(
        1.0,
        gt=0,
        description="mode noise: standard deviation relative to that of the layer's weights",
    )
    proportions: list[Proportion] = Field(
        default_factory=lambda: [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        min_length=1,
        description="proportions knocked out, ascending; the set at .3 contains the set at .2",
    )
    repeats: int = Field(5, ge=1, le=1000, description="independent draws of what is knocked out")
    images_per_category: int | None = Field(
        None, ge=1, description="use only the first so many evaluation images of each category"
    )
    layers_per_job: int = Field(4, ge=1, description="layers that share one job")
    seed: Seed = Field(0, description="another seed makes other draws")

    @field_validator("proportions")
    @classmethod
    def _ascending(cls, proportions: list[float]) -> list[float]:
        if sorted(set(proportions)) != proportions:
            raise ValueError("ascend without repetition")
        return proportions
