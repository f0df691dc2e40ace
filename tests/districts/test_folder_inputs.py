"""What the models are given, by hand."""

import numpy as np
import pytest
from folders import LOADS, PRICES, YAML, copied, hours
from hypothesis import given
from hypothesis import strategies as st

from bcopt import districts
from bcopt.districts import flexible_loads, inputs
from bcopt.districts.loads import demand, source_temperature

GROUPED = (
    (YAML, "storeys: 6\n", "storeys: 6\n    group: town\n"),
    (YAML, "storeys: 5\n", "storeys: 5\n    group: town\n"),
)


def read(tmp_path, *edits, **changes):
    return districts.read(copied(tmp_path, *edits), {key.replace("__", "."): value for key, value in changes.items()})


def of_district(district):
    found = demand(district)
    day = inputs.of_flexibility(district, found)
    return inputs.of_district(district, found, flexible_loads.as_given(day), day, source_temperature(district))


@pytest.fixture(scope="module")
def millbrook(tmp_path_factory):
    return read(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def day(millbrook):
    return inputs.of_flexibility(millbrook, demand(millbrook))


# ---------------------------------------------------------------- hours


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("06:00 to 09:00", {6, 7, 8}),
        ("22:00 to 02:00", {22, 23, 0, 1}),
        ("18:00 to 00:00", {18, 19, 20, 21, 22, 23}),
        ("00:00 to 24:00", set(range(24))),
        ("24:00 to 01:00", {0}),
        ("07:00 to 07:00", set(range(24))),
        ("always", set(range(24))),
    ],
)
def test_windows(text, inside):
    assert set(np.flatnonzero(inputs.window(text, 24))) == inside
    year = inputs.window(text, 8760)
    assert year.size == 8760
    assert year.sum() == 365 * len(inside)
    assert set(np.flatnonzero(year[-24:])) == inside


@given(st.integers(0, 23), st.integers(1, 23))
def test_a_window_is_as_long_as_its_hours(start, length):
    found = inputs.window(f"{start:02d}:00 to {(start + length) % 24:02d}:00", 24)
    assert found.sum() == length
    assert found[start] == 1
    assert found[start - 1] == 0


def test_hours_of_a_list_stay():
    shares = tuple(hour / 24 for hour in range(24))
    assert inputs.window(shares, 24).tolist() == list(shares)
    assert inputs.window(shares, 8760)[24:48].tolist() == list(shares)


def test_one_number_a_day_or_a_year_of_them():
    assert inputs.hourly(3.0, 24).tolist() == [3.0] * 24
    assert inputs.hourly(tuple(range(24)), 8760)[8736:].tolist() == list(range(24))
    assert inputs.hourly(tuple(range(8760)), 8760)[25] == 25


# ---------------------------------------------------------------- prices


def test_prices_by_cluster(millbrook):
    bought = inputs.by_cluster(millbrook, "electricity")
    assert bought.dims == ("cluster", "hour")
    assert (bought.sel(hour=17) == 0.42).all()
    assert (inputs.by_cluster(millbrook, "export") == 0.07).all()
    assert (inputs.by_cluster(millbrook, "heat") == 0.11).all()  # that of gas
    assert (inputs.by_cluster(millbrook, "heat_store_wear") == 0).all()


def test_gas_is_priced_as_heat_where_heat_alone_has_a_price(tmp_path):
    district = read(tmp_path, (YAML, "    gas: 0.11\n", "    heat: 0.09\n"))
    assert (inputs.by_cluster(district, "gas") == 0.09).all()


def test_a_table_of_a_price_is_that_price(tmp_path):
    district = read(tmp_path, (YAML, "    gas: 0.11\n", ""), (PRICES, hours("homes and others: gas [EUR/MWh]", 120)))
    assert np.allclose(inputs.price(district, "homes and others", "heat"), 0.12, rtol=1e-12)


# ---------------------------------------------------------------- what is flexible


def test_what_can_move_and_what_cannot(day):
    homes = day.sel(cluster="Homes", hour=18)
    assert float(homes["transferable"]) == pytest.approx(46)  # 20 % of 230 kW
    assert float(homes["fixed"]) == pytest.approx(184)
    assert float(homes["transfer_limit"]) == pytest.approx(96)  # twice 20 % of 240 kW
    assert float(homes["lighting"]) == 150
    assert float(homes["heater_power"]) == 250
    assert float(homes["pump_electricity"]) == pytest.approx(1 / 3.2)
    assert float(homes["heat"]) == 460
    assert day["transfer_window"].sel(cluster="Homes").sum() == 17
    assert day["vehicle_available"].sel(cluster="Homes").sum() == 14


