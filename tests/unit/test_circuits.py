"""Circuits equal those of a slow, plain procedure, and hold the weights that were planted."""

import copy
import dataclasses
import math
from collections import OrderedDict
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import CATEGORIES, INPUT, MODELS, linear_stage, magnitude_scores, network_of, new
from test_substitution import exhaustive, youden
from torch import nn

from anatomy.circuits import Circuit, Settings, extract
from anatomy.networks.cut import prefix
from anatomy.scores import score_weights
from anatomy.substitution_task import Task, evaluate
from anatomy.target_logit import TargetLogit

PER_CATEGORY = 5
OUTPUTS = np.repeat(np.arange(len(CATEGORIES)), PER_CATEGORY)
USUAL = Settings(
    normalisation="minmax",
    scope="joint",
    criterion="faithfulness",
    thresholds=(0.9,),
    choose="before_first_failure",
    removed_fractions=(0.0, 0.3, 0.6, 0.8, 0.9, 0.96),
    refinement=3,
    sweep="complete",
)


# brightness of the categories' bars: such that the other logits alone do not tell a category
BRIGHT = {"alexnet": 2.0, "residual": 0.5, "squeeze": 2.0, "perceptron": 2.0}


def shown(seed, kind):
    """Images of five categories: noise with a bright bar at a place of the category's own."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(len(OUTPUTS), 3, INPUT, INPUT, generator=random)
    for image, output in zip(images, OUTPUTS, strict=True):
        image[output % 3, 3 * output : 3 * output + 3] += BRIGHT[kind]
    return images


def trained(kind):
    """A small network whose output layer recognises the categories, found by ridge regression."""
    model = new(kind)
    last = list(model.modules())[-1]
    kept = []
    hook = last.register_forward_hook(lambda _m, inputs, _o: kept.append(inputs[0]))
    with torch.no_grad():
        for seed in (10, 11, 12):
            model(shown(seed, kind))
        hook.remove()
        seen = torch.cat(kept)
        features = seen.mean((2, 3)) if seen.ndim == 4 else seen
        wanted = torch.eye(len(CATEGORIES))[OUTPUTS].repeat(3, 1)
        spread = features.T @ features + 0.1 * torch.eye(features.shape[1])
        weight = torch.linalg.solve(spread, features.T @ wanted).T
        last.weight.copy_(2 * weight.view(last.weight.shape))
        last.bias.fill_(0.5 if kind == "squeeze" else 0.0)
    return model


MODELS_TRAINED = {kind: trained(kind) for kind in MODELS}


def batches_of(network, layers, images, size=7):
    """What the suffix of some layers reads, from the network's own prefix."""
    suffix = network.suffix(layers)
    names = [name for name in suffix.boundary if name != "images"]
    batches = []
    with torch.no_grad():
        for start in range(0, len(images), size):
            part = images[start : start + size]
            values = prefix(network.graph, names)(part) if names else ()
            batches.append(dict(zip(names, values, strict=True)) | {"images": part})
    return suffix, batches


def target_logits(network, output, images):
    """TargetLogit of each stage."""
    groups = {
        "fully_connected": linear_stage(network),
        "convolution": [layer.name for layer in network.layers],
    }
    return {
        stage: TargetLogit(network, output, *batches_of(network, layers, images))
        for stage, layers in groups.items()
    }


def hand_zeroed(model, network, output, masks):
    """A copy of the model without the weights that are False; other rows of the output layer stay."""
    pruned = copy.deepcopy(model)
    with torch.no_grad():
        for name, mask in masks.items():
            weight = pruned.get_submodule(network.layer(name).path).weight
            if name == network.output_layer.name:
                weight[output : output + 1] *= mask
            else:
                weight *= mask
    return pruned


def random_masks(network, output, layers, share, seed):
    random = torch.Generator().manual_seed(seed)
    masks = {}
    for name in layers:
        shape = list(network.layer(name).weight_shape)
        if name == network.output_layer.name:
            shape[0] = 1
        masks[name] = torch.rand(shape, generator=random) < share
    return masks


