"""The exact plan under a budget: all plans of a few steps, by hand, by its dual bound, and at its limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import dynamic_programme
from bcopt.methods.dynamic_programme import lagrangian_bound, solve

REWARD = np.array([[[0.0, 3.0, 4.0], [0.0, 1.0, 5.0]]])
USE = np.array([0, 1, 2])


def every_plan(reward, use, budget, preference=None):
    """Value, preference and actions of each feasible plan of one lane, in the order of the actions."""
    steps, actions = reward.shape
    preference = np.zeros_like(reward) if preference is None else preference
    return [
        (
            sum(reward[t, a] for t, a in enumerate(plan)),
            sum(preference[t, a] for t, a in enumerate(plan)),
            plan,
        )
        for plan in itertools.product(range(actions), repeat=steps)
        if sum(use[a] for a in plan) <= budget
    ]


def sums(array, actions):
    return np.take_along_axis(array, actions[:, :, None], 2).sum(axis=(1, 2))


@st.composite
def problems(draw, whole=False, steps=4):
    """Rewards, uses in any order with gaps and repetitions, and a budget a lane; whole rewards tie often."""
    lanes, actions = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    use = generator.permutation(np.r_[0, generator.integers(0, 5, actions - 1)])
    budget = generator.integers(0, 16, lanes)
    shape = (lanes, steps, actions)
    reward = generator.integers(-2, 4, shape).astype(float) if whole else generator.normal(0, 100, shape)
    return reward, use, budget, generator.integers(0, 4, shape).astype(float)


class TestByHand:
    @pytest.mark.parametrize(
        ("budget", "value", "actions"),
        [
            (0, 0, [0, 0]),  # nothing may be used
            (1, 3, [1, 0]),  # 3 in the first step beats 1 in the second
            (2, 5, [0, 2]),  # 5 beats 3 + 1 and 4
            (3, 8, [1, 2]),
            (4, 9, [2, 2]),  # each step its best
            (10**15, 9, [2, 2]),  # a budget beyond what can be used costs neither time nor memory
        ],
    )
    def test_budget(self, budget, value, actions):
        plan = solve(REWARD, USE, budget)
        assert plan.value.tolist() == [value]
        assert plan.actions.tolist() == [actions]
        assert plan.preference.tolist() == [0]

    def test_each_lane_has_its_own_budget(self):
        plan = solve(np.repeat(REWARD, 5, axis=0), USE, np.array([4, 0, 2, 1, 3]))
        assert plan.value.tolist() == [9, 0, 5, 3, 8]
        assert plan.actions.tolist() == [[2, 2], [0, 0], [0, 2], [1, 0], [1, 2]]

    def test_the_use_counts_and_not_the_place_of_an_action(self):
        assert solve(REWARD[:, :, ::-1], USE[::-1], 1).actions.tolist() == [[1, 2]]
        assert solve(REWARD, 7 * USE, 7).actions.tolist() == [[1, 0]]
        assert solve(REWARD, 7 * USE, 6).actions.tolist() == [[0, 0]]

    def test_rewards_that_are_all_negative(self):
        assert solve(REWARD - 10, USE, 1).value.tolist() == [-17]


class TestTies:
    """Steps 1 and 2 both pay 1 for one unit of use; a budget of one leaves a choice."""

    reward = np.array([[[0.0, 1.0], [0.0, 1.0]]])
    use = np.array([0, 1])

    @pytest.mark.parametrize(
        ("preference", "actions", "least"),
        [
            (None, [0, 1], 0),  # in the order of the actions, the first step first
            ([[0, 5], [0, 9]], [1, 0], 5),
            ([[0, 9], [0, 5]], [0, 1], 5),
            ([[0, 0], [-3, 0]], [1, 0], -3),  # what is not taken counts as well
            ([[-9, 0], [-9, 0]], [0, 1], -9),  # (0, 0) would be -18 but is worth nothing
            ([[0, 5], [0, 5]], [0, 1], 5),  # tied in both: the order again
        ],
    )
    def test_preference(self, preference, actions, least):
        wanted = None if preference is None else np.array([preference], float)
        plan = solve(self.reward, self.use, 1, wanted)
        assert plan.value.tolist() == [1]
        assert plan.actions.tolist() == [actions]
        assert plan.preference.tolist() == [least]

    def test_interval_over_all_optima(self):
        quantity = np.array([[[0.0, 5.0], [0.0, 9.0]]])
        ends = [sign * solve(self.reward, self.use, 1, sign * quantity).preference[0] for sign in (1, -1)]
        assert ends == [5, 9]

    @pytest.mark.parametrize(("loss", "tied"), [(0.9e-9, True), (1.1e-9, False)])
    def test_default_tolerance_is_relative_to_the_reward(self, loss, tied):
        for unit in (1e-6, 1.0, 1e6):
            reward = unit * np.array([[[1.0, 1.0 - loss]]])
            plan = solve(reward, np.array([0, 0]), 0, np.array([[[1.0, 0.0]]]))
            assert plan.actions.tolist() == [[1 if tied else 0]]
            assert plan.value[0] == unit

    def test_tolerance_does_not_add_up(self):
        """Ten steps that each may lose 1: a tolerance of 5 is .5 a step, so none does; one of 10 admits them all."""
        reward = np.tile([1.0, 0.0], (1, 10, 1))
        preference = np.tile([1.0, 0.0], (1, 10, 1))
        for tolerance, actions in ((5.0, 0), (9.99, 0), (10.0, 1)):
            plan = solve(reward, np.array([0, 0]), 0, preference, tolerance)
            assert plan.actions.tolist() == [[actions] * 10]
            assert 10 - sums(reward, plan.actions)[0] <= tolerance

    @settings(max_examples=60)
    @given(problems(), st.floats(0, 300))
    def test_no_plan_loses_more_than_the_tolerance(self, problem, tolerance):
        reward, use, budget, preference = problem
        plan = solve(reward, use, budget, preference, tolerance)
        assert (sums(reward, plan.actions) >= plan.value - tolerance - 1e-9).all()
        assert (use[plan.actions].sum(axis=1) <= budget).all()

    @settings(max_examples=60)
    @given(problems(), st.floats(0, 300))
    def test_every_plan_within_a_step_of_tolerance_is_tied(self, problem, tolerance):
        reward, use, budget, preference = problem
        plan = solve(reward, use, budget, preference, tolerance)
        for lane in range(len(reward)):
            plans = every_plan(reward[lane], use, budget[lane], preference[lane])
            best = max(plans)[0]
            least = min(
                cost for value, cost, _ in plans if value >= best - tolerance / reward.shape[1] + 1e-9 or value == best
            )
            assert plan.preference[lane] <= least + 1e-9


class TestEveryPlan:
    @settings(max_examples=100)
    @given(problems())
    def test_value(self, problem):
        reward, use, budget, _ = problem
        plan = solve(reward, use, budget)
        for lane in range(len(reward)):
            value, _, actions = max(every_plan(reward[lane], use, budget[lane]))
            assert plan.value[lane] == pytest.approx(value, rel=0, abs=1e-9)
            assert sums(reward, plan.actions)[lane] == pytest.approx(value, rel=0, abs=1e-9)
            assert plan.actions[lane].tolist() == list(actions)

    @settings(max_examples=100)
    @given(problems(whole=True))
    def test_preference_among_ties(self, problem):
        reward, use, budget, preference = problem
        for sign in (1, -1):
            plan = solve(reward, use, budget, sign * preference)
            for lane in range(len(reward)):
                plans = every_plan(reward[lane], use, budget[lane], sign * preference[lane])
                best = max(plans)[0]
                least = min(cost for value, cost, _ in plans if value == best)
                first = min(actions for value, cost, actions in plans if (value, cost) == (best, least))
                assert plan.value[lane] == best
                assert plan.preference[lane] == least
                assert plan.actions[lane].tolist() == list(first)
                assert sums(sign * preference, plan.actions)[lane] == least

    @settings(max_examples=60)
    @given(problems())
    def test_bounds_enclose_the_optimum(self, problem):
        reward, use, budget, _ = problem
        value = solve(reward, use, budget).value
        bound, found = lagrangian_bound(reward, use, budget)
        assert (bound >= value - 1e-9).all()
        assert (found <= value + 1e-9).all()
        largest = np.ptp(reward, axis=2).max(axis=1)
        assert (
            bound - found <= largest + 1e-9
        ).all()  # two neighbouring plans differ in one step: nothing is tied here

    @settings(max_examples=60)
    @given(problems())
    def test_the_bound_is_the_least_of_the_dual(self, problem):
        """Convex and piecewise linear: its minimum is at zero or where two actions of a step are worth the same."""
        reward, use, budget, _ = problem
        bound, _ = lagrangian_bound(reward, use, budget)
        for lane, rewards in enumerate(reward):
            kinks = [0.0]
            for step in rewards:
                for a, b in itertools.combinations(range(len(use)), 2):
                    if use[a] != use[b]:
                        kinks.append(max(0.0, (step[a] - step[b]) / (use[a] - use[b])))
            dual = min(m * budget[lane] + (rewards - m * use).max(axis=1).sum() for m in kinks)
            assert bound[lane] == pytest.approx(dual, rel=1e-9, abs=1e-9)

    @settings(max_examples=40)
    @given(problems(), st.integers(0, 2**32 - 1))
    def test_order_of_steps_and_actions_is_immaterial(self, problem, seed):
        reward, use, budget, _ = problem
        generator = np.random.default_rng(seed)
        steps, actions = generator.permutation(reward.shape[1]), generator.permutation(len(use))
        shuffled = solve(reward[:, steps][:, :, actions], use[actions], budget)
        assert shuffled.value == pytest.approx(solve(reward, use, budget).value, abs=1e-9)


class TestLimits:
    def test_a_large_budget_takes_the_best_of_each_step(self):
        reward = np.random.default_rng(1).normal(size=(3, 24, 22))
        plan = solve(reward, np.arange(22), 24 * 21)
        assert plan.actions.tolist() == reward.argmax(axis=2).tolist()
        bound, found = lagrangian_bound(reward, np.arange(22), 24 * 21)
        assert bound == pytest.approx(plan.value, rel=1e-14)
        assert found == pytest.approx(plan.value, rel=1e-14)

    def test_no_budget(self):
        reward = np.random.default_rng(1).normal(size=(3, 5, 4))
        for use, free in (([0, 1, 2, 3], [0]), ([2, 0, 0, 1], [1, 2])):
            plan = solve(reward, np.array(use), 0)
            assert set(plan.actions.ravel()) <= set(free)
            assert plan.value == pytest.approx(reward[:, :, free].max(axis=2).sum(axis=1))
            assert lagrangian_bound(reward, np.array(use), 0)[0] == pytest.approx(plan.value)

    def test_of_equal_rewards_the_bound_takes_the_least_use(self):
        """Taking the other would exceed the budget at every multiplier, and report what cannot be had."""
        bound, found = lagrangian_bound(np.ones((1, 3, 2)), np.array([1, 0]), 0)
        assert (bound.tolist(), found.tolist()) == ([3], [3])
        reward = np.array([[[5.0, 5.0, 0.0], [0.0, 9.0, 9.0]]])
        bound, found = lagrangian_bound(reward, np.array([2, 1, 0]), 1)
        assert (bound.tolist(), found.tolist()) == ([14], [14])

    @pytest.mark.parametrize("states", [1, 200, 10**9])
    def test_lanes_solved_together_or_alone_are_alike(self, monkeypatch, states):
        generator = np.random.default_rng(2)
        reward, budget = generator.integers(0, 9, (7, 6, 5)).astype(float), generator.integers(0, 25, 7)
        preference = generator.integers(0, 9, reward.shape).astype(float)
        alone = [solve(reward[[i]], np.arange(5), budget[i], preference[[i]]) for i in range(7)]
        monkeypatch.setattr(dynamic_programme, "STATES", states)
        plan = solve(reward, np.arange(5), budget, preference)
        for name in ("actions", "value", "preference"):
            assert getattr(plan, name).tolist() == [getattr(one, name)[0].tolist() for one in alone]

    def test_more_budget_is_never_worse(self):
        reward = np.repeat(np.random.default_rng(3).normal(size=(1, 12, 6)), 60, axis=0)
        value = solve(reward, np.arange(6), np.arange(60)).value
        assert (np.diff(value) >= 0).all()
        assert value[0] < value[-1]

    def test_a_day_of_fine_levels(self):
        """The recursion over 401 levels lies just below its dual bound, which knows no recursion."""
        reward = -np.square(np.arange(401) - np.random.default_rng(4).uniform(0, 400, (2, 24, 1)))
        plan = solve(reward, np.arange(401), 3000)
        bound, found = lagrangian_bound(reward, np.arange(401), 3000)
        assert (plan.actions.sum(axis=1) <= 3000).all()
        assert (found <= plan.value).all()
        assert (plan.value <= bound * (1 - 1e-12)).all()
        assert bound == pytest.approx(plan.value, rel=1e-5)

    def test_inputs_stay_as_they_are(self):
        reward, use, budget = REWARD.copy(), USE.copy(), np.array([2])
        solve(reward, use, budget, reward)
        lagrangian_bound(reward, use, budget)
        assert (reward.tolist(), use.tolist(), budget.tolist()) == (REWARD.tolist(), USE.tolist(), [2])


class TestErrors:
    @pytest.mark.parametrize("call", [solve, lagrangian_bound])
    @pytest.mark.parametrize(
        ("reward", "use", "budget", "messages"),
        [
            (REWARD[0], USE, 1, [r"reward must have the dims \(lane, step, action\).* found shape \(2, 3\)"]),
            (REWARD[:, :0], USE, 1, [r"none empty, found shape \(1, 0, 3\)"]),
            (np.where(REWARD == 5, np.nan, REWARD), USE, 1, [r"reward must be finite.* 1 place.*\[0 1 2\]"]),
            (np.where(REWARD == 5, -np.inf, REWARD), USE, 1, ["reward must be finite"]),
            (REWARD, [0, 1], 1, [r"one entry for each of 3 actions, found shape \(2,\)"]),
            (REWARD, [0, 1, -1], 1, [r"use must be nonnegative integers.*\[0, 1, -1\]"]),
            (REWARD, [0, 1, 1.5], 1, ["use must be nonnegative integers"]),
            (REWARD, [1, 1, 2], 1, ["use must be nonnegative integers, one or more of them 0"]),
            (REWARD, USE, -1, [r"budget must be nonnegative integers, found \[-1\]"]),
            (REWARD, USE, 1.5, ["budget must be nonnegative integers, found float64"]),
            (REWARD, USE, [1, 2], [r"one for each of 1 lanes, found shape \(2,\)"]),
            (REWARD + np.nan, [1, 2], [-1, 2],
             ["reward must be finite", "use must have", "one or more of them 0", "budget must be", r"found \[-1\]"]),
        ],
    )  # fmt: skip
    def test_all_problems_at_once(self, call, reward, use, budget, messages):
        with pytest.raises(ValueError, match=messages[0]) as caught:
            call(reward, np.array(use), np.array(budget))
        lines = str(caught.value).splitlines()
        assert len(lines) == len(messages)
        for line, message in zip(lines, messages, strict=True):
            with pytest.raises(ValueError, match=message):
                raise ValueError(line)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"preference": REWARD[0]}, r"preference must be finite, in the shape of the reward, found shape \(2, 3\)"),
            ({"preference": REWARD + np.inf}, "preference must be finite"),
            ({"tolerance": -1.0}, "tolerance must not be negative or infinite, found -1"),
            ({"tolerance": np.nan}, "tolerance must not be"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            solve(REWARD, USE, 1, **options)
