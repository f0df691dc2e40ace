"""Retail prices exactly and by Q-learning, what holds whatever the data, and the sentences on the weight."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium.protocol import StudyProtocol
from bcopt.methods import dynamic_programme, qlearning
from bcopt.models import pricing
from bcopt.models.pricing_environment import PricingEnvironment
from bcopt.planning import retail
from bcopt.planning.retail import LANE, Market
from bcopt.studies.frontiers2022 import basic_data, learning, weights
from bcopt.studies.frontiers2022.inputs import CLUSTERS, PRICE_SETS
from bcopt.studies.frontiers2022.results import BENEFIT
from bcopt.studies.frontiers2022.scenario import Scenario
from bcopt.studies.frontiers2022.stages import Settled

DAY = ["carrier", "hour"]
TIES = "nearest to wholesale"
WEIGHTS = [0.0, 0.2, 0.4, 0.49, 0.5, 0.51, 0.6, 0.8, 1.0]
FEW = qlearning.Settings(0.1, 0.9, 1.0, 0.05, 300, (100,))


@pytest.fixture(scope="module")
def markets(providers: dict[str, Settled], provider_inputs: xr.Dataset) -> dict[str, Market]:
    return {name: weights.market_of(of, provider_inputs) for name, of in providers.items()}


@pytest.fixture(scope="module", params=PRICE_SETS)
def price_set(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def market(markets: dict[str, Market], price_set: str) -> Market:
    return markets[price_set]


@pytest.fixture(scope="module")
def swept(market: Market) -> xr.Dataset:
    """The best prices over the weight."""
    return retail.exact(market, WEIGHTS, TIES)


@pytest.fixture(scope="module")
def tied(market: Market) -> dict[str, xr.Dataset]:
    """The best prices at the weight .5, by rule."""
    return {rule: retail.exact(market, 0.5, rule) for rule in retail.TIES}


# ---- exact prices


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.8])
def test_prices_of_four_hours_beat_every_other(
    price_set: str, weight: float, providers: dict[str, Settled], provider_inputs: xr.Dataset
) -> None:
    """All 234,256 plans of 9 to 13 o'clock, for each cluster and carrier; among the best the rule's least."""
    of = providers[price_set]
    given = basic_data.pricing_inputs(of.day, provider_inputs, of.scenario, of.knobs).isel(hour=slice(9, 13))
    found = retail.market(given, of.scenario.price_levels, of.scenario.response)
    best = retail.exact(found, weight, TIES)
    plans = np.array(list(itertools.product(range(22), repeat=4)))
    rewards, rule = found.rewards(weight), retail.preference(found, TIES)
    for cluster, carrier in itertools.product(CLUSTERS, ("electricity", "cooling")):
        at = {"cluster": cluster, "carrier": carrier}
        admitted = plans[plans.sum(axis=1) <= int(found.budget.sel(carrier=carrier))]
        value = sum(rewards.sel(at).to_numpy()[t, admitted[:, t]] for t in range(4))
        off = sum(rule.sel(at).to_numpy()[t, admitted[:, t]] for t in range(4))
        assert float(best["reward"].sel(at)) == pytest.approx(value.max(), rel=1e-9, abs=1e-9)
        chosen = best["level"].sel(at).to_numpy()
        assert chosen.sum() <= int(found.budget.sel(carrier=carrier))
        least = off[value >= value.max() - 1e-9 * np.abs(rewards.sel(at)).max().item()].min()
        assert sum(rule.sel(at).to_numpy()[t, chosen[t]] for t in range(4)) == pytest.approx(least, abs=1e-9)


def test_prices_are_admitted_and_rewarded_as_said(market: Market, swept: xr.Dataset) -> None:
    pricing.check_prices(swept["price"], market.inputs)
    assert (swept["level"].sum("hour") <= market.budget).all()
    for weight in WEIGHTS:
        at = swept.sel(weight=weight)
        earned = ((1 - weight) * at["provider_benefit"] + weight * at["cluster_benefit"]).sum("hour")
        xr.testing.assert_allclose(at["reward"], earned.transpose(*LANE), rtol=1e-9, atol=1e-9)
        xr.testing.assert_allclose(at["payment"], (at["price"] * at["load"]).transpose(*at["payment"].dims), rtol=1e-12)
    one = retail.exact(market, 0.4, TIES)
    xr.testing.assert_identical(one["level"].drop_attrs(), swept["level"].sel(weight=0.4, drop=True).drop_attrs())


def test_lagrangian_encloses_the_best(market: Market, swept: xr.Dataset) -> None:
    for weight in (0.2, 0.4, 0.6):
        found, best = retail.lagrangian(market, weight), retail.exact(market, weight, TIES)["reward"]
        slack = 1e-9 * np.abs(best)
        assert (found["bound"] >= best - slack).all()
        assert (found["value"] <= best + slack).all()
    gap = (retail.lagrangian(market, 0.4)["bound"] - swept["reward"].sel(weight=0.4)).sum()
    assert 0 < gap < 1, "a bound, and a close one"


def test_no_plan_is_better(market: Market) -> None:
    """Moving a step of the budget from any hour to any other does not pay."""
    best, rewards = retail.exact(market, 0.4, TIES), market.rewards(0.4)
    for cluster, carrier in itertools.product(CLUSTERS, ("electricity", "cooling")):
        at = {"cluster": cluster, "carrier": carrier}
        reward, level = rewards.sel(at).to_numpy(), best["level"].sel(at).to_numpy()
        hours = np.arange(24)
        up = np.where(level < 21, reward[hours, np.minimum(level + 1, 21)] - reward[hours, level], -np.inf)
        down = np.where(level > 0, reward[hours, np.maximum(level - 1, 0)] - reward[hours, level], -np.inf)
        pair = up[:, None] + down
        np.fill_diagonal(pair, -np.inf)
        assert pair.max() <= 1e-7
        assert down.max() <= 1e-7


# ---- what holds whatever the data


def test_payments_cancel_at_one_half(market: Market) -> None:
    """The reward of any price but through the load is none: proof by a payment of any size."""
    gained = market.gained
    half = pricing.reward(gained, 0.5)
    without = 0.5 * (gained["utility"] - gained["dissatisfaction"] - market.inputs["wholesale_price"] * gained["load"])
    scale = float(np.abs(gained["payment"]).max())
    assert float(np.abs(half - without).max()) <= 1e-12 * scale
    assert float(np.abs(pricing.reward(gained, 0.49) - without).max()) > 1e-3 * scale


def test_ties_at_one_half_span_an_interval(tied: dict[str, xr.Dataset]) -> None:
    paid = {rule: of["payment"].sum(DAY) for rule, of in tied.items()}
    for rule, of in tied.items():
        slack = 1e-9 * paid["dearest"]
        assert (paid["cheapest"] <= paid[rule] + slack).all()
        assert (paid[rule] <= paid["dearest"] + slack).all()
        np.testing.assert_allclose(of["reward"], tied[TIES]["reward"], rtol=1e-8)
        apart = np.abs(of["load"] - tied[TIES]["load"])
        assert float(apart.max()) < 1.0
        other = apart.where(apart > 1e-9, drop=True)
        assert int((apart > 1e-9).sum()) <= 2, "the hour of each jump at which a fitted knob stands"
        assert set(other["cluster"].to_numpy()) <= {"residential", "hotel"}
    assert (paid["dearest"] > 1.01 * paid["cheapest"]).all(), "and not a point"
    assert float((paid["dearest"] / paid["cheapest"]).sel(cluster="residential")) > 1.25
    assert (tied["lowest"]["price"].sum("hour") <= tied[TIES]["price"].sum("hour") + 1e-9).all()
    assert (tied["highest"]["price"].sum("hour") >= tied[TIES]["price"].sum("hour") - 1e-9).all()
    for rule in tied:
        off = np.abs(tied[rule]["price"] - tied[rule]["price"] * 0 - _wholesale(tied, rule)).sum("hour")
        least = np.abs(tied[TIES]["price"] - _wholesale(tied, TIES)).sum("hour")
        assert (least <= off + 1e-9).all()


def _wholesale(tied: dict[str, xr.Dataset], rule: str) -> xr.DataArray:
    """Return the wholesale price from what the provider gains."""
    at = tied[rule]
    return at["price"] - at["provider_benefit"] / at["load"]


def test_the_optimum_steps_at_one_half(market: Market, swept: xr.Dataset) -> None:
    """Below, the cap binds everywhere; above, a price rises from the lowest only to hold back load that costs more."""
    used = swept["level"].sum("hour")
    below, above = [w for w in WEIGHTS if w < 0.5], [w for w in WEIGHTS if w > 0.5]
    assert (used.sel(weight=below) == market.budget).all()
    assert (used.sel(weight=above) <= used.sel(weight=0.5)).all()
    levels = swept["level"].where(market.inputs["load"] > 0, 0).drop_attrs()  # without load all prices are tied
    assert (levels.sel(weight=[0.8, 1.0]) == 0).all()
    for weight in above:
        worth = market.rewards(weight) + (2 * weight - 1) * market.gained["payment"].transpose(*LANE, "hour", "level")
        level = levels.sel(weight=weight, drop=True).transpose(*LANE, "hour")
        gain = worth.isel(level=level) - worth.isel(level=0)
        assert (gain.where(level > 0, 1.0) > 0).all()


def test_terms_of_the_reward_are_monotone_in_the_weight(swept: xr.Dataset) -> None:
    """The scalarisation lemma, for each cluster and carrier by itself."""
    provider, clusters = (swept[f"{name}_benefit"].sum("hour") for name in ("provider", "cluster"))
    slack = 1e-7 * float(np.abs(clusters).max())
    assert float(provider.diff("weight").max()) <= slack
    assert float(clusters.diff("weight").min()) >= -slack
    assert float(provider.diff("weight").min()) < -1
    assert float(clusters.diff("weight").max()) > 1


def test_structure_measures_it(
    providers: dict[str, Settled], provider_inputs: xr.Dataset, price_set: str, market: Market
) -> None:
    found = weights.structure(providers[price_set], provider_inputs)
    assert [type(x) for x in found["measured"]] == [float] * len(found)
    measured = found.set_index("fact")["measured"]
    scale = float(np.abs(market.gained["payment"]).max())
    assert measured["weight 0.5: reward with payments less reward without"] <= 1e-12 * scale
    assert abs(measured["without the cap: best day less the sum of best hours"]) < 1e-7
    assert abs(measured["dispatch: welfare less utility, dissatisfaction and cost"]) < 1e-7
    assert measured["weight 0.4: what the cap costs the reward"] > 1000
    assert abs(measured["weight 0.6: what the cap costs the reward"]) < 1e-6
    free = market.rewards(0.4).max("level").sum() - retail.exact(market, 0.4, TIES)["reward"].sum()
    assert measured["weight 0.4: what the cap costs the reward"] == pytest.approx(float(free), rel=1e-9)


def test_elastic_load_rises_below_the_wholesale_price(
    providers: dict[str, Settled], provider_inputs: xr.Dataset
) -> None:
    """Why it is the ablation: the cheaper price raises the load, where users are said to hold back."""
    of = providers["text-bands"]
    other = replace(of.scenario, response="elasticity")
    given = basic_data.pricing_inputs(of.day, provider_inputs, other, of.knobs)
    found = retail.market(given, other.price_levels, other.response)
    rises = found.gained["load"].sel(hour=12).isel(level=0) > found.inputs["load"].sel(hour=12)
    assert rises.all()
    held = weights.market_of(of, provider_inputs)
    assert (held.gained["load"] <= held.inputs["load"] * (1 + 1e-12)).all()


# ---- the environment and its learners


def test_filling_the_table_and_the_programme_leave_no_gap(market: Market, swept: xr.Dataset) -> None:
    """A learner that tries each price of each hour once and plans then is at the optimum."""
    at = {"cluster": "hotel", "carrier": "electricity"}
    lane = market.inputs.sel(at, drop=True)
    environment = PricingEnvironment(lane, market.levels.sizes["level"], 0.4)
    table = np.empty((24, 22))
    for hour, level in np.ndindex(table.shape):
        environment.reset(seed=0)
        for _ in range(hour):
            environment.step(np.int64(0))
        table[hour, level] = environment.step(np.int64(level))[1]
    plan = dynamic_programme.solve(table[None], np.arange(22), [environment.budget])
    best = float(swept["reward"].sel(weight=0.4).sel(at))
    assert plan.value[0] == pytest.approx(best, rel=1e-12)
    environment.reset(seed=0)
    taken = [environment.step(np.int64(level)) for level in plan.actions[0]]
    assert [info["level"] for *_, info in taken] == plan.actions[0].tolist(), "none is lowered"
    assert sum(gained for _, gained, *_ in taken) == pytest.approx(best, rel=1e-12)
    assert taken[-1][2]


@pytest.mark.parametrize("budget_in_state", [False, True])
def test_learners_stay_below_the_best(market: Market, swept: xr.Dataset, budget_in_state: bool) -> None:
    found = retail.learnt(market, [0.2, 0.5], [0, 1, 2], FEW, budget_in_state)
    assert found["level"].dims == ("episode", "weight", "seed", *LANE, "hour")
    assert found["episode"].to_numpy().tolist() == [100, 300]
    best = swept.sel(weight=[0.2, 0.5])
    gap = best["reward"] - found["reward"]
    assert float(gap.min()) >= -1e-9 * float(np.abs(best["reward"]).max())
    assert float(gap.max()) > 1
    assert (found["level"].sum("hour") <= market.budget).all()
    for weight in (0.2, 0.5):
        at = market.rewards(weight).isel(level=found["level"].sel(weight=weight))
        np.testing.assert_allclose(
            at.sum("hour").transpose("episode", "seed", *LANE), found["reward"].sel(weight=weight), rtol=1e-9
        )


def test_a_seed_learns_the_same_in_any_company(markets: dict[str, Market]) -> None:
    market = markets["text-bands"]
    many = retail.learnt(market, [0.2, 0.5], [4, 9], FEW)
    alone = retail.learnt(market, [0.5], [9], FEW)
    xr.testing.assert_identical(many.sel(weight=[0.5], seed=[9]), alone)
    assert not many["level"].sel(seed=4, drop=True).equals(many["level"].sel(seed=9, drop=True))
    lanes = many["level"].sel(weight=0.5, seed=4, episode=100, carrier="electricity")
    assert len({row.tobytes() for row in lanes.transpose("cluster", "hour").to_numpy()}) == 3


def test_settings_are_those_of_run_and_protocol(provider_protocol: StudyProtocol) -> None:
    found = learning.settings(
        provider_protocol, {"episodes": 500, "learning_rate": 0.2, "discount": 0.8}, [100, 500, 2000]
    )
    assert found == qlearning.Settings(0.2, 0.8, 1.0, 0.05, 500, (100,))
    assert found.recorded == (100, 500)


def test_gaps_by_hand() -> None:
    """Three seeds of two lanes: 1 + 0, 3 + 0 and 0 + 0 below; four of six learners are there."""
    dims = ("cluster", "carrier")
    best = xr.Dataset({"reward": (("weight", *dims), [[[10.0, 20.0]]])}, {"weight": [0.5]})
    found = xr.Dataset(
        {"reward": (("episode", "weight", "seed", *dims), [[[[[9.0, 20.0]], [[7.0, 20.0]], [[10.0, 20.0]]]]])},
        {"episode": [7], "weight": [0.5], "seed": [1, 2, 3]},
    )
    row = learning.gaps(best, found).iloc[0].to_dict()
    assert row.pop("learners at the optimum [%]") == pytest.approx(400 / 6)
    assert row == {
        "weight": 0.5, "episodes": 7, "gap, median [yuan]": 1.0, "least [yuan]": 0.0, "greatest [yuan]": 3.0
    }  # fmt: skip


# ---- the sentences on figure 14


def made(benefit: list[float], cost: list[float], others: list[float] | None = None) -> pd.DataFrame:
    """Return a sweep over the weights 0, .3, .6 and 1: the rule's benefit, a third of the cost each; ties at 1."""
    rows = [
        {"weight": w, "ties": TIES, BENEFIT: b, weights.COST: c, **{f"cost of {n} [yuan]": c / 3 for n in CLUSTERS}}
        for w, b, c in zip((0.0, 0.3, 0.6, 1.0), benefit, cost, strict=True)
    ]
    last = rows[-1]
    return pd.DataFrame([*rows, *({**last, "ties": "cheapest", BENEFIT: b} for b in others or [])])