@pytest.mark.parametrize("kind", list(MODELS))
@pytest.mark.parametrize("stage", ["fully_connected", "convolution"])
def test_target_logits_are_those_of_a_hand_zeroed_network(kind, stage):
    model = MODELS_TRAINED[kind]
    network = network_of(model)
    images = shown(1, kind)
    stage_layers = linear_stage(network)
    if stage == "convolution":
        stage_layers = [layer.name for layer in network.layers]
    for output in (0, len(CATEGORIES) - 1):
        target = target_logits(network, output, images)[stage]
        for seed, share in enumerate([1.0, 0.9, 0.5, 0.1, 0.0]):
            masks = random_masks(network, output, stage_layers, share, seed)
            with torch.no_grad():
                expected = hand_zeroed(model, network, output, masks)(images)[:, output]
            found = target(masks)
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(network.graph(images), model(images), rtol=0, atol=0)


def test_layers_without_a_mask_are_intact():
    model = MODELS_TRAINED["alexnet"]
    network = network_of(model)
    images = shown(1, "alexnet")
    target = target_logits(network, 2, images)["convolution"]
    masks = random_masks(network, 2, ["conv2", "fc5"], 0.5, 0)
    with torch.no_grad():
        expected = hand_zeroed(model, network, 2, masks)(images)[:, 2]
        unpruned = model(images)[:, 2]
    np.testing.assert_allclose(target(masks), expected.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(target({}), unpruned.numpy(), rtol=1e-5, atol=1e-6)


# --- extraction, against a procedure that is as plain as it is slow


class Plain:
    """Extraction with a full copy of the network for each mask and an exhaustive search for each bias."""

    def __init__(self, model, network, output, scores, images, settings):
        self.model, self.network, self.output = model, network, output
        self.images, self.settings = images, settings
        self.scores = {
            name: own.dense(network.module(name).weight).double().numpy().copy()
            for name, own in scores.items()
        }
        last = network.output_layer.name
        self.scores[last] = self.scores[last][output : output + 1]
        with torch.no_grad():
            logits = model(images).numpy().astype(float)
        self.is_category = output == OUTPUTS
        self.rivals = np.delete(logits, output, axis=1).max(axis=1)
        self.unpruned = self.fit(logits[:, output])[0]
        self.null = self.fit(np.zeros(len(images)))[0]
        self.masks, self.rows = {}, []

    def fit(self, logit):
        """Best CSA, its bias, hits and false alarms."""
        csa, bias = exhaustive(logit, self.rivals, self.is_category)
        predicted = logit + float(bias) > self.rivals
        hits, false = predicted[self.is_category].mean(), predicted[~self.is_category].mean()
        assert float(youden(logit, self.rivals, self.is_category, bias)) == float(csa)
        return float(csa), float(bias), hits, false

    def ranked(self, layers, normalise):
        """(layer, place in the layer) of all weights, the first to go first; one list per ranking."""
        values = {}
        for name in layers:
            own = self.scores[name].ravel()
            if normalise:
                # in the precision of the scores, which decides between nearly equal ones
                own = own.astype(np.float32)
                own = (own - own.min()) / (own.max() - own.min())
            values[name] = own
        groups = [layers] if self.settings.scope == "joint" else [[name] for name in layers]
        orders = []
        for group in groups:
            places = [(name, place) for name in group for place in range(values[name].size)]
            everything = np.concatenate([values[name] for name in group])
            orders.append([places[i] for i in np.argsort(everything, kind="stable")])
        return orders

    def mask(self, orders, fraction):
        masks = {
            name: np.ones(self.scores[name].size, bool) for order in orders for name, _ in order
        }
        for order in orders:
            for name, place in order[: math.floor(fraction * len(order) + 1e-9)]:
                masks[name][place] = False
        return {name: mask.reshape(self.scores[name].shape) for name, mask in masks.items()}

    def measure(self, masks):
        tensors = {name: torch.from_numpy(mask) for name, mask in (self.masks | masks).items()}
        pruned = hand_zeroed(self.model, self.network, self.output, tensors)
        with torch.no_grad():
            logit = pruned(self.images)[:, self.output].numpy().astype(float)
        return self.fit(logit)

    def passes(self, csa):
        if self.settings.criterion == "csa":
            return csa >= self.settings.thresholds[0] * self.unpruned
        share = (csa - self.null) / (self.unpruned - self.null)
        return share >= self.settings.thresholds[0]

    def chosen(self, found):
        """The fraction to keep and the next one, from fraction -> measures."""
        fractions = sorted(found)
        passing = [f for f in fractions if f == 0 or self.passes(found[f][0])]
        best = max(passing)
        if self.settings.choose == "before_first_failure":
            best = 0.0
            for fraction in fractions[1:]:
                if fraction not in passing:
                    break
                best = fraction
        later = [f for f in fractions if f > best]
        return best, later[0] if later else None

    def stage(self, layers, normalise):
        orders = self.ranked(layers, normalise)
        found = {f: self.measure(self.mask(orders, f)) for f in self.settings.removed_fractions}
        low, high = self.chosen(found)
        if high is not None:
            steps = self.settings.refinement + 1
            for step in range(1, steps):
                fraction = low + (high - low) * step / steps
                found[fraction] = self.measure(self.mask(orders, fraction))
        best, _ = self.chosen(found)
        size = sum(len(order) for order in orders)
        for fraction in sorted(found):
            kept = sum(mask.sum() for mask in self.mask(orders, fraction).values()) / size
            self.rows.append((kept, *found[fraction]))
        self.masks |= self.mask(orders, best)
        return found[best]

    def run(self):
        linear = linear_stage(self.network)
        convolutions = [name for name in self.scores if name not in linear]
        self.result = self.stage(linear, self.settings.normalisation == "minmax")
        if convolutions:
            self.result = self.stage(convolutions, normalise=False)
        return self


def extraction(kind, output, settings, score="absolute_per_image"):
    """The same with the library; also returns the network and the scores it used."""
    model = MODELS_TRAINED[kind]
    network = network_of(model)
    images = shown(1, kind)
    names = [layer.name for layer in network.layers]
    scoring = shown(2, kind)[output == OUTPUTS]
    scores = score_weights(network, scoring, output, score, names)
    with torch.no_grad():
        logits = model(images).numpy()
    task = Task.of(logits, OUTPUTS, output)
    targets = target_logits(network, output, images)
    found = extract(network, output, scores, linear_stage(network), targets, task, settings)
    return found, network, scores


def library(kind, output, settings, score="absolute_per_image"):
    """The circuit of a single threshold, with its points; the network and the scores."""
    found, network, scores = extraction(kind, output, settings, score)
    return the_only(found), network, scores


def the_only(found):
    """Circuit and points of an extraction with one threshold, in one object."""
    if found is None:
        return None
    (circuit,) = found.circuits
    return SimpleNamespace(
        **vars(circuit), kept=circuit.kept, points=found.points[circuit.threshold]
    )


def assert_equals_plain(circuit, plain):
    assert list(circuit.masks) == [layer.name for layer in plain.network.layers]
    for name, mask in circuit.masks.items():
        np.testing.assert_array_equal(mask.numpy(), plain.masks[name], err_msg=name)
    assert circuit.csa_extraction == pytest.approx(plain.result[0], abs=1e-12)
    assert circuit.bias == pytest.approx(plain.result[1], rel=1e-4, abs=1e-5)
    assert len(circuit.points) == len(plain.rows)
    for point, (kept, csa, bias, hits, false_alarms) in zip(
        circuit.points, plain.rows, strict=True
    ):
        assert point.kept_fraction == pytest.approx(kept, abs=1e-12)
        assert point.removed_fraction == pytest.approx(1 - kept, abs=1e-12)
        assert point.csa == pytest.approx(csa, abs=1e-12)
        assert point.bias == pytest.approx(bias, rel=1e-4, abs=1e-5)
        assert (point.hits, point.false_alarms) == pytest.approx((hits, false_alarms), abs=1e-12)
        share = math.nan
        if plain.unpruned > plain.null:
            share = (csa - plain.null) / (plain.unpruned - plain.null)
        assert point.faithfulness == pytest.approx(share, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("choose", ["before_first_failure", "sparsest"])
@pytest.mark.parametrize("criterion", ["faithfulness", "csa"])
@pytest.mark.parametrize("scope", ["joint", "per_layer"])
@pytest.mark.parametrize("kind", list(MODELS))
def test_extraction_equals_a_slow_plain_procedure(kind, scope, criterion, choose):
    model = MODELS_TRAINED[kind]
    settings = dataclasses.replace(USUAL, scope=scope, criterion=criterion, choose=choose)
    sizes = set()
    for output in (1, 2):
        circuit, network, scores = library(kind, output, settings)
        plain = Plain(model, network, output, scores, shown(1, kind), settings)
        if criterion == "faithfulness" and not plain.unpruned > plain.null:
            assert circuit is None
            continue
        assert_equals_plain(circuit, plain.run())
        sizes.add(circuit.kept())
    assert any(kept < size for kept, size in sizes)


@pytest.mark.parametrize(
    "change",
    [
        {"normalisation": "none"},
        {"refinement": 0},
        {"thresholds": (0.4,)},
        {"thresholds": (1.0,)},
        {"removed_fractions": (0.0,)},
        {"removed_fractions": (0.0, 0.5, 1.0)},
    ],
)
def test_other_settings_equal_the_plain_procedure_too(change):
    settings = dataclasses.replace(USUAL, **change)
    circuit, network, scores = library("alexnet", 3, settings, "signed")
    model, images = MODELS_TRAINED["alexnet"], shown(1, "alexnet")
    assert_equals_plain(circuit, Plain(model, network, 3, scores, images, settings).run())


def test_the_two_ways_to_choose_differ_where_the_curve_is_not_monotone():
    """Otherwise the tests above could not tell them apart."""
    linear = linear_stage(network_of(MODELS_TRAINED["alexnet"]))
    settings = [dataclasses.replace(USUAL, choose=how) for how in ("sparsest", USUAL.choose)]
    kept = [
        [library("alexnet", output, own)[0].kept(linear)[0] for own in settings]
        for output in range(len(CATEGORIES))
    ]
    assert all(sparse <= first for sparse, first in kept)
    assert any(sparse < first for sparse, first in kept)


def test_refinement_finds_sparser_circuits_between_points_of_the_grid():
    settings = dataclasses.replace(USUAL, removed_fractions=(0.0, 0.5, 1.0), refinement=0)
    refined = dataclasses.replace(settings, refinement=9)
    sizes = [
        [library("alexnet", output, own)[0].kept()[0] for own in (settings, refined)]
        for output in range(5)
    ]
    assert all(fine <= coarse for coarse, fine in sizes)
    assert any(fine < coarse for coarse, fine in sizes)


@pytest.mark.parametrize("choose", ["before_first_failure", "sparsest"])
@pytest.mark.parametrize("kind", ["alexnet", "squeeze"])
def test_thresholds_do_not_change_each_other(kind, choose):
    thresholds = (0.9, 0.5, 0.7, 1.0)
    together = dataclasses.replace(USUAL, choose=choose, thresholds=thresholds)
    sizes = set()
    for output in range(len(CATEGORIES)):
        found, *_ = extraction(kind, output, together)
        for place, threshold in enumerate(thresholds):
            settings = dataclasses.replace(together, thresholds=(threshold,))
            alone, *_ = library(kind, output, settings)
            if alone is None:
                assert found is None
                continue
            circuit = found.circuits[place]
            assert circuit.threshold == threshold
            assert (circuit.bias, circuit.csa_extraction) == (alone.bias, alone.csa_extraction)
            assert set(found.points[threshold]) <= set(alone.points)
            assert (found.points[threshold] == alone.points) or place > 0
            for name, mask in circuit.masks.items():
                assert torch.equal(mask, alone.masks[name])
            sizes.add((output, circuit.kept()[0]))
    assert len(sizes) > len(CATEGORIES)


@pytest.mark.parametrize("choose", ["before_first_failure", "sparsest"])
@pytest.mark.parametrize("kind", list(MODELS))
def test_a_deciding_sweep_finds_the_same_circuit_with_fewer_measurements(kind, choose):
    complete = dataclasses.replace(USUAL, choose=choose)
    measured = []
    for output in range(len(CATEGORIES)):
        for threshold in (0.9, 0.4):
            settings = dataclasses.replace(complete, thresholds=(threshold,))
            whole, *_ = library(kind, output, settings)
            part, *_ = library(kind, output, dataclasses.replace(settings, sweep="deciding"))
            if whole is None:
                assert part is None
                continue
            assert (part.bias, part.csa_extraction) == (whole.bias, whole.csa_extraction)
            for name, mask in part.masks.items():
                assert torch.equal(mask, whole.masks[name])
            assert set(part.points) <= set(whole.points)
            measured.append((len(part.points), len(whole.points)))
    assert sum(few for few, _ in measured) < 0.9 * sum(many for _, many in measured)


# --- planted circuits

COLOURS = 3


def planted():
    """Category c is computed by one weight in each layer and by nothing else: those at [c, c].

    Their product is 1, but in the first two layers those of later categories are larger, so that magnitudes tell
    another story.
    """
    model = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, COLOURS, 1),
            relu=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc1=nn.Linear(COLOURS, COLOURS),
            relu1=nn.ReLU(),
            fc2=nn.Linear(COLOURS, COLOURS),
        )
    ).eval()
    strength = torch.tensor([1.0, 1.1, 1.2])
    values = {"conv": strength, "fc1": strength, "fc2": strength**-2}
    with torch.no_grad():
        for name, own in values.items():
            layer = model.get_submodule(name)
            layer.bias.zero_()
            layer.weight.copy_(torch.diag(own).view(layer.weight.shape))
    return model


