"""The canvas: which region of which surface covers each sample of the picture.

A picture is drawn once, into a plane of region numbers with `SAMPLES` x `SAMPLES` samples per
pixel. Colors and labels are both looked up in that plane, so a label covers exactly what is seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from anatomy.stimuli.toybox.palette import Surface
from anatomy.stimuli.toybox.shapes import Points

SAMPLES = 4
SKETCH_UNIT = 0.01
MOST_REGIONS = 127


class Frame(NamedTuple):
    """Where a surface's coordinates lie in the picture (picture units: 0..1)."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    angle: float = 0.0
    mirror: float = 1.0


class Region(NamedTuple):
    """What one region shows; `detail` is a part of the part (an eye on a head)."""

    surface: Surface
    object: str | None = None
    part: str | None = None
    detail: str | None = None
    shade: float = 0.0
    rim: bool = False


@dataclass(slots=True)
class Shape:
    """A region with its outlines, before it is put on the canvas."""

    region: Region
    outlines: list[Points]


class Sketch:
    """Shapes of one object, about 100 units wide, in the order in which they are painted."""

    def __init__(self, name: str, rng: Generator, main: Surface, second: Surface) -> None:
        self.name = name
        self.rng = rng
        self.main = main
        self.second = second
        # The main paint without its pattern, for what a pattern would hide (a face, a thin leg).
        self.calm = replace(main, texture=None) if main.texture else main
        self.shapes: list[Shape] = []

    def add(
        self,
        part: str | None,
        surface: Surface,
        *outlines: Points | list[Points],
        detail: str | None = None,
        shade: float = 0.0,
        rim: bool = True,
    ) -> None:
        """Paint one region: the union of `outlines`."""
        flat: list[Points] = []
        for outline in outlines:
            flat.extend(outline if isinstance(outline, list) else [outline])
        self.shapes.append(Shape(Region(surface, self.name, part, detail, shade, rim), flat))

    def between(self, low: float, high: float) -> float:
        """A uniform random number."""
        return float(self.rng.uniform(low, high))


class Canvas:
    """A square picture in units 0..1, painted from back to front."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = size * SAMPLES
        self.regions: list[Region] = [Region(Surface("black", (0, 0, 0)))]
        self.frames: dict[Surface, Frame] = {}
        self.first_object = 1
        self.shadows: list[Points] = []
        self._image = Image.new("L", (self.side, self.side), 0)
        self._draw = ImageDraw.Draw(self._image)

    @property
    def plane(self) -> NDArray[np.uint8]:
        """Region numbers (y, x) of all samples."""
        return np.asarray(self._image)

    def paint(self, region: Region, outlines: list[Points], frame: Frame | None = None) -> None:
        """Cover the outlines (picture units) with a new region on top."""
        number = len(self.regions)
        if number > MOST_REGIONS:
            raise ValueError(f"a picture holds at most {MOST_REGIONS} regions")
        self.regions.append(region)
        self.frames.setdefault(region.surface, frame or Frame())
        for outline in outlines:
            # Pixel centres are whole numbers to ImageDraw, half numbers to the picture.
            samples = outline * self.side - 0.5
            self._draw.polygon(samples.ravel().tolist(), fill=number)

    def scenery(self, name: str, surface: Surface, *outlines: Points) -> None:
        """Paint a background region."""
        self.paint(Region(surface, name), list(outlines))
        self.first_object = len(self.regions)

    def place(self, sketch: Sketch, frame: Frame) -> tuple[Points, Points]:
        """Put an object's shapes on the canvas; returns the low and high corner of its bounds."""
        outlines = [outline for shape in sketch.shapes for outline in shape.outlines]
        points = _turned(outlines, frame.angle, frame.mirror) * frame.scale + (frame.x, frame.y)
        pieces = _split(points, [len(outline) for outline in outlines])
        for shape in sketch.shapes:
            self.paint(shape.region, [next(pieces) for _ in shape.outlines], frame)
        return points.min(axis=0), points.max(axis=0)


def _turned(outlines: list[Points], angle: float, mirror: float) -> Points:
    cos, sin = np.cos(angle) * SKETCH_UNIT, np.sin(angle) * SKETCH_UNIT
    return np.concatenate(outlines) @ np.array([[mirror * cos, mirror * sin], [-sin, cos]])


def _split(points: Points, lengths: list[int]) -> Iterator[Points]:
    start = 0
    for length in lengths:
        yield points[start : start + length]
        start += length


def fitted(sketch: Sketch, extent: float, angle: float, mirror: float, at: Points) -> Frame:
    """The frame in which the turned sketch spans `extent` of the picture.

    `at` (2,) in 0..1 says where in the remaining room the object stands: 0 left or top, 1 right or
    bottom.
    """
    points = _turned([o for shape in sketch.shapes for o in shape.outlines], angle, mirror)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = extent / float((high - low).max())
    room = 1.0 - (high - low) * scale
    x, y = room * at - low * scale
    return Frame(float(x), float(y), scale, angle, mirror)
