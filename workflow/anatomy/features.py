"""Features: for each unit of a layer, a picture that drives it, found by gradient ascent from noise.

Ascent goes through an image pyramid from coarse to fine, in the manner of MATLAB's deepDreamImage and of Mordvintsev,
Olah & Tyka, "Inceptionism" (2015), with steps of normalised size, jitter and smoothed gradients.

What is climbed. A unit's preactivation: behind batch normalisation, before the non-linearity; for output units the
logit. Over the positions of a map it is averaged with negative values counted as NEGATIVE_SHARE of what they are. The
plain average would not do: of a convolution that reads the images it is linear in the pixels, and its gradient is the
sum of all shifts of the filter, in which edges cancel. The average of what is positive alone has no gradient at a unit
that noise leaves silent. With a small share, positions count that the unit responds to, and where there are none,
those that it might.

How coarse levels are shown. A picture of any level is enlarged (bilinearly) to the side of the network's input before
the network reads it, and gradients come back the same way. So all levels climb the same function, coarse levels cannot
have fine patterns rather than having wrong sizes, and it is one rule for all networks, also for those that read images
of one size only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from anatomy.errors import InputError
from anatomy.image_pyramid import blur_reach, pyramid_sides
from anatomy.networks.cut import prefix
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.randomness import generator
from anatomy.thumbnails import webp

NEGATIVE_SHARE = 0.01
# Pictures that climb at the same time, however few or many are wanted. Kernels round differently for batches of another
# size, and ascent makes that large: what is just above zero, or the largest of a pooling, decides on gradients.
TOGETHER = 16
# Levels of grey, of 255.
LARGEST = 255.0
GREY, NOISE = 127.5, 10.0


@dataclass(frozen=True)
class Ascent:
    """Settings of gradient ascent.

    Attributes
    ----------
    pyramid_levels : sizes of the picture, the last of which is the network's input; 1: only that
    pyramid_scale : ratio of the sides of one level and the one before
    iterations : steps on each level
    step_size : root mean square over pixels and channels of the change in one step, in levels of grey (of 255)
    jitter : before each step the picture is shifted by a random number of pixels of the network's input up to this,
        along y and along x, and shifted back afterwards; what leaves on one side comes in on the other
    smoothing : standard deviation, in pixels of the level's picture, of the Gaussian that gradients are blurred with;
        0 for none
    """

    pyramid_levels: int
    pyramid_scale: float
    iterations: int
    step_size: float
    jitter: int
    smoothing: float

    def sides(self, input_size: int) -> list[int]:
        """Side of the picture on each level, from coarse to fine, in pixels.

        Raises
        ------
        InputError if smoothing reaches beyond the smallest picture.
        """
        sides = pyramid_sides(input_size, self.pyramid_levels, self.pyramid_scale)
        if blur_reach(self.smoothing) >= sides[0]:
            raise InputError(
                f"smoothing by {self.smoothing:g} pixels is too much for the coarsest picture of the pyramid, "
                f"which has a side of {sides[0]}"
            )
        return sides

    def climbed(self, pixels: Tensor, gradient: Tensor) -> Tensor:
        """Pixels (image, channel, y, x) after a step along their gradient; each image's gradient is normalised."""
        if self.smoothing:
            gradient = gaussian_blur(gradient, 2 * blur_reach(self.smoothing) + 1, self.smoothing)
        # deep untrained networks have gradients whose squares are zero in single precision
        size = gradient.double().square().mean((1, 2, 3), keepdim=True).sqrt()
        direction = gradient / size.clamp_min(torch.finfo(size.dtype).tiny)
        return (pixels + self.step_size * direction.float()).clamp(0, LARGEST)


class Objective:
    """What ascent climbs: each image's own unit.

    Parameters
    ----------
    units : the unit of each image of a batch
    """

    def __init__(self, network: Network, layer: str, units: Sequence[int]) -> None:
        self._preprocessing = network.preprocessing
        self._part = prefix(network.graph, [network.preactivation(layer)])
        self._layer = network.layer(layer)
        self._units = torch.tensor(units, device=network.device)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Values (image,) for RGB pictures (image, channel, y, x) of 0 to 255, in the size of the network's input."""
        (values,) = self._part(self._preprocessing.from_pixels(pixels))
        values = self._layer.units_second(values)
        own = values[torch.arange(len(values), device=values.device), self._units]
        values = own.reshape(len(own), -1)
        if values.shape[1] == 1:
            return values[:, 0]
        return functional.leaky_relu(values, NEGATIVE_SHARE).mean(1)