def test_what_is_not_said_is_not_there(day):
    shops = day.sel(cluster="Shops")
    assert float(shops["vehicle_energy"]) == float(shops["heat_store_energy"]) == float(shops["pump_heat"]) == 0
    assert float(shops["lighting_floor"]) == 1
    assert float(shops["heater_power"]) == 0  # the peak of no hot water
    assert float(shops["transferable"].sum()) == 0


def test_electric_stoves_add_to_what_is_fixed(tmp_path):
    stoves = (LOADS, "Homes: lighting [kW]", "Homes: cooking [kW]")
    by_gas = read(tmp_path / "gas", stoves)
    electric = read(tmp_path / "electric", stoves, clusters__Homes__cooking="electricity")
    fixed = [inputs.of_flexibility(x, demand(x))["fixed"].sel(cluster="Homes", hour=18) for x in (by_gas, electric)]
    assert float(fixed[1] - fixed[0]) == 150


# ---------------------------------------------------------------- groups and devices


def test_a_group_has_one_meter(tmp_path, millbrook):
    whole, grouped = of_district(millbrook), of_district(read(tmp_path, *GROUPED))
    assert grouped["group"].to_numpy().tolist() == ["town", "mall"]
    for name in ("electricity", "photovoltaics", "heat", "cooling"):
        assert np.allclose(grouped[name].sel(group="town"), whole[name].isel(group=[0, 1]).sum("group"), rtol=1e-12)
        assert np.allclose(grouped[name].sum("group"), whole[name].sum("group"), rtol=1e-12)
    assert float(grouped["heat"].sel(group="town", hour=6)) == 520 + 320
    assert float(grouped["cooling"].sel(group="town", hour=13)) == 55
    assert float(grouped["electricity"].sel(group="town", hour=18)) == 150 + 230 + 120 + 60 + 90


def test_members(tmp_path):
    member = inputs.member(read(tmp_path, *GROUPED))
    assert member.to_numpy().tolist() == [[1, 1, 0], [0, 0, 1]]


def test_devices(millbrook):
    day = of_district(millbrook)
    recovery = 0.04 * 1.04**15 / (1.04**15 - 1)
    assert float(day["storage_installation_price"]) == pytest.approx(300 * recovery / 150, rel=1e-12)
    assert inputs.yearly_charge(millbrook, 20) == pytest.approx(0.04 * 1.04**20 / (1.04**20 - 1), rel=1e-12)
    assert float(day["storage_energy"]) == 10000
    assert float(day["storage_power"]) == 5000
    assert float(day["grid_emission_factor"]) == pytest.approx(0.38)
    assert "boiler_capacity" not in day
    assert "chiller_capacity" not in day
    assert day["pump_capacity"].to_numpy().tolist() == [500, 500, 500]


@pytest.mark.parametrize(
    ("shared", "limits", "found"),
    [
        (True, {"residential": 1500, "office": 500, "mall": 1000}, [750, 250, 500]),  # all together no more than 1500
        (True, {"residential": 900, "office": 200, "mall": 400}, [900, 200, 400]),
        (False, {"residential": 1500, "office": 500, "mall": 1000}, [1500, 500, 1000]),
    ],
)
def test_limits_of_heat_pumps(shared, limits, found, tmp_path):
    changes = {"devices__heat_pump__shared": shared, "devices__heat_pump__by_group": limits}
    assert inputs.pump_limits(read(tmp_path, **changes)).to_numpy().tolist() == found


def test_limits_that_are_given_reach_the_model(tmp_path):
    limits = {"devices__boiler__heat": "2 MW", "devices__chiller__cooling": 300, "devices__storage__energy": 70}
    day = of_district(read(tmp_path, **limits))
    assert float(day["boiler_capacity"]) == 2000
    assert float(day["chiller_capacity"]) == 300
    assert float(day["storage_energy"]) == 70


def test_what_vehicles_give_beyond_what_a_group_uses_counts_as_sun(millbrook):
    found = demand(millbrook)
    day = inputs.of_flexibility(millbrook, found)
    flows = flexible_loads.as_given(day)
    given_back = flows.assign(electricity=flows["electricity"] - 400 * (flows["hour"] == 18))
    one, other = (
        inputs.of_district(millbrook, found, x, day, source_temperature(millbrook)) for x in (flows, given_back)
    )
    assert (other["electricity"] >= 0).all()
    assert float(other["photovoltaics"].sel(hour=18).sum() - one["photovoltaics"].sel(hour=18).sum()) > 0
    net = [x["electricity"] - x["photovoltaics"] for x in (one, other)]
    assert np.allclose(net[0] - net[1], 400.0 * (day["hour"] == 18), atol=1e-9)
