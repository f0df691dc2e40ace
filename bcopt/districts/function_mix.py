"""Other proportions of the clusters: the flattest load and the greatest renewable share that a mix of them can have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.districts.folder import District
from bcopt.methods import solver
from bcopt.models import proportions

Energies = tuple[xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray]
"""Electricity, heat, photovoltaics (cluster, hour) and the heat of heat pumps (cluster)."""


def mixes(district: District, flows: xr.Dataset, day: xr.Dataset) -> xr.Dataset:
    """Return the mix there is and the two best ones, exactly.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    flows : xr.Dataset, dims (cluster, hour)
        Of the clusters, optimised or not.
    day : xr.Dataset
        From :func:`bcopt.districts.inputs.of_flexibility`.

    Returns
    -------
    xr.Dataset, dims (mix, cluster)
        ``shares`` (mix, cluster), ``levelisation_rate`` and ``renewable_share`` (mix) [-]; mixes ``today``,
        ``flattest`` and ``most renewable``.
    """
    settled = district.file.mix
    names = list(district.clusters)
    area = xr.DataArray([own.floor_area for own in district.clusters.values()], {"cluster": names}, "cluster")
    per = area if settled.shares_of == "floor" else xr.ones_like(area)
    sun = day["photovoltaics"]
    load = flows["electricity"] - sun if settled.net_of_photovoltaics else flows["electricity"]
    load, electricity, heat, sun = (
        (x / per).transpose("cluster", "hour").reset_coords(drop=True)
        for x in (load, flows["electricity"], flows["heat"], sun)
    )
    ground = (day["pump_heat"] / per).reset_coords(drop=True)
    lower, upper = bounds(district)
    levelling = proportions.levelling_model(load, lower, upper)
    solver.solve(levelling)
    energies = electricity, heat, sun, ground
    found = {"today": today(per), "flattest": proportions.shares(levelling.solution)}
    if (best := most_renewable(district, energies, lower, upper)) is not None:
        found["most renewable"] = best
    shares = xr.concat(list(found.values()), pd.Index(list(found), name="mix")).transpose("mix", "cluster")
    return xr.Dataset(
        {
            "shares": shares.assign_attrs(units="1"),
            "levelisation_rate": proportions.levelisation_rate(proportions.mixed(load, shares)),
            "renewable_share": proportions.penetration(shares, *energies, settled.pooled),
        }
    )


def most_renewable(
    district: District, energies: Energies, lower: xr.DataArray, upper: xr.DataArray
) -> xr.DataArray | None:
    """Return the mix of greatest renewable share, dims (cluster) [-]; none where no or every cluster is public."""
    settled, public = district.file.mix, is_public(district)
    if bool(public.all()) or not bool(public.any()):
        return None
    model = proportions.penetration_model(*energies, public, settled.least_public, settled.pooled, lower, upper)
    solver.solve(model)
    return proportions.shares(model.solution)


def is_public(district: District) -> xr.DataArray:
    """Return which clusters are public buildings, dims (cluster)."""
    homes = ("residential", "low-rise residential")
    values = [own.use not in homes if own.public is None else own.public for own in district.clusters.values()]
    return xr.DataArray(np.array(values, dtype=bool), {"cluster": list(district.clusters)}, "cluster")


def bounds(district: District) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the least and the greatest share of each cluster, dims (cluster) [-]."""
    names = list(district.clusters)
    least, most = zip(*((own.share.least, own.share.most) for own in district.clusters.values()), strict=True)
    return xr.DataArray(list(least), {"cluster": names}, "cluster"), xr.DataArray(
        list(most), {"cluster": names}, "cluster"
    )


def today(per: xr.DataArray) -> xr.DataArray:
    """Return the shares that the clusters have, of the floor or alike of the ground, dims (cluster) [-]."""
    return per / per.sum()


def table(found: xr.Dataset) -> pd.DataFrame:
    """Return mixes with what they give and their shares, one row a mix [%]."""
    columns = {
        "mix": found["mix"].to_numpy(),
        "departure from the average load [%]": 100 * found["levelisation_rate"].to_numpy(),
        "renewable share [%]": 100 * found["renewable_share"].to_numpy(),
    }
    shares = {f"{name} [%]": 100 * found["shares"].sel(cluster=name).to_numpy() for name in found["cluster"].to_numpy()}
    return pd.DataFrame({**columns, **shares})