@dataclass(frozen=True)
class Features:
    """What ascent found for some units.

    Attributes
    ----------
    start, activation : (unit,) the objective at the random picture that ascent began with, and at the final one
    pictures : uint8 (unit, y, x, channel) RGB, in the size of the network's input
    """

    start: NDArray[np.float32]
    activation: NDArray[np.float32]
    pictures: NDArray[np.uint8]


def ascend(
    network: Network,
    layer: str,
    units: Sequence[int],
    ascent: Ascent,
    seed: int,
    batch_size: int = TOGETHER,
) -> Features:
    """Pictures that drive some units of a layer, all climbing at the same time, each for itself.

    A unit's picture depends on no other unit: the picture that it begins with has random numbers of its own, shifts are
    the same for all units of the layer, and batches are filled up by repeating a unit, so that all have one size.

    Parameters
    ----------
    units : at most `batch_size`

    Raises
    ------
    InputError for an unknown layer, for one that is used several times, and where smoothing is too much.
    """
    side = network.preprocessing.input_size
    sides = ascent.sides(side)
    batch = [*units, *[units[-1]] * (batch_size - len(units))]
    objective = Objective(network, layer, batch)
    purpose = (seed, network.name, network.layer(layer).name)
    pixels = torch.stack([_noise(sides[0], (*purpose, unit)) for unit in batch]).to(network.device)
    start = _value(objective, _resized(pixels, side))
    shifts = generator(*purpose, "jitter")
    for level in sides:
        pixels = _resized(pixels, level)
        for _ in range(ascent.iterations):
            shift = shifts.integers(-ascent.jitter, ascent.jitter, size=2, endpoint=True).tolist()
            pixels = ascent.climbed(pixels, _gradient(objective, pixels, side, shift))
    pixels = pixels.round()
    pictures = pixels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    own = slice(len(units))
    return Features(start[own], _value(objective, pixels)[own], pictures[own])


def feature_table(
    network: Network, layer: str, channels: int | None, ascent: Ascent, seed: int, batch_size: int
) -> pd.DataFrame:
    """Pictures of the first so many units of a layer (None: of all).

    Parameters
    ----------
    batch_size : at most so many pictures, and at most TOGETHER, climb at the same time

    Returns
    -------
    table with a row per unit: layer, unit, category (of output units, otherwise empty), start and activation (the
    objective at the first, random picture and at the last), picture (WebP)

    Raises
    ------
    InputError as `ascend`.
    """
    described = network.layer(layer)
    units = range(described.units)[:channels]
    size = min(batch_size, TOGETHER)
    names = network.categories if described == network.output_layer else [""] * described.units
    rows = []
    for first in track(range(0, len(units), size), f"features of {described.name}"):
        batch = units[first : first + size]
        found = ascend(network, described.name, batch, ascent, seed, size)
        for place, unit in enumerate(batch):
            row = described.name, unit, names[unit], found.start[place], found.activation[place]
            rows.append((*row, webp(found.pictures[place])))
    columns = ["layer", "unit", "category", "start", "activation", "picture"]
    return pd.DataFrame(rows, columns=columns)


def _noise(side: int, purpose: Sequence[object]) -> Tensor:
    """A grey picture (channel, y, x) with a little noise."""
    noise = generator(*purpose).standard_normal((3, side, side), dtype=np.float32)
    return torch.from_numpy(GREY + NOISE * noise).clamp(0, LARGEST)


def _resized(pixels: Tensor, side: int) -> Tensor:
    """Pictures (image, channel, y, x) of another side."""
    if pixels.shape[-1] == side:
        return pixels
    return functional.interpolate(pixels, size=(side, side), mode="bilinear")


def _gradient(objective: Objective, pixels: Tensor, side: int, shift: Sequence[int]) -> Tensor:
    """Gradient of the objective with respect to pixels, shown in the size of the network's input and shifted."""
    pixels = pixels.detach().requires_grad_(True)
    shown = _resized(pixels, side).roll(shift, (2, 3))
    # each image has a value of its own, so that the sum's gradient is that of each
    (gradient,) = torch.autograd.grad(objective(shown).sum(), pixels)
    return gradient


def _value(objective: Objective, pixels: Tensor) -> NDArray[np.float32]:
    with torch.no_grad():
        return objective(pixels).cpu().numpy()
