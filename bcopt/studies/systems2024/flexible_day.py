"""Simulated loads under a scenario and two knobs, as the inputs of the flexibility model."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bcopt.models import flexibility
from bcopt.studies.systems2024 import demand
from bcopt.studies.systems2024.analysis import ELECTRIC
from bcopt.studies.systems2024.inputs import SPACES
from bcopt.studies.systems2024.scenario import Scenario, litres

SCALED = (*ELECTRIC, "cooking")
"""Uses that the load scale stretches."""
FIRST_HOUR = 1
"""Clock hour at which the study's day begins: label 1 of Table 2."""
JANUARY = 1
HOURS_OF_DAY = 24


@dataclass(frozen=True)
class Knobs:
    """What is fitted.

    Parameters
    ----------
    load_scale : float
        Factor on the electricity of x1, and of the clusters it carries to [-].
    vehicle_energy : float
        Battery energy of electric vehicles per household [kWh].
    """

    load_scale: float = 1.0
    vehicle_energy: float = 0.0


def january(loads: xr.Dataset, variants: xr.Dataset, scenario: Scenario) -> xr.Dataset:
    """Return the January mean day of a scenario's variant of the loads.

    Returns
    -------
    xr.Dataset, dims (cluster, use, hour)
        ``demand`` (cluster, use, hour) and ``photovoltaics`` (cluster, hour) [kW], ``ground_heat`` (cluster) [kW].
    """
    at = variants.sel(month=JANUARY, variant=scenario.loads, drop=True)
    return xr.Dataset(
        {"demand": at["mean_day"], "photovoltaics": at["photovoltaics"], "ground_heat": loads["ground_heat"]}
    )


def by_day(series: xr.Dataset) -> xr.Dataset:
    """Return series of whole days as days of clock hours, each a cycle of its own, dims (day, hour).

    Parameters
    ----------
    series : xr.Dataset, dims (hour)
        Such as a year of 8,760 hours, the first from midnight.

    Raises
    ------
    ValueError
        If the hours are no whole number of days.
    """
    days, left = divmod(series.sizes["hour"], HOURS_OF_DAY)
    if left:
        raise ValueError(f"{series.sizes['hour']} hours are {days} days and {left} hours, expected whole days of 24")
    folded = series.drop_vars("hour").coarsen(hour=HOURS_OF_DAY).construct(hour=("day", "clock"))
    return folded.rename(clock="hour").assign_coords(day=range(days), hour=range(HOURS_OF_DAY))


def adjusted(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario) -> xr.Dataset:
    """Return loads and potentials under the choices of section 2.1 that act on them by arithmetic.

    Hot water is in proportion to litres and persons, the base load of homes to households, rooms to their share of the
    construction area, photovoltaics to roofs and ground heat to boreholes; what less electricity means for the heating
    is left out.
    """
    homes = inputs["used_for"] == "residential"
    crowd = float(inputs["area_per_household"]) / scenario.area_per_household
    simulated = float(inputs["hot_water_per_person"].sel(function="residential"))
    whole = scenario.room_shares.startswith("the whole")
    rooms = [space for space, used_for in SPACES.items() if used_for == "residential"]
    of_rooms = float(inputs["room_share"].sel(space=rooms).sum())
    use = series["demand"]["use"]
    factor = xr.where(homes & (use == "hot_water"), litres(scenario.hot_water) / simulated * crowd, 1.0)
    factor = factor * xr.where(homes & use.isin(["lighting", "equipment"]) & whole, 1.0 / of_rooms, 1.0)
    factor = factor * xr.where((use == "base_load") & (scenario.base_load == "rooms alone"), 0.0, 1.0)
    spared = xr.where(homes & (use == "base_load"), (1 - crowd) * demand.household_power(inputs) / 1000, 0.0)
    return series.assign(
        demand=(series["demand"] * factor - spared * inputs["construction_area"]).clip(min=0.0),
        photovoltaics=series["photovoltaics"] * (scenario.roof_coverage / float(inputs["roof_coverage"])),
        ground_heat=series["ground_heat"] * (scenario.borehole_heat / float(inputs["borehole_heat"])),
    )


def carried(inputs: xr.Dataset, scenario: Scenario, load_scale: float) -> xr.DataArray:
    """Return the load scale of every cluster, dims (cluster) [-]."""
    cluster = inputs["used_for"]
    scaled = {
        "x1": cluster["cluster"] == "x1",
        "residential": cluster == "residential",
        "every cluster": cluster == cluster,
    }[scenario.load_scale_carries]
    factor: xr.DataArray = xr.where(scaled, load_scale, 1.0).reset_coords(drop=True)
    return factor


def electric(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, load_scale: float) -> xr.DataArray:
    """Return demand by use under the scenario, electricity by the load scale, dims (cluster, use, hour) [kW]."""
    by_use = adjusted(series, inputs, scenario)["demand"]
    scaled: xr.DataArray = by_use * xr.where(by_use["use"].isin(SCALED), carried(inputs, scenario, load_scale), 1.0)
    return scaled


