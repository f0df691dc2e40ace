"""One knob, one number: the root is found, its whole path kept, and what cannot be met is said with its values."""

from __future__ import annotations

import dataclasses
import math

import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from bcopt.methods import calibration, solver
from bcopt.methods.calibration import Unreachable, calibrate, crossings


class Counted:
    """A response that remembers what it was asked."""

    def __init__(self, response):
        self.response = response
        self.asked = []

    def __call__(self, knob):
        self.asked.append(knob)
        return self.response(knob)


# ---- roots known by hand


@pytest.mark.parametrize(
    ("response", "target", "bracket", "root"),
    [
        (lambda k: 3 * k + 1, 7.0, (0, 5), 2.0),
        (lambda k: -3 * k + 1, -5.0, (0, 5), 2.0),
        (lambda k: k**3, -1.0, (-2, 3), -1.0),
        (math.exp, 10.0, (0, 5), math.log(10)),
        (lambda k: math.exp(20 * k), 1e20, (0, 4), math.log(1e20) / 20),
        (lambda k: 1 / k, 0.3, (1, 1e3), 1 / 0.3),
        (lambda k: 1e9 * k, 2.5, (0, 1e-8), 2.5e-9),
        (lambda k: k - 1e6, 5e-4, (1e6, 1e6 + 1e-3), 1e6 + 5e-4),
        (lambda k: max(0.0, k - 3), 0.5, (0, 4), 3.5),
        (math.cos, 0.0, (0, 2), math.pi / 2),
    ],
)
def test_roots(response, target, bracket, root):
    found = calibrate(response, target, bracket, tolerance=1e-9 * max(1.0, abs(target)))
    assert found.knob == pytest.approx(root, rel=1e-8)
    assert abs(response(found.knob) - target) <= 1e-9 * max(1.0, abs(target))
    assert found.response == response(found.knob)
    assert found.target == target
    assert found.evaluations <= 30


def test_it_stops_as_soon_as_the_tolerance_admits():
    """With half a printed unit a straight line takes one secant; a thousand times finer, a curve takes more."""
    assert calibrate(lambda k: 3 * k + 1, 7.0, (0, 5), tolerance=0.5).evaluations == 3
    coarse, fine = (calibrate(math.exp, 10.0, (0, 5), tolerance=t) for t in (0.5, 5e-4))
    assert coarse.evaluations < fine.evaluations
    assert 5e-4 < abs(coarse.response - 10) <= 0.5


# ---- the path


def test_path_is_every_evaluation_in_its_order():
    response = Counted(math.exp)
    found = calibrate(response, 10.0, (0, 5), tolerance=1e-6, name="load scale")
    assert found.path.sizes == {"evaluation": found.evaluations}
    assert found.path["evaluation"].to_numpy().tolist() == list(range(1, found.evaluations + 1))
    assert found.path["knob"].to_numpy().tolist() == response.asked
    assert found.path["response"].to_numpy().tolist() == [math.exp(k) for k in response.asked]
    assert response.asked[:2] == [0.0, 5.0], "the ends first"
    assert len(set(response.asked)) == len(response.asked), "no knob twice"
    assert response.asked[-1] == found.knob
    assert (found.name, found.path["knob"].attrs["long_name"]) == ("load scale", "load scale")


def test_the_same_search_twice_is_the_same_path():
    once, again = (calibrate(math.exp, 10.0, (0, 5), tolerance=1e-9) for _ in range(2))
    assert once == again
    xr.testing.assert_identical(once.path, again.path)


