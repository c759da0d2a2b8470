"""Sources of stimuli, one file each: a section of the configuration, and what makes its images.

These files are loaded to check the configuration, so they must not import torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from anatomy.alternatives import Alternatives
from anatomy.config.base import Section, Seed
from anatomy.config.category_rows import CategoryRow
from anatomy.config.splits import ImagesPerCategory
from anatomy.stimuli.item import Item, Load


class Source(Section):
    """What the section of every source has.

    Attributes
    ----------
    source : a `Literal` of the file's name
    image_size : side of the stored square images, pixels
    images, seed : how many images, and which
    """

    if TYPE_CHECKING:  # each declares them itself, in the order in which its keys are documented
        source: str
        image_size: int
        images: ImagesPerCategory
        seed: Seed

    def known_categories(self, key: str) -> list[CategoryRow]:
        """All categories that the source knows; `key` is the section's, for messages."""
        raise NotImplementedError

    def wanted_categories(self) -> Sequence[str] | None:
        """The categories that are asked for, in order; None for all that are known."""
        return getattr(self, "categories", None)

    def check(self, key: str, categories: Sequence[str]) -> None:
        """Raise InputError, in one sentence that names the key, if the images cannot be made."""

    def beyond_keys(self, _categories: Sequence[str]) -> dict[str, Any]:
        """What the images depend on beside the keys of the section, to be kept with them in the job's spec."""
        return {}


@dataclass(frozen=True)
class Pictures:
    """The images of a set, to be read or drawn.

    Attributes
    ----------
    items : the images, ordered by split, category and draw
    load : from an item to its image, uint8 (image_size, image_size, 3); called from several threads
    provenance : what the images depend on beside the items
    notes : lines for the log
    """

    items: Sequence[Item]
    load: Load
    provenance: Mapping[str, Any]
    notes: Sequence[str] = field(default=())


class SourceFile(Protocol):
    """What a file of this folder holds.

    Attributes
    ----------
    SECTION : the source's section of the configuration
    """

    SECTION: type[Source]

    def make(self, spec: Mapping[str, Any], downloaded: Path | None) -> Pictures:
        """The images of a set.

        Parameters
        ----------
        spec : the keys of the section, but instead of names under `categories` a list of category, name and
            super_category
        downloaded : folder of what was downloaded for the set, if anything was
        """


SOURCES = Alternatives[SourceFile](__name__)
