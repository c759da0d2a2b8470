"""Responses of the layers to be dissected: recorded once for all layers, read layer by layer.

Beside each layer's responses (image, unit, y, x) stand the receptive fields of its positions, from which follows where
they lie on the grid of the labels. Reading needs no network.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from anatomy.dissection.masks import Axis, Upsampling
from anatomy.errors import InputError
from anatomy.networks.field import Field, grid_centres
from anatomy.stimuli.labelled_images import SPLIT, LabelledImages
from anatomy.store import open_store, read_array, read_rows

FIELDS = "receptive_fields"


def described(fields: Sequence[Field]) -> dict[str, Any]:
    """Receptive fields along y and x, as they stand beside the responses."""
    return {FIELDS: [field.described() for field in fields]}


class Maps:
    """Response maps of one layer, in another basis if wanted.

    Attributes
    ----------
    images, units : their numbers
    shape : (y, x) positions of a map
    block_count : blocks in which they are read
    """

    def __init__(self, array: zarr.Array, basis: NDArray[np.float64] | None = None) -> None:
        self._array = array
        self._basis = None if basis is None else basis.astype(np.float32)
        self.images, self.units, *shape = array.shape
        self.shape = (shape[0], shape[1])
        self.block_count = -(-self.images // array.chunks[0])

    @classmethod
    def open(cls, manifest: Path, layer: str, labelled: LabelledImages) -> Self:
        """Responses of a layer to labelled images, from the recording whose manifest is given.

        Raises InputError when they were recorded from other images.
        """
        expected = {"stimuli": labelled.stimuli.digest}
        group = open_store(manifest.with_suffix(".zarr"), manifest, expected)
        return cls(read_array(group, f"{SPLIT}/responses/{layer}"))

    def turned(self, basis: NDArray[np.float64] | None) -> "Maps":
        """The same responses in a basis whose rows (unit, unit) weigh the units; None is the units' own."""
        return Maps(self._array, basis)

    def upsampling(self, labelled: LabelledImages) -> Upsampling:
        """From these maps to the grid of the labels."""
        fields = [Field.from_described(field) for field in self._array.attrs[FIELDS]]
        axes = (
            Axis.of(count, *grid_centres(field, labelled.reduction), labelled.mask_size)
            for count, field in zip(self.shape, fields, strict=True)
        )
        return Upsampling(*axes)

    def blocks(self, images: slice | None = None) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Images (some of them, or all), and their maps float32 (image, unit, y, x), one block after the other.

        Raises InputError if a response is not finite.
        """
        for rows in _blocks(images or slice(0, self.images), self._array.chunks[0]):
            maps = read_rows(self._array, rows).astype(np.float32, copy=False)
            if not np.isfinite(maps).all():
                raise InputError(f"{self._array.store_path}: a response is not a finite number")
            yield rows, maps if self._basis is None else self._turned(maps)

    def _turned(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        flat = maps.reshape(*maps.shape[:2], -1)
        return np.matmul(self._basis, flat).reshape(maps.shape)


def _blocks(images: slice, size: int) -> Iterator[slice]:
    """The images in pieces of which each lies in one chunk."""
    start = images.start
    while start < images.stop:
        stop = min(images.stop, (start // size + 1) * size)
        yield slice(start, stop)
        start = stop
