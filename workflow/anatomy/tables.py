"""Every table that the workflow writes: its columns, and what each of them means."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from anatomy.canonical import write_text

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
SUMMARY = {
    "network": "network",
    "method": "method: network, circuits or knockouts",
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
    "results/{network}/knockouts/performance.csv": KNOCKOUT_PERFORMANCE,
    "results/summary.csv": SUMMARY,
    "results/stimuli/{stimuli}.csv": STIMULI,
    "results/{network}/network/training.csv": TRAINING,
}


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table for people, atomically, with full precision."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table for the next step, atomically."""
    partial = path.with_name(f".{path.name}.partial")
    table.to_parquet(partial, index=False)
    partial.replace(path)


def join(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several Parquet tables, one after the other."""
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
