"""What a finished run says on the terminal: headline numbers, where the results are, what to try next."""

import sys
from pathlib import Path

import pandas as pd

SIGNIFICANT = 0.05


def closing_words(summary: pd.DataFrame) -> str:
    """A few lines from the tidy table of headline numbers."""
    words = []
    for network, lines in lines_of_networks(summary).items():
        words += [f"\n  {network}", *(f"    {line}" for line in lines)]
    return "\n".join(words)


def lines_of_networks(summary: pd.DataFrame) -> dict[str, list[str]]:
    """Network -> what its headline numbers say, a line for each finding."""
    found = {}
    for network, rows in summary.groupby("network", sort=False):
        overall = rows[rows["group"] == "all"].drop_duplicates("measure").set_index("measure")
        parts = (
            *(_network_lines(overall), _circuit_lines(overall)),
            *(_knockout_lines(rows), _cluster_lines(rows), _dissection_lines(rows)),
            *(_identity_lines(overall), _joined_lines(rows)),
        )
        found[str(network)] = [line for part in parts for line in part]
    return found


def _network_lines(overall: pd.DataFrame) -> list[str]:
    if "top1" not in overall.index:
        return []
    top1 = overall.loc["top1"]
    return [f"recognises {top1['value']:.1%} of new images (chance {top1['null_value']:.1%})"]


def _circuit_lines(overall: pd.DataFrame) -> list[str]:
    if "categories_with_circuit" not in overall.index:
        return []
    found = overall.loc["categories_with_circuit"]
    lines = [f"{found['value']:.0%} of the categories have a circuit"]
    if "csa_evaluation" not in overall.index:
        return lines
    p_value = overall.loc["csa_evaluation", "p_value"]
    if not p_value < SIGNIFICANT:
        tested = "" if pd.isna(p_value) else f" (p = {p_value:.2f})"
        return [*lines, f"circuits do no better on new images than a constant unit{tested}"]
    kept = overall.loc["kept_fraction", "value"]
    lines = [f"{lines[0]}, which keeps {kept:.1%} of the weights on average"]
    if "csa_retained" in overall.index:
        retained = overall.loc["csa_retained"]
        lines += [
            f"circuits keep {retained['value']:.1%} of their unit's accuracy on new images "
            f"(a constant unit: {retained['null_value']:.1%})"
        ]
    return lines


def _knockout_lines(rows: pd.DataFrame) -> list[str]:
    areas = rows[rows["measure"] == "area_under_top1_synapse_zero"]
    if areas.empty:
        return []
    weak, strong = areas.loc[areas["value"].idxmin()], areas.loc[areas["value"].idxmax()]
    return [
        f"knocking out weights hurts most in {weak['group']} and least in {strong['group']} "
        f"(area under accuracy {weak['value']:.2f} and {strong['value']:.2f})"
    ]


def _cluster_lines(rows: pd.DataFrame) -> list[str]:
    losses = rows[rows["measure"] == "cluster_loss"]
    if losses.empty:
        return []
    costs = " and ".join(f"{row.value:.0%} of {row.group}" for row in losses.itertuples())
    line = f"a lesion of one cluster of neurons costs {costs} images"
    if losses["null_value"].isna().any():
        return [line]
    random = " and ".join(f"{value:.0%}" for value in losses["null_value"])
    return [line, f"(as many random neurons of each layer: {random})"]


def _dissection_lines(rows: pd.DataFrame) -> list[str]:
    unique = rows[rows["measure"] == "unique_detectors_one_per_category"].set_index("group")
    if unique.empty:
        return []
    layer = unique["value"].idxmax()
    number, rotated = unique["value"][layer], unique["null_value"][layer]
    line = f"the units of {layer} detect {number:.0f} different concepts"
    if pd.isna(rotated):
        return [line]
    return [f"{line} ({rotated:.0f} after a random rotation)"]


def _identity_lines(overall: pd.DataFrame) -> list[str]:
    if "identity_accuracy" not in overall.index:
        return []
    accuracy = overall.loc["identity_accuracy", "value"]
    line = (
        f"its features tell whether two faces or houses are the same in {accuracy:.0%} of new pairs"
    )
    if "identity_interaction_zero" not in overall.index:
        return [line]
    found = overall.loc["identity_interaction_zero"]
    which = "a" if _is_double_dissociation(overall) else "no"
    return [
        line,
        f"lesions of face and of house units show {which} double dissociation (interaction {found['value']:+.1%}, "
        f"p = {found['p_value']:.3f})",
    ]


def _joined_lines(rows: pd.DataFrame) -> list[str]:
    losses = rows[rows["measure"] == "largest_concept_loss"]
    if losses.empty or not (losses["p_value"] < SIGNIFICANT).any():
        return []
    losses = losses[losses["p_value"] < SIGNIFICANT]
    largest = losses.loc[losses["value"].idxmax()]
    layer, _, pair = largest["group"].partition(": ")
    concept, _, category = pair.rpartition(" → ")
    return [
        f"silencing the units of {layer} that detect {concept!r} costs {largest['value']:.0%} of {category} images "
        f"(units like them: {largest['null_value']:.0%}; q = {largest['p_value']:.2f})"
    ]


def _is_double_dissociation(overall: pd.DataFrame) -> bool:
    """Whether each kind significantly suffers more from its own lesion, and not by a shift of the criterion alone."""
    kinds = ("faces", "houses")
    crossed = overall.loc[[f"identity_difference_on_{kind}_zero" for kind in kinds]]
    in_d_prime = overall.loc[[f"identity_difference_on_{kind}_d_prime_zero" for kind in kinds]]
    significant = (crossed["p_value"] < SIGNIFICANT).all()
    return bool(significant and (crossed["value"] > 0).all() and (in_d_prime["value"] > 0).all())


if __name__ == "__main__":
    print(closing_words(pd.read_csv(Path(sys.argv[1]))))
    print(
        "\n  Open results/report.html and results/atlas.html in a browser; all headline numbers are in"
        " results/summary.csv."
        "\n\n  What to try next:"
        "\n    source .venv/bin/activate"
        "\n    change a value in config/config.yaml, say circuits.threshold"
        "\n    snakemake --cores 2        (only what depends on it is repeated)"
        "\n    snakemake --report results/report.html\n"
    )
