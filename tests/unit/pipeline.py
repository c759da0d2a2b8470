"""Runs the steps of a plan in this process, in the order of the rules, and notes which settings each one reads."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch_settings import torch_as_it_was

from anatomy.atlas_plan import atlas_inputs
from anatomy.config.checks import check
from anatomy.config.validation import validate
from anatomy.figure_plan import FIGURE_FOLDERS, FIGURES
from anatomy.plan import Plan, make_plan, step_module
from anatomy.steps.step import Job
from anatomy.tables import CLUSTER_TABLES

RESULTS = Path("results")
LABELLED = RESULTS / "labelled_images/labels.json"
IDENTITIES = RESULTS / "identities/images.json"
PAIRS = RESULTS / "identities/pairs.csv"


class Watched(dict):
    """A dictionary that notes which of its keys are read."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As a dictionary's, noted."""
        self.read.add(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self.read |= set(self.keys())
        return super().__iter__()

    def items(self) -> Any:
        """All at once, noted."""
        self.read |= set(super().keys())
        return super().items()


def plan_of(raw: dict[str, Any]) -> Plan:
    """The plan of a configuration that can be carried out."""
    configuration = validate(raw)
    check(configuration)
    return make_plan(configuration)


def run(plan: Plan, only: tuple[str, ...] = ()) -> dict[str, Watched]:
    """Do the jobs (those whose name begins with one of `only`) in the working directory.

    Returns
    -------
    job name -> its settings, with those that were read
    """
    watched = {}
    with torch_as_it_was():
        for job in plan.specs:
            if not plannable(job) or (only and not job.startswith(only)):
                continue
            spec = watched[job] = Watched(plan.specs[job])
            paths = paths_of(plan, job)
            for path in [path for own in paths.values() for path in own]:
                path.parent.mkdir(parents=True, exist_ok=True)
            importlib.import_module(step_module(job)).main(Job(spec, 0, paths))
    return watched


def plannable(job: str) -> bool:
    """All but the downloads, and of the figures those that have settings."""
    return not job.startswith(("imagenette/", "weights/", "figures/")) or job.count("/") == 2


def paths_of(plan: Plan, job: str) -> dict[str, list[Path]]:
    """Inputs and outputs of a job, as its rule gives them."""
    kind, *names = job.split("/")
    return {
        name: [Path(p) for p in (value if isinstance(value, list) else [value])]
        for name, value in globals()[f"_{kind}"](plan, *names).items()
    }


def _stimuli(plan: Plan, name: str) -> dict[str, Any]:
    base = RESULTS / "stimuli" / name
    return {
        "download": plan.downloads(name),
        "store": base.with_suffix(".zarr"),
        "manifest": base.with_suffix(".json"),
        "table": base.with_suffix(".csv"),
    }


def _toybox_broden(_plan: Plan) -> dict[str, Any]:
    folder = RESULTS / "toybox_broden"
    return {"folder": folder, "manifest": folder.with_suffix(".json")}


def _unpack_broden(plan: Plan) -> dict[str, Any]:
    folder = RESULTS / "broden"
    return {
        "archive": plan.broden_archive(),
        "folder": folder,
        "manifest": folder.with_suffix(".json"),
    }


def _labelled_images(plan: Plan) -> dict[str, Any]:
    return {"broden": plan.broden_manifest(), "manifest": LABELLED}


def _dissection_responses(_plan: Plan, network: str) -> dict[str, Any]:
    base = RESULTS / network / "dissection/responses"
    return {
        "network": RESULTS / network / "network/network.json",
        "labelled": LABELLED,
        "store": base.with_suffix(".zarr"),
        "manifest": base.with_suffix(".json"),
    }


def _dissection(_plan: Plan, network: str, layer: str) -> dict[str, Any]:
    folder = RESULTS / network / "dissection" / layer
    return {
        "labelled": LABELLED,
        "responses": RESULTS / network / "dissection/responses.json",
        "store": folder / "counts.zarr",
        "manifest": folder / "counts.json",
        "units": folder / "units.csv",
        "detectors": folder / "detectors.parquet",
        "top_images": folder / "top_images.parquet",
    }


def _rotations(_plan: Plan, network: str, layer: str) -> dict[str, Any]:
    return {
        "labelled": LABELLED,
        "responses": RESULTS / network / "dissection/responses.json",
        "table": RESULTS / network / "dissection" / layer / "rotations.parquet",
    }


def _dissection_gallery(_plan: Plan, network: str, layer: str) -> dict[str, Any]:
    folder = RESULTS / network / "dissection" / layer
    return {
        "units": folder / "units.csv",
        "top_images": folder / "top_images.parquet",
        "page": folder / "gallery.html",
    }


def _network(plan: Plan, name: str) -> dict[str, Any]:
    return {
        "stimuli": plan.training_stimuli(name),
        "weights": [*plan.downloaded_weights(name), *plan.given_weights(name)],
        "description": RESULTS / name / "network/network.json",
    }


def _record(_plan: Plan, network: str, stimuli: str) -> dict[str, Any]:
    base = RESULTS / network / "recordings" / stimuli
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": RESULTS / "stimuli" / f"{stimuli}.json",
        "store": base.with_suffix(".zarr"),
        "manifest": base.with_suffix(".json"),
    }


