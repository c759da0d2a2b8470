"""Finds the layers of an architecture in the user's file, in a process of its own: `python -m ... ANSWER < REQUEST`.

Jobs are planned without torch, which takes seconds to import. The layers are therefore asked for once, and
anatomy.config.given_architectures remembers the answer.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from anatomy.canonical import write_json
from anatomy.errors import InputError
from anatomy.networks.architecture_file import ArchitectureFile
from anatomy.networks.graph import find_layers, trace

IMAGES = 2


def layers_of(
    architecture: ArchitectureFile, outputs: int, input_size: int
) -> list[tuple[str, str]]:
    """(name, kind) of all layers, in network order, of an architecture that is built and shown two images.

    Parameters
    ----------
    outputs : number of output units
    input_size : side of the square input, pixels

    Raises
    ------
    InputError
        naming the file, when it cannot be run, built or traced, has no layers, or does not give one value for each
        image and output unit
    """
    model = architecture.build(outputs)
    try:
        graph = trace(model)
    except Exception as error:
        raise InputError(
            f"{architecture}: torch.fx cannot trace {architecture.name} ({architecture.told(error)}); what it does "
            "must not depend on the values of an image"
        ) from error
    layers = find_layers(graph, {})
    if not layers:
        raise InputError(
            f"{architecture}: {architecture.name} has no layers; layers are torch.nn.Conv2d and torch.nn.Linear"
        )
    _check_output(architecture, graph, outputs, input_size)
    last = layers[-1]
    if last.units != outputs:
        raise InputError(
            f"{architecture}: the last layer of {architecture.name}, {last.name!r}, has {last.units} units, but there "
            f"are {outputs} output units"
        )
    return [(layer.name, layer.kind) for layer in layers]


def _check_output(
    architecture: ArchitectureFile, graph: fx.GraphModule, outputs: int, input_size: int
) -> None:
    try:
        with torch.no_grad():
            output = graph(torch.zeros(IMAGES, 3, input_size, input_size))
    except Exception as error:
        raise InputError(
            f"{architecture}: {architecture.name} cannot be shown colour images of {input_size} x {input_size} pixels "
            f"({architecture.told(error)}); set preprocessing.input_size if it expects others"
        ) from error
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if shape != (IMAGES, outputs):
        raise InputError(
            f"{architecture}: {architecture.name} gives {shape} for {IMAGES} images, not {(IMAGES, outputs)}: one "
            f"value for each image and each of the {outputs} output units"
        )


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The layers of what a request names, or the sentence that says why there are none."""
    architecture = ArchitectureFile(request["name"], request["source"], request["file"])
    try:
        return {"layers": layers_of(architecture, request["outputs"], request["input_size"])}
    except InputError as error:
        return {"problem": str(error)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_json(Path(sys.argv[1]), answer(json.load(sys.stdin)))
