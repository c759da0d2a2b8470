"""Work measured in a process of its own: seconds, peak memory, bytes on disk.

A process that starts anew owes nothing to what ran before: neither memory that an allocator kept nor kernels that were
chosen for other shapes. What the work needs (a network, its images) is made ready first and is not timed.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

Case = TypeVar("Case")
Answer = TypeVar("Answer")

# Work is given an empty folder for whatever it writes.
Work = Callable[[Path], Any]

REPEATS = 3
# Work that takes longer is not repeated: what is done once only is little of it.
LONG = 10.0
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"


@dataclass(frozen=True)
class Measured:
    """What a piece of work took.

    Attributes
    ----------
    seconds : of the fastest repeat
    peak : largest resident memory during the first time, MB; Python, its libraries and the network are part of it
    loaded : resident memory before the work, MB
    disk : what lay in the work's folder afterwards, MB
    answer : what the work returned
    """

    seconds: float
    peak: float
    loaded: float
    disk: float
    answer: Any


def measure(prepare: Callable[[Case], Work], case: Case) -> Measured:
    """Seconds, memory and disk of the work that `prepare` makes ready, in a process of its own.

    Work of less than ten seconds is done once without counting and then three times.
    """
    return in_own_process(_measured, prepare, case)


def in_own_process(work: Callable[..., Answer], *values: Any) -> Answer:
    """What `work`, a function of a module, returns in a process of its own."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *values).result()


def peak_memory() -> float:
    """Largest resident memory of this process so far, or since it was last forgotten, MB."""
    if (
        STATUS.exists()
    ):  # `ru_maxrss` of a process that starts here begins at the size of its parent
        return _status("VmHWM")
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # bytes on macOS, else units of 1024 bytes
    return largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6


def _measured(prepare: Callable[[Case], Work], case: Case) -> Measured:
    work = prepare(case)
    _forget_peak()
    loaded = _status("VmRSS") if STATUS.exists() else peak_memory()
    seconds, disk, answer = _once(work)
    peak = peak_memory()
    if seconds < LONG:
        seconds = min(_once(work)[0] for _ in range(REPEATS))
    return Measured(seconds, peak, loaded, disk, answer)


def _once(work: Work) -> tuple[float, float, Any]:
    """Seconds, MB on disk, answer."""
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        answer = work(Path(name))
        seconds = time.perf_counter() - start
        return seconds, size_on_disk(Path(name)), answer


def size_on_disk(folder: Path) -> float:
    """Size of all files in a folder, MB."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _forget_peak() -> None:
    """Let the peak begin at what is resident now; where that cannot be done, loading is part of it."""
    try:
        CLEAR.write_text(FORGET_PEAK)
    except OSError:
        return


def _status(entry: str) -> float:
    """An entry of Linux's account of this process, MB."""
    (line,) = (own for own in STATUS.read_text().splitlines() if own.startswith(f"{entry}:"))
    return int(line.split()[1]) * 1024 / 1e6
