"""Reduction to summary points: planted groups, scikit-learn, and slow plain checks of what k-means must fulfil."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from anatomy.cluster_reduction import CENTRES_PER_CELL, Reduction, reduce_points
from anatomy.errors import InputError

# these sets are so small that threads would only wait for each other
torch.set_num_threads(1)

CPU = torch.device("cpu")
SEVERAL_CELLS = 3 * CENTRES_PER_CELL + 24


def reduced(points: NDArray[np.float32], summary_points: int, seed: int = 0) -> Reduction:
    """On the CPU."""
    return reduce_points(points, summary_points, seed, CPU)


def cloud(points: int, dimensions: int, seed: int = 0) -> NDArray[np.float32]:
    """Six correlated directions and noise, without groups."""
    random = np.random.default_rng(seed)
    directions = random.standard_normal((6, dimensions))
    noise = random.standard_normal((points, dimensions))
    return (random.standard_normal((points, 6)) @ directions + 0.5 * noise).astype(np.float32)


def groups(
    number: int, members: int, dimensions: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points of well-separated groups in random order, and the group of each."""
    random = np.random.default_rng(seed)
    middle = random.uniform(-50, 50, (number, dimensions))
    group = random.permutation(np.repeat(np.arange(number), members))
    points = middle[group] + 0.3 * random.standard_normal((len(group), dimensions))
    return points.astype(np.float32), group


def distances(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float64]:
    """Squared distance (point, centre), the plain way."""
    return np.stack([((points.astype(float) - c) ** 2).sum(1) for c in centres], axis=1)


def check(points: NDArray[np.float32], found: Reduction, summary_points: int) -> None:
    """What holds for every reduction: nobody is left out, centres are means, the distance is that to the centres."""
    assert found.centres.shape == (summary_points, points.shape[1])
    assert found.centres.dtype == np.float32
    assert found.assignment.dtype == np.int32
    assert found.sizes.dtype == np.int64
    members = [np.flatnonzero(found.assignment == number) for number in range(summary_points)]
    assert sum(len(own) for own in members) == len(points)
    assert [len(own) for own in members] == found.sizes.tolist()
    assert found.sizes.min() > 0
    means = np.stack([points[own].astype(float).mean(0) for own in members])
    np.testing.assert_allclose(found.centres, means, rtol=1e-6, atol=1e-6 * np.abs(points).max())
    offsets = points.astype(float) - found.centres[found.assignment]
    expected = (offsets**2).sum(1).mean()
    assert found.mean_squared_distance == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("number", "members", "dimensions"),
    [(20, 10, 8), (40, 100, 5), (SEVERAL_CELLS, 10, 20), (2 * CENTRES_PER_CELL, 50, 10)],
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_groups_are_found(number: int, members: int, dimensions: int, seed: int) -> None:
    points, group = groups(number, members, dimensions, seed)
    found = reduced(points, number, seed)
    assert adjusted_rand_score(group, found.assignment) == 1
    assert set(found.sizes) == {members}


def test_groups_of_very_different_sizes_are_found() -> None:
    points, group = groups(30, 60, 6, 0)
    kept = np.random.default_rng(0).random(len(points)) < 1 / (1 + group % 10)
    found = reduced(points[kept], 30)
    assert adjusted_rand_score(group[kept], found.assignment) == 1


@pytest.mark.parametrize(
    ("points", "dimensions", "summary_points"),
    [(4000, 20, 8), (3000, 20, 150), (6000, 10, SEVERAL_CELLS)],
)
def test_as_good_as_scikit_learn(points: int, dimensions: int, summary_points: int) -> None:
    data = cloud(points, dimensions)
    reference = KMeans(summary_points, n_init=3, random_state=0).fit(data).inertia_ / points
    found = reduced(data, summary_points)
    check(data, found, summary_points)
    assert found.mean_squared_distance <= 1.02 * reference


def test_no_single_move_improves_a_small_reduction() -> None:
    """The sum of squares after each possible move of one point, from the definition."""
    points = cloud(120, 4)
    found = reduced(points, 12)

    def sum_of_squares(own: NDArray[np.int32]) -> float:
        members = [points[own == number].astype(float) for number in range(12)]
        return sum(((group - group.mean(0)) ** 2).sum() for group in members if len(group))

    best = sum_of_squares(found.assignment)
    for point in range(len(points)):
        for other in range(12):
            moved = found.assignment.copy()
            moved[point] = other
            assert sum_of_squares(moved) >= best * (1 - 1e-5)


def test_every_point_is_at_its_nearest_centre() -> None:
    points = cloud(2000, 10)
    found = reduced(points, 100)
    distance = distances(points, found.centres)
    own = distance[np.arange(len(points)), found.assignment]
    assert (own <= distance.min(1) + 1e-3).all()


