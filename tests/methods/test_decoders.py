"""Decoders: what they promise holds for any population."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bcopt.methods import decoders

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)
VALUES = st.floats(-1e3, 1e3)


@st.composite
def projections(draw):
    """Genotypes, a box with an attainable total, and seeds for further feasible points."""
    shape = draw(SIZES)
    points = draw(hnp.arrays(float, shape, elements=VALUES))
    lower = draw(hnp.arrays(float, shape[1], elements=st.floats(-10, 10)))
    width = draw(hnp.arrays(float, shape[1], elements=st.floats(0, 20)))
    level = draw(st.floats(0, 1))
    upper = lower + width
    return points, lower, upper, float((1 - level) * lower.sum() + level * upper.sum())


def magnitude(lower, upper, total):
    return max(np.abs(lower).sum(), np.abs(upper).sum(), abs(total), 1e-300)


@given(hnp.arrays(float, SIZES, elements=st.floats(0, 1e300)))
def test_shares_sum_to_one_and_keep_proportions(weights):
    shares = decoders.normalise(weights)
    assert np.allclose(shares.sum(axis=1), 1, rtol=1e-12, atol=0)
    assert (shares >= 0).all()
    order = np.argsort(weights, axis=1)
    assert (np.diff(np.take_along_axis(shares, order, axis=1), axis=1) >= 0).all()
    assert np.allclose(decoders.normalise(shares), shares, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ([[1, 3]], [[0.25, 0.75]]),
        ([[0, 0, 0, 0]], [[0.25] * 4]),  # nothing asked for: equal shares
        ([[0, 0], [0, 2]], [[0.5, 0.5], [0, 1]]),  # row by row
        ([[5e-324, 5e-324]], [[0.5, 0.5]]),  # the smallest number there is
        ([[1e308, 1e308]], [[0.5, 0.5]]),  # a sum beyond the largest
    ],
)
def test_shares_by_hand(weights, shares):
    assert decoders.normalise(weights) == pytest.approx(np.array(shares))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1, 1], [2, -1]], "variable 1 of individual 1 is -1.0"),
        ([[1, np.nan]], "variable 1 of individual 0 is nan"),
        ([1, 2], r"dims \(individual, variable\), got shape \(2,\)"),
        (np.empty((3, 0)), r"got shape \(3, 0\)"),
    ],
)
def test_shares_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        decoders.normalise(weights)


@given(projections())
def test_projection_is_in_the_box_and_meets_the_total(case):
    points, lower, upper, total = case
    nearest = decoders.project_to_total(points, lower, upper, total)
    assert (nearest >= lower).all()
    assert (nearest <= upper).all()
    assert np.abs(nearest.sum(axis=1) - total).max() <= 1e-12 * magnitude(lower, upper, total)


@given(projections())
def test_projection_is_idempotent(case):
    points, lower, upper, total = case
    once = decoders.project_to_total(points, lower, upper, total)
    twice = decoders.project_to_total(once, lower, upper, total)
    assert np.abs(twice - once).max() <= 1e-12 * magnitude(lower, upper, total)


@settings(deadline=None)
@given(projections(), st.integers(0, 2**32 - 1))
def test_no_feasible_point_is_nearer(case, seed):
    """Feasible points made without the projection: rescaled towards whichever bound is short of the total."""
    points, lower, upper, total = case
    nearest = decoders.project_to_total(points, lower, upper, total)
    others = lower + (upper - lower) * np.random.default_rng(seed).random((200, lower.size))
    sums = others.sum(axis=1, keepdims=True)
    bound = np.where(sums < total, upper, lower)
    reach = bound.sum(axis=1, keepdims=True) - sums
    step = np.where(reach == 0, 0, (total - sums) / np.where(reach == 0, 1, reach))
    others = others + np.clip(step, 0, 1) * (bound - others)
    reached = np.linalg.norm(points - nearest, axis=1)
    alternatives = np.linalg.norm(points[:, None] - others[None], axis=2).min(axis=1)
    assert (reached <= alternatives + 1e-9 * (1 + alternatives)).all()


@given(projections())
def test_one_shift_explains_every_variable(case):
    """The optimality conditions: what could still rise has come down at least as far as what could still fall."""
    points, lower, upper, total = case
    nearest = decoders.project_to_total(points, lower, upper, total)
    shift = points - nearest
    tolerance = 1e-9
    least = np.where(nearest < upper - tolerance, shift, -np.inf).max(axis=1)
    most = np.where(nearest > lower + tolerance, shift, np.inf).min(axis=1)
    assert (least <= most + tolerance).all()


@pytest.mark.parametrize(
    ("point", "lower", "upper", "total", "nearest"),
    [
        ([1, 2], 0, 10, 5, [2, 3]),  # no bound binds: the surplus is spread evenly
        ([1, 2], 0, [10, 2.5], 5, [2.5, 2.5]),  # an upper bound sends the rest elsewhere
        ([0, 4], [0, 0], [5, 5], 2, [0, 2]),  # a lower bound binds
        ([7, -3], 0, 1, 0, [0, 0]),  # total at the sum of the lower bounds
        ([7, -3], 0, 1, 2, [1, 1]),  # total at the sum of the upper bounds
        ([5, 9, 1], [0, 2, 0], [10, 2, 10], 6, [4, 2, 0]),  # a fixed variable takes no share
        ([-1, 1], -5, 5, 0, [-1, 1]),  # a total of zero
        ([1e15, 1e15 + 1], 0, 4, 4, [1.5, 2.5]),  # far outside, the difference still counts
    ],
)
def test_projection_by_hand(point, lower, upper, total, nearest):
    assert decoders.project_to_total([point], lower, upper, total)[0] == pytest.approx(nearest, abs=1e-12)


def test_each_row_has_its_own_total_and_box():
    points = np.zeros((3, 2))
    nearest = decoders.project_to_total(points, 0, [[4, 4], [1, 9], [9, 1]], [2, 4, 6])
    assert nearest == pytest.approx(np.array([[1, 1], [1, 3], [5, 1]]))


def test_a_total_missed_by_rounding_is_attainable():
    upper = np.full(3, 0.1)
    assert upper.sum() > 0.3
    assert decoders.project_to_total(np.zeros((1, 3)), 0, upper, 0.1 + 0.2 + 1e-16) == pytest.approx(0.1)
    assert decoders.project_to_total(np.ones((1, 3)), upper, 1, 0.3) == pytest.approx(0.1)


def test_a_year_of_hours():
    """8,760 variables: memory grows with their number, not its square."""
    points = np.random.default_rng(0).random((4, 8760))
    nearest = decoders.project_to_total(points, 0, 1, 3000)
    assert np.allclose(nearest.sum(axis=1), 3000, rtol=1e-12, atol=0)


def test_points_far_away_meet_the_total_to_rounding():
    """Without the last correction the total is missed by 1e-10 of itself."""
    random = np.random.default_rng(0)
    points, upper = 1e6 * random.normal(size=(50, 12)), random.random(12)
    total = 0.3 * upper.sum()
    assert np.allclose(decoders.project_to_total(points, 0, upper, total).sum(axis=1), total, rtol=1e-12, atol=0)


def test_the_genotype_is_left_alone():
    points = np.array([[1.0, 2.0]])
    decoders.project_to_total(points, 0, 10, 5)
    decoders.normalise(points)
    assert points.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 2.5), r"total 2.5 of individual 0 is outside \[0, 2\], the sums of the lower and upper bounds"),
        ((0, 1, [1, -0.5]), r"total -0.5 of individual 1 is outside \[0, 2\]"),
        ((2, 1, 2), "lower 2.0 exceeds upper 1.0 for variable 0"),
        ((0, np.inf, 2), "upper is not finite"),
        ((0, 1, np.nan), "total is not finite"),
        ((0, [1, 1, 1], 2), r"upper of shape \(3,\) does not fit \(2, 2\)"),
    ],
)
def test_projection_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        decoders.project_to_total(np.zeros((2, 2)), *arguments)
