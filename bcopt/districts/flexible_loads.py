"""What the flexibility of each cluster is worth: its loads as they are, and at least energy cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.districts.folder import District
from bcopt.districts.values import DAY
from bcopt.methods.separable import solve_separable
from bcopt.models import flexibility
from bcopt.planning import self_optimisation

ALL = "all clusters"
"""What the last row of the table is called."""


def as_given(day: xr.Dataset) -> xr.Dataset:
    """Return flows and costs with nothing moved, dims (cluster, hour), as :func:`optimised` returns the optimum."""
    return self_optimisation.as_simulated(day)


def optimised(district: District, day: xr.Dataset) -> xr.Dataset:
    """Return flows and costs at least energy cost.

    A day is scheduled under the folder's tie rule. Of a year every day is a cycle of its own, and where several
    schedules cost the same the solver takes one.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    day : xr.Dataset
        From :func:`bcopt.districts.inputs.of_flexibility`.

    Returns
    -------
    xr.Dataset, dims (cluster, hour)
        As :func:`bcopt.planning.self_optimisation.with_costs` returns them [kW, yuan].

    Raises
    ------
    NotSolved
        Naming the loads and limits in conflict.
    """
    how = district.file.flexibility
    if day.sizes["hour"] == DAY:
        return self_optimisation.schedule(day, how.ties, how.first_hour)
    days = folded(day)
    model = flexibility.flexibility_model(days)
    solve_separable(model)
    return self_optimisation.with_costs(unfolded(flexibility.flows(model.solution, days)), day)


def folded(series: xr.Dataset) -> xr.Dataset:
    """Return a year of hours as days of clock hours, dims (day, hour)."""
    hourly = series[[name for name in series.data_vars if "hour" in series[name].dims]].drop_vars("hour")
    days = hourly.coarsen(hour=DAY).construct(hour=("day", "clock")).rename(clock="hour")
    steps = {"day": np.arange(days.sizes["day"]), "hour": np.arange(DAY)}
    rest = series.drop_dims("hour")
    found = days.assign_coords(steps).assign(rest.data_vars)
    for name, values in series.data_vars.items():
        found[name].attrs = values.attrs
    return found


def unfolded(days: xr.Dataset) -> xr.Dataset:
    """Return days of clock hours as one run of hours, dims (..., hour)."""
    flat = days.transpose(..., "day", "hour").stack({"step": ("day", "hour")})  # noqa: PD013 (of xarray)
    run = flat.drop_vars(["step", "day", "hour"]).rename(step="hour")
    return run.assign_coords(hour=np.arange(run.sizes["hour"]))


def table(district: District, before: xr.Dataset, after: xr.Dataset) -> pd.DataFrame:
    """Return by cluster what a year costs before and after, and what moves.

    Returns
    -------
    pd.DataFrame
        One row a cluster and one for all: energy cost before and after and their difference [money/a], the saving [%],
        highest hour of electricity before and after [kW], energy that vehicles and tanks turn over [kWh/a], and what
        electricity alone costs before and after [money/a].
    """
    money, cycles = district.file.currency, district.cycles
    rows = []
    for name, chosen in [*((name, [name]) for name in district.clusters), (ALL, [*district.clusters])]:
        one, other = before.sel(cluster=chosen), after.sel(cluster=chosen)
        costs = [cycles * float(x["energy_cost"].sum()) for x in (one, other)]
        peaks = [float(x["electricity"].sum("cluster").max()) for x in (one, other)]
        rows.append(
            {
                "cluster": name,
                f"energy cost before [{money}/a]": costs[0],
                f"energy cost after [{money}/a]": costs[1],
                f"saving [{money}/a]": costs[0] - costs[1],
                "saving [%]": 100 * (1 - costs[1] / costs[0]) if costs[0] else 0.0,
                "peak before [kW]": peaks[0],
                "peak after [kW]": peaks[1],
                "through vehicles [kWh/a]": cycles * float(other["vehicle_throughput"].sum()),
                "through tanks [kWh/a]": cycles * float(other["heat_store_throughput"].sum()),
                f"electricity before [{money}/a]": cycles * float(one["electricity_cost"].sum()),
                f"electricity after [{money}/a]": cycles * float(other["electricity_cost"].sum()),
            }
        )
    return pd.DataFrame(rows)