def test_nearly_every_point_is_at_its_nearest_centre_where_there_are_several_cells() -> None:
    points = cloud(6000, 10)
    found = reduced(points, SEVERAL_CELLS)
    nearest = distances(points, found.centres).argmin(1)
    assert (nearest == found.assignment).mean() > 0.95


def test_same_seed_same_result() -> None:
    points = cloud(6000, 10)
    one, other, another = (reduced(points, SEVERAL_CELLS, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.assignment, other.assignment)
    np.testing.assert_array_equal(one.centres, other.centres)
    assert not np.array_equal(one.assignment, another.assignment)


def test_order_scale_and_place_of_the_points_do_not_matter() -> None:
    points = cloud(6000, 10)
    expected = reduced(points, SEVERAL_CELLS).mean_squared_distance
    shuffled = np.random.default_rng(1).permutation(points)
    shifted = points + np.float32(3000)
    scaled = points * np.float32(1e-3)
    assert reduced(shuffled, SEVERAL_CELLS).mean_squared_distance == pytest.approx(
        expected, rel=0.01
    )
    assert reduced(shifted, SEVERAL_CELLS).mean_squared_distance == pytest.approx(
        expected, rel=0.01
    )
    assert reduced(scaled, SEVERAL_CELLS).mean_squared_distance == pytest.approx(
        1e-6 * expected, rel=0.01
    )


def test_one_summary_point_is_the_mean() -> None:
    points = cloud(500, 7)
    found = reduced(points, 1)
    check(points, found, 1)
    variance = points.astype(float).var(0).sum()
    assert found.mean_squared_distance == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize("number", [5, SEVERAL_CELLS])
def test_as_many_summary_points_as_points(number: int) -> None:
    points = cloud(number, 4)
    found = reduced(points, number)
    assert sorted(found.assignment) == list(range(number))
    assert found.mean_squared_distance == 0


@pytest.mark.parametrize("summary_points", [50, 51, 300, 1000])
def test_points_that_are_alike(summary_points: int) -> None:
    values = cloud(50, 4)
    points = np.random.default_rng(0).permutation(np.repeat(values, 20, axis=0))
    found = reduced(points, summary_points)
    check(points, found, summary_points)
    assert found.mean_squared_distance == pytest.approx(0, abs=1e-12)


def test_all_points_are_the_same() -> None:
    points = np.full((2000, 3), 0.1, dtype=np.float32)
    found = reduced(points, SEVERAL_CELLS)
    check(points, found, SEVERAL_CELLS)
    assert found.mean_squared_distance == pytest.approx(0, abs=1e-12)


def test_a_value_that_most_points_have_takes_one_summary_point() -> None:
    others = cloud(1500, 5)
    points = np.concatenate([np.zeros((6000, 5), np.float32), others])
    found = reduced(points, 1501)
    check(points, found, 1501)
    assert found.mean_squared_distance == 0


@pytest.mark.parametrize("summary_points", [SEVERAL_CELLS, 2995])
def test_far_points_empty_no_centre(summary_points: int) -> None:
    points = cloud(3000, 5)
    points[::100] *= 1e4
    # points that are alike, and whose distances are all rounding error
    for copy in range(1, 8):
        points[copy::100] = points[::100]
    found = reduced(points, summary_points)
    check(points, found, summary_points)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_reduction_is_whole(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 3)))
    # few different values, so that many points are alike
    values = st.integers(-3, 3).map(float)
    points = data.draw(arrays(np.float32, shape, elements=values))
    summary_points = data.draw(st.integers(1, len(points)))
    found = reduced(points, summary_points, data.draw(st.integers(0, 5)))
    check(points, found, summary_points)
    if summary_points >= len(np.unique(points, axis=0)):
        assert found.mean_squared_distance == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("summary_points", [0, -1, 11])
def test_impossible_numbers_of_summary_points(summary_points: int) -> None:
    with pytest.raises(InputError, match=f"{summary_points} summary points of 10 points"):
        reduced(cloud(10, 3), summary_points)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(value: float) -> None:
    points = cloud(10, 3)
    points[4, 1] = value
    with pytest.raises(InputError, match="NaN or infinite"):
        reduced(points, 2)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((4, 2)),
        np.zeros(4, np.float32),
        np.zeros((0, 2), np.float32),
        np.zeros((4, 0), np.float32),
    ],
)
def test_arrays_of_another_kind(points: NDArray) -> None:
    with pytest.raises(InputError, match="float32 array"):
        reduced(points, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_as_good_on_a_gpu() -> None:
    points = cloud(6000, 10)
    found = reduce_points(points, SEVERAL_CELLS, 0, torch.device("cuda"))
    again = reduce_points(points, SEVERAL_CELLS, 0, torch.device("cuda"))
    check(points, found, SEVERAL_CELLS)
    np.testing.assert_array_equal(found.assignment, again.assignment)
    expected = reduced(points, SEVERAL_CELLS).mean_squared_distance
    assert found.mean_squared_distance == pytest.approx(expected, rel=0.01)
