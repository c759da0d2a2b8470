"""Units that respond more to faces, or to houses, than to anything else."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import false_discovery_control

from anatomy.errors import InputError
from anatomy.stimuli.identities import KINDS
from anatomy.stimuli.localizer import OTHER

FEWEST = 2


def identity_means(
    responses: NDArray[np.float32], table: pd.DataFrame
) -> dict[str, NDArray[np.float64]]:
    """Mean response to each identity of the training split, over its views: kind -> (identity, unit).

    Parameters
    ----------
    responses : (image, unit)
    table : of the stimulus set, a row per image
    """
    frame = pd.DataFrame(responses.astype(np.float64))[table["split"].to_numpy() == "training"]
    own = table[table["split"] == "training"]
    means = frame.groupby([own["category"].to_numpy(), own["name"].to_numpy()], sort=True).mean()
    return {kind: means.loc[kind].to_numpy() for kind in KINDS}


def localizer_responses(
    responses: NDArray[np.float32], table: pd.DataFrame
) -> dict[str, NDArray[np.float64]]:
    """Responses to the images of a localizer: kind -> (image, unit)."""
    kinds = table["super_category"].to_numpy()
    return {
        kind: responses[kinds == kind].astype(np.float64)
        for kind in (*KINDS, OTHER)
        if (kinds == kind).any()
    }


def selectivity(responses: Mapping[str, NDArray[np.float64]], level: float) -> pd.DataFrame:
    """Tests of each unit for faces and for houses.

    A unit is selective for a kind where it responds more to it than to all other images taken together, and more than
    to each of the other kinds: Welch's t-tests, with q of Benjamini and Hochberg (1995) over units below the level in
    all of them. So no unit is selective for two kinds.

    Parameters
    ----------
    responses : face, house, and other where there is any -> (sample, unit)
    level : of the false discovery rate

    Returns
    -------
    table with a row per unit: unit, face, house, other (mean responses), face_t, face_p, face_q, house_t, house_p,
    house_q, effect (Cohen's d of faces against houses), selective (face, house or "")

    Raises
    ------
    InputError
        if a kind has fewer than two samples
    """
    for kind in KINDS:
        if len(responses.get(kind, ())) < FEWEST:
            raise InputError(f"selectivity needs at least {FEWEST} samples of kind {kind!r}")
    units = responses["face"].shape[1]
    table = pd.DataFrame({"unit": np.arange(units)})
    for kind in (*KINDS, OTHER):
        table[kind] = responses[kind].mean(axis=0) if kind in responses else np.nan
    selective = np.full(units, "", object)
    for kind in KINDS:
        others = [own for name, own in responses.items() if name != kind]
        t, p = welch(responses[kind], np.concatenate(others))
        q = false_discovery_control(p)
        table[f"{kind}_t"], table[f"{kind}_p"], table[f"{kind}_q"] = t, p, q
        more = (t > 0) & (q < level)
        for other in others if len(others) > 1 else ():
            t, p = welch(responses[kind], other)
            more &= (t > 0) & (false_discovery_control(p) < level)
        selective[more] = kind
    table["effect"] = cohens_d(responses["face"], responses["house"])
    table["selective"] = selective
    return table


def welch(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Welch's (1947) t-test of two samples (sample, unit) for each unit: t (unit,), and its two-sided p (unit,).

    A unit whose response never varies has t 0 and p 1; one that varies between the samples only, infinite t and p 0.
    """
    difference = first.mean(axis=0) - second.mean(axis=0)
    # squared standard errors of both means, and their degrees of freedom
    errors = [own.var(axis=0, ddof=1) / len(own) for own in (first, second)]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.sqrt(sum(errors))
        freedom = sum(errors) ** 2 / sum(
            error**2 / (len(own) - 1) for error, own in zip(errors, (first, second), strict=True)
        )
        p = 2 * stdtr(freedom, -np.abs(t))
    p[np.isinf(t)] = 0
    return np.where(_constant(first, second), 0, t), np.where(_constant(first, second), 1, p)


def cohens_d(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Difference of the means of two samples (sample, unit) in units of their pooled standard deviation (Cohen 1988).

    0 where the response never varies.
    """
    squares = sum((len(own) - 1) * own.var(axis=0, ddof=1) for own in (first, second))
    pooled = np.sqrt(squares / (len(first) + len(second) - 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = (first.mean(axis=0) - second.mean(axis=0)) / pooled
    return np.where(_constant(first, second), 0, effect)


def _constant(*samples: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the response of each unit never varies, which the variance would hide behind rounding errors."""
    return np.ptp(np.concatenate(samples), axis=0) == 0
