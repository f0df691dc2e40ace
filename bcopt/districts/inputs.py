"""The inputs of the models, as the folder of a district gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bcopt.districts.folder import Array, District
from bcopt.districts.schema import LiftedCop
from bcopt.districts.values import DAY, Range
from bcopt.models import district as district_model
from bcopt.models import flexibility
from bcopt.models.heat_pump import coefficient_of_performance
from bcopt.models.renewables import capital_recovery_factor

STANDS_IN = {"gas": "heat", "heat": "gas"}
"""Prices that stand in for one that is not given."""


def hourly(values: float | tuple[float, ...] | Array, hours: int) -> Array:
    """Return one number, a day or a year of them as one for each hour; a day returns daily."""
    found = np.asarray(values, dtype=float)
    if found.ndim == 0:
        return np.full(hours, float(found))
    return found if found.size == hours else np.tile(found, hours // DAY)


def price(district: District, tariff: str, name: str) -> Array:
    """Return a price of a tariff by hour [yuan/kWh]: of prices.csv, of district.yaml, or of what stands in for it."""
    given = district.prices.get((tariff, name))
    value = given if given is not None else getattr(district.file.tariffs[tariff], name)
    if value is None and (other := STANDS_IN.get(name)):
        given = district.prices.get((tariff, other))
        value = given if given is not None else getattr(district.file.tariffs[tariff], other)
    return hourly(0.0 if value is None else value, district.file.hours)


def by_cluster(district: District, name: str) -> xr.DataArray:
    """Return a price of every cluster, dims (cluster, hour) [yuan/kWh]."""
    names = list(district.clusters)
    values = [price(district, district.tariff(cluster), name) for cluster in names]
    return xr.DataArray(np.array(values), {"cluster": names, "hour": district.hours.to_numpy()}, ("cluster", "hour"))


def window(value: str | tuple[float, ...], hours: int) -> Array:
    """Return 1 in the hours of a window, 0 in others; a window may pass midnight."""
    if isinstance(value, tuple):
        return hourly(value, hours)
    clock = np.arange(hours) % DAY
    if value == "always":
        return np.ones(hours)
    start, end = (int(text[:2]) % DAY for text in value.split(" to "))
    length = (end - start) % DAY or DAY
    return ((clock - start) % DAY < length).astype(float)


def of_flexibility(district: District, found: xr.Dataset) -> xr.Dataset:
    """Return the inputs of :func:`bcopt.models.flexibility.flexibility_model`.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    found : xr.Dataset
        From :func:`bcopt.districts.loads.demand`.

    Returns
    -------
    xr.Dataset, dims (cluster, hour)
        The quantities of :data:`bcopt.models.flexibility.QUANTITIES`.
    """
    use = {str(name): found["demand"].sel(use=name, drop=True) for name in found["use"].to_numpy()}
    parts = [_of_cluster(district, name, use) for name in district.clusters]
    names = xr.DataArray(list(district.clusters), dims="cluster", name="cluster")
    own = xr.concat([xr.Dataset(part) for part in parts], names)
    prices = {
        "electricity_price": by_cluster(district, "electricity"),
        "export_price": by_cluster(district, "export"),
        "heat_price": by_cluster(district, "heat"),
        "storage_price_electricity": by_cluster(district, "battery_wear"),
        "storage_price_heat": by_cluster(district, "heat_store_wear"),
    }
    given = {"photovoltaics": found["photovoltaics"], "heat": use["heating"], "hot_water": use["hot_water"]}
    given["lighting"] = use["lighting"]
    whole = own.assign({**prices, **given}).reset_coords(drop=True)
    for name, values in whole.data_vars.items():
        values.attrs = {"units": flexibility.QUANTITIES[str(name)].units}
    return whole


def _of_cluster(district: District, name: str, use: dict[str, xr.DataArray]) -> dict[str, Any]:
    """Return what can wait, move or be stored in one cluster, and what cannot."""
    own, hours = district.clusters[name], district.file.hours
    flexible = own.flexibility
    at = {key: values.sel(cluster=name, drop=True) for key, values in use.items()}
    share = flexible.transferable_share
    moved = share * at["equipment"]
    limit = 2 * float(moved.max()) if flexible.transfer_limit is None else flexible.transfer_limit
    heater = float(at["hot_water"].max()) if flexible.heater_power is None else flexible.heater_power
    stove = float(own.cooking == "electricity")
    fixed = at["electricity"] + at["base_load"] + (1 - share) * at["equipment"] + stove * at["cooking"]
    pump, vehicles, tank = flexible.heat_pump, flexible.vehicles, flexible.heat_store
    connected = window(vehicles.available if vehicles else "always", hours)
    return {
        "fixed": fixed,
        "lighting_floor": flexible.lighting_floor,
        "transferable": moved,
        "transfer_window": ("hour", window(flexible.transfer_window, hours)),
        "transfer_limit": limit,
        "heater_power": heater,
        "pump_heat": pump.heat if pump else 0.0,
        "pump_electricity": 1 / pump.cop if pump and pump.cop else 0.0,
        "vehicle_energy": vehicles.energy if vehicles else 0.0,
        "vehicle_power": vehicles.power if vehicles else 0.0,
        "vehicle_soc_lower": vehicles.lowest if vehicles else 0.0,
        "vehicle_soc_upper": vehicles.highest if vehicles else 1.0,
        "vehicle_available": ("hour", connected),
        "heat_store_energy": tank.energy if tank else 0.0,
        "heat_store_power": tank.power if tank else 0.0,
        "heat_store_loss": tank.loss if tank else 0.0,
        "heat_store_soc_lower": tank.lowest if tank else 0.0,
        "heat_store_soc_upper": tank.highest if tank else 1.0,
    }


def member(district: District) -> xr.DataArray:
    """Return which clusters each group has, dims (group, cluster) [-]."""
    names, groups = list(district.clusters), district.groups
    values = [[float(district.group(cluster) == group) for cluster in names] for group in groups]
    return xr.DataArray(values, {"group": groups, "cluster": names}, ("group", "cluster"))


def of_district(
    district: District, found: xr.Dataset, flows: xr.Dataset, day: xr.Dataset, source: xr.DataArray
) -> xr.Dataset:
    """Return the inputs of :func:`bcopt.models.district.district_model`, devices at the most they may be.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    found : xr.Dataset
        From :func:`bcopt.districts.loads.demand`.
    flows : xr.Dataset, dims (cluster, hour)
        Of the clusters, as :func:`bcopt.models.flexibility.flows` gives them, optimised or not.
    day : xr.Dataset
        From :func:`of_flexibility`.
    source : xr.DataArray, dims (hour) or none
        Temperature of what heat pumps draw on, where their performance follows it [degC].

    Returns
    -------
    xr.Dataset, dims (group, hour)
    """
    of_groups = member(district)
    loads = {
        "electricity": flows["electricity"] - day["pump_electricity"] * flows["pump_heat"],
        "photovoltaics": found["photovoltaics"],
        "heat": flows["heat"],
        "cooling": found["demand"].sel(use="cooling", drop=True),
    }
    summed = {name: of_groups.dot(values.reset_coords(drop=True)) for name, values in loads.items()}
    surplus = (-summed["electricity"]).clip(min=0)  # what vehicles give beyond what the group uses without its pumps
    summed |= {name: summed[name] + surplus for name in ("electricity", "photovoltaics")}
    first = {group: next(c for c in district.clusters if district.group(c) == group) for group in district.groups}
    prices = {
        "electricity_price": "electricity",
        "export_price": "export",
        "gas_price": "gas",
        "storage_price": "storage_wear",
    }
    paid = {
        name: by_cluster(district, own)
        .sel(cluster=list(first.values()))
        .rename(cluster="group")
        .assign_coords(group=list(first))
        for name, own in prices.items()
    }
    whole = {**summed, **paid, **_devices(district, source)}
    return xr.Dataset(
        {
            name: values.reset_coords(drop=True).assign_attrs(units=district_model.QUANTITIES[name].units)
            for name, values in whole.items()
        }
    )


def most(size: float | Range) -> float:
    """Return the greatest size of a device."""
    return size.most if isinstance(size, Range) else size


def least(size: float | Range) -> float:
    """Return the least size of a device."""
    return size.least if isinstance(size, Range) else size


def yearly_charge(district: District, lifetime: float) -> float:
    """Return the share of an investment that a year pays [1/a]."""
    return float(capital_recovery_factor(district.file.interest_rate, lifetime))


def pump_limits(district: District) -> xr.DataArray:
    """Return the most heat that pumps give each group, dims (group) [kW]; where they are shared, all give their sum."""
    pump, groups = district.file.devices.heat_pump, district.groups
    whole = most(pump.heat)
    of_groups = xr.DataArray(
        [pump.by_group.get(group, whole / len(groups)) for group in groups], {"group": groups}, "group"
    )
    if pump.shared:
        of_groups = of_groups * (whole / max(float(of_groups.sum()), whole) if whole else 0.0)
    return of_groups


def _devices(district: District, source: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return what serves the groups, and what it costs and emits."""
    devices, emissions = district.file.devices, district.file.emissions
    pump, storage = devices.heat_pump, devices.storage
    energy = most(storage.energy)
    scalars = {
        "chiller_cop": devices.chiller.cop,
        "storage_energy": energy,
        "storage_power": storage.power_to_energy * energy,
        "storage_loss": storage.loss,
        "storage_installation_price": storage.cost * yearly_charge(district, storage.lifetime) / district.cycles,
        "boiler_installation_price": devices.boiler.cost_of_heat,
        "grid_emission_factor": emissions.grid if emissions else 0.0,
        "gas_emission_factor": emissions.gas if emissions else 0.0,
    }
    if devices.boiler.heat is not None:
        scalars["boiler_capacity"] = devices.boiler.heat
    if devices.chiller.cooling is not None:
        scalars["chiller_capacity"] = devices.chiller.cooling
    cop = pump.cop
    found = {name: xr.DataArray(float(value)) for name, value in scalars.items()}
    if isinstance(cop, LiftedCop):
        found["pump_cop"] = xr.DataArray(coefficient_of_performance(source, cop.sink, cop.source))
    else:
        found["pump_cop"] = xr.DataArray(np.inf if cop is None else float(cop))
    return {**found, "pump_capacity": pump_limits(district)}
