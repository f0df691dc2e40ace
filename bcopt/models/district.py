"""A district of building groups: grid, sun, ground heat, gas, chillers and one storage that the groups share.

The equations are (36)-(60) of systems2024, Systems 2024, 12(3), 92, https://doi.org/10.3390/systems12030092, for any
number of groups and hours. The dim ``hour`` is one cycle, whose last hour precedes its first; each label of any dim but
``group`` and ``hour`` is a problem of its own, such as one of many days. The lower level is

    min  sum  electricity_price purchase - export_price export + gas_price gas_heat                  (43)-(45)
    purchase - export = electricity - photovoltaics + pump_heat / pump_cop + cooling / chiller_cop
                        + charge - discharge,   0 <= export <= photovoltaics                         (46), (52)
    pump_heat + gas_heat = heat                                                                      (47)
    sum_g pump_heat <= sum_g pump_capacity   (sharing),   pump_heat <= pump_capacity   (else)        (51)
    sum_g gas_heat <= boiler_capacity,   sum_g cooling <= chiller_capacity
    sum_g charge <= storage_power,   sum_g discharge <= storage_power                                (53)-(57)
    energy[t] = (1 - storage_loss) energy[t-1] + sum_g charge[t] - sum_g discharge[t]                (58)
    0 <= energy <= storage_energy,   the last hour preceding the first                               (59), (60)

Printed (46) and (47) are inequalities; equality keeps surplus sun apart as export and heat from being dumped, at no
other cost. Printed (60) equates the first hour and the last, which leaves the first hour out of the balance. Binaries
that keep a group from charging and discharging in one hour, which is what the indices of (53)-(55) say, are redundant:
netting the two keeps all equations and lowers both sums in (56) and (57), at the same cost
(``tests/models/test_district.py``, ``TestNetting``).

An account, which is not printed, says what a group may take from the shared storage: *daily*, as much over the cycle as
it put in; *held*, nothing before it put it in; *none*, whatever there is:

    daily:  sum_t discharge <= sum_t charge
    held:   held[t] = (1 - storage_loss) held[t-1] + charge[t] - discharge[t] >= 0,   sum_g held = energy
"""

from __future__ import annotations

from typing import Literal, cast, get_args

import linopy
import numpy as np
import xarray as xr

from bcopt.models.district_inputs import QUANTITIES, check, gathered, over_all_dims, shortfall
from bcopt.models.store import add_store

__all__ = [
    "ACCOUNTS",
    "QUANTITIES",
    "TIE_RULES",
    "Account",
    "TieRule",
    "check",
    "costs",
    "district_model",
    "flows",
    "gas_of",
    "gathered",
    "shortfall",
    "throughput",
    "tie_break",
    "upper_level",
]

Account = Literal["daily", "held", "none"]
ACCOUNTS: tuple[Account, ...] = get_args(Account)
TieRule = Literal["earliest", "latest", "least peak", "least throughput"]
TIE_RULES: tuple[TieRule, ...] = get_args(TieRule)


