"""The neurons of some layers, numbered, and masks over them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Neurons:
    """The neurons of some layers: units at single positions.

    Neurons are numbered through the layers in network order, and in a layer by channel, then y, then x.

    Attributes
    ----------
    shapes : layer -> (channel, y, x), or (unit,) of a linear layer
    """

    shapes: Mapping[str, tuple[int, ...]]

    @cached_property
    def places(self) -> dict[str, slice]:
        """Layer -> the numbers of its neurons."""
        ends = np.cumsum([0, *(math.prod(shape) for shape in self.shapes.values())]).tolist()
        return {
            layer: slice(start, stop)
            for layer, start, stop in zip(self.shapes, ends[:-1], ends[1:], strict=True)
        }

    @property
    def count(self) -> int:
        """Number of neurons of all layers."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def layer_counts(self, chosen: NDArray[np.bool_]) -> dict[str, int]:
        """How many of the chosen neurons (neuron,) lie in each layer."""
        return {layer: int(chosen[place].sum()) for layer, place in self.places.items()}

    def in_layer(self, chosen: NDArray[np.bool_], layer: str) -> NDArray[np.bool_]:
        """The chosen neurons (neuron,) of one layer, without those of others."""
        part = np.zeros_like(chosen)
        part[self.places[layer]] = chosen[self.places[layer]]
        return part

    def permuted(
        self,
        labels: NDArray[np.int32],
        eligible: NDArray[np.bool_],
        random: np.random.Generator,
    ) -> NDArray[np.int32]:
        """Labels (neuron,) of the eligible neurons, permuted at random within each layer.

        So the neurons of each label become a random set that is as large, in every layer.
        """
        result = labels.copy()
        for place in self.places.values():
            own = np.flatnonzero(eligible[place]) + place.start
            result[own] = random.permutation(labels[own])
        return result