def colours(seed, per_category=6):
    """Images in which the category's colour is brightest and another one bright, and their categories.

    The images differ in brightness, so that the colours of the other categories alone do not tell one.
    """
    random = np.random.default_rng(seed)
    outputs = np.repeat(np.arange(COLOURS), per_category)
    images = 0.2 * random.random((len(outputs), COLOURS, 8, 8))
    for image, output in zip(images, outputs, strict=True):
        image[output] += 4
        image[(output + random.integers(1, COLOURS)) % COLOURS] += 3
        image *= random.uniform(0.5, 2)
    return torch.from_numpy(images).float(), outputs


PLANTED_LAYERS = ["conv", "fc1", "fc2"]


def planted_scores(kind, network, output, images):
    """Scores of all weights of a planted network."""
    if kind == "magnitude":
        return magnitude_scores(PLANTED_LAYERS)
    return score_weights(network, images, output, kind, PLANTED_LAYERS)


@pytest.mark.parametrize("output", range(COLOURS))
@pytest.mark.parametrize(
    "kind", ["signed", "absolute_per_image", "absolute_per_position", "magnitude"]
)
def test_a_planted_circuit_is_found(output, kind):
    model = planted()
    network = dataclasses.replace(network_of(model), categories=CATEGORIES[:COLOURS])
    images, outputs = colours(0)
    scoring, of = colours(1)
    scores = planted_scores(kind, network, output, scoring[torch.from_numpy(of == output)])
    with torch.no_grad():
        task = Task.of(model(images).numpy(), outputs, output)
    # 2 of the 12 weights in the first stage, 1 of 9 in the second; without one more nothing is left
    settings = dataclasses.replace(
        USUAL, removed_fractions=(0.0, 0.5, 8 / 9, 10 / 12, 11 / 12), refinement=0
    )
    settings = dataclasses.replace(
        settings, removed_fractions=tuple(sorted(settings.removed_fractions))
    )
    targets = target_logits(network, output, images)
    found = extract(network, output, scores, ["fc1", "fc2"], targets, task, settings)
    circuit = the_only(found)
    expected = {name: torch.zeros(COLOURS, COLOURS, dtype=torch.bool) for name in PLANTED_LAYERS}
    for mask in expected.values():
        mask[output, output] = True
    exact = all(
        torch.equal(
            circuit.masks[name].flatten(),
            (mask[output] if name == "fc2" else mask).flatten(),
        )
        for name, mask in expected.items()
    )
    # the category with the largest weights is the only one that magnitudes find too
    assert exact == (kind != "magnitude" or output == COLOURS - 1)
    assert circuit.csa_extraction == 1
    if exact:
        assert circuit.kept() == (3, 9 + 9 + 3)
        assert circuit.kept(["fc1", "fc2"]) == (2, 12)
        assert circuit.kept([]) == (0, 0)
    # all that the planted weights do not explain is gone: sparser points fail
    sparsest = [p for p in circuit.points if p.kept_fraction < 1 / 9]
    assert sparsest
    assert all(p.faithfulness == 0 for p in sparsest)


