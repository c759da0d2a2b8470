"""The neurons x images matrix of a recording, read block by block."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.neurons import Neurons
from anatomy.recording import Recording
from anatomy.store import read_rows, row_blocks


class ResponseMatrix:
    """Responses of all neurons of some layers to the recorded images of a split.

    Attributes
    ----------
    neurons : rows of the matrix
    images : columns of the matrix, (image,) counted within the split
    """

    def __init__(self, recording: Recording, split: str, layers: Sequence[str]) -> None:
        self._arrays = {layer: recording.response(split, layer) for layer in layers}
        self.neurons = Neurons({layer: own.shape[1:] for layer, own in self._arrays.items()})
        self.images = recording.shown(split)

    def blocks(self, columns: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Consecutive blocks of neurons: their numbers, and their responses (neuron, column) to some of the images.

        Raises InputError naming the layer if a response is not finite.
        """
        for layer, array in self._arrays.items():
            start = self.neurons.places[layer].start
            per_unit = int(np.prod(array.shape[2:]))
            for units in row_blocks(array.shape[1], array.chunks[1]):
                every = (slice(None),) * (array.ndim - 2)
                # all images at once: a chunk holds those of a whole batch anyway
                values = read_rows(array, (slice(None), units, *every))[columns]
                responses = values.reshape(len(columns), -1).T.astype(np.float32)
                if not np.isfinite(responses).all():
                    raise InputError(f"responses of layer {layer!r} are not all finite")
                yield slice(start, start + len(responses)), responses
                start += (units.stop - units.start) * per_unit
