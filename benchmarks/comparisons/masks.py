"""Pruning masks beside torch.nn.utils.prune.global_unstructured with the same scores.

Both remove the weights of lowest score over several layers together. The other sorts anew for each mask, and keeps mask
and masked weights beside the weights; the project sorts once and compares. What a mask does to a category's logit is
then measured through the whole network, and by the project from recorded values on, with the units and inputs that
have no weights left out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from children import Measured, Work, measure
from numpy.typing import NDArray
from ratio_table import Row
from subject import TARGET, Subject, batches
from torch import Tensor
from torch.nn.utils import prune

from anatomy.masks import Ranking, pack, removed_count
from anatomy.networks.cut import prefix
from anatomy.networks.network import Network
from anatomy.scores import score_weights
from anatomy.target_logit import TargetLogit

OTHER = "torch.nn.utils.prune.global_unstructured"
SCORING_IMAGES, IMAGES, BATCH = 4, 100, 50
# Above the share of weights with score 0, which the two remove in different orders: .83 of the fully-connected ones.
REMOVED, FRACTIONS, QUICK_LAYER = 0.9, (0.9, 0.95, 0.98), "conv5"
Masks = Mapping[str, Tensor]


def rows(subject: Subject) -> Iterator[Row]:
    """A row for one mask, for the masks of a sweep, and for the logits under them."""
    weights = "all convolutions' weights" if subject.quick else "all weights"
    linear = QUICK_LAYER if subject.quick else "fully-connected layers"
    count = len(FRACTIONS)
    for step, own, other, compare in (
        (f"one mask of {weights}, {REMOVED:.0%} removed", one_mask, one_pruned, _unlike_bits),
        (f"masks of {weights} at {count} fractions", all_masks, all_pruned, _unlike_counts),
        (
            f"logits of {subject.of(4, IMAGES)} images, {linear} masked at {count} fractions",
            all_logits,
            all_pruned_logits,
            _relative,
        ),
    ):
        ours, theirs = measure(own, subject), measure(other, subject)
        yield Row(step, OTHER, ours, theirs, compare(ours, theirs))


def one_mask(subject: Subject) -> Work:
    """Sort all scores and make one mask: its bits by layer."""
    _, scores = _ready_to_mask(subject)

    def work(_folder: Path) -> dict[str, NDArray[np.uint8]]:
        return {name: pack(mask) for name, mask in Ranking(scores).mask_at(REMOVED).items()}

    return work


def one_pruned(subject: Subject) -> Work:
    """The same by PyTorch."""
    network, scores = _ready_to_mask(subject)

    def work(_folder: Path) -> dict[str, NDArray[np.uint8]]:
        with pruned(network, scores, REMOVED) as masks:
            return {name: pack(mask.bool()) for name, mask in masks.items()}

    return work


def all_masks(subject: Subject) -> Work:
    """Sort once and make each mask: how many weights it keeps, of each layer (fraction, layer)."""
    _, scores = _ready_to_mask(subject)

    def work(_folder: Path) -> NDArray[np.int64]:
        ranking = Ranking(scores)
        return np.array([_kept(ranking.mask_at(fraction)) for fraction in FRACTIONS])

    return work


def all_pruned(subject: Subject) -> Work:
    """The same by PyTorch."""
    network, scores = _ready_to_mask(subject)

    def work(_folder: Path) -> NDArray[np.int64]:
        found = []
        for fraction in FRACTIONS:
            with pruned(network, scores, fraction) as masks:
                found.append(_kept(masks))
        return np.array(found)

    return work


def all_logits(subject: Subject) -> Work:
    """The target logit (fraction, image) under masks of the fully-connected layers, from the images on."""
    network, scores = _ready_to_show(subject)
    stored = subject.stored(subject.of(4, IMAGES))

    def work(_folder: Path) -> NDArray[np.float64]:
        suffix = network.suffix(list(scores))
        before = prefix(network.graph, suffix.boundary)
        with torch.inference_mode():
            read = [before(batch) for batch in batches(network, stored, BATCH)]
        joined = [torch.cat(values) for values in zip(*read, strict=True)]
        target = TargetLogit(
            network, TARGET, suffix, [dict(zip(suffix.boundary, joined, strict=True))]
        )
        ranking = Ranking(scores)
        masks = (ranking.mask_at(fraction) for fraction in FRACTIONS)
        return np.stack([target(_target_row(network, own)) for own in masks])

    return work


def all_pruned_logits(subject: Subject) -> Work:
    """The same by PyTorch, through the whole network."""
    network, scores = _ready_to_show(subject)
    stored = subject.stored(subject.of(4, IMAGES))

    def work(_folder: Path) -> NDArray[np.float64]:
        shown, found = batches(network, stored, BATCH), []
        for fraction in FRACTIONS:
            with pruned(network, scores, fraction), torch.inference_mode():
                found.append(torch.cat([network.graph(batch)[:, TARGET] for batch in shown]))
        return torch.stack(found).numpy().astype(np.float64)

    return work


@contextmanager
def pruned(network: Network, scores: Masks, fraction: float) -> Iterator[Masks]:
    """The network pruned by PyTorch, and its masks; afterwards it has its own weights back."""
    modules = {name: network.module(name) for name in scores}
    removed = removed_count(fraction, sum(own.numel() for own in scores.values()))
    prune.global_unstructured(
        [(module, "weight") for module in modules.values()],
        pruning_method=prune.L1Unstructured,
        importance_scores={(modules[name], "weight"): own for name, own in scores.items()},
        amount=removed,
    )
    try:
        yield {name: module.weight_mask for name, module in modules.items()}
    finally:
        for module in modules.values():
            original = module.weight_orig.data
            prune.remove(module, "weight")
            module.weight.data = original


def _ready(subject: Subject, kind: str | None = None) -> tuple[Network, dict[str, Tensor]]:
    """The network, and scores for the target of the weights of all layers, or of those of a kind."""
    torch.set_num_threads(subject.threads)
    network = subject.network()
    images = network.input(subject.stored(SCORING_IMAGES))
    layers = [layer.name for layer in network.layers if kind in (None, layer.kind)]
    scores = score_weights(network, images, TARGET, "absolute_per_image", layers)
    return network, {
        name: own.dense(network.module(name).weight).detach() for name, own in scores.items()
    }


def _ready_to_mask(subject: Subject) -> tuple[Network, dict[str, Tensor]]:
    """Of all layers; where it has to be quick, of the convolutions, which have few weights."""
    return _ready(subject, "convolution" if subject.quick else None)


def _ready_to_show(subject: Subject) -> tuple[Network, dict[str, Tensor]]:
    """Of the fully-connected layers; where it has to be quick, of one convolution."""
    network, scores = _ready(subject, "convolution" if subject.quick else "linear")
    return network, {QUICK_LAYER: scores[QUICK_LAYER]} if subject.quick else scores


def _target_row(network: Network, masks: Masks) -> dict[str, Tensor]:
    """Masks with only the target's row of the output layer, if that is masked."""
    last = network.output_layer.name
    row = {last: masks[last][TARGET : TARGET + 1]} if last in masks else {}
    return {**masks, **row}


def _kept(masks: Masks) -> list[int]:
    return [int(torch.count_nonzero(mask)) for mask in masks.values()]


def _unlike_bits(ours: Measured, theirs: Measured) -> str:
    unlike = sum(
        int(np.bitwise_count(own ^ theirs.answer[name]).sum()) for name, own in ours.answer.items()
    )
    return f"{unlike} weights"


def _unlike_counts(ours: Measured, theirs: Measured) -> str:
    return f"{np.abs(ours.answer - theirs.answer).max()} weights"


def _relative(ours: Measured, theirs: Measured) -> str:
    """Of the logits, in standard deviations over images of the intact network."""
    difference = np.abs(ours.answer - theirs.answer).max()
    return f"{difference / theirs.answer[0].std():.0e}"