def test_what_was_found_cannot_be_altered():
    found = calibrate(math.exp, 10.0, (0, 5), tolerance=1e-9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.knob = 2.0
    assert "path" not in repr(found)


@pytest.mark.parametrize(
    ("target", "knob"),
    [(1.0, 0.0), (1.3, 0.0), (3.0, 2.0), (2.6, 2.0)],
    ids=["lower end", "near the lower end", "upper end", "near the upper end"],
)
def test_an_end_may_be_the_answer(target, knob):
    """Even one that lies just outside the enclosed responses, if the tolerance reaches it."""
    response = Counted(lambda k: k + 1)
    found = calibrate(response, target, (0, 2), tolerance=0.4)
    assert (found.knob, found.evaluations) == (knob, 2)
    for beyond in (0.7, 3.3):
        assert calibrate(response, beyond, (0, 2), tolerance=0.4).knob in (0.0, 2.0)


def test_of_two_ends_the_nearer_is_the_answer_and_the_first_on_a_tie():
    assert calibrate(lambda k: k, 0.6, (0, 1), tolerance=5.0).knob == 1.0
    assert calibrate(lambda k: k, 0.4, (0, 1), tolerance=5.0).knob == 0.0
    assert calibrate(lambda k: k, 0.5, (0, 1), tolerance=5.0).knob == 0.0


@pytest.mark.parametrize("kind", [np.float64, np.float32, int, np.array, xr.DataArray])
def test_numbers_of_any_kind(kind):
    found = calibrate(lambda k: kind(k), kind(3), (kind(1), kind(5)), tolerance=0.25)
    assert (found.knob, found.response, found.target) == (3.0, 3.0, 3.0)
    assert {type(x) for x in (found.knob, found.response, found.target)} == {float}


# ---- flat stretches and steps


def plateau(knob):
    """Rise to 1 at 1, stay there until 3, rise on."""
    return float(np.interp(knob, [0, 1, 3, 4], [0, 1, 1, 2]))


def test_a_flat_stretch_on_the_target():
    found = calibrate(plateau, 1.0, (0, 4), tolerance=1e-12)
    assert 1 <= found.knob <= 3
    assert found.response == 1.0
    ends = calibrate(plateau, 1.0, (1, 3), tolerance=1e-12)
    assert (ends.knob, ends.evaluations) == (1.0, 2), "the whole bracket is flat: its lower end"
    assert calibrate(lambda _: 5.0, 5.0, (0, 1), tolerance=1e-12).knob == 0.0


@pytest.mark.parametrize("target", [0.999, 1.001])
def test_a_flat_stretch_beside_the_target(target):
    found = calibrate(plateau, target, (0, 4), tolerance=1e-9)
    assert found.response == pytest.approx(target, abs=1e-9)
    assert found.knob == pytest.approx(target if target < 1 else target + 2, abs=1e-8)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_across_the_target(sign):
    """Up to 2 the response is 10, beyond it 20; nothing gives 14.25."""
    response = Counted(lambda k: sign * (10.0 if k <= 2 else 20.0))
    with pytest.raises(Unreachable, match=r"^charger: the response jumps across the target -?14\.25: ") as caught:
        calibrate(response, sign * 14.25, (0, 7), tolerance=0.5, name="charger")
    error = caught.value
    assert error.low == (pytest.approx(2.0, abs=1e-11), sign * 10.0)
    assert error.high == (pytest.approx(2.0, abs=1e-11), sign * 20.0)
    assert error.low[0] <= 2.0 < error.high[0]
    assert error.high[0] - error.low[0] <= 7 * calibration.RESOLUTION + 1e-15
    assert error.target == sign * 14.25
    assert error.path["knob"].to_numpy().tolist() == response.asked
    for side in (error.low, error.high):
        assert f"{side[1]!r} at {side[0]!r}" in str(error)
    assert str(error).endswith(f"comes nearest, off by {-4.25 * sign:g}")


@pytest.mark.parametrize("target", [10.0, 20.0, 10.4, 19.6])
def test_a_step_that_holds_the_target(target):
    """The same staircase meets what one of its treads is, within the tolerance."""
    found = calibrate(lambda k: 10.0 if k <= 2 else 20.0, target, (0, 7), tolerance=0.5)
    assert found.response in (10.0, 20.0)
    assert abs(found.response - target) <= 0.5


def test_the_tread_in_the_middle_of_a_staircase():
    found = calibrate(math.floor, 3.0, (0, 7.5), tolerance=0.01)
    assert 3 <= found.knob < 4
    with pytest.raises(Unreachable, match=r"jumps across the target 3\.5"):
        calibrate(math.floor, 3.5, (0, 7.5), tolerance=0.01)


@given(st.lists(st.booleans(), min_size=3, max_size=40))
def test_of_many_jumps_one_is_reported(above):
    """Between two levels back and forth: what is reported is one jump, and the record shows no other."""
    levels = np.where([False, *above, True], 20.0, 10.0)

    def response(knob):
        return float(levels[min(int(knob), len(levels) - 1)])

    with pytest.raises(Unreachable, match="jumps across") as caught:
        calibrate(response, 14.0, (0, len(levels)), tolerance=1.0)
    (low, below), (high, beyond) = caught.value.low, caught.value.high
    assert (below, beyond) == (10.0, 20.0)
    assert high - low <= 1e-10
    assert int(high) == int(low) + 1
    path = caught.value.path
    assert crossings(path["knob"], path["response"], 14.0) == 1


def test_a_pole_is_no_root():
    with pytest.raises(Unreachable, match=r"jumps across the target 0\.0"):
        calibrate(lambda k: 1 / (k - 1 / 3), 0.0, (0, 1), tolerance=1e-6)


def units_needed(demand, whole):
    """Return the least cost of a demand from units of 1 kW at 5 yuan each."""
    model = linopy.Model()
    units = model.add_variables(lower=0, upper=10, integer=whole, name="units")
    model.add_constraints(units >= demand, name="demand")
    model.add_objective(5 * units)
    return solver.solve(model).objective


@pytest.mark.slow
def test_a_model_with_integers_jumps_where_its_relaxation_does_not():
    assert calibrate(lambda k: units_needed(k, False), 12.0, (0.5, 4.5), tolerance=1e-6).knob == pytest.approx(2.4)
    assert calibrate(lambda k: units_needed(k, True), 15.0, (0.5, 4.5), tolerance=1e-6).knob == pytest.approx(2.5, 0.2)
    with pytest.raises(Unreachable) as caught:
        calibrate(lambda k: units_needed(k, True), 12.0, (0.5, 4.5), tolerance=1e-6)
    assert caught.value.low == (pytest.approx(2.0, abs=1e-5), pytest.approx(10.0))
    assert caught.value.high == (pytest.approx(2.0, abs=1e-5), pytest.approx(15.0))


# ---- what cannot be met


@pytest.mark.parametrize(
    ("response", "target", "nearest", "off"),
    [
        (lambda k: 2 * k, 30.0, 5.0, -20),
        (lambda k: 2 * k, -3.0, 1.0, 5),
        (lambda k: -2 * k, 30.0, 1.0, -32),
        (lambda k: -2 * k, -30.0, 5.0, 20),
        (lambda _: 4.0, 4.5, 1.0, -0.5),
    ],
    ids=["above", "below", "above, falling", "below, falling", "flat"],
)
def test_a_target_outside_the_ends(response, target, nearest, off):
    counted = Counted(response)
    with pytest.raises(Unreachable) as caught:
        calibrate(counted, target, (1, 5), tolerance=0.25, name="heat factor")
    error = caught.value
    low, high = float(response(1.0)), float(response(5.0))
    assert str(error) == (
        f"heat factor: the responses at the ends of the bracket do not enclose the target {target!r}: "
        f"{low!r} at 1.0 and {high!r} at 5.0; {nearest!r} comes nearest, off by {off}"
    )
    assert (error.low, error.high, error.target) == ((1.0, low), (5.0, high), target)
    assert counted.asked == [1.0, 5.0] == error.path["knob"].to_numpy().tolist()
    assert isinstance(error, ValueError)


def test_signs_do_not_underflow():
    """The product of two tiny misses of one sign is zero in floating point, and yet no root lies between."""
    with pytest.raises(Unreachable):
        calibrate(lambda k: (1 + k) * 1e-200, 0.0, (0, 1), tolerance=1e-300)
    found = calibrate(lambda k: k * 1e-200, 1e-201, (-1, 1), tolerance=1e-210)
    assert found.knob == pytest.approx(0.1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("where", "asked"), [(0.0, 1), (4.0, 2), (2.0, 3)])
def test_a_response_that_is_no_number(value, where, asked):
    """At either end and within: on a straight line the first secant hits the middle."""
    response = Counted(lambda k: value if k == where else k)
    with pytest.raises(ValueError, match=rf"load scale: the response at {where} is {value}, expected a finite") as e:
        calibrate(response, 2.0, (0, 4), tolerance=1e-9, name="load scale")
    assert not isinstance(e.value, Unreachable)
    assert len(response.asked) == asked


def test_what_the_model_raises_passes_through():
    def response(knob):
        if knob > 1:
            raise solver.NotSolved("infeasible", "demand at hour 3")
        return knob

    with pytest.raises(solver.NotSolved, match="demand at hour 3"):
        calibrate(response, 0.5, (0, 2), tolerance=1e-9)


@pytest.mark.parametrize("limit", [2, 3, 5])
def test_the_limit(limit):
    response = Counted(lambda k: math.exp(5 * k))
    with pytest.raises(ValueError, match=rf"price: the target 10\.0 was not met within {limit} evaluations; \S+ comes"):
        calibrate(response, 10.0, (0, 5), tolerance=1e-9, name="price", limit=limit)
    assert len(response.asked) == limit
    needed = calibrate(response, 10.0, (0, 5), tolerance=1e-9).evaluations
    assert calibrate(response, 10.0, (0, 5), tolerance=1e-9, limit=needed).evaluations == needed
    with pytest.raises(ValueError, match="was not met"):
        calibrate(response, 10.0, (0, 5), tolerance=1e-9, limit=needed - 1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"bracket": (2.0, 1.0)}, "two finite knobs, the lower first, got 2.0 to 1.0"),
        ({"bracket": (1.0, 1.0)}, "two finite knobs"),
        ({"bracket": (math.nan, 1.0)}, "two finite knobs"),
        ({"bracket": (0.0, math.inf)}, "two finite knobs"),
        ({"bracket": (-math.inf, 0.0)}, "two finite knobs"),
        ({"target": math.nan}, "the target must be a finite number, got nan"),
        ({"target": math.inf}, "the target must be a finite number"),
        ({"tolerance": 0.0}, "the tolerance must be a finite number above zero, got 0.0"),
        ({"tolerance": -1.0}, "the tolerance must be"),
        ({"tolerance": math.nan}, "the tolerance must be"),
        ({"tolerance": math.inf}, "the tolerance must be"),
        ({"limit": 1}, "the limit must leave two evaluations for the ends of the bracket, got 1"),
    ],
)
def test_impossible_arguments(change, problem):
    response = Counted(lambda k: k)
    arguments = {"target": 0.5, "bracket": (0.0, 1.0), "tolerance": 0.1, "limit": 9} | change
    with pytest.raises(ValueError, match=r"^battery: ") as caught:
        calibrate(response, name="battery", **arguments)
    assert problem in str(caught.value)
    assert "; " not in str(caught.value), "nothing else is wrong"
    assert response.asked == [], "nothing is computed first"


