"""Step: torchvision's weights of one architecture, downloaded. Runs where there is internet."""

from anatomy.networks.pretrained import download_weights
from anatomy.steps.step import Job, run_step


def main(job: Job) -> None:
    """Download the weights."""
    download_weights(job.spec["architecture"], job.path("weights"))


if __name__ == "__main__":
    run_step(main, outputs=["weights"])
