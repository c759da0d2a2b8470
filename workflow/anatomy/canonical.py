"""Canonical JSON and digests: the same content always has the same text and the same name."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anatomy.whole_files import whole

BLOCK_BYTES = 1 << 20


def canonical(value: Any) -> str:
    """JSON text that depends on the content alone: sorted keys, fixed spacing, no NaN."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def digest(value: Any) -> str:
    """SHA-256 (hexadecimal) of bytes, or of the canonical JSON of anything else."""
    data = value if isinstance(value, bytes) else canonical(value).encode()
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file's bytes, read in blocks."""
    sha = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            sha.update(block)
    return sha.hexdigest()


def holds(path: Path, value: Mapping[str, Any]) -> bool:
    """Whether a file is the canonical JSON of a value."""
    return path.exists() and path.read_bytes() == canonical(value).encode()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write canonical JSON, whole or not at all, and the folder for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, canonical(value))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
