"""Overlap of circuits: how many weights each pair of circuits shares, and how many weights serve how many circuits.

Bits are counted by matrix products. With the masks of all circuits as a matrix M (circuit, weight) of zeros and ones,
M M' holds the numbers of weights that two circuits share, and the column sums of M how many circuits use a weight.
M is never there as a whole: bit-packed blocks come one after the other, and of each the same bit of all bytes is
unpacked at a time, a part that fits into the cache.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.errors import InputError

# Zeros and ones unpacked at a time: what stays in a core's cache, and what fills a GPU.
_UNPACKED = {"cpu": 2**21, "cuda": 2**25}
# Rows and columns of a product are computed in blocks of this many circuits, the blocks above the diagonal left out.
_BLOCK = 128
# Matrix units like sizes that are multiples of these.
_MULTIPLE_OF_ROWS, _MULTIPLE_OF_COLUMNS = 32, 64
# As many zeros and ones as a byte can add up.
_MOST_IN_A_BYTE = 255


@dataclass(frozen=True)
class Overlap:
    """How the circuits overlap in one layer, or in several together.

    What is expected is the mean over masks that keep as many weights of each layer, drawn independently of one another.

    Attributes
    ----------
    weights : number of weights
    intersections : (circuit, circuit) int64, weights that both circuits keep; on the diagonal those of each circuit
    sharing : (circuits + 1,) int64, number of weights that exactly 0, 1, 2, ... of the circuits keep
    expected_intersections : (circuit, circuit) float64
    expected_sharing : (circuits + 1,) float64
    """

    weights: int
    intersections: NDArray[np.int64]
    sharing: NDArray[np.int64]
    expected_intersections: NDArray[np.float64]
    expected_sharing: NDArray[np.float64]

    @property
    def kept(self) -> NDArray[np.int64]:
        """Weights (circuit,) that each circuit keeps."""
        return np.diagonal(self.intersections)

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Jaccard similarity (circuit, circuit), intersection / union; NaN where neither keeps a weight."""
        return _jaccard(self.intersections, self.kept)

    @property
    def expected_jaccard(self) -> NDArray[np.float64]:
        """The same of the expected intersection, which is the expected Jaccard similarity of large masks."""
        return _jaccard(self.expected_intersections, self.kept)


