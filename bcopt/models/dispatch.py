"""Dispatch of an energy service provider that supplies electricity and cooling to building clusters.

The model is section 3 of frontiers2022, Frontiers in Energy Research 2022, https://doi.org/10.3389/fenrg.2022.865190,
for any number of clusters and hours. The dim ``hour`` is one cycle, whose last hour precedes its first. The payments of
the clusters to the provider cancel in the sum of all benefits, so that the central problem is

    min  cost of the provider - sum over the clusters of (utility - dissatisfaction)

with, in every hour, of the provider

    photovoltaics + turbine + purchase - export = supply of electricity + chiller power + ice charge / ice_eer
    absorption + chiller + ice discharge = supply of cooling
    minimum_share capacity on <= turbine <= capacity on,   fuel = F0 on + F1 turbine,   gas = fuel / heating_value
    heat = (1 - heat_loss) fuel - turbine,   absorption <= absorption_cop recovery_efficiency heat
    chiller <= chiller_capacity,   chiller power = chiller / chiller_eer, or piecewise linear
    ice energy[t] = (1 - ice_loss) ice energy[t-1] + charge[t] - discharge[t]
    cost = grid_price purchase - export_price export + (gas_price + emission_cost) gas + operation

and of the clusters, whose loads L add up to the supply,

    electricity:  |L - agreed| <= transferable_share L0,   sum_t L = sum_t agreed,   L >= 0
    cooling:      x[t] = a x[t-1] - (1 - a) R (L[t] - agreed[t]),   a = exp(-1 h / time_constant),  |x| <= band,  L >= 0
    utility - dissatisfaction = v L - b L^2 / 2 - phi1 (L0 - L)^2 - phi2 (L0 - L)

The room is C dT/dt = (T_out - T) / R + gains - Q. The agreed cooling keeps the set point; less that equation, the
deviation x from the set point obeys C dx/dt = -x / R - (Q - agreed), in which weather and gains no longer occur. For a
load held over the hour, with R C the time constant, the recursion above is its exact solution. Summed over the cycle it
says that the mean deviation is zero if and only if the cooling of the cycle is as agreed.

The store charges and discharges in one hour where its chiller is to cool beyond the tank, within ``ice_power``.
"""

from __future__ import annotations

from typing import Literal, get_args

import linopy
import numpy as np
import xarray as xr

from bcopt.models.dispatch_costs import (
    accounts,
    bends,
    chiller_power,
    consumption,
    dissatisfaction,
    part_load_pieces,
    parts,
    unit_costs,
    utility,
)
from bcopt.models.dispatch_inputs import (
    CARRIERS,
    QUANTITIES,
    MeanTemperature,
    check,
    complete,
    limits,
    room,
    room_resistance,
)
from bcopt.models.store import add_store, listed

__all__ = [
    "CARRIERS",
    "QUANTITIES",
    "Chiller",
    "Loads",
    "MeanTemperature",
    "accounts",
    "check",
    "chiller_power",
    "constant",
    "consumption",
    "dispatch_model",
    "dissatisfaction",
    "flows",
    "limits",
    "part_load_pieces",
    "parts",
    "provider_model",
    "room_resistance",
    "unit_costs",
    "utility",
]

Chiller = Literal["linear", "piecewise"]
Loads = Literal["quadratic", "tangents", "agreed"]


def provider_model(
    inputs: xr.Dataset,
    commitment: xr.DataArray | None = None,
    chiller: Chiller = "linear",
    segments: int = 8,
) -> linopy.Model:
    """Build the provider alone, whose ``supply`` of electricity and cooling is free, at least cost.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.PROVIDER`; those of the clusters are not looked at.
    commitment : xr.DataArray, dims (hour), optional
        1 where the turbine runs, 0 where not. Without, the model decides by binaries.
    chiller : {"linear", "piecewise"}
        Constant ``chiller_eer``, or the power of the part load between ``segments`` + 1 loads from none to capacity:
        where it is convex by inequalities, else by a binary each segment, none of them set while the chiller is off.
    segments : int
        Number of pieces of equal width.

    Returns
    -------
    linopy.Model
        Variables ``supply`` (carrier, hour), ``photovoltaics``, ``purchase``, ``export``, ``turbine``, ``absorption``,
        ``chiller`` and, if piecewise, ``chiller_power`` (hour) [kW], ``on`` (hour) [-] and the store ``ice``.
        Constraints ``electricity-balance``, ``cooling-balance``, ``turbine-least``, ``turbine-most``, ``recovery``.

    Raises
    ------
    ValueError
        From :func:`check`, for other options, or for a commitment of other hours or values.

    References
    ----------
    Frontiers in Energy Research 2022, section 3.2, https://doi.org/10.3389/fenrg.2022.865190.
    """
    _admitted(chiller=(chiller, Chiller))
    check(inputs, clusters=False)
    given = complete(inputs)
    model = linopy.Model()
    _add_turbine(model, given, commitment)
    _add_supply(model, given, _add_chiller(model, given, chiller, segments))
    model.add_objective(_cost(model, given))
    return model


