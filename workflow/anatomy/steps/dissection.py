"""Step: label the units of one layer with concepts."""

from threadpoolctl import threadpool_limits

from anatomy.canonical import read_json
from anatomy.dissection.count_files import StoredCounts, write_counts
from anatomy.dissection.dissection import Counter, concepts_of, find_thresholds, group_edges
from anatomy.dissection.resampling import resample
from anatomy.dissection.responses import Maps
from anatomy.dissection.tables import detector_table, top_image_table, unit_table
from anatomy.dissection.top_images import TopImages
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.tables import write_csv, write_parquet


def main(job: Job) -> None:
    """Thresholds, counts, tables."""
    spec = job.spec
    with threadpool_limits(spec["threads"]):
        _dissect(job)


def _dissect(job: Job) -> None:
    spec = job.spec
    labelled = LabelledImages.open(job.path("labelled").parent)
    responses = job.path("responses")
    maps = Maps.open(responses, spec["layer"], labelled)
    upsampling = maps.upsampling(labelled)
    concepts = concepts_of(labelled)
    top = TopImages.none(maps.units, spec["top_images"], maps.shape)
    thresholds = find_thresholds(maps, spec["thresholds"], spec["quantile"], top)
    edges = group_edges(maps.images)
    store, manifest = job.path("store"), job.path("manifest")
    provenance = {
        "labelled_images": labelled.digest,
        "responses": read_json(responses)["digest"],
        "layer": spec["layer"],
        "quantile": spec["quantile"],
        "thresholds": spec["thresholds"],
    }
    counter = Counter(labelled, upsampling, spec["threads"])
    groups = counter.groups(maps, thresholds, edges)
    write_counts(store, manifest, provenance, len(edges) - 1, maps.units, concepts, groups)
    counts = StoredCounts(store, manifest, provenance)
    purpose = (spec["seed"], spec["network"], spec["layer"], "dissection")
    minimum = spec["minimum_iou"]
    drawn = resample(counts.blocks(), counts.groups, concepts, minimum, spec["resamples"], purpose)
    total = counts.total()
    write_csv(unit_table(thresholds, total, concepts, drawn, minimum), job.path("units"))
    detectors = detector_table(spec["layer"], total, concepts, drawn, minimum)
    write_parquet(detectors, job.path("detectors"))
    pictures = top_image_table(top, thresholds, upsampling, labelled.stimuli)
    write_parquet(pictures, job.path("top_images"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["labelled", "responses"],
        outputs=["store", "manifest", "units", "detectors", "top_images"],
    )
