"""From toy to pixels: the images of the toybox, and their exact labels."""

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.stimuli.toybox.animals import ANIMALS
from anatomy.stimuli.toybox.artefacts import ARTEFACTS
from anatomy.stimuli.toybox.canvas import Canvas, Sketch, fitted
from anatomy.stimuli.toybox.faces import draw_face, random_face
from anatomy.stimuli.toybox.houses import draw_house, random_house
from anatomy.stimuli.toybox.labels import Scene
from anatomy.stimuli.toybox.palette import Surface, choice, contrasting, random_surface
from anatomy.stimuli.toybox.scenes import DRAW
from anatomy.stimuli.toybox.shading import develop, random_light
from anatomy.stimuli.toybox.shapes import ellipse
from anatomy.stimuli.toybox.vocabulary import (
    CATEGORY_NAMES,
    COLORS,
    IDENTITY_KINDS,
    SCENES,
    TEXTURES,
)

SMALLEST_SIZE = 32
# Far above the categories, so that a new category does not move the identities.
IDENTITY_STREAMS = dict(zip(IDENTITY_KINDS, (1000, 1001), strict=True))
DRAWINGS = {**ANIMALS, **ARTEFACTS}
WITHOUT_SHADOW = ("bird", "fish", "butterfly", "airplane")


def render_object(category: str, seed: int, index: int, size: int = 64) -> NDArray[np.uint8]:
    """Picture of one toy in a scene: (size, size, 3) uint8 RGB, y down.

    A function of (category, seed, index) alone; `size` (at least 32) sets the resolution and not
    what is drawn. Raises InputError for an unknown category or a number out of range.
    """
    return _labelled(category, seed, index, size).image


def render_labelled(category: str, seed: int, index: int, size: int = 64) -> Scene:
    """The picture of `render_object` with the exact labels of its pixels."""
    return _labelled(category, seed, index, size)


def render_identity(
    kind: str, identity: int, view: int, seed: int, size: int = 64
) -> NDArray[np.uint8]:
    """Picture of one view of a face or house: (size, size, 3) uint8 RGB, y down.

    Views of an identity differ in pose, scale, light and surroundings (faces: also in expression
    and clothing; houses: in the time of day). A function of (kind, identity, view, seed) alone.
    Raises InputError for an unknown kind or a number out of range.
    """
    if kind not in IDENTITY_KINDS:
        raise InputError(f"toybox identity kind {kind!r} is not one of {', '.join(IDENTITY_KINDS)}")
    _check(size=size, seed=seed, identity=identity, view=view)
    of_identity = _stream(seed, IDENTITY_STREAMS[kind], identity)
    of_view = _stream(seed, IDENTITY_STREAMS[kind], identity, view)
    canvas = Canvas(size)
    if kind == "face":
        draw_face(canvas, random_face(of_identity), of_view)
        return develop(canvas, random_light(of_view))[0]
    light = draw_house(canvas, random_house(of_identity), of_view)
    return develop(canvas, light)[0]


def _labelled(category: str, seed: int, index: int, size: int) -> Scene:
    if category not in CATEGORY_NAMES:
        raise InputError(f"toybox category {category!r} is not one of {', '.join(CATEGORY_NAMES)}")
    _check(size=size, seed=seed, index=index)
    rng = _stream(seed, CATEGORY_NAMES.index(category), index)
    canvas = Canvas(size)
    scene = choice(rng, SCENES)
    hidden = DRAW[scene](canvas, rng)
    _put(canvas, category, rng, hidden)
    image, paint = develop(canvas, random_light(rng))
    return Scene(image, paint, tuple(canvas.regions), scene)


def _put(canvas: Canvas, category: str, rng: Generator, hidden: tuple[str, ...]) -> None:
    """Put a toy in front of a scene, in paints that are not `hidden` against it."""
    main, second = _paints(rng, hidden)
    sketch = Sketch(category, rng, main, second)
    DRAWINGS[category](sketch)
    mirror = choice(rng, (1.0, -1.0))
    extent, angle = rng.uniform(0.74, 0.97), rng.uniform(-0.16, 0.16)
    frame = fitted(sketch, extent, angle, mirror, rng.uniform(0.1, 0.9, 2))
    low, high = canvas.place(sketch, frame)
    if category not in WITHOUT_SHADOW:
        middle, reach = (low[0] + high[0]) / 2, (high[0] - low[0]) / 2
        canvas.shadows.append(ellipse(middle, high[1] - 0.015, reach, 0.045))


def _paints(rng: Generator, hidden: tuple[str, ...]) -> tuple[Surface, Surface]:
    """Main and second paint of a toy: of contrasting colors, at most one of them textured."""
    visible = tuple(color for color in COLORS if color not in hidden)
    main = random_surface(rng, visible, hidden, TEXTURES, 0.5)
    apart = contrasting(main.color, hidden)
    return main, random_surface(rng, apart, hidden, TEXTURES, 0.0 if main.texture else 0.3)


def _check(size: int, **numbers: int) -> None:
    if size < SMALLEST_SIZE:
        raise InputError(f"toybox size is {size}, must be at least {SMALLEST_SIZE} pixels")
    for name, number in numbers.items():
        if number < 0:
            raise InputError(f"toybox {name} is {number}, must not be negative")


def _stream(seed: int, *key: int) -> Generator:
    """An independent random stream for each key; no two keys of any length share one."""
    return default_rng(SeedSequence(seed, spawn_key=key))
