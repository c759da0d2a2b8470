"""Step: lesion the units that serve faces, those that serve houses and random ones, and test for a dissociation."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from anatomy import randomness
from anatomy.identity.dissociation import Dissociation, decisions_by_dose, dissociation_table
from anatomy.identity.lesion_sets import (
    layer_rows,
    numbers_of_units,
    random_order,
    selective_order,
)
from anatomy.identity.lesions import (
    Lesion,
    ShownPairs,
    all_lesions,
    decisions,
    doses,
    lesion_table,
)
from anatomy.identity.pairs import read_pairs
from anatomy.identity.readout import Readout
from anatomy.networks.network import Network
from anatomy.steps.opening import open_network, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.identities import KINDS
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks
from anatomy.tables import write_csv
from anatomy.unit_lesions import UnitLesions, response_moments


def main(job: Job) -> None:
    """Lesion, decide, tabulate."""
    # sums depend on how they are split among threads
    with threadpool_limits(job.spec["threads"]):
        _lesion(job)


def _lesion(job: Job) -> None:
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("identities"))
    layer = network.layer(spec["layer"])
    selectivity = layer_rows(pd.read_csv(job.path("selectivity")), layer.name, layer.units)
    pairs = ShownPairs(read_pairs(job.path("pairs"), "test"))
    means, spread = _moments(network, stimuli, layer.name, spec["batch_size"])
    purpose = (spec["seed"], network.name, "identity", layer.name)
    lesions = _lesions(spec, selectivity, means, purpose)
    engine = UnitLesions(network, layer.name, spec["readout"], spread)
    readout = Readout.load(job.path("model"))
    said = decisions(engine, network, stimuli, pairs, readout, lesions, spec["batch_size"])
    selective = selectivity["selective"].astype(object).fillna("").to_numpy(str)
    write_csv(lesion_table(lesions, said, pairs, selective), job.path("lesions"))
    statistics = Dissociation(pairs, spec["resamples"], purpose)
    table = dissociation_table(statistics, decisions_by_dose(lesions, said))
    write_csv(table, job.path("dissociation"))


def _moments(
    network: Network, stimuli: StimulusSet, layer: str, batch_size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (unit,) of the layer's responses to the training images."""
    rows = stimuli.rows("training")
    blocks = row_blocks(len(rows), batch_size)
    with torch.inference_mode():
        images = (network.input(stimuli.images(rows[block])) for block in blocks)
        return response_moments(network, layer, images)


def _lesions(
    spec: dict[str, Any],
    selectivity: pd.DataFrame,
    means: NDArray[np.float64],
    purpose: tuple[object, ...],
) -> list[Lesion]:
    """All lesions of the spec, the intact network first."""
    silenced, noisy = (
        dict(zip(spec[key], numbers_of_units(spec[key], len(selectivity)), strict=True))
        for key in ("proportions", "noise_proportions")
    )
    chosen = doses(silenced, noisy, spec["noise_levels"])
    numbers = [dose.units for dose in chosen]
    selective = {kind: selective_order(selectivity, kind) for kind in KINDS}
    random = [
        random_order(
            *selective.values(), numbers, means, randomness.generator(*purpose, "random", draw)
        )
        for draw in range(spec["random_draws"])
    ]
    return all_lesions(selective, random, chosen, spec["repeats"], (*purpose, "noise"))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "identities", "pairs", "model", "selectivity"],
        outputs=["lesions", "dissociation"],
    )
