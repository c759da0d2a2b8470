"""Network dissection beside a plain script, as there is no package for it.

The script is tests/real/plain_dissection.py, which shares no code with the library: it interpolates whole maps, makes a
mask for each concept and counts. Both begin with a set on disk in Broden's layout and count all units of AlexNet's
conv5 against all labels.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from children import Work, measure
from dissection import BATCH, LAYER, QUANTILE, draw, show
from numpy.typing import NDArray
from ratio_table import Row
from subject import Subject

from anatomy.dissection.dissection import Counter, find_thresholds
from anatomy.dissection.responses import Maps
from anatomy.dissection.top_images import TopImages
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images

sys.path.append(str(Path(__file__).parents[2] / "tests" / "real"))
import plain_dissection

IMAGES, TOP = 60, 10
Counts = Mapping[int, NDArray[np.int64]]


@dataclass(frozen=True)
class Case:
    """A network and a set of labelled images on disk."""

    subject: Subject
    folder: Path


def rows(subject: Subject) -> Iterator[Row]:
    """One row: from files to counts."""
    images = subject.of(6, IMAGES)
    with tempfile.TemporaryDirectory() as name:
        case = Case(subject, Path(name, "drawn"))
        draw(case.folder, images)
        own, other = measure(ours, case), measure(plain, case)
    unlike = max(
        int(np.abs(counts - other.answer.get(label, 0)).max())
        for label, counts in own.answer.items()
    )
    yield Row(
        f"dissection of {LAYER} with {images} images, {len(own.answer)} labels",
        "plain: whole maps, a mask for each concept",
        own,
        other,
        f"{unlike} pixels",
    )


def ours(case: Case) -> Work:
    """Pixels (unit,) in which each unit and label meet."""
    torch.set_num_threads(case.subject.threads)
    network = case.subject.network()

    def work(folder: Path) -> Counts:
        write_labelled_images(folder, Broden.open(case.folder), None, case.subject.threads)
        labelled = LabelledImages.open(folder)
        show(network, labelled, folder)
        maps = Maps.open(folder / "responses.json", LAYER, labelled)
        top = TopImages.none(maps.units, TOP, maps.shape)
        thresholds = find_thresholds(maps, "exact", QUANTILE, top)
        counter = Counter(labelled, maps.upsampling(labelled), case.subject.threads)
        counts = counter.all_images(maps, thresholds)
        numbers = labelled.concepts["number"].tolist()
        return {number: counts.intersections[:, code] for code, number in enumerate(numbers, 1)}

    return work


def plain(case: Case) -> Work:
    """The same, plainly."""
    torch.set_num_threads(case.subject.threads)
    state = case.subject.network().graph.state_dict()
    start = "features."
    convolutions = {
        name.removeprefix(start): own for name, own in state.items() if name.startswith(start)
    }

    def work(_folder: Path) -> Counts:
        index = plain_dissection.read_index(case.folder)
        responses = plain_dissection.conv5_responses(convolutions, case.folder, index, BATCH)
        exceeding = int(Fraction(str(QUANTILE)) * responses[:, 0].size)
        thresholds = plain_dissection.thresholds(responses, exceeding)
        counts = plain_dissection.count(case.folder, index, responses, thresholds)
        # a label that no image shows has no entry
        return {number: np.asarray(own) for number, own in counts.intersection.items()}

    return work
