"""Does the lesion of a super-category's cluster break the circuits of its categories more than others'?

The neurons of a super-category's cluster (see `anatomy.joined.own_circuits`) are silenced in each circuit, that is in
the network that keeps the circuit's weights alone, and the circuit's logit is judged as always: in place of the
unpruned one, with the circuit's own bias.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.halving import Halving
from anatomy.lesions import masked
from anatomy.networks.network import Network
from anatomy.neuron_lesions import NeuronLesions
from anatomy.significance import p_values
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks
from anatomy.substitution import area_under_curve, measure
from anatomy.substitution_task import Task

RANGE = (0.025, 0.975)
Lesions = Sequence[NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Images:
    """The images that circuits are judged by, and what the unpruned network says to them.

    Attributes
    ----------
    rows : (image,) rows of the table of the stimulus set
    logits : (image, output) unpruned
    outputs : (image,) right output of each
    few : (image,) which of them are shown under random lesions
    """

    rows: NDArray[np.int64]
    logits: NDArray[np.float32]
    outputs: NDArray[np.int64]
    few: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Measured:
    """How well an output unit tells its category.

    Attributes
    ----------
    csa : (lesion,) circuit substitution accuracy, with a bias that was fitted without lesions
    auc : (lesion,) area under the ROC curve of its logit, which no bias can change
    """

    csa: NDArray[np.float64]
    auc: NDArray[np.float64]


class LesionedCircuits:
    """Circuits of a network under lesions of its neurons.

    Parameters
    ----------
    lesioned : the network's lesions; it computes with whatever weights the network has at the time
    """

    def __init__(
        self,
        network: Network,
        stimuli: StimulusSet,
        images: Images,
        lesioned: NeuronLesions,
        batch_size: int,
    ) -> None:
        self._network, self._stimuli, self._images = network, stimuli, images
        self._lesioned, self._batch_size = lesioned, batch_size

    def logits(
        self,
        masks: Mapping[str, Tensor],
        lesions: Lesions,
        outputs: slice = slice(None),
        few: bool = False,
    ) -> NDArray[np.float32]:
        """Logits (1 + lesion, image, output) of a circuit, intact and under each lesion.

        Parameters
        ----------
        masks : layer -> boolean mask of its weights; none for the unpruned network
        outputs : which of them
        few : show only the images that are chosen for random lesions
        """
        rows = self._images.rows[self._shown(few)]
        nothing = np.zeros(self._lesioned.neurons.count, bool)
        count = len(self._network.categories[outputs])
        found = np.empty((1 + len(lesions), len(rows), count), np.float32)
        halving = Halving()

        def show(places: NDArray[np.int64]) -> None:
            images = self._network.input(self._stimuli.images(rows[places]))
            every = self._lesioned.logits(images, chain([nothing], lesions))
            for lesion, logits in enumerate(every):
                found[lesion, places] = logits[:, outputs].cpu().numpy()

        with torch.inference_mode(), masked(self._network, masks):
            for block in row_blocks(len(rows), self._batch_size):
                halving(show, np.arange(block.start, block.stop))
        return found

    def measured(
        self, target_logits: NDArray[np.float32], output: int, bias: float, few: bool = False
    ) -> Measured:
        """How an output unit does whose logits (lesion, image) take the place of the unpruned ones."""
        shown = self._shown(few)
        task = Task.of(self._images.logits[shown], self._images.outputs[shown], output)
        csa = [measure(own, task.rivals, task.is_category, bias).csa for own in target_logits]
        auc = [area_under_curve(own, task.is_category) for own in target_logits]
        return Measured(np.array(csa), np.array(auc))

    def _shown(self, few: bool) -> NDArray[np.bool_]:
        return self._images.few if few else np.ones_like(self._images.few)


@dataclass(frozen=True, eq=False)
class ClusterLesion:
    """The lesion of a super-category's cluster and random ones that match it.

    Attributes
    ----------
    about : cluster_of (the super-category), method, k, cluster and neurons
    lesion : (neuron,)
    random : the matched ones
    """

    about: Mapping[str, Any]
    lesion: NDArray[np.bool_]
    random: Lesions


def circuit_rows(
    circuits: LesionedCircuits,
    clusters: Sequence[ClusterLesion],
    unpruned: NDArray[np.float32],
    output: int,
    masks: Mapping[str, Tensor],
    biases: tuple[float, float],
) -> Iterator[dict[str, Any]]:
    """What each cluster's lesion does to one circuit: columns of the table without the category's own.

    The p-value is the share of random lesions that cost at least as much, (1 + k) / (1 + n), on the same images.

    Parameters
    ----------
    unpruned : (1 + cluster, image, output) logits of the unpruned network, intact and under the clusters' lesions
    biases : of the unpruned output unit and of the circuit
    """
    own_output = slice(output, output + 1)
    before, *after = circuits.measured(unpruned[:, :, output], output, biases[0]).csa
    lesions = [own.lesion for own in clusters]
    logits = circuits.logits(masks, lesions, own_output)[:, :, 0]
    circuit = circuits.measured(logits, output, biases[1])
    for number, own in enumerate(clusters):
        yield {
            **own.about,
            "csa_unpruned": before,
            "csa_unpruned_lesioned": after[number],
            "loss_unpruned": before - after[number],
            "csa": circuit.csa[0],
            "csa_lesioned": circuit.csa[1 + number],
            "loss": circuit.csa[0] - circuit.csa[1 + number],
            "auc": circuit.auc[0],
            "auc_lesioned": circuit.auc[1 + number],
            "auc_loss": circuit.auc[0] - circuit.auc[1 + number],
            **_against_random(circuits, own, output, masks, biases[1]),
        }


def _against_random(
    circuits: LesionedCircuits,
    cluster: ClusterLesion,
    output: int,
    masks: Mapping[str, Tensor],
    bias: float,
) -> dict[str, float]:
    """What random lesions cost the circuit; the first lesion is the cluster's, on the same images."""
    if not len(cluster.random):
        return {}
    shown = [cluster.lesion, *cluster.random]
    logits = circuits.logits(masks, shown, slice(output, output + 1), few=True)[:, :, 0]
    measured = circuits.measured(logits, output, bias, few=True)
    loss, auc_loss = (own[0] - own[1:] for own in (measured.csa, measured.auc))
    low, high = np.quantile(loss[1:], RANGE)
    return {
        "random_loss": loss[1:].mean(),
        "random_low": low,
        "random_high": high,
        "p_value": p_values(loss[:1], loss[1:, None])[0],
        "random_auc_loss": auc_loss[1:].mean(),
        "auc_p_value": p_values(auc_loss[:1], auc_loss[1:, None])[0],
    }