def dispatch_model(
    inputs: xr.Dataset,
    commitment: xr.DataArray | None = None,
    chiller: Chiller = "linear",
    loads: Loads = "quadratic",
    tangents: int = 32,
    mean_temperature: MeanTemperature = "kept",
    segments: int = 8,
) -> linopy.Model:
    """Build the central problem: the provider, the clusters, and the loads that couple them.

    The objective plus :func:`constant` is the provider's cost less utility plus dissatisfaction.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`.
    commitment, chiller, segments
        As in :func:`provider_model`.
    loads : {"quadratic", "tangents", "agreed"}
        The clusters' own terms as they are; or bounded by tangents, which makes them linear and the optimum a bound of
        the true one from below; or loads fixed as agreed. No solver at hand takes binaries in the first.
    tangents : int
        Number of tangents of each load, evenly between the least and the most it can be.
    mean_temperature : {"kept", "free"}
        Keep the cooling of each cluster over the cycle, and thereby the mean of its temperature.

    Returns
    -------
    linopy.Model
        Of :func:`provider_model`, with the variables ``load`` (cluster, carrier, hour) [kW], ``temperature``
        (cluster, hour), the deviation [K], and with tangents ``forgone`` (cluster, carrier, hour) [yuan], and the
        constraints ``coupling`` (carrier, hour), ``load-total``, ``room`` and ``tangents``.

    Raises
    ------
    ValueError
        From :func:`check` and :func:`provider_model`; for a free commitment, or a non-convex part load, with quadratic
        loads.
    """
    _admitted(chiller=(chiller, Chiller), loads=(loads, Loads), mean_temperature=(mean_temperature, MeanTemperature))
    if loads == "tangents" and tangents < 1:
        raise ValueError(f"tangents must be 1 or more, found {tangents}")
    if loads == "quadratic" and commitment is None:
        raise ValueError("quadratic loads need a commitment: a free one has binaries, which need tangents or agreed")
    check(inputs)
    given = complete(inputs)
    if loads == "quadratic" and chiller == "piecewise":
        _convex(given, segments)
    model = provider_model(inputs, commitment, chiller, segments)
    _add_loads(model, given, loads, mean_temperature)
    if loads == "quadratic":
        quadratic, v = consumption(given), model.variables
        own = (quadratic["curvature"] / 2 * v["load"] * v["load"]).sum() - (quadratic["linear"] * v["load"]).sum()
        model.add_objective(model.objective.expression + own, overwrite=True)
    elif loads == "tangents":
        _add_forgone(model, given, tangents)
    return model


def _admitted(**options: tuple[str, object]) -> None:
    """Raise if an option has a value that its type does not list."""
    for name, (found, kind) in options.items():
        if found not in get_args(kind):
            raise ValueError(f"{name} must be one of {get_args(kind)}, found {found!r}")


def _add_turbine(model: linopy.Model, given: xr.Dataset, commitment: xr.DataArray | None) -> None:
    """Add the turbine, on or off, and the cooling from its heat."""
    hours = {"hour": given["hour"]}
    most = given["turbine_capacity"]
    if commitment is None:
        on = model.add_variables(binary=True, coords=hours, name="on")
    else:
        fixed = _fixed(given, commitment)
        on = model.add_variables(lower=fixed, upper=fixed, name="on")
    turbine = model.add_variables(lower=0 * most, upper=most, name="turbine")
    model.add_constraints(turbine - given["turbine_minimum_share"] * most * on >= 0, name="turbine-least")
    model.add_constraints(turbine - most * on <= 0, name="turbine-most")
    absorption = model.add_variables(lower=0 * most, name="absorption")
    per_heat, kept = given["absorption_cop"] * given["recovery_efficiency"], 1 - given["turbine_heat_loss"]
    heat = (kept * given["turbine_fixed_fuel"], on), (kept * given["turbine_fuel_slope"] - 1, turbine)
    cooling = model.linexpr((1, absorption), *((-per_heat * ratio, flow) for ratio, flow in heat))
    model.add_constraints(cooling <= 0, name="recovery")