DIRECT = dict.fromkeys(CLUSTERS, 100.0)
FALLING = [100.0, 60.0, 50.0, 10.0]


def said(benefit: list[float] = FALLING, cost: list[float] | None = None, **more: Any) -> dict[str, Any]:
    direct = more.pop("direct", DIRECT)
    return weights.statements(made(benefit, cost or [300.0, 250.0, 240.0, 200.0], **more), TIES, direct)


@pytest.mark.parametrize(
    ("sentence", "true", "false"),
    [
        ("weight monotone", said, lambda: said([100, 60, 60.1, 10])),
        ("weight monotone", said, lambda: said(cost=[300, 250, 250.1, 200])),
        ("weight monotone", lambda: said([100, 60, 60.004, 10]), lambda: said([100, 100, 100, 100])),
        ("weight monotone (other definition)", lambda: said([100, 60, 90, 10]), lambda: said([100, 60, 50, 100])),
        ("weight monotone (other definition)", said, lambda: said(cost=[300, 250, 240, 301])),
        ("weight plateau", lambda: said([100, 60, 38, 10]), lambda: said([100, 60, 37, 10])),
        ("weight plateau (other definition)", lambda: said([100, 60, 51.1, 10]), lambda: said([100, 60, 50.9, 10])),
        ("weight zero", said, lambda: said(direct=DIRECT | {"hotel": 99.9})),
        ("weight zero (other definition)", lambda: said(direct=DIRECT | {"hotel": 99.9, "commercial": 100.1}),
         lambda: said(direct=DIRECT | {"hotel": 99.9})),
        ("weight one", said, lambda: said([100, 60, 50, -1])),
        ("weight one (other definition)", lambda: said(others=[1.0]), lambda: said(others=[-1.0])),
    ],
)  # fmt: skip
def test_sentences_can_be_either(
    sentence: str, true: Callable[[], dict[str, Any]], false: Callable[[], dict[str, Any]]
) -> None:
    assert true()[sentence] is True
    assert false()[sentence] is False


