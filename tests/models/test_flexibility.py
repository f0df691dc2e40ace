"""Self-optimisation: constraints and costs by hand, where binaries are needed, and what holds for random clusters."""

from __future__ import annotations

import itertools
import re

import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods.solver import solve
from bcopt.models import flexibility
from bcopt.models.flexibility import QUANTITIES, TIE_RULES, costs, flexibility_model, flows, tie_break, unoptimised

ONES = (
    "electricity_price",
    "heat_price",
    "lighting_floor",
    "transfer_window",
    "vehicle_soc_upper",
    "vehicle_available",
)
FULL = {*ONES, "heat_store_soc_upper"}
OPTIMISED = ["purchase", "export", "lighting", "transferable", "hot_water", "pump_heat", "purchased_heat"]


def array(value):
    """A number, hours, or labelled dims as they are."""
    if isinstance(value, xr.DataArray):
        return value
    value = np.asarray(value, float)
    return (
        xr.DataArray(value, dims="hour", coords={"hour": np.arange(len(value))}) if value.ndim else xr.DataArray(value)
    )


def by(dim, values):
    return xr.DataArray(
        np.asarray(values, float), dims=dim, coords={dim: [f"{dim}{k + 1}" for k in range(len(values))]}
    )


def case(hours=2, **given):
    """A cluster that uses nothing and pays 1 for all it buys, but for what is given."""
    values = {}
    for name, quantity in QUANTITIES.items():
        default = float(name in FULL)
        values[name] = array(given.pop(name, [default] * hours if quantity.hourly else default))
    return xr.Dataset(values | given)


def optimum(inputs, binaries="needed"):
    return solve(flexibility_model(inputs, binaries), mip_rel_gap=0.0).objective


def solved(inputs, **options):
    model = flexibility_model(inputs, **options)
    report = solve(model, mip_rel_gap=0.0)
    return model, report.objective, flows(model.solution, inputs)


def random_inputs(seed, hours=None, clusters=None, split=False, loss=False, vehicles=0):
    """Clusters with every flexibility, quantities missing here and there, limits that the unshifted loads keep."""
    random = np.random.default_rng(seed)
    hours, clusters = hours or random.integers(2, 7), clusters or random.integers(1, 4)
    labels = {"cluster": [f"x{k + 1}" for k in range(clusters)], "hour": np.arange(hours)}

    def draw(low, high, *dims, gaps=True):
        shape = [len(labels[dim]) for dim in dims]
        values = random.uniform(low, high, shape) * (random.random(shape) < 0.8 if gaps else 1.0)
        return xr.DataArray(values, dims=dims, coords={dim: labels[dim] for dim in dims})

    both, price = ("cluster", "hour"), draw(0.1, 1.5, "hour", gaps=False)
    transferable, hot_water = draw(0, 3, *both), draw(0, 2, *both)
    values = {
        "electricity_price": price,
        "export_price": price * draw(0.2, 1.6, "hour", gaps=False) if split else price * draw(0, 1, "hour"),
        "heat_price": draw(0.1, 1, *both, gaps=False),
        "storage_price_electricity": draw(0, 0.2, "cluster"),
        "storage_price_heat": draw(0, 0.2),
        "fixed": draw(0, 5, *both),
        "lighting": draw(0, 2, *both),
        "lighting_floor": draw(0, 1, "cluster"),
        "transferable": transferable,
        "transfer_window": (draw(0, 1, "hour") > 0.2).astype(float),
        "transfer_limit": transferable.max("hour") * 1.5,
        "hot_water": hot_water,
        "heater_power": hot_water.max("hour") * 2,
        "photovoltaics": draw(0, 8, *both),
        "heat": draw(0, 6, *both),
        "pump_heat": draw(0, 3, "cluster"),
        "pump_electricity": draw(0, 0.5),
        "vehicle_energy": draw(0, 8, "cluster"),
        "vehicle_power": draw(0, 3, "cluster"),
        "vehicle_soc_lower": draw(0, 0.4),
        "vehicle_soc_upper": draw(0.5, 1, gaps=False),
        "vehicle_available": draw(0, 1, "hour"),
        "heat_store_energy": draw(0, 8, "cluster"),
        "heat_store_power": draw(1, 3, "cluster", gaps=False),
        "heat_store_loss": draw(0, 0.05) if loss else xr.DataArray(0.0),
        "heat_store_soc_lower": draw(0, 0.4),
        "heat_store_soc_upper": draw(0.5, 1, gaps=False),
    }
    if vehicles:
        share = by("vehicle", np.ones(vehicles) / vehicles)
        values |= {name: values[name] * share for name in ("vehicle_energy", "vehicle_power")}
    return xr.Dataset(values)


seeds = st.integers(0, 2**32 - 1)

MOVES = {"transferable": [0, 2], "transfer_limit": 9.0, "electricity_price": [1, 3]}
WATER = {"hot_water": [0, 2], "heater_power": 9.0, "electricity_price": [1, 3]}
VEHICLE = {"fixed": [1, 2], "electricity_price": [1, 3], "vehicle_energy": 10.0, "vehicle_power": 1.0}
STORE = {"heat": [1, 2], "heat_price": [1, 3], "heat_store_energy": 10.0, "heat_store_power": 1.0}
PUMPS = {"heat": [2, 1], "heat_price": [1, 3], "pump_heat": 1.5}
SUN = {"photovoltaics": [3, 0], "fixed": [1, 1]}

