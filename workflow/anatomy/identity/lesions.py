"""The identity task under lesions: which are done, what the readout decides then, and how well that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from anatomy.halving import Halving
from anatomy.identity.performance import same_different
from anatomy.identity.readout import Readout
from anatomy.networks.network import Network
from anatomy.progress import track
from anatomy.stimuli.identities import KINDS
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.store import row_blocks
from anatomy.unit_lesions import UnitLesion, UnitLesions

RANDOM, INTACT = "random", "intact"
ZERO, NOISE, NONE = "zero", "noise", "none"
# Bytes of responses of the readout layer, under as many lesions as they suffice for, that are held at once.
HELD_BYTES = 1 << 29


@dataclass(frozen=True)
class Dose:
    """How strong a lesion is.

    Attributes
    ----------
    mode : "zero" or "noise"
    proportion : of the layer's units
    units : how many units that is
    noise : standard deviation of the noise, in standard deviations of a unit's response; 0 for "zero"
    """

    mode: str
    proportion: float
    units: int
    noise: float


@dataclass(frozen=True, eq=False)
class Lesion:
    """One lesion.

    Attributes
    ----------
    name : "intact", or what the units are selective for: "face" or "house", or "random"
    dose : how strong it is
    repeat : number of the draw of noise or of random units
    units : the units and what happens to them
    """

    name: str
    dose: Dose
    repeat: int
    units: UnitLesion


NO_DOSE = Dose(NONE, 0.0, 0, 0.0)
NO_LESION = Lesion(INTACT, NO_DOSE, 0, UnitLesion(np.empty(0, np.int64), 0))


def doses(
    proportions: Mapping[float, int],
    noise_proportions: Mapping[float, int],
    noise_levels: Sequence[float],
) -> list[Dose]:
    """Silenced units in all proportions, then noise of all levels in its proportions.

    Parameters
    ----------
    proportions, noise_proportions : proportion of the layer's units -> number of units
    """
    zero = [Dose(ZERO, share, units, 0.0) for share, units in proportions.items()]
    noise = product(noise_levels, noise_proportions.items())
    return zero + [Dose(NOISE, share, units, level) for level, (share, units) in noise]


def all_lesions(
    selective: Mapping[str, NDArray[np.int64]],
    random: Sequence[NDArray[np.int64]],
    chosen: Sequence[Dose],
    repeats: int,
    purpose: tuple[object, ...],
) -> list[Lesion]:
    """The intact network, then units selective for each kind, then random ones, in every dose.

    Parameters
    ----------
    selective : kind -> units (unit,), the most selective first
    random : units (unit,) of each random draw; noise is drawn for each of them once
    repeats : how often noise is drawn for the selective units
    purpose : what the noise depends on, beside lesion, repeat and image
    """
    noise = [dose for dose in chosen if dose.mode == NOISE]
    lesions = [NO_LESION]
    for kind, order in selective.items():
        lesions += _in_doses(kind, order, 0, chosen, purpose)
        for repeat in range(1, repeats):
            lesions += _in_doses(kind, order, repeat, noise, purpose)
    for repeat, order in enumerate(random):
        lesions += _in_doses(RANDOM, order, repeat, chosen, purpose)
    return lesions


def _in_doses(
    name: str,
    order: NDArray[np.int64],
    repeat: int,
    chosen: Sequence[Dose],
    purpose: tuple[object, ...],
) -> list[Lesion]:
    noisy = max((dose.units for dose in chosen if dose.mode == NOISE), default=0)
    return [
        Lesion(
            name,
            dose,
            repeat,
            UnitLesion(
                order[:noisy] if dose.mode == NOISE else order,
                dose.units,
                dose.noise,
                (*purpose, name, repeat),
            ),
        )
        for dose in chosen
    ]


@dataclass(frozen=True, eq=False)
class ShownPairs:
    """Pairs of images to decide on.

    Attributes
    ----------
    table : one row per pair, with the columns of the table of pairs
    """

    table: pd.DataFrame

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Rows (image,) of the stimulus table that are shown, each once."""
        return np.unique(self.table[["image_a", "image_b"]].to_numpy(np.int64))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Where in `rows` the first and the second image of each pair are (2, pair)."""
        return np.searchsorted(self.rows, self.table[["image_a", "image_b"]].to_numpy(np.int64)).T

    @cached_property
    def same(self) -> NDArray[np.bool_]:
        """(pair,) whether both images show the same identity."""
        return self.table["same"].to_numpy(bool)

    def of(self, kind: str) -> NDArray[np.bool_]:
        """(pair,) whether the pair is of that kind."""
        return (self.table["kind"] == kind).to_numpy()


def decisions(
    engine: UnitLesions,
    network: Network,
    stimuli: StimulusSet,
    pairs: ShownPairs,
    readout: Readout,
    lesions: Sequence[Lesion],
    batch_size: int,
) -> NDArray[np.bool_]:
    """Whether the readout calls each pair the same identity under each lesion, (lesion, pair).

    Images pass once up to the lesioned layer for as many lesions as HELD_BYTES suffice for.
    """
    image_bytes = readout.centre.size * np.dtype(np.float32).itemsize
    at_once = max(1, HELD_BYTES // (len(pairs.rows) * image_bytes))
    first, second = pairs.places
    said = np.empty((len(lesions), len(pairs.table)), bool)
    for part in row_blocks(len(lesions), at_once):
        features = np.empty((len(lesions[part]), len(pairs.rows), readout.centre.size), np.float32)
        read, halving = partial(_read, engine, network, stimuli, lesions[part]), Halving()
        blocks = row_blocks(len(pairs.rows), batch_size)
        for block in track(blocks, f"lesions of {network.name}"):
            halving(read, pairs.rows[block], features[:, block].swapaxes(0, 1))
        for lesion, own in zip(said[part], features, strict=True):
            lesion[:] = readout.decide(own[first], own[second])
    return said


def _read(
    engine: UnitLesions,
    network: Network,
    stimuli: StimulusSet,
    lesions: Sequence[Lesion],
    rows: NDArray[np.int64],
    features: NDArray[np.float32],
) -> None:
    """Put what is read out of a batch of images into `features` (image, lesion, feature)."""
    names = stimuli.table["image_id"].iloc[rows]
    units = [lesion.units for lesion in lesions]
    with torch.inference_mode():
        images = network.input(stimuli.images(rows))
        read = engine.readouts(images, names, units)
        for place, values in enumerate(read):
            features[:, place] = values.flatten(1).cpu().numpy()


def lesion_table(
    lesions: Sequence[Lesion],
    said: NDArray[np.bool_],
    pairs: ShownPairs,
    selective: NDArray[np.str_],
) -> pd.DataFrame:
    """Performance in both kinds under every lesion: table IDENTITY_LESIONS.

    Parameters
    ----------
    said : (lesion, pair) whether the readout calls the pair the same identity; the first lesion is none
    selective : (unit,) "face", "house" or "": what each unit of the layer is significantly selective for
    """
    rows = []
    for kind in KINDS:
        own = pairs.of(kind)
        intact = same_different(pairs.same[own], said[0][own]).accuracy
        for lesion, decided in zip(lesions, said, strict=True):
            performance = same_different(pairs.same[own], decided[own])
            rows.append(
                _about(lesion, selective)
                | {"kind": kind}
                | vars(performance)
                | {"loss": intact - performance.accuracy}
            )
    return pd.DataFrame(rows)


def _about(lesion: Lesion, selective: NDArray[np.str_]) -> dict[str, object]:
    """What names a lesion in the table; of random units those selective for either kind count as significant."""
    lesioned = selective[lesion.units.units]
    wanted = [lesion.name] if lesion.name in KINDS else KINDS
    return {
        "lesion": lesion.name,
        "mode": lesion.dose.mode,
        "proportion": lesion.dose.proportion,
        "units": lesion.dose.units,
        "significant": int(np.isin(lesioned, wanted).sum()),
        "noise": lesion.dose.noise,
        "repeat": lesion.repeat,
    }
