"""What every answer must keep: balances, bounds, prices of one more unit, and the same bytes twice."""

import itertools

import numpy as np
import pytest
from folders import LOADS, SUN, YAML, copied, original

from bcopt import districts

CARBON = 80.0
"""EUR/t of the folder."""
BATTERY, PUMP = (cost * 0.04 * 1.04**years / (1.04**years - 1) for cost, years in ((300, 15), (900, 20)))
"""What a year pays of a kWh of storage and of a kW of heat pumps [EUR]."""
SIZES = {"run": ["sizing"], "objective__front_within": 1}
"""The plan, and of the front no more than its ends."""


def answered(folder, **changes):
    return districts.answer(districts.read(folder, {key.replace("__", "."): value for key, value in changes.items()}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def answers(folder):
    return answered(folder)


@pytest.fixture(scope="module")
def flows(answers):
    """The flows of the groups as the district is run [kW], and what they are asked for."""
    prefix = "group_"
    found = {name.removeprefix(prefix): x for name, x in answers.series.data_vars.items() if name.startswith(prefix)}
    use = answers.series["demand"].rename(cluster="group").assign_coords(group=found["purchase"]["group"])
    sun = answers.series["photovoltaics"].rename(cluster="group").assign_coords(group=found["purchase"]["group"])
    found["electricity"] = use.sel(use=["lighting", "equipment", "hot_water"]).sum("use")
    return found | {"heat": use.sel(use="heating"), "cooling": use.sel(use="cooling"), "photovoltaics": sun}


def close(one, other):
    return np.allclose(one, other.transpose(*one.dims), rtol=1e-7, atol=1e-5)


# ---------------------------------------------------------------- dispatch


def test_electricity_balances_in_every_hour_of_every_group(flows):
    drawn = flows["electricity"] + flows["pump_heat"] / 3.2 + flows["cooling"] / 4.5 + flows["charge"]
    assert close(flows["purchase"] + flows["photovoltaics"] + flows["discharge"], drawn + flows["export"])
    assert (flows["export"] <= flows["photovoltaics"] + 1e-6).all()
    assert not ((flows["purchase"] > 1e-6) & (flows["export"] > 1e-6)).any()


def test_heat_and_cold_are_supplied(flows, answers):
    assert close(flows["pump_heat"] + flows["gas_heat"], flows["heat"])
    assert close(flows["chilled"], flows["cooling"])
    assert flows["pump_heat"].sum("group").max() <= answers.numbers["heat pumps [kW]"] * (1 + 1e-9)


def test_the_storage_keeps_within_its_size(flows, answers):
    size, energy = answers.numbers["storage [kWh]"], flows["energy"]
    assert 0 < size <= 10000
    assert energy.min() >= -1e-6
    assert energy.max() == pytest.approx(size)
    for way in ("charge", "discharge"):
        assert flows[way].min() >= 0
        assert flows[way].sum("group").max() <= 0.5 * size * (1 + 1e-9)
    before = energy.roll(hour=1, roll_coords=False)
    assert close(energy, 0.999 * before + (flows["charge"] - flows["discharge"]).sum("group"))


def test_cost_and_emissions_by_hand(flows, answers):
    price = answers.parts["district day"]["electricity_price"]
    numbers = answers.numbers
    energy = (flows["purchase"] * price - 0.07 * flows["export"] + 0.11 * flows["gas_heat"]).sum()
    wear = 0.01 * (flows["charge"] + flows["discharge"]).sum()
    invested = BATTERY * numbers["storage [kWh]"] + PUMP * numbers["heat pumps [kW]"]
    assert numbers["cost [EUR/a]"] == pytest.approx(150 * float(energy + wear) + invested, rel=1e-8)
    assert numbers["groups pay for energy [EUR/a]"] == pytest.approx(150 * float(energy), rel=1e-8)
    emitted = (0.38 * flows["purchase"] + 0.23 * flows["gas_heat"]).sum()
    assert numbers["emissions [t/a]"] == pytest.approx(0.15 * float(emitted), rel=1e-8)
    assert numbers["purchase [kWh/a]"] == pytest.approx(150 * float(flows["purchase"].sum()), rel=1e-8)


@pytest.mark.slow
def test_who_minimises_payments_pays_no_more(folder):
    sizes = {"devices__storage__energy": 2000, "devices__heat_pump__heat": 500, "run": ["dispatch"]}
    paid, chosen = (
        answered(folder, **sizes, dispatch__minimise=what).numbers["groups pay for energy [EUR/a]"]
        for what in ("payments", "objective")
    )
    assert paid <= chosen * (1 + 1e-9)


# ---------------------------------------------------------------- sizing


def test_the_front_falls_and_is_convex(answers):
    front = answers.parts["front"]
    assert len(front) > 3
    for left, right in itertools.pairwise(front):
        assert left.first < right.first
        assert left.second > right.second
    rates = [point.exchange for point in front[:-1]]
    assert rates == sorted(rates)
    assert rates == pytest.approx([(b.first - a.first) / (a.second - b.second) for a, b in itertools.pairwise(front)])
    assert np.isnan(front[-1].exchange)
    assert (answers.tables["front"][["storage [kWh]", "heat pumps [kW]"]] >= 0).all(axis=None)


def test_the_chosen_plan_is_the_corner_of_the_front_at_its_price_of_carbon(answers):
    table, numbers = answers.tables["front"], answers.numbers
    weighed = table["cost [EUR/a]"] + CARBON * table["emissions [t/a]"]
    chosen = numbers["cost [EUR/a]"] + CARBON * numbers["emissions [t/a]"]
    assert chosen == pytest.approx(weighed.min(), rel=1e-10)
    place = int(weighed.argmin())
    rates = table["a tonne less costs [EUR/t]"]
    assert rates[place - 1] <= CARBON <= rates[place]
    assert numbers["one tonne of carbon dioxide less costs [EUR/t]"] == pytest.approx(rates[place], rel=1e-9)
    assert numbers["least cost [EUR/a]"] == pytest.approx(table["cost [EUR/a]"].min(), rel=1e-10)
    assert numbers["least emissions [t/a]"] == pytest.approx(table["emissions [t/a]"].min(), rel=1e-10)


@pytest.mark.slow
def test_the_plan_moves_as_the_price_of_carbon_passes_the_rates_of_its_neighbours(folder, answers):
    table = answers.tables["front"]
    place = int((table["cost [EUR/a]"] + CARBON * table["emissions [t/a]"]).argmin())
    rates, emitted = table["a tonne less costs [EUR/t]"], table["emissions [t/a]"]
    for rate, factor, corner in (
        (rates[place - 1], 0.999, place - 1),
        (rates[place - 1], 1.001, place),
        (rates[place], 0.999, place),
        (rates[place], 1.001, place + 1),
    ):
        found = answered(folder, **SIZES, objective__emissions=rate * factor / 1000).numbers["emissions [t/a]"]
        assert found == pytest.approx(emitted[corner], rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "size", "margin", "charge"),
    [
        ("devices__storage__energy", 1000, "one more kWh of storage saves [EUR/kWh/a]", BATTERY),
        ("devices__storage__energy", 2000, "one more kWh of storage saves [EUR/kWh/a]", BATTERY),
        ("devices__heat_pump__heat", 205, "one more kW of heat pumps saves [EUR/kW/a]", PUMP),
        ("devices__heat_pump__heat", 415, "one more kW of heat pumps saves [EUR/kW/a]", PUMP),
    ],
)
def test_margins_are_what_one_more_unit_saves(folder, key, size, margin, charge):
    found = [answered(folder, **SIZES, **{key: at}).numbers for at in (size - 1, size, size + 1)]
    weighed = [each["cost [EUR/a]"] + CARBON * each["emissions [t/a]"] for each in found]
    last, following = (charge + one - other for one, other in itertools.pairwise(weighed))
    assert following * (1 - 1e-6) <= found[1][margin] <= last * (1 + 1e-6)
    assert found[1][margin] == pytest.approx(last, rel=1e-4)
    assert found[1][margin] > charge


@pytest.mark.slow
def test_the_last_unit_of_a_size_chosen_freely_paid_and_the_next_does_not(answers, folder):
    numbers = answers.numbers
    for unit, device, key, charge in (
        ("kWh", "storage", "devices__storage__energy", BATTERY),
        ("kW", "heat pumps", "devices__heat_pump__heat", PUMP),
    ):
        name, size = f"one more {unit} of {device} saves [EUR/{unit}/a]", numbers[f"{device} [{unit}]"]
        assert numbers[name] <= charge * (1 + 1e-6)
        less = answered(folder, **SIZES, **{key: size - max(1.0, size / 1000)}).numbers
        assert less[name] >= charge * (1 - 1e-6)


@pytest.mark.slow
def test_what_clusters_shift_themselves_can_be_sized_too(folder):
    found = answered(folder, run=["sizing", "dispatch"], dispatch__loads="self-optimised")
    assert np.isfinite(list(found.numbers.values())).all()
    plan, day = found.parts["plan"][1], found.parts["district day"]
    vehicles = 0.03 * float(abs(found.parts["optimised"]["vehicle"]).sum())
    assert vehicles > 0
    energy = plan.flows["purchase"] * day["electricity_price"] - 0.07 * plan.flows["export"]
    energy = energy + 0.11 * plan.flows["gas_heat"] + 0.01 * (plan.flows["charge"] + plan.flows["discharge"])
    invested = BATTERY * plan.storage + PUMP * float(plan.pumps.sum())
    cost = 150 * (float(energy.sum()) + vehicles) + invested
    assert found.numbers["cost [EUR/a]"] == pytest.approx(cost, rel=1e-8), "the wear of vehicles too"
    assert found.numbers["least cost [EUR/a]"] <= cost * (1 + 1e-9)


# ---------------------------------------------------------------- flexibility and mix


@pytest.mark.parametrize("seed", range(4))
def test_flexibility_is_never_dearer_where_stores_lose_nothing(folder, seed):
    bought = np.random.default_rng(seed).uniform(0.1, 0.5, 24).round(2).tolist()
    prices = {"tariffs": {"any": {"electricity": bought, "gas": 0.11, "export": 0.05, "battery_wear": 0.01}}}
    table = answered(
        folder, **prices, clusters__Homes__flexibility__heat_store__loss=0, run=["flexibility"]
    ).tables["flexibility"]  # fmt: skip
    saved = table["saving [EUR/a]"]
    assert (saved >= -1e-6).all()
    assert saved.iloc[-1] == pytest.approx(saved.iloc[:-1].sum())
    assert saved.iloc[0] > 0  # homes have vehicles


def test_what_moves_is_neither_lost_nor_won(folder):
    still = {f"clusters__Homes__flexibility__{name}": None for name in ("vehicles", "heat_store", "heat_pump")}
    found = answered(folder, **still, clusters__Offices__flexibility__lighting_floor=1, run=["flexibility"])
    drawn = found.series["cluster_electricity"].sum("hour")
    given = found.parts["as given"]["electricity"].sum("hour")
    assert drawn.to_numpy() == pytest.approx(given.to_numpy(), rel=1e-9)
    assert not np.allclose(found.series["cluster_electricity"], found.parts["as given"]["electricity"])


def test_shares_of_a_mix_are_those_of_a_whole_within_bounds(answers):
    table = answers.tables["mix"].set_index("mix")
    shares = table[[f"{name} [%]" for name in ("Homes", "Offices", "Shops")]]
    assert shares.sum(axis=1).to_numpy() == pytest.approx([100.0] * 3, rel=1e-9)
    assert shares.to_numpy().min() >= -1e-9
    assert shares["Homes [%]"].min() >= 20 - 1e-7
    assert shares.loc["today"].to_numpy() == pytest.approx([60, 25, 15])
    departure, renewable = table["departure from the average load [%]"], table["renewable share [%]"]
    assert departure["flattest"] <= departure["today"]
    assert departure["flattest"] == departure.min()
    assert renewable["most renewable"] == renewable.max()


def test_prices_keep_to_the_wholesale_prices(answers):
    price = answers.parts["prices"]["price"]
    assert price.min() >= 0.12 - 1e-12
    assert price.max() <= 0.30 + 1e-12
    assert (price.mean("hour") <= 0.17625 + 1e-9).all()  # the mean of the wholesale prices


# ---------------------------------------------------------------- a year, every number, twice


@pytest.mark.slow
def test_a_year_of_equal_days_costs_what_its_day_costs(tmp_path):
    tables = []
    for file in (LOADS, SUN):
        head, *rows = original(file).splitlines()
        cells = [row.partition(",")[2] for row in rows]
        tables.append((file, "\n".join([head, *(f"{hour},{cells[hour % 24]}" for hour in range(8760))]) + "\n"))
    day = answered(copied(tmp_path / "day"), run=["flexibility"], days=365).tables["flexibility"]
    folder = copied(tmp_path / "year", *tables, (YAML, "hours: 24 ", "hours: 8760 "))
    year = answered(folder, run=["flexibility"]).tables["flexibility"]
    for name in ("energy cost before [EUR/a]", "energy cost after [EUR/a]"):
        assert year[name].to_numpy() == pytest.approx(day[name].to_numpy(), rel=1e-7)


def test_every_number_is_finite(answers):
    assert len(answers.numbers) > 30
    assert np.isfinite(list(answers.numbers.values())).all()
    assert all("[" in name for name in answers.numbers)
    for name, values in answers.series.data_vars.items():
        assert np.isfinite(values).all(), name
        assert values.attrs["units"] == ("kWh" if name == "group_energy" else "kW"), name
    for name, table in answers.tables.items():
        numbers = table.select_dtypes("number").drop(columns="a tonne less costs [EUR/t]", errors="ignore")
        assert np.isfinite(numbers).all(axis=None), name
    assert dict(answers.tables["answers"].to_numpy()) == answers.numbers


@pytest.mark.slow
def test_two_runs_are_equal_byte_for_byte(folder, answers):
    again = answered(folder)
    assert list(again.numbers.items()) == list(answers.numbers.items())
    assert {name: table.to_csv() for name, table in again.tables.items()} == {
        name: table.to_csv() for name, table in answers.tables.items()
    }
    assert again.series.identical(answers.series)


# ---------------------------------------------------------------- what the first reader of these pages found wrong


@pytest.mark.slow
@pytest.mark.parametrize("device", ["storage", "heat pumps"])
def test_a_device_that_is_not_there_has_a_margin_too(folder, device):
    key = {"storage": "devices__storage__energy", "heat pumps": "devices__heat_pump__heat"}[device]
    unit = {"storage": "kWh", "heat pumps": "kW"}[device]
    name = f"one more {unit} of {device} saves [EUR/{unit}/a]"
    none, little, more = (answered(folder, **SIZES, **{key: value}).numbers for value in (0, 0.5, 1))
    assert none[name] == pytest.approx(little[name], rel=1e-6)
    objective = [x["cost [EUR/a]"] + CARBON * x["emissions [t/a]"] for x in (none, more)]
    charge = {"storage": BATTERY, "heat pumps": PUMP}[device]
    assert none[name] > charge, "worth having, and so in the plan"
    assert objective[0] - objective[1] == pytest.approx(none[name] - charge, rel=1e-4)


def test_the_next_tonne_is_priced_by_a_plan_that_emits_it_less(folder, answers):
    numbers = answers.numbers
    name = "one tonne of carbon dioxide less costs [EUR/t]"
    coarse = answered(folder, **SIZES).numbers
    assert coarse[name] == pytest.approx(numbers[name], rel=1e-6), "however coarse the front is"
    assert CARBON <= numbers[name] <= 1.5 * CARBON
    front = answers.tables["front"]
    after = front[front["emissions [t/a]"] < numbers["emissions [t/a]"] * (1 - 1e-9)].iloc[0]
    slope = (after["cost [EUR/a]"] - numbers["cost [EUR/a]"]) / (numbers["emissions [t/a]"] - after["emissions [t/a]"])
    assert numbers[name] == pytest.approx(slope, rel=1e-6), "the next corner is more than a tonne away"


def test_where_cost_weighs_nothing_the_cheapest_of_the_cleanest_is_chosen(folder, answers):
    found = answered(folder, **SIZES, objective__cost=0, objective__emissions=1).numbers
    last = answers.tables["front"].iloc[-1]
    assert found["emissions [t/a]"] == pytest.approx(last["emissions [t/a]"], rel=1e-8)
    assert found["cost [EUR/a]"] == pytest.approx(last["cost [EUR/a]"], rel=1e-6)


def test_where_emissions_weigh_nothing_the_cleanest_of_the_cheapest_is_chosen(folder):
    """Whoever sells at the price of buying may do both at once at no cost; that emits, and would be counted."""
    price = {"tariffs": {"any": {"electricity": 0.26, "gas": 0.11, "export": 0.26}}}
    found = answered(folder, **price, objective__emissions=0, run=["sizing", "dispatch"])
    numbers, first = found.numbers, found.tables["front"].iloc[0]
    series = 0.38 * numbers["purchase [kWh/a]"] + 0.23 * numbers["gas heat [kWh/a]"]
    assert numbers["emissions [t/a]"] == numbers["emissions when run [t/a]"]
    assert numbers["emissions [t/a]"] == pytest.approx(series / 1000, rel=1e-9)
    assert numbers["emissions [t/a]"] == pytest.approx(first["emissions [t/a]"], rel=1e-9)
    assert numbers["cost [EUR/a]"] == pytest.approx(first["cost [EUR/a]"], rel=1e-9)


@pytest.mark.slow
def test_pumps_that_are_not_shared_are_sized_each_and_together(folder):
    limits = {"residential": 400, "office": 200, "mall": 150}
    apart = {"devices__heat_pump__shared": False, "devices__heat_pump__by_group": limits}
    for heat in ({"least": 0, "most": 300}, {"least": 250, "most": 750}, 750):
        found = answered(folder, **SIZES, **apart, devices__heat_pump__heat=heat)
        sizes = found.parts["plan"][1].pumps
        assert (sizes <= [400.000001, 200.000001, 150.000001]).all()
        least, most = (heat["least"], heat["most"]) if isinstance(heat, dict) else (750, 750)
        assert least - 1e-6 <= float(sizes.sum()) <= most + 1e-6


@pytest.mark.slow
def test_stoves_that_take_electricity_are_counted(tmp_path):
    stoves = ",Shops: cooking [kW]" + "\n"
    text = original(LOADS).splitlines()
    table = "\n".join([text[0] + stoves.strip(), *(f"{line},10" for line in text[1:])]) + "\n"
    place = copied(tmp_path, (LOADS, table))
    gas, power = (
        answered(place, run=["flexibility"], clusters__Shops__cooking=kind).numbers for kind in ("gas", "electricity")
    )
    name = "electricity of uses [kWh/a]"
    assert power[name] - gas[name] == pytest.approx(24 * 10 * 150)
    assert power["clusters' energy cost before [EUR/a]"] > gas["clusters' energy cost before [EUR/a]"]


def test_peaks_and_the_sum_of_all_clusters(answers):
    table = answers.tables["flexibility"]
    assert table["cluster"].tolist() == ["Homes", "Offices", "Shops", "all clusters"]
    for name in ("peak before [kW]", "peak after [kW]", "saving [EUR/a]"):
        assert answers.numbers[f"clusters' {name}"] == table[name].iloc[-1]
    after = answers.parts["optimised"]["electricity"].sum("cluster").max()
    assert answers.numbers["clusters' peak after [kW]"] == pytest.approx(float(after))
