"""Dissected units with drawn pictures, for the tests of gallery pages."""

import io
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

# in the order of Broden
CATEGORIES = ("object", "part", "scene", "material", "texture", "color")
MINIMUM = 0.04
SIDE = 64


def unit(number: int, concept: str, category: str, iou: float, **more: Any) -> dict[str, Any]:
    """A row of the table of units; in the other categories it has no concept."""
    row = {
        **{"unit": number, "threshold": 1.0, "concept": concept, "category": category},
        **{"iou": iou, "low": 0.9 * iou, "high": 1.1 * iou, "agreement": 0.5},
        "detector": iou > MINIMUM,
    }
    for name in CATEGORIES:
        own = name == category
        row |= {f"{name}_concept": concept if own else "", f"{name}_iou": iou if own else 0.0}
    return row | more


def thumbnail(number: int) -> bytes:
    """A disc on a ground, both of colours of their own, as WebP."""
    ground, disc = (
        tuple(color) for color in np.random.default_rng(number).integers(256, size=(2, 3))
    )
    picture = Image.new("RGB", (SIDE, SIDE), tuple(map(int, ground)))
    ImageDraw.Draw(picture).ellipse((16, 16, 48, 48), tuple(map(int, disc)), (255, 214, 10))
    buffer = io.BytesIO()
    picture.save(buffer, format="webp", quality=80)
    return buffer.getvalue()


def top_images(units: pd.DataFrame, images: int = 10) -> pd.DataFrame:
    """Top images of every unit, no two with the same picture."""
    rows = [
        {"unit": number, "rank": rank, "image_id": f"{number}_{rank}.jpg", "response": 20 - rank}
        | {"y": 0, "x": 0, "thumbnail": thumbnail(100 * number + rank)}
        for number in units["unit"]
        for rank in range(1, images + 1)
    ]
    columns = ["unit", "rank", "image_id", "response", "y", "x", "thumbnail"]
    return pd.DataFrame(rows, columns=columns)
