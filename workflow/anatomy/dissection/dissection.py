"""Dissect one layer: thresholds and top images in a first pass over its responses, counts in a second."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from anatomy.dissection.counts import Concepts, Counts, Tally
from anatomy.dissection.masks import Upsampling
from anatomy.dissection.responses import Maps
from anatomy.dissection.thresholds import Method, make_thresholds
from anatomy.dissection.top_images import TopImages
from anatomy.progress import track
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.store import row_blocks

MOST_GROUPS = 100
# responses that are looked at together; each takes some 30 bytes meanwhile
VALUES_AT_ONCE = 1 << 22
# to start another process takes as long as to count so many images
WORTH_PROCESSES = 2000
# groups that a process counts before it hands them over
GROUPS_OF_A_RUN = 5


def concepts_of(labelled: LabelledImages) -> Concepts:
    """The concepts of a set, with a place for code 0."""
    number = {name: place for place, name in enumerate(labelled.categories)}
    return Concepts(
        labelled.categories,
        np.array([-1, *labelled.concepts["category"].map(number)]),
        ["", *labelled.concepts["name"]],
    )


def find_thresholds(
    maps: Maps, method: Method, share: float, top: TopImages | None = None
) -> NDArray[np.float32]:
    """Threshold (unit,) that a share of all responses of a unit exceeds; takes in the top images on the way."""
    values = maps.images * math.prod(maps.shape)
    thresholds = make_thresholds(method, maps.units, values, share)
    at_once = max(1, VALUES_AT_ONCE // (maps.units * math.prod(maps.shape)))
    for rows, block in track(maps.blocks(), "thresholds", maps.block_count):
        for some in row_blocks(len(block), at_once):
            thresholds.add(block[some].transpose(1, 0, 2, 3).reshape(maps.units, -1))
        if top is not None:
            top.add(rows, block)
    return thresholds.read()


class Counter:
    """Counts the masks of a layer's units against the labels, one group of images after the other.

    Parameters
    ----------
    processes : how many groups are counted at the same time; changes nothing in the counts
    """

    def __init__(self, labelled: LabelledImages, upsampling: Upsampling, processes: int) -> None:
        self._labelled = labelled
        self._upsampling = upsampling
        self._processes = processes
        self._concepts = concepts_of(labelled)
        areas = labelled.areas
        self._first = np.searchsorted(areas["image"], np.arange(len(labelled.stimuli.table) + 1))
        self._codes = areas["code"].to_numpy(np.int64)
        self._pixels = areas["pixels"].to_numpy(np.int64)

    def groups(
        self, maps: Maps, thresholds: NDArray[np.float32], edges: NDArray[np.int64]
    ) -> Iterator[Counts]:
        """Counts of one group of images after the other.

        Parameters
        ----------
        edges : (group + 1,) group g holds the images from edges[g] to edges[g + 1]
        """
        groups = [slice(start, stop) for start, stop in pairwise(edges.tolist())]
        if self._processes == 1 or maps.images < WORTH_PROCESSES:
            yield from track(self._count(maps, thresholds, groups), "counts", len(groups))
            return
        runs = [groups[some] for some in row_blocks(len(groups), GROUPS_OF_A_RUN)]
        # numpy counts under Python's lock, so that threads would wait for one another
        with ProcessPoolExecutor(self._processes, get_context("spawn")) as pool:
            for counted in track(
                pool.map(partial(self._run, maps, thresholds), runs), "counts", len(runs)
            ):
                yield from counted

    def all_images(self, maps: Maps, thresholds: NDArray[np.float32]) -> Counts:
        """Counts of all images."""
        total = Counts.none(maps.units, len(self._concepts.names), len(self._concepts.categories))
        for counts in self.groups(maps, thresholds, group_edges(maps.images)):
            total.add(counts)
        return total

    def _run(
        self, maps: Maps, thresholds: NDArray[np.float32], groups: Sequence[slice]
    ) -> list[Counts]:
        with threadpool_limits(1):
            return list(self._count(maps, thresholds, groups))

    def _count(
        self, maps: Maps, thresholds: NDArray[np.float32], groups: Sequence[slice]
    ) -> Iterator[Counts]:
        """Counts of consecutive groups; a chunk is read once, even where it holds several groups."""
        ends = {group.stop for group in groups}
        tally = Tally(maps.units, self._concepts)
        for rows, block in maps.blocks(slice(groups[0].start, groups[-1].stop)):
            slots, whole = self._labelled.codes(rows), self._labelled.whole(rows)
            for place, image in enumerate(range(rows.start, rows.stop)):
                units, pixels = self._upsampling.active_pixels(block[place], thresholds)
                planes, everywhere = slots[place], whole[place]
                present = slice(self._first[image], self._first[image + 1])
                tally.add(
                    units,
                    pixels,
                    planes.reshape(len(planes), -1),
                    everywhere[everywhere > 0],
                    self._codes[present],
                    self._pixels[present],
                )
                if image + 1 in ends:
                    yield tally.counts
                    tally = Tally(maps.units, self._concepts)


def group_edges(images: int) -> NDArray[np.int64]:
    """Where groups of images of (about) equal size begin and end: at most 100 groups, in the set's random order."""
    groups = min(images, MOST_GROUPS)
    return np.arange(groups + 1) * images // groups
