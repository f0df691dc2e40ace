"""Energy self-optimisation of building clusters under hourly prices: stores, lighting, transferable load, hot water.

The equations are (1)-(28) of systems2024, Systems 2024, 12(3), 92, https://doi.org/10.3390/systems12030092, for any
number of clusters and hours. The dim ``hour`` is one cycle, whose last hour precedes its first; each label of any other
dim (cluster, day) is a problem of its own.
"""

from __future__ import annotations

from typing import Literal, TypeVar, get_args

import linopy
import numpy as np
import xarray as xr

from bcopt.models.flexibility_inputs import QUANTITIES, STORES, check, over_all_dims, split_hours
from bcopt.models.linopy_versions import absent_as_zero
from bcopt.models.store import add_store, listed

__all__ = [
    "QUANTITIES",
    "TIE_RULES",
    "Binaries",
    "TieRule",
    "check",
    "costs",
    "flexibility_model",
    "flows",
    "split_hours",
    "tie_break",
    "unoptimised",
]

Binaries = Literal["needed", "all", "none"]
TieRule = Literal["earliest", "latest", "least peak", "least throughput"]
TIE_RULES: tuple[TieRule, ...] = get_args(TieRule)
Flow = TypeVar("Flow", xr.DataArray, linopy.LinearExpression)


def flexibility_model(inputs: xr.Dataset, binaries: Binaries = "needed", peak: bool = False) -> linopy.Model:
    """Build the self-optimisation of clusters, all at once and each for itself.

        min  sum  electricity_price purchase - export_price export + heat_price purchased_heat          (1)-(3)
                  + storage_price_electricity (charge + discharge) + storage_price_heat (charge + discharge)    (6)
        purchase - export = electricity - photovoltaics,   0 <= export <= photovoltaics                 (2)
        electricity = fixed + lighting + transferable + hot_water + pump_electricity pump_heat
                      + net charge of the vehicles                                                      (4)
        pump_heat + purchased_heat = heat + net charge of the heat store                                (3), (5)
        lighting_floor lighting' <= lighting <= lighting',   sum transferable = sum transferable'       (7)-(9)

    and the stores by :func:`~bcopt.models.store.add_store`, (10)-(28). Hot water keeps its energy over the cycle within
    the power of the heaters. As exports are limited to the photovoltaics, vehicles feed the cluster and never the grid;
    photovoltaics are not curtailed.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`. With a dim ``vehicle`` on those of the vehicles each is a store of its own, as in (10);
        without, one store stands for all vehicles of a cluster.
    binaries : {"needed", "all", "none"}
        Binaries keep buying from selling in the :func:`split_hours`, in all hours and the stores too, or nowhere.
    peak : bool
        Add the variable ``peak`` [kW], not below the electricity of any hour.

    Returns
    -------
    linopy.Model
        Variables ``purchase``, ``export``, ``lighting``, ``transferable``, ``hot_water``, ``pump_heat`` and
        ``purchased_heat`` [kW], dims (..., hour), and the stores ``vehicle`` and ``heat_store``. Constraints
        ``electricity-balance``, ``heat-balance``, ``transferable-total`` and ``hot_water-total``.

    Raises
    ------
    ValueError
        From :func:`check`; or naming the hours that need a binary where none is admitted.

    References
    ----------
    Systems 2024, 12(3), 92, equations (1)-(28), https://doi.org/10.3390/systems12030092.
    """
    if binaries not in get_args(Binaries):
        raise ValueError(f"binaries must be one of {get_args(Binaries)}, found {binaries!r}")
    check(inputs)
    given, split = over_all_dims(inputs), split_hours(inputs)
    if binaries == "none" and split.any():
        prices = {name: given[name] for name in ("electricity_price", "export_price")}
        raise ValueError(*listed("without binaries the cluster would sell what it buys", split, limit=24, **prices))
    model = linopy.Model()
    _add_loads(model, given)
    apart = binaries == "all"
    _add_balances(model, given, *(_add_store(model, given, name, apart) for name in STORES))
    if apart or split.any():
        _add_selling(model, given, xr.ones_like(split) if apart else split)
    if peak:
        highest = model.add_variables(lower=0.0 * given["photovoltaics"].min("hour"), name="peak")
        net = model.linexpr((1, highest), (-1, model.variables["purchase"]), (1, model.variables["export"]))
        model.add_constraints(net >= given["photovoltaics"], name="peak-demand")
    model.add_objective(_cost(model, given))
    return model


