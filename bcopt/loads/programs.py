"""What happens in a square metre of a building by the hour: people, light, appliances, water, set points, fresh air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from honeybee_energy.lib.programtypes import BUILDING_TYPES, building_program_type_by_identifier
from honeybee_energy.lib.scheduletypelimits import activity_level, fractional, temperature
from honeybee_energy.load.equipment import ElectricEquipment, GasEquipment
from honeybee_energy.load.hotwater import ServiceHotWater
from honeybee_energy.load.lighting import Lighting
from honeybee_energy.load.people import People
from honeybee_energy.load.ventilation import Ventilation
from honeybee_energy.programtype import ProgramType
from honeybee_energy.schedule.ruleset import ScheduleRuleset
from honeybee_energy.schedule.typelimit import ScheduleTypeLimit

from bcopt.compendium.inputs import Expected, check_dataset
from bcopt.loads.systems import Thermostat

WORKDAY, HOLIDAY = "workday", "holiday"
COOKING_LOST = 0.5
"""Share of the heat of cooking that leaves with the hood's exhaust [-]."""

_BY_HOUR = ("day", "hour")
ROOM = {
    "people": Expected("person/m2", _BY_HOUR, 0.0, 10.0),
    "lighting": Expected("W/m2", _BY_HOUR, 0.0, 200.0),
    "equipment": Expected("W/m2", _BY_HOUR, 0.0, 2000.0),
}
"""What a room's table gives, by day (workday, holiday) and hour."""
PROFILES = {
    **ROOM,
    "base_load": Expected("W/m2", _BY_HOUR, 0.0, 200.0),
    "cooking": Expected("W/m2", _BY_HOUR, 0.0, 200.0),
    "hot_water": Expected("L/h/m2", _BY_HOUR, 0.0, 50.0),
    "fresh_air": Expected("m3/h/m2", _BY_HOUR, 0.0, 100.0),
    "heating_setpoint": Expected("degC", _BY_HOUR, -50.0, 40.0),
    "cooling_setpoint": Expected("degC", _BY_HOUR, 0.0, 60.0),
    "metabolic_rate": Expected("W/person", (), 20.0, 500.0),
    "hot_water_temperature": Expected("degC", (), 30.0, 90.0),
    "base_load_outside": Expected("1", (), 0.0, 1.0),
}
"""What a building's program needs, by day and hour where it varies."""


@dataclass(frozen=True)
class Program:
    """What a building is used for.

    Parameters
    ----------
    rooms : ProgramType
        Loads, set points and fresh air of every square metre, as honeybee writes them for EnergyPlus.
    base_load : xr.DataArray, dims (day, hour)
        Electricity that runs beside the rooms' own, such as refrigerators, standby, lifts and pumps [W/m2].
    base_load_outside : float
        Share of it whose heat does not stay in the conditioned rooms [-].
    """

    rooms: ProgramType
    base_load: xr.DataArray
    base_load_outside: float


def rooms_combined(rooms: xr.Dataset, shares: xr.DataArray) -> xr.Dataset:
    """Return one square metre of a building as the area-weighted mean of its rooms.

        q(day, hour) = sum over rooms of share x q_room(day, hour)

    Parameters
    ----------
    rooms : xr.Dataset, dims (space, day, hour)
        people [person/m2], lighting and equipment [W/m2].
    shares : xr.DataArray, dims (space)
        Share of each room in the construction area [-]; what they leave of one has no loads: walls, stairs, shafts.

    Raises
    ------
    ValueError
        If a share is negative or they sum to more than one, or if rooms and shares are not of the same spaces.
    """
    rooms, shares = xr.align(rooms, shares, join="exact")
    negative = shares.where(~(shares >= 0), drop=True)
    if negative.size or float(shares.sum()) > 1 + 1e-9:
        raise ValueError(
            f"room shares {dict(zip(shares['space'].to_numpy().tolist(), shares.to_numpy().tolist(), strict=True))}, "
            "expected none below zero and a sum of at most one"
        )
    weighted = {name: (rooms[name] * shares).sum("space", skipna=False) for name in ROOM}
    return xr.Dataset({name: array.assign_attrs(rooms[name].attrs) for name, array in weighted.items()})


