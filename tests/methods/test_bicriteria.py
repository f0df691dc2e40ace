"""The front from weighted sums: by hand, against all vertices of small programmes, and where minima are not unique."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from bcopt.methods.bicriteria import front
from bcopt.models import mix

SQUARE = [(0, 4), (1, 2), (3, 1), (6, 0), (6, 4)]


class Choice:
    """The least weighted sum over points; among equal ones, or the middle of all of them, as told."""

    def __init__(self, points, tie="first"):
        self.points, self.tie, self.weights = [tuple(map(float, p)) for p in points], tie, []

    def __call__(self, first, second):
        self.weights.append((first, second))
        sums = [first * f + second * g for f, g in self.points]
        least = [p for p, w in zip(self.points, sums, strict=True) if w <= min(sums) + 1e-12 * max(map(abs, sums))]
        if self.tie == "middle":
            f, g = np.mean([min(least), max(least)], axis=0)
        else:
            f, g = {"first": least[0], "greatest": max(least, key=sum), "least": min(least, key=sum)}[self.tie]
        return f, g, f"at {f:g}"


def pairs(vertices):
    return [(vertex.first, vertex.second) for vertex in vertices]


def corners(points):
    """All vertices of the front of points: those that no other dominates and no segment of two others is below."""
    kept = []
    for f, g in sorted(set(points)):
        if kept and g >= kept[-1][1]:
            continue
        while len(kept) > 1 and (kept[-1][0] - kept[-2][0]) * (g - kept[-2][1]) <= (kept[-1][1] - kept[-2][1]) * (
            f - kept[-2][0]
        ):
            kept.pop()
        kept.append((f, g))
    return kept


# ---- by hand


def test_by_hand():
    """From (0, 4) one of g costs 1 / 2 of f, then 2, then 3."""
    choice = Choice(SQUARE)
    found = front(choice)
    assert pairs(found) == [(0, 4), (1, 2), (3, 1), (6, 0)]
    assert [v.exchange for v in found] == pytest.approx([1 / 2, 2, 3, np.nan], nan_ok=True)
    assert [v.solution for v in found] == ["at 0", "at 1", "at 3", "at 6"]
    assert found[0].weights == (1, 0)
    assert found[-1].weights == (0, 1)
    # (0, 4) and (6, 0) weigh alike at 4 : 6, where (1, 2) weighs least; (1, 2) and (6, 0) at 2 : 5
    assert found[1].weights == pytest.approx((1, 1.5))
    assert found[2].weights == pytest.approx((1, 2.5))
    assert len(choice.weights) == 2 * 4 - 1


@pytest.mark.parametrize("tie", ["first", "greatest", "middle"])
@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(2, 3)], [(2, 3)]),  # one point
        ([(2, 3), (2, 9), (8, 3), (8, 9)], [(2, 3)]),  # one that minimises both, whatever the ends are
        ([(1, 2), (2, 4), (3, 6)], [(1, 2)]),  # parallel objectives
        ([(1, 6), (2, 4), (3, 2)], [(1, 6), (3, 2)]),  # opposite ones: one edge, with a point inside
        ([(0, 9), (0, 4), (4, 0)], [(0, 4), (4, 0)]),  # an end that (0, 4) dominates
        ([(0, 4), (4, 0), (9, 0)], [(0, 4), (4, 0)]),
        ([(0, 9), (0, 4), (1, 1), (4, 0), (9, 0)], [(0, 4), (1, 1), (4, 0)]),  # both ends
        ([(0, 10), (1, 4), (4, 1), (10, 0)], [(0, 10), (1, 4), (4, 1), (10, 0)]),  # an edge as steep as the first chord
        ([(0, 5), (0, 2)], [(0, 2)]),  # nothing but an upright or a level segment
        ([(5, 0), (2, 0)], [(2, 0)]),
        ([(-3, -1), (-2, -2), (-1, -3)], [(-3, -1), (-1, -3)]),
        ([(0, 0), (1e-12, -1e-12)], [(0, 0)]),  # rounding
    ],
)
def test_where_minima_are_not_unique(points, expected, tie):
    """Whichever of them the solver returns."""
    choice = Choice(points, tie)
    found = pairs(front(choice))
    assert found == [pytest.approx(vertex, abs=1e-11) for vertex in expected]
    assert len(choice.weights) <= 4 * len(expected) - 1


# ---- against all points


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(-6, 9), st.integers(-6, 9)), min_size=1, max_size=14),
    st.booleans(),
    st.sampled_from(["first", "greatest", "least", "middle"]),
)
def test_random_points_on_a_grid(points, mirrored, tie):
    """Where many weigh the same; mirrored, the middle edge is as steep as the first chord."""
    points = points + [(g, f) for f, g in points] if mirrored else points
    choice, expected = Choice(points, tie), corners(points)
    found = front(choice)
    assert pairs(found) == [pytest.approx(vertex, abs=1e-9) for vertex in expected]
    assert len(choice.weights) <= 4 * len(expected) - 1
    if tie == "least":
        solves = max(2, 2 * len(expected) - 1)
        assert len(choice.weights) == solves, "no end is dominated, no point is inside an edge"
    for vertex in found:
        sums = [vertex.weights[0] * f + vertex.weights[1] * g for f, g in points]
        assert np.dot(vertex.weights, (vertex.first, vertex.second)) <= min(sums) + 1e-9


@st.composite
def programmes(draw):
    """Two objectives over A x <= b, 0 <= x <= 3, in two or three variables; whole numbers tie often."""
    size = draw(st.integers(2, 3))
    whole = draw(st.booleans())
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = generator.integers(-4, 5, (6, size)).astype(float) if whole else generator.uniform(-4, 5, (6, size))
    side = generator.integers(0, 9, 4).astype(float) if whole else generator.uniform(0, 9, 4)
    rows = np.vstack([values[:4], np.eye(size), -np.eye(size)])
    sides = np.concatenate([side, np.full(size, 3.0), np.zeros(size)])
    return values[4], values[5], rows, sides


def vertices_of(rows, sides):
    """All vertices of {x: rows x <= sides}, from every choice of rows that meet in one point."""
    found = []
    for chosen in itertools.combinations(range(len(rows)), rows.shape[1]):
        square = rows[list(chosen)]
        if abs(np.linalg.det(square)) > 1e-9:
            x = np.linalg.solve(square, sides[list(chosen)])
            if np.all(rows @ x <= sides + 1e-9):
                found.append(x)
    return np.array(found)


@settings(max_examples=60)
@given(programmes())
def test_random_programmes(programme):
    """Every vertex of the polyhedron, of which the front has some; between them the least f under a limit on g."""
    f, g, rows, sides = programme
    points = np.round(vertices_of(rows, sides) @ np.column_stack([f, g]), 9)
    expected = corners([tuple(point) for point in points.tolist()])
    steps = np.diff(expected, axis=0)
    assume(len(expected) < 2 or np.abs(steps).min() > 1e-6)

    def solve(first, second):
        x = linprog(first * f + second * g, A_ub=rows, b_ub=sides, bounds=(None, None)).x
        return f @ x, g @ x, x

    found = front(solve)
    assert pairs(found) == [pytest.approx(vertex, abs=1e-6) for vertex in expected]
    assert all(np.all(rows @ vertex.solution <= sides + 1e-7) for vertex in found)
    for left, right in itertools.pairwise(found):
        limit = (left.second + right.second) / 2
        least = linprog(f, A_ub=np.vstack([rows, g]), b_ub=[*sides, limit], bounds=(None, None)).fun
        assert least == pytest.approx((left.first + right.first) / 2, abs=1e-6)
        assert left.exchange == pytest.approx((least - left.first) / (left.second - limit), rel=1e-6, abs=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_random_mixes(seed, size):
    """A box with one total, whose front is known in closed form."""
    random = np.random.default_rng(seed)
    labels = {"technology": [f"t{k}" for k in range(size)]}
    first, second, lower, room = (xr.DataArray(random.uniform(1, 9, size), labels) for _ in range(4))
    total = float(lower.sum() + random.uniform(0.2, 0.8) * room.sum())

    def solve(u, v):
        energy = mix.cheapest_mix(u * first + v * second, lower, lower + room, total)
        return float((first * energy).sum()), float((second * energy).sum()), energy

    found, exact = front(solve), mix.front(first, second, lower, lower + room, total)
    assert pairs(found) == [
        pytest.approx(pair, rel=1e-9) for pair in zip(exact["first"].values, exact["second"].values, strict=True)
    ]
    assert [v.exchange for v in found] == pytest.approx(exact["exchange"].values, rel=1e-6, nan_ok=True)
    for k, vertex in enumerate(found):
        xr.testing.assert_allclose(vertex.solution, exact["energy"].isel(vertex=k, drop=True), atol=1e-9)


@pytest.mark.parametrize("units", [(1e6, 1.0), (1e-3, 1e3), (1.0, 1e-4)])
def test_units_do_not_matter(units):
    found = front(Choice([(units[0] * f, units[1] * g) for f, g in SQUARE]))
    assert [(v.first / units[0], v.second / units[1]) for v in found] == [
        pytest.approx(pair) for pair in [(0, 4), (1, 2), (3, 1), (6, 0)]
    ]
    assert all(min(v.weights) >= 1 for v in found[1:-1]), "as long as neither end is meant"


# ---- tolerance

CIRCLE = 3 - np.column_stack([trace(np.linspace(0, np.pi / 2, 2000)) for trace in (np.cos, np.sin)])


def on_the_circle(first, second):
    return (*CIRCLE[np.argmin(CIRCLE @ [first, second])].tolist(), None)


@pytest.mark.parametrize(("tolerance", "most"), [(1e-2, 9), (1e-3, 25), (1e-4, 70)])
def test_a_tolerance_bounds_what_is_missed(tolerance, most):
    """Of a front of 2000 vertices; no point of it is below the polyline by more than the tolerance in both."""
    found = np.array(pairs(front(on_the_circle, tolerance)))
    assert 3 < len(found) <= most
    (f, g), shift = CIRCLE.T, 3 * tolerance  # both objectives are 3 at most
    assert np.all(g >= np.interp(f + shift, *found.T) - shift - 1e-12)
    assert np.any(g < np.interp(f, *found.T) - shift / 20), "which a smaller tolerance would have noticed"


def test_all_vertices_without():
    assert len(front(on_the_circle)) == len(CIRCLE)


# ---- refused


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan])
def test_tolerance_must_be_positive(tolerance):
    with pytest.raises(ValueError, match="tolerance must be positive"):
        front(Choice(SQUARE), tolerance)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_objectives_must_be_finite(value):
    with pytest.raises(ValueError, match=r"objectives at weights \(1\.0, 0\.0\) must be finite, got 1\.0 and"):
        front(lambda *_: (1.0, value, None))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        # the end of f has more of it than the end of g
        ([(2, 4), (1, 0)], r"\(2, 4\) is no minimum at weights \(1\.0, 0\.0\): \(1, 0\) weighs less"),
        ([(0, 4), (4, 5)], r"\(4, 5\) is no minimum at weights \(0\.0, 1\.0\): \(0, 4\) weighs less"),
        # the sum weighs more than at both ends, or has less of f than the end of f
        ([(0, 4), (4, 0), (3, 3)], r"\(3, 3\) is no minimum at weights \(1\.0, 1\.0\): \(0, 4\) weighs less"),
        ([(0, 4), (4, 0), (-1, 1)], r"\(0, 4\) is no minimum at weights \(1\.0, 0\.0\): \(-1, 1\) weighs less"),
        ([(0, 4), (4, 0), (1, -1)], r"\(4, 0\) is no minimum at weights \(0\.0, 1\.0\): \(1, -1\) weighs less"),
    ],
)
def test_points_must_be_minima(answers, message):
    given_ = iter(answers)
    with pytest.raises(ValueError, match=message):
        front(lambda *_: (*next(given_), None))