def district_model(
    inputs: xr.Dataset,
    sharing: bool = True,
    account: Account = "daily",
    binaries: bool = False,
    ties: bool = False,
    one_state: bool = False,
) -> linopy.Model:
    """Build the lower level: the dispatch of least energy cost, every group buying at its own tariff.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`.
    sharing : bool
        Pool the ground heat of all groups; else each group has that below its own ground.
    account : {"daily", "held", "none"}
        What each group may take from the storage.
    binaries : bool
        Add (55) by the binary ``charging``, as published.
    ties : bool
        Add what :func:`tie_break` and :func:`gas_of` may need: ``peak`` [kW], not below the purchase of the district in
        any hour, and ``worst-gas-share`` [-], not below the share of gas in the heat of any group in the hour.
    one_state : bool
        Let the storage as a whole either charge or discharge in an hour, the other reading of (53)-(55), by the binary
        ``storage-charging``. No netting makes it redundant: groups then cannot pass energy on within the hour.

    Returns
    -------
    linopy.Model
        Variables ``purchase``, ``export``, ``pump_heat``, ``gas_heat``, ``chilled``, ``charge`` and ``discharge`` [kW],
        dims (..., group, hour), and the store ``storage``, dims (..., hour). Constraints ``electricity-balance``,
        ``heat-balance``, ``ground-heat``, ``boilers``, ``chillers``, ``storage-charged``, ``storage-discharged`` and
        ``account``. The capacities of boilers, chillers and storage stand on right-hand sides and in bounds alone,
        unless there are binaries.

    Raises
    ------
    ValueError
        From :func:`check`, or for another account.

    References
    ----------
    Systems 2024, 12(3), 92, equations (43)-(60), https://doi.org/10.3390/systems12030092.
    """
    if account not in ACCOUNTS:
        raise ValueError(f"account must be one of {ACCOUNTS}, found {account!r}")
    check(inputs, sharing)
    given = over_all_dims(inputs)
    model = linopy.Model()
    _add_flows(model, given)
    _add_supply(model, given, sharing)
    _add_storage(model, given, account, binaries, one_state)
    _add_electricity(model, given)
    if ties:
        _add_ties(model, given)
    v = model.variables
    paid = (given["electricity_price"], v["purchase"]), (-given["export_price"], v["export"])
    model.add_objective(model.linexpr(*paid, (given["gas_price"], v["gas_heat"])).sum())
    return model


def _add_flows(model: linopy.Model, given: xr.Dataset) -> None:
    """Add what each group buys, sells, is heated and cooled by, and moves in and out of the storage."""
    zero = xr.zeros_like(given["electricity"], float)
    free = xr.full_like(zero, np.inf)
    upper = dict.fromkeys(("purchase", "pump_heat", "gas_heat", "charge", "discharge"), free)
    for name, most in {**upper, "export": given["photovoltaics"]}.items():
        model.add_variables(lower=zero, upper=most, name=name)
    model.add_variables(lower=given["cooling"], upper=given["cooling"], name="chilled")


def _add_supply(model: linopy.Model, given: xr.Dataset, sharing: bool) -> None:
    """Add the heat balance and the limits of ground heat, boilers and chillers."""
    v = model.variables
    model.add_constraints(model.linexpr((1, v["pump_heat"]), (1, v["gas_heat"])) == given["heat"], name="heat-balance")
    if sharing:
        model.add_constraints(v["pump_heat"].sum("group") <= given["pump_capacity"].sum("group"), name="ground-heat")
    else:
        model.add_constraints(1 * v["pump_heat"] <= given["pump_capacity"], name="ground-heat")
    for name, flow in (("boiler", "gas_heat"), ("chiller", "chilled")):
        if f"{name}_capacity" in given:
            model.add_constraints(v[flow].sum("group") <= given[f"{name}_capacity"], name=f"{name}s")


def _add_storage(model: linopy.Model, given: xr.Dataset, account: Account, binaries: bool, one_state: bool) -> None:
    """Add the storage, what the groups move in and out of it, and their accounts."""
    energy, power, loss = (given[f"storage_{name}"] for name in ("energy", "power", "loss"))
    add_store(model, "storage", energy, power, loss=loss, binaries=one_state)
    v = model.variables
    for flow in ("charge", "discharge"):
        model.add_constraints(v[flow].sum("group") - v[f"storage-{flow}"] == 0, name=f"storage-{flow}d")
    if account == "daily":
        model.add_constraints((v["discharge"] - v["charge"]).sum("hour") <= 0, name="account")
    elif account == "held":
        held = model.add_variables(lower=xr.zeros_like(given["electricity"], float), name="held")
        kept = (given["storage_loss"] - 1, held.roll(hour=1))
        balance = model.linexpr((1, held), kept, (-1, v["charge"]), (1, v["discharge"]))
        model.add_constraints(balance == 0, name="account")
        model.add_constraints(held.sum("group") - v["storage-energy"] == 0, name="held-total")
    if binaries:
        charging = model.add_variables(binary=True, coords=v["charge"].coords, name="charging")
        model.add_constraints(v["charge"] - power * charging <= 0, name="while-charging")
        model.add_constraints(v["discharge"] + power * charging <= power, name="while-discharging")


