"""Boolean masks over weights: packing them into bits, and exact pruning by rank.

True means kept everywhere. Masks of several layers are dictionaries by layer name, in the order in
which the layers were given; the joint index of a weight counts through the layers in that order and
through each layer in C order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch

from anatomy.errors import InputError

Scope = Literal["joint", "per_layer"]

# A product this near below a whole number is that number: 0.29 * 100 is 28.999999999999996.
_ROUNDING = 1e-6


def pack(mask: np.ndarray | torch.Tensor) -> np.ndarray:
    """Bits of a boolean mask of any shape: uint8 (ceil(size / 8),), highest bit first."""
    array = mask.cpu().numpy() if isinstance(mask, torch.Tensor) else np.asarray(mask)
    if array.dtype != np.bool_:
        raise InputError(f"a mask must be boolean, not {array.dtype}")
    return np.packbits(array.reshape(-1), bitorder="big")


def unpack(packed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Boolean mask of `shape` from the bits that `pack` made."""
    size = math.prod(shape)
    _check_packed(packed, size)
    return np.unpackbits(packed, count=size, bitorder="big").view(np.bool_).reshape(shape)


def kept(packed: np.ndarray, size: int) -> int:
    """Number of weights kept by a packed mask of `size` weights."""
    _check_packed(packed, size)
    whole, rest = divmod(size, 8)
    count = int(np.bitwise_count(packed[:whole]).sum(dtype=np.int64))
    return count + int(np.unpackbits(packed[whole:], count=rest, bitorder="big").sum())


def _check_packed(packed: np.ndarray, size: int) -> None:
    expected = -(-size // 8)
    if packed.dtype != np.uint8 or packed.shape != (expected,):
        raise InputError(
            f"a packed mask of {size} weights must be uint8 of shape ({expected},), "
            f"not {packed.dtype} of shape {packed.shape}"
        )


def removed_count(fraction: float, size: int) -> int:
    """Weights to remove for a removed fraction: floor(fraction * size), safe against rounding."""
    if not 0 <= fraction <= 1:
        raise InputError(f"a removed fraction must lie between 0 and 1, not {fraction}")
    return math.floor(fraction * size + _ROUNDING)


class Ranking:
    """The weights of several layers in one joint order of removal, lowest score first.

    Equal scores are removed in the order of their joint index, so that every number of removed
    weights has one mask, and the masks are nested. The scores are sorted once; each mask then costs
    one comparison per weight.

    Parameters
    ----------
    scores : float tensors by layer name, any shapes, all on one device; referred to, not copied.

    Raises
    ------
    InputError if there is no weight or a score is NaN (the layer is named).
    """

    def __init__(self, scores: Mapping[str, torch.Tensor]) -> None:
        self._scores = dict(scores)
        self._ascending = _sorted(self._scores)
        if torch.isnan(self._ascending[-1]):  # sorting puts NaN last
            layer = next(name for name, values in scores.items() if values.isnan().any())
            raise InputError(f"layer {layer!r} has scores that are not numbers")

    @property
    def size(self) -> int:
        """Number of weights in all layers together."""
        return self._ascending.numel()

    def mask(self, removed: int) -> dict[str, torch.Tensor]:
        """Boolean masks, True = kept, without the `removed` first weights of the ranking."""
        if not 0 <= removed <= self.size:
            raise InputError(f"cannot remove {removed} of {self.size} weights")
        threshold, ties = self._threshold(removed)
        masks = {}
        for name, scores in self._scores.items():
            flat = scores.reshape(-1)
            cut, ties = _cut(flat, threshold, ties)
            mask = torch.empty(flat.shape, dtype=torch.bool, device=flat.device)
            torch.gt(flat[:cut], threshold, out=mask[:cut])
            torch.ge(flat[cut:], threshold, out=mask[cut:])
            masks[name] = mask.view(scores.shape)
        return masks

    def mask_at(self, fraction: float) -> dict[str, torch.Tensor]:
        """Masks for a removed fraction of all weights (see `removed_count`)."""
        return self.mask(removed_count(fraction, self.size))

    def _threshold(self, removed: int) -> tuple[float, int]:
        """Score of the last weight removed, and how many weights of this score are removed."""
        if removed == 0:
            return -math.inf, 0
        last = self._ascending[removed - 1]
        below = int(torch.searchsorted(self._ascending, last, right=False))
        return last.item(), removed - below


class LayerwiseRanking:
    """A ranking within each layer: the same fraction is removed from every layer.

    Parameters and errors are those of `Ranking`.
    """

    def __init__(self, scores: Mapping[str, torch.Tensor]) -> None:
        self._rankings = {name: Ranking({name: values}) for name, values in scores.items()}

    @property
    def size(self) -> int:
        """Number of weights in all layers together."""
        return sum(ranking.size for ranking in self._rankings.values())

    def mask_at(self, fraction: float) -> dict[str, torch.Tensor]:
        """Masks that remove floor(fraction * weights) of each layer (see `removed_count`)."""
        return {name: ranking.mask_at(fraction)[name] for name, ranking in self._rankings.items()}


def rank(scores: Mapping[str, torch.Tensor], scope: Scope) -> Ranking | LayerwiseRanking:
    """Ranking of the weights jointly over the layers or within each layer."""
    return Ranking(scores) if scope == "joint" else LayerwiseRanking(scores)


def _sorted(scores: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """All scores in ascending order, (weights,)."""
    if not sum(values.numel() for values in scores.values()):
        raise InputError("there is no weight to rank")
    joined = torch.cat([values.reshape(-1) for values in scores.values()])
    if joined.device.type != "cpu":
        return joined.sort().values
    joined.numpy().sort()  # in place, values alone: far faster than torch.sort with its indices
    return joined


def _cut(flat: torch.Tensor, threshold: float, ties: int) -> tuple[int, int]:
    """Index after the `ties`-th score equal to the threshold; ties left for the next layers."""
    if ties == 0:
        return 0, 0
    here = _equal(flat, threshold)
    if here <= ties:
        return flat.numel(), ties - here
    start, stop = 0, flat.numel()
    while stop - start > 1:  # the last tie to remove lies in [start, stop)
        middle = (start + stop) // 2
        count = _equal(flat[start:middle], threshold)
        if count >= ties:
            stop = middle
        else:
            start, ties = middle, ties - count
    return stop, 0


def _equal(flat: torch.Tensor, value: float) -> int:
    return int(torch.count_nonzero(flat == value))
