"""One image of a stimulus set before it is read or drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Item:
    """One image of a stimulus set before it is read or drawn; `image_id` is unique in the set."""

    image_id: str
    category: str
    name: str
    super_category: str
    split: str
    source: str


Load = Callable[[Item], NDArray[np.uint8]]
