"""Step: knock-out sweeps of some layers."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.knockouts import State, Sweep, run_sweep
from anatomy.meter import Measurement, Meter
from anatomy.progress import track
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet


def main(job: Job) -> None:
    """Knock out each layer, for each kind, mode and repeat, and measure performance and every category."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("recording"), network, stimuli)
    meter = Meter(network, stimuli, recording, spec["images_per_category"], spec["batch_size"])
    sweeps = list(product(spec["layers"], spec["kinds"], spec["modes"], range(spec["repeats"])))
    states: list[dict[str, Any]] = []
    found: list[Measurement] = []
    known: dict[State, Measurement] = {}
    for layer, kind, mode, repeat in track(sweeps, f"knock-outs of {network.name}"):
        sweep = Sweep(
            layer,
            kind,
            mode,
            repeat,
            tuple(spec["proportions"]),
            spec.get("noise"),
            spec["seed"],
        )
        for proportion, measured in run_sweep(network, sweep, partial(meter.measure, layer), known):
            about = {"layer": layer, "kind": kind, "mode": mode, "proportion": proportion}
            states.append(about | {"repeat": repeat})
            found.append(measured)
    swept = pd.DataFrame(states)
    performance = pd.DataFrame([own.performance for own in found])
    write_parquet(pd.concat([swept, performance], axis=1), job.path("table"))
    sensitivity = [own.sensitivity for own in found]
    write_parquet(category_rows(swept, meter.categories, sensitivity), job.path("categories"))


def category_rows(
    swept: pd.DataFrame, categories: pd.DataFrame, sensitivity: Sequence[NDArray[np.float64]]
) -> pd.DataFrame:
    """A row per state of the sweeps and category; names are stored once, as the levels of categoricals."""
    names = ["layer", "kind", "mode"]
    states = swept.astype(dict.fromkeys(names, "category"))
    states = states.loc[states.index.repeat(len(categories))].reset_index(drop=True)
    place = np.tile(np.arange(len(categories)), len(swept))
    shown = categories.astype("category").iloc[place].reset_index(drop=True)
    return pd.concat([states, shown], axis=1).assign(sensitivity=np.concatenate(sensitivity))


if __name__ == "__main__":
    run_step(
        main,
        inputs=["network", "stimuli", "recording"],
        outputs=["table", "categories"],
    )
