"""Scores and masks come back from disk as they were, and shards join to what one job would have written."""

import numpy as np
import pytest
import torch
from small import CATEGORIES, INPUT, magnitude_scores, network_of, new, random_scores

from anatomy.canonical import read_json
from anatomy.circuits import Circuit, full_masks
from anatomy.errors import InputError
from anatomy.layer_scores import LinearScores
from anatomy.mask_files import MaskFile, join_masks, write_masks
from anatomy.score_files import ScoreFile, write_scores
from anatomy.score_kinds import signed
from anatomy.scores import score_weights

KINDS = ["signed", "absolute_per_image", "absolute_per_position"]
SCORED = ("cat", "dog", "sea lion 2")
ORIGIN = {"network": "n", "stimuli": "s"}


def paths(folder, name="file"):
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.zarr", folder / f"{name}.json"


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def scores_of(network, kind):
    """Category -> scores of all layers."""
    names = [layer.name for layer in network.layers]
    random = torch.Generator().manual_seed(0)
    return {
        category: score_weights(
            network, torch.randn(3, 3, INPUT, INPUT, generator=random), output, kind, names
        )
        for output, category in enumerate(SCORED)
    }


def write(folder, scores, kind):
    provenance = ORIGIN | {"score": kind, "categories": list(SCORED)}
    write_scores(scores.items(), *paths(folder), provenance)


@pytest.mark.parametrize("model", ["alexnet", "squeeze"])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_come_back_exactly(tmp_path, model, kind):
    network = network_of(new(model))
    scores = scores_of(network, kind)
    write(tmp_path, scores, kind)
    file = ScoreFile(*paths(tmp_path), ORIGIN | {"score": kind})
    for category in SCORED:
        found = file.read(category, network)
        assert list(found) == [layer.name for layer in network.layers]
        for name, own in scores[category].items():
            assert type(found[name]) is type(own)
            weight = network.module(name).weight
            assert torch.equal(found[name].dense(weight), own.dense(weight))
            assert torch.equal(found[name].row(weight, 1), own.row(weight, 1))


def test_a_linear_layer_is_kept_as_its_factors(tmp_path):
    network = network_of(new("alexnet"))
    scores = scores_of(network, "signed")
    write(tmp_path, scores, "signed")
    arrays = read_json(paths(tmp_path)[1])["arrays"]
    assert arrays["cat/fc3/inputs"]["shape"] == [3, 108]
    assert arrays["cat/fc3/gradients"]["shape"] == [3, 20]
    assert arrays["cat/conv2/values"]["shape"] == [12, 4, 3, 3]
    found = ScoreFile(*paths(tmp_path), ORIGIN | {"score": "signed"}).read("cat", network)["fc3"]
    assert isinstance(found, LinearScores)
    assert torch.equal(found.inputs, scores["cat"]["fc3"].inputs)
    assert torch.equal(found.gradients, scores["cat"]["fc3"].gradients)
    assert found.score is signed.score


@pytest.mark.parametrize("kind", ["magnitude", "random"])
def test_controls_need_no_arrays(tmp_path, kind):
    network = network_of(new("alexnet"))
    write(tmp_path, {}, kind)
    assert read_json(paths(tmp_path)[1])["arrays"] == {}
    file = ScoreFile(*paths(tmp_path), ORIGIN | {"score": kind})
    names = [layer.name for layer in network.layers]
    dense = {
        category: {
            name: own.dense(network.module(name).weight)
            for name, own in file.read(category, network).items()
        }
        for category in SCORED
    }
    for name in names:
        weight = network.module(name).weight
        if kind == "magnitude":
            assert torch.equal(dense["cat"][name], weight.abs())
            assert torch.equal(dense["dog"][name], magnitude_scores([name])[name].dense(weight))
        else:
            assert torch.equal(
                dense["cat"][name], random_scores(0, "cat", [name])[name].dense(weight)
            )
            assert not torch.equal(dense["cat"][name], dense["dog"][name])


@pytest.mark.parametrize(
    ("key", "value"), [("network", "another"), ("stimuli", "another"), ("score", "signed")]
)
def test_scores_of_another_origin_are_refused(tmp_path, key, value):
    write(tmp_path, {}, "magnitude")
    with pytest.raises(InputError, match=rf"file\.zarr: made with {key}"):
        ScoreFile(*paths(tmp_path), ORIGIN | {"score": "magnitude"} | {key: value})


def test_an_unscored_category_is_named(tmp_path):
    network = network_of(new("alexnet"))
    write(tmp_path, scores_of(network, "signed"), "signed")
    with pytest.raises(InputError, match="holds no array 'cup/conv1"):
        ScoreFile(*paths(tmp_path), ORIGIN | {"score": "signed"}).read("cup", network)


def test_interrupted_scores_are_the_same_in_the_end(tmp_path):
    scores = scores_of(network_of(new("alexnet")), "signed")
    write(tmp_path / "whole", scores, "signed")

    def failing():
        yield "cat", scores["cat"]
        raise KeyboardInterrupt

    provenance = ORIGIN | {"score": "signed", "categories": list(SCORED)}
    with pytest.raises(KeyboardInterrupt):
        write_scores(failing(), *paths(tmp_path / "again"), provenance)
    assert not paths(tmp_path / "again")[1].exists()
    write(tmp_path / "again", scores, "signed")
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


