"""Step: how the circuits of one network overlap, pair by pair and layer by layer."""

import math

import pandas as pd

from anatomy.device import choose_device, make_deterministic
from anatomy.errors import InputError
from anatomy.mask_files import MaskFile
from anatomy.overlap import count_kept, count_overlap
from anatomy.overlap_tables import (
    layer_share_table,
    overlap_summary,
    overlap_table,
    sharing_table,
    with_all,
)
from anatomy.progress import track
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv, write_parquet

SEED = 0


def main(job: Job) -> None:
    """Count, layer by layer; the output layer, of which each circuit has a row of its own, only has shares."""
    make_deterministic(job.spec["threads"])
    device = choose_device(job.gpus)
    manifest = job.path("masks")
    masks = MaskFile(manifest.with_suffix(".zarr"), manifest)
    circuits = _circuits(job, masks)
    categories = circuits["category"].tolist()
    *layers, last = masks.shapes
    sizes = {layer: math.prod(masks.shapes[layer]) for layer in layers}
    overlaps = {
        layer: count_overlap(masks.blocks(layer, categories), len(categories), size, device)
        for layer, size in track(sizes.items(), "overlap of circuits")
    }
    kept = {layer: overlap.kept for layer, overlap in overlaps.items()}
    kept[last] = count_kept(masks.blocks(last, categories))
    sizes[last] = math.prod(masks.shapes[last][1:])
    overlaps = with_all(overlaps)
    write_parquet(overlap_table(overlaps, circuits), job.path("pairs"))
    write_csv(overlap_summary(overlaps, circuits, SEED), job.path("overlap"))
    write_csv(sharing_table(overlaps), job.path("sharing"))
    write_csv(layer_share_table(kept, sizes, circuits), job.path("layer_shares"))


def _circuits(job: Job, masks: MaskFile) -> pd.DataFrame:
    """Category and super-category of each circuit; a category without one has a mask, but one of all weights."""
    summary = pd.read_csv(job.path("summary"), dtype={"category": str, "super_category": str})
    if missing := sorted(set(summary["category"]) - set(masks.categories)):
        raise InputError(f"{job.path('masks')}: holds no masks of {', '.join(missing)}")
    return summary[summary["kept_fraction"].notna()].reset_index(drop=True)


if __name__ == "__main__":
    run_step(
        main,
        inputs=["masks", "summary"],
        outputs=["pairs", "overlap", "sharing", "layer_shares"],
    )