def standard_program(name: str, profiles: xr.Dataset) -> Program:
    """Return the program that hourly profiles describe.

    Parameters
    ----------
    name : str
        Prefix of EnergyPlus's names.
    profiles : xr.Dataset, dims (day, hour)
        As in :data:`PROFILES`; days workday and holiday (Saturdays and Sundays), hours 0 to 23.

    Raises
    ------
    InputError
        Listing every variable that is missing or unknown, in other units, over other dims or out of range.
    ValueError
        If the cooling set point is not above the heating set point at some hour.
    """
    check_dataset(profiles, PROFILES, f"program {name}")
    crossed = profiles["heating_setpoint"] >= profiles["cooling_setpoint"]
    if crossed.any():
        day, hour = (crossed.where(crossed, drop=True)[dim].to_numpy()[0] for dim in _BY_HOUR)
        raise ValueError(f"program {name}, {day}, hour {hour}: heating set point not below cooling set point")
    peak = {key: float(profiles[key].max()) for key in PROFILES}
    share = {key: fractions_of_peak(f"{name} {key}", profiles[key]) for key in PROFILES if profiles[key].dims}
    activity = ScheduleRuleset.from_constant_value(f"{name} activity", peak["metabolic_rate"], activity_level)
    heating, cooling = (
        _schedule(f"{name} {key}", profiles[key], temperature) for key in ("heating_setpoint", "cooling_setpoint")
    )
    rooms = ProgramType(
        name,
        people=People(f"{name} people", peak["people"], share["people"], activity),
        lighting=Lighting(f"{name} lighting", peak["lighting"], share["lighting"]),
        electric_equipment=ElectricEquipment(f"{name} equipment", peak["equipment"], share["equipment"]),
        gas_equipment=GasEquipment(f"{name} cooking", peak["cooking"], share["cooking"], lost_fraction=COOKING_LOST),
        service_hot_water=ServiceHotWater(
            f"{name} hot water", peak["hot_water"], share["hot_water"], peak["hot_water_temperature"], 0.0, 0.0
        ),
        ventilation=Ventilation(
            f"{name} fresh air", flow_per_area=peak["fresh_air"] / 3600, schedule=share["fresh_air"]
        ),
        setpoint=Thermostat(f"{name} set point", heating, cooling),
    )
    return Program(rooms, profiles["base_load"], peak["base_load_outside"])


def library_program(building_type: str) -> Program:
    """Return the whole-building program of ASHRAE 90.1-2019 in honeybee-energy-standards, its spaces weighted by area.

    Exhaust fans are left out: fresh air leaves through the ideal air system.

    Parameters
    ----------
    building_type : str
        Name of the library's building, such as HighriseApartment, LargeOffice, LargeHotel or Retail.

    Raises
    ------
    ValueError
        If the library has no such building, with those it has.

    References
    ----------
    ANSI/ASHRAE/IES Standard 90.1-2019, through the prototype buildings of the United States Department of Energy.
    """
    if building_type not in BUILDING_TYPES:
        raise ValueError(f"unknown building {building_type!r}, expected one of {', '.join(sorted(BUILDING_TYPES))}")
    rooms = building_program_type_by_identifier(building_type).duplicate()
    rooms.unlock()
    found = rooms.setpoint
    rooms.setpoint = Thermostat(found.identifier, found.heating_schedule, found.cooling_schedule)
    rooms.exhaust = None
    if rooms.gas_equipment is None:
        rooms.gas_equipment = GasEquipment(f"{building_type} cooking", 0.0, rooms.lighting.schedule)
    nothing = xr.DataArray(np.zeros((2, 24)), dims=_BY_HOUR, coords={"day": [WORKDAY, HOLIDAY], "hour": range(24)})
    return Program(rooms, nothing, 0.0)


def fractions_of_peak(name: str, profile: xr.DataArray) -> ScheduleRuleset:
    """Return a profile, dims (day, hour), as a schedule of shares of its peak; all zero where nothing ever happens."""
    peak = float(profile.max())
    return _schedule(name, profile / peak if peak > 0 else profile, fractional)


def _schedule(name: str, profile: xr.DataArray, limit: ScheduleTypeLimit) -> ScheduleRuleset:
    """Return a profile over (day, hour) as a schedule: Monday to Friday are workdays, the weekend is a holiday."""
    ordered = profile.transpose("day", "hour").sel(hour=list(range(24)))
    work, rest = (ordered.sel(day=day).to_numpy().tolist() for day in (WORKDAY, HOLIDAY))
    return ScheduleRuleset.from_week_daily_values(name, rest, *[work] * 5, rest, rest, schedule_type_limit=limit)
