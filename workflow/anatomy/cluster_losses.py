"""What a lesion costs each group of images, and how selective that is."""

import numpy as np
from numpy.typing import NDArray

from anatomy.recognition import Hits


def group_losses(hits: Hits, groups: NDArray[np.str_], names: list[str]) -> NDArray[np.float64]:
    """Loss of sensitivity of each group: share of its images recognised intact, minus that under the lesion.

    Parameters
    ----------
    hits : which images are recognised
    groups : (image,) name of each image's group
    names : the groups to measure

    Returns
    -------
    (lesion, group) between -1 and 1, positive where the lesion costs something; NaN for a group without images
    """
    lost = hits.intact.astype(np.float64) - hits.lesioned
    losses = np.full((len(lost), len(names)), np.nan)
    for place, name in enumerate(names):
        own = groups == name
        if own.any():
            losses[:, place] = lost[:, own].mean(axis=1)
    return losses


def performance_distance(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest difference (...,) between the losses (..., super-category) of two super-categories (Suresh & Carter)."""
    return losses.max(axis=-1) - losses.min(axis=-1)


def selectivity(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a lesion costs one super-category alone: (most - others) / (most + others).

    `most` is the largest loss, `others` the mean of the other super-categories'; a gain counts as no loss. The index
    has the form of the class selectivity of Morcos et al. (2018).

    Parameters
    ----------
    losses : (..., super-category), at least two

    Returns
    -------
    (...,) 1 where one super-category alone loses, 0 where all lose the same, NaN where none loses
    """
    lost = np.sort(np.maximum(losses, 0), axis=-1)
    most, others = lost[..., -1], lost[..., :-1].mean(axis=-1)
    with np.errstate(invalid="ignore"):
        return (most - others) / (most + others)
