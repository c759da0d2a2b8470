"""The jobs that make labelled images, for dissection and for manipulations."""

from pathlib import Path
from typing import Any

from anatomy.canonical import digest, file_digest
from anatomy.config.configuration import Configuration
from anatomy.config.dissection import Broden, BrodenArchive, BrodenFolder, ToyboxBroden
from anatomy.file_digests import known_digest

Spec = dict[str, Any]

TABLES_OF_FOLDER = "*.csv"


def broden_specs(configuration: Configuration, plans_anew: bool) -> dict[str, Spec]:
    """The labelled images: where they come from, and the set that is made of them for those who show it."""
    broden = configuration.broden
    specs: dict[str, Spec] = {}
    if isinstance(broden, ToyboxBroden):
        specs["toybox_broden"] = broden.model_dump(mode="json", exclude={"source"})
    if isinstance(broden, BrodenArchive):
        specs["unpack_broden"] = {"archive": broden.archive}
        if plans_anew:
            specs["unpack_broden"]["archive_digest"] = known_digest(Path(broden.archive))
    if broden is None or not _is_shown(configuration):
        return specs
    spec: Spec = {"images": None if isinstance(broden, ToyboxBroden) else broden.images}
    if isinstance(broden, BrodenFolder):
        spec["folder"] = broden.folder
        if plans_anew:
            spec["tables"] = _tables_digest(Path(broden.folder))
    return specs | {"labelled_images": spec}


def _is_shown(configuration: Configuration) -> bool:
    """Whether a method shows the labelled images to a network."""
    activations = configuration.activations
    covered = activations is not None and activations.manipulation is not None
    return configuration.dissection is not None or covered


def _tables_digest(folder: Path) -> str:
    return digest({path.name: file_digest(path) for path in sorted(folder.glob(TABLES_OF_FOLDER))})


def name_of(broden: Broden) -> str:
    """What people call a set of labelled images."""
    if isinstance(broden, ToyboxBroden):
        return "toybox"
    if isinstance(broden, BrodenArchive):
        return Path(broden.archive).stem
    return Path(broden.folder).name or broden.folder
