"""How cost grows with images, categories, lesions, units and networks: `python benchmarks/growth.py [--threads 2] ...`.

    python benchmarks/growth.py [--weights FILE] [--quick] [--gpu-teraflops 19.5] [--utilisation 0.3] [--gpus 16]

Runs each expensive step at three sizes, each twice as large as the one before, and prints Markdown tables for
docs/performance.md: the slope on log-log axes (1: in proportion) and the time of one more item, from the two largest
sizes; and a projection to 1,000 categories and 50,000 images.

The projection takes the slope, or a straight line if that says more, for the time on this machine. For a GPU it takes
the step's floating-point operations, counted, and assumes a rate: the peak that the manufacturer states for float32
without tensor cores (19.5 TFLOP/s is an A100's), times a share of it that is put to use (a guess). Reading and writing
are not in it, nor are steps that no GPU does. A cluster of so many GPUs divides the hours, as jobs do not wait for each
other.
"""

import argparse
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dissection import LAYER, QUANTILE, draw, show
from ratio_table import line, number
from subject import (
    PREPROCESSING,
    SPLIT,
    TARGET,
    Subject,
    hidden_layers,
    load_alexnet,
    write_pictures,
)
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from anatomy.cluster_reduction import reduce_points
from anatomy.config.methods import Circuits
from anatomy.config.validation import validate
from anatomy.dissection.dissection import Counter, find_thresholds
from anatomy.dissection.responses import Maps
from anatomy.dissection.top_images import TopImages
from anatomy.knockouts import Sweep, run_sweep
from anatomy.masks import Ranking
from anatomy.meter import Meter
from anatomy.networks.cut import prefix
from anatomy.networks.graph import find_layers, trace
from anatomy.networks.network import Network
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons
from anatomy.plan import make_plan
from anatomy.recording import Recording, arrays_to_record, record
from anatomy.scores import score_weights
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images
from anatomy.target_logit import TargetLogit

DOUBLINGS, REPEATS = 3, 2
BATCH, SCORING_IMAGES, EXTRACTED, POINT_DIMENSIONS, TOP = 50, 4, 20, 100, 10
FRACTIONS = (0.5, 0.9)
SHARE_LESIONED = 0.2
STORE = "recording.zarr", "recording.json"
CATEGORIES, IMAGES = 1000, 50_000
NEURONS = 658_272
CHANNELS, HIDDEN = (64, 192, 384, 256, 256), 4096
HOUR, TERA = 3600, 1e12

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Growing:
    """A step whose size can be chosen.

    Attributes
    ----------
    name, item : what is done, and of what there may be more
    smallest : size that is doubled twice
    prepare : from a size to the work, which is timed
    target : size that is projected to; None where there is none
    times : how many times the step is done then, each at that size
    arithmetic : whether a GPU could do it
    """

    name: str
    item: str
    smallest: int
    prepare: Callable[[int], Callable[[Path], object]]
    target: int | None = None
    times: float = 1
    arithmetic: bool = True


@dataclass(frozen=True)
class Grown:
    """Seconds at each size, and the floating-point operations of the largest."""

    step: Growing
    sizes: Sizes
    seconds: tuple[float, ...]
    operations: float

    @property
    def slope(self) -> float:
        """Exponent of a power law through all sizes."""
        return slope(self.sizes, self.seconds)

    @property
    def one_more(self) -> float:
        """Seconds of one more item, between the two largest sizes."""
        (_, few, many), (_, short, long) = self.sizes, self.seconds
        return (long - short) / (many - few)

    def seconds_at(self, size: int) -> float:
        """Seconds of a far larger size: by the power law, or by a straight line if that says more.

        Where something is done once, whatever the size, the power law of small sizes says too little.
        """
        power = self.seconds[-1] * (size / self.sizes[-1]) ** self.slope
        return max(power, self.seconds[-1] + self.one_more * (size - self.sizes[-1]))


