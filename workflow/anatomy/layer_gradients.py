"""Gradients of the logit of one output unit with respect to the weights of a layer, image by image.

For output unit c, image n and weight w they are dz_c(n) / dw: for a linear layer x_j g_i, with x the layer's input and
g the gradient of the logit at the layer's output; for a convolution the sum of that over positions.

One forward and one backward pass serve all images and layers: the logits are summed over images, so the gradient at an
image's part of the batch is the image's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from anatomy.errors import InputError
from anatomy.gradients import LayerGradients
from anatomy.halving import Halving

if TYPE_CHECKING:
    from anatomy.networks.network import Network


Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class FactoredGradients:
    """Gradients of a linear layer at one position, whose weights have a single product in each image.

    Attributes
    ----------
    weight : (output unit, input unit)
    inputs : A (image, input unit), the layer's input
    gradients : G (image, output unit), gradients of the logit at the layer's output
    """

    weight: Tensor
    inputs: Tensor
    gradients: Tensor

    def mean(self) -> Tensor:
        """G'A / N."""
        return (self.gradients / len(self.inputs)).T @ self.inputs

    def mean_absolute(self) -> Tensor:
        """|G|'|A| / N, the mean of the absolute values exactly."""
        return (self.gradients / len(self.inputs)).abs().T @ self.inputs.abs()

    def mean_absolute_per_position(self) -> Tensor:
        """The same: there is one position."""
        return self.mean_absolute()

    def mean_of(self, function: Function) -> Tensor:
        """The mean of a function of the outer product of each image."""
        factors = zip(self.gradients, self.inputs, strict=True)
        return _mean_of(function, self.weight, [partial(torch.outer, *own) for own in factors])

    def sampled(self, indices: Tensor) -> list[LayerGradients]:
        """For each image the gradients of some weights, given by their places in the weight tensor."""
        units, inputs = indices // self.weight.shape[1], indices % self.weight.shape[1]
        products = self.inputs[:, inputs] * self.gradients[:, units]
        weight = self.weight.flatten()[indices]
        return [_ProductGradients(weight, own) for own in products]


@dataclass(frozen=True, eq=False)
class _ProductGradients:
    """Gradients of some weights in one image, each a single product."""

    weight: Tensor
    products: Tensor

    def mean(self) -> Tensor:
        return self.products.clone()

    def mean_absolute(self) -> Tensor:
        return self.products.abs()

    def mean_absolute_per_position(self) -> Tensor:
        return self.products.abs()

    def mean_of(self, function: Function) -> Tensor:
        return function(self.products.clone())


@dataclass(frozen=True, eq=False)
class SummedGradients:
    """Gradients of a convolution, or of a linear layer at several positions or calls.

    Attributes
    ----------
    module : the layer
    calls : its calls
    indices : which weights, by their places in the weight tensor; None for all
    """

    module: nn.Conv2d | nn.Linear
    calls: list[Call]
    indices: Tensor | None = None

    @property
    def weight(self) -> Tensor:
        """The weights."""
        return self._chosen(self.module.weight.detach())

    def mean(self) -> Tensor:
        """dz/dw, averaged over images."""
        return self._gradient(self.calls).div_(self._images)

    def mean_absolute(self) -> Tensor:
        """|dz/dw|, averaged over images."""
        return self.mean_of(Tensor.abs_)

    def mean_absolute_per_position(self) -> Tensor:
        """The sum over positions of |x g|, averaged over images."""
        return self._gradient([call.absolute() for call in self.calls]).div_(self._images)

    def mean_of(self, function: Function) -> Tensor:
        """The mean of a function of dz/dw of each image."""
        images = [partial(self._gradient, self._calls_of(image)) for image in range(self._images)]
        return _mean_of(function, self.weight, images)

    def sampled(self, indices: Tensor) -> list[LayerGradients]:
        """For each image the gradients of some weights, given by their places in the weight tensor."""
        return [
            SummedGradients(self.module, self._calls_of(image), indices)
            for image in range(self._images)
        ]

    @property
    def _images(self) -> int:
        return len(self.calls[0].inputs)

    def _calls_of(self, image: int) -> list[Call]:
        return [call.of_image(image) for call in self.calls]

    def _gradient(self, calls: list[Call]) -> Tensor:
        """Sum over the images of some calls."""
        return self._chosen(_weight_gradient(self.module, calls))

    def _chosen(self, values: Tensor) -> Tensor:
        return values if self.indices is None else values.flatten()[self.indices]


def record_gradients(
    network: Network, images: Tensor, output: int, layers: Sequence[str]
) -> dict[str, FactoredGradients | SummedGradients]:
    """Gradients of the weights of some layers, by layer name, on the network's device.

    Parameters
    ----------
    network : neither its parameters nor their gradients are touched.
    images : (image, channel, y, x) float, preprocessed.
    output : index of the output unit.
    layers : names of layers. Of one that is called several times the calls are summed.

    Raises
    ------
    InputError if there are no images, no such output or no such layer, or a layer mixes images in its batch.
    """
    calls = _record_calls(network, images.to(network.device), output, layers)
    return {name: _gradients(network.module(name), own) for name, own in calls.items()}


