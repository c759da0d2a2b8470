"""Extraction of circuits against the plain procedure, on the results of a finished run.

    python benchmarks/extraction.py FOLDER [--network NAME] [--categories 3]

FOLDER holds a results folder with recordings and scores (tests/real/run.py makes one from real photographs). The plain
procedure masks the weights and shows all extraction images to the whole network, for every fraction of both grids; the
masks, the search for the best bias and the table are the same. Prints Markdown tables for docs/performance.md.
"""

import argparse
import copy
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine_limits import operation_rates
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from anatomy.canonical import read_json
from anatomy.circuits import Extraction, Settings, extract
from anatomy.layer_scores import LayerScores
from anatomy.networks.network import Network
from anatomy.output_units import (
    CONVOLUTION,
    EXTRACTION,
    FULLY_CONNECTED,
    OutputUnits,
    Stage,
)
from anatomy.recording import provenance
from anatomy.score_files import ScoreFile
from anatomy.steps.opening import open_output_units
from anatomy.steps.step import Job

SETTINGS = tuple(field.name for field in fields(Settings))
PLAIN_BATCH = 50


class Plain:
    """The target logit under masks from a network whose weights are zeroed, all images through all layers."""

    def __init__(self, network: Network, output: int, images: Tensor) -> None:
        self._network, self._output, self._images = network, output, images
        self._fixed: Mapping[str, Tensor] = {}

    def with_fixed(self, masks: Mapping[str, Tensor]) -> "Plain":
        """The same with some masks applied always."""
        fixed = copy.copy(self)
        fixed._fixed = masks
        return fixed

    def __call__(self, masks: Mapping[str, Tensor]) -> NDArray[np.float64]:
        """Logit (image,)."""
        with torch.inference_mode(), self._zeroed({**self._fixed, **masks}):
            batches = self._images.split(PLAIN_BATCH)
            logits = [self._network.graph(batch)[:, self._output] for batch in batches]
        return torch.cat(logits).numpy().astype(np.float64)

    @contextmanager
    def _zeroed(self, masks: Mapping[str, Tensor]) -> Iterator[None]:
        modules = {name: self._network.module(name) for name in masks}
        whole = {name: module.weight.data for name, module in modules.items()}
        for name, module in modules.items():
            weight = whole[name].clone()
            if name == self._network.output_layer.name:
                weight[self._output] *= masks[name][0]
            else:
                weight *= masks[name]
            module.weight.data = weight
        try:
            yield
        finally:
            for name, module in modules.items():
                module.weight.data = whole[name]


@dataclass
class Timed:
    """An extraction, its duration in seconds and its floating-point operations (NaN where they were not counted)."""

    found: Extraction
    seconds: float
    operations: float


def main() -> None:
    """Time the plain procedure and the library's, complete and deciding, category by category."""
    options = arguments()
    os.chdir(options.folder)
    spec, units, scores = open_results(options.network)
    settings = Settings(**{key: spec[key] for key in SETTINGS})
    settings = replace(settings, thresholds=tuple(settings.thresholds[:1]), sweep="complete")
    images = _images(units)
    timed: dict[str, list[Timed]] = {"plain": [], "complete": [], "deciding": []}
    for category in spec["categories"][: options.categories]:
        own = scores.read(category, units.network)
        output = units.network.output(category)
        plain = dict.fromkeys((FULLY_CONNECTED, CONVOLUTION), Plain(units.network, output, images))
        ours = {
            stage: units.target_logit(output, stage, EXTRACTION)
            for stage in (FULLY_CONNECTED, CONVOLUTION)
        }
        deciding = replace(settings, sweep="deciding")
        for name, targets, how in (
            ("plain", plain, settings),
            ("complete", ours, settings),
            ("deciding", ours, deciding),
        ):
            first = not timed[name]
            timed[name].append(_timed(units, output, own, targets, how, first))
        _compare(category, *(results[-1].found for results in timed.values()))
    _report(timed, len(images))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="folder that holds results/")
    parser.add_argument("--network", default=None, help="the first that has circuits when absent")
    parser.add_argument("--categories", type=int, default=3, help="how many of the first shard")
    return parser.parse_args()