def _fixed(given: xr.Dataset, commitment: xr.DataArray) -> xr.DataArray:
    """Return a commitment in floating point, if it says on or off for every hour."""
    if commitment.dims != ("hour",) or not commitment["hour"].equals(given["hour"]):
        raise ValueError(f"commitment must have the dim hour alone and the hours {given['hour'].to_numpy()}")
    if odd := listed("commitment must be 0 or 1", ~commitment.isin([0, 1]), found=commitment):
        raise ValueError(*odd)
    return commitment.astype(float)


def _add_supply(model: linopy.Model, given: xr.Dataset, power: linopy.LinearExpression) -> None:
    """Add sun, grid, ice and what is supplied, and the balances of electricity and cooling."""
    zero = xr.zeros_like(given["photovoltaics"])
    model.add_variables(lower=zero, upper=given["photovoltaics"], name="photovoltaics")
    for name in ("purchase", "export"):
        model.add_variables(lower=zero, name=name)
    add_store(model, "ice", given["ice_capacity"], given["ice_power"], loss=given["ice_loss"])
    supply = model.add_variables(lower=zero.expand_dims(carrier=list(CARRIERS)), name="supply")
    v = model.variables
    bought = (1, v["photovoltaics"]), (1, v["turbine"]), (1, v["purchase"]), (-1, v["export"])
    used = (-1, supply.sel(carrier="electricity", drop=True)), (-1 / given["ice_eer"], v["ice-charge"])
    model.add_constraints(model.linexpr(*bought, *used) - power == 0, name="electricity-balance")
    cooled = (1, v["absorption"]), (1, v["chiller"]), (1, v["ice-discharge"])
    delivered = (-1, supply.sel(carrier="cooling", drop=True))
    model.add_constraints(model.linexpr(*cooled, delivered) == 0, name="cooling-balance")


def _add_chiller(model: linopy.Model, given: xr.Dataset, chiller: Chiller, segments: int) -> linopy.LinearExpression:
    """Add the cooling of the chiller and return its power."""
    most = given["chiller_capacity"]
    cooling = model.add_variables(lower=0 * most, upper=most, name="chiller")
    if chiller == "linear":
        return model.linexpr((1 / given["chiller_eer"], cooling))
    power = model.add_variables(lower=0 * most, name="chiller_power")
    pieces = part_load_pieces(given, segments)
    if not bends(pieces).any():
        model.add_constraints(power - pieces["slope"] * cooling >= pieces["intercept"], name="chiller-power")
        return 1 * power
    piece = model.add_variables(lower=0 * pieces["slope"], name="chiller-piece")
    chosen = model.add_variables(binary=True, coords=pieces["slope"].coords, name="chiller-segment")
    model.add_constraints(piece - pieces["lower"] * chosen >= 0, name="chiller-piece-least")
    model.add_constraints(piece - pieces["upper"] * chosen <= 0, name="chiller-piece-most")
    model.add_constraints(chosen.sum("segment") <= 1, name="chiller-segments")
    model.add_constraints(cooling - piece.sum("segment") == 0, name="chiller-pieces")
    curve = (pieces["slope"] * piece + pieces["intercept"] * chosen).sum("segment")
    model.add_constraints(power - curve == 0, name="chiller-power")
    return 1 * power


def _convex(given: xr.Dataset, segments: int) -> None:
    """Raise if the power of the chiller is not convex, naming the loads at which it is not."""
    pieces = part_load_pieces(given, segments)
    share = xr.DataArray(pieces["segment"] / segments)
    message = (
        "non-convex part-load data, which quadratic loads do not admit: the slope of the power falls at load share"
    )
    if odd := listed(message, bends(pieces), share=share, slope=pieces["slope"]):
        raise ValueError(*odd)


def _cost(model: linopy.Model, given: xr.Dataset) -> linopy.LinearExpression:
    """Return the cost of the provider [yuan]."""
    return model.linexpr(*((price, model.variables[str(name)]) for name, price in unit_costs(given).items())).sum()


