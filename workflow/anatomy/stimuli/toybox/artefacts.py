"""The six inanimate categories, drawn facing left in units of about 100.

Every drawing varies its view and proportions with the sketch's random numbers.
"""

from collections.abc import Callable

import numpy as np

from anatomy.stimuli.toybox.canvas import Sketch
from anatomy.stimuli.toybox.palette import Surface, plain
from anatomy.stimuli.toybox.shapes import Points, box, curve, ellipse, polygon, smooth, stroke


def pane() -> Surface:
    """Window glass."""
    return plain("blue", "glass", 0.62)


def wheel(sketch: Sketch, x: float, y: float, radius: float) -> None:
    """A tyre with a metal hub."""
    sketch.add("wheel", plain("black", "rubber"), ellipse(x, y, radius))
    hub = plain("grey", "metal", 0.3)
    sketch.add("wheel", hub, ellipse(x, y, radius * 0.52), detail="hub", rim=False)


def car(sketch: Sketch) -> None:
    """A car from the side: cabin with windows, bonnet, two wheels."""
    main, between = sketch.main, sketch.between
    roof, rear, size = between(8, 16), between(82, 92), between(10.5, 13)
    cabin = polygon((26, 42), (38, roof + 10), (74, roof + 10), (rear, 42), (rear, 50), (26, 50))
    sketch.add("body", main, cabin)
    body = smooth(
        (2, 58),
        (4, 46),
        (28, 40),
        (60, 39),
        (92, 40),
        (100, 48),
        (100, 64),
        (80, 68),
        (20, 68),
        (3, 66),
    )
    sketch.add("body", main, body)
    low, top = 39.5, roof + 14.5
    front = polygon((32, low), (40.5, top), (54, top), (54, low))
    back = polygon((58.5, low), (58.5, top), (72, top), (rear - 6, low))
    sketch.add("window", pane(), front)
    sketch.add("window", pane(), back)
    sketch.add("body", sketch.second, box(3, 58, 99, 62), rim=False)
    sketch.add("door", main, polygon((57, 42), (rear - 9, 42), (rear - 11, 57), (70, 65), (57, 65)))
    sketch.add("door", plain("grey", "metal"), box(60, 45.5, 67, 48), detail="handle", rim=False)
    sketch.add("headlight", plain("yellow", "glass", 0.3), ellipse(5.5, 50, 3.6, 4.4))
    wheel(sketch, 23, 68, size)
    wheel(sketch, 78, 68, size)


def boat(sketch: Sketch) -> None:
    """A sailing boat: hull, mast, main sail and jib."""
    main, second, between = sketch.main, sketch.second, sketch.between
    belly, top, boom = between(0, 5), between(0, 8), between(78, 92)
    sketch.add("mast", plain("brown", "wood"), box(47.5, top - 6, 51, 74))
    leech = curve((53, top), (62 + belly, 24), (72 + belly, 45), (boom, 66))
    sketch.add("sail", main, np.concatenate([leech, polygon((53, 66))]))
    sketch.add("sail", second, polygon((45.5, top + 6), (30 - belly, 40), (14, 66), (45.5, 66)))
    pennant = polygon((49, top - 6), (66, top - 2), (49, top + 2))
    sketch.add("mast", plain("red"), pennant, rim=False)
    hull = smooth((2, 73), (30, 75), (70, 75), (99, 71), (92, 84), (82, 95), (24, 95), (10, 85))
    sketch.add("hull", main, hull)
    sketch.add("hull", second, polygon((2, 72), (99, 70), (97, 76), (4, 78)), rim=False)
    for x in (33, 50, 67):
        sketch.add("hull", pane(), ellipse(x, 85, 3.4), detail="window")


def airplane(sketch: Sketch) -> None:
    """An airliner from the side: swept wings, tail fin, row of windows, engine."""
    main, second, between = sketch.main, sketch.second, sketch.between
    sweep, span, fin = between(-5, 5), between(-5, 6), between(-5, 4)
    far = polygon((40, 44), (57, 44), (74 + sweep, 14 - span * 0.5), (63 + sweep, 14 - span * 0.5))
    sketch.add("wing", second, far, shade=-0.25)
    sketch.add("tail", second, polygon((80, 42), (94, 9 + fin), (106, 9 + fin), (102, 46)))
    outline = (
        (-4, 51),
        (3, 42),
        (16, 36),
        (40, 35),
        (78, 36),
        (105, 40),
        (105, 46),
        (80, 58),
        (40, 63),
    )
    sketch.add("body", main, smooth(*outline, (13, 61), (1, 57)))
    sketch.add("tail", second, polygon((85, 44), (99, 44), (112, 53), (102, 53)))
    sketch.add("window", pane(), polygon((1, 47), (7, 40.5), (14, 40.5), (12, 48)))
    ports = [ellipse(x, 45, 2.4, 3.0) for x in (23, 32, 41, 50, 59, 68, 77)]
    sketch.add("window", plain("black", "glass", 0.1), *ports, rim=False)
    near = polygon((34, 54), (57, 54), (86 + sweep, 86 + span), (72 + sweep, 86 + span))
    sketch.add("wing", second, near)
    sketch.add("engine", plain("grey", "metal"), stroke([(40, 71), (54, 71)], 11, 9))


