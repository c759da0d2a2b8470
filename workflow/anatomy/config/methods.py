"""Configuration of recordings, circuits and knock-outs."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from anatomy.config.base import Name, Proportion, Section, Seed

ScoreKind = Literal["signed", "absolute_per_image", "absolute_per_position", "magnitude", "random"]
KnockoutKind = Literal["synapse", "node"]
KnockoutMode = Literal["zero", "mean", "noise", "resample"]
LayerNames = Annotated[list[str] | Literal["all"], Field()]


class Recordings(Section):
    """Which responses are kept on disk for statistics, besides what circuits and knock-outs read."""

    layers: LayerNames = Field(
        default_factory=list, description="layers whose responses are recorded; `all`, or a list"
    )
    dtype: Literal["float16", "float32"] = Field(
        "float16", description="precision of these responses"
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
    normalisation: Literal["minmax", "l1", "none"] = Field(
        "minmax", description="of the scores of each fully-connected layer, before joint ranking"
    )
    scope: Literal["joint", "per_layer"] = Field(
        "joint", description="rank all weights of a stage together, or each layer by itself"
    )
    criterion: Literal["faithfulness", "csa"] = Field(
        "faithfulness",
        description="what must stay above threshold x its value in the unpruned network",
    )
    threshold: float = Field(
        0.9, gt=0, le=1, description="share of the unpruned value that must remain"
    )
    choose: Literal["before_first_failure", "sparsest"] = Field(
        "before_first_failure",
        description="the sparsest before the criterion first fails, or the sparsest of all that pass",
    )
    removed_fractions: list[Proportion] = Field(
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
    categories_per_job: int = Field(25, ge=1, description="categories that share one job")

    @field_validator("removed_fractions")
    @classmethod
    def _ascending_from_zero(cls, grid: list[float]) -> list[float]:
        if not grid or grid[0] != 0 or sorted(set(grid)) != grid:
            raise ValueError("begin with 0 and ascend")
        return grid


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
    kinds: list[KnockoutKind] = Field(
        default_factory=lambda: ["synapse", "node"],
        min_length=1,
        description="synapse: single weights; node: all incoming weights and the bias of a unit",
    )
    modes: list[KnockoutMode] = Field(
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

    @field_validator("kinds", "modes")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        if len(set(values)) != len(values):
            raise ValueError("name each value only once")
        return values
