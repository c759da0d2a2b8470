"""Step: fit the readout of the identity task to a layer's responses, and test it."""

import logging

import pandas as pd
from threadpoolctl import threadpool_limits

from anatomy.identity.cross_validation import Pairs, accuracy_rows, cross_validate, fit
from anatomy.identity.features import flat_responses
from anatomy.identity.pairs import read_pairs
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_csv

log = logging.getLogger(__name__)


def main(job: Job) -> None:
    """Responses once, then the readout by cross-validation, then the test."""
    # sums depend on how they are split among threads
    with threadpool_limits(job.spec["threads"]):
        _read_out(job)


def _read_out(job: Job) -> None:
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("identities"))
    features = flat_responses(network, stimuli, spec["readout"], spec["batch_size"])
    training = read_pairs(job.path("pairs"), "training").astype({"fold": int})
    found = cross_validate(spec["representations"], spec["penalties"], features, training)
    log.info("readout: %s of %s, C = %g", found.representation, spec["readout"], found.penalty)
    fitted_to, tested = Pairs.of(training), Pairs.of(read_pairs(job.path("pairs"), "test"))
    fitted = fit(found.representation, features, fitted_to, [found.penalty])
    decisions = [
        ("training", fitted_to, fitted.decide(features, fitted_to)[:, 0]),
        ("cross_validation", fitted_to, found.decisions),
        ("test", tested, fitted.decide(features, tested)[:, 0]),
    ]
    purpose = spec["seed"], spec["network"]
    rows = [row for split in decisions for row in accuracy_rows(*split, purpose)]
    write_csv(found.table, job.path("cross_validation"))
    write_csv(pd.DataFrame(rows), job.path("accuracy"))
    fitted.readout(spec["readout"], 0).save(job.path("model"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "identities", "pairs"],
        outputs=["cross_validation", "accuracy", "model"],
    )
