"""Inputs of the dispatch: each kind of bad input has its own message, and all are told at once."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from bcopt.models.dispatch import dispatch_model, provider_model
from bcopt.models.dispatch_inputs import (
    CARRIERS,
    CLUSTER_DIMS,
    CLUSTERS,
    PART_LOAD,
    PROVIDER,
    QUANTITIES,
    check,
    complete,
)

LABELS = {"cluster": ["mall", "hotel"], "carrier": list(CARRIERS), "hour": [0, 1]}
ZERO = ("export_price", "ice_loss", "turbine_heat_loss", "part_load_quadratic", "part_load_linear")


def over(dims, value):
    """A number, or an array of the shape of the dims."""
    shape = [len(LABELS[dim]) for dim in dims]
    values = np.broadcast_to(np.asarray(value, float), shape)
    return xr.DataArray(values.copy(), {dim: LABELS[dim] for dim in dims}, dims)


def case(**given):
    """Every quantity at 1, or 0 where 1 makes no sense, over the fewest dims."""
    values = {}
    for name, quantity in QUANTITIES.items():
        dims = CLUSTER_DIMS.get(name, ("hour",) if quantity.hourly else ())
        dims = dims if quantity.hourly else tuple(dim for dim in dims if dim != "hour")
        default = 2.0 if name == "turbine_fuel_slope" else float(name not in ZERO)
        value = given.get(name, default)
        values[name] = value if isinstance(value, xr.DataArray) else over(dims, value)
    return xr.Dataset(values)


def problems(inputs):
    with pytest.raises(ValueError, match=r"\w") as caught:
        check(inputs)
    with pytest.raises(ValueError, match=r"\w") as from_model:
        dispatch_model(inputs, loads="agreed")
    assert str(from_model.value) == str(caught.value)
    return str(caught.value)


def test_sound():
    check(case())
    check(case().drop_vars(["agreed", *PART_LOAD]))
    check(case().drop_vars(list(CLUSTERS)), clusters=False)


@pytest.mark.parametrize("name", [name for name, quantity in QUANTITIES.items() if quantity.required])
def test_missing(name):
    assert f"{name}: missing, expected in {QUANTITIES[name].units}" in problems(case().drop_vars(name))


NEGATIVE = [name for name in QUANTITIES if name not in PART_LOAD]


@pytest.mark.parametrize("name", NEGATIVE)
def test_negative(name):
    assert f"{name} must be within" in problems(case(**{name: -1.0}))


@pytest.mark.parametrize("name", list(PROVIDER)[:4])
def test_units(name):
    inputs = case()
    inputs[name].attrs["units"] = "MW"
    assert f"{name}: units must be {QUANTITIES[name].units}, found MW" in problems(inputs)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"export_price": [0.5, 1.5]}, "export_price must not exceed grid_price .*: export 1.5, purchase 1 at hour 1$"),
        ({"turbine_minimum_share": 1.2}, "turbine_minimum_share above 1, minimum load above capacity: found 1.2"),
        ({"chiller_eer": 0.0}, r"chiller_eer must be within \(0.0, inf\) kWh/kWh: found 0"),
        ({"ice_eer": 0.0}, r"ice_eer must be within \(0.0, inf\)"),
        ({"recovery_efficiency": 1.1}, r"recovery_efficiency must be within \(0.0, 1.0\] 1: found 1.1"),
        ({"recovery_efficiency": 0.0}, "recovery_efficiency must be within"),
        ({"ice_loss": 1.0}, r"ice_loss must be within \[0.0, 1.0\)"),
        ({"heating_value": 0.0}, "heating_value must be within"),
        ({"time_constant": [8, 0]}, "time_constant must be within .* found 0 at cluster hotel"),
        ({"room_resistance": [0, 1]}, "room_resistance must be within .* found 0 at cluster mall"),
        ({"transferable_share": [0.1, 1.5]}, "transferable_share must be within .* found 1.5 at cluster hotel"),
        ({"turbine_fixed_fuel": 0.0, "turbine_heat_loss": 0.6}, "turbine: heat must not be negative at full power"),
        (
            {"turbine_fuel_slope": 0.5, "turbine_fixed_fuel": 0.1, "turbine_minimum_share": 0.5},
            "heat must not be negative at least power .*: heat -0.15, power 0.5\nturbine: heat .* at full power",
        ),
        (
            {"part_load_quadratic": -1.0},
            "energy efficiency ratio must be positive .*: quadratic -1, linear 0",
        ),
        ({"part_load_constant": 0.0}, "energy efficiency ratio must be positive"),
        ({"part_load_quadratic": 4.0, "part_load_linear": -4.0}, "energy efficiency ratio must be positive"),
        ({"part_load_constant": -0.1, "part_load_linear": 1.0}, "energy efficiency ratio must be positive"),
        ({"load": np.asarray([np.ones((2, 2)), np.zeros((2, 2))])}, "every cluster must have some.* at cluster hotel"),
        ({"load": over(("carrier", "hour"), 1.0)}, "load: must have the dims cluster, carrier, hour, without cluster"),
        ({"gas_price": over(("cluster",), 1.0)}, "gas_price: must have no dims but hour, found cluster"),
        ({"time_constant": over(("cluster", "hour"), 1.0)}, "time_constant: must have no dims but cluster, found hour"),
        ({"grid_price": over((), 1.0)}, "grid_price: must have the dim hour"),
    ],
)
def test_one_by_one(values, message):
    found = problems(case(**values))
    assert re.search(message, found), found


@pytest.mark.parametrize(
    "values",
    [
        {"part_load_quadratic": 4.0, "part_load_linear": -3.9},  # turns at 0.049 above zero
        {"part_load_constant": 0.0, "part_load_linear": 1.0},
        {"turbine_fixed_fuel": 0.0, "turbine_heat_loss": 0.5},  # no heat at all
        {"export_price": 1.0},
        {"turbine_minimum_share": 1.0},
        {"agreed": 2.0},
    ],
)
def test_just_sound(values):
    check(case(**values))


def test_all_at_once():
    lines = problems(case(gas_price=-1.0, export_price=2.0, satiation=-1.0).assign(colour=1.0)).splitlines()
    assert [line.split()[0] for line in lines] == ["colour:", "gas_price", "satiation", "export_price"]


def test_part_load_in_part():
    assert "part load: part_load_constant alone" in problems(case().drop_vars(PART_LOAD[:2]))


def test_other_carriers():
    inputs = case().assign_coords(carrier=["electricity", "heat"])
    assert "carrier: expected electricity, cooling, found electricity, heat" in problems(inputs)


def test_labels_come_first():
    assert problems(case(gas_price=-1.0).assign_coords(hour=[0, 2])).startswith("hour: expected steps of one hour")
    assert "cluster: repeated labels" in problems(case().assign_coords(cluster=["mall", "mall"]))


def test_the_provider_looks_at_no_cluster():
    provider_model(case(satiation=-1.0))
    with pytest.raises(ValueError, match="gas_price must be within"):
        provider_model(case(gas_price=-1.0))


def test_complete():
    inputs = case(load=np.arange(8.0).reshape(2, 2, 2)).drop_vars("agreed").isel(carrier=[1, 0])
    found = complete(inputs)
    assert found["carrier"].to_numpy().tolist() == list(CARRIERS)
    assert found["gas_price"].dims == ("hour",)
    assert found["comfort_band"].dims == ("cluster", "hour")
    xr.testing.assert_equal(found["agreed"].drop_attrs(), found["load"].drop_attrs())
    assert found["load"].to_numpy().ravel().tolist() == list(range(8))
