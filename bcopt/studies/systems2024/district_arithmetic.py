"""What the printed numbers of section 3.3 imply by themselves, before any load is simulated.

Every printed number stands for the interval that rounds to it. Where a relation is monotone in each of its numbers, the
corners of these intervals bound what it can give; the heats of the four groups, which are not printed, are bounded by
linear programmes. A ``ValueError`` names the claims that a function needs and finds no number in, and the factors and
prices that are not positive. The paper is Systems 2024, 12(3), 92, https://doi.org/10.3390/systems12030092.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.hourly import HOURS
from bcopt.compendium.ledger import printed_numbers
from bcopt.methods.optimal_face import ranges
from bcopt.methods.persistent import Persistent
from bcopt.methods.solver import NotSolved
from bcopt.studies.systems2024.district_day import plots_of_caps
from bcopt.studies.systems2024.inputs import FUNCTIONS

Reading = Literal["heat pump shares, residential all heat pumps", "gas shares", "heat pump shares as printed"]
"""What the printed percentages of the groups' heat may mean; the 0 % of residential buildings is none at all."""
READINGS: tuple[Reading, ...] = get_args(Reading)
PRICE_READINGS = {"each group its own": None, "public for both": "public", "residential for both": "residential"}
"""Which price of Table 2 the boilers' heat may have, as an argument of :func:`ground_heat_values`."""
EFFICIENCY_LIMIT = 0.337
"""Greatest efficiency of a cell with one junction [-] (Shockley & Queisser 1961, https://doi.org/10.1063/1.1736034)."""
_SHARES = {"shared": "S-3.3-share-", "own": "S-3.3-unshared-"}
_HEAT = ["S-3.3-gshp-heat", "S-3.3-gas-heat"]
_COSTS = ["S-3.3-cost-before", "S-3.3-cost-after"]
_UNSHARED = "S-3.3-unshared-share"


class _Printed(NamedTuple):
    """A printed number, half a unit of its last digit, and the ends of what rounds to it."""

    value: float
    half_unit: float
    low: float
    high: float


def _printed(claims: pd.DataFrame, names: list[str]) -> list[_Printed]:
    """Return the printed numbers of some claims with the ends of what rounds to them."""
    found = printed_numbers(claims, names)
    return [_Printed(value, half, value - half, value + half) for value, half in (found[name] for name in names)]


def heat_pump_capacity(inputs: xr.Dataset) -> xr.DataArray:
    """Return the heat that the heat pumps of each function can give in a day [kWh], dims (function)."""
    return inputs["heat_pump_cap"].sel(function=list(FUNCTIONS)) * len(HOURS)