# --- masks


@pytest.fixture(scope="module")
def network():
    return network_of(new("alexnet"))


@pytest.fixture(scope="module")
def masks(network):
    """Category -> layer -> mask of the whole weight tensor."""
    random = np.random.default_rng(0)
    return {
        category: {layer.name: random.random(layer.weight_shape) < 0.3 for layer in network.layers}
        for category in CATEGORIES
    }


def write_shard(folder, name, masks, categories, network, origin=ORIGIN):
    pairs = ((category, masks[category]) for category in categories)
    write_masks(pairs, categories, network.layers, *paths(folder, name), origin)
    return paths(folder, name)[1]


def test_masks_come_back_exactly(tmp_path, network, masks):
    write_shard(tmp_path, "all", masks, CATEGORIES, network)
    file = MaskFile(*paths(tmp_path, "all"))
    assert file.categories == list(CATEGORIES)
    assert file.shapes == {layer.name: layer.weight_shape for layer in network.layers}
    assert file.provenance == ORIGIN
    for category, own in masks.items():
        for layer, mask in own.items():
            found = file.mask(category, layer)
            assert found.dtype == np.bool_
            np.testing.assert_array_equal(found, mask)


def test_masks_are_packed_highest_bit_first(tmp_path, network, masks):
    """As the documentation of the format says, so that others can read it."""
    write_shard(tmp_path, "all", masks, CATEGORIES, network)
    file = MaskFile(*paths(tmp_path, "all"))
    flat = masks["cup"]["fc4"].ravel()
    for number, byte in enumerate(file.packed("cup", "fc4").tolist()):
        bits = [*flat[8 * number : 8 * number + 8], *[False] * 8][:8]
        assert byte == int("".join(str(int(bit)) for bit in bits), 2)
    assert len(file.packed("cup", "fc4")) == -(-flat.size // 8)


@pytest.mark.parametrize(
    "shards",
    [[["dog"], ["cat", "car"], ["cup", "key"]], [["dog", "car", "cup"], ["key"], ["cat"]]],
)
def test_joined_shards_are_what_one_job_writes(tmp_path, network, masks, shards):
    write_shard(tmp_path / "one", "masks", masks, CATEGORIES, network)
    manifests = [
        write_shard(tmp_path / "shards", f"shard_{number}", masks, own, network)
        for number, own in enumerate(shards)
    ]
    join_masks(manifests, CATEGORIES, *paths(tmp_path / "joined", "masks"))
    assert contents(tmp_path / "joined") == contents(tmp_path / "one")


def test_shards_are_joined_in_the_order_of_the_categories(tmp_path, network, masks):
    manifests = [
        write_shard(tmp_path, "b", masks, ["key", "dog"], network),
        write_shard(tmp_path, "a", masks, ["cat"], network),
    ]
    join_masks(manifests, ["key", "cat", "dog"], *paths(tmp_path, "joined"))
    file = MaskFile(*paths(tmp_path, "joined"))
    assert file.categories == ["key", "cat", "dog"]
    for category in file.categories:
        np.testing.assert_array_equal(file.mask(category, "conv2"), masks[category]["conv2"])


def test_shards_of_different_origin_are_not_joined(tmp_path, network, masks):
    manifests = [
        write_shard(tmp_path, "a", masks, ["dog"], network),
        write_shard(tmp_path, "b", masks, ["cat"], network, ORIGIN | {"threshold": 0.5}),
    ]
    with pytest.raises(InputError, match="different origin"):
        join_masks(manifests, ["dog", "cat"], *paths(tmp_path, "joined"))
    with pytest.raises(InputError, match="the shards hold no masks of cat, key"):
        join_masks(manifests[:1], ["dog", "cat", "key"], *paths(tmp_path, "joined"))


def test_a_circuit_holds_one_row_of_the_output_layer(network):
    generator = torch.Generator().manual_seed(0)
    own = {
        layer.name: torch.rand(
            (1, *layer.weight_shape[1:]) if layer == network.output_layer else layer.weight_shape,
            generator=generator,
        )
        < 0.5
        for layer in network.layers
    }
    full = full_masks(network, 3, Circuit(0.9, own, 0.0, 1.0))
    for layer in network.layers:
        assert full[layer.name].shape == layer.weight_shape
        if layer == network.output_layer:
            np.testing.assert_array_equal(full[layer.name][3], own[layer.name][0].numpy())
            assert not np.delete(full[layer.name], 3, axis=0).any()
        else:
            np.testing.assert_array_equal(full[layer.name], own[layer.name].numpy())


def test_without_a_circuit_every_weight_is_kept(network):
    full = full_masks(network, 0, None)
    assert all(mask.all() for mask in full.values())
    assert [mask.shape for mask in full.values()] == [
        layer.weight_shape for layer in network.layers
    ]
