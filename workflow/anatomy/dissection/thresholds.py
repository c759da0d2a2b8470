"""Thresholds of units: the response that a given share of all positions of all images exceeds.

Definition, for a unit with N recorded values and a share q (Bau, Zhou et al. 2017: P(a > T) = .005): T is the smallest
of its values that at most q * N of its values exceed, which is the (floor(q * N) + 1)-th largest of them, equal values
counted one by one. So where values are tied at T, fewer than q * N exceed it; a unit that responds at fewer positions
than that has T = 0 and is active wherever it responds at all. (NumPy calls it the quantile 1 - q by "inverted_cdf".)
"""

from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError

Method = Literal["exact", "sketch"]

# values that wait beside those that are kept, until it pays to sort them out
LEAST_WAITING = 1024
HALF_CODES = 1 << 16
SIGN = np.uint16(1 << 15)
LARGEST_HALF = np.float32(65504)


class Thresholds(Protocol):
    """Takes in responses batch by batch; then knows the thresholds."""

    def add(self, values: NDArray[np.float32]) -> None:
        """Take in responses (unit, value)."""

    def read(self) -> NDArray[np.float32]:
        """Threshold (unit,) of the values so far; all of them must be there."""


def make_thresholds(method: Method, units: int, values: int, share: float) -> Thresholds:
    """Thresholds of units of which each will have so many values, `share` of them above the threshold."""
    rank = exceeding(values, share) + 1
    return TopValues(units, rank) if method == "exact" else Sketch(units, rank)


def exceeding(values: int, share: float) -> int:
    """How many of so many values may exceed the threshold: floor(share * values), without rounding errors."""
    return int(Fraction(str(share)) * values)


class TopValues:
    """The `rank`-th largest value of each unit, exactly, from the `rank` largest that are kept.

    What is not above a unit's present `rank`-th largest value can never be wanted again, so that after the first
    images only few values are touched. Memory: 8 bytes x rank x units, and half as much again for a moment, whatever
    the number of values (110 and 55 MB for AlexNet's conv5 and the 63,305 images of Broden).
    """

    def __init__(self, units: int, rank: int) -> None:
        self._rank = rank
        self._bound = np.full(units, -np.inf, np.float32)
        self._kept = np.full((units, rank + max(rank, LEAST_WAITING)), -np.inf, np.float32)
        self._filled = np.zeros(units, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Take in responses (unit, value), in pieces that find room."""
        room = self._kept.shape[1] - self._rank
        for start in range(0, values.shape[1], room):
            self._add(values[:, start : start + room])

    def _add(self, values: NDArray[np.float32]) -> None:
        wanted = values > self._bound[:, None]
        count = np.count_nonzero(wanted, axis=1)
        if (self._filled + count > self._kept.shape[1]).any():
            self._compact()
            wanted &= values > self._bound[:, None]
            count = np.count_nonzero(wanted, axis=1)
        unit = np.repeat(np.arange(len(values)), count)
        first = np.cumsum(count) - count
        place = np.arange(len(unit)) + (self._filled - first)[unit]
        self._kept[unit, place] = values[wanted]
        self._filled += count

    def _compact(self) -> None:
        """Keep the largest of each unit and forget the others."""
        self._kept.partition(self._kept.shape[1] - self._rank, axis=1)
        largest = self._kept[:, -self._rank :].copy()
        self._bound = largest.min(axis=1)
        self._kept[:, : self._rank] = largest
        self._kept[:, self._rank :] = -np.inf
        self._filled = np.minimum(self._filled, self._rank)

    def read(self) -> NDArray[np.float32]:
        """Threshold (unit,)."""
        self._compact()
        return self._bound.copy()


class Sketch:
    """The threshold rounded to float16, to within 0.05 %, from counts of rounded values.

    Memory: 256 KB for each unit, whatever the number of values and the rank: less than exact thresholds take for layers
    with very many positions.
    """

    def __init__(self, units: int, rank: int) -> None:
        self._rank = rank
        self._counts = np.zeros((units, HALF_CODES), np.uint32)
        self._bound = np.full(units, -np.inf, np.float32)
        self._seen, self._next_look = 0, rank

    def add(self, values: NDArray[np.float32]) -> None:
        """Take in responses (unit, value)."""
        if np.abs(values).max(initial=0) > LARGEST_HALF:
            raise InputError("responses beyond 65504 cannot be sketched; use exact thresholds")
        unit, place = np.nonzero(values > self._bound[:, None])
        codes = _ascending_code(values[unit, place].astype(np.float16))
        np.add.at(self._counts, (unit, codes), np.uint32(1))
        self._seen += values.shape[1]
        if self._seen >= self._next_look:
            # what is not above the present value of that rank can never be wanted again
            self._bound = self.read()
            self._next_look = 2 * self._seen

    def read(self) -> NDArray[np.float32]:
        """Threshold (unit,)."""
        return np.concatenate([self._thresholds(own) for own in self._counts[:, None]])

    def _thresholds(self, counts: NDArray[np.uint32]) -> NDArray[np.float32]:
        as_large = np.cumsum(counts[:, ::-1], axis=1, dtype=np.int64)
        from_top = (as_large >= self._rank).argmax(axis=1)
        return _value_of_code((HALF_CODES - 1 - from_top).astype(np.uint16))


def _ascending_code(values: NDArray[np.float16]) -> NDArray[np.uint16]:
    """Integers in the order of the numbers; -0 and 0 are the same."""
    bits = (values + np.float16(0)).view(np.uint16)
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def _value_of_code(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    bits = np.where(codes & SIGN, codes ^ SIGN, ~codes).astype(np.uint16)
    return bits.view(np.float16).astype(np.float32)
