"""Gallery pages hold every unit, its numbers and its pictures, and nothing that would leave the page."""

import base64
import hashlib
import re

import numpy as np
import pandas as pd
import pytest
from drawn_units import CATEGORIES, MINIMUM, top_images, unit
from page_tree import Element, Parser

from anatomy.dissection.gallery import gallery
from anatomy.dissection.gallery_page import STYLE
from anatomy.errors import InputError

NASTY = "<b>&\"'</script><script>alert(1)</script>"


UNITS = pd.DataFrame(
    [
        unit(0, "dog", "object", 0.10, agreement=0.875, threshold=12.345),
        unit(
            1,
            "street-s",
            "scene",
            0.30,
            low=0.25,
            high=0.352,
            color_concept="red-c",
            color_iou=0.011,
        ),
        unit(2, "dog", "object", 0.05),
        unit(3, "", "", 0.0, threshold=-0.5),
        unit(4, "t-shirt-c", "color", 0.20),
        unit(5, "cat", "object", 0.04, low=np.nan, high=np.nan, agreement=np.nan),
        unit(6, "cat", "object", 0.041),
    ]
)
BY_IOU = [1, 4, 0, 2, 6, 5, 3]


def page_of(units: pd.DataFrame = UNITS, images: pd.DataFrame | None = None, **more) -> str:
    names = {"network": "alexnet", "layer": "conv5", "minimum": MINIMUM, "set_name": "Broden"}
    images = top_images(units, 3) if images is None else images
    return gallery(units, images, **(names | more))


@pytest.fixture(scope="module")
def page() -> Element:
    return Parser(page_of()).page


def cards_of(page: Element) -> dict[int, Element]:
    return {int(card.attributes["data-unit"]): card for card in page.all("li", "card")}


def test_every_unit_has_a_card_in_the_order_of_iou(page):
    cards = cards_of(page)
    assert list(cards) == BY_IOU
    assert [card.attributes["id"] for card in cards.values()] == [f"unit-{n}" for n in BY_IOU]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            0,
            [
                "dog",
                "object",
                "unit 0",
                "IoU 0.100 [0.090, 0.110]",
                "agreement 88\u00a0%",
                "threshold 12.3",
            ],
        ),
        (1, ["street", "scene", "unit 1", "IoU 0.300 [0.250, 0.352]", "agreement 50\u00a0%"]),
        (3, ["no concept", "IoU 0.000", "threshold \N{MINUS SIGN}0.5", "not a detector"]),
        (4, ["t-shirt", "color"]),
        (5, ["cat", "IoU 0.040", "agreement \N{EN DASH}", "not a detector"]),
    ],
)
def test_a_card_says_the_unit_s_numbers(number, words, page):
    text = cards_of(page)[number].text
    assert [word for word in words if word not in text] == []
    assert ("[" in text) == (number != 5)
    assert ("not a detector" in text) == (number in (3, 5))


def test_names_lose_the_endings_of_scenes_and_colours_once(page):
    shown = {number: card.one("h2").text for number, card in cards_of(page).items()}
    assert shown == {
        0: "dog",
        1: "street",
        2: "dog",
        3: "no concept",
        4: "t-shirt",
        5: "cat",
        6: "cat",
    }


def test_details_have_the_best_concept_of_every_category(page):
    rows = cards_of(page)[1].one("tbody").all("tr")
    found = [
        row.all("th")[0].text + ": " + ", ".join(c.text for c in row.all("td")) for row in rows
    ]
    none = "\N{EN DASH}, \N{EN DASH}"
    wanted = dict.fromkeys(CATEGORIES, none) | {"scene": "street, 0.300", "color": "red, 0.011"}
    assert found == [f"{name}: {words}" for name, words in wanted.items()]


def test_the_interval_is_drawn_to_scale(page):
    """The line ends at the largest value, .352, rounded up to .36."""
    drawn = cards_of(page)[1].one("svg", "interval")
    places = {line.attributes["class"]: line.attributes for line in drawn.all("line")}
    assert places["minimum"]["x1"] == places["minimum"]["x2"] == "11.1%"
    assert (places["range"]["x1"], places["range"]["x2"]) == ("69.4%", "97.8%")
    assert drawn.one("circle").attributes["cx"] == "83.3%"
    assert "from 0 to 0.36" in page.text


