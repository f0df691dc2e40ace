"""Demand of clusters: EnergyPlus's meters, storeys by hand, the hours of the clock, what must rise and fall."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
import xarray as xr

from bcopt.loads import simulation
from bcopt.loads.buildings import building
from bcopt.loads.energyplus import EnergyPlusError
from bcopt.loads.programs import library_program, standard_program
from bcopt.loads.simulation import (
    BALANCE,
    CARRIERS,
    METERS,
    UNMET,
    VARIABLES,
    Case,
    by_storey,
    cluster_demand,
    demands,
    storeys,
)
from bcopt.loads.weather import read_weather

HOUR = np.arange(24)
CLOCK, DAY = np.arange(8760) % 24, np.arange(8760) // 24
WEEKEND = np.isin(DAY % 7, (0, 6))  # 1 January is a Sunday
ACH, AIR = "Zone Infiltration Standard Density Volume Flow Rate", "Zone Ideal Loads Outdoor Air Mass Flow Rate"


@pytest.fixture(scope="module")
def case(cluster, envelope, profiles, willard):
    """Return a lone building of one storey, but for what is given."""

    def call(name="low", program=None, walls=None, neighbours=False, storeys=1, **changed):
        used = standard_program(name, profiles(**changed)) if program is None else program
        return Case(cluster(name=name, storeys=storeys), used, envelope(**(walls or {})), willard, neighbours)

    return call


@pytest.fixture(scope="module")
def tower(case):
    """Five storeys between neighbours: the case and all that was simulated."""
    asked = case("tower", storeys=5, neighbours=True, fresh_air=1.0)
    return asked, storeys(asked, list(BALANCE.values()))


@pytest.fixture(scope="module")
def replay(tower):
    """Answer with a run that was already simulated, perhaps changed."""
    _, (_, run, _) = tower

    def call(monkeypatch, **changed):
        monkeypatch.setattr(simulation, "simulate", lambda *_: dataclasses.replace(run, **changed))

    return call


@pytest.fixture(scope="module")
def low(case, hours):
    """Clusters of one storey that differ in one thing each, simulated two at a time."""
    cases = {
        "usual": case(),
        "again": case(),
        "poor": case(walls={"wall_transmittance": 1.2, "roof_transmittance": 1.0, "window_transmittance": 4.0}),
        "frozen": case(walls={"soil_temperature": 2.0}),
        "busy": case(equipment=8.0),
        "clock": case(
            lighting=hours([np.where(HOUR == 19, 5.0, 0.0), np.zeros(24)]),
            equipment=hours([np.zeros(24), np.where(HOUR == 3, 5.0, 0.0)]),
            heating_setpoint=hours(np.where((HOUR >= 14) & (HOUR < 23), 21.0, 5.0)),
            cooling_setpoint=45.0,
        ),
        "hotel": case(program=library_program("LargeHotel")),
    }
    found = dict(zip(cases, (result for _, result in demands(cases.values(), workers=2)), strict=True))
    return {name: result["demand"].assign_attrs(case=cases[name]) for name, result in found.items()}


def coldest_day(weather):
    """Return the day of January, from 0, with the lowest mean temperature."""
    january = read_weather(weather)["dry_bulb_temperature"].to_numpy()[: 31 * 24]
    return january.reshape(31, 24).mean(axis=1).argmin()


class TestClock:
    def test_light_that_ends_at_twenty(self, low):
        """On in clock hour 19 of workdays: there and nowhere else, in every week of the year."""
        found = low["clock"].sel(use="lighting").to_numpy()
        expected = np.where((CLOCK == 19) & ~WEEKEND, 5.0 * 200 * 3 / 1000, 0.0)  # three buildings of 200 m2
        assert found == pytest.approx(expected, abs=1e-9)
        assert np.flatnonzero(found)[0] == 24 + 19  # Monday, 2 January

    def test_weekends_follow_the_holiday(self, low):
        found = low["clock"].sel(use="equipment").to_numpy()
        assert found == pytest.approx(np.where((CLOCK == 3) & WEEKEND, 3.0, 0.0), abs=1e-9)
        assert np.flatnonzero(found)[:3].tolist() == [3, 6 * 24 + 3, 7 * 24 + 3]  # Sunday 1, Saturday 7, Sunday 8

    def test_the_year_and_its_first_weekday_agree(self, tower):
        """EnergyPlus would put the weekday of the year that honeybee writes in place of another, and only warn."""
        assert not [text for text in tower[1][1].warnings if "does not match the start year" in text]

    @pytest.mark.parametrize("moved", [-1, 1])
    def test_an_hour_off_would_be_seen(self, low, moved):
        found = np.roll(low["clock"].sel(use="lighting").to_numpy(), moved)
        assert np.flatnonzero(found).tolist() != np.flatnonzero((CLOCK == 19) & ~WEEKEND).tolist()

    def test_heating_peaks_in_the_hour_of_the_step(self, low, willard):
        """The set point rises at 14 and falls at 23 o'clock: so does heating, on every day of January."""
        january = low["clock"].sel(use="heating").to_numpy()[: 31 * 24].reshape(31, 24)
        change = np.diff(january, axis=1)
        assert set(change.argmax(axis=1) + 1) == {14}
        assert set(change.argmin(axis=1) + 1) == {23}
        assert np.argmax(january.mean(axis=0)) == np.argmax(january[coldest_day(willard)]) == 14


