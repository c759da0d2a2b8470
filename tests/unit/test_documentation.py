"""The documentation of outputs: its tables are in step with the code, and its snippets run."""

import re
import runpy
from pathlib import Path

import pytest

from anatomy.documentation import OUTPUTS, ROOT, documents, fill, markdown_table, outdated
from anatomy.tables import TABLES

SNIPPETS = re.findall(r"```python\n(.*?)```", OUTPUTS.read_text(encoding="utf-8"), re.DOTALL)
RESULTS = re.compile(r'"(results/[^"]+)"')
TEXT = "before\n<!-- table a -->\nold\n<!-- end of table -->\nafter\n"


def test_outputs_are_in_step_with_the_tables() -> None:
    late = outdated(documents())
    assert not late, f"{late}: run `python -m anatomy.documentation --write`"


def test_every_column_of_every_table_is_in_the_document() -> None:
    text = OUTPUTS.read_text(encoding="utf-8")
    for path, columns in TABLES.items():
        section = text.split(f"<!-- table {path} -->")[1].split("<!-- end of table -->")[0]
        documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert documented == list(columns), path


def test_filling_replaces_what_is_between_the_markers_alone() -> None:
    filled = fill(TEXT, {"a": "new\n"})
    assert filled == TEXT.replace("old", "new")
    assert fill(filled, {"a": "new\n"}) == filled


@pytest.mark.parametrize(
    ("text", "tables"),
    [(TEXT, {}), (TEXT, {"a": "", "b": ""}), (TEXT * 2, {"a": ""})],
    ids=["unknown table", "table without place", "two places"],
)
def test_a_table_has_exactly_one_place(text: str, tables: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="one place"):
        fill(text, tables)


def test_cells_cannot_break_a_table() -> None:
    table = markdown_table(("a", "b"), [("|w|", "two\nlines")])
    assert table.splitlines()[2] == r"| \|w\| | two lines |"


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippets_run_on_finished_results(
    snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    missing = [path for path in RESULTS.findall(snippet) if not (ROOT / path).exists()]
    if missing:
        pytest.skip(f"{missing[0]} is absent: run the default configuration first")
    file = tmp_path / "snippet.py"
    file.write_text(snippet, encoding="utf-8")
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(file))
    assert capsys.readouterr().out.strip()
