"""What the simulated loads say: Table 1 rebuilt, intensities, costs of x1, effects of the choices, checks by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.hourly import HOURS
from bcopt.compendium.inputs import TEXT, Expected, check_dataset, read_arrays
from bcopt.compendium.paths import project_root
from bcopt.compendium.problems import InputError
from bcopt.loads import prototypes
from bcopt.loads.climate import monthly_means, morph
from bcopt.loads.programs import COOKING_LOST
from bcopt.loads.simulation import BALANCE, CARRIERS
from bcopt.loads.steady_state import monthly_heating
from bcopt.loads.weather import CALENDAR, read_weather, shipped_weather
from bcopt.studies.systems2024 import demand
from bcopt.studies.systems2024.inputs import CLIMATE, CLUSTERS, FUNCTIONS

ELECTRIC = ("lighting", "equipment", "base_load", "hot_water")
_KIND = re.compile(
    r"\b(RESIDENTIAL|OFFICE|HOTEL|MALL|GROUND|MIDDLE|TOP)(?=[ _.])|(?<==)-?\d[\d.]*|\d+(?= (nominally|total))"
)
PUBLISHED_COST, PUBLISHED_HOUR_20 = "S-3.1-cost-before", "S-3.1-hour20-before"
SENSIBLE_SHARE = 0.75
"""Of a resting person's heat in a cool room, about three quarters [-]; EnergyPlus splits it by itself."""

_SERIES, _DAYS = ("cluster", "use", "hour"), ("variant", "cluster", "use", "month", "hour")
LOADS = {
    "demand": Expected("kW", _SERIES, lower=0.0),
    "warnings": Expected("1", ("cluster",), lower=0.0),
    "messages": Expected(TEXT, ("cluster",)),
    "unmet": Expected("h", ("cluster",), 0.0, float(len(CALENDAR))),
    "meter_deviation": Expected("1", ("cluster",), lower=0.0),
    "photovoltaics": Expected("kW", ("cluster", "hour"), lower=0.0),
    "ground_heat": Expected("kW", ("cluster",), lower=0.0),
}
VARIANTS = {
    "mean_day": Expected("kW", _DAYS, lower=0.0),
    "annual": Expected("kWh/a", ("variant", "cluster", "use"), lower=0.0),
    "photovoltaics": Expected("kW", ("variant", "cluster", "month", "hour"), lower=0.0),
}
BALANCES = {
    **{name: Expected("W", ("storey", "hour"), -1e7, 1e7) for name in BALANCE},
    "temperature": Expected("degC", ("storey", "hour"), -70.0, 100.0),
    "heating": Expected("kW", ("storey", "hour"), 0.0, 1e4),
}
"""What the files of the simulation stage hold."""


