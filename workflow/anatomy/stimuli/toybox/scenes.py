"""The six scenes: what stands behind the toys.

Backgrounds are painted paler than toys. Each scene returns the colors that cover most of it, which
a toy in front of it should not have.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from anatomy.stimuli.toybox.canvas import Canvas
from anatomy.stimuli.toybox.palette import (
    Surface,
    choice,
    noise_grid,
    plain,
    textured,
    toned,
)
from anatomy.stimuli.toybox.shapes import Points, box, ellipse, polygon, smooth
from anatomy.stimuli.toybox.vocabulary import SCENES, TEXTURES

Colors = tuple[str, ...]


def _material(rng: Generator, color: str, material: str, lightness: float = 0.0) -> Surface:
    surface = plain(color, material, lightness)
    surface.noise, surface.strength = noise_grid(rng), 0.65
    return surface


def _ridge(rng: Generator, height: float, rise: float, knots: int) -> Points:
    """A horizon line with the ground below it, down to the bottom of the picture."""
    x = np.linspace(-0.15, 1.15, knots)
    line = np.stack([x, height - rng.uniform(0, rise, knots)], axis=1)
    return smooth(*line, (1.15, 1.2), (-0.15, 1.2))


def _clouds(canvas: Canvas, rng: Generator, low: float) -> None:
    for _ in range(int(rng.integers(1, 4))):
        x, y, width = rng.uniform(0, 1), rng.uniform(0.05, low), rng.uniform(0.07, 0.12)
        puffs = [
            ellipse(x + d * width, y - r * width * 0.3, width * r)
            for d, r in ((-1, 0.6), (0, 0.9), (1, 0.65))
        ]
        canvas.scenery("cloud", plain("white"), *puffs)


def _sun(canvas: Canvas, rng: Generator, low: float) -> None:
    if rng.random() < 0.5:
        x, y = rng.uniform(0.08, 0.92), rng.uniform(0.08, low)
        canvas.scenery(
            "sun", plain("yellow", lightness=0.2), ellipse(x, y, rng.uniform(0.06, 0.09))
        )


def _sky(canvas: Canvas, rng: Generator, choices: Colors = ("blue", "blue", "pink", "grey")) -> str:
    color = choice(rng, choices)
    canvas.scenery("sky", plain(color, "sky", 0.5), box(0, 0, 1, 1))
    return color


def _tree(canvas: Canvas, rng: Generator, x: float, foot: float, height: float) -> None:
    canvas.scenery(
        "tree", plain("brown", "wood", 0.15), box(x - 0.018, foot - height * 0.5, x + 0.018, foot)
    )
    leaves = _material(rng, "green", "foliage", -0.1)
    crown = (
        ellipse(x, foot - height * 0.7, height * 0.28),
        ellipse(x - height * 0.17, foot - height * 0.52, height * 0.2),
        ellipse(x + height * 0.17, foot - height * 0.52, height * 0.2),
    )
    canvas.scenery("tree", leaves, *crown)


def _fir(canvas: Canvas, rng: Generator, x: float, foot: float, height: float) -> None:
    leaves = _material(rng, "green", "foliage", -0.25)
    tiers = [
        polygon(
            (x, foot - height * top),
            (x + height * w, foot - height * low),
            (x - height * w, foot - height * low),
        )
        for top, low, w in ((1, 0.55, 0.17), (0.75, 0.3, 0.23), (0.5, 0.05, 0.29))
    ]
    canvas.scenery("tree", leaves, *tiers)


def meadow(canvas: Canvas, rng: Generator) -> Colors:
    """Grass, hills and trees under a day or evening sky."""
    sky = _sky(canvas, rng)
    _sun(canvas, rng, 0.25)
    _clouds(canvas, rng, 0.3)
    horizon = rng.uniform(0.48, 0.66)
    canvas.scenery("hill", _material(rng, "green", "foliage", 0.45), _ridge(rng, horizon, 0.22, 5))
    for _ in range(int(rng.integers(0, 3))):
        _tree(canvas, rng, rng.uniform(0, 1), horizon + 0.03, rng.uniform(0.3, 0.45))
    canvas.scenery("grass", _material(rng, "green", "foliage", 0.2), _ridge(rng, horizon, 0.04, 5))
    petals = plain(choice(rng, ("white", "yellow", "red", "pink")))
    for x, y in rng.uniform((0, horizon + 0.08), (1, 1), (int(rng.integers(0, 9)), 2)):
        canvas.scenery("flower", petals, ellipse(x, y, 0.014))
    return ("green", sky)


def beach(canvas: Canvas, rng: Generator) -> Colors:
    """Sand, water with waves, and sky."""
    sky = _sky(canvas, rng, ("blue", "blue", "orange", "pink"))
    _sun(canvas, rng, 0.3)
    _clouds(canvas, rng, 0.25)
    horizon, shore = rng.uniform(0.34, 0.48), rng.uniform(0.62, 0.76)
    sea = _material(rng, choice(rng, ("blue", "blue", "green")), "water", 0.22)
    canvas.scenery("water", sea, box(0, horizon, 1, 1))
    sand = _material(rng, "yellow", "sand", 0.45)
    canvas.scenery("water", plain("white", "water"), _ridge(rng, shore - 0.02, 0.05, 4))
    canvas.scenery("sand", sand, _ridge(rng, shore + 0.02, 0.04, 4))
    return ("yellow", sky, sea.color)


def street(canvas: Canvas, rng: Generator) -> Colors:
    """House fronts with windows behind a sidewalk and a road."""
    sky = _sky(canvas, rng)
    left, kerb = -rng.uniform(0, 0.2), rng.uniform(0.66, 0.76)
    colors: list[str] = []
    while left < 1:
        width, top = rng.uniform(0.28, 0.45), rng.uniform(0.0, 0.3)
        color = choice(rng, ("red", "brown", "yellow", "pink", "grey", "orange", "white"))
        wall = _material(rng, color, choice(rng, ("brick", "brick", "stone")), 0.45)
        canvas.scenery("building", wall, box(left, top, left + width, kerb))
        dark = plain("blue", "glass", rng.uniform(0.3, 0.6))
        columns = np.linspace(left + 0.04, left + width - 0.13, 2)
        panes = [
            box(x, y, x + 0.09, y + 0.11)
            for x in columns
            for y in np.arange(top + 0.06, kerb - 0.15, 0.19)
        ]
        canvas.scenery("building", dark, *panes)
        colors.append(color)
        left += width
    canvas.scenery("sidewalk", plain("grey", "stone", 0.5), box(0, kerb, 1, 1))
    canvas.scenery("road", _material(rng, "grey", "stone", -0.3), box(0, kerb + 0.07, 1, 1))
    start, line = rng.uniform(-0.3, 0), rng.uniform(0.9, 0.94)
    dashes = [box(x, line, x + 0.18, line + 0.025) for x in np.arange(start, 1, 0.34)]
    canvas.scenery("road", plain("white"), *dashes)
    return ("grey", sky, *colors)


def room(canvas: Canvas, rng: Generator) -> Colors:
    """A wall with wallpaper, a painting and a wooden or carpeted floor."""
    skirting = rng.uniform(0.66, 0.8)
    color = choice(rng, ("blue", "green", "pink", "yellow", "purple", "orange", "white", "grey"))
    wall = textured(rng, color, choice(rng, TEXTURES), color, "stone")
    wall.rgb, wall.accent_rgb, wall.material = toned(wall.rgb, 0.6), toned(wall.rgb, 0.38), None
    if rng.random() < 0.5:
        wall = _material(rng, color, choice(rng, ("brick", "stone", "wood")), 0.6)
    canvas.scenery("wall", wall, box(0, 0, 1, skirting))
    if rng.random() < 0.6:
        x, y, width = rng.uniform(0, 0.75), rng.uniform(0.03, 0.2), rng.uniform(0.18, 0.28)
        canvas.scenery("painting", plain("brown", "wood", -0.1), box(x, y, x + width, y + width))
        picture = plain(choice(rng, ("blue", "green", "orange", "white")), lightness=0.4)
        canvas.scenery(
            "painting", picture, box(x + 0.025, y + 0.025, x + width - 0.025, y + width - 0.025)
        )
    ground = choice(rng, ("brown", "brown", "grey", "red", "purple"))
    floor = _material(rng, ground, "wood" if ground == "brown" else "fabric", 0.3)
    canvas.scenery("wall", plain("white"), box(0, skirting - 0.025, 1, skirting))
    canvas.scenery("floor", floor, box(0, skirting, 1, 1))
    return (color, ground)


def snowfield(canvas: Canvas, rng: Generator) -> Colors:
    """Snow, firs and mountains with white tops."""
    sky = _sky(canvas, rng, ("blue", "grey", "pink", "purple"))
    _sun(canvas, rng, 0.15)
    horizon = rng.uniform(0.55, 0.68)
    for x in rng.uniform(-0.1, 1.1, int(rng.integers(1, 4))):
        peak, width = rng.uniform(0.1, 0.32), rng.uniform(0.3, 0.45)
        foot = horizon + 0.05
        rock = plain(choice(rng, ("grey", "blue")), "stone", 0.35)
        canvas.scenery("mountain", rock, polygon((x, peak), (x + width, foot), (x - width, foot)))
        cap = 0.35 * width
        drop = (foot - peak) * 0.35
        tip = polygon(
            (x, peak),
            (x + cap, peak + drop),
            (x + cap * 0.4, peak + drop * 0.75),
            (x, peak + drop * 1.1),
            (x - cap * 0.4, peak + drop * 0.75),
            (x - cap, peak + drop),
        )
        canvas.scenery("mountain", plain("white", "snow"), tip)
    for x in rng.uniform(0, 1, int(rng.integers(1, 5))):
        _fir(canvas, rng, x, horizon + 0.04, rng.uniform(0.25, 0.42))
    canvas.scenery("snow", _material(rng, "white", "snow"), _ridge(rng, horizon + 0.03, 0.07, 4))
    return ("white", sky)


def night(canvas: Canvas, rng: Generator) -> Colors:
    """Dark hills under the moon and stars."""
    color = choice(rng, ("blue", "blue", "purple", "black"))
    dark = {"black": 0.0, "blue": -0.62, "purple": -0.55}[color]
    heaven = plain(color, "sky", dark)
    canvas.scenery("sky", heaven, box(0, 0, 1, 1))
    stars = [ellipse(x, y, r) for x, y, r in rng.uniform((0, 0, 0.006), (1, 0.65, 0.013), (22, 3))]
    canvas.scenery("star", plain("white", lightness=-0.05), *stars)
    x, y, radius = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.25), rng.uniform(0.07, 0.1)
    canvas.scenery("moon", plain("yellow", lightness=0.5), ellipse(x, y, radius))
    if rng.random() < 0.6:
        canvas.scenery("sky", heaven, ellipse(x + radius * 0.5, y - radius * 0.2, radius * 0.9))
    horizon = rng.uniform(0.6, 0.78)
    ground = choice(rng, ("green", "blue", "purple"))
    canvas.scenery("hill", plain(ground, lightness=-0.58), _ridge(rng, horizon, 0.16, 5))
    canvas.scenery(
        "grass", _material(rng, "green", "foliage", -0.62), _ridge(rng, horizon + 0.1, 0.05, 4)
    )
    return (color, "black", "brown")


def ground_and_sky(canvas: Canvas, rng: Generator, hour: str) -> None:
    """Simple surroundings of a house at an hour of the day ("day", "dusk" or "night")."""
    sky = {"day": ("blue", 0.35), "dusk": ("orange", 0.4), "night": ("blue", -0.55)}[hour]
    canvas.scenery("sky", plain(sky[0], "sky", sky[1]), box(0, 0, 1, 1))
    if hour == "day":
        _clouds(canvas, rng, 0.3)
    horizon = rng.uniform(0.6, 0.74)
    if rng.random() < 0.6:
        canvas.scenery(
            "hill", _material(rng, "green", "foliage", 0.25), _ridge(rng, horizon, 0.2, 5)
        )
    for _ in range(int(rng.integers(0, 3))):
        _tree(canvas, rng, rng.uniform(0, 1), horizon + 0.06, rng.uniform(0.35, 0.6))
    color, material, tone = choice(
        rng,
        (
            ("green", "foliage", 0.1),
            ("green", "foliage", 0.1),
            ("white", "snow", 0.0),
            ("yellow", "sand", 0.4),
        ),
    )
    name = {"foliage": "grass", "snow": "snow", "sand": "sand"}[material]
    canvas.scenery(name, _material(rng, color, material, tone), _ridge(rng, horizon, 0.04, 4))


_DRAWINGS: tuple[Callable[[Canvas, Generator], Colors], ...] = (
    meadow,
    beach,
    street,
    room,
    snowfield,
    night,
)
DRAW: dict[str, Callable[[Canvas, Generator], Colors]] = dict(zip(SCENES, _DRAWINGS, strict=True))
