"""Controls and score comparisons equal what a hand-zeroed network gives, and choose what they say they choose."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from small import (
    CATEGORIES,
    SUPER_CATEGORIES,
    linear_stage,
    magnitude_scores,
    network_of,
    random_scores,
    stimulus_set,
)
from test_circuits import MODELS_TRAINED, USUAL, hand_zeroed

from anatomy.circuit_controls import Controls
from anatomy.circuit_shard import Shard, sweep_rows
from anatomy.circuits import full_masks
from anatomy.mask_files import MaskFile, write_masks
from anatomy.output_units import EVALUATION, EXTRACTION, OutputUnits
from anatomy.recording import Recording, arrays_to_record, record
from anatomy.score_comparison import Variants, compare_scores
from anatomy.scores import score_weights
from anatomy.substitution_task import Task, evaluate
from anatomy.tables import CIRCUIT_SUMMARY, FOUND

WANTED = ("magnitude", "random", "other_same", "other_different", "circuit_removed")
THRESHOLDS = (0.8, 0.5)
IMAGES = {"scoring": 2, "extraction": 6, "evaluation": 8}


@dataclasses.dataclass
class World:
    """A small network with its recording, its circuits and their tables."""

    model: torch.nn.Module
    units: OutputUnits
    masks: MaskFile
    summary: pd.DataFrame
    controls: Controls


@pytest.fixture(scope="module", params=["alexnet", "squeeze"])
def world(request, tmp_path_factory):
    """All categories' circuits, by the library."""
    folder = tmp_path_factory.mktemp(request.param)
    model = MODELS_TRAINED[request.param]
    network, stimuli = network_of(model), stimulus_set(folder, images=IMAGES)
    linear = linear_stage(network)
    arrays = arrays_to_record(
        network, {s: [linear] for s in (EXTRACTION, EVALUATION)}, [], "float16"
    )
    files = folder / "recording.zarr", folder / "recording.json"
    record(network, stimuli, arrays, 16, *files)
    units = OutputUnits(network, stimuli, Recording(*files, network, stimuli), linear, 16)
    # a criterion that every unit of these untrained-looking networks meets
    settings = dataclasses.replace(USUAL, criterion="csa", thresholds=THRESHOLDS)
    shard, names, rows, masks = Shard(units, settings), [x.name for x in network.layers], [], {}
    for category in CATEGORIES:
        output = network.output(category)
        images = network.input(stimuli.images(stimuli.rows("scoring", [category])))
        scores = score_weights(network, images, output, "absolute_per_image", names)
        found = shard.extraction(category, scores)
        rows += shard.summary_rows(category, found)
        assert found is None or {row["threshold"] for row in sweep_rows(category, found)} == set(
            THRESHOLDS
        )
        masks[category] = full_masks(network, output, found.circuits[0] if found else None)
    frontier = pd.DataFrame(rows, columns=list(CIRCUIT_SUMMARY))
    summary = frontier[frontier["threshold"] == THRESHOLDS[0]].reset_index(drop=True)
    store = folder / "masks.zarr", folder / "masks.json"
    write_masks(masks.items(), CATEGORIES, network.layers, *store, {})
    file = MaskFile(*store)
    controls = Controls(units, file, summary, settings.normalisation, settings.scope)
    return World(model, units, file, summary, controls)


def own_masks(world, category):
    """A circuit's masks as tensors, of the output layer the category's row."""
    network = world.units.network
    masks = {
        name: torch.from_numpy(world.masks.mask(category, name)) for name in world.masks.shapes
    }
    last, output = network.output_layer.name, network.output(category)
    return masks | {last: masks[last][output : output + 1]}


def plainly(world, category, masks):
    """Evaluation of any masks with a copy of the network for each set of images.

    In float64: the logits of some of these circuits hardly differ between images, so that in float32 their correlation
    has no more than four digits.
    """
    network, stimuli = world.units.network, world.units.stimuli
    output = network.output(category)
    pruned = hand_zeroed(world.model, network, output, masks).double()
    model = copy.deepcopy(world.model).double()
    tasks, logits = {}, {}
    for split in (EXTRACTION, EVALUATION):
        rows = stimuli.rows(split)
        images = network.input(stimuli.images(rows)).double()
        outputs = stimuli.outputs(rows, CATEGORIES)
        with torch.no_grad():
            tasks[split] = Task.of(model(images).numpy(), outputs, output)
            logits[split] = pruned(images)[:, output].numpy()
    bias = tasks[EXTRACTION].fit(logits[EXTRACTION]).bias
    return evaluate(logits[EVALUATION], bias, tasks[EXTRACTION], tasks[EVALUATION])


