"""Programs: rooms weighted by hand, profiles as peaks and shares of them, the calendar, every fault at once."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from honeybee_energy.lib.programtypes import BUILDING_TYPES
from hypothesis import given
from hypothesis import strategies as st
from ladybug.dt import Date

from bcopt.compendium.problems import InputError
from bcopt.loads.programs import (
    COOKING_LOST,
    PROFILES,
    ROOM,
    fractions_of_peak,
    library_program,
    rooms_combined,
    standard_program,
)
from bcopt.loads.systems import Thermostat

HOUR = np.arange(24.0)


def rooms(hours, **values):
    """Rooms of a space each, its three loads the number times 1, 10 and 100."""
    found = {}
    for factor, (name, rule) in zip((1.0, 10.0, 100.0), ROOM.items(), strict=True):
        arrays = [hours(np.asarray(value) * factor) for value in values.values()]
        found[name] = xr.concat(arrays, xr.DataArray(list(values), dims="space", name="space"))
        found[name].attrs = {"units": rule.units, "long_name": name}
    return xr.Dataset(found)


def shares(**values):
    return xr.DataArray(list(values.values()), dims="space", coords={"space": list(values)})


def week(schedule, start="Sunday"):
    """Values of a schedule for the week from Sunday 1 January, dims (day of week, hour)."""
    return np.reshape(schedule.values(1, Date(1, 1), Date(1, 7), start), (7, 24))


class TestRooms:
    def test_by_hand(self, hours):
        """A quarter of 4 and half of 0 to 23; the quarter that is left has nothing."""
        found = rooms_combined(rooms(hours, a=4.0, b=HOUR), shares(a=0.25, b=0.5))
        for factor, name in zip((1, 10, 100), ROOM, strict=True):
            assert found[name].sel(day="workday").to_numpy() == pytest.approx((1 + HOUR / 2) * factor)
            assert found[name].attrs == {"units": ROOM[name].units, "long_name": name}

    def test_a_single_room_is_itself(self, hours):
        one = rooms(hours, a=HOUR)
        xr.testing.assert_identical(rooms_combined(one, shares(a=1.0)), one.sel(space="a", drop=True))

    def test_an_exact_sum_of_one_may_be_rounded(self, hours):
        rooms_combined(rooms(hours, a=1, b=1, c=1), shares(a=0.7, b=0.2, c=0.1))
        rooms_combined(rooms(hours, a=1), shares(a=1 + 1e-10))

    @pytest.mark.parametrize("wrong", [{"a": 0.7, "b": 0.4}, {"a": -0.1, "b": 0.4}, {"a": float("nan"), "b": 0.4}])
    def test_impossible_shares(self, hours, wrong):
        with pytest.raises(ValueError, match=r"room shares \{'a': .*'b': 0.4\}, expected none below zero"):
            rooms_combined(rooms(hours, a=1, b=1), shares(**wrong))

    def test_shares_of_other_rooms(self, hours):
        """A room without a share must not vanish."""
        with pytest.raises(ValueError, match="space"):
            rooms_combined(rooms(hours, a=1, b=1), shares(a=0.5, c=0.5))

    def test_what_is_missing_in_a_room_is_missing_in_the_building(self, hours):
        found = rooms_combined(rooms(hours, a=1, b=np.where(HOUR == 3, np.nan, 1)), shares(a=0.5, b=0.5))
        assert np.flatnonzero(np.isnan(found["people"][0])).tolist() == [3]

    @pytest.mark.slow
    @given(st.lists(st.floats(0, 1), min_size=2, max_size=2), st.floats(0, 10), st.floats(0, 10))
    def test_between_nothing_and_the_most(self, hours, weights, a, b):
        total = max(sum(weights), 1.0)
        found = rooms_combined(rooms(hours, a=a, b=b), shares(a=weights[0] / total, b=weights[1] / total))
        assert ((found["people"] >= 0) & (found["people"] <= max(a, b) * (1 + 1e-9))).all()
        assert np.allclose(found["lighting"], 10 * found["people"])


class TestProfiles:
    @pytest.fixture
    def program(self, profiles, hours):
        holiday = hours(np.array([HOUR, HOUR[::-1] / 2]))
        return standard_program(
            "p", profiles(lighting=holiday, cooking=0.4, people=hours(0.05), hot_water=holiday / 23, fresh_air=3.6)
        )

    def test_peaks(self, program):
        found = program.rooms
        assert found.people.people_per_area == pytest.approx(0.05)
        assert found.lighting.watts_per_area == 23.0
        assert found.electric_equipment.watts_per_area == 3.0
        assert found.gas_equipment.watts_per_area == 0.4
        assert found.service_hot_water.flow_per_area == 1.0
        assert found.service_hot_water.target_temperature == 60.0
        assert found.ventilation.flow_per_area == pytest.approx(0.001)  # 3.6 m3/h in m3/s
        assert found.ventilation.flow_per_person == found.ventilation.air_changes_per_hour == 0

    def test_where_heat_goes(self, program):
        found = program.rooms
        assert found.gas_equipment.lost_fraction == COOKING_LOST == 0.5
        assert found.service_hot_water.sensible_fraction == found.service_hot_water.latent_fraction == 0
        assert found.electric_equipment.lost_fraction == found.lighting.return_air_fraction == 0
        assert set(found.people.activity_schedule.values()) == {100.0}

    def test_base_load_stays_by_itself(self, program, hours):
        assert program.base_load_outside == 0.25
        assert program.base_load.to_numpy().tolist() == hours(1.0).to_numpy().tolist()

    def test_shares_of_the_peak_by_day_of_the_week(self, program):
        """Sunday first; Saturday and Sunday have the holiday's hours."""
        found = week(program.rooms.lighting.schedule)
        assert found[1:6] == pytest.approx(np.tile(HOUR / 23, (5, 1)))
        assert found[[0, 6]] == pytest.approx(np.tile(HOUR[::-1] / 46, (2, 1)))

    def test_set_points_are_no_shares(self, profiles, hours):
        day = np.where(HOUR < 7, 12.0, 20.0)
        found = standard_program("p", profiles(heating_setpoint=hours(day), cooling_setpoint=28.0)).rooms.setpoint
        assert isinstance(found, Thermostat)
        assert week(found.heating_schedule).tolist() == [day.tolist()] * 7
        assert set(found.cooling_schedule.values()) == {28.0}

    def test_hours_and_days_are_taken_by_their_labels(self, hours):
        """Reversed and transposed arrays mean the same."""
        holiday = hours(np.array([HOUR, HOUR[::-1]]))
        mixed = holiday.isel(day=[1, 0], hour=slice(None, None, -1)).transpose("hour", "day")
        usual, other = (fractions_of_peak("x", array) for array in (holiday, mixed))
        assert usual.values() == other.values()
        expected = [*HOUR[::-1] / 23, *HOUR / 23]  # Sunday, Monday
        assert usual.values(1, Date(1, 1), Date(1, 2), "Sunday") == pytest.approx(expected)

    def test_nothing_ever_happens(self, profiles):
        zero = dict.fromkeys(("people", "lighting", "equipment", "cooking", "hot_water", "fresh_air", "base_load"), 0.0)
        found = standard_program("p", profiles(**zero)).rooms
        assert found.lighting.watts_per_area == found.people.people_per_area == 0
        assert set(found.lighting.schedule.values()) == {0.0}

    @pytest.mark.slow
    @given(st.lists(st.floats(0, 200), min_size=48, max_size=48))
    def test_peak_times_share_is_the_profile(self, profiles, hours, values):
        array = hours(np.reshape(values, (2, 24)))
        found = standard_program("p", profiles(lighting=array)).rooms.lighting
        days = week(found.schedule) * found.watts_per_area
        assert days[1] == pytest.approx(array.sel(day="workday").to_numpy(), rel=1e-9, abs=1e-300)
        assert days[0] == pytest.approx(array.sel(day="holiday").to_numpy(), rel=1e-9, abs=1e-300)
        assert week(found.schedule).max() <= 1


