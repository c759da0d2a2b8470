"""Canonical JSON and digests: the same content always has the same text and the same name."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def write_if_different(path: Path, value: Mapping[str, Any]) -> bool:
    """Write canonical JSON only when the content differs, so that an unchanged file keeps its time.

    Returns whether the file was written.
    """
    text = canonical(value)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text file under a partial name and rename it when it is complete."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write canonical JSON atomically."""
    write_text(path, canonical(value))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
