"""How fast weights are scored, and in how much memory: `python benchmarks/scoring.py [--weights FILE]`.

Prints a Markdown table for torchvision's AlexNet. The scores of one category's weights, all layers, are compared with
a plain loop that yields the same numbers: one image at a time through `backward`, w x gradient of every weight (or
its absolute value) added up. The sum over positions of absolute values has no such loop; there each convolution's
products are laid out position by position.

Every measurement has a process of its own, so that its peak memory (the largest resident set) is its own; Python,
its libraries and loading the network are part of it. Times are the fastest of several repeats, after one that does
not count.

Differences are given in float32 and, for the formula alone, in float64. In float32 a batch is rounded otherwise than
its images one by one. Where two positions under a max-pooling agree to seven digits the other one then wins now and
then, which moves a gradient to its neighbour: one such case in 70,000 windows made a difference of 8e-4.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from children import in_own_process, peak_memory
from subject import PREPROCESSING, load_alexnet
from torch import Tensor, nn

from anatomy.device import make_deterministic
from anatomy.networks.network import Network
from anatomy.scores import score_weights

KINDS = ("absolute_per_image", "signed", "absolute_per_position")
OUTPUT, SEED = 7, 0
HEADER = (
    "score",
    "`score_weights` (s)",
    "and all scores written out (s)",
    "plain loop (s)",
    "times faster",
    "largest difference",
    "in float64",
    "peak memory (MB)",
    "of the loop (MB)",
)


@dataclass(frozen=True)
class Case:
    """What is scored; `weights` is a file with a state_dict, or None for random weights."""

    kind: str
    images: int
    threads: int
    repeats: int
    weights: Path | None

    def network(self) -> Network:
        """The network; random weights are those of 1,000 output categories."""
        return load_alexnet(self.weights)

    def input(self, network: Network) -> Tensor:
        """Noise as the network's input."""
        generator = torch.Generator().manual_seed(SEED)
        size = PREPROCESSING.input_size
        shape = (self.images, size, size, 3)
        pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return network.input(pixels.numpy())


