"""Section 2.1: the twelve prototypes simulated hour by hour, as the protocol decides and as it could have decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd
import xarray as xr

from bcopt.loads import programs, prototypes
from bcopt.loads.buildings import ENVELOPE
from bcopt.loads.places import Place
from bcopt.loads.simulation import Case
from bcopt.loads.weather import CALENDAR
from bcopt.studies.systems2024.inputs import CLUSTERS, FUNCTIONS, SPACES

ProgramSet = Literal["GB 55015-2021", "ASHRAE 90.1-2019"]
LIBRARY = {"residential": "HighriseApartment", "office": "LargeOffice", "hotel": "LargeHotel", "mall": "Retail"}
"""Building of honeybee-energy-standards for each function."""
PLACE = Place(
    "Beijing",
    {
        "Willard morphed to Beijing": ("Willard", True),
        "Willard as it is": ("Willard", False),
        "Golden morphed to Beijing": ("Golden", True),
    },
)
_LABELLED = ("people_rate", "lighting_rate", "equipment_rate", "heating_setpoint", "cooling_setpoint", "fresh_air_rate")
_HOURS_OF_YEAR, _DAYS_OF_YEAR = 8760, 365


@dataclass(frozen=True)
class Variant:
    """One way to simulate the prototypes; the choices of the protocol by their names.

    Parameters
    ----------
    program : {"GB 55015-2021", "ASHRAE 90.1-2019"}
        Where densities, hours, set points and fresh air come from.
    hour_shift : int
        Hours by which the labels of GB 55015-2021 are read later than the hour that ends there; the shapes of hot water
        and cooking, whose hours are not the standard's, stay.
    neighbours : bool
        Whether buildings shade each other.
    weather : str
        One of those of the place, or the path of an EPW file from the project's root.
    """

    program: ProgramSet = "GB 55015-2021"
    hour_shift: int = 0
    neighbours: bool = True
    weather: str = "Willard morphed to Beijing"


def variants(central: Variant) -> dict[str, Variant]:
    """Return the central variant and those that differ from it in one choice, by what they change.

    Those of the standard's labels and of the weather stand only where the central variant has such a choice to change.
    """
    other: ProgramSet = "ASHRAE 90.1-2019" if central.program == "GB 55015-2021" else "GB 55015-2021"
    found = {"central": central, f"program {other}": replace(central, program=other)}
    if central.program == "GB 55015-2021":
        found |= {f"hours {s:+d}": replace(central, hour_shift=s) for s in (-1, 0, 1) if s != central.hour_shift}
    found["without neighbours" if central.neighbours else "with neighbours"] = replace(
        central, neighbours=not central.neighbours
    )
    return found | {name: replace(central, weather=name) for name in PLACE.weathers if name != central.weather}


def rebuilt(inputs: xr.Dataset) -> list[prototypes.Cluster]:
    """Return the clusters of Table 1 as whole buildings.

    Raises
    ------
    InputError
        As :func:`bcopt.loads.prototypes.clusters` does.
    """
    of_function = inputs[["storey_height", "building_length", "building_width"]].sel(function=inputs["used_for"])
    table = xr.merge([inputs[["construction_area", "height"]], of_function], compat="no_conflicts")
    return prototypes.clusters(table, float(inputs["land_side"]))


def profiles(inputs: xr.Dataset, function: str, hour_shift: int = 0) -> xr.Dataset:
    """Return what happens in a square metre of a function under GB 55015-2021 with the stated base load and hot water.

        base load = refrigerators + standby + water heaters' losses + common services
                    + max(night rate x density - use, 0)
        hot water = litres a person x persons per area x shape,   persons of homes from the census, else those present

    Parameters
    ----------
    inputs : xr.Dataset
        As :func:`bcopt.studies.systems2024.inputs.load` returns them.
    function : str
        One of residential, office, hotel, mall.
    hour_shift : int
        As in :class:`Variant`.

    Returns
    -------
    xr.Dataset, dims (day, hour)
        As :data:`bcopt.loads.programs.PROFILES` says.
    """
    standard = inputs.assign({name: inputs[name].roll(hour=hour_shift) for name in _LABELLED})
    at = standard.sel(function=function)
    spaces = standard.sel(space=[space for space, used_for in SPACES.items() if used_for == function])
    rooms = xr.Dataset({name: spaces[f"{name}_density"] * spaces[f"{name}_rate"] for name in programs.ROOM})
    found = programs.rooms_combined(rooms, spaces["room_share"])
    installed = {
        name: float((spaces[f"{name}_density"] * spaces["room_share"]).sum()) for name in ("people", *programs.ROOM)
    }
    common = at["common_services"] * 1000 / _HOURS_OF_YEAR
    night = _night(at, found, installed)
    persons = found["people"].max("hour")
    if function == "residential":
        night = night + household_power(inputs)
        persons = persons * 0 + inputs["persons_per_household"] / inputs["area_per_household"]
    flat = xr.ones_like(found["people"])
    base_load = night + common * flat
    shape = {name: at[f"{name}_shape"] / at[f"{name}_shape"].sum() for name in ("hot_water", "cooking")}
    found = found.assign(
        base_load=base_load,
        base_load_outside=common / week_mean(base_load),
        cooking=at["cooking"] * 1000 / _DAYS_OF_YEAR * shape["cooking"] * flat,
        hot_water=at["hot_water_per_person"] * persons * shape["hot_water"] * flat,
        fresh_air=at["fresh_air_per_person"] * installed["people"] * at["fresh_air_rate"],
    )
    found = found.merge(at[["heating_setpoint", "cooling_setpoint", "metabolic_rate", "hot_water_temperature"]])
    named = {name: found[name].assign_attrs(units=rule.units) for name, rule in programs.PROFILES.items()}
    return xr.Dataset(named).drop_vars("function", errors="ignore")


def cases(inputs: xr.Dataset, variant: Variant, folder: Path, place: Place = PLACE) -> list[Case]:
    """Return what is to be simulated for the twelve clusters, at the study's place or at another."""
    weather = place.file(inputs, variant.weather, folder)
    program = {function: _program(inputs, function, variant) for function in FUNCTIONS}
    envelope = {function: inputs[list(ENVELOPE)].sel(function=function, drop=True) for function in FUNCTIONS}
    return [
        Case(cluster, program[used_for], envelope[used_for], weather, variant.neighbours)
        for cluster, used_for in zip(rebuilt(inputs), CLUSTERS.values(), strict=True)
    ]


