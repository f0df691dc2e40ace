"""All that a folder asks for, computed in order: loads, flexibility, mix, sizing, dispatch, prices, margins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.problems import InputError
from bcopt.districts import flexible_loads, function_mix, inputs, limits, loads, market
from bcopt.districts.folder import District
from bcopt.districts.reading import read
from bcopt.districts.sizing import TONNE, Plan, Sizing
from bcopt.methods import solver

ENERGY_FLOWS = ("purchase", "export", "pump_heat", "gas_heat", "chilled", "charge", "discharge")


@dataclass(eq=False)
class Answers:
    """What was computed.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    numbers : dict of str to float
        By name with the unit in brackets, money in that of the folder.
    tables : dict of str to pd.DataFrame
        By name: loads, flexibility, mix, front, dispatch, margins, prices, renewables, answers.
    series : xr.Dataset
        Hourly results by name, dims (cluster or group, hour).
    parts : dict of str to object
        What figures are drawn from.
    """

    district: District
    numbers: dict[str, float] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    series: xr.Dataset = field(default_factory=xr.Dataset)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def money(self) -> str:
        """What the folder calls its money."""
        return self.district.file.currency


def numbers(folder: Path | str, changes: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Return the numbers of a folder with some of its keys changed: what a sweep runs.

    Raises
    ------
    InputError
        As :func:`bcopt.districts.read`.
    """
    return answer(read(folder, changes)).numbers


def answer(district: District) -> Answers:
    """Compute what a folder's ``run`` lists.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.

    Returns
    -------
    Answers

    Raises
    ------
    InputError
        If simulated loads turn out to exceed what devices can supply, naming demand, hour and cluster; or naming the
        task that has no solution, with the limits in conflict.
    EnergyPlusError
        If a simulation fails.
    """
    found = Answers(district)
    run = district.file.run
    if district.clusters:
        _loads(found)
    if "renewables" in run:
        _renewables(found)
    steps: dict[str, Callable[[Answers], None]] = {
        "flexibility": _flexibility, "mix": _mix, "sizing": _sizing, "dispatch": _dispatch, "pricing": _pricing,
        "provider": _provider,
    }  # fmt: skip
    for name, step in steps.items():
        if name in run:
            with _in_words(district, name):
                step(found)
    found.tables["answers"] = pd.DataFrame({"answer": list(found.numbers), "value": list(found.numbers.values())})
    return found


@contextmanager
def _in_words(district: District, task: str) -> Iterator[None]:
    """Say of what a model refuses, or a solver cannot solve, which task of which folder it was."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, solver.NotSolved) as error:
        raise InputError(district.folder.as_posix(), [f"{task}: {line}" for line in str(error).splitlines()]) from error


def _loads(found: Answers) -> None:
    """Gather loads and what flexibility starts from."""
    district = found.district
    demand = loads.demand(district)
    found.parts["demand"] = demand
    year = district.cycles * demand["demand"].sum("hour").to_pandas()
    sun = district.cycles * demand["photovoltaics"].sum("hour").to_pandas()
    head = {"cluster": list(district.clusters), "simulated": demand["simulated"].to_numpy()}
    columns = {f"{use} [kWh/a]": year[use].to_numpy() for use in year.columns if year[use].any()}
    found.tables["loads"] = pd.DataFrame({**head, **columns, "photovoltaics [kWh/a]": sun.to_numpy()})
    whole = year.sum()
    electricity = market.electricity(district, demand).sum()
    found.numbers["electricity of uses [kWh/a]"] = district.cycles * float(electricity)
    found.numbers["heat of rooms [kWh/a]"] = float(whole["heating"])
    found.numbers["cold of rooms [kWh/a]"] = float(whole["cooling"])
    found.numbers["photovoltaics [kWh/a]"] = float(sun.sum())
    found.series = found.series.assign(demand=demand["demand"], photovoltaics=demand["photovoltaics"])
    if district.file.tariffs:
        day = inputs.of_flexibility(district, demand)
        limits.require_possible(district, demand)
        found.parts["day"], found.parts["as given"] = day, flexible_loads.as_given(day)


def _optimised(found: Answers) -> xr.Dataset:
    """Return the flows of the clusters at least energy cost, computed once."""
    if "optimised" not in found.parts:
        found.parts["optimised"] = flexible_loads.optimised(found.district, found.parts["day"])
    flows: xr.Dataset = found.parts["optimised"]
    return flows


def _flows(found: Answers, which: str) -> xr.Dataset:
    flows: xr.Dataset = _optimised(found) if which == "self-optimised" else found.parts["as given"]
    return flows


def _flexibility(found: Answers) -> None:
    before, after = found.parts["as given"], _optimised(found)
    table = flexible_loads.table(found.district, before, after)
    found.tables["flexibility"] = table
    whole = table.iloc[-1]
    for name in table.columns[1:7]:
        found.numbers[f"clusters' {name}"] = float(whole[name])
    found.series = found.series.assign(
        {
            f"cluster_{name}": after[name].assign_attrs(units="kW")
            for name in ("electricity", "purchase", "export", "heat", "vehicle")
        }
    )


def _mix(found: Answers) -> None:
    flows = _flows(found, found.district.file.mix.loads)
    mixes = function_mix.mixes(found.district, flows, found.parts["day"])
    found.parts["mixes"], found.tables["mix"] = mixes, function_mix.table(mixes)
    for name in mixes["mix"].to_numpy():
        at = mixes.sel(mix=name)
        found.numbers[f"departure from the average load, {name} [%]"] = 100 * float(at["levelisation_rate"])
        found.numbers[f"renewable share, {name} [%]"] = 100 * float(at["renewable_share"])


def _district_day(found: Answers) -> xr.Dataset:
    """Return the inputs of the district's model, computed once."""
    if "district day" not in found.parts:
        district = found.district
        flows = _flows(found, district.file.dispatch.loads)
        found.parts["district day"] = inputs.of_district(
            district, found.parts["demand"], flows, found.parts["day"], loads.source_temperature(district)
        )
        limits.require_heat(district, found.parts["district day"]["heat"])
    day: xr.Dataset = found.parts["district day"]
    return day


