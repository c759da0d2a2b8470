"""Small pictures, to be kept in tables that figures and pages are made from."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resized(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image (y, x, channel) as a square of `side` pixels."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))


def png(image: NDArray[np.uint8]) -> bytes:
    """An image (y, x, channel), losslessly."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def webp(image: NDArray[np.uint8]) -> bytes:
    """An image (y, x, channel) in about a tenth of the bytes, with small losses."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="webp", quality=80, method=4)
    return buffer.getvalue()
