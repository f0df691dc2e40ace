"""Retail prices of small markets: every plan tried, the ties among the best, and the learners."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from bcopt.methods import qlearning
from bcopt.models import pricing
from bcopt.planning import retail
from bcopt.planning.retail import LANE, TIES, Market

CLUSTERS, CARRIERS, HOURS, NUMBER = ["mall", "homes", "hotel"], ["electricity", "cooling"], 4, 5
FEW = qlearning.Settings(0.1, 0.9, 1.0, 0.05, 60, (20,))


def users(seed: int = 1, satisfaction: float = 2.0) -> xr.Dataset:
    """Three clusters with loads at random that hold back unless the price is low; prices differ by carrier."""
    random = np.random.default_rng(seed)
    labels = {"cluster": CLUSTERS, "carrier": CARRIERS, "hour": range(HOURS)}
    load = xr.DataArray(random.uniform(10, 100, [len(x) for x in labels.values()]), labels, tuple(labels))
    price = xr.DataArray([[0.4, 1.0, 0.7, 0.5], [0.2, 0.3, 0.6, 0.4]], {n: labels[n] for n in ("carrier", "hour")})
    given = {"reducible_share": 0.2, "sensitivity": 2.0, "elasticity": -0.5, "satiation": 0.001, "loss_linear": 0.1}
    return xr.Dataset({"load": load, "wholesale_price": price, "satisfaction": satisfaction, "loss_quadratic": 0.01}
                      | given)  # fmt: skip


@pytest.fixture(scope="module")
def market() -> Market:
    return retail.market(users(), NUMBER)


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("ties", TIES)
def test_prices_beat_every_other(market: Market, weight: float, ties: str) -> None:
    """All 625 plans of each cluster and carrier; among the best the rule's least."""
    found, rewards, rule = retail.exact(market, weight, ties), market.rewards(weight), retail.preference(market, ties)
    plans = np.array(list(itertools.product(range(NUMBER), repeat=HOURS)))
    for cluster, carrier in itertools.product(CLUSTERS, CARRIERS):
        at = {"cluster": cluster, "carrier": carrier}
        admitted = plans[plans.sum(axis=1) <= int(market.budget.sel(carrier=carrier))]
        assert 0 < len(admitted) < len(plans), "the cap binds"
        value, off = (of.sel(at).to_numpy()[np.arange(HOURS), admitted].sum(axis=1) for of in (rewards, rule))
        assert float(found["reward"].sel(at)) == pytest.approx(value.max(), rel=1e-9, abs=1e-9)
        chosen = found["level"].sel(at).to_numpy()
        assert chosen.sum() <= int(market.budget.sel(carrier=carrier))
        least = off[value >= value.max() - 1e-9 * abs(value).max()].min()
        assert float(rule.sel(at).to_numpy()[np.arange(HOURS), chosen].sum()) == pytest.approx(least, abs=1e-9)


def test_ties_by_hand() -> None:
    """Nobody responds, so that at one half all plans of at most 4 steps are equal: 10, 0 and 30 kW at .4, 1 and .6."""
    labels = {"cluster": ["mall"], "carrier": ["electricity"], "hour": range(3)}
    load = xr.DataArray([[[10.0, 0.0, 30.0]]], labels, tuple(labels))
    price = xr.DataArray([[0.4, 1.0, 0.6]], {name: labels[name] for name in ("carrier", "hour")})
    given = users().drop_dims([*LANE, "hour"]).assign(load=load, wholesale_price=price, reducible_share=0.0)
    market = retail.market(given, 4)
    levels = {rule: retail.exact(market, 0.5, rule)["level"].squeeze(LANE).to_numpy().tolist() for rule in TIES}
    assert levels["nearest to wholesale"] == [0, 3, 1]
    assert levels["lowest"] == levels["cheapest"] == [0, 0, 0]
    assert levels["dearest"] == [1, 0, 3]
    assert sum(levels["highest"]) == 4
    payment = market.gained["payment"].transpose(*LANE, "hour", "level")
    for rule, sign in (("cheapest", 1), ("dearest", -1)):
        second = sign * retail.preference(market, rule) - payment
        np.testing.assert_allclose(second.squeeze(LANE), [1e-6 * market.levels.squeeze("carrier")] * 3, rtol=1e-6)


