"""The whole path: what it leaves behind, and that nothing but the settings decides it."""

import shutil

import numpy as np
import pandas as pd
import zarr
from runs import Run

from anatomy.mask_files import MaskFile
from anatomy.tables import CIRCUIT_SUMMARY, CIRCUIT_SWEEP, CLUSTER_LOSSES, SUMMARY

METHODS = ("circuits", "knockouts")
PERFORMANCE = [
    *("layer", "kind", "mode", "proportion", "repeat", "top1", "top5"),
    *("sensitivity_animate", "sensitivity_inanimate"),
]


def test_promised_files_and_columns(finished):
    results = finished.folder / "results"
    expected = {
        "small/circuits/summary.csv": list(CIRCUIT_SUMMARY),
        "small/circuits/sweep.csv": list(CIRCUIT_SWEEP),
        "small/knockouts/performance.csv": PERFORMANCE,
        "small/clusters/losses.csv": list(CLUSTER_LOSSES),
        "summary.csv": list(SUMMARY),
    }
    for name, columns in expected.items():
        assert list(pd.read_csv(results / name).columns) == columns
    for store in (
        "small/circuits/masks.zarr",
        "small/recordings/toybox.zarr",
        "stimuli/toybox.zarr",
    ):
        assert zarr.open_group(results / store, mode="r").metadata.zarr_format == 3


def test_summary_of_circuits_agrees_with_masks(finished):
    """kept_fraction, counted again from the bits: of the output layer only the category's row can be kept."""
    circuits = finished.folder / "results" / "small" / "circuits"
    masks = MaskFile(circuits / "masks.zarr", circuits / "masks.json")
    summary = pd.read_csv(circuits / "summary.csv").dropna(subset=["kept_fraction"])
    assert len(summary)
    for row in summary.itertuples():
        own = {layer: masks.mask(row.category, layer) for layer in masks.shapes}
        output = masks.categories.index(row.category)
        assert own["fc8"][np.arange(len(own["fc8"])) != output].sum() == 0
        size = sum(m.size for m in own.values()) - own["fc8"].size + own["fc8"][0].size
        kept = sum(m.sum() for m in own.values())
        np.testing.assert_allclose(row.kept_fraction, kept / size, rtol=1e-12)
        np.testing.assert_allclose(row.removed_fraction, 1 - kept / size, rtol=1e-12)


def test_knockouts_begin_intact_and_end_dead(finished):
    table = pd.read_csv(finished.folder / "results" / "small" / "knockouts" / "performance.csv")
    headline = pd.read_csv(finished.folder / "results" / "summary.csv")
    top1 = headline[(headline["measure"] == "top1") & (headline["group"] == "all")]["value"].item()
    np.testing.assert_allclose(table[table["proportion"] == 0]["top1"], top1)
    dead = table[(table["proportion"] == 1) & (table["kind"] == "node")]
    # a dead layer shows the network nothing of the image, so it gives all images the same answer
    assert set(dead["top1"].round(6)) <= {0.0, 0.25}


def test_lesions_begin_with_the_intact_network_and_cover_all_neurons(finished):
    results = finished.folder / "results"
    losses = pd.read_csv(results / "small/clusters/losses.csv", dtype={"cluster": str})
    headline = pd.read_csv(results / "summary.csv")
    own = losses[(losses["recognised_as"] == "category") & (losses["group_kind"] != "category")]
    for row in own.itertuples():
        same = (headline["measure"] == "top1") & (headline["group"] == row.group)
        np.testing.assert_allclose(row.sensitivity_intact, headline[same]["value"].item())
        np.testing.assert_allclose(row.loss, row.sensitivity_intact - row.sensitivity)
    lesions = pd.read_csv(results / "small/clusters/lesions.csv")
    # conv3 (96 x 7 x 7), fc6 and fc7
    assert lesions["neurons"].sum() == 96 * 49 + 256 + 256
    layers = pd.read_csv(results / "small/clusters/layers.csv", dtype={"cluster": str})
    assert (layers.groupby("layer")["share_of_layer"].sum().round(9) == 1).all()


def test_cores_shards_and_what_was_there_before_do_not_change_results(finished, copy, tmp_path):
    """A category added to what is there, and everything anew on one core, with a shard for each category and layer."""
    four = ["dog", "fish", "car", "cup"]
    copy.change("circuits", "categories", to=four)
    records = copy.folder / "results/records/circuits/small"
    before = {path: path.stat().st_mtime_ns for path in records.glob("shard_*.json")}
    copy.finish("--", "circuits")
    assert len(list(records.glob("shard_*.json"))) == len(before) + 1
    # those that were there were not computed again
    assert {path: path.stat().st_mtime_ns for path in before} == before

    anew = Run(tmp_path / "anew")
    shutil.copytree(finished.folder, anew.folder, symlinks=True)
    for method in METHODS:
        for place in (f"small/{method}", f"records/{method}"):
            shutil.rmtree(anew.folder / "results" / place)
    for place in ("small/recordings", "records/scores", "specs/shards"):
        shutil.rmtree(anew.folder / "results" / place)
    anew.change("circuits", "categories", to=four)
    anew.change("circuits", "categories_per_job", to=1)
    anew.change("knockouts", "layers_per_job", to=1)
    anew.finish("--cores", "1", "--", *METHODS)

    for method, other in (("circuits", copy), ("knockouts", finished)):
        tables = {n: t for n, t in anew.tables().items() if n.startswith(f"small/{method}/")}
        assert len(tables) >= 3
        assert {name: other.tables()[name] for name in tables} == tables
    for layer in ("conv1", "fc6", "fc8"):
        np.testing.assert_array_equal(*(_masks(run, layer) for run in (copy, anew)))


def _masks(run: Run, layer: str) -> np.ndarray:
    store = run.folder / "results/small/circuits/masks.zarr"
    return zarr.open_group(store, mode="r")[f"{layer}/masks"][:]
