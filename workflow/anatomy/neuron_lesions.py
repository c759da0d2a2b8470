"""Lesions of neurons: the responses of chosen neurons replaced on their way through the network.

A lesion is a set of neurons in any number of layers. Many lesions share one pass over the images: what lies before
the first lesioned layer is computed once for all of them, and with it all that the others begin with.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.errors import InputError
from anatomy.networks.cut import IMAGES, Suffix, prefix
from anatomy.networks.network import Network
from anatomy.neurons import Neurons


class NeuronLesions:
    """A network with sets of its neurons lesioned; the network itself is not touched.

    Parameters
    ----------
    neurons : of the layers in which there are lesions
    replacement : (neuron,) float32, the response that a lesioned neuron has whatever the image; 0 when None

    Attributes
    ----------
    neurons : as given

    Raises
    ------
    InputError if a layer is used more than once in the network
    """

    def __init__(
        self, network: Network, neurons: Neurons, replacement: NDArray[np.float32] | None = None
    ) -> None:
        self._network = network
        self.neurons = neurons
        self._replacement = replacement
        self._responses = {layer: network.response(layer) for layer in neurons.shapes}
        responses = list(self._responses.values())
        self._suffixes = {
            first: Suffix.behind(network.graph, responses[place:])
            for place, first in enumerate(responses)
        }
        boundary = {name for suffix in self._suffixes.values() for name in suffix.boundary}
        self._read = sorted(boundary - {IMAGES})
        self._prefix = prefix(network.graph, [*self._read, network.logits])

    def logits(self, images: Tensor, lesions: Iterable[NDArray[np.bool_]]) -> Iterator[Tensor]:
        """Logits (image, output) under each lesion.

        Parameters
        ----------
        images : network input (image, channel, y, x)
        lesions : each (neuron,), True = lesioned
        """
        *read, intact = self._prefix(images)
        values = {IMAGES: images} | dict(zip(self._read, read, strict=True))
        for lesion in lesions:
            edits = self._edits(lesion)
            if edits:
                first = next(iter(edits))
                yield self._suffixes[first](values, edited=edits)
            else:
                yield intact

    def _edits(self, lesion: NDArray[np.bool_]) -> dict[str, Callable[[Tensor], Tensor]]:
        """Name of each lesioned layer's response, in network order -> how it changes."""
        if lesion.shape != (self.neurons.count,) or lesion.dtype != np.bool_:
            raise InputError(
                f"a lesion must be boolean ({self.neurons.count},), not {lesion.dtype} {lesion.shape}"
            )
        edits = {}
        for layer, place in self.neurons.places.items():
            if lesion[place].any():
                kept = self._tensor(layer, ~lesion[place])
                if self._replacement is None:
                    edits[self._responses[layer]] = kept.mul
                else:
                    fill = self._tensor(layer, self._replacement[place] * lesion[place])
                    edits[self._responses[layer]] = partial(torch.addcmul, fill, kept)
        return edits

    def _tensor(self, layer: str, values: NDArray) -> Tensor:
        """Numbers of a layer's neurons as float32 in the shape and memory order of its response to one image."""
        tensor = torch.from_numpy(values.astype(np.float32)).reshape(self.neurons.shapes[layer])
        tensor = tensor.to(self._network.device)[None]
        if tensor.ndim == 4:
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor
