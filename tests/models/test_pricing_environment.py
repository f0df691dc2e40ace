"""The pricing environment: the checker of its library, its rewards and budget by the model, and the gap it closes."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import xarray as xr
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import dynamic_programme
from bcopt.models import pricing
from bcopt.models.pricing_environment import PricingEnvironment


def day(seed=1, hours=4):
    generator = np.random.default_rng(seed)
    coords = {"hour": np.arange(hours)}
    return xr.Dataset(
        {
            "load": ("hour", generator.uniform(10, 100, hours)),
            "wholesale_price": ("hour", generator.uniform(0.2, 1.2, hours)),
            "reducible_share": 0.1,
            "sensitivity": 2.5,
            "elasticity": -0.3,
            "satisfaction": 2.0,
            "satiation": 0.005,
            "loss_linear": 0.3,
            "loss_quadratic": 0.01,
        },
        coords,
    )


def played(environment, plan):
    """Play a plan and return rewards, levels taken and prices."""
    environment.reset()
    steps = [environment.step(np.int64(action)) for action in plan]
    return [s[1] for s in steps], [s[4]["level"] for s in steps], [s[4]["price"] for s in steps]


@pytest.mark.parametrize("response", ["willingness", "elasticity"])
def test_the_checker_finds_nothing(response):
    check_env(PricingEnvironment(day(), 6, 0.5, response), skip_render_check=True)


def test_the_checker_finds_nothing_in_a_registered_one():
    gymnasium.register("Pricing-v0", PricingEnvironment, kwargs={"inputs": day(), "number": 6, "weight": 0.5})
    try:
        check_env(gymnasium.make("Pricing-v0").unwrapped)
        made = gymnasium.make("Pricing-v0")  # with the wrappers that check order and types in each step
        made.reset(seed=1)
        over = False
        while not over:
            _, _, over, _, _ = made.step(made.action_space.sample())
    finally:
        del gymnasium.registry["Pricing-v0"]


class TestEpisode:
    def test_by_hand(self):
        """Wholesale .5, 1.0, .6 in six levels of .1: a budget of six steps, of which 4 + 2 + 0 are taken."""
        inputs = day(hours=3).assign(wholesale_price=("hour", [0.5, 1.0, 0.6]), load=("hour", [10.0, 40.0, 20.0]))
        environment = PricingEnvironment(inputs, 6, 0.0)
        assert environment.budget == 6
        seen, info = environment.reset()
        assert (seen["hour"], seen["used"], seen["load"].tolist()) == (0, 0, [0.25])
        assert info["action_mask"].tolist() == [1] * 6
        seen, gained, over, cut, info = environment.step(np.int64(4))
        assert (seen["hour"], seen["used"], seen["load"].tolist()) == (1, 4, [1.0])
        assert gained == pytest.approx((0.9 - 0.5) * 10 * 0.9)  # the whole reducible tenth is taken off
        assert (over, cut, info["level"], info["price"]) == (False, False, 4, pytest.approx(0.9))
        assert info["action_mask"].tolist() == [1, 1, 1, 0, 0, 0]
        seen, gained, over, cut, info = environment.step(np.int64(5))  # lowered to what is left
        assert (seen["hour"], seen["used"], seen["load"].tolist()) == (2, 6, [0.5])
        assert (over, cut, info["level"], info["price"]) == (False, False, 2, pytest.approx(0.7))
        assert gained == pytest.approx((0.7 - 1.0) * 40 * (1 - 0.1 * (1 - 2.5 * 0.3)))
        assert info["action_mask"].tolist() == [1, 0, 0, 0, 0, 0]
        seen, _, over, cut, info = environment.step(np.int64(1))
        assert (seen["hour"], seen["used"], seen["load"].tolist()) == (3, 6, [0.0])
        assert (over, cut, info["level"]) == (True, False, 0)

    @settings(max_examples=40)
    @given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.booleans())
    def test_every_episode_keeps_the_cap_and_pays_the_model(self, seed, number, masked):
        inputs = day(seed, hours=6)
        environment = PricingEnvironment(inputs, number, 0.3)
        environment.action_space.seed(seed)
        seen, info = environment.reset()
        gained, prices, wished, over = [], [], [], False
        while not over:
            assert seen in environment.observation_space
            action = environment.action_space.sample(info["action_mask"] if masked else None)
            wished.append(int(action))
            mask = info["action_mask"]
            seen, reward, over, _, info = environment.step(action)
            assert info["level"] == min(action, np.flatnonzero(mask)[-1])
            gained.append(reward)
            prices.append(info["price"])
        price = xr.DataArray(prices, inputs["hour"].coords)
        pricing.check_prices(price, inputs)
        assert pricing.reward(pricing.benefits(inputs, price), 0.3).values == pytest.approx(np.array(gained), rel=1e-12)
        if masked:
            assert int(seen["used"]) == sum(wished)

    def test_response_by_elasticity(self):
        """At the lowest price demand rises above what it was, as willingness cannot make it."""
        inputs = day(hours=2).assign(wholesale_price=("hour", [0.5, 1.0]), load=("hour", [10.0, 40.0]))
        gained = played(PricingEnvironment(inputs, 3, 0.0, "elasticity"), [0, 0])[0]
        assert gained == pytest.approx([0, (0.5 - 1.0) * 40 * (1 + 0.3 * 0.5)])

    def test_the_same_whatever_the_seed(self):
        environment = PricingEnvironment(day(), 6, 0.5)
        first = played(environment, [1, 2, 0, 3])
        environment.reset(seed=7)
        assert played(environment, [1, 2, 0, 3]) == first

    def test_observations_are_not_reused(self):
        environment = PricingEnvironment(day(), 6, 0.5)
        seen, info = environment.reset()
        before = seen["load"].copy(), info["action_mask"].copy()
        environment.step(np.int64(5))
        assert (seen["hour"], seen["used"]) == (0, 0)
        assert np.array_equal(seen["load"], before[0])
        assert np.array_equal(info["action_mask"], before[1])


class TestRewardTable:
    @pytest.mark.parametrize("weight", [0.0, 0.5, 0.8])
    def test_visiting_each_price_once_closes_the_gap(self, weight):
        """What a learner sees of each hour and level in one visit is all the exact plan needs."""
        inputs, number = day(3, hours=5), 7
        environment = PricingEnvironment(inputs, number, weight)
        seen = np.empty((1, 5, number))
        for hour in range(5):
            for level in range(number):
                plan = np.where(np.arange(5) == hour, level, 0)
                rewards, levels, _ = played(environment, plan)
                assert levels == plan.tolist()  # the budget admits any level in one hour
                seen[0, hour, level] = rewards[hour]
        found = dynamic_programme.solve(seen, np.arange(number), environment.budget)
        levels = pricing.price_levels(inputs["wholesale_price"], number)
        table = pricing.reward_table(inputs, levels, weight).to_numpy()[None]
        best = dynamic_programme.solve(table, np.arange(number), environment.budget).value[0]
        rewards, taken, _ = played(environment, found.actions[0])
        assert taken == found.actions[0].tolist()
        assert sum(rewards) == pytest.approx(best, rel=1e-12)
        hourwise = sum(played(environment, seen[0].argmax(axis=1))[0])
        assert (best > 1.01 * hourwise) == (weight == 0.0)  # without the plan the budget is gone too early

    def test_budget_is_that_of_the_model(self):
        inputs = day(5, hours=24)
        levels = pricing.price_levels(inputs["wholesale_price"], 22)
        assert PricingEnvironment(inputs, 22, 0.5).budget == int(
            pricing.price_budget(inputs["wholesale_price"], levels)
        )


class TestErrors:
    def test_before_and_after_the_day(self):
        environment = PricingEnvironment(day(hours=2), 6, 0.5)
        with pytest.raises(RuntimeError, match="has not begun: reset first"):
            environment.step(np.int64(0))
        played(environment, [0, 0])
        with pytest.raises(RuntimeError, match="the day is over"):
            environment.step(np.int64(0))

    @pytest.mark.parametrize("action", [6, -1, 0.5])
    def test_no_price_level(self, action):
        environment = PricingEnvironment(day(), 6, 0.5)
        environment.reset()
        with pytest.raises(ValueError, match=f"action must be a price level from 0 to 5, found {action}"):
            environment.step(action)

    def test_one_cluster_at_a_time(self):
        inputs = day().expand_dims(cluster=["A"], carrier=["cooling"])
        with pytest.raises(ValueError, match="select one label of cluster, carrier"):
            PricingEnvironment(inputs, 6, 0.5)

    @pytest.mark.parametrize(
        ("inputs", "number", "weight", "message"),
        [
            (day().assign(sensitivity=-1.0), 6, 0.5, "sensitivity must be"),
            (day().drop_vars("wholesale_price"), 6, 0.5, "wholesale_price: missing"),
            (day(), 1, 0.5, "two or more price levels"),
            (day(), 6, 1.5, "weight must be"),
            (day().assign(wholesale_price=("hour", np.ones(4))), 6, 0.5, "same in all hours"),
        ],
    )
    def test_inputs(self, inputs, number, weight, message):
        with pytest.raises(ValueError, match=message):
            PricingEnvironment(inputs, number, weight)
