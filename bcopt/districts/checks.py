"""What is wrong with a folder between its keys, and demands that nothing in it can meet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

import xarray as xr

from bcopt.compendium.problems import InputError
from bcopt.districts import inputs, limits, market, units
from bcopt.districts.folder import District
from bcopt.districts.problems import Key, located, unknown
from bcopt.districts.schema import Tariff
from bcopt.districts.uses import BUILDINGS
from bcopt.districts.values import DAY, Range
from bcopt.loads.weather import Station, read_weather
from bcopt.models import dispatch, pricing

NEEDED = {
    "flexibility": ("clusters", "tariffs"),
    "mix": ("clusters", "tariffs"),
    "sizing": ("clusters", "tariffs", "emissions"),
    "dispatch": ("clusters", "tariffs", "emissions"),
    "pricing": ("clusters", "pricing"),
    "provider": ("clusters", "provider"),
    "renewables": ("renewables",),
}
"""What each task needs of district.yaml."""


LONGEST = 40
"""Letters of a name that stand beside an axis."""


def problems(district: District, faulty: Collection[str] = ()) -> list[str]:
    """Return what is wrong between keys, tables and weather of a folder, in the words of its district.yaml.

    Parameters
    ----------
    district : District
        What was read.
    faulty : collection of str
        Tables that are wrong in themselves, so that nothing can be said of what they lack.
    """
    found = [*_names(district), *_tasks(district), *_tariffs(district, "prices.csv" in faulty), *_devices(district)]
    found += [*_clusters(district), *_weather(district), *_market(district)]
    if "loads.csv" not in faulty:
        found += _loads(district)
    if not found and not faulty and not any(map(district.is_simulated, district.clusters)):
        from bcopt.districts.loads import demand

        found += limits.impossible(district, demand(district))
    return found


def _names(district: District) -> Iterator[str]:
    """Yield names that no heading of a table can have, and those that no figure can show."""
    named: list[tuple[Key, str]] = [
        ((key, name), name) for key in ("clusters", "tariffs") for name in getattr(district.file, key)
    ]
    for key, name in named:
        if odd := [mark for mark in ":[]" if mark in name]:
            text = f"has {' and '.join(odd)} in its name, which parts the headings of tables, expected other marks"
            yield located(key, text, district.lines)
    named += [(("clusters", name, "group"), own.group) for name, own in district.clusters.items() if own.group]
    renewables = district.file.renewables
    named += [(("renewables", "technologies", name), name) for name in (renewables.technologies if renewables else ())]
    for key, name in named:
        if name.count("$") > 1:
            yield located(key, "has $ twice in its name, between which figures read mathematics", district.lines)
        if len(name) > LONGEST:
            yield located(key, f"has {len(name)} letters, expected {LONGEST} at most", district.lines)


def _tasks(district: District) -> Iterator[str]:
    """Yield what tasks lack, and an objective of nothing."""
    if district.file.objective.cost == district.file.objective.emissions == 0:
        yield located(("objective",), "cost and emissions are both 0, expected one above 0", district.lines)
    for place, task in enumerate(district.file.run):
        for key in NEEDED[task]:
            if not getattr(district.file, key):
                yield located(("run", place), f"{task} needs the key {key}, which is not there", district.lines)


def _tariffs(district: District, prices_faulty: bool) -> Iterator[str]:
    """Yield what is wrong with prices and with who pays by them."""
    file = district.file
    for name, tariff in file.tariffs.items():
        for key in Tariff.model_fields:
            value, place = getattr(tariff, key), ("tariffs", name, key)
            column = (name, key) in district.prices
            if column and key in tariff.model_fields_set:
                yield located(
                    place,
                    f"given here and in prices.csv, column {name}: {key}; expected in one of them",
                    district.lines,
                )
            yield from _length(district, place, value)
        have = {
            key for key in Tariff.model_fields if getattr(tariff, key) is not None or (name, key) in district.prices
        }
        if "electricity" not in have and not prices_faulty:
            yield located(("tariffs", name), "no price of electricity, expected here or in prices.csv", district.lines)
        if not have & {"heat", "gas"} and not prices_faulty:
            yield located(("tariffs", name), "neither heat nor gas has a price, expected one of them", district.lines)
    yield from _payers(district)


def _length(district: District, key: Key, value: Any) -> Iterator[str]:
    """Yield that there are values for each hour of a year where the folder has a day."""
    if isinstance(value, tuple) and len(value) not in (DAY, district.file.hours):
        text = f"has {len(value)} values, expected {DAY}, since hours are {district.file.hours}"
        yield located(key, text, district.lines)


def _payers(district: District) -> Iterator[str]:
    """Yield clusters whose tariff is not there or is not that of their group."""
    file = district.file
    paid: dict[str, str] = {}
    for name, own in district.clusters.items() if file.tariffs else ():
        wanted, group = own.tariff or district.group(name), district.group(name)
        if own.tariff and wanted not in file.tariffs:
            yield located(
                ("clusters", name, "tariff"), f"{wanted!r} is {unknown(wanted, list(file.tariffs))}", district.lines
            )
        elif wanted not in file.tariffs and len(file.tariffs) > 1:
            text = (
                f"missing, and there is none called {group!r} as its group, expected one of {', '.join(file.tariffs)}"
            )
            yield located(("clusters", name, "tariff"), text, district.lines)
        if paid.setdefault(group, district.tariff(name)) != district.tariff(name):
            text = f"{district.tariff(name)!r}, but others of its group {group!r} pay by {paid[group]!r}"
            yield located(("clusters", name, "tariff"), f"{text}: a group has one meter", district.lines)


def _devices(district: District) -> Iterator[str]:
    pump, groups = district.file.devices.heat_pump, district.groups
    place: Key = ("devices", "heat_pump", "by_group")
    for name in pump.by_group:
        if name not in groups:
            yield located((*place, name), unknown(name, groups), district.lines)
    missing = [group for group in groups if group not in pump.by_group]
    if missing and (pump.by_group or (not pump.shared and len(groups) > 1)):
        why = "" if pump.by_group else ", since heat pumps are not shared"
        yield located(place, f"no limit for {', '.join(missing)}, expected one for each group{why}", district.lines)
    if pump.by_group and not missing:
        yield from _limits_of_groups(district)
    if getattr(pump.cop, "source", "") == "air" and not district.file.weather:
        yield located(
            ("devices", "heat_pump", "cop"), "follows the air, which needs weather: an EPW file", district.lines
        )


def _limits_of_groups(district: District) -> Iterator[str]:
    """Yield a heat of all pumps that the limits of the groups do not admit, or do not say how to share out."""
    pump = district.file.devices.heat_pump
    whole, place = sum(pump.by_group.values()), ("devices", "heat_pump", "heat")
    if inputs.least(pump.heat) > whole * (1 + 1e-9) or (inputs.most(pump.heat) > whole * (1 + 1e-9) and pump.shared):
        text = f"is {inputs.most(pump.heat):g} kW, more than by_group admits together, {whole:g} kW"
        yield located(place, f"{text}, expected that or less", district.lines)
    elif not pump.shared and not isinstance(pump.heat, Range) and abs(pump.heat - whole) > 1e-9 * whole:
        text = f"is {pump.heat:g} kW, but the groups, which do not share, have {whole:g} kW in by_group"
        yield located(place, f"{text}, expected {whole:g} kW, or a range to size each within its limit", district.lines)


def _clusters(district: District) -> Iterator[str]:
    """Yield windows of parts of hours, states of charge that cross, shares that sum to no whole."""
    for name, own in district.clusters.items():
        place: Key = ("clusters", name)
        window, vehicles = own.flexibility.transfer_window, own.flexibility.vehicles
        yield from _length(district, (*place, "flexibility", "transfer_window"), window)
        if vehicles:
            yield from _length(district, (*place, "flexibility", "vehicles", "available"), vehicles.available)
        if isinstance(window, tuple) and (odd := [h for h, value in enumerate(window) if value not in (0, 1)]):
            text = f"is {window[odd[0]]:g} in hour {odd[0]}, expected 0 or 1"
            yield located((*place, "flexibility", "transfer_window"), text, district.lines)
        for store in ("vehicles", "heat_store"):
            held = getattr(own.flexibility, store)
            if held and held.lowest > held.highest:
                text = f"lowest {held.lowest:g} is above highest {held.highest:g}"
                yield located((*place, "flexibility", store, "lowest"), text, district.lines)
        if own.share.least > own.share.most:
            yield located(
                (*place, "share"), f"least {own.share.least:g} is above most {own.share.most:g}", district.lines
            )
    shares = [own.share for own in district.clusters.values()]
    least, most = (sum(getattr(each, key) for each in shares) for key in ("least", "most"))
    if "mix" in district.file.run and shares and not least - 1e-9 <= 1 <= most + 1e-9:
        yield located(
            ("clusters",), f"shares sum to {least:g} at least and {most:g} at most, expected 1 between", district.lines
        )


def _loads(district: District) -> Iterator[str]:
    """Yield clusters whose loads come from nowhere."""
    for name, own in district.clusters.items():
        if district.is_simulated(name):
            columns = f"expected a column such as '{name}: heating' in loads.csv"
            if own.use not in BUILDINGS:
                text = f"{own.use!r} cannot be simulated and no loads are given, {columns}"
                yield located(("clusters", name, "use"), text, district.lines)
            elif not district.file.weather:
                text = f"no loads are given and no weather to simulate them, {columns} or an EPW file"
                yield located(("clusters", name), text, district.lines)


def _weather(district: District) -> Iterator[str]:
    name = district.file.weather
    if name is None or name in get_args(Station):
        return
    if not (district.folder / name).is_file():
        text = f"{name!r} is no file of this folder, expected an EPW file, or {', '.join(get_args(Station))}"
        yield located(("weather",), text, district.lines)
        return
    try:
        read_weather(district.folder / name)
    except InputError as error:
        for problem in error.problems:
            yield located(("weather",), f"{name}: {problem}", district.lines)


def _market(district: District) -> Iterator[str]:
    """Yield what is wrong with the quantities of pricing, of a provider and of renewables."""
    file, names = district.file, list(district.clusters)
    parts: list[tuple[Key, Mapping[str, Any], Mapping[str, Any]]] = []
    if file.pricing:
        parts += [(("pricing", "carriers", c), own, pricing.QUANTITIES) for c, own in file.pricing.carriers.items()]
    if file.provider:
        parts.append((("provider", "quantities"), file.provider.quantities, dispatch.QUANTITIES))
    for place, given, known in parts:
        own = {name: wanted for name, wanted in known.items() if name not in market.SUPPLIED}
        found, wrong = market.quantities(given, own, names, file.currency)
        for name in given:
            if name not in own:
                yield located((*place, name), unknown(name, list(own)), district.lines)
        for name, text in wrong.items():
            yield located((*place, name), text, district.lines)
        from_pricing = market.USERS if known is dispatch.QUANTITIES and market.has_users(district) else ()
        for name, wanted in own.items():
            if name not in given and wanted.required and name not in from_pricing:
                yield located(
                    (*place, name), f"missing, expected {units.expected(wanted.units, file.currency)}", district.lines
                )
        for name, values in found.items():
            for text in market.outside(values, own[name], file.currency):
                yield located((*place, name), text, district.lines)
        if known is pricing.QUANTITIES:
            yield from _retail(district, place, found)
    if file.renewables:
        yield from _renewables(district)


def _retail(district: District, place: Key, found: Mapping[str, xr.DataArray]) -> Iterator[str]:
    """Yield wholesale prices between which no retail price lies, and a response without its elasticity."""
    prices, settled = found.get("wholesale_price"), district.file.pricing
    if prices is not None and float(prices.min()) == float(prices.max()):
        text = f"is {float(prices.max()):g} in all hours, expected prices that differ: retail prices lie between them"
        yield located((*place, "wholesale_price"), text, district.lines)
    if settled and settled.response == "elasticity" and "elasticity" not in settled.carriers[place[-1]]:  # type: ignore[index]
        text = "missing, expected a number without unit: the response is by elasticity"
        yield located((*place, "elasticity"), text, district.lines)


def _renewables(district: District) -> Iterator[str]:
    settled = district.file.renewables
    if settled is None:
        return
    for name, own in settled.technologies.items():
        if own.least > own.most:
            text = f"least {own.least:g} MJ is above most {own.most:g} MJ"
            yield located(("renewables", "technologies", name, "least"), text, district.lines)
    least, most = (sum(getattr(own, key) for own in settled.technologies.values()) for key in ("least", "most"))
    if least <= most and not least - 1e-12 * most <= settled.energy <= most * (1 + 1e-12):
        text = f"is {settled.energy:g} MJ a year, the technologies give from {least:g} to {most:g} MJ"
        yield located(("renewables", "energy"), text, district.lines)
