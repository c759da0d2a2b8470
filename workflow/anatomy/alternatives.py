"""Alternatives that are one file each: whatever lies in their folder can be named in the configuration.

Names and constants are read from the source without running it, so that a configuration is checked and a figure drawn
without what the files import.
"""

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from anatomy.errors import InputError

LIBRARY = Path(__file__).parent
LABEL = "LABEL"
Kind = TypeVar("Kind")


def files(folder: Path) -> dict[str, Path]:
    """Name of each alternative -> its file, sorted by name; files that are hidden or begin with _ are none."""
    found = sorted(path for path in folder.glob("*.py") if path.stem.isidentifier())
    return {path.stem: path for path in found if not path.stem.startswith("_")}


class Alternatives(Generic[Kind]):
    """The alternatives in one package of the library.

    Parameters
    ----------
    package : its full name; its protocol `Kind` says what each file holds
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._files = files(LIBRARY.joinpath(*package.split(".")[1:]))

    @property
    def names(self) -> tuple[str, ...]:
        """What the configuration can name."""
        return tuple(self._files)

    def label(self, name: str) -> str:
        """What figures call an alternative; InputError if there is no such file, or no label in it."""
        label = self.constant(name, LABEL)
        if not isinstance(label, str):
            raise InputError(f"{self._file(name)}: it needs a line {LABEL} = 'a name for people'")
        return label

    def constant(self, name: str, key: str, default: Any = None) -> Any:
        """Value of a constant in an alternative's file, written there as it is; `default` where there is none."""
        return _constants(self._file(name)).get(key, default)

    def load(self, name: str) -> Kind:
        """The module of an alternative."""
        self._file(name)
        return cast(Kind, importlib.import_module(f"{self._package}.{name}"))

    def _file(self, name: str) -> Path:
        if name not in self._files:
            raise InputError(f"{self._package} has no file {name}.py")
        return self._files[name]


@cache
def _constants(path: Path) -> dict[str, Any]:
    """Name -> value of all that a module sets to a text, a number, a truth value, or a list of such."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise InputError(f"{path}: {error.msg} in line {error.lineno}") from None
    found: dict[str, Any] = {}
    for node in body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                try:
                    found[name] = ast.literal_eval(value)
                except ValueError:  # computed when the module is loaded
                    continue
    return found