def _add_loads(model: linopy.Model, given: xr.Dataset, loads: Loads, mean_temperature: MeanTemperature) -> None:
    """Add the loads of the clusters, which the supply covers, and what limits how far they leave the agreed ones."""
    agreed, within = given["agreed"], limits(given, mean_temperature)
    fixed = loads == "agreed"
    lower, upper = (agreed, agreed) if fixed else (within["lower"], within["upper"])
    load = model.add_variables(lower=lower, upper=upper, name="load")
    model.add_constraints(load.sum("cluster") - model.variables["supply"] == 0, name="coupling")
    if fixed:
        return
    total = within["load-total"]
    model.add_constraints(load.sel(carrier=total["carrier"]).sum("hour") == total, name="load-total")
    band, (decay, per_load) = given["comfort_band"], room(given)
    temperature = model.add_variables(lower=-band, upper=band, name="temperature")
    cooling = load.sel(carrier="cooling", drop=True)
    state = model.linexpr((1, temperature), (-decay, temperature.roll(hour=1)), (per_load, cooling))
    model.add_constraints(state == within["room"], name="room")


def _add_forgone(model: linopy.Model, given: xr.Dataset, number: int) -> None:
    """Add what the clusters forgo, bounded from below by tangents of their quadratic form, and to the objective."""
    load = model.variables["load"]
    shares = xr.DataArray((np.arange(number) + 0.5) / number, {"tangent": np.arange(number)}, "tangent")
    forgone = model.add_variables(coords=load.coords, name="forgone")
    points, quadratic = load.lower + shares * (load.upper - load.lower), consumption(given)
    slope, below = quadratic["curvature"] * points - quadratic["linear"], quadratic["curvature"] * points**2 / 2
    model.add_constraints(forgone - slope * load >= -below, name="tangents")
    model.add_objective(model.objective.expression + forgone.sum(), overwrite=True)


def constant(inputs: xr.Dataset, loads: Loads = "quadratic") -> float:
    """Return what the objective of :func:`dispatch_model` leaves out as it depends on no variable [yuan].

    With it the objective is the provider's cost less utility plus dissatisfaction; with tangents, a lower bound of it.
    """
    given = complete(inputs)
    if loads == "agreed":
        return float((dissatisfaction(given, given["agreed"]) - utility(given, given["agreed"])).sum())
    return float(consumption(given)["constant"].sum())


def flows(inputs: xr.Dataset, solution: xr.Dataset) -> xr.Dataset:
    """Return what flows in each hour of a dispatch, the provider either buying or selling.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`.
    solution : xr.Dataset
        ``model.solution`` of :func:`provider_model` or :func:`dispatch_model`.

    Returns
    -------
    xr.Dataset
        Dims (hour): ``photovoltaics``, ``purchase``, ``export``, ``turbine``, ``fuel``, ``recovered``, the heat that
        the absorption chiller takes, ``absorption``, ``chiller``, ``chiller_power``, ``ice_charge``, ``ice_power``,
        the electricity of making ice, ``ice_discharge`` [kW], ``ice_energy`` [kWh], ``gas`` [m3/h], ``on`` [-]. Dims
        (carrier, hour): ``supply`` [kW]. With clusters ``load`` (cluster, carrier, hour) [kW] and, where it was free,
        ``temperature`` (cluster, hour), the deviation [K].
    """
    names = ("turbine_fixed_fuel", "turbine_fuel_slope", "heating_value", "absorption_cop", "chiller_eer", "ice_eer")
    given = complete(inputs, *names)
    net = solution["purchase"] - solution["export"]
    fuel = given["turbine_fixed_fuel"] * solution["on"] + given["turbine_fuel_slope"] * solution["turbine"]
    ice = {f"ice_{name}": solution[f"ice-{name}"] for name in ("charge", "discharge", "energy")}
    found = {
        **{name: solution[name] for name in ("photovoltaics", "turbine", "absorption", "chiller", "on", "supply")},
        "purchase": net.clip(min=0),
        "export": -net.clip(max=0),
        "fuel": fuel,
        "gas": fuel / given["heating_value"],
        "recovered": solution["absorption"] / given["absorption_cop"],
        "chiller_power": solution.get("chiller_power", solution["chiller"] / given["chiller_eer"]),
        **ice,
        "ice_power": solution["ice-charge"] / given["ice_eer"],
        **{name: solution[name] for name in ("load", "temperature") if name in solution},
    }
    units = {"gas": "m3/h", "on": "1", "ice_energy": "kWh", "temperature": "K"}
    return xr.Dataset({name: values.assign_attrs(units=units.get(name, "kW")) for name, values in found.items()})
