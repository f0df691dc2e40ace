"""What the simulated loads say: Table 1 rebuilt, intensities, costs of x1, effects of the choices, checks by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.paths import project_root
from bcopt.compendium.problems import InputError
from bcopt.loads import prototypes
from bcopt.loads.climate import monthly_means, morph
from bcopt.loads.simulation import BALANCE, GROUND_TEMPERATURE
from bcopt.loads.steady_state import monthly_heating
from bcopt.loads.weather import CALENDAR, read_weather, shipped_weather
from bcopt.studies.systems2024 import demand
from bcopt.studies.systems2024.inputs import CLIMATE, CLUSTERS, FUNCTIONS

ELECTRIC = ("lighting", "equipment", "base_load")
PUBLISHED_COST, PUBLISHED_HOUR_20 = "S-3.1-cost-before", "S-3.1-hour20-before"
HEAT_OF_WATER = 4.186 / 3.6
"""Of a litre of water [Wh/L/K]."""
SENSIBLE_SHARE = 0.75
"""Of the heat of a resting person at 18 degC, ASHRAE Handbook - Fundamentals (2017), chapter 18, table 1 [-]."""


def read_results(root: Path | None = None) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Return what the simulation stage wrote: loads of the year, variants, heat balance of storeys.

    Raises
    ------
    InputError
        If one of them is not there.
    """
    folder = (root or project_root()) / "data" / "derived"
    found = []
    for name in ("loads.nc", "load_variants.nc", "storey_balance.nc"):
        if not (folder / name).is_file():
            raise InputError(
                f"data/derived/{name}", ["the file does not exist: run `dvc repro systems2024-simulation`"]
            )
        with xr.open_dataset(folder / name) as dataset:
            found.append(dataset.load())
    loads, variants, balance = found
    return loads, variants, balance


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


def heater_efficiency(inputs: xr.Dataset) -> float:
    """Return the share of a household's water heater's electricity that reaches the tap, on an average day.

    eta = Q / (Q + Q_loss),   Q = litres x persons x c x (T_hot - 10 degC)
    """
    litres = inputs["hot_water_per_person"].sel(function="residential") * inputs["persons_per_household"]
    heat = float(litres * HEAT_OF_WATER * (inputs["hot_water_temperature"] - 10)) / 1000
    return heat / (heat + float(inputs["water_heater_loss"]))


def electricity(demand_by_use: xr.DataArray, inputs: xr.Dataset) -> xr.DataArray:
    """Return electricity without heating and cooling: lights, appliances, base load and hot water.

    All hot water is heated electrically, with the losses of a household's heater.

    Parameters
    ----------
    demand_by_use : xr.DataArray, dims (..., use)
        Demand by use [kW].
    """
    water = demand_by_use.sel(use="hot_water", drop=True) / heater_efficiency(inputs)
    return demand_by_use.sel(use=list(ELECTRIC)).sum("use") + water


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
    found = {"electricity": electricity(year, inputs) + cooling, "heating": year.sel(use="heating")}
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
    use = electricity(day, inputs)
    sun = demand.mean_days(loads["photovoltaics"].sel(cluster="x1", drop=True)).sel(month=1, drop=True)
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


def variant_table(variants: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return what each choice changes in January: heat and electricity by function, relative to the central one [%]."""
    day = variants["mean_day"].sel(month=1, drop=True).sum("hour")
    grouped = day.assign_coords(used_for=inputs["used_for"]).groupby("used_for").sum().sel(used_for=list(FUNCTIONS))
    found = {"heating": grouped.sel(use="heating", drop=True), "electricity": electricity(grouped, inputs)}
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
    years = {"Willard": source, "morphed": morph(source, inputs[list(CLIMATE)], demand.CITY)}
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
    mean = {name: float(profiles[name].mean()) for name in ("people", "lighting", "equipment", "base_load", "cooking")}
    gains = (
        SENSIBLE_SHARE * float(profiles["metabolic_rate"]) * mean["people"]
        + mean["lighting"]
        + mean["equipment"]
        + (1 - float(profiles["base_load_outside"])) * mean["base_load"]
        + 0.5 * mean["cooking"]
    )
    at_home = inputs.sel(function="residential")
    found = monthly_heating(
        demand.rebuilt(inputs)[0],
        at_home,
        weather,
        month=1,
        indoor=float(at_home["heating_setpoint"].mean()),
        internal_gains=gains,
        soil=GROUND_TEMPERATURE,
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


def balance_table(balance: xr.Dataset) -> pd.DataFrame:
    """Return the mean heat balance of each storey's air in January [W] and what its terms leave unexplained."""
    terms = balance[list(BALANCE)].mean("hour")
    table = terms.to_dataframe().reset_index()
    table["remainder"] = table[list(BALANCE)[:-1]].sum(axis=1) - table["storage"]
    hourly = balance[list(BALANCE)[:-1]].to_array("term").sum("term") - balance["storage"]
    table["largest hourly remainder"] = abs(hourly).max("hour").sel(storey=table["storey"].to_list()).to_numpy()
    return table.rename(columns=lambda name: name if name == "storey" else f"{name.replace('_', ' ')} [W]")
