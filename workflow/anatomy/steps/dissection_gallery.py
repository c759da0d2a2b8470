"""Step: the page of the units of one layer."""

import pandas as pd

from anatomy.canonical import write_text
from anatomy.dissection.gallery import gallery
from anatomy.steps.step import Job, run_step
from anatomy.tables import read_units


def main(job: Job) -> None:
    """Make the page from the tables; it lies at results/NETWORK/dissection/LAYER/gallery.html."""
    page = job.path("page")
    *_, network, _, layer, _ = page.parts
    links = [(name, f"../{name}/{page.name}") for name in job.spec["layers"]]
    units = read_units(job.path("units"))
    top_images = pd.read_parquet(job.path("top_images"))
    text = gallery(
        units,
        top_images,
        network=network,
        layer=layer,
        minimum=job.spec["minimum_iou"],
        set_name=job.spec["images"],
        layers=links,
    )
    write_text(page, text)


if __name__ == "__main__":
    run_step(main, inputs=["units", "top_images"], outputs=["page"])
