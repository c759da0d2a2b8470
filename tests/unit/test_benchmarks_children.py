"""What a measurement says of work in a process of its own: time, memory and disk are those that the work took."""

import time
from pathlib import Path

import numpy as np
import pytest
from children import in_own_process, measure, peak_memory, size_on_disk

MEGABYTE = 10**6
# more than a process grows by anyway
LARGE = 200


def sleeper(seconds: float):
    """Waits; getting ready takes longer."""
    time.sleep(3 * seconds)
    return lambda _folder: time.sleep(seconds)


def filler(megabytes: int):
    """Takes so much memory for a moment."""
    return lambda _folder: int(np.ones(megabytes * MEGABYTE, np.uint8).sum()) // MEGABYTE


def filler_before(megabytes: int):
    """Takes so much memory before it is measured, and gives it back."""
    assert filler(megabytes)(None) == megabytes
    return lambda _folder: None


def writer(megabytes: int):
    """Writes two files, one of them in a folder."""

    def work(folder: Path) -> None:
        (folder / "deep").mkdir()
        for place in (folder / "one", folder / "deep" / "other"):
            place.write_bytes(bytes(megabytes * MEGABYTE // 2))

    return work


def test_getting_ready_is_not_timed() -> None:
    assert 0.2 <= measure(sleeper, 0.2).seconds < 0.6


def test_memory_of_the_work_is_in_its_peak() -> None:
    found = measure(filler, LARGE)
    assert found.answer == LARGE
    assert LARGE * 0.9 < found.peak - found.loaded < LARGE * 1.3


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux forgets a peak")
def test_memory_of_getting_ready_is_not() -> None:
    found = measure(filler_before, LARGE)
    assert found.peak - found.loaded < LARGE / 4


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells them apart")
def test_memory_of_the_parent_is_not_the_childs() -> None:
    ballast = np.ones(3 * LARGE * MEGABYTE, np.uint8)
    assert peak_memory() > 3 * LARGE
    assert in_own_process(peak_memory) < 3 * LARGE
    assert ballast.any()


def test_disk_is_all_that_the_work_wrote() -> None:
    assert measure(writer, 4).disk == 4


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    measure(writer, 1)
    assert size_on_disk(tmp_path) == 0
