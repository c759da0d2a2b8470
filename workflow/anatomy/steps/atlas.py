"""Step: the atlas of one network, from whatever tables there are."""

import pandas as pd

from anatomy.atlas.atlas import write_atlas
from anatomy.atlas.contents import Contents
from anatomy.atlas.pictures import Pictures, PictureWriter
from anatomy.atlas.tables import SOURCES, read_tables
from anatomy.canonical import read_json
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet


def main(job: Job) -> None:
    """Write the pictures, then the pages that show them."""
    folder = job.path("folder")
    folder.mkdir(parents=True, exist_ok=True)
    tables = read_tables({name: job.paths(name) for name in SOURCES})
    description = read_json(job.path("network"))
    spec = job.spec
    contents = Contents(
        spec["network"], description, spec["categories"], tables, Pictures(), spec["minimum_iou"]
    )
    writer = PictureWriter(folder, contents.layer_names, contents.category_names, contents.pictures)
    for path in job.paths("filters"):
        writer.filters(pd.read_parquet(path))
    for path in job.paths("features"):
        writer.features(pd.read_parquet(path))
    for path in job.paths("drawn_units"):
        writer.circuit_units(pd.read_parquet(path, columns=["layer", "unit", "thumbnail"]))
    for path in job.paths("top_images"):
        writer.top_images(path.parent.name, pd.read_parquet(path))
    for path in job.paths("stimuli"):
        writer.examples(StimulusSet.beside(path))
    write_atlas(contents, folder)


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "top_images", "features", "filters", *SOURCES],
        outputs=["folder"],
    )