BY_HAND = [
    # electricity, equations (2) and (4)
    ({"fixed": [1, 2], "electricity_price": [1, 3]}, 1 * 1 + 2 * 3),
    ({"fixed": [1, 2], "electricity_price": [1, -3]}, 1 * 1 - 2 * 3),  # who is paid to take buys no more than is used
    ({**SUN}, 1.0),  # the surplus is worth nothing
    ({**SUN, "export_price": [0.25, 9]}, 1 - 2 * 0.25),  # sells the 2 kW that are left
    ({**SUN, "export_price": [-0.25, 0]}, 1 + 2 * 0.25),  # and must, as nothing is curtailed
    ({**SUN, "export_price": [1, 1]}, 1 - 2),  # at equal prices too
    # lighting, (7)-(8)
    ({"lighting": [2, 2], "electricity_price": [1, 3]}, 8),
    ({"lighting": [2, 2], "electricity_price": [1, 3], "lighting_floor": 0.5}, 4),
    ({"lighting": [2, 2], "electricity_price": [1, 3], "lighting_floor": 0.0}, 0),
    ({"lighting": [2, 2], "electricity_price": [-1, -3], "lighting_floor": 0.5}, -8),  # never above what it was
    # transferable, (9)
    ({**MOVES}, 2 * 1),
    ({**MOVES, "electricity_price": [3, 1]}, 2 * 1),  # stays
    ({**MOVES, "transfer_window": [0, 1]}, 2 * 3),  # the cheap hour is outside
    ({**MOVES, "transfer_window": [1, 0]}, 2 * 3),  # the load is outside, so it stays as it is
    ({**MOVES, "transferable": [1, 2], "transfer_window": [0, 1]}, 1 + 2 * 3),
    ({**MOVES, "transfer_limit": 1.5}, 1.5 * 1 + 0.5 * 3),
    ({**MOVES, "transfer_limit": [1.5, 9]}, 1.5 * 1 + 0.5 * 3),
    ({**MOVES, "transfer_limit": 0.0, "transfer_window": [0, 0]}, 2 * 3),  # a limit binds in the window alone
    # hot water
    ({**WATER}, 2 * 1),
    ({**WATER, "heater_power": 1.5}, 1.5 * 1 + 0.5 * 3),
    ({**WATER, "heater_power": 1.0}, 1 * 1 + 1 * 3),  # the least that delivers
    # heat, (3) and (5)
    ({**PUMPS}, 0.5 * 1),
    ({**PUMPS, "pump_heat": 0.0}, 2 * 1 + 1 * 3),
    ({**PUMPS, "pump_heat": [0, 9]}, 2 * 1),
    # electricity of the pumps: 0.5 yuan per kWh of heat, below both prices of heat
    ({**PUMPS, "pump_electricity": 0.25, "electricity_price": [2, 2]}, 0.5 * 1 + 2.5 * 0.25 * 2),
    # 2 yuan per kWh of heat: the first hour buys heat, the second pumps
    ({**PUMPS, "pump_electricity": 0.25, "electricity_price": [8, 8]}, 2 * 1 + 1 * 0.25 * 8),
    # pumps on the sun cost what the sun would sell for
    (
        {**PUMPS, "pump_electricity": 0.25, "photovoltaics": [9, 9], "export_price": [0.8, 0.8]},
        0.5 - (18 - 0.625) * 0.8,
    ),
    # vehicles, (10)-(19)
    ({**VEHICLE}, 2 * 1 + 1 * 3),
    ({**VEHICLE, "vehicle_power": 0.0}, 1 * 1 + 2 * 3),
    ({**VEHICLE, "vehicle_power": 0.5}, 1.5 * 1 + 1.5 * 3),
    ({**VEHICLE, "vehicle_energy": 1.0}, 2 * 1 + 1 * 3),
    ({**VEHICLE, "vehicle_energy": 1.0, "vehicle_soc_lower": 0.2}, 1.8 * 1 + 1.2 * 3),
    ({**VEHICLE, "vehicle_energy": 1.0, "vehicle_soc_lower": 0.2, "vehicle_soc_upper": 0.8}, 1.6 * 1 + 1.4 * 3),
    ({**VEHICLE, "vehicle_available": [1, 0]}, 1 * 1 + 2 * 3),  # gone when it should discharge
    ({**VEHICLE, "vehicle_available": [0, 1]}, 1 * 1 + 2 * 3),  # or charge
    ({**VEHICLE, "vehicle_available": [1, 0.5]}, 1.5 * 1 + 1.5 * 3),
    ({**VEHICLE, "storage_price_electricity": 0.25}, 2 * 1 + 1 * 3 + 2 * 0.25),
    ({**VEHICLE, "storage_price_electricity": 1.5}, 1 * 1 + 2 * 3),  # dearer than the saving
    ({**VEHICLE, "storage_price_heat": 9.0}, 2 * 1 + 1 * 3),  # the other price
    # they feed the cluster and not the grid: half a kWh is used, one could be sold
    ({**VEHICLE, "fixed": [0, 0.5], "export_price": [0, 2.5]}, 0.5 * 1),
    # heat store, (20)-(28)
    ({**STORE}, 2 * 1 + 1 * 3),
    ({**STORE, "heat_store_power": 0.25}, 1.25 * 1 + 1.75 * 3),
    ({**STORE, "heat_store_energy": 1.0, "heat_store_soc_lower": 0.2}, 1.8 * 1 + 1.2 * 3),
    ({**STORE, "heat_store_energy": 1.0, "heat_store_soc_upper": 0.8}, 1.8 * 1 + 1.2 * 3),
    ({**STORE, "storage_price_heat": 0.25}, 2 * 1 + 1 * 3 + 2 * 0.25),
    ({**STORE, "storage_price_electricity": 9.0}, 2 * 1 + 1 * 3),  # the other price
    ({**STORE, "heat_store_loss": 0.1}, 2 * 1 + 1.1 * 3),  # 0.9 of 1 kWh is left
    ({**STORE, "heat": [1, 0.5]}, 1.5 * 1),  # it discharges no more than is needed
    ({**STORE, "heat": [0, 2], "pump_heat": 0.5}, 0.5 * 1 + 0.5 * 3),  # it takes pumped heat at no cost
    # keeping half of 10 kWh loses 0.5 kWh an hour: dearer than no store, which is 2
    ({**STORE, "heat": [1, 1], "heat_price": [1, 1], "heat_store_soc_lower": 0.5, "heat_store_loss": 0.1}, 3),
]


class TestByHand:
    @pytest.mark.parametrize(("values", "cost"), BY_HAND)
    def test_cost(self, values, cost):
        inputs = case(**values)
        _, objective, flow = solved(inputs)
        assert objective == pytest.approx(cost, abs=1e-7)
        assert float(sum(costs(flow, inputs).sum().values())) == pytest.approx(cost, abs=1e-7)

    @pytest.mark.parametrize(
        ("values", "constraint", "cost", "without"),
        [
            ({"fixed": [1, 2], "electricity_price": [1, 3]}, "electricity-balance", 7, 0),
            (PUMPS, "heat-balance", 0.5, 0),
            (MOVES, "transferable-total", 2, 0),
            (WATER, "hot_water-total", 2, 0),
            (VEHICLE, "vehicle-balance", 5, 3),  # 1 kWh an hour comes from nowhere
            (STORE, "heat_store-balance", 5, 3),
        ],
    )
    def test_without_the_constraint(self, values, constraint, cost, without):
        model = flexibility_model(case(**values))
        assert solve(model).objective == pytest.approx(cost)
        model.remove_constraints(constraint)
        assert solve(model).objective == pytest.approx(without)

    def test_constants_stand_on_the_right(self):
        model = flexibility_model(case(fixed=[1, 2], photovoltaics=[0.25, 5], heat=[3, 4]))
        assert model.constraints["electricity-balance"].rhs.values.tolist() == [0.75, -3]
        assert model.constraints["heat-balance"].rhs.values.tolist() == [3, 4]

    def test_names(self):
        stores = [f"{name}-{part}" for name in ("vehicle", "heat_store") for part in ("charge", "discharge", "energy")]
        totals = {"transferable-total", "hot_water-total", "vehicle-balance", "heat_store-balance"}
        model = flexibility_model(case())
        assert set(model.variables) == {*OPTIMISED, *stores}
        assert set(model.constraints) == {"electricity-balance", "heat-balance", *totals}
        model = flexibility_model(case(), "all", peak=True)
        assert set(model.variables.binaries) == {"selling", "vehicle-charging", "heat_store-charging"}
        assert "peak" in model.variables

    def test_peak(self):
        """The variable reaches the largest electricity, photovoltaics not deducted, and costs nothing."""
        inputs = case(fixed=[1, 3], photovoltaics=[0, 2])
        model = flexibility_model(inputs, peak=True)
        assert solve(model).objective == pytest.approx(1 + 1)
        model.add_objective(model.variables["peak"].sum(), overwrite=True)
        assert solve(model).objective == pytest.approx(3)

    def test_availability_is_one_where_it_is_not_given(self):
        inputs = case(**VEHICLE)
        assert optimum(inputs.drop_vars("vehicle_available")) == pytest.approx(optimum(inputs))

    def test_flows(self):
        inputs = case(**{**VEHICLE, "lighting": [1, 1], "lighting_floor": 0.5, "heat": [2, 2], "pump_heat": 1.5})
        inputs = inputs.assign(pump_electricity=array(0.2), photovoltaics=array([0, 2]), export_price=array([0, 1.5]))
        flow = solved(inputs)[2]
        expected = {"purchase": [2.8, 0], "export": [0, 0.2], "lighting": [0.5, 0.5], "pump_heat": [1.5, 1.5]}
        expected |= {"electricity": [2.8, 1.8], "heat": [2, 2], "purchased_heat": [0.5, 0.5]}
        expected |= {"vehicle": [1, -1], "vehicle_throughput": [1, 1], "heat_store": [0, 0], "transferable": [0, 0]}
        for name, values in expected.items():
            assert flow[name].values == pytest.approx(values, abs=1e-9), name
        assert flow["electricity"].dims == ("hour",)

    def test_costs(self):
        inputs = case(**VEHICLE, heat=[1, 1], storage_price_electricity=0.25)
        terms = costs(solved(inputs)[2], inputs)
        assert terms["electricity_cost"].values == pytest.approx([2, 3])
        assert terms["heat_cost"].values == pytest.approx([1, 1])
        assert terms["storage_cost"].values == pytest.approx([0.25, 0.25])

    def test_unoptimised(self):
        loads = {"fixed": [1, 2], "lighting": [1, 0], "transferable": [0, 1], "hot_water": [1, 1], "heat": [1, 3]}
        limits = {"lighting_floor": 0.1, "transfer_limit": 9.0, "heater_power": 9.0, "vehicle_energy": 5.0}
        pumps = {"pump_heat": 2.0, "pump_electricity": 0.25}
        inputs = case(**loads, **limits, **pumps, photovoltaics=[5, 1], electricity_price=[1, 3], export_price=[0.5, 1])
        flow = unoptimised(inputs)
        expected = {"purchase": [0, 3.5], "export": [1.75, 0], "pump_heat": [1, 2], "purchased_heat": [0, 1]}
        expected |= {name: loads[name] for name in ("lighting", "transferable", "hot_water", "heat")}
        expected |= {"vehicle": [0, 0], "heat_store": [0, 0], "electricity": [3.25, 4.5]}
        for name, values in expected.items():
            assert flow[name].values == pytest.approx(values), name
        terms = costs(flow, inputs)
        assert terms["electricity_cost"].values == pytest.approx([-0.875, 10.5])
        assert terms["heat_cost"].values == pytest.approx([0, 1])
        assert terms["storage_cost"].values == pytest.approx([0, 0])
        assert set(flow) == set(solved(inputs)[2])


