"""The folders of systems2024: twelve clusters on the mean day of January, and the four groups of its district."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

import xarray as xr

from bcopt.compendium.fitted import read_fitted
from bcopt.compendium.inputs import Expected
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.protocol import read_protocol
from bcopt.studies import systems2024 as study
from bcopt.studies.folders.texts import Folder, number, of_clusters, of_uses, table
from bcopt.studies.systems2024.district_day import RESIDENTIAL, DistrictKnobs
from bcopt.studies.systems2024.district_fits import TABLE, UNITS
from bcopt.studies.systems2024.flexible_day import FIRST_HOUR, Knobs
from bcopt.studies.systems2024.inputs import CLUSTERS, FUNCTIONS
from bcopt.studies.systems2024.scenario import CENTRAL, Scenario

STAGE = "systems2024/3.3-district-system"
USES = ("base_load", "lighting", "equipment", "hot_water", "heating", "cooling")
TARIFF = {True: "homes", False: "public"}
OF_CLUSTERS = Template("""\
# The twelve clusters of Systems 2024, 12(3), 92, sections 3.1 and 3.2, https://doi.org/10.3390/systems12030092,
# on the mean day of January in Beijing. Written by `python -m bcopt.studies.folders`.
name: Twelve clusters in Beijing
description: What flexibility saves each of twelve clusters in January, and which mix of them has the flattest load.
hours: 24
days: 1                            # every answer "a year" is of this one day, as the study counts

every_cluster:
  flexibility:
    lighting_floor: $lighting_floor            # assumed
    transferable_share: $transferable_share        # assumed: washing, dishes and the like, of the equipment
    transfer_window: "$transfer_window"   # assumed
    heat_store: {loss: $loss 1/h, lowest: $lowest, highest: $highest}   # loss: assumed; states of charge: published

clusters:
  # floor_area: published, Table 1; storeys: the height there over assumed storeys. loads.csv, photovoltaics.csv:
  # simulated by EnergyPlus and pvlib, the electricity of homes times $load_scale, fitted to the published cost of x1
  # before. vehicles: $vehicle_energy kWh of battery in each household, fitted to the published cost of x1 after; power
  # assumed. heat_store: energy published, $heat_store_share of the day's heat; power assumed. heat_pump: assumed, what
  # boreholes below the open land of the plot give; without cop their electricity is left out, as in the study.
  # heater_power: assumed, $heater kW in each household. transfer_limit: assumed, the highest hour of what can be moved.
$clusters
tariffs:
  # prices.csv: electricity and heat by hour, published, Table 2
  homes:
    export: $export yuan/kWh          # assumed: the benchmark price of coal power
    battery_wear: $homes_wear yuan/kWh      # published: of energy put in, and again when it is taken out
  public:
    export: $export yuan/kWh
    battery_wear: $public_wear yuan/kWh

flexibility: {ties: $ties, first_hour: $first_hour}

mix:
  shares_of: $shares_of                # every cluster has a plot of the same size
  loads: $levelled
  net_of_photovoltaics: $net
  # published: the public share at which section 3.2.2 prints a renewable share; the bounds of hotels are not its own
  least_public: $least_public
  pooled: $pooled                    # each cluster heats itself

run: [flexibility, mix]
""")
CLUSTER = Template("""\
  $name:
    use: $use
    tariff: $tariff
    floor_area: $floor_area m2
    storeys: $storeys
    share: {$share}$fixed
    flexibility:
      transfer_limit: $transfer_limit kW
      heat_pump: {heat: $pump_heat kW}
      heat_store: {energy: $heat_store_energy kWh, power: $heat_store_power kW}
""")
OF_HOMES = Template("""\
      heater_power: $heater_power kW
      vehicles: {energy: $vehicle_energy kWh, power: $vehicle_power kW, lowest: $lowest, highest: $highest}
""")
OF_DISTRICT = Template("""\
# The district of Systems 2024, 12(3), 92, section 3.3, https://doi.org/10.3390/systems12030092, on the mean day of
# January: four groups of buildings with ground heat, gas and one storage that they share.
# Written by `python -m bcopt.studies.folders`.
name: Beijing district with shared storage
description: Homes, offices, hotels and malls share ground heat and a battery, each buying at its own tariff.
hours: 24
days: 1                            # every answer "a year" is of this one day, as the study counts
interest_rate: 0

clusters:
  # One cluster a group. floor_area: as many plots as the printed heat pumps need ground, times the area of Table 1.
  # loads.csv: the clusters after self-optimisation (folder systems2024-clusters); fitted: heat times $heat_scale,
  # public electricity times $public_scale. photovoltaics.csv: fitted, on homes times $photovoltaic_scale.
