"""Every table that the workflow writes: its columns, and what each of them means."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from anatomy.canonical import write_text
from anatomy.columns_of_activations import (
    CHANNELS,
    FEATURES,
    FILTERS,
    MANIPULATION,
    MANIPULATION_EXAMPLES,
    OCCLUSION,
)
from anatomy.columns_of_identity import (
    DISSOCIATION,
    IDENTITY_ACCURACY,
    IDENTITY_CROSS_VALIDATION,
    IDENTITY_LESIONS,
    IDENTITY_PAIRS,
    SELECTIVITY,
)
from anatomy.columns_of_joined import (
    CIRCUIT_UNIT_SHARES,
    CLUSTER_CIRCUITS,
    CONCEPT_LESIONS,
    CONCEPT_VECTORS,
    ENRICHMENT,
    LABELLED_CIRCUIT_UNITS,
    UNIT_LESIONS,
    UNIT_RESPONSES,
)
from anatomy.whole_files import whole

# column `outcome` of circuits
FOUND = "circuit"
NOT_ABOVE_ZERO = "unpruned CSA not above 0"
NOT_ABOVE_CONSTANT = "unpruned unit no better than a constant one"

CIRCUIT_SUMMARY = {
    "category": "category of the circuit's output unit",
    "super_category": "its super-category",
    "kept_fraction": "share of the weights that can reach the output unit which the circuit keeps; all layers; empty "
    "where the category has no circuit, because its unpruned unit does no better than a constant one",
    "removed_fraction": "1 - kept_fraction",
    "kept_fraction_fc": "the same share in the fully-connected layers (of the output layer the unit's own row)",
    "kept_fraction_conv": "the same share in the convolutions",
    "score": "kind of weight score that ranked the weights",
    "criterion": "what had to be preserved on the extraction images: faithfulness or csa",
    "threshold": "share of the unpruned network's value that had to remain",
    "bias": "bias added to the circuit's logit, best on the extraction images",
    "csa_unpruned": "circuit substitution accuracy of the unpruned output unit on the evaluation images",
    "csa_bias_only": "the same of a constant output unit: what CSA gives for nothing",
    "csa_extraction": "CSA of the circuit on the extraction images, on which it was chosen",
    "csa_evaluation": "CSA of the circuit on the evaluation images: hits - false_alarms",
    "faithfulness": "(csa_evaluation - csa_bias_only) / (csa_unpruned - csa_bias_only); empty where csa_unpruned does "
    "not exceed csa_bias_only",
    "hits": "share of the category's evaluation images that the network with the circuit's logit calls the category",
    "false_alarms": "share of all other evaluation images that it calls the category",
    "auc": "area under the ROC curve of the circuit's logit on the evaluation images",
    "logit_correlation": "Pearson correlation of the circuit's logit with the unpruned one, evaluation images",
    "outcome": f"`{FOUND}`, or why there is none: `{NOT_ABOVE_ZERO}` or `{NOT_ABOVE_CONSTANT}` (on the extraction "
    "images, each with its best bias)",
    "kept_fraction_all_weights": "share of all weights of the network that the circuit keeps, those of the other "
    "output units counted as removed",
    "connected_fraction": "share of the weights that can reach the output unit which lie on a path of kept weights "
    "from the images to the unit: what of the circuit can have an effect",
}
CIRCUIT_SWEEP = {
    "category": "category of the output unit",
    "stage": "layers being pruned: fully_connected first, then convolution with the chosen fully-connected circuit",
    "removed_fraction": "share of the stage's weights removed (of the output layer only the unit's row counts)",
    "kept_fraction": "1 - removed_fraction",
    "bias": "best bias of the output unit on the extraction images",
    "csa": "circuit substitution accuracy on the extraction images at that bias: hits - false_alarms",
    "faithfulness": "(csa - that of a constant unit) / (that of the unpruned unit - that of a constant unit)",
    "hits": "share of the category's images called the category",
    "false_alarms": "share of all other images called the category",
    "threshold": "threshold of the circuit that the sweep led to; each has both stages",
}
CIRCUIT_CONTROLS = {
    "category": "category of the output unit",
    "super_category": "its super-category",
    "control": "circuit: the circuit itself; unpruned: the whole network; constant: a constant unit; magnitude, "
    "random: as many weights of each stage, the largest ones or random ones; other_same, other_different: the "
    "circuit of a category of the same or of another super-category, with this unit's own row of the output layer; "
    "circuit_removed: all weights but the circuit's",
    "other": "category whose circuit was used",
    "kept_fraction": "share of the weights that can reach the output unit which are kept",
    "bias": "bias added to the logit, best on the extraction images",
    "csa": "circuit substitution accuracy on the evaluation images",
    "faithfulness": "(csa - that of a constant unit) / (that of the unpruned unit - that of a constant unit)",
    "hits": "share of the category's evaluation images called the category",
    "false_alarms": "share of all other evaluation images called the category",
    "auc": "area under the ROC curve of the logit on the evaluation images",
    "logit_correlation": "Pearson correlation of the logit with the unpruned one, evaluation images",
}
CIRCUIT_OVERLAP_PAIRS = {
    "category_a": "category of the first circuit; each pair is there once per layer",
    "category_b": "category of the second circuit",
    "same_super_category": "whether both belong to the same super-category",
    "layer": "layer; all: all layers but the output layer together",
    "intersection": "number of weights that both circuits keep",
    "union": "number of weights that at least one of them keeps",
    "jaccard": "intersection / union; empty where neither keeps a weight of the layer",
    "expected_jaccard": "the same for independent masks that keep as many weights of each layer (expected intersection "
    "n_a n_b / N of a layer, summed over the layers for all)",
}
CIRCUIT_OVERLAP = {
    "layer": "layer; all: all layers but the output layer together",
    "relation": "pairs of circuits: all, within a super-category, or between super-categories",
    "pairs": "number of pairs whose similarity is defined",
    "mean_jaccard": "their mean Jaccard similarity",
    "low": "lower end of its 95 % bootstrap interval over categories; empty where a bootstrap sample has no such pair",
    "high": "upper end of that interval",
    "mean_expected_jaccard": "mean expected Jaccard similarity of the same pairs, for independent masks of the same "
    "sizes",
    "difference": "mean within - mean between; only in rows within",
    "p_value": "one-sided (within > between): 10,000 permutations of super-categories over categories, (k + 1) / "
    "10,001; empty with one super-category, or where none has two circuits",
}
CIRCUIT_SHARING = {
    "layer": "layer; all: all layers but the output layer together",
    "circuits": "number of circuits",
    "weights": "weights that exactly so many circuits keep",
    "fraction": "their share of the layer's weights",
    "expected_fraction": "that share for independent masks that keep as many weights of each layer",
}
CIRCUIT_LAYER_SHARES = {
    "category": "category of the circuit",
    "super_category": "its super-category",
    "layer": "layer, the output layer too",
    "kept": "weights of the layer that the circuit keeps",
    "weights": "weights of the layer; of the output layer those of the category's own row",
    "kept_fraction": "kept / weights",
}
SCORE_COMPARISON = {
    "category": "category of the output unit",
    "stage": "layers being pruned, fully_connected or convolution; the others are intact",
    "score": "kind of weight score",
    "normalisation": "of the scores, layer by layer; none for convolutions and where it makes no difference",
    "scope": "joint: all weights of the stage ranked together; per_layer: each layer by itself",
    "removed_fraction": "share of the stage's weights removed (of the output layer only the unit's row counts)",
    "kept_fraction": "1 - removed_fraction",
    "bias": "best bias of the output unit on the extraction images",
    "csa": "circuit substitution accuracy on the extraction images at that bias",
    "faithfulness": "(csa - csa_bias_only) / (csa_unpruned - csa_bias_only)",
    "hits": "share of the category's images called the category",
    "false_alarms": "share of all other images called the category",
    "csa_unpruned": "CSA of the unpruned output unit on the extraction images, at its best bias",
    "csa_bias_only": "the same of a constant output unit",
}
SCORING_STABILITY = {
    "category": "category of the output unit",
    "layer": "layer whose weights are ranked; all: mean over the layers that have a correlation",
    "images": "number of images in the subset: 1, 2, 4, ... up to half of the category's scoring images",
    "subset": "number of the subset of that size, from 0; subsets of a size share no image with each other, and none "
    "with the reference",
    "rank_correlation": "Spearman's rank correlation of the scores from the subset with those from the second half of "
    "the scoring images, over a fixed random sample of up to 20,000 weights; empty where all scores of the layer are "
    "equal",
}
TOP_IMAGES = {
    "layer": "layer; those that are called several times are left out",
    "unit": "index of the unit in its layer",
    "rank": "place among the unit's images, 0 for the one with the largest response",
    "image": "row of the image in the table of the stimulus set",
    "image_id": "name of the image",
    "y": "row of the position of the largest response, -1 for units without positions",
    "x": "column of that position, -1 for units without positions",
    "image_y": "row of the centre of that position's receptive field in the image that the network sees, pixels (the "
    "nearest one where that is padding); empty for units without positions or with an unknown field",
    "image_x": "its column",
    "response": "largest response behind the non-linearity to the image; of equal ones the first",
}
CIRCUIT_UNITS = {
    "category": "category of the circuit's output unit",
    "layer": "layer, one of the last 12",
    "column": "number of the layer in the picture, 0 = leftmost",
    "unit": "index of the unit in its layer",
    "strength": "share of the (absolute) scores of the layer's connected weights that lies in this unit's own weights",
    "rank": "1 = strongest unit of its layer; at most 6",
    "units": "number of units of the layer",
    "connected_units": "units of the layer with weights on a path of kept weights from the images to the output unit",
    "connected_fraction": "share of the layer's weights on such a path (output layer: of the category's row)",
    "thumbnail": "PNG: filter of the first layer, part of the top image that the unit sees, or the whole image; empty "
    "for layers called several times",
}
CIRCUIT_CONNECTIONS = {
    "category": "category of the circuit's output unit",
    "layer_from": "earlier layer",
    "unit_from": "its unit",
    "layer_to": "later layer that reads the earlier one with no other layer between",
    "unit_to": "its unit",
    "strength": "share of the (absolute) scores of the later layer's connected weights that lies in this connection",
    "sign": "1 excitatory, -1 inhibitory: of its weights averaged with their scores, and of the gain of a batch "
    "normalisation behind them",
}
KNOCKOUT_PERFORMANCE = {
    "layer": "layer that is knocked out",
    "kind": "synapse: single weights; node: all incoming weights and the bias of a unit",
    "mode": "what takes their place: zero, mean, noise or resample",
    "proportion": "proportion of the layer's weights or units knocked out",
    "repeat": "number of the draw; within a draw larger proportions contain smaller ones",
    "top1": "share of evaluation images whose category is the network's strongest output",
    "top5": "share of evaluation images whose category is among its five strongest outputs",
    "sensitivity_NAME": "one column per super-category: share of its images recognised (top-1), TP / (TP + FN)",
}
KNOCKOUT_CATEGORIES = {
    "layer": "layer knocked out",
    "kind": "synapse: single weights; node: units with their weights and bias",
    "mode": "what took the place of what was removed",
    "proportion": "proportion of the layer's weights or units replaced",
    "category": "category of the images",
    "super_category": "its super-category",
    "sensitivity": "share of its images recognised (top-1), mean over repeats",
    "low": "lower end of its 95 % t interval over repeats",
    "high": "upper end",
    "repeats": "number of draws",
}
KNOCKOUT_AREAS = {
    "layer": "layer knocked out",
    "kind": "synapse: single weights; node: units with their weights and bias",
    "mode": "what took the place of what was removed",
    "measure": "top1, top5 or sensitivity",
    "group_kind": "all images, those of a super_category or those of a category",
    "group": "all, or the name of the group",
    "intact": "the measure in the intact network",
    "area": "area under the measure over proportion (trapezoids), relative to one that never falls; mean over repeats",
    "area_low": "lower end of its 95 % t interval over repeats",
    "area_high": "upper end",
    "half_loss": "proportion at which half of what the intact network has above chance is lost, linear between "
    "proportions, mean over repeats; empty unless every repeat loses as much",
    "half_loss_low": "lower end of its 95 % t interval over repeats",
    "half_loss_high": "upper end",
    "repeats": "number of draws",
    "lost": "number of draws in which half is lost within the sweep",
}
_CLUSTER_METHOD = {
    "method": "method of clustering: gaussian_mixture, ward or hdbscan",
    "k": "number of clusters",
}
_CLUSTER = _CLUSTER_METHOD | {
    "cluster": "1 is the largest cluster; noise: neurons that the method leaves out; never_active: neurons whose "
    "response is the same to all images that neurons are clustered by",
}
_LOSSES = {
    "loss_NAME": "one column per super-category: share of its images recognised by the intact network, minus that "
    "under the lesion",
}
_DISTANCE = "largest difference between the losses of two super-categories"
CLUSTER_VALIDATION = _CLUSTER_METHOD | {
    "fold": "fold whose images the lesions are measured on; the neurons are clustered by images of the others",
    "parameters": "what the method was set to; HDBSCAN: what gives k clusters and the least noise",
    "unclustered_fraction": "share of the neurons with a profile that the method leaves out",
    "cluster_neurons": "neurons of the cluster with the largest performance distance",
    "performance_distance": f"{_DISTANCE}, the largest of all clusters",
    "loss_NAME": "one column per super-category: what the lesion of that cluster costs; share of its images recognised "
    "by the intact network, minus that under the lesion",
}
CLUSTER_CHOICE = _CLUSTER_METHOD | {
    "folds": "folds in which the method gives so many clusters",
    "unclustered_fraction": "mean over folds",
    "performance_distance": "mean over folds of the largest performance distance of a cluster",
    "low": "lower end of its 95 % interval, Student's t over folds",
    "high": "upper end",
    "eligible": "whether the method gives so many clusters in every fold and from all images",
    "best_of_method": "whether it has the largest mean of the method's eligible numbers; of equal ones the smallest",
    "chosen": "whether it is the best of all methods",
}
CLUSTER_LESIONS = (
    _CLUSTER
    | {
        "chosen": "whether the method is the best in the cross-validation",
        "neurons": "neurons of the cluster, all lesioned together",
        "neuron_fraction": "share of all neurons",
        "most_hurt": "super-category with the largest loss; empty where none loses, or all the same",
        "performance_distance": _DISTANCE,
        "selectivity": "(largest loss - mean of the others) / (largest loss + mean of the others), gains counting as "
        "no loss: 1 where one super-category alone loses, empty where none does",
        "random_draws": "random lesions with as many neurons in every layer",
        "random_distance": "their mean performance distance",
        "random_distance_high": "95 % of them have at most this performance distance",
        "p_value": "(1 + random lesions with at least the cluster's distance) / (1 + random lesions), on the same "
        "images",
        "familywise_p_value": "the chance that any of the clusters would be as far out, each measured in standard "
        "deviations from the mean of its random lesions",
    }
    | _LOSSES
)
CLUSTER_LOSSES = _CLUSTER | {
    "recognised_as": "what counts as recognising an image: the strongest output is its category, or any category of "
    "its super-category",
    "group_kind": "super_category or category",
    "group": "its name",
    "super_category": "super-category of the group",
    "images": "held-out images of the group",
    "sensitivity_intact": "share of them that the intact network recognises, TP / (TP + FN)",
    "sensitivity": "share recognised under the lesion",
    "loss": "difference of the two, positive where the lesion costs something",
    "low": "lower end of its 95 % interval, bootstrap over images",
    "high": "upper end",
    "random_loss": "mean loss under random lesions with as many neurons in every layer",
    "random_low": "2.5 % of them cost less",
    "random_high": "2.5 % of them cost more",
}
CLUSTER_LAYERS = _CLUSTER | {
    "layer": "layer, in network order",
    "neurons": "neurons of the cluster in the layer",
    "layer_neurons": "neurons of the layer",
    "share_of_layer": "share of the layer's neurons that the lesion takes",
    "share_of_cluster": "share of the cluster's neurons that lie in the layer",
    "performance_distance": "as above, when only the cluster's neurons in this layer are lesioned",
    "loss_NAME": "one column per super-category: what that lesion costs",
}
CLUSTER_RANDOM = (
    _CLUSTER
    | {
        "draw": "number of the draw; in a draw no neuron is in the lesions of two clusters",
        "performance_distance": _DISTANCE,
    }
    | _LOSSES
)
CLUSTER_HURT_IMAGES = _CLUSTER | {
    "category": "category that the lesion costs much",
    "name": "its name for people",
    "super_category": "its super-category",
    "loss": "share of its held-out images recognised by the intact network, minus that under the lesion",
    "rank": "1 = the most hurt category of the cluster",
    "place": "number of the image in the category; those no longer recognised come first",
    "image_id": "image",
    "thumbnail": "PNG",
}
# tables of one method's cluster lesions: name -> columns
CLUSTER_TABLES = {
    "lesions": CLUSTER_LESIONS,
    "losses": CLUSTER_LOSSES,
    "layers": CLUSTER_LAYERS,
    "random": CLUSTER_RANDOM,
    "hurt_images": CLUSTER_HURT_IMAGES,
}
CONCEPTS = {
    "number": "number of the label in Broden, the same in all its releases",
    "name": "name of the concept; scenes end in -s, colors in -c",
    "category": "concept category in which it covers most",
    "categories": "all its concept categories, joined by ;",
    "images": "images of this set that show it",
    "pixels": "mask pixels of this set that show it; all of an image for a concept that is true of the whole image",
}
AREAS = {
    "image": "row of the image in images.csv",
    "code": "row of the concept in concepts.csv + 1",
    "pixels": "mask pixels of the image that show it",
}
DISSECTION_UNITS = {
    "unit": "unit, from 0",
    "threshold": "response that the given share of its responses, over all positions of all images, exceeds",
    "concept": "the concept that its mask fits best; empty where it meets none",
    "category": "the category of that concept",
    "iou": "IoU of mask and concept over the whole set: intersection / (activation + truth - intersection)",
    "low": "lower end of its 95 % interval, bootstrap over images",
    "high": "upper end",
    "agreement": "share of the bootstrap samples in which the same concept fits best",
    "detector": "whether the IoU exceeds the minimum",
    "CATEGORY_concept": "for each concept category: its concept that fits best",
    "CATEGORY_truth": "mask pixels that show this concept, in all images",
    "CATEGORY_activation": "pixels in the unit's mask on the images that show any concept of the category",
    "CATEGORY_intersection": "pixels in the unit's mask that show this concept",
    "CATEGORY_iou": "its IoU",
}
_DETECTORS = {
    "counting": "one_per_unit: a unit counts for the one concept that fits best; one_per_category: for the best one of "
    "each concept category",
    "category": "concept category, or all",
    "unique_detectors": "different concepts that some unit detects",
}
DISSECTION_DETECTORS = (
    {"layer": "layer, in network order"}
    | _DETECTORS
    | {
        "low": "lower end of its 95 % interval: the number plus how far bootstrap samples of the images lie from their "
        "own mean",
        "high": "upper end",
        "detector_units": "units that detect a concept of the category",
        "share_of_units": "their share of the layer's units",
        "share_low": "lower end of its 95 % interval",
        "share_high": "upper end",
        "units": "units of the layer",
    }
)
DISSECTION_ROTATIONS = (
    {
        "layer": "layer whose responses are brought to another basis",
        "basis": "rotation: a random rotation, or part of it; combination: each new unit is a random combination of a "
        "few units",
        "alpha": "how far on the way to the rotation; 0 is the network's own basis",
        "combined_units": "number of units in each combination",
        "seed": "number of the repeat; partial rotations of one repeat are powers of the same rotation",
    }
    | _DETECTORS
    | {
        "detector_units": "new units that detect a concept of the category",
        "units": "units of the layer",
    }
)
DISSECTION_TOP_IMAGES = {
    "unit": "unit",
    "rank": "1 = the image to which it responds most",
    "image_id": "image",
    "response": "its largest response to the image",
    "y": "where in the map that is, from 0",
    "x": "the same",
    "thumbnail": "WebP; the region of the unit's mask is outlined",
}
SUMMARY = {
    "network": "network",
    "method": "method, as its folder is called, or network",
    "measure": "what was measured",
    "group": "what it was measured on: all, a super-category, or a layer",
    "value": "the number",
    "low": "lower end of its 95 % interval, empty where there is none",
    "high": "upper end of its 95 % interval",
    "n": "number of things (categories, images, repeats) that value and interval rest on",
    "null_value": "the same number for the null or control, where there is one",
    "p_value": "probability under the null, where there is a test",
}
STIMULI = {
    "image_id": "name of the image, unique in the set",
    "category": "category (folder name)",
    "name": "the category's name for people",
    "super_category": "super-category",
    "split": "training, scoring, extraction or evaluation; no image is in two",
    "source": "file relative to the set's folder, or how the image was drawn",
    "digest": "SHA-256 of the stored pixels, first 16 digits",
}
TRAINING = {
    "epoch": "pass over the training images",
    "loss": "mean cross-entropy during the pass",
    "training_accuracy": "share of training images recognised during the pass",
    "held_out_accuracy": "share of held-out images recognised after it",
}

TABLES = {
    "results/{network}/circuits/summary.csv": CIRCUIT_SUMMARY,
    "results/{network}/circuits/sweep.csv": CIRCUIT_SWEEP,
    "results/{network}/circuits/controls.csv": CIRCUIT_CONTROLS,
    "results/{network}/circuits/overlap.parquet": CIRCUIT_OVERLAP_PAIRS,
    "results/{network}/circuits/overlap.csv": CIRCUIT_OVERLAP,
    "results/{network}/circuits/sharing.csv": CIRCUIT_SHARING,
    "results/{network}/circuits/layer_shares.csv": CIRCUIT_LAYER_SHARES,
    "results/{network}/circuits/score_comparison.csv": SCORE_COMPARISON,
    "results/{network}/circuits/scoring_stability.csv": SCORING_STABILITY,
    "results/{network}/{method}/top_images.parquet": TOP_IMAGES,
    "results/{network}/circuits/pictures/{shard}_units.parquet": CIRCUIT_UNITS,
    "results/{network}/circuits/pictures/{shard}_connections.parquet": CIRCUIT_CONNECTIONS,
    "results/{network}/knockouts/performance.csv": KNOCKOUT_PERFORMANCE,
    "results/{network}/knockouts/areas.csv": KNOCKOUT_AREAS,
    "results/{network}/knockouts/categories.csv": KNOCKOUT_CATEGORIES,
    "results/{network}/clusters/cv.csv": CLUSTER_VALIDATION,
    "results/{network}/clusters/choice.csv": CLUSTER_CHOICE,
    "results/{network}/clusters/lesions.csv": CLUSTER_LESIONS,
    "results/{network}/clusters/losses.csv": CLUSTER_LOSSES,
    "results/{network}/clusters/layers.csv": CLUSTER_LAYERS,
    "results/{network}/clusters/random.csv": CLUSTER_RANDOM,
    "results/{network}/clusters/parts/hurt_images/{method}.parquet": CLUSTER_HURT_IMAGES,
    "results/{network}/dissection/{layer}/units.csv": DISSECTION_UNITS,
    "results/{network}/dissection/{layer}/top_images.parquet": DISSECTION_TOP_IMAGES,
    "results/{network}/dissection/detectors.csv": DISSECTION_DETECTORS,
    "results/{network}/dissection/rotations.csv": DISSECTION_ROTATIONS,
    "results/{network}/features/{layer}.parquet": FEATURES,
    "results/{network}/features/filters.parquet": FILTERS,
    "results/{network}/activations/channels.csv": CHANNELS,
    "results/{network}/activations/occlusion.parquet": OCCLUSION,
    "results/{network}/activations/manipulation.parquet": MANIPULATION,
    "results/{network}/activations/manipulation_examples.parquet": MANIPULATION_EXAMPLES,
    "results/identities/pairs.csv": IDENTITY_PAIRS,
    "results/{network}/identity/cross_validation.csv": IDENTITY_CROSS_VALIDATION,
    "results/{network}/identity/accuracy.csv": IDENTITY_ACCURACY,
    "results/{network}/identity/selectivity.csv": SELECTIVITY,
    "results/{network}/identity/lesions.csv": IDENTITY_LESIONS,
    "results/{network}/identity/dissociation.csv": DISSOCIATION,
    "results/{network}/circuits/parts/units/{shard}.parquet": CIRCUIT_UNIT_SHARES,
    "results/{network}/joined/circuit_units.parquet": LABELLED_CIRCUIT_UNITS,
    "results/{network}/joined/enrichment.csv": ENRICHMENT,
    "results/{network}/joined/unit_lesions.csv": UNIT_LESIONS,
    "results/{network}/joined/concept_lesions.csv": CONCEPT_LESIONS,
    "results/{network}/joined/parts/unit_responses/{layer}.parquet": UNIT_RESPONSES,
    "results/{network}/joined/cluster_circuits.csv": CLUSTER_CIRCUITS,
    "results/{network}/joined/concept_vectors.csv": CONCEPT_VECTORS,
    "results/labelled_images/concepts.csv": CONCEPTS,
    "results/labelled_images/areas.parquet": AREAS,
    "results/summary.csv": SUMMARY,
    "results/stimuli/{stimuli}.csv": STIMULI,
    "results/{network}/network/training.csv": TRAINING,
}


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table for people, atomically, with full precision."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table for the next step, atomically."""
    with whole(path) as partial:
        table.to_parquet(partial, index=False)


def read_clusters(path: Path) -> pd.DataFrame:
    """A table of cluster lesions, in which clusters are names even where all of them are numbers."""
    return pd.read_csv(path, dtype={"cluster": str})


def read_units(path: Path) -> pd.DataFrame:
    """A table of dissected units, in which concepts are text whatever they are called, empty where there is none."""
    columns = pd.read_csv(path, nrows=0).columns
    names = [name for name in columns if name == "category" or name.endswith("concept")]
    texts = dict.fromkeys(names, str)
    table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    return table.assign(**table[names].fillna(""))


def join(paths: Iterable[Path], categories: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of several Parquet tables, one after the other; with `categories`, in their order."""
    table = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    if categories is None:
        return table
    places = {category: place for place, category in enumerate(categories)}
    return table.sort_values("category", key=lambda own: own.map(places), kind="stable")
