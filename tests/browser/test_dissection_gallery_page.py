"""Gallery pages in a real browser: what is shown in which order, where its state is kept, and how it fits."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from chromium import PROGRAM, Chromium
from drawn_units import MINIMUM, SIDE, top_images, unit

from anatomy.dissection.gallery import gallery

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")

LONG = "a_very_long_concept_without_any_place_to_break_it_anywhere"
UNITS = pd.DataFrame(
    [
        unit(0, "dog", "object", 0.10, threshold=3.0, agreement=0.9),
        unit(1, "street-s", "scene", 0.30, threshold=-1.0, agreement=0.2),
        unit(2, "dog", "object", 0.05, threshold=2.0, agreement=0.4),
        unit(3, "", "", 0.0, threshold=0.0, agreement=np.nan),
        unit(4, "Hotdog", "part", 0.20, threshold=5.0, agreement=0.8),
        unit(5, LONG, "texture", 0.03, threshold=4.0, agreement=0.7),
        unit(12, "cat", "object", 0.10, threshold=1.0, agreement=0.6),
        unit(21, "red-c", "color", 0.02, threshold=2.5, agreement=1.0),
    ]
)
BY_IOU = [1, 4, 0, 12, 2, 5, 21, 3]
NAMES = {
    "network": "a_network_with_a_long_name_" * 3,
    "layer": "features.denseblock4.denselayer24.conv2",
    "set_name": "Broden",
    "minimum": MINIMUM,
    "layers": [(f"conv{number}", f"conv{number}.html") for number in range(1, 30)],
}

# address -> units in the order in which they are shown
SHOWN = {
    "": BY_IOU,
    "#sort=unit": [0, 1, 2, 3, 4, 5, 12, 21],
    "#sort=unit&order=reversed": [21, 12, 5, 4, 3, 2, 1, 0],
    "#sort=concept": [5, 12, 0, 2, 4, 21, 1, 3],
    "#sort=threshold": [4, 5, 0, 21, 2, 12, 3, 1],
    "#sort=agreement": [21, 0, 4, 5, 12, 2, 1, 3],
    "#sort=agreement&order=reversed": [1, 2, 12, 5, 4, 0, 21, 3],
    "#category=object": [0, 12, 2],
    "#category=part&category=color": [4, 21],
    "#category=": [3],
    "#detectors=1": [1, 4, 0, 12, 2],
    "#find=dog": [4, 0, 2],
    "#find=DOG&category=object&sort=unit": [0, 2],
    "#find=2": [2],
    "#find=12,+21,+street": [1, 12, 21],
    "#find=elephant": [],
    "#sort=nonsense&category=nonsense": BY_IOU,  # what is unknown is left out
    "#unit-5": BY_IOU,
}

# what a reader does -> units shown, address
DONE = {
    "type('dog')": ([4, 0, 2], "#find=dog"),
    "type('dog'); type('')": (BY_IOU, ""),
    "choose('concept'); tick('detectors', '1')": ([12, 0, 2, 4, 1], "#sort=concept&detectors=1"),
    "tick('category', 'scene'); tick('category', '')": ([1, 3], "#category=scene&category="),
    "tick('category', 'scene'); tick('category', 'scene')": (BY_IOU, ""),
    "tick('order', 'reversed'); type('<b>&')": ([], "#find=%3Cb%3E%26&order=reversed"),
    "choose('unit'); type('o'); press('reset')": (BY_IOU, ""),
    "press('link')": ([4], "#find=4"),
    "location.hash = 'find=cat'": ([12], "#find=cat"),
    "type('o'); location.hash = 'unit-1'": ([4, 0, 2, 5], "#unit-1"),
}

HANDS = """
const fields = document.getElementById("controls").elements;
const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
const type = (text) => { fields.find.value = text; changed(fields.find); };
const choose = (key) => { fields.sort.value = key; changed(fields.sort); };
const tick = (name, value) =>
  [...fields].find((field) => field.name === name && field.value === value).click();
const press = (what) =>
  document.querySelector(what === "reset" ? "[type=reset]" : "#unit-4 .unit").click();
"""
LOOK = """(() => {
  const cards = [...document.querySelectorAll(".card")];
  const shown = cards.filter((card) => getComputedStyle(card).display !== "none");
  return {
    shown: shown.map((card) => Number(card.dataset.unit)),
    address: location.hash,
    count: document.getElementById("count").textContent,
    nothing: !document.getElementById("nothing").hidden,
    chips: [...document.querySelectorAll(".chip b")].map((count) => Number(count.textContent)),
    link: document.querySelector("nav a").getAttribute("href"),
  };
})()"""
SETTLED = "new Promise((done) => setTimeout(done, 30))"
WIDER = """[...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest("svg"))
  .map((one) => one.outerHTML.slice(0, 200))"""
# number of the cards with pictures, once there are any and all of them are read
DRAWN = """new Promise((done) => {
  const look = () => {
    const images = [...document.images];
    if (!images.length || images.some((image) => !image.complete)) return setTimeout(look, 20);
    done(images.map((image) => [Number(image.closest(".card").dataset.unit), image.naturalWidth]));
  };
  look();
})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(UNITS, 10, tmp_path_factory.mktemp("gallery"))


