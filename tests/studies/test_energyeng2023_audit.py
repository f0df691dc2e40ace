"""The physics behind the published numbers, each figure by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bcopt.studies.energyeng2023 import audit, plans
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, WIND


def exceeded(speed, mean):
    """Share of time that Rayleigh-distributed wind is faster."""
    return math.exp(-math.pi / 4 * (speed / mean) ** 2)


class TestRayleigh:
    @pytest.mark.parametrize("mean", [3.0, 5.5, 8.0, 20.0])
    @pytest.mark.parametrize(("start", "stop"), [(0.0, 25.0), (3.0, 25.0), (10.0, 14.0)])
    def test_constant_power_in_closed_form(self, mean, start, stop):
        """2 MW between two speeds and none elsewhere: rated power x hours x share of time in between."""
        curve = pd.DataFrame({"wind_speed": [0.0, start - 1e-9, start, stop], "value": [0.0, 0.0, 2e6, 2e6]}).query(
            "wind_speed >= 0"
        )
        if start == 0:
            curve = curve[curve["value"] > 0]
        expected = 2000 * 8760 * (exceeded(start, mean) - exceeded(stop, mean))
        assert audit.rayleigh_energy(curve, mean) == pytest.approx(expected, rel=0.01 if start else 1e-12)

    def test_linear_power_in_closed_form(self):
        """Power in proportion to the speed, never cut out: in proportion to the mean."""
        curve = pd.DataFrame({"wind_speed": [0.0, 100.0], "value": [0.0, 1e8]})
        assert audit.rayleigh_energy(curve, 7.0) == pytest.approx(7e6 / 1000 * 8760, rel=1e-4)

    def test_cube_law(self):
        """The mean of the cubes of Rayleigh wind is 6 / pi times the cube of the mean."""
        speed = np.linspace(0, 60, 601)
        curve = pd.DataFrame({"wind_speed": speed, "value": speed**3})
        assert audit.rayleigh_energy(curve, 6.0) == pytest.approx(6 / math.pi * 6**3 * 8760 / 1000, rel=1e-3)

    def test_faster_wind_gives_more_until_the_cut_out(self):
        curve = pd.DataFrame({"wind_speed": [3.0, 12.0, 25.0], "value": [0.0, 2e6, 2e6]})
        found = [audit.rayleigh_energy(curve, v) for v in (3, 5, 7, 9)]
        assert found == sorted(found)
        assert max(found) < 2000 * 8760


def test_hub_speeds_by_hand(eco):
    found = audit.hub_speeds(eco.inputs)
    assert found["power law, exponent 1/7"] == pytest.approx(3.55 * 10 ** (1 / 7))  # 10 m to 100 m
    assert found["logarithmic profile"] == pytest.approx(3.55 * math.log(100 / 0.15) / math.log(10 / 0.15))


class TestWind:
    @pytest.fixture
    def table(self, eco):
        return audit.wind_table(eco.inputs, float(eco.optimum.sel(technology=WIND)))

    def test_station_wind_by_hand(self, eco, table):
        """91 kWh a m2 swept: 52.7 turbines on 18.4 km2 of an 11.6 km2 park, dearer than the whole published plan."""
        row = table.iloc[1]
        assert row["turbine"] == "MM100/2000"
        assert row["yield [kWh per m2 swept]"] == pytest.approx(91.1, abs=0.05)
        yearly = 91.1432 * math.pi / 4 * 100**2
        turbines = float(eco.optimum.sel(technology=WIND)) / 3.6 / yearly
        assert row["turbines"] == pytest.approx(turbines, rel=1e-5)
        assert turbines == pytest.approx(52.7, abs=0.05)
        assert row["land [km2]"] == pytest.approx(turbines * 35 * 0.01, rel=1e-5)
        assert row["land over park"] == pytest.approx(18.4 / 11.6, abs=0.01)
        cost = turbines * 2000 * 1223 * 0.12745962
        assert row["cost [million USD/a]"] == pytest.approx(cost / 1e6, rel=1e-5)
        assert row["cost over published total"] == pytest.approx(cost / 2_834_116.92, rel=1e-5)
        assert row["cost over published total"] > 4

    def test_hub_height_changes_the_verdict(self, table):
        hub = table[~table["method"].str.startswith("study")]
        assert len(hub) == 2 * len(audit.TURBINES)
        assert hub["yield [kWh per m2 swept]"].between(400, 700).all()
        assert (hub["land over park"] < 0.5).all()
        assert (
            table["turbines"] * table["yield [kWh per m2 swept]"] * math.pi / 4 * 100**2
        ).to_numpy() == pytest.approx(np.full(len(table), 37_709_314), rel=1e-6)

    def test_as_the_reference_calculation_found(self, table):
        """605 kWh a m2 swept at hub height by the logarithmic profile."""
        at = table[(table["method"] == "logarithmic profile") & (table["turbine"] == "MM100/2000")]
        assert at["yield [kWh per m2 swept]"].item() == pytest.approx(605, rel=0.01)

    def test_availability_scales_the_yield(self, eco, table):
        less = audit.wind_table(eco.inputs.assign(wind_availability=eco.inputs["wind_availability"] * 0 + 0.9),
                                float(eco.optimum.sel(technology=WIND)))  # fmt: skip
        ratio = less["yield [kWh per m2 swept]"] / table["yield [kWh per m2 swept]"]
        assert ratio.tolist() == pytest.approx([1, 1] + [0.9] * 8)

    def test_land_rules(self, eco):
        table = audit.land_rules(eco.inputs, 52.7)
        assert table["spacing"].tolist() == ["3 D x 5 D", "4 D x 7 D", "5 D x 7 D", "5 D x 9 D"]
        assert table["land [km2]"].tolist() == pytest.approx([7.905, 14.756, 18.445, 23.715])
        assert table["fits"].tolist() == [True, False, False, False]


class TestHeat:
    def test_balance(self, eco):
        """181.48 MJ/m2 on 7.5 million m2 is 378 GWh, and all energy use of the park is published as 326."""
        value = audit.heat_balance(eco.inputs, eco.energy).set_index("quantity")["value"]
        assert value["heat of the planned floor area"] == pytest.approx(181.48 * 7.5 / 3.6)
        assert value["heat of the planned floor area"] == pytest.approx(378, abs=0.5)
        assert value["cold of the planned floor area"] == pytest.approx(136.55 * 7.5 / 3.6)
        assert value["all energy use of the park, as published"] == pytest.approx(326.07278)
        assert value["heat over all energy use"] == pytest.approx(1.1595, abs=5e-5)
        floor = 7 / 147 * 176e6 / (318.03 * (1 - 1 / 3.67))
        assert value["floor area of the baseline's heat pumps"] == pytest.approx(floor)
        assert value["of the planned floor area"] == pytest.approx(100 * floor / 7.5e6)

    @pytest.mark.parametrize(
        ("credit", "factor", "expected"),
        [
            ("heat and cold", "national", 581 / 3.6 / 2),  # COP 3: one MJ of electricity to two renewable
            ("heat and cold", "regional", 942 / 3.6 / 2),
            ("heat", "national", 581 / 3.6 / 2 * 318.03 / 181.48),
        ],
    )
    def test_carbon_of_heat_pumps(self, eco, credit, factor, expected):
        found = audit.heat_pump_carbon(eco.inputs).sel(credit=credit, factor=factor)
        assert float(found.sel(cop=3.0, method="nearest")) == pytest.approx(expected)
        assert (found.diff("cop") < 0).all()

    def test_baseline_carbon_is_heat_pumps(self, eco):
        """69 % of the baseline's carbon from 4.8 % of its energy: 72.65 % is, in essence, to drop them."""
        assert audit.footprint_share(eco.inputs, eco.energy, eco.point["carbon"]) == pytest.approx(69, abs=0.5)


