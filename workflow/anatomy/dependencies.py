"""Which files of this library a step imports, directly or not, found by reading the source, and their digests."""

import ast
from functools import cache
from pathlib import Path

from anatomy.canonical import digest, file_digest

PACKAGE = Path(__file__).parent
# the key of a spec under which the digest of its step's code lies
CODE = "code"


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
    return tuple(sorted(str(path.relative_to(PACKAGE.parents[1])) for path in found))


@cache
def code_digests(module: str) -> dict[str, str]:
    """File of the library that running `python -m module` imports -> digest of its content."""
    root = PACKAGE.parents[1]
    return {file: _file_digest(root / file) for file in library_files(module)}


@cache
def code_digest(module: str) -> str:
    """One digest for all of `code_digests`, by which a spec knows the code of its job."""
    return digest(code_digests(module))


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


# steps share most of their files, so each is read once in a process
_file_digest = cache(file_digest)


@cache
def _imported_files(path: Path) -> tuple[Path, ...]:
    return tuple({target for name in _imported(path) for target in _with_packages(name)})


def module_of(file: Path) -> str:
    """The module of a file of the library; the library as a whole for a file that lies elsewhere."""
    if not file.is_relative_to(PACKAGE):
        return PACKAGE.name
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.split(".")[0] == PACKAGE.name}


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