class TestMeters:
    @pytest.mark.parametrize("meter", METERS)
    def test_uses_are_what_energyplus_meters(self, tower, meter):
        _, (_, run, demand) = tower
        total = demand.sum("storey").sel(use=list(METERS[meter])).sum("use")
        peak = float(run.meters[meter].max())
        assert peak > 0
        assert total.to_numpy() == pytest.approx(run.meters[meter].to_numpy(), abs=1e-6 * peak)

    def test_every_use_has_a_meter_and_a_carrier(self):
        assert sorted(use for uses in METERS.values() for use in uses) == sorted(VARIABLES) == sorted(CARRIERS)

    @pytest.mark.parametrize("left_out", ["ground", "middle", "top"])
    def test_a_zone_left_out_is_found(self, tower, replay, monkeypatch, left_out):
        case, (found, _, _) = tower
        fewer = {name: count for name, count in found.storeys.items() if name != left_out}
        monkeypatch.setattr(simulation, "building", lambda *_: dataclasses.replace(found, storeys=fewer))
        replay(monkeypatch)
        with pytest.raises(EnergyPlusError) as caught:
            storeys(case)
        assert caught.value.name == "tower"
        assert len(caught.value.messages) == len(METERS)
        assert "meter InteriorLights:Electricity differs from its zones by 0.33 of its peak" in str(caught.value)

    @pytest.mark.parametrize(("factor", "fails"), [(1 + 5e-7, False), (1 + 3e-6, True), (float("nan"), True)])
    def test_limit(self, tower, replay, monkeypatch, factor, fails):
        case, (_, run, _) = tower
        heating = "Heating:DistrictHeatingWater"
        replay(monkeypatch, meters={**run.meters, heating: run.meters[heating] * factor})
        if fails:
            with pytest.raises(EnergyPlusError, match=f"meter {heating} differs from its zones by "):
                storeys(case)
        else:
            storeys(case)

    def test_a_meter_that_stands_still(self, tower, replay, monkeypatch):
        """Its distance is taken as it is, in kW."""
        case, (_, run, _) = tower
        name = "InteriorEquipment:NaturalGas"
        replay(monkeypatch, meters={**run.meters, name: run.meters[name] * 0})
        with pytest.raises(EnergyPlusError, match=f"meter {name} differs from its zones by 0.3 of"):
            storeys(case)  # 0.5 W/m2 on 200 m2 of three storeys


