"""Step: the pairs of images of the identity task."""

from anatomy.identity.pairs import identity_pairs
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.tables import write_csv


def main(job: Job) -> None:
    """Draw."""
    spec = job.spec
    stimuli = StimulusSet.beside(job.path("identities"))
    numbers = spec["training_pairs"], spec["test_pairs"], spec["folds"]
    write_csv(identity_pairs(stimuli.table, *numbers, spec["seed"]), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["identities"], outputs=["table"])