def test_pictures_are_those_of_the_table_in_the_order_of_ranks():
    images = top_images(UNITS, 4).sample(frac=1, random_state=3)
    cards = cards_of(Parser(page_of(images=images)).page)
    for number, own in images.sort_values("rank").groupby("unit"):
        drawn = cards[number].one("template").all("img")
        data = [
            picture.attributes["src"].removeprefix("data:image/webp;base64,") for picture in drawn
        ]
        assert [base64.b64decode(text) for text in data] == own["thumbnail"].to_list()
        assert drawn[1].attributes["alt"] == f"2: {number}_2.jpg, response 18"


def test_no_picture_is_decoded_before_its_card_is_near(page):
    """All are in templates, which a browser keeps as they are."""
    kept = sum(len(template.all("img")) for template in page.all("template"))
    assert kept == len(page.all("img")) == 3 * len(UNITS)


def test_the_head_counts_units_and_detectors(page):
    stats = page.one("dl", "stats")
    names = [entry.text for entry in stats.all("dt")]
    values = [entry.text for entry in stats.all("dd")]
    assert dict(zip(names, values, strict=True)) == {
        "units": "7",
        "detectors": "5 71\u00a0%",
        "unique detectors": "4",
    }


def test_the_chart_shows_unique_detectors_and_detector_units(page):
    chart = page.one("figure", "chart").one("svg")
    wanted = [("object", 2, 3), ("part", 0, 0), ("scene", 1, 1), ("material", 0, 0)]
    wanted += [("texture", 0, 0), ("color", 1, 1)]
    words = "; ".join(f"{name} {unique} in {units} units" for name, unique, units in wanted)
    assert chart.attributes["aria-label"] == words
    widths = {
        (bar.attributes["data-category"], bar.attributes.get("class")): float(
            bar.attributes["width"]
        )
        for bar in chart.all("rect")
    }
    per_unit = widths["object", "units"] / 3
    for name, unique, units in wanted:
        assert widths[name, None] == pytest.approx(unique * per_unit, abs=0.1)
        assert widths[name, "units"] == pytest.approx(units * per_unit, abs=0.1)


def test_a_layer_without_detectors_says_so():
    units = pd.DataFrame([unit(n, "dog", "object", 0.01) for n in range(3)])
    page = Parser(page_of(units)).page
    assert "No unit of this layer is a detector." in page.text
    assert page.all("figure") == []
    assert [card.attributes.get("data-detector", "no") for card in page.all("li", "card")] == [
        "no"
    ] * 3


def test_a_missing_concept_is_an_empty_one():
    """As it comes back from a CSV file."""
    missing = UNITS.replace({"": np.nan})
    assert missing["concept"].isna().sum() == 1
    assert page_of(missing) == page_of()


def test_intervals_may_be_missing_altogether():
    """A column of no numbers, as a table without resamples has."""
    none = UNITS.assign(low=None, high=None, agreement=None)
    page = Parser(page_of(none)).page
    assert "[" not in "".join(card.text for card in page.all("li", "card"))
    assert not any("data-agreement" in card.attributes for card in page.all("li", "card"))


def test_chips_have_all_categories_and_the_number_of_their_units(page):
    chips = [" ".join(chip.text.split()) for chip in page.all("label", "chip")]
    wanted = ["object 4", "part 0", "scene 1", "material 0", "texture 0", "color 1", "no concept 1"]
    assert chips == wanted
    without = Parser(page_of(UNITS.drop(index=3))).page
    assert [chip.one("b").text for chip in without.all("label", "chip")] == [
        "4",
        "0",
        "1",
        "0",
        "0",
        "1",
    ]


def test_all_text_is_escaped(page):
    units = UNITS.assign(concept=NASTY, object_concept=NASTY)
    images = top_images(units, 2).assign(image_id=NASTY)
    names = {"network": NASTY, "layer": NASTY, "set_name": NASTY}
    nasty = Parser(
        page_of(units, images, **names, layers=[(NASTY, "other.html"), ("b", NASTY[:5])])
    ).page
    assert len(nasty.all("script")) == 1
    assert nasty.one("script").text == page.one("script").text
    assert nasty.all("b") == [chip.one("b") for chip in nasty.all("label", "chip")]
    card = cards_of(nasty)[0]
    assert card.attributes["data-concept"] == card.one("h2").text == NASTY
    assert NASTY in card.one("tbody").text
    assert card.all("img")[0].attributes["alt"] == f"1: {NASTY}, response 19"
    assert nasty.one("h1").text == NASTY
    assert [link.attributes["href"] for link in nasty.one("nav").all("a")] == [NASTY[:5]]
    assert nasty.one("title").text.count(NASTY) == 2


