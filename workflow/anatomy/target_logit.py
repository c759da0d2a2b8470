"""The logit of one output unit of a masked network, the only number that circuits are judged by."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.masked_layers import MaskedLayer
from anatomy.networks.cut import Suffix
from anatomy.networks.network import Network

Masks = dict[str, Tensor]


class TargetLogit:
    """The logit of one output unit under weight masks, for all images of a set.

    Parameters
    ----------
    output : index of the output unit; of the output layer only this row is computed, and its mask has one row
    suffix : part of the network that depends on the layers to be masked
    batches : what the suffix reads, batch by batch
    """

    def __init__(
        self, network: Network, output: int, suffix: Suffix, batches: Iterable[Mapping[str, Tensor]]
    ) -> None:
        self._network = network
        self._output = output
        self._suffix = suffix
        self._batches = batches
        self._layers: dict[str, MaskedLayer] = self._masked({network.output_layer.name: None})

    def with_fixed(self, masks: Mapping[str, Tensor]) -> "TargetLogit":
        """The same with some masks applied once and for all."""
        fixed = TargetLogit(self._network, self._output, self._suffix, self._batches)
        fixed._layers = self._layers | self._masked(masks)
        return fixed

    def __call__(self, masks: Mapping[str, Tensor]) -> NDArray[np.float64]:
        """Logit (image,) with the weights that are False in `masks` at zero."""
        layers = self._layers | self._masked(masks)
        with torch.inference_mode():
            logits = [self._suffix(values, layers)[:, 0] for values in self._batches]
        return torch.cat(logits).cpu().numpy().astype(np.float64)

    def _masked(self, masks: Mapping[str, Tensor | None]) -> dict[str, MaskedLayer]:
        """Layers under their masks, by module path."""
        last = self._network.output_layer
        row = slice(self._output, self._output + 1)
        return {
            self._network.layer(name).path: MaskedLayer(
                self._network.module(name), mask, row if name == last.name else slice(None)
            )
            for name, mask in masks.items()
        }
