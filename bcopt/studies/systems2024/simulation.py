"""The pipeline's simulation stage: weather, the twelve prototypes in every variant, the heat balance of three storeys.

``python -m bcopt.studies.systems2024 simulation`` writes data/derived/loads.nc, data/derived/load_variants.nc,
data/derived/storey_balance.nc and the weather files in results/systems2024/weather.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from bcopt.compendium.files import round_significant, write_dataset
from bcopt.compendium.lifeline import Lifeline
from bcopt.compendium.parameters import Parameters, read_parameters
from bcopt.compendium.runner import put_into_place, run_alone, staged
from bcopt.loads import prototypes
from bcopt.loads.energyplus import EnergyPlusError, require_energyplus
from bcopt.loads.simulation import BALANCE, by_storey, demands, storeys
from bcopt.loads.solar import PhotovoltaicArray, ground_source_heat, roof_photovoltaics
from bcopt.loads.weather import CALENDAR
from bcopt.studies.systems2024 import demand, inputs

STAGE = "systems2024/simulation"
LOADS = Path("data/derived/loads.nc")
VARIANTS = Path("data/derived/load_variants.nc")
BALANCES = Path("data/derived/storey_balance.nc")
WEATHER = Path("results/systems2024/weather")
_UNITS = {"temperature": "degC", "heating": "kW"}
DIGITS = 6
"""Significant digits of simulated series: far below what the choices change, and a third of the bytes."""
DECIMALS = 4
"""Decimals kept beside: differences of equal numbers leave EnergyPlus with other last bits in every run."""


def central_variant(parameters: Parameters) -> demand.Variant:
    """Return the variant that params.yaml asks for."""
    chosen = parameters.systems2024
    weather = parameters.climate.epw or demand.Variant.weather
    return demand.Variant(chosen.program, chosen.hour_shift, chosen.neighbours, weather)


def run(root: Path, lifeline: Lifeline) -> None:
    """Simulate every variant, then put all results into place, or none if a simulation fails or the pipeline is gone.

    Raises
    ------
    InputError
        If an input table, params.yaml or a weather file of the user's own is faulty.
    EnergyPlusError
        If EnergyPlus cannot be loaded or fails for a cluster.
    """
    require_energyplus(STAGE)
    study = inputs.load(root)
    variants = demand.variants(central_variant(read_parameters(root)))
    central = variants["central"]
    with staged(STAGE, root) as staging:
        (staging / WEATHER).mkdir(parents=True)
        simulated = simulate_variants(study, variants, staging / WEATHER)
        under = {weather: _photovoltaics(study, weather) for weather in {v.weather: None for v in variants.values()}}
        sun = {name: under[variant.weather] for name, variant in variants.items()}
        loads = simulated["central"].assign(photovoltaics=sun["central"], ground_heat=_ground_heat(study))
        write_dataset(staging / LOADS, _rounded(loads.assign_attrs(_described(central))))
        write_dataset(staging / VARIANTS, _compared(simulated, sun))
        write_dataset(staging / BALANCES, storey_balance(study, central, staging / WEATHER))
        lifeline.check()
        put_into_place(staging, root, [WEATHER])


def simulate_variants(study: xr.Dataset, variants: dict[str, demand.Variant], folder: Path) -> dict[str, xr.Dataset]:
    """Simulate the clusters under every variant in parallel, with a progress bar.

    Returns
    -------
    dict of str to xr.Dataset, dims (cluster, use, hour)
        As :func:`bcopt.loads.simulation.cluster_demand` returns it, by variant.
    """
    cases = [(name, case) for name, variant in variants.items() for case in demand.cases(study, variant, folder)]
    found: dict[str, list[xr.Dataset]] = {name: [] for name in variants}
    results = tqdm(demands(case for _, case in cases), total=len(cases), desc=STAGE, unit="cluster", mininterval=2)
    for (name, _), (case, result) in zip(cases, results, strict=True):
        found[name].append(result.assign_coords(cluster=case.cluster.name))
    return {name: xr.concat(parts, "cluster") for name, parts in found.items()}


def storey_balance(study: xr.Dataset, central: demand.Variant, folder: Path) -> xr.Dataset:
    """Simulate x1 as a lone building, its homes as the standard has them, and return its storeys' balance in January.

    Returns
    -------
    xr.Dataset, dims (storey, hour)
        The terms of :data:`bcopt.loads.simulation.BALANCE` [W], air temperature [degC] and heating [kW].
    """
    lone = demand.cases(study, demand.Variant(neighbours=False, weather=central.weather), folder)[0]
    terms = {**BALANCE, "temperature": "Zone Mean Air Temperature"}
    found, run, of_storey = storeys(lone, list(terms.values()))
    balance = {name: by_storey(run.variables[term], found, lone.cluster.name) for name, term in terms.items()}
    balance["heating"] = of_storey.sel(use="heating", drop=True)
    january = xr.Dataset(balance).isel(hour=CALENDAR.month == 1)
    for name, array in january.items():
        array.attrs = {"units": _UNITS.get(str(name), "W"), "long_name": str(name).replace("_", " ")}
    return _rounded(january.assign_attrs(cluster=lone.cluster.name, month="January"))


def _described(variant: demand.Variant) -> dict[str, str | int]:
    """Return a variant as attributes of a file, with the hash of a weather file of the user's own."""
    values = {name: value if isinstance(value, str) else int(value) for name, value in asdict(variant).items()}
    return {**values, "weather_sha256": demand.PLACE.hash(variant.weather)}


