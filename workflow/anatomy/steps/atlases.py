"""Step: the page that leads to the atlases of all networks."""

import pandas as pd

from anatomy.atlas.overview import overview
from anatomy.canonical import write_text
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Write the page from the table of headline numbers; atlases lie at results/NETWORK/atlas."""
    networks = [path.parent.name for path in job.paths("atlases")]
    text = overview(networks, pd.read_csv(job.path("table")))
    write_text(job.path("page"), text)


if __name__ == "__main__":
    run_step(main, inputs=["table", "atlases"], outputs=["page"])