def test_all_impossible_arguments_at_once():
    with pytest.raises(ValueError, match="bracket") as caught:
        calibrate(lambda k: k, math.nan, (1, 0), tolerance=0, limit=0)
    assert str(caught.value).count("; ") == 3


# ---- any monotone curve of straight pieces


@st.composite
def curves(draw):
    """Return the corners of a curve that never turns back, flat stretches included, and its direction."""
    widths = draw(st.lists(st.integers(1, 1000), min_size=1, max_size=12))
    rises = draw(st.lists(st.integers(0, 1000), min_size=len(widths), max_size=len(widths)))
    start = draw(st.integers(-2000, 2000))
    knobs = np.cumsum([start, *widths]) / 100
    responses = draw(st.sampled_from([1, -1])) * (np.cumsum([0, *rises]) + draw(st.integers(-5000, 5000))) / 10
    return knobs, responses


@given(curves(), st.floats(0, 1))
def test_any_monotone_curve(curve, share):
    knobs, responses = curve
    target = float(responses[0] + share * (responses[-1] - responses[0]))
    counted = Counted(lambda k: float(np.interp(k, knobs, responses)))
    found = calibrate(counted, target, (knobs[0], knobs[-1]), tolerance=1e-6)
    assert abs(np.interp(found.knob, knobs, responses) - target) <= 1e-6
    assert knobs[0] <= found.knob <= knobs[-1]
    assert len(set(counted.asked)) == len(counted.asked) == found.evaluations
    assert found.path["knob"].to_numpy().tolist() == counted.asked
    nearest = np.abs(found.path["response"] - target).min()
    assert abs(found.response - target) == nearest
    if not np.isin(target, responses):
        assert crossings(knobs, responses, target) == 1
        assert crossings(found.path["knob"], found.path["response"], found.response) == 1