def _photovoltaics(study: xr.Dataset, weather: str) -> xr.DataArray:
    """Return the power of the clusters' roofs over the year, dims (cluster, hour)."""
    roofs = prototypes.implied(demand.rebuilt(study), float(study["land_side"]))["footprint"]
    array = PhotovoltaicArray(tilt=float(study["module_tilt"]), roof_coverage=float(study["roof_coverage"]))
    return roof_photovoltaics(demand.PLACE.year(study, weather), roofs, array).transpose("cluster", "hour")


def _ground_heat(study: xr.Dataset) -> xr.DataArray:
    """Return the heat of the clusters' open land, dims (cluster)."""
    built = prototypes.implied(demand.rebuilt(study), float(study["land_side"]))
    return ground_source_heat(study["land_side"] ** 2 - built["footprint"], float(study["borehole_heat"]))


def _compared(simulated: dict[str, xr.Dataset], sun: dict[str, xr.DataArray]) -> xr.Dataset:
    """Return mean days of January and July and energies of the year by variant."""
    names = pd.Index(list(simulated), name="variant")
    days = xr.concat([demand.mean_days(found["demand"]) for found in simulated.values()], names)
    year = xr.concat([found["demand"].sum("hour") for found in simulated.values()], names)
    roofs = xr.concat([demand.mean_days(power) for power in sun.values()], names)
    return _rounded(
        xr.Dataset(
            {
                "mean_day": days.assign_attrs(units="kW", long_name="mean day of a month"),
                "annual": year.assign_attrs(units="kWh/a", long_name="energy of the year"),
                "photovoltaics": roofs.assign_attrs(units="kW", long_name="roof power on the mean day of a month"),
            }
        )
    )


def _rounded(dataset: xr.Dataset) -> xr.Dataset:
    """Return every series rounded to :data:`DIGITS` and :data:`DECIMALS`."""
    numbers = {
        name: array.copy(data=round_significant(np.round(array.to_numpy(), DECIMALS), DIGITS))
        for name, array in dataset.data_vars.items()
        if np.issubdtype(array.dtype, np.floating)
    }
    return dataset.assign(numbers)


def main() -> int:
    """Simulate as a stage of the pipeline."""
    return run_alone(STAGE, run, EnergyPlusError)
