"""What section 3.3 found, as tables: shares of ground heat, exports, statements as tests, bands over the scenarios."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.protocol import StudyProtocol
from bcopt.methods.parallel import in_parallel
from bcopt.models import district
from bcopt.studies.systems2024 import district_day, flexible_day
from bcopt.studies.systems2024.district_day import PUBLIC, RESIDENTIAL, DistrictKnobs, fitted
from bcopt.studies.systems2024.district_dispatch import LEAST, Dispatch
from bcopt.studies.systems2024.district_fits import DistrictFits, dispatch_to_fit, fit
from bcopt.studies.systems2024.flexible_day import Knobs
from bcopt.studies.systems2024.scenario import CENTRAL, OF_DEMAND, OF_THE_DISTRICT, OF_THE_PLOTS, Scenario, changed

ROUNDING = 1e-6
"""kWh below which a change is none."""
FALLS = tuple(range(15, 21))
RISES = (23, 0, 1, 2, 3, 4, 5)
"""Clock hours of labels 15 to 20, and of 23, 24 and 1 to 5 of Table 2."""
LIMITS = {"residential gas": (0.005, 1e-9), "public unaltered": (0.005, 0.001)}
"""What the protocol calls none and unaltered, and its alternatives [-]."""
CHOICES = (*OF_THE_DISTRICT, "shift_hours_test", "residential_gas_test", "public_unaltered_test")
"""Choices of the protocol that act here alone."""
CROSSED = ("district_mix", "district_loads", "account", "power_to_energy", "district_export_price")
"""Choices whose values are all combined with each other."""
COLUMNS = {
    "S-3.3-gshp-share": "ground heat, shared [%]",
    "S-3.3-gas-peak": "gas peak, shared [kW]",
    "S-3.3-share-office": "ground heat of office, shared [%]",
    "S-3.3-share-hotel": "ground heat of hotel, shared [%]",
    "S-3.3-share-mall": "ground heat of mall, shared [%]",
    "S-3.3-unshared-share": "ground heat, own [%]",
    "S-3.3-unshared-office": "ground heat of office, own [%]",
    "S-3.3-unshared-hotel": "ground heat of hotel, own [%]",
    "S-3.3-unshared-mall": "ground heat of mall, own [%]",
    "S-3.3-export-share": "export before, share [%]",
    "S-3.3-export-after": "export after [kWh]",
}
"""Claim and column of each held-out number."""
STATEMENTS = {
    "S-3.3-shift-hours": "shift hours hold",
    "S-3.3-public-purchase": "public purchase unaltered",
    "S-3.3-public-emissions": "public emissions unaltered",
    "S-3.3-gas-public-only": "no residential gas, shared",
    "S-3.3-share-residential": "no residential gas, shared",
    "S-3.3-unshared-residential": "no residential gas, own",
}
"""Claim and column of each statement."""
OTHERWISE = " by the other definition"
FITTED = "fits without a root"
SHARINGS = {"shared": True, "own": False}


@dataclass(frozen=True)
class Days:
    """The fitted day before and after the shared storage, with and without shared ground heat.

    Parameters
    ----------
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    before, after, own : xr.Dataset, dims (group, hour)
        Flows without and with the storage, ground heat shared; and with the storage, each group on its own ground.
    """

    day: xr.Dataset
    before: xr.Dataset
    after: xr.Dataset
    own: xr.Dataset


def days(day: xr.Dataset, scenario: Scenario, knobs: DistrictKnobs, dispatch: Dispatch | None = None) -> Days:
    """Return the dispatches that section 3.3 compares.

    Parameters
    ----------
    day : xr.Dataset
        From :func:`bcopt.studies.systems2024.district_day.unfitted`.
    scenario, knobs
        The choices, and what fits 3 to 6 found.
    dispatch : Dispatch, optional
        With ties settled, ground heat shared, and the heat of these knobs: that of the fits. By default one is built.
    """
    at = fitted(day, scenario, knobs)
    dispatch = dispatch or Dispatch(at, scenario)
    dispatch.supply(at["electricity"], at["photovoltaics"])
    dispatch.resize(0.0)
    dispatch.solve()
    before = dispatch.flows()
    dispatch.resize(knobs.storage_energy)
    dispatch.solve()
    after = dispatch.flows()
    dispatch.separate_grounds()
    dispatch.solve()
    return Days(at, before, after, dispatch.flows())


def shares(found: Days) -> pd.DataFrame:
    """Return heat, its sources and their shares of every group and of all, ground heat shared and own.

    Returns
    -------
    pd.DataFrame
        One row a group and ``all``: heat [kWh], share of ground heat [%], gas [kWh], peak of gas [kW].
    """
    rows = []
    for group in [*found.day["group"].to_numpy().tolist(), "all"]:
        row: dict[str, object] = {"group": group, "heat [kWh]": float(_of(found.day["heat"], group).sum())}
        for name, flows in (("shared", found.after), ("own", found.own)):
            pumped, gas = (_of(flows[flow], group) for flow in ("pump_heat", "gas_heat"))
            row[f"ground heat, {name} [kWh]"] = float(pumped.sum())
            row[f"ground heat, {name} [%]"] = _percent(float(pumped.sum()), float(pumped.sum() + gas.sum()))
            row[f"gas, {name} [kWh]"] = float(gas.sum())
            row[f"gas peak, {name} [kW]"] = float(gas.max())
        rows.append(row)
    return pd.DataFrame(rows)


def _percent(part: float, whole: float) -> float:
    """Return a part of a whole [%], missing where there is no whole, such as the heat of a group without plots."""
    return 100 * part / whole if whole > ROUNDING else np.nan


def _of(flow: xr.DataArray, group: str) -> xr.DataArray:
    """Return the flow of a group or of all together, dims (hour)."""
    return flow.sum("group") if group == "all" else flow.sel(group=group, drop=True)


def electricity_table(found: Days) -> pd.DataFrame:
    """Return purchase, export, cost and emissions of every group and of all, before and after the shared storage."""
    rows = []
    costs = {
        name: district.costs(flows, found.day) for name, flows in (("before", found.before), ("after", found.after))
    }
    for group in [*found.day["group"].to_numpy().tolist(), "all"]:
        row: dict[str, object] = {"group": group}
        for when, flows in (("before", found.before), ("after", found.after)):
            cost = costs[when]
            emitted = cost["grid_emissions"] + cost["gas_emissions"]
            row[f"purchase {when} [kWh]"] = float(_of(flows["purchase"], group).sum())
            row[f"export {when} [kWh]"] = float(_of(flows["export"], group).sum())
            row[f"electricity cost {when} [yuan]"] = float(_of(cost["electricity_cost"], group).sum())
            row[f"emissions {when} [kg]"] = float(_of(emitted, group).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def passed_on(found: Days) -> dict[str, float]:
    """Return the energy put into the shared storage, and what of it another group takes in the same hour [kWh]."""
    charge, discharge = (found.after[flow].sum("group") for flow in ("charge", "discharge"))
    within = xr.where(charge < discharge, charge, discharge)
    return {"charged [kWh]": float(charge.sum()), "passed on in the hour [kWh]": float(within.sum())}


def moved_table(found: Days) -> pd.DataFrame:
    """Return :func:`passed_on` as a table."""
    return pd.DataFrame(passed_on(found).items(), columns=["energy", "kWh a day"])


def export_share(found: Days, of: str) -> float:
    """Return the residential export before the shared storage as a share of what the protocol says [%]."""
    homes = found.day.sel(group=RESIDENTIAL)
    pumps = found.before["pump_heat"].sel(group=RESIDENTIAL) / homes["pump_cop"]
    whole = {
        "residential electricity, heat pumps included": homes["electricity"] + pumps,
        "residential electricity, heat pumps left out": homes["electricity"],
        "residential generation": homes["photovoltaics"],
    }[of]
    return _percent(float(found.before["export"].sel(group=RESIDENTIAL).sum()), float(whole.sum()))


def statements(found: Days) -> dict[str, bool | float]:
    """Return section 3.3's statements as data/protocol.yaml defines them, each also by the other definition."""
    rise = (found.after["purchase"] - found.before["purchase"]).sum("group")
    falls, rises = rise.sel(hour=list(FALLS)), rise.sel(hour=list(RISES))
    shift = bool(falls.sum() < -ROUNDING and rises.sum() > ROUNDING)
    each = bool(falls.max() < -ROUNDING and rises.min() > ROUNDING)
    table, power = shares(found).set_index("group"), electricity_table(found).set_index("group")
    said: dict[str, bool | float] = {
        "purchase in hours 15-20 rises by [kWh]": float(falls.sum()),
        "purchase in hours 23-5 rises by [kWh]": float(rises.sum()),
        "hours of 15-20 that fall": int((falls < -ROUNDING).sum()),
        "hours of 23-5 that rise": int((rises > ROUNDING).sum()),
        STATEMENTS["S-3.3-shift-hours"]: shift,
        STATEMENTS["S-3.3-shift-hours"] + OTHERWISE: each,
    }
    for name in SHARINGS:
        gas = float(table[f"gas, {name} [kWh]"][RESIDENTIAL] / table["heat [kWh]"][RESIDENTIAL])
        said[f"residential gas, {name} [%]"] = 100 * gas
        said |= _below(f"no residential gas, {name}", gas, "residential gas")
    for what, unit in (("purchase", "kWh"), ("emissions", "kg")):
        before, after = (float(power.loc[PUBLIC, f"{what} {when} [{unit}]"].sum()) for when in ("before", "after"))
        said[f"public {what} rises by [%]"] = _percent(after - before, before)
        said |= _below(f"public {what} unaltered", abs(after - before), "public unaltered", before)
    return said


