"""Circuit masks on disk: bit-packed, one group per layer.

In each layer's group `masks` is uint8 (category, byte): the boolean mask of the layer's whole weight tensor in C
order, eight weights to a byte, highest bit first, True = kept. The order of the categories is the attribute
`categories` of the store, the shape of the weight tensor the attribute `weight_shape` of the array. A chunk holds
one category and at most 512 KiB, so that a run of bytes can be read for all categories at once.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anatomy.canonical import read_json
from anatomy.errors import InputError
from anatomy.masks import pack, unpack
from anatomy.networks.graph import Layer
from anatomy.store import ArraySpec, StoreWriter, open_store, read_array, read_rows, row_blocks

# 1,000 categories of a block take half a gigabyte; smaller chunks would be more files.
CHUNK_BYTES = 2**19


def write_masks(
    masks: Iterable[tuple[str, Mapping[str, NDArray[np.bool_]]]],
    categories: Sequence[str],
    layers: Sequence[Layer],
    path: Path,
    manifest: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write (category, layer -> mask) pairs, one at a time as they come, in the order of `categories`."""
    packed = ((category, {k: pack(mask) for k, mask in own.items()}) for category, own in masks)
    shapes = {layer.name: layer.weight_shape for layer in layers}
    _write(packed, categories, shapes, path, manifest, provenance)


def join_masks(
    manifests: Sequence[Path], categories: Sequence[str], path: Path, manifest: Path
) -> None:
    """Join the masks of all shards into one store, in the order of `categories`.

    Raises InputError when the shards are of different origin or one category is in none of them.
    """
    parts = [MaskFile(part.with_suffix(".zarr"), part) for part in manifests]
    provenance = parts[0].provenance
    for part in parts:
        if part.provenance != provenance:
            raise InputError(f"masks of different origin: {part.provenance} and {provenance}")
    part_of = {category: part for part in parts for category in part.categories}
    if missing := [category for category in categories if category not in part_of]:
        raise InputError(f"the shards hold no masks of {', '.join(missing)}")
    packed = (
        (category, {layer: part_of[category].packed(category, layer) for layer in parts[0].shapes})
        for category in categories
    )
    _write(packed, categories, parts[0].shapes, path, manifest, provenance)


class MaskFile:
    """Finished masks, opened for reading.

    Attributes
    ----------
    categories : in the order of the arrays
    shapes : layer -> shape of its weight tensor, in network order
    provenance : what the masks were made from, without the categories
    """

    def __init__(self, path: Path, manifest: Path) -> None:
        self._group = open_store(path, manifest, {})
        stored = dict(read_json(manifest)["provenance"])
        self.categories: list[str] = stored.pop("categories")
        self.shapes = {name: tuple(shape) for name, shape in stored.pop("layers")}
        self.provenance: dict[str, Any] = stored

    def packed(self, category: str, layer: str) -> NDArray[np.uint8]:
        """Packed mask (byte,) of one layer of one category's circuit."""
        array = read_array(self._group, f"{layer}/masks")
        return read_rows(array, slice(*_place(self.categories, category)))[0]

    def mask(self, category: str, layer: str) -> NDArray[np.bool_]:
        """Mask of one layer of one category's circuit, in the shape of the weight tensor."""
        return unpack(self.packed(category, layer), self.shapes[layer])

    def tensors(self, category: str, device: torch.device) -> dict[str, torch.Tensor]:
        """Masks of all layers of one category's circuit, in network order."""
        return {
            layer: torch.from_numpy(self.mask(category, layer)).to(device) for layer in self.shapes
        }

    def blocks(self, layer: str, categories: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Packed masks of one layer in consecutive blocks (category, byte): every byte is read once.

        The rows of a block are in the order of `categories`; all blocks together hold the whole layer.
        """
        array = read_array(self._group, f"{layer}/masks")
        rows = [slice(*_place(self.categories, category)) for category in categories]
        for part in row_blocks(array.shape[1], array.chunks[1]):
            block = np.empty((len(rows), part.stop - part.start), np.uint8)
            for number, row in enumerate(rows):
                block[number] = read_rows(array, (row, part))[0]
            yield block
            del block  # before there is the next


def _place(categories: Sequence[str], category: str) -> tuple[int, int]:
    place = categories.index(category)
    return place, place + 1


def _write(
    packed: Iterable[tuple[str, Mapping[str, NDArray[np.uint8]]]],
    categories: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
    path: Path,
    manifest: Path,
    provenance: Mapping[str, Any],
) -> None:
    sizes = {layer: -(-math.prod(shape) // 8) for layer, shape in shapes.items()}
    arrays = {
        f"{layer}/masks": ArraySpec(
            shape=(len(categories), size),
            chunks=(1, min(size, CHUNK_BYTES)),
            dtype="uint8",
            attributes={"weight_shape": list(shapes[layer]), "axes": ["category", "byte"]},
        )
        for layer, size in sizes.items()
    }
    described = {
        "categories": list(categories),
        "layers": [[n, list(s)] for n, s in shapes.items()],
    }
    writer = StoreWriter(path, manifest, dict(provenance) | described, arrays)
    for category, own in packed:
        rows = slice(*_place(categories, category))
        writer.write(
            category, {f"{layer}/masks": (rows, bits[None]) for layer, bits in own.items()}
        )
    writer.finish()