def _add_loads(model: linopy.Model, given: xr.Dataset) -> None:
    """Add what is bought, sold, moved and heated, with its bounds and the totals that are kept."""
    zero, load, inside = xr.zeros_like(given["fixed"], float), given["transferable"], given["transfer_window"] > 0
    bounds = {
        "purchase": (zero, xr.full_like(zero, np.inf)),
        "export": (zero, given["photovoltaics"]),
        "lighting": (given["lighting_floor"] * given["lighting"], given["lighting"]),
        "transferable": (load.where(~inside, 0.0), load.where(~inside, given["transfer_limit"])),
        "hot_water": (zero, given["heater_power"]),
        "pump_heat": (zero, given["pump_heat"]),
        "purchased_heat": (zero, xr.full_like(zero, np.inf)),
    }
    for name, (lower, upper) in bounds.items():
        model.add_variables(lower=lower, upper=upper, name=name)
    for name in ("transferable", "hot_water"):
        model.add_constraints(model.variables[name].sum("hour") == given[name].sum("hour"), name=f"{name}-total")


def _add_store(model: linopy.Model, given: xr.Dataset, name: str, binaries: bool) -> linopy.LinearExpression:
    """Add the vehicles or the heat store and return the net charge, of all vehicles together."""
    capacity, power = given[f"{name}_energy"], given[f"{name}_power"]
    soc_bounds = given[f"{name}_soc_lower"], given[f"{name}_soc_upper"]
    loss, available = given.get(f"{name}_loss", 0.0), given.get(f"{name}_available")
    return _over_vehicles(add_store(model, name, capacity, power, soc_bounds, loss, available, binaries))


def _add_balances(
    model: linopy.Model, given: xr.Dataset, vehicle: linopy.LinearExpression, heat_store: linopy.LinearExpression
) -> None:
    """Add equations (2)-(5), the given loads on the right."""
    v = model.variables
    moved = [(-1, v[name]) for name in ("export", "lighting", "transferable", "hot_water")]
    electricity = model.linexpr((1, v["purchase"]), *moved, (-given["pump_electricity"], v["pump_heat"])) - vehicle
    model.add_constraints(electricity == given["fixed"] - given["photovoltaics"], name="electricity-balance")
    heat = model.linexpr((1, v["pump_heat"]), (1, v["purchased_heat"])) - heat_store
    model.add_constraints(heat == given["heat"], name="heat-balance")


def _add_selling(model: linopy.Model, given: xr.Dataset, where: xr.DataArray) -> None:
    """Keep buying from selling by a binary at the given hours, the purchase limited by all loads at their most."""
    v = model.variables
    most = sum((v[name].upper for name in ("lighting", "transferable", "hot_water")), given["fixed"])
    most = most + given["pump_electricity"] * given["pump_heat"] + _over_vehicles(v["vehicle-charge"].upper)
    most = (most - given["photovoltaics"]).clip(min=0)
    selling = absent_as_zero(model.add_variables(binary=True, coords=where.coords, mask=where, name="selling"))
    model.add_constraints(v["purchase"] + most * selling <= most, mask=where, name="selling-purchase")
    model.add_constraints(v["export"] - given["photovoltaics"] * selling <= 0, mask=where, name="selling-export")


def _cost(model: linopy.Model, given: xr.Dataset) -> linopy.LinearExpression:
    """Return the objective, equations (1)-(3) and (6)."""
    v, price = model.variables, given["electricity_price"]
    bought = (price, v["purchase"]), (-given["export_price"], v["export"]), (given["heat_price"], v["purchased_heat"])
    cost = model.linexpr(*bought).sum()
    for name, kind in STORES.items():
        wear = given[f"storage_price_{kind}"]
        cost = cost + model.linexpr((wear, v[f"{name}-charge"]), (wear, v[f"{name}-discharge"])).sum()
    return cost


def _over_vehicles(flow: Flow) -> Flow:
    """Sum over the vehicles, if they are single."""
    return flow.sum("vehicle") if "vehicle" in flow.dims else flow


def tie_break(model: linopy.Model, rule: TieRule, position: xr.DataArray) -> linopy.LinearExpression:
    """Return the number to minimise among schedules of equal cost.

    Flexible demand is lighting, transferable load, hot water and the net charges of vehicles and heat store.

    Parameters
    ----------
    model : linopy.Model
        From :func:`flexibility_model`.
    rule : {"earliest", "latest", "least peak", "least throughput"}
        Sum of position times flexible demand, its negative, sum of the peaks, sum of all charges and discharges.
    position : xr.DataArray, dims (hour)
        Number of each hour in the order in which the day runs.

    Raises
    ------
    ValueError
        For another rule, for the peak of a model without, or if ``position`` has other hours than the model.
    """
    v = model.variables
    if rule not in TIE_RULES:
        raise ValueError(f"the tie rule must be one of {TIE_RULES}, found {rule!r}")
    if rule == "least peak":
        if "peak" not in v:
            raise ValueError("the tie rule 'least peak' needs a model built with peak=True")
        return v["peak"].sum()
    if rule == "least throughput":
        vehicles = (v["vehicle-charge"] + v["vehicle-discharge"]).sum()
        return vehicles + (v["heat_store-charge"] + v["heat_store-discharge"]).sum()
    hours = v["lighting"].coords["hour"]
    if not position["hour"].equals(hours):
        raise ValueError(f"position must give the hours {hours.to_numpy()}, found {position['hour'].to_numpy()}")
    moved = [(1, v[name]) for name in ("lighting", "transferable", "hot_water", "heat_store-charge")]
    vehicle = _over_vehicles(v["vehicle-charge"] - v["vehicle-discharge"])
    flexible = model.linexpr(*moved, (-1, v["heat_store-discharge"])) + vehicle
    return ((position if rule == "earliest" else -position) * flexible).sum()


