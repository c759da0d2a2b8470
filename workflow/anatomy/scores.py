"""Weight scores of one category: how much each weight contributes to the logit of its output unit.

For output unit c, image n and weight w the contribution is w * dz_c(n) / dw: for a linear layer
w_ij x_j g_i, with x the layer's input and g the gradient of the logit at the layer's output; for a
convolution the sum of that over positions. A score is a mean over images:

    signed                  of the contribution
    absolute_per_image      of its absolute value: SNIP (Lee, Ajanthan & Torr 2019) image by image,
                            as Hamblin, Konkle & Alvarez (2022) use it
    absolute_per_position   of the sum over positions of |w x g|

One forward and one backward pass serve all images and layers: the logits are summed over images, so
the gradient at an image's part of the batch is the image's own. Two controls rank the same weights
without looking at the category: `magnitude`, |w|, and `random`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from anatomy.canonical import digest
from anatomy.errors import InputError
from anatomy.halving import Halving

if TYPE_CHECKING:
    from anatomy.networks.network import Network

GradientKind = Literal["signed", "absolute_per_image", "absolute_per_position"]
ScoreKind = Literal["signed", "absolute_per_image", "absolute_per_position", "magnitude", "random"]
Normalisation = Literal["minmax", "l1", "none"]


class LayerScores(Protocol):
    """Scores of one layer's weights; `weight` is always the layer's weight tensor."""

    def dense(self, weight: Tensor) -> Tensor:
        """Scores of all weights, in the shape of `weight`."""

    def row(self, weight: Tensor, index: int) -> Tensor:
        """Scores of the weights into one output unit, in the shape of `weight[index]`."""


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Scores of a linear layer, kept as their factors.

    With N images, signed = W * (G'A) / N and absolute = |W| * (|G|'|A|) / N exactly, so a few
    hundred kB hold what would be 150 MB for the largest layer of AlexNet.

    Attributes
    ----------
    inputs : A (image, input unit), the layer's input
    gradients : G (image, output unit), gradients of the logit at the layer's output
    signed : whether contributions keep their sign
    """

    inputs: Tensor
    gradients: Tensor
    signed: bool

    def dense(self, weight: Tensor) -> Tensor:
        """Scores of all weights (output unit, input unit), computed anew by every call."""
        return self._scores(weight, self.gradients)

    def row(self, weight: Tensor, index: int) -> Tensor:
        """Scores of the weights into one output unit (input unit,)."""
        rows = slice(index, index + 1)
        return self._scores(weight[rows], self.gradients[:, rows])[0]

    def _scores(self, weight: Tensor, gradients: Tensor) -> Tensor:
        inputs, gradients = self.inputs, gradients / len(self.inputs)
        if self.signed:
            return (gradients.T @ inputs).mul_(weight.detach())
        return (gradients.abs().T @ inputs.abs()).mul_(weight.detach()).abs_()


@dataclass(frozen=True, eq=False)
class ConvolutionScores:
    """Scores of a convolution, or of a linear layer at several positions, kept as an array.

    Attributes
    ----------
    values : scores in the shape of the layer's weight tensor
    """

    values: Tensor

    def dense(self, weight: Tensor) -> Tensor:
        """The kept scores; InputError if they are not of the shape of `weight`."""
        if weight.shape != self.values.shape:
            raise InputError(
                f"scores of shape {tuple(self.values.shape)} do not belong to weights of shape "
                f"{tuple(weight.shape)}"
            )
        return self.values

    def row(self, weight: Tensor, index: int) -> Tensor:
        """The kept scores of the weights into one output unit."""
        return self.dense(weight)[index]


@dataclass(frozen=True)
class MagnitudeScores:
    """Control: the absolute value of each weight, the same for every category."""

    def dense(self, weight: Tensor) -> Tensor:
        """|w| of all weights."""
        return weight.detach().abs()

    def row(self, weight: Tensor, index: int) -> Tensor:
        """|w| of the weights into one output unit."""
        return self.dense(weight[index])


@dataclass(frozen=True)
class RandomScores:
    """Control: uniform random scores in [0, 1], the same on every device.

    Attributes
    ----------
    seed : of one layer and category (see `random_scores`)
    """

    seed: int

    def dense(self, weight: Tensor) -> Tensor:
        """Scores of all weights, float32."""
        return self._uniform(0, weight)

    def row(self, weight: Tensor, index: int) -> Tensor:
        """The row of `dense` for one output unit, without drawing the others."""
        row = weight[index]
        return self._uniform(index * row.numel(), row)

    def _uniform(self, start: int, like: Tensor) -> Tensor:
        # The generator takes one step for each float64, so it can start at any weight.
        generator = np.random.Generator(np.random.PCG64(self.seed).advance(start))
        drawn = torch.from_numpy(generator.random(like.numel()))
        return drawn.float().view(like.shape).to(like.device)


