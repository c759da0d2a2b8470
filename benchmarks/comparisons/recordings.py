"""Recorded responses beside forward hooks that write into np.memmap, and beside thingsvision.

The same layers, the same pictures, the same network and input. The project's store is compressed and has a checksum for
each chunk, can be gone on with after a kill, and holds units in chunks of their own; by default it is float16. A
memory-mapped array is none of that; thingsvision writes a NumPy file for each batch and layer.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from children import Work, in_own_process, measure
from numpy.typing import NDArray
from ratio_table import Row
from subject import SPLIT, Subject, batches, hidden_layers, response_path
from torch import Tensor

from anatomy.networks.cut import prefix
from anatomy.networks.network import Network
from anatomy.recording import RESPONSES, Recording, arrays_to_record, record

IMAGES, BATCH = 200, 50
STORE = "responses.zarr", "responses.json"
PRECISIONS = "float16", "float32"
# values that are compared: every so many of each layer's, of all images
STRIDE = 97
PACKAGE = "thingsvision"

Sample = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True)
class Case:
    """A recording of the project in one precision."""

    subject: Subject
    dtype: str


def rows(subject: Subject) -> Iterator[Row | str]:
    """Two rows for each of the others, in float16 and float32; a sentence where thingsvision is not installed."""
    ours = {dtype: measure(recorded, Case(subject, dtype)) for dtype in PRECISIONS}
    others = {"forward hooks and np.memmap, float32": measure(mapped, subject)}
    if not importable():
        yield f"{PACKAGE} is left out: it cannot be imported (docs/performance.md says how to install it)."
    else:
        others[f"{PACKAGE}, float32"] = measure(extracted, subject)
    for name, other in others.items():
        for dtype, own in ours.items():
            step = f"responses of 7 layers to {images_of(subject)} images, {dtype}"
            yield Row(step, name, own, other, _difference(own.answer, other.answer))


def importable() -> bool:
    """Whether thingsvision can be imported; beside some versions of its libraries it takes the process with it."""
    try:
        return in_own_process(_has_extractor)
    except (ImportError, AttributeError, BrokenProcessPool):
        return False


def _has_extractor() -> bool:
    """Whether the function is there, which itself cannot be handed to a process that lacks the package."""
    return callable(_extractor_maker())


def _extractor_maker() -> Callable[..., Any]:
    """thingsvision's function that makes an extractor."""
    with contextlib.suppress(ImportError):  # not after TensorFlow, which thingsvision imports
        import triton  # noqa: F401
    # NumPy 2 has it under another name, which thingsvision 2.7 does not know
    np.AxisError = np.exceptions.AxisError  # noqa: NPY201
    from thingsvision import get_extractor_from_model

    return get_extractor_from_model


def images_of(subject: Subject) -> int:
    """How many images are shown."""
    return subject.of(8, IMAGES)


def recorded(case: Case) -> Work:
    """The project's recording."""
    network = _network(case.subject)
    stimuli, layers = case.subject.first(images_of(case.subject)), hidden_layers(network)
    arrays = [
        array
        for array in arrays_to_record(network, {SPLIT: []}, layers, case.dtype)
        if array.name.startswith(RESPONSES)
    ]

    def work(folder: Path) -> Sample:
        places = [folder / name for name in STORE]
        record(network, stimuli, arrays, BATCH, *places)
        made = Recording(*places, network, stimuli)
        return {layer: _sample(made.response(SPLIT, layer)) for layer in layers}

    return work


def mapped(subject: Subject) -> Work:
    """Hooks that copy each response into a memory-mapped array."""
    network = _network(subject)
    layers, count = hidden_layers(network), images_of(subject)
    shapes = _shapes(network, subject.stored(1))

    def work(folder: Path) -> Sample:
        arrays, place = {}, slice(0, 0)
        hooks = []
        for layer in layers:
            shape = (count, *shapes[layer])
            arrays[layer] = np.memmap(folder / f"{layer}.dat", np.float32, "w+", shape=shape)
            module = network.graph.get_submodule(response_path(network, layer))

            def keep(
                _module: Any, _inputs: Any, output: Tensor, array: np.memmap = arrays[layer]
            ) -> None:
                array[place] = output.numpy()

            hooks.append(module.register_forward_hook(keep))
        with torch.inference_mode():
            for start in range(0, count, BATCH):
                place = slice(start, min(start + BATCH, count))
                network.graph(network.input(subject.stimuli().images(place)))
        for hook in hooks:
            hook.remove()
        for array in arrays.values():
            array.flush()
        return {layer: _sample(array) for layer, array in arrays.items()}

    return work


def extracted(subject: Subject) -> Work:
    """thingsvision's files, a batch at a time, as it does where all of them do not fit into memory."""
    network = _network(subject)
    paths = {layer: response_path(network, layer) for layer in hidden_layers(network)}
    stored = subject.stored(images_of(subject))
    extractor = _extractor_maker()(network.graph, device="cpu", backend="pt")

    def work(folder: Path) -> Sample:
        with contextlib.redirect_stdout(io.StringIO()):
            extractor.extract_features(
                batches(network, stored, BATCH),
                module_names=list(paths.values()),
                output_dir=str(folder),
                step_size=1,
            )
        return {layer: _joined(folder / path) for layer, path in paths.items()}

    return work


def _network(subject: Subject) -> Network:
    torch.set_num_threads(subject.threads)
    return subject.network()


def _shapes(network: Network, stored: NDArray[np.uint8]) -> dict[str, tuple[int, ...]]:
    layers = hidden_layers(network)
    part = prefix(network.graph, [network.response(layer) for layer in layers])
    with torch.inference_mode():
        values = part(network.input(stored))
    return {name: tuple(value.shape[1:]) for name, value in zip(layers, values, strict=True)}


def _joined(folder: Path) -> NDArray[np.floating]:
    """A sample of what thingsvision wrote for a layer, in the order of the images."""
    files = sorted(folder.glob("*.npy"), key=_last_image)
    return np.concatenate([_sample(np.load(file, mmap_mode="r")) for file in files])


def _last_image(file: Path) -> int:
    """From a name such as features_0-50.npy; the last image is right for every layer, the first is not."""
    return int(file.stem.rsplit("-", 1)[1])


def _sample(responses: Any) -> NDArray[np.floating]:
    """Some of a layer's responses to each image (image, neuron), read again from where they are stored."""
    units = responses[:]
    return units.reshape(len(units), -1)[:, ::STRIDE].copy()


def _difference(ours: Sample, theirs: Sample) -> str:
    """The largest of all layers, relative to the layer's largest response."""
    largest = max(
        np.abs(own.astype(np.float64) - theirs[layer]).max() / np.abs(theirs[layer]).max()
        for layer, own in ours.items()
    )
    return f"{largest:.0e}" if largest else "0"
