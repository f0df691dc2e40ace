"""When a turbine runs: by hand, and against every other commitment of a short day."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bcopt.methods.solver import NotSolved
from bcopt.models import dispatch
from bcopt.planning import commitment
from bcopt.planning.commitment import Dispatcher, commit

HOURS = 3
LABELS = {"cluster": ["mall"], "carrier": ["electricity", "cooling"], "hour": range(HOURS)}
ONES = ("recovery_efficiency", "absorption_cop", "chiller_eer", "ice_eer", "heating_value", "room_resistance",
        "time_constant")  # fmt: skip


def hourly(*values: float) -> xr.DataArray:
    return xr.DataArray(list(values), {"hour": range(HOURS)}, "hour")


def day(electricity: float = 2.0, cooling: float = 0.0, **given: Any) -> xr.Dataset:
    """A mall of one load whose turbine makes 2 kWh for 2.1 yuan: 4 + 3 kWh of gas at 0.3."""
    load = xr.DataArray([[[electricity] * HOURS, [cooling] * HOURS]], LABELS, tuple(LABELS))
    values = {
        "turbine_capacity": 2.0,
        "turbine_minimum_share": 1.0,
        "turbine_fixed_fuel": 3.0,
        "turbine_fuel_slope": 2.0,
        "gas_price": 0.3,
        "chiller_capacity": 100.0,
        "grid_price": hourly(1.0, 3.0, 0.5),
        "load": load,
        "agreed": load,
    } | given
    required = [name for name, quantity in dispatch.QUANTITIES.items() if quantity.required]
    rest = {name: float(name in ONES) for name in [*required, *ONES] if name not in values}
    found = {
        name: hourly(*[value] * HOURS) if dispatch.QUANTITIES[name].hourly and np.ndim(value) == 0 else value
        for name, value in (values | rest).items()
    }
    by_cluster = ("transferable_share", "room_resistance", "time_constant", "comfort_band", "satisfaction", "satiation",
                  "loss_linear", "loss_quadratic")  # fmt: skip
    one = xr.DataArray([1.0], {"cluster": ["mall"]}, "cluster")
    return xr.Dataset({name: value * one if name in by_cluster else value for name, value in found.items()})


def moving(**given: Any) -> xr.Dataset:
    """The mall moves half its load between hours, and its utility bends."""
    return day(
        **{
            "transferable_share": 0.5,
            "satisfaction": 4.0,
            "satiation": 0.7,
            "turbine_minimum_share": 0.2,
            "loss_linear": 0.3,
            "loss_quadratic": 0.1,
        }
        | given
    )


def test_the_turbine_runs_where_it_is_cheaper() -> None:
    """2 kWh cost 2, 6 and 1 yuan from the grid and 2.1 from the turbine, which so runs in the second hour."""
    found = commit(day())
    assert found.on.to_numpy().tolist() == [0, 1, 0]
    assert found.value == pytest.approx(5.1, abs=1e-6)
    assert found.bound == pytest.approx(5.1, abs=1e-4)


@pytest.mark.parametrize(("gas_price", "on"), [(0.0, [1, 1, 1]), (0.2, [1, 1, 0]), (2.0, [0, 0, 0])])
def test_gas_decides(gas_price: float, on: list[int]) -> None:
    """At no cost at all too, where nothing is small beside the cost."""
    assert commit(day(gas_price=gas_price)).on.to_numpy().tolist() == on


def test_no_other_commitment_is_better() -> None:
    """All eight, dispatched one by one."""
    inputs = moving()
    found, dispatcher, constant = commit(inputs), Dispatcher(inputs), dispatch.constant(inputs)
    values = {}
    for on in itertools.product((0, 1), repeat=HOURS):
        dispatcher.commit(hourly(*on))
        values[on] = dispatcher.solve(inputs) + constant
    best = min(values, key=values.__getitem__)
    assert tuple(found.on.to_numpy().tolist()) == best
    assert found.value == pytest.approx(values[best], abs=1e-6)
    assert sorted(values.values())[1] > values[best] + 1e-3, "and it is the only one"
    assert found.bound <= found.value + 1e-6
    assert found.value - found.bound <= commitment.GAP * abs(found.value - constant) + 1e-9
    assert found.tried < 8


@pytest.mark.slow
def test_one_to_begin_with_is_kept_or_left() -> None:
    inputs = moving()
    best = commit(inputs)
    for first in (best.on, 1 - best.on):
        dispatcher = Dispatcher(inputs)
        found = commit(inputs, dispatcher=dispatcher, first=first)
        xr.testing.assert_equal(found.on, best.on)
        assert found.tried == (1 if first is best.on else 2)
        assert dispatcher.solve(inputs) + dispatch.constant(inputs) == pytest.approx(best.value, abs=1e-6)


def test_a_worse_one_that_is_tried_later_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one tangent the bound is loose, and the second commitment that it proposes is the worse."""
    monkeypatch.setattr(commitment, "TANGENTS", 1)
    inputs = moving(grid_price=hourly(1.34, 0.64, 1.02), gas_price=0.33)
    dispatcher = Dispatcher(inputs)
    found = commit(inputs, dispatcher=dispatcher)
    assert found.tried == 2
    last = dispatcher.solve(inputs) + dispatch.constant(inputs)
    assert last > found.value + 0.1
    dispatcher.commit(found.on)
    assert dispatcher.solve(inputs) + dispatch.constant(inputs) == pytest.approx(found.value, abs=1e-6)


def test_too_few_rounds_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment, "ROUNDS", 0)
    with pytest.raises(NotSolved, match="0 commitments leave a gap"):
        commit(moving())


@pytest.mark.slow
def test_rooms_keep_their_mean_temperature_or_not() -> None:
    """Cold is worth nothing here: rooms whose mean is free stay 0.1 K above it, and so save 0.1 kW of 1 kW."""
    inputs = day(cooling=1.0, comfort_band=0.1, gas_price=2.0, grid_price=hourly(1.0, 1.0, 1.0))
    cold = {}
    for mean in ("kept", "free"):
        found = commit(inputs, mean)
        flows = Dispatcher(inputs, mean, found.on).flows(inputs)
        cold[mean] = float(flows["load"].sel(carrier="cooling").sum()), found.value
    assert cold["kept"] == pytest.approx((3.0, 9.0), abs=1e-5)
    assert cold["free"] == pytest.approx((2.7, 8.7), abs=1e-5)
    assert commit(inputs).value == pytest.approx(9.0, abs=1e-5), "kept by default"


def test_another_day_of_the_same_equipment() -> None:
    """Solved in the programme at hand as in one of its own, to and fro."""
    first, second = moving(), moving(grid_price=hourly(2.0, 0.6, 1.1), satisfaction=3.0, satiation=0.9)
    on = hourly(1, 0, 1).astype(int)
    dispatcher = Dispatcher(first, on=on)
    before = dispatcher.solve(first)
    assert dispatcher.solve(second) == pytest.approx(Dispatcher(second, on=on).solve(second), abs=1e-7)
    assert dispatcher.solve(first) == before
    flows = dispatcher.flows(first)
    np.testing.assert_allclose(flows["load"].sel(carrier="electricity").sum("hour"), [6.0], atol=1e-6)
    np.testing.assert_array_equal(flows["on"].to_numpy().round(9), on)