def _chosen(found: Answers) -> tuple[Sizing, Plan]:
    """Return the plan that the objective picks, computed once."""
    if "plan" not in found.parts:
        wear = _flows(found, found.district.file.dispatch.loads)["storage_cost"].sum()
        sizing = Sizing(found.district, _district_day(found), float(wear))
        objective = found.district.file.objective
        found.parts["plan"] = sizing, sizing.chosen(objective.cost, objective.emissions)
    sizing, plan = found.parts["plan"]
    return sizing, plan


def _sizing(found: Answers) -> None:
    sizing, plan = _chosen(found)
    front = sizing.front()
    found.parts["front"] = front
    money = found.money
    found.tables["front"] = pd.DataFrame(
        {
            "storage [kWh]": [point.solution.storage for point in front],
            "heat pumps [kW]": [float(point.solution.pumps.sum()) for point in front],
            f"cost [{money}/a]": [point.solution.cost for point in front],
            "emissions [t/a]": [point.solution.emissions / TONNE for point in front],
            f"a tonne less costs [{money}/t]": [point.exchange * TONNE for point in front],
        }
    )
    found.numbers |= {
        "storage [kWh]": plan.storage,
        "heat pumps [kW]": float(plan.pumps.sum()),
        f"cost [{money}/a]": plan.cost,
        "emissions [t/a]": plan.emissions / TONNE,
        f"least cost [{money}/a]": front[0].solution.cost,
        "least emissions [t/a]": front[-1].solution.emissions / TONNE,
    }
    _margins(found, sizing, plan)


def _margins(found: Answers, sizing: Sizing, plan: Plan) -> None:
    """Say what one more unit is worth at the chosen plan."""
    money, rows = found.money, []
    words = {
        "storage-size": ("one more kWh of storage saves", "/kWh/a"),
        "pump-size": ("one more kW of heat pumps saves", "/kW/a"),
    }
    objective = found.district.file.objective
    margins = sizing.margins(plan, objective.cost, objective.emissions) if objective.cost > 0 else {}
    for name, value in margins.items():
        device, _, group = name.partition(" ")
        text, unit = words[device]
        rows.append((f"{text}{f' in {group}' if group else ''} [{money}{unit}]", value))
    if np.isfinite(cost := sizing.tonne(plan)):
        rows.append((f"one tonne of carbon dioxide less costs [{money}/t]", cost))
    found.numbers |= dict(rows)
    found.tables["margins"] = pd.DataFrame(rows, columns=["margin", "value"])


