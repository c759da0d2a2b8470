"""Configuration of feature visualisation."""

from typing import Annotated

from pydantic import Field

from anatomy.config.base import Name, Section, Seed
from anatomy.config.methods import LayerNames


class Features(Section):
    """Feature visualisation: the image that each unit asks for, found by gradient ascent from noise."""

    networks: list[Name] | None = Field(
        None, min_length=1, description="which networks; all when absent"
    )
    layers: LayerNames = Field(
        "all",
        min_length=1,
        description="convolutions, and the output layer; `all` of these, or a list",
    )
    channels: int | None = Field(
        48, ge=1, description="the first so many units of each layer; all when absent"
    )
    pyramid_levels: int = Field(
        3, ge=1, le=20, description="sizes of the image from coarse to fine; 1: only the final size"
    )
    pyramid_scale: Annotated[float, Field(gt=1, le=4)] = Field(
        1.4, description="how much larger each size is than the one before"
    )
    iterations: int = Field(10, ge=1, le=10_000, description="steps of the ascent at each size")
    step_size: float = Field(
        8.0,
        gt=0,
        description="how much a step changes the image: root mean square over pixels, levels of grey of 255",
    )
    jitter: int = Field(
        2,
        ge=0,
        le=1000,
        description="largest random shift of the image at each step, pixels of the network's input",
    )
    smoothing: float = Field(
        1.0,
        ge=0,
        description="standard deviation of the Gaussian that gradients are blurred with, pixels of the image at its "
        "present size; 0: none",
    )
    seed: Seed = Field(0, description="another seed begins with other noise")
