"""The jobs of network dissection: labelled images, responses, a job for each layer, and its other bases."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anatomy.canonical import digest, file_digest
from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.dissection import (
    Broden,
    BrodenArchive,
    BrodenFolder,
    Dissection,
    Rotations,
    ToyboxBroden,
)

Spec = dict[str, Any]

TABLES_OF_FOLDER = "*.csv"
# settings that decide what counts as active, and as a detector
DETECTING = ("quantile", "thresholds", "minimum_iou", "seed")


def broden_specs(configuration: Configuration, list_files: bool) -> dict[str, Spec]:
    """The labelled images: where they come from, and the set that is made of them for dissection."""
    broden = configuration.broden
    specs: dict[str, Spec] = {}
    if isinstance(broden, ToyboxBroden):
        specs["toybox_broden"] = broden.model_dump(mode="json", exclude={"source"})
    if isinstance(broden, BrodenArchive):
        specs["unpack_broden"] = {"archive": broden.archive}
    if configuration.dissection is None or broden is None:
        return specs
    spec: Spec = {"images": None if isinstance(broden, ToyboxBroden) else broden.images}
    if isinstance(broden, BrodenFolder):
        spec["folder"] = broden.folder
        if list_files:
            spec["tables"] = _tables_digest(Path(broden.folder))
    return specs | {"labelled_images": spec}


def _tables_digest(folder: Path) -> str:
    return digest({path.name: file_digest(path) for path in sorted(folder.glob(TABLES_OF_FOLDER))})


def name_of(broden: Broden) -> str:
    """What people call a set of labelled images."""
    if isinstance(broden, ToyboxBroden):
        return "toybox"
    if isinstance(broden, BrodenArchive):
        return Path(broden.archive).stem
    return Path(broden.folder).name or broden.folder


def dissected_layers(configuration: Configuration, name: str, dissection: Dissection) -> list[str]:
    """The layers of a network whose units are labelled."""
    return resolution.convolutions("dissection.layers", configuration, name, dissection.layers)


def mixed_layers(
    rotations: Rotations | None, configuration: Configuration, name: str, layers: Sequence[str]
) -> list[str]:
    """The layers of a network that are dissected in other bases too."""
    if rotations is None:
        return []
    if rotations.layers is None:
        return list(layers[-1:])
    if rotations.layers == "all":
        return list(layers)
    key = "dissection.rotations.layers"
    return resolution.convolutions(key, configuration, name, rotations.layers)


def dissection_specs(
    configuration: Configuration, name: str, dissection: Dissection
) -> dict[str, Spec]:
    """Everything about the dissection of one network."""
    compute = configuration.compute
    layers = dissected_layers(configuration, name, dissection)
    mixed = mixed_layers(dissection.rotations, configuration, name, layers)
    computed = {"network": name, "threads": compute.threads}
    detecting = dissection.model_dump(mode="json", include=set(DETECTING))
    shown = dissection.model_dump(mode="json", include={"top_images", "resamples"})
    specs: dict[str, Spec] = {
        f"dissection_responses/{name}": computed
        | {"layers": layers, "dtype": dissection.dtype, "batch_size": compute.batch_size}
    }
    for layer in layers:
        specs[f"dissection/{name}/{layer}"] = computed | detecting | shown | {"layer": layer}
        specs[f"dissection_gallery/{name}/{layer}"] = {
            "layers": layers,
            "minimum_iou": dissection.minimum_iou,
            "images": name_of(configuration.broden),
        }
    for layer in mixed:
        bases = dissection.rotations.model_dump(mode="json", exclude={"layers"})
        specs[f"rotations/{name}/{layer}"] = computed | detecting | bases | {"layer": layer}
    specs[f"join_tables/{name}/dissection/detectors"] = {}
    if mixed:
        specs[f"join_tables/{name}/dissection/rotations"] = {}
    return specs
