"""Pairs of images of the same identity, and of two, for faces and for houses."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.randomness import generator
from anatomy.stimuli.identities import KINDS

COLUMNS = ["split", "fold", "kind", "same", "image_a", "image_b", "identity_a", "identity_b"]
# faces and houses, of one identity and of two
CONDITIONS = [(kind, same) for kind in KINDS for same in (True, False)]


def identity_pairs(
    stimuli: pd.DataFrame, training_pairs: int, test_pairs: int, folds: int, seed: int
) -> pd.DataFrame:
    """Pairs for training, in folds, and for the test.

    Half of the pairs are of faces, half of houses; half of each show one identity in two views, half show two
    identities. The identities of the training split are divided among the folds at random, and both images of a pair
    belong to the same fold. All pairs that the images of a fold make are equally likely, and none is drawn twice.

    Parameters
    ----------
    stimuli : table of the stimulus set: category = kind, name = identity, split
    training_pairs, test_pairs : multiples of 4

    Returns
    -------
    table with the columns split, fold (from 0; empty for the test), kind, same, image_a, image_b (rows of the table of
    the stimulus set), identity_a, identity_b; ordered by split, fold, kind, and same before different

    Raises
    ------
    InputError
        where the images make fewer pairs, saying how many
    """
    drawn = _draw(stimuli, "training", training_pairs, folds, seed)
    drawn += _draw(stimuli, "test", test_pairs, 1, seed)
    table = pd.concat(drawn, ignore_index=True)
    names = stimuli["name"].to_numpy()
    table = table.assign(
        fold=table["fold"].where(table["split"] == "training").astype("Int64"),
        identity_a=names[table["image_a"]],
        identity_b=names[table["image_b"]],
    )
    return table[COLUMNS]


class _Pool:
    """All pairs of images that the identities of one fold make, of one identity or of two, under a number each.

    Parameters
    ----------
    images : for each identity, rows (view,) of the stimulus table
    """

    def __init__(self, images: list[NDArray[np.int64]], same: bool) -> None:
        self._images = images
        self._same = same
        views = np.array([len(own) for own in images], np.int64)
        # identities of each block of pairs
        self._first, self._second = (
            (np.arange(len(views)),) * 2 if same else np.triu_indices(len(views), 1)
        )
        blocks = views * (views - 1) // 2 if same else views[self._first] * views[self._second]
        self._ends = np.cumsum(blocks)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def draw(self, number: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Rows (pair, 2) of the stimulus table; which of the two images comes first is random, too."""
        chosen = random.choice(len(self), number, replace=False)
        block = np.searchsorted(self._ends, chosen, side="right")
        within = chosen - np.concatenate([[0], self._ends])[block]
        rows = [self._pair(*place) for place in zip(block, within, strict=True)]
        return random.permuted(np.array(rows, np.int64).reshape(-1, 2), axis=1)

    def _pair(self, block: int, place: int) -> tuple[int, int]:
        first, second = self._images[self._first[block]], self._images[self._second[block]]
        if self._same:
            # pairs of views in the order 01, 02, 12, 03, 13, 23 ...
            later = (1 + math.isqrt(1 + 8 * int(place))) // 2
            return first[place - later * (later - 1) // 2], first[later]
        view, other = divmod(place, len(second))
        return first[view], second[other]


def _draw(
    stimuli: pd.DataFrame, split: str, pairs: int, folds: int, seed: int
) -> list[pd.DataFrame]:
    if pairs % len(CONDITIONS):
        raise InputError(f"{split}_pairs = {pairs} must be a multiple of {len(CONDITIONS)}")
    images = {kind: _folds(stimuli, split, kind, folds, seed) for kind in KINDS}
    pools = {
        (fold, kind, same): _Pool(images[kind][fold], same)
        for fold in range(folds)
        for kind, same in CONDITIONS
    }
    fewest = [min(len(pools[fold, *own]) for own in CONDITIONS) for fold in range(folds)]
    wanted = [_share(pairs // len(CONDITIONS), folds, fold) for fold in range(folds)]
    if any(there < asked for there, asked in zip(fewest, wanted, strict=True)):
        raise InputError(
            f"{split}_pairs = {pairs}: the images of that split make at most {_most(fewest)} pairs in {folds} "
            f"fold{'s' * (folds > 1)}; more identities, more views or fewer folds give more"
        )
    parts = []
    for (fold, kind, same), pool in pools.items():
        random = generator(seed, "identity pairs", split, kind, fold, same)
        first, second = pool.draw(wanted[fold], random).T
        columns = {"split": split, "fold": fold, "kind": kind, "same": same}
        parts.append(pd.DataFrame(columns | {"image_a": first, "image_b": second}))
    return parts


def _folds(
    stimuli: pd.DataFrame, split: str, kind: str, folds: int, seed: int
) -> list[list[NDArray[np.int64]]]:
    """For each fold, the rows of each of its identities."""
    chosen = (stimuli["split"] == split) & (stimuli["category"] == kind)
    rows = np.flatnonzero(chosen)
    own = [
        rows[places] for places in stimuli["name"][chosen].groupby(stimuli["name"]).indices.values()
    ]
    order = generator(seed, "identity folds", split, kind).permutation(len(own))
    return [[own[place] for place in sorted(order[fold::folds])] for fold in range(folds)]


def _share(number: int, folds: int, fold: int) -> int:
    """How many of so many pairs fall to a fold: the first ones have one more."""
    return number // folds + (fold < number % folds)


def _most(fewest: list[int]) -> int:
    """Largest number of pairs of which each fold has its share; `fewest`: of any condition, those of each fold."""
    smallest = min(fewest)
    return len(CONDITIONS) * (smallest * len(fewest) + fewest.index(smallest))


def read_pairs(path: Path, split: str) -> pd.DataFrame:
    """Rows of a split in the table of pairs, in which identities are names whatever they are called."""
    names = {"identity_a": str, "identity_b": str}
    table = pd.read_csv(path, dtype=names, keep_default_na=False, na_values={"fold": [""]})
    return table[table["split"] == split].reset_index(drop=True)
