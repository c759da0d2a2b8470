"""Circuit substitution accuracy: does an output unit still do its job after its network was pruned?

The logit z_c of category c is replaced by z'_c of the pruned network plus a bias b, all other
logits stay those of the unpruned network, and the largest logit is the prediction (Andrade &
Konkle, "Isolating sparse, category-computing circuits in deep neural networks"). An image is
predicted c iff z'_c + b > m, with m the largest other logit (its rival); a tie goes to the rival.

    hits          share of the images of c that are predicted c
    false alarms  share of the other images that are predicted c
    CSA           hits - false alarms, which is Youden's J

Arrays are float64, one entry per image. An image is decided by comparing the bias with the image's
margin m - z'_c: the same comparison fits the bias and applies it, so rounding cannot change a
decision between the two, and without a bias (b = 0) it is exactly z'_c > m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anatomy.errors import InputError

# How far, in logits, a bias that predicts c for all images or for none lies beyond all margins.
_OUTSIDE = 1.0
# Beyond any logit; keeps margins, and the biases outside them, finite.
_LARGEST_MARGIN = 1e300


@dataclass(frozen=True)
class Measures:
    """How well a substituted output unit separates its category."""

    csa: float
    hits: float
    false_alarms: float


@dataclass(frozen=True)
class Fit(Measures):
    """The measures at the best bias."""

    bias: float


def rivals(logits: np.ndarray, category: int) -> np.ndarray:
    """Largest logit of the other categories, (image,), from unpruned logits (image, output)."""
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise InputError(f"logits must be (image, two or more outputs), not {logits.shape}")
    if not 0 <= category < logits.shape[1]:
        raise InputError(f"there is no output {category} among {logits.shape[1]} outputs")
    before = logits[:, :category].max(axis=1, initial=-np.inf)
    return np.maximum(before, logits[:, category + 1 :].max(axis=1, initial=-np.inf))


def measure(
    target_logits: np.ndarray, rivals: np.ndarray, is_category: np.ndarray, bias: float
) -> Measures:
    """CSA, hits and false alarms of target logits (image,) plus a bias against rivals (image,).

    `is_category` (image,) is boolean. Raises InputError as `best_bias` does.
    """
    margins, is_category = _margins(np.asarray(target_logits)[None], rivals, is_category)
    hits, false_alarms = _rates(margins, is_category, np.array([bias]))
    return Measures(float(hits[0] - false_alarms[0]), float(hits[0]), float(false_alarms[0]))


def best_bias(target_logits: np.ndarray, rivals: np.ndarray, is_category: np.ndarray) -> Fit:
    """The bias with the largest CSA, exactly, and the measures there.

    Among equally good biases it is the one nearest 0: 0 itself if that is one of them, else the
    middle of the nearest interval between neighbouring margins (of two at the same distance the
    negative one, which makes fewer false alarms). The two outer intervals have no middle: there the
    bias lies one logit beyond the outermost margin.

    Parameters
    ----------
    target_logits : (image,) logits of the category's output unit in the pruned network.
    rivals : (image,) largest other logit in the unpruned network.
    is_category : (image,) boolean, True for images of the category.

    Raises
    ------
    InputError if the arrays do not match, a value is not finite, or there are no images of the
    category or no others.
    """
    return best_biases(np.asarray(target_logits)[None], rivals, is_category)[0]


def best_biases(
    target_logits: np.ndarray, rivals: np.ndarray, is_category: np.ndarray
) -> list[Fit]:
    """`best_bias` for each row of target logits (candidate, image) against the same rivals."""
    margins, is_category = _margins(target_logits, rivals, is_category)
    biases = _best_biases(margins, is_category)
    hits, false_alarms = _rates(margins, is_category, biases)
    columns = (hits - false_alarms, hits, false_alarms, biases)
    return [Fit(*row) for row in np.stack(columns, axis=1).tolist()]


def bias_only(rivals: np.ndarray, is_category: np.ndarray) -> Fit:
    """The null of a circuit without weights: a constant target logit with its best bias."""
    return best_bias(np.zeros(np.shape(rivals)), rivals, is_category)


def faithfulness(csa: float, csa_unpruned: float, csa_bias_only: float) -> float:
    """(CSA - CSA_bias_only) / (CSA_unpruned - CSA_bias_only), all after their own best bias.

    1 for the unpruned network, 0 for a constant output unit. NaN if the unpruned network is no
    better than the constant: then there is nothing to be faithful to.
    """
    if not csa_unpruned > csa_bias_only:
        return float("nan")
    return (csa - csa_bias_only) / (csa_unpruned - csa_bias_only)


def area_under_curve(target_logits: np.ndarray, is_category: np.ndarray) -> float:
    """Area under the ROC curve of target logits (image,).

    This is the share of pairs of an image of the category and another image in which the first has
    the larger logit, ties counted half.

    Raises InputError if a value is not finite or there are no images of the category or no others.
    """
    target_logits = np.asarray(target_logits, dtype=np.float64)
    is_category = _checked_categories(is_category, target_logits.shape)
    if not np.isfinite(target_logits).all():
        raise InputError("the target logits must be finite numbers")
    others = np.sort(target_logits[~is_category])
    images = target_logits[is_category]
    below = np.searchsorted(others, images, side="left").sum()
    not_above = np.searchsorted(others, images, side="right").sum()
    return float(below + not_above) / (2 * images.size * others.size)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of two vectors of the same length; NaN if one is constant or empty."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"a correlation needs equal lengths, not {a.shape} and {b.shape}")
    # Rounding of the mean can leave a constant vector with a spread: compare the values themselves.
    if a.size == 0 or (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    cosine = (a / np.linalg.norm(a)) @ (b / np.linalg.norm(b))
    return float(np.clip(cosine, -1, 1))


def _margins(
    target_logits: np.ndarray, rivals: np.ndarray, is_category: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Margins m - z'_c (candidate, image): what a bias must exceed to predict c."""
    target_logits = np.asarray(target_logits, dtype=np.float64)
    rivals = np.asarray(rivals, dtype=np.float64)
    if rivals.ndim != 1 or target_logits.shape[1:] != rivals.shape:
        raise InputError(
            f"target logits {target_logits.shape[1:]} and rivals {rivals.shape} do not match"
        )
    is_category = _checked_categories(is_category, rivals.shape)
    with np.errstate(all="ignore"):  # what overflows here is refused just below
        margins = rivals - target_logits
    if not (np.abs(margins) < _LARGEST_MARGIN).all():
        raise InputError("the target logits and their rivals must be finite numbers")
    return margins, is_category


