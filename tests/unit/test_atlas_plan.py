"""Each network's atlas is made from all that the configuration lets it have, and from nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from test_plan import edited, tiny

from anatomy.atlas.tables import SOURCES
from anatomy.atlas_plan import PARTS, TABLES, atlas_inputs
from anatomy.config.validation import validate
from anatomy.plan import Plan, make_plan

JOINED = {"circuit_units", "unit_lesions", "concept_lesions"}


def plan_of(raw: Mapping[str, Any]) -> Plan:
    return make_plan(validate(dict(raw)), plans_anew=False)


def inputs(plan: Plan, network: str) -> dict[str, list[str]]:
    return atlas_inputs(plan.configuration, plan.specs, network)


def test_the_plan_knows_every_source():
    pictures = {"stimuli", "top_images", "features", "filters"}
    assert {"stimuli", *TABLES, *PARTS} == {*SOURCES, *pictures}


def test_an_atlas_is_made_from_all_that_its_network_has():
    found = inputs(plan_of(tiny()), "small")
    assert {name for name, files in found.items() if not files} <= JOINED
    assert found["stimuli"] == ["results/stimuli/seen.json"]
    assert found["circuits"] == ["results/small/circuits/summary.csv"]
    layers = ("conv1", "conv5")
    assert found["dissected"] == [f"results/small/dissection/{one}/units.csv" for one in layers]
    outputs = ("conv1", "fc8")
    assert found["features"] == [f"results/small/features/{one}.parquet" for one in outputs]
    folder = "results/small/circuits/pictures"
    assert all(path.startswith(folder) for path in found["drawn_units"])


def test_what_a_network_lacks_is_no_input():
    """The untrained twin has circuits alone."""
    found = inputs(plan_of(tiny()), "untrained")
    lacking = {"dissected", "features", "filters", "cluster_losses", "knockout_areas"}
    assert not any(found[name] for name in lacking)
    assert found["circuits"] == ["results/untrained/circuits/summary.csv"]


@pytest.mark.parametrize("method", ["circuits", "dissection", "features", "knockouts"])
def test_a_method_that_is_taken_away_is_no_input(method):
    raw = {key: value for key, value in tiny().items() if key != "joined"}
    without = {key: value for key, value in raw.items() if key != method}
    before, after = inputs(plan_of(raw), "small"), inputs(plan_of(without), "small")
    circuits = {"circuits", "sweep", "controls", "overlap", "drawn_units", "drawn_connections"}
    gone = {
        "circuits": circuits,
        "dissection": {"dissected", "top_images"},
        "features": {"features", "filters"},
        "knockouts": {"knockout_areas"},
    }
    assert {name for name in before if before[name] and not after[name]} == gone[method]


def test_what_joins_methods_is_an_input_where_it_is_asked_for():
    raw = {key: value for key, value in tiny().items() if key != "joined"}
    assert not any(inputs(plan_of(raw), "small")[name] for name in JOINED)
    found = inputs(plan_of(raw | {"joined": {"stimuli": "seen"}}), "small")
    files = {name: f"results/small/joined/{name}.csv" for name in JOINED}
    files["circuit_units"] = "results/small/joined/circuit_units.parquet"
    assert {name: found[name] for name in JOINED} == {name: [file] for name, file in files.items()}


def test_every_network_has_an_atlas_and_all_share_a_page():
    assert plan_of(tiny()).targets()["atlas"] == [
        "results/small/atlas",
        "results/untrained/atlas",
        "results/atlas.html",
    ]


def test_an_atlas_knows_the_names_of_its_categories():
    spec = plan_of(tiny()).specs["atlas/small"]
    assert [row["category"] for row in spec["categories"]] == ["dog", "car", "cat"]
    assert spec["categories"][0] == {"category": "dog", "name": "dog", "super_category": "animate"}
    assert spec["minimum_iou"] == tiny()["dissection"].get("minimum_iou", 0.04)
    assert plan_of(edited(dissection__minimum_iou=0.1)).specs["atlas/small"]["minimum_iou"] == 0.1
    assert plan_of(tiny()).specs["atlas/untrained"]["minimum_iou"] is None
