"""Hourly energy demand of building clusters by use: honeybee models, simulated by EnergyPlus over the year."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from honeybee_energy.simulation.control import SimulationControl
from honeybee_energy.simulation.output import SimulationOutput
from honeybee_energy.simulation.parameter import SimulationParameter
from honeybee_energy.simulation.runperiod import RunPeriod
from honeybee_energy.writer import energyplus_idf_version, generate_idf_string

from bcopt.loads.buildings import Building, building
from bcopt.loads.energyplus import EnergyPlusError, Run, simulate
from bcopt.loads.programs import Program
from bcopt.loads.prototypes import Cluster

ENERGYPLUS = (25, 2, 0)
"""Version of EnergyPlus that the models are written for."""
TIMESTEPS = 4
"""Steps of an hour; six change the heat of a year by a thousandth and take a third longer."""
UNMET_LIMIT = 300.0
"""Hours of a year in which a zone may miss a set point, ASHRAE 90.1-2019 appendix G3.1.2.3."""
UNMET_TOLERANCE = 0.2
"""Distance from which on a set point counts as missed [K], EnergyPlus's own default."""
METER_TOLERANCE = 1e-6
"""Largest distance between a meter and the zones it adds up, relative to its peak [-]."""
UNMET = ("Zone Heating Setpoint Not Met Time", "Zone Cooling Setpoint Not Met Time")

CARRIERS = {
    "lighting": "electricity",
    "equipment": "electricity",
    "base_load": "electricity",
    "cooking": "gas",
    "hot_water": "heat",
    "heating": "heat",
    "cooling": "cold",
}
"""What each use takes, in the order of every table and figure; heat and cold as they reach rooms and taps."""
VARIABLES = {
    "lighting": "Zone Lights Electricity Energy",
    "equipment": "Zone Electric Equipment Electricity Energy",
    "base_load": "Zone Other Equipment Electricity Energy",
    "cooking": "Zone Gas Equipment NaturalGas Energy",
    "hot_water": "Water Use Equipment Heating Energy",
    "heating": "Zone Ideal Loads Supply Air Total Heating Energy",
    "cooling": "Zone Ideal Loads Supply Air Total Cooling Energy",
}
"""EnergyPlus's output variable behind each use."""
METERS = {
    "InteriorLights:Electricity": ("lighting",),
    "InteriorEquipment:Electricity": ("equipment", "base_load"),
    "InteriorEquipment:NaturalGas": ("cooking",),
    "WaterSystems:DistrictHeatingWater": ("hot_water",),
    "Heating:DistrictHeatingWater": ("heating",),
    "Cooling:DistrictCooling": ("cooling",),
}
"""EnergyPlus's meters of a whole model and the uses that each adds up."""
BALANCE = {
    "internal_gains": "Zone Air Heat Balance Internal Convective Heat Gain Rate",
    "surfaces": "Zone Air Heat Balance Surface Convection Rate",
    "air_exchange": "Zone Air Heat Balance Outdoor Air Transfer Rate",
    "system": "Zone Air Heat Balance System Air Transfer Rate",
    "storage": "Zone Air Heat Balance Air Energy Storage Rate",
}
"""Terms of the heat balance of a zone's air [W]: over a day or more the first four sum to the last."""


@dataclass(frozen=True)
class Case:
    """One cluster to be simulated.

    Parameters
    ----------
    cluster : Cluster
        Its buildings.
    program : Program
        What they are used for.
    envelope : xr.Dataset
        As in :data:`bcopt.loads.buildings.ENVELOPE`.
    weather : Path
        EPW file.
    neighbours : bool
        Whether buildings shade each other.
    every_storey : bool
        Whether each storey is simulated instead of the lowest, a middle and the highest.
    """

    cluster: Cluster
    program: Program
    envelope: xr.Dataset
    weather: Path
    neighbours: bool = True
    every_storey: bool = False


def storeys(case: Case, extra: Sequence[str] = ()) -> tuple[Building, Run, xr.DataArray]:
    """Simulate the storeys of one building of a cluster.

    Parameters
    ----------
    case : Case
        What to simulate.
    extra : sequence of str
        Further output variables, by EnergyPlus's names.

    Returns
    -------
    building : Building
        Its storeys and how many of the building each stands for.
    run : Run
        All that was reported.
    demand : xr.DataArray, dims (use, storey, hour)
        Energy by use of one storey of each kind [kW].

    Raises
    ------
    EnergyPlusError
        If EnergyPlus fails, if its meters disagree with the zones by more than a millionth, or if a zone misses a set
        point for more hours than :data:`UNMET_LIMIT`.
    """
    name = case.cluster.name
    found = building(case.cluster, case.program, case.envelope, case.neighbours, case.every_storey)
    idf = "\n\n".join([_settings(float(case.envelope["soil_temperature"])), found.model.to.idf(found.model)])
    run = simulate(idf, case.weather, name, [*VARIABLES.values(), *UNMET, *extra], list(METERS))
    demand = xr.concat(
        [by_storey(run.variables[variable], found, name) for variable in VARIABLES.values()],
        xr.DataArray(list(VARIABLES), dims="use", name="use"),
    )
    faults = [*_unmet(run, found, name), *_disagreements(run, demand)]
    if faults:
        raise EnergyPlusError(name, faults)
    return found, run, demand