def _add_electricity(model: linopy.Model, given: xr.Dataset) -> None:
    """Add the balance of each group, the given loads on the right."""
    v = model.variables
    used = (-1 / given["pump_cop"], v["pump_heat"]), (-1 / given["chiller_cop"], v["chilled"])
    net = model.linexpr((1, v["purchase"]), (-1, v["export"]), *used, (-1, v["charge"]), (1, v["discharge"]))
    model.add_constraints(net == given["electricity"] - given["photovoltaics"], name="electricity-balance")


def _add_ties(model: linopy.Model, given: xr.Dataset) -> None:
    """Add the highest purchase of a cycle, and the share of gas of the group that has most of it in each hour."""
    v = model.variables
    highest = model.add_variables(lower=0.0 * given["storage_energy"].max("hour"), name="peak")
    model.add_constraints(highest - v["purchase"].sum("group") >= 0, name="peak-purchase")
    worst = model.add_variables(lower=0.0 * given["storage_energy"], name="worst-gas-share")
    model.add_constraints(given["heat"] * worst - v["gas_heat"] >= 0, name="gas-shares")


def throughput(model: linopy.Model, inputs: xr.Dataset) -> linopy.LinearExpression:
    """Return what charging and discharging wear, the last term of (39) with unsigned powers [yuan]."""
    v, price = model.variables, over_all_dims(inputs)["storage_price"]
    return model.linexpr((price, v["charge"]), (price, v["discharge"])).sum()


def upper_level(model: linopy.Model, inputs: xr.Dataset) -> tuple[linopy.LinearExpression, linopy.LinearExpression]:
    """Return cost and emissions of the upper level, (36)-(42), without what the storage itself costs.

        cost = sum electricity_price purchase - export_price export + (gas_price + boiler_installation_price) gas_heat
               + storage_price (charge + discharge)
        emissions = sum grid_emission_factor purchase + gas_emission_factor gas_heat

    To the cost comes storage_installation_price storage_energy. Printed (42) has the heat of the pumps where the factor
    of gas belongs to that of the boilers, and (39) the signed power, which sums to nothing.

    Returns
    -------
    tuple of linopy.LinearExpression
        Cost [yuan] and emissions [kg].
    """
    v, given = model.variables, over_all_dims(inputs)
    paid = (given["electricity_price"], v["purchase"]), (-given["export_price"], v["export"])
    burnt = (given["gas_price"] + given["boiler_installation_price"], v["gas_heat"])
    emitted = (given["grid_emission_factor"], v["purchase"]), (given["gas_emission_factor"], v["gas_heat"])
    cost = model.linexpr(*paid, burnt).sum() + throughput(model, inputs)
    return cost, model.linexpr(*emitted).sum()


def gas_of(model: linopy.Model, inputs: xr.Dataset, group: str | None = None) -> linopy.LinearExpression:
    """Return what to minimise to settle who has the ground heat that dispatches of equal cost could give to several.

    Parameters
    ----------
    model : linopy.Model
        From :func:`district_model`, with ``ties`` where no group is named.
    inputs : xr.Dataset
        The :data:`QUANTITIES` of that model.
    group : str, optional
        The group that is served first, whose gas is summed. Without, the groups are served alike: the sum over the
        hours of heat times the greatest share of gas of any group [kWh].

    Raises
    ------
    ValueError
        If there is no such group, or no ``worst-gas-share``.
    """
    v = model.variables
    if group is not None:
        known = v["gas_heat"].coords["group"].to_numpy().tolist()
        if group not in known:
            raise ValueError(f"group {group!r} is unknown, known are {known}")
        return cast("linopy.LinearExpression", v["gas_heat"].sel(group=group).sum())
    if "worst-gas-share" not in v:
        raise ValueError("serving groups alike needs a model built with ties=True")
    return (over_all_dims(inputs)["heat"].sum("group") * v["worst-gas-share"]).sum()


