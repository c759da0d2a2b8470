"""Other bases of a layer's responses: random rotations, partial ones, and random combinations of units.

If single units carry meaning, units of another basis of the same space must carry less (Bau, Zhou et al. 2017, section
3.2): "the number of unique detectors in Qf(x) is 80 % fewer than in f(x)".
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import schur

from anatomy.randomness import generator


def random_rotation(units: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A rotation (unit, unit), uniform over all rotations.

    The orthogonal factor Q of a matrix of normal numbers, R's diagonal made positive (Mezzadri 2007), one row negated
    where the determinant is -1.
    """
    orthogonal, triangular = np.linalg.qr(random.standard_normal((units, units)))
    orthogonal *= np.sign(np.diag(triangular))
    if np.linalg.det(orthogonal) < 0:
        orthogonal[0] *= -1
    return orthogonal


class RotationPowers:
    """Partial rotations Q ** alpha, from the identity (0) to Q (1): every angle of Q times alpha.

    Q = Z diag(exp(i theta)) Z* with angles -pi < theta <= pi; Q ** alpha = Z diag(exp(i alpha theta)) Z*.
    """

    def __init__(self, rotation: NDArray[np.float64]) -> None:
        triangular, self._vectors = schur(rotation, output="complex")
        self._angles = np.angle(np.diag(triangular))

    def power(self, alpha: float) -> NDArray[np.float64]:
        """Rotation (unit, unit) by alpha of the way."""
        turned = self._vectors * np.exp(1j * alpha * self._angles)
        return (turned @ self._vectors.conj().T).real


def random_combinations(
    units: int, combined: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Rows (unit, unit), each of which weighs `combined` units, drawn for it, by normal numbers; rows have length 1."""
    weights = random.standard_normal((units, units))
    order = random.random((units, units)).argsort(axis=1).argsort(axis=1)
    weights[order >= combined] = 0
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def bases(
    units: int,
    strengths: Sequence[float],
    combined_units: Sequence[int],
    repeats: int,
    purpose: tuple[object, ...],
) -> Iterator[tuple[dict[str, Any], NDArray[np.float64] | None]]:
    """All bases to be compared, each with what tables say about it; the units' own, None, first.

    Parameters
    ----------
    strengths : alpha of partial rotations; those of one repeat are powers of the same rotation
    combined_units : numbers of units in random combinations; those above `units` are left out
    purpose : what the random numbers are for, see anatomy.randomness
    """
    yield _about("rotation", alpha=0.0, seed=0), None
    for seed in range(repeats):
        powers = RotationPowers(random_rotation(units, generator(*purpose, "rotation", seed)))
        for alpha in strengths:
            yield _about("rotation", alpha=alpha, seed=seed), powers.power(alpha)
        for combined in combined_units:
            if combined <= units:
                random = generator(*purpose, "combination", combined, seed)
                mixed = random_combinations(units, combined, random)
                yield _about("combination", combined=combined, seed=seed), mixed


def _about(
    basis: str, seed: int, alpha: float = np.nan, combined: float = np.nan
) -> dict[str, Any]:
    return {"basis": basis, "alpha": alpha, "combined_units": combined, "seed": seed}
