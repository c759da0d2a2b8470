"""The files listed for a step are those that it imports: one less, and an edited module would repeat nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from anatomy import dependencies
from anatomy.dependencies import PACKAGE, files_of_job, library_files, module_of

IMPORT_ALL = """
import importlib, json, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
first = set(sys.modules)
found = {}
for step in sys.argv[2:]:
    for name in [n for n in sys.modules if n.split(".")[0] == "anatomy"]:
        del sys.modules[name]
    importlib.import_module(step)
    found[step] = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "anatomy"]
print(json.dumps(found))
"""


def steps():
    """The modules of steps, not what they share."""
    names = sorted(path.stem for path in (PACKAGE / "steps").glob("*.py"))
    return [f"anatomy.steps.{n}" for n in names if n not in ("__init__", "step", "opening")]


@pytest.fixture(scope="module")
def really_imported():
    """Step -> library files that Python imports with it, relative to the repository."""
    command = [sys.executable, "-c", IMPORT_ALL, str(PACKAGE.parent), *steps()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    root = PACKAGE.parents[1]
    return {
        step: {str(Path(file).relative_to(root)) for file in files}
        for step, files in json.loads(done.stdout).items()
    }


def test_there_are_steps():
    assert {"anatomy.steps.circuits", "anatomy.steps.scores", "anatomy.steps.summary"} <= {*steps()}


@pytest.mark.parametrize("step", steps())
def test_every_module_that_a_step_imports_is_listed(step, really_imported):
    imported = really_imported[step]
    assert "workflow/anatomy/__init__.py" in imported
    assert imported <= set(library_files(step))


def test_modules_that_a_step_does_not_import_are_not_listed(really_imported):
    """Beyond what Python imports there is only what layer_gradients.py and scores.py import for type checkers."""
    for step, imported in really_imported.items():
        beyond = set(library_files(step)) - imported
        assert beyond <= set(library_files("anatomy.networks.network")), step
    assert not any("/figures/" in file for file in library_files("anatomy.steps.scores"))
    assert "workflow/anatomy/knockouts.py" not in library_files("anatomy.steps.circuits")
    assert "workflow/anatomy/circuits.py" not in library_files("anatomy.steps.knockouts")


# imports in statements of every kind that holds others
NESTED = """
try:
    import anatomy.a
except ImportError:
    import anatomy.b
else:
    import anatomy.c
finally:
    import anatomy.d
match 1:
    case 1:
        import anatomy.e
class Own:
    with open("x"):
        import anatomy.f
    async def own(self):
        while True:
            pass
        else:
            import anatomy.g
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in which every way to import leads to a module of its own."""
    sources = {
        "__init__": "",
        "unused": "import anatomy.unused_too",
        "unused_too": "",
        "steps/__init__": "from anatomy import of_package",
        "of_package": "",
        "steps/step": "import os, anatomy.plain\nfrom anatomy.deep.inner import thing",
        "plain": "from anatomy import as_attribute",
        "as_attribute": "def late():\n    from anatomy.late import x\n    return x",
        "late": "import anatomy.steps.step  # a circle",
        "deep/__init__": "from . import sibling\nfrom .. import above\nfrom ..above2 import y",
        "deep/sibling": "",
        "deep/inner": "from .cousin import z\nthing = 1",
        "deep/cousin": "from anatomy_of_another import unused",
        "above2": "import numpy.linalg as plain_name",
        "deep/other": "",
        "above": NESTED,
        **dict.fromkeys(("a", "b", "c", "d", "e", "f", "g"), ""),
    }
    root = tmp_path / "workflow" / "anatomy"
    for name, source in sources.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.setattr(dependencies, "PACKAGE", root)
    library_files.cache_clear()  # the files themselves have other paths
    yield sources
    library_files.cache_clear()


def test_every_way_to_import_is_followed(package):
    unused = {"unused", "unused_too", "deep/other"}
    expected = {f"workflow/anatomy/{name}.py" for name in set(package) - unused}
    assert set(library_files("anatomy.steps.step")) == expected


def test_a_module_without_imports_needs_itself_and_its_packages(package):
    assert package["deep/other"] == ""
    files = set(library_files("anatomy.deep.other"))
    assert {"workflow/anatomy/__init__.py", "workflow/anatomy/deep/other.py"} < files
    assert "workflow/anatomy/deep/sibling.py" in files
    assert "workflow/anatomy/plain.py" not in files


def test_alternatives_count_where_a_spec_names_them(package, monkeypatch):
    """The package `deep` holds alternatives, and `steps.step` imports it."""
    monkeypatch.setattr(dependencies, "NAMED_BY", {"anatomy.deep": ("which", "all_of")})

    def of_deep(module, spec):
        files = set(files_of_job(module, spec)) - set(library_files(module))
        return {Path(file).name for file in files}

    assert of_deep("anatomy.steps.step", {"which": "other"}) == {"other.py"}
    assert of_deep("anatomy.steps.step", {"all_of": ["other", "absent"], "which": "inner"}) == {
        "other.py"
    }
    assert of_deep("anatomy.steps.step", {"which": "inner"}) == set()
    # labels of all, and nothing that an alternative imports
    new = dependencies.PACKAGE / "deep" / "new.py"
    new.write_text("import anatomy.unused")
    assert of_deep("anatomy.steps.step", {}) == {"other.py", "new.py"}
    assert of_deep("anatomy.steps.step", {"which": "new"}) == {
        "new.py",
        "unused.py",
        "unused_too.py",
    }
    assert of_deep("anatomy.unused", {}) == set()


def test_a_file_tells_its_module():
    assert module_of(PACKAGE / "steps" / "record.py") == "anatomy.steps.record"
    assert module_of(Path("/elsewhere/test_step.py")) == "anatomy"


def test_files_are_sorted_and_each_there_once():
    files = library_files("anatomy.steps.circuits")
    assert list(files) == sorted(set(files))
    assert all((PACKAGE.parents[1] / file).is_file() for file in files)


@pytest.fixture
def remembered(package, tmp_path, monkeypatch):
    """The package's imports, remembered; how often files have been parsed since."""
    monkeypatch.chdir(tmp_path)
    files = library_files("anatomy.steps.step")
    dependencies.remember_imports(files)
    parsed = []
    parse = dependencies._imported
    monkeypatch.setattr(dependencies, "_imported", lambda path: parsed.append(path) or parse(path))
    forget()
    yield files, parsed
    forget()


def forget():
    """As in another process."""
    cached = ("_memory", "_known", "_imported_files", "_file_digest", "library_files")
    for name in cached:
        getattr(dependencies, name).cache_clear()


def test_files_are_parsed_once_for_all_processes(remembered):
    files, parsed = remembered
    assert library_files("anatomy.steps.step") == files
    assert parsed == []


def test_a_file_with_another_content_is_parsed_again(remembered):
    files, parsed = remembered
    plain = dependencies.PACKAGE / "plain.py"
    plain.write_text("import anatomy.unused")
    found = set(library_files("anatomy.steps.step"))
    assert parsed[0] == plain
    # nothing else was known of those that it leads to now
    assert {path.stem for path in parsed} == {"plain", "unused", "unused_too"}
    assert {"workflow/anatomy/unused.py", "workflow/anatomy/unused_too.py"} < found
    assert "workflow/anatomy/as_attribute.py" not in found
    assert "workflow/anatomy/as_attribute.py" in files
