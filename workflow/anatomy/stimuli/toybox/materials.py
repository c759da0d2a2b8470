"""Materials: how lightness varies over a surface.

Each function takes coordinates `u`, `v` in units of the object (or of the image, for scenes;
float32, broadcast to (y, x)) and smooth noise in -1..1, and returns shading in -1 (black) .. 1
(white), 0 leaving the paint as it is.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Material = Callable[[Plane, Plane, Plane], Plane]
ONE = np.ones(1, np.float32)


def _fraction(values: Plane) -> Plane:
    return values - np.floor(values)


def _hash(column: Plane, row: Plane) -> Plane:
    """A fixed pseudo-random value 0..1 for each pair of whole numbers, by integer mixing."""
    first = column.astype(np.int32).view(np.uint32) * np.uint32(374761393)
    mixed = first + row.astype(np.int32).view(np.uint32) * np.uint32(668265263)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(1274126177)
    return (mixed >> np.uint32(22)).astype(np.float32) * np.float32(1 / 1023)


def _grains(u: Plane, v: Plane, frequency: float) -> Plane:
    """Round grains of random tone -1..1 and size, one in each cell of side 1 / `frequency`."""
    u, v = u * frequency, v * frequency
    column, row = np.floor(u), np.floor(v)
    tone = _hash(column, row)
    distance = (u - column - 0.5) ** 2 + (v - row - 0.5) ** 2
    return np.where(distance < 0.12 + 0.2 * tone, 2.0 * tone - 1.0, np.float32(0.0))


def _wood(u: Plane, v: Plane, noise: Plane) -> Plane:
    grain = _fraction(9.0 * v + 1.5 * noise + 1.2 * u)
    return 0.22 - 0.52 * grain * grain


def _metal(u: Plane, v: Plane, noise: Plane) -> Plane:
    wave = np.abs(_fraction(1.7 * u + 1.1 * v) - 0.5) * 2.0
    return 0.95 * wave * wave * wave - 0.3 * (1.0 - wave)


def _fabric(u: Plane, v: Plane, noise: Plane) -> Plane:
    warp = np.abs(_fraction(15.0 * u) - 0.5)
    weft = np.abs(_fraction(15.0 * v) - 0.5)
    return 0.16 - 0.75 * np.minimum(warp, weft)


def _brick(u: Plane, v: Plane, noise: Plane) -> Plane:
    row = np.floor(9.0 * v)
    across = 4.5 * u + 0.5 * row
    joint = (_fraction(across) < 0.14) | (9.0 * v - row < 0.24)
    tone = 0.3 * _hash(np.floor(across), row) - 0.22
    return np.where(joint, np.float32(0.55), tone)


def _fur(u: Plane, v: Plane, noise: Plane) -> Plane:
    strand = _fraction(22.0 * u + 2.4 * noise)
    tuft = _hash(np.floor(22.0 * u + 2.4 * noise), ONE)
    return 0.35 * _fraction(5.0 * v + tuft) - 0.3 * strand - 0.05


def _stone(u: Plane, v: Plane, noise: Plane) -> Plane:
    return 0.34 * _grains(u, v, 22.0) + 0.24 * noise


def _glass(u: Plane, v: Plane, noise: Plane) -> Plane:
    return np.where(_fraction(3.0 * (u + v)) < 0.35, np.float32(0.5), np.float32(0.0))


def _foliage(u: Plane, v: Plane, noise: Plane) -> Plane:
    column = np.floor(26.0 * u)
    height = _fraction(7.0 * v + _hash(column, ONE))
    blade = np.abs(26.0 * u - column - 0.5) < 0.5 * height
    return np.where(blade, 0.3 * height - 0.08, np.float32(-0.12)) + 0.08 * noise


def _sand(u: Plane, v: Plane, noise: Plane) -> Plane:
    return 0.16 * _grains(u, v, 36.0) + 0.1 * noise


def _snow(u: Plane, v: Plane, noise: Plane) -> Plane:
    return 0.13 * noise - 0.06


def _water(u: Plane, v: Plane, noise: Plane) -> Plane:
    wave = np.abs(_fraction(16.0 * v + 0.8 * noise) - 0.5)
    return np.where(wave < 0.12, np.float32(0.4), 0.1 * noise)


def _sky(u: Plane, v: Plane, noise: Plane) -> Plane:
    return 0.65 * v


# Materials without an entry (plastic, rubber) have no pattern of their own, only their gloss.
SHADING: dict[str, Material] = {
    "wood": _wood,
    "metal": _metal,
    "fabric": _fabric,
    "brick": _brick,
    "fur": _fur,
    "stone": _stone,
    "glass": _glass,
    "foliage": _foliage,
    "sand": _sand,
    "snow": _snow,
    "water": _water,
    "sky": _sky,
}
