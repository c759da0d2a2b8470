"""Knock-outs are those of a hand-made copy, their draws depend on nothing else, and performance is counted right."""

import copy
import hashlib
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import recall_score, top_k_accuracy_score
from small import CATEGORIES, INPUT, SUPER_CATEGORIES, network_of, new, stimulus_set
from torch.nn.utils import prune

from anatomy.knockouts import Sweep, generator, run_sweep
from anatomy.meter import Meter, stronger
from anatomy.networks.cut import prefix
from anatomy.networks.network import new_model
from anatomy.performance import Groups, performance, performance_of
from anatomy.recording import Recording, arrays_to_record, record

PROPORTIONS = (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
KINDS, MODES = ("synapse", "node"), ("zero", "mean", "noise", "resample")


@pytest.fixture(params=["alexnet", "residual", "squeeze"])
def model(request):
    return new(request.param)


@pytest.fixture
def network(model):
    return network_of(model)


def images():
    return torch.randn(4, 3, INPUT, INPUT, generator=torch.Generator().manual_seed(1))


def layers_of(network):
    return [network.layers[1].name, network.output_layer.name]


def weights_along(network, sweep):
    """Proportion -> copies of the layer's parameters while the sweep is there."""
    found = {}
    state = {}

    def measure():
        module = network.module(sweep.layer)
        state.update({k: p.detach().clone() for k, p in module.named_parameters(recurse=False)})
        return {}

    for proportion, _ in run_sweep(network, sweep, measure, {}):
        found[proportion] = dict(state)
    return found


def removed_at(network, sweep):
    """Proportion -> boolean array over weights (synapse) or units (node): what is knocked out."""
    found = weights_along(network, with_mode(sweep, "zero"))
    if sweep.kind == "synapse":
        return {p: (own["weight"] == 0).numpy() for p, own in found.items()}
    return {p: (own["weight"].flatten(1) == 0).all(1).numpy() for p, own in found.items()}


def with_mode(sweep, mode):
    return Sweep(**(vars(sweep) | {"mode": mode}))


def sweep_of(layer, kind="synapse", mode="zero", repeat=0, proportions=PROPORTIONS, **options):
    return Sweep(layer, kind, mode, repeat, proportions, **options)


def logits_along(network, sweep, shown):
    """Proportion -> logits of the whole lesioned network."""
    return dict(run_sweep(network, sweep, lambda: network.graph(shown).clone(), {}))


@pytest.mark.parametrize("kind", KINDS)
def test_zero_equals_a_pruned_copy(model, network, kind):
    """torch.nn.utils.prune is the oracle: a mask on the weights, and for nodes on the biases too."""
    for layer in layers_of(network):
        sweep = sweep_of(layer, kind)
        logits = logits_along(network, sweep, images())
        for proportion, removed in removed_at(network, sweep).items():
            pruned = copy.deepcopy(model)
            module = pruned.get_submodule(network.layer(layer).path)
            kept = torch.from_numpy(~removed)
            mask = kept if kind == "synapse" else kept.view(-1, *[1] * (module.weight.ndim - 1))
            prune.custom_from_mask(module, "weight", mask.expand_as(module.weight))
            if kind == "node" and module.bias is not None:
                prune.custom_from_mask(module, "bias", kept)
            if kind == "node" and layer == "conv1" and hasattr(pruned, "norm1"):
                # its batch normalisation would give the silenced units a constant output
                for key in ("weight", "bias"):
                    prune.custom_from_mask(pruned.norm1, key, kept)
            with torch.no_grad():
                torch.testing.assert_close(logits[proportion], pruned(images()), rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_knocked_out(network, kind):
    for layer in layers_of(network):
        shape = network.layer(layer).weight_shape
        size = int(np.prod(shape)) if kind == "synapse" else shape[0]
        for proportion, removed in removed_at(network, sweep_of(layer, kind)).items():
            # none of the initial weights is 0 by itself
            assert removed.sum() == int(round(proportion * size, 6)), proportion


@pytest.mark.parametrize(
    ("proportion", "count"), [(0.41, 123), (0.57, 171), (0.69, 207), (0.5, 150)]
)
def test_a_proportion_that_floating_point_misses(proportion, count):
    """0.57 of 300 weights are 171, though 0.57 * 300 is 170.99999999999997."""
    network = network_of(new("alexnet"))
    sweep = sweep_of("fc4", proportions=(proportion,))
    assert removed_at(network, sweep)[proportion].sum() == count


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_mode_replaces_what_is_knocked_out_and_nothing_else(network, kind, mode):
    for layer in layers_of(network):
        sweep = sweep_of(layer, kind, mode, noise=2.0)
        module = network.module(layer)
        whole = {k: p.detach().clone() for k, p in module.named_parameters(recurse=False)}
        removed = removed_at(network, sweep)
        everything = weights_along(network, sweep)[1.0]
        for proportion, own in weights_along(network, sweep).items():
            for key, values in own.items():
                expected = whole[key].clone()
                if kind == "synapse" and key == "bias":
                    assert torch.equal(values, expected)
                    continue
                for place in itertools.product(*map(range, expected.shape)):
                    if removed[proportion][place if kind == "synapse" else place[0]]:
                        # the substitute of a weight is the same at every proportion
                        expected[place] = everything[key][place]
                torch.testing.assert_close(values, expected, rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_takes_the_place_of_a_weight(kind):
    network = network_of(new("alexnet"))
    whole = network.module("fc3").weight.detach().double().numpy()
    bias = network.module("fc3").bias.detach().double().numpy()

    def all_replaced(mode, **options):
        sweep = sweep_of("fc3", kind, mode, proportions=(1.0,), **options)
        return {k: v.double().numpy() for k, v in weights_along(network, sweep)[1.0].items()}

    mean, noise = all_replaced("mean"), all_replaced("noise", noise=3.0)
    resampled = all_replaced("resample")
    np.testing.assert_allclose(mean["weight"], whole.mean(), rtol=1e-6)
    added = (noise["weight"] - whole) / (3 * whole.std())
    # 2,160 draws of a standard normal distribution
    assert abs(added.mean()) < 4 / np.sqrt(added.size)
    assert abs(added.std() - 1) < 4 / np.sqrt(2 * added.size)
    assert abs(np.corrcoef(added.ravel(), whole.ravel())[0, 1]) < 0.1
    assert set(resampled["weight"].ravel()) < set(whole.ravel())
    # with replacement about 1 - 1/e of the values are drawn
    assert abs(len(set(resampled["weight"].ravel())) / whole.size - (1 - np.exp(-1))) < 0.05
    if kind == "synapse":
        for replaced in (mean, noise, resampled):
            np.testing.assert_array_equal(replaced["bias"], bias)
    else:
        np.testing.assert_allclose(mean["bias"], bias.mean(), rtol=1e-6)
        assert set(resampled["bias"]) < set(bias)


@pytest.mark.parametrize("kind", KINDS)
def test_larger_sets_contain_smaller_ones(network, kind):
    for layer in layers_of(network):
        removed = list(removed_at(network, sweep_of(layer, kind)).values())
        for smaller, larger in itertools.pairwise(removed):
            assert not (smaller & ~larger).any()


def test_draws_depend_on_seed_network_layer_kind_and_repeat():
    network = network_of(new("alexnet"))
    other = network_of(new("alexnet"), name="other")
    usual = sweep_of("fc3", "synapse")

    def drawn(network, sweep):
        return removed_at(network, sweep)[0.5].tobytes()

    drawn_sets = {
        drawn(network, usual),
        drawn(other, usual),
        drawn(network, sweep_of("fc3", "synapse", repeat=1)),
        drawn(network, sweep_of("fc3", "synapse", seed=1)),
    }
    assert len(drawn_sets) == 4
    nodes = [removed_at(network, sweep_of("fc3", "node"))[0.5] for _ in range(2)]
    np.testing.assert_array_equal(*nodes)
    first = [
        generator("small", sweep_of(*own)).random() for own in (("fc3",), ("fc4",), ("fc3", "node"))
    ]
    assert len(set(first)) == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_draws_do_not_depend_on_order_or_on_which_proportions_are_asked(kind, mode):
    network = network_of(new("alexnet"))
    usual = weights_along(network, sweep_of("fc3", kind, mode))
    np.random.default_rng().random(7)
    torch.rand(7)
    weights_along(network, sweep_of("fc4", kind, mode, repeat=2))
    few = weights_along(network, sweep_of("fc3", kind, mode, proportions=(0.25, 0.9)))
    for proportion, own in few.items():
        for key, values in own.items():
            assert torch.equal(values, usual[proportion][key])


def test_draws_are_the_same_in_every_mode(network):
    """So modes are compared on the same lesions."""
    (layer, _) = layers_of(network)
    whole = network.module(layer).weight.detach().clone()
    noisy = weights_along(network, sweep_of(layer, "synapse", "noise"))[0.5]["weight"]
    np.testing.assert_array_equal(
        (noisy != whole).numpy(), removed_at(network, sweep_of(layer, "synapse"))[0.5]
    )


def test_the_seed_is_a_digest_of_the_names():
    """So it is the same in every process and on every machine."""
    digest = hashlib.sha256(b"7|alexnet|conv1|node|3").digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    expected = np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
    found = generator("alexnet", sweep_of("conv1", "node", repeat=3, seed=7))
    np.testing.assert_array_equal(found.permutation(50), expected.permutation(50))


@pytest.mark.parametrize("kind", ["alexnet", "squeeze"])
def test_a_layer_without_nodes_gives_zero_before_the_non_linearity(kind):
    network = network_of(new(kind))
    for layer in network.layers:
        value = layer.path.replace(".", "_")
        read = prefix(network.graph, [value])

        def measure(read=read):
            return read(images())[0].clone()

        ((_, outputs),) = run_sweep(
            network, sweep_of(layer.name, "node", proportions=(1.0,)), measure, {}
        )
        assert outputs.shape[1] == layer.units
        assert (outputs == 0).all()
        assert (measure() != 0).any()


def test_some_nodes_give_zero_before_the_non_linearity():
    network = network_of(new("alexnet"))
    sweep = sweep_of("conv2", "node", proportions=(0.5,))
    removed = removed_at(network, sweep)[0.5]
    read = prefix(network.graph, ["conv2"])
    ((_, outputs),) = run_sweep(network, sweep, lambda: read(images())[0].clone(), {})
    np.testing.assert_array_equal((outputs == 0).all(dim=(0, 2, 3)).numpy(), removed)


def counted(network, sweep, known):
    """Proportion -> number of measurements so far, at the time of this one's."""
    calls = []

    def measure():
        calls.append(0)
        return len(calls)

    return dict(run_sweep(network, sweep, measure, known))


def test_nothing_is_measured_where_nothing_more_is_removed():
    network = network_of(new("alexnet"))  # conv2 has 12 units
    sweep = sweep_of("conv2", "node", proportions=(0.0, 0.01, 0.1, 0.16, 0.17, 1.0))
    expected = {0.0: 1, 0.01: 1, 0.1: 2, 0.16: 2, 0.17: 3, 1.0: 4}
    assert counted(network, sweep, {}) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_known_from_another_draw_is_what_would_be_measured(kind, mode):
    network = network_of(new("alexnet"))

    def logits():
        return network.graph(images()).clone()

    known = {}
    first = dict(run_sweep(network, sweep_of("conv2", kind, mode), logits, known))
    again = sweep_of("conv2", kind, mode, repeat=1)
    alone = dict(run_sweep(network, again, logits, {}))
    for proportion, found in run_sweep(network, again, logits, known):
        assert torch.equal(found, alone[proportion]), proportion
    same = torch.equal(first[1.0], alone[1.0])
    assert same == (mode in ("zero", "mean"))
    # the intact network, and a layer of which nothing is drawn, are not measured again
    found = counted(network, again, dict.fromkeys(known, 0))
    assert (found[0.0], found[1.0]) == (0, 0 if same else 5)


def test_what_is_known_of_a_layer_says_nothing_about_other_sweeps():
    network = network_of(new("alexnet"))
    known = {}
    counted(network, sweep_of("conv2", "node"), known)
    for other in (
        sweep_of("fc3", "node"),
        sweep_of("conv2", "synapse"),
        sweep_of("conv2", "node", "mean"),
    ):
        found = counted(network, other, dict.fromkeys(known, 0))
        assert found[1.0] > 0
        assert (found[0.0] > 0) == (other.layer != "conv2")


def test_the_network_is_restored_also_when_a_sweep_is_left_early(network):
    before = copy.deepcopy(network.graph.state_dict())
    for layer in layers_of(network):
        sweep = run_sweep(network, sweep_of(layer, "node", "noise"), dict, {})
        for _ in range(3):
            next(sweep)
        sweep.close()
    after = network.graph.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def by_counting(logits, outputs, groups):
    """Plain loops over images and outputs."""
    ranks = []
    for image, right in enumerate(outputs):
        stronger = 0
        for output, logit in enumerate(logits[image]):
            stronger += output != right and logit >= logits[image][right]
        ranks.append(stronger)
    share = {"top1": [r == 0 for r in ranks], "top5": [r < 5 for r in ranks]}
    for name in set(groups):
        share[f"sensitivity_{name}"] = [
            r == 0 for r, group in zip(ranks, groups, strict=True) if group == name
        ]
    return {key: sum(own) / len(own) for key, own in share.items()}


@st.composite
def shown(draw):
    images, outputs = draw(st.integers(1, 12)), draw(st.integers(2, 9))
    values = (
        st.integers(-3, 3).map(float) | st.floats(-(2.0**99), 2.0**99, width=32) | st.just(-np.inf)
    )
    logits = draw(arrays.arrays(np.float32, (images, outputs), elements=values))
    right = draw(st.lists(st.integers(0, outputs - 1), min_size=images, max_size=images))
    groups = draw(st.lists(st.sampled_from("ab"), min_size=images, max_size=images))
    return logits, np.array(right), groups


@given(shown())
def test_performance_is_counted_right(case):
    assert performance(*case) == pytest.approx(by_counting(*case), abs=1e-15)


def test_performance_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    logits = random.normal(size=(300, 12)).astype(np.float32)
    outputs = random.integers(12, size=300)
    logits[np.arange(300), outputs] += random.random(300).astype(np.float32) * 4
    groups = np.array(["animate", "inanimate"])[outputs % 2].tolist()
    found = performance(logits, outputs, groups)
    for measure, k in (("top1", 1), ("top5", 5)):
        expected = top_k_accuracy_score(outputs, logits, k=k, labels=range(12))
        assert found[measure] == pytest.approx(expected)
    predicted = logits.argmax(1)
    for group in set(groups):
        rows = np.array(groups) == group
        # a category's recall weighted by its images is the share of these images recognised
        expected = recall_score(outputs[rows], predicted[rows], average="weighted", zero_division=0)
        assert found[f"sensitivity_{group}"] == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 7.0, -np.inf, np.nan])
def test_a_dead_network_recognises_nothing(value):
    logits = np.full((4, 12), value, np.float32)
    found = performance(logits, np.arange(4), list("aabb"))
    assert set(found.values()) == {0.0}


def test_one_logit_that_is_not_a_number_is_no_success():
    logits = np.zeros((1, 12), np.float32)
    logits[0, 3] = 5
    assert performance(logits, np.array([3]), ["a"])["top1"] == 1
    logits[0, 7] = np.nan
    assert performance(logits, np.array([3]), ["a"])["top1"] == 0
    assert performance(logits, np.array([3]), ["a"])["top5"] == 1


def test_node_with_batch_norm_is_silent_before_the_non_linearity():
    """A batch normalisation would shift a silenced unit away from 0; the knock-out takes it along."""
    model = new_model("resnet18", 10, seed=1)
    with torch.no_grad():
        model.bn1.bias.fill_(0.7)
    network = network_of(model)
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    before_relu = prefix(network.graph, ["bn1"])
    intact = before_relu(images)[0]
    sweep = Sweep("conv1", "node", "zero", 0, (0.25, 1.0))
    seen = {p: before_relu(images)[0] for p, _ in run_sweep(network, sweep, dict, {})}
    assert (seen[0.25].abs().amax(dim=(0, 2, 3)) == 0).sum() == 16
    assert seen[1.0].abs().max() == 0
    torch.testing.assert_close(before_relu(images)[0], intact, rtol=0, atol=0)


# What the meter gives


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    """On four images of each category, in batches that end within a category."""
    folder = tmp_path_factory.mktemp("meter")
    model, stimuli = new("alexnet"), stimulus_set(folder)
    with torch.no_grad():  # so that no output is always the strongest
        shown = network_of(model).input(stimuli.images(stimuli.rows("evaluation")))
        model.fc5.bias -= model(shown).mean(0)
    network = network_of(model)
    files = folder / "recording.zarr", folder / "recording.json"
    arrays = arrays_to_record(network, {"evaluation": [["fc3"]]}, [], "float32")
    record(network, stimuli, arrays, 4, *files)
    return network, stimuli, Meter(network, stimuli, Recording(*files, network, stimuli), 4, 7)


def test_categories_are_those_of_the_stimulus_set_in_its_order(meter):
    _, stimuli, own = meter
    assert own.categories["category"].tolist() == stimuli.categories == list(CATEGORIES)
    expected = [SUPER_CATEGORIES.get(name, "inanimate") for name in CATEGORIES]
    assert own.categories["super_category"].tolist() == expected


@pytest.mark.parametrize("lesioned", [False, True])
def test_the_meter_agrees_with_counting_image_by_image(meter, lesioned):
    network, stimuli, own = meter
    rows = np.concatenate([stimuli.rows("evaluation", [name])[:4] for name in CATEGORIES])
    table = stimuli.table.iloc[rows]
    outputs = [CATEGORIES.index(name) for name in table["category"]]

    def measured():
        return own.measure("fc3"), network.graph(network.input(stimuli.images(rows))).numpy()

    proportion = 0.05 if lesioned else 0.0
    sweep = sweep_of("fc3", "node", proportions=(proportion,))
    found, logits = dict(run_sweep(network, sweep, measured, {}))[proportion]
    groups = table["super_category"].tolist()
    assert found.performance == pytest.approx(by_counting(logits, outputs, groups))
    hits = logits.argmax(1) == outputs
    expected = [hits[(table["category"] == name).to_numpy()].mean() for name in CATEGORIES]
    np.testing.assert_allclose(found.sensitivity, expected, rtol=0, atol=1e-15)
    # shares that tell categories apart
    assert len(set(expected)) > 2


@given(shown())
def test_the_meter_ranks_outputs_as_performance_does(case):
    logits, outputs, groups = case
    counted = stronger(torch.from_numpy(logits), torch.from_numpy(outputs)).numpy()
    found = performance_of(counted, Groups.of(groups, sorted(set(groups))))
    assert found == pytest.approx(by_counting(*case), abs=1e-15)


def test_the_meter_takes_no_number_for_no_success():
    logits = torch.tensor([[5.0, 0.0], [5.0, torch.nan], [torch.nan, 0.0]])
    assert stronger(logits, torch.zeros(3, dtype=torch.int64)).tolist() == [0, 1, 1]