class TestBinaries:
    split = {"fixed": [0.4, 0.4], "photovoltaics": [1, 0], "export_price": [2, 2]}  # noqa: RUF012

    def test_split_hours(self):
        """Both conditions: the second hour has no sun; in the third selling only equals buying."""
        inputs = case(3, photovoltaics=[1, 0, 1], export_price=[2, 2, 1])
        assert flexibility.split_hours(inputs).values.tolist() == [True, False, False]

    def test_split_hours_of_each_cluster(self):
        inputs = case(**self.split, heat=by("cluster", [1, 2]) * array([1, 1]))
        split = flexibility.split_hours(inputs)
        assert split.dims == ("cluster", "hour")
        assert split.values.tolist() == [[True, False]] * 2
        model = flexibility_model(inputs)
        assert (model.variables["selling"].labels.values >= 0).tolist() == [[True, False]] * 2

    def test_only_the_binary_keeps_buying_from_selling(self):
        """It sells 0.6 at 2 and later buys 0.4 at 1. Bare of the binary it sells 1.0 and buys 0.4 in the same hour."""
        model = flexibility_model(case(**self.split))
        assert solve(model).objective == pytest.approx(-2 * 0.6 + 0.4)
        for name in ("selling-purchase", "selling-export"):
            model.remove_constraints(name)
        assert solve(model).objective == pytest.approx(-2 * 1.0 + 0.4 + 0.4)

    def test_where_none_is_admitted_the_hours_are_named(self):
        inputs = case(**self.split, heat=by("cluster", [1, 2]) * array([1, 1]))
        with pytest.raises(ValueError, match="would sell what it buys") as caught:
            flexibility_model(inputs, "none")
        assert "electricity_price 1, export_price 2 at cluster cluster2, hour 0" in str(caught.value)
        assert "hour 1" not in str(caught.value)

    def test_none_are_made_where_none_are_needed(self):
        for binaries in ("needed", "none"):
            assert len(flexibility_model(case(**SUN), binaries).variables.binaries) == 0

    def test_unknown(self):
        with pytest.raises(ValueError, match=r"binaries must be one of .* found 'some'"):
            flexibility_model(case(), "some")

    def test_the_limit_of_the_purchase_admits_every_load_at_once(self):
        """In the cheap hour all that can be is used, bought and stored: 2 + 1 + 4 + 3 + 0.5 + 5 less 1 of the sun."""
        loads = {"fixed": [2, 0], "lighting": [1, 0], "transferable": [0, 4], "hot_water": [0, 3]}
        limits = {"transfer_limit": 4.0, "heater_power": 3.0, "pump_heat": 2.0, "pump_electricity": 0.25}
        vehicle = {"vehicle_energy": 9.0, "vehicle_power": 5.0}
        prices = {"electricity_price": [-1, 9], "export_price": [2, 0], "heat_price": [9, 9]}
        inputs = case(**loads, **limits, **vehicle, **prices, heat=[2, 0], photovoltaics=[1, 0])
        inputs["fixed"] = array([2, 5])
        _, objective, flow = solved(inputs)
        assert flow["purchase"].values == pytest.approx([14.5, 0], abs=1e-6)
        assert objective == pytest.approx(-14.5)

    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds)
    def test_no_choice_of_the_hours_that_sell_is_cheaper(self, seed):
        """All the choices one by one, without binaries: selling closed in an hour, or buying."""
        inputs = random_inputs(seed, hours=3, clusters=1, split=True)
        found = optimum(inputs)
        model = flexibility_model(inputs)
        if "selling" in model.variables:
            model.remove_constraints(["selling-purchase", "selling-export"])
            model.remove_variables("selling")
        places = np.argwhere(flexibility.split_hours(inputs).values)
        limits = {name: model.variables[name].upper.copy(deep=True) for name in ("purchase", "export")}
        objectives = []
        for choice in itertools.product(("purchase", "export"), repeat=len(places)):
            closed = {name: limit.copy(deep=True) for name, limit in limits.items()}
            for name, place in zip(choice, places, strict=True):
                closed[name].values[tuple(place)] = 0.0
            for name, limit in closed.items():
                model.variables[name].upper = limit
            model.solve("highs", output_flag=False)
            objectives.append(model.objective.value if model.termination_condition == "optimal" else np.inf)
        assert found == pytest.approx(min(objectives), rel=1e-6, abs=1e-6)

    @pytest.mark.slow
    @settings(max_examples=4, deadline=None)
    @given(seeds)
    def test_all_binaries_are_redundant(self, seed):
        """Those of the stores anywhere, those of buying where selling pays no better: (10)-(16), (20)-(25)."""
        inputs = random_inputs(seed, loss=True)
        assert optimum(inputs, "none") == pytest.approx(optimum(inputs, "all"), rel=1e-6, abs=1e-6)

    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds)
    def test_the_needed_ones_suffice(self, seed):
        inputs = random_inputs(seed, split=True, loss=True)
        assert optimum(inputs, "needed") == pytest.approx(optimum(inputs, "all"), rel=1e-6, abs=1e-6)