class TestFaults:
    @pytest.mark.parametrize("heating", [26.0, 26.5])
    def test_crossed_set_points(self, profiles, hours, heating):
        crossed = hours(18.0)
        crossed.loc["holiday", 5:6] = heating
        with pytest.raises(ValueError, match="program p, holiday, hour 5: heating set point not below cooling"):
            standard_program("p", profiles(heating_setpoint=crossed))

    def test_all_at_once(self, profiles, hours):
        wrong = profiles(people=11.0, cooking=hours(np.where(HOUR == 4, np.nan, 1.0)), metabolic_rate=10.0)
        wrong = wrong.drop_vars("fresh_air").assign(fresh_water=wrong["hot_water"])
        wrong["lighting"] = wrong["lighting"].isel(day=0, drop=True).assign_attrs(units="W/m2")
        wrong["equipment"].attrs["units"] = "kW"
        with pytest.raises(InputError) as caught:
            standard_program("p", wrong)
        assert caught.value.source == "program p"
        found = list(caught.value.problems)
        assert len(found) == 5 + 20 + 1 + 2
        assert "fresh_air: missing" in found
        assert f"fresh_water: unknown, expected one of {', '.join(PROFILES)}" in found
        assert "lighting: has dims ('hour',), expected ('day', 'hour')" in found
        assert "equipment: is in 'kW', expected 'W/m2'" in found
        assert "people at day workday, hour 19: 11 person/m2, expected 0 to 10" in found
        assert "and 28 more like the last" in found
        assert "cooking at day workday, hour 4: nan W/m2, expected 0 to 200" in found
        assert "metabolic_rate: 10 W/person, expected 20 to 500" in found

    @pytest.mark.parametrize("name", PROFILES)
    def test_each_is_needed(self, profiles, name):
        with pytest.raises(InputError, match=rf"program p: 1 problem\n  - {name}: missing"):
            standard_program("p", profiles().drop_vars(name))


