"""The folder of frontiers2022: a provider's prices and dispatch for three clusters on a mean day of July."""

from __future__ import annotations

from pathlib import Path
from string import Template

import pandas as pd
import xarray as xr

from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.protocol import read_protocol
from bcopt.districts import market
from bcopt.studies import frontiers2022 as study
from bcopt.studies.folders.texts import Folder, by_name, hourly, number, of_clusters, of_uses, table
from bcopt.studies.frontiers2022.simulation import BUILDINGS
from bcopt.studies.frontiers2022.stages import Settled
from bcopt.studies.systems2024.inputs import load as load_prototypes

ROOFS = "residential"
"""Cluster whose roofs carry the provider's modules."""
DISTRICT = Template("""\
# The provider of Frontiers in Energy Research 2022, sections 3 and 4.2, https://doi.org/10.3389/fenrg.2022.865190.
# Written by `python -m bcopt.studies.folders`. The study's tables of loads, prices, users and equipment are images:
# what is not said to be fitted is assumed, by the sources in data/assumed/frontiers2022.csv and data/protocol.yaml.
name: Guangzhou provider
description: A provider with turbine, chillers and ice sets retail prices for a mall, homes and a hotel in July.
hours: 24
days: 31                           # of July, whose mean day this is

clusters:
  # loads.csv: simulated by EnergyPlus; fitted, one factor a cluster, to what it would pay at wholesale prices.
  # floor_area: of the simulated buildings, times that factor
$clusters
pricing:
  levels: $levels                       # from the lowest to the highest wholesale price
  weight: $weight                      # published: of the clusters' benefit beside the provider's
  ties: $ties       # at a weight of one half most prices give the same reward
  response: $response
  carriers:
$carriers
provider:
  mean_temperature: $mean_temperature
  quantities:
    # what clusters want is that of pricing; these say what of it can move
$provider
run: [pricing, provider]
""")
CLUSTER = Template("""\
  $name: {use: $use, floor_area: $floor_area m2}
""")
CARRIER = Template("""\
    $name:
      wholesale_price:             # yuan/kWh$note
        $wholesale_price
      reducible_share: $reducible_share$reducible
      sensitivity: $sensitivity             # share of it that is reduced, per relative rise of the price
      satisfaction: $satisfaction$satisfied
      satiation: $satiation  # yuan/kWh/kW
      loss_linear: $loss_linear
      loss_quadratic: $loss_quadratic  # yuan/kWh/kW
""")
FITTED = "\n        # of the load; {}: fitted to what the commercial cluster pays"
SATISFIED = "\n        # yuan/kWh; of homes and hotel: fitted to what they pay"
UNITS = {"kW": " kW", "kWh": " kWh", "yuan/kWh": " yuan/kWh", "kWh/kWh": ""}
NOTES = {
    "grid_price": "yuan/kWh, from midnight on",
    "export_price": "yuan/kWh",
    "turbine_fixed_fuel": "burnt while running, whatever the power",
    "turbine_fuel_slope": "fuel per electricity",
    "part_load_quadratic": "of the chiller; the dispatch takes its efficiency as constant",
    "ice_loss": "1/h",
    "gas_price": "yuan/m3",
    "heating_value": "kWh/m3",
    "emission_cost": "yuan/m3",
    "turbine_operation_price": "this and the other four: fitted, one factor, to the provider's published benefit",
    "transferable_share": "of the electricity of an hour",
    "room_resistance": "K/kW",
    "time_constant": "h",
    "comfort_band": "K",
}
"""What is said beside a quantity of the provider."""


def provider(root: Path) -> Folder:
    """Return the folder of the provider of sections 4.2.1 and 4.2.2 under the price set of params.yaml.

    Raises
    ------
    InputError
        If an input or a fitted table is missing or faulty.
    """
    chosen = read_parameters(root).frontiers2022
    inputs, days = study.inputs.load(root), study.simulation.read(root)
    central = study.scenario.central(read_protocol(root)["frontiers2022"], inputs, chosen.model_dump())
    settled = study.fits.read(root, days, inputs, {central.price_set: central})[central.price_set]
    return folder(settled, inputs, load_prototypes(root)["construction_area"])


def folder(settled: Settled, inputs: xr.Dataset, built: xr.DataArray) -> Folder:
    """Return the folder of a settled day.

    Parameters
    ----------
    settled : Settled
        From :func:`bcopt.studies.frontiers2022.fits.read`.
    inputs : xr.Dataset
        The study's inputs.
    built : xr.DataArray, dims (cluster)
        Floor area of the prototypes that were simulated [m2].
    """
    day, of = settled.day, settled.scenario
    users = study.basic_data.pricing_inputs(day, inputs, of, settled.knobs)
    demand = day["load"].rename(carrier="use")
    sun = day["photovoltaics"].expand_dims(cluster=[ROOFS])
    text = DISTRICT.substitute(
        clusters=_clusters(settled, built),
        levels=of.price_levels,
        weight=number(of.weight),
        ties=of.price_ties,
        response=of.response,
        carriers="".join(_carrier(users, str(name)) for name in users["carrier"].to_numpy()),
        mean_temperature=of.mean_temperature,
        provider=_provider(settled.inputs),
    )
    loads = table(of_uses(demand, ("electricity", "cooling")))
    return {"district.yaml": text, "loads.csv": loads, "photovoltaics.csv": table(of_clusters(sun))}


def _clusters(settled: Settled, built: xr.DataArray) -> str:
    """Return the clusters with the use and the floor area that stand for their loads."""
    uses = {"commercial": settled.scenario.commercial_building}
    prototype = {use: name for name, use in BUILDINGS.items()}
    lines = []
    for name in settled.day["cluster"].to_numpy():
        use = uses.get(str(name), str(name))
        area = float(settled.day["load_scale"].sel(cluster=name) * built.sel(cluster=prototype[use]))
        lines.append(CLUSTER.substitute(name=name, use=use, floor_area=number(area)))
    return "".join(lines)


def _carrier(users: xr.Dataset, name: str) -> str:
    """Return what clusters pay at wholesale for a carrier, and want of it."""
    at = users.sel(carrier=name, drop=True)
    of_clusters = ("reducible_share", "satisfaction", "satiation", "loss_linear", "loss_quadratic")
    commercial = number(at["reducible_share"].sel(cluster="commercial"))
    return CARRIER.substitute(
        {key: by_name(at[key]) for key in of_clusters},
        name=name,
        note="; electricity over the efficiency of a chiller" if name == "cooling" else ", from midnight on",
        wholesale_price=hourly(at["wholesale_price"], 8),
        sensitivity=number(at["sensitivity"]),
        reducible=FITTED.format(commercial),
        satisfied=SATISFIED,
    )


def _provider(inputs: xr.Dataset) -> str:
    """Return what the provider has, pays and may move, as district.yaml has it."""
    left_out = {"load", "agreed", "photovoltaics", *market.USERS}
    names = [str(name) for name in inputs.data_vars if name not in left_out]
    return "".join(_quantity(name, inputs[name]) for name in names)


def _quantity(name: str, values: xr.DataArray) -> str:
    """Return one quantity of the provider with its unit and what is said beside it."""
    note = f"  # {NOTES[name]}" if name in NOTES else ""
    if "hour" in values.dims:
        return f"    {name}:{note}\n      {hourly(values, 6)}\n"
    if "cluster" in values.dims:
        same = len(pd.unique(values.to_numpy())) == 1
        return f"    {name}: {number(values[0]) if same else by_name(values)}{note}\n"
    return f"    {name}: {number(values)}{UNITS.get(str(values.attrs['units']), '')}{note}\n"