class TestInvariants:
    @settings(max_examples=8, deadline=None)
    @given(seeds, st.booleans(), st.booleans(), st.sampled_from([0, 2]))
    def test_of_every_schedule(self, seed, split, loss, vehicles):
        inputs = random_inputs(seed, split=split, loss=loss, vehicles=vehicles)
        model, objective, flow = solved(inputs, peak=True)
        solution, near = model.solution, {"rtol": 0, "atol": 1e-5}
        for name in OPTIMISED:
            if name not in ("purchase", "export"):
                xr.testing.assert_allclose(flow[name].transpose(*solution[name].dims), solution[name], **near)
        difference = solution["purchase"] - solution["export"]
        loads = inputs["fixed"] + flow["lighting"] + flow["transferable"] + flow["hot_water"] + flow["vehicle"]
        electricity = loads + inputs["pump_electricity"] * flow["pump_heat"]
        used = electricity - inputs["photovoltaics"]
        xr.testing.assert_allclose(difference, used.transpose(*difference.dims), **near)
        xr.testing.assert_allclose(flow["purchase"] - flow["export"], used.transpose(*difference.dims), **near)
        assert float((flow["purchase"] * flow["export"]).max()) == 0
        heat = inputs["heat"] + flow["heat_store"] - flow["pump_heat"] - flow["purchased_heat"]
        assert float(abs(heat).max()) < 1e-5
        for name in ("transferable", "hot_water"):
            moved = flow[name].sum("hour") - inputs[name].sum("hour")
            assert float(abs(moved).max()) < 1e-5
        stays = (flow["transferable"] - inputs["transferable"]).where(inputs["transfer_window"] == 0, 0.0)
        assert float(abs(stays).max()) < 1e-5
        for store in ("vehicle", "heat_store"):
            energy, capacity = solution[f"{store}-energy"], inputs[f"{store}_energy"]
            assert bool((energy >= inputs[f"{store}_soc_lower"] * capacity - 1e-5).all())
            assert bool((energy <= inputs[f"{store}_soc_upper"] * capacity + 1e-5).all())
            charged = solution[f"{store}-charge"] - solution[f"{store}-discharge"]
            kept = energy.roll(hour=1) * (1 - (inputs["heat_store_loss"] if store == "heat_store" else 0))
            assert float(abs(kept + charged - energy).max()) < 1e-5
        assert float(abs(flow["vehicle"].sum("hour")).max()) < 1e-5
        assert bool((solution["peak"] >= electricity.max("hour") - 1e-5).all())
        assert float(sum(costs(flow, inputs).sum().values())) == pytest.approx(objective, rel=1e-6, abs=1e-5)

    @pytest.mark.slow
    @settings(max_examples=5, deadline=None)
    @given(seeds, st.booleans())
    def test_never_dearer_than_unoptimised(self, seed, split):
        """For each cluster, where the heat store loses nothing; see the last hand case for one that does."""
        inputs = random_inputs(seed, split=split)
        saved = costs(unoptimised(inputs), inputs) - costs(solved(inputs)[2], inputs)
        assert bool((saved.to_dataarray().sum(["variable", "hour"]) >= -1e-5).all())

    @pytest.mark.slow
    @settings(max_examples=4, deadline=None)
    @given(seeds)
    def test_more_vehicles_are_never_dearer(self, seed):
        """At a fixed ratio of power to energy."""
        inputs = random_inputs(seed, clusters=1)
        names, scale = ("vehicle_energy", "vehicle_power"), by("scale", [0.0, 0.6, 1.0, 1.7])
        inputs = inputs.assign({name: scale * inputs[name] for name in names})
        cost = costs(solved(inputs)[2], inputs).to_dataarray().sum(["variable", "hour"])
        assert bool((cost.diff("scale") <= 1e-5).all())

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds)
    def test_clusters_are_independent(self, seed):
        inputs = random_inputs(seed, clusters=3, split=True)
        _, objective, flow = solved(inputs)
        together = costs(flow, inputs).to_dataarray().sum(["variable", "hour"])
        alone = [optimum(inputs.sel(cluster=name)) for name in inputs["cluster"].values]
        assert objective == pytest.approx(sum(alone), rel=1e-6, abs=1e-6)
        assert together.values == pytest.approx(alone, rel=1e-5, abs=1e-5)

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds)
    def test_days_are_independent(self, seed):
        """The same loads under three days of prices, once with a dim day and once each day alone."""
        inputs = random_inputs(seed, hours=4, clusters=2)
        days = xr.DataArray([1.0, 0.4, 1.3], dims="day", coords={"day": [0, 1, 2]})
        inputs = inputs.assign(heat_price=inputs["heat_price"] * days, fixed=inputs["fixed"] * days)
        alone = [optimum(inputs.sel(day=day)) for day in inputs["day"].values]
        assert optimum(inputs) == pytest.approx(sum(alone), rel=1e-6, abs=1e-6)


