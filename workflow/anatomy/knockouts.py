"""Knock-outs: how performance falls as a growing proportion of one layer is replaced.

Synapse knock-outs replace single weights; node knock-outs replace all incoming weights and the bias of a unit, so
that with mode zero its output is 0 before the non-linearity (Cheney, Schrimpf & Kreiman 2017; Korotaev). The draws
are nested: the set at .3 contains the set at .2 of the same repeat, so each step only touches what is new.
"""

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from anatomy import randomness
from anatomy.lesions import BATCH_NORM, editable
from anatomy.masks import removed_count
from anatomy.networks.network import Network

# Modes in which a wholly replaced layer is the same in every draw.
NOT_DRAWN = ("zero", "mean")

State = tuple[str, ...]
Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Sweep:
    """One knock-out sweep.

    Attributes
    ----------
    layer, kind, mode, repeat : what is knocked out, "synapse" or "node", what takes its place, which draw
    proportions : ascending, each in [0, 1]
    noise : mode noise: standard deviation relative to that of the layer's weights
    seed : of the whole study
    """

    layer: str
    kind: str
    mode: str
    repeat: int
    proportions: tuple[float, ...]
    noise: float = 1.0
    seed: int = 0


def generator(network: str, sweep: Sweep) -> np.random.Generator:
    """Random numbers that depend on (seed, network, layer, kind, repeat) alone, never on the order of execution."""
    return randomness.generator(sweep.seed, network, sweep.layer, sweep.kind, sweep.repeat)


def run_sweep(
    network: Network,
    sweep: Sweep,
    measure: Callable[[], Measured],
    known: MutableMapping[State, Measured],
) -> Iterator[tuple[float, Measured]]:
    """Yield (proportion, what `measure` gives) while the layer is knocked out step by step.

    `measure` is called with the network lesioned. Where a proportion removes nothing more than the last one did,
    nothing is measured again, and neither are the states that the sweeps of a network share (the intact network, a
    layer that is wholly set to zero): they are kept in `known`, which is empty before the first sweep of the network.
    Afterwards the network is restored.
    """
    random = generator(network.name, sweep)
    with editable(network, [sweep.layer]) as copies, torch.no_grad():
        tensors = copies[sweep.layer]
        size = tensors["weight"].numel() if sweep.kind == "synapse" else len(tensors["weight"])
        order = torch.from_numpy(random.permutation(size)).to(network.device)
        replaced = {key: tensors[key] for key in _replaced_parameters(tensors, sweep)}
        substitutes = {k: _substitute(t, sweep, random) for k, t in replaced.items()}
        done = 0
        current: dict[int, Measured] = {}
        for proportion in sweep.proportions:
            count = removed_count(proportion, size)
            if count not in current:
                _replace(replaced, substitutes, order[done:count], sweep.kind)
                state = _shared_state(sweep, count, size)
                current = {count: known[state] if state in known else measure()}
                if state is not None:
                    known[state] = current[count]
                done = count
            yield proportion, current[count]


def _shared_state(sweep: Sweep, count: int, size: int) -> State | None:
    """What other sweeps of the network come across as well; None for what only this sweep has."""
    if count == 0:
        return (sweep.layer,)
    if count == size and sweep.mode in NOT_DRAWN:
        return (sweep.layer, sweep.kind, sweep.mode)
    return None


def _replaced_parameters(tensors: dict[str, Tensor], sweep: Sweep) -> list[str]:
    """Names of the parameters that a knock-out replaces.

    A batch normalisation behind the layer would give a silent unit a constant output again; it goes with the node
    when that is set to zero.
    """
    if sweep.kind == "synapse":
        return ["weight"]
    if sweep.mode == "zero":
        return list(tensors)
    return [key for key in tensors if not key.startswith(BATCH_NORM)]


def _substitute(tensor: Tensor, sweep: Sweep, random: np.random.Generator) -> Tensor | float:
    if sweep.mode == "zero":
        return 0.0
    if sweep.mode == "mean":
        return float(tensor.double().mean())
    if sweep.mode == "noise":
        spread = sweep.noise * float(tensor.double().std(correction=0))
        noise = random.standard_normal(tuple(tensor.shape), dtype=np.float32)
        return tensor + spread * torch.from_numpy(noise).to(tensor)
    if sweep.mode == "resample":
        drawn = torch.from_numpy(random.integers(tensor.numel(), size=tensor.numel()))
        return tensor.reshape(-1)[drawn.to(tensor.device)].reshape(tensor.shape)
    raise ValueError(f"unknown knock-out mode {sweep.mode!r}")


def _replace(
    tensors: dict[str, Tensor], substitutes: dict[str, Tensor | float], chosen: Tensor, kind: str
) -> None:
    """Replace the chosen weights (flat indices) or units (rows) in place."""
    for key, tensor in tensors.items():
        target = tensor.view(-1) if kind == "synapse" else tensor
        substitute = substitutes[key]
        if isinstance(substitute, Tensor):
            substitute = substitute.reshape(target.shape)[chosen]
        target[chosen] = substitute