def written(units: pd.DataFrame, images: int, folder: Path) -> Path:
    page = folder / "page.html"
    page.write_text(gallery(units, top_images(units, images), **NAMES), encoding="utf-8")
    return page


def view(browser: Chromium, page: Path, address: str = "", actions: str = "") -> dict[str, Any]:
    """What the page shows at an address, after what a reader does there."""
    browser.open(page, address)
    browser.run(f"{{ {HANDS} {actions}; }}")
    browser.run(SETTLED)
    return browser.run(LOOK)


@pytest.mark.parametrize("address", SHOWN)
def test_an_address_shows_its_view(address, browser, page):
    found = view(browser, page, address)
    assert found["shown"] == SHOWN[address]
    assert found["count"] == f"{len(SHOWN[address])} of {len(UNITS)} units"
    assert found["nothing"] == (not SHOWN[address])
    assert browser.complaints == []


@pytest.mark.parametrize("actions", DONE)
def test_what_a_reader_does_is_shown_and_in_the_address(actions, browser, page):
    found = view(browser, page, "", actions)
    assert (found["shown"], found["address"]) == DONE[actions]
    assert browser.complaints == []


@pytest.mark.parametrize(
    ("address", "counts"),
    [
        ("", [3, 1, 1, 0, 1, 1, 1]),
        ("#category=object", [3, 1, 1, 0, 1, 1, 1]),
        ("#find=dog", [2, 1, 0, 0, 0, 0, 0]),
        ("#detectors=1", [3, 1, 1, 0, 0, 0, 0]),
    ],
)
def test_chips_count_the_units_that_the_other_controls_leave(address, counts, browser, page):
    """Order: object, part, scene, material, texture, color, none."""
    assert view(browser, page, address)["chips"] == counts


def test_links_to_other_layers_keep_the_view_but_what_is_searched_for(browser, page):
    assert view(browser, page)["link"] == "conv1.html"
    found = view(browser, page, "#category=object&find=dog&sort=unit")
    assert found["link"] == "conv1.html#sort=unit&category=object"


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 1920])
def test_nothing_is_wider_than_the_window(width, browser, page):
    browser.open(page, width=width)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    scrolled, inner = browser.run("[document.documentElement.scrollWidth, innerWidth]")
    assert inner == width
    assert scrolled <= inner
    assert browser.run(WIDER) == []


def test_the_dark_theme_is_dark(browser, page):
    grounds = []
    for theme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": theme}
        browser.call("Emulation.setEmulatedMedia", features=[feature])
        browser.open(page)
        colors = browser.run(
            "(({ color, backgroundColor: ground }) => [color, ground])"
            "(getComputedStyle(document.body))"
        )
        ink, ground = (sum(map(int, re.findall(r"\d+", color))) for color in colors)
        grounds.append(ink > ground)
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert grounds == [False, True]


def test_every_control_takes_the_focus(browser, page):
    browser.open(page)
    script = """[...document.querySelectorAll("input, select, button, summary, a:not(.skip)")]
      .filter((one) => (one.focus(), document.activeElement !== one)).length"""
    assert browser.run(script) == 0


def test_nothing_is_requested(browser, page):
    browser.open(page, "#units")
    browser.run(DRAWN)
    assert browser.run("performance.getEntriesByType('resource').map((entry) => entry.name)") == []


def test_pictures_are_drawn_only_near_the_window(browser, tmp_path):
    units = pd.DataFrame([unit(number, "dog", "object", 0.5) for number in range(90)])
    browser.open(written(units, 2, tmp_path))
    drawn = pd.DataFrame(browser.run(DRAWN), columns=["unit", "width"])
    assert set(drawn["width"]) == {SIDE}
    numbers = drawn["unit"].unique().tolist()
    assert numbers == list(range(len(numbers)))
    assert 2 <= len(numbers) <= 40
    browser.run("document.getElementById('unit-89').scrollIntoView()")
    last = "document.querySelector('#unit-89 img') !== null"
    while not browser.run(last):
        browser.run(SETTLED)
    assert browser.run("document.querySelectorAll('template').length") >= 20


def test_all_that_is_shown_is_drawn_for_printing(browser, tmp_path):
    kinds = ["object", "part"]
    units = pd.DataFrame([unit(number, "dog", kinds[number % 2], 0.5) for number in range(90)])
    browser.open(written(units, 1, tmp_path), "#category=part")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert [number for number, _ in browser.run(DRAWN)] == list(range(1, 90, 2))


def test_thousands_of_units_are_filtered_at_once(browser, tmp_path):
    """As list items, their numbering would take the browser seconds."""
    units = pd.DataFrame(
        [unit(number, f"dog{number % 9}", "object", 0.5) for number in range(2000)]
    )
    page = written(units, 0, tmp_path)
    browser.open(page)
    script = """(() => {
      const start = performance.now();
      type("dog1");
      document.body.offsetHeight;
      return performance.now() - start;
    })()"""
    assert browser.run(f"{{ {HANDS} {script} }}") < 1500
