import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bcopt.methods.optimal_face import lexicographic
from bcopt.methods.parametric import piecewise
from bcopt.methods.persistent import Persistent


def bent(points, bends, first=-1.0, start=2.0):
    """A piecewise linear function with these breakpoints and changes of slope."""
    return lambda t: start + first * t + float((np.array(bends) * np.maximum(t - np.array(points), 0.0)).sum())


def ranks(*functions):
    return lambda t: [function(t) for function in functions]


# ---- functions made by hand


def test_breakpoints_values_and_slopes():
    found = piecewise(ranks(bent([0.3, 0.7], [1.0, 2.5])), 0.0, 1.0)
    assert found["parameter"].values == pytest.approx([0.0, 0.3, 0.7, 1.0], abs=1e-12)
    assert found["value"].values[:, 0] == pytest.approx([2.0, 1.7, 1.7, 2.45])
    assert found["slope"].values[:, 0] == pytest.approx([-1.0, 0.0, 2.5, np.nan], nan_ok=True)
    assert (found["value"].dims, found["parameter"].dims) == (("breakpoint", "rank"), ("breakpoint",))
    assert set(found.data_vars) == {"parameter", "value", "slope"}


def test_a_line_has_no_breakpoints_and_takes_four_evaluations():
    found = piecewise(ranks(lambda t: 3 - t, lambda _: 0.0), -2, 5)
    assert found["parameter"].values.tolist() == [-2.0, 5.0]
    assert found["slope"].values[0].tolist() == [-1.0, 0.0]
    assert found.attrs == {"evaluations": 4}


def test_evaluations_count_the_calls_and_none_is_repeated():
    calls: list[float] = []

    def function(t):
        calls.append(t)
        return [abs(t - 0.3)]

    found = piecewise(function, 0.0, 1.0)
    assert found.attrs["evaluations"] == len(calls) == len(set(calls)) < 15


@pytest.mark.parametrize("points", [[0.5], [0.25, 0.5], [0.5, 0.75, 0.875], [0.125, 0.3]])
def test_breakpoints_in_the_middle_of_an_interval(points):
    found = piecewise(ranks(bent(points, np.ones(len(points)))), 0.0, 1.0)
    assert found["parameter"].values == pytest.approx([0.0, *points, 1.0], abs=1e-12)


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-6])
def test_breakpoints_close_to_each_other_and_to_the_ends(width):
    points = [width, 0.4, 0.4 + width, 1 - width]
    found = piecewise(ranks(bent(points, [1.0, 0.5, 0.5, 2.0])), 0.0, 1.0)
    assert found["parameter"].values == pytest.approx([0.0, *points, 1.0], abs=1e-8)


def test_later_ranks_bend_where_and_how_they_may():
    """At 0.3 the first rank bends, so the second may bend down; at 0.6 the second bends alone, upwards."""
    found = piecewise(ranks(bent([0.3], [1.0]), bent([0.3, 0.6], [-2.0, 1.0])), 0.0, 1.0)
    assert found["parameter"].values == pytest.approx([0.0, 0.3, 0.6, 1.0], abs=1e-12)
    assert found["slope"].values[:3] == pytest.approx(np.array([[-1.0, -1.0], [0.0, -3.0], [0.0, -2.0]]))


def test_units_and_offsets_leave_the_breakpoints():
    for scale, range_ in ((1e-3, 1.0), (1e6, 9e4)):
        function = bent([0.2 * range_, 0.21 * range_], [3.0, 1.0])
        found = piecewise(ranks(lambda t, f=function, s=scale: 1e5 * s + s * f(t)), 0.0, range_)
        assert found["parameter"].values[1:-1] / range_ == pytest.approx([0.2, 0.21], abs=1e-7)


def test_noise_below_the_tolerance_makes_no_breakpoints():
    rng = np.random.default_rng(0)
    noisy = ranks(
        lambda t: bent([0.3, 0.7], [1.0, 2.0])(t) + 1e-11 * rng.uniform(-1, 1), lambda _: 1e-12 * rng.uniform()
    )
    found = piecewise(noisy, 0.0, 1.0)
    assert found["parameter"].values == pytest.approx([0.0, 0.3, 0.7, 1.0], abs=1e-8)


