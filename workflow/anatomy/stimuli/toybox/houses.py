"""Houses: an identity is a building, a view is where one stands and the time of day."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from anatomy.stimuli.toybox.canvas import Canvas, Sketch, fitted
from anatomy.stimuli.toybox.palette import Surface, choice, noise_grid, plain
from anatomy.stimuli.toybox.scenes import ground_and_sky
from anatomy.stimuli.toybox.shading import Light
from anatomy.stimuli.toybox.shapes import Points

WALL_COLORS = (
    "white",
    "yellow",
    "red",
    "pink",
    "blue",
    "green",
    "grey",
    "orange",
    "brown",
    "purple",
)
ROOF_COLORS = ("red", "brown", "grey", "black", "blue", "green")
DOOR_COLORS = ("red", "blue", "green", "brown", "black", "yellow", "white")
ROOFS = ("gable_front", "gable_side", "hip", "flat")
DEPTH = 30.0
EYE_HEIGHT = 22.0
DISTANCE = 260.0


@dataclass(frozen=True, slots=True)
class House:
    """The building that makes an identity; lengths in units of a sketch."""

    half_width: float
    height: float
    roof: str
    roof_height: float
    roof_color: str
    wall_color: str
    wall_tone: float
    wall_material: str
    columns: int
    storeys: int
    window: str
    shutters: str | None
    door: int
    door_color: str
    chimney: float


def random_house(rng: Generator) -> House:
    """The building of one identity."""
    storeys = int(rng.integers(1, 4))
    columns = int(rng.integers(2, 5))
    wall = choice(rng, WALL_COLORS)
    return House(
        half_width=columns * rng.uniform(10.5, 14.5),
        height=storeys * rng.uniform(23, 29) + 4,
        roof=choice(rng, ROOFS),
        roof_height=rng.uniform(20, 36),
        roof_color=choice(rng, tuple(color for color in ROOF_COLORS if color != wall)),
        wall_color=wall,
        wall_tone=rng.uniform(0.0, 0.4),
        wall_material=choice(rng, ("brick", "wood", "stone", "plastic")),
        columns=columns,
        storeys=storeys,
        window=choice(rng, ("cross", "tall", "arched", "wide")),
        shutters=choice(rng, (None, None, "green", "blue", "red", "brown")),
        door=int(rng.integers(0, columns)),
        door_color=choice(rng, tuple(color for color in DOOR_COLORS if color != wall)),
        chimney=choice(rng, (0.0, -0.55, 0.55)),
    )


def draw_house(canvas: Canvas, house: House, rng: Generator) -> Light:
    """Draw one view of `house`, filling the canvas; returns the light of its time of day."""
    hour = choice(rng, ("day", "day", "dusk", "night"))
    ground_and_sky(canvas, rng, hour)
    yaw = rng.uniform(0.12, 0.5) * choice(rng, (-1.0, 1.0))
    sketch = Sketch("house", rng, plain("white"), plain("white"))
    _Building(sketch, house, float(yaw), lit=hour != "day", rng=rng).draw()
    place = np.array([rng.uniform(0.15, 0.85), rng.uniform(0.6, 0.95)])
    frame = fitted(sketch, rng.uniform(0.78, 0.93), rng.uniform(-0.03, 0.03), 1.0, place)
    canvas.place(sketch, frame)
    side = choice(rng, (-0.7, 0.7))
    tints = {"day": (1.0, 1.0, 0.97), "dusk": (1.0, 0.84, 0.76), "night": (0.74, 0.75, 0.94)}
    brightness = rng.uniform(0.88, 1.04)
    red, green, blue = (brightness * value for value in tints[hour])
    return Light((side, -0.7), (red, green, blue), relief=0.12)


class _Building:
    """Draws a house in perspective: x to the right, y up, z towards the viewer."""

    def __init__(self, sketch: Sketch, house: House, yaw: float, lit: bool, rng: Generator) -> None:
        self.sketch, self.house, self.yaw, self.lit = sketch, house, yaw, lit
        self.wall = _surface(rng, house.wall_color, house.wall_material, house.wall_tone)
        self.roof = _surface(rng, house.roof_color, "stone", 0.05)
        self.near = 1.0 if yaw < 0 else -1.0

    def seen(self, *points: tuple[float, float, float]) -> Points:
        """Perspective projection of points (x, y, z)."""
        x, y, z = np.array(points, dtype=np.float64).T
        across = x * np.cos(self.yaw) + z * np.sin(self.yaw)
        near = z * np.cos(self.yaw) - x * np.sin(self.yaw)
        grow = DISTANCE / (DISTANCE - near)
        return np.stack([across * grow, -(y - EYE_HEIGHT) * grow], axis=1)

    def front(self, left: float, right: float, low: float, high: float) -> Points:
        """An upright rectangle on the front wall."""
        corners = ((left, high), (right, high), (right, low), (left, low))
        return self.seen(*((x, y, DEPTH) for x, y in corners))

    def draw(self) -> None:
        self.chimney()
        self.side_wall()
        self.front_wall()
        self.covering()
        self.openings()

    def chimney(self) -> None:
        house = self.house
        if house.chimney:
            x = house.chimney * house.half_width
            top = house.height + house.roof_height * (0.95 if house.roof != "flat" else 0.5)
            shaft = self.seen(
                (x - 4, top, 0),
                (x + 4, top, 0),
                (x + 4, house.height - 4, 0),
                (x - 4, house.height - 4, 0),
            )
            self.sketch.add("chimney", plain("red", "brick", -0.2), shaft)

    def side_wall(self) -> None:
        house, x = self.house, self.near * self.house.half_width
        corners = [
            (x, 0, DEPTH),
            (x, 0, -DEPTH),
            (x, house.height, -DEPTH),
            (x, house.height, DEPTH),
        ]
        if house.roof == "gable_side":
            corners.insert(3, (x, house.height + house.roof_height, 0))
        self.sketch.add("wall", self.wall, self.seen(*corners), shade=-0.3)
        for storey in range(house.storeys):
            low, high = self.sill(storey)
            pane = self.seen((x, high, 6), (x, high, -8), (x, low, -8), (x, low, 6))
            self.sketch.add("window", self.glass(), pane)

    def front_wall(self) -> None:
        house, w = self.house, self.house.half_width
        corners = [
            (-w, 0, DEPTH),
            (w, 0, DEPTH),
            (w, house.height, DEPTH),
            (-w, house.height, DEPTH),
        ]
        if house.roof == "gable_front":
            corners.insert(3, (0, house.height + house.roof_height, DEPTH))
        self.sketch.add("wall", self.wall, self.seen(*corners))

    def covering(self) -> None:
        house, near, w = self.house, self.near, self.house.half_width
        low, top, out = house.height, house.height + house.roof_height, 4.0
        add = self.sketch.add
        if house.roof == "gable_front":
            for side in (-near, near):
                edge = [
                    (side * (w + out), low - 3, DEPTH + 3),
                    (0, top, DEPTH + 3),
                    (0, top + 4, DEPTH + 3),
                    (side * (w + out), low + 2, DEPTH + 3),
                ]
                slope = [
                    (near * (w + out), low, DEPTH + 3),
                    (near * (w + out), low, -DEPTH),
                    (0, top + 3, -DEPTH),
                    (0, top + 3, DEPTH + 3),
                ]
                if side == near:
                    add("roof", self.roof, self.seen(*slope), shade=-0.12)
                add("roof", self.roof, self.seen(*edge))
        elif house.roof == "gable_side":
            slope = self.seen(
                (-w - out, low - 2, DEPTH + 3),
                (w + out, low - 2, DEPTH + 3),
                (w + out, top, 0),
                (-w - out, top, 0),
            )
            add("roof", self.roof, slope)
        elif house.roof == "hip":
            x = near * (w + out)
            side = self.seen(
                (x, low - 1, DEPTH + 3), (x, low - 1, -DEPTH), (near * 0.5 * w, top, 0)
            )
            add("roof", self.roof, side, shade=-0.25)
            slope = self.seen(
                (-w - out, low - 1, DEPTH + 3),
                (w + out, low - 1, DEPTH + 3),
                (0.5 * w, top, 0),
                (-0.5 * w, top, 0),
            )
            add("roof", self.roof, slope)
        else:
            x = near * (w + 2)
            side = self.seen(
                (x, low - 2, DEPTH + 2),
                (x, low - 2, -DEPTH),
                (x, low + 6, -DEPTH),
                (x, low + 6, DEPTH + 2),
            )
            add("roof", self.roof, side, shade=-0.3)
            add(
                "roof",
                self.roof,
                self.seen(
                    (-w - 2, low - 2, DEPTH + 2),
                    (w + 2, low - 2, DEPTH + 2),
                    (w + 2, low + 6, DEPTH + 2),
                    (-w - 2, low + 6, DEPTH + 2),
                ),
            )

    def sill(self, storey: int) -> tuple[float, float]:
        """Lower and upper edge of a storey's windows."""
        step = (self.house.height - 3) / self.house.storeys
        return step * (storey + 0.36), step * (storey + 0.86)

    def glass(self) -> Surface:
        return plain("yellow", None, 0.45) if self.lit else plain("blue", "glass", 0.35)

    def openings(self) -> None:
        house = self.house
        bay = 2 * house.half_width / house.columns
        for column in range(house.columns):
            x = -house.half_width + (column + 0.5) * bay
            for storey in range(house.storeys):
                if storey == 0 and column == house.door:
                    self.door(x, bay)
                else:
                    self.window(x, bay, *self.sill(storey))
        if house.roof == "gable_front":
            low = house.height + 0.12 * house.roof_height
            self.sketch.add(
                "window", self.glass(), self.front(-4, 4, low, low + 0.38 * house.roof_height)
            )

    def door(self, x: float, bay: float) -> None:
        high = 0.8 * (self.house.height - 3) / self.house.storeys
        half = 0.24 * bay
        self.sketch.add(
            "door", plain(self.house.door_color, "wood"), self.front(x - half, x + half, 0, high)
        )
        knob = self.front(x + 0.5 * half, x + 0.75 * half, 0.42 * high, 0.5 * high)
        self.sketch.add("door", plain("yellow", "metal"), knob, detail="handle", rim=False)

    def window(self, x: float, bay: float, low: float, high: float) -> None:
        house, add = self.house, self.sketch.add
        half = {"cross": 0.24, "tall": 0.15, "arched": 0.22, "wide": 0.34}[house.window] * bay
        if house.shutters and house.window != "wide":
            wings = [
                self.front(x + s * half, x + s * (half + 0.12 * bay), low, high) for s in (-1, 1)
            ]
            add("shutter", plain(house.shutters, "wood"), *wings)
        arch = [
            (x + half * np.cos(a), high - 3 + half * np.sin(a)) for a in np.linspace(0, np.pi, 9)
        ]
        if house.window == "arched":
            outline = self.seen(
                (x - half, low, DEPTH), (x + half, low, DEPTH), *((a, b, DEPTH) for a, b in arch)
            )
        else:
            outline = self.front(x - half, x + half, low, high)
        add(
            "window", plain("white"), (outline - outline.mean(axis=0)) * 1.22 + outline.mean(axis=0)
        )
        add("window", self.glass(), outline, rim=False)
        if house.window in ("cross", "wide"):
            middle = (low + high) / 2
            bars = (
                self.front(x - 0.5, x + 0.5, low, high),
                self.front(x - half, x + half, middle - 0.5, middle + 0.5),
            )
            add("window", plain("white"), *bars, rim=False)


def _surface(rng: Generator, color: str, material: str, lightness: float) -> Surface:
    surface = plain(color, material, lightness)
    surface.noise, surface.grain = noise_grid(rng), 1.7
    return surface
