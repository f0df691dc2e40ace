"""Inputs of the flexibility model: what they must be, and the hours in which they need a binary."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models.quantities import Quantity, faults, label_faults, unknown
from bcopt.models.store import LOSS, SHARE, listed

ANY = pd.Interval(-np.inf, np.inf, closed="neither")
STORES = {"vehicle": "electricity", "heat_store": "heat"}
"""The stores of the model and what each stores."""


QUANTITIES = {
    "electricity_price": Quantity("yuan/kWh", True, ANY),  # r_e
    "export_price": Quantity("yuan/kWh", True, ANY),  # r_up
    "heat_price": Quantity("yuan/kWh", True),  # r_h
    "storage_price_electricity": Quantity("yuan/kWh", False),  # r_s, per energy charged and per energy discharged
    "storage_price_heat": Quantity("yuan/kWh", False),  # r_hs
    "fixed": Quantity("kW", True),  # inflexible electricity
    "lighting": Quantity("kW", True),
    "lighting_floor": Quantity("1", False, SHARE),  # gamma, the least share of the lighting
    "transferable": Quantity("kW", True),
    "transfer_window": Quantity("1", True, SHARE),  # 1 in the hours between which load may be transferred, else 0
    "transfer_limit": Quantity("kW", False),  # most transferable load in an hour of the window
    "hot_water": Quantity("kW", True),  # electricity of the heaters
    "heater_power": Quantity("kW", False),
    "photovoltaics": Quantity("kW", True),
    "heat": Quantity("kW", True),  # demand
    "pump_heat": Quantity("kW", False),  # most heat of the heat pumps
    "pump_electricity": Quantity("kWh/kWh", False),  # electricity per heat of the heat pumps, 0 where it is left out
    "vehicle_energy": Quantity("kWh", False),  # at full charge; of each vehicle where it has the dim vehicle
    "vehicle_power": Quantity("kW", False),
    "vehicle_soc_lower": Quantity("1", False, SHARE),
    "vehicle_soc_upper": Quantity("1", False, SHARE),
    "vehicle_available": Quantity("1", True, SHARE, required=False),  # share of the power connected, 1 by default
    "heat_store_energy": Quantity("kWh", False),
    "heat_store_power": Quantity("kW", False),
    "heat_store_loss": Quantity("1/h", False, LOSS),
    "heat_store_soc_lower": Quantity("1", False, SHARE),
    "heat_store_soc_upper": Quantity("1", False, SHARE),
}
"""The inputs of every function here are a dataset of these; beyond ``hour`` each may have any dims, or none."""


def check(inputs: xr.Dataset) -> None:
    """Raise if the inputs describe no problem.

    Raises
    ------
    ValueError
        With a line for each quantity that is missing, unknown, in other units, without hours, or outside its range (as
        a missing value is) with its labels; for bounds that cross; for loads beyond what heaters or transfer limit can
        carry in a cycle, or losses beyond the power of a store; and before that for a dim without labels, or hours that
        are not in order, one apart.
    """
    if wrong_labels := list(label_faults(inputs)):
        raise ValueError("\n".join(wrong_labels))
    found = {name: list(_faults(name, inputs)) for name in QUANTITIES}
    sound = inputs[[name for name in QUANTITIES if name in inputs and not found[name]]]
    if lines := [*unknown(inputs, QUANTITIES), *chain(*found.values()), *_faults_together(sound)]:
        raise ValueError("\n".join(lines))


def _faults(name: str, inputs: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with one quantity alone."""
    yield from faults(name, QUANTITIES[name], inputs)
    if name in inputs and "vehicle" in inputs[name].dims and not name.startswith("vehicle_"):
        yield f"{name}: only vehicle_ quantities may have the dim vehicle"
    if name == "transfer_window" and name in inputs:
        values = inputs[name]
        yield from listed(f"{name} must be 0 or 1", (values > 0) & (values < 1), found=values)


def _faults_together(sound: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with quantities between each other, as far as each is right alone."""
    for lower, upper in ((f"{store}_soc_lower", f"{store}_soc_upper") for store in STORES):
        if sound.keys() >= {lower, upper}:
            least, most = sound[lower], sound[upper]
            yield from listed(f"{lower} must not exceed {upper}", least > most, lower=least, upper=most)
    if sound.keys() >= {f"heat_store_{name}" for name in ("energy", "power", "loss", "soc_lower")}:
        power, lost = sound["heat_store_power"], sound["heat_store_loss"]
        lost = lost * sound["heat_store_soc_lower"] * sound["heat_store_energy"]
        message = "heat_store_power must make good what the store loses at its least energy [kW]"
        yield from listed(message, power < lost * (1 - 1e-12), power=power, loss=lost)
    if sound.keys() >= {"hot_water", "heater_power"}:
        yield from _short("hot_water", "heater_power", sound["hot_water"], sound["heater_power"])
    if sound.keys() >= {"transferable", "transfer_window", "transfer_limit"}:
        within = sound[["transferable", "transfer_limit"]] * sound["transfer_window"]
        yield from _short("transferable within the window", "transfer_limit", *within.data_vars.values())


def _short(load: str, limit: str, demand: xr.DataArray, most: xr.DataArray) -> list[str]:
    """Say where the hours of a cycle together cannot carry the load of the cycle."""
    needed, possible = (x.sum("hour") for x in xr.broadcast(demand, most))
    message = f"{load} beyond what {limit} can deliver in a cycle [kWh]"
    return listed(message, needed > possible * (1 + 1e-12), needed=needed, possible=possible)


def split_hours(inputs: xr.Dataset) -> xr.DataArray:
    """Return the hours in which buying and selling at once would pay, so that equation (2) needs a binary.

        export_price > electricity_price and photovoltaics > 0

    In all other hours no optimum gains by doing both.

    Returns
    -------
    xr.DataArray of bool, dims (..., hour)
        Over all dims of the inputs but ``vehicle``.
    """
    given = over_all_dims(inputs)
    return (given["export_price"] > given["electricity_price"]) & (given["photovoltaics"] > 0)


def over_all_dims(inputs: xr.Dataset) -> xr.Dataset:
    """Return the inputs over all dims, ``hour`` last; over ``vehicle`` those that have it."""
    dims = [dim for dim in inputs.dims if dim not in ("vehicle", "hour")] + ["vehicle", "hour"]
    wide = {}
    for name, values in inputs.data_vars.items():
        own = [dim for dim in dims if dim in inputs.dims and (dim != "vehicle" or dim in values.dims)]
        wide[name] = values.variable.set_dims({dim: inputs.sizes[dim] for dim in own})
    return xr.Dataset(wide, coords={dim: inputs[dim].variable for dim in dims if dim in inputs.indexes})