def _below(column: str, value: float, kind: str, whole: float = 1.0) -> dict[str, bool | float]:
    """Return whether a number is below the protocol's limit, as a share of a whole, and below its alternative."""
    limit, closer = LIMITS[kind]
    return {column: value < limit * whole, column + OTHERWISE: value < closer * whole}


def scenario_row(
    name: str, day: xr.Dataset, scenario: Scenario, printed: Mapping[str, float]
) -> tuple[dict[str, object], DistrictFits, Days]:
    """Fit one scenario and return what it says, with its fits and its dispatches."""
    dispatch = dispatch_to_fit(day, scenario, printed)
    fits = fit(day, scenario, printed, dispatch)
    found = days(day, scenario, fits.knobs, dispatch if scenario.lower_level_ties == LEAST else None)
    table, power = shares(found).set_index("group"), electricity_table(found).set_index("group")
    row: dict[str, object] = {
        "scenario": name,
        "heat scale": fits.knobs.heat_scale,
        "photovoltaic scale": fits.knobs.photovoltaic_scale,
        "public scale": fits.knobs.public_scale,
        "storage energy [kWh]": fits.knobs.storage_energy,
        FITTED: ", ".join(knob.replace("_", " ") for knob in fits.missed),
        "heat [kWh]": table.loc["all", "heat [kWh]"],
        "cost before [yuan]": power.loc["all", "electricity cost before [yuan]"],
        "cost after [yuan]": power.loc["all", "electricity cost after [yuan]"],
        "export before [kWh]": power.loc[RESIDENTIAL, "export before [kWh]"],
        "export after [kWh]": power.loc[RESIDENTIAL, "export after [kWh]"],
        "export before, share [%]": export_share(found, scenario.export_share_of),
    }
    row |= passed_on(found)
    for kind in SHARINGS:
        row[f"ground heat, {kind} [%]"] = table.loc["all", f"ground heat, {kind} [%]"]
        row[f"gas peak, {kind} [kW]"] = table.loc["all", f"gas peak, {kind} [kW]"]
        row |= {f"ground heat of {g}, {kind} [%]": table.loc[g, f"ground heat, {kind} [%]"] for g in PUBLIC}
    return {**row, **statements(found)}, fits, found