def tie_break(model: linopy.Model, rule: TieRule, position: xr.DataArray) -> linopy.LinearExpression:
    """Return the number to minimise among dispatches of equal cost.

    Parameters
    ----------
    model : linopy.Model
        From :func:`district_model`; with ``ties`` for the peak.
    rule : {"earliest", "latest", "least peak", "least throughput"}
        Sum of position times net charge of the storage, its negative, the highest purchase of the district, the sum of
        charges and discharges.
    position : xr.DataArray, dims (hour)
        Number of each hour in the order in which the day runs.

    Raises
    ------
    ValueError
        For another rule, for the peak of a model without, or if ``position`` has other hours than the model.
    """
    v = model.variables
    hours = v["charge"].coords["hour"]
    if rule not in TIE_RULES:
        raise ValueError(f"the tie rule must be one of {TIE_RULES}, found {rule!r}")
    if rule == "least peak":
        if "peak" not in v:
            raise ValueError("the tie rule 'least peak' needs a model built with ties=True")
        return v["peak"].sum()
    if rule == "least throughput":
        return (v["charge"] + v["discharge"]).sum()
    if not position["hour"].equals(hours):
        raise ValueError(f"position must give the hours {hours.to_numpy()}, found {position['hour'].to_numpy()}")
    return ((position if rule == "earliest" else -position) * (v["charge"] - v["discharge"])).sum()


def flows(solution: xr.Dataset) -> xr.Dataset:
    """Return what flows in each hour of a dispatch, each group either charging or discharging, buying or selling.

    Parameters
    ----------
    solution : xr.Dataset
        ``model.solution`` of :func:`district_model`.

    Returns
    -------
    xr.Dataset
        ``purchase``, ``export``, ``pump_heat``, ``gas_heat``, ``chilled``, ``charge``, ``discharge``, dims
        (..., group, hour) [kW], and ``energy``, dims (..., hour) [kWh].
    """
    found = solution[["purchase", "export", "pump_heat", "gas_heat", "chilled", "charge", "discharge"]]
    for into, out in (("purchase", "export"), ("charge", "discharge")):
        net = solution[into] - solution[out]
        found = found.assign({into: net.clip(min=0), out: -net.clip(max=0)})
    return found.assign(energy=solution["storage-energy"])


def costs(flows: xr.Dataset, inputs: xr.Dataset) -> xr.Dataset:
    """Return the terms of (36)-(42) by group and hour.

    Parameters
    ----------
    flows : xr.Dataset
        From :func:`flows`.
    inputs : xr.Dataset
        The :data:`QUANTITIES`.

    Returns
    -------
    xr.Dataset, dims (..., group, hour)
        ``electricity_cost`` of (37), ``gas_cost`` and ``boiler_cost`` of (38), ``storage_cost``, the wear of (39)
        [yuan], ``grid_emissions`` and ``gas_emissions`` of (41) and (42) [kg].
    """
    bought = flows["purchase"] * inputs["electricity_price"] - flows["export"] * inputs["export_price"]
    terms = {
        "electricity_cost": bought,
        "gas_cost": flows["gas_heat"] * inputs["gas_price"],
        "boiler_cost": flows["gas_heat"] * inputs["boiler_installation_price"],
        "storage_cost": (flows["charge"] + flows["discharge"]) * inputs["storage_price"],
        "grid_emissions": flows["purchase"] * inputs["grid_emission_factor"],
        "gas_emissions": flows["gas_heat"] * inputs["gas_emission_factor"],
    }
    units = {name: "kg" if name.endswith("emissions") else "yuan" for name in terms}
    return xr.Dataset({name: values.assign_attrs(units=units[name]) for name, values in terms.items()})
