"""Loads and sun of a district: what its tables give, and for the rest what EnergyPlus and pvlib make of its weather."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import xarray as xr

import bcopt.loads
from bcopt.compendium.files import round_significant, write_dataset
from bcopt.districts.folder import District
from bcopt.districts.schema import Cluster, LiftedCop
from bcopt.districts.uses import USES
from bcopt.districts.values import DAY
from bcopt.loads.solar import PhotovoltaicArray, roof_photovoltaics
from bcopt.loads.weather import CALENDAR, Station, read_weather, shipped_weather

Array = npt.NDArray[np.float64]
GROUND_TEMPERATURE = 10.0
"""Of boreholes where there is no weather [degC]."""
CACHE = ".simulated"
"""Folder in that of a district where simulated loads are kept."""
DIGITS, DECIMALS = 6, 4
"""Digits kept of simulated loads: far below what their inputs are known to."""


def demand(district: District) -> xr.Dataset:
    """Return what the clusters use and what their roofs give.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`. A cluster with any column in loads.csv uses nothing beside what is given.

    Returns
    -------
    xr.Dataset, dims (cluster, use, hour)
        ``demand`` (cluster, use, hour) and ``photovoltaics`` (cluster, hour) [kW]; ``simulated`` (cluster), bool.

    Raises
    ------
    InputError
        If the weather is faulty, or EnergyPlus is needed and is not there.
    EnergyPlusError
        If EnergyPlus fails for a cluster.
    """
    names = list(district.clusters)
    labels = {"cluster": names, "use": list(USES), "hour": district.hours.to_numpy()}
    found = xr.DataArray(np.zeros((len(names), len(USES), district.file.hours)), labels, tuple(labels))
    for (name, use), values in district.loads.items():
        found.loc[{"cluster": name, "use": use}] = values
    for name, of_uses in simulated(district).items():
        for use in of_uses["use"].to_numpy():
            found.loc[{"cluster": name, "use": use}] = of_uses.sel(use=use).to_numpy()
    by_simulation = xr.DataArray([district.is_simulated(name) for name in names], {"cluster": names}, "cluster")
    sun = photovoltaics(district)
    return xr.Dataset({"demand": found.assign_attrs(units="kW"), "photovoltaics": sun.assign_attrs(units="kW")}).assign(
        simulated=by_simulation
    )


def simulated(district: District) -> dict[str, xr.DataArray]:
    """Return the loads of the clusters that no table gives, by cluster, dims (use, hour) [kW].

    Each is kept in the district's folder by all that it depends on, and simulated once.
    """
    wanted = {name: own for name, own in district.clusters.items() if district.is_simulated(name)}
    if not wanted:
        return {}
    path = weather_path(district)
    kept = {name: district.folder / CACHE / f"{_signature(district, own, path)}.nc" for name, own in wanted.items()}
    missing = [name for name in wanted if not kept[name].is_file()]
    if missing:
        from bcopt.districts.simulation import simulate  # a second, for those who simulate

        for name, series in simulate(district, missing, path):
            rounded = round_significant(np.round(series.to_numpy(), DECIMALS), DIGITS)
            kept[name].parent.mkdir(exist_ok=True)
            write_dataset(kept[name], series.copy(data=rounded).to_dataset(name="demand"))
    return {name: _of_cycle(district, xr.load_dataset(kept[name])["demand"]) for name in wanted}


def photovoltaics(district: District) -> xr.DataArray:
    """Return the power of roofs: given, else from the weather, else none; dims (cluster, hour) [kW]."""
    names, hours = list(district.clusters), district.hours
    found = xr.DataArray(np.zeros((len(names), hours.size)), {"cluster": names, "hour": hours}, ("cluster", "hour"))
    covered = {name: own.floor_area / own.storeys * own.roof_share for name, own in district.clusters.items()}
    if district.file.weather and (left := [name for name in names if name not in district.photovoltaics]):
        weather = read_weather(weather_path(district))
        south = 180.0 if float(weather.attrs["latitude"]) >= 0 else 0.0
        area = xr.DataArray([covered[name] for name in left], {"cluster": left}, "cluster")
        power = roof_photovoltaics(weather, area, PhotovoltaicArray(azimuth=south, roof_coverage=1.0))
        found.loc[{"cluster": left}] = _of_cycle(district, power).transpose("cluster", "hour").to_numpy()
    for name, values in district.photovoltaics.items():
        found.loc[{"cluster": name}] = values
    return found


def source_temperature(district: District) -> xr.DataArray:
    """Return the temperature of what heat pumps draw on: the air outside, dims (hour), or the ground [degC].

    Boreholes have the mean temperature of the year's air, or without weather :data:`GROUND_TEMPERATURE`.
    """
    if not district.file.weather:
        return xr.DataArray(GROUND_TEMPERATURE)
    outside = read_weather(weather_path(district))["dry_bulb_temperature"]
    cop = district.file.devices.heat_pump.cop
    ground = isinstance(cop, LiftedCop) and cop.source == "ground"
    return outside.mean() if ground else _of_cycle(district, outside)


def weather_path(district: District) -> Path:
    """Return the file that a district's weather names: of its folder, or one that EnergyPlus carries."""
    name = district.file.weather or ""
    return shipped_weather(name) if name in get_args(Station) else district.folder / name  # type: ignore[arg-type]


def _of_cycle(district: District, series: xr.DataArray) -> xr.DataArray:
    """Return a year as the hours of the district: all of it, or the mean day of its month."""
    series = series.assign_coords(hour=np.arange(series.sizes["hour"]))
    if district.file.hours != DAY:
        return series
    of_month = series.assign_coords(clock=("hour", CALENDAR.hour)).isel(hour=CALENDAR.month == district.file.month)
    return of_month.groupby("clock").mean().rename(clock="hour").transpose(..., "hour")


def _signature(district: District, own: Cluster, path: Path) -> str:
    """Return the hash of all that the simulated loads of a cluster depend on."""
    shape = {key: getattr(own, key) for key in ("use", "floor_area", "storeys", "storey_height", "buildings")}
    text = json.dumps([shape, district.file.envelope.model_dump(), _sources()], sort_keys=True)
    return hashlib.sha256(text.encode() + path.read_bytes()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _sources() -> str:
    """Return the hash of the modules that simulate, so that loads of older ones are not taken for theirs."""
    every = sorted(Path(bcopt.loads.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in every)).hexdigest()
