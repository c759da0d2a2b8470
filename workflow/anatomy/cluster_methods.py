"""Clusters of points by three methods: Gaussian mixture, Ward's tree, and HDBSCAN.

The points are summary points, each of which stands for several neurons. Every point counts once, however many neurons
it stands for: neither scikit-learn's mixture nor HDBSCAN knows weights.

Everything runs in one thread and in float64, so that results do not depend on the number of cores.
"""

import logging
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import fastcluster
import numpy as np
from hdbscan.hdbscan_ import compute_stability, condense_tree, get_clusters
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from anatomy.errors import InputError

log = logging.getLogger(__name__)

METHODS = ("gaussian_mixture", "ward", "hdbscan")
NOISE = -1

# Mixture: EM from each of several starts on some of the points, then from the best of these on all of them.
STARTS = 10
STARTING_POINTS = 10_000
MOST_ITERATIONS = 1000

# HDBSCAN: the smallest cluster, as a number of points and as a share of them.
SMALLEST_CLUSTER = 5
SMALLEST_SHARE = 1 / 400
# Each minimal size is tried in 0.3 s when there are 66,000 points.
MOST_MINIMAL_SIZES = 100


@dataclass(frozen=True)
class Clustering:
    """Points in k clusters.

    Attributes
    ----------
    labels : (point,) cluster 0 .. k - 1, the largest first (of equal ones that with the earlier point), or NOISE
    parameters : what the method was set to, to be read
    """

    labels: NDArray[np.int32]
    parameters: str


def principal_components(
    points: NDArray[np.float32], components: int | None
) -> NDArray[np.float32]:
    """Scores of points on their first principal components.

    Parameters
    ----------
    points : (point, dimension)
    components : how many; None leaves the points as they are

    Returns
    -------
    (point, component), of largest variance first, no more than there are dimensions. Each component's sign is such that
    its largest loading is positive.

    Raises
    ------
    InputError for less than one component
    """
    if components is None:
        return points
    if components < 1:
        raise InputError(f"points cannot be projected to {components} principal components")
    with threadpool_limits(1):
        centred = points - points.mean(axis=0, dtype=np.float64)
        _, axes = np.linalg.eigh(centred.T @ centred)
        axes = axes[:, ::-1][:, :components]
        largest = np.abs(axes).argmax(axis=0)
        axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
        return (centred @ axes).astype(np.float32)


def cluster(
    points: NDArray[np.float32], method: str, numbers: Sequence[int], seed: int
) -> dict[int, Clustering]:
    """Cluster points into each of several numbers of clusters.

    Parameters
    ----------
    points : (point, dimension), finite
    method : one of METHODS
    numbers : of clusters, at least 2 each
    seed : not negative; of the mixture's starts, the other methods draw nothing

    Returns
    -------
    number of clusters -> clustering, in the order of `numbers`. A number that the method cannot give is absent; only
    the mixture (rarely) and HDBSCAN do so.

    Raises
    ------
    InputError for an unknown method, points that are not finite, fewer than 2 clusters or more than there are points
    """
    if method not in METHODS:
        raise InputError(f"{method} is no method of clustering; there are {', '.join(METHODS)}")
    for k in numbers:
        if not 2 <= k <= len(points):
            raise InputError(f"{len(points)} points cannot be divided into {k} clusters")
    if not np.isfinite(points).all():
        raise InputError("points to be clustered must be finite")
    doubles = np.ascontiguousarray(points, dtype=np.float64)
    by_method: dict[str, Callable[[], dict[int, Clustering]]] = {
        "gaussian_mixture": lambda: _gaussian_mixture(doubles, numbers, seed),
        "ward": lambda: _ward(doubles, numbers),
        "hdbscan": lambda: _hdbscan(doubles, numbers),
    }
    found = by_method[method]()
    for k in numbers:
        if k not in found:
            log.info("%s gives no %d clusters of %d points", method, k, len(points))
    return {k: found[k] for k in numbers if k in found}


def _gaussian_mixture(
    points: NDArray[np.float64], numbers: Sequence[int], seed: int
) -> dict[int, Clustering]:
    """Mixtures of Gaussians with full covariances, each point in its most probable component.

    EM ends in a local maximum that depends on its start. Several starts on a part of the points, the best of which is
    followed to the end on all, find higher ones than a few starts on all points and take less time (after Biernacki,
    Celeux & Govaert 2003, whose many starts are short runs). A component that is nowhere the most probable leaves
    fewer clusters than asked for: then this number is absent.
    """
    found = {}
    with threadpool_limits(1):
        for k in numbers:
            labels = _numbered(_fit_mixture(points, k, seed).predict(points))
            if labels.max() + 1 == k:
                found[k] = Clustering(labels, f"covariance_type=full, starts={STARTS}")
    return found


