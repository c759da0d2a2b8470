"""Configuration of networks."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatomy.config.base import Name, Section, Seed

Positive = Annotated[float, Field(gt=0)]


class PreprocessingOverrides(Section):
    """What differs from the architecture's usual preprocessing: (pixel / scale - mean) / std per channel."""

    input_size: int | None = Field(None, ge=8, description="side of the square input, pixels")
    mean: tuple[float, float, float] | None = Field(None, strict=False, description="per channel")
    std: tuple[Positive, Positive, Positive] | None = Field(
        None, strict=False, description="per channel"
    )
    channel_order: Literal["rgb", "bgr"] | None = Field(None, description="order of the channels")
    scale: float | None = Field(None, gt=0, description="pixels are divided by this first")


class Training(Section):
    """How a network is trained by the workflow (Adam with weight decay, one-cycle learning rate)."""

    stimuli: Name = Field(
        description="stimulus set whose training split is learned, evaluation split held out"
    )
    epochs: int = Field(12, ge=1, description="passes over the training images")
    batch_size: int = Field(64, ge=1, description="images per step")
    learning_rate: float = Field(
        0.002, gt=0, lt=1, description="highest learning rate of the cycle"
    )
    weight_decay: float = Field(0.02, ge=0, description="decoupled weight decay")
    seed: Seed = Field(0, description="of initial weights, order of images and mirroring")
    threads: int = Field(
        2, ge=1, le=256, description="threads of the training, whatever --cores says"
    )


class Network(Section):
    """A network: architecture, weights, preprocessing and output categories."""

    architecture: str | None = Field(
        None,
        description="bvlc_alexnet, toybox_alexnet, the name of a torchvision classifier, or "
        "`path/to/file.py:name`, a function or class of your own",
    )
    weights: str | None = Field(
        None,
        description="`torchvision` (its pretrained weights), `trained` (by this workflow, see training), or the "
        "path of a safetensors or state_dict file",
    )
    training: Training | None = Field(None, description="only and always with weights: trained")
    untrained_twin_of: Name | None = Field(
        None, description="an untrained control: everything from that network but its weights"
    )
    seed: Seed = Field(0, description="of an untrained twin's weights")
    outputs: str | None = Field(
        None,
        description="CSV with columns category (or wnid) and output (or index) that names the output units; "
        "ImageNet's 1,000 when absent, the training categories for a trained network",
    )
    preprocessing: PreprocessingOverrides = Field(default_factory=PreprocessingOverrides)

    @property
    def weights_file(self) -> str | None:
        """Path of the file that the weights come from, if they come from a file."""
        return None if self.weights in (None, "torchvision", "trained") else self.weights

    @model_validator(mode="after")
    def _twin_or_network(self) -> Self:
        given = self.model_fields_set - {"seed"}
        if self.untrained_twin_of is not None:
            if given != {"untrained_twin_of"}:
                raise ValueError("an untrained twin takes no other key than seed")
            return self
        for key in ("architecture", "weights"):
            if getattr(self, key) is None:
                raise ValueError(f"needs {key} (or untrained_twin_of)")
        if (self.weights == "trained") != (self.training is not None):
            raise ValueError("weights: trained and a training section go together")
        if self.weights == "trained" and self.outputs is not None:
            raise ValueError("the outputs of a trained network are its training categories")
        return self
