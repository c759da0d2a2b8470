"""The page of all atlases has the networks side by side, with their headline numbers and what these stand against."""

import re

import numpy as np
import pandas as pd
import pytest
from page_tree import Element, Parser

from anatomy.atlas.overview import overview

NASTY = "<b>&\"'"
NETWORKS = ["trained", NASTY]
COLUMNS = ["network", "method", "measure", "group", "value", "low", "high", "null_value"]
SUMMARY = pd.DataFrame(
    [
        ("trained", "network", "top1", "all", 0.9, 0.85, 0.95, 0.1),
        ("trained", "network", "top1", "animate", 0.99, 0.9, 1.0, 0.1),
        (NASTY, "network", "top1", "all", 0.125, 0.1, 0.15, 0.1),
        ("trained", "circuits", "kept_fraction", "all", 0.05, np.nan, np.nan, np.nan),
        ("trained", "dissection", "detector_share", "conv1", 0.2, 0.1, 0.3, 0.15),
        ("trained", "dissection", "detector_share", NASTY, 0.4, 0.3, 0.5, np.nan),
        ("elsewhere", "network", "top1", "all", 0.77, 0.7, 0.8, 0.1),
    ],
    columns=COLUMNS,
)


@pytest.fixture(scope="module")
def page() -> Element:
    return Parser(overview(NETWORKS, SUMMARY)).page


def cells(page: Element) -> dict[str, list[str]]:
    """Measure -> what stands in its row."""
    lines = [line for body in page.all("tbody") for line in body.all("tr")]
    return {
        line.one("th").text: [" ".join(cell.text.split()) for cell in line.all("td")]
        for line in lines
        if line.all("td")
    }


def test_networks_are_side_by_side(page):
    assert cells(page) == {
        "Top-1 accuracy": ["90.0 % [85.0, 95.0], null 10.0 %", "12.5 % [10.0, 15.0], null 10.0 %"],
        "Weights kept": ["5.0 %", "\N{EN DASH}"],
        "Units that detect a concept, of each layer": [
            f"40.0 % {NASTY}, [30.0, 50.0]",
            "\N{EN DASH}",
        ],
    }


def test_each_name_leads_to_its_atlas(page):
    links = {link.text: link.attributes["href"] for link in page.one("thead").all("a")}
    assert links == {name: f"{name}/atlas/index.html" for name in NETWORKS}


def test_names_are_escaped_and_nothing_comes_from_elsewhere(page):
    text = overview(NETWORKS, SUMMARY)
    assert re.findall(r"https?:|url\(|@import|<script", text) == []
    assert {bold.text for bold in page.all("b")} == {
        "90.0\u00a0%",
        "12.5\u00a0%",
        "5.0\u00a0%",
        "40.0\u00a0%",
    }


def test_methods_that_no_network_has_are_left_out(page):
    found = [body.all("th")[0].text for body in page.all("tbody")]
    assert found == ["Intact network", "Category circuits", "Network dissection"]