class TestVehicles:
    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds, st.integers(1, 4))
    def test_identical_ones_are_one_store(self, seed, count):
        inputs = random_inputs(seed, clusters=2).drop_vars("vehicle_available")
        single = by("vehicle", np.ones(count) / count)
        names = ("vehicle_energy", "vehicle_power")
        apart = inputs.assign({name: inputs[name] * single for name in names})
        assert optimum(apart) == pytest.approx(optimum(inputs), rel=1e-6, abs=1e-6)

    def test_single_ones_come_and_go(self):
        """The first is there for both hours, the second for one and is of no use; together they would be."""
        available = xr.DataArray([[1.0, 1.0], [1.0, 0.0]], dims=("vehicle", "hour"), coords={"hour": [0, 1]})
        values = {**VEHICLE, "fixed": [1, 5], "vehicle_available": available}
        assert optimum(case(**values)) == pytest.approx(2 * 1 + 4 * 3)
        values["vehicle_available"] = xr.ones_like(available)
        assert optimum(case(**values)) == pytest.approx(3 * 1 + 3 * 3)

    def test_flows_sum_over_them(self):
        """One charges 1 kW and the other 0.5 kW: throughput is paid for each."""
        power = by("vehicle", [1.0, 0.5])
        inputs = case(**{**VEHICLE, "vehicle_power": power, "storage_price_electricity": 0.25})
        _, objective, flow = solved(inputs)
        assert flow["vehicle"].values == pytest.approx([1.5, -1.5])
        assert flow["vehicle_throughput"].values == pytest.approx([1.5, 1.5])
        assert objective == pytest.approx(2.5 + 0.5 * 3 + 3 * 0.25)
        assert "vehicle" not in flow.dims

    def test_throughput_is_of_each_and_not_of_the_sum(self):
        """What one gives another is no net charge, but it is throughput."""
        inputs = case(**{**VEHICLE, "vehicle_power": by("vehicle", [1.0, 1.0])})
        solution = solved(inputs)[0].solution.copy(deep=True)
        for name, values in {"vehicle-charge": [[1, 0], [0, 1]], "vehicle-discharge": [[0, 1], [1, 0]]}.items():
            solution[name] = solution[name].transpose("vehicle", "hour").copy(data=np.array(values, float))
        flow = flows(solution, inputs)
        assert flow["vehicle"].values.tolist() == [0, 0]
        assert flow["vehicle_throughput"].values.tolist() == [2, 2]

    def test_flows_are_netted(self):
        """An optimum may charge and discharge, or buy and sell at equal prices; the difference is what flows."""
        inputs = case(**VEHICLE, photovoltaics=[3, 3], export_price=[1, 3])
        solution = solved(inputs)[0].solution.copy(deep=True)
        idle = flows(
            solution.assign(
                {"vehicle-charge": solution["vehicle-charge"] * 0 + 0.5}
                | {"vehicle-discharge": solution["vehicle-discharge"] * 0 + 0.5}
            ),
            inputs,
        )
        assert idle["vehicle_throughput"].values.tolist() == [0, 0]
        both = solution.assign(purchase=solution["purchase"] + 1, export=solution["export"] + 1)
        xr.testing.assert_allclose(flows(both, inputs), flows(solution, inputs))


