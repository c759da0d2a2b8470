"""The images to which each unit responds most, with the region that its mask covers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

NOWHERE = -1
LINE = np.array([255, 214, 10], np.uint8)
# what lies outside the region is shown darker, so that the eye finds the region first
DARKER = 0.55
THUMBNAIL_PIXELS_OF_LINE = 56


@dataclass(eq=False)
class TopImages:
    """The images with the largest responses of each unit so far, and their maps.

    Of equal responses the one of the earlier image counts, and in an image the first by row and column.

    Attributes
    ----------
    response : (unit, rank) largest response in the image
    image : (unit, rank) the image; -1 where there are fewer images
    maps : (unit, rank, y, x) the unit's map
    """

    response: NDArray[np.float32]
    image: NDArray[np.int64]
    maps: NDArray[np.float32]

    @classmethod
    def none(cls, units: int, kept: int, shape: tuple[int, int]) -> "TopImages":
        """No image yet; `kept` for each unit."""
        return cls(
            np.full((units, kept), -np.inf, np.float32),
            np.full((units, kept), NOWHERE, np.int64),
            np.zeros((units, kept, *shape), np.float32),
        )

    def add(self, rows: slice, maps: NDArray[np.float32]) -> None:
        """Take in the maps (image, unit, y, x) of a block of images, which follow those before."""
        largest = maps.max(axis=(2, 3)).T
        kept = self.response.shape[1]
        better = np.flatnonzero((largest > self.response[:, -1:]).any(axis=1))
        for unit in better:
            response = np.concatenate([self.response[unit], largest[unit]])
            chosen = np.argsort(-response, kind="stable")[:kept]
            images = np.concatenate([self.image[unit], np.arange(rows.start, rows.stop)])
            old, new = chosen < kept, chosen >= kept
            places = np.empty((kept, *maps.shape[2:]), np.float32)
            places[old] = self.maps[unit, chosen[old]]
            places[new] = maps[chosen[new] - kept, unit]
            self.response[unit], self.image[unit] = response[chosen], images[chosen]
            self.maps[unit] = places

    def position(self, unit: int, rank: int) -> tuple[int, int]:
        """Row and column of the largest response in the map."""
        own = self.maps[unit, rank]
        y, x = np.unravel_index(own.argmax(), own.shape)
        return int(y), int(x)


def outlined(picture: NDArray[np.uint8], region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A square picture (y, x, channel) with a region, given on a grid of its own, outlined and the rest darkened."""
    side = len(picture)
    places = (np.arange(side) + 0.5) * len(region) / side
    inside = region[np.ix_(places.astype(int), places.astype(int))]
    width = max(1, side // THUMBNAIL_PIXELS_OF_LINE)
    line = inside & ~binary_erosion(inside, iterations=width, border_value=1)
    shown = np.where(inside[..., None], picture, (picture * DARKER).astype(np.uint8))
    shown[line] = LINE
    return shown
