"""What silencing units of a layer costs each category: images recognised no more, and evidence for the category."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.halving import Halving
from anatomy.networks.network import Network
from anatomy.performance import Groups, recognised
from anatomy.progress import track
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks
from anatomy.unit_lesions import UnitLesion, UnitLesions


class LesionSets:
    """Sets of units to be silenced, each of them once, however often it is asked for."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}

    def number(self, units: Sequence[int] | NDArray[np.int64]) -> int:
        """Number of the lesion of these units, in any order."""
        key = tuple(sorted(int(unit) for unit in units))
        return self._numbers.setdefault(key, len(self._numbers))

    def __len__(self) -> int:
        return len(self._numbers)

    def lesions(self) -> Iterator[UnitLesion]:
        """The lesions, in the order of their numbers."""
        for units in self._numbers:
            yield UnitLesion(np.array(units, np.int64), len(units))


@dataclass(frozen=True, eq=False)
class Losses:
    """What lesions cost.

    Attributes
    ----------
    categories : Groups of the images
    intact : (image,) whether the intact network recognises each image
    lost : (lesion, category) share of the category's images recognised by the intact network, minus that under the
        lesion
    logit_lost : (lesion, category) mean decrease of the category's logit, over its images; logits are taken relative
        to the mean of all outputs, so that what changes all of them alike counts for nothing
    hit : (lesion, image) whether each image is recognised
    """

    categories: Groups
    intact: NDArray[np.bool_]
    lost: NDArray[np.float64]
    logit_lost: NDArray[np.float64]
    hit: NDArray[np.bool_]


def measure_losses(
    network: Network,
    layer: str,
    stimuli: StimulusSet,
    rows: NDArray[np.int64],
    sets: LesionSets,
    batch_size: int,
) -> Losses:
    """Silence every set of units and show the images.

    Parameters
    ----------
    layer : whose units are silenced, behind their non-linearity
    rows : images, rows of the table of the stimulus set
    """
    engine = UnitLesions(
        network, layer, network.output_layer.name, np.ones(network.layer(layer).units)
    )
    outputs = stimuli.outputs(rows, network.categories)
    names = stimuli.table["category"].iloc[rows].tolist()
    categories = Groups.of(names, dict.fromkeys(names))
    ids = stimuli.table["image_id"].iloc[rows].tolist()
    hit = np.zeros((1 + len(sets), len(rows)), bool)
    evidence = np.zeros((1 + len(sets), len(categories.names)))
    intact = UnitLesion(np.zeros(0, np.int64), 0)
    halving = Halving()

    def show(places: NDArray[np.int64]) -> None:
        images = network.input(stimuli.images(rows[places]))
        own, groups = outputs[places], categories.of_image[places]
        shown = engine.readouts(images, [ids[p] for p in places], _with(intact, sets))
        # a batch that is repeated in halves must count once: nothing is added before all of it is computed
        found = [_of_logits(logits, own) for logits in shown]
        for lesion, (recognised_images, own_evidence) in enumerate(found):
            hit[lesion, places] = recognised_images
            evidence[lesion] += np.bincount(groups, own_evidence, minlength=evidence.shape[1])

    with torch.inference_mode():
        for block in track(row_blocks(len(rows), batch_size), f"{len(sets)} lesions of {layer}"):
            halving(show, np.arange(block.start, block.stop))
    mean = np.eye(len(categories.names))[categories.of_image]
    mean /= mean.sum(axis=0)
    shares, evidence = hit @ mean, evidence / np.bincount(categories.of_image)
    return Losses(categories, hit[0], shares[0] - shares[1:], evidence[0] - evidence[1:], hit[1:])


def _with(intact: UnitLesion, sets: LesionSets) -> Iterator[UnitLesion]:
    yield intact
    yield from sets.lesions()


def _of_logits(
    logits: Tensor, outputs: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which images are recognised, and the evidence for the right category of each (image,)."""
    values = logits.flatten(1).cpu().numpy()
    own = values[np.arange(len(values)), outputs].astype(np.float64)
    return recognised(values, outputs), own - values.mean(axis=1, dtype=np.float64)
