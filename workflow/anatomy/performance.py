"""How well a network recognises categories."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Performance = dict[str, float]


@dataclass(frozen=True, eq=False)
class Groups:
    """Images in groups, such as categories or super-categories.

    Attributes
    ----------
    names : of the groups
    of_image : (image,) number of the group of each image; every group has an image
    """

    names: tuple[str, ...]
    of_image: NDArray[np.int64]

    @classmethod
    def of(cls, images: Sequence[str], names: Iterable[str]) -> Self:
        """Groups in the order of `names`, from the name of the group of each image."""
        number = {name: place for place, name in enumerate(names)}
        return cls(tuple(number), np.array([number[image] for image in images], np.int64))

    def shares(self, hit: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Share (group,) of the images of each group that are hits; `hit` is (image,)."""
        hits = np.bincount(self.of_image[hit], minlength=len(self.names))
        return hits / np.bincount(self.of_image, minlength=len(self.names))


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
    groups = Groups.of(super_categories, sorted(set(super_categories)))
    return performance_of(_stronger(logits, outputs), groups)


def performance_of(stronger: NDArray[np.int64], super_categories: Groups) -> Performance:
    """As `performance`, from the number of outputs (image,) that are not weaker than the right one."""
    hit = stronger == 0
    result = {"top1": float(hit.mean()), "top5": float((stronger < 5).mean())}
    for name, share in zip(super_categories.names, super_categories.shares(hit), strict=True):
        result[f"sensitivity_{name}"] = float(share)
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
