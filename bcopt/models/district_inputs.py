"""Inputs of the district model: what they must be, whose labels they must share, and demands that nothing can meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models.quantities import Quantity, faults, label_faults, unknown
from bcopt.models.store import LOSS, listed

POSITIVE = pd.Interval(0.0, np.inf, closed="neither")
ROUNDING = 1e-12
"""Share of a demand by which it may exceed what can be supplied [-]."""

QUANTITIES = {
    "electricity": Quantity("kW", True),  # p', what buildings use beside heat pumps and chillers
    "photovoltaics": Quantity("kW", True),
    "heat": Quantity("kW", True),  # ph'
    "cooling": Quantity("kW", True),
    "electricity_price": Quantity("yuan/kWh", True),  # e
    "export_price": Quantity("yuan/kWh", True),
    "gas_price": Quantity("yuan/kWh", True),  # h, per heat
    "pump_capacity": Quantity("kW", False),  # most heat of the heat pumps on the ground of a group
    "pump_cop": Quantity(
        "kWh/kWh", False, POSITIVE
    ),  # heat per electricity; infinite where the electricity is left out
    "chiller_cop": Quantity("kWh/kWh", False, POSITIVE),
    "boiler_capacity": Quantity("kW", False, required=False),  # of all boilers together; absent: as much as is needed
    "chiller_capacity": Quantity("kW", False, required=False),
    "storage_energy": Quantity("kWh", False),  # Emax
    "storage_power": Quantity("kW", False),
    "storage_loss": Quantity("1/h", False, LOSS),  # phi
    "storage_price": Quantity("yuan/kWh", False),  # s, per energy charged and per energy discharged
    "storage_installation_price": Quantity("yuan/kWh", False),  # K_s
    "boiler_installation_price": Quantity("yuan/kWh", False),  # K_b
    "grid_emission_factor": Quantity("kg/kWh", False),  # EF_e
    "gas_emission_factor": Quantity("kg/kWh", False),  # EF_h
}
"""The inputs of the district model are a dataset of these; beyond ``hour`` and ``group`` each may have any dims."""
SHARED = (
    "boiler_capacity",
    "chiller_capacity",
    "storage_energy",
    "storage_power",
    "storage_loss",
    "storage_installation_price",
    "boiler_installation_price",
    "grid_emission_factor",
    "gas_emission_factor",
)
"""Those that all groups have in common, which therefore must not have the dim ``group``."""
_CAPACITIES = {"boiler_capacity": "heat", "chiller_capacity": "cooling"}


def gathered(quantities: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Return the inputs as one dataset, if they agree on groups and hours.

    Parameters
    ----------
    quantities : mapping of str to xr.DataArray
        By the names of :data:`QUANTITIES`, each over some or all of the dims (group, hour, ...), labels in any order.

    Returns
    -------
    xr.Dataset
        In the order of the labels of ``electricity``.

    Raises
    ------
    ValueError
        Naming each quantity with labels that ``electricity`` lacks, such as an unknown group in a table of tariffs, or
        without labels that it has.
    """
    if "electricity" not in quantities:
        raise ValueError("electricity: missing, it gives groups and hours")
    labels = quantities["electricity"].indexes
    problems = []
    for name, values in quantities.items():
        for dim in (dim for dim in values.dims if dim in labels):
            own, wanted = values.get_index(dim), labels[dim]
            odd, lacking = own.difference(wanted).tolist(), wanted.difference(own).tolist()
            problems += [f"{name}: unknown {dim} {odd}, known are {wanted.tolist()}"] if odd else []
            problems += [f"{name}: missing {dim} {lacking}"] if lacking else []
            problems += [f"{name}: repeated {dim}"] if not own.is_unique else []
    if problems:
        raise ValueError("\n".join(problems))
    ordered = {
        name: values.sel({dim: labels[dim] for dim in values.dims if dim in labels})
        for name, values in quantities.items()
    }
    return xr.Dataset({name: values.reset_coords(drop=True) for name, values in ordered.items()})


def check(inputs: xr.Dataset, sharing: bool) -> None:
    """Raise if the inputs describe no problem, or one without a solution.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`.
    sharing : bool
        Whether the groups pool their ground heat.

    Raises
    ------
    ValueError
        With a line for each quantity that is missing, unknown, in other units, without hours, or outside its range with
        its labels; for exports that would earn more than purchases cost; for a storage whose power could turn over more
        than its energy in an hour; for hours in which heat or cooling cannot be met, with the groups that need it.
    """
    if wrong_labels := list(label_faults(inputs)):
        raise ValueError("\n".join(wrong_labels))
    found = {name: list(_faults(name, inputs)) for name in QUANTITIES}
    sound = inputs[[name for name in QUANTITIES if name in inputs and not found[name]]]
    if lines := [*unknown(inputs, QUANTITIES), *chain(*found.values()), *_faults_together(sound)]:
        raise ValueError("\n".join(lines))
    if lines := list(_unmet(over_all_dims(inputs), sharing)):
        raise ValueError("\n".join(lines))


