"""How fast the overlap of all pairs of circuits is counted, and in how much memory.

    python benchmarks/jaccard.py [--categories 200] [--bits 20000000] [--threads 2] [--folder FOLDER]

Writes made-up masks (1/4, 1/8 or 1/16 of the bits set, at random) as a mask store into a temporary folder, counts
their overlap from there as the workflow does, and prints a Markdown table. Plain loops over some pairs give the
counts to compare with, and their time for one pair that for all pairs. Every measurement has a process of its own,
so that its peak memory (the largest resident set) is its own. Files just written are likely to be read from the page
cache, not from the disk.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anatomy.device import make_deterministic
from anatomy.mask_files import MaskFile, write_masks
from anatomy.networks.graph import Layer
from anatomy.overlap import count_overlap

LAYER, SEED = "weights", 0
# Categories of the plain loops: 10 pairs.
COMPARED = 5
COPIED_BYTES = 2**28
HEADER = (
    "categories",
    "bits",
    "threads",
    "seconds",
    "of these reading",
    "masks (GB/s)",
    "pairs (GB/s)",
    "memory copy (GB/s)",
    "pairs / copy",
    "peak memory (MB)",
    "times faster than packed loop",
    "than unpacked loop",
)


@dataclass(frozen=True)
class Case:
    """What is counted, and where it lies."""

    categories: int
    bits: int
    threads: int
    folder: Path

    @property
    def names(self) -> list[str]:
        """The categories."""
        return [f"category {number}" for number in range(self.categories)]

    def open(self) -> MaskFile:
        """The masks."""
        return MaskFile(self.folder / "masks.zarr", self.folder / "masks.json")


@dataclass(frozen=True)
class Counted:
    """Seconds in all and in reading, and the intersections of the first few categories."""

    seconds: float
    reading: float
    intersections: NDArray[np.int64]


def main() -> None:
    """Write, count, compare and print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        case = Case(arguments.categories, arguments.bits, arguments.threads, Path(folder))
        in_own_process(write, case)
        counted, peak = in_own_process(count, case)
        copy, _ = in_own_process(copy_rate, case)
        packed, _ = in_own_process(packed_loop, case)
        unpacked, _ = in_own_process(unpacked_loop, case)
    for loop in (packed, unpacked):
        if not np.array_equal(loop.intersections, counted.intersections):
            sys.exit("error: the counts differ from those of the plain loops")
    pairs = case.categories * (case.categories - 1) // 2
    mask_rate = case.categories * case.bits / 8 / counted.seconds / 1e9
    pair_rate = pairs * 2 * case.bits / 8 / counted.seconds / 1e9
    numbers = (
        f"{case.categories:,}",
        f"{case.bits:,}",
        str(case.threads),
        f"{counted.seconds:.1f}",
        f"{counted.reading:.1f}",
        f"{mask_rate:.3f}",
        f"{pair_rate:.0f}",
        f"{copy:.1f}",
        f"{pair_rate / copy:.1f}",
        f"{peak:.0f}",
        f"{pairs * packed.seconds / counted.seconds:.0f}",
        f"{pairs * unpacked.seconds / counted.seconds:.0f}",
    )
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    print("| " + " | ".join(numbers) + " |")
    print(
        "\nSeconds include reading and decompression. masks: bytes of all packed masks, each read once, per second. "
        "pairs: bytes of both packed masks of all pairs per second, as if each pair were read. memory copy: bytes "
        "copied per second by one thread, each read and written. Plain loops: for one pair after the other, the "
        "bits of a & b and a | b in NumPy, of packed masks and of booleans; their time is that of one pair in memory, "
        f"the mean of {COMPARED * (COMPARED - 1) // 2}, times the number of pairs, without reading. "
        f"PyTorch {torch.__version__}, NumPy {np.__version__}."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed and memory of the overlap of circuits.")
    parser.add_argument("--categories", type=int, default=200)
    parser.add_argument("--bits", type=int, default=20_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    if arguments.categories < COMPARED:
        parser.error(f"--categories must be at least {COMPARED}")
    return arguments


def in_own_process(measure: Callable[[Case], Any], case: Case) -> tuple[Any, float]:
    """What `measure` returns, and the peak memory of its process in MB."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_with_peak, measure, case).result()


def _with_peak(measure: Callable[[Case], Any], case: Case) -> tuple[Any, float]:
    make_deterministic(case.threads)
    value = measure(case)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # bytes on macOS, else units of 1024 bytes
    return value, largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6


def write(case: Case) -> None:
    """Write the made-up masks."""
    random = np.random.default_rng(SEED)
    size = -(-case.bits // 8)

    def masks() -> Iterator[tuple[str, dict[str, NDArray[np.bool_]]]]:
        for number, name in enumerate(case.names):
            packed = np.frombuffer(random.bytes(size), np.uint8)
            for _ in range(1 + number % 3):
                packed = packed & np.frombuffer(random.bytes(size), np.uint8)
            yield name, {LAYER: np.unpackbits(packed, count=case.bits).view(np.bool_)}

    layer = Layer(LAYER, LAYER, "linear", (case.bits,))
    paths = case.folder / "masks.zarr", case.folder / "masks.json"
    write_masks(masks(), case.names, [layer], *paths, {"seed": SEED})


def count(case: Case) -> Counted:
    """The library's count."""
    reading = 0.0

    def timed(blocks: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        nonlocal reading
        while True:
            begin = time.perf_counter()
            block = next(blocks, None)
            reading += time.perf_counter() - begin
            if block is None:
                return
            yield block
            del block

    start = time.perf_counter()
    blocks = timed(case.open().blocks(LAYER, case.names))
    overlap = count_overlap(blocks, case.categories, case.bits, torch.device("cpu"))
    seconds = time.perf_counter() - start
    return Counted(seconds, reading, overlap.intersections[:COMPARED, :COMPARED])


def copy_rate(_case: Case) -> float:
    """Bytes copied in memory per second, in GB: the fastest of five."""
    source = np.ones(COPIED_BYTES, np.uint8)
    target = np.zeros_like(source)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, source)
        seconds.append(time.perf_counter() - start)
    return COPIED_BYTES / min(seconds) / 1e9


def packed_loop(case: Case) -> Counted:
    """Pair after pair, the bits of packed masks."""
    file = case.open()
    masks = [file.packed(name, LAYER) for name in case.names[:COMPARED]]
    return _loop(masks, np.bitwise_and, np.bitwise_or, _bits)


def unpacked_loop(case: Case) -> Counted:
    """Pair after pair, booleans."""
    file = case.open()
    masks = [file.mask(name, LAYER) for name in case.names[:COMPARED]]
    return _loop(masks, np.logical_and, np.logical_or, np.count_nonzero)


def _bits(packed: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(packed).sum(dtype=np.int64))


def _loop(
    masks: list[NDArray],
    both: Callable[[NDArray, NDArray], NDArray],
    either: Callable[[NDArray, NDArray], NDArray],
    number: Callable[[NDArray], int],
) -> Counted:
    """Seconds of one pair, and all intersections."""
    intersections = np.diag([number(mask) for mask in masks]).astype(np.int64)
    pairs = list(combinations(range(len(masks)), 2))
    start = time.perf_counter()
    for a, b in pairs:
        intersections[a, b] = intersections[b, a] = number(both(masks[a], masks[b]))
        number(either(masks[a], masks[b]))
    seconds = (time.perf_counter() - start) / len(pairs)
    return Counted(seconds, 0.0, intersections)


if __name__ == "__main__":
    main()