class TestStoreys:
    def test_by_hand(self, tower, replay, monkeypatch):
        """Three buildings, each the lowest, three middle and the highest storey."""
        case, (found, _, demand) = tower
        assert found.storeys == {"ground": 1, "middle": 3, "top": 1}
        replay(monkeypatch)
        ground, middle, top = (demand.sel(storey=name, drop=True) for name in ("ground", "middle", "top"))
        by_hand = 3 * (ground + (5 - 2) * middle + top)
        result = cluster_demand(case)
        xr.testing.assert_allclose(result["demand"].drop_vars("carrier"), by_hand, rtol=1e-12)
        yearly = 8.76 * case.cluster.construction_area
        assert case.cluster.construction_area == 3000
        for use, watts in {"lighting": 2.0, "equipment": 3.0, "base_load": 1.0, "cooking": 0.5}.items():
            assert float(result["demand"].sel(use=use).sum()) == pytest.approx(watts * yearly, rel=1e-9)

    def test_what_comes_with_it(self, tower, replay, monkeypatch):
        case, (_, run, _) = tower
        replay(monkeypatch)
        result = cluster_demand(case)
        assert result["demand"].dims == ("use", "hour")
        assert dict(zip(result["use"].to_numpy(), result["carrier"].to_numpy(), strict=True)) == CARRIERS
        assert float(result["warnings"]) == len(run.warnings) > 0
        assert 0 <= float(result["meter_deviation"]) <= 1e-6
        assert 0 <= float(result["unmet"]) <= 300
        assert [result[name].attrs["units"] for name in ("demand", "warnings", "unmet")] == ["kW", "1", "h"]

    def test_one_storey_is_lowest_and_highest(self, low):
        usual = low["usual"]
        assert building(usual.case.cluster, usual.case.program, usual.case.envelope, False).storeys == {"ground": 1}
        assert float(usual.sel(use="lighting").sum()) == pytest.approx(2.0 * 8.76 * 600, rel=1e-9)

    @pytest.mark.slow
    def test_two_storeys(self, case):
        """Neither has a middle one between, so that simulating every storey is the same."""
        asked = case("double", storeys=2)
        found = cluster_demand(asked)["demand"]
        assert float(found.sel(use="lighting").sum()) == pytest.approx(2.0 * 8.76 * 1200, rel=1e-9)
        each = cluster_demand(dataclasses.replace(asked, every_storey=True))["demand"]
        xr.testing.assert_allclose(each, found, rtol=1e-9)

    def test_roof_and_floor(self, tower):
        """The highest storey loses by its roof; a middle one, without roof and ground, is the one to be cooled most."""
        _, (_, _, demand) = tower
        heating, cooling = (demand.sel(use=use).sum("hour") for use in ("heating", "cooling"))
        assert heating.idxmax() == "top"
        assert float(cooling.sel(storey="ground")) == float(cooling.min())

    def test_heat_balance_of_the_air_closes(self, tower):
        """Gains, surfaces, air exchange and the system sum to what the air stores; when the system starts or stops
        EnergyPlus's steps leave a little, and nothing over the year."""
        _, (found, run, _) = tower
        terms = {name: by_storey(run.variables[variable], found, "tower") for name, variable in BALANCE.items()}
        stored = terms.pop("storage")
        largest = max(float(abs(term).max()) for term in terms.values())
        left = sum(terms.values()) - stored
        assert float(abs(left).max()) < 0.01 * largest
        assert float(abs(left).mean()) < 1e-3 * largest
        assert float(abs(left.mean("hour")).max()) < 1e-5 * largest
        for name, term in terms.items():  # without any one of them it stays open
            assert float(abs(left - term).mean()) > 0.02 * largest, name


