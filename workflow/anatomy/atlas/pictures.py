"""The pictures of an atlas: small files in folders, each written once and shown by as many pages as need it."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from anatomy.atlas.places import unit_slug
from anatomy.errors import InputError
from anatomy.pages import significant
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.thumbnails import resized, webp

EXAMPLES = 8
EXAMPLE_SIDE = 128
SPLIT = "evaluation"
# Pixels; what is not larger is small already.
SMALL_SIDE, SMALL_ENOUGH = 72, 96

Unit = tuple[str, int]


@dataclass
class UnitPictures:
    """Addresses of the pictures of a unit, from the folder of the atlas.

    Attributes
    ----------
    filter, feature : its weights as an image; the image that it asks for
    seen : what it sees of the image that drives it most
    top : address, and words, of each image to which it responds most, with the region above its threshold
    small : a small picture of it
    """

    filter: str | None = None
    feature: str | None = None
    seen: str | None = None
    top: list[tuple[str, str]] = field(default_factory=list)
    small: str | None = None


@dataclass
class Pictures:
    """The pictures of a network.

    Attributes
    ----------
    units : (layer, unit) -> its pictures
    examples : category -> images of it
    features : category -> what its output unit asks for
    """

    units: dict[Unit, UnitPictures] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)

    def of(self, unit: Unit) -> UnitPictures:
        """The pictures of a unit, which may have none."""
        return self.units.get(unit) or UnitPictures()


class PictureWriter:
    """Writes pictures into the folder of an atlas.

    Parameters
    ----------
    folder : the atlas
    layers, categories : layer or category -> its name for files
    pictures : where the addresses of what is written are noted
    """

    def __init__(
        self,
        folder: Path,
        layers: Mapping[str, str],
        categories: Mapping[str, str],
        pictures: Pictures,
    ) -> None:
        self._folder = folder
        self._layers = layers
        self._categories = categories
        self.pictures = pictures

    def filters(self, table: pd.DataFrame) -> None:
        """Weights of the first layer's units: layer, unit, picture."""
        for key, data in self._of_units(table, "picture"):
            own = self._unit(key)
            own.filter = self._write(f"units/{self._name(key)}_filter", data)
            own.small = own.filter

    def features(self, table: pd.DataFrame) -> None:
        """Images that the units of a layer ask for: layer, unit, category (of output units), picture."""
        outputs = table["category"].fillna("").astype(str) != ""
        for key, data in self._of_units(table[~outputs], "picture"):
            own = self._unit(key)
            own.feature = self._write(f"units/{self._name(key)}_feature", data)
            own.small = own.small or self._small(key, own.feature, data)
        for row in table[outputs].itertuples():
            name = self._categories.get(str(row.category))
            if name is not None:
                address = self._write(f"categories/{name}_feature", row.picture)
                self.pictures.features[str(row.category)] = address

    def circuit_units(self, table: pd.DataFrame) -> None:
        """What the units of circuits see: layer, unit, thumbnail, which may be missing."""
        for key, data in self._of_units(table.dropna(subset="thumbnail"), "thumbnail"):
            own = self._unit(key)
            if own.seen is not None:  # by a circuit before
                continue
            own.seen = self._write(f"units/{self._name(key)}_seen", data)
            own.small = own.small or self._small(key, own.seen, data)

    def top_images(self, layer: str, table: pd.DataFrame) -> None:
        """Images to which the units of a layer respond most: unit, rank, image_id, response, thumbnail."""
        if layer not in self._layers:
            return
        for row in table.sort_values(["unit", "rank"]).itertuples():
            own = self._unit((layer, row.unit))
            name = self._name((layer, row.unit))
            address = self._write(f"units/{name}_top{row.rank:02d}", row.thumbnail)
            words = f"{row.rank}: {row.image_id}, response {significant(row.response)}"
            own.top.append((address, words))
            own.small = own.small or self._small((layer, row.unit), address, row.thumbnail)

    def examples(self, stimuli: StimulusSet) -> None:
        """A few images of each category, of those that nothing was chosen by where there are any."""
        table = stimuli.table
        held_out = table["split"] == SPLIT
        for category, name in self._categories.items():
            own = table["category"] == category
            rows = np.flatnonzero(own & held_out if (own & held_out).any() else own)[:EXAMPLES]
            if category in self.pictures.examples or not len(rows):
                continue
            self.pictures.examples[category] = [
                self._write(f"categories/{name}_{number}", _thumbnail(image))
                for number, image in enumerate(stimuli.images(rows), start=1)
            ]

    def _of_units(self, table: pd.DataFrame, column: str) -> Iterator[tuple[Unit, bytes]]:
        """Unit and picture of each row; of layers that the atlas knows."""
        for layer, unit, data in zip(table["layer"], table["unit"], table[column], strict=True):
            if layer in self._layers:
                yield (layer, int(unit)), data

    def _unit(self, key: Unit) -> UnitPictures:
        return self.pictures.units.setdefault(key, UnitPictures())

    def _name(self, key: Unit) -> str:
        return unit_slug(self._layers[key[0]], key[1])

    def _small(self, key: Unit, address: str, data: bytes) -> str:
        """A smaller copy of a picture, or the picture itself where that is small."""
        with Image.open(io.BytesIO(data)) as picture:
            if max(picture.size) <= SMALL_ENOUGH:
                return address
            pixels = np.asarray(picture.convert("RGB"))
        return self._write(f"units/{self._name(key)}", webp(resized(pixels, SMALL_SIDE)))

    def _write(self, name: str, data: bytes) -> str:
        """Write a picture under `pictures/` with the ending of its format; its address."""
        address = f"pictures/{name}.{_format(name, data)}"
        path = self._folder / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return address


def _format(name: str, data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    raise InputError(f"the picture {name} of an atlas is neither WebP nor PNG")


def _thumbnail(image: np.ndarray) -> bytes:
    return webp(image if len(image) <= EXAMPLE_SIDE else resized(image, EXAMPLE_SIDE))
