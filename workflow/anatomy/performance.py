"""How well a network recognises categories."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Performance = dict[str, float]


def performance(
    logits: NDArray[np.float32],
    outputs: NDArray[np.int64],
    super_categories: Sequence[str],
) -> Performance:
    """Top-1, top-5 and sensitivity per super-category.

    Parameters
    ----------
    logits : (image, output)
    outputs : (image,) right output unit of each image
    super_categories : (image,) super-category of each image

    Returns
    -------
    top1, top5 : share of images whose right output is the strongest, or among the five strongest. Outputs that tie
        with the right one count as stronger, and so do logits that are not numbers: a dead network is right about
        nothing.
    sensitivity_NAME : share of the images of that super-category recognised (top-1); TP / (TP + FN)
    """
    images = np.arange(len(logits))
    # "not weaker" rather than "at least as strong": every comparison with NaN is false
    rivals = ~(logits < logits[images, outputs, None])
    rivals[images, outputs] = False
    stronger = rivals.sum(axis=1)
    hit = stronger == 0
    names = np.asarray(super_categories)
    result = {"top1": float(hit.mean()), "top5": float((stronger < 5).mean())}
    for name in sorted(set(super_categories)):
        result[f"sensitivity_{name}"] = float(hit[names == name].mean())
    return result