def score_weights(
    network: Network, images: Tensor, output: int, kind: GradientKind, layers: Sequence[str]
) -> dict[str, LinearScores | ConvolutionScores]:
    """Scores of the weights of some layers for one output unit.

    Parameters
    ----------
    network : neither its parameters nor their gradients are touched.
    images : (image, channel, y, x) float, preprocessed.
    output : index of the category's output unit.
    kind : how contributions are averaged (see the module).
    layers : names of layers. One that is called several times is scored by the sum of its calls.

    Returns
    -------
    Scores by layer name, on the network's device: `LinearScores` for a linear layer,
    `ConvolutionScores` for a convolution and for a linear layer at several positions.

    Raises
    ------
    InputError if there are no images, no such output or no such layer, or a layer mixes images in
    its batch.
    """
    calls = _record_calls(network, images.to(network.device), output, layers)
    return {name: _layer_scores(network.module(name), own, kind) for name, own in calls.items()}


def contributions(
    network: Network,
    images: Tensor,
    output: int,
    kind: GradientKind,
    sample: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """What each image adds to the scores of some weights: their mean over images is the score.

    Parameters
    ----------
    network, images, output, kind : as for `score_weights`.
    sample : by layer name, (weight,) int64 indices into the layer's weight tensor in C order.

    Returns
    -------
    Contributions (image, weight) by layer name, on the network's device.

    Raises
    ------
    InputError as `score_weights` does, and if a layer has no weight of some index.
    """
    calls = _record_calls(network, images.to(network.device), output, list(sample))
    return {
        name: _contributions(network.module(name), calls[name], kind, _checked(network, name, own))
        for name, own in sample.items()
    }


def magnitude_scores(layers: Sequence[str]) -> dict[str, MagnitudeScores]:
    """Control scores |w| by layer name."""
    return {name: MagnitudeScores() for name in layers}


def random_scores(seed: int, category: str, layers: Sequence[str]) -> dict[str, RandomScores]:
    """Random control scores by layer name; a layer's depend on (seed, category, layer) alone."""
    return {name: RandomScores(_derived_seed(seed, category, name)) for name in layers}


def normalise(scores: Mapping[str, Tensor], method: Normalisation) -> dict[str, Tensor]:
    """Scores made comparable between layers, layer by layer.

    Parameters
    ----------
    scores : arrays of any shape by layer name.
    method : "minmax" (s - min) / (max - min), "l1" s / sum |s|, or "none" to leave them alone.

    Raises
    ------
    InputError, with the layer, if a score is not finite, if all are the same under "minmax", or if
    all are 0 under "l1". "none" accepts such layers; their weights then rank by their order alone.
    """
    return {name: _normalised(values, method, name) for name, values in scores.items()}


class _Call(NamedTuple):
    """Input of one call of a layer and gradient of the logit at its output, both (image, ...)."""

    inputs: Tensor
    gradients: Tensor

    def of_image(self, index: int) -> _Call:
        image = slice(index, index + 1)
        return _Call(self.inputs[image], self.gradients[image])

    def absolute(self) -> _Call:
        return _Call(self.inputs.abs(), self.gradients.abs())


class _Passed(NamedTuple):
    """What a hook sees of one call of a layer in the forward pass."""

    layer: str
    inputs: Tensor
    outputs: Tensor


def _record_calls(
    network: Network, images: Tensor, output: int, layers: Sequence[str]
) -> dict[str, list[_Call]]:
    """The calls of each layer, from one forward and one backward pass, or as many as the memory of a GPU demands."""
    if images.ndim != 4 or len(images) == 0:
        raise InputError(f"images must be (image, channel, y, x), not {tuple(images.shape)}")
    calls = Halving()(partial(_calls_of, network, output, layers), images)
    return {name: [_Call(*call) for call in own] for name, own in calls.items()}


def _calls_of(
    network: Network, output: int, layers: Sequence[str], images: Tensor
) -> dict[str, list[_Call]]:
    """The calls of each layer. An image's gradients are its own: the logits are summed over images."""
    calls: dict[str, list[_Call]] = {name: [] for name in layers}
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
        calls[call.layer].append(_Call(call.inputs, gradient))
    return calls


def _keep_in(passed: list[_Passed], layer: str) -> Callable[..., None]:
    """A forward hook that keeps a layer's calls and makes its outputs differentiable."""

    def keep(_module: nn.Module, arguments: tuple[Tensor, ...], outputs: Tensor) -> None:
        if not outputs.requires_grad:
            outputs.requires_grad_()
        passed.append(_Passed(layer, arguments[0].detach(), outputs))

    return keep


def _layer_scores(
    module: nn.Conv2d | nn.Linear, calls: list[_Call], kind: GradientKind
) -> LinearScores | ConvolutionScores:
    signed = kind == "signed"
    if _factors(module, calls):
        return LinearScores(calls[0].inputs, calls[0].gradients, signed)
    scores = _mean_gradient(module, calls, kind).mul_(module.weight.detach())
    return ConvolutionScores(scores if signed else scores.abs_())


def _contributions(
    module: nn.Conv2d | nn.Linear, calls: list[_Call], kind: GradientKind, indices: Tensor
) -> Tensor:
    if _factors(module, calls):
        units, inputs = indices // module.in_features, indices % module.in_features
        gradients = calls[0].inputs[:, inputs] * calls[0].gradients[:, units]
    else:
        if kind == "absolute_per_position":
            calls = [call.absolute() for call in calls]
        gradients = torch.stack(
            [gradient.flatten()[indices] for gradient in _image_gradients(module, calls)]
        )
    values = gradients.mul_(module.weight.detach().flatten()[indices])
    return values if kind == "signed" else values.abs_()


def _checked(network: Network, layer: str, indices: Tensor) -> Tensor:
    """Indices of a layer's weights on the network's device."""
    size = network.module(layer).weight.numel()
    if ((indices < 0) | (indices >= size)).any():
        raise InputError(f"layer {layer!r} has {size} weights, and the sample asks for others")
    return indices.to(network.device)


def _factors(module: nn.Conv2d | nn.Linear, calls: list[_Call]) -> bool:
    """Whether each weight has a single product in each image: a linear layer at one position."""
    return isinstance(module, nn.Linear) and len(calls) == 1 and calls[0].inputs.ndim == 2


def _mean_gradient(module: nn.Conv2d | nn.Linear, calls: list[_Call], kind: GradientKind) -> Tensor:
    """The score of each weight but for the factor w or |w|, in the shape of the weight tensor."""
    images = len(calls[0].inputs)
    if kind == "signed":
        total = _weight_gradient(module, calls)
    elif kind == "absolute_per_position":
        total = _weight_gradient(module, [call.absolute() for call in calls])
    else:
        total = torch.zeros_like(module.weight, requires_grad=False)
        for gradient in _image_gradients(module, calls):
            total += gradient.abs_()
    return total.div_(images)


def _image_gradients(module: nn.Conv2d | nn.Linear, calls: list[_Call]) -> Iterator[Tensor]:
    """The weight gradient of one image after the other, in the shape of the weight tensor."""
    for image in range(len(calls[0].inputs)):
        yield _weight_gradient(module, [call.of_image(image) for call in calls])


def _weight_gradient(module: nn.Conv2d | nn.Linear, calls: list[_Call]) -> Tensor:
    """Sum over calls, images and positions of input x gradient, in the shape of the weights."""
    total = _call_gradient(module, calls[0])
    for call in calls[1:]:
        total += _call_gradient(module, call)
    return total


def _call_gradient(module: nn.Conv2d | nn.Linear, call: _Call) -> Tensor:
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


def _normalised(values: Tensor, method: Normalisation, layer: str) -> Tensor:
    low, high = (bound.item() for bound in torch.aminmax(values))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"layer {layer!r} has scores that are not finite")
    if method == "none":
        return values
    if low == high == 0:
        raise InputError(
            f"all scores of layer {layer!r} are 0, so they cannot be scaled by {method!r}: "
            "none of its weights contributes for these images"
        )
    if method == "l1":
        return values / torch.linalg.vector_norm(values, 1)
    if low == high:
        raise InputError(f"all scores of layer {layer!r} are {low}: 'minmax' cannot scale them")
    return values.sub(low).div_(high - low)


def _derived_seed(seed: int, category: str, layer: str) -> int:
    """A seed that is the same in every process, unlike one from `hash`."""
    return int(digest([seed, category, layer]), 16)
