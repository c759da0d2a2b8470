"""From the plane of regions to an image: paint, texture, material, rim, light and shadow."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from anatomy.stimuli.toybox.canvas import SAMPLES, Canvas, Frame
from anatomy.stimuli.toybox.materials import SHADING
from anatomy.stimuli.toybox.palette import GLOSS, Surface
from anatomy.stimuli.toybox.textures import ACCENT

ACCENT_BIT = 128
RIM_WIDTH = 0.009
RIM_SHADE = -0.5
RELIEF_WIDTH = 0.05


class Light(NamedTuple):
    """The light on a picture.

    `toward` is a unit vector towards the source (y down) and `tint` multiplies red, green and blue.
    `relief` is how much it models the object, `shadow` how dark the shadow on the ground is, and
    `halo` how much the object dims what is right behind it.
    """

    toward: tuple[float, float] = (-0.6, -0.8)
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    relief: float = 0.3
    shadow: float = 0.3
    halo: float = 0.45


def random_light(rng: Generator) -> Light:
    """Light from above, warmer or cooler, brighter or dimmer."""
    angle = rng.uniform(-2.6, -0.55)
    brightness, warmth = rng.uniform(0.84, 1.06), rng.uniform(-0.07, 0.07)
    tint = (brightness * (1 + warmth), brightness, brightness * (1 - warmth))
    return Light((float(np.cos(angle)), float(np.sin(angle))), tint)


def develop(canvas: Canvas, light: Light) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image (size, size, 3) and the paint of every sample (side, side).

    Paint is a region number, plus `ACCENT_BIT` where the region's texture is painted.
    """
    paint = canvas.plane.copy()
    tone = _table([127.0 * region.shade for region in canvas.regions], np.int16)[paint]
    _add_rims(canvas, paint, tone)
    _add_surfaces(canvas, paint, tone)
    color = _reduced(_painted(canvas, paint), canvas.size).astype(np.float32)
    shade = np.asarray(
        Image.fromarray((tone.clip(-127, 127) + 127).astype(np.uint8)).reduce(SAMPLES)
    )
    shade = shade.astype(np.float32) / 127.0 - 1.0 + _light(canvas, light)
    shade = shade.clip(-1.0, 1.0)[..., None]
    color = color * (1.0 + np.minimum(shade, 0.0)) + (255.0 - color) * np.maximum(shade, 0.0)
    return (color * np.float32(light.tint)).clip(0, 255).round().astype(np.uint8), paint


def _table(values: list, dtype: type) -> NDArray:
    """Look-up table by region number, filled up to every value of a byte."""
    table = np.zeros(256, dtype)
    table[: len(values)] = values
    return table


def _add_rims(canvas: Canvas, plane: NDArray[np.uint8], tone: NDArray[np.int16]) -> None:
    """Darken the border of every region over what lies under it."""
    width = max(1, round(RIM_WIDTH * canvas.side))
    under = plane.copy()
    np.minimum(under[width:], plane[:-width], out=under[width:])
    np.minimum(under[:-width], plane[width:], out=under[:-width])
    np.minimum(under[:, width:], plane[:, :-width], out=under[:, width:])
    np.minimum(under[:, :-width], plane[:, width:], out=under[:, :-width])
    rimmed = _table([region.rim for region in canvas.regions], np.bool_)
    tone[(under < plane) & rimmed[plane]] += round(127 * RIM_SHADE)


def _add_surfaces(canvas: Canvas, paint: NDArray[np.uint8], tone: NDArray[np.int16]) -> None:
    """Paint textures into `paint` and materials into `tone`, surface by surface."""
    surfaces = list(canvas.frames)
    order = {surface: number for number, surface in enumerate(surfaces)}
    index = [order.get(region.surface, 255) for region in canvas.regions]
    plane = _table(index, np.uint8)[paint]
    for number, surface in enumerate(surfaces):
        if surface.texture is None and surface.material not in SHADING:
            continue
        mask = plane == number
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            continue
        window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        u, v = _coordinates(canvas.frames[surface], surface.angle, window, canvas.side)
        noise = _noise(surface, window, canvas.side)
        if surface.texture is not None:
            accent = ACCENT[surface.texture](u / surface.period, v / surface.period, noise)
            paint[window] |= np.where(accent & mask[window], np.uint8(ACCENT_BIT), np.uint8(0))
        if surface.material in SHADING:
            grain = np.float32(surface.grain)
            shade = SHADING[surface.material](u * grain, v * grain, noise)
            shade = shade * np.float32(127 * surface.strength)
            tone[window] += np.where(mask[window], shade, np.float32(0)).astype(np.int16)


