"""The jobs of knock-outs: sweeps in groups of layers, and the tables over all of them."""

from collections.abc import Sequence
from typing import Any

from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.methods import Knockouts
from anatomy.knockout_modes import MODES, READS_NOISE

Spec = dict[str, Any]


def knockout_specs(
    configuration: Configuration, name: str, knockouts: Knockouts
) -> dict[str, Spec]:
    """Knock-out sweeps in groups of layers, and the table over all of them."""
    layers = resolution.chosen_layers("knockouts.layers", configuration, name, knockouts.layers)
    settings = knockouts.model_dump(
        mode="json",
        include={"kinds", "modes", "proportions", "repeats", "images_per_category", "seed"}
        | ({"noise"} if _reads_noise(knockouts.modes) else set()),
    )
    shared = {
        "network": name,
        "stimuli": knockouts.stimuli,
        "batch_size": configuration.compute.batch_size,
        "threads": configuration.compute.threads,
    }
    known = [layer for layer, _ in resolution.layers(configuration, name)]
    specs = {
        f"knockouts/{name}/{part}": settings | shared | {"layers": group}
        for part, group in _in_parts(layers, known, knockouts.layers_per_job).items()
    }
    outputs = len(resolution.output_categories(configuration, name))
    return specs | {
        f"join_tables/{name}/knockouts/performance": {},
        f"knockout_tables/{name}": {"outputs": outputs},
    }


def _reads_noise(modes: Sequence[str]) -> bool:
    return any(MODES.constant(mode, READS_NOISE) for mode in modes)


def _in_parts(wanted: Sequence[str], layers: Sequence[str], size: int) -> dict[str, list[str]]:
    """Part -> its layers, by their places in the network, so that asking for another changes one part alone."""
    parts: dict[str, list[str]] = {}
    for place, layer in enumerate(layers):
        if layer in wanted:
            parts.setdefault(f"layers_{place // size:04d}", []).append(layer)
    return parts
