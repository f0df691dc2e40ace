"""Schedules of least cost and the ties among them, by hand, for any hours and any first hour of the day."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bcopt.models import flexibility
from bcopt.planning.self_optimisation import as_simulated, position, schedule, stages, with_costs

FULL = ("electricity_price", "heat_price", "lighting_floor", "transfer_window", "vehicle_soc_upper",
        "vehicle_available", "heat_store_soc_upper")  # fmt: skip


def hours(number: int) -> xr.DataArray:
    return xr.DataArray(range(number), dims="hour", coords={"hour": range(number)})


def clusters(number: int = 4, **given: Any) -> xr.Dataset:
    """Two clusters that use nothing and pay 1 for all they buy, but for what is given by hour."""
    both = xr.DataArray([1.0, 1.0], dims="cluster", coords={"cluster": ["homes", "school"]})
    values = {}
    for name, quantity in flexibility.QUANTITIES.items():
        value = given.get(name, float(name in FULL))
        values[name] = (hours(number) * 0 + value) * both if quantity.hourly else value * both
    return xr.Dataset(values)


WASHING = {"transferable": np.array([0.0, 3.0, 0.0, 0.0]), "transfer_limit": 3.0}


@pytest.mark.parametrize(
    ("number", "first", "places"), [(4, 0, [0, 1, 2, 3]), (4, 1, [3, 0, 1, 2]), (3, 2, [1, 2, 0]), (1, 0, [0])]
)
def test_places_go_round_from_the_first_hour(number: int, first: int, places: list[int]) -> None:
    assert position(hours(number), first).to_numpy().tolist() == places


def test_places_of_a_year() -> None:
    order = position(hours(8760))
    assert order.equals(hours(8760)), "by default the first is the first"
    assert int(position(hours(8760), 4000).sel(hour=3999)) == 8759


@pytest.mark.parametrize(
    ("rule", "first", "hour"),
    [("earliest", 0, 0), ("earliest", 1, 1), ("earliest", 3, 3), ("latest", 0, 3), ("latest", 1, 0), ("latest", 3, 2)],
)
def test_equal_hours_are_taken_in_the_order_of_the_day(rule: flexibility.TieRule, first: int, hour: int) -> None:
    found = schedule(clusters(**WASHING), rule, first)["transferable"].transpose("cluster", "hour")
    wanted = [3.0 * (k == hour) for k in range(4)]
    np.testing.assert_allclose(found, [wanted, wanted], atol=1e-6)


@pytest.mark.slow
def test_a_cheaper_hour_goes_before_every_rule() -> None:
    price = np.array([1.0, 1.0, 0.5, 1.0])
    for rule in flexibility.TIE_RULES:
        found = schedule(clusters(**WASHING, electricity_price=price), rule)
        np.testing.assert_allclose(found["energy_cost"].sum("hour"), [1.5, 1.5], rtol=1e-7)
        np.testing.assert_allclose(found["transferable"].sel(hour=2), [3.0, 3.0], rtol=1e-7)


def test_the_least_peak_is_the_lowest_of_equal_cost() -> None:
    found = schedule(clusters(**WASHING, fixed=np.array([1.0, 0.0, 0.0, 0.0])), "least peak")["electricity"]
    np.testing.assert_allclose(found.max("hour"), [1.0, 1.0], rtol=1e-6)


def test_every_rule_ends_in_one_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """First the cost, then the rule, then what leaves nothing open; no stage twice."""
    monkeypatch.setattr(flexibility, "tie_break", lambda _, rule, order: (rule, order.to_numpy().tolist()))
    model: Any = SimpleNamespace(objective=SimpleNamespace(expression="cost"))
    day = xr.Dataset(coords={"hour": range(24)})
    for rule, after in {
        "earliest": ["earliest", "least throughput"],
        "latest": ["latest", "least throughput", "earliest"],
        "least peak": ["least peak", "least throughput", "earliest"],
        "least throughput": ["least throughput", "earliest"],
    }.items():
        for first, order in ((0, [*range(24)]), (1, [23, *range(23)])):
            found: list[Any] = stages(model, day, rule, first)
            assert found == ["cost", *((name, order) for name in after)]


def test_costs_add_up_and_nothing_is_shifted() -> None:
    """3 kWh of washing at 2 and 1 kWh of heat at 0.5: the day as it is; its optimum washes at 1."""
    price = np.array([1.0, 2.0, 1.0, 1.0])
    inputs = clusters(**WASHING, electricity_price=price, heat=np.array([0.0, 0.0, 1.0, 0.0]), heat_price=0.5)
    before = as_simulated(inputs)
    for name, wanted in (("electricity_cost", [0, 6, 0, 0]), ("heat_cost", [0, 0, 0.5, 0]),
                         ("storage_cost", [0] * 4), ("energy_cost", [0, 6, 0.5, 0])):  # fmt: skip
        np.testing.assert_allclose(before[name].sel(cluster="school"), wanted, atol=1e-12)
    flows = flexibility.unoptimised(inputs)
    xr.testing.assert_identical(with_costs(flows, inputs), before)
    np.testing.assert_allclose(schedule(inputs, "earliest")["energy_cost"].sum("hour"), [3.5, 3.5], rtol=1e-7)


def test_inputs_and_rules_are_checked() -> None:
    wrong: Any = "first"
    with pytest.raises(ValueError, match=r"tie rule must be one of .* found 'first'"):
        schedule(clusters(), wrong)
    with pytest.raises(ValueError, match=r"fixed"):
        schedule(clusters(fixed=-1.0), "earliest")
