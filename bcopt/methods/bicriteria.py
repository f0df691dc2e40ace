"""The exact front of a linear programme with two objectives, from few weighted sums.

Both objectives f and g are minimised over one polyhedron. Its image below and to the left is bounded by a convex
polyline, the front, each of whose vertices is the only minimum of u f + v g for some weights u, v > 0. Let P and Q be
minima of weighted sums, P to the left of Q:

1. The weights u = P.g - Q.g and v = Q.f - P.f make P and Q weigh alike. If no point weighs less, the segment from P to
   Q is part of the front. Otherwise the minimum R lies between them, below the segment, and the same is asked of P and
   R and of R and Q. Each solve settles a segment or finds a point; no vertex is missed, since it lies below the segment
   of any two points around it.
2. The ends are the minima of f alone and of g alone. The first of them may not be efficient: another point E may have
   as small an f and a smaller g. As a vertex E is found by 1., the segment to it is upright, with v = 0, and settled
   without a solve, and the end is left out. The same holds of the last, whose segment is level. So no end takes a
   second solve among its optima, nor a small weight that would have to be guessed.
3. A minimum may lie inside an edge, where the weighted sum is the same all along. This happens once an edge at most,
   since the next solve with its weights settles it, and the point is left out.

A front of k > 1 vertices takes 2 k - 1 solves, one more for each end that is left out and two more for each point
inside an edge, at most 4 k - 1; a single vertex takes two or three. A programme of many hours has a front of many
vertices, of which a tolerance finds some: no feasible point is then below the polyline moved by the tolerance in both
objectives, as 1. says of each segment.

References
----------
Aneja, Nair (1979), Bicriteria transportation problem, Management Science 25(1), 73-78, doi:10.1287/mnsc.25.1.73.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from bcopt.methods.solver import LEAST

Solution = TypeVar("Solution")
SAME = 1e-9
"""Share of an objective up to which differences are rounding [-]."""
MISSED = 1e-6
"""Share of an objective by which a solver may miss a minimum [-]."""


@dataclass(frozen=True)
class Vertex(Generic[Solution]):
    """A vertex of a front.

    Parameters
    ----------
    first, second : float
        Both objectives, in their own units.
    weights : tuple of float
        Of the sum at whose minimum it was found.
    solution : Solution
        What the caller keeps of it.
    exchange : float
        How much of the first objective buys one unit less of the second on the way to the next vertex; NaN at the last.
    """

    first: float
    second: float
    weights: tuple[float, float]
    solution: Solution
    exchange: float = np.nan


Solve = Callable[[float, float], tuple[float, float, Solution]]


def front(solve: Solve[Solution], tolerance: float = SAME) -> list[Vertex[Solution]]:
    """Return the vertices of the front of a linear programme with two objectives.

    Parameters
    ----------
    solve : callable, (float, float) -> tuple of float, float, Solution
        Minimises ``first_weight first + second_weight second`` and returns both objectives, in any units, with whatever
        is to be kept of the solution. The weights are (1, 0), then (0, 1), then pairs whose smaller is 1, so that no
        objective is lost in the solver's tolerance of reduced costs.
    tolerance : float
        Share of both objectives by which the front may be below the polyline of the vertices that are returned [-]. The
        default finds them all.

    Returns
    -------
    list of Vertex
        From least first to least second objective. A single vertex minimises both.

    Raises
    ------
    ValueError
        If the tolerance is not positive, an objective is not finite, or one of two points is no minimum of its sum.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    settled, ahead = [_minimum(solve, (1.0, 0.0))], [_minimum(solve, (0.0, 1.0))]
    _check(*settled, *ahead)
    while ahead:
        point = _between(solve, settled[-1], ahead[-1], tolerance)
        if point is None:
            settled.append(ahead.pop())
        else:
            ahead.append(point)
    vertices = _corners(settled)
    rates = [(b.first - a.first) / (a.second - b.second) for a, b in itertools.pairwise(vertices)]
    return [replace(vertex, exchange=rate) for vertex, rate in zip(vertices, [*rates, np.nan], strict=True)]


def _minimum(solve: Solve[Solution], weights: tuple[float, float]) -> Vertex[Solution]:
    """Return the point of a weighted sum."""
    first, second, solution = solve(*weights)
    if not np.isfinite([first, second]).all():
        raise ValueError(f"the objectives at weights {weights} must be finite, got {first} and {second}")
    return Vertex(float(first), float(second), weights, solution)


def _between(
    solve: Solve[Solution], left: Vertex[Solution], right: Vertex[Solution], tolerance: float
) -> Vertex[Solution] | None:
    """Return a point below the segment of two others, None if there is none."""
    run, rise = right.first - left.first, left.second - right.second
    allowed = _allowed(tolerance, left, right)
    if run <= allowed[0] or rise <= allowed[1]:
        return None
    point = _minimum(solve, (rise / min(run, rise), run / min(run, rise)))
    _check(left, point, right)
    return point if _below(point, left, right, tolerance) > 1 else None


def _allowed(share: float, *points: Vertex[Solution]) -> tuple[float, float]:
    """Return a share of both objectives, by the greatest of some points."""
    return (
        max(LEAST, share * max(abs(point.first) for point in points)),
        max(LEAST, share * max(abs(point.second) for point in points)),
    )


def _below(point: Vertex[Solution], left: Vertex[Solution], right: Vertex[Solution], tolerance: float) -> float:
    """Return how far a point is below the segment of two others, in allowed differences."""
    weights = left.second - right.second, right.first - left.first
    allowed = _allowed(tolerance, left, point, right)
    gain = weights[0] * (left.first - point.first) + weights[1] * (left.second - point.second)
    return gain / (weights[0] * allowed[0] + weights[1] * allowed[1])


def _check(*points: Vertex[Solution]) -> None:
    """Refuse a point that weighs more than another by the weights of which it is the minimum."""
    for one, other in itertools.permutations(points, 2):
        (u, v), allowed = one.weights, _allowed(MISSED, one, other)
        if u * (one.first - other.first - allowed[0]) + v * (one.second - other.second - allowed[1]) > 0:
            raise ValueError(
                f"({one.first:.9g}, {one.second:.9g}) is no minimum at weights {one.weights}:"
                f" ({other.first:.9g}, {other.second:.9g}) weighs less"
            )


def _corners(points: list[Vertex[Solution]]) -> list[Vertex[Solution]]:
    """Return the points without ends that another dominates and without those inside an edge, the straightest first."""
    kept = list(points)
    while len(kept) > 1 and kept[1].first - kept[0].first <= _allowed(SAME, *kept[:2])[0]:
        del kept[0]
    while len(kept) > 1 and kept[-2].second - kept[-1].second <= _allowed(SAME, *kept[-2:])[1]:
        del kept[-1]
    while len(kept) > 2:
        bends = [_below(kept[i], kept[i - 1], kept[i + 1], SAME) for i in range(1, len(kept) - 1)]
        if min(bends) > 1:
            break
        del kept[1 + int(np.argmin(bends))]
    return kept