class TestDisplaced:
    @pytest.fixture
    def table(self, eco):
        return audit.displaced_carbon(eco.inputs, eco.energy, eco.inputs["published_carbon"])

    def test_one_row_by_hand(self, eco, table):
        """Regional grid and gas heaters; the change of each energy in MWh times what it displaces in kg/kWh."""
        mwh = (eco.energy.sel(plan="optimum") - eco.energy.sel(plan="baseline")) / 3600
        change = {t: float(mwh.sel(technology=t)) for t in (WIND, SOLAR_POWER, SOLAR_HOT_WATER, HEAT_PUMP)}
        row = table.query("`grid factor` == 'regional margin' and `hot water replaces` == 'gas heater'").iloc[0]
        gas = 0.202 / 0.9
        supplied = 1 / (1 - 1 / 3.67)  # MJ of heat and cold a credited MJ
        expected = {
            WIND: change[WIND] * 0.942,
            SOLAR_POWER: change[SOLAR_POWER] * 0.942,
            SOLAR_HOT_WATER: change[SOLAR_HOT_WATER] * gas,
            HEAT_PUMP: change[HEAT_PUMP] * supplied * (181.48 * gas + 136.55 * 0.942 / 3) / 318.03,
        }
        for technology, tonnes in expected.items():
            assert row[f"displaced by {technology} [t/a]"] == pytest.approx(tonnes), technology
        assert row["displaced [t/a]"] == pytest.approx(sum(expected.values()))
        assert row["own footprint [t/a]"] == pytest.approx(-1477.36065)
        assert row["net gain [t/a]"] == pytest.approx(sum(expected.values()) + 1477.36065)

    def test_sign_depends_on_what_hot_water_replaces(self, table):
        gain = table.set_index(["grid factor", "hot water replaces"])["net gain [t/a]"]
        assert (gain.xs("electric heater", level=1) > 0).all()
        assert gain["regional margin", "gas heater"] < 0 < gain["national average", "gas heater"]

    def test_same_plans_displace_the_same(self, eco):
        energy = eco.energy.copy(deep=True)
        energy.loc[{"plan": "optimum"}] = energy.sel(plan="baseline").to_numpy()
        table = audit.displaced_carbon(eco.inputs, energy, eco.inputs["published_carbon"] * 0 + 5)
        assert table["net gain [t/a]"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("credit", ["heat and cold", "heat"])
def test_credit_reaches_the_audit(eco, credit):
    """The same credited energy takes more floor, and displaces more, where heat alone is credited."""
    floor = audit.heat_balance(eco.inputs, eco.energy, credit).set_index("quantity")["value"]
    size = float((eco.energy / plans.yields(eco.inputs, credit)).sel(plan="baseline", technology=HEAT_PUMP))
    assert floor["floor area of the baseline's heat pumps"] == pytest.approx(size)
    column = f"displaced by {HEAT_PUMP} [t/a]"
    both = audit.displaced_carbon(eco.inputs, eco.energy, eco.inputs["published_carbon"])[column]
    this = audit.displaced_carbon(eco.inputs, eco.energy, eco.inputs["published_carbon"], credit)[column]
    ratio = 1.0 if credit == "heat and cold" else (181.48 + 136.55) / 181.48
    assert (this / both).to_numpy() == pytest.approx(ratio)


def test_shortfall_by_hand(eco):
    table = audit.shortfall(eco.inputs, eco.energy).set_index("quantity")["as it follows"]
    assert table.iloc[0] == pytest.approx(14.7 / 15)
    assert table.iloc[1] == pytest.approx(100 * (1 - 2834116.92 / (3310354.42 / 0.98)))
    assert table.iloc[2] == pytest.approx(100 * (1 - 556299.18 / (2033659.83 / 0.98)))
    assert table.iloc[3] == pytest.approx(2.634483 / (100 * 13 / 147), rel=1e-5)
