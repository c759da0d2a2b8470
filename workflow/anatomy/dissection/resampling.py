"""Bootstrap over images: IoU and numbers of detectors when the images are drawn anew.

Images are resampled in groups of equal size, drawn at random beforehand (every image a group of its own where there
are few). Sums over groups vary from resample to resample as sums over images do, and the counts of the groups, not of
the images, have to be kept: 1,000 resamples of AlexNet's conv5 on Broden are a few matrix products.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anatomy.dissection.counts import Concepts, Counts, intersection_over_union
from anatomy.dissection.detectors import COUNTINGS, Best, Counting, Detectors, count_detectors
from anatomy.randomness import generator

AT_ONCE_BYTES = 1 << 26


@dataclass(frozen=True, eq=False)
class Resampled:
    """What the resamples say.

    Attributes
    ----------
    iou : float32 (resample, unit) of the concept that fits best on all images
    agreement : (unit,) share of the resamples in which the same concept fits best
    detectors : numbers of detectors (resample, ...) under each rule of counting
    """

    iou: NDArray[np.float32]
    agreement: NDArray[np.float64]
    detectors: dict[Counting, Detectors]


def resample(
    blocks: Iterable[Counts],
    groups: int,
    concepts: Concepts,
    minimum: float,
    resamples: int,
    purpose: tuple[object, ...],
) -> Resampled:
    """Draw groups of images anew, with replacement, and label all units each time.

    Parameters
    ----------
    blocks : counts of some units after the other, each with the groups of images as first axis
    groups : number of groups
    minimum : IoU that detectors exceed
    purpose : what the random numbers are for, see anatomy.randomness
    """
    drawn = generator(*purpose).multinomial(groups, np.full(groups, 1 / groups), size=resamples)
    parts = [_label(block, drawn.astype(np.float64), concepts) for block in blocks]
    bests = Best(
        np.concatenate([best.codes for _, _, best in parts], axis=1),
        np.concatenate([best.iou for _, _, best in parts], axis=1),
    )
    labels = np.concatenate([own for own, _, _ in parts])
    _, resampled_labels, _ = bests.of_all()
    return Resampled(
        np.concatenate([iou for _, iou, _ in parts], axis=1),
        _mean(resampled_labels == labels),
        {counting: count_detectors(bests, counting, minimum) for counting in COUNTINGS},
    )


def _mean(agrees: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share (unit,) of resamples; NaN where there are none."""
    return agrees.mean(axis=0) if len(agrees) else np.full(agrees.shape[1], np.nan)


def _label(
    groups: Counts, weights: NDArray[np.float64], concepts: Concepts
) -> tuple[NDArray[np.integer], NDArray[np.float32], Best]:
    """Labels (unit,) on all images, their resampled IoU (resample, unit), and the best concepts of each resample."""
    total = intersection_over_union(groups.total(), concepts.category)
    _, labels, _ = Best.of(total, concepts).of_all()
    own, bests = [], []
    for iou in _resampled(groups, weights, concepts):
        own.append(iou[:, np.arange(len(labels)), labels].astype(np.float32))
        bests.append(Best.of(iou, concepts))
    codes, ious = (
        np.concatenate([getattr(best, name) for best in bests]) for name in ("codes", "iou")
    )
    return labels, np.concatenate(own), Best(codes, ious.astype(np.float32))


def _resampled(
    groups: Counts, weights: NDArray[np.float64], concepts: Concepts
) -> Iterator[NDArray[np.float64]]:
    """IoU (resample, unit, code), some resamples at a time."""
    # float64 holds sums of pixels exactly, and its matrix product is fast
    number, units, codes = groups.intersections.shape
    flat = groups.intersections.reshape(number, -1).astype(np.float64)
    at_once = max(1, AT_ONCE_BYTES // (8 * units * codes))
    for start in range(0, max(1, len(weights)), at_once):
        some = weights[start : start + at_once]
        counts = Counts(
            (some @ flat).reshape(-1, units, codes),
            np.tensordot(some, groups.activations, axes=1),
            some @ groups.truths,
        )
        yield intersection_over_union(counts, concepts.category)
