"""Layers under a mask, computed without the units and inputs that the mask leaves without weights."""

import torch
from torch import Tensor, nn

# Gathering inputs has a price too: a product is made smaller if at most this share of it remains.
WORTH_GATHERING = 0.8

LayerModule = nn.Conv2d | nn.Linear


class MaskedLayer:
    """A convolution or linear layer with some of its weights at zero.

    A unit whose weights are all removed gives its bias, and an input whose weights are all removed is not read:
    pruned layers have many of both, and the product is made without them. The values are those of the whole product
    but for rounding. A grouped convolution is always computed whole.

    Parameters
    ----------
    module : the layer; only read
    mask : boolean in the shape of the weights, True = kept; None keeps all
    units : which of the layer's units; mask and output have these alone
    """

    def __init__(
        self, module: LayerModule, mask: Tensor | None = None, units: slice = slice(None)
    ) -> None:
        self._module = module
        own = dict(module.named_parameters(recurse=False))
        weight, self._bias = own["weight"][units], own["bias"][units] if "bias" in own else None
        self._size = len(weight)
        self._gathered = _with_weights(module, mask)
        if self._gathered is not None:
            live_units, inputs = self._gathered
            weight = weight[live_units] * mask[live_units]
            weight = weight[:, inputs]
        elif mask is not None:
            weight = weight * mask
        self._weight = weight

    def __call__(self, values: Tensor) -> Tensor:
        """Output of the layer for its input (image, ...)."""
        if self._gathered is None:
            return self._product(values, self._bias)
        live_units, inputs = self._gathered
        bias = None if self._bias is None else self._bias[live_units]
        last = values if self._is_linear else values.movedim(1, -1)
        gathered = last.index_select(-1, inputs)
        part = self._product(gathered if self._is_linear else gathered.movedim(-1, 1), bias)
        return self._among_silent_units(part, live_units)

    @property
    def _is_linear(self) -> bool:
        return isinstance(self._module, nn.Linear)

    def _product(self, values: Tensor, bias: Tensor | None) -> Tensor:
        parameters = {"weight": self._weight} | ({} if bias is None else {"bias": bias})
        return torch.func.functional_call(self._module, parameters, (values,))

    def _among_silent_units(self, part: Tensor, live_units: Tensor) -> Tensor:
        """The outputs of the units that have weights, in their places; the others give their bias."""
        units_last = part if self._is_linear else part.movedim(1, -1)
        silent = part.new_zeros(self._size) if self._bias is None else self._bias
        whole = silent.expand(*units_last.shape[:-1], self._size).clone()
        whole[..., live_units] = units_last
        return whole if self._is_linear else whole.movedim(-1, 1)


def _with_weights(module: LayerModule, mask: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Indices of the units and of the inputs that have kept weights; None where leaving out the rest does not pay."""
    if mask is None or (isinstance(module, nn.Conv2d) and module.groups > 1):
        return None
    bits = mask.view(torch.uint8)  # the maximum of bytes is far faster than `any`
    kernels = bits.flatten(2).amax(2) if bits.ndim > 2 else bits
    live_units, live_inputs = (kernels.amax(axis).nonzero()[:, 0] for axis in (1, 0))
    share = len(live_units) * len(live_inputs) / kernels.numel()
    if share > WORTH_GATHERING or share == 0:
        return None
    return live_units, live_inputs
