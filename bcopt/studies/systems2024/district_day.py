"""Section 3.3's day: the plots of the district, what its groups use, and what is fitted, as inputs of the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bcopt.methods import solver
from bcopt.models import district, flexibility, proportions
from bcopt.planning import self_optimisation
from bcopt.studies.systems2024 import flexible_day, levelling
from bcopt.studies.systems2024.inputs import CLUSTERS, FUNCTIONS
from bcopt.studies.systems2024.scenario import Scenario

RESIDENTIAL = "residential"
PUBLIC = [name for name in FUNCTIONS if name != RESIDENTIAL]
DAYS_OF_YEAR = 365
GAS_PRICES = {"public price for all": "public", "residential price for all": "residential"}
"""Whose price of heat in Table 2 all groups pay for gas."""
INSTALLATION_DAYS = {"a day": 1, "a year": DAYS_OF_YEAR}
"""Days over which an installation is paid."""


@dataclass(frozen=True)
class DistrictKnobs:
    """What fits 3 to 6 find.

    Parameters
    ----------
    heat_scale : float
        Factor on the heat of every group [-].
    photovoltaic_scale : float
        Factor on the photovoltaics of residential buildings [-].
    public_scale : float
        Factor on the electricity of public buildings [-].
    storage_energy : float
        Energy of the shared storage [kWh].
    """

    heat_scale: float = 1.0
    photovoltaic_scale: float = 1.0
    public_scale: float = 1.0
    storage_energy: float = 0.0


def group_of(inputs: xr.Dataset) -> xr.DataArray:
    """Return which clusters each group has, dims (group, cluster) [-]."""
    used_for = inputs["used_for"].reset_coords(drop=True)
    groups = xr.DataArray(list(FUNCTIONS), dims="group", coords={"group": list(FUNCTIONS)})
    found: xr.DataArray = (used_for == groups).astype(float).transpose("group", "cluster")
    return found


def plots_of_caps(inputs: xr.Dataset, borehole_heat: float) -> xr.DataArray:
    """Return the plots that each group needs for its printed cap, its prototypes sharing them alike, dims (group) [-].

        plots = heat_pump_cap / (borehole_heat mean((1 - density) land_side^2))

    Parameters
    ----------
    inputs : xr.Dataset
        The study's inputs.
    borehole_heat : float
        Heat of boreholes below open land [W/m2].
    """
    member = group_of(inputs)
    open_land = (1 - inputs["density"].reset_coords(drop=True)) * inputs["land_side"] ** 2
    of_a_plot = borehole_heat / 1000 * member.dot(open_land) / member.sum("cluster")
    return inputs["heat_pump_cap"].rename(function="group").reset_coords(drop=True) / of_a_plot


def plots(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: flexible_day.Knobs) -> xr.DataArray:
    """Return how many plots of each prototype the district has, dims (cluster) [-].

    Parameters
    ----------
    series, inputs, scenario, knobs
        As in :func:`bcopt.studies.systems2024.flexible_day.model_inputs`.

    Notes
    -----
    The mix from the printed caps is that of :func:`plots_of_caps`. The others have the printed residential share, and
    as many plots as the residential cap then implies.
    """
    of_groups = plots_of_caps(inputs, scenario.borehole_heat)
    if scenario.district_mix != "from the printed caps":
        residential = float(inputs["residential_share"])
        whole = float(of_groups.sel(group=RESIDENTIAL)) / residential
        if scenario.district_mix == "least AR at the printed share":
            return whole * _flattest(series, inputs, scenario, knobs)
        hotels = float(inputs["hotel_share"])
        others = (1 - residential - hotels) / (len(PUBLIC) - 1)
        shares = xr.full_like(of_groups, others)
        shares.loc[RESIDENTIAL], shares.loc["hotel"] = residential, hotels
        of_groups = whole * shares
    member = group_of(inputs)
    return member.T.dot(of_groups / member.sum("cluster"))


def _flattest(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: flexible_day.Knobs) -> xr.DataArray:
    """Return the shares of least AR at the printed residential share of the ground, dims (cluster) [-]."""
    load = levelling.levelled_load(series, inputs, scenario, knobs)
    limits, ground = levelling.bounds(inputs, scenario), levelling.ground_of_share(inputs, scenario)
    model = levelling.with_total(load, *limits, levelling.PUBLIC, ground, 1 - float(inputs["residential_share"]))
    solver.solve(model)
    shares = levelling.on_ground(proportions.shares(model.solution), inputs, scenario)
    return shares.sel(cluster=list(CLUSTERS))


def plots_of_groups(of_clusters: xr.DataArray, inputs: xr.Dataset) -> xr.DataArray:
    """Return the plots of each group, dims (group) [-]."""
    return group_of(inputs).dot(of_clusters)


def demands(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: flexible_day.Knobs) -> xr.Dataset:
    """Return what the groups of the district use and what their roofs give, before fits 3 to 6.

    Parameters
    ----------
    series, inputs, scenario
        As in :func:`bcopt.studies.systems2024.flexible_day.model_inputs`.
    knobs : Knobs
        What fits 1 and 2 found.

    Returns
    -------
    xr.Dataset, dims (group, hour)
        ``electricity``, ``photovoltaics``, ``heat`` and ``cooling`` [kW]. Electricity of heat pumps is left to the
        model of the district; what vehicles feed to them beyond a group's other uses is taken off its other hours.
    """
    day = flexible_day.model_inputs(series, inputs, scenario, knobs)
    flows = _schedule(day, scenario)
    built = group_of(inputs) * plots(series, inputs, scenario, knobs)
    of_clusters = {
        "electricity": flows["electricity"] - day["pump_electricity"] * flows["pump_heat"],
        "photovoltaics": day["photovoltaics"],
        "heat": flows["heat"],
        "cooling": series["demand"].sel(use="cooling", drop=True) * float(scenario.district_cooling),
    }
    return xr.Dataset(
        {
            name: _at_least_nothing(built.dot(values.reset_coords(drop=True))).assign_attrs(units="kW")
            for name, values in of_clusters.items()
        }
    )


def _at_least_nothing(power: xr.DataArray) -> xr.DataArray:
    """Return powers without what is below zero, taken off the other hours in proportion: the sum stays."""
    above = power.clip(min=0)
    whole = above.sum("hour")
    return above * (1 + power.clip(max=0).sum("hour") / whole.where(whole > 0, 1.0))


def with_equipment(demand: xr.Dataset, inputs: xr.Dataset, scenario: Scenario) -> xr.Dataset:
    """Return demands with tariffs and equipment, as inputs of :func:`bcopt.models.district.district_model`.

    Parameters
    ----------
    demand : xr.Dataset, dims (group, hour)
        From :func:`demands`.
    inputs, scenario
        The study's inputs and choices.

    Returns
    -------
    xr.Dataset, dims (group, hour)
        Without storage, and without limits of boilers and chillers.
    """
    of_groups = {str(name): values for name, values in demand.data_vars.items()}
    return district.gathered({**of_groups, **_prices(inputs, scenario), **_equipment(inputs, scenario)})


def unfitted(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: flexible_day.Knobs) -> xr.Dataset:
    """Return the district's day before fits 3 to 6: :func:`demands` with :func:`with_equipment`."""
    return with_equipment(demands(series, inputs, scenario, knobs), inputs, scenario)


