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
    stronger = _stronger(logits, outputs)
    hit = stronger == 0
    names = np.asarray(super_categories)
    result = {"top1": float(hit.mean()), "top5": float((stronger < 5).mean())}
    for name in sorted(set(super_categories)):
        result[f"sensitivity_{name}"] = float(hit[names == name].mean())
    return result


def recognised(logits: NDArray[np.float32], outputs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the right output (image,) of each image is the strongest of its logits (image, output); ties do not."""
    return _stronger(logits, outputs) == 0


def super_category_recognised(
    logits: NDArray[np.float32],
    output_groups: NDArray[np.int64],
    image_groups: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the strongest output of each image is one of its super-category.

    Parameters
    ----------
    logits : (image, output)
    output_groups : (output,) number of the super-category of each output
    image_groups : (image,) number of the super-category of each image

    Returns
    -------
    (image,); a tie with an output of another super-category is no recognition, nor are logits that are not numbers
    """
    own = output_groups == image_groups[:, None]
    # the maximum of logits that are not numbers is not a number, and every comparison with it is false
    strongest = np.where(own, logits, -np.inf).max(axis=1)
    return strongest > np.where(own, -np.inf, logits).max(axis=1)


def _stronger(logits: NDArray[np.float32], outputs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of outputs (image,) that are not weaker than the right one."""
    images = np.arange(len(logits))
    # "not weaker" rather than "at least as strong": every comparison with NaN is false
    rivals = ~(logits < logits[images, outputs, None])
    rivals[images, outputs] = False
    return rivals.sum(axis=1)