def _row(task: tuple[str, xr.Dataset, Scenario, Mapping[str, float]]) -> dict[str, object]:
    """Return the row of one scenario, for a process of its own."""
    return scenario_row(*task)[0]


def sweep(
    scenarios: Mapping[str, Scenario],
    loads: xr.Dataset,
    variants: xr.Dataset,
    inputs: xr.Dataset,
    knobs: Mapping[str, Knobs],
    printed: Mapping[str, float],
    workers: int | None = None,
) -> pd.DataFrame:
    """Fit every scenario and return what each says, the central one first.

    Parameters
    ----------
    scenarios : mapping of str to Scenario
        The central one among them.
    loads, variants, inputs
        As in :func:`bcopt.studies.systems2024.flexible_day.january`.
    knobs : mapping of str to Knobs
        What fits 1 and 2 found in each scenario.
    printed : mapping
        From :func:`bcopt.studies.systems2024.district_fits.targets`.
    workers : int, optional
        Processes; as many as processors by default.
    """
    alike = {
        name: (knobs[name], *(getattr(scenario, choice) for choice in ("loads", *OF_DEMAND, *OF_THE_PLOTS)))
        for name, scenario in scenarios.items()
    }
    first = {key: name for name, key in reversed(alike.items())}
    asked = [
        (flexible_day.january(loads, variants, scenarios[name]), inputs, scenarios[name], knobs[name])
        for name in first.values()
    ]
    demands = dict(zip(first, in_parallel(_demands, asked, workers=workers), strict=True))
    tasks = [
        (name, district_day.with_equipment(demands[alike[name]], inputs, scenario), scenario, printed)
        for name, scenario in scenarios.items()
    ]
    return pd.DataFrame(in_parallel(_row, tasks, workers=workers))


