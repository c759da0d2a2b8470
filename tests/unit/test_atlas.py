"""The atlas: every category and unit has a page with what was measured, all links lead somewhere, and names cannot
break a page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from page_tree import Element, Parser
from planted_atlas import (
    CATEGORIES,
    CONCEPT,
    DISSECTED,
    EVERYTHING,
    IMAGES,
    LAYERS,
    NAMES,
    NASTY,
    NETWORK,
    make,
    units,
)

from anatomy.atlas.places import OVERVIEW, category_slugs, layer_slugs, slug, unit_slug
from anatomy.atlas.tables import SOURCES
from anatomy.figures.style import super_category_colors

ROOT = Path(__file__).parents[2]
CIRCUITS = ("circuits", "sweep", "controls", "overlap", "drawn_units", "drawn_connections")
# source -> heading of the part of a page that is gone without it
HEADINGS = {
    "controls": "Is it the circuit?",
    "sweep": "How much can be pruned?",
    "overlap": "Circuits that share most weights",
    "drawn_units": "Circuit",
    "cluster_losses": "Clusters of neurons whose loss hurts",
    "knockout_areas": "Knock-outs, layer by layer",
    "concept_lesions": "Concepts whose loss hurts most",
    "unit_lesions": "What its lesion costs",
    "circuit_units": "Circuits that use it",
    "dissected": "Concept",
    "top_images": "Images it responds to most",
    "interventions": "Labelled parts that it needs",
}


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whole"))


def read(page: Path) -> Element:
    return Parser(page.read_text(encoding="utf-8")).page


def everything(element: Element) -> Iterator[Element]:
    yield element
    for child in element.children:
        yield from everything(child)


def addresses(page: Path) -> Iterator[str]:
    for element in everything(read(page)):
        for name in ("href", "src"):
            if name in element.attributes:
                yield element.attributes[name]


def dead_links(folder: Path) -> list[tuple[str, str]]:
    """(page, address) of what leads nowhere."""
    dead = []
    for page in folder.rglob("*.html"):
        for address in addresses(page):
            file, _, place = unquote(address).partition("#")
            target = (page.parent / file).resolve() if file else page
            if file.endswith(OVERVIEW) and target == folder.parents[1] / "atlas.html":
                continue  # made by another job
            if not target.is_file() or (place and f'id="{place}"' not in target.read_text("utf-8")):
                dead.append((page.name, address))
    return dead


def part(page: Element, heading: str) -> Element:
    """The section with a heading."""
    (found,) = (own for own in page.all("section") if own.all("h2")[0].text.strip() == heading)
    return found


def headings(folder: Path) -> set[str]:
    pages = folder.rglob("*.html")
    return {own.text for page in pages for own in read(page).all("h2")}


def rows(section: Element) -> list[tuple[str, str]]:
    """Label and number of each bar."""
    bodies = section.all("tbody")
    lines = [line for body in bodies for line in body.all("tr")]
    return [(line.one("th").text.strip(), line.all("td")[-1].text.strip()) for line in lines]


def category_page(folder: Path, category: str) -> Element:
    return read(folder / f"categories/{category_slugs(NAMES)[category]}.html")


def unit_page(folder: Path, layer: str, unit: int) -> Element:
    return read(folder / f"units/{unit_slug(layer_slugs(LAYERS)[layer], unit)}.html")


def test_every_category_layer_and_unit_has_a_page(atlas):
    assert len(list(atlas.glob("categories/*.html"))) == len(CATEGORIES)
    assert len(list(atlas.glob("layers/*.html"))) == len(LAYERS)
    pages = {page.name for page in atlas.glob("units/*.html")}
    assert len(pages) == len(units())
    assert {"conv1_0000.html", "conv1_0003.html", "fc_0001.html"} <= pages


def test_all_links_lead_somewhere(atlas):
    assert dead_links(atlas) == []


def test_everything_is_reached_from_the_first_page(atlas):
    seen, waiting = set(), [atlas / "index.html"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        links = [(page.parent / to.split("#")[0]).resolve() for to in addresses(page)]
        waiting += [link for link in links if link.suffix == ".html" and link.is_file()]
    assert seen == set(atlas.rglob("*.html"))


def test_all_pictures_are_shown_and_read_late(atlas):
    shown = set()
    for page in atlas.rglob("*.html"):
        tree = read(page)
        shown |= {(page.parent / to).resolve() for to in addresses(page)}
        assert all(image.attributes["loading"] == "lazy" for image in tree.all("img"))
    assert set((atlas / "pictures").rglob("*.*")) - shown == set()


def test_files_have_names_for_every_disk(atlas):
    files = [path.relative_to(atlas).as_posix() for path in atlas.rglob("*")]
    assert [name for name in files if not re.fullmatch(r"[A-Za-z0-9._/-]+", name)] == []
    assert len({name.casefold() for name in files}) == len(files)


def test_no_name_becomes_part_of_a_page(atlas):
    for page in atlas.rglob("*.html"):
        tree = read(page)
        assert [script.text for script in tree.all("script")] == ["", ""], page
        for element in everything(tree):
            assert not any(name.startswith("on") or name == "style" for name in element.attributes)
    index = read(atlas / "index.html")
    assert index.one("h1").text == NETWORK
    assert category_page(atlas, NASTY).one("h1").text == f"nasty {NASTY} ({NASTY})"
    assert CONCEPT in unit_page(atlas, "conv1", 1).text


def test_nothing_comes_from_elsewhere(atlas):
    for page in [*atlas.rglob("*.html"), *atlas.glob("shared/*")]:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"https?:|url\(|@import|fetch\(|XMLHttp", text) == []


def test_categories_are_cards_with_an_example_in_groups(atlas):
    index = read(atlas / "index.html")
    cards = index.all("ul", "cards")
    groups = super_category_colors(group for _, group in CATEGORIES.values())
    wanted = [[n for n, g in CATEGORIES.values() if g == group] for group in groups]
    assert [[card.one("b").text for card in own.all("li")] for own in cards] == wanted
    assert all("pictures/categories/" in own.all("img")[0].attributes["src"] for own in cards)
    assert "10.0\u00a0% of weights" in cards[0].text


def test_a_category_says_its_numbers_beside_their_null(atlas):
    page = category_page(atlas, "007")  # the third of the categories
    values = {d.one("dt").text: d.one("dd").text for d in page.one("dl", "stats").all("div")}
    assert values["of the weights kept"] == "30.0\u00a0%"
    assert values["CSA of the circuit, new images"] == "0.820 constant output 0.250"
    assert values["CSA of the unpruned unit"] == "0.900"
    assert len(page.one("p", "images").all("img")) == IMAGES


def test_a_category_without_a_circuit_says_why(atlas):
    page = category_page(atlas, NAMES[-1])
    assert "There is no circuit: unpruned CSA not above 0." in page.text
    assert "Is it the circuit?" not in page.text


def test_controls_stand_before_the_constant_unit(atlas):
    bars = part(category_page(atlas, "dog"), "Is it the circuit?")
    shown = dict(rows(bars))
    assert shown["the circuit"] == "0.800"
    assert shown["as many random weights"] == "0.300"
    nulls = [bar for bar in bars.all("rect") if bar.attributes["class"] == "null"]
    # the scale ends at the largest, .9
    assert {bar.attributes["width"] for bar in nulls} == {"27.78"}


def test_the_pruning_curve_is_that_of_the_circuit_s_threshold(atlas):
    """At 1 % it has a faithfulness of .9 * .01 ** .1 = .568; at the other threshold .315."""
    chart = part(category_page(atlas, "dog"), "How much can be pruned?").one("svg", "chart")
    lines = chart.all("polyline")
    assert len(lines) == 2
    for line in lines:
        places = [tuple(map(float, p.split(","))) for p in line.attributes["points"].split()]
        assert len(places) == 4
        assert places[0][0] > places[-1][0]  # the fewest weights at the right
        top, bottom = 14, 250 - 46
        shown = 1.25 - 1.5 * (places[0][1] - top) / (bottom - top)
        assert shown == pytest.approx(0.9 * 0.01**0.1, abs=0.005)


def test_circuits_that_share_most_come_first_with_chance(atlas):
    found = part(category_page(atlas, "dog"), "Circuits that share most weights")
    names = [CATEGORIES[name][0] for name in NAMES[1:-1]]
    numbers = ["0.500", "0.333", "0.250", "0.200"]
    wanted = [(n, f"{v} chance 0.050") for n, v in zip(names, numbers, strict=True)]
    assert rows(found) == wanted
    last = part(category_page(atlas, NAMES[-2]), "Circuits that share most weights")
    assert [name for name, _ in rows(last)] == [CATEGORIES[n][0] for n in NAMES[-3::-1]]


def test_units_and_concepts_whose_loss_hurts_most_come_first(atlas):
    page = category_page(atlas, NASTY)
    tiles = part(page, "Units whose loss hurts most").all("li")
    assert tiles[0].one("b").text == "block.2.conv 2"
    assert tiles[0].text.endswith("loss 40.0\u00a0%output 0.5")
    concepts = rows(part(page, "Concepts whose loss hurts most"))
    assert [(name.split()[0], value) for name, value in concepts] == [
        ("every", "33.0\u00a0% q < 0.001"),
        ("window", "22.0\u00a0% q < 0.001"),
        ("wheel", "11.0\u00a0% q < 0.001"),
    ]
    # a category that loses no image
    spared = category_page(atlas, "dog")
    assert "None of 3 concepts costs it an image." in spared.text


def test_clusters_are_those_of_neurons_and_of_this_category(atlas):
    found = rows(part(category_page(atlas, "nan"), "Clusters of neurons whose loss hurts"))
    assert found == [
        ("cluster 2 of 3 Ward", "55.0\u00a0%"),
        ("cluster 1 of 3 Ward", "15.0\u00a0%"),
    ]


def test_knock_outs_say_where_half_is_lost(atlas):
    found = part(category_page(atlas, "nan"), "Knock-outs, layer by layer")
    dash = "\N{EN DASH} never half lost"
    assert rows(found) == [("conv1", "62.5\u00a0%"), ("fc", dash)]
    assert found.all("h3")[0].text == "Nodes (whole units), set to zero"


def test_the_units_of_a_drawn_circuit_lead_to_their_pages(atlas):
    drawn = part(category_page(atlas, "dog"), "Circuit").one("svg", "circuit")
    links = [link.attributes["href"] for link in drawn.all("a")]
    assert {"../units/conv1_0001.html", "../units/fc_0000.html"} <= set(links)
    assert len(drawn.all("path")) == 2
    assert len({line.attributes["stroke"] for line in drawn.all("path")}) == 2


def test_a_unit_s_lesion_is_shown_category_by_category(atlas):
    bars = rows(part(unit_page(atlas, "block.2.conv", 2), "What its lesion costs"))
    assert bars[0] == (CATEGORIES[NASTY][0], "40.0\u00a0%")
    assert [value for _, value in bars[1:]] == [
        "4.0\u00a0%",
        "2.0\u00a0%",
        "1.0\u00a0%",
        "0\u00a0%",
        "\N{MINUS SIGN}1.0\u00a0%",
    ]


def test_circuits_that_use_a_unit_come_with_their_share(atlas):
    page = unit_page(atlas, "fc", 1)
    bars = rows(part(page, "Circuits that use it"))
    names = [CATEGORIES[name][0] for name in NAMES[-2::-1]]
    shares = [f"{share}.0\u00a0%" for share in (50, 40, 30, 20, 10)]
    assert bars == list(zip(names, shares, strict=True))
    assert "5 of 5" in page.one("dl", "stats").text
    unused = unit_page(atlas, "conv1", 3)
    assert "Circuits that use it" not in unused.text
    assert "0 of 5" in unused.one("dl", "stats").text


def test_a_unit_shows_its_concept_and_its_images_in_order(atlas):
    page = unit_page(atlas, "conv1", 1)
    assert "IoU 0.321 [0.289, 0.353]" in " ".join(part(page, "Concept").text.split())
    assert page.one("p", "lead").text == f"detects {CONCEPT}"
    assert unit_page(atlas, "conv1", 2).one("p", "lead").text == f"closest to {CONCEPT}"
    images = part(page, "Images it responds to most").all("img")
    said = [image.attributes["alt"] for image in images]
    assert said == [f"{n}: {NASTY}, response {20 - n}" for n in (1, 2, 3)]


def test_a_unit_s_needed_parts_are_shares_of_its_response(atlas):
    bars = rows(part(unit_page(atlas, "conv1", 1), "Labelled parts that it needs"))
    assert bars == [(CONCEPT, "50.0\u00a0% q < 0.001")]


def test_units_lead_to_their_neighbours_and_their_layer(atlas):
    page = unit_page(atlas, "conv1", 1)
    beside = [link.attributes["href"] for link in page.one("p", "beside").all("a")]
    assert beside == ["../units/conv1_0000.html", "../units/conv1_0002.html"]
    assert "../layers/conv1.html" in [a.attributes["href"] for a in page.all("a")]
    first = unit_page(atlas, "conv1", 0).one("p", "beside").all("a")
    assert [link.text for link in first] == ["conv1 1"]


def test_concepts_have_their_units_the_best_first(atlas):
    page = read(atlas / "concepts.html")
    (section,) = page.all("section")
    said = f"Without its units in conv1 is lost: {CATEGORIES[NASTY][0]} 11.0\u00a0%, 007 11.0"
    assert said in section.one("p", "note").text
    found = [tile.one("b").text for tile in section.all("li")]
    assert found[:2] == ["conv1 1", "block.2.conv 1"]
    assert len(found) == sum(LAYERS[layer] - 1 for layer in DISSECTED)


def test_all_can_be_found(atlas):
    text = (atlas / "shared/contents.js").read_text(encoding="utf-8")
    assert text.isascii()
    entries = json.loads(text.removeprefix("const CONTENTS = ").removesuffix(";\n"))
    found = {(kind, name): further for kind, name, further, *_ in entries}
    assert len(entries) == len(found) == len(CATEGORIES) + 1 + len(LAYERS) + len(units())
    assert found["unit", "conv1 1"] == CONCEPT
    assert found["category", "con"] == f"odd {NASTY}, ../CON"
    assert found["concept", CONCEPT] == "5 units"
    for *_, address, picture in entries:
        assert (atlas / address.split("#")[0]).is_file()
        assert not picture or (atlas / picture).is_file()


@pytest.mark.parametrize("absent", EVERYTHING)
def test_a_table_may_be_absent(absent, tmp_path, atlas):
    folder = make(tmp_path, [name for name in EVERYTHING if name != absent])
    assert dead_links(folder) == []
    gone = headings(atlas) - headings(folder)
    wanted = {HEADINGS[absent]} if absent in HEADINGS else set()
    if absent == "circuits":  # the threshold of the curve is that of the circuit
        wanted = {HEADINGS["sweep"]}
    if absent == "unit_lesions":
        wanted |= {"Units whose loss hurts most"}
    if absent == "dissected":
        wanted = {name for name in gone if CONCEPT in name or name == "Concept"}
        assert len(wanted) == 2
    assert gone == wanted


def test_without_any_table_there_are_categories_alone(tmp_path):
    folder = make(tmp_path, [])
    assert {page.name for page in folder.glob("*.html")} == {"index.html"}
    assert headings(folder) == {"Categories"}
    assert not (folder / "units").exists()
    assert dead_links(folder) == []


def test_no_part_of_a_page_is_empty(tmp_path):
    for number, sources in enumerate(([], CIRCUITS, ("dissected", "top_images"), ("circuits",))):
        folder = make(tmp_path / str(number), sources)
        for page in folder.rglob("*.html"):
            for section in read(page).all("section"):
                holding = ("table", "svg", "img", "li")
                assert any(section.all(tag) for tag in holding), (page, section.text)


def test_the_same_tables_give_the_same_files(tmp_path, atlas):
    again = make(tmp_path)
    files = {path.relative_to(atlas): path.read_bytes() for path in atlas.rglob("*.*")}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*.*")}


def test_the_rule_hands_every_source_over():
    text = (ROOT / "workflow/rules/atlas.smk").read_text("utf-8")
    for name in (*SOURCES, "stimuli", "top_images", "features", "filters"):
        assert f'{name}=lambda wildcards: PLAN.of_atlas(wildcards.network, "{name}")' in text
        assert f"--{name.replace('_', '-')} {{input.{name}}}" in text


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dog", "dog"),
        ("../../etc/passwd", "etc-passwd"),
        ("Caf\u00e9 au lait", "Cafe-au-lait"),
        ("\u540d\u524d", ""),
        ("a" * 300, "a" * 40),
        (".hidden", "hidden"),
    ],
)
def test_names_for_files(name, found):
    assert slug(name, kept=".") == found


def test_layers_that_would_share_a_name_are_numbered():
    slugs = layer_slugs(["Conv", "conv", "a.b", "a b", "a-b", "\u540d"])
    assert slugs["a.b"] == "a.b"
    assert len({name.casefold() for name in slugs.values()}) == 6
