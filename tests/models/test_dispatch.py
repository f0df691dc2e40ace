"""Dispatch: every constraint by hand, and what holds for random providers and clusters."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods.solver import NotSolved, solve
from bcopt.models.dispatch import (
    CARRIERS,
    accounts,
    chiller_power,
    constant,
    consumption,
    dispatch_model,
    dissatisfaction,
    flows,
    limits,
    part_load_pieces,
    parts,
    provider_model,
    room_resistance,
    unit_costs,
    utility,
)
from bcopt.models.dispatch_inputs import CLUSTER_DIMS, PROVIDER, QUANTITIES

ONES = ("grid_price", "recovery_efficiency", "absorption_cop", "chiller_eer", "ice_eer", "heating_value")
ONES += ("room_resistance",)
PREFERENCES = ("satisfaction", "satiation", "loss_linear", "loss_quadratic")


def hourly(*values):
    return xr.DataArray(np.asarray(values, float), {"hour": np.arange(len(values))}, "hour")


def loads(electricity, cooling):
    """One cluster."""
    labels = {"cluster": ["mall"], "carrier": list(CARRIERS), "hour": np.arange(len(electricity))}
    return xr.DataArray(np.asarray([[electricity, cooling]], float), labels, tuple(labels))


def case(electricity=(1, 1), cooling=(0, 0), agreed=None, **given):
    """A cluster without flexibility or preferences that is supplied at a price of 1, but for what is given."""
    load = loads(electricity, cooling)
    values = {"load": load} | ({} if agreed is None else {"agreed": loads(*agreed)})
    defaults = {"turbine_fuel_slope": 2.0, "chiller_capacity": 100.0, "time_constant": 1 / np.log(2)}
    for name, quantity in QUANTITIES.items():
        value = given.get(name, defaults.get(name, float(name in ONES)))
        if name in given or (quantity.required and name not in values):
            values[name] = hourly(*np.broadcast_to(value, 2)) if name in PROVIDER and quantity.hourly else value
            if name in CLUSTER_DIMS:
                dims = [dim for dim in CLUSTER_DIMS[name] if dim != "hour"]
                values[name] = xr.full_like(load.isel(hour=0, drop=True), value)
                values[name] = values[name] if "carrier" in dims else values[name].isel(carrier=0, drop=True)
    return xr.Dataset(values)


def optimum(inputs, mean_temperature="kept"):
    """Cost less utility plus dissatisfaction; tangents are exact where preferences are linear."""
    model = dispatch_model(inputs, loads="tangents", mean_temperature=mean_temperature)
    return solve(model, mip_rel_gap=0.0).objective + constant(inputs)


GAS = {"electricity": (2, 2), "turbine_capacity": 2.0, "gas_price": 0.3}
HEAT = {"cooling": (1, 1), "turbine_capacity": 2.0, "gas_price": 0.4}
SUN = {"electricity": (2, 0), "photovoltaics": (3, 0)}
ICE = {"cooling": (0, 1), "grid_price": (1, 3), "ice_capacity": 1.0, "ice_power": 1.0}
SHIFT = {"grid_price": (1, 3)}
ROOM = {"electricity": (0, 0), "cooling": (1, 1), "grid_price": (1, 3), "comfort_band": 0.1}

BY_HAND = [
    # grid and sun
    ({}, 2),
    ({"grid_price": (1, 3)}, 4),
    (SUN, 0),  # what is left over is curtailed
    ({**SUN, "export_price": 0.5}, -0.5),  # or sold
    ({**SUN, "photovoltaics": (1, 9)}, 1),
    ({**SUN, "photovoltaics_operation_price": 0.6}, 1.2),
    ({**SUN, "photovoltaics_operation_price": 0.6, "export_price": 0.5}, 1.2),  # selling would lose
    ({**SUN, "photovoltaics_operation_price": 1.1}, 2),
    # turbine: 2 kWh of gas a kWh
    ({**GAS, "turbine_capacity": 0.0}, 4),
    (GAS, 4 * 0.6),
    ({**GAS, "turbine_capacity": 1.0}, 2 * (0.6 + 1)),
    ({**GAS, "turbine_fixed_fuel": 1.0}, 2 * (0.3 + 1.2)),
    ({**GAS, "turbine_fixed_fuel": 3.0}, 4),  # off, since 2.1 is more than 2
    ({**GAS, "electricity": (2, 0.5)}, 1.2 + 0.3),
    ({**GAS, "electricity": (2, 0.5), "turbine_minimum_share": 0.5}, 1.2 + 0.5),  # off in the second hour
    ({**GAS, "electricity": (2, 0.5), "turbine_minimum_share": 0.5, "export_price": 0.4}, 1.2 + 0.6 - 0.2),
    ({**GAS, "emission_cost": 0.1}, 4 * 0.8),
    ({**GAS, "turbine_operation_price": 0.1}, 4 * 0.7),
    ({**GAS, "heating_value": 2.0}, 4 * 0.3),
    # its heat: as much as power, and as much cooling
    (HEAT, 2 * 0.8),
    ({**HEAT, "turbine_capacity": 0.0}, 4),
    ({**HEAT, "recovery_efficiency": 0.5}, 2 * 0.8 * 4 / 3),  # power p serves 1 + (1 - p / 2)
    ({**HEAT, "absorption_cop": 0.5}, 2 * 0.8 * 4 / 3),
    ({**HEAT, "turbine_heat_loss": 0.25}, 2 * 0.8 * 4 / 3),
    ({**HEAT, "absorption_operation_price": 0.1}, 2 * 0.9),
    ({**HEAT, "cooling": (0.25, 0.25)}, 2 * 0.8),  # what is left is dumped
    # heat of the fixed fuel alone: 1 kWh, which cools; the power is 1 still
    ({**HEAT, "turbine_fuel_slope": 1.0, "turbine_fixed_fuel": 1.0}, 2 * 0.8),
    # chiller
    ({"cooling": (1, 1)}, 4),
    ({"cooling": (1, 1), "chiller_eer": 2.0}, 3),
    ({"cooling": (1, 1), "chiller_operation_price": 0.2}, 4.4),
    ({"cooling": (1, 1), "chiller_capacity": 0.5, "ice_power": 1.0, "ice_eer": 0.5, "ice_capacity": 9.0}, 5),
    # ice
    ({**ICE, "ice_power": 0.0}, 7),
    (ICE, 5),
    ({**ICE, "ice_power": 0.5}, 6),
    ({**ICE, "ice_capacity": 0.5}, 6),
    ({**ICE, "ice_loss": 0.5}, 4 + 1 + 1.5),
    ({**ICE, "ice_eer": 0.5}, 6),
    ({**ICE, "ice_operation_price": 0.5}, 5.5),
    ({**ICE, "chiller_operation_price": 0.5}, 5.5),  # the machine that makes the ice
    ({**ICE, "cooling": (1, 0), "grid_price": (3, 1)}, 5),  # over the turn of the cycle
    # transferable electricity
    (SHIFT, 4),
    ({**SHIFT, "transferable_share": 0.5}, 3),
    ({**SHIFT, "transferable_share": 1.0}, 2),
    ({**SHIFT, "transferable_share": 0.5, "agreed": ((1, 0.2), (0, 0))}, 1.2),  # not below zero; share of the load
    # room: moving d from one hour to the next moves the temperature by d R (1 - a) / (1 + a), here d / 3
    ({**ROOM, "comfort_band": 0.0}, 4),
    (ROOM, 4 - 2 * 0.3),
    ({**ROOM, "comfort_band": 5.0}, 2),  # not below zero
    ({**ROOM, "cooling": (0, 1)}, 3),  # closed in the cheap hour, in which it could have cooled for the dear one
    ({**ROOM, "room_resistance": 2.0}, 4 - 2 * 0.15),
    ({**ROOM, "time_constant": 1 / np.log(4)}, 4 - 2 / 6),
    ({**ROOM, "transferable_share": 1.0, "comfort_band": 0.0}, 4),  # cooling is not transferable
    ({**ROOM, "grid_price": 1.0}, 2),
    # preferences
    ({"satisfaction": 3.0}, 2 - 6),
    ({"agreed": ((0.5, 1), (0, 0)), "loss_linear": 0.4}, 1.5 + 0.2),
]


@pytest.mark.parametrize(("values", "cost"), BY_HAND)
def test_by_hand(values, cost):
    assert optimum(case(**values)) == pytest.approx(cost, abs=1e-7)


def test_free_mean_temperature():
    """Prices alike in both hours: 0.1 K warmer throughout saves 0.1 kW in each."""
    inputs = case(**{**ROOM, "grid_price": 1.0})
    assert optimum(inputs, "free") == pytest.approx(2 - 0.2)
    model = dispatch_model(inputs, loads="tangents", mean_temperature="free")
    model.remove_constraints("room")
    assert solve(model).objective == pytest.approx(2 - 2 * 0.3)  # the bounds of a single hour alone


@pytest.mark.parametrize(
    ("values", "removed", "cost"),
    [
        ({**SHIFT, "transferable_share": 0.5}, "load-total", 2),
        ({**GAS, "electricity": (2, 0.5), "turbine_minimum_share": 0.5}, "turbine-least", 1.5),
        ({**GAS, "turbine_fixed_fuel": 3.0}, "turbine-most", 2.4),
        ({}, "electricity-balance", 0),
        ({"cooling": (1, 1)}, "cooling-balance", 2),
        ({}, "coupling", 0),
        (ICE, "ice-balance", 4),
    ],
)
def test_without_the_constraint(values, removed, cost):
    inputs = case(**values)
    model = dispatch_model(inputs, loads="tangents")
    model.remove_constraints(removed)
    assert solve(model, mip_rel_gap=0.0).objective + constant(inputs) == pytest.approx(cost, abs=1e-7)


def test_recovery_is_what_limits_absorption():
    inputs = case(**{**HEAT, "turbine_capacity": 0.0})
    model = dispatch_model(inputs, loads="tangents")
    model.remove_constraints("recovery")
    assert solve(model).objective == pytest.approx(2)  # electricity alone, against 4


OFF = hourly(0, 0).astype(int)


@pytest.mark.parametrize(
    ("values", "load", "cost"),
    [
        ({"satiation": 2.0}, 1.5, 5.5),  # 1 + 2 L = 3 + 2 (2 - L)
        ({"loss_quadratic": 1.0}, 1.5, 3.5),
        ({"loss_quadratic": 1.0, "loss_linear": 7.0}, 1.5, 3.5),  # the sum over the cycle is kept
        ({"satiation": 2.0, "satisfaction": 1.0}, 1.5, 3.5),
        ({"satiation": 2.0, "loss_quadratic": 1.0}, 1.25, 1.25 + 3 * 0.75 + 1.25**2 + 0.75**2 + 2 * 0.25**2),
    ],
)
def test_quadratic_by_hand(values, load, cost):
    inputs = case(**SHIFT, transferable_share=1.0, **values)
    model = dispatch_model(inputs, OFF)
    assert solve(model).objective + constant(inputs) == pytest.approx(cost, rel=1e-6)
    assert float(model.solution["load"].sel(carrier="electricity", hour=0).item()) == pytest.approx(load, abs=1e-5)


def test_agreed_loads():
    inputs = case(**SHIFT, transferable_share=1.0, satiation=2.0, satisfaction=1.0)
    model = dispatch_model(inputs, loads="agreed")
    assert solve(model).objective == pytest.approx(4)
    assert constant(inputs, "agreed") == pytest.approx(0)  # 2 - 2
    assert "temperature" not in flows(inputs, model.solution)


def test_commitment_is_kept():
    inputs = case(**GAS, turbine_fixed_fuel=3.0)
    model = dispatch_model(inputs, hourly(1, 0).astype(int), loads="tangents")
    assert solve(model).objective == pytest.approx(2.1 + 2)
    assert not model.variables.binaries


def test_supply_of_the_provider_alone():
    inputs = case(**ICE).drop_vars(CLUSTER_DIMS, errors="ignore").drop_dims(["cluster", "carrier"])
    model = provider_model(inputs)
    demand = loads((1, 1), (0, 1)).isel(cluster=0, drop=True)
    model.add_constraints(model.variables["supply"] == demand, name="demand")
    assert solve(model).objective == pytest.approx(5)
    assert float(parts(inputs, flows(inputs, model.solution)).to_dataarray().sum()) == pytest.approx(5)


def test_infeasible_names_the_cooling():
    with pytest.raises(NotSolved, match="hour 1") as caught:
        solve(dispatch_model(case(cooling=(1, 9), chiller_capacity=2.0), loads="agreed"))
    assert "cooling" in str(caught.value)


def test_room_resistance():
    found = room_resistance(*(xr.DataArray(x) for x in (6.0, 40.0, 0.75)))
    assert float(found) == pytest.approx(0.2)
    assert found.attrs["units"] == "K/kW"
    with pytest.raises(ValueError, match=r"users must .* found 0\nsimultaneity must .* found 1.5"):
        room_resistance(*(xr.DataArray(x) for x in (6.0, 0.0, 1.5)))


CURVE = {"part_load_quadratic": -1.0, "part_load_linear": 1.6, "part_load_constant": 0.4}
CONVEX = {"part_load_quadratic": 0.0, "part_load_linear": -0.5, "part_load_constant": 1.5}


class TestPartLoad:
    def test_power(self):
        inputs = case(**CURVE, chiller_eer=3.0)
        found = chiller_power(inputs, hourly(0, 50))
        assert found.values == pytest.approx([0, 50 / (3 * (-0.25 + 0.8 + 0.4))])

    @pytest.mark.parametrize("curve", [CURVE, CONVEX])
    def test_knots_are_the_polynomial(self, curve):
        inputs = case(**curve, chiller_eer=3.0)
        pieces = part_load_pieces(inputs, 5)
        for end in ("lower", "upper"):
            exact = chiller_power(inputs, pieces[end])
            assert (pieces["intercept"] + pieces["slope"] * pieces[end]).values == pytest.approx(exact.values)

    def test_error_falls_with_the_square(self):
        inputs = case(**CURVE)
        wrong = []
        for segments in (20, 40):
            pieces = part_load_pieces(inputs, segments)
            middle = (pieces["lower"] + pieces["upper"]) / 2
            power = pieces["intercept"] + pieces["slope"] * middle
            wrong.append(float(np.abs(power - chiller_power(inputs, middle)).max()))
        assert 3 < wrong[0] / wrong[1] < 4.5

    @pytest.mark.slow
    def test_power_at_no_load_is_paid_only_while_on(self):
        """EER f: 100 kW at any load but none."""
        curve = {"part_load_quadratic": 0.0, "part_load_linear": 1.0, "part_load_constant": 0.0}
        for cooling, cost in (((0, 1), 102), ((0, 0), 2), ((100, 100), 202)):
            model = dispatch_model(case(**curve, cooling=cooling), loads="agreed", chiller="piecewise")
            assert solve(model).objective == pytest.approx(cost)

    def test_non_convex_by_binaries(self):
        """Ice lets the chiller run at full load for one hour instead of at half load for two."""
        curve = {"part_load_quadratic": 0.0, "part_load_linear": 0.5, "part_load_constant": 0.5}
        values = {**curve, "cooling": (50, 50), "electricity": (0, 0)}
        inputs = case(**values)
        model = dispatch_model(inputs, OFF, loads="agreed", chiller="piecewise")
        half = 50 / 0.75
        assert solve(model).objective == pytest.approx(2 * half)
        found = flows(inputs, model.solution)
        assert found["chiller_power"].values == pytest.approx(chiller_power(inputs, found["chiller"]).values)

    def test_convex_with_quadratic_loads(self):
        inputs = case(**CONVEX, **SHIFT, cooling=(50, 100), satiation=1e-3)
        model = dispatch_model(inputs, OFF, chiller="piecewise", segments=2)
        solve(model)
        assert not model.variables.binaries
        found = flows(inputs, model.solution)
        assert found["chiller_power"].values == pytest.approx([50 / 1.25, 100], rel=1e-5)


def random_inputs(seed, hours=5, clusters=2):
    random = np.random.default_rng(seed)
    labels = {"cluster": [f"c{k}" for k in range(clusters)], "carrier": list(CARRIERS), "hour": np.arange(hours)}

    def draw(low, high, *dims):
        return xr.DataArray(
            random.uniform(low, high, [len(labels[d]) for d in dims]), {d: labels[d] for d in dims}, dims
        )

    load, price = draw(1, 10, "cluster", "carrier", "hour"), draw(0.3, 1.1, "hour")
    values = {name: draw(0, 0.05) for name in PROVIDER if name.endswith("operation_price")} | {
        "photovoltaics": draw(0, 8, "hour"),
        "grid_price": price,
        "export_price": price * random.uniform(0, 1),
        "turbine_capacity": draw(0, 12),
        "turbine_minimum_share": draw(0, 0.8),
        "turbine_fixed_fuel": draw(0, 5),
        "turbine_fuel_slope": draw(2, 3),
        "turbine_heat_loss": draw(0, 0.2),
        "recovery_efficiency": draw(0.5, 1),
        "absorption_cop": draw(0.7, 1.3),
        "chiller_capacity": load.sel(carrier="cooling", drop=True).sum("cluster").max() * 1.1,
        "chiller_eer": draw(2, 4),
        **{name: xr.DataArray(value) for name, value in CURVE.items()},
        "ice_capacity": draw(0, 20),
        "ice_power": draw(0, 6),
        "ice_eer": draw(1.5, 3),
        "ice_loss": draw(0, 0.1),
        "gas_price": draw(2, 4),
        "heating_value": draw(9, 10),
        "emission_cost": draw(0, 0.3),
        "load": load,
        "agreed": load * draw(0.8, 1, "cluster", "carrier", "hour"),
        "transferable_share": draw(0, 0.3, "cluster"),
        "room_resistance": draw(0.2, 2, "cluster"),
        "time_constant": draw(1, 10, "cluster"),
        "comfort_band": draw(0, 1, "cluster"),
        "satisfaction": draw(0.4, 1.5, "cluster", "carrier"),
        "satiation": draw(0.01, 0.1, "cluster", "carrier"),
        "loss_linear": draw(0, 0.1, "cluster", "carrier"),
        "loss_quadratic": draw(0, 0.05, "cluster", "carrier"),
    }
    return xr.Dataset(values)


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.slow
@settings(max_examples=6)
@given(seeds)
def test_bounds_balances_and_accounts(seed):
    inputs = random_inputs(seed)
    bound = dispatch_model(inputs, loads="tangents", tangents=6)
    least = solve(bound, mip_rel_gap=1e-9).objective
    commitment = bound.solution["on"].round()
    fixed = dispatch_model(inputs, commitment, loads="tangents", tangents=6)
    assert solve(fixed).objective == pytest.approx(least, rel=1e-6, abs=1e-6)
    model = dispatch_model(inputs, commitment)
    objective = solve(model).objective
    agreed = solve(dispatch_model(inputs, commitment, loads="agreed")).objective + constant(inputs, "agreed")
    assert least - 1e-6 <= objective <= agreed - constant(inputs) + 1e-6

    found = flows(inputs, model.solution)
    paid = sum(float((price * model.solution[name]).sum()) for name, price in unit_costs(inputs).items())
    assert paid == pytest.approx(float(parts(inputs, found).to_dataarray().sum()), abs=1e-6)
    supply = found["load"].sum("cluster")
    used = supply.sel(carrier="electricity") + found["chiller_power"] + found["ice_power"]
    given_off = found["photovoltaics"] + found["turbine"] + found["purchase"] - found["export"]
    assert np.abs(given_off - used).max() < 1e-6
    cooled = found["absorption"] + found["chiller"] + found["ice_discharge"]
    assert np.abs(cooled - supply.sel(carrier="cooling")).max() < 1e-6
    heat = found["fuel"] * (1 - inputs["turbine_heat_loss"]) - found["turbine"]
    assert (found["recovered"] <= inputs["recovery_efficiency"] * heat + 1e-6).all()
    assert np.abs((found["load"] - inputs["agreed"]).sum("hour")).max() < 1e-6
    assert np.abs(found["temperature"].mean("hour")).max() < 1e-6  # since the cooling of the cycle is kept

    prices = (inputs["grid_price"], 2 * inputs["satisfaction"] + inputs["grid_price"])
    first, second = (accounts(inputs, found, price) for price in prices)
    for account in (first, second):
        cost = sum(float(part.sum()) for part in parts(inputs, found).data_vars.values())
        assert float(account["provider_benefit"]) == pytest.approx(float(account["revenue"]) - cost, abs=1e-9)
        both = float(account["provider_benefit"] + account["cluster_benefit"].sum())
        assert both == pytest.approx(float(account["welfare"]), abs=1e-9)
    assert float(first["welfare"]) == float(second["welfare"])
    assert float(-first["welfare"]) == pytest.approx(objective + constant(inputs), abs=1e-6)


@pytest.mark.slow
@given(seeds)
def test_quadratic_form_is_dissatisfaction_less_utility(seed):
    inputs = random_inputs(seed)
    form, load = consumption(inputs), inputs["load"] * 0.7
    value = form["curvature"] * load**2 / 2 - form["linear"] * load + form["constant"]
    exact = dissatisfaction(inputs, load) - utility(inputs, load)
    xr.testing.assert_allclose(value.transpose(*exact.dims), exact)
    assert form["curvature"].dims == ("cluster", "carrier")
    missing = inputs["load"] * 0.3
    by_hand = inputs["loss_quadratic"] * missing**2 + inputs["loss_linear"] * missing
    by_hand = by_hand - inputs["satisfaction"] * load + inputs["satiation"] * load**2 / 2
    assert float(exact.sum()) == pytest.approx(float(by_hand.sum()))


@pytest.mark.slow
@settings(max_examples=5)
@given(seeds)
def test_mean_temperature_is_kept_only_if_asked(seed):
    """The recursion by itself: the mean deviation is -R times the mean of what is cooled beyond what was agreed."""
    inputs = random_inputs(seed)
    model = dispatch_model(inputs, hourly(*[0] * 5), loads="tangents", mean_temperature="free")
    solve(model)
    more = (model.solution["load"] - inputs["agreed"]).sel(carrier="cooling")
    expected = -inputs["room_resistance"] * more.mean("hour")
    assert np.abs(model.solution["temperature"].mean("hour") - expected).max() < 1e-6


def test_limits_are_those_of_the_model():
    """Share 0.5 of load 1 around agreed 0.2; in the room 0.3 kW move it from -0.1 to 0.1 K within the hour."""
    inputs = case(agreed=((1, 0.2), (1, 1)), cooling=(1, 1), transferable_share=0.5, comfort_band=0.1)
    found = limits(inputs)
    assert found["lower"].to_numpy().ravel() == pytest.approx([0.5, 0, 0.7, 0.7])
    assert found["upper"].to_numpy().ravel() == pytest.approx([1.5, 0.7, 1.3, 1.3])
    assert found["load-total"].to_numpy().ravel() == pytest.approx([1.2, 2])
    assert limits(inputs, "free")["load-total"]["carrier"].to_numpy().tolist() == ["electricity"]
    assert found["room"].to_numpy().ravel() == pytest.approx([0.5, 0.5])


def test_labels_in_any_order():
    inputs = random_inputs(3)
    turned = inputs.sel(carrier=["cooling", "electricity"]).isel(cluster=[1, 0]).transpose("hour", ...)
    found = [solve(dispatch_model(x, loads="tangents")).objective for x in (inputs, turned)]
    assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "quadratic loads need a commitment"),
        ({"loads": "all"}, "loads must be one of"),
        ({"chiller": "round"}, "chiller must be one of"),
        ({"loads": "agreed", "mean_temperature": "low"}, "mean_temperature must be one of"),
        ({"loads": "tangents", "tangents": 0}, "tangents must be 1 or more, found 0"),
        ({"loads": "agreed", "chiller": "piecewise", "segments": 0}, "segments must be 1 or more, found 0"),
        ({"commitment": OFF, "chiller": "piecewise"}, "non-convex part-load data.* at hour 0, segment 1"),
        ({"commitment": OFF + 2}, "commitment must be 0 or 1: found 2 at hour 0"),
        ({"commitment": OFF.isel(hour=[0])}, "commitment must have the dim hour alone and the hours"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        dispatch_model(case(**CURVE), **options)


def test_piecewise_needs_the_part_load():
    with pytest.raises(ValueError, match="part load of the chiller needs part_load_quadratic, part_load_linear"):
        dispatch_model(case(), loads="agreed", chiller="piecewise")


def test_price_of_other_labels():
    inputs = case()
    model = dispatch_model(inputs, loads="agreed")
    solve(model)
    with pytest.raises(ValueError, match=r"price must have .* found others in \['hour'\]"):
        accounts(inputs, flows(inputs, model.solution), hourly(1, 1, 1))