def main() -> None:
    """Measure each step, print both tables."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        steps = Steps(Path(name), arguments.weights, arguments.threads, arguments.quick)
        grown = [measure(step) for step in steps.all()]
    print(slopes(grown))
    print(f"\nPyTorch {torch.__version__}, {arguments.threads} threads.\n")
    print(projection(grown, arguments.gpu_teraflops * arguments.utilisation, arguments.gpus))
    print(
        f"\nA projection, not a measurement: a GPU of {arguments.gpu_teraflops:g} TFLOP/s of which "
        f"{arguments.utilisation:.0%} are used; {arguments.gpus} of them without waiting."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, help="state_dict of torchvision's AlexNet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a quarter of all sizes")
    parser.add_argument("--gpu-teraflops", type=float, default=19.5)
    parser.add_argument("--utilisation", type=float, default=0.3)
    parser.add_argument("--gpus", type=int, default=16)
    return parser.parse_args()


def measure(step: Growing) -> Grown:
    """Time a step at three sizes; the smallest is done once before, which does not count."""
    sizes = tuple(step.smallest * 2**power for power in range(DOUBLINGS))
    _seconds(step.prepare(sizes[0]))
    seconds = tuple(_fastest(step.prepare(size)) for size in sizes)
    work = step.prepare(sizes[-1])
    with Operations() as counter:
        _seconds(work)
    return Grown(step, sizes, seconds, counter.total)


class Operations(TorchDispatchMode):
    """Counts floating-point operations; PyTorch's own counter cannot be used where gradients of values are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        counted = flop_registry.get(func._overloadpacket)
        if counted is None and func is not torch.ops.prim.device.default:
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        found = func(*args, **kwargs)
        if counted is not None:
            self.total += counted(*args, **kwargs, out_val=found)
        return found


def _fastest(work: Callable[[Path], object]) -> float:
    return min(_seconds(work) for _ in range(REPEATS))


def _seconds(work: Callable[[Path], object]) -> float:
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        work(Path(name))
        return time.perf_counter() - start


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Exponent b of seconds = a size^b, by least squares on log-log axes."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def slopes(grown: Sequence[Grown]) -> str:
    """A Markdown table of what was measured."""
    rows = [line(["step", "sizes", "seconds", "slope", "one more (s)"])]
    rows.append(line(["---", "---", "---", "---:", "---:"]))
    for own in grown:
        sizes = ", ".join(f"{size:,}" for size in own.sizes)
        seconds = ", ".join(number(each) for each in own.seconds)
        cells = [own.step.name, f"{sizes} {own.step.item}", seconds, f"{own.slope:.2f}"]
        rows.append(line([*cells, number(own.one_more)]))
    return "\n".join(rows)


def projection(grown: Sequence[Grown], rate: float, gpus: int) -> str:
    """A Markdown table of hours at the sizes that steps are projected to; `rate` in TFLOP/s."""
    header = ["step", "size", "this machine (h)", "PFLOP", "one GPU (h)", f"{gpus} GPUs (h)"]
    rows = [line(header), line(["---", "---"] + ["---:"] * (len(header) - 2))]
    for own in grown:
        if own.step.target is None:
            continue
        larger = own.step.target / own.sizes[-1]
        here = own.seconds_at(own.step.target) * own.step.times / HOUR
        operations = own.operations * larger * own.step.times
        there = operations / TERA / rate / HOUR
        times = f", {own.step.times:,.0f} times" if own.step.times > 1 else ""
        size = f"{own.step.target:,} {own.step.item}{times}"
        if own.step.arithmetic:
            rest = [number(operations / 1e15), number(there), number(there / gpus)]
        else:
            rest = ["", "on CPUs", ""]
        rows.append(line([own.step.name, size, number(here), *rest]))
    return "\n".join(rows)


