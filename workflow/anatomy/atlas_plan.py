"""The jobs of atlases: one for each network that any method looks at, and the page that leads to all of them."""

from collections.abc import Mapping
from typing import Any

from anatomy.config import resolution
from anatomy.config.category_rows import CategoryRow
from anatomy.config.configuration import METHODS, Configuration

Spec = dict[str, Any]

# methods that show their networks a stimulus set
SHOWING = ("circuits", "knockouts", "clusters", "activations", "joined")
# input of an atlas -> a job of the networks that have it, and the table
TABLES = {
    "circuits": ("circuit_tables/{network}", "circuits/summary.csv"),
    "sweep": ("circuit_tables/{network}", "circuits/sweep.csv"),
    "controls": ("join_tables/{network}/circuits/controls", "circuits/controls.csv"),
    "overlap": ("circuit_overlap/{network}", "circuits/overlap.parquet"),
    "cluster_losses": ("join_tables/{network}/clusters/losses", "clusters/losses.csv"),
    "knockout_areas": ("knockout_tables/{network}", "knockouts/areas.csv"),
    "interventions": ("manipulation/{network}", "activations/interventions.csv"),
    "filters": ("filters/{network}", "features/filters.parquet"),
    "circuit_units": ("enrichment/{network}", "joined/circuit_units.parquet"),
    "unit_lesions": ("join_tables/{network}/joined/unit_lesions", "joined/unit_lesions.csv"),
    "concept_lesions": (
        "join_tables/{network}/joined/concept_lesions",
        "joined/concept_lesions.csv",
    ),
}
# input of an atlas -> what the job of each of its parts begins with, and the table of a part
PARTS = {
    "drawn_units": ("circuit_pictures/{network}/", "circuits/pictures/{part}_units.parquet"),
    "drawn_connections": (
        "circuit_pictures/{network}/",
        "circuits/pictures/{part}_connections.parquet",
    ),
    "dissected": ("dissection/{network}/", "dissection/{part}/units.csv"),
    "top_images": ("dissection/{network}/", "dissection/{part}/top_images.parquet"),
    "features": ("features/{network}/", "features/{part}.parquet"),
}


def atlas_specs(configuration: Configuration) -> dict[str, Spec]:
    """Settings of all atlases: what their tables do not say."""
    specs: dict[str, Spec] = {}
    for name in mapped(configuration):
        rows = _rows(configuration, name)
        names = resolution.distinct_names(rows)
        specs[f"atlas/{name}"] = {
            "network": name,
            "categories": [
                {"category": row.category, "name": names[row.category]}
                | {"super_category": row.super_category}
                for row in rows
            ],
            "minimum_iou": _minimum(configuration, name),
        }
    if specs:
        specs["atlases"] = {}
    return specs


def mapped(configuration: Configuration) -> list[str]:
    """The networks that have an atlas."""
    sections = [getattr(configuration, method) for method in METHODS]
    found = {name for own in sections for name in resolution.networks_of(configuration, own)}
    return [name for name in configuration.networks if name in found]


def atlas_inputs(
    configuration: Configuration, specs: Mapping[str, Spec], network: str
) -> dict[str, list[str]]:
    """Input of the atlas of a network -> files, none of what the network lacks."""
    inputs = {
        "stimuli": [
            f"results/stimuli/{name}.json"
            for name in resolution.stimuli_shown(configuration, network, SHOWING)
        ]
    }
    for name, (job, table) in TABLES.items():
        there = job.format(network=network) in specs
        inputs[name] = [f"results/{network}/{table}"] * there
    for name, (job, table) in PARTS.items():
        prefix = job.format(network=network)
        parts = [own.removeprefix(prefix) for own in specs if own.startswith(prefix)]
        inputs[name] = [f"results/{network}/{table.format(part=part)}" for part in parts]
    return inputs


def _rows(configuration: Configuration, network: str) -> list[CategoryRow]:
    """The categories of what is shown; where nothing is, those of output units with a feature."""
    found: dict[str, CategoryRow] = {}
    for name in resolution.stimuli_shown(configuration, network, SHOWING):
        rows = resolution.stimulus_categories(f"stimuli.{name}", configuration.stimuli[name])
        found = {row.category: row for row in rows} | found
    if not found and network in resolution.networks_of(configuration, configuration.features):
        return resolution.output_rows(configuration, network)
    return list(found.values())


def _minimum(configuration: Configuration, network: str) -> float | None:
    """The IoU that a detector exceeds; None for a network that is not dissected."""
    dissection = configuration.dissection
    dissected = network in resolution.networks_of(configuration, dissection)
    return dissection.minimum_iou if dissected else None
