"""Tables, scenarios, simulated days and the typical day of frontiers2022, against hand calculations."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import StudyProtocol
from bcopt.loads.weather import CALENDAR
from bcopt.models import dispatch, pricing
from bcopt.planning import retail
from bcopt.studies import systems2024
from bcopt.studies.frontiers2022 import basic_data, inputs, scenario, simulation
from bcopt.studies.frontiers2022.basic_data import Knobs
from bcopt.studies.frontiers2022.fits import printed
from bcopt.studies.frontiers2022.inputs import CLUSTERS, PRICE_SETS
from bcopt.studies.frontiers2022.scenario import CENTRAL, Scenario

ROOT = Path(__file__).parents[2]
KNOBS = Knobs(0.02, 2.0, 1.5, 0.7)
ASSUMED, PRICES = "frontiers2022.csv", "frontiers2022_prices.csv"


@pytest.fixture(scope="module")
def direct(published: pd.DataFrame) -> dict[str, float]:
    return printed(published)


@pytest.fixture(scope="module")
def every(provider_protocol: StudyProtocol, provider_scenarios: dict[str, Scenario]) -> dict[str, dict[str, Scenario]]:
    """All scenarios by price set."""
    return {name: scenario.alternatives(provider_protocol, of) for name, of in provider_scenarios.items()}


@pytest.fixture(scope="module")
def middle(provider_scenarios: dict[str, Scenario]) -> Scenario:
    return provider_scenarios["text-bands"]


@pytest.fixture(scope="module")
def day(
    provider_days: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario, direct: dict[str, float]
) -> xr.Dataset:
    return basic_data.typical_day(provider_days, provider_inputs, middle, direct)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The data, to be broken."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    return tmp_path


def broken(root: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> list[str]:
    """Change a table and return what is said of it, a line each."""
    path = root / "data/assumed" / table
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        inputs.load(root)
    assert table in str(caught.value)
    return list(caught.value.problems)


def cell(quantity: str, column: str, value: str, **labels: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Alter one cell."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        at = (rows[["quantity", *labels]] == [quantity, *labels.values()]).all(axis=1)
        assert at.sum() == 1
        rows.loc[at, column] = value
        return rows

    return change


# ---- tables


def test_bands_of_the_text(provider_inputs: xr.Dataset) -> None:
    """Cheap until 8 and from 22, dear from 10 to 21: .55, 1 and 1.6 times .64."""
    price = provider_inputs["electricity_price"].sel(price_set="text-bands")
    wanted = np.select([np.arange(24) < 8, np.arange(24) < 10, np.arange(24) < 21, np.arange(24) < 22],
                       [0.352, 0.64, 1.024, 0.64], 0.352)  # fmt: skip
    np.testing.assert_allclose(price, wanted, atol=1e-12)


def test_tariff_of_the_province(provider_inputs: xr.Dataset) -> None:
    """Peak 10-12 and 14-19, valley 0-8, 1.7 : 1 : .38, a quarter more at 11-12 and 15-17, flat .70."""
    hour = np.arange(24)
    peak = ((hour >= 10) & (hour < 12)) | ((hour >= 14) & (hour < 19))
    critical = (hour == 11) | (hour == 15) | (hour == 16)
    wanted = 0.7 * np.where(peak, 1.7, np.where(hour < 8, 0.38, 1.0)) * np.where(critical, 1.25, 1.0)
    np.testing.assert_allclose(provider_inputs["electricity_price"].sel(price_set="guangdong-2021"), wanted, atol=1e-12)


def test_every_quantity_says_where_it_is_from(provider_inputs: xr.Dataset) -> None:
    assert set(provider_inputs.data_vars) == {name for table in inputs.TABLES.values() for name in table}
    for values in provider_inputs.data_vars.values():
        assert values.attrs["source"]
        assert values.attrs["provenance"] in ("assumed", "published")
    assert provider_inputs["elasticity"].to_numpy().tolist() == [-0.3, -0.5, -0.7]
    assert provider_inputs["elasticity"].attrs["provenance"] == "assumed"


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        (PRICES, cell("electricity_price", "h7", "120", price_set="text-bands"), "120"),
        (PRICES, cell("electricity_price", "h7", "0", price_set="text-bands"), "0"),
        (ASSUMED, cell("elasticity", "value", "0.3", band="low"), "0.3"),
        (ASSUMED, cell("sensitivity", "value", "-1"), "-1"),
        (ASSUMED, cell("turbine_minimum", "value", "1.2"), "1.2"),
        (ASSUMED, cell("transferable_share", "value", "-0.1", cluster="hotel"), "hotel"),
        (ASSUMED, cell("gas_price", "unit", "yuan/kWh"), "yuan/m3"),
    ],
)
def test_a_bad_cell_is_named(copy: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame], said: str) -> None:
    problems = broken(copy, table, change)
    assert len(problems) == 1
    assert said in problems[0]


def test_all_faults_of_a_table_come_at_once(copy: Path) -> None:
    def change(rows: pd.DataFrame) -> pd.DataFrame:
        rows = cell("sensitivity", "value", "-1")(rows)
        return rows[rows["quantity"] != "ice_eer"]

    problems = broken(copy, ASSUMED, change)
    assert len(problems) == 2
    assert any("sensitivity" in line for line in problems)
    assert any("ice_eer" in line for line in problems)


@pytest.mark.slow
def test_buildings_have_the_envelope_of_the_zone(provider_inputs: xr.Dataset) -> None:
    theirs, warm, cold = systems2024.inputs.load(ROOT), inputs.of_buildings(ROOT), inputs.of_buildings(ROOT, "cold")
    for name in inputs.ENVELOPE:
        xr.testing.assert_equal(warm[name], provider_inputs[name])
    for name in inputs.ENVELOPE[:-1]:
        xr.testing.assert_equal(cold[name], theirs[name])
    assert float(cold["soil_temperature"]) == float(provider_inputs["soil_temperature"]) == 24
    assert (warm["wall_transmittance"] != cold["wall_transmittance"]).all()
    for name in systems2024.inputs.CLIMATE:
        xr.testing.assert_equal(cold[name], provider_inputs[name])
        assert not theirs[name].equals(cold[name])


# ---- simulation


def test_typical_days_are_means_of_the_right_days() -> None:
    """Of hours that are worth their clock hour, plus 100 on workdays, plus 1000 in August."""
    day = (np.arange(8760) // 24) % 7  # 0 is a Sunday
    work = ~np.isin(day, (0, 6))
    series = xr.DataArray(CALENDAR.hour + 100 * work + 1000 * (CALENDAR.month == 8), dims="hour")
    found = simulation.typical_days(series.expand_dims(kind=["a"]))
    assert found.dims == ("kind", "day", "hour")
    np.testing.assert_array_equal(found["hour"], np.arange(24))
    july, august = work[CALENDAR.month == 7].mean(), work[CALENDAR.month == 8].mean()
    assert 0.6 < july < 0.8
    wanted = {
        "mean day of July": 100 * july,
        "mean workday of July": 100,
        "mean day of August": 1000 + 100 * august,
    }
    assert found["day"].to_numpy().tolist() == list(wanted)
    for name, more in wanted.items():
        np.testing.assert_allclose(found.sel(kind="a", day=name), np.arange(24) + more, rtol=1e-12)


def test_variants_differ_in_one_choice() -> None:
    centre = simulation.Variant()
    found = simulation.variants(centre)
    assert list(found) == ["central", "envelope: cold", "weather: Miami as it is"]
    assert found["central"] == centre
    for name, variant in list(found.items())[1:]:
        changed = [f.name for f in fields(variant) if getattr(variant, f.name) != getattr(centre, f.name)]
        assert changed == [name.partition(":")[0]]
    mine = simulation.variants(simulation.Variant(weather="mine.epw"))
    assert mine["central"].weather == "mine.epw"
    assert {name for name in mine if name.startswith("weather")} == {
        "weather: Miami morphed to Guangzhou",
        "weather: Miami as it is",
    }


@pytest.mark.slow
def test_four_buildings_stand_in_guangzhou(tmp_path: Path) -> None:
    found = {case.cluster.name: case for case in simulation.cases(simulation.Variant(), tmp_path, ROOT)}
    assert set(found) == set(simulation.BUILDINGS)
    assert found["x9"].envelope["roof_transmittance"] == 0.4
    assert {case.weather.name for case in found.values()} == {"Guangzhou-from-Miami.epw"}
    assert all(case.weather.is_file() for case in found.values())


@pytest.mark.slow
def test_sun_of_the_committed_days(provider_inputs: xr.Dataset, provider_days: xr.Dataset) -> None:
    year = simulation.PLACE.year(provider_inputs, "Miami morphed to Guangzhou")
    found = simulation.photovoltaics(year)
    kept = provider_days["photovoltaics"].sel(variant="central")
    np.testing.assert_allclose(found.transpose(*kept.dims), kept, atol=10.0**-simulation.DECIMALS)
    july = found.sel(day="mean day of July")
    assert float(july.sel(hour=[0, 1, 2, 3, 22, 23]).max()) == 0
    assert 0.3 < float(july.isel(position=0).max()) < 0.8
    assert july.sel(position="west facade").idxmax("hour") > july.sel(position="roof, flat").idxmax("hour")


def test_committed_days_are_of_guangzhou(provider_days: xr.Dataset) -> None:
    assert provider_days["demand"].sizes == {"variant": 3, "building": 4, "use": 7, "day": 3, "hour": 24}
    assert np.isfinite(provider_days["demand"]).all()
    assert float(provider_days["demand"].min()) >= 0
    assert provider_days["demand"].attrs["units"] == "kW"
    air = provider_days["air_temperature"].sel(day="mean day of July").mean("hour")
    assert float(air.sel(variant="central")) == pytest.approx(28.6, abs=0.01), "the July normal of Guangzhou"
    assert abs(float(air.sel(variant="weather: Miami as it is")) - 28.6) > 0.1
    cooling = provider_days["demand"].sel(use="cooling", day="mean day of July")
    assert (cooling.sum("hour") > 0).all()
    office = provider_days["demand"].sel(building="office", use="lighting", variant="central").sum("hour")
    assert office.sel(day="mean workday of July") > office.sel(day="mean day of July")


def test_days_are_read_whole_or_not(copy: Path, provider_days: xr.Dataset) -> None:
    xr.testing.assert_identical(simulation.read(copy), provider_days)
    path = copy / simulation.DAYS
    (copy / "mine.epw").write_text("")
    path.unlink()
    with pytest.raises(InputError, match=r"does not exist: run `dvc repro frontiers2022-simulation`"):
        simulation.read(copy)
    provider_days.assign_attrs(weather_sha256="0").to_netcdf(path)
    with pytest.raises(InputError, match=r"Miami morphed to Guangzhou.*\n?.*changed since the simulation"):
        simulation.read(copy)


# ---- what is printed


def test_direct_costs_by_hand(published: pd.DataFrame) -> None:
    found = basic_data.targets(published).set_index("cluster")
    assert list(found.index) == list(CLUSTERS)
    assert found["cost [yuan]"].tolist() == [20611.39, 4382.92, 4354.75]
    assert found["reduction [%]"].tolist() == [2.11, 24.71, 10.86]
    assert found["direct cost [yuan]"].tolist() == pytest.approx(
        [20611.39 / 0.9789, 4382.92 / 0.7529, 4354.75 / 0.8914], rel=1e-12
    )
    assert found["direct cost [yuan]"].round(1).tolist() == [21055.7, 5821.4, 4885.3]
    assert found["from [yuan]"].tolist() == pytest.approx(
        [20611.39 / 0.97895, 4382.92 / 0.75295, 4354.75 / 0.89145], rel=1e-12
    )
    assert found["to [yuan]"].tolist() == pytest.approx(
        [20611.39 / 0.97885, 4382.92 / 0.75285, 4354.75 / 0.89135], rel=1e-12
    )


def test_what_the_totals_imply(published: pd.DataFrame, day: xr.Dataset) -> None:
    found = basic_data.implied(published, {"text-bands": day}).set_index("quantity")["value"]
    assert found["revenue of the provider: the three costs"] == pytest.approx(29349.06, abs=1e-6)
    assert found["cost of the provider: revenue less benefit"] == pytest.approx(27919.98, abs=1e-6)
    assert found["margin: benefit over revenue"] == pytest.approx(4.87, abs=0.005)
    assert found["direct cost of the three clusters"] == pytest.approx(31762.34, abs=0.005)
    shed = found[f"{basic_data.SHEDDING}, text-bands"] / 100
    load = day["load"].sel(cluster="commercial").copy()
    load.loc[{"hour": list(range(10, 20))}] *= 1 - shed
    before = float((day["wholesale_price"] * day["load"].sel(cluster="commercial")).sum())
    assert float((day["wholesale_price"] * load).sum()) == pytest.approx(before * (1 - 0.0211), rel=1e-12)


# ---- the typical day


@pytest.mark.parametrize("price_set", PRICE_SETS)
def test_first_fit_costs_what_is_printed(
    price_set: str,
    provider_days: xr.Dataset,
    provider_inputs: xr.Dataset,
    provider_scenarios: dict[str, Scenario],
    direct: dict[str, float],
) -> None:
    of = provider_scenarios[price_set]
    day = basic_data.typical_day(provider_days, provider_inputs, of, direct)
    price = provider_inputs["electricity_price"].sel(price_set=price_set).to_numpy()
    load = day["load"].transpose("cluster", "carrier", "hour").to_numpy()
    for n, (paid, reduction) in enumerate(((20611.39, 2.11), (4382.92, 24.71), (4354.75, 10.86))):
        cost = sum(price[t] * (load[n, 0, t] + load[n, 1, t] / 3) for t in range(24))
        assert cost == pytest.approx(paid / (1 - reduction / 100), rel=1e-9)
    simulated = basic_data.simulated_loads(provider_days, of)
    xr.testing.assert_allclose(day["load"] / day["load_scale"], simulated, rtol=1e-12)


def test_loads_are_those_of_the_scenario(provider_days: xr.Dataset, middle: Scenario) -> None:
    demand = provider_days["demand"]
    at = demand.sel(variant="central", day="mean day of July")
    found = basic_data.simulated_loads(provider_days, middle)
    assert found.dims == ("cluster", "carrier", "hour")
    np.testing.assert_allclose(
        found.sel(cluster="commercial", carrier="electricity"),
        sum(at.sel(building="mall", use=use).to_numpy() for use in ("lighting", "equipment", "base_load")),
    )
    np.testing.assert_array_equal(
        found.sel(cluster="hotel", carrier="cooling"), at.sel(building="hotel", use="cooling")
    )
    hot = basic_data.simulated_loads(provider_days, replace(middle, hot_water="electricity")) - found
    np.testing.assert_allclose(
        hot.sel(cluster="residential", carrier="electricity"), at.sel(building="residential", use="hot_water")
    )
    assert float(np.abs(hot.sel(carrier="cooling")).max()) == 0
    office = basic_data.simulated_loads(provider_days, replace(middle, commercial_building="office"))
    np.testing.assert_array_equal(
        office.sel(cluster="commercial", carrier="cooling"), at.sel(building="office", use="cooling")
    )
    other = basic_data.simulated_loads(
        provider_days, replace(middle, weather="Miami as it is", day="mean day of August")
    )
    np.testing.assert_array_equal(
        other.sel(cluster="hotel", carrier="cooling"),
        demand.sel(variant="weather: Miami as it is", day="mean day of August", building="hotel", use="cooling"),
    )


def test_a_cluster_without_load_is_named(
    provider_days: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario, direct: dict[str, float]
) -> None:
    empty = provider_days.assign(demand=provider_days["demand"] * (provider_days["building"] != "hotel"))
    with pytest.raises(ValueError, match="hotel") as caught:
        basic_data.typical_day(empty, provider_inputs, middle, direct)
    assert len(str(caught.value).splitlines()) == 1
    assert "without any load" in str(caught.value)
    assert "residential" not in str(caught.value)


def test_wholesale_prices_and_sun(day: xr.Dataset, provider_days: xr.Dataset, provider_inputs: xr.Dataset,
                                  middle: Scenario, direct: dict[str, float]) -> None:  # fmt: skip
    price = day["wholesale_price"]
    np.testing.assert_allclose(price.sel(carrier="cooling") * 3, price.sel(carrier="electricity"), rtol=1e-12)
    sun = provider_days["photovoltaics"].sel(variant="central", day="mean day of July", position="roof, tilt 15°")
    np.testing.assert_allclose(day["photovoltaics"], 250 * sun.to_numpy(), rtol=1e-12)
    cheap = replace(middle, cooling_price="electricity over 2.5")
    other = basic_data.typical_day(provider_days, provider_inputs, cheap, direct)["wholesale_price"]
    np.testing.assert_allclose(other.sel(carrier="cooling") * 2.5, other.sel(carrier="electricity"), rtol=1e-12)


# ---- inputs of the models


def test_users_by_hand(day: xr.Dataset, middle: Scenario) -> None:
    found = basic_data.preferences(day, middle, KNOBS)
    mean = float(day["wholesale_price"].sel(carrier="cooling").mean())
    for cluster, level in zip(CLUSTERS, (1.0, 2.0, 1.5), strict=True):
        at = found.sel(cluster=cluster, carrier="cooling")
        peak = float(day["load"].sel(cluster=cluster, carrier="cooling").max())
        v = level * mean
        assert float(at["satisfaction"]) == pytest.approx(v, rel=1e-12)
        assert v - float(at["satiation"]) * peak == pytest.approx(v / 2, rel=1e-12), "halved at the peak"
        assert float(at["loss_linear"]) == pytest.approx(0.05 * v, rel=1e-12)
        assert float(at["loss_quadratic"]) == pytest.approx(0.5 * v / (2 * peak), rel=1e-12)


def test_elasticities_follow_the_price(provider_inputs: xr.Dataset) -> None:
    """Lowest price: low; from the midpoint up, exclusive: high; between: middle."""
    prices = xr.DataArray([[1.0, 2.0, 2.1, 3.0]], {"carrier": ["electricity"]}, ("carrier", "hour"))
    found = basic_data.elasticities(prices.to_dataset(name="wholesale_price"), provider_inputs)
    assert found.to_numpy().tolist() == [[-0.3, -0.5, -0.7, -0.7]]


def test_pricing_inputs_by_hand(day: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario) -> None:
    found = basic_data.pricing_inputs(day, provider_inputs, middle, KNOBS)
    assert found["reducible_share"].to_numpy().tolist() == [0.02, 0.06, 0.06]
    assert float(found["sensitivity"]) == 2.5
    assert "elasticity" not in found
    xr.testing.assert_equal(found["load"], day["load"])
    elastic = basic_data.pricing_inputs(day, provider_inputs, replace(middle, response="elasticity"), KNOBS)
    assert float(elastic["elasticity"].max()) == -0.3


def test_dispatch_inputs_by_hand(day: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario) -> None:
    found = basic_data.dispatch_inputs(day, provider_inputs, middle, KNOBS, 0.9 * day["load"])
    dispatch.check(found)
    full = float(found["turbine_fixed_fuel"] + found["turbine_fuel_slope"] * 600)
    assert full == pytest.approx(600 / 0.33, rel=1e-12)
    assert float(found["turbine_fixed_fuel"]) == pytest.approx(0.15 * full, rel=1e-12)
    least = 180 / float(found["turbine_fixed_fuel"] + found["turbine_fuel_slope"] * 180)
    assert least / 0.33 == pytest.approx(0.75, abs=0.02), "a quarter less at 30 %, as the table says"
    np.testing.assert_allclose(found["export_price"], found["grid_price"] / 2, rtol=1e-12)
    np.testing.assert_allclose(found["agreed"], 0.9 * found["load"], rtol=1e-12)
    np.testing.assert_allclose(found["transferable_share"], [0.06, 0.06, 0.05])
    peak = day["load"].sel(carrier="cooling").max("hour")
    np.testing.assert_allclose(found["room_resistance"] * peak, 8, rtol=1e-12)
    assert float(found["comfort_band"].max()) == 1.0
    assert float(found["time_constant"].max()) == 0.5
    operation = {"turbine": 0.08, "chiller": 0.1, "absorption": 0.02, "photovoltaics": 0.03, "ice": 0.03}
    for name, price in operation.items():
        assert float(found[f"{name}_operation_price"]) == pytest.approx(0.7 * price, rel=1e-12)
    double = basic_data.dispatch_inputs(
        day, provider_inputs, replace(middle, transferable_share=2.0), KNOBS, day["load"]
    )
    np.testing.assert_allclose(double["transferable_share"], [0.12, 0.12, 0.1])


# ---- bad inputs through the study


def test_a_negative_sensitivity_is_named(day: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario) -> None:
    wrong = replace(middle, sensitivity=-1.0)
    with pytest.raises(ValueError, match=r"^sensitivity must be within.*found -1$"):
        retail.market(basic_data.pricing_inputs(day, provider_inputs, wrong, KNOBS), wrong.price_levels, wrong.response)


def test_a_minimum_load_above_capacity_is_named(day: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario) -> None:
    wrong = provider_inputs.assign(turbine_minimum=provider_inputs["turbine_minimum"] + 0.9)
    found = basic_data.dispatch_inputs(day, wrong, middle, KNOBS, day["load"])
    with pytest.raises(ValueError, match=r"^turbine_minimum_share above 1, minimum load above capacity: found 1.2$"):
        dispatch.dispatch_model(found, loads="tangents")


def test_prices_out_of_bounds_are_named(day: xr.Dataset, provider_inputs: xr.Dataset, middle: Scenario) -> None:
    given = basic_data.pricing_inputs(day, provider_inputs, middle, KNOBS)
    found = retail.exact(retail.market(given, middle.price_levels, middle.response), 0.4, "lowest")["price"]
    pricing.check_prices(found, given)
    wrong = found.copy()
    wrong.loc[{"cluster": "hotel", "carrier": "electricity", "hour": 3}] = 0.01
    with pytest.raises(ValueError, match=r"price must be within.*hotel.*electricity.*hour 3") as caught:
        pricing.check_prices(wrong, given)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ValueError, match="mean price must not exceed"):
        pricing.check_prices(found * 0 + day["wholesale_price"].max("hour"), given)


# ---- scenarios


@pytest.mark.slow
@pytest.mark.parametrize("price_set", PRICE_SETS)
def test_every_scenario_is_a_problem(
    price_set: str,
    every: dict[str, dict[str, Scenario]],
    provider_days: xr.Dataset,
    provider_inputs: xr.Dataset,
    direct: dict[str, float],
) -> None:
    """Each passes the checks of both models, and each changes something: no alternative is without effect."""
    seen: dict[str, list[bytes]] = {}
    for name, of in every[price_set].items():
        day = basic_data.typical_day(provider_days, provider_inputs, of, direct)
        first = basic_data.pricing_inputs(day, provider_inputs, of, KNOBS)
        second = basic_data.dispatch_inputs(day, provider_inputs, of, KNOBS, day["load"])
        dispatch.check(second)
        market = retail.market(first, of.price_levels, of.response)
        assert market.levels.sizes["level"] == of.price_levels
        bounds = dispatch.limits(second, of.mean_temperature)
        told = [*market.gained.data_vars.values(), *second.data_vars.values(), bounds["load-total"]]
        told.append(retail.preference(market, of.price_ties))
        seen[name] = [values.to_numpy().tobytes() for values in told]
    same = [name for name, told in seen.items() if name != CENTRAL and told == seen[CENTRAL]]
    assert same == []


def test_alternatives_are_those_of_the_protocol(
    every: dict[str, dict[str, Scenario]], provider_protocol: StudyProtocol
) -> None:
    for price_set, found in every.items():
        swept = [name for name in scenario.CHOICES if name not in scenario.NOT_SWEPT]
        assert len(found) == 1 + sum(len(provider_protocol.choices[name].alternatives) for name in swept)
        assert {of.price_set for of in found.values()} == {price_set}
        for name, of in found.items():
            changed = [f for f in scenario.CHOICES if getattr(of, f) != getattr(found[CENTRAL], f)]
            assert len(changed) == (name != CENTRAL)
            if changed:
                assert name == f"{changed[0].replace('_', ' ')}: {getattr(of, changed[0])}"


def test_changed_parameters_leave_the_protocols_value_as_alternative(
    provider_protocol: StudyProtocol, provider_inputs: xr.Dataset
) -> None:
    mine = scenario.central(provider_protocol, provider_inputs, {"price_levels": 43, "episodes": 7})
    assert mine.price_levels == 43
    found = scenario.alternatives(provider_protocol, mine)
    assert {name for name in found if name.startswith("price levels")} == {"price levels: 22", "price levels: 106"}


def test_both_price_sets_that_of_the_scenario_first(middle: Scenario) -> None:
    assert list(scenario.by_price_set(middle)) == ["text-bands", "guangdong-2021"]
    other = scenario.by_price_set(replace(middle, price_set="guangdong-2021", weight=0.4))
    assert list(other) == ["guangdong-2021", "text-bands"]
    assert {name: of.price_set for name, of in other.items()} == {name: name for name in other}
    assert {of.weight for of in other.values()} == {0.4}


@pytest.mark.parametrize(
    ("quantity", "choice"),
    [
        ("sensitivity", "sensitivity"),
        ("reducible_share", "reducible_share"),
        ("satisfaction_commercial", "satisfaction_commercial"),
        ("satiation_share", "satiation_share"),
        ("loss_quadratic_share", "loss_share"),
        ("comfort_band", "comfort_band"),
        ("room_time_constant", "room_time_constant"),
        ("export_price_share", "export_price_share"),
    ],
)
def test_table_and_protocol_must_agree(
    quantity: str, choice: str, provider_protocol: StudyProtocol, provider_inputs: xr.Dataset
) -> None:
    other = provider_inputs.assign({quantity: provider_inputs[quantity] + 0.125})
    with pytest.raises(InputError) as caught:
        scenario.central(provider_protocol, other)
    (line,) = caught.value.problems
    assert line.startswith(f"{quantity} is ")
    assert f" and {choice} " in line


def test_an_undecided_choice_is_named(provider_protocol: StudyProtocol, provider_inputs: xr.Dataset) -> None:
    choices = {name: choice for name, choice in provider_protocol.choices.items() if name != "comfort_band"}
    with pytest.raises(InputError, match="decides no comfort_band"):
        scenario.central(provider_protocol.model_copy(update={"choices": choices}), provider_inputs)
