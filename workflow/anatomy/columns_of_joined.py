"""Columns of the tables that join methods."""

CIRCUIT_UNIT_SHARES = {
    "category": "category of the circuit",
    "super_category": "its super-category",
    "layer": "layer; all but the output layer",
    "unit": "unit, from 0",
    "kept_fraction": "share of the unit's incoming weights that lie on a path of kept weights from the images to the "
    "output unit; 0 where the circuit does not use the unit",
}
LABELLED_CIRCUIT_UNITS = CIRCUIT_UNIT_SHARES | {
    "layer": "dissected layer",
    "concept": "the concept that fits the unit best; empty where it meets none",
    "concept_category": "the category of that concept",
    "iou": "IoU of the unit's mask and the concept",
    "detector": "whether the IoU exceeds the minimum",
}
_CONCEPT = {
    "layer": "layer whose units are meant",
    "concept": "concept; all, of the category all: every unit that detects anything",
    "concept_category": "its concept category",
    "units": "number of the layer's units that detect it, a unit counting once in every concept category",
}
ENRICHMENT = {
    "category": "category of the circuit",
    "super_category": "its super-category",
    **_CONCEPT,
    "kept_fraction": "mean over these units of the share of their incoming weights on paths of the circuit",
    "random_kept_fraction": "mean of the same over random sets of units with as many in every stratum of mean response",
    "random_low": "2.5 % of the random sets have less",
    "random_high": "2.5 % of them have more",
    "random_sets": "number of different random sets",
    "p_value": "(1 + random sets that have at least as much) / (1 + random sets)",
    "familywise_p_value": "the chance that any circuit would be as far out, each measured in standard deviations from "
    "the mean of the random sets",
    "q_value": "false discovery rate over concepts, each standing for its smallest familywise p-value; for concept all "
    "the familywise p-value",
}
UNIT_LESIONS = {
    "layer": "layer, in network order",
    "unit": "the one unit whose response is silenced, behind the non-linearity",
    "category": "category of the images",
    "super_category": "its super-category",
    "images": "evaluation images of the category",
    "loss": "share of them recognised by the intact network, minus that under the lesion",
    "logit_loss": "mean decrease of the category's logit over its images; logits relative to the mean of all outputs",
}
CONCEPT_LESIONS = {
    "layer": "layer whose units are silenced",
    "concept": "concept; all units of the layer that detect it are silenced together",
    "concept_category": "its concept category",
    "units": "how many units that are",
    "category": "category of the images",
    "super_category": "its super-category",
    "images": "evaluation images of the category",
    "sensitivity_intact": "share of them that the intact network recognises",
    "sensitivity": "share recognised under the lesion",
    "loss": "difference of the two",
    "low": "lower end of its 95 % interval, bootstrap over images",
    "high": "upper end",
    "compared_loss": "the loss on the images that random lesions are measured on",
    "random_loss": "mean loss under lesions of random units, as many of every stratum of mean response",
    "random_low": "2.5 % of them cost less",
    "random_high": "2.5 % of them cost more",
    "random_sets": "number of different random lesions",
    "p_value": "(1 + random lesions that cost at least as much) / (1 + random lesions)",
    "familywise_p_value": "the chance that any category would be as far out, each measured in standard deviations from "
    "the mean of the random lesions",
    "q_value": "false discovery rate over concepts, each standing for its smallest familywise p-value",
    "logit_loss": "mean decrease of the category's logit over its images, relative to the mean of all outputs",
    "random_logit_loss": "mean of the same under the random lesions",
    "logit_p_value": "as p_value, for the logit",
    "logit_familywise_p_value": "as familywise_p_value, for the logit",
    "logit_q_value": "as q_value, for the logit",
}
UNIT_RESPONSES = {
    "layer": "layer",
    "unit": "unit, from 0",
    "mean_response": "mean response behind the non-linearity over positions and evaluation images",
    "deviation": "its standard deviation",
}
CLUSTER_CIRCUITS = {
    "category": "category of the circuit",
    "super_category": "its super-category",
    "cluster_of": "super-category whose cluster is lesioned: the cluster that costs it most beyond the others",
    "method": "method of clustering, the one that the cross-validation chose",
    "k": "number of clusters",
    "cluster": "number of the cluster",
    "neurons": "neurons of the cluster, silenced together in all layers",
    "csa_unpruned": "circuit substitution accuracy of the unpruned output unit, evaluation images, with its own bias",
    "csa_unpruned_lesioned": "the same when the cluster is silenced in the unpruned network",
    "loss_unpruned": "difference of the two",
    "csa": "CSA of the circuit",
    "csa_lesioned": "CSA of the circuit when the cluster is silenced in it, with the same bias",
    "loss": "difference of the two",
    "random_loss": "mean loss of the circuit under random lesions with as many neurons in every layer; empty without "
    "such lesions",
    "random_low": "2.5 % of them cost less",
    "random_high": "2.5 % of them cost more",
    "p_value": "(1 + random lesions that cost at least as much) / (1 + random lesions), on the same images",
    "auc": "area under the ROC curve of the circuit's logit, which no bias can change",
    "auc_lesioned": "the same when the cluster is silenced in the circuit",
    "auc_loss": "difference of the two",
    "random_auc_loss": "mean of the same under the random lesions",
    "auc_p_value": "as p_value, for the area",
}
CONCEPT_VECTORS = {
    "layer": "layer, in network order",
    "super_category": "super-category that the concept vector stands for",
    "images_of": "super-category of the images whose logits are differentiated, each for its own category",
    "images": "number of these images",
    "score": "TCAV score: share of them whose logit rises along the vector; mean over random sets",
    "low": "lower end of its 95 % t interval over random sets",
    "high": "upper end",
    "random_score": "mean score along vectors between two random sets",
    "random_low": "the smallest of these scores",
    "random_high": "the largest",
    "p_value": "two-sided Welch test of the two kinds of scores",
    "q_value": "of Benjamini & Hochberg over the table",
    "accuracy": "share of held-out responses that the classifiers tell from random ones; mean over random sets",
    "random_accuracy": "the same between two random sets",
    "sets": "number of random sets",
}
