"""Section 3.1: every cluster at least energy cost, by itself, and which of the schedules of equal cost is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import solver
from bcopt.methods.optimal_face import lexicographic, ranges
from bcopt.methods.persistent import Persistent
from bcopt.models import flexibility
from bcopt.studies.systems2024.flexible_day import position
from bcopt.studies.systems2024.scenario import Scenario

X1 = "x1"
EVENING = 20
"""Clock hour of the printed peak, label 20 of Table 2."""


def stages(model: linopy.Model, day: xr.Dataset, rule: flexibility.TieRule) -> list[linopy.LinearExpression]:
    """Return cost, the tie rule, and what makes the schedule one: least throughput, then earliest."""
    order = position(day["hour"])
    after: tuple[flexibility.TieRule, ...] = (rule, "least throughput", "earliest")
    cost = cast("linopy.LinearExpression", model.objective.expression)
    return [cost, *(flexibility.tie_break(model, name, order) for name in dict.fromkeys(after))]


def schedule(day: xr.Dataset, rule: flexibility.TieRule) -> xr.Dataset:
    """Return the schedule of least cost that a tie rule picks.

    Parameters
    ----------
    day : xr.Dataset, dims (cluster, hour)
        From :func:`bcopt.studies.systems2024.flexible_day.model_inputs`.
    rule : TieRule
        One of :data:`bcopt.models.flexibility.TIE_RULES`.

    Returns
    -------
    xr.Dataset, dims (cluster, hour)
        Flows as :func:`bcopt.models.flexibility.flows` returns them [kW], with the costs of equation (1) [yuan].
    """
    model = flexibility.flexibility_model(day, peak=rule == "least peak")
    persistent = Persistent(model)
    lexicographic(persistent, stages(model, day, rule))
    return with_costs(flexibility.flows(persistent.solution(), day), day)


def as_simulated(day: xr.Dataset) -> xr.Dataset:
    """Return the day with nothing shifted, as :func:`schedule` returns the optimum."""
    return with_costs(flexibility.unoptimised(day), day)


def with_costs(flows: xr.Dataset, day: xr.Dataset) -> xr.Dataset:
    """Return flows with the costs of equation (1) by hour and their sum ``energy_cost`` [yuan]."""
    costs = flexibility.costs(flows, day)
    energy = costs["electricity_cost"] + costs["heat_cost"] + costs["storage_cost"]
    return xr.merge([flows, costs, energy.rename("energy_cost")])


def counted(flows: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the cost by hour that 26,457 and 14,556 are read as, dims (cluster, hour) [yuan]."""
    return flows["electricity_cost" if scenario.cost_reading == "electricity cost" else "energy_cost"]


def tightness(day: xr.Dataset, clusters: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Return the optimum of each group of clusters by the published programme with binaries and by the linear one.

    Each is solved with and without presolve.
    """
    rows = []
    for names in clusters:
        chosen = day.sel(cluster=list(names))
        forms: tuple[flexibility.Binaries, ...] = ("all", "needed")
        models = [flexibility.flexibility_model(chosen, binaries=form) for form in forms]
        values = np.array([report.objective for model in models for report in solver.witnessed(model)])
        rows.append(
            {
                "clusters": ", ".join(names) if len(names) < 4 else f"all {len(names)}",
                "mixed-integer [yuan]": values[0],
                "without presolve [yuan]": values[1],
                "linear [yuan]": values[2],
                "linear, without presolve [yuan]": values[3],
                "agree to 1e-6": bool(np.ptp(values) <= 1e-6 * abs(values).max()),
            }
        )
    return pd.DataFrame(rows)


def optimal_face(day: xr.Dataset, names: Sequence[str] = ("hot_water", "transferable", "purchase")) -> xr.Dataset:
    """Return by hour the least and the greatest value that flows of one cluster take over all schedules of least cost.

    Parameters
    ----------
    day : xr.Dataset, dims (cluster, hour)
        Of one cluster.
    names : sequence of str
        Variables of the flexibility model.

    Returns
    -------
    xr.Dataset, dims (flow, end, hour)
        ``value`` [kW], ends low and high.
    """
    model = flexibility.flexibility_model(day)
    persistent = Persistent(model)
    persistent.solve()
    parts = []
    for name in names:
        found = ranges(persistent, name).squeeze("cluster", drop=True)
        parts.append(xr.concat([found["low"], found["high"]], pd.Index(["low", "high"], name="end")))
    return xr.Dataset({"value": xr.concat(parts, pd.Index(list(names), name="flow")).assign_attrs(units="kW")})