def rows_of(world):
    return {
        category: {row["control"]: row for row in world.controls.rows(category, WANTED)}
        for category in CATEGORIES
    }


def with_circuit(world):
    return world.summary.dropna(subset=["kept_fraction"])["category"].tolist()


def agrees(row, expected):
    for key in ("csa", "hits", "false_alarms", "faithfulness", "auc", "logit_correlation"):
        assert row[key] == pytest.approx(getattr(expected, key), abs=1e-5, nan_ok=True), key


def test_the_world_has_circuits_that_differ(world):
    assert len(with_circuit(world)) >= 3
    assert world.summary["kept_fraction"].min() < 0.7


def test_the_circuit_and_its_complement_are_measured_as_hand_zeroed_networks(world):
    rows = rows_of(world)
    for category in with_circuit(world):
        masks = own_masks(world, category)
        agrees(rows[category]["circuit"], plainly(world, category, masks))
        removed = {name: ~mask for name, mask in masks.items()}
        row = rows[category]["circuit_removed"]
        agrees(row, plainly(world, category, removed))
        assert row["kept_fraction"] + rows[category]["circuit"]["kept_fraction"] == pytest.approx(1)


def test_the_references_are_the_whole_network_and_a_constant(world):
    rows = rows_of(world)
    for category in with_circuit(world):
        everything = {
            name: torch.ones_like(mask) for name, mask in own_masks(world, category).items()
        }
        unpruned, constant = rows[category]["unpruned"], rows[category]["constant"]
        agrees(unpruned, plainly(world, category, everything))
        assert (unpruned["kept_fraction"], constant["kept_fraction"]) == (1, 0)
        assert (constant["auc"], constant["faithfulness"]) in (
            (0.5, 0),
            (0.5, pytest.approx(np.nan, nan_ok=True)),
        )
        summary = world.summary.set_index("category").loc[category]
        assert unpruned["csa"] == summary["csa_unpruned"]
        assert constant["csa"] == summary["csa_bias_only"]


def test_magnitude_and_random_keep_as_many_weights_of_each_stage(world):
    network, linear = world.units.network, world.units.fully_connected
    rows = rows_of(world)
    for category in with_circuit(world):
        circuit, output = own_masks(world, category), network.output(category)
        kept = world.summary.set_index("category").loc[category, "kept_fraction"]
        for control in ("magnitude", "random"):
            assert rows[category][control]["kept_fraction"] == pytest.approx(kept)
        # magnitude by hand: normalised fully-connected layers together, convolutions together
        masks = {}
        for stage in (linear, [name for name in circuit if name not in linear]):
            sizes = {}
            for name in stage:
                size = network.module(name).weight.abs()
                if name == network.output_layer.name:
                    size = size[output : output + 1]
                if name in linear:
                    size = (size - size.min()) / (size.max() - size.min())
                sizes[name] = size
            many = sum(int(circuit[name].sum()) for name in stage)
            least = (
                torch.cat([size.flatten() for size in sizes.values()]).sort(descending=True).values
            )
            masks |= {name: size >= least[many - 1] for name, size in sizes.items()}
        agrees(rows[category]["magnitude"], plainly(world, category, masks))


def test_other_circuits_are_of_the_super_category_they_say(world):
    rows = rows_of(world)
    kinds = {c: SUPER_CATEGORIES.get(c, "inanimate") for c in CATEGORIES}
    found = with_circuit(world)
    for category in found:
        for control, same in (("other_same", True), ("other_different", False)):
            possible = [c for c in found if c != category and (kinds[c] == kinds[category]) == same]
            assert (control in rows[category]) == bool(possible)
            if possible:
                row = rows[category][control]
                assert row["other"] in possible
                last = world.units.network.output_layer.name
                own_row = own_masks(world, category)[last]
                masks = own_masks(world, row["other"]) | {last: own_row}
                agrees(row, plainly(world, category, masks))