@dataclass(frozen=True)
class Steps:
    """The expensive steps, on AlexNet."""

    folder: Path
    weights: Path | None
    threads: int
    quick: bool

    def all(self) -> Iterator[Growing]:
        """Step after step."""
        network = load_alexnet(self.weights)
        count = self._size(100) * 2
        subject = Subject(
            self.weights, write_pictures(self.folder, None, count), self.threads, self.quick
        )
        inputs = network.input(subject.stored(count))
        layers = [layer.name for layer in network.layers]
        yield Growing(
            "scores of all weights, 4 images each",
            "categories",
            self._size(4),
            lambda size: lambda _: score_categories(network, inputs[:SCORING_IMAGES], size),
            CATEGORIES,
        )
        yield Growing(
            "scores of all weights, 4 images",
            "% of AlexNet's units in each layer",
            25,
            lambda size: score_widths(inputs[:SCORING_IMAGES], size / 100),
        )
        yield Growing(
            "recording of conv5 and of what knock-outs read",
            "images",
            self._size(40),
            lambda size: lambda folder: record_images(network, subject, size, folder),
            IMAGES,
        )
        points = 2 * len(
            Circuits.model_fields["removed_fractions"].get_default(call_default_factory=True)
        )
        yield Growing(
            "extraction of a category: its logit at 2 points of each stage",
            "images",
            self._size(20),
            lambda size: extraction(network, inputs[:size]),
            IMAGES,
            CATEGORIES * points / (2 * len(FRACTIONS)),
        )
        yield Growing(
            "knock-outs of nodes, 8 layers, 3 proportions",
            "images",
            self._size(20),
            lambda size: knockouts(network, subject, size, layers, self.folder),
            IMAGES,
            # two kinds, five repeats, and nine proportions between none and all
            2 * 5 * 3,
        )
        yield Growing(
            "lesions of clusters in all layers, 10 images",
            "lesions",
            self._size(4),
            lambda size: lambda _: cluster_lesions(network, inputs[:10], size),
            1000,
            IMAGES / 10,
        )
        yield Growing(
            "reduction of neurons to a tenth as many summary points, 100 images",
            "neurons",
            self._size(20_000),
            reduction,
            NEURONS,
            arithmetic=False,
        )
        yield Growing(
            "dissection of conv5, from files to counts",
            "images",
            self._size(20),
            lambda size: dissection(network, size, self.folder, self.threads),
            IMAGES,
            arithmetic=False,
        )
        yield Growing("planning of circuits and knock-outs", "networks", 1, plan)

    def _size(self, usual: int) -> int:
        return max(1, usual // 4) if self.quick else usual


def score_categories(network: Network, images: Tensor, categories: int) -> None:
    """Scores of all weights, written out, for one category after the other."""
    layers = [layer.name for layer in network.layers]
    for output in range(categories):
        found = score_weights(network, images, output, "absolute_per_image", layers)
        for name, scores in found.items():
            scores.dense(network.module(name).weight)


def score_widths(images: Tensor, width: float) -> Callable[[Path], None]:
    """The same of an AlexNet with another number of units in each layer."""
    network = of_width(width)
    return lambda _: score_categories(network, images, 1)


def of_width(width: float) -> Network:
    """An AlexNet whose hidden layers have so many times the usual units; random weights."""
    first, second, third, fourth, fifth = (round(width * own) for own in CHANNELS)
    hidden = round(width * HIDDEN)
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, first, 11, stride=4, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(first, second, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(second, third, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(third, fourth, 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(fourth, fifth, 3, padding=1),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, 2),
            flatten=nn.Flatten(),
            fc6=nn.Linear(fifth * 36, hidden),
            relu6=nn.ReLU(),
            fc7=nn.Linear(hidden, hidden),
            relu7=nn.ReLU(),
            fc8=nn.Linear(hidden, CATEGORIES),
        )
    )
    graph = trace(model.eval()).requires_grad_(False)
    names = tuple(map(str, range(CATEGORIES)))
    layers = find_layers(graph, {})
    return Network("wide", graph, layers, PREPROCESSING, names, "", torch.device("cpu"))


def record_images(network: Network, subject: Subject, images: int, folder: Path) -> Recording:
    """Record the first pictures."""
    stimuli = subject.first(images)
    groups = [[layer.name] for layer in network.layers]
    arrays = arrays_to_record(network, {SPLIT: groups}, ["conv5"], "float16")
    places = [folder / name for name in STORE]
    record(network, stimuli, arrays, BATCH, *places)
    return Recording(*places, network, stimuli)


def extraction(network: Network, images: Tensor) -> Callable[[Path], None]:
    """The logit of a category under masks of both stages; its scores are known."""
    layers = [layer.name for layer in network.layers]
    linear = [layer.name for layer in network.layers if layer.kind == "linear"]
    scores = score_weights(network, images[:SCORING_IMAGES], TARGET, "absolute_per_image", layers)
    dense = {name: own.dense(network.module(name).weight) for name, own in scores.items()}
    last = network.output_layer.name
    # of the output layer only the category's row is part of its circuit
    dense[last] = dense[last][TARGET : TARGET + 1]

    def work(_folder: Path) -> None:
        for stage in (linear, [name for name in layers if name not in linear]):
            ranking = Ranking({name: dense[name] for name in stage})
            suffix = network.suffix(stage)
            before = prefix(network.graph, [name for name in suffix.boundary if name != "images"])
            with torch.inference_mode():
                read = [
                    {"images": batch} | dict(zip(suffix.boundary, before(batch), strict=False))
                    for batch in images.split(BATCH)
                ]
            logit = TargetLogit(network, TARGET, suffix, read)
            for fraction in FRACTIONS:
                logit(ranking.mask_at(fraction))

    return work


def knockouts(
    network: Network, subject: Subject, images: int, layers: Sequence[str], folder: Path
) -> Callable[[Path], None]:
    """Knock out nodes of each layer; what the layers read is recorded."""
    place = folder / f"knockouts-{images}-{time.monotonic_ns()}"
    recording = record_images(network, subject, images, place)

    def work(_folder: Path) -> None:
        meter = Meter(network, subject.first(images), recording, None, BATCH)
        for layer in layers:
            sweep = Sweep(layer, "node", "zero", 0, (0.25, 0.5, 0.75))
            for _ in run_sweep(network, sweep, lambda layer=layer: meter.measure(layer), {}):
                pass

    return work


def cluster_lesions(network: Network, images: Tensor, lesions: int) -> None:
    """Random lesions of a fifth of the neurons of all layers."""
    layers = hidden_layers(network)
    part = prefix(network.graph, [network.response(layer) for layer in layers])
    with torch.inference_mode():
        values = part(images[:1])
        shapes = {name: tuple(own.shape[1:]) for name, own in zip(layers, values, strict=True)}
        neurons = Neurons(shapes)
        random = np.random.default_rng(0)
        drawn = (random.random(neurons.count) < SHARE_LESIONED for _ in range(lesions))
        for _ in NeuronLesions(network, neurons).logits(images, drawn):
            pass


def reduction(neurons: int) -> Callable[[Path], object]:
    """Reduce made-up responses."""
    random = np.random.default_rng(0)
    kinds = random.standard_normal((neurons // 100, POINT_DIMENSIONS))
    points = kinds[random.integers(len(kinds), size=neurons)]
    points = (points + random.standard_normal(points.shape)).astype(np.float32)
    return lambda _: reduce_points(points, neurons // 10, 0, torch.device("cpu"))


def dissection(
    network: Network, images: int, folder: Path, threads: int
) -> Callable[[Path], object]:
    """Decode, show, find thresholds and count."""
    source = folder / f"drawn-{images}"
    if not source.exists():
        draw(source, images)

    def work(place: Path) -> object:
        write_labelled_images(place, Broden.open(source), None, threads)
        labelled = LabelledImages.open(place)
        show(network, labelled, place)
        maps = Maps.open(place / "responses.json", LAYER, labelled)
        top = TopImages.none(maps.units, TOP, maps.shape)
        thresholds = find_thresholds(maps, "exact", QUANTILE, top)
        return Counter(labelled, maps.upsampling(labelled), 1).all_images(maps, thresholds)

    return work


def plan(networks: int) -> Callable[[Path], object]:
    """Plan circuits and knock-outs of so many networks."""
    shown = {"scoring": 2, "extraction": 6, "evaluation": 6}
    learned = {"training": 1, "evaluation": 1, "scoring": 0, "extraction": 0}
    network = {
        "architecture": "toybox_alexnet",
        "weights": "trained",
        "training": {"stimuli": "lessons", "epochs": 1},
    }
    configuration = {
        "stimuli": {
            "toybox": {"source": "toybox", "image_size": 64, "images": shown},
            "lessons": {"source": "toybox", "image_size": 64, "images": learned},
        },
        "networks": {f"network{place}": network for place in range(networks)},
        "circuits": {"stimuli": "toybox"},
        "knockouts": {"stimuli": "toybox"},
    }
    return lambda _: make_plan(validate(configuration))


if __name__ == "__main__":
    main()
