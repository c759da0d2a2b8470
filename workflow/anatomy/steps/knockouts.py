"""Step: knock-out sweeps of some layers."""

from functools import partial
from itertools import product

import pandas as pd

from anatomy.knockouts import Sweep, run_sweep
from anatomy.meter import Meter
from anatomy.performance import Performance
from anatomy.progress import track
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.tables import write_parquet


def main(job: Job) -> None:
    """Knock out each layer, for each kind, mode and repeat, and measure performance."""
    spec = job.spec
    network, stimuli = open_network(job), open_stimuli(job.path("stimuli"))
    recording = open_recording(job.path("recording"), network, stimuli)
    meter = Meter(network, stimuli, recording, spec["images_per_category"], spec["batch_size"])
    sweeps = list(product(spec["layers"], spec["kinds"], spec["modes"], range(spec["repeats"])))
    rows = []
    intact: dict[str, Performance] = {}
    for layer, kind, mode, repeat in track(sweeps, f"knock-outs of {network.name}"):
        if layer not in intact:
            intact[layer] = meter.measure(layer)
        sweep = Sweep(
            layer,
            kind,
            mode,
            repeat,
            tuple(spec["proportions"]),
            spec.get("noise", 1.0),
            spec["seed"],
        )
        measure = partial(meter.measure, layer)
        for proportion, measured in run_sweep(network, sweep, measure, intact[layer]):
            about = {"layer": layer, "kind": kind, "mode": mode, "proportion": proportion}
            rows.append(about | {"repeat": repeat} | measured)
    write_parquet(pd.DataFrame(rows), job.path("table"))


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli", "recording"], outputs=["table"])
