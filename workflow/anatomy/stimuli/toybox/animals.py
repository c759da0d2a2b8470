"""The six animate categories, drawn facing left in units of about 100.

Every drawing varies its pose and proportions with the sketch's random numbers.
"""

from collections.abc import Callable

import numpy as np

from anatomy.stimuli.toybox.canvas import Sketch
from anatomy.stimuli.toybox.palette import choice, plain
from anatomy.stimuli.toybox.shapes import Points, curve, ellipse, polygon, smooth, stroke, turned

FAR = -0.28


def eye(sketch: Sketch, x: float, y: float, radius: float, part: str = "head") -> None:
    """A round white eye with a black pupil that looks to the left."""
    sketch.add(part, plain("white"), ellipse(x, y, radius), detail="eye")
    pupil = ellipse(x - 0.22 * radius, y + 0.05 * radius, 0.58 * radius)
    sketch.add(part, plain("black"), pupil, detail="eye", rim=False)


def dog(sketch: Sketch) -> None:
    """A dog from the side: long muzzle, hanging ear, raised tail, four legs."""
    main, second, between = sketch.main, sketch.second, sketch.between
    step, tail, nod = between(-5, 5), between(-12, 14), between(-3, 3)
    sketch.add("leg", sketch.calm, stroke([(35, 58), (37 + step, 90)], 10, 8), shade=FAR)
    sketch.add("leg", sketch.calm, stroke([(79, 56), (81 - step, 90)], 11, 8), shade=FAR)
    wag = curve((83, 46), (93, 38 - tail * 0.3), (97 + tail * 0.3, 22 - tail * 0.4))
    sketch.add("tail", main, stroke(wag, 9, 5))
    trunk = smooth((30, 42), (50, 43), (74, 41), (87, 47), (86, 60), (68, 65), (48, 69), (30, 64))
    sketch.add("torso", main, trunk, stroke([(36, 52), (25, 30)], 24, 17))
    sketch.add("leg", sketch.calm, stroke([(31, 58), (29 - step, 91)], 12, 9))
    sketch.add(
        "leg",
        sketch.calm,
        stroke(curve((79, 54), (85, 68), (80 + step, 78), (79 + step, 91)), 15, 8),
    )
    sketch.add("torso", second, stroke([(22, 43 + nod * 0.3), (39, 37 + nod * 0.3)], 6), rim=True)
    muzzle = stroke([(20, 27 + nod), (1, 32 + nod)], 17, 11)
    sketch.add("head", sketch.calm, ellipse(23, 23 + nod, 15, 14), muzzle)
    sketch.add("head", plain("black"), ellipse(-4, 28 + nod, 4.2, 3.6), detail="nose", rim=False)
    sketch.add(
        "head",
        plain("black"),
        stroke([(0, 37 + nod), (12, 35 + nod)], 1.6),
        detail="mouth",
        rim=False,
    )
    eye(sketch, 14, 19 + nod, 4.2)
    flap = smooth((27, 10), (36, 14), (41, 28), (39, 40), (32, 38), (27, 24))
    ear = turned(flap, between(-8, 12), (30, 12)) + np.array([0, nod])
    sketch.add("head", second, ear, detail="ear")


def cat(sketch: Sketch) -> None:
    """A sitting cat from the front: pointed ears, whiskers, tail curled to the side."""
    main, second, between = sketch.main, sketch.second, sketch.between
    tilt, curl, turn = between(-7, 7), between(-8, 8), between(-3, 3)
    tail = curve((64, 88), (84, 88), (91 + curl * 0.3, 70), (83 + curl, 54), (88 + curl, 44))
    sketch.add("tail", main, stroke(tail, 10, 7))
    sketch.add(
        "torso", main, smooth((38, 46), (62, 46), (72, 74), (74, 92), (50, 96), (26, 92), (28, 74))
    )
    sketch.add("torso", second, ellipse(50, 62, 9, 13), rim=False)
    sketch.add("leg", sketch.calm, ellipse(31, 86, 10, 11))
    sketch.add("leg", sketch.calm, ellipse(69, 86, 10, 11))
    sketch.add("leg", sketch.calm, stroke([(43, 66), (42, 93)], 12, 12))
    sketch.add("leg", sketch.calm, stroke([(57, 66), (58, 93)], 12, 12))

    def head(points: Points) -> Points:
        return turned(points, tilt, (50, 50))

    for side in (-1, 1):
        ear = polygon((50 + 25 * side, 31), (50 + 24 * side, 0), (50 + 5 * side, 17))
        inner = polygon((50 + 20.5 * side, 24), (50 + 20.5 * side, 8), (50 + 11 * side, 17))
        sketch.add("head", sketch.calm, head(ear), detail="ear")
        sketch.add("head", plain("pink"), head(inner), detail="ear", rim=False)
    face = smooth((50, 12), (70, 17), (79, 34), (68, 49), (50, 54), (32, 49), (21, 34), (30, 17))
    sketch.add("head", sketch.calm, head(face))
    iris = plain(choice(sketch.rng, ("green", "yellow", "blue")), lightness=0.35)
    for side in (-1, 1):
        x = 50 + 12 * side + turn
        sketch.add("head", iris, head(ellipse(x, 31, 6.2, 6.2)), detail="eye")
        sketch.add("head", plain("black"), head(ellipse(x, 31, 2.5, 5)), detail="eye", rim=False)
    x = 50 + turn * 1.4
    sketch.add("head", plain("white"), head(ellipse(x, 44, 9.5, 6)), rim=False)
    nose = polygon((x - 4.5, 38.5), (x + 4.5, 38.5), (x, 43.5))
    sketch.add("head", plain("pink", lightness=-0.25), head(nose), detail="nose", rim=False)
    mouth = stroke(curve((x - 6, 46), (x - 3, 48.5), (x, 45), (x + 3, 48.5), (x + 6, 46)), 1.7)
    sketch.add("head", plain("black"), *[head(p) for p in mouth], detail="mouth", rim=False)
    for side in (-1, 1):
        for end in (38, 46):
            hair = stroke([(50 + 14 * side, 42), (50 + 40 * side, end)], 1.7, 1.1)
            sketch.add("head", plain("black"), head(hair[0]), rim=False)


