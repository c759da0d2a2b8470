"""Lesioned units are silent or noisy at the one layer, and everything behind it follows from that."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import INPUT, MODELS, network_of, new

from anatomy.errors import InputError
from anatomy.networks.cut import prefix
from anatomy.unit_lesions import UnitLesion, UnitLesions, response_moments

IMAGES = 5
NAMES = [f"image {number}" for number in range(IMAGES)]
# the lesioned layer, and one whose responses depend on it
LAYERS = {
    "alexnet": ("conv2", "fc4"),
    "residual": ("conv1", "fc"),
    "squeeze": ("squeeze", "wide"),
    "perceptron": ("fc1", "fc2"),
}


def images(seed=0, number=IMAGES):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(number, 3, INPUT, INPUT, generator=random)


def response_of(network, layer, batch):
    return prefix(network.graph, [network.response(layer)])(batch)[0]


def plain(network, layer, readout, change, batch):
    """Readout by running the whole graph node by node, with the response changed where it is computed."""
    seen = {}

    class Plain(torch.fx.Interpreter):
        def run_node(self, node):
            value = super().run_node(node)
            if node.name == network.response(layer):
                value = change(value)
            seen[node.name] = value
            return value

    Plain(network.graph).run(batch)
    return seen[network.response(readout)]


def engine_of(network, layer, readout, spread=None):
    units = network.layer(layer).units
    return UnitLesions(network, layer, readout, np.ones(units) if spread is None else spread)


@pytest.mark.parametrize("kind", list(MODELS))
def test_silenced_units_are_those_of_a_network_changed_by_hand(kind):
    network = network_of(new(kind))
    layer, readout = LAYERS[kind]
    order = np.random.default_rng(1).permutation(network.layer(layer).units)
    lesions = [UnitLesion(order, count) for count in (1, 2, len(order), 0)]
    found = list(engine_of(network, layer, readout).readouts(images(), NAMES, lesions))
    for lesion, one in zip(lesions, found, strict=True):

        def silence(value, lesion=lesion):
            value = value.clone()
            value[:, lesion.order[: lesion.count]] = 0
            return value

        expected = plain(network, layer, readout, silence, images())
        torch.testing.assert_close(one, expected, rtol=1e-5, atol=1e-6)
    intact = response_of(network, readout, images())
    torch.testing.assert_close(found[-1], intact, rtol=1e-5, atol=1e-6)
    assert (found[2] - intact).abs().max() > 1e-3


def test_a_silenced_unit_is_one_whose_weights_and_bias_are_zero():
    model = new("alexnet")
    network = network_of(model)
    lesion = UnitLesion(np.array([4, 9]), 2)
    (found,) = engine_of(network, "conv2", "fc5").readouts(images(), NAMES, [lesion])
    with torch.no_grad():
        model.conv2.weight[[4, 9]] = 0
        model.conv2.bias[[4, 9]] = 0
        torch.testing.assert_close(found, model(images()), rtol=1e-5, atol=1e-6)


def test_the_lesioned_layer_itself_can_be_read_out():
    network = network_of(new("alexnet"))
    lesion = UnitLesion(np.array([3, 0, 5]), 2)
    (found,) = engine_of(network, "conv2", "conv2").readouts(images(), NAMES, [lesion])
    expected = response_of(network, "conv2", images()).clone()
    expected[:, [0, 3]] = 0
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def noise_in(network, layer, lesions, batch=None, names=NAMES, spread=None):
    """What lesions add to the responses of the layer itself."""
    batch = images() if batch is None else batch
    found = engine_of(network, layer, layer, spread).readouts(batch, names, lesions)
    intact = response_of(network, layer, batch)
    return [(one - intact).numpy() for one in found]


def test_noise_is_normal_and_as_large_as_asked():
    network = network_of(new("alexnet"))
    spread = np.linspace(0.5, 6, 12)
    order = np.arange(12)[::-1].copy()
    batch, names = images(number=400), list(range(400))
    lesions = [UnitLesion(order, 5, level, ("a",)) for level in (1.0, 3.0)]
    once, thrice = noise_in(network, "conv2", lesions, batch, names, spread)
    np.testing.assert_array_equal(once[:, order[5:]], 0)
    np.testing.assert_allclose(thrice, 3 * once, rtol=1e-3, atol=1e-4)
    standard = once[:, order[:5]] / spread[order[:5], None, None]
    samples = standard.size // 5  # of a unit
    np.testing.assert_allclose(standard.std(axis=(0, 2, 3)), 1, atol=4 / np.sqrt(2 * samples))
    np.testing.assert_allclose(standard.mean(axis=(0, 2, 3)), 0, atol=4 / np.sqrt(samples))
    # another number for every unit, position and image
    assert len(np.unique(standard.round(6))) > 0.95 * standard.size
    assert abs(np.mean(standard**4) - 3) < 0.3


def test_noise_goes_through_the_network_like_any_change_of_the_response():
    network = network_of(new("alexnet"))
    lesion = UnitLesion(np.array([1, 7]), 2, 2.0, ("a",))
    (added,) = noise_in(network, "conv2", [lesion])
    (found,) = engine_of(network, "conv2", "fc4").readouts(images(), NAMES, [lesion])
    change = torch.from_numpy(added)
    expected = plain(network, "conv2", "fc4", lambda value: value + change, images())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (found - response_of(network, "fc4", images())).abs().max() > 1e-2


def test_the_same_unit_has_the_same_noise_in_every_dose():
    network = network_of(new("alexnet"))
    order = np.random.default_rng(2).permutation(12)
    few, many = UnitLesion(order, 3, 1.0, ("a",)), UnitLesion(order, 9, 1.0, ("a",))
    short = UnitLesion(order[:3], 3, 1.0, ("a",))
    alone, again, other_way, fewer = (
        noise_in(network, "conv2", lesions)[-1] for lesions in ([few], [many], [few, many], [short])
    )
    np.testing.assert_array_equal(again, other_way)
    np.testing.assert_array_equal(alone[:, order[:3]], again[:, order[:3]])
    np.testing.assert_array_equal(alone, fewer)
    assert (again[:, order[3:9]] != 0).all()


def test_noise_depends_on_purpose_and_image_alone():
    network = network_of(new("alexnet"))
    lesions = [UnitLesion(np.arange(12), 6, 1.0, (purpose,)) for purpose in ("a", "b", "a")]
    one, other, back = noise_in(network, "conv2", lesions)
    np.testing.assert_array_equal(one, back)
    assert not (one[:, :6] == other[:, :6]).any()
    assert not (one[0, :6] == one[1, :6]).any()
    parts = [slice(0, 2), slice(2, 3), slice(3, 5)]
    batches = [
        noise_in(network, "conv2", lesions[:2], images()[part], NAMES[part]) for part in parts
    ]
    for number, whole in enumerate((one, other)):
        joined = np.concatenate([batch[number] for batch in batches])
        np.testing.assert_allclose(joined, whole, atol=1e-5)  # sums of responses round
    turned = noise_in(network, "conv2", lesions[:1], images().flip(0), NAMES[::-1])[0]
    np.testing.assert_allclose(turned[::-1], one, atol=1e-5)


def test_units_of_a_linear_layer_are_lesioned_too():
    network = network_of(new("perceptron"))
    spread = np.linspace(1, 2, 10)
    lesion = UnitLesion(np.array([8, 2]), 2, 1.0, ("a",))
    (added,) = noise_in(network, "fc1", [lesion], spread=spread)
    assert added.shape == (IMAGES, 10)
    assert (added[:, [2, 8]] != 0).all()
    np.testing.assert_array_equal(np.delete(added, [2, 8], axis=1), 0)


def test_the_network_is_left_as_it_was():
    network = network_of(new("alexnet"))
    before = network.graph(images())
    lesions = [UnitLesion(np.arange(12), 12, noise, ("a",)) for noise in (0.0, 2.0)]
    list(engine_of(network, "conv2", "fc5").readouts(images(), NAMES, lesions))
    torch.testing.assert_close(network.graph(images()), before, rtol=0, atol=0)


def test_what_lies_before_the_layer_is_computed_once():
    network = network_of(new("alexnet"))
    calls = dict.fromkeys(("conv1", "conv2", "fc3"), 0)
    for name in calls:

        def count(*_, name=name):
            calls[name] += 1

        network.graph.get_submodule(name).register_forward_hook(count)
    lesions = [UnitLesion(np.arange(12), number) for number in range(7)]
    list(engine_of(network, "conv2", "fc4").readouts(images(), NAMES, lesions))
    assert calls == {"conv1": 1, "conv2": 1, "fc3": 7}


def test_a_readout_before_the_layer_is_refused():
    network = network_of(new("alexnet"))
    with pytest.raises(InputError, match="'conv1' does not depend on layer 'conv2'"):
        engine_of(network, "conv2", "conv1")


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_moments_are_those_of_all_responses_together(seed, sizes):
    network = network_of(new("alexnet"))
    batch = 3 * images(seed, sum(sizes)) + 1
    means, spreads = response_moments(network, "conv2", batch.split(sizes))
    values = response_of(network, "conv2", batch).numpy().astype(np.float64)
    np.testing.assert_allclose(means, values.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(spreads, values.std(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)


def test_moments_need_images():
    with pytest.raises(InputError, match="no image to measure the responses of layer 'conv2'"):
        response_moments(network_of(new("alexnet")), "conv2", [])
