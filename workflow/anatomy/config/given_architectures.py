"""Architectures in Python files of the user's own, as the configuration names them, without torch.

`networks.NAME.architecture: path/to/file.py:name` stands for a function or class in that file. Its layers are found by
another process, once for each content of the file, and remembered beside the specs.
"""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from anatomy.canonical import digest, read_json, write_json, write_text
from anatomy.dependencies import code_digest
from anatomy.environment import LIBRARY
from anatomy.errors import InputError

# beside the specs, under names that follow from the content, so that nothing here is ever out of date
MEMORY = Path("results/specs/architectures")
NAMED = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)", re.DOTALL)
FINDER = "anatomy.networks.file_layers"
# of images, where the configuration says nothing else: what torchvision's classifiers are trained with
PREPROCESSING = {
    "input_size": 224,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "channel_order": "rgb",
    "scale": 255.0,
}

Layers = tuple[tuple[str, str], ...]


class GivenArchitecture(NamedTuple):
    """A function or class of the user's file: where it stands, what it is called, and the text of the file."""

    file: str
    name: str
    source: str

    @property
    def settings(self) -> dict[str, str]:
        """What makes the network, wherever the file lies."""
        return {"architecture": self.name, "source": self.source}


def is_given(architecture: str | None) -> bool:
    """Whether an architecture of the configuration is one in a file."""
    return architecture is not None and NAMED.fullmatch(architecture) is not None


def given_architecture(architecture: str) -> GivenArchitecture:
    """What `path/to/file.py:name` stands for now; InputError where the file cannot be read."""
    named = NAMED.fullmatch(architecture)
    path = Path(named["file"])
    if not path.is_file():
        raise InputError(f"there is no file {named['file']!r}")
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text in UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return GivenArchitecture(named["file"], named["name"], source)


def layers_of(given: GivenArchitecture, outputs: int, input_size: int) -> Layers:
    """(name, kind) of all layers, in network order; InputError says what is wrong with the file.

    Parameters
    ----------
    outputs : number of output units
    input_size : side of the square input, pixels
    """
    return _remembered(given.source, given.name, outputs, input_size) or _found(
        given, outputs, input_size
    )


def with_kept_architectures(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration that names copies of its architectures' files as they are now.

    A job that begins later plans with these: the user's file may then say something else, or be out of its reach.
    """
    kept = copy.deepcopy(dict(raw))
    for network in kept["networks"].values():
        if is_given(network.get("architecture")):
            given = given_architecture(network["architecture"])
            network["architecture"] = f"{_keep(given.source)}:{given.name}"
    return kept


def _keep(source: str) -> Path:
    path = MEMORY / f"{digest(source.encode())}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, source)
    return path


def _remembered(source: str, name: str, outputs: int, input_size: int) -> Layers | None:
    path = _answer_path(source, name, outputs, input_size)
    return _read(path) if path.is_file() else None


@cache
def _read(path: Path) -> Layers:
    return tuple((name, kind) for name, kind in read_json(path)["layers"])


@cache
def _answer_path(source: str, name: str, outputs: int, input_size: int) -> Path:
    """Where the answer to a question is remembered, which also depends on the code that finds it."""
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = "absent"
    question = [source, name, outputs, input_size, code_digest(FINDER, {}), torch]
    return MEMORY / f"{digest(question)}.json"


@cache
def _found(given: GivenArchitecture, outputs: int, input_size: int) -> Layers:
    request = given._asdict() | {"outputs": outputs, "input_size": input_size}
    answer = _asked(request)
    if "problem" in answer:
        raise InputError(answer["problem"])
    # a folder that can only be read is looked at without a memory
    with suppress(InputError, OSError):
        write_json(_answer_path(given.source, given.name, outputs, input_size), answer)
    return tuple((name, kind) for name, kind in answer["layers"])


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a process that loads torch and the user's file."""
    if find_spec("torch") is None:
        raise InputError(
            f"{request['file']}: to find its layers, PyTorch must be installed where Snakemake runs"
        )
    found_in = [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        done = subprocess.run(
            [sys.executable, "-m", FINDER, str(answer)],
            input=json.dumps(request),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(found_in)},
            capture_output=True,
            text=True,
            check=False,
        )
        if not answer.exists():
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise InputError(
                f"{request['file']}: the process that looks for its layers ended with status {done.returncode} ({last})"
            )
        return read_json(answer)
