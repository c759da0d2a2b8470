"""Exact pixel labels for all six concept categories.

Every sample of a picture belongs to one region, and a pixel takes the region that covers most of
its samples (the one on top, where two cover the same). Object, part, material and texture labels
are those of the pixel's region, so the categories always agree on what a pixel shows. The color
label is the name of the paint that most samples of that region bear in the pixel: paint before
light, shadow and the shading of materials, which change lightness and not the name.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anatomy.stimuli.toybox.canvas import Region
from anatomy.stimuli.toybox.shading import ACCENT_BIT
from anatomy.stimuli.toybox.vocabulary import NUMBERS

MOST_SAMPLES = 8
LabelPlane = NDArray[np.int32]
Labels = dict[str, list[LabelPlane | str]]


@dataclass(frozen=True)
class Scene:
    """A picture with what is needed to label its pixels.

    `image` is (size, size, 3) uint8 RGB; `paint` (side, side) holds the paint of every sample: an
    index into `regions`, plus 128 where the texture of the region's surface is painted; `name` is
    the scene's name without suffix.
    """

    image: NDArray[np.uint8]
    paint: NDArray[np.uint8]
    regions: tuple[Region, ...]
    name: str

    @cached_property
    def labels(self) -> Labels:
        """Labels at the size of the image; see `labels_at`."""
        return self.labels_at(self.image.shape[0])

    def labels_at(self, size: int) -> Labels:
        """Labels of a grid of `size` x `size` pixels, one list per concept category.

        Planes are (size, size) int32 with global label numbers (`vocabulary.NUMBERS`), 0 where the
        category has nothing to say. `part` has two planes: parts, and parts of parts (the eyes of a
        head). `scene` holds the scene's label name, which is true of the whole image.
        """
        region, accented = self._dominant(size)
        of_region = [
            {
                "object": region.object,
                "part": region.part,
                "detail": region.detail,
                "material": region.surface.material,
                "texture": region.surface.texture,
                "color": f"{region.surface.color}-c",
                "accent": f"{region.surface.accent}-c" if region.surface.accent else None,
            }
            for region in self.regions
        ]

        def plane(key: str) -> LabelPlane:
            names = [labels[key] for labels in of_region]
            return np.array([NUMBERS.get(name, 0) for name in names], np.int32)[region]

        return {
            "color": [np.where(accented, plane("accent"), plane("color"))],
            "object": [plane("object")],
            "part": [plane("part"), plane("detail")],
            "material": [plane("material")],
            "scene": [f"{self.name}-s"],
            "texture": [plane("texture")],
        }

    def _dominant(self, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The region of each pixel, and whether the accent covers most of that region in it."""
        samples = _grouped(self.paint, size)
        regions = samples & np.uint8(ACCENT_BIT - 1)
        winner = _most_frequent(regions)
        inside = regions == winner[..., None]
        accent = inside & (samples >= ACCENT_BIT)
        return winner, 2 * accent.sum(axis=-1) > inside.sum(axis=-1)


def _grouped(paint: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Samples (size, size, k) in each pixel of a grid, at most 8 x 8 evenly spread ones."""
    side = paint.shape[0]
    across = min(MOST_SAMPLES, -(-side // size))
    index = ((np.arange(size * across) + 0.5) * side / (size * across)).astype(np.intp)
    chosen = paint[index[:, None], index]
    blocks = chosen.reshape(size, across, size, across).transpose(0, 2, 1, 3)
    return blocks.reshape(size, size, across * across)


def _most_frequent(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mode along the last axis; the largest of equally frequent values."""
    ordered = np.sort(values, axis=-1)[..., ::-1]
    position = np.arange(values.shape[-1])
    starts = np.ones(ordered.shape, np.bool_)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    run = position - np.maximum.accumulate(np.where(starts, position, 0), axis=-1)
    return np.take_along_axis(ordered, run.argmax(axis=-1)[..., None], axis=-1)[..., 0]
