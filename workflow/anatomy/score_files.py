"""Weight scores on disk: one group per category, in it one group per layer.

A linear layer is kept as its factors `inputs` (image, input) and `gradients` (image, output), a few hundred kB where
its scores would take up to 150 MB; a convolution as the array `values` of its scores. Kinds that need no images, such
as the controls, need no file.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import zarr
from torch import Tensor

from anatomy.layer_scores import ConvolutionScores, LayerScores, LinearScores
from anatomy.networks.network import Network
from anatomy.score_kinds import KINDS, needs_images
from anatomy.scores import weight_scores
from anatomy.store import ArraySpec, StoreWriter, open_store, read_array, read_rows

RANDOM_SEED = 0


def write_scores(
    scores: Iterable[tuple[str, Mapping[str, LinearScores | ConvolutionScores]]],
    path: Path,
    manifest: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write (category, layer -> scores) pairs, one at a time as they come; all categories have the same shapes."""
    writer = None
    for category, own in scores:
        tensors = _tensors(own)
        if writer is None:
            arrays = _specs(provenance["categories"], tensors)
            writer = StoreWriter(path, manifest, provenance, arrays)
        blocks = {f"{category}/{k}": (slice(None), t.cpu().numpy()) for k, t in tensors.items()}
        writer.write(category, blocks)
    (writer or StoreWriter(path, manifest, provenance, {})).finish()


class ScoreFile:
    """A finished file of scores; one that was made from anything else than `expected` is refused."""

    def __init__(self, path: Path, manifest: Path, expected: Mapping[str, Any]) -> None:
        self._group: zarr.Group = open_store(path, manifest, expected)
        self._kind: str = expected["score"]

    def read(self, category: str, network: Network) -> dict[str, LayerScores]:
        """Layer -> scores of one category, on the network's device."""
        names = [layer.name for layer in network.layers]
        if not needs_images(self._kind):
            return control_scores(self._kind, category, names)
        return {name: self._layer(f"{category}/{name}", network.device) for name in names}

    def _layer(self, path: str, device: torch.device) -> LayerScores:
        def tensor(name: str) -> Tensor:
            array = read_array(self._group, f"{path}/{name}")
            return torch.from_numpy(read_rows(array, slice(None))).to(device)

        if f"{path}/values" in self._group:
            return ConvolutionScores(tensor("values"))
        return LinearScores(tensor("inputs"), tensor("gradients"), KINDS.load(self._kind).score)


def control_scores(kind: str, category: str, layers: Sequence[str]) -> dict[str, LayerScores]:
    """Scores that need no images, by layer name."""
    return dict(weight_scores(kind, RANDOM_SEED, category, layers))


def _tensors(scores: Mapping[str, LinearScores | ConvolutionScores]) -> dict[str, Tensor]:
    named: dict[str, Tensor] = {}
    for layer, own in scores.items():
        if isinstance(own, LinearScores):
            named[f"{layer}/inputs"], named[f"{layer}/gradients"] = own.inputs, own.gradients
        else:
            named[f"{layer}/values"] = own.values
    return named


def _specs(categories: Iterable[str], tensors: Mapping[str, Tensor]) -> dict[str, ArraySpec]:
    return {
        f"{category}/{name}": ArraySpec(tuple(t.shape), tuple(t.shape), "float32")
        for category in categories
        for name, t in tensors.items()
    }
