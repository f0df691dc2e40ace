"""Section 4.1: loads, wholesale prices, users and equipment of a typical day, as inputs of both models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from bcopt.compendium.ledger import printed_numbers
from bcopt.models import dispatch
from bcopt.studies.frontiers2022.inputs import CARRIERS, CLUSTERS, PUBLISHED
from bcopt.studies.frontiers2022.scenario import Scenario

ELECTRIC = ("lighting", "equipment", "base_load")
"""Uses of electricity without cooling."""
SHEDDING = "reduction from 10 to 20 that saves the commercial cluster what is printed"
OPERATED = ("turbine", "chiller", "absorption", "photovoltaic", "ice")
_AS_THEY_ARE = (
    "turbine_capacity", "turbine_heat_loss", "recovery_efficiency", "absorption_cop", "chiller_capacity", "chiller_eer",
    "ice_capacity", "ice_power", "ice_eer", "ice_loss", "gas_price", "heating_value", "emission_cost",
)  # fmt: skip


@dataclass(frozen=True)
class Knobs:
    """What fits 2 to 5 turn.

    Parameters
    ----------
    reducible_commercial : float
        Share of the load that the commercial cluster is ready to reduce [-].
    satisfaction_residential, satisfaction_hotel : float
        Satisfaction over the mean wholesale price [-].
    operation : float
        Factor on the operation costs of the equipment [-].
    """

    reducible_commercial: float
    satisfaction_residential: float
    satisfaction_hotel: float
    operation: float


def targets(claims: pd.DataFrame) -> pd.DataFrame:
    """Return what each cluster paid and what it would have paid the grid operator, from the printed reductions.

        direct = cost / (1 - reduction / 100)

    Returns
    -------
    pd.DataFrame
        One row a cluster: ``cost [yuan]``, ``reduction [%]``, ``direct cost [yuan]``, and the direct costs that the
        rounding of the reduction admits, ``from [yuan]`` and ``to [yuan]``.
    """
    printed = printed_numbers(claims, [claim for claims_of in PUBLISHED.values() for claim in claims_of])
    rows = []
    for cluster, (cost, reduction) in PUBLISHED.items():
        (paid, _), (saved, half) = printed[cost], printed[reduction]
        direct, *ends = (paid / (1 - share / 100) for share in (saved, saved - half, saved + half))
        rows.append((cluster, paid, saved, direct, *ends))
    columns = ["cluster", "cost [yuan]", "reduction [%]", "direct cost [yuan]", "from [yuan]", "to [yuan]"]
    return pd.DataFrame(rows, columns=columns)


def simulated_loads(days: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return electricity and cold of one building of each cluster on the typical day, as simulated.

    Parameters
    ----------
    days : xr.Dataset
        From :func:`bcopt.studies.frontiers2022.simulation.read`.
    scenario : Scenario
        Building, envelope, weather, day and hot water.

    Returns
    -------
    xr.DataArray, dims (cluster, carrier, hour)
        [kW]
    """
    at = days["demand"].sel(variant=scenario.loads, day=scenario.day, drop=True)
    buildings = xr.DataArray([scenario.commercial_building, "residential", "hotel"], {"cluster": list(CLUSTERS)})
    at = at.sel(building=buildings).drop_vars(["building", "carrier"])
    uses = [*ELECTRIC, *(["hot_water"] if scenario.hot_water == "electricity" else [])]
    parts = [at.sel(use=uses).sum("use"), at.sel(use="cooling", drop=True)]
    found = xr.concat(parts, pd.Index(list(CARRIERS), name="carrier")).transpose("cluster", "carrier", "hour")
    return found.assign_attrs(units="kW", long_name="load")


