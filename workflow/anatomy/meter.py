"""Measures lesioned networks on the evaluation images of a recording."""

import torch

from anatomy.networks.network import Network
from anatomy.performance import Performance, performance
from anatomy.recording import Recording
from anatomy.stimuli.stimulus_set import StimulusSet, places_in_category

SPLIT = "evaluation"


class Meter:
    """Measures a lesioned network; only what lies behind the lesioned layer is computed.

    Parameters
    ----------
    images_per_category : use the first so many evaluation images of each category; all when None
    batch_size : images that pass through the network at once
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
        self._outputs = stimuli.outputs(rows[self._images], network.categories)
        self._super_categories = table["super_category"].tolist()
        self._network = network
        self._recording = recording
        self._batch_size = batch_size
        self._layer: str | None = None

    def measure(self, layer: str) -> Performance:
        """Performance of the network as it is now, with nothing changed before `layer`."""
        if layer != self._layer:
            self._suffix = self._network.suffix([layer])
            self._batches = self._recording.batches(
                SPLIT, self._suffix.boundary, self._batch_size, self._images
            )
            self._layer = layer
        with torch.inference_mode():
            logits = torch.cat([self._suffix(values) for values in self._batches]).cpu().numpy()
        return performance(logits, self._outputs, self._super_categories)
