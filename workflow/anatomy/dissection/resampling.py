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
from anatomy.store import row_blocks

CACHED_BYTES = 1 << 20
RESAMPLES_AT_ONCE = 64


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
    _, labels, _ = Best.of_counts(groups.total(), concepts).of_all()
    shape = len(weights), len(labels)
    own = np.zeros(shape, np.float32)
    codes, best = (
        np.zeros((*shape, len(concepts.categories)), dtype) for dtype in (np.int32, np.float32)
    )
    for resamples, units, iou in _resampled(groups, weights, concepts):
        found = Best.of(iou, concepts)
        codes[resamples, units], best[resamples, units] = found.codes, found.iou
        own[resamples, units] = iou[:, np.arange(iou.shape[1]), labels[units]]
    return labels, own, Best(codes, best)


def _resampled(
    groups: Counts, weights: NDArray[np.float64], concepts: Concepts
) -> Iterator[tuple[slice, slice, NDArray[np.float64]]]:
    """Some resamples, some units, and their IoU (resample, unit, code): as much at a time as the cache holds."""
    number, units, codes = groups.intersections.shape
    at_once = max(1, CACHED_BYTES // (8 * codes * RESAMPLES_AT_ONCE))
    truths = weights @ groups.truths
    for own in row_blocks(units, at_once):
        # float64 holds sums of pixels exactly, and its matrix product is fast
        flat = groups.intersections[:, own].reshape(number, -1).astype(np.float64)
        activations = np.tensordot(weights, groups.activations[:, own], axes=1)
        for some in row_blocks(len(weights), RESAMPLES_AT_ONCE):
            intersections = (weights[some] @ flat).reshape(-1, own.stop - own.start, codes)
            counts = Counts(intersections, activations[some], truths[some])
            yield some, own, intersection_over_union(counts, concepts.category)
