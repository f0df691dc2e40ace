"""What a dispatch costs its provider and is worth to its clusters, and the power of the chiller at part load.

Exact for any flows, whichever model they are from:

    provider:  benefit = payments - cost,   cluster:   benefit = utility - dissatisfaction - payment

The payments cancel in the sum, so that prices between the two move no optimum of it.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import xarray as xr

from bcopt.models.dispatch_inputs import PART_LOAD, complete, labelled, wide

__all__ = [
    "accounts",
    "bends",
    "chiller_power",
    "consumption",
    "dissatisfaction",
    "part_load_pieces",
    "parts",
    "unit_costs",
    "utility",
]


_PRICES = (
    "grid_price", "export_price", "gas_price", "emission_cost", "heating_value", "turbine_fixed_fuel",
    "turbine_fuel_slope", "turbine_operation_price", "photovoltaics_operation_price", "chiller_operation_price",
    "absorption_operation_price", "ice_operation_price",
)  # fmt: skip


def utility(inputs: xr.Dataset, load: xr.DataArray) -> xr.DataArray:
    """Return what the clusters have from their loads, v L - b L^2 / 2, by cluster, carrier and hour [yuan]."""
    given = complete(inputs, "satisfaction", "satiation")
    return (given["satisfaction"] * load - given["satiation"] * load**2 / 2).assign_attrs(units="yuan")


def dissatisfaction(inputs: xr.Dataset, load: xr.DataArray) -> xr.DataArray:
    """Return what the clusters miss of their loads before any response, by cluster, carrier and hour [yuan].

        dissatisfaction = phi1 (L0 - L)^2 + phi2 (L0 - L)

    Loads above those count as a gain in its linear term.
    """
    given = complete(inputs, "load", "loss_quadratic", "loss_linear")
    missing = given["load"] - load
    return ((given["loss_quadratic"] * missing + given["loss_linear"]) * missing).assign_attrs(units="yuan")


def consumption(inputs: xr.Dataset) -> xr.Dataset:
    """Return the problem of the clusters as a quadratic form: dissatisfaction less utility.

        dissatisfaction - utility = sum curvature L^2 / 2 - linear L + constant
        curvature = b + 2 phi1,   linear = v + phi2 + 2 phi1 L0,   constant = phi1 L0^2 + phi2 L0

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.CLUSTERS`.

    Returns
    -------
    xr.Dataset
        ``curvature`` (cluster, carrier) [yuan/kWh/kW], ``linear`` (cluster, carrier, hour) [yuan/kWh], ``constant``
        (cluster, carrier, hour) [yuan].
    """
    given = wide(inputs, "load", "loss_quadratic", "loss_linear", "satisfaction", "satiation")
    load, phi1, phi2 = given["load"], given["loss_quadratic"], given["loss_linear"]
    terms = {
        "curvature": given["satiation"] + 2 * phi1,
        "linear": given["satisfaction"] + phi2 + 2 * phi1 * load,
        "constant": (phi1 * load + phi2) * load,
    }
    units = {"curvature": "yuan/kWh/kW", "linear": "yuan/kWh", "constant": "yuan"}
    return labelled(inputs, {n: xr.Variable(x.dims, x.data, {"units": units[n]}) for n, x in terms.items()})


def unit_costs(inputs: xr.Dataset) -> xr.Dataset:
    """Return what a unit of each flow of the provider costs, by the variable of the model, dims (hour).

    The operation of the chiller is that of its machine, which cools by itself and makes the ice.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.PROVIDER`.
    """
    given = wide(inputs, *_PRICES)
    gas = (given["gas_price"] + given["emission_cost"]) / given["heating_value"]
    operation = {name: given[f"{name}_operation_price"] for name in ("photovoltaics", "chiller", "absorption")}
    return labelled(
        inputs,
        {
            "purchase": given["grid_price"],
            "export": -given["export_price"],
            "on": gas * given["turbine_fixed_fuel"],
            "turbine": gas * given["turbine_fuel_slope"] + given["turbine_operation_price"],
            **operation,
            "ice-charge": operation["chiller"],
            "ice-discharge": given["ice_operation_price"],
        },
    )


def parts(inputs: xr.Dataset, flows: xr.Dataset) -> xr.Dataset:
    """Return the parts of the provider's cost by hour.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.PROVIDER`.
    flows : xr.Dataset
        From :func:`bcopt.models.dispatch.flows`.

    Returns
    -------
    xr.Dataset, dims (hour)
        ``purchase``; ``export``, what it earns, negative; ``fuel`` and ``emission`` of the gas; and the operation of
        ``turbine``, ``photovoltaics``, ``absorption``, ``chiller`` and ``ice``, each by what it gives off: electricity,
        electricity used or exported, and cooling, for the chiller that of making ice too, for the ice that of
        melting [yuan].
    """
    given = complete(inputs, *_PRICES)
    operated = ("turbine", "photovoltaics", "absorption")
    costs = {
        "purchase": given["grid_price"] * flows["purchase"],
        "export": -given["export_price"] * flows["export"],
        "fuel": given["gas_price"] * flows["gas"],
        "emission": given["emission_cost"] * flows["gas"],
        **{name: given[f"{name}_operation_price"] * flows[name] for name in operated},
        "chiller": given["chiller_operation_price"] * (flows["chiller"] + flows["ice_charge"]),
        "ice": given["ice_operation_price"] * flows["ice_discharge"],
    }
    return xr.Dataset({name: values.assign_attrs(units="yuan") for name, values in costs.items()})


def accounts(inputs: xr.Dataset, flows: xr.Dataset, price: xr.DataArray) -> xr.Dataset:
    """Return who pays what and who gains what.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.QUANTITIES`.
    flows : xr.Dataset
        From :func:`bcopt.models.dispatch.flows`, with the loads of the clusters.
    price : xr.DataArray, dims (cluster, carrier, hour) or some of them
        What the clusters pay the provider [yuan/kWh].

    Returns
    -------
    xr.Dataset
        ``payment``, ``utility`` and ``dissatisfaction`` (cluster, carrier, hour), ``cluster_benefit`` (cluster);
        ``revenue``, ``cost`` and ``provider_benefit`` without dims; ``welfare``, the sum of all benefits, free of the
        price [yuan].

    Raises
    ------
    ValueError
        If the price has other dims or labels than the loads.
    """
    load = flows["load"]
    odd = [dim for dim in price.dims if dim not in load.dims or set(price.get_index(dim)) != set(load.get_index(dim))]
    if odd:
        raise ValueError(f"price must have dims and labels of the loads, {load.dims}, found others in {odd}")
    payment, used, missed = price * load, utility(inputs, load), dissatisfaction(inputs, load)
    cost = sum((part.sum() for part in parts(inputs, flows).values()), xr.DataArray(0.0))
    benefit = (used - missed - payment).sum(["carrier", "hour"])
    amounts = {
        "payment": payment.transpose(*load.dims),
        "utility": used,
        "dissatisfaction": missed,
        "cluster_benefit": benefit,
        "revenue": payment.sum(),
        "cost": cost,
        "provider_benefit": payment.sum() - cost,
        "welfare": (used - missed).sum() - cost,
    }
    return xr.Dataset({name: values.assign_attrs(units="yuan") for name, values in amounts.items()})


def chiller_power(inputs: xr.Dataset, cooling: xr.DataArray) -> xr.DataArray:
    """Return the electricity of the chiller by the polynomial of its part load, none where it is off.

        power = cooling / (EER (a f^2 + b f + c)),   f = cooling / chiller_capacity

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.PROVIDER` with those of the part load.
    cooling : xr.DataArray, dims (hour, ...)
        Of the chiller, without that of making ice [kW].

    Returns
    -------
    xr.DataArray, dims (hour, ...)
        Power [kW].

    References
    ----------
    Frontiers in Energy Research 2022, section 3.2.1.2, https://doi.org/10.3389/fenrg.2022.865190.
    """
    given = complete(inputs)
    running = cooling > 0
    a, b, c = (given[name] for name in PART_LOAD)
    load = cooling / given["chiller_capacity"].where(running, 1.0)
    ratio = given["chiller_eer"] * ((a * load + b) * load + c)
    return (cooling / ratio.where(running, 1.0)).where(running, 0.0).assign_attrs(units="kW")


def part_load_pieces(inputs: xr.Dataset, segments: int) -> xr.Dataset:
    """Return the power of the chiller as straight pieces between loads that lie evenly from none to capacity.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.PROVIDER` with those of the part load.
    segments : int
        Number of pieces.

    Returns
    -------
    xr.Dataset, dims (hour, segment)
        ``lower`` and ``upper`` cooling of each piece [kW], ``intercept`` [kW] and ``slope`` [kWh/kWh] of the power.

    Raises
    ------
    ValueError
        Without part load, or segments.
    """
    if lacking := [name for name in PART_LOAD if name not in inputs]:
        raise ValueError(f"the part load of the chiller needs {', '.join(lacking)}")
    if segments < 1:
        raise ValueError(f"segments must be 1 or more, found {segments}")
    given = complete(inputs)
    a, b, c = (given[name] for name in PART_LOAD)
    edges = xr.DataArray(np.linspace(0, 1, segments + 1), dims="edge")
    start = xr.where(c > 0, 0.0, 1 / b.where(c <= 0, 1.0))  # without c, power falls to a remainder and not to zero
    relative = xr.where(edges > 0, edges / ((a * edges + b) * edges + c).where(edges > 0, 1.0), start)
    slope = (relative.diff("edge") * segments / given["chiller_eer"]).rename(edge="segment")
    capacity = given["chiller_capacity"]
    left, right = (edges[s].rename(edge="segment") * capacity for s in (slice(None, -1), slice(1, None)))
    at_left = relative.isel(edge=slice(None, -1)).rename(edge="segment") * capacity / given["chiller_eer"]
    pieces = {"lower": left, "upper": right, "intercept": at_left - slope * left, "slope": slope}
    dataset = xr.Dataset({name: values.transpose("hour", "segment") for name, values in pieces.items()})
    return dataset.assign_coords(segment=np.arange(segments))


def bends(pieces: xr.Dataset) -> xr.DataArray:
    """Return at which segments the power begins to rise less steeply than before, or begins above zero."""
    slack = 1e-9 * np.abs(pieces["slope"]).max()
    before = pieces["slope"].shift(segment=1, fill_value=-np.inf)
    jump = (pieces["intercept"] > slack * pieces["upper"]) & (pieces["segment"] == 0)
    return cast("xr.DataArray", jump | (pieces["slope"] < before - slack))
