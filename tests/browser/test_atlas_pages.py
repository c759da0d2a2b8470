"""The pages of an atlas in a real browser, from the disk: search, links, pictures, and how they fit."""

from pathlib import Path
from typing import Any

import pytest
from chromium import PROGRAM, Chromium
from planted_atlas import CATEGORIES, CONCEPT, NASTY, make

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")

PAGES = (
    *("index.html", "concepts.html", "layers/conv1.html", "units/conv1_0001.html"),
    *("units/fc_0000.html", "categories/0001_dog.html", "categories/0006.html"),
)
# what is typed -> names that are found, in their order
FOUND = {
    "dog": ["dog"],
    "conv1 1": ["conv1 1"],
    "CONV1  unit 1": ["conv1 1"],
    "block conv 2": [
        *("block.2.conv 2", "block.2.conv", "Block.2.conv"),
        *("block.2.conv 0", "block.2.conv 1", "Block.2.conv 0", "Block.2.conv 1"),
    ],
    "fc": ["fc", "fc 0", "fc 1"],
    "category inanimate": ["007", "nan", CATEGORIES["\u540d\u524d"][0]],
    "\u540d": ["\u540d\u524d"],
    "../con": ["con"],
    "<script>alert": [
        *(f"nasty {NASTY}", CONCEPT, "con", "conv1 0", "conv1 1", "conv1 2"),
        *("block.2.conv 0", "block.2.conv 1"),
    ],
    "elephant": [],
    " ": [],
}
# what is done in the box -> where it leads
LED = {
    "type('conv1 2'); press('Enter')": "units/conv1_0002.html",
    "type('nasty'); press('Enter')": "categories/0002_b-script-script-alert-1-script.html",
    "type('concept wheel'); press('Enter')": "concepts.html#concept-1",
    "type('fc'); press('ArrowDown'); press('ArrowDown'); press('Enter')": "units/fc_0000.html",
    "type('fc'); press('ArrowUp'); press('Enter')": "units/fc_0001.html",
    "type('dog'); document.querySelector('#found a').click()": "categories/0001_dog.html",
}
HANDS = """
const box = document.querySelector("#search input");
const type = (text) => {
  box.focus(); box.value = text; box.dispatchEvent(new Event("input", { bubbles: true }));
};
const press = (key) => box.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
"""
NAMES = "[...document.querySelectorAll('#found li')].map((one) => one.querySelector('span').firstChild.data)"
WIDER = """[...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, #found"))
  .map((one) => one.outerHTML.slice(0, 200))"""
WAIT = "new Promise((done) => setTimeout(done, 50))"
READ = """new Promise((done) => {
  for (const one of document.images) one.loading = "eager";
  const look = () => [...document.images].every((one) => one.complete)
    ? done([...document.images].filter((one) => !one.naturalWidth).map((one) => one.src))
    : setTimeout(look, 20);
  look();
})"""


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("atlas"))


def do(browser: Chromium, actions: str) -> Any:
    return browser.run(f"{{ {HANDS} {actions}; }}")


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_with_all_their_pictures_and_without_complaint(page, browser, atlas):
    browser.open(atlas / page)
    assert browser.run(READ) == []
    assert browser.complaints == []
    read = browser.run("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith(atlas.as_uri()) for name in read)
    assert browser.run("getComputedStyle(document.querySelector('.masthead')).position") == "sticky"


@pytest.mark.parametrize("typed", FOUND)
@pytest.mark.parametrize("page", ["index.html", "units/fc_0000.html"])
def test_the_box_finds_what_is_called_so(page, typed, browser, atlas):
    browser.open(atlas / page)
    do(browser, f"type({typed!r})")
    assert browser.run(NAMES) == FOUND[typed]
    assert browser.complaints == []


@pytest.mark.parametrize("actions", LED)
def test_what_is_found_is_opened(actions, browser, atlas):
    browser.open(atlas / "layers/conv1.html")
    browser.follow(f"{{ {HANDS} {actions}; }}")
    assert browser.run("location.href") == f"{atlas.as_uri()}/{LED[actions]}"
    assert browser.run("document.querySelector('h1') !== null")
    assert browser.complaints == []


def test_the_box_is_reached_and_left_by_keys(browser, atlas):
    browser.open(atlas / "index.html")
    browser.run("dispatchEvent(new KeyboardEvent('keydown', { key: '/' }))")
    assert browser.run("document.activeElement.name") == "find"
    shown = "!document.getElementById('found').hidden"
    do(browser, "type('dog')")
    assert browser.run(shown)
    do(browser, "press('Escape')")
    assert not browser.run(shown)


@pytest.mark.parametrize("width", [360, 768, 1366, 1920])
@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_wider_than_the_window(page, width, browser, atlas):
    browser.open(atlas / page, width=width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(WIDER) == []


def test_names_run_no_script(browser, atlas):
    browser.open(atlas / "index.html")
    browser.run("window.alert = () => console.error('a name was run')")
    do(browser, "type('nasty')")
    browser.run(WAIT)
    assert browser.complaints == []