def _scores(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    base = RESULTS / network / "circuits/scores" / shard
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("circuits"),
        "store": base.with_suffix(".zarr"),
        "manifest": base.with_suffix(".json"),
    }


def _circuits(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    folder = RESULTS / network / "circuits"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("circuits"),
        "recording": plan.recording_of("circuits", network),
        "scores": folder / f"scores/{shard}.json",
        "masks": folder / f"shards/{shard}.zarr",
        "manifest": folder / f"shards/{shard}.json",
        "sweep": folder / f"shards/{shard}_sweep.parquet",
        "summary": folder / f"shards/{shard}_summary.parquet",
    }


def _circuit_tables(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "circuits"
    return {
        "shards": plan.shards(network, ".json"),
        "sweeps": plan.shards(network, "_sweep.parquet"),
        "summaries": plan.shards(network, "_summary.parquet"),
        "masks": folder / "masks.zarr",
        "manifest": folder / "masks.json",
        "sweep": folder / "sweep.csv",
        "summary": folder / "summary.csv",
        "frontier": folder / "frontier.csv",
    }


def _shown(plan: Plan, network: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("circuits"),
        "recording": plan.recording_of("circuits", network),
    }


def _circuit_controls(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    folder = RESULTS / network / "circuits"
    return _shown(plan, network) | {
        "masks": folder / "masks.json",
        "summary": folder / "summary.csv",
        "table": folder / f"parts/controls/{shard}.parquet",
    }


def _circuit_overlap(_plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "circuits"
    return {
        "masks": folder / "masks.json",
        "summary": folder / "summary.csv",
        "pairs": folder / "overlap.parquet",
        "overlap": folder / "overlap.csv",
        "sharing": folder / "sharing.csv",
        "layer_shares": folder / "layer_shares.csv",
    }


def _score_comparison(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    table = RESULTS / network / f"circuits/parts/score_comparison/{shard}.parquet"
    return _shown(plan, network) | {"table": table}


def _scoring_stability(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    table = RESULTS / network / f"circuits/parts/scoring_stability/{shard}.parquet"
    return _shown(plan, network) | {"table": table}


def _top_images(plan: Plan, network: str, method: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of(method),
        "table": RESULTS / network / method / "top_images.parquet",
    }


def _circuit_pictures(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    folder = RESULTS / network / "circuits"
    return _shown(plan, network) | {
        "scores": folder / f"scores/{shard}.json",
        "masks": folder / f"shards/{shard}.json",
        "summary": folder / "summary.csv",
        "top_images": folder / "top_images.parquet",
        "units": folder / f"pictures/{shard}_units.parquet",
        "connections": folder / f"pictures/{shard}_connections.parquet",
    }


def _join_tables(plan: Plan, network: str, method: str, table: str) -> dict[str, Any]:
    return {
        "parts": plan.table_parts(network, method, table),
        "table": RESULTS / network / method / f"{table}.csv",
    }


def _knockouts(plan: Plan, network: str, part: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("knockouts"),
        "recording": plan.recording_of("knockouts", network),
        "table": RESULTS / network / f"knockouts/parts/{part}.parquet",
        "categories": RESULTS / network / f"knockouts/parts/categories/{part}.parquet",
    }


def _knockout_tables(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "knockouts"
    return {
        "table": folder / "performance.csv",
        "categories": plan.knockout_categories(network),
        "categories_table": folder / "categories.csv",
        "areas": folder / "areas.csv",
    }


def _features(_plan: Plan, network: str, layer: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "table": RESULTS / network / f"features/{layer}.parquet",
    }


def _filters(plan: Plan, network: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "table": plan.filter_table(network),
    }


def _activations(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "activations"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("activations"),
        "store": folder / "maps.zarr",
        "manifest": folder / "maps.json",
        "table": folder / "channels.csv",
    }


def _occlusion(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "activations"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("activations"),
        "top_images": folder / "top_images.parquet",
        "table": folder / "occlusion.parquet",
    }


def _manipulation(_plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "activations"
    return {
        "network": RESULTS / network / "network/network.json",
        "labelled": LABELLED,
        "table": folder / "manipulation.parquet",
        "detectors": folder / "interventions.csv",
        "examples": folder / "manipulation_examples.parquet",
    }


def _stored_images(folder: Path) -> dict[str, Any]:
    return {
        "store": folder / "images.zarr",
        "manifest": folder / "images.json",
        "table": folder / "images.csv",
    }


def _identities(_plan: Plan) -> dict[str, Any]:
    return _stored_images(RESULTS / "identities")


def _localizer(_plan: Plan) -> dict[str, Any]:
    return _stored_images(RESULTS / "localizer")


def _identity_pairs(_plan: Plan) -> dict[str, Any]:
    return {"identities": IDENTITIES, "table": PAIRS}


def _identity_readout(_plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "identity"
    return {
        "network": RESULTS / network / "network/network.json",
        "identities": IDENTITIES,
        "pairs": PAIRS,
        "cross_validation": folder / "cross_validation.csv",
        "accuracy": folder / "accuracy.csv",
        "model": folder / "readout.npz",
    }


def _unit_selectivity(plan: Plan, network: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "identities": IDENTITIES,
        "localizer": plan.localizer(),
        "table": RESULTS / network / "identity/selectivity.csv",
    }


def _identity_lesions(_plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "identity"
    return {
        "network": RESULTS / network / "network/network.json",
        "identities": IDENTITIES,
        "pairs": PAIRS,
        "model": folder / "readout.npz",
        "selectivity": folder / "selectivity.csv",
        "lesions": folder / "lesions.csv",
        "dissociation": folder / "dissociation.csv",
    }


def _responses(plan: Plan, network: str) -> dict[str, Any]:
    base = RESULTS / network / "clusters/responses"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("clusters"),
        "store": base.with_suffix(".zarr"),
        "manifest": base.with_suffix(".json"),
    }


def _cluster_fold(plan: Plan, network: str, fold: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("clusters"),
        "responses": RESULTS / network / "clusters/responses.json",
        "table": RESULTS / network / f"clusters/parts/folds/{fold}.parquet",
    }


def _clusters(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "clusters"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("clusters"),
        "responses": folder / "responses.json",
        "folds": plan.cluster_folds(network),
        "store": folder / "assignments.zarr",
        "manifest": folder / "assignments.json",
        "validation": folder / "cv.csv",
        "choice": folder / "choice.csv",
    }


def _cluster_lesions(plan: Plan, network: str, method: str) -> dict[str, Any]:
    folder = RESULTS / network / "clusters"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("clusters"),
        "assignments": folder / "assignments.json",
        **{table: folder / f"parts/{table}/{method}.parquet" for table in CLUSTER_TABLES},
    }


def _circuit_units(_plan: Plan, network: str, shard: str) -> dict[str, Any]:
    circuits = RESULTS / network / "circuits"
    return {
        "network": RESULTS / network / "network/network.json",
        "masks": circuits / "masks.json",
        "summary": circuits / "summary.csv",
        "table": circuits / f"parts/units/{shard}.parquet",
    }


def _concept_lesions(plan: Plan, network: str, layer: str) -> dict[str, Any]:
    parts = RESULTS / network / "joined/parts"
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("joined"),
        "units": RESULTS / network / f"dissection/{layer}/units.csv",
        **{
            name: parts / f"{name}/{layer}.parquet"
            for name in ("unit_lesions", "concept_lesions", "unit_responses")
        },
    }


def _enrichment(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "joined"
    return {
        "circuit_units": plan.circuit_units(network),
        "units": plan.dissected(network, "units.csv"),
        "unit_responses": plan.unit_responses(network),
        "labelled": folder / "circuit_units.parquet",
        "table": folder / "enrichment.csv",
    }


def _cluster_circuits(plan: Plan, network: str, shard: str) -> dict[str, Any]:
    own = RESULTS / network
    return _shown(plan, network) | {
        "clustered_stimuli": plan.stimuli_of("clusters"),
        "assignments": own / "clusters/assignments.json",
        "lesions": own / "clusters/lesions.csv",
        "masks": own / "circuits/masks.json",
        "summary": own / "circuits/summary.csv",
        "table": own / f"joined/parts/cluster_circuits/{shard}.parquet",
    }


def _concept_vectors(plan: Plan, network: str) -> dict[str, Any]:
    return {
        "network": RESULTS / network / "network/network.json",
        "stimuli": plan.stimuli_of("joined"),
        "table": RESULTS / network / "joined/concept_vectors.csv",
    }


def _summary(plan: Plan) -> dict[str, Any]:
    return {
        "networks": plan.network_descriptions(),
        "recordings": plan.recordings(),
        "stimuli": plan.recorded_stimuli(),
        "circuits": plan.tables("circuits", "summary"),
        "controls": plan.tables("circuits", "controls"),
        "overlaps": plan.tables("circuits", "overlap"),
        "knockouts": plan.tables("knockouts", "areas"),
        "cluster_lesions": plan.tables("clusters", "lesions"),
        "cluster_losses": plan.tables("clusters", "losses"),
        "detectors": plan.tables("dissection", "detectors"),
        "rotations": plan.rotation_tables(),
        "manipulation": plan.manipulation_tables(),
        "accuracy": plan.tables("identity", "accuracy"),
        "dissociation": plan.tables("identity", "dissociation"),
        **{
            name: plan.joined_results(name)
            for name in ("enrichment", "concept_lesions", "cluster_circuits", "concept_vectors")
        },
        "table": RESULTS / "summary.csv",
    }


def _atlas(plan: Plan, network: str) -> dict[str, Any]:
    inputs = atlas_inputs(plan.configuration, plan.specs, network)
    return inputs | {
        "network": RESULTS / network / "network/network.json",
        "folder": RESULTS / network / "atlas",
    }


def _atlases(plan: Plan) -> dict[str, Any]:
    return {
        "table": RESULTS / "summary.csv",
        "atlases": plan.atlases(),
        "page": RESULTS / "atlas.html",
    }


def _figures(plan: Plan, kind: str, network: str) -> dict[str, Any]:
    tables = _figure_tables(plan, kind, network)
    if kind in FIGURE_FOLDERS:
        method, folder = FIGURE_FOLDERS[kind]
        return tables | {"folder": RESULTS / network / method / "figures" / folder}
    method, names = FIGURES[kind]
    figures = {name: RESULTS / network / method / f"figures/{name}.png" for name in names}
    # a figure that is called like its table says that it is the figure
    return tables | {k if k not in tables else f"{k}_figure": p for k, p in figures.items()}


def _figure_tables(plan: Plan, kind: str, network: str) -> dict[str, Any]:
    """What figures of a kind are drawn from."""
    if kind == "activations":
        return _activation_tables(plan, network)
    own = RESULTS / network
    circuits, activations = own / "circuits", own / "activations"
    return {
        "pictures": {
            "units": plan.picture_tables(network, "units"),
            "connections": plan.picture_tables(network, "connections"),
        },
        "circuits": {
            name: circuits / f"{name}.csv" for name in ("summary", "sweep", "frontier", "controls")
        },
        "overlap": {
            "pairs": circuits / "overlap.parquet",
            "overlap_table": circuits / "overlap.csv",
            "sharing": circuits / "sharing.csv",
            "layer_shares_table": circuits / "layer_shares.csv",
        },
        "score_comparison": {"table": circuits / "score_comparison.csv"},
        "scoring_stability": {"table": circuits / "scoring_stability.csv"},
        "knockouts": {
            "table": own / "knockouts/performance.csv",
            "areas": own / "knockouts/areas.csv",
            "categories": own / "knockouts/categories.csv",
        },
        "clusters": {
            "validation": own / "clusters/cv.csv",
            **{
                name: own / f"clusters/{name}.csv"
                for name in ("choice", "lesions", "losses", "layers")
            },
            "images": plan.hurt_images(network),
        },
        "dissection": {
            "detectors": own / "dissection/detectors.csv",
            "units": plan.dissected(network, "units.csv"),
            "top_images": plan.dissected(network, "top_images.parquet"),
        },
        "rotations": {"table": own / "dissection/rotations.csv"},
        "features": {
            "tables": plan.feature_tables(network),
            "filters": plan.filter_table(network),
        },
        "interventions": {
            "table": activations / "manipulation.parquet",
            "examples": activations / "manipulation_examples.parquet",
        },
        **{
            kind: {"table": own / f"joined/{kind}.csv"}
            for kind in ("enrichment", "concept_lesions", "cluster_circuits")
        },
        "concept_vectors": {
            "table": own / "joined/concept_vectors.csv",
            "layers": own / "clusters/layers.csv",
            "lesions": own / "clusters/lesions.csv",
        },
        "identity": {
            **{
                name: own / f"identity/{name}.csv"
                for name in (
                    *("accuracy", "cross_validation", "selectivity"),
                    *("lesions", "dissociation"),
                )
            },
            "identities": IDENTITIES,
            "pairs": PAIRS,
        },
    }[kind]


def _activation_tables(plan: Plan, network: str) -> dict[str, Any]:
    folder = RESULTS / network / "activations"
    return {
        "maps": folder / "maps.json",
        "channels": folder / "channels.csv",
        "stimuli": plan.stimuli_of("activations"),
        "top_images": folder / "top_images.parquet",
        "occlusion": plan.occlusion_tables(network),
        "features": plan.feature_tables(network),
    }
