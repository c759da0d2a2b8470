"""Recordings: values inside a network for a stimulus set, in a chunked Zarr store.

Layout of a recording: one group per split; in it `logits`, the chosen `responses/LAYER`, and `values/NAME`, the
values of the graph from which a suffix is run. Responses are float16 by default, for statistics; everything that a
suffix or an exact comparison reads is float32. The first axis is the image, in the order of the split's rows in the
table of the stimulus set.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from torch import Tensor

from anatomy.errors import InputError
from anatomy.halving import Halving
from anatomy.networks.cut import IMAGES, prefix
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import ArraySpec, StoreWriter, open_store, read_array, read_rows, row_blocks

EXACT = "float32"
RESPONSES = "responses"
# A chunk of responses holds at most about so many neurons, so that some neurons can be read without the others.
NEURONS_PER_CHUNK = 1 << 14
KEPT_BYTES = 1 << 29
BLANK_IMAGES = 2


@dataclass(frozen=True)
class RecordedArray:
    """One array of a recording.

    Attributes
    ----------
    split : split of the stimulus set
    name : "logits", "responses/conv5" or "values/pool5"
    value : name of the value in the network's graph
    dtype : precision on disk
    attributes : what readers of the array should know besides
    """

    split: str
    name: str
    value: str
    dtype: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Path of the array in the store."""
        return f"{self.split}/{self.name}"

    def spec(self, images: int, shape: tuple[int, ...], batch_size: int) -> ArraySpec:
        """How the values of so many images, each of that shape, are stored: a batch per chunk, or part of one."""
        part = _units_at_once(shape) if self.name.startswith(RESPONSES) else shape[:1]
        return ArraySpec(
            shape=(images, *shape),
            chunks=(min(batch_size, images), *part, *shape[1:]),
            dtype=self.dtype,
            attributes={"value": self.value, "axes": _axes(shape), **self.attributes},
            compression="quick",
        )


def arrays_to_record(
    network: Network,
    splits: Mapping[str, Sequence[Sequence[str]]],
    responses: Iterable[str],
    dtype: str,
) -> list[RecordedArray]:
    """What to record: per split the logits, the responses, and what the suffixes of groups of layers read."""
    shown = {f"{RESPONSES}/{layer}": network.response(layer) for layer in responses}
    arrays = []
    for split, groups in splits.items():
        arrays.append(RecordedArray(split, "logits", network.logits, EXACT))
        arrays += [RecordedArray(split, name, value, dtype) for name, value in shown.items()]
        read = {value for group in groups for value in network.suffix(group).boundary} - {IMAGES}
        arrays += [RecordedArray(split, f"values/{value}", value, EXACT) for value in sorted(read)]
    return arrays


def record(
    network: Network,
    stimuli: StimulusSet,
    arrays: Sequence[RecordedArray],
    batch_size: int,
    path: Path,
    manifest: Path,
    images: Mapping[str, NDArray[np.int64]] | None = None,
) -> dict[str, Any]:
    """Show the stimuli to the network, write the arrays, return the manifest.

    Images pass in fixed batches, in chunks of their own, so that the result does not depend on where a killed
    recording is taken up again.

    Parameters
    ----------
    images : for each split the images to show, counted within the split; all of every split when absent
    """
    shapes = _value_shapes(network, {array.value for array in arrays})
    rows = {split: stimuli.rows(split) for split in dict.fromkeys(a.split for a in arrays)}
    origin = provenance(network, stimuli) | {"batch_size": batch_size}
    if images is not None:
        rows = {split: own[images[split]] for split, own in rows.items()}
        origin["images"] = {split: chosen.tolist() for split, chosen in images.items()}
    specs = {
        array.path: array.spec(len(rows[array.split]), shapes[array.value], batch_size)
        for array in arrays
    }
    writer = StoreWriter(path, manifest, origin, specs)
    blocks = [
        (split, block) for split, own in rows.items() for block in row_blocks(len(own), batch_size)
    ]
    wanted = {split: [array for array in arrays if array.split == split] for split in rows}
    show = {s: _show(network, [array.value for array in own]) for s, own in wanted.items()}
    halving = {split: Halving() for split in rows}
    for split, block in track(blocks, f"record {network.name}"):
        name = f"{split}/{block.start}"
        if name in writer.done:
            continue
        values = halving[split](show[split], stimuli.images(rows[split][block]))
        named = zip(wanted[split], values, strict=True)
        writer.write(name, {array.path: (block, value) for array, value in named})
    return writer.finish()


