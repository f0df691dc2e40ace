"""Coefficients behind the four totals: what they hit, what order they keep, what of them is known."""

from __future__ import annotations

import pytest
import xarray as xr

from bcopt.models import mix
from bcopt.studies.energyeng2023 import coefficients, optimisation, plans
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, TECHNOLOGIES, WIND

READINGS = tuple(coefficients.MERIT_ORDER)
MARGINS = (0.0, 0.02, 0.05)
DISTANCES = ("log-deviation", "standardised log-deviation")
QUANTITIES = tuple(coefficients.QUANTITIES)


@pytest.fixture(scope="module")
def points(eco):
    """Every reference point of the protocol."""
    return {
        (reading, margin, distance): coefficients.reference(eco.inputs, eco.energy, reading, margin, distance)
        for reading in READINGS
        for margin in MARGINS
        for distance in DISTANCES
    }


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("reading", READINGS)
class TestReference:
    def test_hits_the_totals(self, eco, points, reading, margin, distance):
        point = points[reading, margin, distance]
        for quantity in QUANTITIES:
            total = (point[quantity] * eco.energy).sum("technology")
            assert total.values == pytest.approx(coefficients.totals(eco.inputs, quantity).values, rel=1e-13)
            assert (point[quantity] > 0).all()

    def test_keeps_the_order_with_its_margin(self, points, reading, margin, distance):
        point = points[reading, margin, distance]
        for quantity in QUANTITIES:
            for cheaper, dearer in coefficients.MERIT_ORDER[reading]:
                ratio = float(point[quantity].sel(technology=dearer) / point[quantity].sel(technology=cheaper))
                assert ratio >= (1 + margin) * (1 - 1e-9), (quantity, cheaper, dearer)

    def test_makes_the_published_mix_the_only_optimum(self, eco, points, reading, margin, distance):
        """With any margin in every reading; without, hot water and wind are exchangeable where the order binds."""
        where = optimisation.region(eco.energy, reading)
        for quantity in QUANTITIES:
            unit = points[reading, margin, distance][quantity]
            ties = mix.tied(unit, where.lower, where.upper, where.total)
            if margin == 0 and (reading, quantity) in {("b", "cost"), ("c", "carbon")}:
                assert ties == [SOLAR_HOT_WATER, WIND]
                continue
            assert ties == []
            best = mix.cheapest_mix(unit, where.lower, where.upper, where.total)
            assert best.values == pytest.approx(eco.optimum.values, abs=1e-9 * where.total)


# Which objectives the published mix minimises when bounds are read in one way (column), coefficients fitted in another.
AGREEMENT = {
    "a": {"a": ("cost", "carbon"), "b": ("carbon",), "c": ("cost",)},
    "b": {"a": ("cost", "carbon"), "b": ("cost", "carbon"), "c": ()},
    "c": {"a": ("cost", "carbon"), "b": (), "c": ("cost", "carbon")},
}


@pytest.mark.parametrize("bounds", READINGS)
@pytest.mark.parametrize("fitted", READINGS)
def test_a_wrong_reading_shows(eco, points, fitted, bounds):
    """Only the fitted reading is sure to give the published mix; bounds (b) and (c) tell the points apart."""
    where = optimisation.region(eco.energy, bounds)
    minimised = []
    for quantity in QUANTITIES:
        best = mix.cheapest_mix(points[fitted, 0.02, "log-deviation"][quantity], where.lower, where.upper, where.total)
        if abs(best - eco.optimum).max() < 1e-9 * where.total:
            minimised.append(quantity)
    assert tuple(minimised) == AGREEMENT[fitted][bounds]


def test_merit_order_belongs_to_the_active_bounds():
    """At an upper bound a technology is cheaper than the one that takes the rest, at a lower bound dearer."""
    for reading, active in optimisation.ACTIVE.items():
        (rest,) = set(TECHNOLOGIES) - set(active)
        assert set(coefficients.MERIT_ORDER[reading]) == {
            (t, rest) if end == "upper" else (rest, t) for t, end in active.items()
        }


def test_reference_by_an_unknown_distance_is_refused(eco):
    with pytest.raises(ValueError, match="as the crow flies"):
        coefficients.reference(eco.inputs, eco.energy, "c", 0.02, "as the crow flies")