def _demands(task: tuple[xr.Dataset, xr.Dataset, Scenario, Knobs]) -> xr.Dataset:
    """Return what the groups of one scenario use, for a process of its own."""
    return district_day.demands(*task)


def crossed(protocol: StudyProtocol, middle: Scenario, names: Sequence[str] = CROSSED) -> dict[str, Scenario]:
    """Return the scenarios of all combinations of some choices, by what they differ in; the central one as such."""
    values = [(protocol.choices[name].value, *protocol.choices[name].alternatives) for name in names]
    found = {}
    for combination in itertools.product(*values):
        scenario = changed(middle, dict(zip(names, combination, strict=True)))
        differs = [f"{name.replace('_', ' ')}: {value}" for name, value in zip(names, combination, strict=True)
                   if value != getattr(middle, name)]  # fmt: skip
        found[" + ".join(differs) or CENTRAL] = scenario
    return found


def tied_table(day: xr.Dataset, scenario: Scenario, found: Days) -> pd.DataFrame:
    """Return how far the ground heat and the electricity cost of each group could move at no cost to the district.

    Parameters
    ----------
    day : xr.Dataset
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    scenario : Scenario
        The choices.
    found : Days
        Whose dispatch is the one taken, ground heat shared, with the storage.
    """
    dispatch = Dispatch(day, scenario, settled=False)
    gas, cost = dispatch.ranges("gas"), dispatch.ranges("electricity cost")
    heat = day["heat"].sum("hour")
    taken = {
        "ground heat": 100 * found.after["pump_heat"].sum("hour") / heat,
        "cost": district.costs(found.after, day)["electricity_cost"].sum("hour"),
    }
    return pd.DataFrame(
        {
            "group": day["group"].to_numpy(),
            "least ground heat [%]": 100 * (1 - gas["high"] / heat),
            "ground heat taken [%]": taken["ground heat"],
            "greatest ground heat [%]": 100 * (1 - gas["low"] / heat),
            "least electricity cost [yuan]": cost["low"],
            "electricity cost taken [yuan]": taken["cost"],
            "greatest electricity cost [yuan]": cost["high"],
        }
    )