def unoptimised(inputs: xr.Dataset) -> xr.Dataset:
    """Return the flows with no load moved or reduced and no store used; heat pumps serve as much heat as they can.

    A schedule of :func:`flexibility_model` where the stores lose nothing and no load exceeds its limit in any hour; its
    cost is then never below the optimum.

    Returns
    -------
    xr.Dataset, dims (..., hour)
        As of :func:`flows` [kW].

    Raises
    ------
    ValueError
        From :func:`check`.
    """
    check(inputs)
    given = over_all_dims(inputs)
    moved = given[["lighting", "transferable", "hot_water"]]
    idle = {name + part: xr.zeros_like(given["fixed"], float) for name in STORES for part in ("", "_throughput")}
    return _settled(moved.assign(idle).assign(pump_heat=np.minimum(given["heat"], given["pump_heat"])), given)


def flows(solution: xr.Dataset, inputs: xr.Dataset) -> xr.Dataset:
    """Return what flows in each hour of a schedule, by equations (2)-(5).

    Each hour buys or sells and each store charges or discharges: of two opposite flows, which an optimum may hold where
    that costs nothing, the difference remains.

    Parameters
    ----------
    solution : xr.Dataset
        ``model.solution`` of :func:`flexibility_model`.
    inputs : xr.Dataset
        The :data:`QUANTITIES` of that model.

    Returns
    -------
    xr.Dataset, dims (..., hour)
        ``purchase``, ``export``, ``lighting``, ``transferable``, ``hot_water``, ``pump_heat``, ``purchased_heat``; net
        charges ``vehicle`` (of all vehicles) and ``heat_store``; ``vehicle_throughput``, ``heat_store_throughput``,
        charge plus discharge; ``electricity`` of equation (4) and ``heat`` of (5) [kW].
    """
    schedule = solution[["lighting", "transferable", "hot_water", "pump_heat"]]
    for name in STORES:
        net = solution[f"{name}-charge"] - solution[f"{name}-discharge"]
        schedule = schedule.assign({name: _over_vehicles(net), f"{name}_throughput": _over_vehicles(abs(net))})
    return _settled(schedule, over_all_dims(inputs))


def _settled(schedule: xr.Dataset, given: xr.Dataset) -> xr.Dataset:
    """Add what a schedule of loads, pumps and stores leaves to buy and to sell."""
    loads = sum((schedule[name] for name in ("lighting", "transferable", "hot_water", "vehicle")), given["fixed"])
    electricity = loads + given["pump_electricity"] * schedule["pump_heat"]
    net, heat = electricity - given["photovoltaics"], given["heat"] + schedule["heat_store"]
    schedule = schedule.assign(purchased_heat=(heat - schedule["pump_heat"]).clip(min=0), heat=heat)
    return schedule.assign(purchase=net.clip(min=0), export=-net.clip(max=0), electricity=electricity)


def costs(flows: xr.Dataset, inputs: xr.Dataset) -> xr.Dataset:
    """Return the terms of equation (1), whose sum is the objective of :func:`flexibility_model`.

    Parameters
    ----------
    flows : xr.Dataset, dims (..., hour)
        From :func:`flows` or :func:`unoptimised` [kW].
    inputs : xr.Dataset
        The :data:`QUANTITIES`.

    Returns
    -------
    xr.Dataset, dims (..., hour)
        ``electricity_cost``, ``heat_cost`` and ``storage_cost``, equations (2), (3) and (6) [yuan].
    """
    electricity_cost = flows["purchase"] * inputs["electricity_price"] - flows["export"] * inputs["export_price"]
    heat_cost = flows["purchased_heat"] * inputs["heat_price"]
    wear = (flows[f"{name}_throughput"] * inputs[f"storage_price_{kind}"] for name, kind in STORES.items())
    storage_cost = sum(wear, xr.zeros_like(heat_cost))
    return xr.Dataset({"electricity_cost": electricity_cost, "heat_cost": heat_cost, "storage_cost": storage_cost})
