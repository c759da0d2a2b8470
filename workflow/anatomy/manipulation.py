"""Detectors by intervention: a labelled part of an image is covered, or as much of the image elsewhere.

A unit detects the part if covering it lowers the unit's response more than covering the same shape elsewhere does, as
far as possible on the object that the part belongs to. What counts is the largest response over positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from anatomy.covers import Fill, covered, elsewhere, filling
from anatomy.errors import InputError
from anatomy.manipulation_statistics import Sums, relative_effect, unit_table
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.randomness import generator
from anatomy.stimuli.concept_codes import Codes
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.store import row_blocks
from anatomy.thumbnails import resized, webp
from anatomy.top_images import PeakReader

PURPOSE = "manipulation"
OBJECT = "object"
# a larger part has no place beside itself
LARGEST_SHARE = 0.5
READ_AT_ONCE = 64
CONDITIONS = ("intact", "covered", "elsewhere")
EXAMPLE_IMAGES, EXAMPLE_SIDE = 3, 128
LINE, LINE_WIDTH = np.array([228, 0, 124], np.uint8), 2
EXAMPLE_COLUMNS = ("concept", "layer", "unit", "image_id", "condition", "response", "picture")

Responses = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Design:
    """What is covered, and how.

    Attributes
    ----------
    concept_categories : concepts of these categories are covered
    images_per_concept : images that show a concept, a random choice
    minimum_images : concepts that can be covered in fewer images are left out; at least 2
    controls : number of other places that are covered instead
    fill : what covers
    seed : of the choice of images and places, and of noise
    """

    concept_categories: tuple[str, ...]
    images_per_concept: int
    minimum_images: int
    controls: int
    fill: Fill
    seed: int


class Covers:
    """What to cover in labelled images, and with what."""

    def __init__(self, labelled: LabelledImages, design: Design) -> None:
        self._design = design
        self._names = labelled.concepts["name"].tolist()
        categories = labelled.concepts["categories"].str.split(";")
        self._is_object = np.array([False, *(OBJECT in own for own in categories)])
        places = np.arange(labelled.image_size) // labelled.reduction
        self._places = np.minimum(places, labelled.mask_size - 1)

    def masks(self, image: str, codes: Codes, code: int) -> NDArray[np.bool_] | None:
        """Pixels of a concept, and as many at each other place.

        Parameters
        ----------
        image : its image_id
        codes : concepts of its pixels (slot, y, x)
        code : of the concept

        Returns
        -------
        masks (1 + place, y, x) of the image's size; None where the concept has no pixel of its own, or too few places
        """
        part = (codes == code).any(0)
        if not part.any():
            return None
        random = generator(self._design.seed, PURPOSE, image, self._names[code - 1])
        moved = elsewhere(part, self._owner(codes, part), self._design.controls, random)
        if moved is None:
            return None
        masks = np.concatenate([part[None], moved])
        return masks[:, self._places[:, None], self._places]

    def filling(self, image: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What an image shows where it is covered."""
        random = generator(self._design.seed, PURPOSE, image)
        return filling(picture, self._design.fill, random)

    def _owner(self, codes: Codes, part: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pixels (y, x) of the object that most of a part's pixels belong to."""
        found = codes[:, part]
        objects = found[self._is_object[found]]
        if not len(objects):
            return np.zeros_like(part)
        return (codes == np.bincount(objects).argmax()).any(0)


def choose_images(labelled: LabelledImages, design: Design) -> pd.DataFrame:
    """Images, and the codes of the concepts to cover in them, ordered by both.

    Raises
    ------
    InputError
        if no concept has enough images
    """
    areas = labelled.areas
    possible = areas[areas["pixels"] <= LARGEST_SHARE * labelled.mask_size**2]
    chosen = []
    for code, own in possible.groupby("code"):
        concept = labelled.concepts.iloc[code - 1]
        if concept["category"] in design.concept_categories and len(own) >= design.minimum_images:
            order = generator(design.seed, PURPOSE, concept["name"]).permutation(len(own))
            chosen.append(own.iloc[order[: design.images_per_concept]])
    if not chosen:
        raise _too_few(design)
    columns = ["image", "code"]
    return pd.concat(chosen)[columns].sort_values(columns, ignore_index=True)


class Manipulation:
    """Shows labelled images intact, with a concept covered, and with as much covered elsewhere.

    Parameters
    ----------
    labelled : images of the size of the network's input
    layers : names of layers, in network order
    batch_size : copies of an image that are shown at once
    """

    def __init__(
        self,
        network: Network,
        labelled: LabelledImages,
        layers: Sequence[str],
        design: Design,
        batch_size: int,
    ) -> None:
        self._network = network
        self._labelled = labelled
        self._layers = tuple(layers)
        self._design = design
        self._batch_size = batch_size
        self._covers = Covers(labelled, design)
        self._chosen = choose_images(labelled, design)

    def table(self, level: float, minimum_drop: float) -> pd.DataFrame:
        """What covering each concept does to each unit, see `unit_table`.

        Every image is shown once for all units, intact and with each of its concepts covered.

        Raises
        ------
        InputError
            if no concept can be covered in enough images
        """
        codes = np.unique(self._chosen["code"])
        used = np.zeros(len(codes), np.int64)
        units = {layer: self._network.layer(layer).units for layer in self._layers}
        sums = {layer: Sums.zero(len(codes), count) for layer, count in units.items()}
        for code, responses in self._responses():
            place = np.searchsorted(codes, code)
            used[place] += 1
            for layer, own in responses.items():
                sums[layer].add(place, own)
        enough = used >= self._design.minimum_images
        if not enough.any():
            raise _too_few(self._design)
        concepts = self._labelled.concepts.iloc[codes[enough] - 1]
        concepts = concepts[["name", "category"]].assign(images=used[enough])
        tables = [
            unit_table(layer, own.of(enough), concepts, level, minimum_drop)
            for layer, own in sums.items()
        ]
        return pd.concat(tables, ignore_index=True)

    def examples(self, detectors: pd.DataFrame) -> pd.DataFrame:
        """For each concept that has a detector, how the strongest one responds to some images.

        These are the EXAMPLE_IMAGES images, of those in which the concept was covered, to which the unit responds most
        when they are intact.

        Parameters
        ----------
        detectors : rows of the table

        Returns
        -------
        table in the order of concepts: concept, layer, unit, image_id, condition (intact, covered, or elsewhere: the
        best of the other places), response, picture (bytes of a WebP file, what is covered outlined)
        """
        order = np.argsort(-relative_effect(detectors), kind="stable")
        strongest = detectors.iloc[order].drop_duplicates("concept").set_index("concept")
        rows = []
        for code, name in enumerate(self._labelled.concepts["name"], start=1):
            if name in strongest.index:
                layer, unit = strongest.loc[name, ["layer", "unit"]]
                about = {"concept": name, "layer": layer, "unit": unit}
                rows += [about | example for example in self._examples(code, layer, unit)]
        return pd.DataFrame(rows, columns=list(EXAMPLE_COLUMNS))

    def _responses(self) -> Iterator[tuple[int, Responses]]:
        """For every image and concept in it: the code, and responses (copy, unit) of each layer, as Sums takes them."""
        read = PeakReader(self._network, self._layers)
        groups = self._chosen.groupby(self._chosen["image"] // READ_AT_ONCE)
        for _, block in track(groups, f"cover parts, {self._network.name}"):
            rows = slice(block["image"].iloc[0], block["image"].iloc[-1] + 1)
            pictures, codes = self._labelled.stimuli.images(rows), self._labelled.codes(rows)
            for image, own in block.groupby("image"):
                place = image - rows.start
                name = self._labelled.stimuli.table["image_id"].iloc[image]
                masks = {code: self._covers.masks(name, codes[place], code) for code in own["code"]}
                masks = {code: found for code, found in masks.items() if found is not None}
                copies = self._copies(name, pictures[place], [*masks.values()])
                yield from self._by_concept(list(masks), self._show(read, copies))

    def _copies(
        self, image: str, picture: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]]
    ) -> NDArray[np.uint8]:
        """The intact image, and copies with each of the masks covered."""
        nothing = np.zeros((1, *picture.shape[:2]), bool)
        cover = self._covers.filling(image, picture)
        return covered(picture, np.concatenate([nothing, *masks]), cover)

    def _show(self, read: PeakReader, copies: NDArray[np.uint8]) -> Responses:
        found = [read(copies[block]) for block in row_blocks(len(copies), self._batch_size)]
        return {layer: np.concatenate([own[layer].response for own in found]) for layer in found[0]}

    def _by_concept(
        self, codes: Sequence[int], responses: Responses
    ) -> Iterator[tuple[int, Responses]]:
        """The responses to the intact image and to the copies of each concept in turn."""
        copies = 1 + self._design.controls
        for number, code in enumerate(codes):
            own = [0, *range(1 + number * copies, 1 + (number + 1) * copies)]
            yield code, {layer: values[own] for layer, values in responses.items()}

    def _examples(self, code: int, layer: str, unit: int) -> Iterator[dict[str, object]]:
        """Images and responses of one unit."""
        read = PeakReader(self._network, [layer])
        images = self._chosen.loc[self._chosen["code"] == code, "image"].to_numpy()
        pictures = self._labelled.stimuli.images(images)
        intact = self._show(read, pictures)[layer][:, unit]
        examples = 0
        for place in np.argsort(-intact, kind="stable"):
            image = images[place]
            name = self._labelled.stimuli.table["image_id"].iloc[image]
            codes = self._labelled.codes(slice(image, image + 1))[0]
            masks = self._covers.masks(name, codes, code)
            if masks is None:
                continue
            masks = np.concatenate([np.zeros_like(masks[:1]), masks[: len(CONDITIONS) - 1]])
            copies = covered(pictures[place], masks, self._covers.filling(name, pictures[place]))
            responses = self._show(read, copies)[layer][:, unit]
            shown = zip(CONDITIONS, copies, masks, responses, strict=True)
            for condition, copy, mask, response in shown:
                yield {
                    "image_id": name,
                    "condition": condition,
                    "response": response,
                    "picture": webp(_outlined(resized(copy, EXAMPLE_SIDE), mask)),
                }
            examples += 1
            if examples == EXAMPLE_IMAGES:
                return


def _outlined(picture: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A square picture (y, x, channel) with an outline around a mask of another size."""
    places = (np.arange(len(picture)) + 0.5) * len(mask) / len(picture)
    inside = mask[np.ix_(places.astype(int), places.astype(int))]
    line = binary_dilation(inside, iterations=LINE_WIDTH) & ~inside
    return np.where(line[..., None], LINE, picture)


def _too_few(design: Design) -> InputError:
    return InputError(
        f"activations.manipulation: no concept of {', '.join(design.concept_categories)} can be covered, here and "
        f"elsewhere, in minimum_images = {design.minimum_images} images"
    )
