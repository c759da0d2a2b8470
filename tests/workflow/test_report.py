"""The report: its first page as a browser shows it."""

import pytest
from chromium import PROGRAM, Chromium

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")

PLACES = """
new Promise(resolve => {
  const look = () => {
    const picture = document.querySelector("img[alt^=Headline]");
    const words = document.evaluate("//strong[.='small']", document, null, 9, null).singleNodeValue;
    if (!picture || !picture.complete) return setTimeout(look, 50);
    resolve([words.getBoundingClientRect().top, picture.getBoundingClientRect().width]);
  };
  look();
})
"""


def test_the_first_page_begins_with_the_headlines_and_shows_them_large(copy, tmp_path):
    # the text is far taller than the window; what Snakemake puts above the window cannot be scrolled to
    done = copy.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stderr[-3000:]
    with Chromium(tmp_path / "profile") as browser:
        browser.open(copy.folder / "report.html", width=1400, height=900)
        top, width = browser.run(PLACES)
    assert 0 <= top < 200
    assert width > 800
