"""What neurons are clustered by: their responses to images, standardised."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.response_matrix import ResponseMatrix

Standardisation = Literal["z_score", "raw"]


@dataclass(frozen=True)
class Features:
    """Response profiles of neurons.

    Attributes
    ----------
    active : (neuron,) whether the neuron's response differs between the images. The others, nearly all of them
        never active at all, have no profile to be clustered by.
    points : (active neuron, image) float32, standardised
    means : (neuron,) float32, mean response over the images
    """

    active: NDArray[np.bool_]
    points: NDArray[np.float32]
    means: NDArray[np.float32]


def features(
    responses: ResponseMatrix, columns: NDArray[np.int64], standardisation: Standardisation
) -> Features:
    """Profiles of all neurons over some of the images.

    Parameters
    ----------
    columns : which images, as columns of the matrix; at least 2
    standardisation : raw, the responses themselves, so that neurons of a profile but of another strength are far
        apart; z_score, each neuron's responses minus their mean, divided by their standard deviation over the
        images, so that squared distances are 2 n (1 - r) for n images and correlation r
    """
    if len(columns) < 2:
        raise InputError("neurons are clustered by their responses to at least 2 images")
    count = responses.neurons.count
    active, means = np.zeros(count, bool), np.zeros(count, np.float32)
    points = np.empty((count, len(columns)), np.float32)
    filled = 0
    for place, block in responses.blocks(columns):
        active[place] = np.ptp(block, axis=1) > 0
        means[place] = block.mean(axis=1, dtype=np.float64)
        kept = block[active[place]]
        if standardisation == "z_score":
            kept = _z_scored(kept)
        points[filled : filled + len(kept)] = kept
        filled += len(kept)
    return Features(active, points[:filled], means)


def _z_scored(block: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = block - block.mean(axis=1, keepdims=True, dtype=np.float64)
    # in float64: the squares of small responses must not vanish
    return (centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True))).astype(np.float32)
