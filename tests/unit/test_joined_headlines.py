"""Headline numbers of joined results, their sentence, and the report's first page."""

import base64
import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from docutils.core import publish_parts

from anatomy.closing_words import closing_words
from anatomy.front_page import front_page
from anatomy.joined.headlines import (
    cluster_circuit_headlines,
    concept_lesion_headlines,
    concept_vector_headlines,
    enrichment_headlines,
)
from anatomy.summary import joined_rows, table
from anatomy.tables import CLUSTER_CIRCUITS, CONCEPT_LESIONS, CONCEPT_VECTORS, ENRICHMENT


def by_name(headlines):
    found = list(headlines)
    assert len({(measure, group) for measure, group, *_ in found}) == len(found)
    return {(measure, group): rest for measure, group, *rest in found}


def test_labelled_units_in_circuits_are_compared_circuit_by_circuit():
    own, random = [0.5, 0.6, 0.2, 0.9], [0.3, 0.2, 0.1, 0.5]
    names = [*("dog", "cat", "car", "cup")]
    every = pd.DataFrame({"category": names, "kept_fraction": own, "random_kept_fraction": random})
    every = every.assign(layer="conv5", concept="all", concept_category="all", q_value=0.01)
    others = every.assign(concept="wheel", concept_category="part", q_value=[0.2, 0.3, 0.04, 1.0])
    third = every.assign(concept="ear", concept_category="part", q_value=0.9)
    rows = pd.concat([every, others, third]).reindex(columns=list(ENRICHMENT))
    found = by_name(enrichment_headlines(rows))
    estimate, null, p_value = found["kept_fraction_of_detectors", "conv5"]
    assert estimate.value == pytest.approx(np.mean(own))
    assert estimate.n == 4
    assert null == pytest.approx(np.mean(random))
    expected = scipy.stats.wilcoxon(own, random, alternative="greater").pvalue
    assert p_value == pytest.approx(expected)
    share, _, _ = found["concepts_in_circuits", "conv5"]
    assert (share.value, share.n) == (0.5, 2)


def lesion(concept, category, loss, random, q_value, **more):
    row = {"layer": "conv5", "concept": concept, "concept_category": "object"}
    row |= {
        "category": category,
        "images": 30,
        "loss": loss,
        "random_loss": random,
        "compared_loss": loss,
    }
    return row | {"low": loss - 0.1, "high": loss + 0.1, "q_value": q_value} | more


def lesions():
    rows = [
        lesion("car", "car", 0.7, 0.02, 0.04),
        lesion("car", "dog", 0.0, 0.01, 1.0),
        lesion("sky", "car", 0.8, 0.79, 0.9),
        lesion("sky", "dog", 0.1, 0.0, 0.3),
    ]
    return pd.DataFrame(rows).reindex(columns=list(CONCEPT_LESIONS))


def test_the_largest_loss_is_that_beyond_matched_units():
    found = by_name(concept_lesion_headlines(lesions()))
    estimate, null, q_value = found["largest_concept_loss", "conv5: car → car"]
    assert (estimate.value, estimate.n, null, q_value) == (0.7, 30, 0.02, 0.04)
    share, _, _ = found["concepts_needed", "conv5"]
    assert (share.value, share.n) == (0.5, 2)


def test_the_sentence_says_what_the_units_of_a_concept_are_good_for():
    rows = joined_rows(concept_lesion_headlines(lesions()))
    made = table([{"network": "small", "method": "joined"} | row for row in rows])
    assert closing_words(made).strip().splitlines()[-1].strip() == (
        "silencing the units of conv5 that detect 'car' costs 70% of car images "
        "(units like them: 2%; q = 0.04)"
    )


def test_the_sentence_is_left_out_where_chance_would_do():
    rows = joined_rows(concept_lesion_headlines(lesions().assign(q_value=0.2)))
    made = table([{"network": "small", "method": "joined"} | row for row in rows])
    assert closing_words(made).strip() == "small"


def test_own_circuits_are_compared_with_others_and_random_lesions_alike():
    rows = pd.DataFrame(
        {
            "cluster_of": "animate",
            "super_category": ["animate", "animate", "thing", "thing"],
            "loss": [0.8, 0.6, 0.1, 0.3],
            "random_loss": [0.2, 0.4, 0.2, 0.2],
        }
    ).reindex(columns=list(CLUSTER_CIRCUITS))
    found = by_name(cluster_circuit_headlines(rows))
    estimate, null, p_value = found["cluster_circuit_difference", "animate"]
    assert estimate.value == pytest.approx(0.5)
    assert null == pytest.approx(0.1)
    # 2 of 4 circuits are animate: 6 ways, of which one is as large
    assert p_value == pytest.approx(1 / 6, abs=0.02)


def test_without_random_lesions_there_is_no_null():
    rows = pd.DataFrame(
        {"cluster_of": "a", "super_category": ["a", "b"], "loss": [0.5, 0.1]}
    ).reindex(columns=list(CLUSTER_CIRCUITS))
    _, null, _ = by_name(cluster_circuit_headlines(rows))["cluster_circuit_difference", "a"]
    assert np.isnan(null)


def test_scores_of_concept_vectors_are_those_of_own_images():
    rows = [
        {"layer": layer, "super_category": group, "images_of": shown, "score": score, "sets": 5}
        | {"low": score - 0.1, "high": score + 0.1, "random_score": 0.5, "q_value": 0.03}
        for layer, group, shown, score in (
            ("conv1", "animate", "animate", 0.7),
            ("conv1", "animate", "thing", 0.2),
            ("fc7", "animate", "animate", 0.9),
        )
    ]
    found = by_name(
        concept_vector_headlines(pd.DataFrame(rows).reindex(columns=list(CONCEPT_VECTORS)))
    )
    assert {key: own[0].value for key, own in found.items()} == {
        ("tcav_score_animate", "conv1"): 0.7,
        ("tcav_score_animate", "fc7"): 0.9,
    }


def test_the_first_page_holds_every_network_and_the_picture(tmp_path):
    picture = np.random.default_rng(0).bytes(300_000)
    rows = [
        {"network": name, "method": "network", "measure": "top1", "group": "all", "value": value}
        | {"null_value": 0.1}
        for name, value in (("one", 0.9), ("two_*odd*", 0.2))
    ]
    page = tmp_path / "front_page.rst"
    page.write_text(front_page(pd.DataFrame(rows), picture), encoding="utf-8")
    settings = {"halt_level": 2, "report_level": 2}
    html = publish_parts(f".. include:: {page}", writer="html", settings_overrides=settings)["body"]
    assert "recognises 90.0% of new images" in html
    assert "two_*odd*" in html
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(encoded) == picture