class TestTieBreak:
    prices = {"transferable": [0, 2, 0], "transfer_limit": 2.0}  # noqa: RUF012

    def second(self, inputs, rule, position=(0, 1, 2), **options):
        model = flexibility_model(inputs, **options)
        cost = solve(model).objective
        model.add_constraints(model.objective.expression <= cost + 1e-9, name="cost")
        model.add_objective(tie_break(model, rule, array(position)), overwrite=True)
        solve(model)
        flow = flows(model.solution, inputs)
        assert float(sum(costs(flow, inputs).sum().values())) == pytest.approx(cost, abs=1e-6)
        return flow

    @pytest.mark.parametrize(
        ("rule", "position", "expected"),
        [
            ("earliest", [0, 1, 2], [2, 0, 0]),
            ("latest", [0, 1, 2], [0, 0, 2]),
            ("earliest", [1, 2, 0], [0, 0, 2]),  # the day begins at its last hour
            ("latest", [1, 2, 0], [0, 2, 0]),
        ],
    )
    @pytest.mark.parametrize("load", ["transferable", "hot_water"])
    def test_order(self, rule, position, expected, load):
        limit = {"transferable": "transfer_limit", "hot_water": "heater_power"}[load]
        flow = self.second(case(3, **{load: [0, 2, 0], limit: 2.0}), rule, position)
        assert flow[load].values == pytest.approx(expected, abs=1e-6)

    def test_least_peak(self):
        flow = self.second(case(3, **self.prices, fixed=[1, 0, 0]), "least peak", peak=True)
        assert float(flow["electricity"].max()) == pytest.approx(1)

    def test_least_throughput(self):
        """At one price and no wear a vehicle may do anything, and does nothing."""
        flow = self.second(case(3, fixed=[1, 1, 1], vehicle_energy=5.0, vehicle_power=1.0), "least throughput")
        assert flow["vehicle_throughput"].values == pytest.approx([0, 0, 0], abs=1e-6)

    @pytest.mark.parametrize(
        ("name", "stores"),
        [
            ("vehicle", {"vehicle_energy": 1.0, "vehicle_power": 1.0, "fixed": [1, 1, 1]}),
            ("heat_store", {"heat_store_energy": 1.0, "heat_store_power": 1.0, "heat": [1, 1, 1]}),
        ],
    )
    def test_stores_are_flexible_demand(self, name, stores):
        """Charge first and discharge last is earliest in the sum of positions: 0 x 1 - 2 x 1."""
        inputs = case(3, **stores)
        assert self.second(inputs, "latest")[name].values == pytest.approx([-1, 0, 1], abs=1e-6)
        assert self.second(inputs, "earliest")[name].values == pytest.approx([1, 0, -1], abs=1e-6)

    def test_lighting_is_flexible_demand(self):
        """Where electricity is free, lighting that is not needed is used late and not early."""
        inputs = case(2, lighting=[1, 1], lighting_floor=0.5, electricity_price=[0, 0])
        assert self.second(inputs, "earliest", (1, 2))["lighting"].values == pytest.approx([0.5, 0.5], abs=1e-6)
        assert self.second(inputs, "latest", (1, 2))["lighting"].values == pytest.approx([1, 1], abs=1e-6)

    def test_single_vehicles(self):
        inputs = case(3, vehicle_energy=by("vehicle", [1, 1]), vehicle_power=1.0, fixed=[2, 2, 2])
        model = flexibility_model(inputs)
        solve(model)
        assert self.second(inputs, "earliest")["vehicle"].values == pytest.approx([2, 0, -2], abs=1e-6)
        assert isinstance(tie_break(model, "earliest", array([0, 1, 2])), linopy.LinearExpression)

    def test_refused(self):
        model = flexibility_model(case())
        with pytest.raises(ValueError, match="needs a model built with peak=True"):
            tie_break(model, "least peak", array([0, 1]))
        with pytest.raises(ValueError, match=r"tie rule must be one of .* found 'first'"):
            tie_break(model, "first", array([0, 1]))
        with pytest.raises(ValueError, match=r"position must give the hours \[0 1\], found \[0\]"):
            tie_break(model, "earliest", array([0]))

    def test_rules(self):
        assert TIE_RULES == ("earliest", "latest", "least peak", "least throughput")