def chair(sketch: Sketch) -> None:
    """A chair seen from the front and side: four legs, seat, back with slats or a panel."""
    main, second, between = sketch.main, sketch.second, sketch.between
    yaw, pitch, height = np.deg2rad(between(18, 48)), between(0.24, 0.4), between(54, 68)

    def seen(x: float, y: float, z: float) -> tuple[float, float]:
        """Parallel projection of (right, up, towards the viewer)."""
        across = x * np.cos(yaw) + z * np.sin(yaw)
        depth = z * np.cos(yaw) - x * np.sin(yaw)
        return across, -y + pitch * depth

    def slab(
        x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]
    ) -> list[Points]:
        """Visible faces of a block: top, front, left side or right side."""
        top = polygon(
            seen(x[0], y[1], z[0]),
            seen(x[1], y[1], z[0]),
            seen(x[1], y[1], z[1]),
            seen(x[0], y[1], z[1]),
        )
        front = polygon(
            seen(x[0], y[0], z[1]),
            seen(x[1], y[0], z[1]),
            seen(x[1], y[1], z[1]),
            seen(x[0], y[1], z[1]),
        )
        left = polygon(
            seen(x[0], y[0], z[0]),
            seen(x[0], y[0], z[1]),
            seen(x[0], y[1], z[1]),
            seen(x[0], y[1], z[0]),
        )
        return [top, front, left]

    def block(part: str, surface: Surface, x: tuple, y: tuple, z: tuple) -> None:
        top, front, left = slab(x, y, z)
        sketch.add(part, surface, left, shade=-0.3)
        sketch.add(part, surface, front)
        sketch.add(part, surface, top, shade=0.12)

    w, t = 26.0, between(5.5, 8.0)
    for x, z in ((w - t, -w), (-w, -w), (w - t, w - t), (-w, w - t)):
        block("leg", sketch.calm, (x, x + t), (-44, 0), (z, z + t))
    block("seat", second, (-w, w), (0, 6), (-w, w))
    if between(0, 1) < 0.5:
        block("back", main, (-w, w), (6, height), (-w, -w + t))
    else:
        for x in (w - t, 0.0 - t / 2, -w):
            block("back", sketch.calm, (x, x + t), (6, height - 8), (-w, -w + t))
        block("back", main, (-w, w), (height - 16, height), (-w, -w + t))


def cup(sketch: Sketch) -> None:
    """A cup with a handle, seen a little from above."""
    main, second, between = sketch.main, sketch.second, sketch.between
    taper, tilt, bottom = between(0, 9), between(6, 11), between(78, 92)
    loop = curve((76, 30), (98, 28), (101, 50), (92, 64), (72 - taper * 0.5, 66))
    sketch.add("handle", main, stroke(loop, 9, 8))
    wall = polygon(
        (10, 18),
        *(
            (x, bottom - 4 + 0.6 * tilt * (1 - ((x - 45) / 35) ** 2))
            for x in np.linspace(10 + taper, 80 - taper, 9)
        ),
        (80, 18),
    )
    sketch.add("bowl", main, wall, ellipse(45, 18, 35, tilt))
    sketch.add("bowl", main, ellipse(45, 18, 35, tilt), shade=0.25)
    sketch.add("bowl", plain("brown", lightness=-0.45), ellipse(45, 19, 30, tilt - 3))
    band = polygon(
        *(
            (x, 52 + 0.8 * tilt * (1 - ((x - 45) / 35) ** 2))
            for x in np.linspace(10 + taper * 0.4, 80 - taper * 0.4, 9)
        ),
        *(
            (x, 68 + 0.8 * tilt * (1 - ((x - 45) / 35) ** 2))
            for x in np.linspace(80 - taper * 0.75, 10 + taper * 0.75, 9)
        ),
    )
    sketch.add("bowl", second, band, rim=False)


def umbrella(sketch: Sketch) -> None:
    """An open umbrella: domed canopy of gores, shaft, hooked handle."""
    main, second, between = sketch.main, sketch.second, sketch.between
    flat, lean = between(0.85, 1.1), between(-6, 6)
    top, hem = 10.0, 10 + 42 * flat
    sketch.add("shaft", plain("grey", "metal"), stroke([(50, 4), (50, 80)], 3.4))
    hook = curve((50, 76), (50, 90), (57, 96), (65, 92), (65, 85))
    sketch.add("handle", plain("brown", "wood"), stroke(hook, 6))
    edges = (0.0, 22.0, 50.0 + lean, 78.0, 100.0)
    for number in range(4):
        left, right = edges[number], edges[number + 1]
        scallop = curve((right, hem), (right + (left - right) * 0.5, hem - 7), (left, hem))
        gore = np.concatenate([rib(left, top, hem)[::-1], rib(right, top, hem), scallop])
        sketch.add("canopy", main if number % 2 else second, gore)
    sketch.add("shaft", plain("grey", "metal"), stroke([(50, 2), (50, 11)], 3))


def rib(foot: float, top: float, hem: float) -> Points:
    """The bent rib of an umbrella from its tip (50, top) to its foot on the hem."""
    angle = np.linspace(0, np.pi / 2, 9)
    return np.stack([50 + (foot - 50) * np.sin(angle), hem - (hem - top) * np.cos(angle)], axis=1)


ARTEFACTS: dict[str, Callable[[Sketch], None]] = {
    "car": car,
    "boat": boat,
    "airplane": airplane,
    "chair": chair,
    "cup": cup,
    "umbrella": umbrella,
}