def _faults(name: str, inputs: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with one quantity alone."""
    values = inputs.get(name)
    if name == "pump_cop" and values is not None:
        inputs = inputs.assign(pump_cop=values.where(values != np.inf, 1.0).assign_attrs(values.attrs))
    yield from faults(name, QUANTITIES[name], inputs)
    if values is not None and name in SHARED and "group" in values.dims:
        yield f"{name}: one of all groups together, so it must not have the dim group"
    if name == "electricity" and values is not None and "group" not in values.dims:
        yield f"{name}: must have the dim group, found {values.dims}"


def _faults_together(sound: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with quantities between each other, as far as each is right alone."""
    if sound.keys() >= {"electricity_price", "export_price"}:
        bought, sold = xr.broadcast(sound["electricity_price"], sound["export_price"])
        yield from listed("export_price must not exceed electricity_price", sold > bought, export=sold, purchase=bought)
    if sound.keys() >= {"storage_energy", "storage_power"}:
        energy, power = xr.broadcast(sound["storage_energy"], sound["storage_power"])
        message = "storage_power must not exceed what storage_energy holds for one hour"
        yield from listed(message, power > energy * (1 + ROUNDING), power=power, energy=energy)


def _unmet(given: xr.Dataset, sharing: bool) -> Iterator[str]:
    """Yield the hours in which heat or cooling exceeds what there is, with the groups that depend on it."""
    for capacity, demand in _CAPACITIES.items():
        if capacity in given:
            short = shortfall(given, demand, given[capacity], sharing)
            slack = ROUNDING * given[demand].sum("group")
            for place in np.argwhere((short > slack).to_numpy())[:5]:
                at = dict(zip(short.dims, place, strict=True))
                where = ", ".join(f"{dim} {short[dim].to_numpy()[k]}" for dim, k in at.items())
                own = given["pump_capacity"].isel(at) if demand == "heat" and not sharing else 0.0
                lacking = (given[demand].isel(at) > own).to_numpy()
                groups = ", ".join(str(name) for name in given["group"].to_numpy()[lacking])
                yield f"{demand} cannot be met: {float(short.isel(at)):g} kW are missing at {where} in {groups}"


def shortfall(given: xr.Dataset, demand: str, capacity: xr.DataArray | float, sharing: bool) -> xr.DataArray:
    """Return how much of the heat or the cooling cannot be met, since neither can be stored.

        heat, pooled:    max(sum_g heat - sum_g pump_capacity, 0) - capacity
        heat, separate:  sum_g max(heat - pump_capacity, 0) - capacity
        cooling:         sum_g cooling - capacity

    Parameters
    ----------
    given : xr.Dataset
        ``heat``, ``pump_capacity``, ``cooling``, dims (group, hour, ...) [kW].
    demand : {"heat", "cooling"}
        Which of both.
    capacity : xr.DataArray or float
        Of all boilers or of all chillers [kW].
    sharing : bool
        Whether the groups pool their ground heat.

    Returns
    -------
    xr.DataArray, dims (hour, ...)
        Missing power, zero where there is enough [kW].
    """
    needed = given[demand]
    if demand == "heat":
        if sharing:
            left = (needed.sum("group") - given["pump_capacity"].sum("group")).clip(min=0)
        else:
            left = (needed - given["pump_capacity"]).clip(min=0).sum("group")
    else:
        left = needed.sum("group")
    return (left - capacity).clip(min=0)


def over_all_dims(inputs: xr.Dataset) -> xr.Dataset:
    """Return the inputs over all dims, ``group`` and ``hour`` last; those of all groups together without ``group``."""
    used = dict.fromkeys(chain.from_iterable(values.dims for values in inputs.data_vars.values()))
    every = [dim for dim in used if dim not in ("group", "hour")] + ["group", "hour"]
    wide = {}
    for name, values in inputs.data_vars.items():
        own = [dim for dim in every if dim != "group" or name not in SHARED]
        wide[name] = values.variable.set_dims({dim: inputs.sizes[dim] for dim in own})
    return xr.Dataset(wide, coords={dim: inputs[dim].variable for dim in every if dim in inputs.indexes})
