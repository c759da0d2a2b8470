"""From a folder in Broden's layout to labelled images on disk; `anatomy.stimuli.labelled_images` reads them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.canonical import digest, read_json
from anatomy.errors import InputError
from anatomy.stimuli.broden import Broden, LabelledImage, unknown_label
from anatomy.stimuli.broden_pixels import read_image, read_label_image
from anatomy.stimuli.concept_codes import Codes, code_table, count, pack
from anatomy.stimuli.labelled_images import (
    AREA_COLUMNS,
    AREAS,
    CODES,
    CONCEPTS,
    IMAGES,
    LABELS,
    MANIFEST,
    SPLIT,
    WHOLE,
    concepts_digest,
    count_concepts,
)
from anatomy.stimuli.stimulus_set import BLOCK, Item, write_stimulus_set
from anatomy.store import ArraySpec, StoreWriter, row_blocks
from anatomy.tables import write_csv, write_parquet


def write_labelled_images(
    folder: Path,
    broden: Broden,
    images: int | None,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> list[str]:
    """Store the images of a folder in Broden's layout, and their labels, block by block.

    A writer that was killed goes on after the last whole block. The result does not depend on `workers`.

    Parameters
    ----------
    folder : where to write
    broden : what to read
    images : store the first so many images at most; all when None
    workers : number of threads that decode
    progress : called with the number of images after each block, of the images and then of the labels

    Returns
    -------
    lines for the log: images with the same pixels

    Raises
    ------
    InputError
        naming the file that cannot be used
    """
    if images is not None and images < 1:
        raise InputError(f"images = {images}: must be at least 1")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # no moment at which it describes anything else
    (folder / MANIFEST).unlink(missing_ok=True)
    chosen = broden.images[:images]
    notes = _write_images(folder, broden, chosen, workers, progress)
    _write_labels(folder, broden, chosen, workers, progress)
    return notes


def _write_images(
    folder: Path,
    broden: Broden,
    chosen: Sequence[LabelledImage],
    workers: int,
    progress: Callable[[int], object] | None,
) -> list[str]:
    items = [Item(image.name, "", "", "", SPLIT, f"images/{image.file}") for image in chosen]

    def load(item: Item) -> NDArray[np.uint8]:
        return read_image(broden.folder / item.source, broden.image_size)

    provenance = {"source": "broden", "files": _files(broden, [image.file for image in chosen])}
    places = (folder / name for name in IMAGES)
    return write_stimulus_set(
        *places, items, load, broden.image_size, provenance, workers, progress
    )


def _write_labels(
    folder: Path,
    broden: Broden,
    chosen: Sequence[LabelledImage],
    workers: int,
    progress: Callable[[int], object] | None,
) -> None:
    labels = _Labels(broden, chosen)
    made_from = _provenance(broden, chosen) | {"images": read_json(folder / IMAGES[1])["digest"]}
    writer = StoreWriter(folder / LABELS, folder / MANIFEST, made_from, labels.specs())
    areas = []
    with ThreadPoolExecutor(workers) as pool:
        for rows in row_blocks(len(chosen), BLOCK):
            name = f"{rows.start}-{rows.stop}"
            if name in writer.done:
                codes, whole = writer.read(CODES, rows), writer.read(WHOLE, rows)
            else:
                codes, whole = map(np.stack, zip(*pool.map(labels.of, chosen[rows]), strict=True))
                writer.write(name, {CODES: (rows, codes), WHOLE: (rows, whole)})
            areas.append(_areas(rows.start, codes, whole, pool))
            if progress is not None:
                progress(rows.stop - rows.start)
    joined = pd.concat(areas, ignore_index=True)
    if joined.empty:
        raise InputError(f"{broden.folder}: no pixel of {len(chosen)} images has a label")
    # before the manifest, which says that all is there
    write_csv(
        broden.concepts.assign(**count_concepts(joined, len(broden.concepts))), folder / CONCEPTS
    )
    write_parquet(joined, folder / AREAS)
    writer.finish()


class _Labels:
    """From label images and numbers to codes, in arrays that have room for every chosen image."""

    def __init__(self, broden: Broden, chosen: Sequence[LabelledImage]) -> None:
        self._broden = broden
        self._table = code_table(broden.concepts["number"])
        self._images = len(chosen)
        # an array of a store has no axis of length 0
        self._slots = max(1, max(len(image.planes) for image in chosen))
        self._places = max(1, max(len(set(image.whole)) for image in chosen))

    def specs(self) -> dict[str, ArraySpec]:
        """The arrays of the store, with a block of images in each chunk."""
        side = self._broden.mask_size
        shapes = {CODES: (self._slots, side, side), WHOLE: (self._places,)}
        return {
            name: ArraySpec((self._images, *shape), (BLOCK, *shape), "uint16", compression="quick")
            for name, shape in shapes.items()
        }

    def of(self, image: LabelledImage) -> tuple[Codes, Codes]:
        """Codes (slot, y, x) and (place,) of one image."""
        whole = np.zeros(self._places, np.uint16)
        numbers = list(dict.fromkeys(image.whole))
        whole[: len(numbers)] = self._table[numbers]
        side = self._broden.mask_size
        blank = np.zeros((side, side), np.uint16)
        planes = [self._plane(self._broden.path(file)) for file in image.planes] or [blank]
        return pack(planes, whole[: len(numbers)], self._slots), whole

    def _plane(self, path: Path) -> Codes:
        numbers = read_label_image(path, self._broden.mask_size)
        codes = self._table[numbers]
        if np.count_nonzero(codes) != np.count_nonzero(numbers):
            raise InputError(f"{path}: {unknown_label(numbers[(codes == 0) & (numbers > 0)][0])}")
        return codes


def _areas(first: int, codes: Codes, whole: Codes, pool: ThreadPoolExecutor) -> pd.DataFrame:
    """Areas of consecutive images, the first of which is row `first`."""
    counted = list(pool.map(count, codes, whole))
    image = np.arange(first, first + len(counted), dtype=np.int32)
    values = (
        np.repeat(image, [len(codes_found) for codes_found, _ in counted]),
        np.concatenate([codes_found for codes_found, _ in counted]),
        np.concatenate([pixels for _, pixels in counted]),
    )
    return pd.DataFrame(dict(zip(AREA_COLUMNS, values, strict=True)))


def _provenance(broden: Broden, chosen: Sequence[LabelledImage]) -> dict[str, Any]:
    """What the labels are made from, beside the images, and what their readers need to know."""
    return {
        "labels": digest([[image.planes, image.whole] for image in chosen]),
        "files": _files(broden, [file for image in chosen for file in image.planes]),
        "concepts": concepts_digest(broden.concepts),
        "categories": list(broden.categories),
        "image_size": broden.image_size,
        "mask_size": broden.mask_size,
        "reduction": broden.reduction,
    }


def _files(broden: Broden, files: Sequence[str]) -> str:
    """Digest of what is known of files before they are read: names and sizes."""
    try:
        return digest([[file, broden.path(file).stat().st_size] for file in files])
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