def _show(
    network: Network, values: Sequence[str]
) -> Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    """From images to values of the network."""
    part = prefix(network.graph, values)

    def show(images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        with torch.inference_mode():
            return [value.cpu().numpy() for value in part(network.input(images))]

    return show


def provenance(network: Network, stimuli: StimulusSet) -> dict[str, Any]:
    """What a recording is made from."""
    return {"network": network.digest, "stimuli": stimuli.digest}


class Batches:
    """The values that a suffix reads for the images of a split, batch by batch, as often as asked.

    They are kept in memory while they are small, and read again each time otherwise.

    Parameters
    ----------
    load : from rows of the split to the values, by name
    images : number of images of the split
    batch_size : images per batch
    """

    def __init__(
        self, load: Callable[[slice], dict[str, Tensor]], images: int, batch_size: int
    ) -> None:
        self._load = load
        self._blocks = row_blocks(images, batch_size)
        self._kept: dict[int, dict[str, Tensor]] = {}
        self._kept_bytes = 0

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for block in self._blocks:
            values = self._kept.get(block.start)
            if values is None:
                values = self._load(block)
                self._keep(block.start, values)
            yield values

    def _keep(self, start: int, values: dict[str, Tensor]) -> None:
        size = sum(value.nbytes for value in values.values())
        if self._kept_bytes + size <= KEPT_BYTES:
            self._kept[start] = values
            self._kept_bytes += size


class Recording:
    """A finished recording, opened for reading.

    Raises InputError when it was made from another network or other stimuli.
    """

    def __init__(self, path: Path, manifest: Path, network: Network, stimuli: StimulusSet) -> None:
        self._group: zarr.Group = open_store(path, manifest, provenance(network, stimuli))
        self._network = network
        self._stimuli = stimuli

    def logits(self, split: str) -> NDArray[np.float32]:
        """Logits (image, output) of all images of a split."""
        return read_rows(read_array(self._group, f"{split}/logits"), slice(None))

    def shown(self, split: str) -> NDArray[np.int64]:
        """The images of a split that were recorded, counted within the split."""
        chosen = self._group.attrs.get("images")
        count = len(self._stimuli.rows(split))
        return np.arange(count) if chosen is None else np.array(chosen[split], np.int64)

    def response(self, split: str, layer: str) -> zarr.Array:
        """Recorded responses of a layer, (image, unit[, y, x]), in chunks of some images and some units."""
        return read_array(self._group, f"{split}/{RESPONSES}/{layer}")

    def batches(
        self,
        split: str,
        names: Sequence[str],
        batch_size: int,
        images: NDArray[np.int64] | None = None,
    ) -> Batches:
        """Batches of what a suffix reads for a split; the network's own input is made from the stimuli.

        Parameters
        ----------
        names : the suffix's boundary
        images : which images, counted within the split; all when absent
        """
        rows = self._stimuli.rows(split)
        chosen = np.arange(len(rows)) if images is None else images
        arrays = {
            name: read_array(self._group, f"{split}/values/{name}")
            for name in names
            if name != IMAGES
        }

        def load(block: slice) -> dict[str, Tensor]:
            values = {
                name: self._tensor(read_rows(array, chosen[block]))
                for name, array in arrays.items()
            }
            if IMAGES in names:
                values[IMAGES] = self._network.input(self._stimuli.images(rows[chosen[block]]))
            return values

        return Batches(load, len(chosen), batch_size)

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        tensor = torch.from_numpy(values).to(self._network.device)
        if tensor.ndim == 4:  # the memory order of the network's input, see preprocessing
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor


def _value_shapes(network: Network, values: set[str]) -> dict[str, tuple[int, ...]]:
    """Shapes of values without the image axis, from blank images.

    Raises InputError for a value that is not one tensor per image, such as a number or a table of positions.
    """
    names = sorted(values)
    size = network.preprocessing.input_size
    blank = torch.zeros(BLANK_IMAGES, 3, size, size, device=network.device)
    with torch.inference_mode():
        found = dict(zip(names, prefix(network.graph, names)(blank), strict=True))
    for name, value in found.items():
        if not isinstance(value, Tensor) or value.shape[:1] != (BLANK_IMAGES,):
            raise InputError(
                f"network {network.name!r} cannot be recorded: a part of it reads {name!r}, which is not one tensor "
                "per image (transformers do that)"
            )
    return {name: tuple(value.shape[1:]) for name, value in found.items()}


def _units_at_once(shape: tuple[int, ...]) -> tuple[int]:
    """Units (first axis) of a response that share a chunk."""
    return (min(shape[0], max(1, NEURONS_PER_CHUNK // math.prod(shape[1:]))),)


def _axes(shape: tuple[int, ...]) -> list[str]:
    return ["image", *(["channel", "y", "x"] if len(shape) == 3 else ["unit"] * len(shape))]
