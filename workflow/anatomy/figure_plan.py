"""The jobs of figures: which there are, and what their tables do not say."""

from typing import Any

from anatomy.circuit_plan import has_stability
from anatomy.config import resolution
from anatomy.config.category_rows import CategoryRow
from anatomy.config.configuration import Configuration
from anatomy.joined_plan import methods_of
from anatomy.stimuli.sources.toybox import ToyboxStimuli

Spec = dict[str, Any]

# kind of figures -> the folder of their method, and their names
FIGURES = {
    "circuits": (
        "circuits",
        (
            *("pruning_curves", "circuit_sizes", "substitution_accuracy"),
            *("frontier", "controls"),
        ),
    ),
    "overlap": ("circuits", ("overlap", "overlap_matrix", "layer_shares")),
    "score_comparison": ("circuits", ("score_comparison",)),
    "scoring_stability": ("circuits", ("scoring_stability",)),
    "knockouts": ("knockouts", ("performance", "sensitivity", "areas", "categories")),
    "clusters": (
        "clusters",
        ("distance", "losses", "category_losses", "layer_profile", "hurt_images"),
    ),
    "dissection": ("dissection", ("detectors", "units")),
    "rotations": ("dissection", ("rotations",)),
    "interventions": ("activations", ("interventions",)),
    "identity": ("identity", ("dissociation", "doses", "selectivity", "pairs")),
    "enrichment": ("joined", ("enrichment",)),
    "concept_lesions": ("joined", ("concept_lesions",)),
    "cluster_circuits": ("joined", ("cluster_circuits",)),
    "concept_vectors": ("joined", ("concept_vectors",)),
}
# kind of figures of which there is a folder -> the folder of their method, and its name
FIGURE_FOLDERS = {
    "pictures": ("circuits", "pictures"),
    "features": ("features", "layers"),
    "activations": ("activations", "layers"),
}
# kind of figures -> the step that draws them
FIGURE_STEPS = {
    "toybox": "toybox_figures",
    "headlines": "headline_figures",
    "dissected_networks": "dissected_networks_figures",
    "circuits": "circuit_figures",
    "overlap": "overlap_figures",
    "score_comparison": "score_comparison_figures",
    "scoring_stability": "scoring_stability_figures",
    "pictures": "circuit_picture_figures",
    "knockouts": "knockout_figures",
    "clusters": "cluster_figures",
    "dissection": "dissection_figures",
    "rotations": "rotation_figures",
    "features": "feature_figures",
    "activations": "activation_figures",
    "interventions": "manipulation_figures",
    "identity": "identity_figures",
    "enrichment": "enrichment_figures",
    "concept_lesions": "concept_lesion_figures",
    "cluster_circuits": "cluster_circuit_figures",
    "concept_vectors": "concept_vector_figures",
}


def figure_specs(configuration: Configuration) -> dict[str, Spec]:
    """Settings of figures: only what their tables do not say."""
    specs: dict[str, Spec] = {"figures/headlines": {}}
    if any(isinstance(stimuli, ToyboxStimuli) for stimuli in configuration.stimuli.values()):
        specs["figures/toybox"] = {}
    for name in resolution.networks_of(configuration, configuration.circuits):
        names = {
            "names": resolution.distinct_names(_rows(configuration, configuration.circuits.stimuli))
        }
        specs |= {f"figures/{kind}/{name}": names for kind in ("circuits", "overlap")}
        if configuration.circuits.comparison is not None:
            specs[f"figures/score_comparison/{name}"] = {}
        if has_stability(configuration.circuits):
            specs[f"figures/scoring_stability/{name}"] = {}
        if configuration.circuits.pictures != 0:
            specs[f"figures/pictures/{name}"] = names
    for name in resolution.networks_of(configuration, configuration.knockouts):
        outputs = len(resolution.output_categories(configuration, name))
        names = resolution.distinct_names(_rows(configuration, configuration.knockouts.stimuli))
        specs[f"figures/knockouts/{name}"] = {"outputs": outputs, "names": names}
    for name in resolution.networks_of(configuration, configuration.clusters):
        recognised_as = configuration.clusters.recognised_as
        names = resolution.distinct_names(_rows(configuration, configuration.clusters.stimuli))
        specs[f"figures/clusters/{name}"] = {"recognised_as": recognised_as, "names": names}
    for name in resolution.networks_of(configuration, configuration.dissection):
        specs["figures/dissected_networks"] = {}
        specs[f"figures/dissection/{name}"] = {"minimum_iou": configuration.dissection.minimum_iou}
        if configuration.dissection.rotations is not None:
            specs[f"figures/rotations/{name}"] = {}
    for name in resolution.networks_of(configuration, configuration.features):
        rows = resolution.output_rows(configuration, name)
        specs[f"figures/features/{name}"] = {"names": resolution.distinct_names(rows)}
    for name in resolution.networks_of(configuration, configuration.activations):
        specs[f"figures/activations/{name}"] = {}
        if configuration.activations.manipulation is not None:
            specs[f"figures/interventions/{name}"] = {}
    for name in resolution.networks_of(configuration, configuration.identity):
        specs[f"figures/identity/{name}"] = {"network": name}
    return specs | _joined_figures(configuration)


def _joined_figures(configuration: Configuration) -> dict[str, Spec]:
    """Figures of what the methods of each network say together."""
    joined = configuration.joined
    specs: dict[str, Spec] = {}
    for name in resolution.networks_of(configuration, joined):
        methods = methods_of(configuration, name)
        if "dissection" in methods:
            names = resolution.distinct_names(_rows(configuration, joined.stimuli))
            specs[f"figures/concept_lesions/{name}"] = {"names": names}
        if "circuits" in methods:
            names = resolution.distinct_names(_rows(configuration, configuration.circuits.stimuli))
            for other, kind in (("dissection", "enrichment"), ("clusters", "cluster_circuits")):
                if other in methods:
                    specs[f"figures/{kind}/{name}"] = {"names": names}
        if "clusters" in methods and joined.concept_vectors is not None:
            specs[f"figures/concept_vectors/{name}"] = {}
    return specs


def _rows(configuration: Configuration, stimuli: str) -> list[CategoryRow]:
    return resolution.stimulus_categories(f"stimuli.{stimuli}", configuration.stimuli[stimuli])
