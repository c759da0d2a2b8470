"""Planted clusters are found by every method; trees equal those of other packages."""

import logging

import fastcluster
import numpy as np
import pytest
from hdbscan import HDBSCAN
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cut_tree, linkage
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from anatomy import cluster_methods
from anatomy.cluster_methods import METHODS, NOISE, cluster, principal_components
from anatomy.errors import InputError

SIZES = (150, 100, 80, 60)


def blobs(sizes=SIZES, dimensions=5, distance=20.0, seed=0):
    """Round clouds of points around corners that are `distance` apart, shuffled, and the cloud of each point."""
    random = np.random.default_rng(seed)
    truth = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    corners = distance / np.sqrt(2) * np.eye(len(sizes), dimensions)
    points = corners[truth] + random.standard_normal((len(truth), dimensions))
    return points.astype(np.float32), truth


def same(first, second):
    return adjusted_rand_score(first, second) == 1


# --- principal components


@given(st.integers(3, 40), st.integers(1, 8), st.integers(1, 8), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_principal_components_equal_scikit_learn(count, dimensions, components, seed):
    random = np.random.default_rng(seed)
    points = random.standard_normal((count, dimensions)) * 1.5 ** np.arange(dimensions)
    points = (points + 3).astype(np.float32)
    # beyond the rank of the points the axes are arbitrary
    compared = min(components, dimensions, count - 1)
    expected = PCA(compared, svd_solver="full").fit(points.astype(np.float64))
    axes = expected.components_
    signs = np.sign(axes[np.arange(compared), np.abs(axes).argmax(axis=1)])
    found = principal_components(points, components)
    assert found.shape == (count, min(components, dimensions))
    assert found.dtype == np.float32
    scores = expected.transform(points.astype(np.float64)) * signs
    np.testing.assert_allclose(found[:, :compared], scores, atol=1e-4)


def test_all_components_are_the_points_themselves():
    points, _ = blobs()
    assert principal_components(points, None) is points
    with pytest.raises(InputError, match="0 principal components"):
        principal_components(points, 0)


# --- every method


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_planted_clusters_are_found(method, seed):
    points, truth = blobs(seed=seed)
    found = cluster(points, method, [4], seed)[4].labels
    clustered = found != NOISE
    assert same(found[clustered], truth[clustered])
    # HDBSCAN leaves out the outermost points of a cloud
    assert clustered.mean() > (0.95 if method == "hdbscan" else 0.999)


@pytest.mark.parametrize("method", METHODS)
def test_clusters_are_numbered_by_size(method):
    points, truth = blobs()
    found = cluster(points, method, [4], 0)[4].labels
    assert found.dtype == np.int32
    clustered = found != NOISE
    np.testing.assert_array_equal(found[clustered], truth[clustered])


@pytest.mark.parametrize("method", ["gaussian_mixture", "ward"])
def test_equal_clusters_are_numbered_by_their_first_point(method):
    points, truth = blobs(sizes=(50, 50, 50))
    found = cluster(points, method, [3], 0)[3].labels
    _, first = np.unique(truth, return_index=True)
    expected = np.argsort(np.argsort(first))[truth]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", METHODS)
def test_every_number_is_given_exactly_or_not_at_all(method):
    points, _ = blobs(distance=4)
    found = cluster(points, method, [7, 2, 3], 0)
    assert list(found) == [k for k in (7, 2, 3) if k in found]
    for k, clustering in found.items():
        sizes = np.bincount(clustering.labels[clustering.labels != NOISE])
        assert len(sizes) == k
        assert (np.diff(sizes) <= 0).all()
        assert sizes[-1] > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_clusters_in_any_number_of_threads(method):
    points, _ = blobs(sizes=(2000, 1000), distance=2)
    with threadpool_limits(1):
        first = cluster(points, method, [2, 5], 3)
    with threadpool_limits(2):
        second = cluster(points, method, [5], 3)
    assert first.keys() >= second.keys()
    for k in second:
        np.testing.assert_array_equal(first[k].labels, second[k].labels)
        assert first[k].parameters == second[k].parameters


@pytest.mark.parametrize(
    ("method", "numbers", "message"),
    [
        ("ward", [2, 391], "390 points cannot be divided into 391 clusters"),
        ("hdbscan", [1], "into 1 clusters"),
        ("kmeans", [2], "kmeans is no method of clustering; there are gaussian_mixture, ward"),
    ],
)
def test_what_cannot_be_is_said(method, numbers, message):
    with pytest.raises(InputError, match=message):
        cluster(blobs()[0], method, numbers, 0)


def test_points_must_be_finite():
    points, _ = blobs()
    points[7, 2] = np.nan
    with pytest.raises(InputError, match="must be finite"):
        cluster(points, "ward", [2], 0)


# --- Gaussian mixture


def needles(seed=0):
    """Two long thin parallel clouds, in a plane that is turned: no method of round clusters tells them apart."""
    random = np.random.default_rng(seed)
    truth = random.permutation(np.repeat([0, 1], [500, 400]))
    points = random.standard_normal((900, 2)) * (4.0, 0.5) + np.outer(truth, (0, 5))
    turned, _ = np.linalg.qr(random.standard_normal((2, 2)))
    return (points @ turned).astype(np.float32), truth


@pytest.mark.parametrize("seed", range(3))
def test_mixture_finds_long_clusters_that_round_ones_cut(seed):
    points, truth = needles(seed)
    assert adjusted_rand_score(KMeans(2, random_state=0).fit_predict(points), truth) < 0.1
    assert adjusted_rand_score(cluster(points, "ward", [2], 0)[2].labels, truth) < 0.1
    np.testing.assert_array_equal(cluster(points, "gaussian_mixture", [2], 0)[2].labels, truth)


def test_mixture_starts_on_a_part_and_ends_on_all_points(monkeypatch):
    monkeypatch.setattr(cluster_methods, "STARTING_POINTS", 200)
    points, truth = needles()
    np.testing.assert_array_equal(cluster(points, "gaussian_mixture", [2], 0)[2].labels, truth)


def test_mixture_without_convergence_is_said(monkeypatch, caplog):
    monkeypatch.setattr(cluster_methods, "MOST_ITERATIONS", 1)
    with caplog.at_level(logging.WARNING):
        cluster(blobs(distance=1)[0], "gaussian_mixture", [3], 0)
    assert "mixture of 3 Gaussians: no convergence in 1 iterations" in caplog.text


# --- Ward


@pytest.mark.parametrize("seed", range(3))
def test_ward_equals_scipy(seed):
    points, _ = blobs(distance=3, seed=seed)
    doubles = points.astype(np.float64)
    expected = linkage(doubles, method="ward")
    own = fastcluster.linkage_vector(doubles, method="ward")
    np.testing.assert_allclose(own[:, 2], expected[:, 2], rtol=1e-9)
    numbers = [2, 3, 5, 17, 389]
    found = cluster(points, "ward", numbers, 0)
    for k, labels in zip(numbers, cut_tree(expected, numbers).T, strict=True):
        assert same(found[k].labels, labels), k


def test_ward_gives_every_number_where_heights_are_equal():
    points = np.zeros((10, 3), np.float32)
    for k, clustering in cluster(points, "ward", [2, 5, 10], 0).items():
        assert len(np.unique(clustering.labels)) == k


# --- HDBSCAN


def test_points_between_clusters_are_noise():
    points, truth = blobs()
    random = np.random.default_rng(1)
    far = random.standard_normal((40, 5))
    far *= 40 / np.linalg.norm(far, axis=1, keepdims=True)
    found = cluster(np.concatenate([points, far]).astype(np.float32), "hdbscan", [4], 0)[4].labels
    assert (found[len(points) :] == NOISE).all()
    assert (found[: len(points)] == truth).mean() > 0.95


def by_package(points, **chosen):
    """The same by the estimator, the tree of which is made in another way."""
    estimator = HDBSCAN(
        min_samples=1,
        algorithm="boruvka_kdtree",
        approx_min_span_tree=False,
        core_dist_n_jobs=1,
        **chosen,
    )
    return estimator.fit(points.astype(np.float64)).labels_


@pytest.mark.parametrize("seed", range(3))
def test_hdbscan_equals_the_best_of_all_settings_of_the_package(seed):
    points, _ = blobs(distance=4, seed=seed)
    settings = {
        (size, selection): by_package(
            points, min_cluster_size=size, cluster_selection_method=selection
        )
        for size in range(5, len(points) // 2)
        for selection in ("eom", "leaf")
    }
    least = {}
    for labels in settings.values():
        k = labels.max() + 1
        least[k] = min(least.get(k, len(labels)), int((labels == NOISE).sum()))
    found = cluster(points, "hdbscan", range(2, 40), 0)
    assert sorted(found) == sorted(k for k in least if k >= 2)
    for k, clustering in found.items():
        assert (clustering.labels == NOISE).sum() == least[k]
        said = dict(part.split("=") for part in clustering.parameters.split(", "))
        expected = settings[int(said["min_cluster_size"]), said["cluster_selection_method"]]
        np.testing.assert_array_equal(clustering.labels == NOISE, expected == NOISE)
        assert same(clustering.labels, expected)


def test_numbers_that_hdbscan_cannot_give_are_absent(caplog):
    points, _ = blobs()
    with caplog.at_level(logging.INFO):
        found = cluster(points, "hdbscan", [4, 300], 0)
    assert list(found) == [4]
    assert "hdbscan gives no 300 clusters of 390 points" in caplog.text


def test_small_clusters_are_no_clusters_for_hdbscan():
    points, _ = blobs(sizes=(4000, 8), distance=40)
    found = cluster(points, "hdbscan", [2], 0)
    assert all(np.bincount(own.labels[own.labels != NOISE])[-1] >= 10 for own in found.values())


def test_hdbscan_of_points_in_the_same_place():
    points = np.repeat(blobs(sizes=(3, 3), distance=30)[0], 20, axis=0)
    found = cluster(points, "hdbscan", [2, 6], 0)
    assert same(found[6].labels, np.repeat(np.arange(6), 20))
