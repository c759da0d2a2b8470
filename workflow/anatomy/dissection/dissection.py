"""Dissect one layer: thresholds and top images in a first pass over its responses, counts in a second."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from anatomy.dissection.counts import Concepts, Counts, Tally
from anatomy.dissection.masks import Upsampling
from anatomy.dissection.responses import Maps
from anatomy.dissection.thresholds import Method, make_thresholds
from anatomy.dissection.top_images import TopImages
from anatomy.progress import track
from anatomy.stimuli.labelled_images import LabelledImages

MOST_GROUPS = 100


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
    for rows, block in track(maps.blocks(), "thresholds", maps.block_count):
        thresholds.add(block.transpose(1, 0, 2, 3).reshape(maps.units, -1))
        if top is not None:
            top.add(rows, block)
    return thresholds.read()


class Counter:
    """Counts the masks of a layer's units against the labels, image by image.

    Parameters
    ----------
    threads : how many images are counted at the same time; changes nothing in the counts
    """

    def __init__(self, labelled: LabelledImages, upsampling: Upsampling, threads: int) -> None:
        self._labelled = labelled
        self._upsampling = upsampling
        self._threads = threads
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
        tallies = self._tallies(maps)
        group = 0
        with ThreadPoolExecutor(self._threads) as pool:
            for rows, block in track(maps.blocks(), "counts", maps.block_count):
                labels = self._labelled.codes(rows), self._labelled.whole(rows)
                start = rows.start
                while start < rows.stop:
                    stop = min(rows.stop, int(edges[group + 1]))
                    own = [np.arange(start + n, stop, self._threads) for n in range(self._threads)]
                    work = (
                        pool.submit(
                            self._count, tally, images, rows.start, block, labels, thresholds
                        )
                        for tally, images in zip(tallies, own, strict=True)
                    )
                    for done in list(work):
                        done.result()
                    start = stop
                    if stop == edges[group + 1]:
                        yield _sum(tallies)
                        tallies = self._tallies(maps)
                        group += 1

    def all_images(self, maps: Maps, thresholds: NDArray[np.float32]) -> Counts:
        """Counts of all images."""
        (counts,) = self.groups(maps, thresholds, np.array([0, maps.images]))
        return counts

    def _tallies(self, maps: Maps) -> list[Tally]:
        return [Tally(maps.units, self._concepts) for _ in range(self._threads)]

    def _count(
        self,
        tally: Tally,
        images: NDArray[np.int64],
        first: int,
        maps: NDArray[np.float32],
        labels: tuple[NDArray[np.uint16], NDArray[np.uint16]],
        thresholds: NDArray[np.float32],
    ) -> None:
        slots, whole = labels
        for image in images:
            place = image - first
            units, pixels = self._upsampling.active_pixels(maps[place], thresholds)
            own = slice(self._first[image], self._first[image + 1])
            codes = slots[place].reshape(len(slots[place]), -1)
            everywhere = whole[place][whole[place] > 0]
            tally.add(units, pixels, codes, everywhere, self._codes[own], self._pixels[own])


def group_edges(images: int) -> NDArray[np.int64]:
    """Where groups of images of (about) equal size begin and end: at most 100 groups, in the set's random order."""
    groups = min(images, MOST_GROUPS)
    return np.arange(groups + 1) * images // groups


def _sum(tallies: list[Tally]) -> Counts:
    first, *others = [tally.counts for tally in tallies]
    for counts in others:
        first.intersections[:] += counts.intersections
        first.activations[:] += counts.activations
        first.truths[:] += counts.truths
    return first
