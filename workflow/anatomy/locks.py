"""Locks that end with the process that holds them, however it ends, so that no crash leaves one behind.

They hold between the processes of one machine, and between machines on a shared file system that knows them (NFS does;
Lustre when it is mounted with `flock`). Children do not inherit them. A file system without locks gives a warning.

Each lock is a small text file with one line for each process that came to it, which says who that was.
"""

import errno
import fcntl
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from anatomy.errors import InputError

log = logging.getLogger(__name__)

# Set by the main process for all its jobs: when it started, in nanoseconds. Of two processes for the same job, that of
# the later run is the rightful one.
RUN = "ANATOMY_RUN"
BUSY = (errno.EACCES, errno.EAGAIN)
WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Comer:
    """A process that came to a lock, as it is noted there: its run, number, machine and time."""

    run: int
    process: int
    host: str
    since: str

    @classmethod
    def this(cls, latest: int = 0) -> Self:
        """The present process; one that was started by hand belongs to the latest run."""
        run = int(os.environ.get(RUN, latest))
        return cls(run, os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%dT%H:%M:%S"))

    @property
    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.run} {self.process} {self.host} {self.since}\n"

    @classmethod
    def of(cls, line: str) -> Self | None:
        """The comer of a line; None where the file was damaged."""
        try:
            run, process, host, since = line.split(" ")
            return cls(int(run), int(process), host, since)
        except ValueError:
            return None

    def has_ended(self) -> bool:
        """Whether its process is known to be gone; of another machine's nothing is known."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since.replace('T', ' ')}"


class FileLock:
    """A lock that is tied to an open file; closing it, or the end of the process, gives the lock back.

    The locks are POSIX record locks: to open and close the same file elsewhere in the process would give them back too.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)

    def try_alone(self) -> bool:
        """Take the lock for this process alone; False, at once, when another holds it."""
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in BUSY:
                return False
            raise
        return True

    def alone(self) -> None:
        """Take the lock for this process alone, waiting until it is free."""
        self._lock(fcntl.LOCK_EX)

    def share(self) -> None:
        """Hold the lock together with others that share it, waiting while one has it alone."""
        self._lock(fcntl.LOCK_SH)

    def note(self, comer: Comer, erase: bool = False) -> None:
        """Add a line for a process that came; with `erase` it is the only one."""
        if erase:
            os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, comer.line.encode())

    def comers(self) -> list[Comer]:
        """Who came, in that order."""
        text = os.pread(self._descriptor, READ_BYTES, 0).decode(errors="replace")
        return [comer for line in text.splitlines() if (comer := Comer.of(line)) is not None]

    def holder(self) -> str:
        """Who holds the lock, in words: the first that may still be at work."""
        own = os.getpid(), socket.gethostname()
        others = [comer for comer in self.comers() if (comer.process, comer.host) != own]
        return next((str(comer) for comer in others if not comer.has_ended()), "an unknown process")

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)

    def _lock(self, operation: int) -> None:
        try:
            fcntl.lockf(self._descriptor, operation)
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            log.warning(
                "%s: this file system has no locks (%s); see to it that only one Snakemake is at work in this folder",
                self.path,
                error.strerror,
            )


@contextmanager
def working_alone(record: Path, outputs: Sequence[Path] = ()) -> Iterator[None]:
    """Hold the job of a record for this process alone.

    When Snakemake is killed its jobs go on. A job that is started again waits here until the process that was left
    behind has ended, so that no two write the same files.

    Parameters
    ----------
    record : where the job writes what its results were made from
    outputs : files and folders of the job. What another process has written is removed, and the record, as Snakemake
        does before it starts a job: the one left behind may have written them since.

    Raises
    ------
    InputError
        when this process is itself what a killed run has left behind, and a later run has taken the job over
    """
    lock = FileLock(record.with_name(f".{record.name}.lock"))
    try:
        own = Comer.this(latest=max((comer.run for comer in lock.comers()), default=0))
        lock.note(own)
        if not lock.try_alone():
            log.info(
                "waits for %s, which a killed run has left at work on the same job; to go on at once, end that process",
                lock.holder(),
            )
            lock.alone()
        later = [comer for comer in lock.comers() if comer.run > own.run]
        if later:
            raise InputError(f"{record}: a later run has taken this job over ({later[-1]})")
        if lock.comers() != [own]:
            for path in (record, *outputs):
                _remove(path)
        lock.note(own, erase=True)
        yield
    finally:
        lock.close()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
