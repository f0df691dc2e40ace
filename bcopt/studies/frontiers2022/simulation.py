"""The pipeline's simulation stage: the buildings of the three clusters in Guangzhou and the sun on their modules.

``python -m bcopt.studies.frontiers2022 simulation`` writes data/derived/frontiers2022_days.nc and the weather file in
results/frontiers2022/weather.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from tqdm import tqdm

from bcopt.compendium.files import round_significant, write_dataset
from bcopt.compendium.hourly import HOURS
from bcopt.compendium.inputs import Expected, check_dataset, read_arrays
from bcopt.compendium.lifeline import Lifeline
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.paths import project_root
from bcopt.compendium.problems import InputError
from bcopt.compendium.runner import put_into_place, run_alone, staged
from bcopt.loads.energyplus import EnergyPlusError, require_energyplus
from bcopt.loads.places import Place
from bcopt.loads.simulation import CARRIERS, Case, demands
from bcopt.loads.solar import STANDARD_IRRADIANCE, PhotovoltaicArray, photovoltaic_yield
from bcopt.loads.weather import CALENDAR
from bcopt.studies.frontiers2022 import inputs
from bcopt.studies.systems2024 import demand

STAGE = "frontiers2022/simulation"
DAYS = Path("data/derived/frontiers2022_days.nc")
WEATHER = Path("results/frontiers2022/weather")
BUILDINGS = {"x1": "residential", "x7": "office", "x8": "hotel", "x9": "mall"}
"""Prototypes of systems2024 that stand for the buildings, by what they are."""
PLACE = Place("Guangzhou", {"Miami morphed to Guangzhou": ("Miami", True), "Miami as it is": ("Miami", False)})
POSITIONS = {
    "roof, tilt 15°": PhotovoltaicArray(),
    "roof, flat": PhotovoltaicArray(tilt=0.0),
    "south facade": PhotovoltaicArray(tilt=90.0),
    "west facade": PhotovoltaicArray(tilt=90.0, azimuth=270.0),
}
"""Where modules may stand; the first is the study's."""
_SUNDAY = CALENDAR.day_of_year % 7 == 1  # the simulated year begins on a Sunday
_SATURDAY = CALENDAR.day_of_year % 7 == 0
OF_DAY: dict[str, npt.NDArray[np.bool_]] = {
    "mean day of July": CALENDAR.month == 7,
    "mean workday of July": (CALENDAR.month == 7) & ~_SUNDAY & ~_SATURDAY,
    "mean day of August": CALENDAR.month == 8,
}
"""Hours of the year that each typical day is the mean of."""
LABELS: dict[str, Sequence[Any]] = {
    "building": list(BUILDINGS.values()),
    "use": list(CARRIERS),
    "carrier": list(CARRIERS.values()),
    "position": list(POSITIONS),
    "day": list(OF_DAY),
    "hour": HOURS,
}
HELD = {
    "demand": Expected("kW", ("variant", "building", "use", "day", "hour"), lower=0.0),
    "photovoltaics": Expected("1", ("variant", "position", "day", "hour"), 0.0, 2.0),
    "air_temperature": Expected("degC", ("variant", "day", "hour"), -70.0, 60.0),
}
"""What the file of the typical days holds."""
DIGITS, DECIMALS = 6, 4
"""Kept of each number: what EnergyPlus repeats from run to run."""


@dataclass(frozen=True)
class Variant:
    """One way to simulate the buildings; the choices of the protocol by their names."""

    weather: str = "Miami morphed to Guangzhou"
    envelope: str = "hot summer and warm winter"


def variants(central: Variant) -> dict[str, Variant]:
    """Return the central variant and those that differ from it in one choice, by what they change."""
    other = "cold" if central.envelope != "cold" else Variant.envelope
    found = {"central": central, f"envelope: {other}": replace(central, envelope=other)}
    return found | {f"weather: {w}": replace(central, weather=w) for w in PLACE.weathers if w != central.weather}


def cases(variant: Variant, folder: Path, root: Path | None = None) -> list[Case]:
    """Return what is to be simulated: one prototype of each kind of building."""
    study = inputs.of_buildings(root, variant.envelope)
    every = demand.cases(study, demand.Variant(weather=variant.weather), folder, PLACE)
    return [case for case in every if case.cluster.name in BUILDINGS]


