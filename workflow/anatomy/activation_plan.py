"""The jobs of activations: maps of some images, top images, occlusion, covered parts."""

from typing import Any

from anatomy.config import resolution
from anatomy.config.activations import Activations
from anatomy.config.configuration import Configuration

Spec = dict[str, Any]

SPLIT = "evaluation"


def activation_specs(
    configuration: Configuration, name: str, activations: Activations
) -> dict[str, Spec]:
    """Everything about the activations of one network."""
    compute = configuration.compute
    layers = resolution.convolutions("activations.layers", configuration, name, activations.layers)
    shown = {
        "network": name,
        "layers": layers,
        "batch_size": compute.batch_size,
        "threads": compute.threads,
    }
    seeded = shown | {"seed": activations.seed}
    specs: dict[str, Spec] = {
        f"activations/{name}": seeded | {"split": SPLIT, "images": activations.images},
        f"top_images/{name}/activations": shown | {"split": SPLIT, "kept": activations.top_images},
    }
    if activations.occlusion is not None:
        specs[f"occlusion/{name}"] = seeded | activations.occlusion.model_dump(mode="json")
    if activations.manipulation is not None:
        specs[f"manipulation/{name}"] = seeded | activations.manipulation.model_dump(mode="json")
    return specs
