"""Which units circuits use: by hand on a small network, and a planted preference is found."""

import numpy as np
import pandas as pd
import torch
from small import network_of, new

from anatomy.joined.circuit_units import kept_of_units
from anatomy.joined.enrichment import COLUMNS, detector_preference, enrichment
from anatomy.joined.labels import ANY, ConceptUnits
from anatomy.matched_units import MatchedUnits
from anatomy.tables import CIRCUIT_UNIT_SHARES, ENRICHMENT

UNITS, CIRCUITS = 40, ["dog", "cat", "car", "cup"]


def masks_of(network):
    return {
        layer.name: torch.zeros(tuple(layer.weight_shape), dtype=torch.bool)
        for layer in network.layers
    }


def test_the_use_of_a_unit_is_the_share_of_its_weights_on_paths():
    network = network_of(new("perceptron"))
    masks = masks_of(network)
    inputs = masks["fc1"].shape[1]
    masks["fc1"][0, :48] = True
    masks["fc1"][1, :96] = True
    masks["fc1"][2, :] = True
    # unit 2 leads nowhere, and unit 3 leads on but has no weights
    masks["fc2"][4, [0, 1, 3]] = True
    masks["fc2"][2, 2] = True
    found = kept_of_units(network, masks, network.categories[4])
    assert list(found) == [c for c in CIRCUIT_UNIT_SHARES if c in found]
    assert (found["layer"] == "fc1").all()
    expected = np.zeros(10)
    expected[:2] = 48 / inputs, 96 / inputs
    np.testing.assert_allclose(found["kept_fraction"], expected, rtol=1e-6)


def test_a_network_that_keeps_everything_uses_all_of_every_unit():
    network = network_of(new("alexnet"))
    found = kept_of_units(network, {k: ~m for k, m in masks_of(network).items()}, "dog")
    assert (found["kept_fraction"] == 1).all()
    assert list(found["layer"].unique()) == ["conv1", "conv2", "fc3", "fc4"]


def kept_table(random, planted_in=None, units=()):
    values = random.random((len(CIRCUITS), UNITS)) * 0.5
    if planted_in is not None:
        values[CIRCUITS.index(planted_in), list(units)] += 0.6
    index = pd.MultiIndex.from_tuples(
        [(name, "animate" if name in ("dog", "cat") else "thing") for name in CIRCUITS],
        names=["category", "super_category"],
    )
    return pd.DataFrame(values, index=index)


def concepts():
    return [
        ConceptUnits("ear", "part", np.array([1, 7, 20])),
        ConceptUnits("wheel", "part", np.array([2, 9, 30, 31])),
        ConceptUnits("sky", "scene", np.array([5, 6])),
    ]


def test_a_circuit_that_keeps_a_concepts_units_is_found():
    random = np.random.default_rng(0)
    kept = kept_table(random, "car", [2, 9, 30, 31])
    matched = MatchedUnits(random.random(UNITS), 2)
    table = enrichment("conv5", kept, concepts(), matched, 500, (0, "test"))
    assert list(table) == list(COLUMNS) == list(ENRICHMENT)
    found = table[(table["q_value"] < 0.05) & (table["concept"] != ANY)]
    assert [(row.concept, row.category) for row in found.itertuples()] == [("wheel", "car")]
    row = found.iloc[0]
    np.testing.assert_allclose(row["kept_fraction"], kept.loc["car"][[2, 9, 30, 31]].mean(axis=1))
    assert row["random_high"] < row["kept_fraction"]
    assert row["super_category"] == "thing"
    every = detector_preference(table)
    assert (every["concept"] == ANY).all()
    assert (every["units"] == 9).all()


def test_circuits_that_keep_strong_units_whatever_they_detect_are_not():
    """Kept fraction follows the mean response; matched within strata, a concept of strong units does not stand out."""
    means = np.arange(UNITS, dtype=float)
    random = np.random.default_rng(1)
    kept = kept_table(random)
    kept.iloc[:, :] = means / UNITS + random.normal(0, 0.05, (len(CIRCUITS), UNITS))
    strong = [ConceptUnits("strong", "object", np.arange(34, 38))]
    unmatched = enrichment("conv5", kept, strong, MatchedUnits(means, 1), 500, (0,))
    matched = enrichment("conv5", kept, strong, MatchedUnits(means, 4), 500, (0,))
    assert (unmatched["p_value"] < 0.05).all()
    assert (matched["p_value"] > 0.05).all()


def test_without_an_effect_p_values_are_uniform():
    matched = MatchedUnits(np.arange(UNITS) % 7, 2)
    below = []
    for seed in range(60):
        kept = kept_table(np.random.default_rng(seed))
        table = enrichment("conv5", kept, concepts()[:1], matched, 300, (seed,))
        below += list(table[table["concept"] == "ear"]["p_value"] < 0.2)
    share = np.mean(below)
    assert abs(share - 0.2) < 4 * np.sqrt(0.2 * 0.8 / len(below))


def test_a_layer_without_detectors_has_no_rows():
    table = enrichment(
        "conv5", kept_table(np.random.default_rng(0)), [], MatchedUnits(np.zeros(UNITS), 4), 10, ()
    )
    assert table.empty
    assert list(table) == list(COLUMNS)
