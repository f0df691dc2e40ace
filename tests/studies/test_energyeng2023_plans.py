"""What of the study follows from its own numbers: demand, shares, areas, sizes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bcopt.models import renewables
from bcopt.studies.energyeng2023 import plans
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, TECHNOLOGIES, WIND

PRINTED = {
    "baseline": dict(zip(TECHNOLOGIES, ("11.56", "8.84", "4.76", "74.83"), strict=True)),
    "optimum": dict(zip(TECHNOLOGIES, ("20.23", "2.63", "0.00", "77.13"), strict=True)),
}


def as_printed(energy, plan):
    share = plans.shares(energy).sel(plan=plan)
    return {t: f"{float(share.sel(technology=t)):.2f}" for t in TECHNOLOGIES}


class TestArithmeticThatHolds:
    def test_demand(self, eco):
        assert plans.demand(eco.inputs) == pytest.approx(48_910.92, abs=0.005)
        assert plans.energy_target(eco.inputs, "exact") == pytest.approx(176.08e6, abs=0.005e6)
        assert plans.energy_target(eco.inputs, "rounded") == 176e6

    def test_reductions_follow_from_the_published_totals(self):
        assert f"{100 * 476_237.50 / 3_310_354.42:.2f}" == "14.39"
        assert f"{100 * 1_477_360.65 / 2_033_659.83:.2f}" == "72.65"

    def test_published_totals_in_the_data(self, eco):
        change = eco.inputs.sel(plan="baseline") - eco.inputs.sel(plan="optimum")
        assert float(change["published_cost"]) == pytest.approx(476_237.50, abs=1e-6)
        assert float(change["published_carbon"]) == pytest.approx(1_477_360.65, abs=1e-6)

    def test_baseline_is_parts_of_147(self, eco):
        assert eco.inputs["baseline_parts"].values.tolist() == [17, 13, 7, 110]
        assert as_printed(eco.energy, "baseline") == PRINTED["baseline"]

    def test_no_smaller_parts_print_the_baseline(self):
        """Among all denominators up to 147, only 147 prints the four shares with parts that sum to it."""
        printed = [float(x) for x in PRINTED["baseline"].values()]
        fitting = [
            n for n in range(1, 148)
            if sum(parts := [round(p * n / 100) for p in printed]) == n
            and all(abs(100 * k / n - p) <= 0.005 for k, p in zip(parts, printed, strict=True))
        ]  # fmt: skip
        assert fitting == [147]

    def test_baseline_is_probably_two_percent_short(self):
        """147 tenths of a percent of all energy use are 14.7 %, not 15 %: per MWh the reductions would be higher."""
        per_mwh = [
            100 * (1 - after / before * 14.7 / 15)
            for before, after in ((3310354.42, 2834116.92), (2033659.83, 556299.18))
        ]
        assert per_mwh == pytest.approx([16.1, 73.2], abs=0.05)

    def test_optimum_prints_with_the_rounded_target_only(self, eco):
        assert eco.areas.values.tolist() == [7680, 1000]
        assert as_printed(eco.energy, "optimum") == PRINTED["optimum"]
        exact = plans.energies(eco.inputs, eco.areas, plans.energy_target(eco.inputs, "exact"))
        assert as_printed(exact, "optimum") == PRINTED["optimum"] | {SOLAR_HOT_WATER: "20.22", WIND: "77.14"}

    def test_closing_share_needs_unrounded_bounds(self, eco):
        """100 - 20.23 - 2.63 is 77.14 and 77.13 is printed."""
        assert f"{100 - 20.23 - 2.63:.2f}" == "77.14"
        assert as_printed(eco.energy, "optimum")[WIND] == "77.13"

    def test_rounded_shares_are_not_enough_for_the_totals(self, eco):
        """Two printed decimals of a share move the totals by many units, where cents and tens of grams are printed."""
        rounded = plans.shares(eco.energy).round(2) / 100 * eco.target
        cost = abs((rounded - eco.energy) * eco.point["cost"]).sum("technology")
        carbon = abs((rounded - eco.energy) * eco.point["carbon"]).sum("technology") / 1000
        assert (cost > 10).all()
        assert (carbon > 10).all()


class TestPlans:
    def test_both_plans_meet_the_target(self, eco):
        assert eco.energy.sum("technology").values == pytest.approx([eco.target] * 2, rel=1e-14)
        assert eco.energy.dims == ("plan", "technology")
        assert eco.energy.technology.values.tolist() == list(TECHNOLOGIES)

    def test_printed_percentages_miss_a_ten_thousandth(self, eco):
        energy = plans.energies(eco.inputs, eco.areas, eco.target, "printed percentages")
        assert energy.sel(plan="baseline").values == pytest.approx(np.array([11.56, 8.84, 4.76, 74.83]) / 100 * 176e6)
        assert float(energy.sel(plan="baseline").sum()) == pytest.approx(0.9999 * 176e6)
        assert float(energy.sel(plan="optimum").sum()) == pytest.approx(176e6)

    def test_sizes(self, eco):
        """The published energies as areas and turbines, each by hand."""
        table = plans.plan_table(eco.energy, eco.inputs, "heat and cold").set_index(["plan", "technology"])
        at = table.loc["optimum"]
        assert at.loc[SOLAR_HOT_WATER, "size"] == pytest.approx(7680 / (0.6 * 0.8 * 0.8))  # 20,000 m2
        assert at.loc[SOLAR_POWER, "size"] == pytest.approx(1000 / (0.125 * 0.8))  # 10,000 m2
        assert at.loc[HEAT_PUMP, "size"] == 0
        assert at.loc[WIND, "energy [MWh/a]"] == pytest.approx(37_709, abs=1)
        assert at.loc[WIND, "size"] == pytest.approx(52.7, abs=0.05)
        floor = 7 / 147 * 176e6 / ((181.48 + 136.55) * (1 - 1 / 3.67))
        assert table.loc[("baseline", HEAT_PUMP), "size"] == pytest.approx(floor)
        assert table["printed share [%]"].tolist() == pytest.approx(table["share [%]"].tolist(), abs=0.005)

    def test_crediting_heat_alone_needs_more_floor(self, eco):
        both, heat = (plans.yields(eco.inputs, credit) for credit in ("heat and cold", "heat"))
        ratio = both / heat
        assert ratio.sel(technology=HEAT_PUMP) == pytest.approx((181.48 + 136.55) / 181.48)
        assert (ratio.drop_sel(technology=HEAT_PUMP) == 1).all()

    def test_factorisations_of_an_area(self, eco):
        table = plans.size_factorisations(eco.areas, eco.inputs)
        products = table["product of efficiencies"] * table["physical area [m2]"]
        assert products.tolist() == pytest.approx([7680] * 3 + [1000] * 3)
        assert table["product of efficiencies"].tolist() == pytest.approx([0.384, 0.3, 0.5, 0.1, 0.12, 0.16])

    def test_months(self, eco):
        found = plans.monthly_resource(eco.inputs)
        assert float(found["irradiation"].sum()) == pytest.approx(4636.69)
        assert float(found["unscaled_year"]) == pytest.approx(
            4646.2
        )  # the months by hand; 0.2 % above the published year
        assert float(found["mean_wind_speed"]) == pytest.approx(3.55, abs=0.005)
        assert 1 < float(found["cube_factor"]) < 1.05
        assert int(plans.DAYS.sum()) == 365

    def test_months_of_constant_wind(self, eco):
        """Wind of one speed all year: the mean is it, and the cube of the mean is the mean of the cubes."""
        calm = eco.inputs.assign(monthly_wind_speed=eco.inputs["monthly_wind_speed"] * 0 + 4)
        found = plans.monthly_resource(calm)
        assert float(found["mean_wind_speed"]) == pytest.approx(4)
        assert float(found["cube_factor"]) == pytest.approx(1)


def decimal(x):
    return Fraction(repr(float(x)))


def digits(x):
    """Significant digits of a decimal."""
    mantissa = f"{float(x):.15e}".partition("e")[0].replace(".", "")
    return max(len(mantissa.rstrip("0")), 1)


def roundest_by_enumeration(low, high):
    """Return the fewest digits that any number in the interval has, and the one nearest to the middle with so many."""
    low, high = decimal(low), decimal(high)
    for count in range(1, 17):
        found = []
        for exponent in range(math.floor(math.log10(low)) - 1, math.floor(math.log10(high)) + 2):
            unit = Fraction(10) ** (exponent - count + 1)
            least, most = max(math.ceil(low / unit), 10 ** (count - 1)), min(math.floor(high / unit), 10**count - 1)
            if least <= most:
                middle = min(max(round((low + high) / 2 / unit), least), most)
                found.append(middle * unit)
        if found:
            return count, min(abs(x - (low + high) / 2) for x in found)
    raise AssertionError("a double has 17 digits at most")


class TestRoundest:
    @pytest.mark.parametrize(
        ("low", "high", "expected"),
        [
            (7677.1, 7680.9, 7680),
            (996.4, 1000.2, 1000),
            (0.94, 1.06, 1),
            (0.951, 0.989, 0.97),
            (2.1, 4.8, 3),  # 3 and 4 have one digit: 3.45 is the middle
            (1.23456, 1.23456, 1.23456),
            (8, 10, 9),  # 8, 9 and 10 have one digit each: 9 is in the middle
            (50, 110, 80),
        ],
    )
    def test_by_hand(self, low, high, expected):
        assert plans.roundest(low, high) == expected

    @given(st.floats(1e-4, 1e7).map(lambda x: float(f"{x:.6g}")), st.floats(1, 2))
    @example(8.0, 1.25)
    @example(0.99, 1.0100)
    @example(0.9899999999, 1.0101010100)
    def test_none_is_rounder(self, low, ratio):
        high = low * ratio
        found = plans.roundest(low, high)
        assert low <= found <= high
        count, distance = roundest_by_enumeration(low, high)
        assert digits(found) == count
        assert abs(decimal(found) - (decimal(low) + decimal(high)) / 2) == pytest.approx(
            distance, rel=1e-9, abs=1e-12 * low
        )

    @pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (2, 1), (math.nan, 1), (1, math.nan)])
    def test_refused(self, low, high):
        with pytest.raises(ValueError, match="expected 0 < low <= high, got"):
            plans.roundest(low, high)

    def test_effective_areas_stay_within_what_prints(self, eco):
        found = plans.effective_areas(eco.inputs, eco.target)
        assert bool(((found["low"] <= found["effective_area"]) & (found["effective_area"] <= found["high"])).all())
        for end in ("low", "high"):
            printed = 100 * found[end] * float(eco.inputs["irradiation"]) / eco.target
            sign = -1 if end == "low" else 1
            assert printed.values == pytest.approx([20.23 + sign * 0.005, 2.63 + sign * 0.005])


@pytest.mark.parametrize(
    "refuse",
    [
        lambda eco: plans.energy_target(eco.inputs, "about"),
        lambda eco: plans.energies(eco.inputs, eco.areas, eco.target, "guessed"),
        lambda eco: plans.yields(eco.inputs, "cold"),
    ],
)
def test_unknown_options_are_refused(eco, refuse):
    with pytest.raises(ValueError, match=r"'(about|guessed|cold)'"):
        refuse(eco)


def test_units(eco):
    assert eco.energy.attrs["units"] == "MJ/a"
    assert float(eco.energy.sel(plan="baseline").sum()) / renewables.MJ_PER_MWH == pytest.approx(48_889, abs=0.5)
