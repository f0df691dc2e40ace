"""Retail prices and the response to them: by hand, the lemmas that hold for any data, and one error for all faults."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import dynamic_programme
from bcopt.models import pricing

SCALARS = {
    "reducible_share": 0.1,
    "sensitivity": 2.5,
    "elasticity": -0.5,
    "satisfaction": 2.0,
    "satiation": 0.001,
    "loss_linear": 0.3,
    "loss_quadratic": 0.01,
}


def hourly(values, first=0):
    return xr.DataArray(np.asarray(values, float), {"hour": np.arange(len(values)) + first}, "hour")


def one_cluster(**changed):
    """One cluster and carrier: 100, 200 and 50 kW at .5, 1 and .6 yuan/kWh."""
    arrays = {"load": hourly([100, 200, 50]), "wholesale_price": hourly([0.5, 1.0, 0.6])}
    return xr.Dataset(arrays | SCALARS | changed)


def random_inputs(seed, hours=4, clusters=2, carriers=2):
    """Clusters and carriers of any size; the wholesale price differs by carrier, the preferences by cluster."""
    generator = np.random.default_rng(seed)
    coords = {"cluster": list("ABC")[:clusters], "carrier": ["electricity", "cooling"][:carriers]}
    coords["hour"] = np.arange(hours)

    def drawn(low, high, *dims):
        shape = [len(coords[dim]) for dim in dims]
        return xr.DataArray(generator.uniform(low, high, shape), {dim: coords[dim] for dim in dims}, dims)

    return xr.Dataset(
        {
            "load": drawn(10, 1000, "cluster", "carrier", "hour"),
            "wholesale_price": drawn(0.1, 1.5, "carrier", "hour"),
            "reducible_share": drawn(0, 1, "cluster"),
            "sensitivity": drawn(0, 5, "cluster", "carrier"),
            "elasticity": drawn(-1, 0, "cluster"),
            "satisfaction": drawn(0, 5, "cluster", "carrier"),
            "satiation": drawn(0, 0.005, "cluster"),
            "loss_linear": drawn(0, 2, "cluster"),
            "loss_quadratic": drawn(0, 0.01, "cluster"),
        }
    )


def lanes(table):
    """Stack a table of clusters and carriers into (lane, hour, level)."""
    return table.stack(lane=["cluster", "carrier"]).transpose("lane", "hour", "level").to_numpy()


class TestLevels:
    def test_by_hand(self):
        levels = pricing.price_levels(hourly([0.5, 1.0, 0.6]), 6)
        assert levels.dims == ("level",)
        assert levels.values == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], abs=1e-15)
        assert levels["level"].values.tolist() == [0, 1, 2, 3, 4, 5]
        assert levels.attrs == {"units": "yuan/kWh"}
        assert pricing.price_levels(hourly([0.5, 1.0, 0.6]), 2).values.tolist() == [0.5, 1.0]

    def test_ends_are_those_of_each_carrier_exactly(self):
        wholesale = random_inputs(1)["wholesale_price"]
        levels = pricing.price_levels(wholesale, 22)
        assert levels.dims == ("carrier", "level")
        assert (levels.isel(level=0) == wholesale.min("hour")).all()
        assert (levels.isel(level=-1) == wholesale.max("hour")).all()
        steps = levels.diff("level")
        assert (abs(steps - steps.mean("level")) < 1e-14).all()

    @pytest.mark.parametrize(
        ("wholesale", "number", "messages"),
        [
            (hourly([0.5, 1.0]), 1, ["two or more price levels are needed, found 1"]),
            (hourly([0.5, 0.5]), 5, ["wholesale_price must not be the same in all hours: found 0.5"]),
            (hourly([0.5, 0.0]), 5, [r"wholesale_price must be within \(0.0, inf\) yuan/kWh: found 0 at hour 1"]),
            (hourly([np.nan, np.nan]), 5, ["found nan at hour 0; found nan at hour 1"]),
            (xr.DataArray(1.0), 5, ["must have the dim hour"]),
            (hourly([0.5, 0.5]), 0, ["found 0", "same in all hours"]),
        ],
    )
    def test_errors(self, wholesale, number, messages):
        with pytest.raises(ValueError, match=messages[0]) as caught:
            pricing.price_levels(wholesale, number)
        lines = str(caught.value).splitlines()
        assert len(lines) == len(messages)
        assert messages[-1] in lines[-1] or len(messages) == 1

    def test_a_flat_price_is_named_by_its_carrier(self):
        wholesale = random_inputs(1)["wholesale_price"]
        wholesale.loc["cooling"] = 0.2
        with pytest.raises(ValueError, match=r"same in all hours: found 0\.2 at carrier cooling$"):
            pricing.price_levels(wholesale, 5)


class TestBudget:
    @pytest.mark.parametrize(
        ("wholesale", "number", "budget"),
        [
            ([0.5, 1.0, 0.6], 6, 6),  # .5 + .1 above the lowest, in steps of .1: exactly six, lost without the 1e-9
            ([0.5, 1.0, 0.6], 11, 12),
            ([0.5, 1.0, 0.59], 6, 5),  # .59 / .1 is rounded down
            ([0.1, 0.2, 0.3], 3, 3),
            ([1.0, 1.0, 2.0], 2, 1),
        ],
    )
    def test_by_hand(self, wholesale, number, budget):
        found = pricing.price_budget(hourly(wholesale), pricing.price_levels(hourly(wholesale), number))
        assert found.dims == ()
        assert found.dtype == int
        assert int(found) == budget

    @pytest.mark.slow
    @settings(max_examples=60)
    @given(st.integers(0, 2**32 - 1), st.integers(2, 30))
    def test_it_is_the_mean_price_cap(self, seed, number):
        """A plan within the budget passes the check of prices; one step more does not."""
        inputs = random_inputs(seed, hours=6)
        levels = pricing.price_levels(inputs["wholesale_price"], number)
        budget = pricing.price_budget(inputs["wholesale_price"], levels)
        assert budget.dims == ("carrier",)
        assert (budget >= number - 1).all()  # any level can be had in one hour
        assert (budget <= 6 * (number - 1)).all()
        for carrier in inputs["carrier"].values:
            chosen = inputs.sel(carrier=[carrier])
            for more, fits in ((0, True), (1, False)):
                total = int(budget.sel(carrier=carrier)) + more
                plan = hourly(np.diff(np.linspace(0, total, 7).round())).astype(int)
                price = levels.sel(carrier=[carrier]).isel(level=plan)
                if fits:
                    pricing.check_prices(price, chosen)
                else:
                    with pytest.raises(ValueError, match=f"mean price .* at carrier {carrier}$"):
                        pricing.check_prices(price, chosen)


class TestCheckPrices:
    def test_wholesale_prices_are_admitted(self):
        inputs = random_inputs(3)
        pricing.check_prices(inputs["wholesale_price"], inputs)
        pricing.check_prices(inputs["wholesale_price"] * (1 + 1e-12), inputs)

    def test_all_places_are_named(self):
        inputs = random_inputs(3)
        price = (inputs["wholesale_price"] + 0 * inputs["load"]).transpose("cluster", "carrier", "hour")
        price.loc["A", "cooling", 2] = 9.0
        price.loc["B", "electricity", 0] = 0.01
        with pytest.raises(ValueError, match="price") as caught:
            pricing.check_prices(price, inputs)
        first, second = str(caught.value).splitlines()
        assert first.startswith("price must be within the wholesale prices of the day: found ")
        assert "found 9, lowest" in first
        assert "at cluster A, carrier cooling, hour 2; found 0.01" in first
        assert first.endswith("at cluster B, carrier electricity, hour 0")
        assert second.startswith("mean price must not exceed the mean wholesale price: mean ")
        assert second.endswith("at cluster A, carrier cooling")

    @pytest.mark.parametrize(
        ("price", "message"),
        [
            (hourly([0.5, np.nan, 0.5]), r"price must be within \(-inf, inf\) yuan/kWh: found nan at hour 1"),
            (xr.DataArray(0.5), r"price must have the dim hour, found \(\)"),
            (hourly([0.5, 0.5]), "hour"),
            (hourly([0.5, 0.5, 0.5], first=1), "hour"),
        ],
    )
    def test_errors(self, price, message):
        with pytest.raises(ValueError, match=message):
            pricing.check_prices(price, one_cluster())


class TestResponse:
    """Load 100, wholesale .5: a tenth is reducible, 2.5 % of that for each percent of price."""

    @pytest.mark.parametrize(
        ("price", "willing", "elastic"),
        [
            (0.5, 90, 100),  # at the wholesale price: all that is reducible; nothing
            (0.4, 95, 110),  # a fifth below: 1 - 2.5 x .2 = half of the ten; half a percent a percent
            (0.3, 100, 120),  # two fifths below: the willingness is gone
            (0.1, 100, 140),  # below that it is clipped; without the clip the load would rise to 110
            (0.6, 90, 90),  # above: clipped at all of the ten, without the clip 85
            (1.0, 90, 50),
            (1.5, 90, 0),
            (2.0, 90, 0),  # without the limit -50
        ],
    )
    def test_by_hand(self, price, willing, elastic):
        inputs = one_cluster()
        found = pricing.willing_load(inputs, xr.DataArray(price)).sel(hour=0), pricing.elastic_load(inputs, price)[0]
        assert [float(load) for load in found] == pytest.approx([willing, elastic], abs=1e-12)

    @settings(max_examples=40)
    @given(st.integers(0, 2**32 - 1))
    def test_dearer_is_never_more(self, seed):
        inputs = random_inputs(seed)
        price = xr.DataArray(np.linspace(0, 4, 30), dims="level")
        for load in (pricing.willing_load(inputs, price), pricing.elastic_load(inputs, price)):
            assert (load.diff("level") <= 1e-9).all()
            assert (load >= -1e-9).all()
        least = (1 - inputs["reducible_share"]) * inputs["load"]
        willing = pricing.willing_load(inputs, price)
        assert (willing >= least - 1e-9).all()
        assert (willing <= inputs["load"] + 1e-9).all()

    def test_elasticity_raises_the_load_below_the_wholesale_price(self):
        """What sets the two forms apart: below the wholesale price only one lets the load exceed what it was."""
        inputs = random_inputs(1)
        price = 0.9 * inputs["wholesale_price"]
        assert (pricing.elastic_load(inputs, price) > inputs["load"]).all()
        assert (pricing.willing_load(inputs, price) <= inputs["load"]).all()

    def test_without_elasticity(self):
        inputs = one_cluster().drop_vars("elasticity")
        pricing.benefits(inputs, xr.DataArray(0.5))
        with pytest.raises(ValueError, match="elasticity: missing, expected in 1"):
            pricing.benefits(inputs, xr.DataArray(0.5), "elasticity")


class TestBenefits:
    def test_by_hand(self):
        """Load 200, wholesale 1, price .8: half of the reducible 20 is taken off, 190 remain."""
        found = pricing.benefits(one_cluster(), xr.DataArray(0.8)).sel(hour=1)
        expected = {
            "load": 190,
            "reduction": 10,
            "utility": 2 * 190 - 0.001 * 190**2 / 2,  # 361.95
            "dissatisfaction": 0.01 * 100 + 0.3 * 10,  # 4
            "payment": 0.8 * 190,  # 152
            "cluster_benefit": 361.95 - 4 - 152,
            "provider_benefit": -0.2 * 190,
        }
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert float(found[name]) == pytest.approx(value, rel=1e-12), name

    def test_elasticity_by_hand(self):
        """Load 200, wholesale 1, price .8: a tenth more, so a negative reduction."""
        found = pricing.benefits(one_cluster(), xr.DataArray(0.8), "elasticity").sel(hour=1)
        assert float(found["reduction"]) == pytest.approx(-20)
        assert float(found["dissatisfaction"]) == pytest.approx(0.01 * 400 - 0.3 * 20)
        assert float(found["payment"]) == pytest.approx(0.8 * 220)

    def test_dims_and_units(self):
        inputs = random_inputs(1)
        inputs["load"].attrs["units"] = "kW"
        inputs["wholesale_price"].attrs["units"] = "yuan/kWh"
        found = pricing.benefits(inputs, pricing.price_levels(inputs["wholesale_price"], 5))
        for name, array in found.items():
            assert array.attrs == {"units": "kW" if name in ("load", "reduction") else "yuan"}
            assert set(array.dims) == {"cluster", "carrier", "level", "hour"}
            assert array.dims[-1] == "hour"

    def test_labels_are_matched_and_not_positions(self):
        inputs = random_inputs(1)
        price = 0.9 * inputs["wholesale_price"]
        with pytest.raises(ValueError, match="carrier"):
            pricing.benefits(inputs, price.isel(carrier=[1, 0]))
        with pytest.raises(ValueError, match="hour"):
            pricing.benefits(inputs, price.isel(hour=slice(1, None)))

    @pytest.mark.parametrize(
        ("price", "response", "message"),
        [
            (np.nan, "willingness", "price must be within"),
            (np.inf, "willingness", "price must be within"),
            (0.5, "linear", "response must be one of willingness, elasticity, found 'linear'"),
        ],
    )
    def test_errors(self, price, response, message):
        with pytest.raises(ValueError, match=message):
            pricing.benefits(one_cluster(), xr.DataArray(price), response)


class TestReward:
    def test_by_hand(self):
        gained = xr.Dataset({"provider_benefit": hourly([-38.0]), "cluster_benefit": hourly([205.95])})
        for weight, value in ((0, -38), (1, 205.95), (0.25, -38 * 0.75 + 205.95 / 4)):
            assert float(pricing.reward(gained, weight)[0]) == pytest.approx(value)
        many = pricing.reward(gained, xr.DataArray([0.0, 1.0], dims="weight"))
        assert many.sel(hour=0).values.tolist() == [-38, 205.95]
        assert many.attrs == {"units": "yuan"}

    @pytest.mark.parametrize("weight", [-0.1, 1.1, np.nan, xr.DataArray([0.5, 2.0], dims="weight")])
    def test_weights_out_of_range(self, weight):
        gained = pricing.benefits(one_cluster(), xr.DataArray(0.5))
        with pytest.raises(ValueError, match=r"weight must be within \[0.0, 1.0\]: found"):
            pricing.reward(gained, weight)

    @settings(max_examples=60)
    @given(st.integers(0, 2**32 - 1), st.sampled_from(["willingness", "elasticity"]))
    def test_payments_cancel_at_one_half(self, seed, response):
        """The reward at .5 is half of utility less dissatisfaction less wholesale cost, whatever is paid."""
        inputs = random_inputs(seed)
        price = pricing.price_levels(inputs["wholesale_price"], 7)
        gained = pricing.benefits(inputs, price, response)
        without = gained["utility"] - gained["dissatisfaction"] - inputs["wholesale_price"] * gained["load"]
        scale = float((abs(gained["utility"]) + gained["payment"]).max())
        assert float(abs(pricing.reward(gained, 0.5) - without / 2).max()) <= 1e-12 * scale
        assert float(abs(pricing.reward(gained, 0.4) - without / 2).max()) > 1e-6 * scale  # and only there

    def test_prices_of_equal_load_tie_at_one_half(self):
        """Below .6 of the wholesale price nothing is taken off: all these prices are worth the same at .5."""
        inputs = one_cluster(wholesale_price=hourly([0.2, 1.0, 1.0]))
        levels = pricing.price_levels(inputs["wholesale_price"], 17)
        cheap = levels["level"].where(levels < 0.6, drop=True).astype(int)
        for weight, tied in ((0.5, True), (0.6, False)):
            table = pricing.reward_table(inputs, levels, weight).sel(hour=1, level=cheap)
            assert (float(table.max() - table.min()) < 1e-9) == tied


class TestRewardTable:
    def test_entries_are_the_rewards_of_plans(self):
        """Each entry, met by a plan of prices in the hours, for all weights at once."""
        inputs = random_inputs(5, hours=3)
        levels = pricing.price_levels(inputs["wholesale_price"], 4)
        weights = xr.DataArray([0.0, 0.3, 1.0], {"weight": [0.0, 0.3, 1.0]}, "weight")
        table = pricing.reward_table(inputs, levels, weights)
        assert table.dims[-2:] == ("hour", "level")
        assert set(table.dims) == {"weight", "cluster", "carrier", "hour", "level"}
        for k in range(4):
            plan = hourly([k, (k + 1) % 4, (k + 2) % 4]).astype(int)
            gained = pricing.benefits(inputs, levels.isel(level=plan))
            direct = pricing.reward(gained, weights)
            xr.testing.assert_allclose(table.isel(level=plan).drop_vars("level"), direct.drop_vars("level"), rtol=1e-12)

    @settings(max_examples=50)
    @given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.sampled_from(["willingness", "elasticity"]))
    def test_benefits_are_monotone_in_the_weight(self, seed, number, response):
        """The scalarisation lemma: as the cluster's weight grows it gains or keeps, and the provider loses or keeps."""
        inputs = random_inputs(seed, hours=6)
        levels = pricing.price_levels(inputs["wholesale_price"], number)
        gained = pricing.benefits(inputs, levels, response)
        tables = {name: lanes(gained[f"{name}_benefit"]) for name in ("provider", "cluster")}
        steps = pricing.price_budget(inputs["wholesale_price"], levels)
        budget = steps.broadcast_like(inputs["load"].isel(hour=0)).stack(lane=["cluster", "carrier"]).to_numpy()
        totals = {"provider": [], "cluster": []}
        for weight in np.linspace(0, 1, 11):
            reward = (1 - weight) * tables["provider"] + weight * tables["cluster"]
            actions = dynamic_programme.solve(reward, np.arange(number), budget).actions
            for name, table in tables.items():
                totals[name].append(np.take_along_axis(table, actions[:, :, None], 2).sum(axis=(1, 2)))
        near = 1e-7 * max(np.abs(table).max() for table in tables.values())
        assert (np.diff(totals["cluster"], axis=0) >= -near).all()
        assert (np.diff(totals["provider"], axis=0) <= near).all()

    def test_prices_step_at_one_half(self):
        """Below .5 the plan uses all of the budget, above it nothing, when nobody responds."""
        inputs = one_cluster(sensitivity=0.0, load=hourly([100, 100, 100]))
        levels = pricing.price_levels(inputs["wholesale_price"], 6)
        budget = int(pricing.price_budget(inputs["wholesale_price"], levels))
        weights = xr.DataArray([0.0, 0.49, 0.51, 1.0], dims="weight")
        table = pricing.reward_table(inputs, levels, weights).transpose("weight", "hour", "level").to_numpy()
        used = dynamic_programme.solve(table, np.arange(6), budget).actions.sum(axis=1)
        assert used.tolist() == [budget, budget, 0, 0]


