"""Fronts: domination by definition, areas by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bcopt.methods import pareto

TRIANGLE = [[0, 1], [1, 0]]
BENT = [[0, 4], [1, 1], [4, 0]]


@given(hnp.arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 4).map(float)))
def test_non_dominated_by_definition(points):
    """Small integers, so that ties and copies are common."""
    smaller = (points[:, None] <= points[None]).all(axis=2) & (points[:, None] < points[None]).any(axis=2)
    assert (pareto.non_dominated(points) == ~smaller.any(axis=0)).all()


def test_copies_are_all_kept():
    assert pareto.non_dominated([[1, 1], [1, 1], [1, 2]]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("points", "reference", "volume"),
    [
        ([[1, 1]], [3, 2], 2),
        ([[0, 2], [1, 1], [2, 0]], [3, 3], 6),  # staircase: 1 + 2 + 3
        ([[0, 2], [1, 1], [2, 2.5]], [3, 3], 5),  # a dominated point adds nothing
        ([[5, 5]], [3, 3], 0),  # beyond the reference
        ([[1, 1, 1]], [2, 3, 4], 6),  # three objectives
    ],
)
def test_hypervolume_by_hand(points, reference, volume):
    assert pareto.hypervolume(points, reference) == pytest.approx(volume)


@pytest.mark.parametrize(
    ("vertices", "reference", "area"),
    [
        (TRIANGLE, [1, 1], 0.5),
        (TRIANGLE, [2, 2], 3.5),  # the square of side 2 without the triangle below the front
        (TRIANGLE[::-1], [2, 2], 3.5),  # in any order
        ([*TRIANGLE, [1, 1]], [2, 2], 3.5),  # a dominated vertex is no vertex
        (TRIANGLE, [0.5, 2], 0.625),  # cut on the right: 0.5 * (2 - 0.75)
        (TRIANGLE, [2, 0.5], 0.625),  # cut at the top: 0.5 * 0.5 / 2 + 0.5 * 1
        (TRIANGLE, [0.75, 0.75], 0.125),  # cut on both sides: half a square of side 0.5
        (TRIANGLE, [-1, 2], 0),  # left of the front
        (TRIANGLE, [2, -1], 0),  # below the front
        ([[1, 1]], [3, 2], 2),  # a point is a front
        (BENT, [4, 4], 12),  # trapezoids: 1 (0 + 3) / 2 left of the bend, 3 (3 + 4) / 2 right of it
    ],
)
def test_polyline_by_hand(vertices, reference, area):
    assert pareto.polyline_hypervolume(vertices, reference) == pytest.approx(area)


@given(
    st.lists(st.floats(0.05, 3), min_size=2, max_size=6),
    st.tuples(st.floats(-0.5, 6), st.floats(-0.5, 6)),
)
def test_polyline_is_the_limit_of_its_points(steps, reference):
    """A convex front from slopes that flatten; its staircase of n points falls short by O(1/n)."""
    first = np.concatenate([[0], np.cumsum(steps)])
    slopes = -1 / np.arange(1, first.size)
    second = 3 + np.concatenate([[0], np.cumsum(slopes * np.diff(first))])
    vertices = np.stack([first, second], axis=1)
    dense = np.linspace(first[0], first[-1], 4001)
    points = np.stack([dense, np.interp(dense, first, second)], axis=1)
    area, staircase = pareto.polyline_hypervolume(vertices, reference), pareto.hypervolume(points, reference)
    assert staircase <= area + 1e-9
    assert area - staircase <= 0.01


def test_a_concave_front_is_refused():
    with pytest.raises(ValueError, match=r"not convex at \[3.0, 3.0\]"):
        pareto.polyline_hypervolume([[0, 4], [3, 3], [4, 0]], [5, 5])


def test_ratio_uses_the_area_under_the_segments():
    """The two ends of a straight front dominate two strips of width 0.1, the front all but half a square."""
    whole = 1.1 * 1.1 - 0.5
    ends = 1.1 * 0.1 + 0.1 * 1.0
    assert pareto.hypervolume_ratio(TRIANGLE, TRIANGLE) == pytest.approx(ends / whole)
    assert pareto.hypervolume_ratio(TRIANGLE, TRIANGLE, polyline=False) == pytest.approx(1)


def test_ratio_tends_to_one():
    dense = np.linspace(0, 1, 2001)
    ratio = pareto.hypervolume_ratio(np.stack([dense, 1 - dense], axis=1), TRIANGLE)
    assert 0.999 < ratio < 1


def test_ratio_does_not_depend_on_units():
    points = np.array([[0.5, 2.5], [2, 0.8]])
    scale, shift = np.array([1e6, 1e-3]), np.array([-4e6, 7.0])
    ratio = pareto.hypervolume_ratio(points, BENT)
    assert pareto.hypervolume_ratio(points * scale + shift, np.array(BENT) * scale + shift) == pytest.approx(ratio)


def test_a_given_reference_is_in_the_objectives_units():
    """Up to (2, 2) the straight front dominates 3.5, its middle 1.5 squared."""
    assert pareto.hypervolume_ratio([[0.5, 0.5]], TRIANGLE, reference=[2, 2]) == pytest.approx(2.25 / 3.5)
    ends = np.array(TRIANGLE) * [10, 1000]
    assert pareto.hypervolume_ratio([[5, 500]], ends, reference=[20, 2000]) == pytest.approx(2.25 / 3.5)


def test_a_single_optimum_needs_a_reference():
    with pytest.raises(ValueError, match=r"no extent in objective \[0, 1\]: give a reference"):
        pareto.hypervolume_ratio([[2, 2]], [[1, 1]])
    assert pareto.hypervolume_ratio([[2, 2]], [[1, 1]], reference=[3, 3]) == pytest.approx(0.25)


def test_three_objectives_are_points():
    front = np.eye(3)
    assert pareto.hypervolume_ratio(front, front) == pytest.approx(1)
    assert pareto.hypervolume_ratio(front[:2], front) < 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto.non_dominated([]), "objectives must have dims"),
        (lambda: pareto.non_dominated([[1, np.nan]]), "objective 1 of point 0 is nan"),
        (lambda: pareto.hypervolume([[1, 1]], [2]), r"reference must be 2 finite values, got \[2.0\]"),
        (lambda: pareto.hypervolume([[1, 1]], [2, np.inf]), "reference must be 2 finite values"),
        (lambda: pareto.polyline_hypervolume([[1, 1, 1]], [2, 2]), "two objectives, got 3"),
        (lambda: pareto.hypervolume_ratio([[1, 1, 1]], TRIANGLE), "approximation has 3 objectives, the exact front 2"),
        (lambda: pareto.hypervolume_ratio([[1, 1]], TRIANGLE, [0, 0]), "does not dominate the reference point"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
