"""The jobs of category circuits and what they write: scores, circuits, controls, overlap, comparisons, pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anatomy.canonical import digest
from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.methods import Circuits
from anatomy.score_kinds import needs_images
from anatomy.shards import Shards, assign, assigned, finished

Spec = dict[str, Any]

# results/NETWORK/circuits/NAME.csv, joined from parts -> the step that makes the parts
PART_TABLES = {
    "controls": "circuit_controls",
    "score_comparison": "score_comparison",
    "scoring_stability": "scoring_stability",
}
EXTRACTION_KEYS = (
    *("normalisation", "scope", "criterion", "choose"),
    *("removed_fractions", "refinement", "sweep"),
)


@dataclass(frozen=True)
class _Planned:
    """What the specs of one network's circuits are put together from.

    Attributes
    ----------
    wanted : categories with circuits, in the order of the stimulus set
    shards : shard -> its categories
    compute : settings of every computing step
    stages : settings of every step that runs the network on the recording
    """

    circuits: Circuits
    network: str
    wanted: list[str]
    shards: Shards
    compute: Spec
    stages: Spec

    @property
    def score(self) -> Spec:
        """Which scores."""
        return {"score": self.circuits.score}

    @property
    def scoring(self) -> Spec:
        """From how many images they are."""
        return {"scoring_images": self.circuits.scoring_images}

    def chosen(self, keys: Sequence[str]) -> Spec:
        """Some keys of the configuration's section."""
        return self.circuits.model_dump(mode="json", include=set(keys))

    def sharded(self, step: str, categories: Sequence[str], spec: Spec) -> dict[str, Spec]:
        """A step's jobs, one for each shard that has some of the categories."""
        chosen = set(categories)
        jobs = {
            f"{step}/{self.network}/{shard}": [category for category in own if category in chosen]
            for shard, own in self.shards.items()
        }
        return {job: self.compute | spec | {"categories": own} for job, own in jobs.items() if own}


def circuit_specs(
    configuration: Configuration, name: str, circuits: Circuits, plans_anew: bool
) -> dict[str, Spec]:
    """Everything about the circuits of one network, in shards of categories where that takes long.

    Without `plans_anew` the shards are those of the latest plan.
    """
    rows = resolution.stimulus_categories(
        f"stimuli.{circuits.stimuli}", configuration.stimuli[circuits.stimuli]
    )
    wanted = [r.category for r in rows if r.category in (circuits.categories or [r.category])]
    known = [finished(name)] if plans_anew else []
    compute = configuration.compute
    planned = _Planned(
        circuits=circuits,
        network=name,
        wanted=wanted,
        shards=assign(wanted, circuits.categories_per_job, *known, assigned(name)),
        compute={"network": name, "threads": compute.threads},
        stages={
            "fully_connected": fully_connected_stage(configuration, name),
            "batch_size": compute.batch_size,
        },
    )
    specs = _extraction_specs(planned) | _analysis_specs(planned) | _picture_specs(planned)
    for table, step in PART_TABLES.items():
        if any(job.startswith(f"{step}/") for job in specs):
            specs[f"join_tables/{name}/circuits/{table}"] = {"categories": wanted}
    return specs


def _extraction_specs(planned: _Planned) -> dict[str, Spec]:
    """Scores, circuits, and the tables over all of them."""
    scored = planned.scoring | planned.score
    thresholds = planned.circuits.thresholds
    extraction = planned.chosen(EXTRACTION_KEYS) | {"thresholds": thresholds}
    return {
        **planned.sharded("scores", planned.wanted, scored),
        **planned.sharded("circuits", planned.wanted, planned.stages | scored | extraction),
        f"circuit_tables/{planned.network}": {
            "threshold": thresholds[0],
            "categories": planned.wanted,
        },
    }


def _analysis_specs(planned: _Planned) -> dict[str, Spec]:
    """Controls, overlap, and where asked for comparison and stability of scores."""
    circuits, wanted = planned.circuits, planned.wanted
    ranked = planned.chosen(("normalisation", "scope", "controls"))
    specs = planned.sharded("circuit_controls", wanted, planned.stages | ranked)
    specs[f"circuit_overlap/{planned.network}"] = {"threads": planned.compute["threads"]}
    if circuits.comparison is not None:
        variants = circuits.comparison.model_dump(mode="json", exclude={"categories"})
        compared = planned.stages | planned.scoring | variants
        categories = drawn(wanted, circuits.comparison.categories)
        specs |= planned.sharded("score_comparison", categories, compared)
    if has_stability(circuits):
        categories = drawn(wanted, circuits.stability.categories)
        specs |= planned.sharded("scoring_stability", categories, planned.score)
    return specs


def _picture_specs(planned: _Planned) -> dict[str, Spec]:
    """Top images of all units, and the parts of circuits that are drawn."""
    categories = drawn(planned.wanted, planned.circuits.pictures)
    if not categories:
        return {}
    shown = {"split": "evaluation", "batch_size": planned.stages["batch_size"]}
    return {
        f"top_images/{planned.network}/circuits": planned.compute
        | shown
        | {"kept": 1, "layers": None},
        **planned.sharded("circuit_pictures", categories, planned.score),
    }


def has_stability(circuits: Circuits) -> bool:
    """Whether the stability of scores is measured: asked for, and of scores that look at images."""
    return circuits.stability is not None and needs_images(circuits.score)


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