class TestPhysics:
    def test_worse_insulation_needs_more_heat(self, low):
        poor, usual = (float(low[name].sel(use="heating").sum()) for name in ("poor", "usual"))
        assert poor > 1.5 * usual

    def test_cold_soil_takes_heat_through_the_floor(self, low):
        """By hand 3 x 200 m2 x 16 K / (1.5 + .12 / 1.74 + .17 m2K/W); still air over a cold floor resists more."""
        cold, usual = (low[name].sel(use="heating")[: 31 * 24].sum().item() for name in ("frozen", "usual"))
        by_hand = 3 * 200 * 16 / (1.5 + 0.12 / 1.74 + 0.17) * 744 / 1000
        assert 0.8 * by_hand < cold - usual < by_hand

    def test_more_gains_need_less_heat_and_more_cold(self, low):
        busy, usual = low["busy"].sum("hour"), low["usual"].sum("hour")
        assert float(busy.sel(use="heating")) < float(usual.sel(use="heating"))
        assert float(busy.sel(use="cooling")) > float(usual.sel(use="cooling"))
        assert float(busy.sel(use="hot_water")) == pytest.approx(float(usual.sel(use="hot_water")), rel=1e-12)

    @pytest.mark.slow
    def test_without_neighbours_there_is_more_sun(self, tower, case):
        between = tower[1][2].sum(["storey", "hour"])
        alone = storeys(case("tower", storeys=5, neighbours=False, fresh_air=1.0))[2].sum(["storey", "hour"])
        assert float(alone.sel(use="heating")) < float(between.sel(use="heating"))
        assert float(alone.sel(use="cooling")) > float(between.sel(use="cooling"))
        assert float(alone.sel(use="lighting")) == pytest.approx(float(between.sel(use="lighting")), rel=1e-12)

    def test_hot_water_is_heated_from_the_mains(self, low):
        """60 L/h from some 9 to 21 degC to 60 degC, at 4.18 kJ/kg/K; most in winter, when the mains are cold."""
        found = low["usual"].sel(use="hot_water").to_numpy()
        kelvin = found * 3600 / 4.18 / 60
        assert (kelvin > 35).all()
        assert (kelvin < 55).all()
        assert found[: 31 * 24].mean() > found[181 * 24 : 212 * 24].mean()

    def test_air_exchange(self, case):
        """Half a change of 600 m3 an hour by leakage and 1.5 m3/h/m2 of fresh air, whatever the facades and roof."""
        _, run, _ = storeys(case("airy", fresh_air=1.5), [ACH, AIR])
        outdoor = run.variables[AIR].to_numpy()
        assert outdoor == pytest.approx(np.full_like(outdoor, 1.5 * 200 / 3600 * 1.2), rel=0.05)
        leakage = run.variables[ACH].to_numpy()  # of outdoor air, here at the density of standard air
        assert leakage.mean() == pytest.approx(0.5 * 600 / 3600, rel=0.05)

    def test_library_hotel(self, low):
        """All seven uses are reported, and none below zero."""
        found = low["hotel"]
        assert (found >= 0).all()
        assert (found.sum("hour").drop_sel(use="base_load") > 0).all()
        assert not found.sel(use="base_load").any()


class TestUnmet:
    @pytest.mark.parametrize("variable", UNMET)
    @pytest.mark.parametrize(("hours_off", "fails"), [(300, False), (301, True)])
    def test_limit_of_a_storey(self, tower, replay, monkeypatch, variable, hours_off, fails):
        case, (_, run, _) = tower
        series = run.variables[variable] * 0
        series.loc[{"key": "MIDDLE", "hour": series["hour"][:hours_off]}] = 1.0
        replay(monkeypatch, variables={**run.variables, variable: series})
        if not fails:
            assert float(cluster_demand(case)["unmet"]) == 300
            return
        with pytest.raises(EnergyPlusError) as caught:
            cluster_demand(case)
        assert list(caught.value.messages) == [
            f"zone middle of tower: {variable.lower()} of 301 h, expected at most 300 h"
        ]

    def test_faults_of_every_zone_and_meter_at_once(self, tower, replay, monkeypatch):
        case, (_, run, _) = tower
        monkeypatch.setattr(simulation, "UNMET_LIMIT", -1.0)
        replay(monkeypatch, meters={name: meter + 1 for name, meter in run.meters.items()})
        with pytest.raises(EnergyPlusError) as caught:
            storeys(case)
        assert len(caught.value.messages) == 2 * 3 + len(METERS)


