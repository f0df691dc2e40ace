"""The pipeline's simulation stage: weather, the twelve prototypes in every variant, the heat balance of three storeys.

``python -m bcopt.studies.systems2024.simulation`` writes data/derived/loads.nc, data/derived/load_variants.nc,
data/derived/storey_balance.nc and the weather files in results/systems2024/weather.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import xarray as xr
from tqdm import tqdm

from bcopt.compendium.files import round_significant, write_dataset
from bcopt.compendium.parameters import Parameters, read_parameters
from bcopt.compendium.paths import project_root
from bcopt.compendium.runner import StageError, guarded
from bcopt.loads import prototypes
from bcopt.loads.energyplus import EnergyPlusError
from bcopt.loads.simulation import BALANCE, by_storey, demands, storeys
from bcopt.loads.solar import PhotovoltaicArray, ground_source_heat, roof_photovoltaics
from bcopt.loads.weather import CALENDAR, read_weather
from bcopt.studies.systems2024 import demand, inputs

STAGE = "systems2024/simulation"
LOADS = Path("data/derived/loads.nc")
VARIANTS = Path("data/derived/load_variants.nc")
BALANCES = Path("data/derived/storey_balance.nc")
WEATHER = Path("results/systems2024/weather")
_UNITS = {"temperature": "degC", "heating": "kW"}
DIGITS = 6
"""Significant digits of simulated series: far below what the choices change, and a third of the bytes."""


def central_variant(parameters: Parameters) -> demand.Variant:
    """Return the variant that params.yaml asks for."""
    chosen = parameters.systems2024
    weather = parameters.climate.epw or demand.Variant.weather
    return demand.Variant(chosen.program, chosen.hour_shift, chosen.neighbours, weather)


def run(root: Path) -> None:
    """Simulate every variant and write all results, or none if a simulation fails.

    Raises
    ------
    InputError
        If an input table, params.yaml or a weather file of the user's own is faulty.
    EnergyPlusError
        If EnergyPlus fails for a cluster.
    """
    study = inputs.load(root)
    variants = demand.variants(central_variant(read_parameters(root)))
    with tempfile.TemporaryDirectory(prefix="bcopt-weather-") as folder:
        simulated = simulate_variants(study, variants, Path(folder))
        balance = storey_balance(study, variants["central"], Path(folder))
        weather = read_weather(demand.weather_file(study, variants["central"].weather, Path(folder)))
        loads = _loads(study, simulated["central"], weather).assign_attrs(_described(variants["central"]))
        write_dataset(root / LOADS, loads)
        write_dataset(root / VARIANTS, _compared(simulated))
        write_dataset(root / BALANCES, balance)
        shutil.rmtree(root / WEATHER, ignore_errors=True)
        shutil.copytree(folder, root / WEATHER)


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
    """Simulate x1 as a lone building and return the heat balance of its storeys' air in January.

    Returns
    -------
    xr.Dataset, dims (storey, hour)
        The terms of :data:`bcopt.loads.simulation.BALANCE` [W], air temperature [degC] and heating [kW].
    """
    lone = demand.cases(study, replace(central, neighbours=False), folder)[0]
    terms = {**BALANCE, "temperature": "Zone Mean Air Temperature"}
    found, run, of_storey = storeys(lone, list(terms.values()))
    balance = {name: by_storey(run.variables[term], found, lone.cluster.name) for name, term in terms.items()}
    balance["heating"] = of_storey.sel(use="heating", drop=True)
    january = xr.Dataset(balance).isel(hour=CALENDAR.month == 1)
    for name, array in january.items():
        array.attrs = {"units": _UNITS.get(str(name), "W"), "long_name": str(name).replace("_", " ")}
    return _rounded(january.assign_attrs(cluster=lone.cluster.name, month="January"))


def _described(variant: demand.Variant) -> dict[str, str | int]:
    """Return a variant as attributes of a file."""
    return {name: value if isinstance(value, str) else int(value) for name, value in asdict(variant).items()}


def _loads(study: xr.Dataset, simulated: xr.Dataset, weather: xr.Dataset) -> xr.Dataset:
    """Return demand and supply potential of the clusters over the year."""
    built = prototypes.implied(demand.rebuilt(study), float(study["land_side"]))
    array = PhotovoltaicArray(tilt=float(study["module_tilt"]), roof_coverage=float(study["roof_coverage"]))
    open_land = study["land_side"] ** 2 - built["footprint"]
    return _rounded(
        simulated.assign(
            photovoltaics=roof_photovoltaics(weather, built["footprint"], array).transpose("cluster", "hour"),
            ground_heat=ground_source_heat(open_land, float(study["borehole_heat"])),
        )
    )


def _compared(simulated: dict[str, xr.Dataset]) -> xr.Dataset:
    """Return mean days of January and July and energies of the year by variant."""
    names = pd.Index(list(simulated), name="variant")
    days = xr.concat([demand.mean_days(found["demand"]) for found in simulated.values()], names)
    year = xr.concat([found["demand"].sum("hour") for found in simulated.values()], names)
    return _rounded(
        xr.Dataset(
            {
                "mean_day": days.assign_attrs(units="kW", long_name="mean day of a month"),
                "annual": year.assign_attrs(units="kWh/a", long_name="energy of the year"),
            }
        )
    )


def _rounded(dataset: xr.Dataset) -> xr.Dataset:
    """Return every series rounded to :data:`DIGITS`; deviations of meters keep their size and no more."""
    return dataset.map(lambda array: array.copy(data=round_significant(array.to_numpy(), DIGITS)), keep_attrs=True)


def main() -> int:
    """Simulate as a stage of the pipeline."""
    root = project_root()
    try:
        with guarded(STAGE, root) as lifeline:
            run(root)
            lifeline.check()
    except (ValueError, EnergyPlusError, FileNotFoundError, StageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
