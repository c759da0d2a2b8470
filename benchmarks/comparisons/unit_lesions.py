"""Lesions of a layer's units beside Captum's LayerFeatureAblation.

Both silence one unit after the other, at all positions, and say what that does to the output. Captum shows the images
to the whole network for each unit and returns the drop of one logit, in an array as large as the layer's responses; the
project starts at the lesioned layer and returns all logits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerFeatureAblation
from children import Work, measure
from numpy.typing import NDArray
from ratio_table import Row
from subject import TARGET, Subject, response_path
from torch import Tensor

from anatomy.networks.network import Network
from anatomy.unit_lesions import UnitLesion, UnitLesions

LAYERS = ("conv1", "conv3", "conv5", "fc6")
UNITS, IMAGES = 32, 20
# lesions whose images pass together; Captum is fastest with few
AT_ONCE = 2


@dataclass(frozen=True)
class Case:
    """A layer of a network; its first units are lesioned one by one, and all others together."""

    subject: Subject
    layer: str

    @property
    def units(self) -> int:
        """How many units are lesioned by themselves."""
        return self.subject.of(4, UNITS)

    @property
    def images(self) -> int:
        """How many images are shown."""
        return self.subject.of(4, IMAGES)

    def ready(self) -> tuple[Network, Tensor]:
        """The network and its input."""
        torch.set_num_threads(self.subject.threads)
        network = self.subject.network()
        return network, network.input(self.subject.stored(self.images))


def rows(subject: Subject) -> Iterator[Row]:
    """A row for each of some layers."""
    for layer in LAYERS[-subject.of(2, len(LAYERS)) :]:
        case = Case(subject, layer)
        own, other = measure(ours, case), measure(captum, case)
        difference = np.abs(own.answer - other.answer).max() / np.abs(other.answer).max()
        yield Row(
            f"{case.units + 1} lesions in {layer}, {case.images} images",
            "Captum LayerFeatureAblation",
            own,
            other,
            f"{difference:.0e}" if difference else "0",
        )


def ours(case: Case) -> Work:
    """The drop of the target logit (lesion, image) under each lesion."""
    network, images = case.ready()
    count = network.layer(case.layer).units
    engine = UnitLesions(network, case.layer, network.output_layer.name, np.zeros(count))
    names = [str(place) for place in range(len(images))]
    alone = [UnitLesion(np.array([unit]), 1) for unit in range(case.units)]
    rest = UnitLesion(np.arange(case.units, count), count - case.units)
    intact = UnitLesion(np.array([0]), 0)

    def work(_folder: Path) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits = torch.stack(list(engine.readouts(images, names, [intact, *alone, rest])))
        return (logits[0] - logits[1:])[..., TARGET].numpy()

    return work


def captum(case: Case) -> Work:
    """The same by Captum."""
    network, images = case.ready()
    count = network.layer(case.layer).units
    module = network.graph.get_submodule(response_path(network, case.layer))
    ablation = LayerFeatureAblation(network.graph, module)
    features = torch.arange(count).clamp(max=case.units)

    def work(_folder: Path) -> NDArray[np.float32]:
        mask = features.reshape(1, -1, 1, 1) if case.layer.startswith("conv") else features[None]
        with torch.inference_mode():
            found = ablation.attribute(
                images,
                layer_baselines=0,
                target=TARGET,
                layer_mask=mask,
                perturbations_per_eval=AT_ONCE,
            )
        drops = found.flatten(2)[..., 0] if found.ndim > 2 else found
        return drops[:, : case.units + 1].T.numpy()

    return work