def test_numbers_behind_the_sentences() -> None:
    found = said([100, 60, 65, 10], direct=DIRECT | {"hotel": 80.0})
    assert found["greatest rise from a weight to the next [yuan]"] == pytest.approx(5)
    assert found["benefit from 0.3 to 0.6 over that from 0 to 1 [-]"] == pytest.approx(5 / 90)
    assert found["clusters above their direct cost at 0"] == "hotel"
    assert found["cost of hotel over direct at 0 [%]"] == pytest.approx(25)
    assert found["benefit at 1 [yuan]"] == 10
    assert said([5, 5, 5, 5])["benefit from 0.3 to 0.6 over that from 0 to 1 [-]"] == 0


# ---- both stages


@pytest.mark.slow
def test_equal_loads_are_dispatched_once(
    providers: dict[str, Settled], provider_inputs: xr.Dataset, markets: dict[str, Market],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Prices of equal loads share a dispatch and differ in payments; others have what each has alone."""
    of, market = providers["text-bands"], markets["text-bands"]
    answers = [retail.exact(market, w, rule) for w, rule in ((0.5, "cheapest"), (0.5, "dearest"), (0.8, "lowest"))]
    prices = [weights.Prices((n,), first) for n, first in enumerate(answers)]
    asked: list[int] = []
    original = weights._dispatches

    def counted(share: Any) -> Any:
        asked.append(len(share.loads))
        return original(share)

    monkeypatch.setattr(weights, "_dispatches", counted)
    together = weights.dispatched(of, provider_inputs, prices, recommit=False, workers=1)
    assert asked == [2]
    for one, row in zip(prices, together, strict=True):
        (alone,) = weights.dispatched(of, provider_inputs, [one], recommit=False, workers=1)
        assert row == pytest.approx(alone, rel=1e-9)
    gain = together[1][weights.COST] - together[0][weights.COST]
    assert gain > 100
    assert together[1][BENEFIT] - together[0][BENEFIT] == pytest.approx(gain, rel=1e-9)
    for row in together:
        assert row[weights.COST] == pytest.approx(sum(row[f"cost of {name} [yuan]"] for name in CLUSTERS), rel=1e-12)


@pytest.mark.slow
def test_sweep_passes_through_the_settled_day(providers: dict[str, Settled], provider_inputs: xr.Dataset) -> None:
    of = providers["text-bands"]
    found = weights.exact_sweep(of, provider_inputs, [0.0, 0.5, 1.0])
    assert len(found) == 9
    at = found.set_index(["weight", "ties"])
    settled = at.loc[(0.5, TIES)]
    assert settled[BENEFIT] == pytest.approx(float(of.accounts["provider_benefit"]), abs=1e-3)
    assert settled[weights.COST] == pytest.approx(float(of.accounts["payment"].sum()), abs=1e-3)
    assert settled["first stage: provider_benefit [yuan]"] == pytest.approx(float(of.retail["provider_benefit"].sum()))
    assert at.loc[(0.5, "cheapest"), weights.COST] < settled[weights.COST] < at.loc[(0.5, "dearest"), weights.COST]
    rows = at.xs(TIES, level="ties")
    assert rows["first stage: provider_benefit [yuan]"].is_monotonic_decreasing
    assert rows["first stage: cluster_benefit [yuan]"].is_monotonic_increasing
    assert rows.loc[0.0, BENEFIT] > rows.loc[0.5, BENEFIT] > rows.loc[1.0, BENEFIT]


def test_learners_are_dispatched_at_their_prices(
    providers: dict[str, Settled], provider_inputs: xr.Dataset, markets: dict[str, Market]
) -> None:
    """A learner that has the best prices has their money."""
    of, market = providers["text-bands"], markets["text-bands"]
    best = retail.exact(market, 0.5, TIES)["level"]
    floor = best * 0
    learned = xr.Dataset(
        {"level": xr.concat([best, floor], pd.Index([3, 8], name="seed")).expand_dims(episode=[10], weight=[0.5])}
    )
    found = weights.learnt_sweep(of, provider_inputs, learned).set_index("seed")
    assert found.index.tolist() == [3, 8]
    assert found["episodes"].tolist() == [10, 10]
    assert found.loc[3, BENEFIT] == pytest.approx(float(of.accounts["provider_benefit"]), abs=1e-3)
    assert found.loc[8, BENEFIT] < found.loc[3, BENEFIT] - 1000


def test_loads_of_a_scenario_follow_its_prices(providers: dict[str, Settled], middle_of: Scenario) -> None:
    of = providers["text-bands"]
    assert of.scenario == middle_of
    reduced = of.day["load"] - of.retail["load"]
    xr.testing.assert_allclose(reduced.transpose(*of.retail["reduction"].dims), of.retail["reduction"], atol=1e-9)


@pytest.fixture(scope="module")
def middle_of(provider_scenarios: dict[str, Scenario]) -> Scenario:
    return provider_scenarios["text-bands"]