PATTERNS, DISTRACTORS = 4, 8
CHANNELS = COLOURS * PATTERNS


def planted_among_distractors():
    """Category c has four patterns, each with a path of its own: one weight of each layer. All of them are needed.

    Beside these paths there are units that see everything through large random weights in two layers, and lead to no
    output unit but through the rows of the others: for category c they are large, active and irrelevant.
    """
    units = CHANNELS + DISTRACTORS
    model = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(CHANNELS, units, 1),
            relu=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc1=nn.Linear(units, units),
            relu1=nn.ReLU(),
            fc2=nn.Linear(units, COLOURS + 1),
        )
    ).eval()
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in (model.conv, model.fc1, model.fc2):
            layer.weight.zero_()
            layer.bias.zero_()
        for pattern in range(CHANNELS):
            model.conv.weight[pattern, pattern] = model.fc1.weight[pattern, pattern] = 1
            model.fc2.weight[pattern // PATTERNS, pattern] = 1
        shape = (DISTRACTORS, CHANNELS, 1, 1)
        model.conv.weight[CHANNELS:] = 2 + torch.rand(shape, generator=random)
        model.fc1.weight[CHANNELS:] = 2 + torch.rand((DISTRACTORS, units), generator=random)
        model.fc2.weight[COLOURS, CHANNELS:] = 1e-4
    return model


def patterns(seed, per_pattern=3):
    """Images with one bright pattern of their category, weaker ones of others, in light of varying strength."""
    random = np.random.default_rng(seed)
    shown = np.repeat(np.arange(CHANNELS), per_pattern)
    images = 0.1 * random.random((len(shown), CHANNELS, 6, 6))
    for image, pattern in zip(images, shown, strict=True):
        image[pattern] += 4
        other = (pattern + PATTERNS + random.integers(CHANNELS - PATTERNS)) % CHANNELS
        image[other] += random.uniform(2, 3.5)
        image *= random.uniform(0.3, 3)
    return torch.from_numpy(images).float(), shown // PATTERNS


@pytest.mark.parametrize("output", range(COLOURS))
@pytest.mark.parametrize("kind", ["signed", "absolute_per_image", "magnitude"])
def test_a_planted_circuit_is_found_among_larger_weights(output, kind):
    model = planted_among_distractors()
    network = dataclasses.replace(network_of(model), categories=CATEGORIES[: COLOURS + 1])
    images, outputs = patterns(0)
    scoring, of = patterns(1)
    scores = planted_scores(kind, network, output, scoring[torch.from_numpy(of == output)])
    with torch.no_grad():
        task = Task.of(model(images).numpy(), outputs, output)
    settings = dataclasses.replace(
        USUAL,
        thresholds=(1.0,),
        normalisation="none",
        removed_fractions=tuple(np.linspace(0, 1, 101).tolist()),
    )
    targets = target_logits(network, output, images)
    found = extract(network, output, scores, ["fc1", "fc2"], targets, task, settings)
    circuit = the_only(found)
    own = slice(output * PATTERNS, (output + 1) * PATTERNS)
    planted = {name: torch.zeros_like(mask) for name, mask in circuit.masks.items()}
    for pattern in range(own.start, own.stop):
        for name in ("conv", "fc1"):
            planted[name][pattern, pattern] = True
        planted["fc2"][0, pattern] = True
    both = sum(int((planted[name] & mask).sum()) for name, mask in circuit.masks.items())
    kept, size = circuit.kept()
    assert (both, size) == (3 * PATTERNS, 20 * 12 + 20 * 20 + 20)  # every planted weight is held
    if kind == "magnitude":
        assert kept > 20 * 3 * PATTERNS  # the distractors are larger
    else:
        assert kept <= 3 * PATTERNS + 0.01 * size  # and hardly any other


# --- where there is no circuit


class Always:
    """A target logit that no mask changes."""

    def __init__(self, logit):
        self.logit = logit

    def with_fixed(self, _masks):
        """Itself."""
        return self

    def __call__(self, _masks):
        return self.logit


def constant_target(rival_logits):
    """A task whose target logit says nothing."""
    logits = np.column_stack([np.full(4, 2.0), rival_logits, np.full(4, -9.0)]).astype(np.float32)
    return Task.of(logits, np.array([0, 0, 1, 1]), 0)


@pytest.mark.parametrize(
    ("criterion", "rival_logits", "found"),
    [
        ("faithfulness", [1, 1, 1, 1], False),
        ("csa", [1, 1, 1, 1], False),
        # the other logits alone tell when the category is shown: CSA 1 for nothing
        ("faithfulness", [1, 1, 5, 5], False),
        ("csa", [1, 1, 5, 5], True),
    ],
)
def test_no_circuit_where_the_criterion_has_nothing_to_preserve(criterion, rival_logits, found):
    network = network_of(MODELS_TRAINED["perceptron"])
    task = constant_target(rival_logits)
    names = [layer.name for layer in network.layers]
    settings = dataclasses.replace(USUAL, criterion=criterion, removed_fractions=(0.0, 0.5))
    # whatever is removed, the target logit stays the same
    stages = dict.fromkeys(("fully_connected", "convolution"), Always(task.target))
    circuit = extract(network, 0, magnitude_scores(names), names, stages, task, settings)
    assert (circuit is not None) == found


@pytest.mark.parametrize("choose", ["before_first_failure", "sparsest"])
def test_where_even_the_whole_stage_fails_nothing_is_removed(choose):
    """Possible by rounding alone: a logit on its own may differ in the last digit from one among others."""
    network = network_of(MODELS_TRAINED["perceptron"])
    logits = np.array([[2, 1, 0], [2, 1, 0], [0, 1, 2], [0, 1, 2]], np.float32)
    task = Task.of(logits, np.array([0, 0, 1, 1]), 0)
    names = [layer.name for layer in network.layers]
    settings = dataclasses.replace(USUAL, criterion="csa", choose=choose)
    stages = dict.fromkeys(("fully_connected", "convolution"), Always(-task.target))
    found = extract(network, 0, magnitude_scores(names), names, stages, task, settings)
    circuit = the_only(found)
    kept, size = circuit.kept()
    assert kept == size
    assert all(point.csa < 0.9 for point in circuit.points)


# --- evaluation


@pytest.mark.parametrize("seed", range(8))
def test_evaluation_uses_the_biases_of_the_extraction_images(seed):
    random = np.random.default_rng(seed)
    outputs = np.repeat(np.arange(4), 6)

    def task():
        logits = random.normal(size=(24, 4)).astype(np.float32)
        logits[np.arange(24), outputs] += 1.5
        return Task.of(logits, outputs, 2), logits.astype(float)

    (extraction, old), (evaluation, new_logits) = task(), task()
    circuit_logit, bias = 0.5 * new_logits[:, 2] - 3, 2.75
    found = evaluate(circuit_logit, bias, extraction, evaluation)

    is_category = outputs == 2
    rivals = [np.delete(logits, 2, axis=1).max(axis=1) for logits in (old, new_logits)]

    def fitted(target):
        return float(exhaustive(target, rivals[0], is_category)[1])

    def csa(target, own_bias):
        predicted = target + own_bias > rivals[1]
        return predicted[is_category].mean() - predicted[~is_category].mean()

    unpruned = csa(new_logits[:, 2], fitted(old[:, 2]))
    null = csa(np.zeros(24), fitted(np.zeros(24)))
    own = csa(circuit_logit, bias)
    assert found.csa_unpruned == pytest.approx(unpruned)
    assert found.csa_bias_only == pytest.approx(null)
    assert found.csa == pytest.approx(own)
    predicted = circuit_logit + bias > rivals[1]
    assert found.hits == pytest.approx(predicted[is_category].mean())
    assert found.false_alarms == pytest.approx(predicted[~is_category].mean())
    if unpruned > null:
        assert found.faithfulness == pytest.approx((own - null) / (unpruned - null))
    else:
        assert math.isnan(found.faithfulness)
    # a linear function of the unpruned logit
    assert found.logit_correlation == pytest.approx(1)
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a in circuit_logit[is_category]
        for b in circuit_logit[~is_category]
    ]
    assert found.auc == pytest.approx(np.mean(pairs))


def test_of_the_output_layer_only_the_categorys_row_counts():
    masks = {
        "fc1": torch.tensor([[True, False], [True, True]]),
        "fc2": torch.tensor([[True, False]]),
    }
    circuit = Circuit(0.9, masks, 0.0, 1.0)
    assert circuit.kept() == (4, 6)
    assert circuit.kept(["fc2"]) == (1, 2)


def test_sweeps_ascend_and_are_ordered_by_stage():
    circuit, _, _ = library("alexnet", 1, USUAL)
    stages = [point.stage for point in circuit.points]
    assert stages == sorted(stages, reverse=True)  # fully_connected first
    for stage in set(stages):
        removed = [point.removed_fraction for point in circuit.points if point.stage == stage]
        assert all(a <= b for a, b in pairwise(removed))
        assert removed[0] == 0
