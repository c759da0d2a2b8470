"""Time of many lesions of neurons in one pass over the images, beside a whole pass through the network for each.

    PYTHONPATH=workflow python benchmarks/cluster_lesions.py [--threads 2] [--images 100] [--lesions 3]

AlexNet with random weights; lesions of a fifth of the neurons of all layers, and of single layers. In one pass, what
lies before the first lesioned layer is computed once for all lesions. The plain way shows all images to a network with
hooks that lesion it, once for each lesion. Both give the same logits.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from subject import response_path
from torch import Tensor

from anatomy.networks.architectures import LITERATURE_NAMES
from anatomy.networks.cut import prefix
from anatomy.networks.graph import find_layers, trace
from anatomy.networks.network import Network, new_model
from anatomy.networks.preprocessing import Preprocessing
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons

BATCH, SHARE = 50, 0.2


def main() -> None:
    """Print a row for lesions in all layers and in each layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--lesions", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = alexnet()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(arguments.images, 3, 224, 224, generator=generator)
    batches = images.contiguous(memory_format=torch.channels_last).split(BATCH)
    layers = [layer.name for layer in network.layers[:-1]]
    values = prefix(network.graph, [network.response(layer) for layer in layers])(batches[0][:1])
    neurons = Neurons({name: tuple(v.shape[1:]) for name, v in zip(layers, values, strict=True)})
    engine = NeuronLesions(network, neurons)
    print("lesioned in   one pass   plain   ratio   images x lesions per second")
    total = [0.0, 0.0]
    for name in ["all layers", *layers]:
        chosen = layers if name == "all layers" else [name]
        lesions = [drawn(neurons, chosen, seed) for seed in range(arguments.lesions)]
        shared, plain = (
            seconds(lambda way=way, own=lesions: way(network, engine, batches, own))
            for way in (in_one_pass, one_by_one)
        )
        if name != "all layers":
            total = [total[0] + shared, total[1] + plain]
        rate = arguments.images * len(lesions) / shared
        print(f"{name:12s} {shared:8.2f} s {plain:6.2f} s {plain / shared:6.2f} {rate:8.0f}")
    print(f"single layers together: {total[1] / total[0]:.2f}")


def alexnet() -> Network:
    """AlexNet with random weights."""
    graph = trace(new_model("alexnet", 20, seed=0)).requires_grad_(False)
    preprocessing = Preprocessing(input_size=224, mean=(0.5,) * 3, std=(0.2,) * 3)
    layers = find_layers(graph, LITERATURE_NAMES["alexnet"])
    categories = tuple(f"c{n}" for n in range(20))
    return Network("alexnet", graph, layers, preprocessing, categories, "", torch.device("cpu"))


def drawn(neurons: Neurons, layers: list[str], seed: int) -> np.ndarray:
    """A random lesion of some layers."""
    lesion = np.random.default_rng(seed).random(neurons.count) < SHARE
    for layer, place in neurons.places.items():
        if layer not in layers:
            lesion[place] = False
    return lesion


def in_one_pass(
    _network: Network, engine: NeuronLesions, batches: tuple[Tensor, ...], lesions: list[np.ndarray]
) -> Tensor:
    """Logits of all lesions, batch by batch."""
    with torch.inference_mode():
        return torch.stack([torch.stack(list(engine.logits(batch, lesions))) for batch in batches])


def one_by_one(
    network: Network, engine: NeuronLesions, batches: tuple[Tensor, ...], lesions: list[np.ndarray]
) -> Tensor:
    """The same, lesion by lesion through the whole network."""
    with torch.inference_mode():
        found = []
        for lesion in lesions:
            with hooked(network, engine.neurons, lesion):
                found.append(torch.stack([network.graph(batch) for batch in batches]))
        return torch.stack(found, dim=1)


@contextmanager
def hooked(network: Network, neurons: Neurons, lesion: np.ndarray) -> Iterator[None]:
    """The network with a lesion behind its non-linearities."""
    handles = []
    for layer, place in neurons.places.items():
        gone = lesion[place]
        if gone.any():
            kept = torch.from_numpy((~gone).astype(np.float32)).reshape(neurons.shapes[layer])
            if kept.ndim == 3:
                kept = kept[None].contiguous(memory_format=torch.channels_last)
            module = network.graph.get_submodule(response_path(network, layer))
            handles.append(module.register_forward_hook(lambda *a, kept=kept: a[2] * kept))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def seconds(work: Callable[[], Tensor]) -> float:
    """Wall-clock time of the faster of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
