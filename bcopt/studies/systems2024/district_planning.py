"""What a planner asks of the district: what storage saves and avoids by its size, and what sharing ground is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import solver
from bcopt.models import district
from bcopt.studies.systems2024.district_dispatch import Dispatch
from bcopt.studies.systems2024.scenario import Scenario

SIZES = (0.0, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3)
"""kWh"""


def size_table(curves: Mapping[str, xr.Dataset], storage_energies: Sequence[float] = SIZES) -> pd.DataFrame:
    """Return what storage of some sizes saves and avoids, with the value of a further kWh.

    Parameters
    ----------
    curves : mapping of str to xr.Dataset
        From :func:`bcopt.studies.systems2024.district_sizing.sizes`, by how ground heat is held.
    storage_energies : sequence of float
        [kWh]

    Returns
    -------
    pd.DataFrame
        One row a curve and size: energy cost saved, what wear and boilers cost more, what remains of the saving
        [yuan/day], emissions avoided [kg/day], and the energy cost that a further kWh saves [yuan/day].
    """
    rows = []
    for name, curve in curves.items():
        knots = curve["storage_energy"].to_numpy()
        start = curve.isel(size=0)
        for size in storage_energies:
            change = {
                key: float(np.interp(size, knots, curve[key]) - start[key])
                for key in ("energy_cost", "other_cost", "emissions")
            }
            piece = min(int(np.searchsorted(knots, size, side="right")) - 1, knots.size - 2)
            rows.append(
                {
                    "ground heat": name,
                    "storage [kWh]": size,
                    "energy cost saved [yuan/day]": -change["energy_cost"],
                    "wear and boilers [yuan/day]": change["other_cost"],
                    "net saving [yuan/day]": -change["energy_cost"] - change["other_cost"],
                    "emissions avoided [kg/day]": -change["emissions"],
                    "value of a further kWh [yuan/day]": float(curve["marginal_value"][piece]),
                }
            )
    return pd.DataFrame(rows)


def ground_heat_values(day: xr.Dataset, scenario: Scenario, sharing: bool) -> xr.DataArray:
    """Return what a further kilowatt of ground heat saves in each hour, from the duals [yuan/kWh].

    Parameters
    ----------
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    scenario : Scenario
        The choices.
    sharing : bool
        Whether the groups pool their ground heat.

    Returns
    -------
    xr.DataArray, dims (hour) where it is pooled, else (group, hour)
    """
    dispatch = Dispatch(day, scenario, sharing, settled=False)
    dispatch.solve(("energy cost",))
    return dispatch.ground_heat_value()


def sharing_table(day: xr.Dataset, scenario: Scenario) -> pd.DataFrame:
    """Return what sharing ground heat is worth: costs with and without, and of a further kilowatt in each group.

    Returns
    -------
    pd.DataFrame
        One row for own ground, one for shared: energy cost [yuan/day], gas [kWh/day], emissions [kg/day], and what a
        further kWh of storage and a further kilowatt below each group save [yuan/day], all from the duals.
    """
    rows = []
    for name, sharing in (("own", False), ("shared", True)):
        dispatch = Dispatch(day, scenario, sharing, settled=False)
        found = dispatch.solve(("energy cost",))
        value = dispatch.ground_heat_value().sum("hour")
        of_groups = {group: float(value.sel(group=group) if "group" in value.dims else value)
                     for group in day["group"].to_numpy().tolist()}  # fmt: skip
        rows.append(
            {
                "ground heat": name,
                "energy cost [yuan/day]": found["energy cost"],
                "gas [kWh/day]": dispatch.value("gas"),
                "emissions [kg/day]": dispatch.value("emissions"),
                "a kWh of storage [yuan/day]": -dispatch.slope(),
                **{f"a kilowatt below {group} [yuan/day]": saved for group, saved in of_groups.items()},
            }
        )
    return pd.DataFrame(rows)


def tightness(day: xr.Dataset) -> pd.DataFrame:
    """Return the lower level as the mixed-integer programme that is printed and as the linear one, under each account.

    Returns
    -------
    pd.DataFrame
        One row an account: both optima [yuan], of each also without presolve, and the largest relative difference.
    """
    rows = []
    for account in district.ACCOUNTS:
        found = {}
        for name, binaries in (("linear", False), ("mixed-integer", True)):
            model = district.district_model(day, account=account, binaries=binaries)
            options = {"mip_rel_gap": 0.0} if binaries else {}
            first, second = solver.witnessed(model, **options)
            found[f"{name} [yuan]"], found[f"{name}, no presolve [yuan]"] = first.objective, second.objective
        values = np.array(list(found.values()))
        rows.append({"account": account, **found, "largest difference [-]": np.ptp(values) / np.abs(values).max()})
    return pd.DataFrame(rows)