def _dispatch(found: Answers) -> None:
    """Run the district with the chosen sizes."""
    sizing, plan = _chosen(found)
    if found.district.file.dispatch.minimise == "payments":
        plan = sizing.at(plan)
    found.parts["dispatched"] = plan
    cycles, money, day = found.district.cycles, found.money, _district_day(found)
    of_groups = cycles * plan.flows[list(ENERGY_FLOWS)].sum("hour")
    columns = {f"{name.replace('_', ' ')} [kWh/a]": of_groups[name].to_numpy() for name in ENERGY_FLOWS}
    share = 100 * plan.flows["pump_heat"].sum("hour") / day["heat"].sum("hour").where(day["heat"].sum("hour") > 0)
    found.tables["dispatch"] = pd.DataFrame(
        {"group": found.district.groups, **columns, "heat from pumps [%]": share.to_numpy()}
    )
    for name in ("purchase", "export", "pump_heat", "gas_heat"):
        found.numbers[f"{name.replace('_', ' ')} [kWh/a]"] = float(of_groups[name].sum())
    paid = plan.flows["purchase"] * day["electricity_price"] - plan.flows["export"] * day["export_price"]
    gas = plan.flows["gas_heat"] * day["gas_price"]
    found.numbers[f"groups pay for energy [{money}/a]"] = cycles * float((paid + gas).sum())
    found.numbers["emissions when run [t/a]"] = plan.emissions / TONNE
    found.numbers["greatest purchase [kW]"] = float(plan.flows["purchase"].sum("group").max())
    found.series = found.series.assign(
        {
            f"group_{name}": values.assign_attrs(units="kWh" if name == "energy" else "kW")
            for name, values in plan.flows.data_vars.items()
        }
    )


def _pricing(found: Answers) -> None:
    """Set retail prices for the mean day."""
    district, money = found.district, found.money
    settled = district.file.pricing
    carriers = list(settled.carriers) if settled else []
    load = market.supplied(district, found.parts["demand"], carriers)
    of_market, best = market.prices(district, load)
    found.parts["market"], found.parts["prices"] = of_market, best
    found.numbers |= {
        f"provider's benefit [{money}/d]": float(best["provider_benefit"].sum()),
        f"clusters' benefit [{money}/d]": float(best["cluster_benefit"].sum()),
        f"mean retail price of {carriers[0]} [{money}/kWh]": float(best["price"].sel(carrier=carriers[0]).mean()),
        "load forgone [%]": 100 * float(best["reduction"].sum() / load.sum()),
    }
    table = {"hour": best["hour"].to_numpy()}
    for cluster in best["cluster"].to_numpy():
        for carrier in carriers:
            price = best["price"].sel(cluster=cluster, carrier=carrier)
            table[f"{cluster}: {carrier} [{money}/kWh]"] = price.to_numpy()
    found.tables["prices"] = pd.DataFrame(table)
    learned = market.learnt(district, of_market)
    if learned is not None:
        gap = (best["reward"] - learned["reward"].isel(episode=-1)).sum(["cluster", "carrier"])
        found.numbers[f"Q-learning below the best reward, median [{money}/d]"] = float(gap.median())


def _provider(found: Answers) -> None:
    """Dispatch the provider's devices on the mean day, after prices where there are any."""
    district, money = found.district, found.money
    load = market.supplied(district, found.parts["demand"], list(market.CARRIERS))
    priced = found.parts["prices"]["load"] if "prices" in found.parts else load
    agreed = priced.reindex_like(load).fillna(load)
    both = xr.Dataset({"load": load, "agreed": agreed.transpose(*load.dims)})
    sun = market.mean_day(found.parts["demand"]["photovoltaics"].sum("cluster"))
    best, flows, given = market.provided(district, both, sun)
    found.parts["provider"] = best, flows, given
    found.numbers |= {
        f"provider's cost less the clusters' benefit [{money}/d]": best.value,
        "turbine runs [h/d]": float(best.on.sum()),
        "gas of the turbine [m3/d]": float(flows["gas"].sum()),
        "provider buys [kWh/d]": float(flows["purchase"].sum()),
    }
    found.tables["provider"] = flows.drop_dims(["cluster", "carrier"], errors="ignore").to_dataframe().reset_index()


def _renewables(found: Answers) -> None:
    """Find the yearly mix of renewables."""
    money, settled = found.money, found.district.file.renewables
    front = market.renewable_mix(found.district)
    found.parts["renewables"] = front
    energy = front["energy"].to_pandas().add_suffix(" [MJ/a]").reset_index(drop=True)
    head = {f"cost [{money}/a]": front["first"].to_numpy(), "carbon [t/a]": front["second"].to_numpy() / 1e6}
    found.tables["renewables"] = pd.concat([pd.DataFrame(head), energy], axis=1)
    found.numbers[f"renewables' least cost [{money}/a]"] = float(front["first"][0])
    found.numbers["renewables' carbon at least cost [t/a]"] = float(front["second"][0]) / 1e6
    found.numbers["renewables' least carbon [t/a]"] = float(front["second"][-1]) / 1e6
    if settled:
        found.numbers["renewables' energy [MJ/a]"] = settled.energy
