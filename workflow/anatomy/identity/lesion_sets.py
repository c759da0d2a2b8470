"""Which units to lesion: those most selective for faces, those most selective for houses, and random ones like them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.errors import InputError

# Random units are drawn among so many whose mean responses are next to a lesioned unit's.
NEAREST = 5


def layer_rows(selectivity: pd.DataFrame, layer: str, units: int) -> pd.DataFrame:
    """Rows of a layer in the table of selectivity, one for each of its units, in the order of the units.

    Raises
    ------
    InputError if they are not there
    """
    own = selectivity[selectivity["layer"] == layer].sort_values("unit")
    if own["unit"].tolist() != list(range(units)):
        raise InputError(
            f"the table of selectivity has {len(own)} rows of layer {layer!r}, not one for each of its {units} units"
        )
    return own.reset_index(drop=True)


def numbers_of_units(proportions: Sequence[float], units: int) -> list[int]:
    """How many units the proportions of a layer are: at least one, and at most half of them.

    Raises
    ------
    InputError if the layer has a single unit, which cannot serve one kind and not the other
    """
    if units < 2:
        raise InputError("the identity task needs a layer of at least two units to lesion")
    return [int(np.clip(round(proportion * units), 1, units // 2)) for proportion in proportions]


def selective_order(rows: pd.DataFrame, kind: str) -> NDArray[np.int64]:
    """All units (unit,), that most selective for the kind first: by face_t - house_t.

    One kind's order is the other's reversed, so that the first halves have no unit in common. Units without
    a t stand in the middle.

    Parameters
    ----------
    rows : of the layer, in the order of the units, with columns face_t and house_t
    kind : "face" or "house"
    """
    contrast = (rows["face_t"] - rows["house_t"]).fillna(0).to_numpy(np.float64)
    order = np.argsort(-contrast, kind="stable")
    return order if kind == "face" else order[::-1].copy()


def random_order(
    face: NDArray[np.int64],
    house: NDArray[np.int64],
    numbers: Sequence[int],
    means: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Random units (unit,) that match the selective ones in mean response, as many as the largest lesion has.

    Unit by unit, a partner of one that is lesioned for faces, then of one for houses (or the other way round) is drawn
    among the NEAREST whose mean responses rank next to its own. They are taken from the units of neither set of the
    same dose, as long as there are twice as many as are lesioned; larger doses take from all units.

    Parameters
    ----------
    face, house : all units, the most selective for the kind first
    numbers : how many units each dose lesions
    means : (unit,) mean response
    """
    ranks = np.argsort(np.argsort(means, kind="stable"))
    roomy = max((number for number in numbers if 4 * number <= len(means)), default=0)
    free = np.ones(len(means), bool)
    selective = np.zeros(len(means), bool)
    selective[[*face[:roomy], *house[:roomy]]] = True
    chosen = np.empty(max(numbers), np.int64)
    sides = (face, house) if generator.integers(2) else (house, face)
    for place in range(len(chosen)):
        target = sides[place % 2][place]
        pool = np.flatnonzero(free & ~selective if place < roomy else free)
        distance = np.abs(ranks[pool] - ranks[target])
        chosen[place] = generator.choice(pool[np.argsort(distance, kind="stable")[:NEAREST]])
        free[chosen[place]] = False
    return chosen
