"""The jobs of feature visualisation: one for each layer, and the first layer's filters."""

from typing import Any

from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.features import Features

Spec = dict[str, Any]


def feature_specs(configuration: Configuration, name: str, features: Features) -> dict[str, Spec]:
    """Everything about the features of one network."""
    compute = configuration.compute
    computed = {"network": name, "threads": compute.threads}
    ascent = features.model_dump(mode="json", exclude={"networks", "layers"})
    layers = resolution.layers_with_features(
        "features.layers", configuration, name, features.layers
    )
    specs = {
        f"features/{name}/{layer}": computed
        | ascent
        | {"layer": layer, "batch_size": compute.batch_size}
        for layer in layers
    }
    return specs | {f"filters/{name}": computed}
