"""Training of small networks by the workflow."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from anatomy.halving import Halving
from anatomy.networks.architecture_file import ArchitectureFile
from anatomy.networks.network import new_model
from anatomy.networks.preprocessing import Preprocessing
from anatomy.store import row_blocks

WARM_UP = 0.2


@dataclass(frozen=True)
class Settings:
    """How to train; see the configuration's section networks.*.training for each key."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to."""

    epoch: int
    loss: float
    training_accuracy: float
    held_out_accuracy: float


@dataclass(frozen=True)
class LabelledImages:
    """Images (image, y, x, channel) uint8 and the output unit (image,) each should drive most."""

    images: NDArray[np.uint8]
    outputs: NDArray[np.int64]


def train(
    architecture: str | ArchitectureFile,
    outputs: int,
    preprocessing: Preprocessing,
    training: LabelledImages,
    held_out: LabelledImages,
    settings: Settings,
    device: torch.device,
    report: Callable[[Epoch], None],
) -> nn.Module:
    """Train from scratch, calling `report` after each pass; returns the trained network.

    Cross-entropy, Adam with decoupled weight decay (Loshchilov & Hutter 2019), a one-cycle learning rate, random
    mirroring and shifts of up to an eighth of the side. Everything random comes from the seed. The training images
    stay in memory: this is for small networks and sets.
    """
    model = new_model(architecture, outputs, settings.seed).to(
        device, memory_format=torch.channels_last
    )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    inputs = preprocessing.apply(training.images, device)
    labels = torch.from_numpy(training.outputs).to(device)
    steps = math.ceil(len(inputs) / settings.batch_size) * settings.epochs
    # PyTorch divides by zero where the warm-up is exactly one step
    warm_up = WARM_UP if steps * WARM_UP != 1 else 2 * WARM_UP
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, pct_start=warm_up
    )
    # dropout draws from torch's own generator, which belongs to the process; everything else from ours
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    for epoch in range(1, settings.epochs + 1):
        batches = np.array_split(random.permutation(len(inputs)), steps // settings.epochs)
        loss, hits = 0.0, 0
        model.train()
        for rows in map(torch.from_numpy, batches):
            target = labels[rows]
            logits = model(varied(inputs[rows], random))
            error = nn.functional.cross_entropy(logits, target)
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            optimizer.step()
            schedule.step()
            loss += float(error.detach()) * len(rows)
            hits += int((logits.argmax(1) == target).sum())
        held_out_accuracy = accuracy(model, preprocessing, held_out, settings.batch_size, device)
        report(Epoch(epoch, loss / len(inputs), hits / len(inputs), held_out_accuracy))
    return model


def varied(images: Tensor, random: np.random.Generator) -> Tensor:
    """Images (image, channel, y, x), each mirrored or not, all shifted by the same few pixels."""
    mirrored = torch.from_numpy(random.random(len(images)) < 0.5).to(images.device)
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    reach = images.shape[-1] // 8
    shift = [int(s) for s in random.integers(-reach, reach + 1, size=2)]
    padded = nn.functional.pad(images, [reach] * 4, mode="replicate")
    top, left = reach + shift[0], reach + shift[1]
    size = images.shape[-1]
    cropped = padded[:, :, top : top + size, left : left + size]
    return cropped.contiguous(memory_format=torch.channels_last)


def accuracy(
    model: nn.Module,
    preprocessing: Preprocessing,
    labelled: LabelledImages,
    batch_size: int,
    device: torch.device,
) -> float:
    """Share of images whose right output unit is the strongest."""
    model.eval()
    hits, halving = 0, Halving()

    def strongest(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        return model(preprocessing.apply(images, device)).argmax(1).cpu().numpy()

    with torch.inference_mode():
        for rows in row_blocks(len(labelled.images), batch_size):
            found = halving(strongest, labelled.images[rows])
            hits += int((found == labelled.outputs[rows]).sum())
    return hits / len(labelled.images)
