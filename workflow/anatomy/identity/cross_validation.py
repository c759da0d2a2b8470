"""Fitting the readout of the identity task: logistic regression, its representation and penalty by cross-validation."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from anatomy.errors import InputError
from anatomy.identity.performance import accuracy_interval, same_different
from anatomy.identity.readout import PARTS, Readout, represent
from anatomy.randomness import generator
from anatomy.stimuli.identities import KINDS

log = logging.getLogger(__name__)

ALL = "all"
TOLERANCE = 1e-5
MOST_ITERATIONS = 1000
# Features that are represented at once: with 2,400 pairs, 40 MB
FEATURES_AT_ONCE = 2048
# Mean accuracies that differ less differ by rounding alone
DIGITS = 9


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images, all arrays (pair,).

    Attributes
    ----------
    first, second : rows of the features
    same : whether both show the same identity
    kind : face or house
    identity : the identity with which a pair is drawn in resampling
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    kind: NDArray[np.object_]
    identity: NDArray[np.object_]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        """From rows of the table of pairs."""
        columns = ("image_a", "image_b", "same", "kind", "identity_a")
        return cls(*(table[column].to_numpy() for column in columns))


@dataclass(frozen=True, eq=False)
class Standardisation:
    """A representation of pairs, and its mean and standard deviation over the pairs for training.

    Attributes
    ----------
    representation, centre, mean, scale : as of a `Readout`
    """

    representation: str
    centre: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, representation: str, features: NDArray[np.float32], pairs: Pairs) -> Self:
        """From the features (image, feature) and the pairs for training."""
        shown = np.unique([pairs.first, pairs.second])
        centre = features[shown].mean(axis=0, dtype=np.float64)
        moments = [
            (values.mean(axis=0), values.std(axis=0))
            for values in _represented(representation, features, pairs, centre)
        ]
        mean, deviation = (np.concatenate(own) for own in zip(*moments, strict=True))
        return cls(representation, centre, mean, np.where(deviation > 0, deviation, 1.0))

    def blocks(
        self, features: NDArray[np.float32], pairs: Pairs
    ) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Blocks of dimensions, and the standardised representation (pair, dimension) in them."""
        start = 0
        for values in _represented(self.representation, features, pairs, self.centre):
            own = slice(start, start + values.shape[1])
            yield own, (values - self.mean[own]) / self.scale[own]
            start = own.stop


@dataclass(frozen=True, eq=False)
class Readouts:
    """Readouts that differ in their penalty, fitted to the same pairs.

    Attributes
    ----------
    weights : (dimension, penalty)
    bias : (penalty,)
    """

    standardisation: Standardisation
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def decide(self, features: NDArray[np.float32], pairs: Pairs) -> NDArray[np.bool_]:
        """Whether each readout calls the images of each pair the same identity: (pair, penalty)."""
        evidence = np.tile(self.bias, (len(pairs.same), 1))
        for own, values in self.standardisation.blocks(features, pairs):
            evidence += values @ self.weights[own]
        return evidence > 0

    def readout(self, layer: str, penalty: int) -> Readout:
        """The one with the penalty at that place."""
        return Readout(
            layer=layer,
            **vars(self.standardisation),
            weights=self.weights[:, penalty],
            bias=float(self.bias[penalty]),
        )


