"""Section 3.1: which cost is counted, whether the linear programme is tight, and what the optimum leaves open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import solver
from bcopt.methods.optimal_face import ranges
from bcopt.methods.persistent import Persistent
from bcopt.models import flexibility
from bcopt.studies.systems2024.scenario import Scenario

X1 = "x1"
EVENING = 20
"""Clock hour of the printed peak, label 20 of Table 2."""


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
