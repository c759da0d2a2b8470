"""The eleven basic colors as paint, and surfaces: a color, a texture and a material together."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

# Saturated prototypes of the eleven basic color terms (sRGB, 0..255).
PROTOTYPES: dict[str, tuple[int, int, int]] = {
    "black": (30, 30, 34),
    "blue": (38, 92, 205),
    "brown": (122, 74, 36),
    "green": (44, 150, 62),
    "grey": (132, 132, 136),
    "orange": (243, 134, 24),
    "pink": (247, 150, 190),
    "purple": (132, 62, 176),
    "red": (208, 34, 38),
    "white": (246, 246, 243),
    "yellow": (250, 214, 48),
}
# Colors that keep apart when they touch, as pattern on ground or as wing on body.
CONTRASTS: dict[str, tuple[str, ...]] = {
    "black": ("white", "yellow", "pink", "orange", "grey"),
    "blue": ("white", "yellow", "orange", "pink"),
    "brown": ("white", "yellow", "pink", "orange"),
    "green": ("white", "yellow", "purple", "pink", "black"),
    "grey": ("white", "red", "black", "yellow", "purple"),
    "orange": ("white", "black", "blue", "purple", "brown"),
    "pink": ("purple", "red", "black", "blue", "brown"),
    "purple": ("white", "yellow", "pink", "green"),
    "red": ("white", "yellow", "black", "pink"),
    "white": ("red", "blue", "black", "green", "purple", "orange", "brown"),
    "yellow": ("red", "blue", "black", "green", "purple", "brown"),
}
# Patterns of light and dark that a second, painted pattern would hide.
PATTERNED_MATERIALS = ("wood", "brick", "fur", "stone")
SMOOTH_MATERIALS = ("plastic", "metal", "fabric")
GLOSS: dict[str | None, float] = {"plastic": 0.9, "metal": 0.6, "glass": 0.5}
NOISE_CELLS = 12
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Surface:
    """How one surface is painted.

    `texture` is painted with `accent` on `color`; `material` changes lightness only, so the color
    names hold for every sample. `period` is the texture's period and `angle` (radians) the
    direction of texture and material, in the coordinates of the object or scene that bears the
    surface. `grain` is how often the material repeats and `strength` how strongly it shades, both 1
    on a toy. `noise` is a lattice for irregular textures and materials.
    """

    color: str
    rgb: tuple[int, int, int]
    material: str | None = None
    texture: str | None = None
    accent: str | None = None
    accent_rgb: tuple[int, int, int] = (0, 0, 0)
    period: float = 0.15
    grain: float = 1.0
    strength: float = 1.0
    angle: float = 0.0
    noise: NDArray[np.uint8] | None = None


def plain(color: str, material: str | None = None, lightness: float = 0.0) -> Surface:
    """A surface in the prototype of `color`, moved by `lightness` (-1 black .. 1 white)."""
    return Surface(color, toned(PROTOTYPES[color], lightness), material)


def toned(rgb: tuple[int, int, int], lightness: float) -> tuple[int, int, int]:
    """`rgb` moved towards black (lightness < 0) or white (> 0)."""
    target = 255 if lightness > 0 else 0
    amount = abs(lightness)
    red, green, blue = (round(value + (target - value) * amount) for value in rgb)
    return red, green, blue


def noise_grid(rng: Generator) -> NDArray[np.uint8]:
    """Lattice (y, x) of random grey values from which smooth noise is interpolated."""
    return rng.integers(0, 256, (NOISE_CELLS, NOISE_CELLS), dtype=np.uint8)


def textured(rng: Generator, color: str, texture: str, accent: str, material: str) -> Surface:
    """A surface with a painted texture of random period and direction."""
    surface = made_of(rng, color, material)
    surface.texture, surface.accent = texture, accent
    surface.accent_rgb = varied(rng, accent)
    surface.period = rng.uniform(0.13, 0.21)
    return surface


def made_of(rng: Generator, color: str, material: str) -> Surface:
    """A surface in one color of one material, of random direction."""
    angle = rng.uniform(-0.5, 0.5)
    return Surface(color, varied(rng, color), material, angle=angle, noise=noise_grid(rng))


def varied(rng: Generator, color: str) -> tuple[int, int, int]:
    """A tone of `color` that still bears its name."""
    return toned(PROTOTYPES[color], rng.uniform(-0.12, 0.1))


def contrasting(color: str, hidden: tuple[str, ...]) -> tuple[str, ...]:
    """Colors that keep apart from `color`, without the `hidden` ones where any other is left."""
    clear = tuple(name for name in CONTRASTS[color] if name not in hidden)
    return clear or CONTRASTS[color]


def random_surface(
    rng: Generator,
    colors: tuple[str, ...],
    hidden: tuple[str, ...],
    textures: tuple[str, ...],
    textured_share: float,
) -> Surface:
    """A surface in one of `colors`, textured with probability `textured_share`.

    The texture's second color is none of the `hidden` ones where another contrasts.
    """
    color = choice(rng, colors)
    if rng.random() < textured_share:
        accent = choice(rng, contrasting(color, hidden))
        return textured(rng, color, choice(rng, textures), accent, choice(rng, SMOOTH_MATERIALS))
    return made_of(rng, color, choice(rng, PATTERNED_MATERIALS + SMOOTH_MATERIALS))


def choice(rng: Generator, options: tuple[T, ...]) -> T:
    """One of `options`; a plain tuple index, a hundred times faster than Generator.choice."""
    return options[int(rng.random() * len(options))]