def fit(
    representation: str, features: NDArray[np.float32], pairs: Pairs, penalties: Sequence[float]
) -> Readouts:
    """Logistic regression with an L2 penalty on standardised representations of pairs, for several penalties.

    Where there are more dimensions than pairs, the regression runs in an orthonormal basis of the space that the
    pairs span, which has no more dimensions than there are pairs. The solution is the same: the penalty does not
    change under rotations, and a weight outside that space would cost without an effect.

    Parameters
    ----------
    features : (image, feature)
    penalties : C of scikit-learn's LogisticRegression: the smaller, the stronger the penalty
    """
    standardisation = Standardisation.of(representation, features, pairs)
    if len(standardisation.mean) <= len(pairs.same):
        blocks = [values for _, values in standardisation.blocks(features, pairs)]
        weights, bias = _regressions(np.concatenate(blocks, axis=1), pairs.same, penalties)
        return Readouts(standardisation, weights, bias)
    products = np.zeros((len(pairs.same),) * 2)
    for _, values in standardisation.blocks(features, pairs):
        products += values @ values.T
    coordinates, basis = _orthonormal(products)
    rotated, bias = _regressions(coordinates, pairs.same, penalties)
    combined = basis(rotated)
    blocks = [values.T @ combined for _, values in standardisation.blocks(features, pairs)]
    return Readouts(standardisation, np.concatenate(blocks), bias)


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Every representation and penalty, tested on identities that it was not fitted to.

    Attributes
    ----------
    table : representation, penalty, fold, accuracy, accuracy_face, accuracy_house, chosen
    representation, penalty : the chosen ones
    decisions : (pair,) of the chosen ones, each pair's by the readout that was fitted to the other folds
    """

    table: pd.DataFrame
    representation: str
    penalty: float
    decisions: NDArray[np.bool_]


def cross_validate(
    representations: Sequence[str],
    penalties: Sequence[float],
    features: NDArray[np.float32],
    table: pd.DataFrame,
) -> CrossValidation:
    """Choose the representation and penalty whose accuracy on the folds left out is best.

    What counts is the mean over folds of the mean of the accuracies for faces and for houses; of equal ones the
    smallest C (strongest penalty) is chosen, then the representation that is named first.

    Parameters
    ----------
    features : (image, feature), a row for each row of the table of the stimulus set
    table : the pairs for training, see `identity.pairs`
    """
    penalties = sorted(penalties)
    folds = sorted(table["fold"].unique())
    if len(folds) < 2:
        raise InputError("cross-validation of the readout needs at least 2 folds")
    decisions = {name: np.zeros((len(table), len(penalties)), bool) for name in representations}
    rows = []
    for representation in representations:
        for fold in folds:
            left_out = (table["fold"] == fold).to_numpy()
            fitted = fit(representation, features, Pairs.of(table[~left_out]), penalties)
            said = fitted.decide(features, Pairs.of(table[left_out]))
            decisions[representation][left_out] = said
            right = said == table["same"].to_numpy()[left_out, None]
            kinds = table["kind"].to_numpy()[left_out]
            for penalty, own in zip(penalties, right.T, strict=True):
                accuracies = {f"accuracy_{kind}": own[kinds == kind].mean() for kind in KINDS}
                about = {"representation": representation, "penalty": penalty, "fold": fold}
                rows.append(about | {"accuracy": own.mean()} | accuracies)
        log.info("cross-validation: %s done", representation)
    results = pd.DataFrame(rows)
    representation, penalty = _best(results)
    chosen = (results["representation"] == representation) & (results["penalty"] == penalty)
    of_chosen = decisions[representation][:, penalties.index(penalty)]
    return CrossValidation(results.assign(chosen=chosen), representation, penalty, of_chosen)


def accuracy_rows(
    split: str, pairs: Pairs, said_same: NDArray[np.bool_], purpose: tuple[object, ...]
) -> list[dict[str, object]]:
    """Rows of the table of accuracies: all pairs, those of faces, those of houses.

    Parameters
    ----------
    said_same : (pair,) the decisions
    purpose : of the random numbers of the intervals, for example (seed, network)
    """
    rows = []
    for kind in (ALL, *KINDS):
        own = np.ones(len(pairs.same), bool) if kind == ALL else pairs.kind == kind
        found = same_different(pairs.same[own], said_same[own])
        right = pairs.same[own] == said_same[own]
        random = generator(*purpose, "accuracy", split, kind)
        low, high = accuracy_interval(right, pairs.kind[own], pairs.identity[own], random)
        interval = {"low": low, "high": high}
        rows.append(
            {"split": split, "kind": kind, "pairs": found.pairs, "accuracy": found.accuracy}
            | interval
            | {"hits": found.hits, "false_alarms": found.false_alarms, "d_prime": found.d_prime}
        )
    return rows


def _best(results: pd.DataFrame) -> tuple[str, float]:
    means = results.groupby(["representation", "penalty"], sort=False)[
        [f"accuracy_{kind}" for kind in KINDS]
    ].mean()
    scores = means.mean(axis=1).round(DIGITS)
    order = scores.reset_index(name="score").sort_values(
        ["score", "penalty"], ascending=[False, True], kind="stable"
    )
    best = order.iloc[0]
    return str(best["representation"]), float(best["penalty"])


def _represented(
    representation: str, features: NDArray[np.float32], pairs: Pairs, centre: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Blocks of dimensions of the represented pairs, in the order of `represent`."""
    parts = PARTS.get(representation, (representation,))
    for part in parts:
        for start in range(0, features.shape[1], FEATURES_AT_ONCE):
            own = slice(start, start + FEATURES_AT_ONCE)
            some = features[:, own].astype(np.float64)
            yield represent(part, some[pairs.first], some[pairs.second], centre[own])


def _orthonormal(
    products: NDArray[np.float64],
) -> tuple[NDArray[np.float64], Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """An orthonormal basis of the space that some points span, from the inner products of the points.

    With pivoted Cholesky, products = L L^T in the order of the pivots, Q = Z^T inv(L)^T is such a basis, where Z are
    the first points in that order and L their rows.

    Returns
    -------
    coordinates of the points (point, dimension) in the basis, and what makes, of vectors (dimension, vector) in the
    basis, the factors (point, vector) by which the points combine to the same vectors
    """
    lower, order, rank, _ = dpstrf(products, lower=1)
    order -= 1
    lower = np.tril(lower)[:, :rank]
    coordinates = np.empty_like(lower)
    coordinates[order] = lower

    def combine(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        factors = np.zeros((len(products), vectors.shape[1]))
        factors[order[:rank]] = solve_triangular(lower[:rank], vectors, lower=True, trans="T")
        return factors

    return coordinates, combine


def _regressions(
    points: NDArray[np.float64], same: NDArray[np.bool_], penalties: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (dimension, penalty) and bias (penalty,), each fit starting where the one before it ended."""
    model = LogisticRegression(tol=TOLERANCE, max_iter=MOST_ITERATIONS, warm_start=True)
    weights, bias = [], []
    for penalty in penalties:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=penalty).fit(points, same)
        if model.n_iter_[0] >= MOST_ITERATIONS:
            log.warning(
                "the readout with penalty %g has not converged in %d iterations; its weights are approximate",
                penalty,
                MOST_ITERATIONS,
            )
        weights.append(model.coef_[0].copy())
        bias.append(model.intercept_[0])
    return np.stack(weights, axis=1), np.array(bias)
