"""What the machine can do at best: `python benchmarks/machine_limits.py [--threads 2] [--folder FOLDER]`.

Floating-point operations per second of a large matrix product and of a convolution of AlexNet's kind, bytes per second
of a copy in memory, and of a file that is written to disk (until it is there) and read again. Prints a Markdown table.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import torch

REPEATS = 5
MATRIX = 2048, 4096, 2048
CONVOLUTION_IMAGES, CHANNELS, SIDE, WINDOW = 50, 256, 13, 3
COPIED = 1 << 28
FILE = 1 << 28
NAMES = (
    "matrix product (GFLOP/s)",
    "3 x 3 convolution (GFLOP/s)",
    "memory copy (GB/s, read and written)",
    "disk, written and synchronised (GB/s)",
    "disk, read (GB/s)",
)


@dataclass(frozen=True)
class Limits:
    """The machine's rates: GFLOP/s and GB/s."""

    matrix: float
    convolution: float
    memory: float
    written: float
    read: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--folder", type=Path, help="on the disk to be measured; temporary files' when absent"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(table(measure_limits(arguments.folder)))


def table(limits: Limits) -> str:
    """A Markdown table."""
    rows = [f"| {name} | {rate:,.3g} |" for name, rate in zip(NAMES, astuple(limits), strict=True)]
    return "\n".join(["| the machine at best | |", "| --- | ---: |", *rows])


def measure_limits(folder: Path | None = None, share: float = 1) -> Limits:
    """All of them, with PyTorch's present number of threads.

    Parameters
    ----------
    share : of the usual amounts of memory and of disk
    """
    matrix, convolution = operation_rates()
    written, read = disk_rates(folder, int(FILE * share))
    return Limits(matrix, convolution, memory_rate(int(COPIED * share)), written, read)


def operation_rates() -> tuple[float, float]:
    """GFLOP/s of a large matrix product and of a convolution of AlexNet's kind."""
    rows, inner, columns = MATRIX
    a, b = torch.randn(rows, inner), torch.randn(inner, columns)
    x = torch.randn(CONVOLUTION_IMAGES, CHANNELS, SIDE, SIDE)
    x = x.contiguous(memory_format=torch.channels_last)
    kernel = torch.randn(CHANNELS, CHANNELS, WINDOW, WINDOW)
    with torch.inference_mode():
        matrix = fastest(lambda: a @ b)
        convolution = fastest(lambda: torch.nn.functional.conv2d(x, kernel, padding=1))
    products = CONVOLUTION_IMAGES * SIDE**2 * CHANNELS**2 * WINDOW**2
    return 2 * rows * inner * columns / matrix / 1e9, 2 * products / convolution / 1e9


def memory_rate(size: int) -> float:
    """GB/s of a copy of so many bytes; each is read and written."""
    source = torch.ones(size, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * size / fastest(lambda: target.copy_(source)) / 1e9


def disk_rates(folder: Path | None, size: int) -> tuple[float, float]:
    """GB/s of a file of so many bytes: written until it is on the disk, and read again, not from memory."""
    content = os.urandom(size)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name, "file")
        start = time.perf_counter()
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written = time.perf_counter() - start
        with path.open("rb") as file:
            if hasattr(os, "posix_fadvise"):  # let Linux forget what it kept of the file
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            start = time.perf_counter()
            file.read()
            read = time.perf_counter() - start
    return size / written / 1e9, size / read / 1e9


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several repeats, after one that does not count."""
    work()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
