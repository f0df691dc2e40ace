"""Yields, costs and carbon of a renewable mix: hand values, limits, labels and monotonicity."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bcopt.models import renewables

RATES = st.floats(0, 1, allow_subnormal=False)  # below 1e-308 a product with the lifetime has few digits left
LIVES = st.floats(1, 100)
SHARES = st.floats(0, 1)


def by_technology(*values):
    return xr.DataArray(list(values), dims="technology", coords={"technology": ["hot water", "wind"][: len(values)]})


# One value per function, each worked out on paper; 1/3 and the like where the decimals do not end.
BY_HAND = [
    (renewables.renewable_demand, (326_072.78, 0.15), 48_910.917),
    (renewables.solar_hot_water_yield, (5000.0, 0.5, 0.2, 0.75), 1500.0),
    (renewables.solar_power_yield, (5000.0, 0.2, 0.8), 800.0),
    (renewables.heat_pump_yield, (180.0, 120.0, 4.0), 225.0),
    (renewables.heat_pump_yield, (180.0, 120.0, 4.0, "heat"), 135.0),
    (renewables.heat_pump_electricity, (180.0, 120.0, 4.0), 1 / 3),
    (renewables.heat_pump_electricity, (180.0, 120.0, 4.0, "heat"), 75 / 135),  # cold is drawn for, not credited
    (renewables.wind_yield_preliminary, (0.3048, 0.44704), 0.01328),  # 1 foot, 1 mile per hour
    (renewables.wind_yield_preliminary, (3.048, 4.4704), 1328.0),  # 10 feet, 10 miles per hour
    (renewables.capital_recovery_factor, (0.10, 20.0), 0.117460),
    (renewables.capital_recovery_factor, (0.05, 30.0), 0.065051),
    (renewables.capital_recovery_factor, (1.0, 1.0), 2.0),  # borrowed at 100 % for a year: repay twice
    (renewables.annual_charge, (0.10, 20.0, 0.01), 0.127460),
    (renewables.annual_charge, (0.10, 20.0, 0.01, True), 0.177460),
]


@pytest.mark.parametrize(("function", "arguments", "value"), BY_HAND)
def test_by_hand(function, arguments, value):
    assert function(*arguments) == pytest.approx(value, abs=5e-7 if abs(value) < 1 else 1e-9 * abs(value))


@pytest.mark.parametrize(("function", "arguments", "_"), BY_HAND)
@pytest.mark.parametrize("position", [0, 1])
def test_labelled_arrays_hold_the_numbers(function, arguments, _, position):
    """Any argument may carry labels; each label then holds what the numbers alone give."""
    if function is renewables.heat_pump_yield and arguments[3:] == ("heat",) and position == 1:
        pytest.skip("cold that is not credited leaves no trace")
    factors = (1.0, 0.9)
    changed = [[x * factor if k == position else x for k, x in enumerate(arguments)] for factor in factors]
    labelled = [by_technology(*(x * f for f in factors)) if k == position else x for k, x in enumerate(arguments)]
    found = function(*labelled)
    assert found.dims == ("technology",)
    assert found.technology.values.tolist() == ["hot water", "wind"]
    assert found.values == pytest.approx([function(*case) for case in changed], rel=1e-14)


def test_labels_match_by_name_and_never_by_position():
    rates, other = by_technology(0.1, 0.2), by_technology(10.0, 20.0).isel(technology=[1, 0])
    with pytest.raises(ValueError, match="technology"):
        renewables.capital_recovery_factor(rates, other)


@pytest.mark.parametrize(
    "function", [renewables.capital_recovery_factor, lambda i, n: renewables.annual_charge(i, n, 0.0)]
)
def test_numbers_in_number_out(function):
    assert isinstance(function(0.1, 20.0), float)
    assert isinstance(function(0.0, 20.0), float)


class TestAnnuity:
    @pytest.mark.parametrize("lifetime", [1.0, 20.0, 37.5])
    def test_without_interest_capital_is_spread_evenly(self, lifetime):
        assert renewables.capital_recovery_factor(0.0, lifetime) == 1 / lifetime

    @pytest.mark.parametrize("rate", [1e-4, 1e-8, 1e-12, 1e-16, 1e-100])
    def test_continuous_at_no_interest(self, rate):
        """CRF = 1/n (1 + (n + 1) i / 2 + (n^2 - 1) i^2 / 12 + ...): no cancellation on the way to zero."""
        series = (1 + 21 * rate / 2 + 399 * rate**2 / 12) / 20
        assert renewables.capital_recovery_factor(rate, 20.0) == pytest.approx(
            series, rel=1e-10 if rate > 1e-6 else 4e-16
        )

    def test_array_with_and_without_interest(self):
        found = renewables.capital_recovery_factor(by_technology(0.0, 0.1), 20.0)
        assert found.values == pytest.approx([0.05, 0.11745962])

    def test_perpetuity_pays_interest_alone(self):
        assert renewables.capital_recovery_factor(0.1, 1000.0) == pytest.approx(0.1, rel=1e-15)

    @given(st.floats(1e-6, 1), st.integers(1, 60))
    def test_repays_the_capital(self, rate, years):
        """The present value of n annuities is the capital."""
        annuity = renewables.capital_recovery_factor(rate, float(years))
        assert math.fsum(annuity / (1 + rate) ** t for t in range(1, years + 1)) == pytest.approx(1, rel=1e-12)

    @given(RATES, RATES, LIVES)
    def test_rises_with_interest(self, a, b, years):
        low, high = sorted((a, b))
        assert renewables.capital_recovery_factor(low, years) <= renewables.capital_recovery_factor(high, years) * (
            1 + 1e-15
        )
        if high - low > 1e-6:
            assert renewables.capital_recovery_factor(low, years) < renewables.capital_recovery_factor(high, years)

    @given(RATES, LIVES, LIVES)
    def test_falls_with_lifetime(self, rate, a, b):
        short, long = sorted((a, b))
        assert renewables.capital_recovery_factor(rate, long) <= renewables.capital_recovery_factor(rate, short) * (
            1 + 1e-15
        )

    @given(RATES, LIVES, SHARES)
    def test_depreciation_adds_the_capital_once_more(self, rate, years, maintenance):
        single, double = (renewables.annual_charge(rate, years, maintenance, d) for d in (False, True))
        assert double - single == pytest.approx(1 / years, rel=1e-9)


class TestYields:
    @given(st.floats(0, 1e4), SHARES, SHARES, SHARES, SHARES)
    def test_solar_rises_with_efficiency_and_falls_with_loss(self, irradiation, a, b, loss, other):
        low, high = sorted((a, b))
        for rising in (
            lambda x: renewables.solar_power_yield(irradiation, x, other),
            lambda x: renewables.solar_power_yield(irradiation, other, x),
            lambda x: renewables.solar_hot_water_yield(irradiation, x, loss, other),
            lambda x: renewables.solar_hot_water_yield(irradiation, other, loss, x),
            lambda x: -renewables.solar_hot_water_yield(irradiation, other, x, 0.7),
        ):
            assert rising(low) <= rising(high)

    @given(st.floats(0, 1e4), SHARES, SHARES, SHARES)
    def test_solar_never_exceeds_the_sun(self, irradiation, a, b, c):
        assert 0 <= renewables.solar_hot_water_yield(irradiation, a, b, c) <= irradiation
        assert 0 <= renewables.solar_power_yield(irradiation, a, b) <= irradiation

    def test_perfect_and_useless_heat_pumps(self):
        """COP to infinity: all that is supplied is renewable. COP to 1: nothing, and no bound on the electricity."""
        assert renewables.heat_pump_yield(180.0, 120.0, 1e12) == pytest.approx(300, rel=1e-11)
        assert renewables.heat_pump_yield(180.0, 120.0, 1 + 1e-9) == pytest.approx(3e-7, rel=1e-6)
        assert renewables.heat_pump_electricity(180.0, 120.0, 1e12) == pytest.approx(1e-12, rel=1e-6)
        assert renewables.heat_pump_electricity(180.0, 120.0, 1 + 1e-9) == pytest.approx(1e9, rel=1e-6)

    @given(st.floats(1.01, 20), st.floats(0, 500), st.floats(1, 500))
    def test_renewable_heat_and_electricity_make_the_supply(self, cop, cold, heat):
        renewable = renewables.heat_pump_yield(heat, cold, cop)
        electricity = renewable * renewables.heat_pump_electricity(heat, cold, cop)
        assert renewable + electricity == pytest.approx(heat + cold, rel=1e-12)
        assert renewables.heat_pump_electricity(heat, cold, cop) == pytest.approx(1 / (cop - 1), rel=1e-9)

    @given(st.floats(1.01, 20), st.floats(0, 500), st.floats(1, 500))
    def test_crediting_heat_alone_credits_less(self, cop, cold, heat):
        assert renewables.heat_pump_yield(heat, cold, cop, "heat") <= renewables.heat_pump_yield(heat, cold, cop)
        assert renewables.heat_pump_yield(heat, 0.0, cop, "heat") == renewables.heat_pump_yield(heat, 0.0, cop)

    def test_wind_at_the_station_gives_91_kwh_per_square_metre_swept(self):
        swept = math.pi / 4 * 100**2
        assert renewables.wind_yield_preliminary(100.0, 3.55) / swept == pytest.approx(91.1, abs=0.05)

    @given(st.floats(1, 200), st.floats(0.1, 30))
    def test_wind_formula_in_si_units(self, diameter, speed):
        """0.01328 D^2 V^3 in feet and miles per hour is 2.037 V^3 kWh per m2 swept and m/s."""
        swept = math.pi / 4 * diameter**2
        assert renewables.wind_yield_preliminary(diameter, speed) / swept / speed**3 == pytest.approx(2.037, abs=5e-4)


class TestPlans:
    """A plan of 100 MJ from one technology and 50 MJ from the other."""

    energy = by_technology(100.0, 50.0)

    def test_cost_by_hand(self):
        # 100 (2 x 0.1 + 0.05) + 50 (4 x 0.2 + 0) = 25 + 40
        found = renewables.annual_cost(
            self.energy, by_technology(2.0, 4.0), by_technology(0.1, 0.2), by_technology(0.05, 0.0)
        )
        assert found.dims == ()
        assert float(found) == pytest.approx(65, rel=1e-14)

    @pytest.mark.parametrize("by_stage", [False, True])
    def test_carbon_by_hand(self, by_stage):
        # 100 (200 / 20 + 3) + 50 (400 / 20 + 0) = 1300 + 1000 g
        embodied = by_technology(200.0, 400.0)
        if by_stage:
            stages = ["production", "transport", "installation", "demolition"]
            embodied = embodied * xr.DataArray([0.7, 0.1, 0.15, 0.05], dims="stage", coords={"stage": stages})
        found = renewables.annual_carbon(self.energy, embodied, xr.DataArray(20.0), by_technology(3.0, 0.0))
        assert found.dims == ()
        assert float(found) == pytest.approx(2.3, rel=1e-14)

    def test_other_dims_are_kept(self):
        plans = xr.concat([self.energy, 2 * self.energy], dim="plan")
        one = by_technology(1.0, 1.0)
        assert renewables.annual_cost(plans, one, one, 0 * one).values.tolist() == [150, 300]
        assert renewables.annual_carbon(plans, one, xr.DataArray(1.0), 0 * one).values == pytest.approx([0.15, 0.30])

    def test_a_missing_technology_is_refused(self):
        one = by_technology(1.0, 1.0)
        with pytest.raises(ValueError, match="technology"):
            renewables.annual_cost(self.energy, one.isel(technology=[0]), one, one)


# Every range once from below, once from above where it ends, once as not a number.
REFUSED = [
    (renewables.renewable_demand, (1.0, by_technology(0.5, 1.2)),
     "renewable share must be from 0 to 1, got wind 1.2$"),
    (renewables.renewable_demand, (1.0, by_technology(-0.5, 2)), "got hot water -0.5; wind 2$"),
    (renewables.renewable_demand, (1.0, math.nan), "renewable share must be from 0 to 1, got nan$"),
    (renewables.solar_hot_water_yield, (by_technology(-1, 1), 0.5, 0.5, 0.5),
     "irradiation must be 0 or more, got hot water -1"),
    (renewables.solar_hot_water_yield, (1.0, by_technology(0.5, 1.5), 0.5, 0.5),
     "collector efficiency .* got wind 1.5"),
    (renewables.solar_hot_water_yield, (1.0, 0.5, by_technology(-0.1, 0.5), 0.5),
     "collector loss .* got hot water -0.1"),
    (renewables.solar_hot_water_yield, (1.0, 0.5, 0.5, by_technology(0.5, np.nan)),
     "collector utilisation .* got wind nan"),
    (renewables.solar_power_yield, (by_technology(1, -2), 0.5, 0.5), "irradiation .* got wind -2"),
    (renewables.solar_power_yield, (1.0, by_technology(1.01, 0.5), 0.5), "module efficiency .* got hot water 1.01"),
    (renewables.solar_power_yield, (1.0, 0.5, by_technology(-1, 0.5)), "performance ratio .* got hot water -1"),
    (renewables.heat_pump_yield, (by_technology(-1, 1), 1.0, 3.0), "heating must be 0 or more, got hot water -1"),
    (renewables.heat_pump_yield, (1.0, by_technology(1, -1), 3.0), "cooling must be 0 or more, got wind -1"),
    (renewables.heat_pump_yield, (1.0, 1.0, 1.0), "coefficient of performance must be above 1, got 1"),
    (renewables.heat_pump_yield, (1.0, 1.0, math.nan), "coefficient of performance must be above 1, got nan"),
    (renewables.heat_pump_yield, (1.0, 1.0, by_technology(3.0, 0.9)), "coefficient of performance .* got wind 0.9"),
    (renewables.heat_pump_yield, (1.0, 1.0, 3.0, "cold"), "credit must be 'heat and cold' or 'heat', got 'cold'"),
    (renewables.heat_pump_electricity, (1.0, -1.0, 3.0), "cooling must be 0 or more, got -1"),
    (renewables.wind_yield_preliminary, (by_technology(1, -1), 3.0), "rotor diameter .* got wind -1"),
    (renewables.wind_yield_preliminary, (1.0, by_technology(-3, 3)), "wind speed .* got hot water -3"),
    (renewables.capital_recovery_factor, (by_technology(0.1, -0.1), 20.0), "interest rate .* got wind -0.1"),
    (renewables.capital_recovery_factor, (0.1, 0.0), "lifetime must be positive, got 0"),
    (renewables.capital_recovery_factor, (0.1, math.nan), "lifetime must be positive, got nan"),
    (renewables.capital_recovery_factor, (0.1, by_technology(20.0, -5.0)), "lifetime must be positive, got wind -5"),
    (renewables.annual_charge, (0.1, 20.0, by_technology(0.01, -0.02)), "maintenance rate .* got wind -0.02"),
    (renewables.annual_charge, (0.1, 0.0, 0.01, True), "lifetime must be positive, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "message"), REFUSED)
def test_refused_by_name(function, arguments, message):
    with pytest.raises(ValueError, match=message) as refusal:
        function(*arguments)
    assert "\n" not in str(refusal.value)  # a sentence, and no array printed whole