def typical_day(days: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, direct: Mapping[str, float]) -> xr.Dataset:
    """Return the day of the study: fit 1, which scales the simulated loads to what they cost at wholesale prices.

        scale_n = direct cost_n / sum over carriers and hours of wholesale price x simulated load

    Parameters
    ----------
    days : xr.Dataset
        From :func:`bcopt.studies.frontiers2022.simulation.read`.
    inputs : xr.Dataset
        The study's inputs.
    scenario : Scenario
        The choices.
    direct : mapping of str to float
        Cost of buying from the grid operator by cluster [yuan].

    Returns
    -------
    xr.Dataset, dims (cluster, carrier, hour)
        ``load`` [kW], ``wholesale_price`` (carrier, hour) [yuan/kWh], ``photovoltaics`` (hour) [kW], ``load_scale``
        (cluster) [-].

    Raises
    ------
    ValueError
        Naming each cluster without load.
    """
    electricity = inputs["electricity_price"].sel(price_set=scenario.price_set, drop=True)
    prices = [electricity, electricity / scenario.cooling_divisor]
    wholesale = xr.concat(prices, pd.Index(list(CARRIERS), name="carrier")).transpose("carrier", "hour")
    loads = simulated_loads(days, scenario)
    costs = xr.DataArray([direct[name] for name in CLUSTERS], {"cluster": list(CLUSTERS)})
    bought = (wholesale * loads).sum(["carrier", "hour"])
    if without := bought["cluster"].to_numpy()[~(bought > 0).to_numpy()].tolist():
        raise ValueError(f"load: no factor gives {', '.join(without)} the cost to be met: simulated without any load")
    scale = costs / bought
    sun = days["photovoltaics"].sel(variant=scenario.loads, day=scenario.day, drop=True).isel(position=0, drop=True)
    return xr.Dataset(
        {
            "load": (loads * scale).assign_attrs(units="kW", long_name="load"),
            "wholesale_price": wholesale.assign_attrs(units="yuan/kWh", long_name="wholesale price"),
            "photovoltaics": (sun * inputs["photovoltaic_capacity"]).assign_attrs(
                units="kW", long_name="photovoltaics"
            ),
            "load_scale": scale.assign_attrs(units="1", long_name="factor on the simulated load"),
        }
    )


def preferences(day: xr.Dataset, scenario: Scenario, knobs: Knobs) -> xr.Dataset:
    """Return what the users want, relative to wholesale price and peak load (table 5, an image).

        v = level x mean wholesale price,   b = satiation v / peak,   phi1 = loss v / (2 peak),   phi2 = linear loss v

    Returns
    -------
    xr.Dataset, dims (cluster, carrier)
        ``satisfaction``, ``loss_linear`` [yuan/kWh], ``satiation``, ``loss_quadratic`` [yuan/kWh/kW].
    """
    levels = scenario.satisfaction_commercial, knobs.satisfaction_residential, knobs.satisfaction_hotel
    of = dict(zip(CLUSTERS, levels, strict=True))
    level = xr.Variable("cluster", [of[str(name)] for name in day["cluster"].to_numpy()])
    satisfaction = level * day["wholesale_price"].variable.mean("hour")
    per_peak = satisfaction / day["load"].variable.max("hour")
    found = {
        "satisfaction": (satisfaction, "yuan/kWh"),
        "satiation": (scenario.satiation_share * per_peak, "yuan/kWh/kW"),
        "loss_linear": (scenario.loss_linear_share * satisfaction, "yuan/kWh"),
        "loss_quadratic": (scenario.loss_share * per_peak / 2, "yuan/kWh/kW"),
    }
    indexes = {dim: day.xindexes[dim] for dim in ("cluster", "carrier")}
    coords = xr.Coordinates({dim: day.variables[dim] for dim in indexes}, indexes)
    return xr.Dataset({name: (x.dims, x.data, {"units": units}) for name, (x, units) in found.items()}, coords)


def elasticities(day: xr.Dataset, inputs: xr.Dataset) -> xr.DataArray:
    """Return the elasticity of each hour by its wholesale price: lowest, up to midway to the highest, above."""
    price = day["wholesale_price"]
    low, high = price.min("hour"), price.max("hour")
    band = inputs["elasticity"]
    middle = xr.where(price > (low + high) / 2, band.sel(band="high", drop=True), band.sel(band="middle", drop=True))
    found: xr.DataArray = xr.where(price == low, band.sel(band="low", drop=True), middle)
    return found.assign_attrs(units="1")


def pricing_inputs(day: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs) -> xr.Dataset:
    """Return the inputs of the first stage, as :data:`bcopt.models.pricing.QUANTITIES` says."""
    of = dict.fromkeys(CLUSTERS, scenario.reducible_share) | {"commercial": knobs.reducible_commercial}
    shares = [of[str(name)] for name in day["cluster"].to_numpy()]
    users = {str(name): values.variable for name, values in preferences(day, scenario, knobs).items()}
    users["reducible_share"] = xr.Variable("cluster", shares, {"units": "1"})
    users["sensitivity"] = xr.Variable((), scenario.sensitivity, {"units": "1"})
    found = day[["load", "wholesale_price"]].assign(users)
    return found.assign(elasticity=elasticities(day, inputs)) if scenario.response == "elasticity" else found