def typical_days(series: xr.DataArray) -> xr.DataArray:
    """Return the mean days of a year.

    Parameters
    ----------
    series : xr.DataArray, dims (..., hour)
        The 8,760 hours of a year.

    Returns
    -------
    xr.DataArray, dims (..., day, hour)
        Hours 0 to 23 of the days of :data:`OF_DAY`.
    """
    clock = series.assign_coords(clock=("hour", CALENDAR.hour))
    means = [clock.isel(hour=chosen).groupby("clock").mean() for chosen in OF_DAY.values()]
    return xr.concat(means, pd.Index(list(OF_DAY), name="day")).rename(clock="hour").transpose(..., "day", "hour")


def photovoltaics(weather: xr.Dataset) -> xr.DataArray:
    """Return the power of modules per rated power by where they stand, dims (position, day, hour) [1]."""
    found = {
        name: typical_days(photovoltaic_yield(weather, array) / (array.efficiency * STANDARD_IRRADIANCE))
        for name, array in POSITIONS.items()
    }
    power = xr.concat(list(found.values()), pd.Index(list(found), name="position"))
    return power.assign_attrs(units="1", long_name="power over rated power")


def simulate(chosen: dict[str, Variant], folder: Path, root: Path | None = None) -> xr.Dataset:
    """Simulate every variant in parallel, with a progress bar.

    Returns
    -------
    xr.Dataset, dims (variant, building, use, position, day, hour)
        ``demand`` [kW], ``photovoltaics`` [1] and ``air_temperature`` [degC].
    """
    tasks = [(name, case) for name, variant in chosen.items() for case in cases(variant, folder, root)]
    results = tqdm(demands(case for _, case in tasks), total=len(tasks), desc=STAGE, unit="cluster", mininterval=2)
    days: dict[str, list[xr.DataArray]] = {name: [] for name in chosen}
    for (name, _), (case, result) in zip(tasks, results, strict=True):
        days[name].append(typical_days(result["demand"]).assign_coords(building=BUILDINGS[case.cluster.name]))
    names = pd.Index(list(chosen), name="variant")
    climate = inputs.load(root)
    years = [PLACE.year(climate, variant.weather) for variant in chosen.values()]
    loads = xr.concat([xr.concat(parts, "building") for parts in days.values()], names)
    air = xr.concat([typical_days(year["dry_bulb_temperature"]) for year in years], names)
    return xr.Dataset(
        {
            "demand": loads.assign_attrs(units="kW", long_name="energy demand by use"),
            "photovoltaics": xr.concat([photovoltaics(year) for year in years], names),
            "air_temperature": air.assign_attrs(units="degC", long_name="outdoor air temperature"),
        }
    )


def run(root: Path, lifeline: Lifeline) -> None:
    """Simulate every variant, then put the result into place, or none if a simulation fails or the pipeline is gone.

    Raises
    ------
    InputError
        If an input table, params.yaml or a weather file of the user's own is faulty.
    EnergyPlusError
        If EnergyPlus cannot be loaded or fails for a building.
    """
    require_energyplus(STAGE)
    weather = read_parameters(root).climate.epw or Variant.weather
    chosen = variants(Variant(weather=weather))
    with staged(STAGE, root) as staging:
        (staging / WEATHER).mkdir(parents=True)
        found = simulate(chosen, staging / WEATHER, root)
        described = {**asdict(chosen["central"]), "weather_sha256": PLACE.hash(weather)}
        write_dataset(staging / DAYS, _rounded(found).assign_attrs(described))
        lifeline.check()
        put_into_place(staging, root, [WEATHER])


def _rounded(dataset: xr.Dataset) -> xr.Dataset:
    """Return every series rounded to :data:`DIGITS` and :data:`DECIMALS`."""
    rounded = {n: a.copy(data=round_significant(np.round(a, DECIMALS), DIGITS)) for n, a in dataset.data_vars.items()}
    return dataset.assign(rounded)


def read(root: Path | None = None) -> xr.Dataset:
    """Return what the stage wrote.

    Raises
    ------
    InputError
        If it has not run, its file is faulty, or the weather file of the user's own has changed since.
    """
    root = root or project_root()
    found = read_arrays(root / DAYS, root, STAGE.replace("/", "-"), ("weather", "envelope", "weather_sha256"))
    simulated = variants(Variant(found.attrs["weather"], found.attrs["envelope"]))
    check_dataset(found, HELD, DAYS.as_posix(), LABELS | {"variant": [*simulated]})
    weather = found.attrs["weather"]
    if PLACE.hash(weather) != found.attrs["weather_sha256"]:
        raise InputError(weather, ["changed since the simulation: run `dvc repro --force frontiers2022-simulation`"])
    return found


def main() -> int:
    """Simulate as a stage of the pipeline."""
    return run_alone(STAGE, run, EnergyPlusError)