def _mean_of(function: Function, weight: Tensor, images: Sequence[Callable[[], Tensor]]) -> Tensor:
    """The mean of a function of what each image gives, of which one is held at a time."""
    total = torch.zeros_like(weight)
    for gradient in images:
        total += function(gradient())
    return total.div_(len(images))


def _gradients(
    module: nn.Conv2d | nn.Linear, calls: list[Call]
) -> FactoredGradients | SummedGradients:
    if isinstance(module, nn.Linear) and len(calls) == 1 and calls[0].inputs.ndim == 2:
        return FactoredGradients(module.weight.detach(), calls[0].inputs, calls[0].gradients)
    return SummedGradients(module, calls)


class Call(NamedTuple):
    """Input of one call of a layer and gradient of the logit at its output, both (image, ...)."""

    inputs: Tensor
    gradients: Tensor

    def of_image(self, index: int) -> Call:
        """This image's part."""
        image = slice(index, index + 1)
        return Call(self.inputs[image], self.gradients[image])

    def absolute(self) -> Call:
        """Absolute values of both."""
        return Call(self.inputs.abs(), self.gradients.abs())


class _Passed(NamedTuple):
    """What a hook sees of one call of a layer in the forward pass."""

    layer: str
    inputs: Tensor
    outputs: Tensor


def _record_calls(
    network: Network, images: Tensor, output: int, layers: Sequence[str]
) -> dict[str, list[Call]]:
    """The calls of each layer, from one forward and one backward pass, or as many as the memory of a GPU demands."""
    if images.ndim != 4 or len(images) == 0:
        raise InputError(f"images must be (image, channel, y, x), not {tuple(images.shape)}")
    calls = Halving()(partial(_calls_of, network, output, layers), images)
    return {name: [Call(*call) for call in own] for name, own in calls.items()}


def _calls_of(
    network: Network, output: int, layers: Sequence[str], images: Tensor
) -> dict[str, list[Call]]:
    """The calls of each layer. An image's gradients are its own: the logits are summed over images."""
    calls: dict[str, list[Call]] = {name: [] for name in layers}
    passed: list[_Passed] = []
    with ExitStack() as hooks, torch.enable_grad():
        for name in calls:
            hook = network.module(name).register_forward_hook(_keep_in(passed, name))
            hooks.callback(hook.remove)
        logits = network.graph(images)
        if not 0 <= output < logits.shape[1]:
            raise InputError(f"there is no output {output} among {logits.shape[1]} outputs")
        target = logits[:, output].sum()
    outputs = [call.outputs for call in passed]
    gradients = torch.autograd.grad(target, outputs, materialize_grads=True)
    for call, gradient in zip(passed, gradients, strict=True):
        if len(call.inputs) != len(images):
            raise InputError(f"layer {call.layer!r} mixes images in its batch: cannot be scored")
        calls[call.layer].append(Call(call.inputs, gradient))
    return calls


def _keep_in(passed: list[_Passed], layer: str) -> Callable[..., None]:
    """A forward hook that keeps a layer's calls and makes its outputs differentiable."""

    def keep(_module: nn.Module, arguments: tuple[Tensor, ...], outputs: Tensor) -> None:
        if not outputs.requires_grad:
            outputs.requires_grad_()
        passed.append(_Passed(layer, arguments[0].detach(), outputs))

    return keep


def _weight_gradient(module: nn.Conv2d | nn.Linear, calls: list[Call]) -> Tensor:
    """Sum over calls, images and positions of input x gradient, in the shape of the weights."""
    total = _call_gradient(module, calls[0])
    for call in calls[1:]:
        total += _call_gradient(module, call)
    return total


def _call_gradient(module: nn.Conv2d | nn.Linear, call: Call) -> Tensor:
    if isinstance(module, nn.Linear):
        return call.gradients.flatten(0, -2).T @ call.inputs.flatten(0, -2)
    inputs, padding = call.inputs, module.padding
    if isinstance(padding, str) or module.padding_mode != "zeros":
        inputs, padding = _padded(module, inputs), 0
    return nn.grad.conv2d_weight(
        inputs,
        module.weight.shape,
        call.gradients,
        module.stride,
        padding,
        module.dilation,
        module.groups,
    )


def _padded(module: nn.Conv2d, inputs: Tensor) -> Tensor:
    """Inputs padded as the module itself pads them, for what `conv2d_weight` cannot express."""
    widths: list[int] = []
    for axis in (1, 0):  # `pad` wants x before y
        if module.padding == "same":
            total = module.dilation[axis] * (module.kernel_size[axis] - 1)
            widths += [total // 2, total - total // 2]
        else:
            widths += [0, 0] if module.padding == "valid" else [module.padding[axis]] * 2
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    return nn.functional.pad(inputs, widths, mode=mode)