def mean_days(demand: xr.DataArray, months: tuple[int, ...] = (1, 7)) -> xr.DataArray:
    """Return the mean day of months.

    Parameters
    ----------
    demand : xr.DataArray, dims (..., hour)
        The 8,760 hours of the year.
    months : tuple of int
        1 to 12.

    Returns
    -------
    xr.DataArray, dims (..., month, hour)
        Hours 0 to 23.
    """
    clock = demand.assign_coords(clock=("hour", CALENDAR.hour))
    means = [clock.isel(hour=CALENDAR.month == month).groupby("clock").mean() for month in months]
    found = xr.concat(means, pd.Index(months, name="month")).rename(clock="hour")
    return found.transpose(..., "month", "hour").assign_attrs(demand.attrs)


def week_mean(profile: xr.DataArray) -> xr.DataArray:
    """Return the mean of a profile, dims (day, hour), over a week of five workdays and two holidays."""
    days = xr.DataArray([5 / 7, 2 / 7], dims="day", coords={"day": [programs.WORKDAY, programs.HOLIDAY]})
    return (profile.mean("hour") * days).sum("day")


def _program(inputs: xr.Dataset, function: str, variant: Variant) -> programs.Program:
    if variant.program == "ASHRAE 90.1-2019":
        return programs.library_program(LIBRARY[function])
    return programs.standard_program(function, profiles(inputs, function, variant.hour_shift))


def household_power(inputs: xr.Dataset) -> xr.DataArray:
    """Return refrigerator, standing loss of the water heater and standby of a household per area [W/m2]."""
    daily = inputs["refrigerator"] + inputs["water_heater_loss"]
    power = daily * 1000 / 24 + inputs["standby"] * 1000 / _HOURS_OF_YEAR
    return power / inputs["area_per_household"]


def _night(at: xr.Dataset, rooms: xr.Dataset, installed: dict[str, float]) -> xr.DataArray:
    """Return what keeps appliances and lights from falling below their night rates [W/m2], dims (day, hour)."""
    days = [at["night_equipment_workday"], at["night_equipment_holiday"]]
    lowest = xr.concat(days, xr.DataArray([programs.WORKDAY, programs.HOLIDAY], dims="day", name="day"))
    appliances = (lowest * installed["equipment"] - rooms["equipment"]).clip(min=0)
    lights = (at["night_lighting"] * installed["lighting"] - rooms["lighting"]).clip(min=0)
    return appliances + lights
