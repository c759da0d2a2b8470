"""Alternatives are the files of a folder, and what figures and plans need of them is read without running them."""

import subprocess
import sys
from pathlib import Path

import pytest

from anatomy import alternatives
from anatomy.alternatives import Alternatives
from anatomy.errors import InputError

SOURCES = {
    "__init__.py": "",
    "_shared.py": "LABEL = 'of none'",
    ".#second.py": "",
    "not-a-name.py": "",
    "notes.txt": "",
    "second.py": "raise RuntimeError('not to be run')\nLABEL: str = 'the second'\nFLAG = True\n",
    "first.py": "import torch\nLABEL = 'the ' + torch.__name__\nFLAG = bool(1)\n",
    "third.py": "def f():\n    LABEL = 'inside'\n",
    "broken.py": "LABEL = 'a'\n\nx = = 1\n",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alternatives:
    (tmp_path / "deep" / "kinds").mkdir(parents=True)
    for name, source in SOURCES.items():
        (tmp_path / "deep" / "kinds" / name).write_text(source)
    monkeypatch.setattr(alternatives, "LIBRARY", tmp_path)
    return Alternatives("anatomy.deep.kinds")


def test_every_file_that_can_be_named_is_an_alternative(made: Alternatives) -> None:
    assert made.names == ("broken", "first", "second", "third")


def test_constants_are_read_without_running_the_file(made: Alternatives) -> None:
    assert made.label("second") == "the second"
    assert made.constant("second", "FLAG", False) is True
    assert made.constant("third", "FLAG", False) is False
    # computed ones are known to those alone who load the file
    assert made.constant("first", "FLAG", None) is None


@pytest.mark.parametrize("name", ["first", "third"])
def test_a_file_without_a_label_is_named(made: Alternatives, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}\.py: it needs a line LABEL = "):
        made.label(name)


def test_a_file_that_is_not_there_or_no_python_is_named(made: Alternatives) -> None:
    for ask in (made.label, made.load):
        with pytest.raises(InputError, match=r"anatomy\.deep\.kinds has no file fourth\.py"):
            ask("fourth")
    with pytest.raises(InputError, match=r"broken\.py: invalid syntax in line 3"):
        made.label("broken")


def test_figures_name_alternatives_without_torch() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from anatomy.figures.knockouts import MODES\n"
        "from anatomy.figures.score_comparison import score_looks\n"
        "assert score_looks() and all(MODES.label(mode) for mode in MODES.names)\n"
        "assert 'torch' not in sys.modules"
    )
    library = str(alternatives.LIBRARY.parent)
    subprocess.run([sys.executable, "-c", code, library], check=True)
