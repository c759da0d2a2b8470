"""Measures lesioned networks on the evaluation images of a recording."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.networks.network import Network
from anatomy.performance import Groups, Performance, performance_of
from anatomy.recording import Recording
from anatomy.stimuli.stimulus_set import StimulusSet, places_in_category

SPLIT = "evaluation"


@dataclass(frozen=True, eq=False)
class Measurement:
    """How well a network recognises the images.

    Attributes
    ----------
    performance : of all images, and of those of each super-category
    sensitivity : (category,) share of the images of each of the meter's categories recognised (top-1)
    """

    performance: Performance
    sensitivity: NDArray[np.float64]


class Meter:
    """Measures a lesioned network; only what lies behind the lesioned layer is computed.

    Parameters
    ----------
    images_per_category : use the first so many evaluation images of each category; all when None
    batch_size : images that pass through the network at once

    Attributes
    ----------
    categories : table with the columns category and super_category, in the order of the stimulus set's table
    """

    def __init__(
        self,
        network: Network,
        stimuli: StimulusSet,
        recording: Recording,
        images_per_category: int | None,
        batch_size: int,
    ) -> None:
        rows = stimuli.rows(SPLIT)
        table = stimuli.table.iloc[rows].reset_index(drop=True)
        if images_per_category is not None:
            table = table[places_in_category(table["category"]) < images_per_category]
        self._images = table.index.to_numpy()
        outputs = stimuli.outputs(rows[self._images], network.categories)
        self._outputs = torch.from_numpy(outputs).to(network.device).split(batch_size)
        first = table.drop_duplicates("category").set_index("category")["super_category"]
        shown = [category for category in stimuli.categories if category in first.index]
        self.categories = first.loc[shown].reset_index()
        self._categories = Groups.of(table["category"], shown)
        self._super_categories = Groups.of(table["super_category"], sorted(set(first)))
        self._network = network
        self._recording = recording
        self._batch_size = batch_size
        self._layer: str | None = None

    def measure(self, layer: str) -> Measurement:
        """What the network as it is now recognises, with nothing changed before `layer`."""
        if layer != self._layer:
            self._suffix = self._network.suffix([layer])
            self._batches = self._recording.batches(
                SPLIT, self._suffix.boundary, self._batch_size, self._images
            )
            self._layer = layer
        with torch.inference_mode():
            batches = zip(self._batches, self._outputs, strict=True)
            counts = [stronger(self._suffix(values), outputs) for values, outputs in batches]
            found = torch.cat(counts).cpu().numpy()
        return Measurement(
            performance_of(found, self._super_categories), self._categories.shares(found == 0)
        )


def stronger(logits: Tensor, outputs: Tensor) -> Tensor:
    """Number of outputs (image,) that are not weaker than the right one, counted where the logits are.

    Parameters
    ----------
    logits : (image, output)
    outputs : (image,) int64, right output unit of each image
    """
    right = logits.gather(1, outputs[:, None])
    # every comparison with a logit that is not a number is false; the right output is never weaker than itself
    return (~(logits < right)).sum(dim=1) - 1
