"""Which images a network recognises while neurons of it are lesioned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from anatomy.halving import Halving
from anatomy.networks.network import Network
from anatomy.neuron_lesions import NeuronLesions
from anatomy.performance import recognised, super_category_recognised
from anatomy.progress import track
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks

RecognisedAs = Literal["category", "super_category"]
RECOGNISED_AS: tuple[RecognisedAs, ...] = ("category", "super_category")


@dataclass(frozen=True)
class Hits:
    """Which images are recognised.

    Attributes
    ----------
    intact : (image,) by the intact network
    lesioned : (lesion, image) under each lesion
    """

    intact: NDArray[np.bool_]
    lesioned: NDArray[np.bool_]


class Recognition:
    """Shows some images to a network with lesions.

    Parameters
    ----------
    rows : which images, rows of the table of the stimulus set
    super_categories : category -> super-category, of the output units for which it is known; an output unit without
        one counts as of another super-category than every image
    batch_size : images that pass through the network at once

    Attributes
    ----------
    images : table with a row per image: image_id, category, name, super_category and row (in the stimulus set)
    """

    def __init__(
        self,
        network: Network,
        stimuli: StimulusSet,
        rows: NDArray[np.int64],
        super_categories: Mapping[str, str],
        batch_size: int,
    ) -> None:
        columns = ["image_id", "category", "name", "super_category"]
        self.images: pd.DataFrame = stimuli.table.iloc[rows][columns].assign(row=rows)
        self._network = network
        self._stimuli = stimuli
        self._batch_size = batch_size
        self._outputs = stimuli.outputs(rows, network.categories)
        names = [super_categories.get(category, "") for category in network.categories]
        known = sorted({*names, *self.images["super_category"]})
        self._output_groups = np.array([known.index(name) for name in names])
        self._image_groups = np.array([known.index(s) for s in self.images["super_category"]])

    @property
    def super_categories(self) -> tuple[list[str], NDArray[np.str_]]:
        """The super-categories of the images, and that of each image (image,)."""
        groups = self.images["super_category"].to_numpy(str)
        return sorted(set(groups)), groups

    def measure(
        self, lesioned: NeuronLesions, lesions: Sequence[NDArray[np.bool_]]
    ) -> dict[RecognisedAs, Hits]:
        """Which images are recognised, as their category and as their super-category.

        Parameters
        ----------
        lesions : each (neuron,), True = lesioned; they are read once for every batch of images
        """
        rows = self.images["row"].to_numpy()
        hits = {name: np.zeros((1 + len(lesions), len(rows)), bool) for name in RECOGNISED_AS}
        nothing = np.zeros(lesioned.neurons.count, bool)
        halving = Halving()

        def show(places: NDArray[np.int64]) -> None:
            images = self._network.input(self._stimuli.images(rows[places]))
            every = lesioned.logits(images, chain([nothing], lesions))
            for lesion, logits in enumerate(every):
                for name, own in self._recognised(logits.cpu().numpy(), places).items():
                    hits[name][lesion, places] = own

        what = f"{len(lesions)} lesions of {self._network.name}"
        with torch.inference_mode():
            for block in track(row_blocks(len(rows), self._batch_size), what):
                halving(show, np.arange(block.start, block.stop))
        return {name: Hits(own[0], own[1:]) for name, own in hits.items()}

    def _recognised(
        self, logits: NDArray[np.float32], places: NDArray[np.int64]
    ) -> dict[RecognisedAs, NDArray[np.bool_]]:
        groups = self._output_groups, self._image_groups[places]
        return {
            "category": recognised(logits, self._outputs[places]),
            "super_category": super_category_recognised(logits, *groups),
        }