def dispatch_inputs(
    day: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs, agreed: xr.DataArray
) -> xr.Dataset:
    """Return the inputs of the second stage, as :data:`bcopt.models.dispatch.QUANTITIES` says.

    Parameters
    ----------
    day, inputs, scenario, knobs
        As in :func:`pricing_inputs`.
    agreed : xr.DataArray, dims (cluster, carrier, hour)
        Loads after the first stage [kW].
    """
    electricity = day["wholesale_price"].sel(carrier="electricity", drop=True)
    cooling = day["load"].sel(carrier="cooling", drop=True)
    full = inputs["turbine_capacity"] / inputs["turbine_efficiency"]
    ratio = inputs["design_temperature_difference"] / cooling.max("hour")
    one = xr.ones_like(day["load_scale"])
    quantities = {
        "photovoltaics": day["photovoltaics"],
        "grid_price": electricity,
        "export_price": scenario.export_price_share * electricity,
        "turbine_minimum_share": inputs["turbine_minimum"],
        "turbine_fixed_fuel": inputs["turbine_idle_share"] * full,
        "turbine_fuel_slope": (1 - inputs["turbine_idle_share"]) / inputs["turbine_efficiency"],
        "part_load_quadratic": inputs["part_load_a"],
        "part_load_linear": inputs["part_load_b"],
        "part_load_constant": inputs["part_load_c"],
        "load": day["load"],
        "agreed": agreed.transpose("cluster", "carrier", "hour"),
        "transferable_share": scenario.transferable_share * inputs["transferable_share"],
        "room_resistance": ratio,
        "time_constant": scenario.room_time_constant * one,
        "comfort_band": scenario.comfort_band * one,
    }
    quantities |= {name: inputs[name] for name in _AS_THEY_ARE}
    named = {name: values.assign_attrs(units=dispatch.QUANTITIES[name].units) for name, values in quantities.items()}
    return preferences(day, scenario, knobs).assign(named | operation_prices(inputs, knobs))


def operation_prices(inputs: xr.Dataset, knobs: Knobs) -> dict[str, xr.DataArray]:
    """Return what the operation of the equipment costs, as :data:`bcopt.models.dispatch.QUANTITIES` says."""
    return {
        f"{'photovoltaics' if name == 'photovoltaic' else name}_operation_price": (
            knobs.operation * inputs[f"{name}_operation"]
        ).assign_attrs(units="yuan/kWh")
        for name in OPERATED
    }


def shedding(claims: pd.DataFrame, day: xr.Dataset) -> float:
    """Return the uniform reduction over the clock hours 10 to 20 that saves the commercial cluster what is printed [%].

    At wholesale prices, with nothing moved.
    """
    cost = day["wholesale_price"] * day["load"].sel(cluster="commercial", drop=True)
    share = float(cost.sel(hour=list(range(10, 20))).sum() / cost.sum())
    saved = targets(claims).set_index("cluster")["reduction [%]"].to_dict()["commercial"]
    return float(saved) / share


def implied(claims: pd.DataFrame, days: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return what the printed totals imply by themselves, and what else they do with the loads of each price set.

    Parameters
    ----------
    claims : pd.DataFrame
        From :func:`bcopt.compendium.ledger.read_claims`.
    days : mapping of str to xr.Dataset
        From :func:`typical_day`, by price set, for the last rows alone.

    Returns
    -------
    pd.DataFrame
        ``quantity``, ``value`` and ``unit``.
    """
    benefit, _ = printed_numbers(claims, ["F-4.3-esp-benefit"])["F-4.3-esp-benefit"]
    paid = targets(claims)
    revenue = float(paid["cost [yuan]"].sum())
    rows = [
        ("revenue of the provider: the three costs", revenue, "yuan"),
        ("cost of the provider: revenue less benefit", revenue - benefit, "yuan"),
        ("margin: benefit over revenue", 100 * benefit / revenue, "%"),
        ("direct cost of the three clusters", float(paid["direct cost [yuan]"].sum()), "yuan"),
        *((f"{SHEDDING}, {name}", shedding(claims, day), "%") for name, day in days.items()),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "unit"])