def cluster_demand(case: Case) -> xr.Dataset:
    """Simulate a cluster: its buildings are alike, and each is the sum of its storeys.

        demand(use, hour) = buildings x sum over kinds of storey of their number x demand of one

    Returns
    -------
    xr.Dataset, dims (use, hour)
        ``demand`` [kW] with coordinate carrier. Scalars: ``warnings`` of EnergyPlus [1] and ``messages``, their words,
        one a line; ``unmet``, hours of the zone that misses its set points longest [h]; ``meter_deviation``, the
        largest between meters and zones [-].
    """
    found, run, of_storey = storeys(case)
    number = xr.DataArray(list(found.storeys.values()), dims="storey", coords={"storey": list(found.storeys)})
    demand = (of_storey * number).sum("storey") * case.cluster.buildings
    return xr.Dataset(
        {
            "demand": demand.assign_attrs(units="kW", long_name="energy demand by use"),
            "warnings": ((), float(len(run.warnings)), {"units": "1", "long_name": "warnings of EnergyPlus"}),
            "messages": ((), "\n".join(run.warnings), {"units": "text", "long_name": "their words, one a line"}),
            "unmet": ((), _unmet_hours(run).max().item(), {"units": "h", "long_name": "hours off the set points"}),
            "meter_deviation": (
                (),
                _deviations(run, of_storey).max().item(),
                {"units": "1", "long_name": "meters against zones"},
            ),
        },
        coords={"carrier": ("use", [CARRIERS[use] for use in demand["use"].to_numpy()])},
    )


def demands(cases: Iterable[Case], workers: int | None = None) -> Iterator[tuple[Case, xr.Dataset]]:
    """Simulate clusters in parallel processes and yield each, in the order given, as soon as it is done.

    Parameters
    ----------
    cases : iterable of Case
        What to simulate.
    workers : int, optional
        Processes at a time, the machine's cores by default.

    Yields
    ------
    Case, xr.Dataset
        As :func:`cluster_demand` returns it.

    Raises
    ------
    EnergyPlusError
        For the first cluster that fails; those not yet started are left.
    """
    # A thread waits for each EnergyPlus, which is a process of its own.
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        waiting = [(case, pool.submit(cluster_demand, case)) for case in cases]
        try:
            for case, future in waiting:
                yield case, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settings(soil_temperature: float) -> str:
    """Return what EnergyPlus needs beside the building: version, year, time step, water mains, soil."""
    parameters = SimulationParameter(
        SimulationOutput(
            None, include_sqlite=False, include_html=False, summary_reports=[], unmet_setpoint_tolerance=UNMET_TOLERANCE
        ),
        RunPeriod(),  # 2017 to honeybee, a common year whose 1 January is a Sunday
        TIMESTEPS,
        SimulationControl(False, False, False, False, True),
        terrain_type="City",
    )
    soil = generate_idf_string("Site:GroundTemperature:BuildingSurface", [soil_temperature] * 12)
    return "\n\n".join([energyplus_idf_version(ENERGYPLUS), parameters.to_idf(), soil])


def by_storey(series: xr.DataArray, found: Building, name: str) -> xr.DataArray:
    """Return a variable by storey; its keys hold the storey's name in capitals, before or after other words."""
    keys = series["key"].to_numpy().tolist()
    named = {}
    for storey in found.storeys:
        word = storey.upper()
        matches = [key for key in keys if word in (key.split(" ")[0], key.split("..")[-1])]
        if len(matches) != 1:
            raise EnergyPlusError(
                name, [f"storey {storey}: {len(matches)} series among {', '.join(keys)}, expected one"]
            )
        named[storey] = matches[0]
    return (
        series.sel(key=list(named.values()))
        .rename(key="storey")
        .assign_coords(storey=list(named))
        .transpose("storey", "hour")
    )


def _unmet_hours(run: Run) -> xr.DataArray:
    """Return the hours of the year in which zones miss set points, dims (variable, key)."""
    return xr.concat([run.variables[name].sum("hour") for name in UNMET], xr.DataArray(list(UNMET), dims="variable"))


def _unmet(run: Run, found: Building, name: str) -> list[str]:
    return [
        f"zone {storey} of {name}: {variable.lower()} of {float(hours):.0f} h, expected at most {UNMET_LIMIT:g} h"
        for variable in UNMET
        for storey, hours in zip(
            found.storeys, by_storey(run.variables[variable], found, name).sum("hour"), strict=True
        )
        if hours > UNMET_LIMIT
    ]


def _deviations(run: Run, demand: xr.DataArray) -> xr.DataArray:
    """Return by meter the largest hourly distance from the sum of its uses, relative to the meter's own peak."""
    total = demand.sum("storey")
    found = []
    for meter, uses in METERS.items():
        furthest = float(np.abs(run.meters[meter] - total.sel(use=list(uses)).sum("use")).max())
        peak = float(run.meters[meter].max())
        found.append(furthest / peak if peak > 0 else furthest)
    return xr.DataArray(found, dims="meter", coords={"meter": list(METERS)})


def _disagreements(run: Run, demand: xr.DataArray) -> list[str]:
    deviations = _deviations(run, demand)
    return [
        f"meter {meter} differs from its zones by {deviation:.2g} of its peak, expected at most {METER_TOLERANCE:g}"
        for meter, deviation in zip(METERS, deviations.to_numpy(), strict=True)
        if not deviation <= METER_TOLERANCE
    ]
