"""The documents as a whole: every link leads somewhere, and the gallery names what draws each figure."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "config/README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
GALLERY = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
RULES = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
)
# name, file under results/, rule
ROW = re.compile(r"^\| \[(\w+)\]\(#\w+\) \| .+? \| `([^`]+)` \| `(\w+)` \|", re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to headings, and those that are written out."""
    text = document.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.findall(prose):
        name, _, anchor = link.partition("#")
        target = document if not name else document.parent / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_contents_name_every_document_once() -> None:
    contents = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    named = sorted(re.findall(r"\]\((\w+\.md)\)", contents))
    assert named == sorted(p.name for p in (ROOT / "docs").glob("*.md") if p.name != "README.md")


def test_gallery_shows_every_picture_and_says_what_draws_it() -> None:
    pictures = {path.stem: path.name for path in (ROOT / "docs/images").iterdir()}
    rows = {name: (file, rule) for name, file, rule in ROW.findall(GALLERY)}
    assert sorted(rows) == sorted(pictures)
    for name, (file, rule) in rows.items():
        assert f"](images/{pictures[name]})" in GALLERY
        text = RULES.split(f"rule {rule}:")[1].split("\nrule ")[0]
        assert f'"results/{file}"' in text, name