def test_a_category_without_a_circuit_has_no_controls(world):
    summary = world.summary.copy()
    summary.loc[summary["category"] == "car", "kept_fraction"] = np.nan
    controls = Controls(world.units, world.masks, summary, "minmax", "joint")
    assert list(controls.rows("car", WANTED)) == []
    others = [row["other"] for c in CATEGORIES for row in controls.rows(c, WANTED)]
    assert "car" not in others


def test_summaries_count_all_weights_and_connected_ones(world):
    network = world.units.network
    for row in world.summary.dropna(subset=["kept_fraction"]).to_dict("records"):
        masks = own_masks(world, row["category"])
        kept = sum(int(mask.sum()) for mask in masks.values())
        everything = sum(int(np.prod(layer.weight_shape)) for layer in network.layers)
        assert row["kept_fraction_all_weights"] == pytest.approx(kept / everything)
        assert row["connected_fraction"] <= row["kept_fraction"]
        assert row["outcome"] == FOUND


# --- comparison of scores


def test_comparisons_of_scores_are_those_of_hand_zeroed_networks(world):
    network, stimuli = world.units.network, world.units.stimuli
    category = with_circuit(world)[0]
    output, names = network.output(category), [layer.name for layer in network.layers]
    scores = {
        "magnitude": magnitude_scores(names),
        "random": random_scores(3, category, names),
    }
    variants = Variants(
        ("magnitude", "random"), ("minmax", "none"), ("joint", "per_layer"), (0.0, 0.5, 0.9)
    )
    rows = pd.DataFrame(compare_scores(world.units, category, scores, variants))
    assert set(rows["stage"]) == {"fully_connected", "convolution"}
    images = network.input(stimuli.images(stimuli.rows(EXTRACTION)))
    outputs = stimuli.outputs(stimuli.rows(EXTRACTION), CATEGORIES)
    with torch.no_grad():
        task = Task.of(world.model(images).numpy(), outputs, output)
    assert rows["csa_unpruned"].unique() == pytest.approx([task.unpruned().csa])
    assert rows["csa_bias_only"].unique() == pytest.approx([task.bias_only().csa])
    # one stage is pruned, layer by layer, the other is intact
    for stage in ("fully_connected", "convolution"):
        layers = [
            n for n in names if (n in world.units.fully_connected) == (stage == "fully_connected")
        ]
        masks = {}
        for name in layers:
            size = network.module(name).weight.abs()
            size = size[output : output + 1] if name == network.output_layer.name else size
            order = size.flatten().argsort(stable=True)
            mask = torch.ones(size.numel(), dtype=torch.bool)
            mask[order[: int(0.5 * size.numel() + 1e-9)]] = False
            masks[name] = mask.view(size.shape)
        with torch.no_grad():
            pruned = hand_zeroed(copy.deepcopy(world.model), network, output, masks)
            expected = task.fit(pruned(images)[:, output].numpy().astype(float))
        at = (
            (rows["stage"] == stage)
            & (rows["score"] == "magnitude")
            & (rows["scope"] == "per_layer")
        )
        row = rows[at].iloc[1]
        assert row["csa"] == pytest.approx(expected.csa, abs=1e-9)
        assert row["kept_fraction"] == pytest.approx(0.5, abs=0.05)


def test_only_rankings_that_can_differ_are_compared():
    variants = Variants(
        ("signed", "random"), ("minmax", "l1", "none"), ("joint", "per_layer"), (0.0,)
    )
    signed = list(variants.rankings("fully_connected", "signed"))
    assert signed == [
        ("minmax", "joint"),
        ("l1", "joint"),
        ("none", "joint"),
        ("none", "per_layer"),
    ]
    assert list(variants.rankings("convolution", "signed")) == [
        ("none", "joint"),
        ("none", "per_layer"),
    ]
    assert list(variants.rankings("fully_connected", "random")) == [
        ("none", "joint"),
        ("none", "per_layer"),
    ]
