"""What section 3.1 found, as tables: costs, the paper's statements as tests, and the band over the scenarios."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from bcopt.methods.parallel import in_parallel
from bcopt.planning import self_optimisation
from bcopt.studies.systems2024 import fits, flexible_day
from bcopt.studies.systems2024.inputs import CLUSTERS
from bcopt.studies.systems2024.scenario import Scenario
from bcopt.studies.systems2024.self_optimisation import EVENING, X1, counted

ROUNDING = 1e-6
"""kW or yuan below which a change is none."""
HOUR_20 = {"before": "hour 20 before [yuan]", "after": "hour 20 after [yuan]"}
SAVED = "electricity cost saved [%]"
ROOT = "root"
"""What stands for the second fit where it has met its target."""
STATEMENTS = {
    "S-3.1-saving-hours": "saving hours hold",
    "S-3.1-hot-water": "hot water holds",
    "S-3.1-transferable": "transferable holds",
}
"""Claim and column of each statement of section 3.1."""
OTHERWISE = " by the other definition"
"""What is added to the column of a statement where it is tested by the protocol's alternative."""
_TRANSFER_FROM, _TRANSFER_TO = [18, 19, 20], [14, 15, 16, 17]


def cluster_table(before: xr.Dataset, after: xr.Dataset) -> pd.DataFrame:
    """Return costs, savings, purchases and exports of every cluster before and after."""
    of_the_day = {"before": before, "after": after}
    day = {
        name: {when: flows[name].sum("hour").sel(cluster=list(CLUSTERS)) for when, flows in of_the_day.items()}
        for name in ("electricity_cost", "energy_cost", "purchase", "export")
    }
    return pd.DataFrame(
        {
            "cluster": list(CLUSTERS),
            "function": list(CLUSTERS.values()),
            "electricity cost before [yuan]": day["electricity_cost"]["before"],
            "electricity cost after [yuan]": day["electricity_cost"]["after"],
            SAVED: _saved(**day["electricity_cost"]),
            "energy cost saved [%]": _saved(**day["energy_cost"]),
            "purchase before [kWh]": day["purchase"]["before"],
            "purchase after [kWh]": day["purchase"]["after"],
            "export before [kWh]": day["export"]["before"],
            "export after [kWh]": day["export"]["after"],
        }
    )


def statements(before: xr.Dataset, after: xr.Dataset) -> dict[str, float | bool]:
    """Return section 3.1's statements on x1 as data/protocol.yaml defines them, with the numbers that decide them.

    Each has a second column for the alternative definition of the protocol.

    Parameters
    ----------
    before, after : xr.Dataset, dims (cluster, hour)
        With x1 among the clusters.
    """
    old, new = before.sel(cluster=X1), after.sel(cluster=X1)
    changed = ("energy_cost", "electricity_cost", "electricity", "transferable")
    rise = {name: new[name] - old[name] for name in changed}
    cost, bill = (rise[name].sel(hour=range(10, 23)) for name in changed[:2])
    early, late = (float(rise["electricity"].sel(hour=hours).sum()) for hours in ([1, 2, 3, 4, 5], [23, 0]))
    night = min(early, late) > ROUNDING
    water, soon = (
        float(new["hot_water"].sel(hour=hours).sum() / new["hot_water"].sum()) for hours in ([1, 2, 3], [1, 2])
    )
    added = rise["transferable"].clip(min=0)
    whole = float(added.sum())
    afternoon = float(added.sel(hour=_TRANSFER_TO).sum()) / whole if whole > ROUNDING else 0.0
    falls = bool(rise["transferable"].sel(hour=_TRANSFER_FROM).max() < -ROUNDING)
    saving, hot_water, transferable = STATEMENTS.values()
    return {
        "largest rise of energy cost, hours 10-22 [yuan]": float(cost.max()),
        "largest rise of electricity cost, hours 10-22 [yuan]": float(bill.max()),
        "more electricity in hours 1-5 [kWh]": early,
        "more electricity in hours 23-24 [kWh]": late,
        "hot water in hours 1-3 [%]": 100 * water,
        "transferred to hours 14-17 [%]": 100 * afternoon,
        saving: night and _falls(cost),
        f"{saving}{OTHERWISE}": night and _falls(bill),
        hot_water: water >= 0.99,
        f"{hot_water}{OTHERWISE}": soon >= 0.99,
        transferable: falls and afternoon >= 0.5,
        f"{transferable}{OTHERWISE}": falls and afternoon >= 1 - 1e-9,
    }


def _falls(rise: xr.DataArray) -> bool:
    """Return whether something rises in no hour and falls over them."""
    return bool(rise.max() <= ROUNDING and rise.sum() < -ROUNDING)