def _schedule(day: xr.Dataset, scenario: Scenario) -> xr.Dataset:
    """Return the flows of the clusters, optimised or not."""
    if scenario.district_loads == "as simulated":
        return flexibility.unoptimised(day)
    return self_optimisation.schedule(day, scenario.tie_rule, flexible_day.FIRST_HOUR)


def _prices(inputs: xr.Dataset, scenario: Scenario) -> dict[str, xr.DataArray]:
    """Return what each group pays; for exports no more than it pays at that hour, as nobody is paid to buy."""
    tariff = xr.DataArray(
        [RESIDENTIAL if name == RESIDENTIAL else "public" for name in FUNCTIONS],
        dims="group",
        coords={"group": list(FUNCTIONS)},
    )
    price, heat = (
        inputs[name].rename(group="tariff").sel(tariff=tariff, drop=True)
        for name in ("electricity_price", "heat_price")
    )
    if scenario.gas_price in GAS_PRICES:
        heat = inputs["heat_price"].sel(group=GAS_PRICES[scenario.gas_price], drop=True)
    return {
        "electricity_price": price,
        "export_price": xr.full_like(price, scenario.district_export_price).clip(max=price),
        "gas_price": heat,
        "storage_price": inputs["storage_price"].rename(group="tariff").sel(tariff=tariff, drop=True),
    }


