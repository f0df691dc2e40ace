"""The cheapest mix and the front: hand proofs, the same programme by HiGHS, and random mixes that may not beat them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from bcopt.methods import solver
from bcopt.models import mix

LABELS = [f"t{k}" for k in range(8)]


def by_technology(values, labels=LABELS):
    return xr.DataArray(np.asarray(values, float), dims="technology", coords={"technology": labels[: len(values)]})


@st.composite
def problems(draw, objectives=1, ties=True):
    """Unit costs, a box and a total within it. Costs on a coarse grid tie often, fine ones never."""
    size = draw(st.integers(2, 6))
    lower = np.array(draw(st.lists(st.integers(0, 20), min_size=size, max_size=size)), float)
    width = np.array(draw(st.lists(st.integers(0, 40), min_size=size, max_size=size)), float)
    assume(width.sum() > 0)
    level = draw(st.integers(0, 16)) / 16
    if ties:
        costs = [draw(st.lists(st.integers(-3, 6), min_size=size, max_size=size)) for _ in range(objectives)]
        assume(all(any(cost) for cost in costs))
    else:
        generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        costs = generator.uniform(1, 10, (objectives, size))
    return (
        *(by_technology(c) for c in costs),
        by_technology(lower),
        by_technology(lower + width),
        float(lower.sum() + level * width.sum()),
    )


def random_mixes(lower, upper, total, number=50, seed=0):
    """Feasible mixes: random points moved along the line to the lower or the upper corner until the total holds."""
    points = np.random.default_rng(seed).uniform(lower.to_numpy(), upper.to_numpy(), (number, lower.size))
    sums = points.sum(axis=1, keepdims=True)
    corner = np.where(sums > total, lower.to_numpy(), upper.to_numpy())
    gap = corner.sum(axis=1, keepdims=True) - sums
    step = np.divide(total - sums, gap, out=np.zeros_like(sums), where=gap != 0)
    return points + step * (corner - points)


def magnitude(upper, total):
    return max(float(abs(upper).sum()), abs(total), 1.0)


class TestByHand:
    """Costs 1, 2, 3 for 10 MJ: each line says what the optimum is with a limit, and what it is without."""

    cost = by_technology([1, 2, 3])

    @pytest.mark.parametrize(
        ("lower", "upper", "total", "optimum"),
        [
            ([0, 0, 0], [10, 10, 10], 10, [10, 0, 0]),  # nothing binds: all from the cheapest
            ([0, 0, 0], [6, 10, 10], 10, [6, 4, 0]),  # upper bound of the cheapest; without it [10, 0, 0]
            ([0, 0, 0], [6, 3, 10], 10, [6, 3, 1]),  # and of the second; without it [6, 4, 0]
            ([0, 0, 2], [6, 10, 10], 10, [6, 2, 2]),  # lower bound of the dearest; without it [6, 4, 0]
            ([0, 5, 0], [10, 10, 10], 10, [5, 5, 0]),  # lower bound of the second; without it [10, 0, 0]
            ([1, 2, 3], [9, 9, 9], 6, [1, 2, 3]),  # the total is the sum of the lower bounds
            ([1, 2, 3], [2, 4, 6], 12, [2, 4, 6]),  # and of the upper
            ([4, 0, 0], [4, 10, 10], 10, [4, 6, 0]),  # the cheapest is fixed
            ([-5, 0, 0], [10, 10, 10], 10, [10, 0, 0]),  # a negative lower bound that does not bind
        ],
    )
    def test_bounds(self, lower, upper, total, optimum):
        found = mix.cheapest_mix(self.cost, by_technology(lower), by_technology(upper), total)
        assert found.values.tolist() == optimum
        model = mix.mix_model(self.cost, by_technology(lower), by_technology(upper), total)
        solver.solve(model)
        assert model.solution["energy"].values == pytest.approx(optimum, abs=1e-9)

    def test_total(self):
        """With the total 9 of 10 MJ come from the cheapest; without it the cheapest mix is no energy at all."""
        lower, upper = by_technology([0, 1, 0]), by_technology([20, 20, 20])
        assert mix.cheapest_mix(self.cost, lower, upper, 10.0).values.tolist() == [9, 1, 0]
        model = mix.mix_model(self.cost, lower, upper, 10.0)
        assert solver.solve(model).objective == pytest.approx(11)
        model.remove_constraints("total")
        assert solver.solve(model).objective == pytest.approx(2)

    def test_negative_cost_fills_first(self):
        found = mix.cheapest_mix(by_technology([1, -1, 0]), by_technology([0, 0, 0]), by_technology([5, 5, 5]), 7.0)
        assert found.values.tolist() == [0, 5, 2]

    def test_equal_costs_fill_in_the_order_of_the_labels(self):
        box = by_technology([0, 0, 0]), by_technology([5, 5, 5])
        assert mix.cheapest_mix(by_technology([1, 1, 1]), *box, 7.0).values.tolist() == [5, 2, 0]


class TestCheapest:
    @settings(max_examples=12, deadline=None)
    @given(problems())
    def test_equals_the_linear_programme(self, problem):
        cost, lower, upper, total = problem
        merit = float((cost * mix.cheapest_mix(cost, lower, upper, total)).sum())
        exact = solver.solve(mix.mix_model(cost, lower, upper, total)).objective
        assert merit == pytest.approx(exact, rel=1e-9, abs=1e-9 * magnitude(upper, total))

    @settings(max_examples=40, deadline=None)
    @given(problems())
    def test_is_feasible(self, problem):
        cost, lower, upper, total = problem
        found = mix.cheapest_mix(cost, lower, upper, total)
        assert bool(((found >= lower) & (found <= upper)).all())
        assert float(found.sum()) == pytest.approx(total, rel=1e-14, abs=1e-12)

    @settings(max_examples=40, deadline=None)
    @given(problems())
    def test_no_random_mix_is_cheaper(self, problem):
        cost, lower, upper, total = problem
        best = float((cost * mix.cheapest_mix(cost, lower, upper, total)).sum())
        others = random_mixes(lower, upper, total)
        assert others.sum(axis=1) == pytest.approx(np.full(len(others), total), rel=1e-12, abs=1e-9)
        assert (others @ cost.to_numpy()).min() >= best - 1e-11 * 6 * magnitude(upper, total)

    @settings(max_examples=40, deadline=None)
    @given(problems(ties=False), st.randoms(use_true_random=False))
    def test_order_of_technologies_is_immaterial(self, problem, random):
        cost, lower, upper, total = problem
        order = list(range(cost.size))
        random.shuffle(order)
        found = mix.cheapest_mix(cost, lower, upper, total)
        shuffled = mix.cheapest_mix(*(x.isel(technology=order) for x in (cost, lower, upper)), total)
        xr.testing.assert_allclose(shuffled.sel(technology=found["technology"]), found, rtol=1e-13)
        cost_alone = mix.cheapest_mix(cost.isel(technology=order), lower, upper, total)  # matched by label
        xr.testing.assert_identical(cost_alone, found)

    def test_many_problems_at_once(self):
        generator = np.random.default_rng(1)
        cost = xr.DataArray(
            generator.uniform(1, 2, (3, 4, 5)),
            dims=("sample", "technology", "weight"),
            coords={"technology": LABELS[:4]},
        )
        lower, upper = by_technology([0, 1, 2, 0]), by_technology([5, 6, 4, 3])
        found = mix.cheapest_mix(cost, lower, upper, 11.0)
        assert found.dims[0] == "technology"
        for sample in range(3):
            for weight in range(5):
                one = mix.cheapest_mix(cost.isel(sample=sample, weight=weight), lower, upper, 11.0)
                assert found.isel(sample=sample, weight=weight).values.tolist() == one.values.tolist()

    @pytest.mark.parametrize("solve", [mix.cheapest_mix, mix.mix_model])
    def test_a_technology_without_cost_is_refused(self, solve):
        box = by_technology([0, 0, 0]), by_technology([5, 5, 5])
        with pytest.raises((ValueError, KeyError), match="t2"):
            solve(by_technology([1, 1]), *box, 7.0)

    def test_bounds_in_another_order_are_not_matched_by_position(self):
        lower, upper = by_technology([0, 0, 0]), by_technology([1, 2, 3]).isel(technology=[2, 1, 0])
        with pytest.raises(ValueError, match="technology"):
            mix.cheapest_mix(by_technology([1, 2, 3]), lower, upper, 4.0)


class TestTied:
    lower, upper = by_technology([0, 0, 0]), by_technology([5, 5, 5])

    @pytest.mark.parametrize(
        ("cost", "total", "tied"),
        [
            ([1, 2, 3], 7, []),  # a strict order
            ([1, 1, 3], 7, ["t0", "t1"]),  # 5 + 2 or 2 + 5
            ([1, 1, 3], 10, []),  # both full: nothing to exchange
            ([1, 1, 3], 12, []),  # both full, the third takes the rest
            ([1, 3, 3], 5, []),  # the tied ones are empty
            ([1, 3, 3], 7, ["t1", "t2"]),
            ([2, 2, 2], 7, ["t0", "t1", "t2"]),
            ([1, 1 + 1e-12, 3], 7, ["t0", "t1"]),  # equal but for rounding
            ([1, 1 + 1e-6, 3], 7, []),
        ],
    )
    def test_by_hand(self, cost, total, tied):
        assert mix.tied(by_technology(cost), self.lower, self.upper, float(total)) == tied

    @settings(max_examples=40, deadline=None)
    @given(problems())
    def test_no_ties_means_one_optimum(self, problem):
        """Filling equal costs from the other end gives the same mix just where nothing is tied."""
        cost, lower, upper, total = problem
        found = mix.cheapest_mix(cost, lower, upper, total)
        back = mix.cheapest_mix(*(x.isel(technology=slice(None, None, -1)) for x in (cost, lower, upper)), total)
        same = np.allclose(back.sel(technology=found["technology"]), found, rtol=0, atol=1e-9 * max(total, 1))
        assert same == (mix.tied(cost, lower, upper, total) == [])


def least_second(first, second, lower, upper, total, budget):
    """Minimise the second objective with the first at most ``budget``, by an independent solver."""
    answer = linprog(
        second,
        A_ub=[first],
        b_ub=[budget],
        A_eq=[np.ones(lower.size)],
        b_eq=[total],
        bounds=np.column_stack([lower, upper]),
    )
    assert answer.success, answer.message
    return answer.fun


class TestFront:
    def test_by_hand(self):
        """Three technologies of 6 MJ for 9 MJ, costs 1, 2, 4 and carbon 9, 5, 3.

        Cheapest 6 + 3: cost 12, carbon 69. First exchange t0 for t1 (1 a MJ saves 4): up to 3 MJ, cost 15, carbon 57.
        Then t0 for t2 (3 saves 6): 3 MJ, cost 24, carbon 39. Then t1 for t2 (2 saves 2): 3 MJ, cost 30, carbon 33.
        """
        found = mix.front(
            by_technology([1, 2, 4]), by_technology([9, 5, 3]), by_technology([0] * 3), by_technology([6] * 3), 9.0
        )
        assert found["energy"].values == pytest.approx(np.array([[6, 3, 0], [3, 6, 0], [0, 6, 3], [0, 3, 6]]))
        assert found["first"].values == pytest.approx([12, 15, 24, 30])
        assert found["second"].values == pytest.approx([69, 57, 39, 33])
        assert found["exchange"].values == pytest.approx([1 / 4, 1 / 2, 1, np.nan], nan_ok=True)

    def test_one_order_gives_one_vertex(self):
        found = mix.front(
            by_technology([1, 2, 4]), by_technology([3, 5, 9]), by_technology([0] * 3), by_technology([6] * 3), 9.0
        )
        assert found["energy"].values.tolist() == [[6, 3, 0]]
        assert np.isnan(found["exchange"].values).tolist() == [True]

    def test_opposite_orders_that_bounds_silence(self):
        """t1 and t2 disagree but neither can move: still one vertex."""
        lower, upper = by_technology([0, 2, 1]), by_technology([9, 2, 1])
        assert mix.front(by_technology([1, 2, 3]), by_technology([1, 3, 2]), lower, upper, 9.0).sizes["vertex"] == 1

    @pytest.mark.parametrize(
        ("first", "second", "ends"),
        [
            ([1, 1, 2], [2, 1, 3], [[3, 6, 0]]),  # tied in cost: the other objective decides
            ([2, 1, 3], [1, 1, 2], [[3, 6, 0]]),  # tied in carbon
            ([1, 1, 1], [3, 2, 1], [[0, 3, 6]]),  # cost indifferent throughout
            ([1, 1, 2], [1, 1, 3], [[6, 3, 0]]),  # alike in both: the order of the labels
        ],
    )
    def test_ties_are_broken_by_the_other_objective(self, first, second, ends):
        found = mix.front(
            by_technology(first), by_technology(second), by_technology([0] * 3), by_technology([6] * 3), 9.0
        )
        assert found["energy"].values == pytest.approx(np.array(ends))

    @pytest.mark.parametrize("swap", [False, True])
    def test_an_objective_that_is_nothing(self, swap):
        """What costs nothing anywhere leaves the decision to the other objective."""
        nothing, other = by_technology([0, 0, 0]), by_technology([3, 2, 1])
        pair = (other, nothing) if swap else (nothing, other)
        found = mix.front(*pair, by_technology([0] * 3), by_technology([6] * 3), 9.0)
        assert found["energy"].values.tolist() == [[0, 3, 6]]

    @settings(max_examples=40, deadline=None)
    @given(problems(objectives=2))
    def test_ends_are_the_lexicographic_optima(self, problem):
        first, second, lower, upper, total = problem
        found = mix.front(first, second, lower, upper, total)
        size = 6 * magnitude(upper, total)
        for one, other, end in (("first", "second", 0), ("second", "first", -1)):
            costs = {"first": first, "second": second}
            least = float((costs[one] * mix.cheapest_mix(costs[one], lower, upper, total)).sum())
            assert float(found[one][end]) == pytest.approx(least, abs=1e-10 * size)
            then = least_second(costs[one], costs[other], lower, upper, total, least + 1e-9 * size)
            assert float(found[other][end]) == pytest.approx(then, abs=1e-6 * size)

    @settings(max_examples=40, deadline=None)
    @given(problems(objectives=2, ties=False))
    def test_convex_efficient_and_ascending(self, problem):
        first, second, lower, upper, total = problem
        found = mix.front(first, second, lower, upper, total)
        a, b, rates = (found[name].to_numpy() for name in ("first", "second", "exchange"))
        assert (np.diff(a) > 0).all()
        assert (np.diff(b) < 0).all()
        assert (rates[:-1] > 0).all()
        assert (np.diff(rates[:-1]) > 0).all()  # ascending rates: the front is convex
        assert np.isnan(rates[-1])
        for energy in found["energy"]:
            assert float(energy.sum()) == pytest.approx(total, rel=1e-12)
            assert bool(((energy >= lower) & (energy <= upper)).all())
        middles = (a[:-1] + a[1:]) / 2  # the polyline between vertices is the front, so no vertex is missing
        for budget, carbon in zip(np.r_[a, middles], np.r_[b, (b[:-1] + b[1:]) / 2], strict=True):
            least = least_second(first, second, lower, upper, total, budget)
            assert carbon == pytest.approx(least, rel=1e-6)

    @settings(max_examples=40, deadline=None)
    @given(problems(objectives=2, ties=False))
    def test_no_random_mix_is_below(self, problem):
        first, second, lower, upper, total = problem
        found = mix.front(first, second, lower, upper, total)
        others = random_mixes(lower, upper, total)
        cost, carbon = others @ first.to_numpy(), others @ second.to_numpy()
        front = np.interp(cost, found["first"], found["second"])
        assert (carbon >= front * (1 - 1e-9)).all()
        assert cost.min() >= float(found["first"][0]) * (1 - 1e-9)

    @settings(max_examples=40, deadline=None)
    @given(problems(objectives=2, ties=False), st.floats(0.001, 1000), st.floats(0.001, 1000))
    def test_units_are_immaterial(self, problem, u, v):
        """USD or cents, grams or tonnes: the same mixes, the exchange in the ratio of the units."""
        first, second, lower, upper, total = problem
        one, other = (
            mix.front(first, second, lower, upper, total),
            mix.front(u * first, v * second, lower, upper, total),
        )
        assert other["energy"].values == pytest.approx(one["energy"].values, abs=1e-9 * magnitude(upper, total))
        assert other["exchange"].values == pytest.approx(one["exchange"].values * u / v, rel=1e-9, nan_ok=True)


class TestBox:
    @pytest.mark.parametrize(
        ("lower", "upper", "total", "message"),
        [
            ([0, 5, 0], [1, 4, 1], 2, "bounds must be finite and in order, got t1 5 to 4$"),
            ([2, 5, 0], [1, 4, 1], 2, "got t0 2 to 1; t1 5 to 4$"),
            ([0, 0, 0], [1, np.inf, 1], 2, "got t1 0 to inf$"),
            ([0, 0, np.nan], [1, 1, 1], 2, "got t2 nan to 1$"),
            ([1, 1, 1], [2, 2, 2], 2.9, "the bounds admit totals from 3 to 6, so 2.9 cannot be met"),
            ([1, 1, 1], [2, 2, 2], 6.1, "the bounds admit totals from 3 to 6, so 6.1 cannot be met"),
            ([1, 1, 1], [2, 2, 2], np.nan, "so nan cannot be met"),
        ],
    )
    def test_refused(self, lower, upper, total, message):
        lower, upper, cost = by_technology(lower), by_technology(upper), by_technology([1, 2, 3])
        for refuse in (
            lambda: mix.check_box(lower, upper, total),
            lambda: mix.mix_model(cost, lower, upper, total),
            lambda: mix.cheapest_mix(cost, lower, upper, total),
            lambda: mix.front(cost, cost, lower, upper, total),
            lambda: mix.tied(cost, lower, upper, total),
        ):
            with pytest.raises(ValueError, match=message):
                refuse()

    def test_rounding_of_the_total_is_admitted(self):
        lower, upper = by_technology([0.1] * 3), by_technology([0.2] * 3)
        mix.check_box(lower, upper, 0.3)  # 3 x 0.1 is 0.30000000000000004
        mix.check_box(lower, upper, 0.6)
        with pytest.raises(ValueError, match="cannot be met"):
            mix.check_box(lower, upper, 0.6 + 1e-9)