def read_results(
    parameters: Mapping[str, str | int] | None = None, root: Path | None = None
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Return what the simulation stage wrote: loads of the year, variants, heat balance of storeys.

    Parameters
    ----------
    parameters : mapping, optional
        Choices that the loads must have been simulated under, by name.
    root : Path, optional
        Project root.

    Raises
    ------
    InputError
        If a file is not there or faulty, or the loads were simulated under other choices.
    """
    root = root or project_root()
    labels: dict[str, Sequence[Any]] = {"cluster": [*CLUSTERS], "use": [*CARRIERS], "carrier": list(CARRIERS.values())}
    described = ("program", "hour_shift", "neighbours", "weather", "weather_sha256")
    loads = _read("loads.nc", LOADS, labels | {"hour": range(len(CALENDAR))}, root, described)
    other = [
        f"was simulated with {name} = {loads.attrs[name]}, not {value}: set params.yaml and run `dvc repro`"
        for name, value in (parameters or {}).items()
        if loads.attrs[name] != value
    ]
    if other:
        raise InputError("data/derived/loads.nc", other)
    simulated = demand.variants(demand.Variant(*(loads.attrs[name] for name in described[:-1])))
    days = {"hour": HOURS, "month": [1, 7], "variant": [*simulated]}
    variants = _read("load_variants.nc", VARIANTS, labels | days, root)
    storeys = {"storey": ["ground", "middle", "top"], "hour": range(24 * 31)}
    balance = _read("storey_balance.nc", BALANCES, storeys, root, ("cluster", "month"))
    return loads, variants, balance


def _read(
    file: str,
    expected: Mapping[str, Expected],
    labels: Mapping[str, Sequence[Any]],
    root: Path,
    attributes: Sequence[str] = (),
) -> xr.Dataset:
    """Return a file of the simulation stage, if it is as it was written."""
    path = Path("data") / "derived" / file
    found = read_arrays(root / path, root, "systems2024-simulation", attributes)
    return check_dataset(found, expected, path.as_posix(), labels)


def weather_behind(loads: xr.Dataset, inputs: xr.Dataset) -> xr.Dataset:
    """Return the year of weather that the loads were simulated with.

    Raises
    ------
    InputError
        If a weather file of the user's own is not the one that was simulated.
    """
    weather = loads.attrs["weather"]
    if demand.PLACE.hash(weather) != loads.attrs["weather_sha256"]:
        raise InputError(weather, ["changed since the simulation: run `dvc repro --force systems2024-simulation`"])
    return demand.PLACE.year(inputs, weather)


def table_1(inputs: xr.Dataset) -> pd.DataFrame:
    """Return Table 1 as printed beside the whole buildings that have its construction areas."""
    built = prototypes.implied(demand.rebuilt(inputs), float(inputs["land_side"]))
    return pd.DataFrame(
        {
            "cluster": list(CLUSTERS),
            "function": list(CLUSTERS.values()),
            "construction area [m2]": inputs["construction_area"],
            "height [m]": inputs["height"],
            "storeys": built["storeys"],
            "buildings": built["buildings"],
            "narrowest street [m]": built["street"],
            "density printed": inputs["density"],
            "density implied": built["density"],
            "agrees": np.abs(built["density"] - inputs["density"]) <= 0.005,
            "storeys by printed density": inputs["construction_area"] / inputs["land_side"] ** 2 / inputs["density"],
        }
    )


def electricity(demand_by_use: xr.DataArray) -> xr.DataArray:
    """Return electricity without heating and cooling: lights, appliances, base load and hot water.

    All hot water is heated electrically; what the heaters of homes lose stands in the base load.

    Parameters
    ----------
    demand_by_use : xr.DataArray, dims (..., use)
        Demand by use [kW].
    """
    return demand_by_use.sel(use=list(ELECTRIC)).sum("use")


def intensities(loads: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return by cluster and use the energy of the year per construction area [kWh/m2/a]."""
    per_area = loads["demand"].sum("hour") / inputs["construction_area"]
    columns = {f"{use.replace('_', ' ')} [kWh/m2/a]": per_area.sel(use=use) for use in loads["use"].to_numpy().tolist()}
    return pd.DataFrame({"cluster": list(CLUSTERS), "function": list(CLUSTERS.values()), **columns})


def benchmark_table(loads: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return intensities of the year by function beside what others report; cooling counts by the heat pumps' COP."""
    area = inputs["construction_area"].groupby("used_for").sum()
    year = loads["demand"].sum("hour").assign_coords(used_for=inputs["used_for"]).groupby("used_for").sum() / area
    cooling = year.sel(use="cooling", drop=True) / inputs["heat_pump_cop"]
    found = {"electricity": electricity(year) + cooling, "heating": year.sel(use="heating")}
    rows = []
    for measure, values in found.items():
        for function in FUNCTIONS:
            value = float(values.sel(used_for=function))
            low, high = (
                float(inputs[f"benchmark_{end}"].sel(function=function, measure=measure)) for end in ("low", "high")
            )
            place = "within" if low <= value <= high else "below" if value < low else "above"
            rows.append((measure, function, value, low, high, place))
    columns = ["measure", "function", "simulated [kWh/m2/a]", "others from", "others to", "simulated is"]
    return pd.DataFrame(rows, columns=columns)


def x1_costs(variants: xr.Dataset, loads: xr.Dataset, inputs: xr.Dataset, claims: pd.DataFrame) -> pd.DataFrame:
    """Return electricity and cost of x1 on the January mean day by variant, nothing scaled, beside what is printed.

    cost = sum over hours of price x electricity,   net: less photovoltaics, what is left over unpaid
    hour 20: price x electricity + heat price x max(heat - cap of the heat pumps, 0), from 20:00 to 21:00
    """
    price = inputs["electricity_price"].sel(group="residential")
    heat_price = inputs["heat_price"].sel(group="residential")
    day = variants["mean_day"].sel(cluster="x1", month=1, drop=True)
    use = electricity(day)
    sun = variants["photovoltaics"].sel(cluster="x1", month=1, drop=True)
    heat = (day.sel(use="heating", drop=True) - loads["ground_heat"].sel(cluster="x1", drop=True)).clip(min=0)
    cost, net = price * use, price * (use - sun).clip(min=0)
    printed = claims.set_index("id")["printed"].str.replace(",", "").replace("", "nan")
    table = pd.DataFrame(
        {
            "variant": variants["variant"],
            "electricity [MWh/d]": use.sum("hour") / 1000,
            "peak over mean": use.max("hour") / use.mean("hour"),
            "cost [yuan/d]": cost.sum("hour"),
            "net of photovoltaics [yuan/d]": net.sum("hour"),
            "electricity in hour 20 [yuan]": cost.sel(hour=20, drop=True),
            "with heat beyond the heat pumps [yuan]": (cost + heat_price * heat).sel(hour=20, drop=True),
        }
    )
    last = len(table)
    table.loc[last, "variant"] = "printed (held out here)"
    table.loc[last, "cost [yuan/d]"] = float(printed[PUBLISHED_COST])
    table.loc[last, "with heat beyond the heat pumps [yuan]"] = float(printed[PUBLISHED_HOUR_20])
    return table


def x1_parts(variants: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return what the assumptions beside the standard's rooms add to x1's January mean day, by arithmetic."""
    day = variants["mean_day"].sel(cluster="x1", month=1, variant="central", drop=True)
    rooms = day.sel(use=["lighting", "equipment"]).sum("use")
    with_base = rooms + day.sel(use="base_load", drop=True)
    water = day.sel(use="hot_water", drop=True) / float(inputs["hot_water_per_person"].sel(function="residential"))
    found = {"rooms of the program alone": rooms, "with base load": with_base}
    found |= {f"with base load and {litres} L of hot water": with_base + litres * water for litres in (20, 30, 60)}
    price = inputs["electricity_price"].sel(group="residential", drop=True)
    return pd.DataFrame(
        [
            {
                "counted": name,
                "electricity [MWh/d]": float(use.sum()) / 1000,
                "peak over mean": float(use.max() / use.mean()),
                "cost [yuan/d]": float((price * use).sum()),
                "in hour 20 [yuan]": float((price * use).sel(hour=20)),
            }
            for name, use in found.items()
        ]
    )


def variant_table(variants: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return what each choice changes in January: heat and electricity by function, relative to the central one [%]."""
    day = variants["mean_day"].sel(month=1, drop=True).sum("hour")
    grouped = day.assign_coords(used_for=inputs["used_for"]).groupby("used_for").sum().sel(used_for=list(FUNCTIONS))
    found = {"heating": grouped.sel(use="heating", drop=True), "electricity": electricity(grouped)}
    changes = {
        measure: (100 * (values / values.sel(variant="central", drop=True) - 1)).round(3)
        for measure, values in found.items()
    }
    columns = {
        f"{measure}, {function} [%]": values.sel(used_for=function)
        for measure, values in changes.items()
        for function in FUNCTIONS
    }
    return pd.DataFrame({"variant": variants["variant"], **columns}).query("variant != 'central'")


def annual_variant_table(variants: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return heat and cold of the year per construction area by variant and function [kWh/m2/a]."""
    area = inputs["construction_area"].groupby("used_for").sum()
    year = variants["annual"].assign_coords(used_for=inputs["used_for"]).groupby("used_for").sum() / area
    columns = {
        f"{use}, {function} [kWh/m2/a]": year.sel(use=use, used_for=function)
        for use in ("heating", "cooling")
        for function in FUNCTIONS
    }
    return pd.DataFrame({"variant": variants["variant"], **columns})


def potential_table(loads: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return by function the heat of the clusters' open land beside the published cap, and the power of their roofs."""
    heat = loads["ground_heat"].assign_coords(used_for=inputs["used_for"]).groupby("used_for").sum()
    power = loads["photovoltaics"].sum("hour").assign_coords(used_for=inputs["used_for"]).groupby("used_for").sum()
    area = inputs["construction_area"].groupby("used_for").sum()
    order = list(FUNCTIONS)
    open_land = inputs["land_side"] ** 2 * (1 - inputs["density"]).groupby("used_for").mean()
    mean_heat_printed = open_land * inputs["borehole_heat"] / 1000
    count = np.array([list(CLUSTERS.values()).count(function) for function in order])
    cap = inputs["heat_pump_cap"].sel(function=order).to_numpy()
    return pd.DataFrame(
        {
            "function": order,
            "clusters": count,
            "ground heat [kW]": heat.sel(used_for=order),
            "published cap [kW]": cap,
            "clusters that give the cap": cap * count / heat.sel(used_for=order).to_numpy(),
            "the same by printed density": cap / mean_heat_printed.sel(used_for=order).to_numpy(),
            "photovoltaics [GWh/a]": power.sel(used_for=order) / 1e6,
            "photovoltaics [kWh/m2/a]": (power / area).sel(used_for=order),
        }
    )


def morphing(inputs: xr.Dataset) -> xr.Dataset:
    """Return the monthly climate of the source, of the morphed year and of the table it was morphed to.

    Returns
    -------
    xr.Dataset, dims (year, month)
        Years Willard, morphed and table; ``dry_bulb``, dims (year, hour), the hours of January of the first two [degC].
    """
    source = read_weather(shipped_weather("Willard"))
    years = {"Willard": source, "morphed": morph(source, inputs[list(CLIMATE)], demand.PLACE.city)}
    monthly = [
        *(monthly_means(year)[list(CLIMATE)] for year in years.values()),
        inputs[list(CLIMATE)].reset_coords(drop=True),
    ]
    names = pd.Index([*years, "table"], name="year")
    hours = xr.concat(
        [year["dry_bulb_temperature"][CALENDAR.month == 1] for year in years.values()],
        pd.Index(list(years), name="shown"),
    )
    return xr.concat(monthly, names, combine_attrs="override").assign(dry_bulb=hours)


def by_hand(balance: xr.Dataset, inputs: xr.Dataset, weather: xr.Dataset) -> pd.DataFrame:
    """Return January's heating of the storeys of a lone x1 by ISO 13790 beside EnergyPlus [kWh].

    Parameters
    ----------
    balance : xr.Dataset, dims (storey, hour)
        From :func:`read_results`.
    weather : xr.Dataset, dims (hour)
        What EnergyPlus ran with.
    """
    profiles = demand.profiles(inputs, "residential")
    mean = {
        name: float(demand.week_mean(profiles[name]))
        for name in ("people", "lighting", "equipment", "base_load", "cooking")
    }
    gains = (
        SENSIBLE_SHARE * float(profiles["metabolic_rate"]) * mean["people"]
        + mean["lighting"]
        + mean["equipment"]
        + (1 - float(profiles["base_load_outside"])) * mean["base_load"]
        + (1 - COOKING_LOST) * mean["cooking"]
    )
    at_home = inputs.sel(function="residential")
    found = monthly_heating(
        demand.rebuilt(inputs)[0],
        at_home,
        weather,
        month=1,
        indoor=float(at_home["heating_setpoint"].mean()),
        internal_gains=gains,
        soil=float(at_home["soil_temperature"]),
        air_change=float(at_home["infiltration"]),
    )
    table = found.to_dataframe().reset_index()
    simulated = balance["heating"].sum("hour").sel(storey=table["storey"].to_list()).to_numpy()
    table = table.assign(simulated=simulated, difference=100 * (table["heating"] / simulated - 1))
    return table.rename(
        columns=lambda name: (
            name if name in ("storey", "utilisation") else f"{name} [{'%' if name == 'difference' else 'kWh'}]"
        )
    )


def check_table(loads: xr.Dataset) -> pd.DataFrame:
    """Return by cluster how far EnergyPlus's meters are from its zones, hours off the set points, and warnings."""
    return pd.DataFrame(
        {
            "cluster": loads["cluster"],
            "meters agree to a millionth": loads["meter_deviation"] <= 1e-6,
            "hours off the set points [h]": loads["unmet"],
            "warnings": loads["warnings"],
        }
    )


def message_table(loads: xr.Dataset) -> pd.DataFrame:
    """Return EnergyPlus's warnings, without names and numbers, and how many clusters they concern."""
    texts = [{_KIND.sub("...", line) for line in str(text).splitlines()} for text in loads["messages"].to_numpy()]
    every = sorted(set().union(*texts))
    return pd.DataFrame({"warning": every, "clusters": [sum(text in found for found in texts) for text in every]})


def balance_table(balance: xr.Dataset) -> pd.DataFrame:
    """Return the mean heat balance of each storey's air in January [W] and what its terms leave unexplained."""
    terms = balance[list(BALANCE)].mean("hour")
    table = terms.to_dataframe().reset_index()
    table["remainder"] = table[list(BALANCE)[:-1]].sum(axis=1) - table["storage"]
    hourly = balance[list(BALANCE)[:-1]].to_array("term").sum("term") - balance["storage"]
    table["largest hourly remainder"] = abs(hourly).max("hour").sel(storey=table["storey"].to_list()).to_numpy()
    return table.rename(columns=lambda name: name if name == "storey" else f"{name.replace('_', ' ')} [W]")
