"""How a step ends that a user can put right: with one sentence, and no traceback."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anatomy.errors import InputError

# faults of the disk that libraries report without the name of a file
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@contextmanager
def errors_in_one_sentence(outputs: Sequence[Path]) -> Iterator[None]:
    """End the process with one line for what a user can mend: input, files that have vanished, a full disk.

    Any other error is a mistake of the program, and keeps its traceback.

    Parameters
    ----------
    outputs : what the step writes, named where the system does not say what it could not write
    """
    try:
        yield
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        named = (
            [error.filename] if error.filename else outputs if error.errno in OF_THE_DISK else []
        )
        if not named:
            raise
        sys.exit(
            f"error: {', '.join(map(str, named))}: {error.strerror or os.strerror(error.errno)}"
        )
