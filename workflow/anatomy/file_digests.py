"""Digests of the user's large files, read again only when something about the file has changed.

A plan must know whether a weights file is still the same, and neither its time nor its path tells: a file may be
touched, or replaced by an older one.
"""

from contextlib import suppress
from pathlib import Path

from anatomy.canonical import file_digest, read_json, write_json
from anatomy.errors import InputError

MEMORY = Path("results/specs/file_digests.json")


def known_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file, from memory while its size, its times and its place on disk are the same.

    The time of the last change of the inode cannot be set by hand, so a file that was replaced is noticed even where
    the new one has the size and the time of the old one.
    """
    status = path.stat()
    about = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    memory = read_json(MEMORY) if MEMORY.is_file() else {}
    known = memory.get(str(path))
    if known is None or known["file"] != about:
        known = {"file": about, "digest": file_digest(path)}
        # a folder that can only be read is looked at without a memory
        with suppress(InputError, OSError):
            write_json(MEMORY, memory | {str(path): known})
    return known["digest"]


def check_same(path: Path, planned: str | None) -> None:
    """Raise InputError unless a file has the digest with which its job was planned (None: planned without one)."""
    if planned is not None and file_digest(path) != planned:
        raise InputError(f"{path}: was replaced after this job was planned; run snakemake again")