class TestKeys:
    @staticmethod
    def series(*keys):
        values = np.arange(2.0 * len(keys)).reshape(2, len(keys))
        return xr.DataArray(values, dims=("hour", "key"), coords={"hour": [0, 1], "key": list(keys)})

    @pytest.mark.parametrize("form", ["{}", "{} SYSTEM", "P HOT WATER..{}"])
    def test_by_name_and_not_by_order(self, tower, form):
        found = tower[1][0]
        keys = [form.format(name) for name in ("TOP", "GROUND", "MIDDLE")]
        ordered = by_storey(self.series(*keys), found, "x")
        assert ordered["storey"].to_numpy().tolist() == ["ground", "middle", "top"]
        assert ordered.sel(hour=0).to_numpy().tolist() == [1.0, 2.0, 0.0]

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            (("GROUND", "TOP"), "storey middle: 0 series among GROUND, TOP, expected one"),
            (("GROUND", "MIDDLE", "TOP", "TOP FAN"), "storey top: 2 series among GROUND, MIDDLE, TOP, TOP FAN"),
            (("BACKGROUND", "MIDDLE", "TOP"), "storey ground: 0 series"),
        ],
    )
    def test_none_or_two(self, tower, keys, message):
        with pytest.raises(EnergyPlusError, match=message):
            by_storey(self.series(*keys), tower[1][0], "x")


class TestParallel:
    def test_same_bytes_twice(self, low):
        """Two runs of one case beside each other agree bit by bit."""
        assert low["usual"].to_numpy().tobytes() == low["again"].to_numpy().tobytes()
        assert low["usual"].to_numpy().tobytes() != low["busy"].to_numpy().tobytes()

    def test_order_is_that_of_the_cases(self, monkeypatch):
        """The first takes longest and still comes first."""
        monkeypatch.setattr(simulation, "cluster_demand", lambda wait: time.sleep(wait) or wait)
        waits = [0.2, 0.0, 0.1, 0.05]
        assert list(demands(waits, workers=4)) == [(wait, wait) for wait in waits]
        assert list(demands(iter(waits), workers=1)) == [(wait, wait) for wait in waits]
        assert list(demands([])) == []

    def test_stops_at_a_cluster_that_fails(self, monkeypatch):
        """Results before it come; of 100 after it most are never begun."""
        begun = []

        def simulate(number):
            begun.append(number)
            time.sleep(0.02)
            if number == 1:
                raise EnergyPlusError("x1", ["no roof"])
            return number

        monkeypatch.setattr(simulation, "cluster_demand", simulate)
        results = demands(range(100), workers=2)
        assert next(results) == (0, 0)
        with pytest.raises(EnergyPlusError, match="x1: EnergyPlus failed\n  - no roof"):
            next(results)
        assert len(begun) < 50

    def test_who_no_longer_listens_leaves_the_rest(self, monkeypatch):
        begun = []
        monkeypatch.setattr(simulation, "cluster_demand", lambda case: begun.append(case) or time.sleep(0.02))
        results = demands(range(100), workers=2)
        next(results)
        results.close()
        assert len(begun) < 50

    def test_names_the_cluster(self, case, tmp_path):
        lost = dataclasses.replace(case("lost"), weather=tmp_path / "none.epw")
        with pytest.raises(
            EnergyPlusError, match=r"lost: EnergyPlus failed\n  - weather file .*none.epw does not exist"
        ):
            list(demands([lost, case("later")], workers=1))
