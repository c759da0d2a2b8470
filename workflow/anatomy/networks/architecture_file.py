"""An architecture in a Python file of the user's own, built from the file's text: a copy is as good as the file.

Building runs the file. It is the user's program, named in the user's configuration; nothing else is ever run.
"""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from anatomy.canonical import digest
from anatomy.errors import InputError

# the copy that is kept with a network
ARCHITECTURE_FILE = "architecture.py"
MODULE = "anatomy_architecture"


@dataclass(frozen=True)
class ArchitectureFile:
    """A function or class of a file, from the number of outputs to a module.

    Attributes
    ----------
    name : of the function or class
    source : text of the file
    file : path of the file, for messages
    """

    name: str
    source: str
    file: str = ARCHITECTURE_FILE

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of the text."""
        return digest(self.source.encode())

    def build(self, outputs: int) -> nn.Module:
        """An untrained network with so many output units.

        Raises InputError, naming the file and the line, when the file cannot be run, lacks the name, or makes anything
        but a module of PyTorch.
        """
        with _by_itself():
            make = self._find()
            try:
                model = make(outputs)
            except (Exception, SystemExit) as error:
                raise InputError(
                    f"{self}: {self.name}({outputs}) fails ({self.told(error)}); it is called with the number of "
                    "output units"
                ) from error
        if not isinstance(model, nn.Module):
            kind = type(model).__name__
            raise InputError(
                f"{self}: {self.name}({outputs}) returns {kind}, not a torch.nn.Module"
            )
        return model

    def told(self, error: BaseException) -> str:
        """An error in few words: its kind, the first line of its message, the line of the file where it arose."""
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == self.file
        ]
        if isinstance(error, SyntaxError):
            lines, message = [error.lineno], error.msg
        else:
            message = next(iter(str(error).splitlines()), "")
        place = f", line {lines[-1]}" if lines else ""
        return f"{type(error).__name__}: {message.rstrip('.:')}{place}"

    def __str__(self) -> str:
        return self.file

    def _find(self) -> Any:
        """What has the name in the file, which is run for this."""
        module = ModuleType(f"{MODULE}_{self.digest[:12]}")
        module.__file__ = self.file
        # where the file's classes look for their module, as dataclasses do
        sys.modules[module.__name__] = module
        try:
            exec(compile(self.source, self.file, "exec"), vars(module))
        except ImportError as error:
            raise InputError(
                f"{self}: cannot import what it needs ({self.told(error)}); beside installed packages it must stand by "
                "itself, because a copy of it is kept with the network"
            ) from error
        except (Exception, SystemExit) as error:
            raise InputError(f"{self}: cannot be run ({self.told(error)})") from error
        found = getattr(module, self.name, None)
        if not callable(found):
            own = [n for n, v in vars(module).items() if _is_own(module, v)]
            holds = f"it holds {', '.join(own)}" if own else "it holds none"
            raise InputError(f"{self}: there is no function or class {self.name!r} in it; {holds}")
        return found


@contextmanager
def _by_itself() -> Iterator[None]:
    """Without the modules in the working directory, which `python -m` would find: no copy of them is kept."""
    before, here = list(sys.path), Path.cwd()
    sys.path[:] = [entry for entry in before if not _is_same(Path(entry or os.curdir), here)]
    try:
        yield
    finally:
        sys.path[:] = before


def _is_same(path: Path, folder: Path) -> bool:
    return path.exists() and path.samefile(folder)


def _is_own(module: ModuleType, value: Any) -> bool:
    """Whether a value is a function or class that is defined in the module."""
    return callable(value) and getattr(value, "__module__", None) == module.__name__
