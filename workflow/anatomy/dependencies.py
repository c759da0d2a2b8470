"""Which files of this library a job runs, found by reading the source, and their digests.

They are those that its step imports, directly or not, and of alternatives that are one file each those that its spec
names.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from anatomy.alternatives import files
from anatomy.canonical import digest, file_digest, holds, read_json, write_json
from anatomy.errors import InputError

PACKAGE = Path(__file__).parent
# file -> digest of its content, and what a file with this content imports
MEMORY = Path("results/specs/imports.json")
# the key of a spec under which the digest of its step's code lies
CODE = "code"
# package of alternatives -> keys of a spec under which the names stand of those that its job loads
NAMED_BY = {
    "anatomy.knockout_modes": ("modes",),
    "anatomy.score_kinds": ("score", "scores", "controls"),
    "anatomy.stimuli.sources": ("source",),
}


@cache
def library_files(module: str) -> tuple[str, ...]:
    """Files of the library that running `python -m module` imports, sorted, relative to the repository.

    The source is parsed, not run; imports inside functions count.
    """
    found: set[Path] = set()
    waiting = _with_packages(module)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += _imported_files(path)
    return tuple(sorted(_relative(path) for path in found))


def files_of_job(module: str, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Files of the library that a job runs: those of its step, and of the alternatives that its spec names.

    A step whose spec has no place for such names reads labels alone, from the files of all alternatives.
    """
    found = set(library_files(module))
    for package, keys in NAMED_BY.items():
        if _relative(module_path(package)) in found:
            found |= _of_alternatives(package, [spec[key] for key in keys if key in spec])
    return tuple(sorted(found))


def code_digests(module: str, spec: Mapping[str, Any]) -> dict[str, str]:
    """File of the library that a job runs -> digest of its content."""
    root = PACKAGE.parents[1]
    return {file: _file_digest(root / file) for file in files_of_job(module, spec)}


def code_digest(module: str, spec: Mapping[str, Any]) -> str:
    """One digest for all of `code_digests`, by which a spec knows the code of its job."""
    return _digest_of(files_of_job(module, spec))


@cache
def library_digest() -> str:
    """Digest of the library's source: what is half done under another source is not gone on with."""
    return digest(
        {str(p.relative_to(PACKAGE)): _file_digest(p) for p in sorted(PACKAGE.rglob("*.py"))}
    )


def module_path(module: str) -> Path:
    """The file of a module of the library."""
    parts = module.split(".")[1:]
    path = PACKAGE.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _of_alternatives(package: str, named: Sequence[str | Sequence[str]]) -> set[str]:
    """The files of a package's alternatives that are named, with all that they import."""
    known = files(module_path(package).parent)
    if not named:
        return {_relative(path) for path in known.values()}
    names = {name for own in named for name in ([own] if isinstance(own, str) else own)}
    return {file for name in names & set(known) for file in library_files(f"{package}.{name}")}


@cache
def _digest_of(files_of_library: tuple[str, ...]) -> str:
    root = PACKAGE.parents[1]
    return digest({file: _file_digest(root / file) for file in files_of_library})


def _relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parents[1]))


# steps share most of their files, so each is read once in a process
_file_digest = cache(file_digest)


@cache
def _imported_files(path: Path) -> tuple[Path, ...]:
    return tuple({target for name in _known(path) for target in _with_packages(name)})


def module_of(file: Path) -> str:
    """The module of a file of the library; the library as a whole for a file that lies elsewhere."""
    if not file.is_relative_to(PACKAGE):
        return PACKAGE.name
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)


def remember_imports(files_of_library: Iterable[str]) -> None:
    """Keep what these files import: to parse them all takes half a second, and those of a job a tenth."""
    root = PACKAGE.parents[1]
    imports = {
        file: {"digest": _file_digest(root / file), "imports": list(_known(root / file))}
        for file in sorted(files_of_library)
    }
    # a folder that can only be read is looked at without a memory
    with suppress(InputError, OSError):
        if not holds(MEMORY, imports):
            write_json(MEMORY, imports)


@cache
def _memory() -> dict[str, Any]:
    return read_json(MEMORY) if MEMORY.is_file() else {}


@cache
def _known(path: Path) -> tuple[str, ...]:
    """Modules of the library that a file imports: from memory while its content is the same."""
    remembered = _memory().get(_relative(path))
    if remembered is not None and remembered["digest"] == _file_digest(path):
        return tuple(remembered["imports"])
    return tuple(sorted(_imported(path)))


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.split(".")[0] == PACKAGE.name}


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements below a node; expressions, which are most of a module, hold none."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for own in getattr(node, field, ()):
            if isinstance(own, ast.stmt):
                yield own
            yield from _statements(own)


def _base(path: Path, node: ast.ImportFrom) -> str:
    """Full name of what `from BASE import ...` names, also where it is written with dots."""
    if not node.level:
        return node.module or ""
    package = path.parents[node.level - 1].relative_to(PACKAGE.parent).parts
    return ".".join([*package, node.module] if node.module else package)


def _with_packages(name: str) -> list[Path]:
    """The module's own file and the `__init__` of every package above it; nothing for a plain name in a module."""
    parts = name.split(".")
    paths = [module_path(".".join(parts[: depth + 1])) for depth in range(len(parts))]
    return [path for path in paths if path.is_file()]
