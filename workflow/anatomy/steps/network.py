"""Step: one network, trained, untrained or with weights from a file, written with its description."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor, nn

from anatomy.device import choose_device, make_deterministic
from anatomy.file_digests import check_same
from anatomy.networks.architecture_file import ArchitectureFile
from anatomy.networks.architectures import build
from anatomy.networks.network import new_model, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.networks.weights import load_weights, read_weights
from anatomy.steps.opening import open_stimuli
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.tables import write_csv
from anatomy.training import Epoch, LabelledImages, Settings, train

log = logging.getLogger(__name__)


def main(job: Job) -> None:
    """Make the network and write it into the folder of its description."""
    spec = job.spec
    architecture = _architecture(spec)
    preprocessing = Preprocessing.model_validate(spec["preprocessing"])
    if spec["weights"] == "trained":
        model = _trained(job, architecture, preprocessing)
    elif spec["weights"] == "untrained":
        model = new_model(architecture, len(spec["categories"]), spec["seed"])
    else:
        model = build(architecture, len(spec["categories"]))
        state = _from_file(job.path("weights"), spec.get("weights_digest"))
        load_weights(model, state, f"weights {spec['weights']}")
    folder = job.path("description").parent
    save_network(folder, architecture, model, preprocessing, spec["categories"])


def _architecture(spec: Mapping[str, Any]) -> str | ArchitectureFile:
    """Named, or with the text of the user's file as it was when the job was planned."""
    name, source = spec["architecture"], spec.get("source")
    return name if source is None else ArchitectureFile(name, source)


def _trained(
    job: Job, architecture: str | ArchitectureFile, preprocessing: Preprocessing
) -> nn.Module:
    make_deterministic(job.spec["threads"])
    categories = job.spec["categories"]
    stimuli = open_stimuli(job.path("stimuli"))
    settings = {k: v for k, v in job.spec["training"].items() if k != "stimuli"}
    epochs: list[Epoch] = []

    def report(epoch: Epoch) -> None:
        log.info(
            "epoch %d: loss %.3f, accuracy on training images %.3f, on held-out images %.3f",
            *vars(epoch).values(),
        )
        epochs.append(epoch)

    model = train(
        architecture,
        len(categories),
        preprocessing,
        _labelled(stimuli, "training", categories),
        _labelled(stimuli, "evaluation", categories),
        Settings(**settings),
        choose_device(job.gpus),
        report,
    )
    table = pd.DataFrame([vars(epoch) for epoch in epochs])
    write_csv(table, job.path("description").with_name("training.csv"))
    return model.cpu()


def _labelled(stimuli: StimulusSet, split: str, categories: list[str]) -> LabelledImages:
    rows = stimuli.rows(split)
    return LabelledImages(stimuli.images(rows), stimuli.outputs(rows, categories))


def _from_file(path: Path, planned: str | None) -> dict[str, Tensor]:
    state = read_weights(path)
    check_same(path, planned)
    return state


if __name__ == "__main__":
    run_step(main, inputs=["stimuli", "weights"], outputs=["description"])
