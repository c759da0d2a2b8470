"""Step: the headline numbers as a figure, and as the front page of the report."""

import pandas as pd

from anatomy.canonical import write_text
from anatomy.figures.overview import headlines
from anatomy.figures.style import save
from anatomy.front_page import front_page
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Draw and write from the tidy table."""
    summary, picture = pd.read_csv(job.path("table")), job.path("headlines")
    save(headlines(summary), picture)
    write_text(job.path("front_page"), front_page(summary, picture.read_bytes()))


if __name__ == "__main__":
    run_step(main, inputs=["table"], outputs=["headlines", "front_page"])
