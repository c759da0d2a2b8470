"""The jobs that join methods: which units circuits use, what labelled units and clusters are good for, TCAV."""

from collections.abc import Mapping
from typing import Any

from anatomy.config import resolution
from anatomy.config.configuration import METHODS, Configuration
from anatomy.config.joined import Joined
from anatomy.dissection_plan import dissected_layers

Spec = dict[str, Any]

# results/NETWORK/joined/NAME.csv, joined from parts -> the step that makes the parts
PART_TABLES = {
    "concept_lesions": "concept_lesions",
    "unit_lesions": "concept_lesions",
    "cluster_circuits": "cluster_circuits",
}
COMPARED = ("random_draws", "strata", "seed")


def joined_specs(configuration: Configuration, planned: Mapping[str, Spec]) -> dict[str, Spec]:
    """Everything that joins methods, of all networks.

    Parameters
    ----------
    planned : the jobs of the methods; circuits are looked at in the same shards
    """
    joined = configuration.joined
    specs: dict[str, Spec] = {}
    for name in resolution.networks_of(configuration, joined):
        methods = methods_of(configuration, name)
        if "dissection" in methods:
            specs |= _lesion_specs(configuration, name, joined)
        if {"dissection", "circuits"} <= methods:
            specs |= _enrichment_specs(configuration, name, joined, planned)
        if {"clusters", "circuits"} <= methods:
            specs |= _cluster_specs(configuration, name, joined, planned)
        if "clusters" in methods and joined.concept_vectors is not None:
            specs |= _vector_specs(configuration, name, joined)
    return specs


def methods_of(configuration: Configuration, name: str) -> set[str]:
    """The methods that are applied to a network."""
    return {
        method
        for method in METHODS
        if name in resolution.networks_of(configuration, getattr(configuration, method))
    }


def compared_layers(configuration: Configuration, name: str, joined: Joined) -> list[str]:
    """The layers whose units are silenced, and looked for in circuits."""
    if joined.layers is None:
        return dissected_layers(configuration, name, configuration.dissection)[-1:]
    if joined.layers == "all":
        return dissected_layers(configuration, name, configuration.dissection)
    return resolution.convolutions("joined.layers", configuration, name, joined.layers)


def _chosen(joined: Joined, keys: tuple[str, ...]) -> Spec:
    return joined.model_dump(mode="json", include=set(keys))


def _computed(configuration: Configuration, name: str) -> Spec:
    return {"network": name, "threads": configuration.compute.threads}


def _shown(configuration: Configuration, name: str) -> Spec:
    return _computed(configuration, name) | {"batch_size": configuration.compute.batch_size}


def _shards(planned: Mapping[str, Spec], name: str) -> dict[str, list[str]]:
    """Shard -> its categories, of the circuits of a network."""
    prefix = f"circuits/{name}/"
    return {
        job.removeprefix(prefix): spec["categories"]
        for job, spec in planned.items()
        if job.startswith(prefix)
    }


def _lesion_specs(configuration: Configuration, name: str, joined: Joined) -> dict[str, Spec]:
    detecting = {"minimum_iou": configuration.dissection.minimum_iou}
    own = _shown(configuration, name) | detecting
    own |= _chosen(joined, (*COMPARED, "random_images_per_category"))
    return {
        **{
            f"concept_lesions/{name}/{layer}": own | {"layer": layer}
            for layer in compared_layers(configuration, name, joined)
        },
        f"join_tables/{name}/joined/concept_lesions": {},
        f"join_tables/{name}/joined/unit_lesions": {},
    }


def _enrichment_specs(
    configuration: Configuration, name: str, joined: Joined, planned: Mapping[str, Spec]
) -> dict[str, Spec]:
    own = _computed(configuration, name)
    return {
        **{
            f"circuit_units/{name}/{shard}": own | {"categories": categories}
            for shard, categories in _shards(planned, name).items()
        },
        f"enrichment/{name}": {
            "network": name,
            "dissected": dissected_layers(configuration, name, configuration.dissection),
            "layers": compared_layers(configuration, name, joined),
            "minimum_iou": configuration.dissection.minimum_iou,
        }
        | _chosen(joined, COMPARED),
    }


def _cluster_specs(
    configuration: Configuration, name: str, joined: Joined, planned: Mapping[str, Spec]
) -> dict[str, Spec]:
    replacement = {"replacement": configuration.clusters.replacement}
    chosen = _chosen(joined, ("cluster_draws", "cluster_images_per_category", "seed"))
    own = _shown(configuration, name) | replacement | chosen
    return {
        **{
            f"cluster_circuits/{name}/{shard}": own | {"categories": categories}
            for shard, categories in _shards(planned, name).items()
        },
        f"join_tables/{name}/joined/cluster_circuits": {
            "categories": planned[f"circuit_tables/{name}"]["categories"]
        },
    }


def _vector_specs(configuration: Configuration, name: str, joined: Joined) -> dict[str, Spec]:
    clusters = configuration.clusters
    layers = resolution.hidden_layers("clusters.layers", configuration, name, clusters.layers)
    return {
        f"concept_vectors/{name}": _shown(configuration, name)
        | {"layers": layers, "seed": joined.seed}
        | joined.concept_vectors.model_dump(mode="json")
    }
