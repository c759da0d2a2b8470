"""Modes of knock-outs, one file each: what takes the place of a removed weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from anatomy.alternatives import Alternatives

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

# Two constants that a file may set to True. SILENCES: a replaced unit gives no output, and none is to come out of a
# batch normalisation behind it, which is replaced as well. READS_NOISE: `substitute` reads `noise`.
SILENCES, READS_NOISE = "SILENCES", "READS_NOISE"


class KnockoutMode(Protocol):
    """What a file of this folder holds.

    Attributes
    ----------
    LABEL : to follow "weights or units ..." in figures
    """

    LABEL: str

    def substitute(
        self, weights: Tensor, random: np.random.Generator, noise: float | None
    ) -> Tensor | float:
        """What takes the place of all of these weights, of which as many are replaced as a proportion says.

        Parameters
        ----------
        weights : all weights of a layer, or all its biases, in any shape; not to be changed
        random : the only source of random numbers
        noise : the configuration's knockouts.noise; None where no mode of the job reads it

        Returns
        -------
        one number, or a tensor of the shape of `weights`
        """


MODES = Alternatives[KnockoutMode](__name__)
