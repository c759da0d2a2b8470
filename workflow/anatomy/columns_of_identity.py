"""Columns of the tables of the identity task, and what each of them means."""

_ANSWERS = {
    "pairs": "pairs of images",
    "accuracy": "share of them that the readout answers rightly",
    "hits": "share of the same pairs that it calls same",
    "false_alarms": "share of the different pairs that it calls same",
    "d_prime": "sensitivity d' = z(hits) - z(false alarms), half a pair added to each cell (log-linear; Hautus 1995)",
}
IDENTITY_PAIRS = {
    "split": "training or test; no identity is in both",
    "fold": "group of identities in cross-validation, to which both images belong; empty for test pairs",
    "kind": "face or house",
    "same": "whether both images show the same identity",
    "image_a": "row of the first image in the table of identities",
    "image_b": "row of the second",
    "identity_a": "identity of the first image",
    "identity_b": "identity of the second",
}
IDENTITY_CROSS_VALIDATION = {
    "representation": "what is made of the features of two images",
    "penalty": "inverse strength of the penalty, C",
    "fold": "group of identities that was left out and answered",
    "accuracy": "share of its pairs answered rightly",
    "accuracy_face": "share of the pairs of faces answered rightly",
    "accuracy_house": "share of the pairs of houses answered rightly",
    "chosen": "whether this representation and penalty make the readout: the best mean accuracy over folds",
}
IDENTITY_ACCURACY = {
    "split": "training: the pairs learned from; cross_validation: the same when left out; test: other identities",
    "kind": "all, face or house",
    "pairs": _ANSWERS["pairs"],
    "accuracy": _ANSWERS["accuracy"],
    "low": "lower end of its 95 % interval, bootstrap over identities (of the first image)",
    "high": "upper end",
    **{name: _ANSWERS[name] for name in ("hits", "false_alarms", "d_prime")},
}
SELECTIVITY = {
    "layer": "layer",
    "unit": "unit, from 0; its response to an image is the mean over positions, behind the non-linearity",
    "face": "mean response to faces",
    "house": "mean response to houses",
    "other": "mean response to other kinds of the localizer; empty where there are none",
    "face_t": "Welch's t of faces against all others",
    "face_p": "its p-value, two-sided",
    "face_q": "the same adjusted for all units of the layer (false discovery rate, Benjamini & Hochberg)",
    "house_t": "Welch's t of houses against all others",
    "house_p": "its p-value",
    "house_q": "the same adjusted for all units of the layer",
    "effect": "Cohen's d of faces against houses",
    "selective": "face or house where t is positive and the q-value below the level, against all others together and, "
    "with other kinds, against each of the two; else empty",
}
IDENTITY_LESIONS = {
    "lesion": "intact; face or house: the most selective units; random: units matched in number and mean response",
    "mode": "none, zero (silenced) or noise",
    "proportion": "share of the layer's units that are lesioned",
    "units": "their number",
    "significant": "how many of them are selective for the kind they stand for; of random units, for either kind",
    "noise": "standard deviation of the noise, relative to that of the unit's responses; 0 without noise",
    "repeat": "draw of the random units or of the noise",
    "kind": "kind of the pairs: face or house",
    **_ANSWERS,
    "loss": "accuracy of the intact network minus accuracy",
}
DISSOCIATION = {
    "mode": "zero or noise",
    "proportion": "share of the layer's units that are lesioned; empty: mean over all doses of the mode",
    "noise": "standard deviation of the noise; empty: mean over all doses of the mode",
    "measure": "LESION_lesion_on_KINDs: loss of accuracy; face_specificity: what the lesion of face units costs faces "
    "more than houses; house_specificity: what that of house units costs houses more than faces; difference_on_faces: "
    "what the lesion of face units costs faces more than that of house units does; difference_on_houses: the reverse "
    "on houses; interaction: the sum of both differences, and of both specificities. In a double dissociation both "
    "differences are positive",
    "value": "its value, a difference of accuracies, or of d' where the measure ends in _d_prime",
    "low": "lower end of its 95 % interval, bootstrap over identities",
    "high": "upper end",
    "p_value": "differences, interaction: the two lesions exchanged for each identity, two-sided; specificities: share "
    "of the random lesions with at least as large a value; empty for losses",
}
