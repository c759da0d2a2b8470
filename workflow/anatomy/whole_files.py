"""Files that are whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anatomy.errors import InputError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A partial name to write a file under; it gets its own name when it is complete.

    A file that cannot be written leaves nothing behind, which also gives its space back to a full disk.

    Raises
    ------
    InputError
        naming the file that cannot be written, and why
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