def model_inputs(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs) -> xr.Dataset:
    """Return the inputs of :func:`bcopt.models.flexibility.flexibility_model` for the twelve clusters.

    Parameters
    ----------
    series : xr.Dataset, dims (cluster, use, hour)
        As :func:`january` returns it; other dims, such as day, pass through.
    inputs : xr.Dataset
        The study's inputs.
    scenario : Scenario
        What the study does not print.
    knobs : Knobs
        What is fitted.

    Returns
    -------
    xr.Dataset, dims (cluster, hour)
        With the quantities of :data:`bcopt.models.flexibility.QUANTITIES`.
    """
    at = adjusted(series, inputs, scenario)
    use = electric(series, inputs, scenario, knobs.load_scale)
    hours = inputs["electricity_price"]["hour"]
    found = {
        **_prices(inputs, scenario),
        **_loads(use, inputs, scenario, hours),
        **_stores(use.sel(use="heating", drop=True), inputs, scenario, knobs, hours),
        "photovoltaics": at["photovoltaics"],
        "pump_heat": at["ground_heat"],
        "pump_electricity": xr.DataArray(float(scenario.heat_pump_electricity)) / inputs["heat_pump_cop"],
    }
    named = {
        name: array.reset_coords(drop=True).assign_attrs(units=flexibility.QUANTITIES[name].units)
        for name, array in found.items()
    }
    return xr.Dataset(named)


def _prices(inputs: xr.Dataset, scenario: Scenario) -> dict[str, xr.DataArray]:
    """Return what each cluster pays and is paid, by its group."""
    group = xr.where(inputs["used_for"] == "residential", "residential", "public").reset_coords(drop=True)
    price = inputs["electricity_price"].sel(group=group, drop=True)
    export = price if scenario.export_price == "purchase price" else xr.full_like(price, float(scenario.export_price))
    storing = inputs["storage_price"].sel(group=group, drop=True)
    return {
        "electricity_price": price,
        "export_price": export,
        "heat_price": inputs["heat_price"].sel(group=group, drop=True),
        "storage_price_electricity": storing * float(scenario.storage_price_electricity == "as printed"),
        "storage_price_heat": storing * float(scenario.storage_price_heat == "as printed"),
    }


def _loads(use: xr.DataArray, inputs: xr.Dataset, scenario: Scenario, hours: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return what is used, and what of it may be moved or reduced."""
    equipment, hot_water = use.sel(use="equipment", drop=True), use.sel(use="hot_water", drop=True)
    cooking = use.sel(use="cooking", drop=True) * float(scenario.cooking == "electricity")
    transferable = scenario.transferable_share * equipment
    return {
        "fixed": use.sel(use="base_load", drop=True) + (1 - scenario.transferable_share) * equipment + cooking,
        "lighting": use.sel(use="lighting", drop=True),
        "lighting_floor": xr.DataArray(scenario.lighting_floor),
        "transferable": transferable,
        "transfer_window": within(scenario.transfer_window, hours),
        "transfer_limit": scenario.transfer_limit * transferable.max("hour"),
        "hot_water": hot_water,
        "heater_power": heater_power(hot_water, inputs, scenario),
    }


def _stores(
    heat: xr.DataArray, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs, hours: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Return the heat demand, the vehicles and the store of heat."""
    battery = vehicle_energy(inputs, scenario, knobs.vehicle_energy)
    tank = inputs["heat_store_share"] * heat.sum("hour")
    return {
        "heat": heat,
        "vehicle_energy": battery,
        "vehicle_power": scenario.vehicle_power * battery,
        "vehicle_soc_lower": inputs["soc_lower"],
        "vehicle_soc_upper": inputs["soc_upper"],
        "vehicle_available": within(scenario.vehicle_availability, hours),
        "heat_store_energy": tank,
        "heat_store_power": scenario.heat_storage_power * tank,
        "heat_store_loss": xr.DataArray(scenario.self_discharge),
        "heat_store_soc_lower": inputs["soc_lower"],
        "heat_store_soc_upper": inputs["soc_upper"],
    }


def households(inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the households of every cluster, none in public ones, dims (cluster)."""
    homes = inputs["used_for"] == "residential"
    return (inputs["construction_area"] / scenario.area_per_household * homes).reset_coords(drop=True)


def vehicle_energy(inputs: xr.Dataset, scenario: Scenario, per_household: float) -> xr.DataArray:
    """Return the battery energy of the vehicles of every cluster, dims (cluster) [kWh]."""
    if scenario.vehicles_at_public == "none":
        return households(inputs, scenario) * per_household
    return (inputs["construction_area"] / scenario.area_per_household * per_household).reset_coords(drop=True)


def heater_power(hot_water: xr.DataArray, inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the power of water heaters: rated in homes, else the peak of their profile, dims (cluster) [kW]."""
    homes = (inputs["used_for"] == "residential").reset_coords(drop=True)
    power: xr.DataArray = xr.where(homes, scenario.heater_power * households(inputs, scenario), hot_water.max("hour"))
    return power


def within(window: str, hours: xr.DataArray) -> xr.DataArray:
    """Return 1 for the clock hours of a window such as ``06:00 to 22:00`` and 0 for others, dims (hour).

    A window may pass midnight; ``always`` and ``whole day`` are every hour.

    Raises
    ------
    ValueError
        If the text is no window of full hours, or one without or with every hour.
    """
    if window in ("always", "whole day"):
        return xr.ones_like(hours, dtype=float)
    found = re.fullmatch(r"(\d\d):00 to (\d\d):00", window)
    if not found:
        raise ValueError(f"window {window!r}, expected 'HH:00 to HH:00', 'always' or 'whole day'")
    start, end = (int(text) for text in found.groups())
    if start > HOURS_OF_DAY or end > HOURS_OF_DAY or start % HOURS_OF_DAY == end % HOURS_OF_DAY:
        raise ValueError(f"window {window!r}, expected two clock times apart from 00:00 to 24:00, or 'whole day'")
    length = (end - start) % HOURS_OF_DAY
    return (((hours - start) % HOURS_OF_DAY) < length).astype(np.float64)
