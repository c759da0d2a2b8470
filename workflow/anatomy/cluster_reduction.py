"""Reduction of many points to fewer summary points: k-means, made fast for tens of thousands of centres.

Plain k-means (Lloyd) compares every point with every centre. Here each pass works in cells: the centres are divided
among a fresh random sample of themselves, a point goes with its centre and is compared only with the centres of its
cell. A neighbour that one partition cuts off is in the cell of another.

With about ten points per centre Lloyd's rule soon gets stuck, since a centre follows the few points it has. Points move
by the rule of Hartigan & Wong (1979, Applied Statistics 28, 100-108), which counts that both centres move with the
point: one at distance a of its own centre (of m points) and b of another (of n points) changes over if
m / (m - 1) a^2 > n / (n + 1) b^2. Where no such move is left each point is at its nearest centre.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anatomy.errors import InputError

# larger cells make better but slower passes; at this size the matrix product is half of the time
CENTRES_PER_CELL = 192
LARGEST_CELL = 4 * CENTRES_PER_CELL
PASSES = 16
# of a single cell, until nothing changes
LAST_PASSES = 200
RELOCATE_EVERY = 2
# of a centre's size that may come, and may go, in one pass: more of them would spoil each other's gain
MOVING_SHARE = 0.5
# gains below are rounding errors, as a share of the mean squared distance from the overall mean
ROUNDING = 1e-6
PRODUCT_SIZE = 1 << 22
COLUMNS = 16


@dataclass(frozen=True)
class Reduction:
    """Summary points and the points that each stands for.

    Attributes
    ----------
    centres : float32 (summary point, dimension), the means of their points
    assignment : int32 (point,), the summary point of each point: the nearest one found
    sizes : int64 (summary point,), number of points of each; never 0
    mean_squared_distance : of the points from their summary point, computed in float64
    """

    centres: NDArray[np.float32]
    assignment: NDArray[np.int32]
    sizes: NDArray[np.int64]
    mean_squared_distance: float


def reduce_points(
    points: NDArray[np.float32], summary_points: int, seed: int, device: torch.device
) -> Reduction:
    """Summary points of many points by k-means.

    The result is the same for the same seed, device and number of threads. With few summary points all points are
    compared with all centres until nothing changes.

    Parameters
    ----------
    points : float32 (point, dimension)
    summary_points : how many; points that are alike share several where there are fewer distinct points
    seed : of the first centres and the partitions
    device : where it is computed

    Raises
    ------
    InputError
        for an array of another kind, NaN or infinite values, or more summary points than points
    """
    _check(points, summary_points)
    random = torch.Generator().manual_seed(seed)
    original = torch.from_numpy(points).to(device)
    search = _Search(original, summary_points, random)
    for number in range(PASSES):
        if number % RELOCATE_EVERY == 0:
            search.relocate()
        search.move()
    if search.cells == 1:
        for number in range(LAST_PASSES):
            if not search.relocate() + search.move(one_per_centre=number >= LAST_PASSES // 2):
                break
    return _result(original, search.assignment, summary_points)


def _check(points: NDArray[np.float32], summary_points: int) -> None:
    if points.ndim != 2 or points.dtype != np.float32 or not points.size:
        raise InputError(
            f"points to reduce must be a float32 array (point, dimension), not {points.dtype} {points.shape}"
        )
    if not 1 <= summary_points <= len(points):
        raise InputError(
            f"{summary_points} summary points of {len(points)} points: "
            "there must be at least 1 and at most as many as points"
        )
    if not np.isfinite(points).all():
        raise InputError("points to reduce hold NaN or infinite values")


class _Search:
    """The state of the search: the assignment of the points, and the centres that belong to it.

    No centre ever loses its last point: each begins with a point of its own.
    """

    def __init__(self, points: Tensor, centres: int, random: torch.Generator) -> None:
        self.cells = -(-centres // CENTRES_PER_CELL)
        self._random = random
        self._points = _with_squared_norm(points)
        self._rounding = ROUNDING * float(self._points[:, -1].mean())
        seeds = _distinct(self._points, centres, random)
        self._centres = self._points[seeds, :-1]
        self.assignment = self._first_assignment()
        self.assignment[seeds] = torch.arange(centres, device=points.device)
        self._update()

    def move(self, one_per_centre: bool = False) -> int:
        """Move points to better centres of their cell, the best moves of every centre first; how many moved.

        Moves from and to the same centres add up to less than the sum of their gains. So a centre has a quota; with one
        move per centre every pass is an improvement, and the search comes to an end.
        """
        own, sizes = self.assignment, self._sizes
        gain, better = self._best_moves()
        order = _descending(gain, torch.nonzero((gain > self._rounding) & (sizes[own] > 1))[:, 0])
        old, new = own[order], better[order]
        if one_per_centre:
            moving = _disjoint(old, new)
        else:
            quota = (MOVING_SHARE * sizes).long().clamp_(min=1)
            moving = (_occurrence(old) < quota[old]) & (_occurrence(new) < quota[new])
        chosen = order[moving]
        own[chosen] = better[chosen]
        self._update()
        return len(chosen)

    def relocate(self) -> int:
        """Join centres that are hardly two, each freeing one for a point far from its own; the number of such pairs.

        A relocation is made if it pays: the free centre starts with the far point and all that are nearer to it than
        to the centre they leave.
        """
        far, gain = self._farthest_points()
        free, partner, cost = self._pairs_to_join()
        count = min(len(far), len(free))
        # gains descend and costs ascend, so that those that pay come first
        count = int((gain[:count] > cost[:count] + self._rounding).sum())
        far, free, partner = far[:count], free[:count], partner[:count]
        joined = torch.zeros(len(self._sizes), dtype=torch.bool, device=far.device)
        joined[free] = joined[partner] = True
        far = far[~joined[self.assignment[far]]]
        free, partner = free[: len(far)], partner[: len(far)]
        names = torch.arange(len(self._sizes), device=far.device)
        left = self.assignment[far]
        names[free] = partner
        self.assignment = names[self.assignment]
        self._divide(left, far, free)
        self._update()
        return len(far)

    def _farthest_points(self) -> tuple[Tensor, Tensor]:
        """Of each centre the farthest point, those first that gain most by becoming a centre; and the gains.

        A point at distance a of its centre (of m points) gains m / (m - 1) a^2.
        """
        own = self.assignment
        gain = self._own_squared_distance() * _weight_of_leaving(self._sizes)[own]
        most = torch.zeros_like(self._centres[:, 0]).scatter_reduce_(0, own, gain, "amax")
        far = torch.nonzero((gain > self._rounding) & (gain == most[own]))[:, 0]
        far = _descending(gain, far)
        far = far[_occurrence(own[far]) == 0]
        return far, gain[far]

    def _pairs_to_join(self) -> tuple[Tensor, Tensor, Tensor]:
        """Disjoint pairs of centres (one, other, cost of joining them), the cheapest first.

        Joining centres of m and n points at distance d costs m n / (m + n) d^2 (Ward 1963).
        """
        sizes, centres = self._sizes, self._centres
        cost = torch.full_like(centres[:, 0], torch.inf)
        partner = torch.zeros_like(sizes)
        for those in self._cells_of_centres():
            distance = torch.cdist(centres[those], centres[those])
            share = 1 / sizes[those]
            costs = distance.square_().div_(share + share[:, None]).fill_diagonal_(torch.inf)
            cost[those], cheapest = costs.min(1)
            partner[those] = those[cheapest]
        one = _descending(-cost, torch.nonzero(torch.isfinite(cost))[:, 0])
        one = one[_disjoint(one, partner[one])]
        return one, partner[one], cost[one]

    def _divide(self, left: Tensor, far: Tensor, free: Tensor) -> None:
        """Give far points free centres, with the points that are nearer to them than to the centre that is left."""
        own = self.assignment
        pair = torch.full_like(self._sizes, -1)
        pair[left] = torch.arange(len(far), device=far.device)
        sharing = torch.nonzero(pair[own] >= 0)[:, 0]
        for here in sharing.split(_rows(self._points.shape[1])):
            points, number = self._points[here, :-1], pair[own[here]]
            distant = (points - self._centres[own[here]]).square_().sum(1)
            near = (points - self._points[far[number], :-1]).square_().sum(1)
            own[here[near < distant]] = free[number[near < distant]]

    def _first_assignment(self) -> Tensor:
        """The nearest centre of the cell whose pivot is nearest."""
        pivots = self._pivots()
        points = self._points[:, :-1]
        cell_of_point, cell_of_centre = _nearest(points, pivots), _nearest(self._centres, pivots)
        assignment = torch.zeros_like(cell_of_point)
        members = zip(
            _members(cell_of_point, len(pivots)), _members(cell_of_centre, len(pivots)), strict=True
        )
        for here, centres in members:
            if len(here):
                assignment[here] = centres[_nearest(points[here], self._centres[centres])]
        return assignment

    def _best_moves(self) -> tuple[Tensor, Tensor]:
        """How much the sum of squared distances falls by each point's best move, and the centre it leads to."""
        sizes, centres = self._sizes, self._centres
        joining, leaving = _weight_of_joining(sizes), _weight_of_leaving(sizes)
        # one product of points (with |x|^2) and factors gives n / (n + 1) |x - c|^2 without its last summand
        factors = torch.cat([-2 * joining[:, None] * centres, joining[:, None]], dim=1)
        summand = joining * centres.square().sum(1)
        gain = torch.zeros(len(self._points), device=centres.device)
        better = self.assignment.clone()
        position = torch.empty_like(sizes)
        for here, those in self._cells_of_points():
            position[those] = torch.arange(len(those), device=those.device)
            own = self.assignment[here]
            column = position[own][:, None]
            cost = torch.addmm(summand[those], self._points.index_select(0, here), factors[those].T)
            lost = cost.gather(1, column)[:, 0] * (leaving / joining)[own]
            least, best = cost.scatter_(1, column, torch.inf).min(1)
            gain[here] = lost - least
            better[here] = those[best]
        return gain, better

    def _cells_of_centres(self) -> list[Tensor]:
        """A random partition of the centres; far too large cells are cut."""
        pivots = self._pivots()
        cells = _members(_nearest(self._centres, pivots), len(pivots))
        return [part for cell in cells if len(cell) for part in cell.split(LARGEST_CELL)]

    def _cells_of_points(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Points and centres of each cell of a random partition, in blocks of points."""
        cells = self._cells_of_centres()
        label = torch.empty_like(self._sizes)
        for number, those in enumerate(cells):
            label[those] = number
        points = _members(label[self.assignment], len(cells))
        for here, those in zip(points, cells, strict=True):
            if len(those) > 1:
                for block in here.split(_rows(len(those))):
                    yield block, those

    def _pivots(self) -> Tensor:
        chosen = torch.randperm(len(self._centres), generator=self._random)[: self.cells]
        return self._centres[chosen.to(self._centres.device)]

    def _own_squared_distance(self) -> Tensor:
        rows = _rows(self._points.shape[1])
        blocks = zip(self._points.split(rows), self.assignment.split(rows), strict=True)
        return torch.cat([(x[:, :-1] - self._centres[own]).square_().sum(1) for x, own in blocks])

    def _update(self) -> None:
        means, self._sizes = _means(self._points, self.assignment, len(self._centres))
        self._centres = means[:, :-1].contiguous()


def _with_squared_norm(points: Tensor) -> Tensor:
    """Deviations from the overall mean, and their squared norm as last column: (point, dimension + 1)."""
    result = torch.empty(len(points), points.shape[1] + 1, device=points.device)
    torch.sub(points, points.mean(0), out=result[:, :-1])
    for block in result.split(_rows(result.shape[1])):
        block[:, -1] = block[:, :-1].square().sum(1)
    return result


def _distinct(points: Tensor, count: int, random: torch.Generator) -> Tensor:
    """A random sample of points, no two alike as long as there are others; alike are equal random projections."""
    direction = torch.randn(points.shape[1], generator=random).to(points.device)
    shuffled = torch.randperm(len(points), generator=random).to(points.device)
    projection, order = torch.sort((points @ direction)[shuffled], stable=True)
    repeated = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    repeated[order[1:]] = projection[1:] == projection[:-1]
    return torch.cat([shuffled[~repeated], shuffled[repeated]])[:count]


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    """The nearest centre of each point."""
    squared, factors = centres.square().sum(1), centres.T
    blocks = points.split(_rows(len(centres)))
    return torch.cat([torch.addmm(squared, x, factors, alpha=-2).min(1).indices for x in blocks])


def _members(labels: Tensor, count: int) -> tuple[Tensor, ...]:
    """For each of `count` labels the places that bear it, ascending."""
    order = torch.sort(labels, stable=True).indices
    return order.split(torch.bincount(labels, minlength=count).tolist())


def _means(points: Tensor, assignment: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean of the points of each centre, summed in the order of the points, and their number."""
    sizes = torch.bincount(assignment, minlength=count)
    order = torch.sort(assignment, stable=True).indices
    starts = sizes.cumsum(0) - sizes
    return torch.nn.functional.embedding_bag(order, points, starts, mode="mean"), sizes


def _descending(values: Tensor, places: Tensor) -> Tensor:
    """The places, those of the largest values first."""
    return places[torch.sort(values[places], descending=True, stable=True).indices]


def _occurrence(labels: Tensor) -> Tensor:
    """How many equal labels stand before each."""
    ordered, order = torch.sort(labels, stable=True)
    result = torch.empty_like(order)
    places = torch.arange(len(labels), device=labels.device)
    result[order] = places - torch.searchsorted(ordered, ordered)
    return result


def _disjoint(one: Tensor, other: Tensor) -> Tensor:
    """Which pairs of labels share none with the pairs before them."""
    first = _occurrence(torch.stack([one, other], dim=1).flatten()) == 0
    return first.view(-1, 2).all(1)


def _weight_of_joining(sizes: Tensor) -> Tensor:
    return sizes / (sizes + 1.0)


def _weight_of_leaving(sizes: Tensor) -> Tensor:
    """0 for a centre of one point, which stays."""
    return torch.where(sizes > 1, sizes / (sizes - 1.0), 0.0)


def _rows(columns: int) -> int:
    """Rows of a block that stays in the cache."""
    return max(1, PRODUCT_SIZE // columns)


def _result(points: Tensor, assignment: Tensor, count: int) -> Reduction:
    """Means and distances in float64, some columns at a time."""
    centres = torch.empty(count, points.shape[1], device=points.device)
    total = 0.0
    for start in range(0, points.shape[1], COLUMNS):
        columns = slice(start, start + COLUMNS)
        exact = points[:, columns].double()
        means, sizes = _means(exact, assignment, count)
        centres[:, columns] = means
        total += float(exact.sub_(centres[:, columns][assignment]).square_().sum())
    return Reduction(
        centres=centres.cpu().numpy(),
        assignment=assignment.to(torch.int32).cpu().numpy(),
        sizes=sizes.cpu().numpy(),
        mean_squared_distance=total / len(points),
    )