def test_nothing_comes_from_elsewhere():
    text = page_of(layers=[("conv4", "conv4.html"), ("conv5", "conv5.html")])
    assert re.findall(r"https?:|url\(|@import", text) == []
    page = Parser(text).page
    everything = [page]
    for element in everything:
        everything += element.children
        assert not any(name.startswith("on") or name == "style" for name in element.attributes)
    addresses = [e.attributes[n] for e in everything for n in ("src", "href") if n in e.attributes]
    assert {address.split(":")[0].split("=")[0] for address in addresses} == {
        *("data", "#units", "#find", "conv4.html")
    }


def test_only_the_page_s_own_style_and_script_may_run(page):
    policy = next(m.attributes["content"] for m in page.all("meta") if "content" in m.attributes)
    assert policy.startswith("default-src 'none';")
    for kind in ("style", "script"):
        digest = hashlib.sha256(page.one(kind).text.encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


def test_other_layers_are_linked_where_they_are_given(page):
    assert page.all("nav") == []
    layers = [("conv4", "conv4.html"), ("conv5", "conv5.html"), ("fc6", "../fc6.html")]
    nav = Parser(page_of(layers=layers)).page.one("nav")
    links = {link.text: link.attributes["href"] for link in nav.all("a")}
    assert links == {"conv4": "conv4.html", "fc6": "../fc6.html"}
    assert nav.one("span").text == "conv5"


def test_the_same_tables_give_the_same_bytes():
    images = top_images(UNITS, 3)
    shuffled = UNITS.sample(frac=1, random_state=1), images.sample(frac=1, random_state=2)
    assert page_of(UNITS, images) == page_of(*shuffled)


def test_every_category_has_its_colour(page):
    colors = dict(
        re.findall(r'data-category="(\w*)"\] { --category: (#\w{6})', page.one("style").text)
    )
    assert {*CATEGORIES, ""} == set(colors)
    assert len(set(colors.values())) == len(colors)


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    encoded = np.array([int(digits[start : start + 2], 16) for start in (0, 2, 4)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_text_has_contrast_in_light_dark_and_print():
    """At least 4.5, the WCAG's level AA, for every colour of text on every ground that it stands on."""
    themes = [
        dict(re.findall(r"--([\w-]+): (#\w+)", own))
        for own in re.findall(r":root {(.*?)}", STYLE, re.S)
    ]
    assert len(themes) == 3
    for theme in themes:
        pairs = [
            (text, ground) for text in ("ink", "quiet", "accent") for ground in ("page", "card")
        ]
        pairs += [("on-chosen", "chosen")] * ("chosen" in theme)
        for text, ground in pairs:
            dark, light = sorted([luminance(theme[text]), luminance(theme[ground])])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


@pytest.mark.parametrize("column", ["iou", "agreement", "detector"])
def test_a_missing_column_of_units_is_named(column):
    with pytest.raises(InputError, match=f"units lacks the column {column}"):
        page_of(UNITS.drop(columns=column), top_images(UNITS, 1))


def test_a_missing_column_of_top_images_is_named():
    with pytest.raises(InputError, match="top images lacks the column rank"):
        page_of(images=top_images(UNITS, 1).drop(columns="rank"))


def test_a_unit_that_is_there_twice_is_named():
    with pytest.raises(InputError, match="unit 2 twice"):
        page_of(pd.concat([UNITS, UNITS.iloc[2:3]]), top_images(UNITS, 1))


def test_images_of_an_unknown_unit_are_refused():
    with pytest.raises(InputError, match="has unit 6, which is not"):
        page_of(UNITS.iloc[:6], top_images(UNITS, 1))


def test_another_image_format_is_refused():
    images = top_images(UNITS, 2)
    images.loc[3, "thumbnail"] = b"\x89PNG\r\n\x1a\n0000"
    with pytest.raises(InputError, match="unit 1, rank 2, is not WebP"):
        page_of(images=images)


@pytest.mark.parametrize(
    "address", ["https://example.org/", "//example.org", "/conv4.html", "javascript:alert(1)"]
)
def test_addresses_that_are_not_relative_are_refused(address):
    with pytest.raises(InputError, match="layer conv4 needs a relative address"):
        page_of(layers=[("conv4", address)])
