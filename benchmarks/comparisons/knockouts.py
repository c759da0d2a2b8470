"""Knock-outs beside a plain script, as there is no package for them.

The script sets weights to zero, the same ones, and shows all images to the whole network for every proportion of every
layer. The project records once what each layer reads, shows only what lies behind the layer, touches only weights that
are new at a proportion, and measures the intact and the wholly silenced network once.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from children import Work, measure
from numpy.typing import NDArray
from ratio_table import Row
from subject import SPLIT, Subject, batches

from anatomy.knockouts import Sweep, generator, run_sweep
from anatomy.masks import removed_count
from anatomy.meter import Meter
from anatomy.networks.network import Network
from anatomy.recording import Recording, arrays_to_record, record
from anatomy.stimuli.stimulus_set import StimulusSet

IMAGES, BATCH = 100, 50
KINDS = "synapse", "node"
PROPORTIONS = tuple(round(0.1 * step, 1) for step in range(11))
FEW, FEW_LAYERS = (0.0, 0.5, 1.0), ["conv4", "conv5"]
STORE = "recording.zarr", "recording.json"


def rows(subject: Subject) -> Iterator[Row]:
    """One row: all layers, weights and units, one draw."""
    proportions = len(proportions_of(subject))
    own, other = measure(ours, subject), measure(plain, subject)
    yield Row(
        f"knock-outs of {subject.of(2, 8)} layers, synapses and nodes, {proportions} proportions, "
        f"{images_of(subject)} images, with the recording",
        "plain: weights to zero, all images through the whole network",
        own,
        other,
        f"{np.abs(own.answer - other.answer).max():.0%} of images"
        if (own.answer != other.answer).any()
        else "0",
    )


def images_of(subject: Subject) -> int:
    """How many images are shown."""
    return subject.of(4, IMAGES)


def proportions_of(subject: Subject) -> tuple[float, ...]:
    """Which proportions of a layer are knocked out."""
    return FEW if subject.quick else PROPORTIONS


def layers_of(subject: Subject, network: Network) -> list[str]:
    """Which layers are knocked out."""
    names = [layer.name for layer in network.layers]
    return FEW_LAYERS if subject.quick else names


def sweeps(subject: Subject, network: Network) -> list[Sweep]:
    """One draw for each layer and kind."""
    layers = layers_of(subject, network)
    proportions = proportions_of(subject)
    return [Sweep(layer, kind, "zero", 0, proportions) for layer, kind in product(layers, KINDS)]


def ours(subject: Subject) -> Work:
    """Record and knock out: top-1 (sweep and proportion,)."""
    network, stimuli = _ready(subject)
    layers = layers_of(subject, network)
    arrays = arrays_to_record(network, {SPLIT: [[layer] for layer in layers]}, [], "float32")

    def work(folder: Path) -> NDArray[np.float64]:
        places = [folder / name for name in STORE]
        record(network, stimuli, arrays, BATCH, *places)
        recording = Recording(*places, network, stimuli)
        meter, known = Meter(network, stimuli, recording, None, BATCH), {}
        return np.array(
            [
                measured.performance["top1"]
                for sweep in sweeps(subject, network)
                for _, measured in run_sweep(
                    network, sweep, partial(meter.measure, sweep.layer), known
                )
            ]
        )

    return work


def plain(subject: Subject) -> Work:
    """The same, plainly."""
    network, stimuli = _ready(subject)
    shown = stimuli.rows(SPLIT)
    right = torch.from_numpy(stimuli.outputs(shown, network.categories))

    def work(_folder: Path) -> NDArray[np.float64]:
        images = batches(network, stimuli.images(shown), BATCH)
        found = []
        for sweep in sweeps(subject, network):
            module = network.module(sweep.layer)
            weight, bias = module.weight.data, module.bias.data
            size = weight.numel() if sweep.kind == "synapse" else len(weight)
            order = torch.from_numpy(generator(network.name, sweep).permutation(size))
            for proportion in sweep.proportions:
                gone = order[: removed_count(proportion, size)]
                module.weight.data, module.bias.data = weight.clone(), bias.clone()
                if sweep.kind == "synapse":
                    module.weight.data.view(-1)[gone] = 0
                else:
                    module.weight.data[gone] = 0
                    module.bias.data[gone] = 0
                with torch.inference_mode():
                    logits = torch.cat([network.graph(batch) for batch in images])
                found.append(_top1(logits, right))
            module.weight.data, module.bias.data = weight, bias
        return np.array(found)

    return work


def _ready(subject: Subject) -> tuple[Network, StimulusSet]:
    """The network, and pictures whose category is what the intact network takes them for.

    So that there is something to lose whatever the weights.
    """
    torch.set_num_threads(subject.threads)
    network, stimuli = subject.network(), subject.first(images_of(subject))
    with torch.inference_mode():
        shown = batches(network, stimuli.images(stimuli.rows(SPLIT)), BATCH)
        strongest = torch.cat([network.graph(batch) for batch in shown]).argmax(1).tolist()
    categories = [network.categories[output] for output in strongest]
    table = stimuli.table.assign(category=categories, super_category="all")
    return network, replace(stimuli, table=table)


def _top1(logits: torch.Tensor, right: torch.Tensor) -> float:
    """Share of images whose right output is stronger than all others; a tie is no recognition."""
    own = logits.gather(1, right[:, None])
    return float(((logits >= own).sum(1) == 1).double().mean())