def _coordinates(
    frame: Frame, angle: float, window: tuple[slice, slice], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Surface coordinates of the samples of a window, turned with the object that bears them."""
    rows, columns = window
    y = (np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + 0.5) / side - frame.y
    x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) / side - frame.x
    cos = np.float32(np.cos(frame.angle + angle) / frame.scale)
    sin = np.float32(np.sin(frame.angle + angle) / frame.scale)
    return np.float32(frame.mirror) * (x * cos + y * sin), y * cos - x * sin


def _noise(surface: Surface, window: tuple[slice, slice], side: int) -> NDArray[np.float32]:
    """Smooth noise -1..1 over the samples of a window, interpolated from the surface's lattice."""
    if surface.noise is None:
        return np.zeros((1, 1), np.float32)
    rows, columns = window
    cells = surface.noise.shape[0] / side
    edges = (columns.start * cells, rows.start * cells, columns.stop * cells, rows.stop * cells)
    extent = (columns.stop - columns.start, rows.stop - rows.start)
    smooth = Image.fromarray(surface.noise).resize(extent, Image.Resampling.BICUBIC, edges)
    return np.asarray(smooth).astype(np.float32) / 127.5 - 1.0


def _painted(canvas: Canvas, paint: NDArray[np.uint8]) -> Image.Image:
    """The paint of every sample in its color, without light."""
    table = np.zeros((256, 3), np.uint8)
    for number, region in enumerate(canvas.regions):
        table[number] = region.surface.rgb
        table[number + ACCENT_BIT] = region.surface.accent_rgb
    picture = Image.fromarray(paint)
    picture.putpalette(table.tobytes())
    return picture.convert("RGB")


def _reduced(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    return np.asarray(picture.reduce(SAMPLES))


def _light(canvas: Canvas, light: Light) -> NDArray[np.float32]:
    """Relief and gloss of the object and the shadow it casts, at the size of the image."""
    object_samples = np.where(canvas.plane >= canvas.first_object, np.uint8(255), np.uint8(0))
    cover = Image.fromarray(object_samples).reduce(SAMPLES)
    covered = np.asarray(cover).astype(np.float32) / 255.0
    height = cover.filter(ImageFilter.GaussianBlur(RELIEF_WIDTH * canvas.size))
    down, across = np.gradient(np.asarray(height).astype(np.float32) / 255.0)
    facing = -(across * light.toward[0] + down * light.toward[1]) * (0.16 * canvas.size)
    facing = facing.clip(-1.0, 1.0)
    gloss = _table([GLOSS.get(r.surface.material, 0.0) for r in canvas.regions], np.float32)
    middle = np.s_[SAMPLES // 2 :: SAMPLES]
    shine = gloss[canvas.plane[middle, middle]] * (facing.clip(0.35, 0.85) - 0.35)
    behind = light.shadow * _shadow(canvas) + light.halo * np.asarray(height) / np.float32(255)
    return covered * (light.relief * facing + shine) - (1.0 - covered) * behind


def _shadow(canvas: Canvas) -> NDArray[np.float32]:
    if not canvas.shadows:
        return np.zeros((1, 1), np.float32)
    shadow = Image.new("L", (canvas.size, canvas.size), 0)
    draw = ImageDraw.Draw(shadow)
    for outline in canvas.shadows:
        draw.polygon((outline * canvas.size - 0.5).ravel().tolist(), fill=255)
    soft = shadow.filter(ImageFilter.GaussianBlur(0.015 * canvas.size))
    return np.asarray(soft).astype(np.float32) / 255.0