def identities(claims: pd.DataFrame, inputs: xr.Dataset, grid_emission_factor: float) -> pd.DataFrame:
    """Return every closed relation among the printed numbers, computed and as printed.

    Parameters
    ----------
    claims, inputs : pd.DataFrame, xr.Dataset
        From :func:`bcopt.compendium.ledger.read_claims` and :func:`bcopt.studies.systems2024.inputs.load`.
    grid_emission_factor : float
        [kg/kWh], as all inputs taken to be exact.

    Returns
    -------
    pd.DataFrame
        One row a claim, in the claim's unit. ``agrees``: computed from the numbers as they stand, the result rounds to
        the printed one. ``from`` and ``to``: what the operands can give within their own rounding.
    """
    _check_positive(grid_emission_factor=grid_emission_factor)
    capacity, used = float(heat_pump_capacity(inputs).sum()), "S-3.3-export-utilised"
    relations: list[tuple[str, str, list[str], Callable[..., float]]] = [
        ("S-3.3-gshp-utilisation", "heat pumps / capacity", _HEAT[:1], lambda pumped: 100 * pumped / capacity),
        ("S-3.3-gshp-share", "heat pumps / all heat", _HEAT, lambda pumped, gas: 100 * pumped / (pumped + gas)),
        ("S-3.3-gas-share", "gas / all heat", _HEAT, lambda pumped, gas: 100 * gas / (pumped + gas)),
        ("S-3.3-unshared-utilisation", "share without sharing x all heat / capacity", [_UNSHARED, *_HEAT],
         lambda share, pumped, gas: share * (pumped + gas) / capacity),
        ("S-3.3-reduction", "saving / cost before", _COSTS, lambda before, after: 100 * (before - after) / before),
        (used, "export before - export after", ["S-3.3-export-before", "S-3.3-export-after"],
         lambda before, after: before - after),
        ("S-3.3-co2", "energy used x emission factor", [used], lambda energy: energy * grid_emission_factor),
    ]  # fmt: skip
    units, rows = claims.set_index("id")["unit"], []
    for claim, text, names, relation in relations:
        target, *operands = _printed(claims, [claim, *names])
        computed = relation(*(number.value for number in operands))
        corners = [relation(*ends) for ends in product(*((number.low, number.high) for number in operands))]
        slack = target.half_unit + 4 * np.spacing(max(abs(computed), abs(target.value)))
        rows.append(
            {"claim": claim, "relation": text, "unit": units[claim], "computed": computed, "printed": target.value,
             "half unit": target.half_unit, "agrees": bool(abs(computed - target.value) <= slack),
             "from": min(corners), "to": max(corners)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def group_heats(
    claims: pd.DataFrame, inputs: xr.Dataset, reading: Reading, with_unshared_total: bool = True, *,
    unshared_residential: bool = True, own_caps: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """Return how much heat each group can have for the printed sources and shares to hold.

    With the heat Q_j of group j, D_j of it from shared and d_j from its own ground:

        D_j = s_j Q_j,   sum D_j = heat pumps,   sum (Q_j - D_j) = gas
        d_j = u_j Q_j,   sum d_j = u sum Q_j,    d_j <= 24 h x cap_j

    Parameters
    ----------
    claims, inputs
        As in :func:`identities`.
    reading : str
        One of :data:`READINGS`: what the printed percentages say of s_j and u_j.
    with_unshared_total, unshared_residential, own_caps : bool
        Whether the share u holds, whether the reading tells u_j of residential buildings, which else is anywhere from 0
        to 1, and whether caps limit d_j.

    Returns
    -------
    pd.DataFrame
        ``least heat [kWh]`` and ``greatest heat [kWh]`` by ``function``. If no heats satisfy all, both are missing and
        ``contradiction``, empty otherwise, says in numbers what stands against what.

    Raises
    ------
    ValueError
        For an unknown reading.
    """
    shares = _shares(claims, reading)
    if not unshared_residential:
        known = (shares["ground"] != "own") | (shares["function"] != "residential")
        shares = shares.assign(low=shares["low"].where(known, 0.0), high=shares["high"].where(known, 1.0))
    limit = heat_pump_capacity(inputs).where(own_caps, np.inf)
    totals = dict(zip(("heat pumps", "gas", "without sharing"), _printed(claims, [*_HEAT, _UNSHARED]), strict=True))
    if not with_unshared_total:
        del totals["without sharing"]
    persistent = Persistent(_heat_model(shares, limit, totals))
    found, contradiction = xr.full_like(shares.sel(ground="own"), np.nan), ""
    try:
        persistent.solve()
        found = ranges(persistent, "heat")
    except NotSolved as error:
        contradiction = "; ".join(_contradictions(shares, limit, totals)) or str(error)
    return pd.DataFrame(
        {"function": list(FUNCTIONS), "least heat [kWh]": found["low"], "greatest heat [kWh]": found["high"],
         "contradiction": contradiction}
    )  # fmt: skip


def group_heat_cases(claims: pd.DataFrame, inputs: xr.Dataset) -> pd.DataFrame:
    """Return :func:`group_heats` under every reading, with all of the numbers and with some left out: a row a case."""
    total, caps = "total without sharing", "own caps"
    left_out: dict[str, dict[str, bool]] = {
        "nothing": {},
        "residential share without sharing": {"unshared_residential": False},
        total: {"with_unshared_total": False},
        caps: {"own_caps": False},
        f"{total}, {caps}": {"with_unshared_total": False, "own_caps": False},
    }
    rows: list[dict[str, Any]] = []
    for reading, (text, switches) in product(READINGS, left_out.items()):
        table, row = group_heats(claims, inputs, reading, **switches), {"reading": reading, "left out": text}
        for function, low, high, _ in table.to_numpy():
            row |= {f"{function} from [kWh]": low, f"{function} to [kWh]": high}
        rows.append(row | {"contradiction": table["contradiction"].iloc[0]})
    return pd.DataFrame(rows)


def _shares(claims: pd.DataFrame, reading: Reading) -> xr.Dataset:
    """Return ``low`` and ``high`` (ground, function): what part of each group's heat comes from heat pumps."""
    if reading not in READINGS:
        raise ValueError(f"reading of the shares: expected one of {'; '.join(READINGS)}, got {reading!r}")
    numbers = [_printed(claims, [claim + function for function in FUNCTIONS]) for claim in _SHARES.values()]
    ends = xr.DataArray(
        [[[number.low / 100, number.high / 100] for number in of_ground] for of_ground in numbers],
        coords={"ground": list(_SHARES), "function": list(FUNCTIONS), "end": ["low", "high"]},
    )
    if reading == "gas shares":
        ends = 1 - ends.assign_coords(end=["high", "low"])
    homes = float(reading != "heat pump shares as printed")
    return ends.where(ends["function"] != "residential", homes).to_dataset("end")


def _heat_model(shares: xr.Dataset, limit: xr.DataArray, totals: Mapping[str, _Printed]) -> linopy.Model:
    """Build the constraints of :func:`group_heats`, without an objective."""
    model = linopy.Model()
    heat = model.add_variables(lower=0.0, coords=[shares.indexes["function"]], name="heat")
    upper = xr.where(shares["ground"] == "own", limit, np.inf).transpose("ground", "function")
    pumped = model.add_variables(lower=0.0, upper=upper, name="heat_pumps")
    model.add_constraints(pumped - shares["low"] * heat >= 0, name="least share of heat pumps")
    model.add_constraints(pumped - shares["high"] * heat <= 0, name="greatest share of heat pumps")
    whole, shared, own = heat.sum(), pumped.sel(ground="shared").sum(), pumped.sel(ground="own").sum()
    for name, source in {"heat pumps": shared, "gas": whole - shared}.items():
        model.add_constraints(source >= totals[name].low, name=f"least heat from {name}")
        model.add_constraints(source <= totals[name].high, name=f"greatest heat from {name}")
    if share := totals.get("without sharing"):
        model.add_constraints(own - share.low / 100 * whole >= 0, name="least total without sharing")
        model.add_constraints(own - share.high / 100 * whole <= 0, name="greatest total without sharing")
    return model


def _contradictions(shares: xr.Dataset, limit: xr.DataArray, totals: Mapping[str, _Printed]) -> list[str]:
    """Return the totals that the shares exclude by themselves, or with the caps on each group's own ground."""
    own, shared = (shares.sel(ground=ground, drop=True) for ground in ("own", "shared"))
    low, high = 100 * float(own["low"].min()), 100 * float(own["high"].max())
    found = []
    if (total := totals.get("without sharing")) and (total.high < low or total.low > high):
        found.append(f"without sharing each group has {low:.2f} to {high:.2f} % of its heat from heat pumps, "
                     f"all together {total.value:.2f} %")  # fmt: skip
    heat = (limit / own["low"].where(own["low"] > 0)).fillna(np.inf)
    for source, share in {"heat pumps": shared["high"], "gas": 1 - shared["low"]}.items():
        most = float((share * heat.where(share > 0, 0.0)).sum())
        if most < totals[source].low:
            found.append(f"with what its own cap lets each group have, sharing gives {most:,.0f} kWh of heat from "
                         f"{source} at most, {totals[source].value:,.0f} are printed")  # fmt: skip
    return found


def export_share_readings(claims: pd.DataFrame, inputs: xr.Dataset) -> pd.DataFrame:
    """Return what the total could be that the residential export is a printed share of.

    No electricity costs more than the dearest price, so at least ``cost / price`` of it is bought. Photovoltaics give
    at most :data:`EFFICIENCY_LIMIT` of January's sun on all roofs, at the plots of :func:`implied_plots`.

    Parameters
    ----------
    claims, inputs
        As in :func:`identities`.

    Returns
    -------
    pd.DataFrame
        ``total``: a candidate; ``at least [kWh]`` and ``at most [kWh]``: its bounds, infinite where nothing limits it;
        ``needed``, ``needed from`` and ``needed to [kWh]``: export over its share; ``possible`` and ``proof``.
    """
    export, share, before, after = _printed(claims, ["S-3.3-export-before", "S-3.3-export-share", *_COSTS])
    needed = 100 * export.value / share.value
    dearest = float(inputs["electricity_price"].max())
    bought, later = before.low / dearest, after.low / dearest
    price = [f"{cost:.2f} yuan/kWh, no hour costs more than {dearest:g}" for cost in
             (before.value / needed, before.value / (needed + export.value), after.value / needed)]  # fmt: skip
    plots = plots_of_caps(inputs, float(inputs["borehole_heat"])).rename(group="function")
    roofs = plots * _mean_by_function(inputs, inputs["density"])
    sun = roofs * float(inputs["global_horizontal_radiation"].sel(month=1))
    homes, district = EFFICIENCY_LIMIT * float(sun.sel(function="residential")), EFFICIENCY_LIMIT * float(sun.sum())
    cells = [f"{needed / most:.2f} times what the best cells on all roofs give" for most in (homes, district)]
    candidates = [
        ("residential consumption", 0.0, np.inf, ""),
        ("residential purchases", 0.0, np.inf, ""),
        ("district purchases before", bought, np.inf, price[0]),
        ("district purchases less export before", bought - export.high, np.inf, price[1]),
        ("district consumption", bought, np.inf, f"no less than the purchases, {bought:,.0f} kWh or more"),
        ("district purchases after", later, np.inf, price[2]),
        ("residential photovoltaics", export.low, homes, cells[0]),
        ("district photovoltaics", export.low, district, cells[1]),
    ]
    table = pd.DataFrame(candidates, columns=["total", "at least [kWh]", "at most [kWh]", "proof"])
    low, high = 100 * export.low / share.high, 100 * export.high / share.low
    table[["needed [kWh]", "needed from [kWh]", "needed to [kWh]"]] = needed, low, high
    table["possible"] = (table["at least [kWh]"] <= high) & (table["at most [kWh]"] >= low)
    return table


def gas_peak(claims: pd.DataFrame) -> pd.DataFrame:
    """Return what the boilers' peak says of their day: full-load hours, and how far a flat profile is from it."""
    peak, pumped, gas = (number.value for number in _printed(claims, ["S-3.3-gas-peak", *_HEAT]))
    flat = gas / len(HOURS)
    return pd.DataFrame([
        {"peak [kW]": peak, "full-load hours [h]": gas / peak, "flat profile [kW]": flat,
         "flat profile over peak [%]": 100 * flat / peak, "peak hour of the day's gas [%]": 100 * peak / gas,
         "peak over the mean of all heat": peak * len(HOURS) / (pumped + gas)}
    ])  # fmt: skip


def installation_costs(
    claims: pd.DataFrame, storage_installation_price: float, boiler_installation_price: float
) -> pd.DataFrame:
    """Return what equations (38) and (39) cost a day if their installation prices are taken literally.

        K_b sum_i b_i  for boilers,   K_s Emax  for shared storage

    Parameters
    ----------
    claims : pd.DataFrame
        As in :func:`identities`.
    storage_installation_price, boiler_installation_price : float
        K_s and K_b [yuan/kWh].

    Returns
    -------
    pd.DataFrame
        Energy, cost and cost over the day's saving of the boilers' heat, and of the largest storage that saves as much.
    """
    _check_positive(
        storage_installation_price=storage_installation_price, boiler_installation_price=boiler_installation_price
    )
    gas, before, after = (number.value for number in _printed(claims, [_HEAT[1], *_COSTS]))
    price = np.array([boiler_installation_price, storage_installation_price])
    energy = np.array([gas, (before - after) / storage_installation_price])
    return pd.DataFrame(
        {"item": ["boilers, heat of the day", "largest storage that pays"], "price [yuan/kWh]": price,
         "energy [kWh]": energy, "cost [yuan]": price * energy, "cost over saving": price * energy / (before - after)}
    )  # fmt: skip


def ground_heat_values(inputs: xr.Dataset, common_price: str | None = None) -> pd.DataFrame:
    """Return by hour what a kilowatt-hour of ground heat saves in each group: heat price - electricity price / COP.

    Parameters
    ----------
    inputs : xr.Dataset
        With ``electricity_price`` and ``heat_price`` (group, hour) [yuan/kWh] and ``heat_pump_cop``.
    common_price : str, optional
        Group whose price of heat both groups pay; by default each pays its own.

    Returns
    -------
    pd.DataFrame
        ``hour``, ``residential [yuan/kWh]``, ``public [yuan/kWh]`` and ``first``: the group served first at least cost,
        ``either`` if they save the same.

    Raises
    ------
    ValueError
        For a group without a price.
    """
    heat, groups = inputs["heat_price"], ["residential", "public"]
    if common_price not in (None, *groups):
        raise ValueError(f"common price of heat: expected one of {', '.join(groups)}, got {common_price!r}")
    heat = heat if common_price is None else heat.sel(group=common_price, drop=True)
    saved = heat - inputs["electricity_price"] / inputs["heat_pump_cop"]
    table = pd.DataFrame({"hour": inputs["hour"], **{f"{name} [yuan/kWh]": saved.sel(group=name) for name in groups}})
    ahead = (saved.sel(group="residential") - saved.sel(group="public")).round(9)
    return table.assign(first=np.select([ahead > 0, ahead < 0], groups, "either"))


def ground_heat_order(inputs: xr.Dataset) -> pd.DataFrame:
    """Return in how many hours which group is served first, by price of heat."""
    firsts = {reading: ground_heat_values(inputs, common)["first"] for reading, common in PRICE_READINGS.items()}
    groups = ("residential", "public", "either")
    hours = {f"{group} first [h]": [int((first == group).sum()) for first in firsts.values()] for group in groups}
    return pd.DataFrame({"price of heat": list(firsts), **hours})


def implied_plots(inputs: xr.Dataset, borehole_heat: float, residential_share: float) -> pd.DataFrame:
    """Return how many plots the caps of the heat pumps imply for each function, and their shares of the ground.

        plots_j = cap_j / (borehole heat x mean over the clusters of j of (1 - density) side^2)

    Parameters
    ----------
    inputs : xr.Dataset
        With ``heat_pump_cap`` (function) [kW], ``density`` (cluster), ``land_side`` [m] and ``used_for``.
    borehole_heat : float
        Ground-source heat per open land [W/m2].
    residential_share : float
        Printed share of the ground that residential buildings have [-], between 0 and 1.

    Returns
    -------
    pd.DataFrame
        Functions, then public and all. The shares depend on no borehole heat; they differ in percentage points.
    """
    public_share = 1 - residential_share
    _check_positive(borehole_heat=borehole_heat, residential_share=residential_share, public_share=public_share)
    land = _mean_by_function(inputs, 1 - inputs["density"]).to_series()
    plots = plots_of_caps(inputs, borehole_heat).rename(group="function").to_series()
    plots["public"], plots["all"] = plots.drop("residential").sum(), plots.sum()
    share = 100 * plots / plots["all"]
    told = pd.Series({"residential": residential_share, "public": public_share, "all": 1.0}) * 100
    table = pd.DataFrame({"open land per plot [m2]": land, "plots": plots}, plots.index)
    table["share of the ground [%]"], table["printed [%]"], table["difference [%]"] = share, told, share - told
    return table.rename_axis("function").reset_index()


def _mean_by_function(inputs: xr.Dataset, part: xr.DataArray) -> xr.DataArray:
    """Return a part of the land of each plot [m2], the mean of each function's clusters, dims (function)."""
    means = (part * inputs["land_side"] ** 2).groupby(inputs["used_for"]).mean()
    return means.rename(used_for="function").sel(function=list(FUNCTIONS))


def _check_positive(**quantities: float) -> None:
    """Raise, naming every quantity that is not a positive number."""
    wrong = [f"{name} = {value:g}" for name, value in quantities.items() if not 0 < value < np.inf]
    if wrong:
        raise ValueError(f"expected positive numbers, got {', '.join(wrong)}")