@pytest.mark.parametrize("third", [0.403, 0.4008, 0.4011, 0.401001])
def test_corners_within_the_tolerance_of_one_another_are_passed(third):
    """At a value of 1000 differences of 1e-6 are none: the first two corners are nowhere further from one."""
    function = bent([0.4, 0.4005, third], [1e-3, 1e-3, 1.0], start=1e3)
    found = piecewise(ranks(function), 0.0, 1.0)
    assert len(found["parameter"]) < 8
    for t in np.concatenate([np.linspace(0.0, 1.0, 101), np.linspace(0.399, 0.404, 101)]):
        assert np.interp(t, found["parameter"], found["value"][:, 0]) == pytest.approx(function(t), abs=3e-6)


def test_many_corners_at_a_large_value_leave_few_undecided():
    rng = np.random.default_rng(0)
    points, slopes = np.sort(rng.uniform(0.0, 1e5, 300)), np.cumsum(rng.uniform(1e-3, 1.0, 300))
    function = bent(points, np.diff(slopes, prepend=0.0), first=-150.0, start=3e5)
    found = piecewise(ranks(function), 0.0, 1e5)
    assert abs(len(found["parameter"]) - 302) <= 6
    allowed = 3e-9 * float(np.abs(found["value"]).max())
    for t in rng.uniform(0.0, 1e5, 300):
        assert np.interp(t, found["parameter"], found["value"][:, 0]) == pytest.approx(function(t), abs=allowed)
    assert found.attrs["evaluations"] < 12 * 300


def test_a_bend_too_small_to_be_told_still_lets_later_ranks_bend():
    function = ranks(bent([0.3, 0.6], [1.0, 1e-9]), bent([0.3, 0.6], [1.0, -1.0]))
    assert piecewise(function, 0.0, 1.0)["parameter"].values == pytest.approx([0.0, 0.3, 0.6, 1.0], abs=1e-9)


gaps = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=9)
bends = st.lists(st.floats(0.1, 3.0), min_size=8, max_size=8)


@given(gaps, bends, st.floats(-5.0, 5.0), st.floats(-1e3, 1e3))
def test_random_convex_functions_give_their_breakpoints_back(gaps, bends, first, start):
    ends = np.cumsum(gaps)
    points, bends = ends[:-1], bends[: len(ends) - 1]
    function = bent(points, bends, first, start)
    found = piecewise(ranks(function), 0.0, ends[-1])
    assert found["parameter"].values == pytest.approx([0.0, *points, ends[-1]], abs=1e-5)
    assert found["value"].values[:, 0] == pytest.approx([function(t) for t in (0.0, *points, ends[-1])], abs=1e-5)
    assert found["slope"].values[:-1, 0] == pytest.approx(first + np.array([0.0, *np.cumsum(bends)]), abs=1e-3)


# ---- functions of another kind


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda t: t * t, "is curved: more than 1000 breakpoints from 0 on"),
        (lambda t: 1 + 1e-4 * t * t, "is curved"),
        (lambda t: 1 + 1e-8 * t * t, "is curved: rank 0 has no corner at 0.5"),
        (lambda t: np.exp(20 * t), "is curved"),
        (lambda t: abs(t - 0.3) + max(t - 0.6, 0) ** 2, "is curved"),
        (lambda t: max(t, 0.4) + (t > 0.6) * 1e-3, "jumps at 0.6"),
        (lambda t: float(t > 1 / 3), "jumps at 0.333333333"),
        (lambda t: min(t, 0.4), "is not convex: rank 0 bends downwards at 0.4"),
        (lambda t: abs(t - 0.3) - 2 * max(t - 0.8, 0), "is not convex: rank 0 bends downwards at 0.8"),
        (lambda t: abs(t - 0.3) - 3 * max(t - 0.8, 0), "is not convex: at 0.381966 it leaves the line from 0 to 1"),
    ],
)
def test_curves_jumps_and_concave_corners_are_refused(function, message):
    for whole in (ranks(function), ranks(lambda t: -t, function)):
        with pytest.raises(ValueError, match=f"the function {message.replace('rank 0', 'rank .')}"):
            piecewise(whole, 0.0, 1.0)


def test_a_later_rank_bends_upwards_where_it_bends_alone():
    with pytest.raises(ValueError, match=r"the function is not convex: rank 1 bends downwards at 0\.6"):
        piecewise(ranks(bent([0.3], [1.0]), bent([0.3, 0.6], [-2.0, -1.0])), 0.0, 1.0)