def _equipment(inputs: xr.Dataset, scenario: Scenario) -> dict[str, xr.DataArray]:
    """Return what serves the groups, no storage among it, and what it costs and emits."""
    days = INSTALLATION_DAYS[scenario.installation_cost]
    none = xr.DataArray(0.0)
    cop = inputs["heat_pump_cop"] if scenario.district_heat_pump_electricity else xr.DataArray(np.inf)
    return {
        "pump_capacity": inputs["heat_pump_cap"].rename(function="group").assign_attrs(units="kW"),
        "pump_cop": xr.DataArray(float(cop)),
        "chiller_cop": xr.DataArray(float(inputs["chiller_cop"])),
        "storage_energy": none,
        "storage_power": none,
        "storage_loss": xr.DataArray(scenario.shared_storage_loss),
        "storage_installation_price": inputs["storage_installation_price"] / days,
        "boiler_installation_price": inputs["boiler_installation_price"] / days,
        "grid_emission_factor": inputs["grid_emission_factor"],
        "gas_emission_factor": inputs["gas_emission_factor"],
    }


def fitted(day: xr.Dataset, scenario: Scenario, knobs: DistrictKnobs) -> xr.Dataset:
    """Return the day with what was fitted, dims (group, hour).

    Parameters
    ----------
    day : xr.Dataset
        From :func:`unfitted`.
    scenario : Scenario
        Its ratio of power to energy.
    knobs : DistrictKnobs
        What fits 3 to 6 found.
    """
    homes = day["group"] == RESIDENTIAL
    changed = {
        "heat": day["heat"] * knobs.heat_scale,
        "photovoltaics": day["photovoltaics"] * xr.where(homes, knobs.photovoltaic_scale, 1.0),
        "electricity": day["electricity"] * xr.where(homes, 1.0, knobs.public_scale),
    }
    scaled = day.assign({name: values.assign_attrs(day[name].attrs) for name, values in changed.items()})
    return with_storage(scaled, scenario, knobs.storage_energy)


def with_storage(day: xr.Dataset, scenario: Scenario, energy: float) -> xr.Dataset:
    """Return a day with a shared storage of some energy [kWh], and power in the scenario's proportion."""
    return day.assign(
        storage_energy=xr.DataArray(energy), storage_power=xr.DataArray(scenario.power_to_energy * energy)
    )


def one_horizon(days: xr.Dataset) -> xr.Dataset:
    """Return days as one horizon of their hours in order, so that a storage carries over midnight.

    Parameters
    ----------
    days : xr.Dataset, dims (day, group, hour)
        From :func:`with_equipment`, each day a cycle of its own.

    Returns
    -------
    xr.Dataset, dims (group, hour)
        With hours counted from 0.
    """
    steps = np.arange(days.sizes["day"] * days.sizes["hour"])

    def whole(values: xr.DataArray) -> xr.DataArray:
        if "hour" not in values.dims:
            return values
        each = values if "day" in values.dims else values.expand_dims(day=days["day"])
        flat = each.stack(step=("day", "hour")).drop_vars(["step", "day", "hour"]).rename(step="hour")
        return flat.assign_coords(hour=steps).assign_attrs(values.attrs)

    return xr.Dataset({name: whole(values) for name, values in days.data_vars.items()})
