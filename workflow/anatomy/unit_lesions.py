"""Lesions of units of one layer: their responses silenced, or given noise, on the way to the responses of another.

What lies before the lesioned layer is computed once for all lesions of a batch of images; from there on to the layer
that is read out, once for each lesion.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy import randomness
from anatomy.errors import InputError
from anatomy.halving import Halving
from anatomy.networks.cut import IMAGES, Suffix, prefix
from anatomy.networks.network import Network


@dataclass(frozen=True, eq=False)
class UnitLesion:
    """The first so many units of an order, lesioned; doses of one order are nested.

    Attributes
    ----------
    order : (unit,) units of the layer, none of them twice
    count : how many of them are lesioned; 0 leaves the network intact
    noise : standard deviation of the noise that is added to a unit's response, in standard deviations of that
        response; where 0, the response is set to zero instead
    purpose : what the noise depends on, beside the image: lesions of one order and purpose give a unit the same noise
        times `noise`, however many units they lesion
    """

    order: NDArray[np.int64]
    count: int
    noise: float = 0.0
    purpose: tuple[object, ...] = ()

    @property
    def units(self) -> NDArray[np.int64]:
        """The lesioned units."""
        return self.order[: self.count]


class UnitLesions:
    """A network whose units of one layer are lesioned; the network itself is not touched.

    Parameters
    ----------
    layer : in which the lesions are
    readout : layer whose responses are read
    spread : (unit,) standard deviation of the responses of the lesioned layer's units

    Raises
    ------
    InputError if a layer is used more than once in the network, or the readout does not depend on the layer
    """

    def __init__(
        self, network: Network, layer: str, readout: str, spread: NDArray[np.floating]
    ) -> None:
        value = network.response(readout)
        self._response = network.response(layer)
        to_readout = prefix(network.graph, [value])
        if all(node.name != self._response for node in to_readout.graph.nodes):
            raise InputError(
                f"layer {readout!r} does not depend on layer {layer!r}, so that no lesion there could change it"
            )
        self._suffix = Suffix.behind(to_readout, [self._response])
        self._read = sorted(set(self._suffix.boundary) - {IMAGES})
        self._prefix = prefix(network.graph, self._read)
        self._units, self._layer = network.layer(layer).units, layer
        self._spread = torch.from_numpy(np.asarray(spread, np.float32)).to(network.device)

    def readouts(
        self, images: Tensor, names: Sequence[str], lesions: Iterable[UnitLesion]
    ) -> Iterator[Tensor]:
        """Responses of the readout layer, (image, unit, ...), under each lesion.

        Lesions of one order and purpose should follow one another: noise is drawn anew where the purpose changes.

        Parameters
        ----------
        images : network input (image, channel, y, x)
        names : (image,) what the noise of each image is drawn for; it does not depend on the other images
        """
        values = {IMAGES: images} | dict(zip(self._read, self._prefix(images), strict=True))
        _check_units_second(values[self._response], self._units, self._layer)
        noise = _Noise(names, values[self._response], self._spread)
        for lesion in lesions:
            (found,) = self._suffix(values, edited=self._edit(lesion, noise))
            yield found

    def _edit(self, lesion: UnitLesion, noise: "_Noise") -> dict[str, Callable[[Tensor], Tensor]]:
        if not lesion.count:
            return {}
        units = torch.from_numpy(lesion.units).to(self._spread.device)
        if lesion.noise == 0:
            return {self._response: lambda response: response.index_fill(1, units, 0)}
        added = lesion.noise * noise.of(lesion)
        return {self._response: lambda response: response.index_add(1, units, added)}


class _Noise:
    """Noise for the units of one layer and a batch of images; that drawn last is kept."""

    def __init__(self, names: Sequence[str], response: Tensor, spread: Tensor) -> None:
        self._names, self._spread = names, spread
        self._positions = tuple(response.shape[2:])
        self._purpose: tuple[object, ...] | None = None
        self._latest = response[:, :0]

    def of(self, lesion: UnitLesion) -> Tensor:
        """(image, lesioned unit, ...), in units of the responses: as large as they vary."""
        if lesion.purpose != self._purpose:
            self._purpose, self._latest = lesion.purpose, self._drawn(lesion)
        return self._latest[:, : lesion.count]

    def _drawn(self, lesion: UnitLesion) -> Tensor:
        """For the whole order, unit after unit, so that a unit's noise does not depend on those behind it."""
        shape = (len(lesion.order), *self._positions)
        normal = np.empty((len(self._names), *shape), np.float32)
        for image, name in enumerate(self._names):
            random = randomness.generator(*lesion.purpose, name)
            random.standard_normal(dtype=np.float32, out=normal[image])
        spread = self._spread[torch.from_numpy(lesion.order)]
        noise = torch.from_numpy(normal).to(spread.device)
        return noise * spread.reshape(-1, *(1 for _ in self._positions))


def response_moments(
    network: Network, layer: str, batches: Iterable[Tensor]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (unit,) of each unit's response over positions and images.

    Batches are merged by the pairwise update of Chan, Golub & LeVeque (1983), in double precision.

    Parameters
    ----------
    batches : network input (image, channel, y, x)

    Raises
    ------
    InputError if there is no image
    """
    to_response = prefix(network.graph, [network.response(layer)])

    def moments(images: Tensor) -> tuple[int, Tensor, Tensor]:
        (response,) = to_response(images)
        _check_units_second(response, network.layer(layer).units, layer)
        values = response.double().transpose(0, 1).flatten(1)
        return values.shape[1], *torch.var_mean(values, dim=1, correction=0)

    count, mean, squares, halving = 0, 0.0, 0.0, Halving()
    for more, squared, own in chain.from_iterable(halving.parts(moments, b) for b in batches):
        shift = own - mean
        squares = squares + squared * more + shift**2 * (count * more / (count + more))
        mean = mean + shift * (more / (count + more))
        count += more
    if not count:
        raise InputError(f"there is no image to measure the responses of layer {layer!r} with")
    return mean.cpu().numpy(), (squares / count).sqrt().cpu().numpy()


def _check_units_second(response: Tensor, units: int, layer: str) -> None:
    """In transformers and their like the units of linear layers come last, behind positions."""
    if response.ndim not in (2, 4) or response.shape[1] != units:
        raise InputError(
            f"units of layer {layer!r} cannot be lesioned: its responses have shape {tuple(response.shape)}, not "
            f"(image, {units} units, y, x) or (image, {units} units)"
        )
