"""Labelled images on disk: what dissection reads, whatever layout the images came in.

A folder holds

    images.zarr, images.json, images.csv   the images, a stimulus set with the one split "dissection"
    labels.zarr     codes (image, slot, y, x): the concepts of every mask pixel, packed to the lowest slots
                    whole (image, place): the concepts that are true of the whole image
    concepts.csv    number, name, category, categories, images, pixels; the code of a concept is its row + 1
    areas.parquet   image, code, pixels: how many mask pixels of an image show a concept
    labels.json     the manifest of it all, the last file that is written

Codes are uint16; code 0 means nothing. A concept that is true of a whole image is in none of its pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import zarr
from numpy.typing import NDArray

from anatomy.canonical import digest, read_json
from anatomy.errors import InputError
from anatomy.stimuli.concept_codes import CONCEPT_COLUMNS, Codes
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import open_store, read_array, read_rows

SPLIT = "dissection"
IMAGES = ("images.zarr", "images.json", "images.csv")
LABELS, MANIFEST = "labels.zarr", "labels.json"
CONCEPTS, AREAS = "concepts.csv", "areas.parquet"
CODES, WHOLE = "codes", "whole"
AREA_COLUMNS = ("image", "code", "pixels")
COUNTS = ("images", "pixels")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Labelled images opened for reading.

    Attributes
    ----------
    stimuli : the images; row i is image i everywhere
    concepts : number, name, category (its own), categories (all, joined by ';'), and images and pixels in this set;
        the code of a concept is its row + 1
    areas : image (row), code, pixels; one row per image and concept in it, sorted by both
    image_size, mask_size : side of the images and of the masks, pixels
    reduction : image pixels per mask pixel, along one side
    categories : concept categories in the order of the source
    digest : of images and labels together
    """

    stimuli: StimulusSet
    concepts: pd.DataFrame
    areas: pd.DataFrame
    image_size: int
    mask_size: int
    reduction: int
    categories: tuple[str, ...]
    digest: str
    _codes: zarr.Array
    _whole: zarr.Array

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a finished folder.

        Raises
        ------
        InputError
            if a file is absent, or the files do not belong together
        """
        folder = Path(folder)
        for name in (LABELS, MANIFEST, CONCEPTS, AREAS):
            if not (folder / name).exists():
                raise InputError(f"{folder / name}: is absent, the labelled images cannot be read")
        stimuli = StimulusSet.open(*(folder / name for name in IMAGES))
        store = open_store(folder / LABELS, folder / MANIFEST, {"images": stimuli.digest})
        made = dict(store.attrs)
        concepts = _read_concepts(folder / CONCEPTS, made["concepts"])
        return cls(
            stimuli=stimuli,
            concepts=concepts,
            areas=_read_areas(folder / AREAS, concepts, len(stimuli.table)),
            image_size=made["image_size"],
            mask_size=made["mask_size"],
            reduction=made["reduction"],
            categories=tuple(made["categories"]),
            digest=read_json(folder / MANIFEST)["digest"],
            _codes=read_array(store, CODES),
            _whole=read_array(store, WHOLE),
        )

    def codes(self, rows: slice) -> Codes:
        """Concepts of the pixels of some images, (image, slot, y, x); a pixel has none twice, and zeros last."""
        return read_rows(self._codes, rows)

    def whole(self, rows: slice) -> Codes:
        """Concepts that are true of some whole images, (image, place); zeros last."""
        return read_rows(self._whole, rows)


def count_concepts(areas: pd.DataFrame, concepts: int) -> dict[str, NDArray[np.int64]]:
    """Number of images with each concept, and of its pixels in all of them, in the order of the concepts."""
    codes = areas["code"].to_numpy()
    images = np.bincount(codes, minlength=concepts + 1)
    pixels = np.bincount(codes, weights=areas["pixels"], minlength=concepts + 1)
    return dict(zip(COUNTS, (images[1:], pixels[1:].astype(np.int64)), strict=True))


def concepts_digest(concepts: pd.DataFrame) -> str:
    """What the codes of labels stand for."""
    return digest(concepts[list(CONCEPT_COLUMNS)].to_numpy().tolist())


def _read_concepts(path: Path, expected: str) -> pd.DataFrame:
    kinds = dict.fromkeys(CONCEPT_COLUMNS, str) | dict.fromkeys(("number", *COUNTS), np.int64)
    try:
        concepts = pd.read_csv(path, dtype=kinds, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    if list(concepts) != list(kinds) or concepts_digest(concepts) != expected:
        raise InputError(
            f"{path}: is not the table of the labels; run the step that writes both again"
        )
    return concepts


def _read_areas(path: Path, concepts: pd.DataFrame, images: int) -> pd.DataFrame:
    try:
        areas = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    if list(areas) == [*AREA_COLUMNS] and areas["image"].max() < images:
        counts = count_concepts(areas, len(concepts))
        if all(np.array_equal(counts[name], concepts[name]) for name in COUNTS):
            return areas
    raise InputError(f"{path}: does not agree with {CONCEPTS}; run the step that writes both again")
