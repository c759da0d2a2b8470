"""Do lesions of units for faces cost faces, and those of units for houses, houses? Losses, intervals and tests.

Losses are of accuracy and of d'. A lesion can move all pairs towards "same", or towards "different", and cost accuracy
though they are told apart as well as before: d' does not fall then, as it compares hits with false alarms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy import randomness
from anatomy.identity.lesions import RANDOM, Dose, Lesion, ShownPairs
from anatomy.identity.performance import d_prime
from anatomy.stimuli.identities import KINDS

LEVEL = 0.95
# Means that differ by rounding alone are equal.
TOLERANCE = 1e-9
# Columns of losses: under the face lesion, the house lesion, and each random draw.
PLACES = {"face": slice(0, 1), "house": slice(1, 2), RANDOM: slice(2, None)}

Floats = NDArray[np.float64]
# From the numbers of hits, same pairs, false alarms and different pairs.
Performance = Callable[[Floats, Floats, Floats, Floats], Floats]


def accuracy(hits: Floats, same: Floats, false_alarms: Floats, different: Floats) -> Floats:
    """Share of the pairs that are judged rightly."""
    return (hits + different - false_alarms) / (same + different)


# What is lost, and how the names of measures of that end.
PERFORMANCES: dict[str, tuple[Performance, str]] = {
    "accuracy": (accuracy, ""),
    "d_prime": (d_prime, "_d_prime"),
}


@dataclass(frozen=True, eq=False)
class Decisions:
    """Whether pairs are called "same" under lesions of one dose; booleans.

    Attributes
    ----------
    intact : (pair,) without any
    selective : "face" and "house" -> (repeat, pair), a row for each draw of noise
    random : (draw, pair)
    """

    intact: NDArray[np.bool_]
    selective: Mapping[str, NDArray[np.bool_]]
    random: NDArray[np.bool_]


def decisions_by_dose(lesions: Sequence[Lesion], said: NDArray[np.bool_]) -> dict[Dose, Decisions]:
    """Decisions under every dose, in the order of the lesions.

    Parameters
    ----------
    said : (lesion, pair) whether the pair is called "same"; the first lesion is none
    """
    places: dict[Dose, dict[str, list[int]]] = {}
    for place, lesion in enumerate(lesions[1:], start=1):
        names = places.setdefault(lesion.dose, {name: [] for name in (*KINDS, RANDOM)})
        names[lesion.name].append(place)
    return {
        dose: Decisions(said[0], {kind: said[own[kind]] for kind in KINDS}, said[own[RANDOM]])
        for dose, own in places.items()
    }


@dataclass(frozen=True)
class Measure:
    """A row of the table of the dissociation: a value with its interval and p-value, not a number where it has none."""

    measure: str
    value: float
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan


class Dissociation:
    """Statistics of the double dissociation between pairs of faces and pairs of houses.

    Pairs that share an identity are no independent measurements: pairs are drawn, and lesions exchanged, by the first
    image's identity. All doses have the same draws.

    Parameters
    ----------
    resamples : number of bootstrap samples, and of permutations; 0 gives no interval and no p-value of the interaction
    purpose : what the random numbers are drawn for
    """

    def __init__(self, pairs: ShownPairs, resamples: int, purpose: tuple[object, ...]) -> None:
        self._clusters = {kind: _Clusters(pairs, kind) for kind in KINDS}
        self._weights, self._exchanged = {}, {}
        for kind, own in self._clusters.items():
            random = randomness.generator(*purpose, "bootstrap", kind)
            share = np.full(own.count, 1 / own.count)
            self._weights[kind] = random.multinomial(own.count, share, resamples).astype(float)
            if own.count == 1:  # says nothing about spread
                self._weights[kind][:] = np.nan
            random = randomness.generator(*purpose, "permutation", kind)
            self._exchanged[kind] = random.integers(2, size=(resamples, own.count))

    def measures(self, doses: Sequence[Decisions], lost: str) -> list[Measure]:
        """Losses, specificities, differences and interaction, of the mean loss over some doses.

        Parameters
        ----------
        lost : "accuracy" or "d_prime"
        """
        performance, ending = PERFORMANCES[lost]
        losses, drawn = {}, {}
        for kind, own in self._clusters.items():
            losses[kind] = own.losses(doses, performance, np.ones((1, own.count)))
            drawn[kind] = own.losses(doses, performance, self._weights[kind])
        chance = {
            kind: own.differences(doses, performance, self._exchanged[kind])
            for kind, own in self._clusters.items()
        }
        found = [
            *_losses(losses, drawn),
            *_specificities(losses, drawn),
            *_differences(losses, drawn, chance),
        ]
        return [replace(one, measure=one.measure + ending) for one in found]


class _Clusters:
    """The pairs of one kind, by the first image's identity.

    Attributes
    ----------
    count : number of identities
    """

    def __init__(self, pairs: ShownPairs, kind: str) -> None:
        self._is_same = pairs.same
        identities, names = pd.factorize(pairs.table["identity_a"].where(pairs.of(kind)), sort=True)
        self.count = len(names)
        # 1 where the pair is of that identity; pairs of the other kind are of none
        members = (identities[:, None] == np.arange(self.count)).astype(np.float64)
        self._same, self._different = members[pairs.same], members[~pairs.same]

    def losses(
        self, doses: Sequence[Decisions], performance: Performance, weights: Floats
    ) -> Floats:
        """Losses (sample, lesion) by PLACES, mean over doses, and of selective lesions over repeats.

        Parameters
        ----------
        weights : (sample, identity) how often an identity is counted
        """
        means = []
        for dose in doses:
            intact, face, house, random = (
                self._performance(performance, (said, weights))
                for said in (dose.intact[None], *map(dose.selective.get, KINDS), dose.random)
            )
            selective = [own.mean(axis=1, keepdims=True) for own in (face, house)]
            means.append(intact - np.concatenate([*selective, random], axis=1))
        return np.mean(means, axis=0)

    def differences(
        self, doses: Sequence[Decisions], performance: Performance, exchanged: NDArray[np.int64]
    ) -> Floats:
        """Loss under the face lesion less that under the house lesion (permutation,), mean over doses and repeats.

        Parameters
        ----------
        exchanged : (permutation, identity) 1 where the two lesions are exchanged for an identity
        """
        means = []
        for dose in doses:
            face, house = map(dose.selective.get, KINDS)
            as_face, as_house = (
                self._performance(performance, (own, 1 - exchanged), (other, exchanged))
                for own, other in ((face, house), (house, face))
            )
            means.append((as_house - as_face).mean(axis=1))
        return np.mean(means, axis=0)

    def _performance(
        self, performance: Performance, *parts: tuple[NDArray[np.bool_], NDArray]
    ) -> Floats:
        """Performance (sample, lesion) over parts of the identities, given as decisions (lesion, pair) and weights."""
        hits = sum(weights @ (said[:, self._is_same] @ self._same).T for said, weights in parts)
        false_alarms = sum(
            weights @ (said[:, ~self._is_same] @ self._different).T for said, weights in parts
        )
        counted = sum(weights for _, weights in parts)
        same, different = (
            (counted @ own.sum(axis=0))[:, None] for own in (self._same, self._different)
        )
        return performance(hits, same, false_alarms, different)


def dissociation_table(statistics: Dissociation, doses: Mapping[Dose, Decisions]) -> pd.DataFrame:
    """Table DISSOCIATION: each dose, and the mean over all doses of each mode."""
    rows = []
    for mode in dict.fromkeys(dose.mode for dose in doses):
        own = {dose: said for dose, said in doses.items() if dose.mode == mode}
        shown = [
            ({"proportion": d.proportion, "noise": d.noise}, [said]) for d, said in own.items()
        ]
        shown.append(({"proportion": np.nan, "noise": np.nan}, list(own.values())))
        for dose, said in shown:
            found = [one for lost in PERFORMANCES for one in statistics.measures(said, lost)]
            rows += [{"mode": mode} | dose | vars(one) for one in found]
    return pd.DataFrame(rows)


def _losses(losses: Mapping[str, Floats], drawn: Mapping[str, Floats]) -> list[Measure]:
    """What each lesion costs each kind; of random lesions their mean."""
    found = []
    for lesion, place in PLACES.items():
        for kind in KINDS:
            value = losses[kind][:, place].mean()
            ends = _ends(drawn[kind][:, place].mean(axis=1))
            found.append(Measure(f"{lesion}_lesion_on_{kind}s", float(value), *ends))
    return found


def _specificities(losses: Mapping[str, Floats], drawn: Mapping[str, Floats]) -> list[Measure]:
    """What a lesion costs its own kind more than the other, beside random lesions."""
    found = []
    for own, other in (KINDS, KINDS[::-1]):
        costs = (losses[own] - losses[other])[0]
        value = float(costs[PLACES[own]].item())
        resampled = (drawn[own] - drawn[other])[:, PLACES[own]].mean(axis=1)
        p_value = _share_at_least(costs[PLACES[RANDOM]], value)
        found.append(Measure(f"{own}_specificity", value, *_ends(resampled), p_value))
    return found


def _differences(
    losses: Mapping[str, Floats], drawn: Mapping[str, Floats], chance: Mapping[str, Floats]
) -> list[Measure]:
    """What its own lesion costs a kind more than the other lesion; and the sum of both kinds.

    Lesions are compared within a kind, so that it makes no difference whether one kind is harder. A double dissociation
    needs both (Shallice 1988).

    Parameters
    ----------
    chance : loss under the face lesion less that under the house lesion (permutation,), with the two exchanged for
        some of the identities
    """
    found, values, resampled = [], [], []
    for own, other in (KINDS, KINDS[::-1]):
        values.append(float((losses[own][:, PLACES[own]] - losses[own][:, PLACES[other]]).item()))
        resampled.append((drawn[own][:, PLACES[own]] - drawn[own][:, PLACES[other]]).mean(axis=1))
        p_value = _share_at_least(np.abs(chance[own]), abs(values[-1]))
        found.append(Measure(f"difference_on_{own}s", values[-1], *_ends(resampled[-1]), p_value))
    interaction, by_chance = sum(values), chance[KINDS[0]] - chance[KINDS[1]]
    p_value = _share_at_least(np.abs(by_chance), abs(interaction))
    return [*found, Measure("interaction", interaction, *_ends(sum(resampled)), p_value)]


def _ends(resampled: Floats) -> tuple[float, float]:
    if not len(resampled):
        return np.nan, np.nan
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _share_at_least(drawn: Floats, value: float) -> float:
    """(k + 1) / (n + 1), k of n drawn values being at least as large (Phipson & Smyth 2010)."""
    if not len(drawn):
        return np.nan
    return float((1 + np.sum(drawn >= value - TOLERANCE)) / (1 + len(drawn)))
