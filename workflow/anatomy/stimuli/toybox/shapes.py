"""Outlines of shapes: arrays of points (n, 2), x to the right and y down, in any unit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]

_TURN = np.linspace(0.0, 2.0 * np.pi, 26, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_STEPS = np.linspace(0.0, 1.0, 6, endpoint=False)
# Catmull-Rom basis: weights of the four control points around each step of a segment.
_SPLINE = (
    np.stack([_STEPS**0, _STEPS, _STEPS**2, _STEPS**3], axis=1)
    @ np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    / 2.0
)


def polygon(*points: Sequence[float]) -> Points:
    """Straight-sided outline through `points`."""
    return np.array(points, dtype=np.float64)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """Upright rectangle."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def ellipse(x: float, y: float, rx: float, ry: float | None = None, angle: float = 0.0) -> Points:
    """Ellipse (a circle without `ry`) around (x, y), turned by `angle` degrees."""
    points = _CIRCLE * (rx, rx if ry is None else ry)
    if angle:
        points = turned(points, angle)
    return points + np.array([x, y])


def smooth(*points: Sequence[float]) -> Points:
    """Closed Catmull-Rom curve through `points`."""
    knots = np.array(points, dtype=np.float64)
    around = (np.arange(len(knots))[:, None] + (-1, 0, 1, 2)) % len(knots)
    return (_SPLINE @ knots[around]).reshape(-1, 2)


def curve(*points: Sequence[float]) -> Points:
    """Open Catmull-Rom curve through `points`, as a path for `stroke`."""
    knots = np.array(points, dtype=np.float64)
    last = len(knots) - 1
    around = np.clip(np.arange(last)[:, None] + (-1, 0, 1, 2), 0, last)
    return np.concatenate([(_SPLINE @ knots[around]).reshape(-1, 2), knots[-1:]])


def stroke(path: ArrayLike, start: float, end: float | None = None) -> list[Points]:
    """A limb along `path` with round ends; its width runs from `start` to `end`."""
    path = np.asarray(path, dtype=np.float64)
    end = start if end is None else end
    step = np.gradient(path, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])[:, None] + 1e-9
    half = 0.5 * np.linspace(start, end, len(path))[:, None]
    side = np.stack([-step[:, 1], step[:, 0]], axis=1) / length * half
    sides = np.concatenate([path + side, (path - side)[::-1]])
    return [sides, ellipse(*path[0], start / 2), ellipse(*path[-1], end / 2)]


def turned(points: Points, angle: float, about: Sequence[float] = (0.0, 0.0)) -> Points:
    """`points` turned by `angle` degrees about a point."""
    radians = np.deg2rad(angle)
    cos, sin = np.cos(radians), np.sin(radians)
    return (points - about) @ np.array([[cos, sin], [-sin, cos]]) + about
