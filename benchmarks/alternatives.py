"""What was tried to make extraction faster and left out: `python benchmarks/alternatives.py FOLDER [--network NAME]`.

FOLDER holds the results of a finished run, as for extraction.py. For the first category of the first shard prints how
long the convolution stage takes in bfloat16 and how often it then decides otherwise, how much of the first layer is the
same at neighbouring points of the grid, and how a sparse product compares with the gathered dense one.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from extraction import arguments, open_results
from torch import Tensor

from anatomy.circuits import stage_rankings
from anatomy.masked_layers import MaskedLayer
from anatomy.masks import LayerwiseRanking, Ranking
from anatomy.networks.network import Network
from anatomy.output_units import CONVOLUTION, EXTRACTION, OutputUnits

BATCH = 50
DENSITIES = (0.2, 0.05, 0.01)


def main() -> None:
    """Print three short tables."""
    options = arguments()
    os.chdir(options.folder)
    spec, units, scores = open_results(options.network)
    category = spec["categories"][0]
    output = units.network.output(category)
    own = scores.read(category, units.network)
    rankings = stage_rankings(
        units.network, output, own, units.fully_connected, spec["normalisation"], spec["scope"]
    )
    grid = spec["removed_fractions"]
    _half_precision(units, output, rankings[CONVOLUTION], grid)
    _unchanged(units.network, rankings[CONVOLUTION], grid)
    _sparse(units, units.fully_connected[0])


def _half_precision(
    units: OutputUnits, output: int, ranking: Ranking | LayerwiseRanking, grid: list[float]
) -> None:
    task = units.task(output, EXTRACTION)
    images = units.network.input(units.stimuli.images(units.stimuli.rows(EXTRACTION)))
    unlike, errors, seconds = 0, [], {torch.float32: 0.0, torch.bfloat16: 0.0}
    for fraction in grid:
        found = {}
        for dtype in seconds:
            run = _masked_network(units.network, ranking.mask_at(fraction), dtype)
            start = time.perf_counter()
            logits = [run(part.to(dtype))[:, output].float() for part in images.split(BATCH)]
            seconds[dtype] += time.perf_counter() - start
            found[dtype] = torch.cat(logits).numpy().astype(np.float64)
        exact, rounded = found.values()
        errors.append(np.abs(exact - rounded).max() / exact.std())
        unlike += task.fit(exact).csa != task.fit(rounded).csa
    exact, rounded = seconds.values()
    print("| bfloat16 in the convolution stage | |\n|---|---|")
    print(f"| time, of float32 | {rounded / exact:.2f} |")
    print(f"| largest error of the logit, in standard deviations over images | {max(errors):.3f} |")
    print(f"| points of the grid whose CSA differs | {unlike} of {len(grid)} |\n")


def _masked_network(
    network: Network, masks: Mapping[str, Tensor], dtype: torch.dtype
) -> Callable[[Tensor], Tensor]:
    """The whole network in a precision, under masks; it shares nothing with the network itself."""
    state = {k: v.to(dtype, copy=True) for k, v in network.graph.state_dict().items()}
    for name, mask in masks.items():
        state[f"{network.layer(name).path}.weight"] *= mask

    def run(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.func.functional_call(network.graph, state, (images,))

    return run


def _unchanged(network: Network, ranking: Ranking | LayerwiseRanking, grid: list[float]) -> None:
    """Units of the first layer that need not be computed again from one point to the next."""
    first = network.layers[0].name
    shares = []
    for one, other in pairwise(grid):
        masks = [ranking.mask_at(fraction)[first].flatten(1) for fraction in (one, other)]
        shares.append(f"{(masks[0] == masks[1]).all(1).float().mean():.2f}")
    print(
        f"units of {first} with the same mask at the next point of the grid: {' '.join(shares)}\n"
    )


def _sparse(units: OutputUnits, layer: str) -> None:
    module = units.network.module(layer)
    inputs = torch.rand(len(units.stimuli.rows(EXTRACTION)), module.weight.shape[1])
    print("| density | whole product (ms) | gathered (ms) | sparse (ms) |\n|---|---|---|---|")
    for density in DENSITIES:
        # as in circuits: the kept weights lie in few units
        random = torch.Generator().manual_seed(0)
        mask = torch.rand(module.weight.shape, generator=random) < 2.5 * density
        mask[int(0.4 * len(mask)) :] = False
        whole = (module.weight * mask).detach()
        products = (
            partial(torch.mm, inputs, whole.T),
            partial(MaskedLayer(module, mask), inputs),
            partial(torch.mm, whole.to_sparse_csr(), inputs.T.contiguous()),
        )
        with torch.inference_mode():
            times = [f"{_milliseconds(work):.0f}" for work in products]
        print(f"| {density} | {' | '.join(times)} |")


def _milliseconds(work: Callable[[], object], repeats: int = 3) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds)


if __name__ == "__main__":
    main()
