"""Recorded activations, opened for reading. Needs no network."""

from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import open_store, read_array, read_rows

PREACTIVATIONS = "preactivations"
SHOWN_PIXELS = "shown_pixels"


class ActivationMaps:
    """What every channel of some layers makes of a few images, before the non-linearity.

    Attributes
    ----------
    rows : rows of the images in the table of the stimulus set
    """

    def __init__(self, manifest: Path, stimuli: StimulusSet) -> None:
        expected = {"stimuli": stimuli.digest}
        self._group: zarr.Group = open_store(manifest.with_suffix(".zarr"), manifest, expected)
        self._stimuli = stimuli
        ((self._split, shown),) = self._group.attrs["images"].items()
        self.rows = stimuli.rows(self._split)[shown]

    def maps(self, layer: str, image: int) -> NDArray[np.float32]:
        """Maps (channel, y, x) of a layer for the image at that place in `rows`."""
        return read_rows(self._array(layer), slice(image, image + 1))[0]

    def pictures(self, layer: str, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Any images (image, y, x, channel) of the stimulus set, by row, as the network of a layer is shown them."""
        start, stop = self._array(layer).attrs[SHOWN_PIXELS]
        return self._stimuli.images(rows)[:, start:stop, start:stop]

    def _array(self, layer: str) -> zarr.Array:
        return read_array(self._group, f"{self._split}/{PREACTIVATIONS}/{layer}")