class TestTotals:
    @pytest.mark.parametrize("credit", ["heat and cold", "heat"])
    @pytest.mark.parametrize("depreciation", [False, True])
    def test_hit_to_the_printed_digit(self, eco, depreciation, credit):
        """Any split into capital and operation hits the totals: it is identity, and no evidence."""
        parts = coefficients.decompose(eco.point, eco.inputs, depreciation, credit)
        found = coefficients.plan_totals(eco.energy, parts, eco.inputs, depreciation)
        assert [f"{x:,.2f}" for x in found["cost"].values] == ["3,310,354.42", "2,834,116.92"]
        assert [f"{x:,.2f}" for x in found["carbon"].values] == ["2,033,659.83", "556,299.18"]
        assert f"{float(found['cost_reduction']):.2f}" == "14.39"
        assert f"{float(found['carbon_reduction']):.2f}" == "72.65"

    @pytest.mark.parametrize("credit", ["heat and cold", "heat"])
    @pytest.mark.parametrize("depreciation", [False, True])
    def test_split_and_join_again(self, eco, depreciation, credit):
        parts = coefficients.decompose(eco.point, eco.inputs, depreciation, credit)
        xr.testing.assert_allclose(coefficients.unit_values(parts, eco.inputs, depreciation), eco.point, rtol=1e-13)

    def test_split_by_hand(self, eco):
        """Only heat pumps operate: 1 / 2.67 MJ of electricity a MJ at 0.10 USD and 0.942 kg a kWh."""
        kwh = 1 / (3.67 - 1) / 3.6
        rest = eco.parts.drop_sel(technology=HEAT_PUMP)
        assert (rest["operation_cost"] == 0).all()
        assert (rest["operation_carbon"] == 0).all()
        pump, point = eco.parts.sel(technology=HEAT_PUMP), eco.point.sel(technology=HEAT_PUMP)
        assert float(pump["operation_cost"]) == pytest.approx(kwh * 0.10)
        assert float(pump["operation_carbon"]) == pytest.approx(kwh * 942)
        assert float(pump["capital"]) == pytest.approx((float(point["cost"]) - kwh * 0.10) / (0.11745962 + 0.025))
        assert float(pump["embodied_carbon"]) == pytest.approx((float(point["carbon"]) - kwh * 942) * 20)

    def test_depreciation_double_counts_capital_and_decides_nothing(self, eco):
        charges = [coefficients.charges(eco.inputs, d) for d in (False, True)]
        assert (charges[1] - charges[0]).values == pytest.approx([0.05] * 4)
        assert charges[0].values == pytest.approx([0.12745962, 0.12745962, 0.14245962, 0.12745962], abs=1e-8)
        parts = [coefficients.decompose(eco.point, eco.inputs, d, "heat and cold") for d in (False, True)]
        assert (parts[1]["capital"] < parts[0]["capital"]).all()
        units = [coefficients.unit_values(p, eco.inputs, d) for p, d in zip(parts, (False, True), strict=True)]
        found = [mix.cheapest_mix(u["cost"], eco.where.lower, eco.where.upper, eco.where.total) for u in units]
        xr.testing.assert_equal(*found)

    def test_what_a_unit_would_cost(self, eco):
        table = coefficients.meaning_table(eco.point, eco.parts, plans.yields(eco.inputs)).set_index("technology")
        assert table.loc[WIND, "cost [USD/kWh]"] == pytest.approx(3.6 * float(eco.point["cost"].sel(technology=WIND)))
        assert table.loc[WIND, "cost [USD/kWh]"] == pytest.approx(0.059, abs=5e-4)
        hot_water = float(eco.parts["capital"].sel(technology=SOLAR_HOT_WATER)) * 4636.69 * 0.384
        assert table.loc[SOLAR_HOT_WATER, "capital [USD per unit]"] == pytest.approx(hot_water)
        assert 50 < hot_water < 350  # USD per m2 of collector: a price

    def test_variants(self, eco):
        table = coefficients.reference_variants(eco.inputs, eco.energy, (0.02,))
        assert len(table) == len(READINGS) * len(DISTANCES)
        central = table.set_index("variant").loc["c, 2 %, log-deviation"]
        assert central[f"cost of {WIND} [USD/MJ]"] == pytest.approx(float(eco.point["cost"].sel(technology=WIND)))


@pytest.fixture(scope="module")
def found(eco):
    return coefficients.ranges(eco.inputs, eco.energy, 4_000, 1)


class TestIdentifiability:
    def test_ranges_are_nested(self, found):
        for inner, outer in (("prior_box", "positivity"), ("prior_box", "prior"), ("posterior", "positivity")):
            assert (found[inner].sel(end="low") >= found[outer].sel(end="low") * (1 - 1e-6)).all(), (inner, outer)
            assert (found[inner].sel(end="high") <= found[outer].sel(end="high") * (1 + 1e-6)).all(), (inner, outer)
        assert (found["posterior_median"] > found["posterior"].sel(end="low")).all()
        assert (found["posterior_median"] < found["posterior"].sel(end="high")).all()

    def test_positivity_by_hand(self, eco, found):
        """With hot water, solar power and heat pumps free of charge wind takes the whole cost of the optimum."""
        ends = found["positivity"].sel(quantity="cost", technology=WIND)
        assert float(ends.sel(end="low")) == 0
        assert float(ends.sel(end="high")) == pytest.approx(2_834_116.92 / float(eco.optimum.sel(technology=WIND)))

    def test_two_coefficients_are_known(self, found):
        """Of eight, wind's cost and heat pumps' carbon, as the independent reference calculation found them."""
        wind = 3.6 * found["posterior"].sel(quantity="cost", technology=WIND)
        pump = found["posterior"].sel(quantity="carbon", technology=HEAT_PUMP)
        assert wind.values == pytest.approx([0.047, 0.067], abs=0.001)
        assert pump.values == pytest.approx([151, 179], abs=2)

    def test_and_the_rest_are_not(self, eco, found):
        table = coefficients.identifiability_table(found, eco.point).set_index("coefficient")["uncertainty left [%]"]
        assert table.idxmin() == f"carbon of {HEAT_PUMP} [g/MJ]"
        assert table.min() < 15
        assert table[f"cost of {WIND} [USD/MJ]"] < 35
        assert table[f"carbon of {WIND} [g/MJ]"] < 60
        unknown = [
            f"{q} of {t} [{u}]" for q, u in coefficients.QUANTITIES.items() for t in (SOLAR_HOT_WATER, SOLAR_POWER)
        ]
        assert (table[unknown] > 70).all()

    def test_prior_box_is_the_central_95_percent(self, found):
        prior = found["prior"].sel(quantity="cost", technology=WIND)
        assert prior.values == pytest.approx([0.0165 * 1.35**-1.96, 0.0165 * 1.35**1.96])