def _checked_categories(is_category: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    is_category = np.asarray(is_category)
    if is_category.dtype != np.bool_ or is_category.shape != shape:
        raise InputError(
            f"is_category must be boolean of shape {shape}, "
            f"not {is_category.dtype} of shape {is_category.shape}"
        )
    if not is_category.any():
        raise InputError("there are no images of the category, so it has no hits")
    if is_category.all():
        raise InputError("there are no images of other categories, so no false alarms")
    return is_category


def _rates(
    margins: np.ndarray, is_category: np.ndarray, biases: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Hits and false alarms, both (candidate,), of one bias for each row of margins."""
    predicted = biases[:, None] > margins
    return predicted[:, is_category].mean(axis=1), predicted[:, ~is_category].mean(axis=1)


def _best_biases(margins: np.ndarray, is_category: np.ndarray) -> np.ndarray:
    """Best bias (candidate,) for each row of margins (candidate, image).

    With margins sorted to t_1 <= ... <= t_n, every bias in the interval (t_k, t_k+1] predicts c for
    exactly the first k images; intervals between equal margins are empty.
    """
    order = np.argsort(margins, axis=1)
    ascending = np.take_along_axis(margins, order, axis=1)
    edge = np.full((len(margins), 1), np.inf)
    lower = np.concatenate([-edge, ascending], axis=1)
    upper = np.concatenate([ascending, edge], axis=1)

    gains = _youden_gains(is_category)[order]
    youden = np.concatenate([np.zeros_like(gains[:, :1]), gains.cumsum(axis=1)], axis=1)
    youden[lower == upper] = np.iinfo(youden.dtype).min
    is_best = youden == youden.max(axis=1, keepdims=True)

    distance = np.where(upper < 0, -upper, lower)  # below 0 if and only if the interval holds 0
    nearest = np.where(is_best, distance, np.inf).argmin(axis=1)[:, None]
    lower = np.take_along_axis(lower, nearest, axis=1)[:, 0]
    upper = np.take_along_axis(upper, nearest, axis=1)[:, 0]
    return np.where((lower < 0) & (upper >= 0), 0.0, _inside(lower, upper))


def _youden_gains(is_category: np.ndarray) -> np.ndarray:
    """Gain in Youden's J when an image becomes predicted c, times (images of c) * (other images).

    In whole numbers, so that equally good biases are recognised exactly.
    """
    images_of_category = int(is_category.sum())
    return np.where(is_category, is_category.size - images_of_category, -images_of_category)


def _inside(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """A number of each interval (lower, upper], its middle where both ends are finite."""
    middle = lower / 2 + upper / 2
    middle = np.where(np.isinf(lower), upper - _OUTSIDE, middle)
    above = np.maximum(lower + _OUTSIDE, np.nextafter(lower, np.inf))
    middle = np.where(np.isinf(upper), above, middle)
    # Between neighbouring floating-point numbers the middle may round down to the excluded end.
    return np.where(middle > lower, middle, upper)
