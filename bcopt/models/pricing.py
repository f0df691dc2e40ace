"""Retail prices between a wholesale price and loads that respond to them.

A provider buys at the wholesale price and sets a retail price in each hour, for each cluster and carrier, between the
lowest and the highest wholesale price of the day and on average over the hours not above the mean wholesale price.
Clusters respond in the same hour, so that only this cap ties the hours together.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models.quantities import Quantity, faults, label_faults, unknown
from bcopt.models.store import NOT_NEGATIVE, SHARE, listed, outside

Response = Literal["willingness", "elasticity"]
Values = TypeVar("Values", xr.DataArray, xr.Variable)

POSITIVE = pd.Interval(0.0, np.inf, closed="neither")
NOT_POSITIVE = pd.Interval(-np.inf, 0.0, closed="right")
FINITE = pd.Interval(-np.inf, np.inf, closed="neither")
ROUNDING = 1e-9
"""Distance at which prices, relative to the highest wholesale price, and levels, in steps, count as equal."""

QUANTITIES = {
    "load": Quantity("kW", True, NOT_NEGATIVE),  # L0, before any response
    "wholesale_price": Quantity("yuan/kWh", True, POSITIVE),
    "reducible_share": Quantity("1", False, SHARE),  # rho, the most that willingness can take off the load
    "sensitivity": Quantity("1", False),  # eps, share of the reducible load per relative rise of the price
    "elasticity": Quantity("1", False, NOT_POSITIVE, required=False),  # xi, for that response alone
    "satisfaction": Quantity("yuan/kWh", False),  # v, utility of the first kWh of an hour
    "satiation": Quantity("yuan/kWh/kW", False),  # b, by how much each kW makes the next less useful
    "loss_linear": Quantity("yuan/kWh", False),  # phi2
    "loss_quadratic": Quantity("yuan/kWh/kW", False),  # phi1
}
"""The inputs of every function here are a dataset of these; beyond ``hour`` each may have any dims, or none."""


def check(inputs: xr.Dataset) -> None:
    """Raise if the inputs describe no problem.

    Raises
    ------
    ValueError
        With a line for each quantity that is missing, unknown, in other units, without hours, or outside its range (as
        a missing value is) with its labels, and for clusters without any load; before that for a dim without labels, or
        hours that are not in order, one apart.
    """
    if wrong_labels := list(label_faults(inputs)):
        raise ValueError("\n".join(wrong_labels))
    found = {name: list(faults(name, wanted, inputs)) for name, wanted in QUANTITIES.items()}
    lines = [*unknown(inputs, QUANTITIES), *chain(*found.values())]
    if "load" in inputs and not found["load"]:
        whole = inputs["load"].sum([dim for dim in inputs["load"].dims if dim in ("hour", "carrier")])
        lines += listed("load must not be zero in all hours [kWh]", whole == 0, found=whole)
    if lines:
        raise ValueError("\n".join(lines))


def price_levels(wholesale: xr.DataArray, number: int) -> xr.DataArray:
    """Return equally spaced retail prices from the lowest to the highest wholesale price of the day.

        level[k] = lowest + k (highest - lowest) / (number - 1),   k = 0 ... number - 1

    Parameters
    ----------
    wholesale : xr.DataArray, dims (hour, ...)
        Wholesale price [yuan/kWh].
    number : int
        Levels, two or more.

    Returns
    -------
    xr.DataArray, dims (..., level)
        Retail prices [yuan/kWh].

    Raises
    ------
    ValueError
        For fewer than two levels, or a wholesale price without hours, not positive, or the same in all hours: then the
        cap leaves no price but this one.
    """
    lines = [] if number >= 2 else [f"two or more price levels are needed, found {number}"]
    lines += _wholesale_faults(wholesale)
    if lines:
        raise ValueError("\n".join(lines))
    lowest, highest = wholesale.min("hour"), wholesale.max("hour")
    share = xr.DataArray(np.linspace(0, 1, number), {"level": np.arange(number)}, "level")
    levels = (1 - share) * lowest + share * highest
    return levels.transpose(..., "level").rename("price").assign_attrs(units="yuan/kWh")


def _wholesale_faults(wholesale: xr.DataArray) -> list[str]:
    """Say why a wholesale price spans no range of retail prices."""
    given = wholesale.to_dataset(name="wholesale_price")
    if lines := [*label_faults(given), *faults("wholesale_price", QUANTITIES["wholesale_price"], given)]:
        return lines
    lowest = wholesale.min("hour")
    return listed("wholesale_price must not be the same in all hours", lowest == wholesale.max("hour"), found=lowest)


def price_budget(wholesale: xr.DataArray, levels: xr.DataArray) -> xr.DataArray:
    """Return how many level steps above the lowest all hours may use together, so that the mean price keeps the cap.

        budget = floor( sum_t (wholesale[t] - lowest) / step ),   step = level[1] - level[0]

    A plan of levels k[t] keeps the cap just if sum_t k[t] <= budget.

    Parameters
    ----------
    wholesale : xr.DataArray, dims (hour, ...)
        Wholesale price [yuan/kWh].
    levels : xr.DataArray, dims (..., level)
        From :func:`price_levels`.

    Returns
    -------
    xr.DataArray of int, dims (...)
        Steps; a quotient within 1e-9 below an integer counts as that integer.
    """
    lowest, highest = levels.isel(level=0, drop=True), levels.isel(level=-1, drop=True)
    step = (highest - lowest) / (levels.sizes["level"] - 1)
    steps = ((wholesale - lowest).sum("hour") / step + ROUNDING) // 1
    return steps.astype(int).rename("budget").assign_attrs(units="1")


def check_prices(price: xr.DataArray, inputs: xr.Dataset) -> None:
    """Raise if retail prices leave the range of the wholesale prices or exceed them on average.

        lowest <= price[t] <= highest,   mean_t price[t] <= mean_t wholesale[t]

    Parameters
    ----------
    price : xr.DataArray, dims (hour, ...)
        Retail prices [yuan/kWh].
    inputs : xr.Dataset
        Of :data:`QUANTITIES`.

    Raises
    ------
    ValueError
        Naming the places of all prices out of range and of all means above the cap.

    References
    ----------
    Frontiers in Energy Research 2022, section 3.3.2, https://doi.org/10.3389/fenrg.2022.865190.
    """
    lines = outside("price", price, FINITE, "yuan/kWh")
    if "hour" not in price.dims:
        lines.append(f"price must have the dim hour, found {price.dims}")
    if lines:
        raise ValueError("\n".join(lines))
    price, wholesale = xr.align(price, inputs["wholesale_price"], join="exact")
    lowest, highest = wholesale.min("hour"), wholesale.max("hour")
    near = ROUNDING * highest
    wrong = (price < lowest - near) | (price > highest + near)
    lines += listed(
        "price must be within the wholesale prices of the day", wrong, found=price, lowest=lowest, highest=highest
    )
    mean, cap = price.mean("hour"), wholesale.mean("hour")
    lines += listed("mean price must not exceed the mean wholesale price", mean > cap + near, mean=mean, cap=cap)
    if lines:
        raise ValueError("\n".join(lines))


def willing_load(inputs: Mapping[Any, Values], price: Values) -> Values:
    """Return the load after clusters have taken off what they are willing to.

        load - reducible_share load clip(1 + sensitivity (price - wholesale) / wholesale, 0, 1)

    At the wholesale price, and above, the whole reducible load is taken off; nothing where the price falls short of it
    by a share 1 / sensitivity.

    Parameters
    ----------
    inputs : xr.Dataset
        Of :data:`QUANTITIES`.
    price : xr.DataArray
        Retail price [yuan/kWh], any dims.

    Returns
    -------
    xr.DataArray, dims (..., hour)
        Load [kW].

    References
    ----------
    Frontiers in Energy Research 2022, sections 3.1.1-3.1.2, https://doi.org/10.3389/fenrg.2022.865190, in the form that
    agrees with section 4.2.2.
    """
    willingness = (1 + inputs["sensitivity"] * _markup(inputs, price)).clip(0, 1)
    load: Values = inputs["load"] * (1 - inputs["reducible_share"] * willingness)
    return load


def elastic_load(inputs: Mapping[Any, Values], price: Values) -> Values:
    """Return the load of clusters that demand less above the wholesale price and more below it.

        load max(1 + elasticity (price - wholesale) / wholesale, 0)

    Parameters
    ----------
    inputs : xr.Dataset
        Of :data:`QUANTITIES`, ``elasticity`` among them.
    price : xr.DataArray
        Retail price [yuan/kWh], any dims.

    Returns
    -------
    xr.DataArray, dims (..., hour)
        Load [kW].

    Raises
    ------
    ValueError
        If there is no elasticity.

    Notes
    -----
    The source has no lower limit; without one a price far above the wholesale price would turn a load into a supply.

    References
    ----------
    Lu, Hong, Zhang (2018), Applied Energy 220, 220-230, https://doi.org/10.1016/j.apenergy.2018.03.072.
    """
    if "elasticity" not in inputs:
        raise ValueError("elasticity: missing, expected in 1 for a response by elasticity")
    load: Values = inputs["load"] * (1 + inputs["elasticity"] * _markup(inputs, price)).clip(min=0)
    return load


def _markup(inputs: Mapping[Any, Values], price: Values) -> Values:
    """Return how far prices lie above the wholesale price, relative to it."""
    wholesale = inputs["wholesale_price"]
    return (price - wholesale) / wholesale


def benefits(inputs: xr.Dataset, price: xr.DataArray, response: Response = "willingness") -> xr.Dataset:
    """Return what clusters and provider gain in each hour under a retail price.

        utility          = satisfaction L - satiation L^2 / 2
        dissatisfaction  = loss_quadratic (L0 - L)^2 + loss_linear (L0 - L)
        payment          = price L
        cluster_benefit  = utility - dissatisfaction - payment
        provider_benefit = (price - wholesale) L

    L0 is the load before and L after the response. One step is one hour.

    Parameters
    ----------
    inputs : xr.Dataset
        Of :data:`QUANTITIES`.
    price : xr.DataArray
        Retail price [yuan/kWh], any dims; its labels must be those of the inputs.
    response : {"willingness", "elasticity"}
        :func:`willing_load` or :func:`elastic_load`.

    Returns
    -------
    xr.Dataset, dims (..., hour)
        ``load`` and ``reduction`` L0 - L [kW], ``utility``, ``dissatisfaction``, ``payment``, ``cluster_benefit`` and
        ``provider_benefit`` [yuan].

    Raises
    ------
    ValueError
        From :func:`check`; for an unknown response, a price that is not finite, or labels that differ.

    References
    ----------
    Frontiers in Energy Research 2022, sections 3.1.3 and 3.3.3, https://doi.org/10.3389/fenrg.2022.865190.
    """
    check(inputs)
    lines = outside("price", price, FINITE, "yuan/kWh")
    if response not in get_args(Response):
        lines.append(f"response must be one of {', '.join(get_args(Response))}, found {response!r}")
    if lines:
        raise ValueError("\n".join(lines))
    return gains(*xr.align(inputs, price, join="exact"), response)


def gains(inputs: xr.Dataset, price: xr.DataArray, response: Response = "willingness") -> xr.Dataset:
    """Return what :func:`benefits` does of inputs known to be sound, as with other users of a market that was checked.

    Parameters
    ----------
    inputs, price, response
        As in :func:`benefits`, in the same order of labels.
    """
    given, paid = inputs.variables, price.variable  # of one labelling, so that dims suffice
    load = elastic_load(given, paid) if response == "elasticity" else willing_load(given, paid)
    reduction = given["load"] - load
    utility = given["satisfaction"] * load - given["satiation"] * load**2 / 2
    dissatisfaction = given["loss_quadratic"] * reduction**2 + given["loss_linear"] * reduction
    payment = paid * load
    found = {
        "load": load,
        "reduction": reduction,
        "utility": utility,
        "dissatisfaction": dissatisfaction,
        "payment": payment,
        "cluster_benefit": utility - dissatisfaction - payment,
        "provider_benefit": payment - given["wholesale_price"] * load,
    }
    units = {name: {"units": "kW" if name in ("load", "reduction") else "yuan"} for name in found}
    values = {name: xr.Variable((y := x.transpose(..., "hour")).dims, y.data, units[name]) for name, x in found.items()}
    coords = xr.Coordinates({**inputs.coords, **price.coords}, {**inputs.xindexes, **price.xindexes})
    return xr.Dataset(values, coords)


def reward(gained: xr.Dataset, weight: float | xr.DataArray) -> xr.DataArray:
    """Weigh the benefit of the clusters against that of the provider.

        reward = (1 - weight) provider_benefit + weight cluster_benefit

    At the weight 0.5 payments cancel, and the price acts through the load alone.

    Parameters
    ----------
    gained : xr.Dataset
        From :func:`benefits`.
    weight : float or xr.DataArray
        Within [0, 1] [-].

    Returns
    -------
    xr.DataArray
        Of the dims of both [yuan].

    Raises
    ------
    ValueError
        For a weight outside its range.

    References
    ----------
    Frontiers in Energy Research 2022, section 3.3.3, https://doi.org/10.3389/fenrg.2022.865190.
    """
    weights = xr.DataArray(weight)
    if lines := outside("weight", weights, SHARE):
        raise ValueError("\n".join(lines))
    weighed = (1 - weights) * gained["provider_benefit"] + weights * gained["cluster_benefit"]
    return weighed.rename("reward").assign_attrs(units="yuan")


def reward_table(
    inputs: xr.Dataset, levels: xr.DataArray, weight: float | xr.DataArray, response: Response = "willingness"
) -> xr.DataArray:
    """Return the reward of each price level in each hour: with the price budget, all there is to the problem.

    Parameters
    ----------
    inputs : xr.Dataset
        Of :data:`QUANTITIES`.
    levels : xr.DataArray, dims (..., level)
        From :func:`price_levels`.
    weight : float or xr.DataArray
        As in :func:`reward`.
    response : {"willingness", "elasticity"}
        As in :func:`benefits`.

    Returns
    -------
    xr.DataArray, dims (..., hour, level)
        Reward [yuan].

    Raises
    ------
    ValueError
        As :func:`benefits` and :func:`reward`.
    """
    return reward(benefits(inputs, levels, response), weight).transpose(..., "hour", "level")