def count_overlap(
    blocks: Iterable[NDArray[np.uint8]], circuits: int, weights: int, device: torch.device
) -> Overlap:
    """Count the overlap of all pairs of circuits in one layer, exactly.

    Parameters
    ----------
    blocks : bit-packed masks (circuit, byte), one run of bytes after the other; the bits after the last weight are 0
    circuits : number of circuits
    weights : number of weights of the layer

    Raises
    ------
    InputError if the blocks are not of these sizes.
    """
    rows = _multiple(max(1, circuits), _MULTIPLE_OF_ROWS)
    width = max(1, _UNPACKED[device.type] // rows // _MULTIPLE_OF_COLUMNS) * _MULTIPLE_OF_COLUMNS
    intersections = np.zeros((rows, rows), np.int64)
    sharing = torch.zeros(circuits + 1, dtype=torch.int64, device=device)
    integers = _multiplies_integers(device)
    read = 0
    for block in blocks:
        _check_block(block, circuits)
        packed = torch.from_numpy(block).to(device)
        # at most 8 bits of each byte of a block, far from what overflows
        product = torch.zeros((rows, rows), dtype=torch.int32, device=device)
        for part in packed.split(width, dim=1):
            for bits in _unpacked(part.contiguous(), rows):
                _add_products(product, bits, integers)
                sharing += _sharing(bits, circuits)
        intersections += product.cpu().numpy()
        read += block.shape[1]
        del block, packed, part  # half a gigabyte, before the next is read
    if read != -(-weights // 8):
        raise InputError(
            f"packed masks of {weights} weights must have {-(-weights // 8)} bytes, not {read}"
        )
    own = sharing.cpu().numpy()
    # also counted were columns that only fill up
    own[0] = weights - own[1:].sum()
    return _with_expected(weights, _symmetric(intersections[:circuits, :circuits]), own)


def count_kept(blocks: Iterable[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Weights (circuit,) that each circuit keeps in one layer, from blocks as for `count_overlap`."""
    return sum(np.bitwise_count(block).sum(axis=1, dtype=np.int64) for block in blocks)


def together(overlaps: Iterable[Overlap]) -> Overlap:
    """The overlap in several layers together."""
    own = list(overlaps)
    return Overlap(
        sum(overlap.weights for overlap in own),
        sum(overlap.intersections for overlap in own),
        sum(overlap.sharing for overlap in own),
        sum(overlap.expected_intersections for overlap in own),
        sum(overlap.expected_sharing for overlap in own),
    )


def _multiple(number: int, of: int) -> int:
    return -(-number // of) * of


def _check_block(block: NDArray[np.uint8], circuits: int) -> None:
    if block.dtype != np.uint8 or block.ndim != 2 or len(block) != circuits:
        raise InputError(
            f"a block of packed masks must be uint8 of shape ({circuits}, bytes), "
            f"not {block.dtype} of shape {block.shape}"
        )


def _multiplies_integers(device: torch.device) -> bool:
    """Whether bytes are multiplied faster than floats: by CPUs with the instructions for it (VNNI).

    Without them, and on any GPU, products of floats are as exact, since the counts stay far below 2^24.
    """
    instructions = torch.cpu.get_capabilities()
    vnni = instructions.get("avx512_vnni", False) or instructions.get("avx_vnni", False)
    return device.type == "cpu" and vnni


def _unpacked(packed: Tensor, rows: int) -> Iterator[Tensor]:
    """Zeros and ones (row, byte), int8, of the same bit of all bytes (circuit, byte), bit after bit.

    Rows and columns of zeros fill up to sizes that matrix units like. Each tensor is valid until the next.
    """
    circuits, width = packed.shape
    bits = torch.zeros(
        (rows, _multiple(width, _MULTIPLE_OF_COLUMNS)), dtype=torch.uint8, device=packed.device
    )
    own = bits[:circuits, :width]
    for bit in range(8):
        torch.bitwise_right_shift(packed, bit, out=own)
        own.bitwise_and_(1)
        yield bits.view(torch.int8)


def _add_products(product: Tensor, bits: Tensor, integers: bool) -> None:
    """Add bits bits' to a product (row, row) int32, on and below its diagonal."""
    for start in range(0, len(bits), _BLOCK):
        left, right = bits[start:], bits[start : start + _BLOCK].T
        own = torch._int_mm(left, right) if integers else (left.float() @ right.float()).int()
        product[start:, start : start + _BLOCK] += own


def _sharing(bits: Tensor, circuits: int) -> Tensor:
    """Number of columns with 0, 1, ... circuits ones, (circuits + 1,) int64."""
    groups = bits[:circuits].view(torch.uint8).split(_MOST_IN_A_BYTE)
    sums = [group.sum(dim=0, dtype=torch.uint8).long() for group in groups]
    return torch.bincount(sum(sums), minlength=circuits + 1)


def _symmetric(lower: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.tril(lower) + np.tril(lower, -1).T


def _with_expected(
    weights: int, intersections: NDArray[np.int64], sharing: NDArray[np.int64]
) -> Overlap:
    kept = np.diagonal(intersections)
    expected = np.outer(kept, kept) / weights
    return Overlap(
        weights, intersections, sharing, expected, weights * _number_of_successes(kept / weights)
    )


def _number_of_successes(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution (n + 1,) of the number of successes in n independent trials (Poisson binomial)."""
    distribution = np.zeros(len(probabilities) + 1)
    distribution[0] = 1
    for p in probabilities:
        distribution[1:] = distribution[1:] * (1 - p) + distribution[:-1] * p
        distribution[0] *= 1 - p
    return distribution


def _jaccard(intersections: NDArray, kept: NDArray[np.int64]) -> NDArray[np.float64]:
    unions = kept[:, None] + kept[None] - intersections
    return np.divide(
        intersections, unions, out=np.full(intersections.shape, np.nan), where=unions > 0
    )
