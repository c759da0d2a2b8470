"""Figures of joined results show the planted numbers."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from anatomy.figures.cluster_circuits import NO_CLUSTERS, lesioned_circuits
from anatomy.figures.concept_cells import (
    MOST_CATEGORIES,
    NO_DETECTORS,
    concept_losses,
    enriched_concepts,
)
from anatomy.figures.concept_vectors import concept_vector_profile
from anatomy.figures.style import NULL
from anatomy.tables import CLUSTER_CIRCUITS, CONCEPT_LESIONS, CONCEPT_VECTORS, ENRICHMENT

NAMES = {"dog": "dog", "car": "motor car", "cup": "cup"}
GROUPS = {"dog": "animate", "car": "inanimate", "cup": "inanimate"}
CONCEPTS = {"wheel": "part", "sky-s": "scene"}
LOSSES = {("wheel", "car"): 0.7, ("sky-s", "dog"): 0.2}


def drawn(figure: Figure) -> None:
    """Every figure can be drawn."""
    figure.savefig(io.BytesIO(), dpi=30)


def texts(figure: Figure) -> str:
    found = [text.get_text() for text in figure.texts]
    found += [figure.get_suptitle()]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
        found += [axes.get_title("left")]
        found += [label.get_text() for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]]
    return "\n".join(found)


def concept_rows(value, layers=("conv5",), names=None):
    return pd.DataFrame(
        [
            {"layer": layer, "concept": concept, "concept_category": kind, "units": 3}
            | {"category": category, "super_category": group}
            | {value: LOSSES.get((concept, category), 0.0), f"random_{value}": 0.05}
            | {"compared_loss": LOSSES.get((concept, category), 0.0)}
            | {"random_low": 0.0, "random_high": 0.1, "low": 0.5, "high": 0.8}
            | {"p_value": 0.01, "q_value": 0.01 if (concept, category) in LOSSES else 0.9}
            for layer in layers
            for concept, kind in CONCEPTS.items()
            for category, group in (names or GROUPS).items()
        ]
    )


def cells(figure: Figure) -> Axes:
    return next(axes for axes in figure.axes if axes.images)


@pytest.mark.parametrize(
    ("draw", "value", "columns"),
    [
        (concept_losses, "loss", CONCEPT_LESIONS),
        (enriched_concepts, "kept_fraction", ENRICHMENT),
    ],
)
def test_cells_hold_what_exceeds_matched_units(draw, value, columns):
    table = concept_rows(value).reindex(columns=list(columns))
    figure = draw(table, NAMES)
    drawn(figure)
    map_ = cells(figure)
    values = map_.images[0].get_array()
    rows = [label.get_text() for label in map_.get_yticklabels()]
    heads = [label.get_text() for label in map_.get_xticklabels()]
    assert heads == ["wheel (3)", "sky (3)"]
    assert rows[0] == "dog"
    for (concept, category), number in LOSSES.items():
        place = rows.index(NAMES[category]), list(CONCEPTS).index(concept)
        assert values[place] == pytest.approx(number - 0.05)
    low, high = map_.images[0].get_clim()
    assert low == -high
    marks = [line for line in map_.get_lines() if line.get_marker() == "o"]
    assert len(marks) == len(LOSSES)
    assert "wheel → motor car" in texts(figure)


def test_rows_of_all_detectors_are_left_out():
    table = concept_rows("kept_fraction").reindex(columns=list(ENRICHMENT))
    every = table[:3].assign(concept="all", concept_category="all", kept_fraction=1.0)
    figure = enriched_concepts(pd.concat([table, every]), NAMES)
    assert "all (" not in texts(figure)


def test_several_layers_are_named():
    table = concept_rows("loss", layers=("conv4", "conv5")).reindex(columns=list(CONCEPT_LESIONS))
    figure = concept_losses(table, NAMES)
    drawn(figure)
    assert "conv4: wheel (3)" in texts(figure)


def test_of_many_categories_those_with_the_largest_values_are_shown():
    many = {f"c{number}": "animate" for number in range(60)} | {"car": "inanimate"}
    table = concept_rows("loss", names=many).reindex(columns=list(CONCEPT_LESIONS))
    figure = concept_losses(table, {name: name for name in many})
    drawn(figure)
    labels = [label.get_text() for label in cells(figure).get_yticklabels()]
    assert len(labels) == MOST_CATEGORIES
    assert "car" in labels


@pytest.mark.parametrize("draw", [concept_losses, enriched_concepts])
def test_without_detectors_the_figure_says_so(draw):
    figure = draw(pd.DataFrame(columns=list(CONCEPT_LESIONS | ENRICHMENT)), NAMES)
    drawn(figure)
    assert NO_DETECTORS in texts(figure)


def circuit_table(random: bool):
    table = pd.DataFrame(
        [
            {"cluster_of": kind, "neurons": 1200, "category": name, "super_category": group}
            | {"loss": 0.6 if kind == group else 0.1, "loss_unpruned": 0.3}
            | {"random_loss": 0.2, "random_low": 0.1, "random_high": 0.4}
            for kind in ("animate", "inanimate")
            for name, group in {**GROUPS, "cat": "animate"}.items()
        ]
    ).reindex(columns=list(CLUSTER_CIRCUITS))
    return (
        table if random else table.assign(random_loss=np.nan, random_low=np.nan, random_high=np.nan)
    )


@pytest.mark.parametrize("random", [True, False])
def test_every_circuit_has_its_loss_and_the_title_the_difference(random):
    figure = lesioned_circuits(circuit_table(random), NAMES | {"cat": "cat"})
    drawn(figure)
    first = figure.axes[0]
    marks = {
        (float(x), to_hex(line.get_color()))
        for line in first.get_lines()
        if line.get_marker() == "o"
        for x in line.get_xdata()
    }
    assert marks == {(0.6, "#b5482a"), (0.1, "#2a6496")}
    assert "own circuits lose 50 points more" in texts(figure)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("random lesions" in text for text in legend) is random


def test_without_clusters_the_figure_says_so():
    figure = lesioned_circuits(pd.DataFrame(columns=list(CLUSTER_CIRCUITS)), NAMES)
    drawn(figure)
    assert NO_CLUSTERS in texts(figure)


def vectors():
    scores = {("animate", "animate"): 0.9, ("animate", "inanimate"): 0.4}
    return pd.DataFrame(
        [
            {"layer": layer, "super_category": group, "images_of": shown, "images": 20, "sets": 5}
            | {"score": scores.get((group, shown), 0.5), "low": 0.4, "high": 0.95}
            | {"random_score": 0.5, "random_low": 0.3, "random_high": 0.7}
            | {"q_value": 0.01 if (group, shown) == ("animate", "animate") else 0.6}
            for layer in ("conv1", "fc7")
            for group in ("animate", "inanimate")
            for shown in ("animate", "inanimate")
        ]
    ).reindex(columns=list(CONCEPT_VECTORS))


def lesion_tables():
    lesions = pd.DataFrame(
        [
            {"method": "ward", "chosen": True, "cluster": "1", "neurons": 900}
            | {"loss_animate": 0.7, "loss_inanimate": 0.2}
        ]
    )
    layers = pd.DataFrame(
        [
            {"method": "ward", "cluster": "1", "layer": layer, "loss_animate": loss}
            | {"loss_inanimate": 0.05}
            for layer, loss in (("conv1", 0.3), ("fc7", 0.1))
        ]
    )
    return layers, lesions


def test_scores_stand_above_losses_layer_by_layer():
    figure = concept_vector_profile(vectors(), *lesion_tables())
    drawn(figure)
    scores, _, losses, without = figure.axes
    lines = [line for line in scores.get_lines() if line.get_linestyle() == "-"]
    assert any(
        np.allclose(line.get_ydata(), [0.9, 0.9]) for line in lines if len(line.get_ydata()) == 2
    )
    grey = [bar for bar in scores.patches if to_hex(bar.get_facecolor()) == NULL]
    assert [(bar.get_y(), round(bar.get_height(), 6)) for bar in grey] == [(0.3, 0.4)] * 2
    heights = sorted(round(bar.get_height(), 6) for bar in losses.patches)
    assert heights == [0.05, 0.05, 0.1, 0.3]
    wholes = {line.get_ydata()[0] for line in losses.get_lines() if line.get_linestyle() == "--"}
    assert wholes == {0.7, 0.2}
    assert "No cluster" in without.get_title("left")


def test_where_no_clustering_was_chosen_scores_are_shown_alone():
    layers, lesions = lesion_tables()
    figure = concept_vector_profile(vectors(), layers, lesions.assign(chosen=False))
    drawn(figure)
    assert texts(figure).count("No cluster costs it more") == 2