def open_results(network: str | None) -> tuple[dict[str, Any], OutputUnits, ScoreFile]:
    """Settings of a finished run's first shard of circuits, its output units, its scores."""
    specs = sorted(Path("results/specs/circuits").glob(f"{network or '*'}/*.json"))
    spec = read_json(specs[0])
    name = spec["network"]
    shown = sorted(Path(f"results/specs/record/{name}").glob("*.json"))
    stimuli = read_json(shown[0])["stimuli"]
    paths = {
        "network": [Path(f"results/{name}/network/network.json")],
        "stimuli": [Path(f"results/stimuli/{stimuli}.json")],
        "recording": [Path(f"results/{name}/recordings/{stimuli}.json")],
    }
    units = open_output_units(Job(spec, 0, paths))
    manifest = Path(f"results/{name}/circuits/scores/{specs[0].stem}.json")
    origin = provenance(units.network, units.stimuli) | {"score": spec["score"]}
    return spec, units, ScoreFile(manifest.with_suffix(".zarr"), manifest, origin)


def _images(units: OutputUnits) -> Tensor:
    """Network input of all extraction images, in the memory order that a plain script would use."""
    stored = units.stimuli.images(units.stimuli.rows(EXTRACTION))
    return units.network.input(stored).contiguous()


def _timed(
    units: OutputUnits,
    output: int,
    scores: Mapping[str, LayerScores],
    targets: Mapping[Stage, Any],
    settings: Settings,
    count: bool,
) -> Timed:
    def run() -> Extraction:
        task = units.task(output, EXTRACTION)
        linear = units.fully_connected
        found = extract(units.network, output, scores, linear, targets, task, settings)
        assert found is not None, "choose categories that have a circuit"
        return found

    start = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - start
    if not count:
        return Timed(found, seconds, np.nan)
    with FlopCounterMode(display=False) as counter:
        run()
    return Timed(found, seconds, counter.get_total_flops())


def _compare(category: str, plain: Extraction, complete: Extraction, deciding: Extraction) -> None:
    """Say so if masks or tables differ anywhere."""
    (a,), (b,), (c,) = plain.circuits, complete.circuits, deciding.circuits
    same = all(
        torch.equal(a.masks[k], b.masks[k]) and torch.equal(a.masks[k], c.masks[k]) for k in a.masks
    )
    pairs = zip(plain.points[a.threshold], complete.points[b.threshold], strict=True)
    rows = [
        (one.csa == other.csa, one.kept_fraction == other.kept_fraction, abs(one.bias - other.bias))
        for one, other in pairs
    ]
    print(
        f"{category}: masks {'equal' if same else 'DIFFER'}; of {len(rows)} points CSA equal in "
        f"{sum(r[0] for r in rows)}, kept fraction in {sum(r[1] for r in rows)}, biases within "
        f"{max(r[2] for r in rows):.1e}"
    )


def _report(timed: Mapping[str, list[Timed]], images: int) -> None:
    linear, window = operation_rates()
    print(
        f"\n{images} images, {torch.get_num_threads()} threads; the machine: matrix product {linear:.0f} GFLOP/s, "
        f"3 x 3 convolution {window:.0f} GFLOP/s\n"
    )
    print(
        "| procedure | seconds per category | times faster | points | GFLOP | GFLOP/s | of them |"
    )
    print("|---|---|---|---|---|---|---|")
    plain = np.mean([one.seconds for one in timed["plain"]])
    for name, own in timed.items():
        seconds = np.mean([one.seconds for one in own])
        points = np.mean([sum(len(p) for p in one.found.points.values()) for one in own])
        operations = own[0].operations / 1e9
        rate = operations / own[0].seconds
        print(
            f"| {name} | {seconds:.1f} | {plain / seconds:.1f} | {points:.0f} | {operations:.0f} | {rate:.0f} "
            f"| {rate / linear:.0%} of a matrix product's, {rate / window:.0%} of a convolution's |"
        )


if __name__ == "__main__":
    main()
