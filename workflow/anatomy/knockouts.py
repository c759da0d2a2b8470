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
from anatomy.knockout_modes import MODES, SILENCES
from anatomy.lesions import BATCH_NORM, editable
from anatomy.masks import removed_count
from anatomy.networks.network import Network

State = tuple[str, ...]
Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Sweep:
    """One knock-out sweep.

    Attributes
    ----------
    layer, kind, mode, repeat : what is knocked out, "synapse" or "node", what takes its place (a file of
        `knockout_modes`), which draw
    proportions : ascending, each in [0, 1]
    noise : standard deviation relative to that of the layer's weights, for modes that read it
    seed : of the whole study
    """

    layer: str
    kind: str
    mode: str
    repeat: int
    proportions: tuple[float, ...]
    noise: float | None = 1.0
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
    layer that is wholly replaced by what is not drawn): they are kept in `known`, which is empty before the first sweep
    of the network. Afterwards the network is restored.
    """
    random = generator(network.name, sweep)
    with editable(network, [sweep.layer]) as copies, torch.no_grad():
        tensors = copies[sweep.layer]
        size = tensors["weight"].numel() if sweep.kind == "synapse" else len(tensors["weight"])
        order = torch.from_numpy(random.permutation(size)).to(network.device)
        replaced = {key: tensors[key] for key in _replaced_parameters(tensors, sweep)}
        substitutes, drawn = _substitutes(replaced, sweep, random)
        done = 0
        current: dict[int, Measured] = {}
        for proportion in sweep.proportions:
            count = removed_count(proportion, size)
            if count not in current:
                _replace(replaced, substitutes, order[done:count], sweep.kind)
                state = _shared_state(sweep, count, size, drawn)
                current = {count: known[state] if state in known else measure()}
                if state is not None:
                    known[state] = current[count]
                done = count
            yield proportion, current[count]


def _shared_state(sweep: Sweep, count: int, size: int, drawn: bool) -> State | None:
    """What other sweeps of the network come across as well; None for what only this sweep has."""
    if count == 0:
        return (sweep.layer,)
    if count == size and not drawn:
        return (sweep.layer, sweep.kind, sweep.mode)
    return None


def _replaced_parameters(tensors: dict[str, Tensor], sweep: Sweep) -> list[str]:
    """Names of the parameters that a knock-out replaces.

    A batch normalisation behind the layer would give a silent unit a constant output again; it goes with the node
    when that is to be silent.
    """
    if sweep.kind == "synapse":
        return ["weight"]
    if MODES.constant(sweep.mode, SILENCES):
        return list(tensors)
    return [key for key in tensors if not key.startswith(BATCH_NORM)]


def _substitutes(
    tensors: dict[str, Tensor], sweep: Sweep, random: np.random.Generator
) -> tuple[dict[str, Tensor | float], bool]:
    """What takes the place of each parameter, and whether any of it was drawn at random."""
    before = str(random.bit_generator.state)
    substitute = MODES.load(sweep.mode).substitute
    found = {key: substitute(tensor, random, sweep.noise) for key, tensor in tensors.items()}
    return found, str(random.bit_generator.state) != before


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
