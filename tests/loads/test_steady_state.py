"""A month's heating by hand: every term, its limits, and EnergyPlus beside it for three storeys of a lone tower."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.loads.programs import standard_program
from bcopt.loads.simulation import Case, storeys
from bcopt.loads.solar import PhotovoltaicArray, plane_of_array_irradiance
from bcopt.loads.steady_state import _utilisation, monthly_heating
from bcopt.loads.weather import CALENDAR, read_weather

INDOOR, AIR_CHANGE = 20.0, 0.5
JANUARY = CALENDAR.month == 1
LOSSES = ["walls", "windows", "roof", "floor", "air"]


@pytest.fixture(scope="module")
def dark():
    """Return a year without sun at one temperature outdoors."""

    def call(temperature=0.0):
        radiation = ("global_horizontal_radiation", "direct_normal_radiation", "diffuse_horizontal_radiation")
        values = {"dry_bulb_temperature": temperature, "wind_speed": 1.0, "albedo": 0.2} | dict.fromkeys(radiation, 0.0)
        return xr.Dataset(
            {name: ("hour", np.full(8760, value)) for name, value in values.items()},
            coords={"hour": np.arange(8760)},
            attrs={"latitude": 40.0, "longitude": 116.5, "time_zone": 8.0, "elevation": 31.0},
        )

    return call


@pytest.fixture
def january(cluster, envelope, dark):
    """Return a January at 0 degC without sun, 20 degC indoors and 15 degC below, but for what is given."""

    def call(walls=None, **changed):
        usual = {
            "weather": dark(),
            "month": 1,
            "indoor": INDOOR,
            "internal_gains": 0.0,
            "soil": 15.0,
            "air_change": 0.5,
        }
        return monthly_heating(cluster(), envelope(**(walls or {})), **(usual | changed))

    return call


class TestByHand:
    """20 m x 10 m x 3 m; facades of 60, 30, 60, 30 m2 with 15, 3, 24, 3 m2 of window; 744 h of 20 K, 14.88 kKh."""

    @pytest.mark.parametrize(
        ("term", "ground", "middle", "top"),
        [
            ("walls", 903.96, 903.96, 903.96),  # 135 m2 x 0.45 W/m2/K x 14.88 kKh
            ("windows", 1339.2, 1339.2, 1339.2),  # 45 m2 x 2 W/m2/K
            ("roof", 0, 0, 892.8),  # 200 m2 x 0.3 W/m2/K
            ("floor", 445.508982, 0, 0),  # 200 m2 x 5 K x 744 h / (1.5 + 0.17) m2K/W
            ("air", 1495.44, 1495.44, 1495.44),  # 600 m3 x 0.5 /h x 0.335 Wh/m3/K
            ("internal", 0, 0, 0),
            ("solar", 0, 0, 0),
            ("heating", 4184.108982, 3738.6, 4631.4),  # the sum: nothing is gained
            ("utilisation", 1, 1, 1),
        ],
    )
    def test_terms(self, january, term, ground, middle, top):
        found = january()
        assert found[term].to_numpy() == pytest.approx([ground, middle, top], abs=1e-6)
        assert found["storey"].to_numpy().tolist() == ["ground", "middle", "top"]

    def test_gains_and_their_use(self, january):
        """4 W/m2 give 595.2 kWh; the middle storey loses 3,738.6 kWh, 251.25 W/K; 14,444.4 Wh/K last 57.49 h."""
        found = january(internal_gains=4.0).sel(storey="middle")
        assert float(found["internal"]) == pytest.approx(595.2)
        losses = 903.96 + 1339.2 + 1495.44
        ratio, exponent = 595.2 / losses, 1 + (260 / 3.6 * 200) / (losses / 14.88) / 15
        assert (ratio, exponent) == pytest.approx((0.159204, 4.832688), rel=1e-6)
        utilisation = (1 - ratio**exponent) / (1 - ratio ** (exponent + 1))
        assert float(found["utilisation"]) == pytest.approx(utilisation, rel=1e-12)
        assert float(found["heating"]) == pytest.approx(losses - utilisation * 595.2, rel=1e-12)

    def test_sun(self, january, dark):
        """100 W/m2 of an overcast sky at noon: what each facade receives enters through its own windows."""
        weather = dark()
        weather["diffuse_horizontal_radiation"][12::24] = 100.0
        weather["global_horizontal_radiation"][12::24] = 100.0
        found = january(weather=weather)["solar"].to_numpy()
        glass = {0.0: 15.0, 90.0: 3.0, 180.0: 24.0, 270.0: 3.0}
        received = {
            azimuth: plane_of_array_irradiance(weather, PhotovoltaicArray(tilt=90.0, azimuth=azimuth)).sum("origin")
            for azimuth in glass
        }
        by_hand = 0.45 * sum(float(received[azimuth][JANUARY].sum()) * area for azimuth, area in glass.items()) / 1000
        assert found == pytest.approx([by_hand] * 3)
        assert by_hand == pytest.approx(0.45 * 31 * 45 * 60 / 1000, rel=0.5)  # half a sky, a tenth from the ground

    def test_units(self, january):
        assert {str(name): array.attrs["units"] for name, array in january().items()} == {
            **dict.fromkeys([*LOSSES, "internal", "solar", "heating"], "kWh"),
            "utilisation": "1",
        }


class TestLimits:
    @pytest.mark.parametrize("month", range(1, 13))
    def test_without_gains_the_losses_remain(self, january, month):
        found = january(month=month)
        hours = int((CALENDAR.month == month).sum())
        assert found["heating"].to_numpy() == pytest.approx(sum(found[name] for name in LOSSES).to_numpy(), rel=1e-14)
        assert float(found["air"][0]) == pytest.approx(0.335 * 0.5 * 600 * 20 * hours / 1000)

    def test_boundless_gains_leave_nothing_to_heat(self, january):
        found = january(internal_gains=1e5)
        assert (abs(found["heating"]) < 1e-6 * found["internal"]).all()

    def test_gains_equal_to_losses(self, january):
        """eta = a / (a + 1) where 0 / 0 stands in the formula, and the values beside it join it."""
        losses = sum(float(january()[name].sel(storey="middle")) for name in LOSSES)
        equal = losses * 1000 / 200 / 744
        found = january(internal_gains=equal)
        for shift in (0.0, 1e-6, -1e-6):
            beside = january(internal_gains=equal * (1 + shift))
            assert float(beside["utilisation"][1]) == pytest.approx(4.832688 / 5.832688, rel=1e-5)
        assert np.isfinite(found["heating"]).all()

    @given(exponent=st.floats(0.05, 5.0))
    def test_exactly_equal(self, exponent):
        one = np.array([1.0, 2.0])
        storage = exponent * 15
        a = 1 + storage / one / 15
        assert _utilisation(one, one, storage) == pytest.approx(a / (a + 1))

    def test_neither_floor_nor_sun_where_there_are_none(self, january):
        found = january({"window_to_wall_ratio": [0.0] * 4}, soil=INDOOR)
        assert not found["windows"].any()
        assert not found["floor"].any()
        assert not found["solar"].any()
        assert found["walls"].to_numpy() == pytest.approx([180 * 0.45 * 14.88] * 3)

    @pytest.mark.parametrize("changed", [{"indoor": -5.0}, {"indoor": 0.0}, {"month": 13}, {"month": 0}, {"soil": 1e4}])
    def test_no_month_of_heating(self, january, changed):
        with pytest.raises(ValueError, match=r"month \d+: rooms of -?\d+ degC lose no heat"):
            january(**changed)

    @pytest.mark.slow
    @settings(max_examples=15)
    @given(st.floats(0, 50), st.floats(0, 50))
    def test_falls_with_gains_and_never_below_losses_less_gains(self, cluster, envelope, dark, a, b):
        low, high = (
            monthly_heating(cluster(), envelope(), dark(), 1, INDOOR, gains, 15.0, AIR_CHANGE)
            for gains in sorted((a, b))
        )
        assert (high["heating"] <= low["heating"] * (1 + 1e-12)).all()
        losses = sum(high[name] for name in LOSSES)
        assert (high["heating"] >= (losses - high["internal"]) - 1e-9 * losses).all()
        assert (high["heating"] >= -1e-9 * losses).all()

    @pytest.mark.parametrize(
        ("name", "better"),
        [("wall_transmittance", 0.2), ("window_transmittance", 1.0), ("roof_transmittance", 0.1)],
    )
    def test_better_insulation_needs_less(self, january, name, better):
        usual, improved = january(internal_gains=4.0), january({name: better}, internal_gains=4.0)
        changed = (improved["heating"] < usual["heating"]).to_numpy().tolist()
        assert changed == ([False, False, True] if name == "roof_transmittance" else [True] * 3)


@pytest.fixture(scope="module")
def beside_energyplus(cluster, envelope, profiles, willard):
    """A lone tower heated to 20 degC: January by hand and by EnergyPlus [kWh]."""
    constant = profiles(heating_setpoint=INDOOR, cooling_setpoint=40.0)
    case = Case(cluster(), standard_program("constant", constant), envelope(), willard, neighbours=False)
    _, _, demand = storeys(case)
    stays = 0.03 * 100 + 2.0 + 3.0 + 0.75 * 1.0 + 0.5 * 0.5  # people, light, appliances, base load inside, half the hob
    by_hand = monthly_heating(cluster(), envelope(), read_weather(willard), 1, INDOOR, stays, 18.0, AIR_CHANGE)
    return by_hand["heating"], demand.sel(use="heating", drop=True)[:, JANUARY].sum("hour")


class TestBesideEnergyPlus:
    @pytest.mark.parametrize("storey", ["ground", "middle", "top"])
    def test_within_fifteen_percent(self, beside_energyplus, storey):
        by_hand, simulated = (float(found.sel(storey=storey)) for found in beside_energyplus)
        assert by_hand == pytest.approx(simulated, rel=0.15)
        assert simulated > 1000

    def test_the_roof_and_the_floor_add_the_same(self, beside_energyplus):
        """What the top storey needs beyond the middle one is the roof's loss; what the lowest does, the floor's."""
        by_hand, simulated = (found - found.sel(storey="middle") for found in beside_energyplus)
        assert float(by_hand.sel(storey="top")) == pytest.approx(float(simulated.sel(storey="top")), rel=0.25)
        assert 0 < float(simulated.sel(storey="ground")) < float(by_hand.sel(storey="ground"))
        assert math.isclose(float(by_hand.sel(storey="ground")), 178, rel_tol=0.02)
