"""Lesions: part of a network's weights replaced, and the network always restored."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import Parameter

from anatomy.networks.network import Network

BATCH_NORM = "batch_norm"


@contextmanager
def editable(network: Network, layers: Sequence[str]) -> Iterator[dict[str, dict[str, Tensor]]]:
    """Weights and biases of some layers as copies that may be changed in place.

    Inside the context the network (and every suffix of it) computes with the copies; on leaving it, also by an
    exception, it has its own tensors back, untouched.

    Yields
    ------
    layer name -> {"weight": tensor, "bias": tensor or absent}, and "batch_norm.weight" and "batch_norm.bias" where a
    batch normalisation stands right behind the layer
    """
    parameters = {layer: _parameters(network, layer) for layer in layers}
    originals = {
        layer: {key: parameter.data for key, parameter in own.items()}
        for layer, own in parameters.items()
    }
    try:
        for own in parameters.values():
            for parameter in own.values():
                parameter.data = parameter.data.clone()
        yield {
            layer: {key: parameter.data for key, parameter in own.items()}
            for layer, own in parameters.items()
        }
    finally:
        for layer, own in parameters.items():
            for key, parameter in own.items():
                parameter.data = originals[layer][key]


@contextmanager
def masked(network: Network, masks: Mapping[str, Tensor]) -> Iterator[None]:
    """The network with the weights that are False in `masks` (layer -> boolean, weight's shape) set to zero.

    Biases are never masked.
    """
    with editable(network, list(masks)) as copies, torch.no_grad():
        for layer, mask in masks.items():
            copies[layer]["weight"].mul_(mask)
        yield


def _parameters(network: Network, layer: str) -> dict[str, Parameter]:
    own = dict(network.module(layer).named_parameters(recurse=False))
    norm = network.batch_norm(layer)
    behind = {} if norm is None else dict(norm.named_parameters(prefix=BATCH_NORM))
    return own | behind