@pytest.mark.parametrize("values", [3.0, [], [[1.0]], [np.nan], [1.0, np.inf]])
def test_values_are_finite_vectors(values):
    with pytest.raises(ValueError, match="at 0: expected one finite value a rank, got"):
        piecewise(lambda _: values, 0.0, 1.0)


def test_values_keep_their_length():
    with pytest.raises(ValueError, match="at 1: expected one finite value a rank"):
        piecewise(lambda t: [1.0] * (1 + int(t == 1.0)), 0.0, 1.0)


@pytest.mark.parametrize("given_", [(1.0, 1.0), (1.0, 0.0), (np.nan, 1.0), (0.0, np.inf), (0.0, 1.0, 0.0)])
def test_the_range_is_finite_and_ascending(given_):
    with pytest.raises(ValueError, match="expected finite low < high and tolerance > 0"):
        piecewise(lambda _: [1.0], *given_)


# ---- programmes


def stored(prices, loss=0.0, power=np.inf):
    """One unit of demand an hour from purchase and a store whose capacity is the parameter."""
    hours = xr.DataArray(np.zeros(len(prices)), dims="hour", coords={"hour": np.arange(len(prices))})
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=9 + hours, name="purchase")
    charge = model.add_variables(lower=0, upper=power + hours, name="charge")
    discharge = model.add_variables(lower=0, upper=power + hours, name="discharge")
    energy = model.add_variables(lower=0, upper=0 + hours, name="energy")
    model.add_constraints(energy - (1 - loss) * energy.roll(hour=1) - charge + discharge == 0, name="balance")
    model.add_constraints(buy - charge + discharge == 1 + hours, name="demand")
    kept = Persistent(model)
    cost = kept.compiled((buy * hours.copy(data=prices)).sum())
    throughput = kept.compiled(charge.sum())

    def function(capacity):
        kept.bounds("energy", upper=capacity)
        return lexicographic(kept, [cost, throughput])

    function(1.0)
    kept.keep_basis()
    return function


def test_a_store_between_two_hours_by_hand():
    """Up to 1, a unit of capacity moves a unit from the price 3 to the price 1; more has nothing to move."""
    found = piecewise(stored([1.0, 3.0]), 0.0, 4.0)
    assert found["parameter"].values == pytest.approx([0.0, 1.0, 4.0], abs=1e-9)
    assert found["value"].values == pytest.approx(np.array([[4.0, 0.0], [2.0, 1.0], [2.0, 1.0]]))
    assert found["slope"].values[:2] == pytest.approx(np.array([[-2.0, 1.0], [0.0, 0.0]]), abs=1e-9)


def test_a_store_over_three_prices_by_hand():
    """The first unit serves the hour of price 6 at 1, the second that of price 3; nothing is left to a third."""
    found = piecewise(stored([1.0, 6.0, 3.0]), 0.0, 5.0)
    assert found["parameter"].values == pytest.approx([0.0, 1.0, 2.0, 5.0], abs=1e-9)
    assert found["slope"].values[:3, 0] == pytest.approx([-5.0, -2.0, 0.0], abs=1e-9)
    assert found["value"].values[:, 1] == pytest.approx([0.0, 1.0, 2.0, 2.0])


@settings(max_examples=8)
@given(st.lists(st.integers(1, 9).map(float), min_size=4, max_size=6), st.sampled_from([0.0, 0.1]), st.floats(0.2, 3.0))
def test_between_breakpoints_programmes_have_the_values_of_the_line(prices, loss, power):
    assume(len(set(prices)) > 1)
    function = stored(prices, loss, power)
    found = piecewise(function, 0.0, 6.0)
    parameter, value = found["parameter"].values, found["value"].values
    for t in np.random.default_rng(0).uniform(0.0, 6.0, 20):
        line = [np.interp(t, parameter, value[:, rank]) for rank in (0, 1)]
        assert function(t) == pytest.approx(line, abs=1e-6)
    assert bool((np.diff(found["slope"].values[:-1, 0]) >= -1e-9).all())
    assert bool((found["slope"].values[:-1, 0] <= 1e-9).all())
    assert bool((np.diff(parameter) > 0).all())