@given(curves(), st.floats(1e-3, 1e3), st.booleans())
def test_beyond_any_monotone_curve(curve, beyond, above):
    knobs, responses = curve
    target = float(responses.max() + beyond if above else responses.min() - beyond)
    counted = Counted(lambda k: float(np.interp(k, knobs, responses)))
    with pytest.raises(Unreachable, match="do not enclose") as caught:
        calibrate(counted, target, (knobs[0], knobs[-1]), tolerance=5e-4)
    assert len(counted.asked) == 2
    ends = {caught.value.low[1], caught.value.high[1]}
    assert ends == {float(responses[0]), float(responses[-1])}
    assert crossings(knobs, responses, target) == 0


@given(curves(), st.integers(0, 10), st.floats(0.01, 0.99))
def test_any_jump_is_found_and_reported(curve, place, share):
    """A jump of 50 cut into a rising curve: targets within it are unreachable, and both its sides are told."""
    knobs, responses = curve
    rising = np.sort(responses)
    corner = (knobs[place % (len(knobs) - 1)] + knobs[place % (len(knobs) - 1) + 1]) / 2
    at = float(np.interp(corner, knobs, rising))
    target = at + share * 50
    assume(min(target - at, at + 50 - target) > 0.1)

    def response(knob):
        return float(np.interp(knob, knobs, rising)) + (50 if knob > corner else 0)

    with pytest.raises(Unreachable, match="jumps across") as caught:
        calibrate(response, target, (knobs[0], knobs[-1]), tolerance=1e-3, limit=200)
    (low, below), (high, above) = caught.value.low, caught.value.high
    assert low <= corner < high
    assert high - low <= calibration.RESOLUTION * (knobs[-1] - knobs[0]) + 1e-14 * abs(corner)
    assert (below, above) == (pytest.approx(at, abs=1e-4), pytest.approx(at + 50, abs=1e-4))


