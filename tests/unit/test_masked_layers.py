"""Masked layers give what the whole masked product gives, however few units and inputs are left."""

import copy

import pytest
import torch
from torch import nn

from anatomy.masked_layers import MaskedLayer

LAYERS = {
    "linear": (nn.Linear(12, 10), (5, 12)),
    "linear without bias": (nn.Linear(12, 10, bias=False), (5, 12)),
    "linear at several positions": (nn.Linear(12, 10), (5, 3, 12)),
    "convolution": (nn.Conv2d(6, 8, 3, stride=2, padding=1), (4, 6, 9, 9)),
    "convolution without bias": (nn.Conv2d(6, 8, 3, bias=False, dilation=2), (4, 6, 9, 9)),
    "reflecting convolution": (nn.Conv2d(6, 8, 3, padding=1, padding_mode="reflect"), (4, 6, 9, 9)),
    "grouped convolution": (nn.Conv2d(6, 8, 3, groups=2), (4, 6, 9, 9)),
    "depthwise convolution": (nn.Conv2d(6, 6, 3, groups=6), (4, 6, 9, 9)),
}


def masked_by_hand(module, mask, values):
    copied = copy.deepcopy(module)
    with torch.no_grad():
        copied.weight *= mask
        return copied(values)


def mask_of(module, kept, silent_units, unread_inputs, seed=0):
    """A random mask in which some units and some inputs have no weights at all."""
    random = torch.Generator().manual_seed(seed)
    mask = torch.rand(module.weight.shape, generator=random) < kept
    mask[:silent_units] = False
    mask[:, :unread_inputs] = False
    return mask


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("silent", "unread"), [(0, 0), (5, 0), (0, 4), (5, 4), (10, 12)])
@pytest.mark.parametrize("kind", list(LAYERS))
def test_the_output_is_that_of_the_whole_product(kind, silent, unread, memory):
    module, shape = LAYERS[kind]
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    if values.ndim == 4:
        values = values.contiguous(memory_format=memory)
    mask = mask_of(module, 0.6, silent, unread)
    with torch.inference_mode():
        found = MaskedLayer(module, mask)(values)
    torch.testing.assert_close(found, masked_by_hand(module, mask, values), rtol=1e-5, atol=1e-6)


def test_silent_units_and_unread_inputs_take_no_part():
    """Infinite inputs and weights there would otherwise make the whole product not a number."""
    module = nn.Linear(10, 10)
    mask = torch.zeros(10, 10, dtype=torch.bool)
    mask[:3, :4] = True
    values = torch.randn(2, 10)
    expected = masked_by_hand(module, mask, values)
    values[:, 4:] = torch.inf
    with torch.inference_mode():
        found = MaskedLayer(module, mask)(values)
    torch.testing.assert_close(found, expected)


def test_without_a_mask_the_layer_is_whole_and_some_units_can_be_chosen():
    module = nn.Linear(12, 10)
    values = torch.randn(3, 12)
    with torch.inference_mode():
        torch.testing.assert_close(MaskedLayer(module)(values), module(values), rtol=0, atol=0)
        row = MaskedLayer(module, units=slice(4, 5))(values)
        torch.testing.assert_close(row, module(values)[:, 4:5])
        mask = torch.arange(12)[None] % 3 == 0
        masked = MaskedLayer(module, mask, slice(4, 5))(values)
        expected = values[:, ::3] @ module.weight[4, ::3] + module.bias[4]
        torch.testing.assert_close(masked[:, 0], expected)
    assert torch.isfinite(module.weight).all()


def test_the_layer_itself_is_not_touched():
    module = nn.Conv2d(3, 4, 3)
    before = copy.deepcopy(module.state_dict())
    with torch.inference_mode():
        MaskedLayer(module, mask_of(module, 0.3, 2, 1))(torch.randn(2, 3, 8, 8))
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
