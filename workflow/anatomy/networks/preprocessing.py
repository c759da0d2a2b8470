"""From stored pixels to a network's input."""

from typing import Any, Literal

import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from anatomy.errors import InputError


class Preprocessing(BaseModel):
    """How stored uint8 pixels become a network's input: (pixel / scale - mean) / std, per channel.

    Mean and std are given in the network's channel order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input_size: int = Field(ge=8, description="side of the network's square input, pixels")
    mean: tuple[float, float, float] = Field(description="subtracted, after division by scale")
    std: tuple[float, float, float] = Field(description="divided by, after the mean is subtracted")
    channel_order: Literal["rgb", "bgr"] = Field("rgb", description="order the network expects")
    scale: float = Field(255.0, gt=0, description="pixels are divided by this first")

    def apply(self, images: NDArray[Any], device: torch.device) -> Tensor:
        """Network input (image, channel, y, x) float32 from uint8 RGB images (image, y, x, channel).

        Images larger than the input are cropped at the centre as torchvision's CenterCrop does; smaller ones are an
        InputError, because enlarging them is a decision of the stimulus set.
        """
        pixels = torch.from_numpy(self.crop(images)).to(device).permute(0, 3, 1, 2)
        return self.from_pixels(pixels)

    def from_pixels(self, pixels: Tensor) -> Tensor:
        """Network input (image, channel, y, x) float32 from RGB pixels 0 to 255 of the same shape, uint8 or float32.

        It can be differentiated with respect to float32 pixels, which it leaves as they are.
        """
        if self.channel_order == "bgr":
            pixels = pixels.flip(1)
        mean = torch.tensor(self.mean, device=pixels.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, 3, 1, 1)
        # channels last in memory: convolutions and pooling on the CPU take about two thirds of the time
        scaled = pixels.div(self.scale).contiguous(memory_format=torch.channels_last)
        return scaled.sub_(mean).div_(std)

    def crop(self, images: NDArray[Any]) -> NDArray[Any]:
        """The centre of images (image, y, x, channel) that the network sees, in the size of its input."""
        size = images.shape[1]
        if size < self.input_size:
            raise InputError(
                f"images of {size} pixels are smaller than the network's input of {self.input_size}"
            )
        start = round((size - self.input_size) / 2)
        stop = start + self.input_size
        return images[:, start:stop, start:stop]