def test_what_is_gained_is_that_of_the_prices(market: Market) -> None:
    found = retail.exact(market, [0.3, 0.7], "lowest")
    assert found["price"].dims == ("weight", *LANE, "hour")
    for weight in (0.3, 0.7):
        at = found.sel(weight=weight, drop=True)
        gained = pricing.benefits(users(), at["price"])
        for name in gained.data_vars:
            np.testing.assert_allclose(at[name], gained[name].transpose(*at[name].dims), rtol=1e-12)
        pricing.check_prices(at["price"], market.inputs)
        alone = retail.exact(market, weight, "lowest")
        assert "weight" not in alone.dims
        xr.testing.assert_identical(alone["level"].drop_attrs(), at["level"].drop_attrs())


def test_the_bound_encloses_the_best(market: Market) -> None:
    for weight in (0.2, 0.5, 0.8):
        found, best = retail.lagrangian(market, weight), retail.exact(market, weight, "lowest")["reward"]
        assert (found["bound"] >= best - 1e-9 * abs(best)).all()
        assert (found["value"] <= best + 1e-9 * abs(best)).all()


def test_other_users_have_the_same_levels_and_budget(market: Market) -> None:
    """As if the market were made anew for them, without checks."""
    other = users(2, satisfaction=0.5)
    found, anew = retail.market(other, NUMBER, like=market), retail.market(other, NUMBER)
    assert found.levels is market.levels
    assert found.budget is market.budget
    for name in anew.gained.data_vars:
        np.testing.assert_array_equal(found.gained[name], anew.gained[name].transpose(*found.gained[name].dims))
    assert not found.gained["load"].equals(market.gained["load"])


@pytest.mark.parametrize("like", [False, True])
def test_loads_respond_as_asked(market: Market, like: bool) -> None:
    """Elastic loads rise at prices below wholesale, where willing users only stop holding back."""
    given = market if like else None
    rises = {
        response: bool((retail.market(users(), NUMBER, response, given).gained["load"] > users()["load"]).any())
        for response in ("willingness", "elasticity")
    }
    assert rises == {"willingness": False, "elasticity": True}


def test_a_market_has_as_many_prices_as_asked() -> None:
    found = retail.market(users(), 7)
    assert found.levels.sizes["level"] == found.use.size == 7
    np.testing.assert_allclose(found.levels.sel(carrier="electricity"), np.linspace(0.4, 1.0, 7))
    assert found.budget.to_numpy().tolist() == [10, 10], "1.0 of steps of 0.1, 0.7 of steps of 0.0667"


def test_unknown_words_are_refused(market: Market) -> None:
    with pytest.raises(ValueError, match=r"rule among ties must be one of \('nearest to wholesale', .*found 'least'"):
        retail.exact(market, 0.5, "least")
    with pytest.raises(ValueError, match="response must be one of willingness, elasticity, found 'none'"):
        retail.market(users(), NUMBER, "none")


# ---- learners


def test_a_seed_learns_the_same_in_any_company(market: Market) -> None:
    many = retail.learnt(market, [0.2, 0.5], [4, 9], FEW)
    alone = retail.learnt(market, [0.5], [9], FEW)
    xr.testing.assert_identical(many.sel(weight=[0.5], seed=[9]), alone)
    assert not many["level"].sel(seed=4, drop=True).equals(many["level"].sel(seed=9, drop=True))


def test_learners_of_equal_lanes_draw_their_own_numbers() -> None:
    given = users().assign(load=users()["load"] * 0 + 50.0)
    found = retail.learnt(retail.market(given, NUMBER), [0.5], [4], FEW)
    lanes = found["level"].sel(weight=0.5, seed=4, episode=20, carrier="electricity").transpose("cluster", "hour")
    assert len({row.tobytes() for row in lanes.to_numpy()}) > 1


@pytest.mark.parametrize("budget_in_state", [False, True])
def test_learners_stay_below_the_best(market: Market, budget_in_state: bool) -> None:
    found = retail.learnt(market, [0.2, 0.5], [0, 1, 2], FEW, budget_in_state)
    assert found["level"].dims == ("episode", "weight", "seed", *LANE, "hour")
    assert found["episode"].to_numpy().tolist() == [20, 60]
    best = retail.exact(market, [0.2, 0.5], "lowest")["reward"]
    gap = best - found["reward"]
    assert float(gap.min()) >= -1e-9 * float(abs(best).max())
    assert float(gap.max()) > 0.1
    assert (found["level"].sum("hour") <= market.budget).all()
    for weight in (0.2, 0.5):
        earned = market.rewards(weight).isel(level=found["level"].sel(weight=weight)).sum("hour")
        np.testing.assert_allclose(
            earned.transpose("episode", "seed", *LANE), found["reward"].sel(weight=weight), rtol=1e-9
        )