def elephant(sketch: Sketch) -> None:
    """An elephant from the side: trunk, tusk, great ear, pillar legs."""
    main, second, between = sketch.main, sketch.second, sketch.between
    step, lift, flap = between(-3, 3), between(0, 1), between(-8, 8)
    for x in (44 + step, 84 - step):
        sketch.add(
            "leg",
            sketch.calm,
            polygon((x - 8, 55), (x + 8, 55), (x + 8, 87), (x - 8, 87)),
            shade=FAR,
        )
    sketch.add("tail", main, stroke(curve((98, 38), (104, 48), (103 + step, 62)), 4, 2.5))
    for x in (40 - step, 88 + step):
        leg = polygon((x - 10, 50), (x + 10, 50), (x + 9, 91), (x - 9, 91))
        sketch.add("leg", sketch.calm, leg)
        nails = [ellipse(x + d, 89.5, 2.2, 1.8) for d in (-5.5, 0, 5.5)]
        sketch.add("leg", plain("white"), *nails, rim=False)
    back = smooth(
        (34, 24), (56, 11), (80, 13), (98, 30), (100, 54), (88, 68), (60, 70), (38, 64), (30, 45)
    )
    sketch.add("torso", main, back)
    tip = (-6 - 6 * lift, 78 - 30 * lift)
    trunk = curve((17, 38), (6, 50), (3, 66 - 6 * lift), (1 - 3 * lift, 76 - 4 * lift), tip)
    sketch.add("trunk", sketch.calm, stroke(trunk, 17, 7))
    sketch.add("head", sketch.calm, ellipse(24, 31, 19, 21))
    tusk = smooth((16, 48), (21, 50), (14, 61), (3, 64), (10, 57))
    sketch.add("head", plain("white"), tusk, detail="tusk")
    sketch.add("head", plain("white"), ellipse(14, 28, 4), detail="eye", rim=False)
    sketch.add("head", plain("black"), ellipse(13.4, 28.3, 2.5), detail="eye", rim=False)
    fan = smooth((31, 13), (48, 10), (59, 22), (57, 42), (46, 55), (36, 48), (31, 34))
    sketch.add("head", second, turned(fan, flap, (33, 26)), detail="ear")


def bird(sketch: Sketch) -> None:
    """A standing bird from the side: beak, folded or lifted wing, tail, two thin legs."""
    main, second, between = sketch.main, sketch.second, sketch.between
    pitch, lift = between(-8, 8), between(0, 1)
    shin = plain(choice(sketch.rng, ("orange", "black", "brown")))
    for x in (46, 57):
        sketch.add(
            "leg",
            shin,
            stroke([(x, 70), (x - 1, 90)], 3),
            stroke([(x - 8, 91), (x + 5, 91)], 3),
            rim=False,
        )

    def lean(points: Points) -> Points:
        return turned(points, pitch, (50, 60))

    tail = polygon((74, 50), (106, 46), (109, 55), (103, 60), (107, 66), (76, 66))
    sketch.add("tail", second, lean(tail))
    trunk = smooth((22, 38), (40, 36), (62, 44), (84, 54), (76, 68), (56, 77), (36, 74), (24, 60))
    sketch.add("torso", main, lean(trunk))
    sketch.add("head", shin, lean(polygon((16, 20), (-3, 30), (16, 34))), detail="beak")
    sketch.add("head", sketch.calm, lean(ellipse(29, 27, 17, 16)))
    eye(sketch, *lean(polygon((23, 23)))[0], 4.6)
    tip = (94 - 8 * lift, 52 - 46 * lift)
    wing = smooth(
        (42, 50),
        (54, 44 - 6 * lift),
        (76, 46 - 24 * lift),
        tip,
        (78, 62 - 16 * lift),
        (58, 66),
        (45, 61),
    )
    sketch.add("wing", second, lean(wing))
    for k in (0.35, 0.65):
        line = [(50 + 4 * k, 52 + 14 * k), (tip[0] - 16 + 2 * k, tip[1] + 4 + 12 * k)]
        sketch.add("wing", second, lean(stroke(line, 1.8)[0]), shade=-0.45, rim=False)


