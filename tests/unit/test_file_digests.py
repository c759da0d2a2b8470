"""Large files of the user are read once, and again when anything about them has changed."""

import os
from pathlib import Path

import pytest

from anatomy import file_digests
from anatomy.canonical import digest
from anatomy.errors import InputError
from anatomy.file_digests import check_same, known_digest

WEIGHTS = Path("weights.pth")


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """The files that are really read, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    WEIGHTS.write_bytes(b"one")
    read = []

    def file_digest(path):
        read.append(path)
        return digest(path.read_bytes())

    monkeypatch.setattr(file_digests, "file_digest", file_digest)
    return read


def test_a_file_is_read_once(reads):
    assert known_digest(WEIGHTS) == known_digest(WEIGHTS) == digest(b"one")
    assert reads == [WEIGHTS]


def test_a_touched_file_is_read_again_and_found_the_same(reads):
    before = known_digest(WEIGHTS)
    os.utime(WEIGHTS, (1, 1))
    assert known_digest(WEIGHTS) == before
    assert reads == [WEIGHTS] * 2


def test_a_replaced_file_is_noticed_even_with_the_same_size_and_time(reads):
    before = WEIGHTS.stat()
    known_digest(WEIGHTS)
    WEIGHTS.write_bytes(b"two")
    os.utime(WEIGHTS, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (WEIGHTS.stat().st_size, WEIGHTS.stat().st_mtime_ns) == (3, before.st_mtime_ns)
    assert known_digest(WEIGHTS) == digest(b"two")


def test_each_file_has_its_own_digest(reads):
    other = Path("other.pth")
    other.write_bytes(b"other")
    found = [known_digest(path) for path in (WEIGHTS, other, WEIGHTS, other)]
    assert found == [digest(b"one"), digest(b"other")] * 2
    assert reads == [WEIGHTS, other]


def test_a_job_refuses_a_file_that_was_replaced_after_it_was_planned(reads):
    planned = known_digest(WEIGHTS)
    check_same(WEIGHTS, planned)
    check_same(WEIGHTS, None)
    WEIGHTS.write_bytes(b"two")
    with pytest.raises(InputError, match=r"^weights\.pth: was replaced after this job was planned"):
        check_same(WEIGHTS, planned)
