"""What a folder says in the models' own quantities: retail prices, a provider's dispatch, a mix of renewables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.districts import units
from bcopt.districts.folder import District
from bcopt.districts.inputs import hourly
from bcopt.districts.values import DAY, shown
from bcopt.methods import qlearning
from bcopt.models import dispatch, mix, pricing
from bcopt.models.quantities import Quantity
from bcopt.planning import commitment, retail

CARRIERS = ("electricity", "cooling")
ELECTRIC = ("electricity", "lighting", "equipment", "base_load", "hot_water")
"""Uses that take electricity, whatever stoves burn."""
SUPPLIED = ("load", "photovoltaics", "agreed")
"""Quantities that the loads and the roofs of the district give."""
LISTED = 5
"""Values that are named one by one."""
USERS = ("satisfaction", "satiation", "loss_linear", "loss_quadratic")
"""Quantities of clusters that a provider has from pricing, where that says them of both carriers."""


def array(raw: Any, wanted: Quantity, clusters: list[str], currency: str) -> xr.DataArray:
    """Return a quantity as written: one number, one for each hour, or either by cluster.

    Parameters
    ----------
    raw : number, text, list or mapping
        Of district.yaml.
    wanted : Quantity
        Its unit.
    clusters : list of str
        Those that a mapping may name; it must name all.
    currency : str
        What the folder calls its money.

    Returns
    -------
    xr.DataArray, dims (), (hour), (cluster) or (cluster, hour)

    Raises
    ------
    ValueError
        If a value is no number in the unit, a cluster is unknown or missing, or a list has not 24 hours.
    """
    if isinstance(raw, Mapping):
        if odd := sorted(set(map(str, raw)) ^ set(clusters)):
            raise ValueError(
                f"names {', '.join(map(str, raw))}, expected all clusters alone; differs in {', '.join(odd)}"
            )
        parts = [array(raw[name], wanted, clusters, currency) for name in clusters]
        return xr.concat(xr.broadcast(*parts), pd.Index(clusters, name="cluster"))
    if isinstance(raw, list):
        if len(raw) != DAY:
            raise ValueError(f"has {len(raw)} values, expected one for all or {DAY}, one for each hour of the day")
        values = []
        for hour, each in enumerate(raw):
            try:  # each hour may be wrong by itself
                values.append(float(array(each, wanted, clusters, currency)))
            except (ValueError, TypeError) as error:  # noqa: PERF203
                raise ValueError(f"hour {hour}: {error}") from error
        return xr.DataArray(values, {"hour": np.arange(DAY)}, "hour")
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError(f"is {shown(raw)}, expected {units.expected(wanted.units, currency)}")
    return xr.DataArray(units.number(raw, wanted.units, currency) if isinstance(raw, str) else float(raw))


def quantities(
    given: Mapping[str, Any], known: Mapping[str, Quantity], clusters: list[str], currency: str
) -> tuple[dict[str, xr.DataArray], dict[str, str]]:
    """Return the quantities of a model that a part of district.yaml gives, and what is wrong by name."""
    found, wrong = {}, {}
    for name, raw in given.items():
        if name not in known or name in SUPPLIED:
            continue
        try:
            found[name] = array(raw, known[name], clusters, currency).assign_attrs(units=known[name].units)
        except ValueError as error:
            wrong[name] = str(error)
    return found, wrong


def mean_day(series: xr.DataArray) -> xr.DataArray:
    """Return a day as it is, and of a year the mean day, dims (..., hour)."""
    if series.sizes["hour"] == DAY:
        return series
    folded = series.drop_vars("hour").coarsen(hour=DAY).construct(hour=("day", "clock")).mean("day")
    return folded.rename(clock="hour").assign_coords(hour=np.arange(DAY))


def electricity(district: District, found: xr.Dataset) -> xr.DataArray:
    """Return the electricity of all uses, stoves among them where they take it, dims (cluster, hour) [kW]."""
    stove = [float(own.cooking == "electricity") for own in district.clusters.values()]
    stoves = xr.DataArray(stove, {"cluster": list(district.clusters)}, "cluster")
    use = found["demand"]
    return use.sel(use=list(ELECTRIC)).sum("use") + stoves * use.sel(use="cooking", drop=True)


def supplied(district: District, found: xr.Dataset, carriers: Sequence[str]) -> xr.DataArray:
    """Return what clusters ask a provider for before any response, dims (cluster, carrier, hour) [kW].

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    found : xr.Dataset
        From :func:`bcopt.districts.loads.demand`.
    carriers : sequence of str
        Of electricity and cooling.
    """
    every = {
        "electricity": electricity(district, found),
        "cooling": found["demand"].sel(use="cooling", drop=True),
    }
    parts = [mean_day(every[name]) for name in carriers]
    return xr.concat(parts, pd.Index(list(carriers), name="carrier")).transpose("cluster", "carrier", "hour")


def outside(values: xr.DataArray, wanted: Quantity, currency: str) -> list[str]:
    """Return what is wrong with the values of a quantity: one line with the hours and clusters, or nothing."""
    low, high = wanted.interval.left, wanted.interval.right
    above, below = (
        ("from" if wanted.interval.closed_left else "above"),
        ("" if wanted.interval.closed_right else "below "),
    )
    right = values >= low if wanted.interval.closed_left else values > low
    right &= values <= high if wanted.interval.closed_right else values < high
    wrong = [tuple(place) for place in np.argwhere(~right.to_numpy())]
    if not wrong:
        return []
    words = {"hour": "in hour", "cluster": "of"}
    named = [
        " ".join(
            [
                f"{float(values[place]):g}",
                *(f"{words[str(dim)]} {values[dim].to_numpy()[k]}" for dim, k in zip(values.dims, place, strict=True)),
            ]
        )
        for place in wrong[:LISTED]
    ]
    more = f" and {len(wrong) - LISTED} more" if len(wrong) > LISTED else ""
    both = np.isfinite([low, high])
    range_ = (
        f"{above} {low:g} to {below}{high:g}"
        if both.all()
        else f"{below or 'at most '}{high:g}"
        if both[1]
        else f"of {low:g} or more"
        if wanted.interval.closed_left
        else f"above {low:g}"
    )
    return [f"is {', '.join(named)}{more}, expected {units.expected(wanted.units, currency)} {range_}"]


def willing(district: District) -> xr.Dataset:
    """Return what clusters pay at wholesale and are willing to do, dims (carrier, ...)."""
    settled, names = district.file.pricing, list(district.clusters)
    if settled is None:
        raise ValueError("pricing: missing, expected what clusters are willing to do")
    parts = []
    for given in settled.carriers.values():
        found, _ = quantities(given, pricing.QUANTITIES, names, district.file.currency)
        parts.append(xr.Dataset(found))
    return xr.concat(parts, pd.Index(list(settled.carriers), name="carrier"), data_vars="all")


def has_users(district: District) -> bool:
    """Return whether pricing says of both carriers what clusters want."""
    settled = district.file.pricing
    return settled is not None and set(settled.carriers) == set(CARRIERS)


def pricing_inputs(district: District, load: xr.DataArray) -> xr.Dataset:
    """Return the inputs of :mod:`bcopt.models.pricing`, dims (cluster, carrier, hour)."""
    wide = willing(district).assign(load=load.assign_attrs(units="kW"))
    if "hour" not in wide["wholesale_price"].dims:
        wide["wholesale_price"] = wide["wholesale_price"].expand_dims(hour=np.arange(DAY))
    for name, values in wide.data_vars.items():
        values.attrs = {"units": pricing.QUANTITIES[str(name)].units}
    return wide


def prices(district: District, load: xr.DataArray) -> tuple[retail.Market, xr.Dataset]:
    """Return the market and the best retail prices, exactly, dims (cluster, carrier, hour)."""
    settled = district.file.pricing
    if settled is None:
        raise ValueError("pricing: missing, expected what clusters are willing to do")
    market = retail.market(pricing_inputs(district, load), settled.levels, settled.response)
    return market, retail.exact(market, settled.weight, settled.ties)


def learnt(district: District, market: retail.Market) -> xr.Dataset | None:
    """Return what Q-learning comes to beside the exact prices, dims (episode, weight, seed, cluster, carrier, ...)."""
    settled = district.file.pricing
    if settled is None or settled.learner is None:
        return None
    how = settled.learner
    seeds = range(how.seed, how.seed + how.seeds)
    learner = qlearning.Settings(how.learning_rate, how.discount, 1.0, 0.05, how.episodes, start="optimistic")
    return retail.learnt(market, [settled.weight], list(seeds), learner, budget_in_state=True)


def provided(
    district: District, agreed: xr.Dataset, sun: xr.DataArray
) -> tuple[commitment.Commitment, xr.Dataset, xr.Dataset]:
    """Return when a provider runs its turbine, all flows, and the inputs of :mod:`bcopt.models.dispatch`.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    agreed : xr.Dataset, dims (cluster, carrier, hour)
        ``load`` before and ``agreed`` after the response to prices [kW].
    sun : xr.DataArray, dims (hour)
        What the roofs offer [kW].
    """
    settled = district.file.provider
    if settled is None:
        raise ValueError("provider: missing, expected its devices and prices")
    found, _ = quantities(settled.quantities, dispatch.QUANTITIES, list(district.clusters), district.file.currency)
    if has_users(district):
        found = {**willing(district)[list(USERS)].data_vars, **found}
    hours = np.arange(DAY)
    for name, wanted in dispatch.QUANTITIES.items():
        if name in found and wanted.hourly and "hour" not in found[name].dims:
            found[name] = xr.DataArray(hourly(float(found[name]), DAY), {"hour": hours}, "hour")
    inputs = xr.Dataset({**found, "photovoltaics": sun, "load": agreed["load"], "agreed": agreed["agreed"]})
    for name, values in inputs.data_vars.items():
        values.attrs = {"units": dispatch.QUANTITIES[str(name)].units}
    dispatcher = commitment.Dispatcher(inputs, settled.mean_temperature)
    best = commitment.commit(inputs, settled.mean_temperature, dispatcher)
    dispatcher.commit(best.on)
    return best, dispatcher.flows(inputs), inputs


def renewable_mix(district: District) -> xr.Dataset:
    """Return every corner of the front of cost and carbon of a yearly mix, dims (vertex, technology)."""
    settled = district.file.renewables
    if settled is None:
        raise ValueError("renewables: missing, expected technologies")
    names = list(settled.technologies)
    column = {
        key: xr.DataArray(
            [getattr(own, key) for own in settled.technologies.values()], {"technology": names}, "technology"
        )
        for key in ("least", "most", "cost", "carbon")
    }
    return mix.front(column["cost"], column["carbon"], column["least"], column["most"], settled.energy)