class TestLibrary:
    @pytest.mark.parametrize("name", ["HighriseApartment", "LargeOffice", "LargeHotel", "Retail"])
    def test_prototypes(self, name):
        """All seven uses are there, so that every building reports them, and both set points are in force."""
        found = library_program(name)
        rooms = found.rooms
        parts = (rooms.people, rooms.lighting, rooms.electric_equipment, rooms.gas_equipment, rooms.service_hot_water)
        assert all(part is not None for part in (*parts, rooms.ventilation, rooms.setpoint))
        assert rooms.exhaust is None
        assert isinstance(rooms.setpoint, Thermostat)
        assert 0 < rooms.lighting.watts_per_area < 30
        assert found.base_load_outside == 0
        assert not found.base_load.any()
        assert found.base_load.dims == ("day", "hour")

    def test_gas_only_where_there_are_kitchens(self):
        gas = {name: library_program(name).rooms.gas_equipment.watts_per_area for name in ("LargeHotel", "LargeOffice")}
        assert gas["LargeHotel"] > 0
        assert gas["LargeOffice"] == 0

    def test_the_library_stays_as_it_is(self):
        """What is changed is a copy: asking twice gives the same, and the library keeps its own set point."""
        from honeybee_energy.lib.programtypes import building_program_type_by_identifier

        library_program("LargeOffice")
        kept = building_program_type_by_identifier("LargeOffice")
        assert not isinstance(kept.setpoint, Thermostat)
        assert kept.gas_equipment is None

    @pytest.mark.parametrize("name", ["Castle", "", "largeoffice"])
    def test_unknown(self, name):
        with pytest.raises(ValueError, match=f"unknown building '{name}', expected one of .*LargeHotel, LargeOffice"):
            library_program(name)
        assert "LargeOffice" in BUILDING_TYPES
