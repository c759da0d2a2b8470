"""Step: knock-out sweeps of some layers."""

from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch

from anatomy.knockouts import Sweep, run_sweep
from anatomy.networks.network import Network
from anatomy.performance import Performance, performance
from anatomy.progress import track
from anatomy.recording import Recording
from anatomy.steps.opening import open_network, open_recording, open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.tables import write_parquet

SPLIT = "evaluation"


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


class Meter:
    """Measures a lesioned network; only what lies behind the lesioned layer is computed."""

    def __init__(
        self,
        network: Network,
        stimuli: StimulusSet,
        recording: Recording,
        images_per_category: int | None,
        batch_size: int,
    ) -> None:
        table = stimuli.table.iloc[stimuli.rows(SPLIT)].reset_index(drop=True)
        if images_per_category is not None:
            table = table.groupby("category", sort=False).head(images_per_category)
        self._images = table.index.to_numpy()
        self._outputs = table["category"].map(network.output).to_numpy(dtype=np.int64)
        self._super_categories = table["super_category"].tolist()
        self._network = network
        self._recording = recording
        self._batch_size = batch_size
        self._layer: str | None = None

    def measure(self, layer: str) -> Performance:
        """Performance of the network as it is now, with nothing changed before `layer`."""
        if layer != self._layer:
            self._suffix = self._network.suffix([layer])
            self._batches = self._recording.batches(
                SPLIT, self._suffix.boundary, self._batch_size, self._images
            )
            self._layer = layer
        with torch.inference_mode():
            logits = torch.cat([self._suffix(values) for values in self._batches]).cpu().numpy()
        return performance(logits, self._outputs, self._super_categories)


if __name__ == "__main__":
    run_step(main, inputs=["network", "stimuli", "recording"], outputs=["table"])
