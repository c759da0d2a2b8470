"""The jobs of cluster lesions: responses, a job for each fold, the clusters, their lesions."""

from typing import Any

from anatomy.config import resolution
from anatomy.config.clusters import Clusters
from anatomy.config.configuration import Configuration
from anatomy.tables import CLUSTER_TABLES

Spec = dict[str, Any]

HURT_IMAGES = "hurt_images"
# results/NETWORK/clusters/NAME.csv, joined from a part for each method
JOINED_TABLES = tuple(name for name in CLUSTER_TABLES if name != HURT_IMAGES)
SUMMARISING = ("standardisation", "neurons_per_point", "components", "seed")
LESIONS = ("recognised_as", "replacement")


def cluster_specs(configuration: Configuration, name: str, clusters: Clusters) -> dict[str, Spec]:
    """Everything about the cluster lesions of one network."""
    compute = configuration.compute
    layers = resolution.hidden_layers("clusters.layers", configuration, name, clusters.layers)
    computed = {"network": name, "stimuli": clusters.stimuli, "threads": compute.threads}
    shown = computed | {"batch_size": compute.batch_size}
    super_categories = _super_categories(configuration, name, clusters)
    measured = shown | _chosen(clusters, LESIONS) | {"super_categories": super_categories}
    clustered = {"layers": layers} | _chosen(
        clusters, (*SUMMARISING, "methods", "numbers", "folds")
    )
    return {
        f"responses/{name}": shown
        | _chosen(clusters, ("response_images",))
        | {"layers": layers, "dtype": configuration.recordings.dtype},
        **{
            f"cluster_fold/{name}/fold_{fold}": measured | clustered | {"fold": fold}
            for fold in range(1, clusters.folds + 1)
        },
        f"clusters/{name}": computed | clustered,
        **{
            f"cluster_lesions/{name}/{method}": measured
            | _chosen(clusters, ("seed", "random_draws", "random_images_per_category"))
            | {"method": method}
            for method in clusters.methods
        },
        **{f"join_tables/{name}/clusters/{table}": {} for table in JOINED_TABLES},
    }


def _chosen(clusters: Clusters, keys: tuple[str, ...]) -> Spec:
    """Some keys of the configuration's section; None stands for all."""
    values = clusters.model_dump(mode="json", include=set(keys))
    return {key: None if value == "all" else value for key, value in values.items()}


def _super_categories(
    configuration: Configuration, name: str, clusters: Clusters
) -> dict[str, str]:
    """Super-categories of the output units of a network, as far as the source of the stimuli knows them."""
    stimuli = configuration.stimuli[clusters.stimuli]
    rows = stimuli.known_categories(f"stimuli.{clusters.stimuli}")
    known = {row.category: row.super_category for row in rows}
    outputs = resolution.output_categories(configuration, name)
    return {category: known[category] for category in outputs if category in known}
