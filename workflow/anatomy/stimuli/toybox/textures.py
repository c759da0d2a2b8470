"""Painted textures: where the accent color lies on a surface.

Each function takes coordinates `u`, `v` in periods of the texture (float32, broadcast to (y, x))
and smooth noise in -1..1, and returns a boolean array (y, x), True where the accent is painted.
Names are those of the Describable Textures Dataset, as in Broden.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from anatomy.stimuli.toybox.vocabulary import TEXTURES

Plane = NDArray[np.float32]
Texture = Callable[[Plane, Plane, Plane], NDArray[np.bool_]]
SQRT3 = 3.0**0.5


def _fraction(values: Plane) -> Plane:
    return values - np.floor(values)


def _blotchy(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    return noise > 0.12


def _chequered(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    return (_fraction(u) < 0.5) ^ (_fraction(v) < 0.5)


def _dotted(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    row = np.floor(v)
    across = _fraction(u + 0.5 * row) - 0.5
    return across * across + (v - row - 0.5) ** 2 < 0.1


def _grid(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    return (_fraction(u * 0.8) < 0.24) | (_fraction(v * 0.8) < 0.24)


def _honeycombed(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    # Two interleaved rectangular lattices; the nearer centre owns the point.
    du, dv = np.abs(_fraction(u) - 0.5), np.abs(_fraction(v / SQRT3) - 0.5) * SQRT3
    eu, ev = 0.5 - du, 0.5 * SQRT3 - dv
    near = du * du + dv * dv < eu * eu + ev * ev
    across, along = np.where(near, du, eu), np.where(near, dv, ev)
    return np.maximum(across, 0.5 * across + 0.5 * SQRT3 * along) > 0.37


def _marbled(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    return _fraction(0.7 * u + 1.1 * noise) < 0.4


def _scaly(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    v = 1.4 * v
    row = np.floor(v)
    across = 2.0 * np.abs(_fraction(u + 0.5 * row) - 0.5)
    arc = 0.7 * across * across
    return np.abs(v - row - 0.85 + arc) < 0.16


def _striped(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    return _fraction(u) < 0.48


def _woven(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    over = (_fraction(u * 0.5) < 0.5) ^ (_fraction(v * 0.5) < 0.5)
    strand = np.where(over, _fraction(2 * u), _fraction(2 * v))
    return strand < 0.45


def _zigzagged(u: Plane, v: Plane, noise: Plane) -> NDArray[np.bool_]:
    return _fraction(v + 0.9 * np.abs(_fraction(0.75 * u) - 0.5)) < 0.48


_FUNCTIONS: tuple[Texture, ...] = (
    _blotchy,
    _chequered,
    _dotted,
    _grid,
    _honeycombed,
    _marbled,
    _scaly,
    _striped,
    _woven,
    _zigzagged,
)
ACCENT: dict[str, Texture] = dict(zip(TEXTURES, _FUNCTIONS, strict=True))
