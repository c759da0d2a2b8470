"""The jobs of category circuits and what they write: scores, circuits, controls, overlap, comparisons, pictures."""

from collections.abc import Sequence
from typing import Any

from anatomy.canonical import digest
from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.methods import Circuits

Spec = dict[str, Any]

# results/NETWORK/circuits/NAME.csv, joined from parts -> the step that makes the parts
PART_TABLES = {
    "controls": "circuit_controls",
    "score_comparison": "score_comparison",
    "scoring_stability": "scoring_stability",
}
# scores that do not depend on how many images there are
SCORES_WITHOUT_IMAGES = ("magnitude", "random")


EXTRACTION_KEYS = (
    *("normalisation", "scope", "criterion", "choose"),
    *("removed_fractions", "refinement", "sweep"),
)


def circuit_specs(configuration: Configuration, name: str, circuits: Circuits) -> dict[str, Spec]:
    """Everything about the circuits of one network, in shards of categories where that takes long."""
    rows = resolution.stimulus_categories(
        f"stimuli.{circuits.stimuli}", configuration.stimuli[circuits.stimuli]
    )
    everything = [row.category for row in rows]
    wanted = [c for c in everything if c in (circuits.categories or [c])]
    compute = {"network": name, "threads": configuration.compute.threads}
    batches = {"batch_size": configuration.compute.batch_size}
    stages = {"fully_connected": fully_connected_stage(configuration, name)} | batches
    scoring = {"scoring_images": circuits.scoring_images}
    chosen = circuits.model_dump(mode="json")
    kind = {"score": circuits.score}

    def sharded(step: str, categories: Sequence[str], spec: Spec) -> dict[str, Spec]:
        shards = in_shards(categories, everything, circuits.categories_per_job)
        return {f"{step}/{name}/{k}": spec | {"categories": own} for k, own in shards.items()}

    extraction = {key: chosen[key] for key in EXTRACTION_KEYS} | {"thresholds": circuits.thresholds}
    specs = sharded("scores", wanted, compute | scoring | kind)
    specs |= sharded("circuits", wanted, compute | stages | scoring | kind | extraction)
    specs[f"circuit_tables/{name}"] = {"threshold": circuits.thresholds[0]}
    ranked = {key: chosen[key] for key in ("normalisation", "scope", "controls")}
    specs |= sharded("circuit_controls", wanted, compute | stages | ranked)
    specs[f"circuit_overlap/{name}"] = {"threads": configuration.compute.threads}
    if circuits.comparison is not None:
        compared = drawn(wanted, circuits.comparison.categories)
        variants = circuits.comparison.model_dump(mode="json", exclude={"categories"})
        specs |= sharded("score_comparison", compared, compute | stages | scoring | variants)
    if has_stability(circuits):
        measured = drawn(wanted, circuits.stability.categories)
        specs |= sharded("scoring_stability", measured, compute | kind)
    for table, step in PART_TABLES.items():
        if any(job.startswith(f"{step}/") for job in specs):
            specs[f"join_tables/{name}/circuits/{table}"] = {}
    pictured = drawn(wanted, circuits.pictures)
    if pictured:
        specs[f"top_images/{name}"] = compute | batches
        specs |= sharded("circuit_pictures", pictured, compute | kind)
    return specs


def has_stability(circuits: Circuits) -> bool:
    """Whether the stability of scores is measured: asked for, and of scores that look at images."""
    return circuits.stability is not None and circuits.score not in SCORES_WITHOUT_IMAGES


def fully_connected_stage(configuration: Configuration, name: str) -> list[str]:
    """The layers pruned first: all linear layers, and the output layer whatever its kind."""
    layers = resolution.layers(configuration, name)
    output = layers[-1][0]
    return [layer for layer, kind in layers if kind == "linear" or layer == output]


def drawn(categories: Sequence[str], number: int | None) -> list[str]:
    """So many categories, in their order; all of them for None.

    They are drawn by a hash of their names, so that one more category to draw from replaces one of them at most.
    """
    chosen = sorted(categories, key=digest)[:number]
    return [category for category in categories if category in set(chosen)]


def in_shards(
    wanted: Sequence[str], all_categories: Sequence[str], size: int
) -> dict[str, list[str]]:
    """Shard name -> its categories.

    A category's shard depends on its place in the stimulus set alone, so that asking for another category changes
    one shard and no other.
    """
    shards: dict[str, list[str]] = {}
    chosen = set(wanted)
    for place, category in enumerate(all_categories):
        if category in chosen:
            shards.setdefault(f"shard_{place // size:04d}", []).append(category)
    return shards