# ---- how often a curve meets the target


@pytest.mark.parametrize(
    ("responses", "count"),
    [
        ([1, 2], 0),
        ([-1, 1], 1),
        ([1, -1], 1),
        ([-1, 1, -1], 2),
        ([-1, 1, -1, 1], 3),
        ([-1, 0, 1], 1),
        ([-1, 0, 0, 0, 1], 1),
        ([1, 0, 1], 1),
        ([0, 1], 1),
        ([1, 0], 1),
        ([0, 0], 1),
        ([0, 1, 0], 2),
        ([-1, 1, 0, 1, -1], 3),
        ([-1, 0, 1, 0, -1, 1], 3),
    ],
)
@pytest.mark.parametrize("target", [0.0, 7.5])
def test_crossings(responses, count, target):
    knobs = np.arange(len(responses))
    shifted = np.array(responses) + target
    assert crossings(knobs, shifted, target) == count
    assert crossings(-knobs, shifted, target) == count
    assert crossings(knobs, target - np.array(responses), target) == count
    assert crossings(xr.DataArray(knobs), list(shifted), target) == count


@given(st.permutations(range(9)))
def test_the_order_of_the_samples_is_immaterial(order):
    knobs = np.linspace(0.1, 3 * np.pi - 0.1, 9)
    assert crossings(knobs[order], np.cos(knobs)[order], 0.0) == 3


def test_a_curve_that_turns_back_is_calibrated_and_told_apart():
    """A third-degree curve meets zero at -1, 0 and 1: one is found, and the samples tell that it is not alone."""

    def response(knob):
        return knob**3 - knob

    found = calibrate(response, 0.0, (-1.5, 1.7), tolerance=1e-9)
    assert min(abs(found.knob - root) for root in (-1, 0, 1)) < 1e-8
    knobs = np.linspace(-1.5, 1.7, 100)
    assert crossings(knobs, response(knobs), 0.0) == 3
    assert crossings(knobs, response(knobs), 1.0) == 1


@pytest.mark.parametrize(
    ("knobs", "responses", "target", "problem"),
    [
        ([1.0], [1.0], 0.0, r"got shapes \(1,\) and \(1,\)"),
        ([], [], 0.0, r"got shapes \(0,\)"),
        ([1.0, 2.0], [1.0], 0.0, r"got shapes \(2,\) and \(1,\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], 0.0, r"got shapes \(1, 2\)"),
        ([1.0, 2.0], [1.0, math.nan], 0.0, r"^sample 1: knob 2\.0, response nan, expected finite numbers$"),
        ([math.inf, 2.0], [1.0, 1.0], 0.0, "sample 0: knob inf"),
        ([1.0, 2.0, 1.0], [1.0, 3.0, 2.0], 0.0, r"^knob 1\.0: given 2 times$"),
        ([1.0, 2.0, 2.0], [math.nan, 3.0, 2.0], 0.0, r"sample 0: .*; knob 2\.0: given 2 times"),
        ([1.0, 2.0], [1.0, 3.0], math.nan, "the target must be a finite number, got nan"),
    ],
)
def test_no_curve(knobs, responses, target, problem):
    with pytest.raises(ValueError, match=problem):
        crossings(knobs, responses, target)