class TestCheck:
    def test_sound_inputs(self):
        pricing.check(one_cluster())
        pricing.check(one_cluster().drop_vars("elasticity"))
        pricing.check(random_inputs(1))

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"sensitivity": -0.1}, r"sensitivity must be within \[0.0, inf\) 1: found -0.1"),
            ({"elasticity": 0.1}, r"elasticity must be within \(-inf, 0.0\] 1: found 0.1"),
            ({"reducible_share": 1.1}, r"reducible_share must be within \[0.0, 1.0\] 1: found 1.1"),
            ({"load": hourly([1, -1, 1])}, "load must be within .* kW: found -1 at hour 1"),
            ({"load": hourly([1, np.nan, 1])}, "load must be within .* kW: found nan at hour 1"),
            ({"load": hourly([0, 0, 0])}, r"load must not be zero in all hours \[kWh\]: found 0"),
            ({"load": xr.DataArray(1.0)}, "load: must have the dim hour"),
            ({"wholesale_price": hourly([1, 0, 1])}, r"wholesale_price must be within \(0.0, inf\) yuan/kWh: found 0"),
            ({"satisfaction": -1.0}, "satisfaction must be within"),
            ({"satiation": -1.0}, "satiation must be within"),
            ({"loss_linear": -1.0}, "loss_linear must be within"),
            ({"loss_quadratic": np.inf}, "loss_quadratic must be within"),
            ({"load": hourly([1, 1, 1]).assign_attrs(units="MW")}, "load: units must be kW, found MW"),
            ({"steam": 1.0}, "steam: unknown, known are load, wholesale_price"),
        ],
    )
    def test_one_fault(self, changed, message):
        with pytest.raises(ValueError, match=f"^{message}[^\n]*$"):
            pricing.check(one_cluster(**changed))

    def test_all_faults_at_once(self):
        with pytest.raises(ValueError, match="sensitivity") as caught:
            pricing.check(one_cluster(sensitivity=-1.0, elasticity=1.0, load=hourly([0, 0, 0])).drop_vars("satiation"))
        assert [line.split()[0] for line in str(caught.value).splitlines()] == [
            "sensitivity",
            "elasticity",
            "satiation:",
            "load",
        ]

    def test_a_cluster_without_load_is_named(self):
        inputs = random_inputs(1)
        inputs["load"].loc["B", "cooling"] = 0  # a cluster may do without one carrier
        pricing.check(inputs)
        inputs["load"].loc["B"] = 0
        with pytest.raises(ValueError, match=r"load must not be zero in all hours .* found 0 at cluster B$"):
            pricing.benefits(inputs, xr.DataArray(0.5))

    def test_hours_out_of_order(self):
        with pytest.raises(ValueError, match="hour: expected steps of one hour in order"):
            pricing.check(one_cluster().assign_coords(hour=[0, 2, 1]))
