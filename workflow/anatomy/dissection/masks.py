"""Masks of units: where a response, brought to the grid of the labels, exceeds the unit's threshold.

A response map is interpolated bilinearly between the centres of its receptive fields and kept constant beyond the
outermost ones (Bau, Zhou et al. 2017: "anchoring interpolants at the center of each unit's receptive field"):

    top    = a[i, j]     + w * (a[i, j + 1]     - a[i, j])
    bottom = a[i + 1, j] + w * (a[i + 1, j + 1] - a[i + 1, j])
    S(y, x) = top + v * (bottom - top)

in float64, with v and w the place of the pixel between the centres. An interpolated value exceeds a threshold only if
one of the four responses around it does. About one of two hundred does, so only the cells between four centres of
which one exceeds are computed.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Axis:
    """The pixels of one axis of the label grid, by the cell that they lie in.

    Cell 0 lies before the first centre, cell k between the centres k - 1 and k, the last cell behind the last centre.

    Attributes
    ----------
    first : (cell,) first pixel of each cell
    weight : (cell, place) place of each pixel between the two centres of its cell, 0..1; NaN beyond the cell's pixels
    cell : (pixel,) the cell of each pixel
    size : number of pixels
    """

    first: NDArray[np.int64]
    weight: NDArray[np.float64]
    cell: NDArray[np.int64]
    size: int

    @classmethod
    def of(cls, centres: int, start: int, step: Fraction, size: int) -> "Axis":
        """The axis of a grid of `size` pixels on which so many centres lie at start, start + step, ..."""
        between = [Fraction(pixel - start) / step for pixel in range(size)]
        cell = np.array([_cell(place, centres) for place in between])
        weight = [
            float(b - (c - 1)) if 0 < c < centres else 0.0
            for b, c in zip(between, cell, strict=True)
        ]
        first = np.searchsorted(cell, np.arange(centres + 1))
        padded = np.full((centres + 1, int(np.bincount(cell).max())), np.nan)
        padded[cell, np.arange(size) - first[cell]] = weight
        return cls(first, padded, cell, size)

    @property
    def pixel_weight(self) -> NDArray[np.float64]:
        """Place (pixel,) of each pixel between the centres of its cell."""
        return self.weight[self.cell, np.arange(self.size) - self.first[self.cell]]


def _cell(place: Fraction, centres: int) -> int:
    return 0 if place < 0 else min(int(place) + 1, centres)


class Upsampling:
    """From response maps to masks on the grid of the labels.

    Parameters
    ----------
    y, x : the axes of the grid
    """

    def __init__(self, y: Axis, x: Axis) -> None:
        self.y, self.x = y, x
        rows, columns = y.weight.shape[1], x.weight.shape[1]
        self._offset = (np.arange(rows)[:, None] * x.size + np.arange(columns)).reshape(-1)

    def padded(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Maps (..., y, x) with their outermost values repeated once on every side."""
        *other, height, width = maps.shape
        wider = np.empty((*other, height + 2, width + 2), maps.dtype)
        wider[..., 1:-1, 1:-1] = maps
        wider[..., 0, 1:-1], wider[..., -1, 1:-1] = maps[..., 0, :], maps[..., -1, :]
        wider[..., 0], wider[..., -1] = wider[..., 1], wider[..., -2]
        return wider

    def active_pixels(
        self, maps: NDArray[np.float32], thresholds: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Units and pixels (row * width + column) at which one image's maps (unit, y, x) exceed the thresholds (unit,).

        Returns
        -------
        two arrays (active,) of the same length, by unit
        """
        responding = np.flatnonzero(maps.max(axis=(1, 2)) > thresholds)
        padded = self.padded(maps[responding])
        above = padded > thresholds[responding, None, None]
        pairs = above[:, :, :-1] | above[:, :, 1:]
        unit, row, column = _places(pairs[:, :-1] | pairs[:, 1:])
        height, width = padded.shape[1:]
        corner = (unit * height + row) * width + column
        values = padded.reshape(-1).astype(np.float64)
        right = self.x.weight[column]
        top = _between(values[corner, None], values[corner + 1, None], right)
        corner += width
        bottom = _between(values[corner, None], values[corner + 1, None], right)
        lower = self.y.weight[row][:, :, None]
        interpolated = _between(top[:, None], bottom[:, None], lower)
        unit = responding[unit]
        exceeds = interpolated > thresholds[unit].astype(np.float64)[:, None, None]
        cell, place = _places(exceeds.reshape(len(unit), self._offset.size))
        first = self.y.first[row] * self.x.size + self.x.first[column]
        return unit[cell], first[cell] + self._offset[place]

    def interpolated(self, maps: NDArray[np.float32]) -> NDArray[np.float64]:
        """Maps (..., y, x) on the whole grid of the labels."""
        values = self.padded(maps).astype(np.float64)
        left, above = self.x.cell, self.y.cell
        across = _between(values[..., left], values[..., left + 1], self.x.pixel_weight)
        lower = self.y.pixel_weight[:, None]
        return _between(across[..., above, :], across[..., above + 1, :], lower)


def _places(true: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """Indices of what is true, as `numpy.nonzero` gives them, in half of its time."""
    return np.unravel_index(np.flatnonzero(true), true.shape)


def _between(
    first: NDArray[np.float64], second: NDArray[np.float64], place: NDArray[np.float64]
) -> NDArray[np.float64]:
    """In this form what lies between equal values is equal to them, to the last digit."""
    return first + place * (second - first)