def main() -> None:
    """Measure each kind of score and print the table."""
    arguments = _arguments()
    shared = arguments.images, arguments.threads, arguments.repeats, arguments.weights
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    for kind in arguments.kinds:
        case = Case(kind, *shared)
        factors, _ = measured(seconds_of_factors, case)
        library, peak = measured(seconds_of_library, case)
        loop, loop_peak = measured(seconds_of_loop, case)
        single, _ = measured(largest_difference, case)
        double, _ = measured(largest_difference_in_double, case)
        numbers = (
            f"{factors:.2f}",
            f"{library:.2f}",
            f"{loop:.2f}",
            f"{loop / library:.1f}",
            f"{single:.0e}",
            f"{double:.0e}",
            f"{peak:.0f}",
            f"{loop_peak:.0f}",
        )
        print(f"| {kind} | " + " | ".join(numbers) + " |", flush=True)
    _, loaded = measured(load_only, case)
    print(
        f"\nPyTorch {torch.__version__}, {arguments.threads} threads, {arguments.images} images. Times faster: all "
        "scores written out against the loop. Difference: relative to the largest score of the layer, the largest of "
        f"all layers. Peak memory of a process that only loads the network: {loaded:.0f} MB."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed and memory of weight scores on AlexNet.")
    parser.add_argument("--weights", type=Path, help="state_dict of torchvision's AlexNet")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    return parser.parse_args()


def measured(measure: Callable[[Case], float], case: Case) -> tuple[float, float]:
    """What `measure` returns, and the peak memory of its process in MB."""
    return in_own_process(_with_peak, measure, case)


def _with_peak(measure: Callable[[Case], float], case: Case) -> tuple[float, float]:
    make_deterministic(case.threads)
    return measure(case), peak_memory()


def load_only(case: Case) -> float:
    """Load the network and the images."""
    case.input(case.network())
    return 0.0


def seconds_of_factors(case: Case) -> float:
    """Time of the scores as they are kept: linear layers as factors."""
    network = case.network()
    images = case.input(network)
    layers = [layer.name for layer in network.layers]
    return _fastest(lambda: score_weights(network, images, OUTPUT, case.kind, layers), case)


def seconds_of_library(case: Case) -> float:
    """Time of the same with every weight's score written out, one layer at a time."""
    network = case.network()
    images = case.input(network)

    def score() -> None:
        for _ in library_scores(network, images, case.kind):
            pass

    return _fastest(score, case)


def seconds_of_loop(case: Case) -> float:
    """Time of the plain loop."""
    network = case.network()
    images = case.input(network)
    return _fastest(lambda: loop_scores(network, images, case.kind), case)


def _fastest(work: Callable[[], object], case: Case) -> float:
    work()
    seconds = []
    for _ in range(case.repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def largest_difference(case: Case) -> float:
    """Largest difference between the two, relative to the largest score of the layer."""
    network = case.network()
    return _difference(network, case.input(network), case.kind)


def largest_difference_in_double(case: Case) -> float:
    """The same in float64."""
    network = case.network()
    images = case.input(network).double()
    network.graph.double()
    return _difference(network, images, case.kind)


def _difference(network: Network, images: Tensor, kind: str) -> float:
    expected = loop_scores(network, images, kind)
    return max(
        float((scores - expected[name]).abs().max() / expected[name].abs().max())
        for name, scores in library_scores(network, images, kind)
    )


def library_scores(network: Network, images: Tensor, kind: str) -> Iterator[tuple[str, Tensor]]:
    """Layer by layer, the library's scores of all weights."""
    layers = [layer.name for layer in network.layers]
    for name, scores in score_weights(network, images, OUTPUT, kind, layers).items():
        yield name, scores.dense(network.module(name).weight)


def loop_scores(network: Network, images: Tensor, kind: str) -> dict[str, Tensor]:
    """The same, one image at a time."""
    modules = {layer.name: network.module(layer.name) for layer in network.layers}
    for module in modules.values():
        module.weight.requires_grad_(True)
    totals = {name: torch.zeros_like(m.weight) for name, m in modules.items()}
    for image in images:
        one_image = _by_position if kind == "absolute_per_position" else _by_gradient
        for name, contribution in one_image(network, modules, image[None]):
            totals[name] += contribution if kind == "signed" else contribution.abs()
    for module in modules.values():
        module.weight.requires_grad_(False)
    return {name: total.div_(len(images)).detach() for name, total in totals.items()}


def _by_gradient(
    network: Network, modules: dict[str, nn.Module], image: Tensor
) -> Iterator[tuple[str, Tensor]]:
    """w x gradient of one image (1, channel, y, x)."""
    network.graph(image)[0, OUTPUT].backward()
    for name, module in modules.items():
        yield name, (module.weight * module.weight.grad).detach()
        module.weight.grad = None


def _by_position(
    network: Network, modules: dict[str, nn.Module], image: Tensor
) -> Iterator[tuple[str, Tensor]]:
    """|w| x sum over positions of |input x gradient|; for convolutions of one group, as AlexNet's are."""
    passed: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = []
    for name, module in modules.items():

        def keep(_module: nn.Module, inputs: tuple[Tensor], output: Tensor, name=name) -> None:
            output.retain_grad()
            passed[name] = inputs[0].detach(), output

        hooks.append(module.register_forward_hook(keep))
    network.graph(image)[0, OUTPUT].backward()
    for hook in hooks:
        hook.remove()
    for name, module in modules.items():
        seen, output = passed[name]
        gradient = output.grad.abs()
        if isinstance(module, nn.Conv2d):
            patches = nn.functional.unfold(
                seen.abs(), module.kernel_size, module.dilation, module.padding, module.stride
            )
            products = gradient[0].flatten(1) @ patches[0].T
        else:
            products = gradient.T @ seen.abs()
        yield name, module.weight.detach() * products.view_as(module.weight)
        module.weight.grad = None


if __name__ == "__main__":
    main()