def fish(sketch: Sketch) -> None:
    """A fish from the side: forked tail, fins, gill and mouth."""
    main, second, between = sketch.main, sketch.second, sketch.between
    deep, fork, sweep = between(25, 33), between(17, 25), between(-5, 5)
    caudal = smooth(
        (74, 50),
        (88, 44),
        (107, 50 - fork + sweep),
        (99, 50 + sweep),
        (107, 50 + fork + sweep),
        (88, 56),
    )
    sketch.add("tail", second, caudal)
    dorsal = smooth(
        (28, 50 - deep * 0.6), (40, 50 - deep * 1.4), (64, 50 - deep * 1.1), (72, 44), (50, 46)
    )
    sketch.add("fin", second, dorsal)
    sketch.add(
        "fin", second, smooth((46, 50 + deep * 0.7), (60, 50 + deep * 1.25), (66, 50 + deep * 0.6))
    )
    trunk = smooth(
        (3, 51),
        (16, 50 - deep * 0.68),
        (42, 50 - deep),
        (66, 50 - deep * 0.55),
        (84, 49),
        (66, 50 + deep * 0.55),
        (42, 50 + deep),
        (16, 50 + deep * 0.7),
    )
    sketch.add("torso", main, trunk)
    head = smooth(
        (3, 51),
        (10, 50 - deep * 0.5),
        (19, 50 - deep * 0.72),
        (27, 50 - deep * 0.8),
        (31, 50),
        (27, 50 + deep * 0.8),
        (19, 50 + deep * 0.74),
        (10, 50 + deep * 0.54),
    )
    sketch.add("head", sketch.calm, head)
    sketch.add(
        "head",
        plain("black"),
        stroke(curve((4, 58), (10, 60), (14, 57)), 2.0),
        detail="mouth",
        rim=False,
    )
    eye(sketch, 17, 43, 5.2)
    sketch.add(
        "fin",
        second,
        turned(smooth((40, 52), (52, 46), (60, 54), (56, 64), (44, 60)), sweep * 2, (40, 55)),
    )


def butterfly(sketch: Sketch) -> None:
    """A butterfly from above: two pairs of spread wings, thin body, antennae."""
    main, second, between = sketch.main, sketch.second, sketch.between
    spread, raise_, taper = between(0.8, 1.02), between(-7, 5), between(0.85, 1.1)
    ink = plain("black")
    for side in (-1, 1):

        def wing(points: Points, side: int = side) -> Points:
            return (points - (50, 50)) * (side * spread, taper) + (50, 50)

        upper = turned(
            smooth((52, 48), (58, 26), (78, 7), (99, 8), (100, 28), (88, 46), (66, 53)),
            raise_,
            (52, 48),
        )
        lower = turned(
            smooth((52, 52), (68, 54), (88, 60), (92, 76), (80, 92), (66, 86), (57, 70)),
            -raise_,
            (52, 52),
        )
        sketch.add("wing", second, wing(lower))
        sketch.add("wing", main, wing(upper))
        sketch.add("wing", second, wing(turned(ellipse(86, 24, 7, 7), raise_, (52, 48))), rim=False)
        sketch.add("wing", main, wing(turned(ellipse(77, 74, 6, 6), -raise_, (52, 52))), rim=False)
        feeler = curve((50, 30), (50 + 6 * side, 16), (50 + 15 * side, 8))
        sketch.add("antenna", ink, stroke(feeler, 2.2), ellipse(50 + 15 * side, 8, 2.8), rim=False)
    sketch.add("torso", plain("brown", "fur", -0.4), ellipse(50, 57, 4.6, 25))
    sketch.add("head", plain("brown", "fur", -0.4), ellipse(50, 31, 6.4, 6))
    for side in (-1, 1):
        sketch.add("head", plain("white"), ellipse(50 + 4 * side, 29, 2.6), detail="eye", rim=False)


ANIMALS: dict[str, Callable[[Sketch], None]] = {
    "dog": dog,
    "cat": cat,
    "elephant": elephant,
    "bird": bird,
    "fish": fish,
    "butterfly": butterfly,
}