class TestCheck:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"heat": [1, -1]}, r"heat must be within \[0.0, inf\) kW: found -1 at hour 1"),
            ({"heat": [1, np.nan]}, "heat must .* found nan at hour 1"),
            ({"fixed": by("cluster", [1, np.nan]) * array([1, 1])}, "found nan at cluster cluster2, hour 0; .* hour 1"),
            ({"photovoltaics": [np.inf, 0]}, "photovoltaics must .* found inf at hour 0"),
            ({"heat_price": [-1, 0]}, "heat_price must .* found -1 at hour 0"),
            ({"electricity_price": [np.inf, 0]}, r"electricity_price must be within \(-inf, inf\) .* found inf"),
            ({"storage_price_electricity": -0.1}, "storage_price_electricity must .* found -0.1"),
            (
                {"storage_price_heat": by("cluster", [0, -0.1])},
                "storage_price_heat must .* found -0.1 at cluster cluster2",
            ),
            ({"lighting_floor": 1.1}, r"lighting_floor must be within \[0.0, 1.0\] 1: found 1.1"),
            ({"transfer_window": [0.5, 1]}, "transfer_window must be 0 or 1: found 0.5 at hour 0"),
            ({"vehicle_available": [1.5, 1]}, "vehicle_available must .* found 1.5 at hour 0"),
            ({"heat_store_loss": 1.0}, r"heat_store_loss must be within \[0.0, 1.0\) 1/h: found 1"),
            (
                {"vehicle_soc_lower": 0.9, "vehicle_soc_upper": 0.8},
                "vehicle_soc_lower must not exceed .* lower 0.9, upper 0.8",
            ),
            ({"heat_store_soc_lower": [0, 0.9], "heat_store_soc_upper": 0.8}, "heat_store_soc_lower .* at hour 1"),
            ({"heat": 1.0}, r"heat: must have the dim hour, found \(\)"),
            ({"vehicle_available": 1.0}, "vehicle_available: must have the dim hour"),
            (
                {"fixed": by("vehicle", [1, 1]) * array([1, 1])},
                "fixed: only vehicle_ quantities may have the dim vehicle",
            ),
            ({"heating": array([1, 1])}, "heating: unknown, known are electricity_price, "),
            (
                {"hot_water": by("cluster", [1, 2]) * array([1, 2]), "heater_power": 2.0},
                "^hot_water beyond what heater_power can deliver .* needed 6, possible 4 at cluster cluster2$",
            ),
            (
                {"transferable": [1, 2], "transfer_limit": 1.0},
                "transferable within the window beyond what transfer_limit .* needed 3, possible 2",
            ),
            (
                {"transferable": [1, 2], "transfer_limit": 1.0, "transfer_window": [0, 1]},
                "beyond what transfer_limit .* needed 2, possible 1",
            ),
        ],
    )
    def test_message(self, values, message):
        for function in (flexibility.check, flexibility_model, unoptimised):
            with pytest.raises(ValueError, match=message) as caught:
                function(case(**values))
            assert len(str(caught.value).splitlines()) == 1

    def test_units(self):
        inputs = case()
        for name, quantity in QUANTITIES.items():
            inputs[name].attrs["units"] = quantity.units
        flexibility.check(inputs)
        inputs["heat"].attrs["units"] = "MJ"
        with pytest.raises(ValueError, match=r"^heat: units must be kW, found MJ$"):
            flexibility.check(inputs)

    @pytest.mark.parametrize("name", QUANTITIES)
    def test_missing(self, name):
        if name == "vehicle_available":
            flexibility.check(case().drop_vars(name))
            return
        with pytest.raises(ValueError, match=f"^{name}: missing, expected in {re.escape(QUANTITIES[name].units)}$"):
            flexibility.check(case().drop_vars(name))

    def test_all_problems_at_once(self):
        inputs = case(fixed=[-1, 0], vehicle_soc_lower=0.9, vehicle_soc_upper=0.8, surplus=array([1, 1]), heat=1.0)
        with pytest.raises(ValueError, match="fixed") as caught:
            flexibility.check(inputs.drop_vars("lighting"))
        found = [line.split(":")[0].split(" ")[0] for line in str(caught.value).splitlines()]
        assert found == ["surplus", "fixed", "lighting", "heat", "vehicle_soc_lower"]

    def test_an_hour_too_few(self):
        """A dataset joins 23 hours of data and 24 of prices, so that the last lacks a value."""
        inputs = case(24, fixed=array(np.ones(23)))
        with pytest.raises(ValueError, match=r"fixed must .* found nan at hour 23"):
            flexibility.check(inputs)

    @pytest.mark.parametrize("hours", [[1, 0], [0, 0], [0, 2]], ids=["reversed", "repeated", "with a gap"])
    def test_hours_out_of_order(self, hours):
        """The cycle goes from label to label as they stand: 20:00 before 7:00 is another day."""
        first, then = hours
        with pytest.raises(ValueError, match=f"steps of one hour in order, found hour {then} after hour {first}"):
            flexibility.check(case().assign_coords(hour=hours))

    @pytest.mark.parametrize("dim", ["hour", "cluster"])
    def test_no_labels(self, dim):
        inputs = case(heat=by("cluster", [1, 2]) * array([1, 1]))
        with pytest.raises(ValueError, match=f"{dim}: no labels"):
            flexibility.check(inputs.isel({dim: []}))

    def test_store_that_cannot_make_good_its_losses(self):
        """0.2 x 10 kWh must stay and lose a tenth each hour: 0.2 kW are needed."""
        store = {"heat_store_energy": 10, "heat_store_soc_lower": 0.2, "heat_store_loss": 0.1}
        flexibility.check(case(**store, heat_store_power=0.2))
        with pytest.raises(ValueError, match=r"heat_store_power must make good .* power 0\.19, loss 0\.2"):
            flexibility.check(case(**store, heat_store_power=0.19))

    def test_limits_that_are_just_met_pass(self):
        """The same number by two sums, of which one is larger in its last bit."""
        loads = [0.1, 0.2, 0.6]
        assert np.sum(loads) > np.sum([0.3, 0.3, 0.3])
        flexibility.check(case(3, hot_water=loads, heater_power=0.3, transferable=loads, transfer_limit=0.3))

    def test_prices_of_electricity_may_be_negative(self):
        flexibility.check(case(electricity_price=[-1, 1], export_price=[-2, -1]))

    def test_windows_may_be_boolean(self):
        window = array([1, 0]) > 0
        assert optimum(case(**{**MOVES, "transfer_window": window})) == pytest.approx(6)

    def test_other_coordinates_do_no_harm(self):
        inputs = case(fixed=[1, 1], heat=by("cluster", [1, 2]) * array([1, 1])).assign_coords(variant="a")
        inputs = inputs.assign_coords(kind=("cluster", ["office", "mall"]))
        _, objective, flow = solved(inputs)
        assert objective == pytest.approx(4 + 6)
        assert flow["purchase"].sizes == {"cluster": 2, "hour": 2}


class TestShape:
    def test_hour_comes_last(self):
        inputs = random_inputs(1, clusters=2, hours=3)
        model, _, flow = solved(inputs)
        assert {variable.dims for variable in model.variables.data.values()} == {("cluster", "hour")}
        assert {values.dims for values in flow.data_vars.values()} == {("cluster", "hour")}
        assert {values.dims for values in costs(flow, inputs).data_vars.values()} == {("cluster", "hour")}
        assert {values.dims for values in unoptimised(inputs).data_vars.values()} == {("cluster", "hour")}

    def test_a_quantity_that_all_share_binds_each(self):
        """One heater power for two clusters is the power of each, not of both."""
        water = by("cluster", [1, 1]) * array([0, 2])
        assert optimum(case(**{**WATER, "hot_water": water, "heater_power": 1.5})) == pytest.approx(2 * (1.5 + 0.5 * 3))

    def test_a_dim_of_one_quantity_is_a_dim_of_all(self):
        """Two variants of the vehicles are two problems."""
        power = by("variant", [0.0, 1.0])
        _, _, flow = solved(case(**{**VEHICLE, "vehicle_power": power}))
        assert flow["purchase"].transpose("variant", "hour").values == pytest.approx(np.array([[1, 2], [2, 1]]))