def rules_table(before: xr.Dataset, schedules: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return the statements under every tie rule, at one cost."""
    rows = []
    for rule, after in schedules.items():
        x1 = after.sel(cluster=X1)
        cost = {"energy cost [yuan]": float(x1["energy_cost"].sum())}
        evening = {HOUR_20["after"]: float(x1["energy_cost"].sel(hour=EVENING))}
        peak = {"peak [kW]": float(x1["electricity"].max())}
        rows.append({"tie rule": rule, **cost, **evening, **peak, **statements(before, after)})
    return pd.DataFrame(rows)


def scenario_row(
    name: str, scenario: Scenario, series: xr.Dataset, inputs: xr.Dataset, printed: Mapping[str, float]
) -> tuple[dict[str, float | bool | str], fits.Fits]:
    """Fit one scenario and return what it says of x1, with its fits."""
    found = fits.fit(series, inputs, scenario, printed)
    day = flexible_day.model_inputs(series, inputs, scenario, found.knobs).sel(cluster=[X1])
    before = self_optimisation.as_simulated(day)
    after = self_optimisation.schedule(day, scenario.tie_rule, flexible_day.FIRST_HOUR)
    costs = {key: float(counted(flows, scenario).sum()) for key, flows in
             (("before", before), ("after", after))}  # fmt: skip
    row = {
        "scenario": name,
        "load scale": found.knobs.load_scale,
        "battery per household [kWh]": found.knobs.vehicle_energy,
        "cost before [yuan]": costs["before"],
        "cost after [yuan]": costs["after"],
        SAVED: 100 * (1 - costs["after"] / costs["before"]),
        "fit 2": found.missed or ROOT,
        **{text: float(flows["energy_cost"].sel(cluster=X1, hour=EVENING)) for text, flows in
           ((HOUR_20["before"], before), (HOUR_20["after"], after))},
        "export after [kWh]": float(after["export"].sum()),
        **statements(before, after),
    }  # fmt: skip
    return row, found


def _row(
    task: tuple[str, Scenario, xr.Dataset, xr.Dataset, Mapping[str, float]],
) -> tuple[dict[str, float | bool | str], fits.Fits]:
    """Return what one scenario says, for a process of its own."""
    return scenario_row(*task)


def sweep(
    scenarios: Mapping[str, Scenario], loads: xr.Dataset, variants: xr.Dataset, inputs: xr.Dataset,
    printed: Mapping[str, float],
) -> tuple[pd.DataFrame, dict[str, fits.Fits]]:  # fmt: skip
    """Fit every scenario and return the table of what they say of x1 with their fits, the central one first."""
    tasks = [
        (name, scenario, flexible_day.january(loads, variants, scenario), inputs, printed)
        for name, scenario in scenarios.items()
    ]
    found = in_parallel(_row, tasks)
    return pd.DataFrame([row for row, _ in found]), dict(zip(scenarios, (fit for _, fit in found), strict=True))


def parts_table(day: xr.Dataset) -> pd.DataFrame:
    """Return what each kind of flexibility saves x1: alone, and what is lost where it alone is missing.

    Parameters
    ----------
    day : xr.Dataset, dims (cluster, hour)
        Inputs of the flexibility model with everything in it.
    """
    x1 = day.sel(cluster=[X1])
    idle = {
        "vehicles": {"vehicle_energy": 0.0, "vehicle_power": 0.0},
        "heat store": {"heat_store_energy": 0.0, "heat_store_power": 0.0},
        "transferable load": {"transfer_window": 0.0},
        "lighting": {"lighting_floor": 1.0},
        "hot water": {},
    }

    def without(names: list[str]) -> pd.Series:
        changed = {key: x1[key] * 0 + value for name in names for key, value in idle[name].items()}
        if "hot water" in names:
            changed |= {"fixed": x1["fixed"] + x1["hot_water"], "hot_water": x1["hot_water"] * 0}
        given = x1.assign({key: value.assign_attrs(x1[key].attrs) for key, value in changed.items()})
        return _day_costs(self_optimisation.schedule(given, "earliest", flexible_day.FIRST_HOUR))

    before, everything = _day_costs(self_optimisation.as_simulated(x1)), without([])
    rows = []
    for name in idle:
        alone = 100 * (1 - without([other for other in idle if other != name]) / before)
        lost = 100 * (without([name]) - everything) / before
        rows.append(
            {"flexibility": name}
            | {f"{cost} saved by it alone [%]": alone[cost] for cost in alone.index}
            | {f"{cost} saved less without it [%]": lost[cost] for cost in lost.index}
        )
    return pd.DataFrame(rows)


def _day_costs(flows: xr.Dataset) -> pd.Series:
    """Return electricity cost and energy cost of the day [yuan]."""
    return pd.Series({cost.replace("_", " "): float(flows[cost].sum()) for cost in ("electricity_cost", "energy_cost")})


def _saved(before: xr.DataArray, after: xr.DataArray) -> xr.DataArray:
    """Return the saving [%]."""
    return 100 * (1 - after / before)
