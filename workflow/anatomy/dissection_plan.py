"""The jobs of network dissection: responses, a job for each layer, and its other bases."""

from collections.abc import Sequence
from typing import Any

from anatomy.broden_plan import name_of
from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.dissection import Dissection, Rotations

Spec = dict[str, Any]

# settings that decide what counts as active, and as a detector
DETECTING = ("quantile", "thresholds", "minimum_iou", "seed")


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