def _fit_mixture(points: NDArray[np.float64], k: int, seed: int) -> GaussianMixture:
    draw = np.random.default_rng((seed, k))
    some = draw.choice(len(points), min(len(points), STARTING_POINTS), replace=False)
    settings = {
        "covariance_type": "full",
        "max_iter": MOST_ITERATIONS,
        "random_state": int(draw.integers(2**32)),
    }
    with warnings.catch_warnings():
        # what counts is whether the last fit converges: that is said below
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = GaussianMixture(k, n_init=STARTS, **settings).fit(points[np.sort(some)])
        mixture = GaussianMixture(
            k,
            weights_init=start.weights_,
            means_init=start.means_,
            precisions_init=start.precisions_,
            **settings,
        ).fit(points)
    if not mixture.converged_:
        log.warning("mixture of %d Gaussians: no convergence in %d iterations", k, MOST_ITERATIONS)
    return mixture


def _ward(points: NDArray[np.float64], numbers: Sequence[int]) -> dict[int, Clustering]:
    """Cuts of the tree that always joins the two clusters whose union adds least to the squared distances to means.

    Ward (1963), exactly, by the algorithm of Müllner (2013), whose memory is that of the points.
    """
    tree = fastcluster.linkage_vector(points, method="ward")
    return {k: Clustering(_numbered(_cut(tree, k)), "linkage=ward") for k in numbers}


def _cut(tree: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Which of k subtrees (by the number of its node) holds each point: the tree without its last k - 1 joins."""
    count = len(tree) + 1
    kept = count - k
    above = np.arange(count + kept)
    above[tree[:kept, :2].astype(np.int64)] = np.arange(count, count + kept)[:, None]
    while not np.array_equal(above, higher := above[above]):
        above = higher
    return above[:count]


def _hdbscan(points: NDArray[np.float64], numbers: Sequence[int]) -> dict[int, Clustering]:
    """HDBSCAN* (Campello, Moulavi & Sander 2013) with `min_samples` 1.

    Then the mutual reachability distance is the distance, and the tree that of single linkage. Larger values leave out
    more points and make the small clusters smaller; their clusters depend less on the sample of points. Summary points,
    being means of similar neurons, are smooth already.
    """
    tree = fastcluster.linkage_vector(points, method="single")
    return {
        k: Clustering(own.labels, f"min_samples=1, {own.parameters}")
        for k, own in density_clusters(tree, numbers).items()
    }


def density_clusters(tree: NDArray[np.float64], numbers: Sequence[int]) -> dict[int, Clustering]:
    """HDBSCAN's clusters with the settings that give k of them and leave out the fewest points.

    HDBSCAN has no k. Its tree depends on `min_samples` alone, its clusters also on `min_cluster_size` and on how they
    are selected from the tree: by excess of mass or as its leaves. Nothing changes between two sizes of the smaller
    branch of any fork, so these are the only minimal sizes to be tried: all of at least SMALLEST_SHARE of the points,
    unless they are more than MOST_MINIMAL_SIZES (then the largest ones). Without that bound the fewest points are left
    out where one cluster has nearly all points and the others a handful. Of equal results the one with the larger
    minimal size counts, then that by excess of mass.

    Parameters
    ----------
    tree : (point - 1, 4) single linkage of the mutual reachability distances, in SciPy's format

    Returns
    -------
    number of clusters -> clustering, without the numbers that no setting gives
    """
    fewest: dict[int, int] = {}
    found = {}
    for size in _minimal_sizes(tree):
        # the estimator of the package would make the tree again for each setting
        condensed = condense_tree(tree, size)
        stability = compute_stability(condensed)
        for selection in ("eom", "leaf"):
            # a copy, because it is changed
            labels = get_clusters(condensed, dict(stability), selection)[0]
            k, left_out = int(labels.max()) + 1, int((labels == NOISE).sum())
            if k in numbers and left_out < fewest.get(k, len(labels)):
                fewest[k] = left_out
                found[k] = Clustering(
                    _numbered(labels),
                    f"min_cluster_size={size}, cluster_selection_method={selection}",
                )
    return found


def _minimal_sizes(tree: NDArray[np.float64]) -> list[int]:
    """Minimal sizes of clusters that give different clusters, from the largest."""
    count = len(tree) + 1
    sizes = np.concatenate([np.ones(count), tree[:, 3]])
    smaller = np.unique(sizes[tree[:, :2].astype(np.int64)].min(axis=1).astype(np.int64))
    least = max(SMALLEST_CLUSTER, math.ceil(SMALLEST_SHARE * count))
    return smaller[smaller >= least][::-1][:MOST_MINIMAL_SIZES].tolist()


def _numbered(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """The same clusters, numbered from the largest, of equal ones from that with the earlier point; noise stays."""
    own, first, sizes = np.unique(labels[labels != NOISE], return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.empty(len(own), np.int32)
    number[order] = np.arange(len(own))
    place = np.searchsorted(own, labels).clip(max=len(own) - 1)
    return np.where(labels == NOISE, NOISE, number[place]).astype(np.int32)
