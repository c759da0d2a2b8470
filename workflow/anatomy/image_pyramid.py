"""Sizes of an image pyramid, from coarse to fine."""

import math


def pyramid_sides(size: int, levels: int, scale: float) -> list[int]:
    """Side of the image on each level, pixels; the last has the side `size`, each is `scale` times the one before."""
    return [max(1, round(size / scale**level)) for level in range(levels - 1, -1, -1)]


def blur_reach(deviation: float) -> int:
    """Pixels that a Gaussian of that standard deviation reaches to each side; 0 for none."""
    return math.ceil(3 * deviation)