$clusters
tariffs:
  # prices.csv: electricity and gas by hour, published, Table 2; all pay the public price of heat for gas, as chosen.
  # Nothing is paid for what is fed into the grid.
  homes: {storage_wear: $homes_wear yuan/kWh}    # published: of energy put in, and again when it is taken out
  public: {storage_wear: $public_wear yuan/kWh}

devices:
  heat_pump:
    heat: $pumps kW               # all of them; published, as is the limit below the ground of each group
    by_group: {$caps}
    shared: true
    cop: $cop                       # published
  storage:
    energy: $storage kWh          # fitted to the published cost after
    power_to_energy: $power_to_energy           # assumed
    loss: $loss
    cost: $storage_cost yuan/kWh              # published; without interest and with a lifetime of 1 paid in this day
    lifetime: 1
    account: $account                 # over the day a group takes out no more than it put in
  boiler: {cost_of_heat: $boiler yuan/kWh}   # published, printed per kW where the equation multiplies it by heat
  chiller: {cop: $chiller_cop}                # assumed

emissions: {grid: $grid kg/kWh, gas: $gas_factor kg/kWh}   # published

dispatch:
  minimise: payments               # the lower level of the study: every group pays least for energy

run: [sizing, dispatch]

sweep:                             # what storage saves by its size
  devices.storage.energy: [0, 2000, 5000, 10000, 20000, 50000, 100000]
