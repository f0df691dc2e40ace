"""Demands that nothing in a folder can meet: which demand, in which hour, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from bcopt.compendium.problems import InputError
from bcopt.districts import function_mix, inputs, market
from bcopt.districts.folder import District
from bcopt.districts.problems import Key, located
from bcopt.districts.values import DAY
from bcopt.models import flexibility

_NAMED = 5
"""Hours that are named one by one."""
_SAME = 1 + 1e-12
"""What is above a limit by no more than rounding is at it."""


def require_possible(district: District, demand: xr.Dataset) -> None:
    """Raise if a demand cannot be met.

    Raises
    ------
    InputError
        Naming each demand with its hour, its clusters and what limits it.
    """
    if found := impossible(district, demand):
        raise InputError(district.folder.as_posix(), found)


def impossible(district: District, demand: xr.Dataset) -> list[str]:
    """Return the demands that nothing can meet, with hour, clusters and limits.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    demand : xr.Dataset
        From :func:`bcopt.districts.loads.demand`.
    """
    found = [*_nothing_sold(district, demand), *_no_mix(district, demand)]
    if not district.file.tariffs:
        return found
    day = inputs.of_flexibility(district, demand)
    found += _flexibility(district, day)
    if {"sizing", "dispatch"} & set(district.file.run):
        found += [*_dear_exports(district), *_cooling(district, demand)]
        if district.file.dispatch.loads == "given":
            heat = demand["demand"].sel(use="heating", drop=True)
            found += _heating(district, inputs.member(district).dot(heat))
    if not found:
        try:
            flexibility.check(day)
        except ValueError as error:
            return [f"district.yaml: clusters: {line}" for line in str(error).splitlines()]
    return found


def _flexibility(district: District, day: xr.Dataset) -> Iterator[str]:
    """Yield what the hours of a day together cannot carry, and stores that cannot make good their loss."""
    for name, own in district.clusters.items():
        place: Key = ("clusters", name, "flexibility")
        at = day.sel(cluster=name)
        yield from _short(district, (*place, "heater_power"), "hot water", at["hot_water"], at["heater_power"])
        moved, most = (at[key] * at["transfer_window"] for key in ("transferable", "transfer_limit"))
        yield from _short(district, (*place, "transfer_limit"), "equipment that can move", moved, most)
        tank = own.flexibility.heat_store
        if tank and tank.power * _SAME < (lost := tank.loss * tank.lowest * tank.energy):
            text = f"{tank.power:g} kW cannot make good the {lost:g} kW that the store loses at its lowest charge"
            yield located((*place, "heat_store", "power"), f"{text}, expected {lost:g} kW or more", district.lines)


def _short(district: District, key: Key, what: str, needed: xr.DataArray, most: xr.DataArray) -> Iterator[str]:
    """Yield the first day whose hours together cannot carry what it needs."""
    wanted, given = (x.to_numpy().reshape(-1, DAY).sum(1) for x in xr.broadcast(needed, most))
    short = np.flatnonzero(wanted > given * _SAME)
    if short.size:
        first = short[0]
        begin, end = DAY * first, DAY * first + DAY - 1
        power = float(most.max()) * wanted[first] / given[first] if given[first] else np.nan
        better = f", expected {power:g} kW or more" if np.isfinite(power) else ""
        more = f" and on {short.size - 1} more days" if short.size > 1 else ""
        text = f"{what} needs {wanted[first]:g} kWh in hours {begin} to {end}, {float(most.max()):g} kW give at most"
        yield located(key, f"{text} {given[first]:g} kWh{more}{better}", district.lines)


def require_heat(district: District, needed: xr.DataArray) -> None:
    """Raise if heat pumps and boilers together cannot give what groups need in an hour, dims (group, hour) [kW].

    Raises
    ------
    InputError
        Naming each hour, its groups and what limits it.
    """
    if found := list(_heating(district, needed)):
        raise InputError(district.folder.as_posix(), found)


def _heating(district: District, needed: xr.DataArray) -> Iterator[str]:
    """Yield the hours in which heat pumps and boilers together give too little heat."""
    boiler, limits = district.file.devices.boiler.heat, inputs.pump_limits(district)
    if boiler is None:
        return
    if district.file.devices.heat_pump.shared:
        pumps = f"heat pumps {float(limits.sum()):g} kW"
        left = (needed.sum("group") - limits.sum("group")).clip(min=0)
    else:
        whole = inputs.most(district.file.devices.heat_pump.heat)
        sized = f", {whole:g} kW together," if whole < float(limits.sum()) else ""
        pumps = f"heat pumps {_by_group(limits)} of their own{sized}"
        together = needed.sum("group") - whole
        left = together.clip(min=(needed - limits).clip(min=0).sum("group"))
    most = f"{pumps} and boilers {boiler:g} kW"
    yield from _hours(district, ("devices", "boiler", "heat"), "heating", needed, left - boiler, most)


def _cooling(district: District, demand: xr.Dataset) -> Iterator[str]:
    """Yield the hours in which chillers give too little cold."""
    chillers = district.file.devices.chiller.cooling
    if chillers is not None:
        needed = inputs.member(district).dot(demand["demand"].sel(use="cooling", drop=True))
        missing = needed.sum("group") - chillers
        yield from _hours(
            district, ("devices", "chiller", "cooling"), "cooling", needed, missing, f"chillers {chillers:g} kW"
        )


def _hours(
    district: District, key: Key, use: str, needed: xr.DataArray, missing: xr.DataArray, most: str
) -> Iterator[str]:
    """Yield the hours in which something is missing."""
    hours = np.flatnonzero((missing > 1e-12 * needed.sum("group")).to_numpy())
    for hour in hours[:_NAMED]:
        who, lacking = _by_group(needed.isel(hour=hour)), float(missing[hour])
        text = f"{use} cannot be met in hour {hour}: needed {who}, at most {most}, {lacking:g} kW missing"
        yield located(key, text, district.lines)
    if hours.size > _NAMED:
        yield located(key, f"{use} cannot be met in {hours.size - _NAMED} more hours", district.lines)


def _by_group(values: xr.DataArray) -> str:
    named = zip(values["group"].to_numpy(), values.to_numpy(), strict=True)
    return ", ".join(f"{group} {value:g} kW" for group, value in named if value > 0)


def _dear_exports(district: District) -> Iterator[str]:
    """Yield the tariffs by which a group would earn by buying and selling at once."""
    for name in dict.fromkeys(district.tariff(cluster) for cluster in district.clusters):
        bought, sold = (inputs.price(district, name, key) for key in ("electricity", "export"))
        if (dear := np.flatnonzero(sold > bought)).size:
            hour, unit = dear[0], f"{district.file.currency}/kWh"
            where = f"{sold[hour]:g} {unit} in hour {hour} is above electricity, {bought[hour]:g} {unit}"
            more = f", as in {dear.size - 1} more hours" if dear.size > 1 else ""
            why = "buying and selling at once would pay, expected at most the price of electricity"
            yield located(("tariffs", name, "export"), f"{where}{more}: {why}", district.lines)


def _nothing_sold(district: District, demand: xr.Dataset) -> Iterator[str]:
    """Yield the clusters to which a provider could sell nothing."""
    file = district.file
    carriers: Mapping[str, list[str]] = {
        "pricing": [*file.pricing.carriers] if file.pricing else [],
        "provider": list(market.CARRIERS),
    }
    for place, task in enumerate(file.run):
        if task in carriers:
            sold = market.supplied(district, demand, carriers[task]).sum(["carrier", "hour"])
            if none := [name for name, load in zip(district.clusters, sold.to_numpy(), strict=True) if load <= 0]:
                text = f"{task} needs some {' or '.join(carriers[task])} of each cluster, none of {', '.join(none)}"
                yield located(("run", place), text, district.lines)


def _no_mix(district: District, demand: xr.Dataset) -> Iterator[str]:
    """Yield what leaves other mixes without a load or without enough public clusters."""
    if "mix" not in district.file.run:
        return
    used = market.electricity(district, demand).sum("hour")
    for name in district.clusters:
        if float(used.sel(cluster=name)) <= 0:
            text = "uses no electricity, so that a mix of it alone has no load: leave it out, or mix out of run"
            yield located(("clusters", name), text, district.lines)
    public, settled = function_mix.is_public(district), district.file.mix
    shares = {name: own.share for name, own in district.clusters.items()}
    least = sum(shares[name].least for name in shares if not public.sel(cluster=name))
    most = min(sum(shares[name].most for name in shares if public.sel(cluster=name)), 1 - least)
    if settled.least_public > most + 1e-9:
        text = f"is {settled.least_public:g}, but the shares of clusters let public ones have {most:g} at most"
        yield located(("mix", "least_public"), f"{text}, expected that or less", district.lines)
