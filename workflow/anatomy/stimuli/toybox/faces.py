"""Faces: an identity is a set of features, a view is a pose, an expression and a surrounding."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from anatomy.stimuli.toybox.canvas import Canvas, Frame, Sketch
from anatomy.stimuli.toybox.palette import Surface, choice, noise_grid, plain, random_surface
from anatomy.stimuli.toybox.shapes import Points, box, curve, ellipse, polygon, smooth, stroke
from anatomy.stimuli.toybox.vocabulary import COLORS, TEXTURES

SKINS = (
    (252, 224, 200),
    (241, 198, 160),
    (224, 172, 120),
    (190, 132, 86),
    (146, 94, 56),
    (98, 62, 40),
)
HAIR_COLORS = (
    ("black", (34, 30, 32)),
    ("brown", (94, 58, 32)),
    ("brown", (150, 96, 50)),
    ("yellow", (238, 204, 112)),
    ("orange", (206, 98, 34)),
    ("grey", (166, 166, 170)),
    ("white", (238, 238, 232)),
)
HAIR_STYLES = ("short", "long", "bob", "curly", "bald", "bun", "spiky")
GLASSES = ("none", "none", "none", "round", "square")
BEARDS = ("none", "none", "none", "full", "moustache", "goatee")
CENTRE = 50.0
# Radians of the largest turn of the head.
TURN = 0.3


@dataclass(frozen=True, slots=True)
class Face:
    """The features that make an identity; lengths in units of a sketch."""

    skin: tuple[int, int, int]
    hair_style: str
    hair: tuple[str, tuple[int, int, int]]
    width: float
    jaw: float
    chin: float
    eye_distance: float
    eye_size: float
    iris: str
    brow: float
    slant: float
    nose_width: float
    nose_length: float
    mouth: float
    lips: float
    glasses: str
    beard: str
    noise: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pose:
    """What changes from view to view: turn of the head (-1 .. 1), smile (-1 .. 1), open mouth."""

    turn: float
    smile: float
    opening: float


def random_face(rng: Generator) -> Face:
    """The features of one identity."""
    return Face(
        skin=choice(rng, SKINS),
        hair_style=choice(rng, HAIR_STYLES),
        hair=choice(rng, HAIR_COLORS),
        width=rng.uniform(23, 30),
        jaw=rng.uniform(0.6, 0.95),
        chin=rng.uniform(80, 90),
        eye_distance=rng.uniform(10, 13.5),
        eye_size=rng.uniform(4.6, 6.6),
        iris=choice(rng, ("brown", "blue", "green", "black")),
        brow=rng.uniform(1.8, 4.6),
        slant=rng.uniform(-2.5, 2.5),
        nose_width=rng.uniform(3.0, 6.5),
        nose_length=rng.uniform(9, 15),
        mouth=rng.uniform(7, 12),
        lips=rng.uniform(1.8, 4.2),
        glasses=choice(rng, GLASSES),
        beard=choice(rng, BEARDS),
        noise=noise_grid(rng),
    )


def draw_face(canvas: Canvas, face: Face, rng: Generator) -> None:
    """Draw one view of `face`, filling the canvas."""
    wall = random_surface(rng, COLORS, (), TEXTURES, 0.4)
    for paint in ("rgb", "accent_rgb"):
        pale = np.array(getattr(wall, paint)) * 0.3 + 165
        setattr(wall, paint, tuple(int(value) for value in pale))
    canvas.scenery("wall", wall, box(0, 0, 1, 1))
    shirt = random_surface(rng, COLORS, (), TEXTURES, 0.4)
    pose = Pose(rng.uniform(-1, 1), rng.uniform(-0.7, 1), max(0.0, rng.uniform(-2.5, 3.0)))
    sketch = Sketch("face", rng, shirt, shirt)
    _Portrait(sketch, face, pose).draw()
    scale, angle = rng.uniform(0.82, 1.08), rng.uniform(-0.14, 0.14)
    x, y = rng.uniform(0.44, 0.56), rng.uniform(0.46, 0.56)
    # The sketch is centred at (50, 50): the frame's origin follows from where that point goes.
    half = 0.5 * scale
    cos, sin = np.cos(angle), np.sin(angle)
    origin = (x - half * (cos - sin), y - half * (sin + cos))
    canvas.place(sketch, Frame(float(origin[0]), float(origin[1]), scale, angle))


class _Portrait:
    """Draws a face, layer by layer from back to front."""

    def __init__(self, sketch: Sketch, face: Face, pose: Pose) -> None:
        self.sketch, self.face, self.pose = sketch, face, pose
        self.skin = Surface("brown", face.skin)
        self.hair = Surface(*face.hair, "fur", noise=face.noise)
        self.ink = Surface("black", tuple(int(0.3 * value) for value in face.skin))

    def at(self, across: float) -> float:
        """Where a feature lies that is `across` from the middle of the face before the turn."""
        reach = self.face.width + 3.0
        angle = np.arcsin(np.clip(across / reach, -1, 1)) + TURN * self.pose.turn
        return CENTRE + reach * float(np.sin(angle))

    def draw(self) -> None:
        self.hair_behind()
        self.bust()
        self.head()
        self.beard()
        self.mouth()
        self.nose()
        self.eyes()
        self.hair_in_front()

    def hair_behind(self) -> None:
        w, c = self.face.width, CENTRE + 2.5 * self.pose.turn
        style, add = self.face.hair_style, self.sketch.add
        if style in ("long", "bob"):
            low = 99 if style == "long" else 74
            lock = smooth(
                (c, 6),
                (c + w, 14),
                (c + w + 9, 45),
                (c + w + 8, low),
                (c, low - 6),
                (c - w - 8, low),
                (c - w - 9, 45),
                (c - w, 14),
            )
            add("hair", self.hair, lock)
        elif style == "curly":
            angles = np.linspace(-0.25 * np.pi, 1.25 * np.pi, 13)
            curls = [ellipse(c + (w + 3) * np.cos(a), 40 - 31 * np.sin(a), 9.5) for a in angles]
            add("hair", self.hair, *curls)
        elif style == "bun":
            add("hair", self.hair, ellipse(c, 3, 11, 10))

    def bust(self) -> None:
        shadow = Surface("brown", tuple(int(0.82 * value) for value in self.face.skin))
        self.sketch.add("neck", shadow, box(39, 70, 61, 104))
        shoulders = smooth(
            (50, 99), (62, 94), (88, 100), (104, 130), (50, 150), (-4, 130), (12, 100), (38, 94)
        )
        self.sketch.add("torso", self.sketch.main, shoulders)

    def head(self) -> None:
        face, add = self.face, self.sketch.add
        for side in (-1, 1):
            x = CENTRE + side * (face.width + 0.5) - 2.0 * self.pose.turn
            add("head", self.skin, ellipse(x, 52, 4.5, 7.5), detail="ear")
        w, jaw = face.width, face.width * face.jaw
        outline = (
            (50, 14),
            (50 + 0.72 * w, 21),
            (50 + w, 44),
            (50 + jaw, 70),
            (50 + 0.42 * jaw, face.chin),
        )
        mirrored = tuple((100 - x, y) for x, y in reversed(outline[1:]))
        add("head", self.skin, smooth(*outline, (50, face.chin + 1.5), *mirrored))

    def beard(self) -> None:
        face, add = self.face, self.sketch.add
        mouth, c, chin = self.mouth_height, self.at(0), face.chin
        if face.beard == "full":
            jaw = face.width * face.jaw
            edge = smooth(
                (51 - face.width, 52),
                (50 - jaw * 0.75, 66),
                (c - 9, mouth - 7),
                (c + 9, mouth - 7),
                (50 + jaw * 0.75, 66),
                (49 + face.width, 52),
                (50 + jaw, 72),
                (50 + 0.5 * jaw, chin + 2),
                (50, chin + 5),
                (50 - 0.5 * jaw, chin + 2),
                (50 - jaw, 72),
            )
            add("hair", self.hair, edge)
        if face.beard == "moustache":
            bow = smooth(
                (c, mouth - 7),
                (c + 8, mouth - 5),
                (c + 13, mouth + 1),
                (c, mouth - 2.5),
                (c - 13, mouth + 1),
                (c - 8, mouth - 5),
            )
            add("hair", self.hair, bow, rim=False)
        if face.beard == "goatee":
            add("hair", self.hair, ellipse(c, chin - 2.5, 6.5, 7))

    @property
    def mouth_height(self) -> float:
        nose = 50 + self.face.nose_length
        return nose + 0.48 * (self.face.chin - nose)

    def mouth(self) -> None:
        face, pose, y = self.face, self.pose, self.mouth_height
        left, right = self.at(-face.mouth), self.at(face.mouth)
        middle, bend = self.at(0), 3.4 * pose.smile
        line = curve((left, y - bend), (middle, y + 0.6 * bend), (right, y - bend))
        lips = plain("red", lightness=-0.2)
        if pose.opening > 1.0:
            gape = smooth(
                (left, y - bend),
                (middle, y + 0.2 * bend - 1),
                (right, y - bend),
                (middle, y + bend + 2.4 * pose.opening),
            )
            self.sketch.add("head", plain("black"), gape, detail="mouth", rim=False)
        self.sketch.add("head", lips, stroke(line, face.lips), detail="mouth", rim=False)

    def nose(self) -> None:
        face, tip = (
            self.face,
            CENTRE + 0.62 * (self.face.width + 3) * np.sin(TURN * self.pose.turn) * 2.2,
        )
        low = 48 + face.nose_length
        shape = smooth(
            (self.at(0), 46),
            (tip + 0.5 * face.nose_width, low - 5),
            (tip + face.nose_width, low),
            (tip, low + 2.5),
            (tip - face.nose_width, low),
            (tip - 0.5 * face.nose_width, low - 5),
        )
        self.sketch.add("head", self.skin, shape, detail="nose", shade=-0.17, rim=False)
        nostrils = [
            ellipse(tip + side * 0.5 * face.nose_width, low + 0.6, 1.3, 1.0) for side in (-1, 1)
        ]
        self.sketch.add("head", self.ink, *nostrils, detail="nose", rim=False)

    def eyes(self) -> None:
        face, pose, add = self.face, self.pose, self.sketch.add
        gaze = 1.2 * pose.turn
        for side in (-1, 1):
            x, size = self.at(side * face.eye_distance), face.eye_size
            narrow = 1.0 - 0.18 * max(0.0, side * pose.turn)
            add(
                "head",
                plain("white"),
                ellipse(x, 46, size * 1.15 * narrow, size * 0.8),
                detail="eye",
            )
            add(
                "head",
                plain(face.iris, lightness=-0.1),
                ellipse(x + gaze, 46, size * 0.55),
                detail="eye",
                rim=False,
            )
            add("head", plain("black"), ellipse(x + gaze, 46, size * 0.3), detail="eye", rim=False)
            near, far = (
                self.at(side * (face.eye_distance - 5.5)),
                self.at(side * (face.eye_distance + 6.5)),
            )
            lift = 37.0 - face.brow * 0.4 - 1.2 * pose.smile
            arch = curve((near, lift + face.slant), (x, lift - 2), (far, lift - face.slant))
            hair = self.hair if face.hair_style != "bald" else self.ink
            add("hair", hair, stroke(arch, face.brow, face.brow * 0.7), rim=False)
        if face.glasses != "none":
            self.glasses()

    def glasses(self) -> None:
        frame = plain("black", "plastic")
        left, right = self.at(-self.face.eye_distance), self.at(self.face.eye_distance)
        for x in (left, right):
            if self.face.glasses == "round":
                path = ellipse(x, 46.5, 9.2, 9.0)
            else:
                path = polygon(
                    (x - 9.5, 40),
                    (x, 40),
                    (x + 9.5, 40),
                    (x + 9.5, 46),
                    (x + 9, 53),
                    (x, 53),
                    (x - 9, 53),
                    (x - 9.5, 46),
                )
            ring = np.concatenate([path, path[:1]])
            self.sketch.add("glasses", frame, *_segments(ring, 2.3), rim=False)
        bridge = stroke([(left + 9, 45), (right - 9, 45)], 2.2)
        self.sketch.add("glasses", frame, bridge, rim=False)

    def hair_in_front(self) -> None:
        w, style, add = self.face.width, self.face.hair_style, self.sketch.add
        part = CENTRE + 6 * self.pose.turn
        if style == "bald":
            return
        top = smooth(
            (50 - w - 2, 46),
            (50 - w - 2, 26),
            (50 - 0.6 * w, 11),
            (50, 7),
            (50 + 0.6 * w, 11),
            (50 + w + 2, 26),
            (50 + w + 2, 46),
            (50 + w - 3, 36),
            (part + 0.5 * w, 25),
            (part, 23),
            (part - 0.5 * w, 25),
            (50 - w + 3, 36),
        )
        if style == "long":
            top = smooth(
                (50 - w - 3, 60),
                (50 - w - 3, 26),
                (50 - 0.6 * w, 9),
                (50, 5),
                (50 + 0.6 * w, 9),
                (50 + w + 3, 26),
                (50 + w + 3, 60),
                (50 + w - 4, 42),
                (part + 12, 27),
                (part, 16),
                (part - 12, 27),
                (50 - w + 4, 42),
            )
        elif style == "bob":
            top = smooth(
                (50 - w - 3, 58),
                (50 - w - 3, 26),
                (50 - 0.6 * w, 9),
                (50, 5),
                (50 + 0.6 * w, 9),
                (50 + w + 3, 26),
                (50 + w + 3, 58),
                (50 + w - 4, 36),
                (part + 12, 34),
                (part, 34),
                (part - 12, 34),
                (50 - w + 4, 36),
            )
        elif style == "spiky":
            x = np.linspace(50 - w - 2, 50 + w + 2, 11)
            tips = [
                (a, (26 - 24 * (1 - ((a - 50) / (w + 6)) ** 2)) + (9 if i % 2 else -5))
                for i, a in enumerate(x)
            ]
            top = polygon(
                (50 - w - 1, 40),
                *tips,
                (50 + w + 1, 40),
                (50 + 0.7 * w, 27),
                (50, 25),
                (50 - 0.7 * w, 27),
            )
        add("hair", self.hair, top)


def _segments(path: Points, width: float) -> list[Points]:
    """A thin line along a closed path, as a union of straight pieces."""
    return [piece for pair in pairwise(path) for piece in _bar(*pair, width)]


def _bar(start: Points, end: Points, width: float) -> tuple[Points, Points]:
    step = end - start
    side = np.array([-step[1], step[0]]) / (np.hypot(*step) + 1e-9) * width / 2
    return np.stack([start + side, end + side, end - side, start - side]), ellipse(*end, width / 2)