""")


@dataclass(frozen=True)
class Settled:
    """The study under the parameters and the fits in force.

    Parameters
    ----------
    inputs : xr.Dataset
        Of the study.
    scenario : Scenario
        The protocol's choices.
    knobs : Knobs
        Of fits 1 and 2.
    series : xr.Dataset
        The mean day of January.
    """

    inputs: xr.Dataset
    scenario: Scenario
    knobs: Knobs
    series: xr.Dataset


def settled(root: Path) -> Settled:
    """Return the central scenario of the study with its fitted knobs.

    Raises
    ------
    InputError
        If an input or a fitted table is missing or faulty.
    """
    parameters = read_parameters(root).systems2024.model_dump()
    inputs = study.inputs.load(root)
    scenario = study.scenario.central(read_protocol(root)["systems2024"], inputs, parameters)
    knobs = study.fits.read_knobs(root, {CENTRAL: scenario})[CENTRAL]
    loads, variants, _ = study.analysis.read_results(root=root)
    return Settled(inputs, scenario, knobs, study.flexible_day.january(loads, variants, scenario))


def district_knobs(root: Path) -> DistrictKnobs:
    """Return what fits 3 to 6 found.

    Raises
    ------
    InputError
        If the table is missing, faulty or of another protocol.
    """
    found = read_fitted(TABLE, STAGE, {knob: Expected(unit, lower=0.0) for knob, unit in UNITS.items()}, root)
    return DistrictKnobs(**{knob: float(found[knob]) for knob in UNITS})


def clusters(root: Path) -> Folder:
    """Return the folder of the twelve clusters of sections 3.1 and 3.2.

    Raises
    ------
    InputError
        As :func:`settled`.
    """
    of = settled(root)
    day = study.flexible_day.model_inputs(of.series, of.inputs, of.scenario, of.knobs)
    use = study.flexible_day.electric(of.series, of.inputs, of.scenario, of.knobs.load_scale)
    columns = {
        f"{TARIFF[group == RESIDENTIAL]}: {name} [yuan/kWh]": of.inputs[f"{name}_price"].sel(group=group, drop=True)
        for group in ("residential", "public")
        for name in ("electricity", "heat")
    }
    return {
        "district.yaml": _clusters_file(of, day),
        "loads.csv": table(of_uses(use, USES)),
        "photovoltaics.csv": table(of_clusters(day["photovoltaics"])),
        "prices.csv": table(columns),
    }


def _clusters_file(of: Settled, day: xr.Dataset) -> str:
    """Return the district.yaml of the twelve clusters."""
    wear = day["storage_price_electricity"]
    numbers: dict[str, float | xr.DataArray] = {
        "lighting_floor": of.scenario.lighting_floor,
        "transferable_share": of.scenario.transferable_share,
        "loss": of.scenario.self_discharge,
        "lowest": of.inputs["soc_lower"],
        "highest": of.inputs["soc_upper"],
        "vehicle_energy": of.knobs.vehicle_energy,
        "load_scale": of.knobs.load_scale,
        "heat_store_share": of.inputs["heat_store_share"],
        "heater": of.scenario.heater_power,
        "export": day["export_price"][0, 0],
        "homes_wear": wear.sel(cluster="x1"),
        "public_wear": wear.sel(cluster="x7"),
        "least_public": of.inputs["penetration_public_share"],
    }
    return OF_CLUSTERS.substitute(
        {name: number(value) for name, value in numbers.items()},
        transfer_window=of.scenario.transfer_window,
        clusters="".join(_cluster(of, day, name) for name in CLUSTERS),
        ties=of.scenario.tie_rule,
        first_hour=FIRST_HOUR,
        shares_of=of.scenario.area_reading.removesuffix(" area"),
        levelled="given" if of.scenario.levelled_load == "as simulated" else "self-optimised",
        net=str(of.scenario.photovoltaics_deducted).lower(),
        pooled=str(study.penetration.SHARINGS[of.scenario.heat_pump_sharing]).lower(),
    )


def _cluster(of: Settled, day: xr.Dataset, name: str) -> str:
    """Return one of the twelve clusters as district.yaml has it."""
    at, built = day.sel(cluster=name), of.inputs.sel(cluster=name, function=CLUSTERS[name])
    least, most = (float(end.sel(cluster=name)) for end in study.levelling.bounds(of.inputs, of.scenario))
    quantities = ("transfer_limit", "pump_heat", "heat_store_energy", "heat_store_power")
    text = CLUSTER.substitute(
        {quantity: number(at[quantity]) for quantity in quantities},
        name=name,
        use=CLUSTERS[name],
        tariff=TARIFF[CLUSTERS[name] == RESIDENTIAL],
        floor_area=number(built["construction_area"]),
        storeys=round(float(built["height"] / built["storey_height"])),
        share=f"least: {number(least)}, most: {number(most)}" if least else f"most: {number(most)}",
        fixed="   # published: hotels have a tenth of the ground" if least == most else "",
    )
    if CLUSTERS[name] != RESIDENTIAL:
        return text
    ends = {"lowest": at["vehicle_soc_lower"], "highest": at["vehicle_soc_upper"]}
    rest = {quantity: at[quantity] for quantity in ("heater_power", "vehicle_energy", "vehicle_power")}
    return text + OF_HOMES.substitute({key: number(value) for key, value in {**ends, **rest}.items()})


def district(root: Path) -> Folder:
    """Return the folder of the district of section 3.3, with the fitted storage.

    Raises
    ------
    InputError
        As :func:`settled`, and :func:`district_knobs`.
    """
    of, knobs = settled(root), district_knobs(root)
    unfitted = study.district_day.unfitted(of.series, of.inputs, of.scenario, of.knobs)
    day = study.district_day.fitted(unfitted, of.scenario, knobs)
    named = {"electricity": "electricity", "heating": "heat", "cooling": "cooling"}
    demand = xr.concat([day[name] for name in named.values()], xr.DataArray(list(named), dims="use", name="use"))
    paid = day[["electricity_price", "gas_price"]].broadcast_like(day["electricity_price"])
    prices = {
        f"{TARIFF[group == RESIDENTIAL]}: {name} [yuan/kWh]": paid[f"{name}_price"].sel(group=group, drop=True)
        for group in (RESIDENTIAL, "office")
        for name in ("electricity", "gas")
    }
    return {
        "district.yaml": _district_file(of, knobs, day),
        "loads.csv": table(of_uses(demand.rename(group="cluster"), tuple(named))),
        "photovoltaics.csv": table(of_clusters(day["photovoltaics"].rename(group="cluster"))),
        "prices.csv": table(prices),
    }


def _district_file(of: Settled, knobs: DistrictKnobs, day: xr.Dataset) -> str:
    """Return the district.yaml of the district."""
    plots = study.district_day.plots(of.series, of.inputs, of.scenario, of.knobs)
    area = study.district_day.group_of(of.inputs).dot((plots * of.inputs["construction_area"]).reset_coords(drop=True))
    tariffs = {name: TARIFF[name == RESIDENTIAL] for name in FUNCTIONS}
    groups = [
        f"  {name}: {{use: {name}, tariff: {tariff}, floor_area: {number(area.sel(group=name))} m2}}\n"
        for name, tariff in tariffs.items()
    ]
    caps = day["pump_capacity"]
    numbers: dict[str, float | xr.DataArray] = {
        "heat_scale": knobs.heat_scale,
        "public_scale": knobs.public_scale,
        "photovoltaic_scale": knobs.photovoltaic_scale,
        "homes_wear": day["storage_price"].sel(group=RESIDENTIAL),
        "public_wear": day["storage_price"].sel(group="office"),
        "pumps": caps.sum(),
        "cop": day["pump_cop"],
        "storage": knobs.storage_energy,
        "power_to_energy": of.scenario.power_to_energy,
        "loss": of.scenario.shared_storage_loss,
        "storage_cost": day["storage_installation_price"],
        "boiler": day["boiler_installation_price"],
        "chiller_cop": day["chiller_cop"],
        "grid": day["grid_emission_factor"],
        "gas_factor": day["gas_emission_factor"],
    }
    return OF_DISTRICT.substitute(
        {name: number(value) for name, value in numbers.items()},
        clusters="".join(groups),
        caps=", ".join(f"{name}: {number(caps.sel(group=name))} kW" for name in FUNCTIONS),
        account=of.scenario.account,
    )
